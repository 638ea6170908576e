"""Records: what a picture says of itself."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pinxit_providers.illustrator import metadata
from pinxit_providers.illustrator.metadata import Record

Draw = Callable[..., bytes]
Open = Callable[[bytes], Image.Image]


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_record_travels_in_the_file(draw: Draw, pixels: Open, format: str) -> None:
    """Prompt, seed and settings are read back from every format."""
    data = draw("a füchsin 狐 in snow", format=format, negative="moon", quality="low", seed=41)
    assert metadata.read(pixels(data)) == Record(
        prompt="a füchsin 狐 in snow", seed=41, figure_seed=41, negative="moon", quality="low"
    )


def test_long_prompt_fits(draw: Draw, pixels: Open) -> None:
    """A prompt of the greatest length fits into a JPEG's small space for metadata."""
    prompt = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(30_000))
    record = metadata.read(pixels(draw(prompt, format="jpeg", width=64, height=64)))
    assert record is not None
    assert record.prompt == prompt[: metadata.LONGEST_PROMPT]


def test_foreign_picture_has_none(pixels: Open, photo: bytes) -> None:
    """A picture that is not ours has no record."""
    assert metadata.read(pixels(photo)) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"model": "illustrator/scene-1"}', '{"model": "another", "prompt": ""}',
     '{"model": "illustrator/scene-1", "prompt": "a", "seed": "x", "figure_seed": 1}'],
)  # fmt: skip
def test_damaged_record(text: str) -> None:
    """What is no record of ours is nothing, not an error."""
    assert metadata.record_of(text) is None


@pytest.mark.parametrize(
    "comment", [b"ASCII\0\0\0hello", b"ASCII\0\0\0pinxit:scene:!!", b"pinxit:scene:eJw="]
)
def test_foreign_exif(pixels: Open, comment: bytes) -> None:
    """EXIF of others, or damaged EXIF, is nothing, not an error."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    assert metadata.read(pixels(buffer.getvalue())) is None


@given(st.text(max_size=50), st.integers(0, 2**32 - 1), st.lists(st.text(max_size=20), max_size=3))
def test_text_round_trip(prompt: str, seed: int, edits: list[str]) -> None:
    """Any record survives being written and read."""
    record = Record(prompt, seed, seed, tuple(edits))
    assert metadata.record_of(record.text()) == record


def test_only_the_last_edits_are_kept() -> None:
    """A record does not grow without end."""
    record = Record("a fox", 1, 1)
    for number in range(30):
        record = record.edited(f"edit {number}")
    assert len(record.edits) == 20
    assert record.edits[-1] == "edit 29"
