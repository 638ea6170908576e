"""Fallbacks: in order, each model once, for every operation, and only where they help."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from typing import Any

import pytest

import pinxit
from chaotic import VARIES, A, B, C, Operation, asked, order, stage
from pinxit import Route
from pinxit.testing import (
    Answer,
    Close,
    EmptyData,
    Events,
    Html,
    RateLimited,
    Refusal,
    Reset,
    Silence,
    Step,
    Truncated,
)

pytestmark = pytest.mark.virtual_time

OPERATIONS: list[Operation] = ["generate", "edit", "variation"]

FAILURES: dict[str, Step] = {
    **{str(status): Answer(status) for status in (408, 429, 500, 502, 503, 504, 529)},
    "reset": Reset(),
    "reset inside": Reset("inside"),
    "close": Close(),
    "truncated": Truncated(),
    "time-out": Silence(),
    "garbage": Html(),
    "no picture": EmptyData(),
    "a spent quota": RateLimited(code="insufficient_quota"),
    "a redirect": Answer(307, headers={"location": "http://elsewhere.test/"}),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_failed_model_is_followed_by_the_next(name: str, operation: Operation) -> None:
    """Generations, edits and variations fall back alike; the report tells how it went."""
    first = VARIES if operation == "variation" else A
    async with stage({first: FAILURES[name]}) as (router, upstream):
        answer = await order(router, operation, model=first, fallbacks=[B, C], timeout=5)
    assert asked(upstream) == [first, B]
    assert answer.report.model == f"openai/{B}"
    assert [a.outcome == "ok" for a in answer.report.attempts] == [False, True]
    assert len(answer.data) == 1


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_the_list_is_worked_off_in_order(operation: Operation) -> None:
    """The first fallback is broken too, the second one works; nobody is asked twice."""
    fallbacks = [B, f"openai/{A}", B, C]
    async with stage({A: Answer(503), B: Close()}) as (router, upstream):
        answer = await order(router, operation, model=A, fallbacks=fallbacks)
    assert asked(upstream) == [A, B, C]
    assert answer.report.model == f"openai/{C}"


async def test_retries_of_the_first_come_before_the_fallback() -> None:
    """A model has all its attempts, then the next one has all of its own."""
    retry = pinxit.Retry(count=2, on_codes=(429, 503))
    async with stage({A: Answer(503), B: [RateLimited()]}) as (router, upstream):
        await router.generate("a fox", model=A, fallbacks=[B], retry=retry)
    assert asked(upstream) == [A, A, A, B, B]


async def test_when_all_fail_the_last_one_speaks() -> None:
    """Status and code are those of the most recent error, and every attempt has its line."""
    script: dict[str, Step] = {A: Answer(500), B: Reset(), C: RateLimited(retry_after=90)}
    async with stage(script) as (router, _):
        with pytest.raises(pinxit.AllModelsFailed) as caught:
            await router.generate("a fox", model=A, fallbacks=[B, C])
    error = caught.value
    assert (error.status, error.code, error.retry_after) == (429, "rate_limit_exceeded", 90)
    assert [e.model for e in error.errors] == [f"openai/{name}" for name in (A, B, C)]
    assert error.report is not None
    assert [(a.status, a.billing) for a in error.report.attempts] == [
        (500, "unbilled"),
        (None, "ambiguous"),
        (429, "unbilled"),
    ]
    assert all(f"openai/{name}: " in str(error) for name in (A, B, C))


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_listed_codes_fall_back_even_where_that_rarely_helps(status: int) -> None:
    """fallback_on_codes is the caller's word, also for a refused key and a forgotten model."""
    async with stage({A: Answer(status)}) as (router, upstream):
        await router.generate("a fox", model=A, fallbacks=[B], fallback_on_codes=[status])
    assert asked(upstream) == [A, B]


