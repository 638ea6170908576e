"""Picture files in, picture files out."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pinxit.errors import InvalidImage
from pinxit.headers import inspect
from pinxit.images import (
    Polarity,
    Protection,
    composite,
    convert,
    edit_map,
    encode,
    mask_polarity,
    open_image,
    render,
    resize,
    strip,
)
from pinxit.testing.pictures import add_part, colour_profile, draw, mask, picture

SECRET = b"52.5200 N, 13.4050 E"
POLARITIES: tuple[Polarity, ...] = ("transparent_edits", "white_edits", "black_edits")


def _exif(orientation: int) -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = SECRET.decode()
    return exif


def _solid(colour: str, width: int = 64, height: int = 48, mode: str = "RGB") -> bytes:
    return encode(Pillow.new(mode, (width, height), colour), "png")


def _rgba(data: bytes) -> Pillow.Image:
    return Pillow.open(io.BytesIO(data)).convert("RGBA")


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "gif", "avif"])
def test_convert(format: str) -> None:
    """A picture becomes another format at the same size."""
    info = inspect(convert(picture("webp"), format))
    assert (info.format, info.size) == (format, "64x48")


def test_convert_to_opaque() -> None:
    """Transparency can be laid on white in a format that could keep it."""
    flat = convert(encode(Pillow.new("RGBA", (4, 4), (0, 0, 0, 0)), "png"), "png", opaque=True)
    assert not inspect(flat).alpha
    assert open_image(flat).getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("format", [None, "webp"])
def test_resize(format: str | None) -> None:
    """A picture gets exactly the pixels that were asked, in its own format or another."""
    info = inspect(resize(picture("png", 60, 40), 33, 47, format=format))
    assert (info.format, info.size) == (format or "png", "33x47")


def test_resize_of_a_palette_mixes_colours() -> None:
    """A palette picture is scaled as colours, not as numbers of colours."""
    image = Pillow.new("P", (40, 40), 0)
    image.putpalette([255, 0, 0] + [0, 255, 0] * 254 + [0, 0, 255])
    image.paste(255, (0, 0, 20, 40))
    out = io.BytesIO()
    image.save(out, "PNG")
    pixel = open_image(resize(out.getvalue(), 5, 5)).getpixel((2, 2))
    assert isinstance(pixel, tuple)
    assert pixel[1] < 20


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_strip_of_an_upright_picture_touches_no_pixel(format: str) -> None:
    """Metadata goes, pixels stay bit by bit."""
    full = picture(format, exif=_exif(1), icc_profile=colour_profile())
    clean = strip(full)
    assert SECRET in full
    assert SECRET not in clean
    assert _rgba(clean).tobytes() == _rgba(full).tobytes()
    assert Pillow.open(io.BytesIO(clean)).info["icc_profile"] == colour_profile()


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif"])
def test_strip_sets_a_picture_upright(format: str) -> None:
    """A picture on its side is turned, because what said so is gone."""
    clean = strip(picture(format, exif=_exif(6)))
    info = inspect(clean)
    assert (info.size, info.orientation) == ("48x64", 1)
    assert SECRET not in clean
    corner = open_image(clean).getpixel((46, 1))
    assert corner == pytest.approx(open_image(picture(format)).getpixel((1, 1)), abs=12)


def test_strip_of_an_avif() -> None:
    """An AVIF without metadata stays as it is, one with it is encoded again."""
    assert strip(picture("avif")) == picture("avif")
    assert SECRET not in strip(picture("avif", exif=_exif(1)))


def test_strip_does_not_guess() -> None:
    """A file that cannot be taken apart is refused: its metadata may still be in it."""
    with pytest.raises(InvalidImage, match="damaged"):
        strip(picture("gif")[:-1] + b"rubbish")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["png", "jpeg", "webp", "gif", "avif"]),
    st.integers(0, 3000),
    st.integers(0, 9),
    st.binary(max_size=4),
)
def test_strip_survives_any_damage(format: str, at: int, gone: int, rubbish: bytes) -> None:
    """Damaged files are stripped or are invalid images, and nothing else happens."""
    data = picture(format, exif=_exif(1)) if format != "gif" else picture(format)
    at %= len(data)
    try:
        strip(data[:at] + rubbish + data[at + gone :])
    except InvalidImage as error:
        assert error.param == "image"  # noqa: PT017 - either way is right


@pytest.mark.parametrize("data", [b"GIF89a\1\0\1\0\0\0\0", picture("gif")[:12]])
def test_strip_of_a_picture_without_parts(data: bytes) -> None:
    """A header alone is no picture that could be taken apart."""
    with pytest.raises(InvalidImage, match="damaged"):
        strip(data)


@pytest.mark.parametrize("asked", POLARITIES)
@pytest.mark.parametrize("wanted", POLARITIES)
def test_every_polarity_says_the_same(asked: Polarity, wanted: Polarity) -> None:
    """A mask said in another way repaints the same pixels, and is a PNG of the same size."""
    original = edit_map(mask(), "transparent_edits")
    said = mask_polarity(mask_polarity(mask(), "transparent_edits", asked), asked, wanted)
    assert inspect(said).size == "64x48"
    assert inspect(said).format == "png"
    assert edit_map(said, wanted).tobytes() == original.tobytes()


def test_mask_in_the_right_way_stays_as_it_is() -> None:
    """A PNG that is meant as the model reads it is not encoded again."""
    data = mask()
    assert mask_polarity(data, "transparent_edits", "transparent_edits") is data


def test_mask_becomes_png() -> None:
    """A mask in another format is converted even where its polarity is right."""
    said = mask_polarity(mask(format="webp"), "transparent_edits", "transparent_edits")
    assert inspect(said).format == "png"
    assert edit_map(said, "transparent_edits").getextrema() == (0, 255)


def test_mask_is_scaled_without_grey() -> None:
    """A scaled mask has hard edges, as it had."""
    said = mask_polarity(mask(32, 24), "transparent_edits", "white_edits", size=(100, 75))
    image = open_image(said)
    assert image.size == (100, 75)
    assert set(image.tobytes()) == {0, 255}


@pytest.mark.parametrize("wanted", POLARITIES)
def test_hard_masks_have_two_values(wanted: Polarity) -> None:
    """A brush with a soft edge is decided half way; what is half marked is repainted."""
    stroke = b"".join(bytes((255, 255, 255, alpha)) for alpha in range(256))
    soft = encode(Pillow.frombytes("RGBA", (256, 1), stroke), "png")
    edits = edit_map(mask_polarity(soft, "transparent_edits", wanted, hard=True), wanted)
    assert set(edits.tobytes()) == {0, 255}
    asked = edit_map(soft, "transparent_edits")
    decided = [value >= 128 for value in asked.tobytes()]
    assert [value == 255 for value in edits.tobytes()] == decided


def test_mask_of_a_photograph_packs_well() -> None:
    """Of a mask cut out of a photograph only the transparency is sent."""
    photo = draw(300, 200, noise=200)
    photo.putalpha(open_image(mask(300, 200)).getchannel("A"))
    heavy = encode(photo, "png")
    light = mask_polarity(heavy, "transparent_edits", "transparent_edits", size=(300, 200))
    assert len(light) < len(heavy) / 100
    assert (
        edit_map(light, "transparent_edits").tobytes()
        == edit_map(heavy, "transparent_edits").tobytes()
    )


def test_mask_without_transparency_is_refused() -> None:
    """A black and white picture is no mask in the API's sense; the sentence says what is."""
    with pytest.raises(InvalidImage, match="no transparency; pixels with alpha 0"):
        edit_map(_solid("white"), "transparent_edits")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA"])
