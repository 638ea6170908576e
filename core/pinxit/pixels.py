"""Pixels in memory: decode a file, scale, flatten, encode. Here and in `pinxit.images` Pillow is used.

Decoded pictures are upright, have 8 bits per channel, one of the modes ``L``, ``RGB`` and ``RGBA``, and no
metadata but their colour profile. Pillow is imported only when pixels are touched.
"""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from . import metadata
from .errors import InvalidImage
from .headers import ImageInfo, inspect, tiff_orientation

if TYPE_CHECKING:
    from PIL import Image as PillowImage
    from PIL.ImageCms import ImageCmsProfile
    from PIL.ImageFile import ImageFile

__all__ = [
    "MAX_PIXELS",
    "check_pixels",
    "cover",
    "encode",
    "flatten",
    "in_profile",
    "open_image",
    "scale",
]

MAX_PIXELS = 8192 * 8192
"""A picture with more pixels than this is not decoded: it would need more than 256 MB of memory."""

_MODES = frozenset({"L", "RGB", "RGBA"})


def check_pixels(info: ImageInfo, *, field: str = "image") -> None:
    """Refuse what nobody should decode, from its header.

    Raises:
        InvalidImage: It is no raster picture, or has more than `MAX_PIXELS`.
    """
    if info.format == "svg":
        raise InvalidImage(f"{field}: an SVG has no pixels; send PNG, JPEG or WebP", param=field)
    if info.width * info.height > MAX_PIXELS:
        raise InvalidImage(
            f"{field}: {info.size} is more than the {MAX_PIXELS // 1_000_000} megapixels that are"
            " opened; scale it down first",
            param=field,
        )


def open_image(data: bytes, *, field: str = "image") -> PillowImage.Image:
    """Decode a picture, of an animation the first frame, or say why not.

    Raises:
        InvalidImage: It is no raster picture, damaged, or has more than `MAX_PIXELS`.
    """
    info = inspect(data, field=field)
    check_pixels(info, field=field)
    try:
        return _decode(data, info)
    # Pillow's decoders raise whatever the damage leads them to; none of it is worth more than this.
    except Exception as error:
        raise InvalidImage(
            f"{field}: the {info.format} data is damaged or cut off", param=field
        ) from error


def _decode(data: bytes, info: ImageInfo) -> PillowImage.Image:
    # Without its metadata a file cannot lead Pillow astray, nor make it warn about broken EXIF.
    image = _reader(info.format, metadata.cut(data, info.format, still=True))
    # Our reading of the header and Pillow's may differ, and load() is what takes the memory.
    if image.width * image.height > MAX_PIXELS:
        raise ValueError("larger than its header says")
    image.load()
    orientation = info.orientation
    if info.format == "avif":
        # Pillow tells an AVIF's own rotation in the words of EXIF.
        orientation = tiff_orientation(image.info.get("exif", b""))
    return _turn(_plain(image), orientation)


def _reader(format: str, data: bytes) -> ImageFile:
    """Open with the format's own class: ``Image.open`` would warn about large pictures and MPO."""
    file = io.BytesIO(data)
    if format == "png":
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile(file)
    if format == "jpeg":
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(file)
    if format == "webp":
        from PIL.WebPImagePlugin import WebPImageFile

        return WebPImageFile(file)
    if format == "gif":
        from PIL.GifImagePlugin import GifImageFile

        return GifImageFile(file)
    from PIL.AvifImagePlugin import AvifImageFile

    return AvifImageFile(file)


def _plain(image: PillowImage.Image) -> PillowImage.Image:
    """Bring a picture to 8 bits in mode L, RGB or RGBA."""
    from PIL import Image as Pillow

    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips; the high bytes are the picture in 8 bits.
        high = 0 if image.mode == "I;16B" else 1
        image = Pillow.frombytes("L", image.size, image.tobytes()[high::2])
    elif image.mode == "CMYK":
        # The profile is about inks: it is used up, or of no use.
        colours = in_profile(image, None, given=profile, mode="RGB") if profile else None
        image, profile = colours or image.convert("RGB"), None
    elif _has_alpha(image):
        image = image.convert("RGBA")
    elif image.mode not in _MODES:
        image = image.convert("L" if image.mode == "1" else "RGB")
    image.info = {"icc_profile": profile} if profile else {}
    return image


