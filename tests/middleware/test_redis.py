"""`pinxit.middleware.redis`, against a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinxit.errors import ConfigError
from pinxit.middleware.redis import open_redis
from pinxit.middleware.stores import StoreFailed

if TYPE_CHECKING:
    from .conftest import StartRedis

BYTES = bytes(range(256))


async def test_entries_outlive_the_store(start_redis: StartRedis) -> None:
    """Another pool over the same server finds what the first one kept, byte by byte."""
    url = start_redis().url
    async with open_redis(url, "p:") as store:
        await store.put("a", BYTES, now=0, expires=60)
    async with open_redis(url, "p:") as store:
        assert await store.get("a") == BYTES
        assert await store.get("b") is None


async def test_prefixes_keep_entries_apart(start_redis: StartRedis) -> None:
    """Two middlewares on one server do not see each other's entries."""
    url = start_redis().url
    async with open_redis(url, "p:") as one, open_redis(url, "q:") as other:
        await one.put("a", BYTES, now=0, expires=60)
        assert await other.get("a") is None


async def test_the_server_drops_what_has_expired(start_redis: StartRedis) -> None:
    """Each entry carries its time to live, so the server needs nobody to sweep."""
    url = start_redis().url
    from redis.asyncio import Redis

    async with open_redis(url, "p:") as store, Redis.from_url(url) as client:  # pyright: ignore[reportUnknownMemberType]  # untyped **kwargs
        await store.put("a", BYTES, now=1_000, expires=1_060.5)
        assert 59_000 < await client.pttl("p:a") <= 60_500


async def test_a_server_that_goes_away_is_a_failure_of_the_store(start_redis: StartRedis) -> None:
    """Reading and writing fail in the store's own words, without the server's address."""
    server = start_redis()
    async with open_redis(server.url, "p:") as store:
        await store.put("a", BYTES, now=0, expires=60)
        server.stop()
        with pytest.raises(StoreFailed, match=r"^\w+Error$"):
            await store.get("a")
        with pytest.raises(StoreFailed, match=r"^\w+Error$"):
            await store.put("a", BYTES, now=0, expires=60)


async def test_a_url_that_is_none_is_refused_without_showing_it() -> None:
    """A URL may hold a password."""
    with pytest.raises(ConfigError, match="rediss://") as caught:
        async with open_redis("http://:secret@host", "p:"):
            pass
    assert "secret" not in str(caught.value)
