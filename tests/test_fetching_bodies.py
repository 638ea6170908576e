"""Tests of `pinxit.fetching`: what comes back, and when."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Sequence

import httpcore
import pytest

from outside import (
    PNG,
    PUBLIC,
    REFUSAL,
    Names,
    Nowhere,
    Outside,
    answer,
    refused,
    serving,
)
from pinxit.fetching import Fetcher


async def test_endless_redirect_body_is_not_read() -> None:
    """What stands behind a redirect's headers is of no interest."""

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    async with serving(endless, answer()) as server:
        assert await Fetcher(allow_hosts=["127.0.0.1"])(server.url) == PNG


@pytest.mark.parametrize("length", ["65", "68719476736", "9" * 5000])
async def test_declared_length(length: str) -> None:
    """A body that is declared as too large is not read."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    async with serving(head) as server:
        fetch = Fetcher(allow_hosts=["127.0.0.1"], max_bytes=64)
        error = await refused(fetch, server.url)
    assert "64 bytes" in str(error) or len(length) > 4000


async def flood(writer: asyncio.StreamWriter, head: bytes, start: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + start)
    while True:
        writer.write(b"\0" * 65_536)
        await writer.drain()


async def test_endless_body() -> None:
    """An endless picture is cut at the limit."""
    async with serving(lambda writer: flood(writer, b"", PNG)) as server:
        fetch = Fetcher(allow_hosts=["127.0.0.1"], max_bytes=1_000_000)
        assert "1000000 bytes" in str(await refused(fetch, server.url))


async def test_endless_text() -> None:
    """What does not begin as a picture is not read to its end."""
    async with serving(lambda writer: flood(writer, b"", b"<html>")) as server:
        error = await refused(Fetcher(allow_hosts=["127.0.0.1"]), server.url)
    assert str(error).startswith("image_url: not a PNG")


async def test_endless_headers() -> None:
    """Headers without end are cut off."""

    async def headers(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Fill: " + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async with serving(headers) as server:
        error = await refused(Fetcher(allow_hosts=["127.0.0.1"]), server.url)
    assert isinstance(error.__cause__, httpcore.RemoteProtocolError)


async def test_gzip() -> None:
    """A store that answers in gzip although nobody asked is understood."""
    async with serving(answer(gzip.compress(PNG), "Content-Encoding: gzip")) as server:
        assert await Fetcher(allow_hosts=["127.0.0.1"])(server.url) == PNG


async def test_gzip_bomb() -> None:
    """The limit holds for what the bytes become."""
    bomb = gzip.compress(PNG + bytes(50_000_000))
    async with serving(answer(bomb, "Content-Encoding: gzip")) as server:
        fetch = Fetcher(allow_hosts=["127.0.0.1"], max_bytes=2_000_000)
        assert "2000000 bytes" in str(await refused(fetch, server.url))


@pytest.mark.parametrize(
    "raw",
    [
        answer(gzip.compress(PNG)[:-9], "Content-Encoding: gzip"),
        answer(b"not gzip", "Content-Encoding: gzip"),
        answer(PNG, "Content-Encoding: br"),
        answer(gzip.compress(gzip.compress(PNG)), "Content-Encoding: gzip, gzip"),
        answer(PNG)[:-5],
        answer(PNG, status="206 Partial Content"),
        answer(b"", status="304 Not Modified"),
        answer(b"", status="302 Found"),
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    ],
)  # fmt: skip
async def test_broken_answers(raw: bytes) -> None:
    """An answer that is cut off, coded otherwise, or none, is refused."""
    async with serving(raw) as server:
        assert str(await refused(Fetcher(allow_hosts=["127.0.0.1"]), server.url)) == REFUSAL


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"error": 1}', PNG[:12]])
async def test_no_picture(body: bytes) -> None:
    """The bytes decide what is a picture, not the declared type."""
    async with serving(answer(body, "Content-Type: image/png")) as server:
        error = await refused(Fetcher(allow_hosts=["127.0.0.1"]), server.url)
    assert str(error).startswith("image_url: ")


# Time


@pytest.mark.virtual_time
async def test_slow_drip() -> None:
    """A body that trickles is cut off, though each byte comes soon after the last."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + PNG)
        while True:
            await asyncio.sleep(3)
            writer.write(b"\0")
            await writer.drain()

    loop = asyncio.get_running_loop()
    async with serving(drip) as server:
        began = loop.time()
        assert str(await refused(Fetcher(allow_hosts=["127.0.0.1"]), server.url)) == REFUSAL
        assert loop.time() - began == pytest.approx(30)


@pytest.mark.virtual_time
async def test_slow_names() -> None:
    """The time-out covers the resolver."""

    async def slow(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(3600)
        return [PUBLIC]

    fetch = Fetcher(resolve=slow, backend=Nowhere(), timeout=5)
    began = asyncio.get_running_loop().time()
    assert str(await refused(fetch, "https://img.example/")) == REFUSAL
    assert asyncio.get_running_loop().time() - began == pytest.approx(5)


@pytest.mark.virtual_time
async def test_silent_handshake() -> None:
    """A server that says nothing to the greeting of TLS loses the connection when time is up."""
    async with serving() as server:
        backend = Outside(server, real_tls=True)
        fetch = Fetcher(
            resolve=Names([PUBLIC]), backend=backend, ssl_context=ssl.create_default_context()
        )
        # The error's traceback holds on to the connection: nothing but closing it closes it.
        error = await refused(fetch, "https://img.example/fox.png")
        await asyncio.wait_for(server.gone.wait(), 5)
    assert str(error) == REFUSAL


async def test_cancelled() -> None:
    """A caller who goes away takes the connection along."""
    started = asyncio.Event()

    async def hold(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + PNG)
        started.set()
        while True:
            writer.write(b"\0")
            await writer.drain()
            await asyncio.sleep(0.001)

    async with serving(hold) as server:
        task = asyncio.create_task(Fetcher(allow_hosts=["127.0.0.1"])(server.url))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.gone.wait(), 5)