async def test_a_list_of_codes_replaces_the_usual_one() -> None:
    """503 does not fall back where only 429 is listed; what has no status always does."""
    async with stage({A: [Answer(503), Reset()]}) as (router, upstream):
        with pytest.raises(pinxit.ProviderUnavailable):
            await router.generate("a fox", model=A, fallbacks=[B], fallback_on_codes=[429])
        await router.generate("a fox", model=A, fallbacks=[B], fallback_on_codes=[429])
    assert asked(upstream) == [A, A, B]


async def test_a_middle_one_that_refuses_ends_the_line() -> None:
    """A refusal at the second model is not taken to a third."""
    async with stage({A: Answer(503), B: Refusal()}) as (router, upstream):
        with pytest.raises(pinxit.ContentRejected):
            await router.generate("a fox", model=A, fallbacks=[B, C])
    assert asked(upstream) == [A, B]


async def test_fallbacks_may_come_from_the_request_the_route_or_the_configuration() -> None:
    """What is nearer to the request wins, and an empty list turns fallbacks off."""
    config = {"defaults": {"fallbacks": [C]}}
    routes = {"hero": Route(models=(A,), fallbacks=(pinxit.Fallback(model=B),))}
    async with stage({A: Answer(503)}, config=config, routes=routes) as (router, upstream):
        await router.generate("a fox", model=A)
        await router.generate("a fox", model="hero")
        await router.generate("a fox", model="hero", fallbacks=[VARIES, C])
        with pytest.raises(pinxit.ProviderUnavailable):
            await router.generate("a fox", model="hero", fallbacks=[])
    assert asked(upstream) == [A, C, A, B, A, VARIES, A]


CIRCLES: dict[str, dict[str, Any]] = {
    "itself": {"one": {"models": (A, B), "fallbacks": ("one",)}},
    "each other": {
        "one": {"models": (A,), "fallbacks": ("two",)},
        "two": {"models": (B,), "fallbacks": ("one",)},
    },
    "the model behind it": {"one": {"models": (A,), "fallbacks": (A, f"openai/{A}", B)}},
}


@pytest.mark.parametrize("name", CIRCLES)
async def test_circles_of_fallbacks_end(name: str) -> None:
    """However routes name each other, each model is asked once."""
    routes = {route: Route.model_validate(fields) for route, fields in CIRCLES[name].items()}
    async with stage(Answer(503), routes=routes) as (router, upstream):
        with pytest.raises(pinxit.AllModelsFailed):
            await router.generate("a fox", model="one")
    assert asked(upstream) == [A, B]


async def test_a_route_may_be_a_fallback() -> None:
    """Its models are tried in its order; one that spreads load, or asks for needs, is one too."""
    routes = {
        "listed": Route(models=(B, C)),
        "spread": Route.model_validate({"load_balancer": {"models": [{"model": C}]}}),
        "needy": Route(needs=("mask",), order="listed"),
    }
    async with stage({A: Answer(503), B: Answer(503)}, routes=routes) as (router, upstream):
        await router.generate("a fox", model=A, fallbacks=["listed"])
        await router.generate("a fox", model=A, fallbacks=["spread"])
        answer = await router.generate("a fox", model=A, fallbacks=["needy"])
    assert asked(upstream)[:5] == [A, B, C, A, C]
    assert asked(upstream)[5] == A
    assert answer.report.attempts[-1].outcome == "ok"


async def test_a_fallback_with_its_own_words_is_taken_at_them() -> None:
    """Its parameters replace the request's, and what comes back is measured against them."""
    fallback = pinxit.Fallback(model=B, parameters={"size": "1536x1024", "quality": "low"})
    async with stage({A: Answer(503)}) as (router, upstream):
        answer = await router.generate(
            "a fox", model=A, size="1024x1024", quality="high", fallbacks=[fallback]
        )
    sizes = [(r.value("size"), r.value("quality")) for r in upstream.requests]
    assert sizes == [("1024x1024", "high"), ("1536x1024", "low")]
    assert (answer.data[0].width, answer.data[0].height) == (1536, 1024)
    assert [a for a in answer.report.adaptations if a.verdict == "approximated"] == []


