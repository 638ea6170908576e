"""What carries requests: whose errors it raises, what it sends, and what it leaves alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import DefaultCookiePolicy

import httpx
import pytest

from pinxit.testing import Answer, ChaosUpstream, Ok, Received, Script, Silence, Wire
from pinxit.transport import HEADER, PIECE, AiohttpTransport


@asynccontextmanager
async def server(
    script: Script = (), patience: httpx.Timeout | None = None
) -> AsyncGenerator[tuple[httpx.AsyncClient, ChaosUpstream]]:
    """Open an upstream, and a client of httpx that reaches it through aiohttp."""
    async with (
        ChaosUpstream(script) as upstream,
        httpx.AsyncClient(
            transport=AiohttpTransport(), base_url=upstream.base_url, timeout=patience
        ) as client,
    ):
        yield client, upstream


class Raw:
    """Says some bytes and hangs up."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    async def play(self, request: Received, wire: Wire) -> None:
        for piece in self.pieces:
            await wire.raw(piece)
        await wire.close()


HEAD = b"HTTP/1.1 200 OK\r\n"
BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "half a head": HEAD,
    "two lengths": HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "a length that is none": HEAD + b"content-length: -1\r\n\r\n",
    "half a body": HEAD + b"content-length: 9\r\n\r\nhalf",
    "half a chunk": HEAD + b"transfer-encoding: chunked\r\n\r\nff\r\nhalf",
    "a long header": HEAD + b"x: " + b"x" * 2 * HEADER + b"\r\ncontent-length: 0\r\n\r\n",
    "many headers": HEAD + b"x: y\r\n" * 1_000 + b"content-length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_breaks_after_the_order_is_never_called_unsent(name: str) -> None:
    """A call that may have been paid for is not one that failed to connect."""
    async with server(Raw(BROKEN[name])) as (client, upstream):
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await client.post("/images/generations", json={"prompt": "a fox"})
    assert len(upstream.requests) == 1
    # aiohttp quotes what came, and the whole address; neither is for an error's message.
    assert "SSH" not in str(caught.value)
    assert "images" not in str(caught.value)


async def test_a_reset_is_an_error_of_reading() -> None:
    """Also where it comes before a single byte of the answer."""

    class Reset:
        async def play(self, request: Received, wire: Wire) -> None:
            await wire.reset()

    async with server(Reset()) as (client, _):
        with pytest.raises(httpx.ReadError):
            await client.post("/images/generations")


async def test_silence_ends_with_the_time_out_of_the_request() -> None:
    """The extension of httpx counts, before the headers and inside the body."""
    for step in (Silence(), Silence("inside")):
        async with server(step, httpx.Timeout(None, read=0.05)) as (client, _):
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/images/generations")


async def test_whoever_cannot_be_reached_was_sent_nothing() -> None:
    """A closed port, a name that does not resolve, an address that is none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with httpx.AsyncClient(transport=AiohttpTransport()) as client:
        for url in (f"http://127.0.0.1:{port}/", "http://no-such-host.invalid/"):
            with pytest.raises(httpx.ConnectError):
                await client.post(url)
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.post("ftp://127.0.0.1/")


async def test_a_handshake_that_takes_too_long_was_sent_nothing() -> None:
    """A server that accepts and then says nothing to TLS is a connection that did not come about."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        timeout = httpx.Timeout(None, connect=0.1)
        async with httpx.AsyncClient(transport=AiohttpTransport(), timeout=timeout) as client:
            with pytest.raises(httpx.ConnectTimeout):
                await client.post(url)


