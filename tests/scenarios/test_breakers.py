"""Breakers and orders: who is left alone, who is asked again, and who comes first."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

import pinxit
from chaotic import ONE_AT_ONCE, A, B, C, asked, stage
from pinxit import Call, CallNext, ImagesResponse, Router, hookimpl
from pinxit.testing import (
    After,
    Answer,
    ChaosUpstream,
    Ok,
    RateLimited,
    Refusal,
    Reset,
    Silence,
    Step,
    png,
)

pytestmark = pytest.mark.virtual_time

COOLDOWN = 30.0


async def paint(router: Router, times: int = 1, **options: Any) -> list[ImagesResponse]:
    """Order pictures one after the other, from A with B as its fallback."""
    options = {"model": A, "fallbacks": [B], **options}
    return [await router.generate("a fox", **options) for _ in range(times)]


async def break_down(router: Router, upstream: ChaosUpstream) -> None:
    """Let A fail until it is left alone."""
    await paint(router, 5)
    upstream.requests.clear()
    await paint(router)
    assert asked(upstream) == [B]
    upstream.requests.clear()


DOWN: dict[str, Step] = {
    "503": Answer(503),
    "429": RateLimited(),
    "reset": Reset(),
    "silence": Silence(),
}


@pytest.mark.parametrize("name", DOWN)
async def test_a_dead_primary_is_skipped(name: str) -> None:
    """After five failures it is not asked any more; the fallback serves without delay."""
    async with stage({A: DOWN[name]}) as (router, upstream):
        await paint(router, 12, timeout=1)
    assert asked(upstream).count(A) == 5
    assert asked(upstream).count(B) == 12


async def test_after_a_cool_down_one_request_finds_out() -> None:
    """Of ten requests at once a single one probes; it succeeds, and everybody comes back."""
    async with stage({A: [Answer(503)] * 5 + [After(5)]}) as (router, upstream):
        await break_down(router, upstream)
        await asyncio.sleep(COOLDOWN + 1)
        await asyncio.gather(*(paint(router) for _ in range(10)))
        assert Counter(asked(upstream)) == {A: 1, B: 9}
        upstream.requests.clear()
        await paint(router, 5)
    assert asked(upstream) == [A] * 5


async def test_a_failed_probe_doubles_the_cool_down() -> None:
    """30 seconds, then 60: a model that stays dead is asked ever less."""
    async with stage({A: Answer(503)}) as (router, upstream):
        await break_down(router, upstream)
        for _ in range(121):
            await paint(router)
            await asyncio.sleep(1)
    assert asked(upstream).count(A) == 2


async def test_one_failure_says_nothing() -> None:
    """It takes a share of the answers, not a single bad day."""
    script: list[Step] = [Answer(503), *[Ok()] * 9] * 4
    async with stage({A: script}) as (router, upstream):
        await paint(router, 40)
    assert asked(upstream).count(A) == 40


def bug(status: int) -> Answer:
    return Answer(status, json={"error": {"message": "No.", "code": None}})


async def test_callers_mistakes_and_refusals_open_nothing() -> None:
    """400s, forgotten models and refusals are about the request; the model goes on."""
    for step in (bug(400), bug(404), bug(422), Refusal()):
        async with stage({A: [step] * 10}) as (router, upstream):
            for _ in range(10):
                with pytest.raises(pinxit.RequestError):
                    await paint(router)
            await paint(router)
        assert asked(upstream) == [A] * 11


async def test_our_own_bugs_open_nothing() -> None:
    """A plugin that raises what no plugin should raise is no sign of the provider's health."""

    class Careless:
        calls = 0

        @hookimpl
        def register_models(self) -> list[pinxit.Model]:
            capability = pinxit.Capability(sizes=pinxit.FixedSizes(values=("64x64",)))
            return [pinxit.Model(id="careless/x", operations={"generate": capability})]

        @hookimpl
        async def generate(self) -> ImagesResponse:
            self.calls += 1
            raise KeyError("data")

    careless = Careless()
    async with stage((), careless) as (router, _):
        for _ in range(10):
            answer = await router.generate("a fox", model="careless/x", fallbacks=[B])
            assert answer.report.attempts[0].outcome == "plugin_error"
    assert careless.calls == 10


