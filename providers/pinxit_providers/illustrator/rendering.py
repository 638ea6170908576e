"""From a drawing to pixels, and from pixels to a file."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

import io
from collections.abc import Sequence

import resvg_py
from PIL import Image, ImageChops, ImageEnhance

from . import metadata
from .colours import rgb
from .drawing import LAYERS, Drawing
from .metadata import Record
from .orders import Order
from .weather import LENS

PIXEL_LAYERS = tuple(layer for layer in LAYERS if layer != "lens")
SATURATION = {"vivid": 1.35, "natural": 0.78, None: 1.0}
_SUPERSAMPLED = 2048


def rasterised(
    drawing: Drawing, layers: Sequence[str] = PIXEL_LAYERS, zoom: float = 1.0
) -> Image.Image:
    """The layers of a drawing as pixels with alpha, at a multiple of the drawing's size."""
    width, height = round(drawing.width * zoom), round(drawing.height * zoom)
    # Without the system's fonts: a picture must not depend on the machine.
    png = resvg_py.svg_to_bytes(
        svg_string=drawing.svg(layers), width=width, height=height, skip_system_fonts=True
    )
    with Image.open(io.BytesIO(bytes(png))) as picture:
        return picture.convert("RGBA")


def photographed(drawing: Drawing, quality: str, lens: bool) -> Image.Image:
    """The whole drawing as pixels; of high quality it is drawn larger and scaled down."""
    size = (round(drawing.width), round(drawing.height))
    # Twice the size is four times the work; beyond this it is no longer seen.
    zoom = min(2.0, _SUPERSAMPLED / max(size)) if quality == "high" else 1.0
    picture = rasterised(drawing, zoom=max(1.0, zoom))
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return shaded(picture) if lens else picture


def shaded(picture: Image.Image) -> Image.Image:
    """The picture with its corners a little darker."""
    # Pillow makes it in one size; so soft a shade can be enlarged.
    small = Image.radial_gradient("L").point([max(0, int((v - 150) * 0.75)) for v in range(256)])
    tint = tuple(round(255 * channel) for channel in rgb(LENS))
    picture = picture.convert("RGB")
    dark = Image.new("RGB", picture.size, tint)
    return Image.composite(dark, picture, small.resize(picture.size, Image.Resampling.BILINEAR))


def graded(picture: Image.Image, style: str | None) -> Image.Image:
    """The picture more or less saturated, as `vivid` and `natural` ask."""
    factor = SATURATION.get(style, 1.0)
    if factor == 1.0:
        return picture
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    changed = ImageEnhance.Color(picture.convert("RGB")).enhance(factor)
    # Saturation alone looks like a fault; a little contrast makes it a style.
    changed = ImageEnhance.Contrast(changed).enhance(1.08 if factor > 1 else 0.95)
    if alpha is not None:
        changed.putalpha(alpha)
    return changed


def flattened(picture: Image.Image, backdrop: str = "#ffffff") -> Image.Image:
    """The picture without alpha, on a plain backdrop."""
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    ground = Image.new("RGBA", picture.size, backdrop)
    return Image.alpha_composite(ground, picture).convert("RGB")


def solid(picture: Image.Image) -> bool:
    """Whether no pixel lets anything through."""
    return picture.mode != "RGBA" or picture.getchannel("A").getextrema()[0] == 255


def file(picture: Image.Image, order: Order, record: Record | None) -> bytes:
    """The picture as a file of the format asked for, with its record."""
    buffer = io.BytesIO()
    if order.format == "jpeg":
        quality = 88 if order.compression is None else max(1, order.compression)
        flattened(picture).save(buffer, "JPEG", quality=quality, **_tags(record))
    elif order.format == "webp":
        _save_webp(picture, order, record, buffer)
    else:
        text = {"pnginfo": metadata.png_text(record)} if record else {}
        picture.save(buffer, "PNG", compress_level=4, **text)
    return buffer.getvalue()


def _save_webp(
    picture: Image.Image, order: Order, record: Record | None, buffer: io.BytesIO
) -> None:
    # An edit promises to leave pixels alone; only lossless WebP can keep that.
    if order.compression is None and order.operation == "edit":
        picture.save(buffer, "WEBP", lossless=True, exact=True, method=2, **_tags(record))
    else:
        quality = 88 if order.compression is None else order.compression
        picture.save(buffer, "WEBP", quality=quality, method=3, **_tags(record))


def _tags(record: Record | None) -> dict[str, Image.Exif]:
    return {"exif": metadata.exif(record)} if record else {}


def same(first: Image.Image, second: Image.Image) -> bool:
    """Whether two pictures have the same pixels."""
    if first.size != second.size or first.mode != second.mode:
        return False
    return ImageChops.difference(first, second).getbbox(alpha_only=False) is None
