"""The ``[assets]`` table of the configuration."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from pinxit.errors import ConfigError
from pinxit.report import Frozen

from .asset import AssetStore, Clock
from .bucket import LONGEST_TTL, BucketStore
from .folder import DAY, GIB, FolderStore
from .signing import Signer

__all__ = ["AssetSettings", "default_folder", "open_store"]


class AssetSettings(Frozen):
    """Where pictures are kept, and for how long.

    Attributes:
        keep: Whether pictures are kept at all; if not, their URLs are ``data:`` URLs.
        folder: A folder; by default one in the user's cache.
        url: A bucket instead: ``s3://BUCKET/PREFIX``, ``gs://...`` or ``az://...``.
        keys: Secrets of at least 32 characters that sign the folder's URLs; the first one signs.
        ttl: Seconds that a URL works.
        max_bytes: Bytes that the folder may hold.
        max_age: Seconds that the folder keeps a picture.
        options: What the bucket's cloud takes: ``endpoint``, ``region``, keys.
        public_endpoint: The bucket's endpoint as clients reach it, where that is another.
    """

    keep: bool = True
    folder: Path | None = None
    url: str | None = None
    keys: tuple[str, ...] = Field(default=(), repr=False)
    ttl: float = Field(default=DAY, ge=1, le=365 * DAY)
    max_bytes: int = Field(default=2 * GIB, ge=2**20)
    max_age: float = Field(default=DAY, ge=1, le=10 * 365 * DAY)
    options: dict[str, Any] = Field(default_factory=dict, repr=False)
    public_endpoint: str | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.folder is not None and self.url is not None:
            raise ValueError("folder and url are two places; give one of them")
        if self.keys:
            # Made only to complain now about a key that is too short.
            Signer(self.keys)
        if self.url is not None:
            given = {"keys", "max_bytes", "max_age"} & self.model_fields_set
            if given:
                raise ValueError(
                    f"{min(given)} is for folders; a bucket has its own credentials and lifecycle rules"
                )
            if self.ttl > LONGEST_TTL:
                raise ValueError(
                    f"ttl {self.ttl:g} is more than a bucket allows, {LONGEST_TTL} seconds"
                )
        elif self.options or self.public_endpoint:
            raise ValueError("options and public_endpoint are for buckets; give a url")
        elif self.ttl > self.max_age:
            raise ValueError(
                f"ttl {self.ttl:g} is longer than max_age {self.max_age:g}: URLs would outlive their pictures"
            )
        return self


def open_store(
    settings: Mapping[str, Any],
    *,
    clock: Clock | None = None,
    base_url: str = "",
    cache: Path | None = None,
    where: str = "configuration",
) -> AssetStore | None:
    """Open the store that an ``[assets]`` table describes; an empty one is a folder in *cache*.

    There is none where the table says ``keep = false``.

    Args:
        settings: The table, without indirections.
        clock: The time.
        base_url: What comes before ``/assets/`` in a folder's URLs.
        cache: The user's folder for what can be made again.
        where: What the table stands in, for messages.

    Raises:
        ConfigError: A name is unknown, a value does not fit, or the place cannot be used.
    """
    try:
        read = AssetSettings.model_validate(settings)
    except ValidationError as error:
        # Without its cause: pydantic's error repeats what was given, keys among it.
        raise _config_error(error, where) from None
    if not read.keep:
        return None
    if read.url is not None:
        return BucketStore(
            read.url, ttl=read.ttl, options=read.options, public_endpoint=read.public_endpoint
        )
    folder = read.folder.expanduser() if read.folder else default_folder(cache)
    if read.folder is not None:
        _check_folder(folder, where)
    return FolderStore(
        folder,
        base_url=base_url,
        keys=read.keys,
        ttl=read.ttl,
        clock=clock,
        max_bytes=read.max_bytes,
        max_age=read.max_age,
    )


def default_folder(cache: Path | None = None) -> Path:
    """Return where pictures are kept if nothing is said."""
    return (cache or Path.home() / ".cache") / "pinxit" / "assets"


def _check_folder(folder: Path, where: str) -> None:
    """Complain at the start about a folder that cannot be used, not after the first paid picture."""
    import tempfile

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{where}: [assets] folder {str(folder)!r}: {reason}") from None


def _config_error(error: ValidationError, where: str) -> ConfigError:
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(map(str, first["loc"]))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, list(AssetSettings.model_fields), n=1)
        message = f"unknown name{f', did you mean {near[0]!r}?' if near else ''}"
    place = f"[assets] {name}".rstrip()
    return ConfigError(f"{where}: {place}: {message}")