FINAL: dict[str, Step] = {
    "a refused key": bug(401),
    "a spent quota": RateLimited(code="insufficient_quota"),
}


@pytest.mark.parametrize("name", FINAL)
async def test_a_refused_key_and_a_spent_quota_open_at_once(name: str) -> None:
    """The next request is bound to end in the same way."""
    async with stage({A: FINAL[name]}) as (router, upstream):
        await paint(router, 5, fallback_on_codes=[401, 429])
    assert asked(upstream) == [A, B, B, B, B, B]


async def test_the_last_candidate_is_never_ejected() -> None:
    """Alone, or with all others open too, a model is asked however often it failed."""
    async with stage(Answer(503)) as (router, upstream):
        for _ in range(8):
            with pytest.raises(pinxit.ProviderUnavailable):
                await paint(router, fallbacks=[])
        assert asked(upstream) == [A] * 8
        upstream.requests.clear()
        for _ in range(8):
            with pytest.raises(pinxit.PinxitError):
                await paint(router)
    assert all(upstream.requests)
    assert len(upstream.requests) >= 8


def thirds() -> dict[str, Any]:
    return {"models": [{"model": name, "weight": 0.33} for name in (A, B, C)]}


async def test_of_three_exactly_the_broken_one_is_ejected() -> None:
    """It gets five requests or so, the other two share the rest; expiry brings it back."""
    async with stage({B: [Answer(503)] * 5}) as (router, upstream):
        for _ in range(60):
            await router.generate("a fox", load_balancer=thirds())
        counts = Counter(asked(upstream))
        assert counts[B] == 5
        assert counts[A] >= 15
        assert counts[C] >= 15
        upstream.requests.clear()
        await asyncio.sleep(COOLDOWN + 1)
        for _ in range(60):
            await router.generate("a fox", load_balancer=thirds())
    assert Counter(asked(upstream))[B] >= 10


async def probe_is_free(router: Router, upstream: ChaosUpstream) -> bool:
    """Say whether the next request may still find out how A is."""
    upstream.requests.clear()
    await paint(router)
    return asked(upstream) == [A]


async def half_open(router: Router, upstream: ChaosUpstream) -> None:
    await break_down(router, upstream)
    await asyncio.sleep(COOLDOWN + 1)


async def test_a_hedge_that_never_starts_gives_its_probe_back() -> None:
    """The second candidate was chosen, but the first one was quick."""
    async with stage({A: [Answer(503)] * 5}) as (router, upstream):
        await half_open(router, upstream)
        await router.generate("a fox", model=C, fallbacks=[A], hedge={"after": 20})
        assert asked(upstream) == [C]
        assert await probe_is_free(router, upstream)


async def test_a_hedge_that_is_too_dear_gives_its_probe_back() -> None:
    """The second candidate was looked at, and was not what the caller wants to pay for."""
    async with stage({A: [Answer(503)] * 5}) as (router, upstream):
        await half_open(router, upstream)
        hedge = {"after": 20, "max_cost": "0.0001"}
        await router.generate("a fox", model=C, fallbacks=[A], hedge=hedge)
        assert asked(upstream) == [C]
        assert await probe_is_free(router, upstream)


async def test_a_candidate_behind_the_deadline_gives_its_probe_back() -> None:
    """It was its turn, but there was no time left."""
    async with stage({A: [Answer(503)] * 5, C: Silence()}) as (router, upstream):
        await half_open(router, upstream)
        with pytest.raises(pinxit.ProviderTimeout):
            await router.generate("a fox", model=C, fallbacks=[A], timeout=5, deadline=5)
        assert asked(upstream) == [C]
        assert await probe_is_free(router, upstream)


