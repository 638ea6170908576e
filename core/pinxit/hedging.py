"""Two candidates at once: the second starts when the first is slow, and the first answer wins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from .errors import PinxitError

__all__ = ["race"]

T = TypeVar("T")


async def race(
    starts: Sequence[Callable[[], Awaitable[T]]],
    after: float,
    goes_on: Callable[[PinxitError], bool],
) -> T:
    """Return the first answer; whoever is still running then is cancelled, and awaited.

    Args:
        starts: Two ways to an answer, the better one first.
        after: Seconds until the second starts; it also starts when the first fails.
        goes_on: Whether the other may still be waited for, or started, after an error.

    Raises:
        PinxitError: The last error, where both fail or one must not be followed.
    """
    waiting = list(starts)
    running = {asyncio.ensure_future(waiting.pop(0)())}
    try:
        while True:
            patience = after if waiting else None
            done, running = await asyncio.wait(
                running, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            # Of two that end in the same moment, one with an answer decides.
            for task in sorted(done, key=lambda task: task.exception() is not None):
                error = task.exception()
                if error is None:
                    return task.result()
                may_go_on = isinstance(error, PinxitError) and goes_on(error)
                if not may_go_on or not (running or waiting):
                    raise error
            # Reached when the first was slow and when it failed; both start the second.
            if waiting:
                running.add(asyncio.ensure_future(waiting.pop(0)()))
    finally:
        for task in running:
            task.cancel()
        if running:
            # So that the loser's call is closed, and in the report, before the answer goes out.
            await asyncio.wait(running)
        for task in running:
            # An error that nobody looks at would be logged as lost.
            _ = task.cancelled() or task.exception()
