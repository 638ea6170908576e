"""What a picture is, read from its first bytes.

Every answer passes this way and only its header is needed, so nothing is decoded and Pillow stays out.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from .containers import (
    Part,
    Source,
    boxes,
    gif_blocks,
    jpeg_segments,
    png_chunks,
    riff_chunks,
)
from .errors import InvalidImage

__all__ = [
    "FORMATS",
    "HEADER_BYTES",
    "ImageInfo",
    "has_content_credentials",
    "inspect",
    "media_type",
    "sniff",
    "tiff_orientation",
]

FORMATS = ("png", "jpeg", "webp", "gif", "avif", "svg")
"""The picture formats that are recognised, by the names of the Images API."""

HEADER_BYTES = 65_536
"""So many first bytes are enough to measure nearly every picture."""

MAX_CHUNKS = 10_000
"""So many chunks of a PNG are looked at: 80 MB in chunks of 8 kB."""

MAX_SVG_EDGE = 1_000_000
PALETTE = 3

_MEDIA_TYPES = {"svg": "image/svg+xml"}
# C4, C8 and CC lie among the frame headers and are none (ITU T.81, table B.1).
_JPEG_FRAMES = frozenset(
    {*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)}
)
# What may stand before the root element: a byte order mark, declarations, comments, a document type.
# Possessive throughout (?>, *+): without backtracking no file can keep the search busy.
_SVG_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)*+"
    rb"<(?:\w+:)?svg(?=[\s/>])(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*+)",
    re.DOTALL,
)
_SVG_ATTRIBUTE = re.compile(r"(?<![\w:.-])(width|height|viewBox)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_SVG_LENGTH = re.compile(r"\s*\+?(\d+\.?\d*|\.\d+)\s*(px|pt|pc|mm|cm|in)?\s*")
_PIXELS_PER_UNIT = {"pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
_C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_STRANGERS = {
    b"": "nothing", b"%PDF": "a PDF", b"BM": "a BMP", b"II*\0": "a TIFF", b"MM\0*": "a TIFF",
    b"{": "JSON", b"[": "JSON", b"<": "HTML or XML", b"PK": "a ZIP archive",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a picture's header says.

    Attributes:
        format: One of `FORMATS`.
        width: Pixels as the picture is looked at, its orientation applied; 0 where the header does not
            say (an SVG without a size).
        height: Pixels; likewise.
        alpha: Whether pixels can be transparent.
        orientation: 1 to 8, as EXIF counts; 1 is upright.
        animated: Whether there is more than one frame.
    """

    format: str
    width: int
    height: int
    alpha: bool
    orientation: int = 1
    animated: bool = False

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


def sniff(data: Source) -> str | None:
    """Return the format that the magic bytes say, or ``None``. Names and declared types may lie."""
    start = data[:16]
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if start.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[:6] in {b"GIF87a", b"GIF89a"}:
        return "gif"
    if start[4:12] in {b"ftypavif", b"ftypavis"}:
        return "avif"
    return "svg" if _SVG_ROOT.match(data[:HEADER_BYTES]) else None


def inspect(data: Source, *, field: str = "image") -> ImageInfo:
    """Measure a picture from its header; the first `HEADER_BYTES` usually suffice.

    Args:
        data: The file, or its beginning.
        field: The request's field, for the message.

    Raises:
        InvalidImage: The bytes are no picture of a known format, or its header is broken.
    """
    format = sniff(data)
    if format is None:
        raise InvalidImage(
            f"{field}: not a PNG, JPEG, WebP, GIF, AVIF or SVG picture, but {_stranger(data)}",
            param=field,
        )
    try:
        info = _READERS[format](data)
    except (struct.error, IndexError, ValueError) as error:
        raise InvalidImage(
            f"{field}: the {format} header is broken or cut off", param=field
        ) from error
    # An SVG may leave its size open; whatever has pixels says how many.
    if format != "svg" and not (info.width and info.height):
        raise InvalidImage(f"{field}: the {format} has no pixels ({info.size})", param=field)
    return info


def _stranger(data: Source) -> str:
    """Say what it seems to be instead, without showing any of it."""
    start = data[:16].lstrip()
    if start[4:8] == b"ftyp":
        return "a HEIC picture or a video"
    return next((name for magic, name in _STRANGERS.items() if _begins(start, magic)), "other data")


def _begins(start: bytes, magic: bytes) -> bool:
    return start.startswith(magic) if magic else not start


