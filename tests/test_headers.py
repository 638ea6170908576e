"""What a picture is, read from its header."""

from __future__ import annotations

import base64
import io
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pinxit.encoded import Encoded
from pinxit.errors import InvalidImage
from pinxit.headers import (
    HEADER_BYTES,
    ImageInfo,
    has_content_credentials,
    inspect,
    media_type,
    sniff,
    tiff_orientation,
)
from pinxit.testing.pictures import add_part, animation, draw, picture, with_credentials

FORMATS = ("png", "jpeg", "webp", "gif", "avif", "svg")
FILES = {
    **{format: picture(format) for format in FORMATS},
    "png palette": picture("png", mode="P"),
    "jpeg progressive": picture("jpeg", progressive=True),
    "webp lossless": picture("webp", lossless=True),
    "webp alpha": picture("webp", mode="RGBA"),
    "avif alpha": picture("avif", mode="RGBA"),
    **{f"{format} animation": animation(format) for format in ("png", "webp", "gif", "avif")},
    **{f"{format} credentials": with_credentials(picture(format)) for format in FORMATS},
}


def _oriented(format: str, orientation: int) -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return picture(format, exif=exif)


@pytest.mark.parametrize("name", FILES)
def test_pillow_agrees(name: str) -> None:
    """Format, size and animation are what Pillow finds by decoding."""
    info = inspect(FILES[name])
    assert info.format == name.partition(" ")[0]
    if info.format != "svg":
        image = Pillow.open(io.BytesIO(FILES[name]))
        assert (info.width, info.height) == image.size
        assert info.animated == getattr(image, "is_animated", False)
        assert info.alpha == image.has_transparency_data


@pytest.mark.parametrize(
    ("data", "alpha"),
    [
        (picture("png", mode="RGBA"), True),
        (picture("png", mode="LA"), True),
        (picture("png", mode="P"), False),
        (picture("png", mode="P", transparency=0), True),
        (picture("png", transparency=(0, 0, 0)), True),
        (add_part(picture("gif"), b"\xf9", b"\x01\0\0\x03"), True),
        (picture("gif", mode="P"), False),
        (picture("webp", mode="RGBA", lossless=True), True),
        (picture("avif", mode="RGBA"), True),
        (picture("avif"), False),
        (picture("jpeg"), False),
        (picture("svg"), True),
    ],
)
def test_alpha(data: bytes, alpha: bool) -> None:
    """Whether pixels can be transparent is read from the format's own place for it."""
    assert inspect(data).alpha is alpha


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
def test_gif_alpha_under_every_disposal(disposal: int) -> None:
    """A GIF's transparency is one bit among others."""
    control = bytes([disposal << 2 | 1, 10, 0, 3])
    assert inspect(add_part(picture("gif"), b"\xf9", control)).alpha
    assert not inspect(add_part(picture("gif"), b"\xf9", bytes([disposal << 2, 10, 0, 3]))).alpha


def test_gif_is_as_large_as_its_first_frame() -> None:
    """Decoders widen a GIF's screen to its first frame, so a small screen cannot hide a large one."""
    data = bytearray(picture("gif", 600, 400))
    data[6:10] = struct.pack("<HH", 1, 1)
    assert inspect(bytes(data)).size == "600x400"


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_is_that_of_the_upright_picture(format: str, orientation: int) -> None:
    """Width and height are those of the picture as it is looked at."""
    info = inspect(_oriented(format, orientation))
    assert info.size == ("48x64" if orientation >= 5 else "64x48")


def test_orientation_behind_the_pixels_counts() -> None:
    """Some programs write a PNG's EXIF behind its pixels."""
    data = _oriented("png", 6)
    exif = data.index(b"eXIf") - 4
    chunk = data[exif : exif + 12 + int.from_bytes(data[exif : exif + 4], "big")]
    moved = data.replace(chunk, b"").replace(data[-12:], chunk + data[-12:])
    assert moved.index(b"eXIf") > moved.index(b"IDAT")
    assert inspect(moved).size == "48x64"


