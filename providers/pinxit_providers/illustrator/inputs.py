"""Input pictures and masks, opened with care."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

import io

from PIL import Image, ImageChops, ImageFilter, ImageOps

from . import metadata
from .metadata import Record

MOST_PIXELS = 64_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def opened(data: bytes) -> tuple[Image.Image, Record | None]:
    """An input picture, upright, and its record if it is one of ours.

    Raises:
        ValueError: It is no picture, or too large.
    """
    try:
        # No other format: strangers' files should not reach parsers that nobody needs here.
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError("the picture has too many pixels")
            picture.load()
            record = metadata.read(picture)
            return ImageOps.exif_transpose(picture), record
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"the picture cannot be read: {error}") from error


def region(data: bytes, size: tuple[int, int]) -> Image.Image:
    """Where a mask wants to be repainted, as 255 there and 0 elsewhere.

    Alpha 0 is repainted. A mask without alpha is read as painters paint them: white is repainted.
    """
    mask, _ = opened(data)
    if mask.mode in {"RGBA", "LA", "PA"} or "transparency" in mask.info:
        hole = ImageOps.invert(mask.convert("RGBA").getchannel("A"))
    else:
        hole = mask.convert("L")
    # All or nothing: the soft edge is made later, and inside.
    hole = hole.point([0] * 128 + [255] * 128)
    return hole if hole.size == size else hole.resize(size, Image.Resampling.NEAREST)


def feathered(hole: Image.Image) -> Image.Image:
    """The region with a soft edge that lies inside it: outside, every weight is exactly 0."""
    box = hole.getbbox()
    if box is None:
        return hole
    # A narrow region cannot afford a wide edge.
    reach = max(1, min(12, min(box[2] - box[0], box[3] - box[1]) // 24))
    wide = _continued(hole, 4 * reach)
    inner = wide.filter(ImageFilter.MinFilter(2 * reach + 1)).filter(
        ImageFilter.GaussianBlur(reach * 0.7)
    )
    left = 4 * reach
    inner = inner.crop((left, left, left + hole.width, left + hole.height))
    # Blurring reaches outside; there the picture has to stay as it is, to the last bit.
    return ImageChops.multiply(inner, hole)


def _continued(hole: Image.Image, border: int) -> Image.Image:
    """The region on a larger canvas, its outermost pixels continued: the canvas's end is no edge."""
    width, height = hole.size
    wide = ImageOps.expand(hole, border=border, fill=0)
    for box, to in (
        ((0, 0, 1, height), (0, border, border, border + height)),
        (
            (width - 1, 0, width, height),
            (border + width, border, 2 * border + width, border + height),
        ),
    ):
        wide.paste(hole.crop(box).resize((to[2] - to[0], to[3] - to[1])), to)
    full = 2 * border + width
    for row, to in (
        (border, (0, 0, full, border)),
        (border + height - 1, (0, border + height, full, 2 * border + height)),
    ):
        wide.paste(wide.crop((0, row, full, row + 1)).resize((full, border)), to)
    return wide
