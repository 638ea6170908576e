"""Tests of `pinxit.fetching`: what is asked, and where."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outside import (
    PNG,
    PUBLIC,
    REFUSAL,
    Names,
    Nowhere,
    Outside,
    Unreachable,
    answer,
    nobody,
    redirect,
    refused,
    serving,
)
from pinxit.errors import ConfigError
from pinxit.fetching import MAX_REDIRECTS, Fetcher

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
    """Whatever a caller sends as a URL, the error names the field, and only public addresses are tried."""
    fetch = Fetcher(resolve=nobody, backend=Unreachable())
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
