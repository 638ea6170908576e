"""Retries: how often, on what, after how long, and when not."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

import pinxit
from chaotic import A, B, asked, now, stage
from pinxit.testing import Answer, ChaosUpstream, Ok, RateLimited, Silence, Step

pytestmark = pytest.mark.virtual_time


def gaps(upstream: ChaosUpstream) -> list[float]:
    """Return the seconds between one request and the next."""
    return [later.at - earlier.at for earlier, later in pairwise(upstream.requests)]


@pytest.mark.parametrize(
    ("status", "count"), [(408, 1), (429, 5), (500, 3), (502, 1), (503, 3), (504, 2), (529, 1)]
)
async def test_listed_codes_are_retried_as_often_as_allowed(count: int, status: int) -> None:
    """count=k gives 1 + k requests, and the last answer is the error."""
    retry = pinxit.Retry(count=count, on_codes=(status,))
    async with stage({A: Answer(status)}) as (router, upstream):
        with pytest.raises(pinxit.ProviderError) as caught:
            await router.generate("a fox", model=A, retry=retry)
    assert asked(upstream) == [A] * (1 + count)
    assert caught.value.upstream_status == status
    assert caught.value.report is not None
    assert [a.status for a in caught.value.report.attempts] == [status] * (1 + count)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 529, 307, 418])
async def test_other_codes_are_not_retried(status: int) -> None:
    """By default a retry is for 429 alone."""
    async with stage({A: Answer(status)}) as (router, upstream):
        with pytest.raises(pinxit.PinxitError):
            await router.generate("a fox", model=A, retry=pinxit.Retry(count=3))
    assert asked(upstream) == [A]


async def test_the_first_good_answer_ends_it() -> None:
    """Two failures and a picture are three requests."""
    async with stage({A: [RateLimited(), RateLimited()]}) as (router, upstream):
        answer = await router.generate("a fox", model=A, retry=pinxit.Retry(count=5))
    assert asked(upstream) == [A] * 3
    assert [a.outcome for a in answer.report.attempts] == ["rate_limit_exceeded"] * 2 + ["ok"]


async def test_another_failure_on_the_way_ends_it_too() -> None:
    """A listed code earns a retry; what that one meets has to earn the next."""
    async with stage({A: [RateLimited(), Answer(500), Ok()]}) as (router, upstream):
        with pytest.raises(pinxit.ProviderUnavailable):
            await router.generate("a fox", model=A, retry=pinxit.Retry(count=5))
    assert asked(upstream) == [A, A]


async def test_a_connection_that_never_came_about_is_tried_again() -> None:
    """Nothing was sent, so no code has to be listed."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        async with stage(settings={"base_url": address}) as (router, _):
            with pytest.raises(pinxit.ProviderUnavailable) as caught:
                await router.generate("a fox", model=A, retry=pinxit.Retry(count=2))
    assert caught.value.report is not None
    assert [a.billing for a in caught.value.report.attempts] == ["not_sent"] * 3


async def test_a_time_out_is_retried_only_where_it_is_listed() -> None:
    """504 among the codes is the caller's word that paying twice is fine."""
    retry = pinxit.Retry(count=1, on_codes=(504,))
    async with stage({A: [Silence()]}) as (router, upstream):
        answer = await router.generate("a fox", model=A, retry=retry, timeout=5)
    assert asked(upstream) == [A, A]
    assert [a.may_be_billed for a in answer.report.attempts] == [True, False]
    assert upstream.requests[0].disconnected


WISHES: dict[str, tuple[RateLimited, float, float]] = {
    "seconds": (RateLimited(retry_after=7), 7, 7.1),
    "a fraction": (RateLimited(retry_after="2.5"), 2.5, 2.6),
    "blanks": (RateLimited(retry_after=" 7 "), 7, 7.1),
    "milliseconds": (RateLimited(milliseconds=1500), 1.5, 1.6),
    "milliseconds win": (RateLimited(retry_after=30, milliseconds=1500), 1.5, 1.6),
    "milliseconds of no use": (RateLimited(retry_after=7, milliseconds="soon"), 7, 7.1),
    "a past date": (RateLimited(retry_after=datetime(2020, 1, 1, tzinfo=UTC)), 0.0399, 0.2),
    "zero": (RateLimited(retry_after=0), 0.0399, 0.2),
    "a minute": (RateLimited(retry_after=60), 60, 60.1),
}


@pytest.mark.parametrize("name", WISHES)
async def test_the_provider_says_how_long_to_wait(name: str) -> None:
    """Seconds, milliseconds and dates are waited for, and never less than 40 ms."""
    step, least, most = WISHES[name]
    async with stage({A: [step]}) as (router, upstream):
        await router.generate("a fox", model=A, retry=pinxit.Retry(count=1))
    [gap] = gaps(upstream)
    assert least <= gap <= most


