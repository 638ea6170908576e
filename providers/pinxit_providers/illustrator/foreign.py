"""Pictures that are not ours: filling, adding to and relighting them."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from dataclasses import replace
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from . import lexicon, painting, rendering, vocabulary
from .drawing import Drawing
from .ideas import Idea
from .painting import Commission
from .palettes import palette
from .scenes import Scene
from .weather import paint_weather

Box = tuple[int, int, int, int]


def filled(canvas: Image.Image, hole: Image.Image) -> Image.Image:
    """The canvas with the region filled from its surroundings, smoothly.

    The picture is shrunk until the hole is gone, then each size fills the holes of the next.
    """
    holed = canvas.convert("RGBA")
    holed.putalpha(ImageOps.invert(hole))
    levels = [holed]
    while min(levels[-1].size) > 2 and not rendering.solid(levels[-1]):
        levels.append(_halved(levels[-1]))
    result = levels[-1].convert("RGB")
    for level in reversed(levels[:-1]):
        guess = result.resize(level.size, Image.Resampling.BICUBIC)
        result = Image.composite(level.convert("RGB"), guess, level.getchannel("A"))
    return result


def _halved(picture: Image.Image) -> Image.Image:
    """Half the size; Pillow weighs pixels by their alpha, so holes shrink and lend no colour."""
    # Half at a time: the farther from the edge of the hole, the smoother the filling.
    size = (max(1, picture.width // 2), max(1, picture.height // 2))
    small = picture.resize(size, Image.Resampling.BOX)
    # What has any colour counts as filled from here on; else it would fade with each halving.
    small.putalpha(small.getchannel("A").point([0] + [255] * 255))
    return small


def subjects(idea: Idea, size: tuple[int, int], key: str) -> Image.Image:
    """The idea's subjects alone, on nothing."""
    # Weather is put over the whole picture, not over the subject alone.
    bare = replace(idea, weather=frozenset[str](), framing="scene")
    drawing = painting.paint(Commission(bare, key, key, size[0], size[1], bare=True))
    return rendering.rasterised(drawing)


def placed(canvas: Image.Image, idea: Idea, box: Box, key: str) -> Image.Image:
    """The subjects painted into a box of the canvas, on a soft shadow."""
    size = (max(1, box[2] - box[0]), max(1, box[3] - box[1]))
    figure = subjects(idea, size, key)
    layer = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
    if not lexicon.has(idea.subjects[0].name, "flies"):
        layer.alpha_composite(_shadow(figure), (box[0], box[1]))
    layer.alpha_composite(figure, (box[0], box[1]))
    return _over(canvas, layer)


def _shadow(figure: Image.Image) -> Image.Image:
    outline = figure.getchannel("A").getbbox() or (0, 0, 1, 1)
    wide = outline[2] - outline[0]
    shade = Image.new("L", figure.size, 0)
    # As flat as the shadows of our own scenes.
    tall = max(2, wide // 9)
    low = min(figure.height - 1, outline[3])
    ImageDraw.Draw(shade).ellipse(
        (outline[0], low - tall // 2, outline[2], low + tall // 2), fill=110
    )
    shade = shade.filter(ImageFilter.GaussianBlur(max(1, tall // 3)))
    dark = Image.new("RGBA", figure.size, (10, 14, 36, 255))
    dark.putalpha(shade)
    return dark


def _over(canvas: Image.Image, layer: Image.Image) -> Image.Image:
    merged = Image.alpha_composite(canvas.convert("RGBA"), layer)
    return merged if canvas.mode == "RGBA" else merged.convert("RGB")


_TINTS: dict[str, tuple[tuple[int, int, int], float, float]] = {
    "night": ((104, 122, 196), 0.82, 0.8),
    "sunset": ((255, 176, 122), 1.0, 1.15),
    "dawn": ((255, 214, 190), 1.04, 0.95),
}


def relit(picture: Image.Image, idea: Idea, key: str) -> Image.Image:
    """The picture in the light and the weather that an idea speaks of."""
    result = picture.convert("RGB")
    if idea.time in _TINTS:
        tint, brightness, colour = _TINTS[idea.time]
        result = ImageChops.multiply(result, Image.new("RGB", result.size, tint))
        result = ImageEnhance.Brightness(ImageEnhance.Color(result).enhance(colour)).enhance(
            brightness
        )
    elif idea.time == "day":
        result = ImageEnhance.Color(ImageEnhance.Brightness(result).enhance(1.15)).enhance(1.1)
    snowing = idea.weather | (frozenset({"snowfall"}) if idea.place == "snow" else frozenset[str]())
    if snowing:
        layer = _weather(replace(idea, weather=snowing), result.size, key)
        result = Image.alpha_composite(result.convert("RGBA"), layer).convert("RGB")
    if picture.mode == "RGBA":
        result.putalpha(picture.getchannel("A"))
    return result


def _weather(idea: Idea, size: tuple[int, int], key: str) -> Image.Image:
    # A place without weather of its own, so that only what was asked for falls.
    place = vocabulary.places()["hills"]
    drawing = Drawing(*size)
    drawing.onto("front")
    colours = palette(place, "day", idea.weather)
    paint_weather(Scene(idea, place, "day", colours, drawing, key, 1.0))
    return rendering.rasterised(drawing, ("front",))


def inset(
    canvas: Image.Image, pictures: list[Image.Image], box: Box, chance: Random
) -> Image.Image:
    """Further pictures, laid onto the canvas as prints with a white border, inside a box."""
    wide, high = box[2] - box[0], box[3] - box[1]
    for at, picture in enumerate(pictures):
        share = 0.46 if len(pictures) == 1 else 0.8 / min(4, len(pictures))
        # One further picture may be large; four have to share.
        side = max(8, int(min(wide, high) * share))
        print_ = _print(picture, side, chance.uniform(-7, 7))
        x = box[0] + int(
            (wide - print_.width) * (0.92 - 0.84 * (at % 4) / max(1, min(3, len(pictures))))
        )
        y = box[1] + int((high - print_.height) * (0.94 if at < 4 else 0.5))
        layer = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
        layer.paste(print_, (max(0, x), max(0, y)))
        canvas = _over(canvas, layer)
    return canvas


def _print(picture: Image.Image, side: int, angle: float) -> Image.Image:
    copy = picture.convert("RGBA")
    copy.thumbnail((side, side), Image.Resampling.LANCZOS)
    border = max(2, side // 24)
    sheet = Image.new("RGBA", (copy.width + 2 * border, copy.height + 2 * border), "#fdfcf8")
    sheet.alpha_composite(copy, (border, border))
    return sheet.rotate(angle, Image.Resampling.BICUBIC, expand=True)
