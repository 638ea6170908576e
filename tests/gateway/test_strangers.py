"""What strangers try: bombs, other people's networks and files, keys in the wrong place."""

from __future__ import annotations

import asyncio
import socket
import struct
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.scene import Scene
from pinxit.gateway.keys import hash_key
from pinxit.testing.pictures import picture

EDITS = "/v1/images/edits"
GENERATIONS = "/v1/images/generations"


def png_bomb(edge: int) -> bytes:
    """A PNG of a few bytes that says that it is *edge* by *edge* pixels of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    packed = zlib.compressobj(9)
    data = packed.compress(bytes(10_000_000)) + packed.flush()
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("edge", [20_000, 65_500, 2**31 - 1])
@pytest.mark.parametrize("field", ["image", "mask"])
async def test_bombs_are_not_opened(
    http: httpx.AsyncClient, scene: Scene, field: str, edge: int
) -> None:
    """A picture that would fill the memory is refused by its header; nobody decodes it."""
    files = {"image": picture(), field: png_bomb(edge)}
    tracemalloc.start()
    try:
        answer = await http.post(EDITS, data={"prompt": "p"}, files=files)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, field)
    assert not scene.provider.calls
    assert peak < 50 * 2**20


def many_parts() -> Iterator[bytes]:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    yield from (part * 1000 for _ in range(200))
    yield b"--b--\r\n"


def long_header() -> Iterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="prompt"; filename="'
    yield from (b"x" * 65_536 for _ in range(160))
    yield b'"\r\n\r\np\r\n--b--\r\n'


def many_headers() -> Iterator[bytes]:
    yield b"--b\r\n"
    yield from (b"x-a: b\r\n" * 8192 for _ in range(160))
    yield b'Content-Disposition: form-data; name="prompt"\r\n\r\np\r\n--b--\r\n'


@pytest.mark.parametrize("body", [many_parts, long_header, many_headers])
async def test_forms_without_end(http: httpx.AsyncClient, scene: Scene, body: Any) -> None:
    """200,000 parts, ten megabytes of a part's header or of its headers: little is read, nothing is kept."""
    read = 0

    async def sent() -> AsyncIterator[bytes]:
        nonlocal read
        for piece in body():
            read += len(piece)
            yield piece

    headers = {"content-type": "multipart/form-data; boundary=b"}
    tracemalloc.start()
    try:
        answer = await http.post(EDITS, content=sent(), headers=headers)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 400
    # The gateway reads a megabyte on, so that its answer arrives.
    assert read < 3 * 2**20
    assert peak < 20 * 2**20
    assert not scene.provider.calls


LOOPBACK = [
    "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "127.0.0.1.", "LOCALHOST.",
]  # fmt: skip
ELSEWHERE = [
    "http://169.254.169.254/latest/meta-data", "https://10.0.0.1/a.png", "https://[fd00::1]/a.png",
    "https://user:pw@127.0.0.1/a.png", "https://100.64.0.1/a", "ftp://example.com/a.png",
    "file:///etc/passwd", "gopher://127.0.0.1/", "//127.0.0.1/a.png", "/etc/passwd", "../../etc/passwd",
    "https://", "http://[", "https://exa mple/a", "HTTPS://127.0.0.1", "data:text/html,<p>",
]  # fmt: skip


