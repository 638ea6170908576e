"""Bodies: how they are encoded, how large they may be, and how slow."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.scene import Scene
from pinxit.testing.pictures import mask, picture

PNG = picture()


def data_url(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


async def test_chunked_bodies(http: httpx.AsyncClient, scene: Scene) -> None:
    """A stream without a length is read like any other body."""

    async def pieces() -> AsyncIterator[bytes]:
        for letter in b'{"prompt": "in pieces"}':
            yield bytes([letter])

    answer = await http.post("/v1/images/generations", content=pieces())
    assert answer.status_code == 200
    assert scene.request.prompt == "in pieces"


async def test_json_edits(http: httpx.AsyncClient, scene: Scene) -> None:
    """Pictures in JSON are pictures all the same."""
    pictures = [{"image_url": data_url(PNG)}, {"image_url": data_url(PNG)}]
    body = {"prompt": "p", "images": pictures, "mask": {"image_url": data_url(mask())}}
    assert (await http.post("/v1/images/edits", json=body)).status_code == 200
    assert [image.data for image in scene.request.images] == [PNG, PNG]
    assert scene.request.mask is not None


async def test_parts_in_any_order(http: httpx.AsyncClient, scene: Scene) -> None:
    """Files may come before the text that says what to do with them."""
    files: Any = [
        ("image", ("x.txt", PNG, "text/plain")),
        ("prompt", (None, "p")),
        ("n", (None, "2.0")),
    ]
    assert (await http.post("/v1/images/edits", files=files)).status_code == 200
    assert (scene.request.n, scene.request.images[0].format) == (2, "png")


async def test_forms_make_pictures_too(http: httpx.AsyncClient, scene: Scene) -> None:
    """A generation may be asked for with a form, as from a page or a shell."""
    assert (await http.post("/v1/images/generations", data={"prompt": "a b"})).status_code == 200
    assert scene.request.prompt == "a b"


async def test_declared_types_may_lie(http: httpx.AsyncClient) -> None:
    """What a file is says its first bytes; a page that calls itself a PNG is refused, and named."""
    files = {"image": ("in.png", b"<html></html>", "image/png")}
    answer = await http.post("/v1/images/edits", data={"prompt": "p"}, files=files)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": "image: not a PNG, JPEG, WebP, GIF, AVIF or SVG picture, but HTML or XML",
        "type": "invalid_request_error",
        "param": "image",
        "code": "invalid_image",
    }


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({"content-type": "text/csv"}, b"prompt", 415, "unsupported_media_type"),
        ({"content-type": "application/xml; x=\xff"}, b"<a/>", 415, "unsupported_media_type"),
        ({"content-type": ";;;=,"}, b"{}", 400, "invalid_request"),
        ({"content-type": "multipart/form-data"}, b"", 400, "invalid_request_body"),
        ({"content-type": "multipart/mixed; boundary=x"}, b"", 415, "unsupported_media_type"),
        ({"content-encoding": "gzip"}, b"\x1f\x8b", 415, "unsupported_media_type"),
        ({"content-encoding": "br, gzip"}, b"x", 415, "unsupported_media_type"),
        ({"content-type": "text/json; charset=utf-16"}, "{}".encode("utf-16"), 415, "unsupported_media_type"),
        ({"content-type": "application/json"}, "{}".encode("utf-16"), 400, "invalid_request_body"),
        ({"content-type": "application/x-www-form-urlencoded"}, b'{"prompt": 1}', 400, "invalid_request"),
        ({}, b"", 400, "invalid_request_body"),
        ({}, b"{}", 400, "invalid_request"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read(
    http: httpx.AsyncClient,
    scene: Scene,
    headers: dict[str, str],
    body: bytes,
    status: int,
    code: str,
) -> None:
    """Each is answered with what is wrong, and reaches no provider."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await http.post("/v1/images/generations", content=body, headers=raw)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert scene.provider.calls == []


Step = bytes | float


class Sender:
    """A caller who sends pieces and takes breaks, then says nothing more."""

    def __init__(self, *steps: Step, last: bool = False) -> None:
        self.steps = list(steps)
        self.last = last
        self.received = 0
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        while self.steps:
            step = self.steps.pop(0)
            if isinstance(step, bytes):
                self.received += len(step)
                return {
                    "type": "http.request",
                    "body": step,
                    "more_body": bool(self.steps) or not self.last,
                }
            await asyncio.sleep(step)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def post(self, scene: Scene, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/images/generations",
            "headers": list(headers),
        }
        await scene.gateway(scope, self.receive, self.send)
        body = b"".join(message.get("body", b"") for message in self.sent)
        return {
            "status": self.sent[0]["status"],
            "headers": dict(self.sent[0]["headers"]),
            **json.loads(body),
        }


