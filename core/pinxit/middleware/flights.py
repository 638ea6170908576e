"""Work that several callers wait for: it is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["Flights"]

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    tag: str
    waiting: int = 0


class Flights(Generic[T]):
    """Work under way, by key.

    The work runs in a task of its own, so it goes on when whoever began it goes away, as long as
    somebody waits. When the last one goes, it is cancelled.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}

    def tag(self, key: str) -> str | None:
        """Return what the work under a key was tagged with, or ``None`` if there is none."""
        flight = self._flights.get(key)
        return None if flight is None else flight.tag

    async def join(
        self, key: str, start: Callable[[], Coroutine[Any, Any, T]], *, tag: str = ""
    ) -> tuple[T, bool]:
        """Wait for the work under a key, and start it if nobody has.

        Args:
            key: What is the same work.
            start: Does the work.
            tag: What `tag` returns meanwhile.

        Returns:
            What it brought, and whether this call started it.

        Raises:
            Exception: Whatever the work raises, to everybody who waits.
        """
        flight = self._flights.get(key)
        first = flight is None
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(start()), tag)
        flight.waiting += 1
        try:
            # Not `await flight.task`: a waiter that is cancelled would cancel the work of all.
            await asyncio.wait([flight.task])
            return flight.task.result(), first
        finally:
            flight.waiting -= 1
            if flight.task.done() or not flight.waiting:
                await self._land(key, flight)

    async def _land(self, key: str, flight: _Flight[T]) -> None:
        # Newcomers must not wait for work that is being cancelled.
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.task.done():
            flight.task.cancel()
            await asyncio.wait([flight.task])
        # An error that nobody waits for any more is no news.
        _ = flight.task.cancelled() or flight.task.exception()
