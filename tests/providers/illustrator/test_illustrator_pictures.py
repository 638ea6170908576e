"""Prompts become pictures, and every parameter is honoured."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

import io
import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageStat

from pinxit_providers.illustrator import studio
from pinxit_providers.illustrator.orders import Order

Draw = Callable[..., bytes]
Open = Callable[[bytes], Image.Image]
FOX = "a red fox in the snow at night"


def saturation(picture: Image.Image) -> float:
    return float(ImageStat.Stat(picture.convert("HSV").getchannel("S")).mean[0])


def test_same_seed_same_pixels(draw: Draw) -> None:
    """The same order gives the same file, to the last bit."""
    assert draw(FOX) == draw(FOX)


def test_other_seed_other_pixels(draw: Draw, pixels: Open) -> None:
    """Another seed moves things."""
    assert pixels(draw(FOX, seed=1)).tobytes() != pixels(draw(FOX, seed=2)).tobytes()


def test_other_prompt_other_pixels(draw: Draw, pixels: Open) -> None:
    """Two prompts that are both not understood still give two pictures."""
    assert pixels(draw("qwxz")).tobytes() != pixels(draw("zxwq")).tobytes()


@pytest.mark.parametrize("size", [(64, 64), (200, 64), (64, 200), (2048, 64), (333, 127)])
def test_size(draw: Draw, pixels: Open, size: tuple[int, int]) -> None:
    """Any size is met exactly."""
    assert pixels(draw(FOX, width=size[0], height=size[1])).size == size


@pytest.mark.parametrize(("format", "name"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_format(draw: Draw, pixels: Open, format: str, name: str) -> None:
    """The file has the format asked for and is not transparent by itself."""
    picture = pixels(draw(FOX, format=format))
    assert picture.format == name
    assert picture.mode == "RGB"


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_compression(draw: Draw, format: str) -> None:
    """Less quality makes a smaller file."""
    small, large = (
        draw(FOX, format=format, compression=10),
        draw(FOX, format=format, compression=95),
    )
    assert len(small) < len(large)


@pytest.mark.parametrize("format", ["png", "webp"])
def test_transparent(draw: Draw, pixels: Open, format: str) -> None:
    """A transparent picture has its subject on nothing."""
    alpha = pixels(draw("a cat", transparent=True, format=format)).getchannel("A")
    low, high = alpha.getextrema()
    assert (low, high) == (0, 255)
    assert alpha.getpixel((0, 0)) == 0


def test_style_changes_saturation(draw: Draw, pixels: Open) -> None:
    """Vivid is more saturated than nothing, natural less."""
    vivid, plain, natural = (
        saturation(pixels(draw("a red car", style=style))) for style in ("vivid", None, "natural")
    )
    assert vivid > plain > natural


def test_quality_changes_detail(draw: Draw) -> None:
    """Low quality has fewer things in its drawing than high."""
    low, high = (draw("a fox in a forest", format="svg", quality=q) for q in ("low", "high"))
    assert low.count(b"<use") < high.count(b"<use")


def test_high_quality_differs_from_medium(draw: Draw, pixels: Open) -> None:
    """High quality is drawn larger and scaled down to the same size."""
    high = pixels(draw("a car", quality="high"))
    assert high.size == (96, 96)
    assert high.tobytes() != pixels(draw("a car")).tobytes()


def test_negative_prompt(draw: Draw) -> None:
    """What is named there is not in the drawing."""
    both = draw("a cat and a dog", format="svg", transparent=True)
    one = draw("a cat and a dog", format="svg", transparent=True, negative="dog")
    assert both.count(b"<use") == 2
    assert one.count(b"<use") == 1


def test_negative_prompt_removes_the_weather(draw: Draw, pixels: Open) -> None:
    """Rain that is not wanted does not fall."""
    dry = pixels(draw("a castle in the rain", negative="rain")).tobytes()
    assert dry != pixels(draw("a castle in the rain")).tobytes()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_partial_pictures(draw: Draw, pixels: Open, count: int) -> None:
    """As many stages as asked for are shown, each of full size and each different."""
    shown: list[bytes] = []
    final = draw("a fox in a forest", shown, partials=count)
    stages = [pixels(stage) for stage in shown]
    assert [stage.size for stage in stages] == [(96, 96)] * count
    assert len({stage.tobytes() for stage in [*stages, pixels(final)]}) == count + 1


def test_partial_svg(draw: Draw) -> None:
    """Stages of an SVG are SVGs."""
    shown: list[bytes] = []
    draw("a fox in a forest", shown, partials=2, format="svg")
    assert [stage[:4] for stage in shown] == [b"<svg", b"<svg"]


@pytest.mark.parametrize(
    "style",
    ["pixel art", "watercolor", "oil painting", "pencil sketch", "film noir", "neon", "sepia",
     "low poly", "comic book", "pastel", "cinematic"],
)  # fmt: skip
def test_manners(draw: Draw, pixels: Open, style: str) -> None:
    """Each manner changes the picture and leaves something to be seen."""
    plain = pixels(draw("a fox in a forest"))
    painted = pixels(draw(f"a fox in a forest, {style}"))
    assert painted.tobytes() != plain.tobytes()
    assert max(ImageStat.Stat(painted.convert("L")).stddev) > 12


def test_night_is_darker_than_day(draw: Draw, pixels: Open) -> None:
    """The time of day is seen."""
    night, day = (
        ImageStat.Stat(pixels(draw(f"a house in a meadow, {time}")).convert("L")).mean[0]
        for time in ("at night", "at noon")
    )
    assert night < 0.7 * day


def test_colour_is_seen(draw: Draw, pixels: Open) -> None:
    """A blue elephant is bluer than a red one."""
    means: list[list[float]] = []
    for colour in ("blue", "red"):
        picture = pixels(draw(f"a {colour} elephant", transparent=True))
        means.append(ImageStat.Stat(picture.convert("RGB"), picture.getchannel("A")).mean)
    (blue_r, _, blue_b), (red_r, _, red_b) = means
    assert blue_b > red_b
    assert red_r > blue_r


def test_seeds_of_a_series_differ(draw: Draw, pixels: Open) -> None:
    """Neighbouring seeds give pictures that all differ."""
    series = {pixels(draw("three sheep on a hill", seed=seed)).tobytes() for seed in range(4)}
    assert len(series) == 4


def test_svg_is_safe(draw: Draw) -> None:
    """An SVG holds neither script, nor foreign references, nor the prompt's text."""
    text = draw('a fox <script>alert("x")</script> & http://evil.example/', format="svg").decode()
    assert text.startswith("<svg")
    assert "script" not in text
    assert "evil" not in text
    references = re.findall(r'href="([^"]*)"|url\(([^)]*)\)', text)
    assert all((a or b).startswith("#") for a, b in references)
    outside = text.replace("http://www.w3.org/2000/svg", "").replace(
        "http://www.w3.org/1999/xlink", ""
    )
    assert "http" not in outside
    assert not re.search(r"\son\w+=", text)


