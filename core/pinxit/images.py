"""Picture files in, picture files out: convert, scale, strip, masks.

The functions are synchronous and slow: call them off the event loop.
"""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from . import metadata
from .errors import InvalidImage
from .headers import inspect, sniff
from .pixels import MAX_PIXELS, check_pixels, cover, encode, flatten, in_profile, open_image, scale

if TYPE_CHECKING:
    from PIL import Image as PillowImage

__all__ = [
    "MAX_PIXELS",
    "Polarity",
    "Protection",
    "check_pixels",
    "composite",
    "convert",
    "cover",
    "edit_map",
    "encode",
    "flatten",
    "mask_polarity",
    "open_image",
    "render",
    "resize",
    "scale",
    "strip",
]

Polarity = Literal["transparent_edits", "white_edits", "black_edits"]
"""Which pixels of a mask are repainted."""

SEAM = 256
"""A seam is softened over this part of the longer edge."""

MAX_STRETCH = 0.03
"""A result whose ratio is this near the original's is stretched over it; another is cropped."""


def convert(data: bytes, format: str, *, quality: int | None = None, opaque: bool = False) -> bytes:
    """Re-encode a picture as another format, or on an opaque background.

    Raises:
        InvalidImage: The bytes cannot be decoded.
    """
    return render(data, format, quality=quality, opaque=opaque)


def resize(
    data: bytes, width: int, height: int, *, format: str | None = None, quality: int | None = None
) -> bytes:
    """Scale to cover *width* x *height* and cut off, evenly at both ends, what stands over.

    Raises:
        InvalidImage: The bytes cannot be decoded.
    """
    return render(data, format or inspect(data).format, size=(width, height), quality=quality)


def strip(data: bytes) -> bytes:
    """Remove EXIF, GPS, XMP, text and credentials from a picture; the pixels stay, upright.

    Files are cut up without being decoded, so pixels stay what they are, bit by bit. Only what is not
    upright is encoded again, and an AVIF that holds metadata.

    Raises:
        InvalidImage: The bytes are no picture, or not laid out as its format says.
    """
    info = inspect(data)
    try:
        if info.orientation == 1 and metadata.is_cut(data, info.format):
            return metadata.cut(data, info.format)
    except ValueError as error:
        raise InvalidImage(
            f"image: the {info.format} data is damaged or cut off", param="image"
        ) from error
    return convert(data, info.format)


@dataclass(frozen=True, slots=True)
class Protection:
    """Pixels that must not change.

    Attributes:
        original: The picture that was edited.
        mask: Where it may change.
        polarity: How the mask is meant.
    """

    original: bytes
    mask: bytes
    polarity: Polarity = "transparent_edits"


def render(
    data: bytes,
    format: str,
    *,
    size: tuple[int, int] | None = None,
    quality: int | None = None,
    opaque: bool = False,
    protect: Protection | None = None,
) -> bytes:
    """Decode a picture once, change it, and encode it once.

    Args:
        data: The picture.
        format: What it becomes.
        size: Width and height to cover and crop to.
        quality: 0 to 100, for formats that lose something.
        opaque: Lay transparency on white.
        protect: Put protected pixels back first; the picture then has the original's size.

    Raises:
        InvalidImage: The bytes cannot be decoded.
    """
    image = open_image(data, field="result" if protect else "image")
    if protect is not None:
        image = _protect(image, protect)
    if size is not None:
        image = cover(image, *size)
    if opaque:
        image = flatten(image)
    # Protected pixels are promised bit by bit, which a lossy WebP would break.
    return encode(image, format, quality=quality, lossless=protect is not None and quality is None)


def composite(
    result: bytes, original: bytes, mask: bytes, polarity: Polarity, *, format: str
) -> bytes:
    """Put the protected pixels of *original* back over *result*.

    The result is brought to the original's size first; the seam is softened inside the repainted area
    alone, so that every protected pixel is the original's, bit by bit where *format* is lossless.

    Raises:
        InvalidImage: One of the three cannot be decoded.
    """
    return render(result, format, protect=Protection(original, mask, polarity))


