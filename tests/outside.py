"""The internet for tests of the fetcher: scripted servers on loopback, names, and ways to them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import httpcore
import pytest

from pinxit.addresses import is_public
from pinxit.errors import InvalidImage
from pinxit.fetching import Fetcher

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)
PUBLIC = "93.184.215.14"
REFUSAL = "image_url cannot be fetched: it must be the https:// URL of a picture on a public server"

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(body: bytes = PNG, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def redirect(location: str) -> bytes:
    return answer(b"", f"Location: {location}", status="302 Found")


@dataclass
class Server:
    """A scripted server on loopback: each connection gets the next answer."""

    answers: list[Answer]
    port: int = 0
    requests: list[str] = field(default_factory=list[str])
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/fox.png"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
                script = self.answers.pop(0)
                if callable(script):
                    await script(writer)
                else:
                    writer.write(script)
                    await writer.drain()
                writer.write_eof()
                await reader.read()
        finally:
            self.gone.set()
            writer.close()


@asynccontextmanager
async def serving(*answers: Answer, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    server = Server(list(answers))
    async with await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=tls) as listener:
        server.port = listener.sockets[0].getsockname()[1]
        yield server
        listener.close()
        if server.requests:
            await server.gone.wait()


class Names:
    """A resolver that says what it is told, one list after the other, and counts."""

    def __init__(self, *lists: Sequence[str]) -> None:
        self.lists = list(lists)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(f"{host}:{port}")
        return self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]


class PlainStream(httpcore.AsyncNetworkStream):
    """A connection on which TLS is only asked for."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, outside: Outside) -> None:
        self.inner = inner
        self.outside = outside

    async def read(self, max_bytes: int, *args: Any, **options: Any) -> bytes:
        return await self.inner.read(max_bytes)

    async def write(self, buffer: bytes, *args: Any, **options: Any) -> None:
        await self.inner.write(buffer)

    async def aclose(self) -> None:
        await self.inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        *args: Any,
        **options: Any,
    ) -> httpcore.AsyncNetworkStream:
        self.outside.names.append(server_hostname)
        if self.outside.real_tls:
            return await self.inner.start_tls(ssl_context, server_hostname)
        assert ssl_context.check_hostname
        assert ssl_context.verify_mode is ssl.CERT_REQUIRED
        return self


class Outside(httpcore.AsyncNetworkBackend):
    """The internet: notes where a connection goes and leads it to a server on loopback."""

    def __init__(self, server: Server, *, dead: Iterable[str] = (), real_tls: bool = False) -> None:
        self.server = server
        self.dead = frozenset(dead)
        self.real_tls = real_tls
        self.connected: list[str] = []
        self.names: list[str | None] = []

    async def connect_tcp(
        self, host: str, port: int, *args: Any, **options: Any
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append(f"{host}:{port}")
        if host in self.dead:
            raise httpcore.ConnectError("no route to host")
        real = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        return PlainStream(await real.connect_tcp("127.0.0.1", self.server.port), self)


class Nowhere(httpcore.AsyncNetworkBackend):
    """A network in which nobody may connect."""

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> Any:
        pytest.fail(f"connected to {host}:{port}")


class Unreachable(httpcore.AsyncNetworkBackend):
    """A network in which public addresses do not answer, and nobody may try another."""

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> Any:
        if not is_public(host):
            pytest.fail(f"connected to {host}:{port}")
        raise httpcore.ConnectError("no route to host")


async def nobody(host: str, port: int) -> Sequence[str]:
    raise OSError(f"{host}: name or service not known")


async def refused(fetch: Fetcher, url: str) -> InvalidImage:
    with pytest.raises(InvalidImage) as caught:
        await fetch(url)
    assert caught.value.param == "image_url"
    return caught.value
