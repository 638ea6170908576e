"""Time: a call is over when its time is over, whatever the provider does with it."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import pinxit
from chaotic import VARIES, A, B, C, Operation, asked, now, order, stage
from pinxit import Router
from pinxit.testing import (
    After,
    Answer,
    Drip,
    EndlessHeaders,
    Events,
    RateLimited,
    Silence,
    Step,
    png,
)

pytestmark = pytest.mark.virtual_time

PARTIAL = {
    "type": "image_generation.partial_image",
    "partial_image_index": 0,
    "b64_json": base64.b64encode(png(64, 64)).decode(),
}

SLOW: dict[str, Step] = {
    "headers that never come": Silence(),
    "a body that stops": Silence("inside"),
    "a body byte by byte": Drip(),
    "headers one by one": EndlessHeaders(interval=1),
    "ten minutes of thought": After(600),
    "a stream that falls silent": Events([PARTIAL], then="silence"),
    "a stream of nothing": Events([b": still painting\n\n"], interval=1, then="repeat"),
    "a stream without end": Events([PARTIAL], interval=1, then="repeat"),
}


@pytest.mark.parametrize("name", SLOW)
async def test_a_call_ends_with_its_time_out(name: str) -> None:
    """Connect, headers and body share one time-out; nothing that trickles in prolongs it."""
    async with stage({A: SLOW[name]}) as (router, upstream):
        start = now()
        with pytest.raises(pinxit.ProviderTimeout) as caught:
            await router.generate("a fox", model=A, timeout={"call_timeout": 20_000})
        assert 19.9 <= now() - start <= 21
        await asyncio.wait_for(upstream.requests[0].finished.wait(), 6)
    assert asked(upstream) == [A]
    assert caught.value.status == 504
    assert upstream.requests[0].disconnected


@asynccontextmanager
async def deaf() -> AsyncGenerator[str]:
    """Listen somewhere without ever accepting, with the queue full: connecting there takes for ever."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for connection in waiting:
            connection.setblocking(False)
            connection.connect_ex(address)
        await asyncio.sleep(0)
        yield f"http://127.0.0.1:{address[1]}/v1"
        for connection in waiting:
            connection.close()


async def test_connecting_is_part_of_the_call() -> None:
    """A server that cannot be reached costs the call's time-out and not a minute more; nothing was sent."""
    async with deaf() as address, stage(settings={"base_url": address}) as (router, _):
        start = now()
        with pytest.raises(pinxit.ProviderError) as caught:
            await router.generate("a fox", model=A, timeout=5)
        assert now() - start <= 6
    assert caught.value.status in {503, 504}


@pytest.mark.parametrize("operation", ["generate", "edit", "variation"])
async def test_several_models_take_their_times_together_at_most(operation: Operation) -> None:
    """Three silent models with five seconds each are over after fifteen."""
    first = VARIES if operation == "variation" else A
    async with stage(Silence()) as (router, upstream):
        start = now()
        with pytest.raises(pinxit.AllModelsFailed) as caught:
            await order(router, operation, model=first, fallbacks=[B, C], timeout=5)
        assert now() - start <= 15.5
    assert asked(upstream) == [first, B, C]
    assert caught.value.status == 504


async def test_there_is_a_time_out_by_default() -> None:
    """Who says nothing waits five minutes, not for ever."""
    async with stage(Silence()) as (router, _):
        start = now()
        with pytest.raises(pinxit.ProviderTimeout):
            await router.generate("a fox", model=A)
        assert 120 <= now() - start <= 301


async def test_patience_is_not_cut_short_by_the_client() -> None:
    """Four minutes of thought are fine: httpx's own five seconds do not apply."""
    async with stage(After(240)) as (router, upstream):
        await router.generate("a fox", model=A)
    assert asked(upstream) == [A]


async def test_each_attempt_has_the_time_out_to_itself() -> None:
    """What the first attempt took is not taken from the second."""
    script: list[Step] = [After(4, RateLimited(retry_after=0)), After(4)]
    async with stage({A: script}) as (router, upstream):
        await router.generate("a fox", model=A, timeout=5, retry=pinxit.Retry(count=1))
    assert asked(upstream) == [A, A]


DEADLINES: dict[str, dict[str, Any]] = {
    "fallbacks": {"fallbacks": [B, C]},
    "retries": {"retry": pinxit.Retry(count=5, on_codes=(504,))},
    "pictures": {"n": 2},
}


@pytest.mark.parametrize("name", DEADLINES)
async def test_the_deadline_is_the_end_of_everything(name: str) -> None:
    """Retries and fallbacks share what is left, and nothing starts behind it."""
    async with stage(Silence()) as (router, upstream):
        start = now()
        with pytest.raises(pinxit.PinxitError) as caught:
            await router.generate("a fox", model=A, timeout=6, deadline=8, **DEADLINES[name])
        assert now() - start <= 8.5
        before = len(upstream.requests)
        await asyncio.sleep(60)
    assert caught.value.status == 504
    assert len(upstream.requests) == before <= 2


async def test_the_deadline_covers_parts_that_wait_their_turn() -> None:
    """Of ten calls four run at once; those that come to their turn too late are not sent."""
    async with stage(After(6)) as (router, upstream):
        answer = await router.generate("a fox", model="dall-e-3", n=10, deadline=10)
    assert len(answer.data) == 4
    assert len(upstream.requests) == 8


async def test_the_deadline_covers_the_pictures_that_come_with_the_request() -> None:
    """A picture behind a slow URL does not keep the request beyond its deadline, and nothing is ordered."""

    async def slow(url: str) -> bytes:
        await asyncio.sleep(25)
        return png(64, 64)

    async with (
        stage() as (plain, upstream),
        Router(plain.config, plugins=plain.plugins, clock=plain.clock, fetch=slow) as router,
    ):
        start = now()
        with pytest.raises(pinxit.ProviderTimeout):
            await router.edit("a hat", "https://example.com/fox.png", model=A, deadline=10)
        assert now() - start <= 10.5
    assert upstream.requests == []


async def test_the_deadline_covers_pictures_that_come_as_an_address() -> None:
    """A result that cannot be downloaded in time is a time-out that was billed."""

    async def slow(url: str) -> bytes:
        await asyncio.sleep(60)
        return png(64, 64)

    step = Answer(json={"data": [{"url": "https://cdn.example.com/fox.png"}]})
    async with (
        stage(step) as (plain, upstream),
        Router(plain.config, plugins=plain.plugins, clock=plain.clock, fetch=slow) as router,
    ):
        start = now()
        with pytest.raises(pinxit.ProviderTimeout) as caught:
            await router.generate("a fox", model=A, deadline=10, fallbacks=[B])
        assert now() - start <= 10.5
    assert asked(upstream) == [A]
    assert caught.value.report is not None
    assert [a.billing for a in caught.value.report.attempts] == ["billed"]


async def test_a_callers_own_time_out_is_his_own() -> None:
    """asyncio.timeout around a request raises TimeoutError, not one of our errors, and closes the call."""
    async with stage(Silence()) as (router, upstream):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await router.generate("a fox", model=A, fallbacks=[B])
        await asyncio.wait_for(upstream.requests[0].finished.wait(), 6)
    assert asked(upstream) == [A]
    assert upstream.requests[0].disconnected
