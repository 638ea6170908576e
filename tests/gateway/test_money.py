"""Over HTTP nothing is paid for twice: idempotency keys, the cache, and callers who leave."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.scene import Scene, running
from pinxit import Context, ImagesResponse, PartialImage, RateLimited
from pinxit.gateway.keys import hash_key
from pinxit.middleware import cache, idempotency
from pinxit.types import Request
from scripted import answer

PATH = "/v1/images/generations"
ASK: dict[str, Any] = {"prompt": "p"}
KEYS = {"ann": hash_key("a"), "bob": hash_key("b")}
ANN, BOB = {"x-api-key": "a"}, {"x-api-key": "b"}


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """A gateway with keys, a cache and memory for idempotency keys, whose provider takes a while."""
    scene = Scene({"a": [0.05] * 50}, cache, idempotency, keys=KEYS)
    async with scene.router:
        yield scene


@pytest.fixture
async def http(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    """Ann's client."""
    async with scene.client(headers=ANN, timeout=60) as http:
        yield http


async def test_the_same_key_is_the_same_order(http: httpx.AsyncClient, scene: Scene) -> None:
    """Sent again, the answer is the same and nothing is ordered; at the same time as well."""
    headers = {"idempotency-key": "order-1"}
    posts = [http.post(PATH, json=ASK, headers=headers) for _ in range(5)]
    answers = [*await asyncio.gather(*posts), await http.post(PATH, json=ASK, headers=headers)]
    assert {response.status_code for response in answers} == {200}
    assert len({json.dumps(response.json()["data"]) for response in answers}) == 1
    assert scene.provider.names == ["a"]


async def test_another_body_under_the_same_key(http: httpx.AsyncClient, scene: Scene) -> None:
    """A key stands for one request: another one under it is 422, and nothing is ordered for it."""
    headers = {"idempotency-key": "order-1"}
    await http.post(PATH, json=ASK, headers=headers)
    other = await http.post(PATH, json={"prompt": "q"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert scene.provider.names == ["a"]


async def test_keys_belong_to_their_callers(http: httpx.AsyncClient, scene: Scene) -> None:
    """Bob's key is not Ann's, whatever it is called."""
    headers = {"idempotency-key": "order-1"}
    await http.post(PATH, json=ASK, headers=headers)
    assert (await http.post(PATH, json={"prompt": "q"}, headers=headers | BOB)).status_code == 200
    assert scene.provider.names == ["a", "a"]


async def test_the_cache_over_http(http: httpx.AsyncClient, scene: Scene) -> None:
    """A hit orders nothing and says so; another caller, model or parameter is another request."""
    ask = ASK | {"cache": {"ttl": 60}}
    first, again = await http.post(PATH, json=ask), await http.post(PATH, json=ask)
    said = [response.headers["x-pinxit-cache"] for response in (first, again)]
    assert said == ["miss", "hit"]
    assert first.json()["data"] == again.json()["data"]
    assert scene.provider.names == ["a"]
    for change, headers in [({}, BOB), ({"model": "s/b"}, ANN), ({"quality": "low"}, ANN)]:
        other = await http.post(PATH, json=ask | change, headers=headers)
        assert other.headers["x-pinxit-cache"] == "miss"
    assert scene.provider.names == ["a", "a", "b", "a"]


async def test_streams_tell_of_the_cache_too(http: httpx.AsyncClient, scene: Scene) -> None:
    """The cache is asked whether events are wanted or not; a hit has the final event only."""
    ask = ASK | {"cache": {"ttl": 60}, "stream": True}
    first, again = await http.post(PATH, json=ask), await http.post(PATH, json=ask)
    said = [response.headers["x-pinxit-cache"] for response in (first, again)]
    assert said == ["miss", "hit"]
    assert again.text.count("event: ") == 1
    assert scene.provider.names == ["a"]


async def test_ten_at_once_are_one_order(http: httpx.AsyncClient, scene: Scene) -> None:
    """The same request ten times at the same moment is paid for once."""
    ask = ASK | {"cache": {"ttl": 60}}
    answers = await asyncio.gather(*(http.post(PATH, json=ask) for _ in range(10)))
    assert {response.status_code for response in answers} == {200}
    assert scene.provider.names == ["a"]


async def test_pictures_are_part_of_the_request(http: httpx.AsyncClient, scene: Scene) -> None:
    """Of an edit the bytes of its pictures count, in whatever form they come."""
    from pinxit.testing.pictures import picture

    for data in (picture(), picture(), picture(width=32)):
        form = {"prompt": "p", "cache": '{"ttl": 60}'}
        response = await http.post("/v1/images/edits", data=form, files={"image": data})
        assert response.status_code == 200
    assert len(scene.provider.names) == 2


async def one_partial(request: Request, context: Context) -> ImagesResponse:
    """Show something, and then work for ever."""
    await context.emit(PartialImage(index=0, image=answer().data[0]))
    await asyncio.sleep(3600)
    raise AssertionError


@pytest.mark.parametrize("when", ["stream", "back-off"])
def test_who_hangs_up_orders_nothing_more(when: str) -> None:
    """In the middle of a stream the call ends; in a back-off no further attempt is made."""
    busy = RateLimited("slow down", retry_after=0.4, upstream_status=429)
    step = one_partial if when == "stream" else busy
    scene = Scene({"a": [step]})
    fields = ASK | {"stream": when == "stream", "partial_images": 1, "retry": {"count": 3}}
    body = json.dumps(fields).encode()
    head = f"POST {PATH} HTTP/1.1\r\nhost: h\r\ncontent-length: {len(body)}\r\n\r\n"

    with running(scene) as server:
        parts = urlsplit(server.url)
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as wire:
            wire.sendall(head.encode() + body)
            seen = b""
            while when == "stream" and b"partial_image" not in seen:
                seen += wire.recv(65_536)
            wait_until(lambda: bool(scene.provider.names))
        if when == "stream":
            wait_until(lambda: scene.provider.cancelled == ["a"])
        else:
            time.sleep(0.7)
    assert scene.provider.names == ["a"]


def wait_until(done: Callable[[], bool]) -> None:
    """Wait for six seconds at most, which is how long a provider may be kept at work for nobody."""
    last = time.monotonic() + 6
    while not done():
        assert time.monotonic() < last
        time.sleep(0.02)
