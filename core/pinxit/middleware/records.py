"""Entries in a store that may be down: what cannot be read is not there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from pinxit.errors import PinxitError
from pinxit.hookspecs import Clock
from pinxit.types import ImagesResponse

from .entries import BrokenEntry, Entry, decode, encode
from .stores import Store, StoreFailed

__all__ = ["Records", "replayed"]

log = logging.getLogger("pinxit")


class Records:
    """Answers that are kept for later.

    Args:
        store: Where.
        name: Whose they are, for the log.
        max_age: Seconds after which an entry goes, whatever its ttl.
    """

    def __init__(self, store: Store, name: str, max_age: int) -> None:
        self._store = store
        self._name = name
        self._max_age = max_age

    async def find(self, key: str, clock: Clock, *, ttl: float) -> Entry | None:
        """Return what is kept under a key, unless it is too old, or broken, or the store is down.

        Args:
            key: Lower-case hexadecimal digits.
            clock: The time.
            ttl: Seconds that it may be old; how long it was meant to be kept counts too.
        """
        try:
            raw = await self._store.get(key)
            entry = None if raw is None else await asyncio.to_thread(decode, raw)
        except StoreFailed as failure:
            log.warning("%s: the store cannot be read, so nothing is: %s", self._name, failure)
            return None
        except BrokenEntry as broken:
            log.warning("%s: an entry is left aside: %s", self._name, broken)
            return None
        now = clock.now().timestamp()
        if entry is None or now >= min(entry.expires, entry.stored + ttl):
            return None
        return entry

    async def keep(
        self,
        key: str,
        outcome: ImagesResponse | PinxitError,
        clock: Clock,
        *,
        ttl: float,
        body: str = "",
    ) -> None:
        """Keep an answer, if the store is up and all of its pictures are here.

        It has been paid for, so it is kept to the end even where whoever waits goes away meanwhile.
        """
        writing = asyncio.ensure_future(self._write(key, outcome, clock, ttl, body))
        try:
            await asyncio.shield(writing)
        finally:
            # Left alone, it would be lost where the loop ends meanwhile.
            if not writing.done():
                await asyncio.wait([writing])

    async def _write(
        self,
        key: str,
        outcome: ImagesResponse | PinxitError,
        clock: Clock,
        ttl: float,
        body: str,
    ) -> None:
        now = clock.now().timestamp()
        expires = now + min(ttl, self._max_age)
        entry = Entry(stored=now, expires=expires, outcome=outcome, body=body)
        try:
            raw = await asyncio.to_thread(encode, entry)
            await self._store.put(key, raw, now=now, expires=expires)
        except (StoreFailed, PinxitError) as failure:
            log.warning("%s: an answer is not kept: %s", self._name, failure)


def replayed(response: ImagesResponse) -> ImagesResponse:
    """Return an answer as somebody gets it for whom nothing was ordered."""
    # Copies: pictures change as they are read, and several callers may get this answer.
    images: Iterable[object] = (image.replace() for image in response.data)
    report = response.report.model_copy(update={"cached": True})
    return response.model_copy(update={"data": tuple(images), "report": report})
