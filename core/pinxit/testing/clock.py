"""Time for tests: an event loop whose clock jumps, and a `Clock` that follows it.

`VirtualTimeLoop` is opt-in. In a ``conftest.py``, with pytest-asyncio 1.4 or newer::

    def pytest_asyncio_loop_factories(config, item):
        virtual = item.get_closest_marker("virtual_time")
        return {"virtual": VirtualTimeLoop} if virtual else {"real": asyncio.new_event_loop}

Without pytest: ``asyncio.Runner(loop_factory=VirtualTimeLoop)``.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from pinxit.hookspecs import Clock

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["ManualClock", "VirtualTimeLoop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

START = 1_000.0
"""Where time begins: not at 0, which careless code takes for "never"."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that moves its loop's clock instead of waiting."""

    loop: VirtualTimeLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # Something can run: time stands still.
        if timeout is not None and timeout <= 0:
            return super().select(0)
        return self.loop.wait(timeout, super().select)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in which ``asyncio.sleep(3600)`` returns at once and `time` has moved by an hour.

    Time stands still while anything can run. When nothing can, it jumps to the next timer:

    - at once, where no socket, pipe or thread could still have something to say;
    - after *grace* real seconds without news, where sockets are open or other threads live. Both ends of a
      loopback connection in this loop need none of it; a peer in another thread or process has that
      long to answer;
    - not at all while `run_in_executor` or `asyncio.to_thread` work is under way: then time passes at
      its real pace.

    Threads that others start (``anyio.to_thread``) are seen, but not whether they work: give a larger
    *grace* where they compute for long.

    Args:
        grace: Real seconds to listen before each jump while I/O is open.
        patience: Real seconds to listen where there is no timer to jump to.

    Raises:
        RuntimeError: Nothing is ready, nothing is scheduled, and nothing came from outside: the test
            would hang.
    """

    def __init__(self, *, grace: float = 0.005, patience: float = 60.0) -> None:
        self._now = START
        self._grace = grace
        self._patience = patience
        self._working = 0
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)
        self._quiet = selector
        # The loop's own self-pipe is the only file that is registered now.
        self._own_files = len(selector.get_map())

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in a thread; until it is done, time does not jump."""
        future = super().run_in_executor(executor, func, *args)
        self._working += 1
        future.add_done_callback(self._worked)
        return future

    async def shutdown_default_executor(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - asyncio's own signature
    ) -> None:
        """Wait for threads as long as they take.

        Since Python 3.12 the runner gives a time-out, which in virtual time would be over at once.
        """
        del timeout
        await super().shutdown_default_executor()

    def _worked(self, future: asyncio.Future[Any]) -> None:
        del future
        self._working -= 1

    def wait(
        self,
        timeout: float | None,
        select: Callable[[float | None], list[tuple[selectors.SelectorKey, int]]],
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for I/O as the rules above say; the loop's selector calls it.

        Args:
            timeout: Virtual seconds until the next timer; ``None`` where there is none.
            select: The real selector's method.
        """
        if self._working:
            return self._pass_time(timeout, select)
        listening = self._listening()
        patience = self._patience if timeout is None else self._grace
        events = select(patience if listening else 0)
        if not events and timeout is None:
            raise RuntimeError(
                "every task waits for something that never happens; nothing is scheduled"
            )
        if not events and timeout is not None:
            self._now += timeout
        return events

    def _pass_time(
        self,
        timeout: float | None,
        select: Callable[[float | None], list[tuple[selectors.SelectorKey, int]]],
    ) -> list[tuple[selectors.SelectorKey, int]]:
        began = time.monotonic()
        events = select(timeout)
        passed = time.monotonic() - began
        # Without news the timer is due, however exactly the system has waited for it.
        if timeout is not None:
            self._now += timeout if not events else min(timeout, passed)
        return events

    def _listening(self) -> bool:
        """Whether something outside the loop could wake it."""
        others = threading.active_count() > 1
        # Windows lists its self-pipe like everybody else, so one rule serves all.
        return others or len(self._quiet.get_map()) > self._own_files


class ManualClock(Clock):
    """A clock that stands still until somebody moves it.

    Inside a `VirtualTimeLoop` it follows the loop: after ``await asyncio.sleep(60)`` a minute has passed.
    `advance` moves the clock alone, in or outside a loop, and fires no timer.

    Args:
        now: The moment at which it stands at first, in UTC.
    """

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = now
        self._advanced = 0.0
        self._loop: VirtualTimeLoop | None = None

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            # Kept, so that time does not fall back when the loop has ended.
            self._loop = loop if isinstance(loop, VirtualTimeLoop) else self._loop
        return self._advanced + (self._loop.time() if self._loop else START)

    def now(self) -> datetime:
        """The moment, in UTC."""
        return self._start + timedelta(seconds=self.monotonic() - START)

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: *seconds* is negative: clocks do not go back.
        """
        if seconds < 0:
            raise ValueError(f"seconds is {seconds:g}; a clock does not go back")
        self._advanced += seconds