@pytest.mark.parametrize("format", ["png", "webp"])
def test_protected_pixels_are_the_originals(mode: str, format: str) -> None:
    """Outside the mask every pixel is the original's, bit by bit; far inside it is the result's."""
    original = picture("png", mode=mode, noise=40)
    joined = composite(_solid("red"), original, mask(), "transparent_edits", format=format)
    assert inspect(joined).format == format
    before, after = _rgba(original), _rgba(joined)
    assert after.crop((32, 0, 64, 48)).tobytes() == before.crop((32, 0, 64, 48)).tobytes()
    assert after.getpixel((4, 20)) == (255, 0, 0, 255)


def test_seam_is_soft_inside_the_mask() -> None:
    """Between the two there is a transition, on the repainted side alone."""
    white, black = _solid("white", 600, 400), _solid("black", 600, 400)
    joined = composite(white, black, mask(600, 400), "transparent_edits", format="png")
    row = open_image(joined).convert("L").crop((280, 200, 320, 201)).tobytes()
    assert row[20:] == bytes(20)
    assert row[0] == 255
    assert any(0 < value < 255 for value in row[:20])


def test_composite_has_the_originals_size_and_opacity() -> None:
    """A result of another size is brought to the original's; nothing transparent comes in."""
    joined = composite(_solid("red", 100, 75), picture(), mask(), "transparent_edits", format="png")
    assert (inspect(joined).size, inspect(joined).alpha) == ("64x48", False)


