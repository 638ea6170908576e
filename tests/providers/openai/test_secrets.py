"""The key goes to the provider, and nowhere else."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import uvicorn

from pinxit import Context, GenerateRequest, Model, PinxitError, Settings
from pinxit.testing.clock import ManualClock
from pinxit_providers.fakes.openai import FakeOpenAI
from pinxit_providers.openai import PLUGIN as openai

Ask = Callable[..., Any]
STATUSES = [200, 302, 400, 401, 403, 404, 408, 413, 422, 429, 500, 503, 529]


def everything_said(error: BaseException) -> str:
    fields = {name: getattr(error, name, None) for name in dir(error) if not name.startswith("__")}
    return "\n".join([repr(error), str(fields), *traceback.format_exception(error)])


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    "echo",
    [
        {"error": {"message": "Incorrect key: KEY.", "code": "KEY", "param": "KEY", "type": "KEY"}},
        {"error": {"code": "moderation_blocked", "message": "KEY", "moderation_details":
            {"categories": ["KEY"], "moderation_stage": "KEY"}}},
        {"error": {"code": "insufficient_quota", "message": "Bearer KEY is out of credit"}},
        {"error": "Authorization: Bearer KEY"},
        {"message": "x" * 480 + " KEY"},
        {"detail": "KEY"},
        {"KEY": "KEY"},
        {"data": [{"url": "https://x.test/?key=KEY"}]},
        {"data": [{"b64_json": "KEY"}]},
        {"data": "KEY"},
    ],
)  # fmt: skip
async def test_an_echoed_key_is_in_no_error(
    ask: Ask, key: str, caplog: pytest.LogCaptureFixture, status: int, echo: Any
) -> None:
    """Whatever field of whatever answer repeats the key, no error and no log does."""
    caplog.set_level(logging.DEBUG)
    body = str(echo).replace("'", '"').replace("KEY", key)
    headers = {"location": f"https://evil.test/{key}"} if status == 302 else {}
    with pytest.raises(PinxitError) as caught:
        await ask(httpx.Response(status, content=body.encode(), headers=headers))
    assert key not in everything_said(caught.value)
    assert key[:20] not in everything_said(caught.value)
    assert key not in caplog.text


async def test_an_echoed_key_is_in_no_answer(ask: Ask, key: str, b64: str) -> None:
    """A success that repeats the key is delivered without it."""
    item = {"b64_json": b64, "revised_prompt": f"{'a fox ' * 200}, {key}"}
    body = {"data": [item], "size": key[:32], "quality": key, "background": f"x-{key}"}
    answer = await ask(httpx.Response(200, json=body))
    assert key not in repr(answer.model_dump())
    assert answer.data[0].revised_prompt.startswith("a fox a fox")
    assert answer.data[0].revised_prompt.endswith("[redacted]")


@pytest.mark.parametrize("key", ["x", "test", "local"])
async def test_a_placeholder_for_a_key_spoils_nothing(ask: Ask, key: str) -> None:
    """Servers without keys are given any word, which may well be part of an address."""
    url = f"https://files.test/{key}/x.png"
    item = {"url": url, "revised_prompt": f"a test of local foxes: {key}"}
    response = httpx.Response(200, json={"data": [item]})
    answer = await ask(response, context={"settings": {"api_key": key}})
    assert answer.data[0].url == url
    assert answer.data[0].revised_prompt == item["revised_prompt"]


async def test_an_echoed_key_in_a_stream(ask: Ask, key: str, sse: Callable[..., bytes]) -> None:
    """Errors inside streams are redacted like all others."""
    event = {"type": "error", "error": {"message": f"bad {key}", "code": key}}
    response = httpx.Response(
        200, content=sse(event), headers={"content-type": "text/event-stream"}
    )
    with pytest.raises(PinxitError) as caught:
        await ask(response, stream=True)
    assert key not in everything_said(caught.value)


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.ReadError])
async def test_what_httpx_raises_holds_no_key(
    ask: Ask, key: str, failure: type[httpx.TransportError]
) -> None:
    """A broken connection's error shows no headers."""
    with pytest.raises(httpx.TransportError) as caught:
        await ask(failure("no"))
    assert key not in everything_said(caught.value)


async def test_a_plan_says_no_key_in_its_repr(
    context: Context, models: dict[str, Model], key: str
) -> None:
    """Neither the request nor its headers show the key when printed."""
    built = openai.preview(GenerateRequest(prompt="a fox"), models["gpt-image-2"], context)
    assert key not in repr(built)
    assert key not in repr(built.headers)
    assert key not in repr(context)
    assert key not in str(built.url)
    assert key.encode() not in built.content


@pytest.fixture
async def served(fake: FakeOpenAI) -> AsyncIterator[str]:
    """The fake on a real socket."""
    server = uvicorn.Server(
        uvicorn.Config(fake, port=0, log_level="warning", lifespan="on", ws="none")
    )
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


async def test_over_a_socket_with_every_log_open(
    served: str, models: dict[str, Model], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Over real HTTP, with all debug logs on, a success, a stream and a refusal log no key."""
    caplog.set_level(logging.DEBUG)
    partials: list[object] = []

    async def emit(partial: object) -> None:
        partials.append(partial)

    async with httpx.AsyncClient() as http:
        settings = Settings({"api_key": key, "base_url": f"{served}/v1"})
        context = Context(http=http, settings=settings, emit=emit, clock=ManualClock())
        model = models["gpt-image-2"]
        await openai.generate(GenerateRequest(prompt="a fox"), model, context)
        request = GenerateRequest(prompt="a fox", stream=True, partial_images=2)
        await openai.generate(request, model, context)
        with pytest.raises(PinxitError):
            await openai.generate(GenerateRequest(prompt="#rate-limited"), model, context)
    assert len(partials) == 2
    assert "receive_response_headers" in caplog.text
    assert key not in caplog.text
