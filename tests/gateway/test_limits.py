"""How much the gateway takes on at once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from gateway.scene import Scene
from pinxit.gateway.keys import hash_key

ASK = {"prompt": "p"}
PATH = "/v1/images/generations"

pytestmark = pytest.mark.virtual_time


async def test_what_is_too_much_is_refused_at_once() -> None:
    """The third of two gets 503 with a time to come back; when one has left, there is room again."""
    scene = Scene({"a": [10.0, 20.0]}, max_requests=2)
    async with scene.client(timeout=60) as http:
        first = asyncio.create_task(http.post(PATH, json=ASK))
        second = asyncio.create_task(http.post(PATH, json=ASK))
        await asyncio.sleep(1)
        refused = await http.post(PATH, json=ASK)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["error"]["code"] == "gateway_busy"
        assert "x-should-retry" not in refused.headers
        assert (await first).status_code == 200
        assert (await http.post(PATH, json=ASK)).status_code == 200
        assert (await second).status_code == 200
    assert scene.provider.names == ["a"] * 3


async def test_health_is_always_answered() -> None:
    """A gateway that has all that it takes is well; whoever watches it must not restart it."""
    scene = Scene({"a": [10.0]}, max_requests=1)
    async with scene.client(timeout=60) as http:
        busy = asyncio.create_task(http.post(PATH, json=ASK))
        await asyncio.sleep(1)
        assert (await http.get("/v1/models")).status_code == 503
        assert (await http.get("/health")).status_code == 200
        await busy


async def test_every_end_makes_room() -> None:
    """A refusal, a failure, a stream and a caller who leaves: none of them counts for ever."""
    scene = Scene({"a": [ValueError("bug"), 0.0, 3600.0]}, max_requests=1)
    async with scene.client(timeout=60) as http:
        assert (await http.post(PATH, json={})).status_code == 400
        assert (await http.post(PATH, content=b"{")).status_code == 400
        assert (await http.get("/nowhere")).status_code == 404
        assert (await http.post(PATH, json=ASK)).status_code == 502
        assert (await http.post(PATH, json=ASK | {"stream": True})).status_code == 200
        leaver = asyncio.create_task(http.post(PATH, json=ASK))
        await asyncio.sleep(1)
        leaver.cancel()
        await asyncio.wait([leaver])
        assert (await http.post(PATH, json=ASK)).status_code == 200


async def test_nothing_is_read_of_what_is_refused() -> None:
    """Neither the key is looked at nor the body: the answer is on its way before anything is received."""
    scene = Scene({"a": [10.0]}, max_requests=1, keys={"ann": hash_key("k")})
    events: list[str] = []

    async def receive() -> dict[str, Any]:
        events.append("receive")
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(message: Any) -> None:
        events.append(str(message.get("status", "body")))

    async with scene.client(timeout=60, headers={"x-api-key": "k"}) as http:
        busy = asyncio.create_task(http.post(PATH, json=ASK))
        await asyncio.sleep(1)
        headers = [(b"content-length", b"100000000")]
        scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
        await scene.gateway(scope, receive, send)
        assert events[0] == "503"
        await busy


async def test_a_refused_crowd_does_not_keep_others_out() -> None:
    """Those who were refused count for nothing while they hear it."""
    scene = Scene({"a": [5.0, 5.0]}, max_requests=1)
    async with scene.client(timeout=60) as http:
        busy = asyncio.create_task(http.post(PATH, json=ASK))
        await asyncio.sleep(4.9)
        crowd = [asyncio.create_task(http.post(PATH, json=ASK)) for _ in range(20)]
        await asyncio.sleep(0.2)
        assert busy.done()
        assert (await http.post(PATH, json=ASK)).status_code == 200
        answers: list[httpx.Response] = await asyncio.gather(*crowd)
    assert {answer.status_code for answer in answers} == {503}