@pytest.mark.virtual_time
@pytest.mark.parametrize("length", [b"10000000000", b"9" * 400, b"104857601"])
async def test_large_bodies_are_refused_by_their_length(length: bytes) -> None:
    """Ten declared gigabytes are refused before the first of them is read, and the connection closes."""
    sender = Sender()
    answer = await sender.post(Scene(), (b"content-length", length))
    assert (answer["status"], answer["error"]["code"]) == (413, "request_too_large")
    assert answer["headers"][b"connection"] == b"close"


@pytest.mark.virtual_time
async def test_bodies_without_a_length_are_refused_as_they_grow() -> None:
    """Not much more than the limit is read of an endless body."""
    sender = Sender(*[b"x" * 1000] * 1_000_000)
    answer = await sender.post(Scene(max_body=100_000), (b"transfer-encoding", b"chunked"))
    assert answer["status"] == 413
    assert sender.received < 1_200_000


DRIP: list[Step] = [1.0, b"x"]
DRIPS: dict[str, Callable[[], Sender]] = {
    "nothing": Sender,
    "one byte a second": lambda: Sender(*DRIP * 1000),
    "half, then nothing": lambda: Sender(b'{"prompt":'),
}


@pytest.mark.virtual_time
@pytest.mark.parametrize("kind", DRIPS)
async def test_slow_bodies_are_cut(kind: str) -> None:
    """Dripping does not hold a connection for longer than half a minute."""
    started = asyncio.get_running_loop().time()
    answer = await DRIPS[kind]().post(Scene(), (b"content-length", b"5000"))
    assert (answer["status"], answer["error"]["code"]) == (408, "request_timeout")
    assert asyncio.get_running_loop().time() - started < 35
    assert answer["headers"][b"connection"] == b"close"


@pytest.mark.virtual_time
async def test_large_bodies_may_take_their_time() -> None:
    """A picture over a slow line is not an attack: what keeps coming is read to its end."""
    steps: list[Step] = [b'{"prompt": "p", "name": "']
    for _ in range(100):
        steps += [1.0, b"x" * 20_000]
    answer = await Sender(*steps, b'"}', last=True).post(Scene())
    assert answer["status"] == 400
    assert answer["error"]["param"] == "name"


@pytest.mark.virtual_time
async def test_a_refused_body_is_read_a_little_further() -> None:
    """Closing at once would destroy the answer on its way; reading on for long would be a service."""
    pieces: list[Step] = [b"x" * 100_000] * 1000
    sender = Sender(*pieces)
    answer = await sender.post(
        Scene(keys={"a": f"sha256:{'0' * 64}"}), (b"content-length", b"100000000")
    )
    assert answer["status"] == 401
    assert 0 < sender.received <= 1_200_000


@pytest.mark.virtual_time
async def test_a_body_that_was_read_leaves_nothing_to_wait_for() -> None:
    """What is refused in the last piece of a body is answered at once, and the connection stays."""
    body = b'--b\r\nContent-Disposition: form-data; name=""\r\n\r\nx\r\n--b--\r\n'
    headers = [
        (b"content-type", b"multipart/form-data; boundary=b"),
        (b"content-length", str(len(body)).encode()),
    ]
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.sleep(3600)
        return messages.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    path = "/v1/images/edits"
    started = asyncio.get_running_loop().time()
    await Scene().gateway(
        {"type": "http", "method": "POST", "path": path, "headers": headers}, receive, send
    )
    assert sent[0]["status"] == 400
    assert b"connection" not in dict(sent[0]["headers"])
    assert asyncio.get_running_loop().time() == started


MALFORMED = st.sampled_from([
    "application/json", "multipart/form-data; boundary=b", "multipart/form-data; boundary=\"", "",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=b; boundary=c", "text/plain",
    "a/b+json",
])  # fmt: skip
PIECES = st.lists(
    st.sampled_from([
        b"--b", b"--b--", b"\r\n", b"\r\n\r\n", b'Content-Disposition: form-data; name="image"',
        b'Content-Disposition: form-data; name="prompt"', b'; filename="../x"', b'"prompt"', b":", b"{",
        b"}", b'"p"', b"[", b"]", b",", b"prompt=p", b"&", b"%", b"\0", b"\xff", PNG, b"image[]", b"null",
        b"1e999", b'"orq"', b'"image"',
    ])
    | st.binary(max_size=8),
    max_size=14,
)  # fmt: skip


@settings(max_examples=150)
@given(st.sampled_from(["generations", "edits", "variations", "plan"]), MALFORMED, PIECES)
async def test_any_body_is_answered(path: str, content_type: str, pieces: list[bytes]) -> None:
    """Whatever is sent, under whatever type, the answer is a picture or the caller's error."""
    scene = Scene()
    headers = {"content-type": content_type} if content_type else {}
    async with scene.client() as http:
        answer = await http.post(f"/v1/images/{path}", content=b"".join(pieces), headers=headers)
    assert answer.status_code in {200, 400, 404, 413, 415}
    if answer.status_code != 200:
        assert answer.json()["error"]["message"]
        assert scene.provider.calls == []
