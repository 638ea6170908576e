"""Answers in Redis, which several machines may share."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pinxit.errors import ConfigError

from .stores import StoreFailed

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisStore", "open_redis"]

PATIENCE_TO_CONNECT = 1.0
PATIENCE = 5.0
"""Seconds. A store that is slower than this costs more time than it saves."""


class RedisStore:
    """Keeps entries in a Redis server, which drops them itself when they expire.

    Args:
        client: Answers with bytes.
        prefix: Begins every key.
    """

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    async def get(self, key: str) -> bytes | None:
        """Read an entry.

        Raises:
            StoreFailed: The server cannot be reached, or refuses.
        """
        from redis.exceptions import RedisError

        try:
            found = await self._client.get(self._prefix + key)
        except (RedisError, OSError) as error:
            raise StoreFailed(type(error).__name__) from error
        return found if isinstance(found, bytes) else None

    async def put(self, key: str, entry: bytes, *, now: float, expires: float) -> None:
        """Write an entry.

        Raises:
            StoreFailed: The server cannot be reached, or refuses.
        """
        from redis.exceptions import RedisError

        # Redis refuses to keep anything for no time at all.
        milliseconds = max(1, round((expires - now) * 1000))
        try:
            await self._client.set(self._prefix + key, entry, px=milliseconds)
        except (RedisError, OSError) as error:
            raise StoreFailed(type(error).__name__) from error


@asynccontextmanager
async def open_redis(url: str, prefix: str) -> AsyncGenerator[RedisStore]:
    """Open a pool of connections; the first one is made with the first request.

    Raises:
        ConfigError: The package is not installed, or the URL is none.
    """
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise ConfigError(
            'store = "redis" needs the package redis: pip install "pinxit[redis]"'
        ) from error
    try:
        client = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # untyped **kwargs
            url,
            socket_connect_timeout=PATIENCE_TO_CONNECT,
            socket_timeout=PATIENCE,
            # Once again at once, for a connection that went stale in the pool.
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError:
        # Not the error's own text: it quotes the URL, which may hold a password.
        raise ConfigError(
            "url: is no redis:// , rediss:// or unix:// URL of a redis server"
        ) from None
    try:
        yield RedisStore(client, prefix)
    finally:
        await client.aclose()
