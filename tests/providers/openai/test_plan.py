"""A plan shows the very request that is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pinxit import (
    Context,
    EditRequest,
    GenerateRequest,
    Image,
    InvalidImage,
    Model,
    VariationRequest,
)
from pinxit_providers.fakes.openai import FakeOpenAI
from pinxit_providers.openai import PLUGIN as openai


def requests_of(model: Model, draw: Callable[..., Image]) -> list[Any]:
    makers: dict[str, Callable[[], Any]] = {
        "generate": lambda: GenerateRequest(prompt="a fox", size="1024x1024", user="u"),
        "edit": lambda: EditRequest(prompt="a hat", images=(draw(),), mask=draw(alpha=True)),
        "variation": lambda: VariationRequest(images=(draw(),)),
    }
    return [makers[operation]() for operation in model.operations]


async def test_a_plan_shows_what_is_sent(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, draw: Callable[..., Image]
) -> None:
    """For every model and operation the preview and the request are the same, byte for byte."""
    for model in models.values():
        for request in requests_of(model, draw):
            fake.received.clear()
            planned = openai.preview(request, model, context)
            await getattr(openai, request.operation)(request, model, context)
            (received,) = fake.received
            assert planned.method == received.method == "POST"
            assert planned.url.path == received.path
            assert planned.content == received.body
            assert dict(planned.headers) == dict(received.headers)


async def test_no_picture_can_forge_a_part(
    models: dict[str, Model], context: Context, draw: Callable[..., Image]
) -> None:
    """The boundary follows from the whole form, so a picture that holds one gets another."""
    picture = draw()
    request = EditRequest(prompt="a hat", images=(picture,))
    header = openai.preview(request, models["gpt-image-2"], context).headers["content-type"]
    boundary = header.partition("boundary=")[2]
    forged = Image(picture.data + f'\r\n--{boundary}\r\nContent-Disposition: x; name="n"'.encode())
    other = EditRequest(prompt="a hat", images=(forged,))
    assert (
        boundary
        not in openai.preview(other, models["gpt-image-2"], context).headers["content-type"]
    )
    assert (
        boundary in openai.preview(request, models["gpt-image-2"], context).headers["content-type"]
    )


async def test_what_is_no_picture_is_not_sent(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """An input that is no picture is the caller's mistake and costs nothing."""
    request = EditRequest(prompt="a hat", images=(Image(b"GIF? no."),))
    with pytest.raises(InvalidImage):
        await openai.edit(request, models["gpt-image-2"], context)
    assert not fake.received