async def test_a_date_is_waited_for() -> None:
    """It is taken from the real calendar, to the second."""
    moment = datetime.now(UTC) + timedelta(seconds=20)
    async with stage({A: [RateLimited(retry_after=moment)]}) as (router, upstream):
        await router.generate("a fox", model=A, retry=pinxit.Retry(count=1))
    [gap] = gaps(upstream)
    assert 10 <= gap <= 20.1


NONSENSE = [
    "NaN", "inf", "-inf", "-5", "1e999", "soon", "", "7 seconds", "0x10", "9" * 400,
    "99999999999999999999", "Fri, 99 Foo 2026 00:00:00 GMT", "Wed, 21 Oct 99999 07:28:00 GMT",
]  # fmt: skip


@pytest.mark.parametrize("text", NONSENSE)
async def test_nonsense_leads_to_the_usual_wait(text: str) -> None:
    """What is no time is as good as no wish at all."""
    async with stage({A: [RateLimited(retry_after=text)]}) as (router, upstream):
        await router.generate("a fox", model=A, retry=pinxit.Retry(count=1))
    [gap] = gaps(upstream)
    assert 0.75 <= gap <= 1.3


@pytest.mark.parametrize("seconds", [61, 3600, 86_400])
async def test_an_hour_is_not_waited_for(seconds: float) -> None:
    """A long wish leads to the fallback at once; without one, to a 429 that carries it."""
    busy = RateLimited(retry_after=seconds)
    async with stage({A: busy}) as (router, upstream):
        start = now()
        await router.generate("a fox", model=A, retry=pinxit.Retry(count=3), fallbacks=[B])
        with pytest.raises(pinxit.RateLimited) as caught:
            await router.generate("a fox", model=A, retry=pinxit.Retry(count=3))
        assert now() - start < 1
    assert asked(upstream) == [A, B, A]
    assert (caught.value.status, caught.value.retry_after) == (429, seconds)


async def test_waits_double_and_are_jittered() -> None:
    """They are 1, 2, 4, 8 and 16 seconds, each within 25 %, and not the same for everybody."""
    first: set[float] = set()
    for seed in range(4):
        async with stage({A: RateLimited()}, seed=seed) as (router, upstream):
            with pytest.raises(pinxit.RateLimited):
                await router.generate("a fox", model=A, retry=pinxit.Retry(count=5))
        waits = gaps(upstream)
        assert all(0.75 * 2**n <= wait <= 1.3 * 2**n for n, wait in enumerate(waits))
        assert all(later > earlier for earlier, later in pairwise(waits))
        first.add(round(waits[0], 3))
    assert len(first) == 4


async def test_no_wait_is_begun_that_the_deadline_would_cut() -> None:
    """A back-off that ends after the deadline is not worth waiting."""
    async with stage({A: RateLimited(retry_after=30)}) as (router, upstream):
        start = now()
        with pytest.raises(pinxit.RateLimited):
            await router.generate("a fox", model=A, retry=pinxit.Retry(count=3), deadline=20)
        assert now() - start < 1
    assert asked(upstream) == [A]


DOWN: dict[str, Step] = {"503": Answer(503), "429": RateLimited(retry_after=1)}


@pytest.mark.parametrize("name", DOWN)
async def test_an_outage_is_not_fed(name: str) -> None:
    """A hundred requests at once, each with three retries, are at most two hundred upstream."""
    retry = pinxit.Retry(count=3, on_codes=(429, 503))
    async with stage({A: DOWN[name]}) as (router, upstream):
        orders = [router.generate("a fox", model=A, retry=retry) for _ in range(100)]
        ended = await asyncio.gather(*orders, return_exceptions=True)
    assert all(isinstance(error, pinxit.ProviderError) for error in ended)
    assert 100 <= len(upstream.requests) <= 200


async def test_a_single_request_always_has_its_retries() -> None:
    """The budget is for outages: quiet times are not what it is about."""
    retry = pinxit.Retry(count=5, on_codes=(503,))
    async with stage({A: Answer(503)}) as (router, upstream):
        for _ in range(3):
            with pytest.raises(pinxit.ProviderUnavailable):
                await router.generate("a fox", model=A, retry=retry)
            await asyncio.sleep(10)
    assert len(upstream.requests) == 18


async def test_leaving_during_a_wait_orders_nothing_more() -> None:
    """A caller who goes away while we wait for the next attempt does not pay for it."""
    async with stage({A: RateLimited(retry_after=30)}) as (router, upstream):
        task = asyncio.create_task(
            router.generate("a fox", model=A, retry=pinxit.Retry(count=3), fallbacks=[B])
        )
        await asyncio.sleep(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(60)
    assert asked(upstream) == [A]