@pytest.mark.parametrize("field", ["image", "mask"])
async def test_nobody_is_sent_into_our_network(
    http: httpx.AsyncClient, scene: Scene, field: str
) -> None:
    """However this machine is spelt, nothing connects, and open and closed ports look the same."""
    good = {"image": picture()}
    said: set[str] = set()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        listener.setblocking(False)
        opened, closed = listener.getsockname()[1], other.getsockname()[1]
        other.close()
        urls = [f"http://{host}:{port}/a.png" for host in LOOPBACK for port in (opened, closed)]
        for url in [*urls, *ELSEWHERE]:
            files = good if field == "mask" else {}
            answer = await http.post(
                EDITS, data={"prompt": "p", field: url}, files=files or {"x": ("", b"")}
            )
            assert answer.status_code == 400, url
            assert answer.json()["error"]["param"] == field, url
            if url in urls:
                said.add(answer.json()["error"]["message"])
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert len(said) == 1
    assert not scene.provider.calls


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../pinxit.toml", "/assets/x/../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/assets//etc/passwd", "/assets/x/..%2f..%2fetc%2fpasswd", "/assets/x/key", "/assets/key",
        "/v1/models/../../etc/passwd", "/v1/images/models/%00", "/assets/x/" + "a" * 64 + ".png/..",
        "/assets/\\..\\..\\x", "/v1/models/" + "x" * 20_000,
    ],
)  # fmt: skip
async def test_no_path_leads_to_a_file(http: httpx.AsyncClient, scene: Scene, path: str) -> None:
    """Nothing outside is read; the folder's own key is no picture either."""
    (scene.folder / "key").write_text("the signing key of this folder, 32 or more")
    answer = await http.get(path)
    assert answer.status_code in {403, 404}
    assert "signing key" not in answer.text
    assert len(answer.content) < 2000


async def test_file_names_write_nothing(
    http: httpx.AsyncClient, scene: Scene, tmp_path: Path
) -> None:
    """A name with a path is a name of nothing: the picture is used, and no file appears."""
    for name in ("../../x.png", "/tmp/x.png", "..\\x.png", "\0", "a\r\nx-evil: 1", "x" * 2000):
        answer = await http.post(
            EDITS, data={"prompt": "p"}, files={"image": (name, picture(), "image/png")}
        )
        assert answer.status_code == 200
        assert "x-evil" not in answer.headers
        assert scene.request.images[0].filename is None
    assert not list(scene.folder.iterdir())


async def test_keys_are_taken_from_headers_only() -> None:
    """A key in the URL would end in every log; it opens nothing."""
    scene = Scene(keys={"ann": hash_key("secret")})
    async with scene.client() as http:
        for query in ("api_key=secret", "key=secret", "access_token=secret", "x-api-key=secret"):
            answer = await http.post(f"{GENERATIONS}?{query}", json={"prompt": "p"})
            assert answer.status_code == 401
        cookie = await http.post(
            GENERATIONS, json={"prompt": "p"}, headers={"cookie": "api_key=secret"}
        )
        assert cookie.status_code == 401
        user = await http.post(GENERATIONS, json={"prompt": "p"}, auth=("ann", "secret"))
        assert user.status_code == 401
    assert not scene.provider.calls


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
async def test_pages_of_others_are_invited_by_nothing(http: httpx.AsyncClient, method: str) -> None:
    """No answer allows a stranger's page to read it, and nothing here counts for the public."""
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for path in (GENERATIONS, "/v1/models", "/health", "/metrics"):
        answer = await http.request(method, path, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert path != "/metrics" or answer.status_code == 404


async def test_errors_are_short_whatever_they_are_about(http: httpx.AsyncClient) -> None:
    """Megabytes of a field, of its name or of a value are not sent back."""
    long = "x" * 2_000_000
    bodies: list[dict[str, Any]] = [
        {long: 1}, {"quality": long}, {"size": long}, {"model": long}, {"fallbacks": [long]},
        {"orq": {long: 1}}, {"identity": {"id": long}}, {"retry": {long: 1}}, {"needs": [long]},
        {"require": [long]}, {"timeout": {"call_timeout": long}}, {"metadata": {long: 1}},
        {"extra": {long: long}}, {"order": long}, {"svg": {"model": {"a": long}}}, {"thread": {"id": long}},
    ]  # fmt: skip
    for body in bodies:
        answer = await asyncio.wait_for(http.post(GENERATIONS, json={"prompt": "p"} | body), 10)
        assert answer.status_code in {400, 404}, next(iter(body))[:20]
        assert len(answer.content) < 4000, next(iter(body))[:20]
