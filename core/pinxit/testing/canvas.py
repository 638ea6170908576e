"""Plain canvases for answers: real pictures, quickly made and without an imaging library."""

from __future__ import annotations

import struct
import zlib

from .exchange import Received

__all__ = ["CREATED", "asked_size", "png"]

CREATED = 1_767_225_600
"""The Unix second at which all answers say that they were made."""
MAX_EDGE = 4096


def png(width: int, height: int, shade: int = 128) -> bytes:
    """Return a real picture: *width* x *height* pixels, grey, as a PNG file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([shade]) * width) * height, 1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def asked_size(request: Received) -> tuple[int, int]:
    """Return the pixels that a request asks for; 64x64 where it names none, or too many to draw."""
    edges = [int(e) for e in (request.value("size") or "").split("x") if e.isdecimal()]
    if len(edges) != 2 or not all(0 < edge <= MAX_EDGE for edge in edges):
        return 64, 64
    return edges[0], edges[1]
