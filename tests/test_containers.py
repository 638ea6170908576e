"""Walking picture files part by part."""

from __future__ import annotations

import io
from itertools import pairwise

import pytest
from PIL import Image as Pillow

from pinxit.containers import (
    MAX_PARTS,
    boxes,
    gif_blocks,
    is_complete,
    jpeg_segments,
    png_chunks,
    riff_chunks,
)
from pinxit.testing.pictures import add_part, animation, picture

WALKS = {
    "png": png_chunks,
    "jpeg": jpeg_segments,
    "webp": riff_chunks,
    "gif": gif_blocks,
    "avif": boxes,
}
FORMATS = [*WALKS, "svg"]


@pytest.mark.parametrize("format", WALKS)
def test_parts_are_seamless(format: str) -> None:
    """Each part begins where the one before it ends, and the last one ends with the file."""
    data = picture(format)
    parts = list(WALKS[format](data))
    assert all(first.end == second.start for first, second in pairwise(parts))
    assert all(part.start <= part.body <= part.stop <= part.end for part in parts)
    assert parts[-1].end == len(data)


def test_progressive_jpeg_has_pixels_behind_every_scan() -> None:
    """A progressive JPEG's scans are told apart from its segments."""
    kinds = [part.kind for part in jpeg_segments(picture("jpeg", progressive=True))]
    scans = [place for place, kind in enumerate(kinds) if kind == b"\xda"]
    assert len(scans) > 1
    assert all(kinds[place + 1] == b"" for place in scans)
    assert kinds[-1] == b"\xd9"


def test_restart_markers_are_pixels() -> None:
    """Restart markers inside the coded pixels do not end them."""
    data = picture("jpeg", restart_marker_blocks=1)
    assert b"\xff\xd0" in data
    assert [part.kind for part in jpeg_segments(data)][-2:] == [b"", b"\xd9"]


def test_stray_bytes_between_segments_are_walked_over() -> None:
    """Bytes between two segments, which decoders tolerate too, do not end the walk."""
    data = picture("jpeg")
    parts = list(jpeg_segments(data[:2] + b"\0\0stray" + data[2:]))
    assert parts[0].kind == b""
    assert parts[-1].kind == b"\xd9"


def test_marker_across_the_edge_of_a_window_is_found() -> None:
    """Coded pixels are searched in windows, and a marker that lies across two of them counts."""
    start = b"\xff\xd8\xff\xda\x00\x02"
    for length in range(65_530, 65_540):
        data = start + b"\x11" * length + b"\xff\xd9"
        assert [part.kind for part in jpeg_segments(data)] == [b"\xda", b"", b"\xd9"]


def test_many_parts_are_refused() -> None:
    """A file of nothing but empty chunks is given up on."""
    data = picture()[:33] + b"\0\0\0\0teXt\0\0\0\0" * (MAX_PARTS + 1)
    with pytest.raises(ValueError, match="parts"):
        list(png_chunks(data))


def test_many_sub_blocks_are_refused() -> None:
    """A GIF of a million one-byte sub-blocks is given up on."""
    comment = b"\x21\xfe" + b"\x01a" * 600_000 + b"\0"
    with pytest.raises(ValueError, match="sub-blocks"):
        list(gif_blocks(b"GIF89a\1\0\1\0\0\0\0" + comment + b"\x3b"))


def test_box_smaller_than_its_header_is_refused() -> None:
    """A box that claims to be smaller than its own header cannot keep the walk in place."""
    with pytest.raises(ValueError, match="smaller"):
        list(boxes(b"\0\0\0\x04free" * 3))


def test_last_box_may_reach_to_the_end() -> None:
    """A size of 0 means the rest of the file, and a size of 1 stands for 64 bits behind the type."""
    large = b"\0\0\0\x01mdat" + (20).to_bytes(8, "big") + b"\0" * 4
    parts = list(boxes(large + b"\0\0\0\0free1234567"))
    assert [(part.kind, part.end - part.start) for part in parts] == [(b"mdat", 20), (b"free", 15)]


@pytest.mark.parametrize("format", FORMATS)
def test_whole_files_are_complete(format: str) -> None:
    """Every format's own files reach to their end."""
    assert is_complete(picture(format), format)


@pytest.mark.parametrize("format", FORMATS)
def test_half_a_file_is_not_complete(format: str) -> None:
    """A download that broke off in the middle, or just before the end, is seen."""
    data = picture(format, 200, 150, noise=200)
    assert not is_complete(data[: len(data) // 2], format)
    assert not is_complete(data[:-2], format)


def test_animation_is_complete() -> None:
    """A GIF of several frames is complete with its trailer."""
    assert is_complete(animation("gif"), "gif")


def test_gif_without_a_trailer_is_complete() -> None:
    """Some writers leave the trailer out: a file that ends with a frame is whole."""
    assert is_complete(picture("gif")[:-1], "gif")
    assert not is_complete(picture("gif")[:13], "gif")


def test_jpeg_with_a_film_behind_it_is_complete() -> None:
    """Phones append films to pictures: the end of the image need not be the end of the file."""
    assert is_complete(picture("jpeg") + b"\0film" * 20_000, "jpeg")


def test_end_marker_of_a_thumbnail_is_not_the_end() -> None:
    """A picture cut off behind its embedded thumbnail is not complete."""
    data = add_part(picture("jpeg"), b"\xe1", b"Exif\0\0" + picture("jpeg", 16, 12))
    cut = data[: data.rindex(b"\xff\xda") + 40]
    assert b"\xff\xd9" in cut
    assert not is_complete(cut, "jpeg")


def test_pillow_agrees_about_the_end() -> None:
    """What is complete here can be decoded by Pillow."""
    data = add_part(picture("webp"), b"EXIF", b"odd")
    assert is_complete(data, "webp")
    Pillow.open(io.BytesIO(data)).load()