async def test_a_stream_falls_back_before_its_first_partial() -> None:
    """Nobody has seen anything yet; afterwards the events of the fallback come one by one."""
    async with stage({A: Events([], then="close"), B: Events(interval=5)}) as (router, upstream):
        events = [e async for e in router.stream("a fox", model=A, fallbacks=[B])]
    assert asked(upstream) == [A, B]
    assert [type(event).__name__ for event in events] == ["PartialImage"] * 2 + ["ImagesResponse"]


async def test_events_pass_one_by_one() -> None:
    """A partial picture is with the caller while the next one is still being painted."""
    async with stage({A: Events(interval=5)}) as (router, upstream):
        start = asyncio.get_running_loop().time()
        times: list[float] = []
        async for _ in router.stream("a fox", model=A, partial_images=2):
            times.append(asyncio.get_running_loop().time() - start)  # noqa: PERF401 - it reads the clock
    assert [round(t) for t in times] == [5, 10, 15]
    assert upstream.requests[0].streams


def shares(**weights: float) -> dict[str, Any]:
    names = {"a": A, "b": B, "c": C}
    return {"models": [{"model": names[n], "weight": w} for n, w in weights.items()]}


async def test_weights_are_honoured() -> None:
    """Over 200 requests each model gets its share, give or take what chance allows."""
    async with stage() as (router, upstream):
        for _ in range(200):
            await router.generate("a fox", load_balancer=shares(a=0.7, b=0.2, c=0.1))
    counts = Counter(asked(upstream))
    assert counts.total() == 200
    assert 115 <= counts[A] <= 165
    assert 22 <= counts[B] <= 60
    assert 8 <= counts[C] <= 35


async def test_the_load_moves_to_those_that_work() -> None:
    """A share that fails is served by the others of the load balancer."""
    async with stage({A: Answer(503)}) as (router, upstream):
        answers = [
            await router.generate("a fox", load_balancer=shares(a=0.5, b=0.5)) for _ in range(20)
        ]
    assert {answer.report.model for answer in answers} == {f"openai/{B}"}
    assert A in asked(upstream)


BAD_SHARES: list[Any] = [
    {"models": []},
    {"models": [{"model": A, "weight": 0}]},
    {"models": [{"model": A, "weight": -1}]},
    {"models": [{"model": A, "weight": 2}]},
    {"models": [{"model": A, "weight": "heavy"}]},
    {"models": [{"model": A, "weight": float("nan")}]},
    {"models": [{"model": "nobody/knows"}]},
    {"type": "round_robin", "models": [{"model": A}]},
]


@pytest.mark.parametrize("balancer", BAD_SHARES, ids=str)
async def test_wrong_weights_are_refused(balancer: Any) -> None:
    """The error is the caller's, names the field, and nothing is sent."""
    async with stage() as (router, upstream):
        with pytest.raises(pinxit.RequestError) as caught:
            await router.generate("a fox", load_balancer=balancer)
    assert (caught.value.param or "").startswith("load_balancer")
    assert caught.value.status in {400, 404}
    assert upstream.requests == []


async def test_an_unknown_fallback_is_named_before_anything_is_sent() -> None:
    """A typing error in the list does not wait for the day of the outage."""
    async with stage() as (router, upstream):
        with pytest.raises(pinxit.UnknownModel, match="gpt-image-3") as caught:
            await router.generate("a fox", model=A, fallbacks=[B, "gpt-image-3"])
    assert caught.value.param == "fallbacks[1].model"
    assert upstream.requests == []


async def test_every_order_of_failures_ends() -> None:
    """Whatever two models do one after the other, a third one that works serves."""
    ways: list[Step] = [Answer(503), Reset(), Html(), RateLimited(retry_after=3600)]
    for first, second in itertools.permutations(ways, 2):
        async with stage({A: first, B: second}) as (router, upstream):
            answer = await router.generate("a fox", model=A, fallbacks=[B, C])
        assert asked(upstream) == [A, B, C]
        assert answer.report.model == f"openai/{C}"
