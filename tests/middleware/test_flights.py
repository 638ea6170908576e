"""`pinxit.middleware.flights`: what is under way is shared, and ends with the last who waits."""

from __future__ import annotations

import asyncio

import pytest

from pinxit.middleware.flights import Flights

pytestmark = pytest.mark.virtual_time


class Work:
    """Takes a minute, and counts."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun = 0
        self.cancelled = 0
        self.error = error

    async def __call__(self) -> int:
        self.begun += 1
        mine = self.begun
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        return mine


async def test_the_work_is_done_once_for_all_who_wait() -> None:
    """Everybody gets what the first one's work brings; only the first is told that it was the first."""
    flights, work = Flights[int](), Work()
    brought = await asyncio.gather(*(flights.join("k", work) for _ in range(10)))
    assert brought == [(1, True), *[(1, False)] * 9]
    assert work.begun == 1


async def test_what_has_landed_is_begun_anew() -> None:
    """The next one after the end begins again: nothing is kept here."""
    flights, work = Flights[int](), Work()
    await flights.join("k", work)
    assert await flights.join("k", work) == (2, True)


async def test_other_keys_are_other_work() -> None:
    """Two keys do not wait for each other."""
    flights, work = Flights[int](), Work()
    await asyncio.gather(flights.join("k", work), flights.join("l", work))
    assert work.begun == 2


async def test_the_work_goes_on_without_the_one_who_began_it() -> None:
    """When the first goes away, the others get what it began; it is neither stopped nor begun again."""
    flights, work = Flights[int](), Work()
    first = asyncio.ensure_future(flights.join("k", work))
    second = asyncio.ensure_future(flights.join("k", work))
    await asyncio.sleep(30)
    first.cancel()
    assert await second == (1, False)
    assert first.cancelled()
    assert (work.begun, work.cancelled) == (1, 0)


async def test_the_work_ends_with_the_last_who_waits() -> None:
    """When nobody waits any more, the work is cancelled before the last one is gone."""
    flights, work = Flights[int](), Work()
    waiting = [asyncio.ensure_future(flights.join("k", work)) for _ in range(2)]
    await asyncio.sleep(30)
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)
    assert (work.begun, work.cancelled) == (1, 1)
    assert flights.tag("k") is None


async def test_newcomers_do_not_wait_for_dying_work() -> None:
    """Who comes while cancelled work still cleans up begins anew."""
    flights, work = Flights[int](), Work()

    async def slow_to_die() -> int:
        try:
            return await asyncio.sleep(60, 0)
        finally:
            await asyncio.sleep(5)

    first = asyncio.ensure_future(flights.join("k", slow_to_die))
    await asyncio.sleep(30)
    first.cancel()
    await asyncio.sleep(1)
    assert await flights.join("k", work) == (1, True)
    assert first.cancelled()


async def test_an_error_is_everybodys() -> None:
    """All who wait fail as the work fails, and the next one begins anew."""
    flights, work = Flights[int](), Work(ValueError("broken"))
    ends = await asyncio.gather(
        *(flights.join("k", work) for _ in range(3)), return_exceptions=True
    )
    assert [str(end) for end in ends] == ["broken"] * 3
    work.error = None
    assert await flights.join("k", work) == (2, True)


async def test_work_is_tagged_while_it_is_under_way() -> None:
    """The tag is there from the beginning to the end."""
    flights, work = Flights[int](), Work()
    assert flights.tag("k") is None
    task = asyncio.ensure_future(flights.join("k", work, tag="body"))
    await asyncio.sleep(1)
    assert flights.tag("k") == "body"
    await task
    assert flights.tag("k") is None
