"""Decoding, scaling and encoding pixels."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageOps

from pinxit.errors import InvalidImage
from pinxit.headers import inspect
from pinxit.pixels import MAX_PIXELS, cover, encode, flatten, in_profile, open_image, scale
from pinxit.testing.pictures import add_part, animation, colour_profile, draw, picture

SRGB, SWAPPED = colour_profile(), colour_profile(swapped=True)
RASTER = ("png", "jpeg", "webp", "gif", "avif")


def _png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nearly nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + header
    crc = zlib.crc32(b"IHDR" + header).to_bytes(4, "big")
    return add_part(start + crc + b"\0\0\0\0IEND\xaeB`\x82", b"IDAT", zlib.compress(b"\0" * 99))


def _resized_header(format: str, width: int, height: int) -> bytes:
    data = bytearray(picture(format))
    if format == "jpeg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    else:
        data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


@pytest.mark.parametrize(
    "bomb",
    [
        _png_of(100_000, 100_000),
        _png_of(9_000, 9_900),
        _resized_header("jpeg", 65_000, 65_000),
        _resized_header("gif", 65_000, 65_000),
    ],
)
def test_bombs_are_refused_from_their_header(bomb: bytes) -> None:
    """A few bytes that would unfold to gigabytes are not decoded, and Pillow does not even warn."""
    with pytest.raises(InvalidImage, match="more than the 67 megapixels"):
        open_image(bomb)


def test_limit_is_inclusive() -> None:
    """A picture of exactly the most pixels is tried; this one then turns out to be damaged."""
    with pytest.raises(InvalidImage, match="damaged"):
        open_image(_png_of(MAX_PIXELS // 4096, 4096))


def test_decoder_is_not_trusted_with_another_size() -> None:
    """A file whose second header is a bomb is stopped when Pillow finds it."""
    data = picture("jpeg")
    frame = data.index(b"\xff\xc0")
    bomb = bytearray(data[frame : frame + 19])
    bomb[5:9] = struct.pack(">HH", 65_000, 65_000)
    with pytest.raises(InvalidImage, match="damaged"):
        open_image(data[: frame + 19] + bytes(bomb) + data[frame + 19 :])


@pytest.mark.parametrize("format", RASTER)
def test_damage_is_told(format: str) -> None:
    """A file that breaks off is damaged, whatever Pillow calls it, and the field is named."""
    data = picture(format, 200, 150, noise=200)
    with pytest.raises(InvalidImage, match=f"^mask: the {format} data is damaged") as error:
        open_image(data[: len(data) // 2], field="mask")
    assert error.value.param == "mask"


def test_svg_has_no_pixels() -> None:
    """An SVG is not drawn here."""
    with pytest.raises(InvalidImage, match="SVG has no pixels"):
        open_image(picture("svg"))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(RASTER), st.integers(0, 2000), st.binary(min_size=1, max_size=4))
def test_no_damage_escapes(format: str, at: int, rubbish: bytes) -> None:
    """Damaged files open or are invalid images: no other error and no warning leaves."""
    data = picture(format)
    at %= len(data)
    try:
        open_image(data[:at] + rubbish + data[at + len(rubbish) :])
    except InvalidImage as error:
        assert str(error).startswith("image: ")  # noqa: PT017 - either way is right


@pytest.mark.parametrize(
    ("mode", "opened"),
    [
        ("L", "L"), ("1", "L"), ("I;16", "L"), ("RGB", "RGB"), ("P", "RGB"), ("RGBA", "RGBA"),
        ("LA", "RGBA"),
    ],
)  # fmt: skip
def test_modes_are_few(mode: str, opened: str) -> None:
    """Whatever a PNG holds becomes grey, colour or colour with transparency, in 8 bits."""
    image = open_image(picture("png", mode=mode))
    assert image.mode == opened
    drawn = draw(64, 48, mode="L" if mode == "I;16" else mode).convert(opened)
    assert image.tobytes() == drawn.tobytes()


@pytest.mark.parametrize(
    "data",
    [
        picture("png", mode="P", transparency=bytes(range(256))),
        picture("png", mode="L", transparency=0),
        picture("png", transparency=(0, 0, 255)),
        add_part(picture("gif"), b"\xf9", b"\x01\0\0\x03"),
    ],
)
def test_transparent_colours_become_alpha(data: bytes) -> None:
    """Transparency that is kept beside the pixels is alpha afterwards."""
    assert open_image(data).mode == "RGBA"


@pytest.mark.parametrize("profile", [None, b"broken", SRGB])
def test_inks_become_colours(profile: bytes | None) -> None:
    """A CMYK JPEG becomes RGB, also where its profile is of no use, and the profile is gone."""
    image = open_image(picture("jpeg", mode="CMYK", icc_profile=profile))
    assert (image.mode, image.info) == ("RGB", {})
    difference = [abs(a - b) for a, b in zip(image.tobytes(), draw(64, 48).tobytes(), strict=True)]
    assert sum(difference) / len(difference) < 6


@pytest.mark.parametrize("format", ["png", "webp", "gif", "avif"])
def test_first_frame_of_an_animation(format: str) -> None:
    """An animation is its first frame."""
    image = open_image(animation(format)).convert("RGB")
    assert image.getpixel((5, 5)) == pytest.approx((0, 0, 90), abs=3)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_upright(format: str, orientation: int) -> None:
    """The orientation is applied as Pillow's own function would."""
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    data = picture(format, exif=exif)
    upright = ImageOps.exif_transpose(Pillow.open(io.BytesIO(data)))
    assert open_image(data).tobytes() == upright.tobytes()
    assert inspect(data).size == "{}x{}".format(*upright.size)