def _protect(painted: PillowImage.Image, protect: Protection) -> PillowImage.Image:
    from PIL import Image as Pillow

    original = open_image(protect.original, field="image")
    base, profile = original.convert("RGBA"), original.info.get("icc_profile")
    layer = _laid_over(_recoloured(painted, profile), base.size).convert("RGBA")
    edits = _at_size(edit_map(protect.mask, protect.polarity), base.size)
    joined = Pillow.composite(layer, base, _seam(edits))
    # An alpha channel that hides nothing would be reported as transparency.
    if joined.getchannel("A").getextrema() == (255, 255):
        joined = joined.convert("RGB")
    joined.info = {"icc_profile": profile} if profile else {}
    return joined


def _recoloured(painted: PillowImage.Image, wanted: bytes | None) -> PillowImage.Image:
    """Say the result's colours as the original says its own; without a profile they are sRGB."""
    given = painted.info.get("icc_profile")
    if given == wanted or painted.mode == "L":
        return painted
    return in_profile(painted, wanted, given=given, mode=painted.mode) or painted


def _laid_over(painted: PillowImage.Image, size: tuple[int, int]) -> PillowImage.Image:
    """Bring a result to the original's size; a model that was near to its ratio squeezed the picture."""
    stretch = painted.width * size[1] / (painted.height * size[0])
    if abs(stretch - 1) <= MAX_STRETCH:
        return scale(painted, *size)
    return cover(painted, *size)


def _seam(edits: PillowImage.Image) -> PillowImage.Image:
    """Soften an edge inside the repainted area: what was 0 stays 0."""
    from PIL import ImageChops, ImageFilter

    soft = edits.filter(ImageFilter.GaussianBlur(max(edits.size) / SEAM))
    return ImageChops.darker(edits, soft.point(_inner))


def _inner(value: float) -> float:
    """Move a blurred edge inwards: half of it and less is 0."""
    return min(255.0, max(0.0, (value - 127) * 2))


def _at_size(mask: PillowImage.Image, size: tuple[int, int]) -> PillowImage.Image:
    from PIL import Image as Pillow

    # Not smoothed, so that only values stand in it that the caller has given.
    return mask if mask.size == size else mask.resize(size, Pillow.Resampling.NEAREST)


def edit_map(data: bytes, polarity: Polarity) -> PillowImage.Image:
    """Return a mask as 8-bit grey: 255 where it is repainted, 0 where it is kept.

    Raises:
        InvalidImage: The bytes cannot be decoded, or a mask that should have transparency has none.
    """
    mask = open_image(data, field="mask")
    if polarity == "transparent_edits":
        if mask.mode != "RGBA":
            raise InvalidImage(
                "mask: it has no transparency; pixels with alpha 0 mark what is repainted",
                param="mask",
            )
        return mask.getchannel("A").point(_invert)
    grey = mask.convert("L")
    return grey if polarity == "white_edits" else grey.point(_invert)


def _decided(value: float) -> float:
    return 255 if value >= 128 else 0


def _invert(value: float) -> float:
    return 255 - value


def mask_polarity(
    data: bytes,
    asked: Polarity,
    wanted: Polarity,
    *,
    size: tuple[int, int] | None = None,
    hard: bool = False,
) -> bytes:
    """Say the same mask in another way; the result is a PNG.

    Args:
        data: The mask.
        asked: How it is meant.
        wanted: How the model reads it: transparent pixels, white ones or black ones are repainted.
        size: Width and height to bring it to.
        hard: Leave nothing between repainted and kept.

    Raises:
        InvalidImage: The bytes cannot be decoded.
    """
    if asked == wanted and size is None and not hard and sniff(data) == "png":
        return data
    from PIL import Image as Pillow

    edits = edit_map(data, asked)
    if size is not None:
        edits = _at_size(edits, size)
    if hard:
        edits = edits.point(_decided)
    if wanted == "white_edits":
        return encode(edits, "png", optimize=True)
    keeps = edits.point(_invert)
    if wanted == "black_edits":
        return encode(keeps, "png", optimize=True)
    layer = Pillow.new("RGBA", edits.size, "white")
    layer.putalpha(keeps)
    return encode(layer, "png", optimize=True)