@pytest.mark.parametrize(
    "prompt",
    ["", " ", "\x00\ud800",
     "🦊🌲❄️", "a " * 4000, "ก" * 300, "١٢٣ קוף", "&lt;svg&gt;", "'\"]]>", "a\nb\tc\r,,,;;"],
)  # fmt: skip
def test_odd_prompts(draw: Draw, pixels: Open, prompt: str) -> None:
    """No prompt is too odd for a picture."""
    assert pixels(draw(prompt, width=64, height=64)).size == (64, 64)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60))
def test_any_text(prompt: str) -> None:
    """Any text whatever gives a picture."""
    order = Order(operation="generate", prompt=prompt, width=64, height=64, quality="low")
    with Image.open(io.BytesIO(studio.execute(order, (), lambda _: None))) as picture:
        assert picture.size == (64, 64)


@pytest.mark.parametrize(
    "place",
    ["snow", "forest", "jungle", "beach", "sea", "underwater", "desert", "city", "skyline", "space",
     "on the moon", "mars", "mountain", "meadow", "hills", "living room", "library", "kitchen",
     "stage", "in the sky", "lava", "studio"],
)  # fmt: skip
def test_places(draw: Draw, pixels: Open, place: str) -> None:
    """Every place can be painted, and not in one colour."""
    picture = pixels(draw(f"a dog, {place}", width=64, height=64))
    assert max(ImageStat.Stat(picture).stddev) > 8


@pytest.mark.parametrize(
    "weather",
    ["snowing", "rain", "thunderstorm", "fog", "aurora", "cherry blossoms", "autumn", "fireflies",
     "fireworks", "rainbow", "cloudy", "confetti", "burning", "shooting stars"],
)  # fmt: skip
def test_weather(draw: Draw, pixels: Open, weather: str) -> None:
    """Every weather changes the picture."""
    plain = pixels(draw("a house in a meadow at night", width=64, height=64))
    other = pixels(draw(f"a house in a meadow at night, {weather}", width=64, height=64))
    assert other.tobytes() != plain.tobytes()
