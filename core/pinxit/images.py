"""The pixels of images: decode, convert, scale, strip, masks.

All of it is Pillow's, which is imported only when pixels are touched. The functions are synchronous and
slow: call them off the event loop.
"""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Literal

from .errors import InvalidImage
from .headers import inspect, sniff, u16

if TYPE_CHECKING:
    from PIL import Image as PillowImage

__all__ = [
    "MAX_PIXELS",
    "Polarity",
    "composite",
    "convert",
    "edit_map",
    "encode",
    "flatten",
    "mask_polarity",
    "open_image",
    "resize",
    "strip",
]

MAX_PIXELS = 100_000_000
"""A picture with more pixels than this is not decoded: it would need 400 MB of memory."""

Polarity = Literal["transparent_edits", "white_edits", "black_edits"]
"""Which pixels of a mask are repainted."""


def open_image(data: bytes, *, field: str = "image") -> PillowImage.Image:
    """Decode a picture, or say why not.

    Raises:
        InvalidImage: It is no raster picture, damaged, or has more than `MAX_PIXELS`.
    """
    from PIL import Image as Pillow

    info = inspect(data, field=field)
    if info.format == "svg":
        raise InvalidImage(f"{field}: an SVG has no pixels; send PNG, JPEG or WebP", param=field)
    if info.width * info.height > MAX_PIXELS:
        raise InvalidImage(
            f"{field}: {info.size} is more than {MAX_PIXELS // 1_000_000} megapixels", param=field
        )
    try:
        image = Pillow.open(io.BytesIO(data), formats=(info.format.upper(),))
        image.load()
    # Pillow's decoders raise whatever the damage leads them to; none of it is worth more than this.
    except Exception as error:
        raise InvalidImage(
            f"{field}: the {info.format} data is damaged ({error})", param=field
        ) from error
    return image


def encode(image: PillowImage.Image, format: str, *, quality: int | None = None) -> bytes:
    """Encode pixels as ``png``, ``jpeg``, ``webp`` or ``gif``, without metadata.

    Args:
        image: The pixels; transparency is laid on white where the format has none.
        format: The format's name in the Images API.
        quality: 0 to 100 for JPEG and WebP: the API's ``output_compression``.
    """
    if format == "jpeg":
        image = flatten(image)
    elif image.mode not in {"RGB", "RGBA", "L", "LA", "P"}:
        image = image.convert("RGBA" if _has_alpha(image) else "RGB")
    options: dict[str, object] = {}
    if format in {"jpeg", "webp"}:
        # The API's default is 100; Pillow's scale for JPEG ends in useless sizes above 95.
        options["quality"] = 95 if quality is None else max(1, quality)
    out = io.BytesIO()
    image.save(out, format.upper(), **options)
    return out.getvalue()


def _has_alpha(image: PillowImage.Image) -> bool:
    return "A" in image.getbands() or "transparency" in image.info


def flatten(image: PillowImage.Image) -> PillowImage.Image:
    """Lay a transparent picture on white."""
    from PIL import Image as Pillow

    if not _has_alpha(image):
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Pillow.new("RGBA", layer.size, "white")
    return Pillow.alpha_composite(white, layer).convert("RGB")


def convert(data: bytes, format: str, *, quality: int | None = None, opaque: bool = False) -> bytes:
    """Re-encode a picture as another format, or on an opaque background.

    Raises:
        InvalidImage: The bytes cannot be decoded.
    """
    image = _upright(open_image(data))
    return encode(flatten(image) if opaque else image, format, quality=quality)


