"""The family of one call, by a service that exists nowhere."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import httpx
import pytest

from pinxit import (
    AuthenticationFailed,
    Capability,
    ContentRejected,
    Context,
    EditRequest,
    GenerateRequest,
    ImagesResponse,
    InputImages,
    InvalidProviderResponse,
    Model,
    ProviderError,
    QuotaExceeded,
    Settings,
)
from pinxit.payload import Image
from pinxit.testing.pictures import picture
from pinxit.types import Request
from pinxit_providers.protocols import media
from pinxit_providers.protocols.bodies import Part, form_request
from pinxit_providers.protocols.complaints import Vocabulary
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.media import Asked, Media
from pinxit_providers.protocols.plugin import Provider
from pinxit_providers.protocols.reading import LARGE, Reply
from replay import Upstream, form, image

KEY = "a-key-that-opens-nothing"
PNG = picture("png", 16, 16)
ENDPOINT = Endpoint(provider="acme", base_url="https://acme.test/v1", key_env=("ACME_KEY",))
WORDS = Vocabulary(refused=frozenset({"nsfw"}), spent=frozenset({"broke"}))
BRUSH = Model(
    id="acme/brush",
    operations={"generate": Capability(), "edit": Capability(images=InputImages())},
)


def _build(
    request: Request, model: Model, context: Context, *, threads: list[str] | None = None
) -> httpx.Request:
    if threads is not None:
        threads.append(threading.current_thread().name)
    images = getattr(request, "images", ())
    parts = [Part("image", f"image.{each.format}", each) for each in images]
    fields = {"model": model.name, "n": request.n}
    headers = ENDPOINT.request_headers(context, accept="image/*")
    return form_request(context, ENDPOINT.url(context, "/paint"), headers, fields, parts)


def _read(reply: Reply, asked: Asked, *, threads: list[str] | None = None) -> ImagesResponse:
    if threads is not None:
        threads.append(threading.current_thread().name)
    if reply.headers.get("x-verdict") == "hidden":
        raise ContentRejected("hidden", upstream_status=reply.status, billing="billed")
    return asked.reader.response([asked.reader.picture(reply.body)], {})


def plugin(**changes: Any) -> Provider:
    parts: dict[str, Any] = {"endpoint": ENDPOINT, "build": _build, "read": _read, **changes}
    return media.provider(Media(vocabulary=WORDS, **parts), BRUSH)


def acme(
    answer: httpx.Response | Callable[[httpx.Request], httpx.Response], **changes: Any
) -> Upstream:
    """Return the service with one answer."""
    return Upstream(plugin(**changes), answer, settings={"api_key": KEY})


def ok(content: bytes = PNG, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, content=content, headers={"content-type": "image/png", **named})


ASK = GenerateRequest(prompt="a fox", model="acme/brush")
EDIT = EditRequest(prompt="a hat", model="acme/brush", images=(image(),))


async def test_one_request_one_picture() -> None:
    """What is built is sent once, and what comes back is read."""
    upstream = acme(ok())
    found = await upstream(ASK)
    assert [each.data for each in found.data] == [PNG]
    assert [str(sent.url) for sent in upstream.sent] == ["https://acme.test/v1/paint"]
    assert upstream.last.headers["authorization"] == f"Bearer {KEY}"
    assert form(upstream.last) == ({"model": "brush", "n": "1"}, [])


async def test_the_preview_is_what_is_sent() -> None:
    """A plan shows the very bytes, boundary included."""
    upstream = acme(ok())
    await upstream(EDIT)
    async with httpx.AsyncClient() as http:
        context = Context(http=http, settings=Settings({"api_key": KEY}))
        shown = upstream.plugin.preview(EDIT, BRUSH, context)
    assert shown.content == upstream.last.content
    assert shown.headers["content-type"] == upstream.last.headers["content-type"]


async def test_what_is_read_knows_what_was_asked() -> None:
    """Whoever reads an answer gets the request, the model and a reader that knows the status."""
    seen: list[Asked] = []

    def read(reply: Reply, asked: Asked) -> ImagesResponse:
        seen.append(asked)
        return _read(reply, asked)

    await acme(httpx.Response(201, content=PNG), read=read)(ASK)
    assert (seen[0].request.model, seen[0].model, seen[0].reader.status) == (
        "acme/brush",
        BRUSH,
        201,
    )


async def test_without_a_key_nothing_is_sent() -> None:
    """A missing key is said before anything is built."""
    upstream = Upstream(plugin(), ok(), settings={})
    error = await upstream.error(ASK)
    assert isinstance(error, AuthenticationFailed)
    assert (error.billing, upstream.sent) == ("not_sent", [])
    assert "ACME_KEY" in str(error)


async def test_a_failure_is_what_the_vocabulary_says() -> None:
    """A status that is no success never reaches whoever reads pictures."""
    refused = await acme(httpx.Response(400, json={"code": "nsfw", "message": "no"})).error(ASK)
    assert isinstance(refused, ContentRejected)
    assert refused.billing == "unbilled"
    spent = await acme(httpx.Response(400, json={"code": "broke", "message": "no"})).error(ASK)
    assert isinstance(spent, QuotaExceeded)


async def test_a_refusal_inside_a_success() -> None:
    """Whoever reads may find that a success is none."""
    error = await acme(ok(x_verdict="hidden")).error(ASK)
    assert isinstance(error, ContentRejected)
    assert (error.billing, error.upstream_status) == ("billed", 200)


@pytest.mark.parametrize("body", [b"", b"<html>", PNG[:12], b"{}"])
async def test_bytes_that_are_no_picture(body: bytes) -> None:
    """A file of no use was paid for all the same."""
    error = await acme(ok(body)).error(ASK)
    assert isinstance(error, InvalidProviderResponse)
    assert error.billing == "billed"


async def test_redirects_are_not_followed() -> None:
    """A redirect is an unexpected status, and its target learns nothing."""
    away = httpx.Response(307, headers={"location": "https://elsewhere.test/"})
    upstream = acme(away)
    error = await upstream.error(ASK)
    assert isinstance(error, ProviderError)
    assert len(upstream.sent) == 1


class _Endless(httpx.AsyncByteStream):
    """A body that would go on for ever."""

    def __init__(self) -> None:
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield bytes(2**24)

    async def aclose(self) -> None:
        self.closed = True


async def test_an_endless_answer_is_given_up() -> None:
    """The answer has a bound, and its connection is closed."""
    body = _Endless()
    error = await acme(httpx.Response(200, stream=body)).error(ASK)
    assert isinstance(error, InvalidProviderResponse)
    assert body.closed


@pytest.mark.parametrize("secret", [KEY])
async def test_an_echoed_key_is_hidden(secret: str) -> None:
    """A provider that repeats the key does not make us repeat it."""
    echo = httpx.Response(400, json={"message": f"bad key {secret}"})
    assert secret not in str(await acme(echo).error(ASK))


async def test_large_bodies_are_made_and_read_elsewhere() -> None:
    """What takes long on many bytes does not hold up the event loop; what is small stays on it."""
    here = threading.current_thread().name
    threads: list[str] = []
    watched = {
        "build": partial(_build, threads=threads),
        "read": partial(_read, threads=threads),
    }
    await acme(ok(), **watched)(EDIT)
    assert threads == [here, here]
    # Bytes behind the end of a picture weigh as much as pixels; nothing here looks at them.
    heavy = PNG + bytes(LARGE)
    threads.clear()
    provider = plugin(**watched)
    transport = httpx.MockTransport(lambda _: ok(heavy))
    async with httpx.AsyncClient(transport=transport) as http:
        context = Context(http=http, settings=Settings({"api_key": KEY}))
        request = EDIT.model_copy(update={"images": (Image(heavy),)})
        await provider.edit(request, BRUSH, context)
    assert len(threads) == 2
    assert here not in threads
