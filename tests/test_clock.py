"""Tests of `pinxit.testing.clock`; the ``virtual_time`` marker is conftest's."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from pinxit.testing.clock import ManualClock, VirtualTimeLoop

HOUR = 3600.0


@pytest.mark.virtual_time
async def test_sleep_jumps() -> None:
    """An hour of sleep takes no time and the loop's clock says that it has passed."""
    loop, began = asyncio.get_running_loop(), time.monotonic()
    before = loop.time()
    await asyncio.sleep(HOUR)
    assert loop.time() - before == pytest.approx(HOUR)
    assert time.monotonic() - began < 5


@pytest.mark.virtual_time
async def test_timers_keep_their_order() -> None:
    """Timers fire in the order of their times, each at its own."""
    loop, fired = asyncio.get_running_loop(), list[tuple[str, float]]()
    before = loop.time()

    async def fire(name: str, after: float) -> None:
        await asyncio.sleep(after)
        fired.append((name, round(loop.time() - before, 6)))

    async with asyncio.TaskGroup() as group:
        for name, after in (("c", 30.0), ("a", 0.5), ("b", 2.0)):
            group.create_task(fire(name, after))
    assert fired == [("a", 0.5), ("b", 2.0), ("c", 30.0)]


@pytest.mark.virtual_time
async def test_timeout_fires() -> None:
    """asyncio.timeout cuts what never ends."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(300):
            await asyncio.Event().wait()


@pytest.mark.virtual_time
async def test_loopback_comes_before_timers() -> None:
    """A peer on a real socket is heard before a time-out fires, and its own sleeps jump too."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for letter in await reader.readline():
            await asyncio.sleep(60)
            writer.write(bytes([letter]))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1")
    host, port = server.sockets[0].getsockname()
    async with asyncio.timeout(400):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"hello\n")
        assert await reader.read() == b"hello\n"
    writer.close()
    server.close()
    await server.wait_closed()


@pytest.mark.virtual_time
async def test_no_jump_while_a_thread_works() -> None:
    """A time-out of a minute does not fire while a thread works for a tenth of a second."""
    done = threading.Event()
    async with asyncio.timeout(60):
        assert not await asyncio.to_thread(done.wait, 0.1)


@pytest.mark.virtual_time
async def test_real_pace_while_a_thread_works() -> None:
    """A short time-out fires although a thread is still at work."""
    stop = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await asyncio.to_thread(stop.wait, 10)
    stop.set()


def test_deadlock_is_an_error() -> None:
    """A loop in which nothing can ever happen again fails instead of hanging."""
    with (
        asyncio.Runner(loop_factory=partial(VirtualTimeLoop, patience=0.01)) as runner,
        pytest.raises(RuntimeError, match="never happens"),
    ):
        runner.run(asyncio.Event().wait())


async def test_other_tests_run_on_the_real_loop() -> None:
    """Without the marker a test gets asyncio's own loop."""
    assert not isinstance(asyncio.get_running_loop(), VirtualTimeLoop)


def test_manual_clock_stands_still() -> None:
    """Only advance moves the clock, and both of its faces alike."""
    clock = ManualClock(datetime(2026, 5, 1, tzinfo=UTC))
    second, moment = clock.monotonic(), clock.now()
    assert (clock.monotonic(), clock.now()) == (second, moment)
    clock.advance(90)
    assert clock.monotonic() - second == 90
    assert clock.now() - moment == timedelta(seconds=90)
    assert clock.today() == moment.date()


def test_manual_clock_never_goes_back() -> None:
    """Negative seconds are refused."""
    with pytest.raises(ValueError, match="-1"):
        ManualClock().advance(-1)


@pytest.mark.virtual_time
async def test_manual_clock_follows_the_loop(clock: ManualClock) -> None:
    """Virtual sleep and advance add up."""
    before = clock.monotonic()
    await asyncio.sleep(HOUR)
    clock.advance(5)
    assert clock.monotonic() - before == pytest.approx(HOUR + 5)


def test_manual_clock_outlives_the_loop() -> None:
    """Time does not fall back when the loop has ended."""
    clock = ManualClock()

    async def sleep() -> float:
        await asyncio.sleep(HOUR)
        return clock.monotonic()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        inside = runner.run(sleep())
    assert clock.monotonic() == inside


async def test_manual_clock_ignores_a_real_loop(clock: ManualClock) -> None:
    """On a real loop the clock stands still."""
    before = clock.monotonic()
    await asyncio.sleep(0.01)
    assert clock.monotonic() == before