def _upright(image: PillowImage.Image) -> PillowImage.Image:
    """Apply the EXIF orientation, which is lost with the metadata."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def resize(
    data: bytes, width: int, height: int, *, format: str | None = None, quality: int | None = None
) -> bytes:
    """Scale to cover *width* x *height* and cut off, evenly at both ends, what stands over.

    Raises:
        InvalidImage: The bytes cannot be decoded.
    """
    from PIL import Image as Pillow
    from PIL import ImageOps

    image = _upright(open_image(data))
    if image.mode == "P":
        image = image.convert("RGBA" if _has_alpha(image) else "RGB")
    fitted = ImageOps.fit(image, (width, height), method=Pillow.Resampling.LANCZOS)
    return encode(fitted, format or inspect(data).format, quality=quality)


def strip(data: bytes) -> bytes:
    """Remove EXIF, GPS, XMP and text from a picture; the pixels stay, upright.

    PNG loses chunks and JPEG segments without being decoded, so nothing is lost twice; a JPEG that is
    not upright, and the other formats, are re-encoded.
    """
    format = sniff(data)
    if format == "png":
        return _strip_png(data)
    if format not in {"jpeg", "webp"}:
        return data
    if format == "jpeg" and _orientation(data) == 1:
        return _strip_jpeg(data)
    if format == "webp" and not any(mark in data for mark in (b"EXIF", b"XMP ")):
        return data
    return convert(data, format, quality=95)


def _orientation(data: bytes) -> int:
    from PIL import Image as Pillow

    with Pillow.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return int(image.getexif().get(0x0112, 1))


_PNG_PRIVATE = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"})


def _strip_png(data: bytes) -> bytes:
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if kind not in _PNG_PRIVATE:
            out.append(data[at:end])
        at = end
    return b"".join(out)


def _strip_jpeg(data: bytes) -> bytes:
    out, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + u16(data, at + 2)
        # APP1 holds EXIF and XMP, APP13 Photoshop's captions, COM comments; APP0, 2 and 14 say how
        # the colours are meant.
        if data[at + 1] not in {0xE1, 0xED, 0xFE}:
            out.append(data[at:end])
        at = end
    return b"".join([*out, data[at:]])


def mask_polarity(data: bytes, asked: Polarity, wanted: Polarity) -> bytes:
    """Say the same mask in another way; the result is a PNG.

    Args:
        data: The mask.
        asked: How it is meant.
        wanted: How the model reads it: transparent pixels, white ones or black ones are repainted.

    Raises:
        InvalidImage: The bytes cannot be decoded.
    """
    if asked == wanted and sniff(data) == "png":
        return data
    from PIL import Image as Pillow

    edits = edit_map(data, asked)
    if wanted == "white_edits":
        return encode(edits, "png")
    keeps = edits.point(_invert)
    if wanted == "black_edits":
        return encode(keeps, "png")
    layer = Pillow.new("RGBA", edits.size, "white")
    layer.putalpha(keeps)
    return encode(layer, "png")


def _invert(value: float) -> float:
    return 255 - value


def edit_map(data: bytes, polarity: Polarity) -> PillowImage.Image:
    """Return a mask as 8-bit grey: 255 where it is repainted, 0 where it is kept."""
    mask = open_image(data, field="mask")
    if polarity == "white_edits":
        return mask.convert("L")
    if polarity == "black_edits":
        return mask.convert("L").point(_invert)
    if not _has_alpha(mask):
        raise InvalidImage(
            "mask: it has no transparency; pixels with alpha 0 mark what is repainted", param="mask"
        )
    return mask.convert("RGBA").getchannel("A").point(_invert)


def composite(
    result: bytes, original: bytes, mask: bytes, polarity: Polarity, *, format: str
) -> bytes:
    """Put the protected pixels of *original* back over *result*.

    The result is scaled to the original's size first; the seam is softened inside the repainted area
    alone, so that every protected pixel is the original's, bit by bit.

    Raises:
        InvalidImage: One of the three cannot be decoded.
    """
    from PIL import Image as Pillow
    from PIL import ImageChops, ImageFilter

    base = _upright(open_image(original)).convert("RGBA")
    painted = (
        open_image(result, field="result")
        .convert("RGBA")
        .resize(base.size, Pillow.Resampling.LANCZOS)
    )
    edits = edit_map(mask, polarity)
    if edits.size != base.size:
        edits = edits.resize(base.size, Pillow.Resampling.NEAREST)
    soft = edits.filter(ImageFilter.GaussianBlur(max(base.size) / 256))
    seam = ImageChops.darker(edits, soft.point(_inner))
    return encode(Pillow.composite(painted, base, seam), format)


def _inner(value: float) -> float:
    """Move a blurred edge inwards: half of it and less is 0."""
    return max(0.0, (value - 127) * 2)
