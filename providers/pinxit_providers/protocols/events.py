"""Server-sent events, split out of a body however it is cut into chunks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import httpx

from pinxit import InvalidProviderResponse

from .reading import MAX_ANSWER, chunks

__all__ = ["MAX_EVENT", "Events", "events"]

MAX_EVENT = 64 * 2**20
"""Bytes of one event: a picture of 3840x2160 that does not compress has 44 million in base64."""

MAX_STREAM = 4 * MAX_ANSWER
"""Bytes of a whole stream: up to three partial pictures, which are not kept, come with each finished one."""

_DONE = b"[DONE]"


class Events:
    """Splits a body into the data of its events, however the body is cut into chunks.

    Args:
        limit: Bytes that one event may have.
        status: The answer's HTTP status, for errors.
    """

    def __init__(self, limit: int = MAX_EVENT, status: int = 200) -> None:
        self._limit = limit
        self._status = status
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._after_cr = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take the next chunk and yield the data of the events that it completes.

        Raises:
            InvalidProviderResponse: An event has more than *limit* bytes.
        """
        if not chunk:
            return
        if self._after_cr and chunk.startswith(b"\n"):
            # The line ended with the last chunk; this is the other half of its CR LF.
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        for piece in chunk.splitlines(keepends=True):
            self._line += piece
            if len(self._line) + self._size > self._limit:
                raise InvalidProviderResponse(
                    f"an event is longer than {self._limit} bytes", upstream_status=self._status
                )
            if piece.endswith((b"\r", b"\n")):
                yield from self._end_line()

    def close(self) -> Iterator[bytes]:
        """Yield what a last event without an empty line behind it holds: it has been paid for."""
        yield from self._end_line()
        yield from self._dispatch()

    def _end_line(self) -> Iterator[bytes]:
        line = bytes(self._line).rstrip(b"\r\n")
        self._line.clear()
        if not line:
            yield from self._dispatch()
            return
        name, _, value = line.partition(b":")
        # Comments have no name; event names, ids and retry times say nothing that the data does not.
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(line)

    def _dispatch(self) -> Iterator[bytes]:
        if self._data:
            yield b"\n".join(self._data)
        self._data.clear()
        self._size = 0


async def events(response: httpx.Response) -> AsyncGenerator[bytes]:
    """Yield the data of each event until the stream says that it is done, or ends."""
    splitter = Events(status=response.status_code)
    async with aclosing(chunks(response, MAX_STREAM)) as body:
        async for chunk in body:
            for data in splitter.feed(chunk):
                if data.strip() == _DONE:
                    return
                yield data
    for data in splitter.close():
        if data.strip() != _DONE:
            yield data