def test_metadata_cannot_make_pillow_warn() -> None:
    """Broken EXIF, MPO or APNG parts are cut before Pillow sees them; warnings are errors here."""
    broken = b"Exif\0\0II*\0\x08\0\0\0\x05\0" + b"\xff" * 20
    for kind, body in ((b"\xe1", broken), (b"\xe2", b"MPF\0rubbish")):
        open_image(add_part(picture("jpeg"), kind, body))
    open_image(add_part(picture("png"), b"acTL", b"\0" * 8))
    open_image(add_part(picture("png"), b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 9_000_000)))


@pytest.mark.parametrize("format", RASTER)
def test_encoding_and_decoding(format: str) -> None:
    """Every raster format can be written, and looks like what it was."""
    image = draw(64, 48)
    again = open_image(encode(image, format))
    difference = [
        abs(a - b) for a, b in zip(image.tobytes(), again.convert("RGB").tobytes(), strict=True)
    ]
    assert sum(difference) / len(difference) < 8


@pytest.mark.parametrize("format", ["png", "webp", "gif", "avif"])
def test_transparency_is_written(format: str) -> None:
    """Transparent pixels stay transparent in every format that can."""
    image = Pillow.new("RGBA", (16, 16), (9, 9, 9, 255))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    assert open_image(encode(image, format)).getchannel("A").getextrema() == (0, 255)


def test_jpeg_is_laid_on_white() -> None:
    """Where a format has no transparency, white shows through."""
    image = Pillow.new("RGBA", (16, 16), (0, 0, 0, 0))
    assert open_image(encode(image, "jpeg")).getpixel((3, 3)) == (255, 255, 255)


def test_unknown_format_is_refused() -> None:
    """Pixels become no SVG."""
    with pytest.raises(InvalidImage, match="cannot be saved as svg"):
        encode(draw(8, 8), "svg")


@pytest.mark.parametrize("format", ["jpeg", "webp", "avif"])
def test_quality(format: str) -> None:
    """Quality is the API's compression: 0 is small, absent and 100 are best."""
    image = draw(128, 96, noise=60)
    sizes = [len(encode(image, format, quality=quality)) for quality in (0, 50, 95, 100, None)]
    assert sizes[0] < sizes[1] < sizes[2] == sizes[3] == sizes[4]


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif"])
def test_colour_profile_is_kept(format: str) -> None:
    """A colour profile goes with the pixels into every format that has a place for it."""
    image = open_image(picture("png", icc_profile=SWAPPED))
    written = encode(scale(flatten(image), 20, 15), format)
    assert Pillow.open(io.BytesIO(written)).info["icc_profile"] == SWAPPED


@pytest.mark.parametrize("convert", [flatten, partial(cover, width=9, height=9)])
def test_profile_survives_steps(convert: Callable[[Pillow.Image], Pillow.Image]) -> None:
    """Flattening and scaling do not lose the profile on the way."""
    assert (
        convert(open_image(picture("png", mode="RGBA", icc_profile=SRGB))).info["icc_profile"]
        == SRGB
    )


def test_profile_of_other_channels_is_dropped() -> None:
    """A grey profile does not describe a colour picture."""
    grey = SRGB[:16] + b"GRAY" + SRGB[20:]
    image = open_image(picture("png", mode="L", icc_profile=grey))
    assert Pillow.open(io.BytesIO(encode(image, "png"))).info["icc_profile"] == grey
    assert "icc_profile" not in Pillow.open(io.BytesIO(encode(image, "webp"))).info


def test_colours_can_be_said_in_another_profile() -> None:
    """Red in a profile whose primaries are swapped is green in sRGB."""
    red = Pillow.new("RGB", (4, 4), (255, 0, 0))
    green = in_profile(red, None, given=SWAPPED, mode="RGB")
    assert green is not None
    assert green.getpixel((1, 1)) == (0, 255, 0)
    assert in_profile(red, b"broken", given=None, mode="RGB") is None


def test_metadata_is_not_written() -> None:
    """What Pillow remembers of a file does not end in the next one."""
    image = Pillow.open(io.BytesIO(picture("jpeg", comment=b"secret", exif=b"Exif\0\0secret")))
    for format in RASTER:
        assert b"secret" not in encode(image, format)
    assert image.info["comment"] == b"secret"


def test_foreign_pictures_are_left_as_they_were() -> None:
    """A picture that a plugin made with Pillow is converted, not changed."""
    image = draw(16, 16, mode="P")
    assert flatten(image).mode == "RGB"
    assert image.mode == "P"


def test_transparent_pixels_lend_no_colour() -> None:
    """Scaling mixes colours by their alpha: invisible red does not bleed into visible green."""
    image = Pillow.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((0, 255, 0, 255), (0, 0, 31, 64))
    small = scale(image, 16, 16)
    edge = small.getpixel((7, 8))
    assert isinstance(edge, tuple)
    assert 0 < edge[3] < 255
    assert edge[0] <= 2


@pytest.mark.parametrize(("size", "expected"), [((40, 40), (10, 50)), ((20, 40), (20, 40))])
def test_cover_crops_evenly(size: tuple[int, int], expected: tuple[int, int]) -> None:
    """What stands over is cut off at both ends alike."""
    image = Pillow.frombytes("L", (60, 40), bytes(range(60)) * 40)
    covered = cover(image, *size)
    assert covered.size == size
    row = covered.crop((0, 20, size[0], 21)).tobytes()
    assert (row[0], row[-1] + 1) == expected


def test_cover_of_the_right_size_is_the_same() -> None:
    """A picture that has its size already is not touched."""
    image = draw(30, 20)
    assert cover(image, 30, 20) is image
