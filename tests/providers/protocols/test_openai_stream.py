"""Streams of OpenAI's shape, where a provider tells more than OpenAI does."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest

from pinxit import Context, Settings
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.protocols.complaints import SILENT
from pinxit_providers.protocols.openai_stream import read_stream
from pinxit_providers.protocols.pictures import Reader, dollars

PNG = picture_base64(16, 16)


@pytest.mark.parametrize(
    ("costs", "expected"),
    [((0.25,), "0.25"), ((0.25, 0.5), "0.75"), ((0.25, None), None), ((None,), None)],
)
async def test_the_cost_of_a_stream(costs: tuple[float | None, ...], expected: str | None) -> None:
    """Finished pictures cost together what each of them says; one that is silent leaves it open."""
    events = [{"type": "x.completed", "b64_json": PNG, "cost": cost} for cost in costs]
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    context = Context(http=httpx.AsyncClient(), settings=Settings({}))
    async with context.http:
        answer = await read_stream(
            httpx.Response(200, text=text),
            context,
            Reader(context, ()),
            len(costs),
            vocabulary=SILENT,
            cost=lambda event: dollars(event["cost"]),
        )
    assert answer.cost == (None if expected is None else Decimal(expected))
    assert len(answer.data) == len(costs)
