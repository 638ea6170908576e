"""Pictures from pictures: edits and variations."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from pinxit_providers.illustrator import inputs, metadata
from pinxit_providers.illustrator.foreign import filled
from pinxit_providers.illustrator.ideas import Idea
from pinxit_providers.illustrator.studio import idea_of

Draw = Callable[..., bytes]
Open = Callable[[bytes], Image.Image]
HALF = (0, 0, 48, 96)


def left(picture: Image.Image) -> bytes:
    return picture.crop(HALF).tobytes()


def difference(first: Image.Image, second: Image.Image) -> float:
    return sum(
        ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean
    )


@pytest.mark.parametrize("format", ["png", "webp"])
@pytest.mark.parametrize("source", ["photo", "fox"])
def test_outside_the_mask_nothing_changes(
    request: pytest.FixtureRequest, edit: Draw, pixels: Open, mask: bytes, source: str, format: str
) -> None:
    """Outside the mask the pixels are those of the input, to the last bit, while inside they change."""
    image = request.getfixturevalue(source)
    before, after = pixels(image), pixels(edit("add a big dog", image, mask=mask, format=format))
    assert left(after) == left(before)
    assert after.tobytes() != before.tobytes()


def test_transparent_input_stays_as_it_is(edit: Draw, pixels: Open, mask: bytes) -> None:
    """A picture with alpha keeps it outside the mask, with the colours below it."""
    picture = Image.new("RGBA", (96, 96), (200, 30, 60, 0))
    ImageDraw.Draw(picture).rectangle((10, 10, 70, 70), fill=(20, 200, 90, 128))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    after = pixels(edit("a cat", buffer.getvalue(), mask=mask))
    assert after.mode == "RGBA"
    assert left(after) == left(picture)


def test_mask_edge_is_soft_inside() -> None:
    """The edge fades inside the region, and outside every weight is zero."""
    hole = Image.new("L", (96, 96), 0)
    ImageDraw.Draw(hole).rectangle((30, 30, 80, 80), fill=255)
    weights = inputs.feathered(hole)
    assert ImageChops.multiply(weights, ImageChops.invert(hole)).getbbox() is None
    assert weights.getpixel((55, 55)) == 255
    assert 0 < weights.getpixel((31, 55)) < 255  # type: ignore[operator]  # one band


def test_mask_at_the_border_is_full_there() -> None:
    """The end of the canvas is no edge of the region."""
    hole = Image.new("L", (96, 96), 0)
    hole.paste(255, (48, 0, 96, 96))
    assert inputs.feathered(hole).getpixel((95, 0)) == 255


def test_empty_mask_changes_nothing(edit: Draw, pixels: Open, photo: bytes) -> None:
    """A mask that protects everything gives the picture back."""
    buffer = io.BytesIO()
    Image.new("RGBA", (96, 96), (0, 0, 0, 255)).save(buffer, "PNG")
    after = pixels(edit("a cat", photo, mask=buffer.getvalue()))
    assert after.tobytes() == pixels(photo).tobytes()


def test_own_picture_is_recognised(edit: Draw, pixels: Open, fox: bytes) -> None:
    """An edit of our own picture changes its idea, and remembers."""
    record = metadata.read(pixels(edit("replace the fox with a cat", fox)))
    assert record is not None
    assert record.edits == ("replace the fox with a cat",)
    assert [subject.name for subject in idea_of(record).subjects] == ["cat"]


@pytest.mark.parametrize(
    ("instruction", "fact"),
    [
        ("make it a sunny day", "time=day"),
        ("add a top hat", "tie=wear"),
        ("remove the moon", "without=full-moon"),
        ("remove the fox", "first=none"),
        ("make the fox blue", "first=fox 1 #2b6cff"),
        ("make it blue", "first=fox 1 #2b6cff"),
        ("add two rabbits", "last=rabbit 2 None"),
        ("turn it into a watercolor", "style=watercolor"),
        ("move it to the beach", "place=beach"),
        ("replace the fox with three wolves", "first=wolf 3 None"),
    ],
)
def test_instructions(edit: Draw, pixels: Open, fox: bytes, instruction: str, fact: str) -> None:
    """Everyday instructions do what they say."""
    record = metadata.read(pixels(edit(instruction, fox)))
    assert record is not None
    assert fact in facts(idea_of(record))


def facts(idea: Idea) -> set[str]:
    shown = [f"{s.name} {s.count} {s.colour}" for s in idea.subjects] or ["none"]
    said = {f"first={shown[0]}", f"last={shown[-1]}", f"time={idea.time}", f"place={idea.place}"}
    said |= {f"style={idea.style}"} | {f"without={name}" for name in idea.without}
    return said | {f"tie={relation.tie}" for relation in idea.relations}


def test_adding_a_hat_leaves_the_rest(edit: Draw, pixels: Open, fox: bytes) -> None:
    """What an instruction does not speak of stays where it is."""
    before, after = pixels(fox), pixels(edit("add a top hat", fox))
    changed = ImageChops.difference(before, after).getbbox()
    assert changed is not None
    assert changed[3] < 60


def test_edits_add_up(edit: Draw, pixels: Open, fox: bytes) -> None:
    """A second edit knows of the first."""
    twice = edit("add a top hat", edit("make it day", fox))
    record = metadata.read(pixels(twice))
    assert record is not None
    idea = idea_of(record)
    assert idea.time == "day"
    assert len(idea.subjects) == 2


def test_foreign_subject_is_added(edit: Draw, pixels: Open, photo: bytes) -> None:
    """Without a mask a subject is put into a foreign picture, and the upper corners stay."""
    before, after = pixels(photo), pixels(edit("add a dog", photo))
    changed = ImageChops.difference(before, after).getbbox()
    assert changed is not None
    assert changed[1] > 10


def test_foreign_night(edit: Draw, pixels: Open, photo: bytes) -> None:
    """A foreign picture can be made night."""
    before, after = pixels(photo), pixels(edit("make it night", photo))
    assert (
        ImageStat.Stat(after.convert("L")).mean[0]
        < 0.7 * ImageStat.Stat(before.convert("L")).mean[0]
    )


def test_foreign_style(edit: Draw, pixels: Open, photo: bytes) -> None:
    """A foreign picture can be given a manner."""
    grey = pixels(edit("make it film noir", photo)).convert("RGB").split()
    assert grey[0].tobytes() == grey[1].tobytes() == grey[2].tobytes()


def test_filling_takes_the_surroundings() -> None:
    """A hole in one colour is filled with that colour."""
    picture = Image.new("RGB", (80, 80), (40, 120, 200))
    ImageDraw.Draw(picture).rectangle((30, 30, 50, 50), fill=(255, 0, 0))
    hole = Image.new("L", (80, 80), 0)
    ImageDraw.Draw(hole).rectangle((28, 28, 52, 52), fill=255)
    assert filled(picture, hole).getpixel((40, 40)) == (40, 120, 200)


def test_further_pictures_are_laid_in(edit: Draw, pixels: Open, photo: bytes, fox: bytes) -> None:
    """Further input pictures are seen in the result."""
    one, two = pixels(edit("keep", photo)), pixels(edit("keep", photo, fox, fox))
    assert difference(one, two) > 5


def test_size_of_an_edit(edit: Draw, pixels: Open, photo: bytes) -> None:
    """An edit has the size of its input, or the size asked for."""
    assert pixels(edit("a cat", photo)).size == (96, 96)
    assert pixels(edit("a cat", photo, width=128, height=64)).size == (128, 64)


def test_stages_of_an_edit_keep_the_rest(edit: Draw, pixels: Open, fox: bytes, mask: bytes) -> None:
    """Stages of an edit already leave alone what the mask protects."""
    shown: list[bytes] = []
    edit("add a bear", fox, mask=mask, shown=shown, partials=3)
    assert [left(pixels(stage)) for stage in shown] == [left(pixels(fox))] * 3


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_broken_input(edit: Draw, data: bytes) -> None:
    """What is no picture is refused in words."""
    with pytest.raises(ValueError, match="cannot be read"):
        edit("a cat", data)


def test_own_variation_keeps_the_subject(vary: Draw, pixels: Open, fox: bytes) -> None:
    """A variation of our own picture moves the land and keeps the figure."""
    before, after = pixels(fox), pixels(vary(fox, seed=99))
    record = metadata.read(after)
    assert record is not None
    assert (record.prompt, record.figure_seed, record.seed) == (
        "a red fox in the snow at night",
        7,
        99,
    )
    figure = (40, 40, 56, 80)
    assert difference(before.crop(figure), after.crop(figure)) < 40
    assert before.tobytes() != after.tobytes()


def test_foreign_variation(vary: Draw, pixels: Open, photo: bytes) -> None:
    """A variation of a foreign picture differs, has its size, and depends on the seed."""
    one, two = pixels(vary(photo, seed=1)), pixels(vary(photo, seed=2))
    assert one.size == (96, 96)
    assert len({one.tobytes(), two.tobytes(), pixels(photo).tobytes()}) == 3


def test_variation_is_deterministic(vary: Draw, photo: bytes) -> None:
    """The same seed varies in the same way."""
    assert vary(photo, seed=5) == vary(photo, seed=5)


def test_variation_shows_stages(vary: Draw, fox: bytes, photo: bytes) -> None:
    """Variations show stages on the way."""
    shown: list[bytes] = []
    vary(fox, shown, partials=2)
    assert len(shown) == 2
    vary(photo, shown, partials=2)
    assert len(shown) == 3
