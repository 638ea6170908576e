"""When a connection may be used again: only if nothing was read beyond the answer that came on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

__all__ = ["guard"]

# No public name leads from an answer to the parser of its connection. Where these do not either, the
# connection is not used again, which costs a handshake and nothing else; a test would tell.
_WAY_TO_PARSER = ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")


async def guard(response: httpx.Response) -> None:
    """See to the connection of an answer; for the event hooks of a client.

    httpx gives bytes that came along with the end of one answer to whoever uses the connection next: a server
    that lies about a length would serve one caller with what was meant for another.
    """
    connection = response.extensions.get("network_stream")
    if connection is not None:
        response.stream = _Guarded(response.stream, connection)


class _Guarded(httpx.AsyncByteStream):
    """A body that takes its connection with it unless that is clean."""

    def __init__(self, stream: Any, connection: Any) -> None:
        self._stream = stream
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        try:
            if not self._is_clean():
                await self._connection.aclose()
        finally:
            await self._stream.aclose()

    def _is_clean(self) -> bool:
        parser = self._stream
        for name in _WAY_TO_PARSER:
            parser = getattr(parser, name, None)
        unread, _ = getattr(parser, "trailing_data", (None, False))
        return unread == b""
