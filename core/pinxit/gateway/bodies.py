"""The body of a request, read once and within limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from .errors import BadMessage, Disconnected
from .exchange import Exchange
from .settings import GatewaySettings

__all__ = ["check_body", "chunks", "read_all"]

SLOWEST = 16 * 1024
"""Bytes per second below which a body is taken for an attack."""


def check_body(exchange: Exchange, settings: GatewaySettings) -> None:
    """Look at what the headers say of a body before any of it is read.

    Raises:
        BadMessage: 413 or 415.
    """
    # A megabyte of gzip can be a gigabyte of body: nothing is ever decompressed.
    coding = exchange.header(b"content-encoding").strip().lower()
    if coding not in {b"", b"identity"}:
        raise BadMessage(
            415,
            "the body is compressed; send it without Content-Encoding",
            code="unsupported_media_type",
            headers=[(b"accept-encoding", b"identity")],
        )
    length = exchange.header(b"content-length").strip()
    # Longer numbers than this are no lengths; Python would take its time to read them.
    if length.isdigit() and (len(length) > 18 or int(length) > settings.max_body):
        raise _too_large(settings)


async def chunks(exchange: Exchange, settings: GatewaySettings) -> AsyncGenerator[bytes]:
    """Yield the body as it comes.

    Raises:
        BadMessage: 413, it is too large; 408, it is too slow.
        Disconnected: The caller went away.
    """
    started, received = asyncio.get_running_loop().time(), 0
    while True:
        # Time is earned by the byte: a large upload over a slow line gets through, a drip does not.
        patience = started + settings.body_timeout + received / SLOWEST
        try:
            async with asyncio.timeout_at(patience):
                message = await exchange.receive()
        except TimeoutError:
            raise BadMessage(
                408,
                f"the body came too slowly: {received} bytes in {patience - started:.0f} seconds",
                code="request_timeout",
            ) from None
        if message["type"] == "http.disconnect":
            raise Disconnected
        data: bytes = message.get("body", b"")
        received += len(data)
        if received > settings.max_body:
            raise _too_large(settings)
        # Before it is looked at: whoever refuses the last piece of a body has nothing left to read.
        exchange.unread = bool(message.get("more_body"))
        if data:
            yield data
        if not exchange.unread:
            return


async def read_all(exchange: Exchange, settings: GatewaySettings) -> bytearray:
    """Return the whole body; see `chunks`."""
    body = bytearray()
    async for chunk in chunks(exchange, settings):
        body += chunk
    return body


def _too_large(settings: GatewaySettings) -> BadMessage:
    return BadMessage(
        413,
        f"the body has more than {settings.max_body} bytes, the most that is taken here",
        code="request_too_large",
    )