async def test_a_request_that_cannot_be_sent_gives_its_probe_back() -> None:
    """A picture that is none is found out before anything is sent."""

    async def text(url: str) -> bytes:
        return b"this is no picture"

    async with stage({A: [Answer(503)] * 5}) as (router, upstream):
        shared = pinxit.Router(
            router.config, plugins=router.plugins, clock=router.clock, fetch=text,
            health=router.health,
        )  # fmt: skip
        await half_open(router, upstream)
        async with shared:
            with pytest.raises(pinxit.InvalidImage):
                await shared.edit("a hat", "https://example.com/a.png", model=A, fallbacks=[B])
        assert upstream.requests == []
        assert await probe_is_free(router, upstream)


async def test_a_middleware_that_answers_itself_gives_the_probe_back() -> None:
    """What did not go to the model cannot tell how it is."""

    class Remembers:
        on = False

        @hookimpl
        async def around_call(self, call: Call, call_next: CallNext) -> ImagesResponse:
            if self.on:
                return ImagesResponse(data=(pinxit.Image(png(64, 64)),))
            return await call_next(call)

    memory = Remembers()
    async with stage({A: [Answer(503)] * 5}, memory) as (router, upstream):
        await half_open(router, upstream)
        memory.on = True
        await paint(router)
        memory.on = False
        assert upstream.requests == []
        assert await probe_is_free(router, upstream)


async def test_a_cancelled_probe_makes_room() -> None:
    """A caller who leaves does not keep the model out of business."""
    async with stage({A: [*[Answer(503)] * 5, Silence()]}) as (router, upstream):
        await half_open(router, upstream)
        task = asyncio.create_task(paint(router))
        await asyncio.sleep(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asked(upstream) == [A]
        assert await probe_is_free(router, upstream)


async def test_the_fastest_order_learns_and_explores() -> None:
    """The quickest gets nearly everything, and whoever is unknown gets a chance now and then."""
    script = {A: After(4), B: After(2), C: After(1)}
    async with stage(script) as (router, upstream):
        for _ in range(80):
            await router.generate("a fox", model=A, fallbacks=[B, C], order="fastest")
    counts = Counter(asked(upstream))
    assert set(counts) == {A, B, C}
    assert asked(upstream)[-20:].count(C) >= 18


async def test_counters_of_what_is_in_flight_go_back_to_zero() -> None:
    """Neither an error, nor a time-out, nor a cancelled call counts as busy for ever."""
    script: list[Step] = [Answer(503), Reset(), Silence(), Silence()]
    async with stage({A: script}) as (router, upstream):
        for _ in range(3):
            with pytest.raises(pinxit.ProviderError):
                await router.generate("a fox", model=A, timeout=5)
        task = asyncio.create_task(router.generate("a fox", model=A))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        upstream.requests.clear()
        for _ in range(3):
            # Of equals the first that is listed is asked: B would be, if A seemed busy.
            await router.generate("a fox", model=A, fallbacks=[B], order="least_busy")
    assert asked(upstream) == [A, A, A]


async def test_the_least_busy_order_spreads_what_comes_at_once() -> None:
    """Nine requests at the same time are three for each."""
    async with stage(After(5)) as (router, upstream):
        await asyncio.gather(
            *(
                router.generate("a fox", model=A, fallbacks=[B, C], order="least_busy")
                for _ in range(9)
            )
        )
    assert Counter(asked(upstream)) == {A: 3, B: 3, C: 3}


async def test_a_fan_out_counts_every_call() -> None:
    """Ten calls of one request that all fail open the breaker like ten requests."""
    async with stage({ONE_AT_ONCE: Answer(503)}) as (router, upstream):
        await router.generate("a fox", model=ONE_AT_ONCE, n=10, fallbacks=[A])
        upstream.requests.clear()
        await router.generate("a fox", model=ONE_AT_ONCE, fallbacks=[A])
    assert asked(upstream) == [A]
