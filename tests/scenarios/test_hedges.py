"""Hedges: two models at work, one answer, and nobody left running."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

import pinxit
from chaotic import A, B, C, asked, now, stage
from pinxit.testing import After, Answer, Events, Ok, Refusal, Reset, Silence, Step, png

pytestmark = pytest.mark.virtual_time

HEDGE: dict[str, Any] = {"model": A, "fallbacks": [B, C], "hedge": {"after": 10}}


async def test_the_second_overtakes_a_slow_first() -> None:
    """Its answer is delivered at once; the other call is closed, and may be billed."""
    async with stage({A: Silence()}) as (router, upstream):
        start = now()
        answer = await router.generate("a fox", **HEDGE)
        assert 10 <= now() - start <= 11
        await asyncio.wait_for(upstream.requests[0].finished.wait(), 6)
    assert asked(upstream) == [A, B]
    assert upstream.requests[0].disconnected
    assert answer.report.model == f"openai/{B}"
    assert {(a.model, a.outcome, a.may_be_billed) for a in answer.report.attempts} == {
        (f"openai/{A}", "cancelled", True),
        (f"openai/{B}", "ok", False),
    }


async def test_the_first_may_still_win() -> None:
    """The slower of two good ones is closed."""
    async with stage({A: After(15), B: After(15)}) as (router, upstream):
        answer = await router.generate("a fox", **HEDGE)
        await asyncio.wait_for(upstream.requests[1].finished.wait(), 6)
    assert answer.report.model == f"openai/{A}"
    assert upstream.requests[1].disconnected


async def test_a_first_that_fails_starts_the_second_at_once() -> None:
    """There is nothing to wait for."""
    async with stage({A: Answer(503)}) as (router, upstream):
        start = now()
        await router.generate("a fox", **HEDGE)
        assert now() - start < 1
    assert asked(upstream) == [A, B]


async def test_a_second_that_fails_leaves_the_first_alone() -> None:
    """The one that is still at work may bring the picture."""
    async with stage({A: After(20), B: Reset()}) as (router, upstream):
        answer = await router.generate("a fox", **HEDGE)
    assert asked(upstream) == [A, B]
    assert answer.report.model == f"openai/{A}"


async def test_when_both_fail_the_third_is_asked() -> None:
    """A hedge is two places of the line, not all of it."""
    async with stage({A: After(12, Reset()), B: After(1, Answer(503))}) as (router, upstream):
        answer = await router.generate("a fox", **HEDGE)
    assert asked(upstream) == [A, B, C]
    assert answer.report.model == f"openai/{C}"


async def test_every_failure_is_told_once() -> None:
    """The error has one line per model, in the order in which they failed."""
    script: dict[str, Step] = {
        A: After(12, Answer(500)),
        B: After(1, Answer(502)),
        C: Answer(503),
    }
    async with stage(script) as (router, _):
        with pytest.raises(pinxit.AllModelsFailed) as caught:
            await router.generate("a fox", **HEDGE)
    assert [e.upstream_status for e in caught.value.errors] == [502, 500, 503]


async def test_a_refusal_ends_the_race() -> None:
    """What the first refuses is not painted by the second, and the error is that refusal alone."""
    async with stage({A: After(12, Refusal()), B: Silence()}) as (router, upstream):
        with pytest.raises(pinxit.ContentRejected):
            await router.generate("a fox", **HEDGE)
        await asyncio.wait_for(upstream.requests[1].finished.wait(), 6)
    assert asked(upstream) == [A, B]
    assert upstream.requests[1].disconnected


async def test_our_refused_key_is_told_as_what_it_is() -> None:
    """One error that must not be followed is not "all models failed"."""
    async with stage({A: Answer(401)}) as (router, upstream):
        with pytest.raises(pinxit.AuthenticationFailed) as caught:
            await router.generate("a fox", **HEDGE)
    assert asked(upstream) == [A]
    assert caught.value.__cause__ is not caught.value


async def test_leaving_closes_both() -> None:
    """A caller who goes away leaves nobody at work."""
    async with stage(Silence()) as (router, upstream):
        task = asyncio.create_task(router.generate("a fox", **HEDGE))
        await asyncio.sleep(15)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for request in upstream.requests:
            await asyncio.wait_for(request.finished.wait(), 6)
    assert asked(upstream) == [A, B]
    assert all(request.disconnected for request in upstream.requests)


async def test_a_time_out_covers_both() -> None:
    """Two silent models end with the time-out of the second."""
    async with stage({A: Silence(), B: Silence()}) as (router, upstream):
        start = now()
        answer = await router.generate("a fox", **HEDGE, timeout=20)
        assert now() - start <= 31
    assert asked(upstream) == [A, B, C]
    assert answer.report.model == f"openai/{C}"


async def test_the_deadline_covers_both() -> None:
    """A hedge does not start, and does not run, beyond it."""
    async with stage(Silence()) as (router, upstream):
        start = now()
        with pytest.raises(pinxit.PinxitError) as caught:
            await router.generate("a fox", **HEDGE, deadline=12)
        assert now() - start <= 12.5
    assert asked(upstream) == [A, B]
    assert caught.value.status == 504


PARTIAL = {
    "type": "image_generation.partial_image",
    "partial_image_index": 0,
    "b64_json": base64.b64encode(png(64, 64)).decode(),
}
DONE = {
    "type": "image_generation.completed",
    "b64_json": base64.b64encode(png(64, 64)).decode(),
}


async def test_a_stream_is_not_hedged() -> None:
    """Who watches a picture grow sees that somebody is at work, and must see one picture only."""
    async with stage({A: Events([PARTIAL, DONE], interval=30)}) as (router, upstream):
        events = [event async for event in router.stream("a fox", **HEDGE)]
    assert asked(upstream) == [A]
    assert len(events) == 2


async def test_two_good_answers_in_the_same_moment_are_one() -> None:
    """Neither is lost, nor is the loser's connection left open."""
    async with stage({A: After(15), B: After(5)}) as (router, upstream):
        answers = await asyncio.gather(*(router.generate("a fox", **HEDGE) for _ in range(20)))
        await asyncio.sleep(1)
        assert all(request.finished.is_set() for request in upstream.requests)
    assert len(answers) == 20
    assert len(upstream.requests) == 40


async def test_an_unlimited_hedge_is_one_request_for_quick_models() -> None:
    """Nothing is bought twice while the first keeps its time."""
    async with stage(Ok()) as (router, upstream):
        for _ in range(5):
            await router.generate("a fox", **HEDGE)
    assert asked(upstream) == [A] * 5
