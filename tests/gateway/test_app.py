"""The application as a whole: paths, lifespans, mounting, errors, drains."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import pinxit
from gateway.scene import Scene
from pinxit import ContentRejected, ProviderTimeout, ProviderUnavailable, QuotaExceeded, RateLimited
from pinxit.gateway import Gateway, create_app
from pinxit.gateway.errors import BadMessage
from pinxit.gateway.keys import hash_key

ASK = {"prompt": "p"}


async def test_the_smallest_request(http: httpx.AsyncClient) -> None:
    """A prompt alone is answered with a picture, status 200, and OpenAI's fields."""
    answer = await http.post("/v1/images/generations", json=ASK)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert isinstance(body["created"], int)
    assert body["data"][0]["b64_json"].startswith("iVBOR")
    assert "usage" not in body


@pytest.mark.parametrize(
    "prefix", ["", "/v1", "/v2/router", "/v3/router", "/v2/proxy", "/v2/gateway"]
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_paths(http: httpx.AsyncClient, prefix: str, slash: str) -> None:
    """The API is where clients of several years look for it, with and without a last slash."""
    assert (await http.post(f"{prefix}/images/generations{slash}", json=ASK)).status_code == 200
    assert (await http.get(f"{prefix}/models{slash}")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v9/images/generations", "/v1/images", "/v1/../etc/passwd", "/%00"]
)
async def test_unknown_paths(http: httpx.AsyncClient, path: str) -> None:
    """There is nothing elsewhere; the message says where to go."""
    answer = await http.post(path, json=ASK)
    assert answer.status_code == 404
    assert "/v1/images/generations" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/images/edits"), ("POST", "/v1/models"), ("DELETE", "/health")]
)
async def test_wrong_methods(http: httpx.AsyncClient, method: str, path: str) -> None:
    """The answer names the method that is taken."""
    answer = await http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] in {"GET", "POST"}
    assert answer.headers["allow"] in answer.json()["error"]["message"]


async def test_health_needs_no_key() -> None:
    """Whoever watches the gateway needs no secret for it."""
    scene = Scene(keys={"ann": hash_key("k")})
    async with scene.client() as http:
        assert (await http.get("/health")).json() == {"status": "ok"}
        assert (await http.get("/v1/models")).status_code == 401


# Callers ----------------------------------------------------------------------------------------------


async def test_the_caller_is_known_by_name_behind_the_gateway() -> None:
    """Caches and budgets see the key's name, and never the key."""
    scene = Scene(keys={"ann": hash_key("k-ann"), "bob": hash_key("k-bob")})
    async with scene.client() as http:
        for key in ("k-bob", "k-ann"):
            headers = {"Authorization": f"Bearer {key}"}
            await http.post("/v1/images/generations", json=ASK, headers=headers)
    contexts = scene.provider.contexts
    assert [context.caller for context in contexts] == ["bob", "ann"]
    assert all("k-" not in repr(context) for context in contexts)


async def test_a_wrong_key_is_refused_before_the_body_is_read() -> None:
    """Nobody without a key makes the gateway read megabytes."""
    scene = Scene(keys={"ann": hash_key("k")})
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = _scope("/v1/images/generations", headers=[(b"content-type", b"application/json")])
    await scene.gateway(scope, receive, send)
    assert sent[0]["status"] == 401


def _scope(path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}


async def test_idempotency_keys_are_scoped_to_the_caller() -> None:
    """Two callers with the same key get work of their own; none of it is a header line of anybody's."""
    scene = Scene(keys={"ann": hash_key("a"), "bob": hash_key("b")})
    async with scene.client() as http:
        for key in ("a", "b", "a"):
            headers = {"x-api-key": key, "Idempotency-Key": "same\x7f"}
            await http.post("/v1/images/generations", json=ASK, headers=headers)
    first, second, third = (context.idempotency_key for context in scene.provider.contexts)
    assert first == third != second
    assert first.isascii()
    assert "same" not in first


# Errors -----------------------------------------------------------------------------------------------

