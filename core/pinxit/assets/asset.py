"""What is kept: pictures, each named by the hash of its bytes."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import BinaryIO, Protocol, Self

__all__ = [
    "Asset",
    "AssetStore",
    "Clock",
    "SystemClock",
    "asset_name",
    "is_asset_name",
    "media_type_of",
]

_EXTENSIONS = {
    "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif",
    "image/avif": "avif", "image/svg+xml": "svg",
}  # fmt: skip
_MEDIA_TYPES = {extension: media_type for media_type, extension in _EXTENSIONS.items()}
_UNKNOWN = "bin"
UNKNOWN_TYPE = "application/octet-stream"

_NAME = re.compile(rf"[0-9a-f]{{64}}\.(?:{'|'.join([*_MEDIA_TYPES, _UNKNOWN])})")


class Clock(Protocol):
    """Tells the time; `pinxit.hookspecs.Clock` does."""

    def now(self) -> datetime:
        """The moment, in UTC."""
        ...


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """The moment, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Asset:
    """A picture that is kept, opened for reading; leave its ``async with`` block to close it.

    Attributes:
        name: 64 hexadecimal digits, the SHA-256 of its bytes, and its extension.
        media_type: As the extension says.
        size: Bytes.
        file: Where the bytes are.
    """

    name: str
    media_type: str
    size: int
    file: BinaryIO

    async def read(self, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes from *start* until before *stop*; one caller at a time."""
        return await asyncio.to_thread(self._read, start, self.size if stop is None else stop)

    def _read(self, start: int, stop: int) -> bytes:
        self.file.seek(start)
        return self.file.read(stop - start)

    async def __aenter__(self) -> Self:
        """Nothing happens: it is open already."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.file.close()


class AssetStore(Protocol):
    """Keeps pictures and gives URLs for them."""

    async def put(self, data: bytes, media_type: str, *, caller: str = "") -> str:
        """Keep a picture and return its URL.

        Args:
            data: The file.
            media_type: Its MIME type.
            caller: For whom; URLs of different callers differ.

        Raises:
            OSError: It cannot be kept. The picture is then delivered as a ``data:`` URL.
        """
        ...

    async def get(self, name: str) -> Asset | None:
        """Open what is kept under a name, or return ``None``."""
        ...


def asset_name(data: bytes, media_type: str) -> str:
    """Return the name of a picture: its SHA-256 and the extension of its type."""
    return f"{hashlib.sha256(data).hexdigest()}.{_EXTENSIONS.get(media_type, _UNKNOWN)}"


def is_asset_name(text: str) -> bool:
    """Whether this can be the name of an asset. Nothing else ever becomes part of a path."""
    return _NAME.fullmatch(text) is not None


def media_type_of(name: str) -> str:
    """Return the MIME type that an asset's name stands for."""
    return _MEDIA_TYPES.get(name.rpartition(".")[2], UNKNOWN_TYPE)
