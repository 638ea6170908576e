"""Server-sent events: pictures on their way, and the finished ones."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing

import httpx

from pinxit import Context, ImagesResponse, InvalidProviderResponse, PartialImage

from ._answers import MAX_ANSWER, Reader, chunks, is_count, parse, total

__all__ = ["MAX_EVENT", "Events", "read_events"]

MAX_EVENT = 64 * 2**20
"""Bytes of one event: a picture of 3840x2160 that does not compress has 44 million in base64."""

MAX_STREAM = 4 * MAX_ANSWER
"""Bytes of a whole stream: up to three partial pictures, which are not kept, come with each finished one."""

_PARTIAL = ".partial_image"
_COMPLETED = ".completed"
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


async def read_events(
    response: httpx.Response,
    context: Context,
    reader: Reader,
    wanted: int,
    *,
    limit: int = MAX_ANSWER,
) -> ImagesResponse:
    """Emit partial pictures as they come and return the finished ones.

    Args:
        response: The open answer.
        context: Where partial pictures are emitted.
        reader: Reads pictures and errors.
        wanted: How many pictures were asked for; nothing is read behind the last of them.
        limit: Bytes that the finished pictures may have together.

    Raises:
        InvalidProviderResponse: The stream ends without a finished picture, or holds a broken one.
        PinxitError: The stream holds an error.
    """
    finished: list[Mapping[str, object]] = []
    async with aclosing(_events(response)) as events:
        async for data in events:
            fields = parse(data, response.status_code)
            kind = str(fields.get("type"))
            if kind == "error" or fields.get("error"):
                raise reader.error(fields)
            if kind.endswith(_PARTIAL):
                await _emit(fields, context, reader)
            elif kind.endswith(_COMPLETED):
                finished.append(fields)
                limit -= len(data)
            if len(finished) == wanted or limit < 0:
                break
    if limit < 0:
        raise InvalidProviderResponse(
            "the finished pictures are too long", upstream_status=response.status_code
        )
    if not finished:
        raise InvalidProviderResponse(
            "the stream ended without a finished picture", upstream_status=response.status_code
        )
    last = finished[-1]
    answer = reader.response({**last, "created": last.get("created_at"), "data": finished})
    # Each finished event counts the tokens of its own picture.
    return answer.model_copy(update={"usage": total([e.get("usage") for e in finished])})


async def _events(response: httpx.Response) -> AsyncGenerator[bytes]:
    """Yield the data of each event until the stream says that it is done, or ends."""
    events = Events(status=response.status_code)
    async with aclosing(chunks(response, MAX_STREAM)) as body:
        async for chunk in body:
            for data in events.feed(chunk):
                if data.strip() == _DONE:
                    return
                yield data
    for data in events.close():
        if data.strip() != _DONE:
            yield data


async def _emit(fields: Mapping[str, object], context: Context, reader: Reader) -> None:
    try:
        image = reader.item(fields)
    except InvalidProviderResponse:
        # The finished picture is what was paid for; a broken sketch of it is no reason to give up.
        return
    index = fields.get("partial_image_index")
    await context.emit(PartialImage(index=index if is_count(index) else 0, image=image))