def test_first_exif_of_a_jpeg_counts() -> None:
    """Decoders read the first block of EXIF, so the orientation is taken from there."""
    data = _oriented("jpeg", 6)
    exif = data[data.index(b"Exif\0\0") :][:32].replace(b"\x00\x06\x00\x00", b"\x00\x01\x00\x00")
    assert inspect(data).orientation == 6
    assert inspect(add_part(data, b"\xe1", exif)).orientation == 1


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"Exif\0\0",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 30,
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x04\0\x01\0\0\0\x06\0\0\0",
    ],
)
def test_broken_exif_turns_nothing(exif: bytes) -> None:
    """EXIF that is cut off, or has an orientation out of range or of another type, is no orientation."""
    assert tiff_orientation(exif) == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_in_both_byte_orders(order: str) -> None:
    """Both byte orders of TIFF are read, with and without EXIF's own prefix."""
    magic = {"<": b"II*\0", ">": b"MM\0*"}[order]
    tiff = magic + struct.pack(f"{order}IHHHIHH", 8, 1, 0x0112, 3, 1, 8, 0)
    assert tiff_orientation(tiff) == tiff_orientation(b"Exif\0\0" + tiff) == 8


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ('<svg width="640" height="480"/>', "640x480"),
        ("<svg width='640px' height=\"4.8e2\" viewBox='0 0 320 240'></svg>", "320x240"),
        ('<svg width="4in" height="2.54cm"></svg>', "384x96"),
        ('<svg width="100%" height="100%" viewBox="0,0,300, 150"></svg>', "300x150"),
        ('<svg stroke-width="3" height="5" viewBox="0 0 20 10"></svg>', "20x10"),
        ('<svg aria-label="a > b" width="7" height="8"></svg>', "7x8"),
        ("<svg></svg>", "0x0"),
        (f'<svg width="{"9" * 400}" height="1"></svg>', "0x0"),
        ('<?xml version="1.0"?>\n<!-- <svg width="1" height="1"> -->\n<svg width="2" height="3"/>', "2x3"),
        ('<!DOCTYPE svg [<!ENTITY a "b>">]>\n<svg:svg width="2" height="3"/>', "2x3"),
        ('\ufeff <svg width="2" height="3"/>', "2x3"),
    ],
)  # fmt: skip
def test_svg_sizes(text: str, size: str) -> None:
    """An SVG's size comes from its own attributes, in CSS pixels, or from its view box."""
    info = inspect(text.encode())
    assert (info.format, info.size) == ("svg", size)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "nothing"),
        (b"  \n", "nothing"),
        (b"<!DOCTYPE html><html><body><svg width='1' height='1'></svg></body></html>", "HTML"),
        (b'{"error": "no"}', "JSON"),
        (b"%PDF-1.7", "PDF"),
        (b"BM" + b"\0" * 40, "BMP"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (b"secret" * 10, "other data"),
        (b"<?xml version='1.0'?><feed></feed>", "XML"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, name: str) -> None:
    """Other data is refused with a word for what it seems to be, and shows none of it."""
    with pytest.raises(InvalidImage, match=f"^image\\[1\\]: not a PNG.*{name}") as error:
        inspect(data, field="image[1]")
    assert error.value.param == "image[1]"
    assert "secret" not in str(error.value)


def test_xml_of_many_comments_is_read_once() -> None:
    """A prologue that invites a regular expression to backtrack takes no time."""
    assert sniff(b"<!-- -->" * 5000 + b"<html>") is None
    assert sniff(b"<!-- -->" * 5000 + b"<svg>") == "svg"


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 0, 9, 8, 2, 0, 0, 0),
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rXXXX" + struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0),
        b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", 0, 10) + b"\0" * 20,
        b"RIFF\x20\0\0\0WEBPVP8 \x10\0\0\0" + b"\0" * 20,
        b"\0\0\0\x0cftypavif",
    ],
)
def test_headers_without_a_size_are_refused(data: bytes) -> None:
    """A picture without pixels, or without the header that its format demands, is none."""
    with pytest.raises(InvalidImage):
        inspect(data)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_prefix_is_read_or_refused(data: st.DataObject) -> None:
    """Every file that is cut off somewhere either has a readable header or is an invalid image."""
    file = FILES[data.draw(st.sampled_from(sorted(FILES)))]
    _survives(file[: data.draw(st.integers(0, len(file)))])


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    """Every file with bytes changed, added or removed is read or refused, and nothing else happens."""
    file = bytearray(FILES[data.draw(st.sampled_from(sorted(FILES)))])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(file) - 1))
        file[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        file = file or bytearray(b"\0")
    _survives(bytes(file))


@given(st.binary(max_size=100), st.sampled_from(sorted(FILES)), st.integers(4, 40))
@example(b"\xff" * 100, "avif", 12)
def test_any_rubbish_behind_magic_bytes_is_read_or_refused(
    rubbish: bytes, name: str, length: int
) -> None:
    """Magic bytes alone make no picture."""
    _survives(FILES[name][:length] + rubbish)


def _survives(data: bytes) -> None:
    has_content_credentials(data)
    try:
        info = inspect(data)
    except InvalidImage as error:
        assert error.param == "image"  # noqa: PT017 - either way is right
    else:
        assert info.format == "svg" or (info.width > 0 and info.height > 0)


@pytest.mark.parametrize("name", FILES)
def test_text_is_read_like_bytes(name: str) -> None:
    """Base64 text gives the same answers as the bytes, without being decoded."""
    text = Encoded(base64.b64encode(FILES[name]))
    assert inspect(text) == inspect(FILES[name])
    assert has_content_credentials(text) == has_content_credentials(FILES[name])


@pytest.mark.parametrize("format", FORMATS)
def test_content_credentials_are_found(format: str) -> None:
    """C2PA manifests are found where each format keeps them, and not where there are none."""
    assert has_content_credentials(with_credentials(picture(format)))
    assert not has_content_credentials(picture(format))


@pytest.mark.parametrize("format", ["png", "webp"])
def test_large_credentials_at_either_end_are_found(format: str) -> None:
    """A manifest store with thumbnails is larger than any window on the file's ends."""
    data = with_credentials(picture(format, 300, 200, noise=200), size=3 * HEADER_BYTES)
    assert has_content_credentials(data)


@pytest.mark.parametrize(
    "data",
    [
        add_part(picture("png"), b"tEXt", b"c2pa\0caBX jumb"),
        add_part(picture("jpeg"), b"\xfe", b"JP c2pa jumb"),
        add_part(picture("jpeg"), b"\xeb", b"JP\0\1\0\0\0\1\0\0\0\x10jumb other box"),
        add_part(picture("webp"), b"XMP ", b"C2PA c2pa jumb"),
        b"C2PA c2pa jumb caBX",
    ],
)
def test_words_about_credentials_are_none(data: bytes) -> None:
    """The names of C2PA in a comment, or another JUMBF box, are no credentials."""
    assert not has_content_credentials(data)


def test_animation_is_seen_without_a_loop() -> None:
    """A GIF that plays once moves as well: its second frame tells."""
    out = io.BytesIO()
    frames = [draw(20, 10, noise=place * 50) for place in range(1, 4)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    assert b"NETSCAPE" not in out.getvalue()
    assert inspect(out.getvalue()).animated


def test_media_types() -> None:
    """A format's MIME type is registered, also where it is not the format's name."""
    assert media_type("svg") == "image/svg+xml"
    assert ImageInfo("png", 1, 2, alpha=False).media_type == "image/png"