def _settled(image: PillowImage.Image) -> PillowImage.Image:
    """Bring a picture that may come from elsewhere to one of our modes, and leave it as it was."""
    # Pillow writes some of what it remembers of a file, such as comments, into the next one.
    if image.mode in _MODES and image.info.keys() <= {"icc_profile"}:
        return image
    return _plain(image.copy())


def in_profile(
    image: PillowImage.Image, wanted: bytes | None, *, given: bytes | None, mode: str
) -> PillowImage.Image | None:
    """Express colours in another profile, ``None`` being sRGB; ``None`` where the profiles do not fit.

    Args:
        image: The pixels.
        wanted: The profile to convert to.
        given: The profile that they are in.
        mode: The mode of the result.
    """
    from PIL import ImageCms

    try:
        source, target = _profile(given), _profile(wanted)
        return ImageCms.profileToProfile(image, source, target, outputMode=mode)
    # Broken, or about other channels than the picture has.
    except (ImageCms.PyCMSError, OSError):
        return None


def _profile(data: bytes | None) -> ImageCmsProfile:
    from PIL import ImageCms

    if data:
        return ImageCms.ImageCmsProfile(io.BytesIO(data))
    # Pillow does not say what createProfile returns.
    return ImageCms.ImageCmsProfile(cast("Any", ImageCms.createProfile("sRGB")))


def _has_alpha(image: PillowImage.Image) -> bool:
    return image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info


def _turn(image: PillowImage.Image, orientation: int) -> PillowImage.Image:
    """Lay the picture as its EXIF orientation says."""
    from PIL.Image import Transpose

    # EXIF 2.32, tag 0x0112.
    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def encode(
    image: PillowImage.Image,
    format: str,
    *,
    quality: int | None = None,
    lossless: bool = False,
    optimize: bool = False,
) -> bytes:
    """Encode pixels as ``png``, ``jpeg``, ``webp``, ``gif`` or ``avif``, with their colour profile.

    Args:
        image: The pixels; transparency is laid on white where the format has none.
        format: The format's name in the Images API.
        quality: 0 to 100 for JPEG, WebP and AVIF: the API's ``output_compression``.
        lossless: Keep a WebP's every pixel.
        optimize: Take time to make a PNG small.

    Raises:
        InvalidImage: Pixels cannot become this format.
    """
    image = flatten(image) if format == "jpeg" else _settled(image)
    options: dict[str, object] = {"icc_profile": _fitting_profile(image, format)}
    if format in {"jpeg", "webp", "avif"}:
        # The API's default is 100; above 95 the files grow and the pictures do not get better.
        options["quality"] = 95 if quality is None else min(95, max(1, quality))
    if format == "avif":
        # Pillow's default takes ten times as long, and its files are hardly smaller.
        options["speed"] = 8
    if format == "webp" and lossless:
        # Otherwise colours under full transparency are thrown away.
        options.update(lossless=True, exact=True)
    if format == "png" and optimize:
        options["optimize"] = True
    out = io.BytesIO()
    try:
        image.save(out, format.upper(), **options)
    except (KeyError, OSError, ValueError) as error:
        raise InvalidImage(f"image: pixels cannot be saved as {format} ({image.size})") from error
    return out.getvalue()


def _fitting_profile(image: PillowImage.Image, format: str) -> bytes | None:
    """Return the colour profile unless it is about other channels than those that are saved."""
    profile: bytes = image.info.get("icc_profile") or b""
    grey = image.mode == "L" and format in {"png", "jpeg"}
    # Bytes 16 to 19 of a profile name its colour space (ICC.1, header).
    return profile if profile[16:20] == (b"GRAY" if grey else b"RGB ") else None


def flatten(image: PillowImage.Image) -> PillowImage.Image:
    """Lay a transparent picture on white."""
    from PIL import Image as Pillow

    layer = _settled(image)
    if layer.mode != "RGBA":
        return layer
    white = Pillow.new("RGBA", layer.size, "white")
    flat = Pillow.alpha_composite(white, layer).convert("RGB")
    flat.info = dict(layer.info)
    return flat


def scale(image: PillowImage.Image, width: int, height: int) -> PillowImage.Image:
    """Scale to exactly *width* x *height*; transparent pixels lend no colour to their neighbours."""
    from PIL import Image as Pillow

    # Pillow multiplies with alpha first.
    return image.resize((width, height), Pillow.Resampling.LANCZOS)


def cover(image: PillowImage.Image, width: int, height: int) -> PillowImage.Image:
    """Scale to cover *width* x *height* and cut off, evenly at both ends, what stands over."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), method=Pillow.Resampling.LANCZOS)
