"""From a client through the gateway to a provider that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from chaotic import KEY, A, B, stage
from pinxit.gateway import Gateway
from pinxit.gateway.keys import hash_key
from pinxit.testing import (
    After,
    BrokenBase64,
    BrokenJson,
    ChaosUpstream,
    Close,
    EchoKey,
    EmptyData,
    EndlessBody,
    EndlessHeaders,
    Events,
    GzipBomb,
    Html,
    HugeContentLength,
    RateLimited,
    Redirect,
    Refusal,
    Reset,
    Script,
    Silence,
    Step,
    Truncated,
    png,
)

pytestmark = pytest.mark.virtual_time

ASK: dict[str, Any] = {"prompt": "p", "model": A, "timeout": {"call_timeout": 20_000}}
PATH = "/v1/images/generations"


@asynccontextmanager
async def gateway(
    script: Script, **table: Any
) -> AsyncGenerator[tuple[httpx.AsyncClient, ChaosUpstream]]:
    """A client of a gateway whose only provider is the upstream."""
    async with stage(script, config={"gateway": table}) as (router, upstream):
        transport = httpx.ASGITransport(Gateway(router))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gateway", timeout=None
        ) as http:
            yield http, upstream


async def arrived(upstream: ChaosUpstream, count: int) -> None:
    """Wait until so many requests have come."""
    while len(upstream.requests) < count:  # noqa: ASYNC110 - the upstream tells nobody
        await asyncio.sleep(0.05)


BROKEN: dict[str, Step] = {
    "closed": Close(),
    "reset": Reset(),
    "cut off": Truncated(),
    "silent": Silence(),
    "endless body": EndlessBody(),
    "endless headers": EndlessHeaders(),
    "64 GB": HugeContentLength(),
    "bomb": GzipBomb(),
    "no JSON": BrokenJson(),
    "no base64": BrokenBase64(),
    "no pictures": EmptyData(),
    "HTML": Html(),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_every_broken_answer_is_a_clean_error(kind: str) -> None:
    """502, 503 or 504 in OpenAI's form, one order, no call to order again, and the gateway goes on."""
    async with gateway([BROKEN[kind]]) as (http, upstream):
        answer = await http.post(PATH, json=ASK)
        assert answer.status_code in {502, 503, 504}
        assert answer.json()["error"].keys() == {"message", "type", "param", "code"}
        assert answer.headers["x-should-retry"] == "false"
        assert len(upstream.requests) == 1
        assert (await http.post(PATH, json=ASK)).status_code == 200


@pytest.mark.parametrize("operation", ["edits", "variations"])
async def test_forms_fall_back_too(operation: str) -> None:
    """Fallbacks written with brackets count for edits and variations as they do in JSON."""
    async with gateway({A: Reset()}) as (http, upstream):
        data = {"model": A, "fallbacks[][model]": B} | (
            {"prompt": "p"} if operation == "edits" else {}
        )
        files = {"image": ("x", png(64, 64), "application/octet-stream")}
        answer = await http.post(f"/v2/router/images/{operation}", data=data, files=files)
    assert answer.status_code == 200
    assert answer.headers["x-pinxit-model"] == f"openai/{B}"
    assert [request.value("model") for request in upstream.requests] == [A, B]


async def test_who_leaves_closes_the_upstream_connection() -> None:
    """Nothing more is paid for than what has been ordered already."""
    async with gateway(Silence()) as (http, upstream):
        asking = asyncio.create_task(http.post(PATH, json={**ASK, "retry": {"count": 5}}))
        await arrived(upstream, 1)
        asking.cancel()
        await asyncio.wait([asking])
        await asyncio.wait_for(upstream.requests[0].finished.wait(), 6)
        assert upstream.requests[0].disconnected
        assert len(upstream.requests) == 1


async def test_partial_pictures_come_through() -> None:
    """What the provider streams, the caller sees, under the same names."""
    async with gateway(Events()) as (http, _):
        answer = await http.post(PATH, json={**ASK, "stream": True, "partial_images": 2})
    names = [line for line in answer.text.splitlines() if line.startswith("event: ")]
    assert names == ["event: image_generation.partial_image"] * 2 + [
        "event: image_generation.completed"
    ]


async def test_refusals_keep_their_words() -> None:
    """Code and message are the provider's, and no laxer model is looked for."""
    async with gateway({A: Refusal()}) as (http, upstream):
        answer = await http.post(PATH, json={**ASK, "fallbacks": [B]})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {"moderation_blocked", "content_policy_violation"}
    assert len(upstream.requests) == 1


async def test_a_long_wait_is_handed_on() -> None:
    """A provider that wants an hour is not waited for: the caller hears 429 at once, and how long."""
    async with gateway(RateLimited(retry_after=3600)) as (http, upstream):
        answer = await http.post(PATH, json={**ASK, "retry": {"count": 5}})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert len(upstream.requests) == 1


async def test_no_header_of_a_caller_goes_upstream() -> None:
    """Neither the gateway's key nor anything else; the provider's key never comes back."""
    headers = {
        "authorization": "Bearer caller-secret", "x-api-key": "caller-secret", "cookie": "a=caller-secret",
        "x-forwarded-for": "10.0.0.1", "openai-organization": "org-caller", "user-agent": "caller/1.0",
        "x-stainless-retry-count": "1",
    }  # fmt: skip
    async with gateway(EchoKey(), keys={"ann": hash_key("caller-secret")}) as (http, upstream):
        answer = await http.post(PATH, json=ASK, headers=headers)
    sent = str(upstream.requests[0].headers.raw) + upstream.requests[0].body.decode()
    assert "caller" not in sent
    assert "10.0.0.1" not in sent
    assert KEY not in answer.text + str(answer.headers)


async def test_redirects_are_not_followed_with_a_key() -> None:
    """A provider that sends us elsewhere gets an error, and elsewhere gets nothing."""
    async with ChaosUpstream() as elsewhere, gateway(Redirect(elsewhere.base_url)) as (http, _):
        answer = await http.post(PATH, json=ASK)
        assert answer.status_code >= 500
        assert elsewhere.requests == []


async def test_slow_calls_do_not_hold_up_others() -> None:
    """While fifty wait for a provider, everybody else is served."""
    async with gateway({A: After(15)}) as (http, upstream):
        slow = [asyncio.create_task(http.post(PATH, json=ASK)) for _ in range(50)]
        await arrived(upstream, 50)
        assert (await http.get("/v1/models")).status_code == 200
        assert (await http.post(PATH, json={**ASK, "model": B})).status_code == 200
        assert not any(task.done() for task in slow)
        assert {answer.status_code for answer in await asyncio.gather(*slow)} == {200}