GIVEN_UP = {"x-should-retry": "false"}
FAILURES: list[tuple[Exception, int, Mapping[str, str]]] = [
    (RateLimited("busy", upstream_status=429, retry_after=2.2), 429,
     {"type": "rate_limit_error", "code": "rate_limit_exceeded", "retry-after": "3", **GIVEN_UP}),
    (QuotaExceeded("spent", upstream_status=429), 429, {"type": "insufficient_quota", **GIVEN_UP}),
    (ProviderUnavailable("down", upstream_status=503, retry_after=3600), 503,
     {"type": "api_error", "retry-after": "3600", **GIVEN_UP}),
    (ProviderUnavailable("down", retry_after=float("inf")), 503, {"type": "api_error"}),
    (ProviderTimeout("slow"), 504, {"type": "api_error", "code": "provider_timeout", **GIVEN_UP}),
    (ContentRejected("no", code="moderation_blocked", upstream_status=400), 400,
     {"type": "invalid_request_error", "code": "moderation_blocked"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status", "said"), FAILURES, ids=lambda value: type(value).__name__
)
async def test_failures_of_providers(
    error: BaseException, status: int, said: Mapping[str, str]
) -> None:
    """The provider's own words and code reach the caller, with the attempts, and no call to try again."""
    scene = Scene({"a": [error]})
    async with scene.client() as http:
        answer = await http.post("/v1/images/generations", json=ASK)
    body = answer.json()
    assert answer.status_code == status
    assert body["error"]["message"] == str(error)
    assert body["error"].keys() == {"message", "type", "param", "code"}
    for name, value in said.items():
        assert answer.headers.get(name, body["error"].get(name)) == value
    if "retry-after" not in said:
        assert "retry-after" not in answer.headers
    assert answer.headers["x-pinxit-attempts"] == "1"
    assert answer.headers["x-pinxit-model"] == "s/a"
    assert [attempt["outcome"] for attempt in body["pinxit"]["attempts"]] == [body["error"]["code"]]
    assert body["pinxit"]["request_id"] == answer.headers["x-request-id"]


async def test_a_bug_shows_nothing_of_itself(
    http: httpx.AsyncClient, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody expected is a 500 whose id leads to the log; the log has it once."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError("secret detail")

    scene.router.run = broken  # type: ignore[method-assign,assignment]  # a bug to find
    with caplog.at_level(logging.ERROR, "pinxit.gateway"):
        answer = await http.post("/v1/images/generations", json=ASK)
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "secret" not in answer.text
    assert [answer.headers["x-request-id"] in record.message for record in caplog.records] == [True]


async def test_every_answer_has_an_id_of_its_own(http: httpx.AsyncClient) -> None:
    """Also errors; an id that a caller sends is not taken for it."""
    ids = [
        (await http.request(method, path, json=ASK, headers={"x-request-id": "mine"})).headers[
            "x-request-id"
        ]
        for method, path in [
            ("GET", "/nowhere"),
            ("POST", "/v1/images/generations"),
            ("GET", "/health"),
        ]
    ]
    assert len(set(ids)) == 3
    assert all(id.startswith("req_") for id in ids)


async def test_the_signature_has_the_same_id(http: httpx.AsyncClient) -> None:
    """Header, report and what the provider was given agree."""
    answer = await http.post("/v1/images/generations", json=ASK)
    assert answer.json()["pinxit"]["request_id"] == answer.headers["x-request-id"]


async def test_the_log_holds_no_words_of_callers(caplog: pytest.LogCaptureFixture) -> None:
    """One line per request: who, what, how it ended; neither prompts nor keys."""
    scene = Scene(keys={"ann": hash_key("k-ann")})
    with caplog.at_level(logging.DEBUG):
        async with scene.client() as http:
            body = {"prompt": "a private wish"}
            await http.post("/v1/images/generations", json=body, headers={"x-api-key": "k-ann"})
            await http.post("/v1/images/generations", json=body)
    lines = [record.getMessage() for record in caplog.records if record.name == "pinxit.gateway"]
    assert " ann POST '/v1/images/generations': 200 in " in lines[0]
    assert " - POST '/v1/images/generations': 401 in " in lines[1]
    assert "private" not in caplog.text
    assert "k-ann" not in caplog.text


# Leaving ----------------------------------------------------------------------------------------------


class Leaver:
    """A caller who sends a request and goes away while it is served."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.gone = asyncio.Event()
        self.sent: list[Any] = []
        self.asked = False

    async def receive(self) -> dict[str, Any]:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


@pytest.mark.virtual_time
@pytest.mark.parametrize("extra", ["", ', "stream": true', ', "retry": {"count": 3}'])
async def test_who_leaves_cancels_the_work(extra: str) -> None:
    """The provider's call ends at once, nothing is ordered again, and nobody is answered."""
    scene = Scene({"a": [3600.0]})
    caller = Leaver(f'{{"prompt": "p"{extra}}}'.encode())
    scope = _scope("/v1/images/generations", [(b"content-type", b"application/json")])
    serving = asyncio.create_task(scene.gateway(scope, caller.receive, caller.send))
    await asyncio.sleep(1)
    assert scene.provider.names == ["a"]
    caller.gone.set()
    await asyncio.wait_for(serving, 1)
    assert scene.provider.cancelled == ["a"]
    assert scene.provider.names == ["a"]
    assert caller.sent == []


async def test_a_server_may_tell_by_an_error_that_the_caller_is_gone(scene: Scene) -> None:
    """Since ASGI 2.4 sending raises; that is the end of the exchange and no failure."""
    caller = Leaver(b'{"prompt": "p"}')

    async def send(message: Any) -> None:
        raise OSError("gone")

    await scene.gateway(_scope("/v1/images/generations", []), caller.receive, send)


@pytest.mark.virtual_time
async def test_who_leaves_in_the_middle_of_a_body_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Half a request is nothing, and nothing is logged as a failure."""
    scene = Scene()

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await scene.gateway(
        _scope("/v1/images/generations", [(b"content-length", b"10")]), receive, send
    )
    assert sent == []
    ours = [record for record in caplog.records if record.name == "pinxit.gateway"]
    assert not [record for record in ours if record.levelno > logging.INFO]


# Stopping ---------------------------------------------------------------------------------------------


@pytest.mark.virtual_time
async def test_a_drain_finishes_what_is_in_flight_and_refuses_the_rest() -> None:
    """Paid work is answered; a newcomer hears 503 at once, on a connection that closes."""
    scene = Scene({"a": [10.0]})
    async with scene.client(timeout=60) as http:
        paid = asyncio.create_task(http.post("/v1/images/generations", json=ASK))
        await asyncio.sleep(1)
        drained = asyncio.create_task(scene.gateway.drained())
        await asyncio.sleep(0)
        refused = await http.post("/v1/images/generations", json=ASK)
        assert (refused.status_code, refused.headers["connection"]) == (503, "close")
        assert refused.headers["retry-after"] == "1"
        assert "x-should-retry" not in refused.headers
        assert (await http.get("/health")).status_code == 503
        assert not drained.done()
        assert (await paid).status_code == 200
        await asyncio.wait_for(drained, 1)
    assert scene.provider.names == ["a"]


@pytest.mark.virtual_time
async def test_what_takes_longer_than_the_grace_is_told_so() -> None:
    """A request that is cut while the gateway stops is a 503, not a broken connection."""
    scene = Scene({"a": [3600.0]})
    caller = Leaver(b'{"prompt": "p"}')
    scope = _scope("/v1/images/generations", [])
    serving = asyncio.create_task(scene.gateway(scope, caller.receive, caller.send))
    await asyncio.sleep(1)
    asyncio.create_task(scene.gateway.drained()).add_done_callback(lambda _: None)
    await asyncio.sleep(1)
    serving.cancel()
    await asyncio.wait([serving])
    assert caller.sent[0]["status"] == 503
    assert scene.provider.cancelled == ["a"]


# Embedding --------------------------------------------------------------------------------------------


async def test_mounted_in_an_application(scene: Scene) -> None:
    """Wherever it is mounted, with a router of the application's own, all paths are below it."""
    app = Starlette(routes=[Mount("/pictures", app=scene.gateway)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        for path in ("/pictures/images/generations", "/pictures/v1/images/generations"):
            assert (await http.post(path, json=ASK)).status_code == 200
        assert (await http.get("/pictures/health")).status_code == 200


async def test_a_lifespan_opens_a_router_of_its_own() -> None:
    """Without a router the gateway makes one, for as long as its lifespan runs."""
    gateway = create_app(config=pinxit.Config())
    with pytest.raises(BadMessage, match="runs the gateway's lifespan"):
        _ = gateway.router
    async with gateway.lifespan():
        assert len(gateway.router.registry) > 0
    with pytest.raises(BadMessage):
        _ = gateway.router


async def test_a_given_router_is_left_to_its_owner(scene: Scene) -> None:
    """The application that opened a router closes it as well."""
    async with scene.gateway.lifespan():
        assert scene.gateway.router is scene.router
    assert scene.gateway.router is scene.router


async def test_lifespan_messages() -> None:
    """A server hears that the gateway has started and stopped."""
    gateway = create_app(config=pinxit.Config())
    heard: list[str] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.shutdown" if heard else "lifespan.startup"}

    async def send(message: Any) -> None:
        heard.append(message["type"])

    await gateway({"type": "lifespan"}, receive, send)
    assert heard == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_start_that_fails_is_told_to_the_server() -> None:
    """A plugin that cannot start keeps the server from taking requests."""

    class Broken(Gateway):
        def lifespan(self, app: object = None) -> Any:
            raise pinxit.ConfigError("no worker")

    heard: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        heard.append(message)

    with pytest.raises(pinxit.ConfigError):
        await Broken(config=pinxit.Config())({"type": "lifespan"}, receive, send)
    assert heard == [{"type": "lifespan.startup.failed", "message": "no worker"}]


async def test_websockets_are_closed(scene: Scene) -> None:
    """There is nothing to talk to; the server hears so instead of an exception."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    await scene.gateway({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1000}]
