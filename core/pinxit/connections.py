"""How an answer ends: its connection is used again only if it is clean, and its memory is free at once."""

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
    that lies about a length would serve one caller with what was meant for another. And its answers hold
    themselves, and their uploads, by way of their streams, until Python happens to look for such circles.
    """
    response.stream = _Guarded(response.stream, response.extensions.get("network_stream"))


class _Guarded(httpx.AsyncByteStream):
    """A body that lets go of everything at its end, and takes its connection along unless that is clean."""

    def __init__(self, stream: Any, connection: Any) -> None:
        self._stream = stream
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk

    async def aclose(self) -> None:
        # Letting go of both breaks the circle in which an answer and its stream hold each other.
        stream, self._stream = self._stream, httpx.ByteStream(b"")
        connection, self._connection = self._connection, None
        try:
            # Before the stream: closing that would put the connection back into the pool.
            if connection is not None and not _is_clean(stream):
                await connection.aclose()
        finally:
            await stream.aclose()


def _is_clean(stream: Any) -> bool:
    parser = stream
    for name in _WAY_TO_PARSER:
        parser = getattr(parser, name, None)
    # Here h11 keeps what came behind the end of the answer.
    unread, _ = getattr(parser, "trailing_data", (None, False))
    return unread == b""
