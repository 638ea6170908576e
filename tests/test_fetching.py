"""Tests of `pinxit.fetching`."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import ssl
import subprocess
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpcore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinxit.errors import ConfigError, InvalidImage
from pinxit.fetching import MAX_REDIRECTS, Fetcher

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


async def nobody(host: str, port: int) -> Sequence[str]:
    raise OSError(f"{host}: name or service not known")


async def refused(fetch: Fetcher, url: str) -> InvalidImage:
    with pytest.raises(InvalidImage) as caught:
        await fetch(url)
    assert caught.value.param == "image_url"
    return caught.value


# What is sent, and where to


async def test_allowed_host() -> None:
    """A host that is allowed is asked over plain http, on any port, with nothing but the request."""
    async with (
        serving(answer()) as server,
        Fetcher(allow_hosts=[f"127.0.0.1:{server.port}"]) as fetch,
    ):
        assert await fetch(server.url + "?a=%20b#part") == PNG
    assert server.requests == [
        f"GET /fox.png?a=%20b HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUser-Agent: pinxit\r\n"
        "Accept: image/*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
    ]


async def test_public_host() -> None:
    """The connection goes to the address that was checked; TLS and the Host header have the name."""
    names = Names([PUBLIC, "2606:4700::1111"])
    async with serving(answer()) as server:
        outside = Outside(server)
        assert await Fetcher(resolve=names, backend=outside)("https://Img.Example./fox.png") == PNG
    assert names.asked == ["img.example:443"]
    assert outside.connected == [f"{PUBLIC}:443"]
    assert outside.names == ["img.example"]
    assert "\r\nHost: img.example\r\n" in server.requests[0]


async def test_public_address() -> None:
    """A URL may hold a public address, in any spelling; nobody is asked for it."""
    async with serving(answer()) as server:
        outside = Outside(server)
        fetch = Fetcher(resolve=Names([]), backend=outside)
        assert await fetch("https://0x5db8d70e/fox.png") == PNG
    assert outside.connected == [f"{PUBLIC}:443"]
    assert f"\r\nHost: {PUBLIC}\r\n" in server.requests[0]


async def test_next_address() -> None:
    """Where one address of a name is dead the next one is tried, but not all of a long list."""
    addresses = [f"1.1.1.{n}" for n in range(9)]
    async with serving(answer()) as server:
        outside = Outside(server, dead=addresses[:3])
        assert (
            await Fetcher(resolve=Names(addresses), backend=outside)("https://img.example") == PNG
        )
        assert outside.connected == [f"{a}:443" for a in addresses[:4]]
        outside = Outside(server, dead=addresses[:5])
        await refused(Fetcher(resolve=Names(addresses), backend=outside), "https://img.example")
        assert len(outside.connected) == 4


async def test_system_names() -> None:
    """Without a resolver of its own the system is asked, in threads that end with the fetcher."""
    async with serving(answer()) as server:
        url = f"http://localhost:{server.port}/fox.png"
        async with Fetcher(allow_hosts=["localhost"]) as fetch:
            assert await fetch(url) == PNG
            threads = [t for t in threading.enumerate() if t.name.startswith("pinxit-names")]
        assert threads
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive()


async def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name again, so none is used."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(answer()) as server:
        assert await Fetcher(allow_hosts=["127.0.0.1"])(server.url) == PNG


# Where nothing is sent


@pytest.mark.parametrize(
    "url",
    [
        "http://img.example/fox.png",
        "ftp://img.example/fox.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "https://",
        "https:///fox.png",
        "https://user@img.example/fox.png",
        "https://:secret@img.example/fox.png",
        "https://img.example\\@evil.example/",
        "https://img.example:22/",
        "https://img.example:0/",
        "https://img.example:99999/",
        "https://img example/",
        "https://exa%6dple.com/",
        "https://[::1",
        "//img.example/fox.png",
        "fox.png",
        "",
        "https://img.example/" + "a" * 70_000,
    ],
)
async def test_urls_that_are_not_asked(url: str) -> None:
    """Other schemes, credentials, other ports and what is no URL lead nowhere."""
    error = await refused(Fetcher(resolve=Names([PUBLIC]), backend=Nowhere()), url)
    assert str(error) == REFUSAL


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f.1", "017700000001", "0x7f000001", "0", "10.0.0.1",
        "169.254.169.254", "0xa9fea9fe", "192.168.0.1", "100.64.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00::1]",
        "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1",
        "167772161", "224.0.0.1", "255.255.255.255", "1.2.3.4.5", "256.256.256.256",
    ],
)  # fmt: skip
async def test_inner_addresses(host: str) -> None:
    """An address that is not public is not connected to, however it is written."""
    error = await refused(Fetcher(resolve=Names([PUBLIC]), backend=Nowhere()), f"https://{host}/")
    assert str(error) == REFUSAL


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.1.2.3"], ["::1"], ["::ffff:10.0.0.1"], ["fe80::1%eth0"], [PUBLIC, "10.0.0.1"], []],
)  # fmt: skip
async def test_names_of_inner_addresses(addresses: list[str]) -> None:
    """A name is refused when one of its addresses is not public, or it has none."""
    fetch = Fetcher(resolve=Names(addresses), backend=Nowhere())
    assert str(await refused(fetch, "https://img.example/")) == REFUSAL


URL_CHARACTERS = "ax.:/@\\[]%#?&=0127 \t\n\0-_\u00e9\u3002\uff11\U0001f98a"


@given(
    st.text(URL_CHARACTERS, max_size=20),
    st.sampled_from(["", "https://", "https://a@", "https://["]),
)
@settings(deadline=None)
def test_arbitrary_urls(text: str, start: str) -> None:
    """Whatever a caller sends as a URL, the error is one that names the field."""
    fetch = Fetcher(resolve=nobody, backend=Nowhere())
    asyncio.run(cast("Any", refused(fetch, start + text)))


async def test_rebinding() -> None:
    """A name that means something else the second time gains nothing: it is resolved once per hop."""
    names = Names([PUBLIC], ["127.0.0.1"])
    async with serving(answer()) as server:
        outside = Outside(server)
        fetch = Fetcher(resolve=names, backend=outside)
        assert await fetch("https://img.example/fox.png") == PNG
        assert names.asked == ["img.example:443"]
        await refused(fetch, "https://img.example/fox.png")
    assert outside.connected == [f"{PUBLIC}:443"]


async def test_rebinding_behind_a_redirect() -> None:
    """A redirect to the same name is judged by what the name means now."""
    async with serving(redirect("/again"), answer()) as server:
        outside = Outside(server)
        fetch = Fetcher(resolve=Names([PUBLIC], ["10.0.0.1"]), backend=outside)
        await refused(fetch, "https://img.example/fox.png")
    assert outside.connected == [f"{PUBLIC}:443"]


async def test_same_words_for_everything() -> None:
    """Open and closed ports, refused addresses, unknown names and bad answers read alike."""
    async with serving() as closed:
        pass
    async with serving(answer(status="404 Not Found"), answer(status="500 No")) as server:
        errors = [
            await refused(Fetcher(allow_hosts=["127.0.0.1"]), closed.url),
            await refused(Fetcher(allow_hosts=["127.0.0.1"]), server.url),
            await refused(Fetcher(allow_hosts=["127.0.0.1"]), server.url),
            await refused(Fetcher(), closed.url),
            await refused(Fetcher(), server.url),
            await refused(Fetcher(), f"https://127.0.0.1:{server.port}/"),
            await refused(Fetcher(), "https://127.0.0.1/"),
            await refused(Fetcher(resolve=nobody), "https://intranet/"),
            await refused(Fetcher(resolve=Names(["10.0.0.1"])), "https://intranet/"),
        ]
    assert {str(error) for error in errors} == {REFUSAL}
    assert all(error.__cause__ is not None for error in errors)


# Redirects


async def test_redirects() -> None:
    """Redirects are followed, relative ones too, and carry nothing along."""
    steps = [
        redirect("/b"),
        redirect("https://cdn.example/c"),
        redirect("//img.example/d"),
        answer(),
    ]
    async with serving(*steps) as server:
        outside = Outside(server)
        fetch = Fetcher(resolve=Names([PUBLIC]), backend=outside)
        assert await fetch("https://img.example/a?key=1") == PNG
    assert [r.split("\r\n")[0].split(" ")[1] for r in server.requests] == [
        "/a?key=1",
        "/b",
        "/c",
        "/d",
    ]
    assert outside.names == ["img.example", "img.example", "cdn.example", "img.example"]
    assert not any("referer" in r.lower() or "cookie" in r.lower() for r in server.requests)


async def test_too_many_redirects() -> None:
    """A fourth redirect is not followed."""
    async with serving(*[redirect("/again")] * (MAX_REDIRECTS + 2)) as server:
        fetch = Fetcher(resolve=Names([PUBLIC]), backend=Outside(server))
        assert str(await refused(fetch, "https://img.example/a")) == REFUSAL
    assert len(server.requests) == 1 + MAX_REDIRECTS


@pytest.mark.parametrize(
    "location",
    ["http://img.example/b", "https://127.0.0.1/b", "https://[::1]/", "https://img.example:8443/",
     "file:///etc/passwd", "https://user:pass@img.example/", "gopher://img.example/", "https://0x7f.1/", "http://["],
)  # fmt: skip
async def test_redirects_that_are_not_followed(location: str) -> None:
    """A redirect leads only where a URL may lead."""
    async with serving(redirect(location), answer()) as server:
        outside = Outside(server)
        fetch = Fetcher(resolve=Names([PUBLIC]), backend=outside)
        assert str(await refused(fetch, "https://img.example/a")) == REFUSAL
    assert len(outside.connected) == 1


# Bodies


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


# Certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of img.example and its key, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
    subprocess.run(
        [
            *command.split(),
            "-addext",
            "subjectAltName=DNS:img.example",
            "-keyout",
            key,
            "-out",
            cert,
        ],
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_text(key.read_text() + cert.read_text())
    return both


@pytest.mark.parametrize(("host", "accepted"), [("img.example", True), ("other.example", False)])
async def test_certificate(certificate: Path, host: str, accepted: bool) -> None:
    """The certificate must be the name's, whatever address answers."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate)
    ours = ssl.create_default_context(cafile=certificate)
    async with serving(answer(), tls=theirs) as server:
        backend = Outside(server, real_tls=True)
        fetch = Fetcher(resolve=Names([PUBLIC]), backend=backend, ssl_context=ours)
        if accepted:
            assert await fetch(f"https://{host}/fox.png") == PNG
        else:
            assert str(await refused(fetch, f"https://{host}/fox.png")) == REFUSAL
    assert len(server.requests) == accepted