async def test_a_server_without_tls_was_sent_nothing() -> None:
    """No byte of a request is written before the handshake."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    plain = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/"
    async with plain, httpx.AsyncClient(transport=AiohttpTransport()) as client:
        with pytest.raises(httpx.ConnectError):
            await client.post(url)


async def test_nothing_is_added_and_nothing_changed() -> None:
    """The request arrives as httpx made it: its path as it was signed, its headers, its body."""
    async with server() as (client, upstream):
        request = client.build_request(
            "POST",
            "/images/generations?a=%7E%2f&b=c+d;e",
            headers=[("X-Twice", "1"), ("X-Twice", "2"), ("Accept", "a/b")],
            content=b"{}",
        )
        del request.headers["user-agent"], request.headers["accept-encoding"]
        sent = sorted(request.headers.multi_items())
        await client.send(request)
    [received] = upstream.requests
    assert received.query == "a=%7E%2f&b=c+d;e"
    assert sorted(received.headers.multi_items()) == sent
    assert received.body == b"{}"


@pytest.mark.parametrize("size", [0, 1, PIECE, 3 * PIECE + 1])
async def test_bodies_arrive_whole(size: int) -> None:
    """Whatever their size, and whether httpx has them in memory, in a form, or as a stream."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    async def pieces() -> AsyncIterator[bytes]:
        yield body[:1000]
        yield body[1000:]

    async with server() as (client, upstream):
        await client.post("/images/generations", content=body)
        await client.post("/images/generations", content=pieces())
        await client.post("/images/edits", files={"image": ("a.png", body)}, data={"n": "1"})
    first, second, form = upstream.requests
    assert first.body == second.body == body
    assert second.headers["transfer-encoding"] == "chunked"
    assert body in form.body
    assert form.headers["content-length"] == str(len(form.body))


async def test_nothing_is_unpacked_kept_or_followed_here() -> None:
    """Compression is httpx's business, which its callers bound; cookies and redirects are nobody's."""
    headers = {"location": "/v1/elsewhere", "set-cookie": "a=b", "content-encoding": "gzip"}
    async with server(Answer(307, body=b"not gzip", headers=headers)) as (client, upstream):
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for _ in range(2):
            async with client.stream("POST", "/images/generations") as response:
                assert response.status_code == 307
                assert b"".join([piece async for piece in response.aiter_raw()]) == b"not gzip"
    assert len(upstream.requests) == 2
    assert "cookie" not in upstream.requests[1].headers


async def test_an_answer_is_as_httpx_shows_it() -> None:
    """Status, words, repeated headers and the version of HTTP."""
    async with server(Answer(299, body=b"body", headers={"x-a": "1"})) as (client, _):
        response = await client.post("/images/generations")
    assert (response.status_code, response.content) == (299, b"body")
    assert response.http_version == "HTTP/1.1"
    assert response.headers["x-a"] == "1"
    assert response.request.url.path == "/v1/images/generations"


async def test_whoever_leaves_closes_the_connection() -> None:
    """Before the headers by cancelling, inside the body by closing."""
    async with server(Silence()) as (client, upstream):
        task = asyncio.create_task(client.post("/images/generations"))
        async with asyncio.timeout(3):
            while not upstream.requests:  # noqa: ASYNC110 - the upstream has no event for it
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait_for(upstream.requests[0].finished.wait(), 3)
    async with server(Silence("inside")) as (client, upstream):
        async with client.stream("POST", "/images/generations"):
            pass
        await asyncio.wait_for(upstream.requests[0].finished.wait(), 3)
        assert upstream.requests[0].disconnected


async def test_a_connection_is_used_again_unless_something_came_behind_the_answer() -> None:
    """Whole answers, halves and blanks alike: whoever says too much shakes hands again."""
    behind = {b"": 1, b"HTTP/1.1 200 OK\r\ncontent-le": 3, HEAD + b"content-length: 1\r\n\r\nx": 3}
    for extra, connections in behind.items():

        class Talkative:
            async def play(self, request: Received, wire: Wire) -> None:
                await Ok().play(request, wire)
                if extra:  # noqa: B023 - played before the next round
                    await wire.raw(extra)  # noqa: B023

        async with server(Talkative()) as (client, upstream):
            for _ in range(3):
                assert (await client.post("/images/generations")).is_success
                await asyncio.sleep(0.01)
            assert upstream.connections == connections, extra


async def test_a_client_that_was_never_used_has_nothing_to_close() -> None:
    """No session is opened, and no certificates are read, before the first request."""
    transport = AiohttpTransport()
    await transport.aclose()
