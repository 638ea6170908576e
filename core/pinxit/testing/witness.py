"""A transport that plays a provider's server and remembers what it was asked."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, cast

import httpx

from pinxit.headers import sniff

__all__ = ["Answer", "Relay", "Witness", "body_of", "comparable", "status", "trouble"]

Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]

_SHORTEST_PICTURE = 40
"""Characters of base64: the smallest picture files are longer."""


class Witness(httpx.AsyncBaseTransport):
    """Answers as told, and keeps every request.

    Args:
        answer: The stand-in of the provider's server.
        fault: Answers one request instead.
        at: Which one, counted from 0.

    Attributes:
        requests: What came, oldest first, bodies loaded.
        reached: Set when the fault had its turn.
        closed: Whether the client gave up the request that stalled.
        fault: Answers one request instead, from `arm` on.
    """

    def __init__(self, answer: Answer, fault: Answer | None = None, *, at: int = 0) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self.reached = asyncio.Event()
        self.closed = False
        self.fault = fault
        self._at = at
        self._armed = False

    def arm(self) -> None:
        """Forget what came until now, such as the requests of a lifespan, and let the fault have its turn."""
        self.requests.clear()
        self._armed = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        # Bodies are streams, and are compared when the call is over.
        await request.aread()
        self.requests.append(request)
        if not self._armed or self.fault is None or len(self.requests) - 1 != self._at:
            return await self.answer(request)
        self.reached.set()
        return await self.fault(request)

    async def stall(self, request: httpx.Request) -> httpx.Response:
        """Never answer; a fault."""
        del request
        try:
            await asyncio.Event().wait()
        finally:
            self.closed = True
        raise AssertionError("nobody sets that event")

    async def stall_midway(self, request: httpx.Request) -> httpx.Response:
        """Begin to answer and never end; a fault."""
        del request
        headers = {"content-type": "application/json"}
        return httpx.Response(200, headers=headers, stream=_Stalled(self))

    def repeats(self) -> int:
        """Return how often the first request was sent."""
        first = comparable(self.requests[0])
        return sum(comparable(request) == first for request in self.requests)

    def pictures(self) -> list[bytes]:
        """Return the pictures that were sent, in order, in whatever clothes they came."""
        return [found for request in self.requests for found in _pictures(request)]


class Relay(httpx.AsyncBaseTransport):
    """Hands requests to whichever witness is there at the moment."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        return await self.witness.handle_async_request(request)


class _Stalled(httpx.AsyncByteStream):
    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"created": 1'
        await asyncio.Event().wait()

    async def aclose(self) -> None:
        self._witness.closed = True


def status(code: int, body: object = None, **headers: str) -> Answer:
    """Return a fault that answers with a status and a JSON body, or a page where *body* is text."""

    async def answer(request: httpx.Request) -> httpx.Response:
        del request
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, str):
            return httpx.Response(code, headers=named, html=body)
        return httpx.Response(code, headers=named, json={} if body is None else body)

    return answer


def trouble(error: type[httpx.TransportError]) -> Answer:
    """Return a fault that breaks the connection."""

    async def answer(request: httpx.Request) -> httpx.Response:
        raise error("trouble on the line", request=request)

    return answer


def comparable(request: httpx.Request) -> tuple[str, str, Any]:
    """Return method, URL and body; two requests that differ only in a form's boundary are alike."""
    return request.method, str(request.url), body_of(request)


def body_of(request: httpx.Request) -> Any:
    """Return the body to compare: JSON as data, anything else as bytes without its boundary."""
    content = request.content
    if boundary := _boundary(request):
        # A boundary made at random would make every form another request.
        return content.replace(boundary, b"boundary")
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content


def _boundary(request: httpx.Request) -> bytes:
    kind = request.headers.get("content-type", "")
    found = kind.partition("boundary=")[2].strip('"') if kind.startswith("multipart/") else ""
    return cast("str", found).encode()


def _pictures(request: httpx.Request) -> Iterator[bytes]:
    if boundary := _boundary(request):
        for part in request.content.split(b"--" + boundary):
            value = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            yield from _decoded(value.decode("latin-1")) if not sniff(value) else [value]
    elif sniff(request.content):
        yield request.content
    else:
        body = body_of(request)
        yield from _within(body if not isinstance(body, bytes) else body.decode("latin-1"))


def _within(value: object) -> Iterator[bytes]:
    """Yield the pictures in JSON data: base64 text or ``data:`` URLs at any depth."""
    if isinstance(value, dict):
        for inner in cast("dict[str, object]", value).values():
            yield from _within(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _within(inner)
    elif isinstance(value, str):
        yield from _decoded(value)


def _decoded(text: str) -> Iterator[bytes]:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if len(text) < _SHORTEST_PICTURE:
        return
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return
    if sniff(data):
        yield data
