"""How picture files are laid out: chunks, segments, blocks and boxes, walked without decoding a pixel.

Every walk goes forward only, ends with the data, and gives up on a file with more parts than any
picture has, so no file can keep it busy.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol

__all__ = [
    "Part",
    "Source",
    "boxes",
    "gif_blocks",
    "is_complete",
    "jpeg_segments",
    "png_chunks",
    "riff_chunks",
]

MAX_PARTS = 100_000
"""A 50 MB PNG in chunks of 8 kB has 6,400."""

MAX_SUB_BLOCKS = 500_000
"""Full ones, of 255 bytes, make up 127 MB."""

_WINDOW = 65_536
# In entropy-coded JPEG data an FF is followed by a zero, a restart marker or another FF.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class Source(Protocol):
    """Bytes that are read in slices: ``bytes`` themselves, or text that is decoded where it is read."""

    def __len__(self) -> int: ...

    def __getitem__(self, span: slice, /) -> bytes: ...


class Part(NamedTuple):
    """One chunk, segment, block or box.

    Attributes:
        kind: Its type: four letters, or a JPEG's or GIF's marker bytes.
        start: Where its header begins.
        body: Where its payload begins.
        stop: Where its payload ends; beyond the data in a file that is cut off.
        end: Where the next part begins.
    """

    kind: bytes
    start: int
    body: int
    stop: int
    end: int


def _number(data: Source, at: int, count: int, order: Literal["big", "little"] = "big") -> int:
    raw = data[at : at + count]
    if len(raw) < count:
        raise ValueError("cut off")
    return int.from_bytes(raw, order)


def _counted(parts: Iterator[Part]) -> Iterator[Part]:
    for count, part in enumerate(parts):
        if count == MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS} parts")
        yield part


def png_chunks(data: Source) -> Iterator[Part]:
    """Yield the chunks of a PNG up to ``IEND``."""
    return _counted(_png_chunks(data))


def _png_chunks(data: Source) -> Iterator[Part]:
    at = 8
    while at + 8 <= len(data):
        header = data[at : at + 8]
        stop = at + 8 + int.from_bytes(header[:4], "big")
        # Four bytes of checksum follow the payload.
        yield Part(header[4:], at, at + 8, stop, stop + 4)
        if header[4:] == b"IEND":
            return
        at = stop + 4


def riff_chunks(data: Source) -> Iterator[Part]:
    """Yield the chunks of a WebP as far as its own size reaches."""
    return _counted(_riff_chunks(data))


def _riff_chunks(data: Source) -> Iterator[Part]:
    at, limit = 12, min(len(data), 8 + _number(data, 4, 4, "little"))
    while at + 8 <= limit:
        header = data[at : at + 8]
        stop = at + 8 + int.from_bytes(header[4:], "little")
        # Chunks begin at even places, so one of odd length is padded.
        yield Part(header[:4], at, at + 8, stop, stop + stop % 2)
        at = stop + stop % 2


def jpeg_segments(data: Source) -> Iterator[Part]:
    """Yield the segments of a JPEG up to the end of the image; what stands between them has no kind.

    Between segments stand the coded pixels, behind each start of scan, and sometimes stray bytes.
    """
    return _counted(_jpeg_segments(data))


def _jpeg_segments(data: Source) -> Iterator[Part]:
    at = 2
    while at + 2 <= len(data):
        marker = data[at : at + 2]
        code = marker[1]
        if _MARKER.fullmatch(marker) is None:
            end = _next_marker(data, at)
            yield Part(b"", at, at, end, end)
        # These stand alone; every other marker is followed by a length.
        elif code in {0x01, 0xD8, 0xD9}:
            end = at + 2
            yield Part(marker[1:], at, end, end, end)
            if code == 0xD9:
                return
        else:
            # The length counts its own two bytes; one of less would keep the walk where it is.
            end = at + 2 + max(2, _number(data, at + 2, 2))
            yield Part(marker[1:], at, at + 4, end, end)
        at = end


def _next_marker(data: Source, at: int) -> int:
    while at < len(data):
        found = _MARKER.search(data[at : at + _WINDOW])
        if found:
            return at + found.start()
        # One byte is read again: the marker may lie across the edge of the window.
        at += _WINDOW - 1
    return len(data)


def gif_blocks(data: Source) -> Iterator[Part]:
    """Yield extensions (``21 xx``), frames (``2C``) and the trailer (``3B``) of a GIF."""
    return _counted(_gif_blocks(data))


def _gif_blocks(data: Source) -> Iterator[Part]:
    # Behind 13 bytes of signature and screen comes the palette that all frames share.
    at, budget = 13 + _gif_palette(_number(data, 10, 1)), MAX_SUB_BLOCKS
    while at < len(data):
        kind = data[at : at + 1]
        if kind == b"\x3b":
            yield Part(kind, at, at + 1, at + 1, at + 1)
            return
        if kind == b"\x21":
            kind, body = data[at : at + 2], at + 2
        elif kind == b"\x2c":
            # Ten bytes of descriptor, a palette of its own, and the code size.
            body = at + 11 + _gif_palette(_number(data, at + 9, 1))
        else:
            raise ValueError("no GIF block")
        end, count = _gif_sub_blocks(data, body)
        budget -= count
        if budget < 0:
            raise ValueError("more sub-blocks than any picture has")
        yield Part(kind, at, body, end, end)
        at = end


def _gif_palette(flags: int) -> int:
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def _gif_sub_blocks(data: Source, at: int) -> tuple[int, int]:
    """Return where they end, and how many there are."""
    count = 0
    while (size := _number(data, at, 1)) and count <= MAX_SUB_BLOCKS:
        at += 1 + size
        count += 1
    return at + 1, count


def boxes(data: Source, start: int = 0, stop: int | None = None) -> Iterator[Part]:
    """Yield the boxes of an ISO media file (AVIF), or those inside another box."""
    return _counted(_boxes(data, start, len(data) if stop is None else stop))


def _boxes(data: Source, at: int, limit: int) -> Iterator[Part]:
    while at + 8 <= limit:
        header = data[at : at + 8]
        size, body = int.from_bytes(header[:4], "big"), at + 8
        # 1: the size follows in eight bytes; 0: the box is the last one (ISO/IEC 14496-12).
        if size == 1:
            size, body = _number(data, at + 8, 8), at + 16
        elif size == 0:
            size = limit - at
        # The walk would go over the same bytes again, perhaps for ever.
        if at + size < body:
            raise ValueError("a box is smaller than its header")
        yield Part(header[4:], at, body, at + size, at + size)
        at += size


def is_complete(data: Source, format: str) -> bool:
    """Whether a file of a known format reaches to its end; its content may still be damaged.

    Args:
        data: The whole file.
        format: What `pinxit.headers.sniff` says.
    """
    try:
        match format:
            case "png":
                return any(p.kind == b"IEND" and p.end <= len(data) for p in png_chunks(data))
            case "jpeg":
                return _jpeg_ends(data)
            case "webp":
                return 8 + _number(data, 4, 4, "little") <= len(data)
            case "gif":
                return _gif_ends(data)
            case "avif":
                return all(part.end <= len(data) for part in boxes(data))
            case _:
                return data[max(0, len(data) - _WINDOW) : len(data)].rstrip().endswith(b">")
    except ValueError:
        return False


def _jpeg_ends(data: Source) -> bool:
    scan = next((part for part in jpeg_segments(data) if part.kind == b"\xda"), None)
    if scan is None:
        return False
    # Nearly always the end is at the end, and the pixels need not be walked through.
    if b"\xff\xd9" in data[max(scan.stop, len(data) - _WINDOW) : len(data)]:
        return True
    return any(part.kind == b"\xd9" for part in jpeg_segments(data))


def _gif_ends(data: Source) -> bool:
    """Look for the trailer; some writers leave it out, and then the last frame ends the file."""
    return any(
        part.kind in {b"\x2c", b"\x3b"} and part.end <= len(data)
        # The last one tells, and there is no way to walk backwards.
        for part in deque(gif_blocks(data), maxlen=1)
    )
