"""What a connection may cost: raw bytes against a real server."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Self

import httpx
import pytest

from gateway.scene import Scene, running
from pinxit import Image, ImagesResponse
from pinxit.gateway.keys import hash_key
from pinxit.testing.pictures import picture

BODY = b'{"prompt": "p"}'
HEAD = b"POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GOOD = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


class Wire:
    """One raw connection."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=15)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def push(self, first: bytes, more: bytes) -> int:
        """Send without end until the server closes; return how many bytes it let through."""
        sent, data = 0, first + more
        try:
            while sent < 200_000_000:
                self.socket.sendall(data)
                sent, data = sent + len(data), more
        except (ConnectionResetError, BrokenPipeError):
            pass
        return sent

    def read_to_end(self) -> bytes:
        """Read until the server closes."""
        data = b""
        try:
            while chunk := self.socket.recv(65536):
                data += chunk
        except ConnectionResetError:
            pass
        return data

    def read_answer(self) -> tuple[int, bytes]:
        """Read one answer that has a length."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self.socket.recv(65536)
            assert chunk, f"closed after {data!r}"
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        while len(body) < length:
            body += self.socket.recv(65536)
        return int(head.split()[1]), body


@pytest.fixture(scope="module")
def impatient() -> Iterator[str]:
    """The URL of a gateway that waits for nobody."""
    with running(Scene(header_timeout=0.4, body_timeout=0.4, max_body=2_000_000)) as server:
        yield server.url


def test_a_raw_request(impatient: str) -> None:
    """The same connection serves one request after the other."""
    with Wire(impatient) as wire:
        for _ in range(3):
            wire.send(GOOD)
            assert wire.read_answer()[0] == 200


def test_pipelined_requests(impatient: str) -> None:
    """Requests sent without waiting are answered in order, one answer each."""
    with Wire(impatient) as wire:
        wire.send(GOOD * 2 + b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = wire.read_to_end()
    assert [part.split()[0] for part in data.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404"]


SMUGGLED: dict[str, bytes] = {
    "two lengths": HEAD + b"Content-Length: 15\r\nContent-Length: 3\r\n\r\n" + BODY,
    "length and chunks": HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "odd chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "length with a sign": HEAD + b"Content-Length: +15\r\n\r\n" + BODY,
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n" + BODY,
    "folded header": HEAD + b"X-A: 1\r\n 2\r\nContent-Length: 15\r\n\r\n" + BODY,
    "NUL": HEAD + b"X-A: \0\r\nContent-Length: 15\r\n\r\n" + BODY,
    "blank before the colon": HEAD + b"Content-Length : 15\r\n\r\n" + BODY,
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/9": b"GET / HTTP/9.9\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", SMUGGLED)
def test_what_can_be_read_in_two_ways_is_refused(impatient: str, kind: str) -> None:
    """One answer, 400, in the usual form, and the connection ends: nothing is smuggled behind it."""
    with Wire(impatient) as wire:
        wire.send(SMUGGLED[kind] + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        data = wire.read_to_end()
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"\r\nx-request-id: req_" in head
    assert json.loads(body)["error"]["code"] == "invalid_http"
    assert b"nowhere" not in body


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"X-A: " + b"x" * 70_000, id="one header"),
        pytest.param(b"X-A: 1\r\n" * 9000, id="many headers"),
    ],
)
def test_endless_headers_are_cut(impatient: str, start: bytes) -> None:
    """Headers are not collected without end."""
    with Wire(impatient) as wire:
        assert (
            wire.push(HEAD, start) < 20_000_000
        )  # what the buffers of both sides hold, and no more


def test_endless_trailers_are_cut(impatient: str) -> None:
    """What follows the last chunk is bounded too."""
    with Wire(impatient) as wire:
        wire.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-A: ")
        assert wire.push(b"", b"x" * 100_000) < 100_000_000


def test_small_chunks_are_no_crime(impatient: str) -> None:
    """A body byte by byte has more punctuation than letters."""
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    with Wire(impatient) as wire:
        wire.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n")
        assert wire.read_answer()[0] == 200


@pytest.mark.parametrize(
    "start",
    [b"", b"POST /v1", HEAD, b"\r\n\r\n"],
    ids=["nothing", "half a line", "headers", "blank"],
)
def test_slow_headers_are_cut(impatient: str, start: bytes) -> None:
    """A connection on which no request comes does not stay."""
    with Wire(impatient) as wire:
        wire.send(start)
        started = time.monotonic()
        data = wire.read_to_end()
        assert time.monotonic() - started < 5
    assert not data or data.startswith(b"HTTP/1.1 408")


def test_slow_headers_on_a_used_connection_are_cut(impatient: str) -> None:
    """The second request gets no more time than the first."""
    with Wire(impatient) as wire:
        wire.send(GOOD)
        assert wire.read_answer()[0] == 200
        wire.send(b"POST /v1")
        assert wire.read_to_end().startswith(b"HTTP/1.1 408")


def test_slow_bodies_are_cut(impatient: str) -> None:
    """Half a body is answered, and the connection closed."""
    with Wire(impatient) as wire:
        wire.send(HEAD + b"Content-Length: 100\r\n\r\n{")
        data = wire.read_to_end()
    assert data.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_a_declared_10_gb_is_refused_unread(impatient: str, expect: bytes) -> None:
    """The refusal comes at once, nothing is asked for, and the connection closes."""
    with Wire(impatient) as wire:
        wire.send(HEAD + expect + b"Content-Length: 10000000000\r\n\r\n")
        data = wire.read_to_end()
    assert data.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in data
    assert b"100 Continue" not in data


def test_expectations_are_met(impatient: str) -> None:
    """A client that asks first is told to go on."""
    with Wire(impatient) as wire:
        wire.send(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
        assert wire.socket.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.send(BODY)
        assert wire.read_answer()[0] == 200


def test_the_answer_to_a_refused_upload_arrives(impatient: str) -> None:
    """A client that is still sending reads why it should stop."""
    with httpx.Client(base_url=impatient) as http:
        answer = http.post("/v1/images/generations", content=b"x" * 3_000_000)
    assert answer.status_code == 413


def test_idle_connections_do_not_slow_others(impatient: str) -> None:
    """Two hundred silent callers, and one who asks."""
    wires = [Wire(impatient) for _ in range(200)]
    try:
        with Wire(impatient) as wire:
            started = time.monotonic()
            wire.send(GOOD)
            assert wire.read_answer()[0] == 200
            assert time.monotonic() - started < 1.5
    finally:
        for wire in wires:
            wire.socket.close()


def test_upgrades_are_ignored(impatient: str) -> None:
    """Nobody changes the protocol here."""
    with Wire(impatient) as wire:
        wire.send(
            b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        status, body = wire.read_answer()
    assert (status, json.loads(body)) == (200, {"status": "ok"})


def test_a_caller_who_does_not_read_is_cut() -> None:
    """Megabytes for somebody who leaves them lying are let go."""
    large = Image(picture("png", 1200, 1200, noise=255))
    scene = Scene({"a": [ImagesResponse(data=(large,) * 10)]}, write_timeout=0.5)
    with running(scene) as server, Wire(server.url) as wire:
        body = b'{"prompt": "p", "n": 10, "model": "s/a"}'
        wire.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        wait_for(lambda: scene.provider.names == ["a"])
        wait_for(lambda: bool(server.server_state.connections), 1)
        wait_for(lambda: not server.server_state.connections)


def test_a_caller_who_hangs_up_ends_the_work() -> None:
    """The connection's end reaches the provider's call within moments."""
    scene = Scene({"a": [3600.0]})
    with running(scene) as server:
        with Wire(server.url) as wire:
            wire.send(GOOD)
            wait_for(lambda: scene.provider.names == ["a"])
        wait_for(lambda: scene.provider.cancelled == ["a"])


def test_wrong_keys_over_the_wire() -> None:
    """Credentials of every shape are 401 with a whole error body, before the body is read."""
    with running(Scene(keys={"ann": hash_key("k")})) as server:
        for line in (
            b"",
            b"Authorization: Bearer \xff\xfe\r\n",
            b"X-Api-Key: " + b"x" * 30_000 + b"\r\n",
        ):
            with Wire(server.url) as wire:
                wire.send(HEAD + line + b"Content-Length: 100000\r\n\r\n")
                data = wire.read_to_end()
            assert data.startswith(b"HTTP/1.1 401")
            error = json.loads(data.partition(b"\r\n\r\n")[2])["error"]
            assert error.keys() == {"message", "type", "param", "code"}


def wait_for(condition: object, seconds: float = 10) -> None:
    """Look again and again, and give up at last."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
