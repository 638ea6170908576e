"""Answers in a folder, which several processes of one machine may share."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from .stores import StoreFailed

__all__ = ["DiskStore"]

_UNFINISHED = ".part"
_ABANDONED = 3600.0
"""Seconds after which an unfinished file is what a killed process left behind."""


class _File(NamedTuple):
    expires: float
    size: int
    path: Path


class DiskStore:
    """One file per entry, written beside its place and moved there: readers see all of it or nothing.

    A file's time of modification is the moment at which its entry expires, so old entries are found
    without opening them. When there is no room, the one that would expire first goes first.

    Args:
        folder: Made with the first entry, for this user alone.
        max_bytes: Room for all entries together. A larger entry is not kept at all.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    async def get(self, key: str) -> bytes | None:
        """Read an entry.

        Raises:
            StoreFailed: The file is there and cannot be read.
        """
        return await asyncio.to_thread(self._read, key)

    async def put(self, key: str, entry: bytes, *, now: float, expires: float) -> None:
        """Write an entry, and take away what is too old or too much.

        Raises:
            StoreFailed: The folder or the file cannot be written.
        """
        if len(entry) <= self._max_bytes:
            await asyncio.to_thread(self._write, key, entry, now, expires)

    def _read(self, key: str) -> bytes | None:
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(error.strerror or type(error).__name__) from error

    def _write(self, key: str, entry: bytes, now: float, expires: float) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=_UNFINISHED)
            with ExitStack() as unless_written:
                unless_written.callback(Path(name).unlink, missing_ok=True)
                with os.fdopen(handle, "wb") as file:
                    file.write(entry)
                os.utime(name, (now, expires))
                Path(name).replace(self._folder / key)
                unless_written.pop_all()
            self._sweep(now)
        except OSError as error:
            raise StoreFailed(error.strerror or type(error).__name__) from error

    def _sweep(self, now: float) -> None:
        kept = list[_File]()
        for file in self._files():
            unfinished = file.path.suffix == _UNFINISHED
            if file.expires + (_ABANDONED if unfinished else 0) <= now:
                file.path.unlink(missing_ok=True)
            elif not unfinished:
                kept.append(file)
        excess = sum(file.size for file in kept) - self._max_bytes
        # By the moment of expiry, which is the first field.
        for file in sorted(kept):
            if excess <= 0:
                break
            file.path.unlink(missing_ok=True)
            excess -= file.size

    def _files(self) -> Iterator[_File]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                # Another process may have swept it away just now.
                with suppress(FileNotFoundError):
                    facts = entry.stat()
                    yield _File(facts.st_mtime, facts.st_size, Path(entry.path))
