"""Pictures in a bucket of S3, Google Cloud Storage or Azure, at URLs that the cloud serves.

Needs the extra ``assets``: ``pip install 'pinxit[assets]'``.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from pinxit.errors import ConfigError

from .asset import Asset, asset_name, is_asset_name, media_type_of

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Store

__all__ = ["LONGEST_TTL", "SCHEMES", "BucketStore"]

SCHEMES = frozenset({"s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss"})
LONGEST_TTL = 7 * 86_400
"""Seconds that a presigned URL of S3 works at the longest."""

_RETRIES = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
"""Whoever waits for a picture does not wait for three minutes of retries, the library's default."""


class BucketStore:
    """Keeps pictures in a bucket; its lifecycle rules decide when they go.

    Calls run in threads: obstore's own asynchronous ones can abort an interpreter that exits.

    Args:
        url: ``s3://BUCKET/PREFIX``, ``gs://...`` or ``az://...``.
        ttl: Seconds that a URL works.
        options: What obstore takes for this cloud, such as ``endpoint``, ``region`` and keys; what is not
            given comes from the environment, as the cloud's own tools take it.
        public_endpoint: The endpoint that URLs name, where clients reach the cloud by another one.

    Raises:
        ConfigError: obstore is not installed, or it does not take the URL or the options.
    """

    def __init__(
        self,
        url: str,
        *,
        ttl: float = 86_400.0,
        options: Mapping[str, Any] | None = None,
        public_endpoint: str | None = None,
    ) -> None:
        self._ttl = timedelta(seconds=ttl)
        settings = dict(options or {})
        self._store = _open(url, settings)
        self._signing = self._store
        if public_endpoint:
            self._signing = _open(url, {**settings, "endpoint": public_endpoint})

    async def put(self, data: bytes, media_type: str, *, caller: str = "") -> str:
        """Keep a picture and return a presigned URL; see `AssetStore.put`."""
        del caller  # the cloud's signatures have no room for it
        return await asyncio.to_thread(self._put, data, media_type)

    def _put(self, data: bytes, media_type: str) -> str:
        import obstore
        from obstore.exceptions import BaseError

        name = asset_name(data, media_type)
        headers = {
            "Content-Type": media_type_of(name),
            # The name is a hash of the bytes, so a copy of them is never out of date.
            "Cache-Control": f"private, max-age={int(self._ttl.total_seconds())}, immutable",
        }
        try:
            obstore.put(self._store, name, data, attributes=headers, use_multipart=False)
            return obstore.sign(self._signing, "GET", name, self._ttl)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    async def get(self, name: str) -> Asset | None:
        """Download what is kept under a name, or return ``None``.

        Raises:
            OSError: The cloud cannot be asked.
        """
        return await asyncio.to_thread(self._get, name) if is_asset_name(name) else None

    def _get(self, name: str) -> Asset | None:
        import obstore
        from obstore.exceptions import BaseError

        try:
            data = bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None
        return Asset(name, media_type_of(name), len(data), io.BytesIO(data))


def _open(url: str, options: dict[str, Any]) -> S3Store | GCSStore | AzureStore:
    if urlsplit(url).scheme not in SCHEMES:
        allowed = "s3://, gs:// or az://"
        raise ConfigError(f"[assets] url: {url!r} is no bucket; give an {allowed} URL")
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise ConfigError("[assets] url: buckets need `pip install 'pinxit[assets]'`") from None
    endpoints = [str(value) for name, value in options.items() if "endpoint" in name.lower()]
    # Without being told so, obstore speaks to no endpoint without TLS; who writes http:// means it.
    client = {"allow_http": any(endpoint.startswith("http://") for endpoint in endpoints)}
    try:
        store = from_url(
            url,
            config=cast("Any", options),
            client_options=cast("Any", client),
            retry_config=cast("Any", _RETRIES),
        )
    except (BaseError, TypeError, ValueError) as error:
        raise ConfigError(f"[assets] url: {_first_line(error)}") from None
    return cast("S3Store | GCSStore | AzureStore", store)


def _unavailable(error: Exception) -> OSError:
    return OSError(f"the bucket cannot be used: {type(error).__name__}")


def _first_line(error: Exception) -> str:
    """Return what is wrong without the dump of values, keys among them, that follows it."""
    return str(error).partition("\n")[0]
