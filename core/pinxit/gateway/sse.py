"""Streams: partial pictures as server-sent events, with the names that OpenAI's clients know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

from pinxit.errors import InvalidImage, PinxitError
from pinxit.hookspecs import Emit
from pinxit.payload import Image
from pinxit.types import ImagesResponse, PartialImage, Request

from .answers import echoed, image_pieces, report_headers, signed
from .encoding import encode_json
from .errors import error_body
from .exchange import Exchange, in_parts
from .wire import Asked

__all__ = ["stream"]

_PREFIXES = {"generate": "image_generation", "edit": "image_edit", "variation": "image_variation"}
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    # Some proxies hold events back until they have a page full of them.
    (b"x-accel-buffering", b"no"),
]
_EVENT_QUALITIES = {"auto": "auto", "hd": "high", "standard": "medium"}
"""Words of DALL·E, which never streamed: the events of OpenAI's API do not know them."""
_COMMENT = b": still painting\n\n"

Run = Callable[[Emit], Awaitable[ImagesResponse]]


async def stream(
    exchange: Exchange,
    asked: Asked,
    run: Run,
    *,
    keep_alive: float,
    fail: Callable[[Exception], PinxitError],
) -> None:
    """Answer with events as they come.

    The answer begins with the first event, or after *keep_alive* seconds of silence. Errors before that
    are plain HTTP errors; later ones are an ``error`` event, and nothing is ordered again.

    Args:
        exchange: Where to answer.
        asked: The request.
        run: Serves it, given where partial pictures go.
        keep_alive: Seconds of silence after which a comment is sent, for proxies that cut quiet lines.
        fail: Makes one of our errors of any exception.

    Raises:
        Exception: Whatever *run* raises before the answer has begun.
    """
    writer = _Writer(exchange, asked)
    try:
        async with aclosing(_events(run, keep_alive)) as events:
            async for event in events:
                await writer.write(event)
    # The status has been sent: whatever happens now can only be told as an event.
    except Exception as error:
        if not exchange.started:
            raise
        await writer.error(fail(error))
    await exchange.write(b"", more=False)


async def _events(
    run: Run, keep_alive: float
) -> AsyncGenerator[PartialImage | ImagesResponse | None]:
    """Yield partial pictures, ``None`` after each stretch of silence, and the response last."""
    queue: asyncio.Queue[PartialImage | None] = asyncio.Queue()
    task = asyncio.ensure_future(run(queue.put))
    # However it ends: whoever waits for the next event must not wait for ever.
    task.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while True:
            try:
                async with asyncio.timeout(keep_alive):
                    event = await queue.get()
            except TimeoutError:
                yield None
                continue
            if event is None:
                break
            yield event
        # Here a failure is raised, after every event that came before it.
        yield await task
    finally:
        task.cancel()
        # The upstream call is closed before the answer ends.
        await asyncio.wait([task])


class _Writer:
    """Writes the events of one answer."""

    def __init__(self, exchange: Exchange, asked: Asked) -> None:
        self._exchange = exchange
        self._request: Request = asked.request
        self._ignored = asked.ignored
        self._name = _PREFIXES[asked.request.operation]
        self._created = int(time.time())

    async def write(self, event: PartialImage | ImagesResponse | None) -> None:
        match event:
            case None:
                await self._begin()
                await self._exchange.write(_COMMENT)
            case PartialImage():
                await self._partial(event)
            case ImagesResponse():
                await self._completed(event)

    async def _partial(self, event: PartialImage) -> None:
        await self._begin()
        fields = {**self._common(event.image), "partial_image_index": event.index}
        await self._event(f"{self._name}.partial_image", event.image, fields)

    async def _completed(self, response: ImagesResponse) -> None:
        """Write one event per picture; the last one has the usage and the report of all."""
        report = signed(response.report, self._ignored)
        if not self._exchange.started:
            cached = report.cached if self._request.cache else None
            headers = report_headers(report, ignored=self._ignored, cached=cached)
            await self._exchange.start(200, [*_HEADERS, *headers])
        for place, image in enumerate(response.data, 1):
            fields = {**self._common(image), **echoed(response)}
            if place == len(response.data):
                if response.usage is not None:
                    fields["usage"] = response.usage.model_dump(mode="json", exclude_none=True)
                fields["pinxit"] = report.model_dump(mode="json", exclude_none=True)
            await self._event(f"{self._name}.completed", image, fields)

    async def error(self, error: PinxitError) -> None:
        data = encode_json({"type": "error", **error_body(error, self._exchange.id)})
        await self._exchange.write(b"event: error\ndata: " + data + b"\n\n")

    async def _begin(self) -> None:
        # Nothing came before it, so the headers can still say all that they say without a stream.
        if not self._exchange.started:
            await self._exchange.start(200, _HEADERS)

    def _common(self, image: Image) -> dict[str, Any]:
        """Say what every event must say, as far as it is known: what was asked, what the file is."""
        request = self._request
        fields: dict[str, Any] = {
            "created_at": self._created,
            "size": request.size or "auto",
            "quality": _EVENT_QUALITIES.get(request.quality or "auto", request.quality),
            "background": request.background or "auto",
            "output_format": request.output_format or "png",
        }
        with suppress(InvalidImage):  # a partial picture is worth showing even where it is odd
            fields |= {"size": image.info.size, "output_format": image.format}
        return fields

    async def _event(self, name: str, image: Image, fields: dict[str, Any]) -> None:
        await self._exchange.write(f"event: {name}\ndata: ".encode())
        if image.url is not None and image.is_local:
            # OpenAI's events have no URL and always base64; a URL that was asked for stands beside it.
            if not image.url.startswith("data:"):
                fields = {**fields, "url": image.url}
            image = image.replace(b64_json=image.b64_json)
        for data in in_parts(image_pieces(image, type=name, **fields)):
            await self._exchange.write(data)
        await self._exchange.write(b"\n\n")
