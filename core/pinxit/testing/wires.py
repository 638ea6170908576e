"""The two wires: a socket, and a queue with httpx at its other end."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Coroutine
from http.client import responses
from typing import Any, TypeVar

import httpx

from .exchange import Received

__all__ = ["LIMIT", "MemoryBody", "MemoryWire", "SocketWire"]

T = TypeVar("T")

LIMIT = 1_000_000
"""Bytes of headers that the upstream reads, and that its transport lets httpx see."""


class SocketWire:
    """A wire on a real connection.

    Attributes:
        done: Whether the answer is complete, or never will be.
        closed: Whether the connection cannot be used again.
    """

    def __init__(self, writer: asyncio.StreamWriter, request: Received) -> None:
        self._writer = writer
        self._request = request
        self._chunked = False
        self.done = False
        self.closed = False

    async def start(self, status: int, headers: dict[str, str]) -> None:
        """Send the status and the headers; without a ``content-length`` the body is chunked."""
        lines = [f"HTTP/1.1 {status} {responses.get(status, 'Odd')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if not any(name.lower() == "content-length" for name in headers):
            self._chunked = True
            lines.append("transfer-encoding: chunked")
        await self.raw("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def send(self, data: bytes) -> None:
        """Send a part of the body."""
        if data:
            await self.raw(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
            self._request.sent += len(data)

    async def end(self) -> None:
        """Say that the body is complete."""
        self.done = True
        if self._chunked:
            await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()
        # A flood must leave room for the client, which often lives in the same loop.
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Close the connection in good manners."""
        self.done = self.closed = True
        self._writer.close()

    async def reset(self) -> None:
        """Break the connection."""
        self.done = self.closed = True
        connection: socket.socket = self._writer.get_extra_info("socket")
        # Without lingering, closing discards what is unsent and sends a RST.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class MemoryWire:
    """A wire whose other end is an `httpx.Response`.

    Attributes:
        head: The status and the headers, or why there are none.
        parts: The body's parts, then ``None`` at a proper end or the error that ends it.
        done: Whether the answer is complete, or never will be.
    """

    def __init__(self, request: Received) -> None:
        self.head: asyncio.Future[tuple[int, dict[str, str]]]
        self.head = asyncio.get_running_loop().create_future()
        # Few, so that an endless body waits for its reader as it does on a socket.
        self.parts = asyncio.Queue[bytes | Exception | None](maxsize=4)
        self.request = request
        self.done = False
        self._raw = 0

    async def start(self, status: int, headers: dict[str, str]) -> None:
        """Hand over the status and the headers."""
        self.head.set_result((status, headers))

    async def send(self, data: bytes) -> None:
        """Hand over a part of the body, when there is room."""
        await self.parts.put(data)
        self.request.sent += len(data)

    async def end(self) -> None:
        """Say that the body is complete."""
        self.done = True
        await self.parts.put(None)

    async def raw(self, data: bytes) -> None:
        """Count bytes of headers without end, and fail like a client that had too many."""
        self._raw += len(data)
        if self._raw > LIMIT and not self.head.done():
            await self.fail(httpx.RemoteProtocolError("too many bytes of headers"))
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    async def close(self) -> None:
        """End as httpx does when a server closes the connection."""
        await self.fail(httpx.RemoteProtocolError("the server disconnected before the end"))

    async def reset(self) -> None:
        """End as httpx does when a connection breaks."""
        await self.fail(httpx.ReadError("connection reset by peer"))

    async def fail(self, error: Exception) -> None:
        """End with an error, wherever the answer is."""
        self.done = True
        if self.head.done():
            await self.parts.put(error)
        else:
            self.head.set_exception(error)

    async def relay(self, play: Coroutine[Any, Any, None]) -> None:
        """Run a step; its own failure is the client's to see."""
        try:
            await play
        # A bug in somebody's step has to reach their test, or the client would wait for ever.
        except Exception as error:  # noqa: BLE001
            await self.fail(error)
        finally:
            self.request.finished.set()


class MemoryBody(httpx.AsyncByteStream):
    """The body of an answer while it is played.

    Args:
        wire: Where it comes from.
        play: The task that writes it.
        patience: Seconds to wait for each part: httpx's read time-out.
    """

    def __init__(
        self, wire: MemoryWire, play: asyncio.Future[None], patience: float | None
    ) -> None:
        self._wire = wire
        self._play = play
        self._patience = patience

    async def head(self) -> tuple[int, dict[str, str]]:
        """Wait for the status and the headers."""
        return await self._wait(self._wire.head)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self._wait(self._wire.parts.get())) is not None:
            if isinstance(part, Exception):
                raise part
            yield part

    async def aclose(self) -> None:
        """Leave; a step that is still at work is stopped."""
        if not self._play.done():
            self._wire.request.disconnected = not self._wire.done
            self._play.cancel()
        await asyncio.wait({self._play})

    async def _wait(self, news: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._patience):
                return await news
        except TimeoutError:
            raise httpx.ReadTimeout("the upstream says nothing") from None
