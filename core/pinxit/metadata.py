"""What a picture file says besides its pixels: cut away without touching the pixels.

Kept is what decoding and colour need; everything else goes, known or not: EXIF and GPS, XMP, IPTC,
comments, content credentials, embedded previews, and whatever is appended behind the picture.
"""

from __future__ import annotations

from .containers import Part, Source, boxes, gif_blocks, jpeg_segments, png_chunks, riff_chunks

__all__ = ["cut", "is_cut"]

# Besides the critical ones, whose first letter is a capital (PNG specification, third edition).
_PNG_KEPT = frozenset({
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"pHYs",
})  # fmt: skip
_PNG_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_WEBP_KEPT = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"})
_WEBP_PRIVATE_FLAGS = 0x08 | 0x04
"""EXIF and XMP."""


def cut(data: bytes, format: str, *, still: bool = False) -> bytes:
    """Remove everything but pixels and colour from a PNG, JPEG, WebP or GIF; others return as they are.

    Args:
        data: The whole file.
        format: What `pinxit.headers.sniff` says.
        still: Remove a PNG's further frames too.

    Raises:
        ValueError: The file is not laid out as its format says.
    """
    match format:
        case "png":
            kept = _PNG_KEPT if still else _PNG_KEPT | _PNG_ANIMATION
            return _join(
                data, 8, [p for p in png_chunks(data) if p.kind[:1].isupper() or p.kind in kept]
            )
        case "jpeg":
            return _cut_jpeg(data)
        case "webp":
            return _cut_webp(data)
        case "gif":
            blocks = list(gif_blocks(data))
            if not blocks:
                raise ValueError("a GIF without blocks")
            return _join(data, blocks[0].start, [b for b in blocks if _is_gif_picture(data, b)])
        case _:
            return data


def is_cut(data: bytes, format: str) -> bool:
    """Whether a file of a format that `cut` returns as it is holds nothing to remove."""
    if format != "avif":
        return True
    meta = next((box for box in boxes(data) if box.kind == b"meta"), None)
    head = data[meta.body : meta.stop] if meta else b""
    return not any(mark in head for mark in (b"Exif", b"application/rdf+xml"))


def _join(data: bytes, header: int, parts: list[Part]) -> bytes:
    """Put parts together again; neighbours are copied in one piece."""
    pieces, start, end = [data[:header]], header, header
    for part in parts:
        if part.start != end:
            pieces.append(data[start:end])
            start = part.start
        end = part.end
    return b"".join([*pieces, data[start:end]])


def _cut_jpeg(data: bytes) -> bytes:
    kept, scanned = list[Part](), False
    for part in jpeg_segments(data):
        scanned = scanned or part.kind == b"\xda"
        # What has no kind is pixels behind a scan, and stray bytes before it.
        if scanned if not part.kind else _is_jpeg_picture(data, part):
            kept.append(part)
    return _join(data, 2, kept)


def _is_jpeg_picture(data: Source, part: Part) -> bool:
    code = part.kind[0]
    if code == 0xE0:
        return data[part.body : part.body + 5] == b"JFIF\0"
    if code == 0xE2:
        return data[part.body : part.body + 12] == b"ICC_PROFILE\0"
    # APP14 says how the colours are meant; FE is a comment.
    return code == 0xEE or not (0xE0 <= code <= 0xEF or code == 0xFE)


def _cut_webp(data: bytes) -> bytes:
    joined = bytearray(_join(data, 12, [p for p in riff_chunks(data) if p.kind in _WEBP_KEPT]))
    # A chunk of odd length at the end of a file may lack its padding.
    joined += b"\0" * (len(joined) % 2)
    joined[4:8] = (len(joined) - 8).to_bytes(4, "little")
    if joined.startswith(b"VP8X", 12) and len(joined) > 20:
        # The header must not promise what has been cut away.
        joined[20] &= ~_WEBP_PRIVATE_FLAGS
    return bytes(joined)


def _is_gif_picture(data: Source, part: Part) -> bool:
    if part.kind == b"\x21\xff":
        # Both say how often an animation is played; other extensions may hold anything.
        return data[part.body + 1 : part.body + 12] in {b"NETSCAPE2.0", b"ANIMEXTS1.0"}
    return part.kind in {b"\x2c", b"\x3b", b"\x21\xf9"}
