"""Pictures in a folder of this machine, at URLs that the gateway serves."""

from __future__ import annotations

import asyncio
import copy
import logging
import math
import os
import re
import secrets
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from .asset import Asset, Clock, SystemClock, asset_name, is_asset_name, media_type_of
from .files import Files
from .signing import Signer

__all__ = ["DAY", "GIB", "FolderStore"]

DAY = 86_400.0
GIB = 2**30
KEY_FILE = "key"
_SLACK = 16
"""One part in so many of the folder may be filled before somebody looks how full it is."""

_URL = re.compile(r"[^?#\s]*/assets/([^/?#]+)/([^/?#]+)")

log = logging.getLogger("pinxit.assets")


class FolderStore:
    """Keeps pictures in a folder. Several processes may share one.

    Args:
        folder: Made when it is first needed.
        base_url: What comes before ``/assets/`` in URLs.
        keys: Secrets that sign URLs, the first one signs and all verify; by default one that is made at
            random and kept in the folder.
        ttl: Seconds that a URL works.
        clock: The time.
        max_bytes: Bytes that the folder may hold. The least recently used pictures go first.
        max_age: Seconds after which a picture goes, counted from when it was last put.

    Raises:
        ValueError: A key is too short.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        base_url: str = "",
        keys: Sequence[str] = (),
        ttl: float = DAY,
        clock: Clock | None = None,
        max_bytes: int = 2 * GIB,
        max_age: float = DAY,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.ttl = ttl
        self._clock = clock or SystemClock()
        self._files = Files(Path(folder))
        self._limits = _Limits(self._files, max_bytes, max_age)
        self._signer = _Signers(self._files, keys)

    def at(self, base_url: str) -> Self:
        """Return the same store with other URLs."""
        # Shallow, because limits and keys are those of the folder.
        other = copy.copy(self)
        other.base_url = base_url.rstrip("/")
        return other

    async def put(self, data: bytes, media_type: str, *, caller: str = "") -> str:
        """Keep a picture and return a signed URL that ends in its name; see `AssetStore.put`."""
        return await asyncio.to_thread(self._put, data, media_type, caller)

    def _put(self, data: bytes, media_type: str, caller: str) -> str:
        now, name = self._now(), asset_name(data, media_type)
        self._limits.check(data)
        is_new = self._files.write(name, data, now)
        self._limits.used(now, written=len(data) if is_new else 0)
        token = self._signer.get().sign(name, expires=int(now + self.ttl), caller=caller)
        return f"{self.base_url}/assets/{token}/{name}"

    async def get(self, name: str) -> Asset | None:
        """Open what is kept under a name, or return ``None``; no other name is ever looked up."""
        return await asyncio.to_thread(self._get, name) if is_asset_name(name) else None

    def _get(self, name: str) -> Asset | None:
        now = self._now()
        self._limits.used(now)
        found = self._files.open(name, now)
        if found is None:
            return None
        file, kept = found
        # Nobody may have tidied up since it came of age.
        if self._limits.is_old(kept.put, now):
            file.close()
            self._files.remove(kept)
            return None
        return Asset(name, media_type_of(name), kept.size, file)

    async def allows(self, token: str, name: str) -> bool:
        """Whether a URL with these two parts is one of ours and has not expired."""
        signer = await asyncio.to_thread(self._signer.get)
        return signer.verify(token, name, now=self._now())

    def seconds_left(self, token: str) -> int:
        """Return how long a URL with this token, one that `allows` let through, still works."""
        return max(0, int(Signer.expiry(token) - self._now()))

    async def find(self, url: str) -> Asset | None:
        """Open the picture behind a URL that this store gave, or return ``None``.

        The signature says that it is ours, whatever host the URL names.
        """
        match = _URL.fullmatch(url)
        if match is None or not is_asset_name(match[2]) or not await self.allows(*match.groups()):
            return None
        return await self.get(match[2])

    async def tend(self) -> None:
        """Keep to the limits for ever, where pictures go although none come."""
        while True:
            await asyncio.to_thread(self.tidy)
            await asyncio.sleep(self._limits.interval)

    def tidy(self) -> None:
        """Remove what is too old or too much. Blocks."""
        self._limits.enforce(self._now())

    def _now(self) -> float:
        return self._clock.now().timestamp()


class _Signers:
    """The signer, made when it is first needed: its key may have to be read from the folder."""

    def __init__(self, files: Files, keys: Sequence[str]) -> None:
        self._files = files
        self._signer = Signer(keys) if keys else None

    def get(self) -> Signer:
        if self._signer is None:
            key = self._files.write_once(KEY_FILE, secrets.token_hex(32).encode())
            self._signer = Signer([key.decode()])
        return self._signer


class _Limits:
    """What a folder may hold, and for how long.

    Attributes:
        interval: Seconds after which whoever uses the folder looks after it.
    """

    def __init__(self, files: Files, max_bytes: int, max_age: float) -> None:
        self.max_age = max_age
        self.interval = max(60.0, max_age / 24)
        self._looked = -math.inf
        self._files = files
        self._slack = max_bytes // _SLACK
        self._target = max_bytes - self._slack
        # What is there when this process begins is not known.
        self._unseen = self._slack
        self._looking = threading.Lock()

    def check(self, data: bytes) -> None:
        if len(data) > self._target:
            raise OSError(f"a picture of {len(data)} bytes does not fit into the folder of assets")

    def is_old(self, put: int, now: float) -> bool:
        return put < (now - self.max_age) * 1e9

    def used(self, now: float, *, written: int = 0) -> None:
        """Look after the folder when enough bytes have come, or nobody did for long.

        An application that mounts a gateway may never run what tends the folder.
        """
        self._unseen += written
        if self._unseen >= self._slack or now >= self._looked + self.interval:
            self.enforce(now)

    def enforce(self, now: float) -> None:
        # Who finds somebody at it need not wait for the same work to be done.
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._unseen, self._looked = 0, now
            self._enforce(now)
        except OSError as error:
            log.warning("the folder of assets cannot be tidied: %s", error.strerror)
        finally:
            self._looking.release()

    def _enforce(self, now: float) -> None:
        self._files.sweep(now)
        kept = self._files.list()
        total = sum(file.size for file in kept)
        for file in kept:
            if (total > self._target or self.is_old(file.put, now)) and self._files.remove(file):
                total -= file.size
