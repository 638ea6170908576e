"""Cutting metadata out of picture files."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from pinxit.headers import has_content_credentials, inspect
from pinxit.metadata import cut, is_cut
from pinxit.testing.pictures import add_part, animation, colour_profile, picture, with_credentials

SECRET = b"52.5200 N, 13.4050 E"
PROFILE = colour_profile()
PRIVATE = {
    "png": [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"prVt"],
    "jpeg": [b"\xe1", b"\xe2", b"\xe3", b"\xed", b"\xef", b"\xfe"],
    "webp": [b"EXIF", b"XMP ", b"priv"],
    "gif": [b"\xfe", b"\xff", b"\x01"],
}
CUT = tuple(PRIVATE)


def _pixels(data: bytes) -> bytes:
    return Pillow.open(io.BytesIO(data)).convert("RGBA").tobytes()


@pytest.mark.parametrize(("format", "kind"), [(f, kind) for f in PRIVATE for kind in PRIVATE[f]])
def test_private_parts_go(format: str, kind: bytes) -> None:
    """Metadata, known or unknown, goes; the file is what it was without it."""
    clean = cut(picture(format), format)
    full = add_part(picture(format), kind, SECRET)
    assert SECRET in full
    assert cut(full, format) == clean.replace(b"GIF87a", b"GIF89a")


@pytest.mark.parametrize(
    ("format", "mode"),
    [
        (format, mode)
        for format in CUT
        for mode in ("L", "RGB", "RGBA", "P")
        if format != "jpeg" or mode in {"L", "RGB"}
    ],
)
def test_pixels_stay(format: str, mode: str) -> None:
    """Not one pixel changes, and colour profile and transparency stay."""
    options: dict[str, Any] = {} if format == "gif" else {"icc_profile": PROFILE}
    full = with_credentials(picture(format, mode=mode, **options))
    clean = cut(full, format)
    assert _pixels(clean) == _pixels(full)
    assert inspect(clean) == inspect(full)
    assert Pillow.open(io.BytesIO(clean)).info.get("icc_profile") == options.get("icc_profile")


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 1}])
def test_scans_stay(options: dict[str, Any]) -> None:
    """Coded pixels are kept in every scan of a JPEG, comments between the scans are not."""
    full = picture("jpeg", 200, 150, noise=100, **options)
    last = full.rindex(b"\xff\xda")
    spoken = full[:last] + b"\xff\xfe\x00\x16" + SECRET + full[last:]
    assert cut(spoken, "jpeg") == cut(full, "jpeg")
    assert _pixels(cut(full, "jpeg")) == _pixels(full)


def test_ink_colours_stay() -> None:
    """A CMYK JPEG keeps the segment that says how its inks are meant."""
    full = picture("jpeg", mode="CMYK")
    assert (
        Pillow.open(io.BytesIO(cut(full, "jpeg"))).tobytes()
        == Pillow.open(io.BytesIO(full)).tobytes()
    )


@pytest.mark.parametrize("format", CUT)
def test_credentials_of_uploads_go(format: str) -> None:
    """Content credentials name people and tools, and are void once the rest is cut."""
    assert not has_content_credentials(cut(with_credentials(picture(format)), format))


@pytest.mark.parametrize("format", CUT)
def test_what_is_appended_goes(format: str) -> None:
    """A film or a second picture behind the end of the first is not sent along."""
    assert cut(picture(format) + SECRET, format) == cut(picture(format), format)


@pytest.mark.parametrize("format", CUT)
def test_cutting_twice_changes_nothing(format: str) -> None:
    """What is cut is clean."""
    once = cut(with_credentials(picture(format)), format)
    assert cut(once, format) == once


@pytest.mark.parametrize("format", ["png", "webp", "gif"])
def test_animations_stay(format: str) -> None:
    """All frames of an animation stay, and its loop."""
    data = cut(animation(format), format)
    image = Pillow.open(io.BytesIO(data))
    assert (getattr(image, "n_frames", 1), image.info["loop"]) == (3, 0)


def test_still_png_has_one_frame() -> None:
    """A decoder that wants one frame gets a PNG without the others."""
    assert not inspect(cut(animation("png"), "png", still=True)).animated


def test_webp_flags_follow() -> None:
    """A WebP no longer announces the chunks that are gone, and decoders accept it."""
    exif = Pillow.Exif()
    exif[0x0112] = 1
    full = picture("webp", 33, 21, mode="RGBA", exif=exif, xmp=b"<x/>", icc_profile=PROFILE)
    clean = cut(full, "webp")
    assert clean[20] == full[20] & ~0x0C
    assert int.from_bytes(clean[4:8], "little") == len(clean) - 8
    Pillow.open(io.BytesIO(clean)).load()


def test_text_that_pillow_wrote_goes() -> None:
    """Compressed and international text go like plain text."""
    info = PngInfo()
    info.add_text("Author", "Ada", zip=True)
    info.add_itxt("XML:com.adobe.xmp", "<gps/>")
    clean = cut(picture("png", pnginfo=info), "png")
    assert clean == picture("png")


def test_avif_tells_whether_it_is_clean() -> None:
    """An AVIF is not cut; whether it holds EXIF or XMP is read from its list of items."""
    exif = Pillow.Exif()
    exif[0x010F] = "camera"
    assert cut(picture("avif"), "avif") == picture("avif")
    assert is_cut(picture("avif"), "avif")
    assert not is_cut(picture("avif", exif=exif), "avif")
    assert not is_cut(picture("avif", xmp=b"<gps/>"), "avif")
    assert is_cut(picture("jpeg"), "jpeg")


def test_broken_layout_is_told() -> None:
    """A GIF that is no sequence of blocks is not taken for clean."""
    with pytest.raises(ValueError, match="GIF"):
        cut(picture("gif")[:-1] + b"rubbish", "gif")
