"""Faults of the connection: silence, breaks, floods."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .answers import JSON, Ok
from .exchange import Received, Wire

__all__ = [
    "Close",
    "Drip",
    "EndlessBody",
    "EndlessHeaders",
    "GzipBomb",
    "HugeContentLength",
    "Leftover",
    "Reset",
    "Silence",
    "Truncated",
]

CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection without an answer."""

    async def play(self, request: Received, wire: Wire) -> None:
        """Hang up."""
        del request
        await wire.close()


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection: before the headers, or inside the body."""

    when: Literal["before", "inside"] = "before"

    async def play(self, request: Received, wire: Wire) -> None:
        """Answer half or not at all, then break."""
        if self.when == "inside":
            await _half(request, wire)
        await wire.reset()


@dataclass(frozen=True, slots=True)
class Truncated:
    """A body that ends before its ``content-length``."""

    async def play(self, request: Received, wire: Wire) -> None:
        """Send half of the body and close."""
        await _half(request, wire)
        await wire.close()


@dataclass(frozen=True, slots=True)
class Silence:
    """Never say anything, or nothing more in the middle of the body."""

    when: Literal["before", "inside"] = "before"

    async def play(self, request: Received, wire: Wire) -> None:
        """Wait until the client has had enough."""
        if self.when == "inside":
            await _half(request, wire)
        await _forever()


async def _half(request: Received, wire: Wire) -> None:
    # Half of a good answer, so that nothing but its end is wrong.
    headers, body = Ok().answer(request).message()
    await wire.start(200, headers)
    await wire.send(body[: len(body) // 2])


async def _forever() -> None:
    await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Drip:
    """A good answer at *rate* bytes per second."""

    rate: float = 1.0

    async def play(self, request: Received, wire: Wire) -> None:
        """Send the headers at once and the body byte by byte."""
        headers, body = Ok().answer(request).message()
        await wire.start(200, headers)
        for byte in body:
            await asyncio.sleep(1 / self.rate)
            await wire.send(bytes([byte]))
        await wire.end()


@dataclass(frozen=True, slots=True)
class EndlessBody:
    """A body that never ends, as fast as it is read."""

    async def play(self, request: Received, wire: Wire) -> None:
        """Send the beginning of an answer and then base64 without end."""
        del request
        await wire.start(200, {"content-type": JSON})
        await wire.send(b'{"created": 1, "data": [{"b64_json": "')
        while True:
            await wire.send(b"A" * CHUNK)


@dataclass(frozen=True, slots=True)
class HugeContentLength:
    """A body that is announced as *length* bytes, and comes as fast as it is read."""

    length: int = 64 * 2**30

    async def play(self, request: Received, wire: Wire) -> None:
        """Announce the length and begin."""
        del request
        await wire.start(200, {"content-type": JSON, "content-length": str(self.length)})
        for _ in range(self.length // CHUNK):
            await wire.send(b" " * CHUNK)
        await wire.send(b" " * (self.length % CHUNK))
        await wire.end()


@dataclass(frozen=True, slots=True)
class GzipBomb:
    """A small body that unpacks to *length* bytes; whole mebibytes."""

    length: int = 2**30

    async def play(self, request: Received, wire: Wire) -> None:
        """Send the bomb."""
        del request
        await wire.start(200, {"content-type": JSON, "content-encoding": "gzip"})
        for part in _bomb(self.length):
            await wire.send(part)
        await wire.end()


def _bomb(length: int) -> Iterator[bytes]:
    # A full flush makes a block that stands for itself, so one compressed mebibyte can be repeated.
    spaces = b" " * 2**20
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(spaces) + packer.flush(zlib.Z_FULL_FLUSH)
    yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    checksum = 0
    for _ in range(length // len(spaces)):
        checksum = zlib.crc32(spaces, checksum)
        yield block
    # An empty last block, and gzip's trailer: checksum and length.
    yield b"\x03\x00" + struct.pack("<II", checksum, length % 2**32)


@dataclass(frozen=True, slots=True)
class EndlessHeaders:
    """Headers without end: in a flood, or one every *interval* seconds."""

    interval: float = 0.0

    async def play(self, request: Received, wire: Wire) -> None:
        """Begin an answer that never gets to its body."""
        del request
        await wire.raw(b"HTTP/1.1 200 OK\r\n")
        while True:
            # Also without an interval: whoever is to be stopped must get a turn.
            await asyncio.sleep(self.interval)
            await wire.raw(b"x-padding: %s\r\n" % (b"a" * 1000))


@dataclass(frozen=True, slots=True)
class Leftover:
    """A good answer, and behind it on the same connection one that nobody asked for (sockets only)."""

    async def play(self, request: Received, wire: Wire) -> None:
        """Send both at once."""
        await Ok().play(request, wire)
        await wire.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nleftover")