@pytest.mark.parametrize(("width", "stripe"), [(130, True), (200, False)])
def test_result_of_nearly_the_same_ratio_is_stretched(width: int, stripe: bool) -> None:
    """A squeezed result is stretched so that its edges stay; one of another shape is cropped."""
    result = Pillow.new("RGB", (width, 96), "red")
    result.paste((0, 0, 255), (0, 0, 4, 96))
    everything = encode(Pillow.new("RGBA", (64, 48), (0, 0, 0, 0)), "png")
    joined = composite(
        encode(result, "png"), picture(), everything, "transparent_edits", format="png"
    )
    pixel = open_image(joined).getpixel((0, 20))
    assert isinstance(pixel, tuple)
    assert (pixel[2] > 200) is stripe


def test_composite_of_a_mask_of_another_size() -> None:
    """A mask half as large protects the same part."""
    joined = composite(
        _solid("red"), _solid("blue"), mask(32, 24), "transparent_edits", format="png"
    )
    image = open_image(joined)
    assert (image.getpixel((4, 4)), image.getpixel((60, 4))) == ((255, 0, 0), (0, 0, 255))


def test_original_is_turned_before_it_is_put_back() -> None:
    """An original on its side protects what people see of it."""
    original = picture("png", exif=_exif(6))
    joined = composite(
        _solid("red", 48, 64), original, mask(48, 64), "transparent_edits", format="png"
    )
    upright = open_image(original)
    assert (
        open_image(joined).crop((24, 0, 48, 64)).tobytes()
        == upright.crop((24, 0, 48, 64)).tobytes()
    )


def test_composite_speaks_the_originals_colours() -> None:
    """The original's profile stays on its pixels, and the result's are said in it."""
    swapped = colour_profile(swapped=True)
    original = encode(Pillow.new("RGB", (64, 48), "blue"), "png")
    out = io.BytesIO()
    Pillow.open(io.BytesIO(original)).save(out, "PNG", icc_profile=swapped)
    joined = composite(_solid("red"), out.getvalue(), mask(), "transparent_edits", format="png")
    image = Pillow.open(io.BytesIO(joined))
    assert image.info["icc_profile"] == swapped
    assert image.getpixel((4, 4)) == pytest.approx((0, 255, 0), abs=3)
    assert image.getpixel((60, 4)) == (0, 0, 255)


@pytest.mark.parametrize("quality", [None, 30])
def test_protected_webp_is_lossless_unless_compression_is_asked(quality: int | None) -> None:
    """Who asks for compression gets it; who does not keeps every pixel."""
    protect = Protection(picture(noise=90), mask())
    data = render(_solid("red"), "webp", protect=protect, quality=quality)
    assert (b"VP8L" in data) is (quality is None)


def test_render_does_all_at_once() -> None:
    """Protect, scale, flatten and encode, in this order."""
    data = render(
        _solid("red"),
        "jpeg",
        size=(32, 24),
        opaque=True,
        protect=Protection(add_part(picture(mode="RGBA"), b"tEXt", SECRET), mask()),
    )
    assert (inspect(data).format, inspect(data).size) == ("jpeg", "32x24")
    assert SECRET not in data
    pixel = open_image(data).getpixel((2, 12))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 240
