"""Answers in this process's memory."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["MemoryStore"]


class MemoryStore:
    """Keeps entries until there is no room; the one that nobody asked for the longest goes first.

    Args:
        max_bytes: Room for all entries together. A larger entry is not kept at all.

    Attributes:
        used: Bytes of all entries.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, bytes] = OrderedDict()
        self.used = 0

    async def get(self, key: str) -> bytes | None:
        """Return an entry, which is now the last one to go."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    async def put(self, key: str, entry: bytes, *, now: float, expires: float) -> None:
        """Keep an entry, and make room for it."""
        del now, expires  # whoever reads an entry checks its age; here room is all that matters
        # It goes in any case: where the new one is too large, the old one must not answer for it.
        self.used -= len(self._entries.pop(key, b""))
        if len(entry) > self._max_bytes:
            return
        self._entries[key] = entry
        self.used += len(entry)
        while self.used > self._max_bytes:
            self.used -= len(self._entries.popitem(last=False)[1])
