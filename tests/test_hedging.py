"""Races of two candidates."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from pinxit.errors import ContentRejected, PinxitError, ProviderUnavailable
from pinxit.hedging import race

pytestmark = pytest.mark.virtual_time


def runner(
    seconds: float, result: str | PinxitError, log: list[str]
) -> Callable[[], Awaitable[str]]:
    async def run() -> str:
        log.append("start")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
        if isinstance(result, PinxitError):
            raise result
        return result

    return run


def falls_back(error: PinxitError) -> bool:
    return error.fall_back


async def test_a_failed_first_starts_the_second_at_once() -> None:
    """There is nothing to wait for any more."""
    log: list[str] = []
    starts = [runner(1, ProviderUnavailable("x"), log), runner(1, "second", log)]
    begin = asyncio.get_running_loop().time()
    assert await race(starts, 60, falls_back) == "second"
    assert asyncio.get_running_loop().time() - begin == pytest.approx(2, abs=0.1)


async def test_a_refusal_ends_the_race() -> None:
    """An error that must not be followed cancels the other runner."""
    log: list[str] = []
    starts = [runner(10, ContentRejected("no"), log), runner(60, "late", log)]
    with pytest.raises(ContentRejected):
        await race(starts, 1, falls_back)
    assert log == ["start", "start", "cancelled"]


async def test_when_both_fail_the_last_error_is_raised() -> None:
    """Both had their chance."""
    last = ProviderUnavailable("second")
    starts = [runner(1, ProviderUnavailable("first"), []), runner(1, last, [])]
    with pytest.raises(ProviderUnavailable) as caught:
        await race(starts, 60, falls_back)
    assert caught.value is last


async def test_cancelling_the_race_cancels_both() -> None:
    """Nobody is left running."""
    log: list[str] = []
    task = asyncio.ensure_future(race([runner(99, "a", log), runner(99, "b", log)], 1, falls_back))
    await asyncio.sleep(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["start", "start", "cancelled", "cancelled"]


async def test_an_answer_counts_more_than_an_error_of_the_same_moment() -> None:
    """A refusal and a picture that come together are a picture."""
    for _ in range(10):
        starts = [runner(2, ContentRejected("no"), []), runner(1, "painted", [])]
        assert await race(starts, 1, falls_back) == "painted"


async def test_errors_of_those_who_were_cancelled_are_not_lost() -> None:
    """One that fails while it is being stopped is not logged as an error that nobody saw."""
    problems: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))

    async def stubborn() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            raise ProviderUnavailable("while closing")

    assert await race([stubborn, runner(1, "second", [])], 1, falls_back) == "second"
    gc.collect()
    assert problems == []
