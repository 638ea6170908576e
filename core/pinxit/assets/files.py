"""A folder of files that several processes share without locks: whole files or none.

Modification time is when a file was last put, access time when it was last used; both are set here and
never left to the file system.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .asset import is_asset_name

__all__ = ["Files", "Kept"]

STALE = 3600
"""Seconds after which a file in the making was left behind by a process that died."""

_SECOND = 1_000_000_000
# A link must not lead out of the folder, and a pipe in it must not keep a thread waiting.
_OPEN = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)


class Kept(NamedTuple):
    """One file: when it was last used and put, in nanoseconds, how large it is, and its name."""

    used: int
    put: int
    size: int
    name: str


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one folder, by name.

    Names are checked by whoever calls: see `is_asset_name`.
    """

    folder: Path

    @property
    def _workshop(self) -> Path:
        """Where files are made and destroyed; nothing is ever served from here."""
        return self.folder / "tmp"

    def make(self) -> None:
        """Make the folder, for this user alone.

        Raises:
            OSError: It cannot be made.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._workshop.mkdir(mode=0o700, exist_ok=True)

    def write(self, name: str, data: bytes, now: float) -> bool:
        """Keep *data*; return whether it was not there already.

        Raises:
            OSError: The disk is full, or may not be written to.
        """
        path, moment = self.folder / name, int(now * _SECOND)
        times = (moment, moment)
        with suppress(FileNotFoundError):
            # Names are hashes: a whole file of this name holds these very bytes.
            if path.stat().st_size == len(data):
                os.utime(path, ns=times)
                return False
        made = self._made(data, times)
        try:
            made.replace(path)
        except OSError:
            made.unlink(missing_ok=True)
            raise
        return True

    def write_once(self, name: str, data: bytes) -> bytes:
        """Keep *data* unless the file is there; return what is kept, the same for all processes."""
        path = self.folder / name
        with suppress(FileNotFoundError):
            return path.read_bytes()
        made = self._made(data)
        try:
            # Neither of the two replaces a file that is there.
            (os.rename if os.name == "nt" else os.link)(made, path)
        except FileExistsError:
            return path.read_bytes()
        finally:
            made.unlink(missing_ok=True)
        return data

    def _made(self, data: bytes, times: tuple[int, int] | None = None) -> Path:
        """Write a whole file in the workshop; a process killed meanwhile leaves nothing elsewhere."""
        self.make()
        path = self._workshop / secrets.token_hex(16)
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
        )
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                # A power cut must not leave a good name on an empty file.
                os.fsync(file.fileno())
            if times:
                os.utime(path, ns=times)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def open(self, name: str, now: float) -> tuple[BinaryIO, Kept] | None:
        """Open a file for reading and note its use, or return ``None``.

        An open file outlives its eviction.
        """
        path = self.folder / name
        try:
            file = os.fdopen(os.open(path, _OPEN), "rb")
        except OSError:
            return None
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            file.close()
            return None
        with suppress(OSError):
            os.utime(path, ns=(int(now * _SECOND), status.st_mtime_ns))
        return file, Kept(status.st_atime_ns, status.st_mtime_ns, status.st_size, name)

    def list(self) -> list[Kept]:
        """Return every file, the least recently used first."""
        return sorted(self._scan())

    def _scan(self) -> Iterator[Kept]:
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if not is_asset_name(entry.name):
                    continue
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    yield Kept(status.st_atime_ns, status.st_mtime_ns, status.st_size, entry.name)

    def remove(self, kept: Kept) -> bool:
        """Remove a file unless it was put again since it was listed; return whether it is gone."""
        path, grave = self.folder / kept.name, self._workshop / secrets.token_hex(16)
        try:
            # Taken aside before it is judged: between a look and a removal it could be put again.
            path.replace(grave)
            if grave.stat().st_mtime_ns != kept.put:
                # Somebody was promised a URL just now. The same name holds the same bytes.
                grave.replace(path)
                return False
            grave.unlink()
        except OSError:  # another process was faster, or (on Windows) somebody is reading it
            return False
        return True

    def sweep(self, now: float) -> None:
        """Remove what dead processes left in the workshop."""
        with suppress(FileNotFoundError), os.scandir(self._workshop) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_mtime < now - STALE:
                        Path(entry.path).unlink()
