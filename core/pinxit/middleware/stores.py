"""Where answers are kept: what a store is, and which one the settings name."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from pydantic import Field, ValidationError, model_validator

from pinxit.capabilities import Setting
from pinxit.errors import ConfigError
from pinxit.report import Frozen

__all__ = [
    "LONGEST_TTL",
    "STORE_SETTINGS",
    "Store",
    "StoreFailed",
    "StoreSettings",
    "open_store",
    "read_settings",
]

STORE_SETTINGS = (
    Setting(name="store", default="memory", help="memory, disk or redis"),
    Setting(name="folder", help="where the disk store keeps its entries"),
    Setting(name="max_bytes", help="how much memory or disk may be used; 256 MB by default"),
    Setting(name="max_age", help="seconds after which an entry goes, whatever was asked"),
    Setting(name="url", secret=True, help="redis:// or rediss:// with host, port and database"),
)
"""What a middleware that keeps answers can be told."""

LONGEST_TTL = 259_200
"""Seconds; no caller can ask for more."""


class StoreFailed(Exception):
    """A store could not do its work; nobody's request has to fail for it."""


class Store(Protocol):
    """Keeps bytes by key, as long as it likes: whoever reads them checks their age."""

    async def get(self, key: str) -> bytes | None:
        """Return what is kept under a key.

        Raises:
            StoreFailed: It cannot be read.
        """
        ...

    async def put(self, key: str, entry: bytes, *, now: float, expires: float) -> None:
        """Keep an entry in place of an older one.

        Args:
            key: Lower-case hexadecimal digits.
            entry: Any bytes.
            now: Unix seconds.
            expires: Unix seconds from which on nobody wants it.

        Raises:
            StoreFailed: It cannot be kept.
        """
        ...


class StoreSettings(Frozen):
    """The table of a middleware that keeps answers, such as ``[middleware.cache]``."""

    store: Literal["memory", "disk", "redis"] = "memory"
    folder: Path | None = None
    max_bytes: int = Field(default=256 * 2**20, ge=1)
    max_age: int = Field(default=LONGEST_TTL, ge=1)
    """Seconds."""
    url: str | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.store == "disk" and self.folder is None:
            raise ValueError('store = "disk" needs a folder')
        if self.store == "redis" and self.url is None:
            raise ValueError('store = "redis" needs a url, such as { env = "REDIS_URL" }')
        if self.store == "redis" and "max_bytes" in self.model_fields_set:
            raise ValueError("max_bytes is for memory and disk; a redis server has its maxmemory")
        return self


def read_settings(settings: Mapping[str, Any], name: str) -> StoreSettings:
    """Check the settings of a middleware.

    Raises:
        ConfigError: It names the table, the setting and what is wrong with it.
    """
    try:
        return StoreSettings.model_validate(dict(settings))
    except ValidationError as error:
        # Without the input: the URL may hold a password.
        first = error.errors(include_url=False, include_input=False)[0]
        place = " ".join([f"[middleware.{name}]", *map(str, first["loc"])])
        raise ConfigError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None


@asynccontextmanager
async def open_store(settings: StoreSettings, name: str) -> AsyncGenerator[Store]:
    """Open the store that the settings name.

    Args:
        settings: Which store, and how large.
        name: Whose entries these are; two middlewares may share a folder or a server.

    Raises:
        ConfigError: The redis store is asked for and its package is not installed.
    """
    if settings.store == "redis":
        from .redis import open_redis

        async with open_redis(settings.url or "", f"pinxit:{name}:") as store:
            yield store
    elif settings.store == "disk":
        from .disk import DiskStore

        yield DiskStore((settings.folder or Path()) / name, settings.max_bytes)
    else:
        from .memory import MemoryStore

        yield MemoryStore(settings.max_bytes)