def _upright(info: ImageInfo) -> ImageInfo:
    """Turn the size of a picture whose orientation lays it on its side."""
    if info.orientation < 5:
        return info
    return replace(info, width=info.height, height=info.width)


def _png(data: Source) -> ImageInfo:
    kind, width, height, _, colour = struct.unpack(">4sIIBB", data[12:26])
    if kind != b"IHDR" or colour not in {0, 2, 3, 4, 6}:
        raise ValueError("no PNG header")
    before, orientation, pixels = set[bytes](), 1, False
    # Some programs put EXIF behind the pixels, so the walk goes on.
    for part in islice(png_chunks(data), MAX_CHUNKS):
        if part.kind == b"IDAT":
            pixels = True
        elif part.kind == b"eXIf":
            orientation = tiff_orientation(data[part.body : part.stop])
        elif not pixels:
            before.add(part.kind)
    if colour == PALETTE and not pixels:
        raise ValueError("its transparency stands further back")
    # A palette, grey or colour PNG is transparent where a tRNS chunk before the pixels says so.
    alpha = colour in {4, 6} or b"tRNS" in before
    return _upright(ImageInfo("png", width, height, alpha, orientation, b"acTL" in before))


def _jpeg(data: Source) -> ImageInfo:
    orientation = None
    for part in jpeg_segments(data):
        code = part.kind[0] if part.kind else 0
        if code in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[part.body + 1 : part.body + 5])
            return _upright(
                ImageInfo("jpeg", width, height, alpha=False, orientation=orientation or 1)
            )
        if code == 0xE1 and orientation is None and data[part.body : part.body + 6] == b"Exif\0\0":
            orientation = tiff_orientation(data[part.body + 6 : part.stop])
    raise ValueError("no frame header")


def tiff_orientation(data: bytes) -> int:
    """Return the orientation, 1 to 8, that a block of EXIF gives; 1 where it gives none."""
    data = data.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return 1
    try:
        at = struct.unpack(f"{order}I", data[4:8])[0]
        count = struct.unpack(f"{order}H", data[at : at + 2])[0]
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack(f"{order}HHIH", data[entry : entry + 10])
            if tag == 0x0112:
                return value if kind == 3 and 1 <= value <= 8 else 1
    # A broken block turns nothing; the picture may be good all the same.
    except struct.error:
        pass
    return 1


def _webp(data: Source) -> ImageInfo:
    start = data[:30]
    if len(start) < 30:
        raise ValueError("cut off")
    kind = start[12:16]
    if kind == b"VP8X":
        return _webp_extended(data, start)
    if kind == b"VP8L" and start[20] == 0x2F:
        # 14 bits of width and 14 of height, each less one, and a bit for alpha.
        bits = int.from_bytes(start[21:25], "little")
        return ImageInfo(
            "webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
        )
    if kind != b"VP8 " or start[23:26] != b"\x9d\x01\x2a":
        raise ValueError("no WebP frame")
    # Of 16 bits the upper two are a wish about scaling, not size.
    width, height = struct.unpack("<HH", start[26:30])
    return ImageInfo("webp", width & 0x3FFF, height & 0x3FFF, alpha=False)


def _webp_extended(data: Source, start: bytes) -> ImageInfo:
    flags, orientation = start[20], 1
    width = int.from_bytes(start[24:27], "little") + 1
    height = int.from_bytes(start[27:30], "little") + 1
    if flags & 0x08:
        exif = next((part for part in riff_chunks(data) if part.kind == b"EXIF"), None)
        orientation = tiff_orientation(data[exif.body : exif.stop]) if exif else 1
    animated = bool(flags & 0x02)
    return _upright(ImageInfo("webp", width, height, bool(flags & 0x10), orientation, animated))


def _gif(data: Source) -> ImageInfo:
    width, height = struct.unpack("<HH", data[6:10])
    alpha, frames, looping = False, 0, False
    # The second frame of an animation stands near its beginning, or a loop is declared before the first.
    for part in _readable(gif_blocks(data[: 4 * HEADER_BYTES])):
        if part.kind == b"\x2c":
            frames += 1
            left, top, wide, high = struct.unpack("<4H", data[part.start + 1 : part.start + 9])
            if frames == 1:
                # Decoders widen the screen to the first frame.
                width, height = max(width, left + wide), max(height, top + high)
        elif part.kind == b"\x21\xf9" and not frames:
            alpha = bool(data[part.body + 1 : part.body + 2][0] & 1)
        elif part.kind == b"\x21\xff" and data[part.body + 1 : part.body + 9] == b"NETSCAPE":
            looping = True
        if frames == 2:
            break
    return ImageInfo("gif", width, height, alpha, animated=looping or frames > 1)


