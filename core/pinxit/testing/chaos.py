"""An upstream that misbehaves on purpose, to see what a client of the Images API makes of it.

::

    async with ChaosUpstream([RateLimited(retry_after=2), Reset()]) as upstream:
        ...                                # point a client at upstream.base_url
        assert len(upstream.requests) == 3  # 429, reset, and then all is well

It speaks HTTP/1.1 on a real socket of the loopback interface, written by hand so that it can break the
rules. `ChaosUpstream.transport` plays the same script to `httpx` without a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import httpx

from .answers import Ok
from .exchange import Received, Step
from .wires import LIMIT, MemoryBody, MemoryWire, SocketWire

__all__ = ["ChaosUpstream", "Script"]

Script = Step | Sequence[Step] | Mapping[str, Step | Sequence[Step]]
"""A step answers every request. A sequence answers one request with each of its steps, and all further ones
well. A mapping has either per model (the request's ``model``), per path (how it ends, such as
``/images/edits``), or for all others (``*``)."""


class ChaosUpstream:
    """A scripted server that looks like OpenAI's Images API.

    Args:
        script: How requests are answered, in the order in which they come; `Ok` where it says nothing.
        host: The address to listen on; the port is free to choose for the system.

    Attributes:
        requests: Every complete request, in the order of arrival.
        connections: How many connections there were.
    """

    def __init__(self, script: Script = (), *, host: str = "127.0.0.1") -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self._host = host
        self._address: str | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._bugs: list[BaseException] = []
        named = script if isinstance(script, Mapping) else {"*": script}
        # Lists of our own: steps are taken out of them, and the script given may be used again.
        self._scripts: dict[str, Step | list[Step]] = {
            key: list(steps) if isinstance(steps, Sequence) else steps
            for key, steps in named.items()
        }

    @property
    def base_url(self) -> str:
        """What to give a client; a name that resolves nowhere while the server is not running."""
        return f"http://{self._address or 'chaos.test'}/v1"

    @property
    def open_connections(self) -> int:
        """How many connections clients hold open at the moment."""
        return len(self._tasks)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a transport for `httpx.AsyncClient` that plays the script without a socket."""
        return _Transport(self)

    def step(self, request: Received) -> Step:
        """Take the script's next step for a request."""
        paths = [key for key in self._scripts if key[0] == "/" and request.path.endswith(key)]
        for key in (request.value("model") or "*", *paths, "*"):
            script = self._scripts.get(key)
            if isinstance(script, list):
                return script.pop(0) if script else Ok()
            if script is not None:
                return script
        return Ok()

    async def play(self, request: Received, wire: SocketWire | MemoryWire) -> None:
        """Record a request and answer it; a wire that is still open afterwards is closed."""
        self.requests.append(request)
        request.at = asyncio.get_running_loop().time()
        await self.step(request).play(request, wire)
        # A step that just returns has hung up.
        if not wire.done:
            await wire.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, self._host, 0, limit=LIMIT)
        host, port = self._server.sockets[0].getsockname()[:2]
        self._address = f"{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
            # Connections that were just accepted get their tasks in the next turn of the loop.
            await asyncio.sleep(0)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.wait_closed()
        self._server = self._address = None
        if self._bugs and error is None:
            raise self._bugs[0]

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(
            self._serve(reader, writer, self.connections), name=f"chaos {self.connections}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._disconnected)

    def _disconnected(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            self._bugs.append(bug)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        try:
            ahead: bytes | None = b""
            while ahead is not None and (request := await _read(reader, ahead)) is not None:
                request.connection = number
                ahead = await self._exchange(request, SocketWire(writer, request), reader)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        finally:
            # Whoever does not read would keep a connection open that has something to send.
            writer.transport.abort()

    async def _exchange(
        self, request: Received, wire: SocketWire, reader: asyncio.StreamReader
    ) -> bytes | None:
        """Answer a request, unless the client goes away first.

        Returns:
            What the client sent meanwhile, or ``None`` where the connection cannot be used again.
        """
        answer = asyncio.ensure_future(self.play(request, wire))
        news = asyncio.ensure_future(_news(reader))
        try:
            await asyncio.wait({answer, news}, return_when=asyncio.FIRST_COMPLETED)
            if news.done() and news.result():
                # The next request is on its way: from here on a farewell goes unnoticed.
                await asyncio.wait({answer})
            request.disconnected = not answer.done() and not wire.done
        finally:
            answer.cancel()
            news.cancel()
            await asyncio.wait({answer, news})
            if not answer.cancelled() and isinstance(answer.exception(), OSError):
                request.disconnected = True
            request.finished.set()
        if wire.closed or request.disconnected:
            return None
        if not answer.cancelled():
            answer.result()
        return b"" if news.cancelled() else news.result()


async def _news(reader: asyncio.StreamReader) -> bytes:
    """Wait for the client to say something, or to go: then there are no bytes."""
    try:
        return await reader.read(1)
    except OSError:
        return b""


async def _read(reader: asyncio.StreamReader, ahead: bytes) -> Received | None:
    """Read a request, or return ``None`` where the client went away or talks nonsense."""
    try:
        head = ahead + await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = [line.split(":", 1) for line in lines if line]
        headers = httpx.Headers([(name, value.strip()) for name, value in pairs])
        body = await _read_body(reader, headers)
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
        return None
    path, _, query = target.partition("?")
    return Received(method, path, query, headers, body)


async def _read_body(reader: asyncio.StreamReader, headers: httpx.Headers) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    parts: list[bytes] = []
    while size := int((await reader.readline()).partition(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return b"".join(parts)


class _Transport(httpx.AsyncBaseTransport):
    """Plays a script to httpx."""

    def __init__(self, upstream: ChaosUpstream) -> None:
        self._upstream = upstream

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        body = await request.aread()
        received = Received(request.method, path, query, request.headers.copy(), body)
        wire = MemoryWire(received)
        play = asyncio.ensure_future(wire.relay(self._upstream.play(received, wire)))
        stream = MemoryBody(wire, play, request.extensions.get("timeout", {}).get("read"))
        async with AsyncExitStack() as unless_answered:
            # However the wait ends, a cancellation included, the step must not go on alone.
            unless_answered.push_async_callback(stream.aclose)
            status, headers = await stream.head()
            unless_answered.pop_all()
        return httpx.Response(status, headers=headers, stream=stream)
