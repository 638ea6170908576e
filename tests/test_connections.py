"""When a connection is used again; see also the scenarios with hostile upstreams."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from pinxit.clients import create_client
from pinxit.connections import guard


@dataclass
class Connection:
    closed: int = 0
    error: BaseException | None = None

    async def aclose(self) -> None:
        self.closed += 1
        if self.error is not None:
            raise self.error


@dataclass
class Body(httpx.AsyncByteStream):
    """A body as httpx wraps it, with what its parser has not read."""

    unread: bytes | None = b""
    closed: int = 0
    chunks: list[bytes] = field(default_factory=lambda: [b"one", b"two"])

    def __post_init__(self) -> None:
        parser: Any = SimpleNamespace(trailing_data=(self.unread, False))
        if self.unread is None:
            parser = SimpleNamespace()
        way = SimpleNamespace(_connection=SimpleNamespace(_h11_state=parser))
        self._stream = SimpleNamespace(_httpcore_stream=SimpleNamespace(_stream=way))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk

    async def aclose(self) -> None:
        self.closed += 1


async def guarded(body: Body, connection: Connection | None) -> httpx.Response:
    extensions = {} if connection is None else {"network_stream": connection}
    response = httpx.Response(200, stream=body, extensions=extensions)
    await guard(response)
    return response


@pytest.mark.parametrize(("unread", "closed"), [(b"", 0), (b"HTTP/1.1 200 OK", 1), (None, 1)])
async def test_a_connection_stays_open_only_if_it_is_known_to_be_clean(
    unread: bytes | None, closed: int
) -> None:
    """Bytes behind the answer close it, and so does a parser that cannot be found."""
    body, connection = Body(unread), Connection()
    response = await guarded(body, connection)
    assert await response.aread() == b"onetwo"
    assert (connection.closed, body.closed) == (closed, 1)


async def test_a_transport_without_connections_has_none_closed() -> None:
    """Whoever plays answers from memory is told of the end, once for each time."""
    body = Body()
    response = await guarded(body, None)
    assert await response.aread() == b"onetwo"
    await response.aclose()
    assert body.closed == 1


async def test_an_answer_is_forgotten_with_its_last_owner() -> None:
    """No circle keeps an upload of megabytes until Python looks for circles."""

    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Body())

    async with create_client(httpx.MockTransport(answer)) as client:
        gc.collect()
        gc.disable()
        try:
            response = await client.post("http://a.test/", files={"image": b"png"})
            request = weakref.ref(response.request)
            assert request() is not None
            del response
            assert request() is None
        finally:
            gc.enable()


async def test_the_pool_hears_of_the_end_whatever_happens() -> None:
    """A caller who leaves while a connection is closed does not leave the pool in doubt."""
    body = Body(b"rest")
    response = await guarded(body, Connection(error=asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        await response.aclose()
    assert body.closed == 1
