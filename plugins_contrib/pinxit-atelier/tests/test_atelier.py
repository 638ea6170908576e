"""The conformance cases against the studio's stand-in, and what is this provider's own."""

import asyncio
from decimal import Decimal

import httpx
import pinxit_atelier
import pytest
from stand_in import studio

import pinxit
from pinxit.testing import ProviderTests, png

KEY = {"atelier": {"api_key": "k-1", "base_url": "https://api.atelier.example/v1"}}


class TestAtelier(ProviderTests):
    plugin = pinxit_atelier
    asgi = staticmethod(studio)
    rejection = (400, {"error": {"code": "unsafe_prompt", "message": "no weapons"}})


def paint(transport: httpx.AsyncBaseTransport, **fields: object) -> pinxit.ImagesResponse:
    """Paint a fox at a studio."""
    request = pinxit.GenerateRequest.model_validate(
        {"prompt": "a fox", "model": "atelier/easel", **fields}
    )

    async def work() -> pinxit.ImagesResponse:
        plugins = pinxit.Plugins(pinxit_atelier, discover=False)
        router = pinxit.Router(pinxit.Config(), plugins=plugins, settings=KEY, transport=transport)
        async with router:
            return await router.run(request)

    return asyncio.run(work())


def test_the_stated_price_is_what_it_cost() -> None:
    """What the studio states is exact; an odd size is made from one that it paints."""
    answer = paint(httpx.ASGITransport(studio), size="1000x750")
    assert (answer.report.cost, answer.report.cost_basis) == (Decimal("0.02"), "exact")
    assert str(answer.report.pictures[0]) == "png 1000x750"


@pytest.mark.parametrize("stated", ["", "free", "NaN", "-1"])
def test_a_price_that_cannot_be_read_is_estimated(stated: str) -> None:
    """An odd header does not spoil a picture that is paid for."""

    def odd(_: httpx.Request) -> httpx.Response:
        headers = {"content-type": "image/png", "x-cost": stated}
        return httpx.Response(200, content=png(1024, 1024), headers=headers)

    assert paint(httpx.MockTransport(odd)).report.cost_basis == "estimated"


def test_a_wrong_request_is_no_refusal() -> None:
    """A 400 of another code is the caller's or our mistake, and says nothing of content."""

    def strict(_: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"error": {"code": "bad_request", "message": "no"}})

    with pytest.raises(pinxit.PinxitError) as caught:
        paint(httpx.MockTransport(strict))
    assert not isinstance(caught.value, pinxit.ContentRejected)
