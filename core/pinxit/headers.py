"""What a picture is, read from its first bytes.

Every answer passes this way and only its header is needed, so nothing is decoded and Pillow stays out.
"""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import InvalidImage

__all__ = [
    "FORMATS",
    "HEADER_BYTES",
    "ImageInfo",
    "has_content_credentials",
    "inspect",
    "media_type",
    "sniff",
    "u16",
]

FORMATS = ("png", "jpeg", "webp", "gif", "avif", "svg")
"""The picture formats that are recognised, by the names of the Images API."""

HEADER_BYTES = 65_536
"""So many first bytes are enough to measure nearly every picture."""

_MEDIA_TYPES = {"svg": "image/svg+xml"}
_JPEG_FRAMES = frozenset(
    {*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
)
_SVG = re.compile(rb"<svg[\s>]")
_SVG_EDGE = r'\b{}\s*=\s*["\']\s*([\d.]+)'


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a picture's header says.

    Attributes:
        format: One of `FORMATS`.
        width: Pixels; 0 where the header does not say (an SVG without a size).
        height: Pixels; 0 likewise.
        alpha: Whether pixels can be transparent.
    """

    format: str
    width: int
    height: int
    alpha: bool

    @property
    def media_type(self) -> str:
        """The MIME type, such as ``image/png``."""
        return media_type(self.format)

    @property
    def size(self) -> str:
        """``WIDTHxHEIGHT``."""
        return f"{self.width}x{self.height}"


def media_type(format: str) -> str:
    """Return the MIME type of a format of the Images API."""
    return _MEDIA_TYPES.get(format, f"image/{format}")


def sniff(data: bytes) -> str | None:
    """Return the format that the magic bytes say, or ``None``. Names and declared types may lie."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "gif"
    if data[4:12] in {b"ftypavif", b"ftypavis"}:
        return "avif"
    if _SVG.search(data[:4096]) and data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "svg"
    return None


def inspect(data: bytes, *, field: str = "image") -> ImageInfo:
    """Measure a picture from its header; the first `HEADER_BYTES` usually suffice.

    Args:
        data: The file, or its beginning.
        field: The request's field, for the message.

    Raises:
        InvalidImage: The bytes are no picture of a known format, or its header is broken.
    """
    format = sniff(data)
    if format is None:
        start = binascii.hexlify(data[:8]).decode() or "nothing"
        raise InvalidImage(
            f"{field}: not a PNG, JPEG, WebP, GIF, AVIF or SVG picture (it begins with {start})",
            param=field,
        )
    try:
        width, height, alpha = _READERS[format](data)
    except (struct.error, IndexError, ValueError) as error:
        raise InvalidImage(
            f"{field}: the {format} header is broken or cut off", param=field
        ) from error
    return ImageInfo(format, width, height, alpha)


def _png(data: bytes) -> tuple[int, int, bool]:
    width, height, _, colour = struct.unpack(">IIBB", data[16:26])
    # A palette or grey PNG is transparent where a tRNS chunk, which stands before the pixels, says so.
    alpha = colour in {4, 6} or any(kind == b"tRNS" for kind, _ in png_chunks(data))
    return width, height, alpha


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and payload of the chunks before the pixels, as far as *data* reaches."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind in {b"IDAT", b"IEND"}:
            return
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _jpeg(data: bytes) -> tuple[int, int, bool]:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height, False
        # Fill bytes and markers without a length may stand between segments.
        at += 1 if marker == 0xFF else 2 if 0xD0 <= marker <= 0xD8 else 2 + u16(data, at + 2)
    raise ValueError("no frame header")


def u16(data: bytes, at: int) -> int:
    """Read two bytes, big end first."""
    return int.from_bytes(data[at : at + 2], "big")


def _webp(data: bytes) -> tuple[int, int, bool]:
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        return width, height, bool(data[20] & 0x10)
    if kind == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF, False


def _gif(data: bytes) -> tuple[int, int, bool]:
    width, height = struct.unpack("<HH", data[6:10])
    return width, height, b"\x21\xf9\x04\x01" in data[:2048] or b"\x21\xf9\x04\x05" in data[:2048]


def _avif(data: bytes) -> tuple[int, int, bool]:
    at = data.index(b"ispe")
    width, height = struct.unpack(">II", data[at + 8 : at + 16])
    return width, height, b"auxC" in data[:HEADER_BYTES]


def _svg(data: bytes) -> tuple[int, int, bool]:
    match = _SVG.search(data)
    start = match.start() if match else 0
    tag = data[start : data.find(b">", start)].decode("utf-8", "replace")
    edges = [re.search(_SVG_EDGE.format(edge), tag) for edge in ("width", "height")]
    if all(edges):
        width, height = (round(float(edge[1])) for edge in edges if edge)
        return width, height, True
    box = re.search(r'viewBox\s*=\s*["\']([^"\']*)', tag)
    values = re.split(r"[\s,]+", box[1].strip()) if box else []
    return (
        (round(float(values[2])), round(float(values[3])), True)
        if len(values) == 4
        else (0, 0, True)
    )


_READERS = {"png": _png, "jpeg": _jpeg, "webp": _webp, "gif": _gif, "avif": _avif, "svg": _svg}


def has_content_credentials(data: bytes) -> bool:
    """Whether the file carries C2PA content credentials, by the labels of its manifest store.

    PNG keeps them in a ``caBX`` chunk, JPEG in APP11 segments, WebP in a ``C2PA`` chunk; all hold JUMBF
    boxes (C2PA specification 2.2, "Embedding manifests").
    """
    head = data[:HEADER_BYTES] + data[-HEADER_BYTES:]
    return b"c2pa" in head and any(mark in head for mark in (b"caBX", b"jumb", b"C2PA"))