def _readable(parts: Iterator[Part]) -> Iterator[Part]:
    """Yield parts up to where the data is broken or cut off."""
    try:
        yield from parts
    except ValueError:
        return


def _avif(data: Source) -> ImageInfo:
    meta = _box(boxes(data), b"meta")
    # Before its boxes stand four bytes of version and flags.
    iprp = _box(boxes(data, meta.body + 4, meta.stop), b"iprp")
    ipco = _box(boxes(data, iprp.body, iprp.stop), b"ipco")
    properties = dict[bytes, list[bytes]]()
    for part in boxes(data, ipco.body, ipco.stop):
        properties.setdefault(part.kind, []).append(data[part.body : part.stop])
    # Thumbnails and tiles have sizes too; the whole picture is the largest.
    sizes = [struct.unpack(">II", body[4:12]) for body in properties.get(b"ispe", ())]
    width, height = max(sizes, key=math.prod)
    alpha = any(b"auxiliary:alpha" in body for body in properties.get(b"auxC", ()))
    if any(body[:1] and body[0] & 1 for body in properties.get(b"irot", ())):
        width, height = height, width
    return ImageInfo("avif", width, height, alpha, animated=data[8:12] == b"avis")


def _box(parts: Iterator[Part], kind: bytes) -> Part:
    found = next((part for part in parts if part.kind == kind), None)
    if found is None:
        raise ValueError(f"no {kind.decode()} box")
    return found


def _svg(data: Source) -> ImageInfo:
    root = _SVG_ROOT.match(data[:HEADER_BYTES])
    found = _SVG_ATTRIBUTE.findall(root["attributes"].decode("utf-8", "replace")) if root else []
    values = {name: double or single for name, double, single in found}
    edges = [_svg_pixels(values.get(edge, "")) for edge in ("width", "height")]
    box = re.split(r"[\s,]+", values.get("viewBox", "").strip())
    if not all(edges) and len(box) == 4:
        edges = [_svg_pixels(edge) for edge in box[2:]]
    width, height = edges if all(edges) else (0, 0)
    return ImageInfo("svg", width, height, alpha=True)


def _svg_pixels(length: str) -> int:
    """Return CSS pixels, or 0 for what says nothing without a page, such as 100 %."""
    match = _SVG_LENGTH.fullmatch(length)
    pixels = float(match[1]) * _PIXELS_PER_UNIT.get(match[2], 1.0) if match else 0.0
    return round(pixels) if pixels <= MAX_SVG_EDGE else 0


_READERS = {"png": _png, "jpeg": _jpeg, "webp": _webp, "gif": _gif, "avif": _avif, "svg": _svg}


def has_content_credentials(data: Source) -> bool:
    """Whether the file carries C2PA content credentials; the manifest itself is not examined.

    They stand in a PNG's ``caBX`` chunk, in JUMBF boxes in a JPEG's APP11 segments, in a WebP's ``C2PA``
    chunk, in a GIF's application extension, in an AVIF's ``uuid`` box, or in an SVG's metadata
    (C2PA specification, appendix "Embedding manifests").
    """
    try:
        return _CREDENTIALS[sniff(data) or ""](data)
    except (KeyError, ValueError):
        return False


def _jpeg_credentials(data: Source) -> bool:
    for part in jpeg_segments(data):
        # They stand before the pixels, which need not be walked through.
        if part.kind == b"\xda":
            return False
        # The first of the segments that a box is spread over has its label.
        if part.kind == b"\xeb":
            body = data[part.body : min(part.stop, part.body + 128)]
            if body.startswith(b"JP") and b"jumb" in body and b"c2pa" in body:
                return True
    return False


_CREDENTIALS: dict[str, Callable[[Source], bool]] = {
    "png": lambda data: any(part.kind == b"caBX" for part in png_chunks(data)),
    "jpeg": _jpeg_credentials,
    "webp": lambda data: any(part.kind == b"C2PA" for part in riff_chunks(data)),
    "gif": lambda data: any(
        part.kind == b"\x21\xff" and data[part.body + 1 : part.body + 9] == b"C2PA_GIF"
        for part in gif_blocks(data)
    ),
    "avif": lambda data: any(
        part.kind == b"uuid" and data[part.body : part.body + 16] == _C2PA_BOX
        for part in boxes(data)
    ),
    "svg": lambda data: b"<c2pa:manifest" in data[0 : len(data)],
}