async def test_unknown_authority(certificate: Path) -> None:
    """A certificate that nobody vouches for is refused."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate)
    async with serving(answer(), tls=theirs) as server:
        fetch = Fetcher(resolve=Names([PUBLIC]), backend=Outside(server, real_tls=True))
        await refused(fetch, "https://img.example/fox.png")
    assert not server.requests


# Allowed hosts


async def test_allowed_port() -> None:
    """Where a port is given with a host, no other one is allowed."""
    async with serving(answer(), answer()) as server:
        other = 80 if server.port != 80 else 81
        await refused(Fetcher(allow_hosts=[f"127.0.0.1:{other}"], backend=Nowhere()), server.url)
        assert await Fetcher(allow_hosts=[f"127.1:{server.port}"])(server.url) == PNG


async def test_allowed_host_is_no_way_out() -> None:
    """An allowed host is trusted, what it redirects to is not."""
    async with serving(redirect("http://127.0.0.2/"), redirect("https://10.0.0.1/")) as server:
        for _ in range(2):
            await refused(Fetcher(allow_hosts=["127.0.0.1"]), server.url)


@pytest.mark.parametrize(
    "entry", ["", "http://127.0.0.1", "127.0.0.1:port", "a b", "user@host", "host/path", "1.2.3.4.5", "[::1"]
)  # fmt: skip
def test_wrong_allowed_hosts(entry: str) -> None:
    """What is no host is a mistake of the configuration, and is named."""
    with pytest.raises(ConfigError, match="allow_hosts"):
        Fetcher(allow_hosts=[entry])


def test_passwords_of_allowed_hosts() -> None:
    """A password that slipped into the configuration does not slip into the error."""
    with pytest.raises(ConfigError) as caught:
        Fetcher(allow_hosts=["me:secret@127.0.0.1:8188"])
    assert "secret" not in repr(caught.value)
    assert caught.value.__suppress_context__
