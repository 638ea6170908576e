"""Pictures at a server's own address: which are fetched, with what, and how much is read."""

from __future__ import annotations

import httpx
import pytest

from pinxit import Context, Image, ImagesResponse, InvalidProviderResponse, Settings
from pinxit_providers.fakes.asgi import picture
from pinxit_providers.protocols import downloads
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.pictures import Reader

KEY = "a-key-of-a-server-0123456789"
ENDPOINT = Endpoint(provider="box", base_url="http://box.test:8000/v1")


async def brought(
    *images: Image, reply: httpx.Response | None = None
) -> tuple[ImagesResponse, list[httpx.Request]]:
    """Return an answer with what was fetched, and the requests that were sent."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return reply or httpx.Response(200, content=picture(8, 8))

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        context = Context(http=http, settings=Settings({"api_key": KEY}))
        answer = ImagesResponse(data=images)
        reader = Reader(context, (KEY,))
        return await downloads.bring(ENDPOINT, answer, context, reader), seen


async def test_its_own_pictures_are_fetched_with_its_key() -> None:
    """The very host and port that the operator configured; what is said of a picture stays."""
    image = Image(url="http://box.test:8000/files/1.png?x=1", revised_prompt="a fox", seed=7)
    answer, [request] = await brought(image)
    assert str(request.url) == image.url
    assert request.headers["authorization"] == f"Bearer {KEY}"
    [found] = answer.data
    assert (found.url, found.info.size, found.revised_prompt, found.seed) == (
        None,
        "8x8",
        "a fox",
        7,
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://box.test/1.png",
        "https://box.test:8000/1.png",
        "http://box.test.elsewhere.test:8000/1.png",
        "http://127.0.0.1:8000/1.png",
    ],
)
async def test_nothing_else_is_fetched(url: str) -> None:
    """Another port, scheme or host is the router's affair, and gets no key."""
    answer, seen = await brought(Image(url=url))
    assert (answer.data[0].url, seen) == (url, [])


async def test_pictures_that_are_here_stay() -> None:
    """Nothing is asked for twice."""
    image = Image(picture(8, 8))
    answer, seen = await brought(image)
    assert answer.data[0] is image
    assert seen == []


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(404, json={"error": f"no file for {KEY}"}),
        httpx.Response(302, headers={"location": "http://elsewhere.test/1.png"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, headers={"content-length": str(2**40)}, content=b"x"),
    ],
    ids=["missing", "redirect", "page", "endless"],
)
async def test_what_cannot_be_fetched_may_have_been_paid_for(reply: httpx.Response) -> None:
    """It is no unknown model, nothing is followed, and no key is repeated."""
    with pytest.raises(InvalidProviderResponse) as caught:
        await brought(Image(url="http://box.test:8000/1.png"), reply=reply)
    assert caught.value.billing == "billed"
    assert KEY not in str(caught.value)
