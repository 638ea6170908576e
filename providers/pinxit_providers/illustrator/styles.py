"""Manners of painting, as filters on the finished picture."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

Filter = Callable[[Image.Image, Random], Image.Image]


def styled(picture: Image.Image, style: str | None, chance: Random) -> Image.Image:
    """The picture in a manner; as it is where the manner is not one of ours. Alpha stays."""
    if style is None or style not in STYLES:
        return picture
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    result = STYLES[style](picture.convert("RGB"), chance)
    if alpha is not None:
        result.putalpha(alpha)
    return result


def _radius(picture: Image.Image, share: float) -> float:
    return max(0.6, min(picture.size) * share)


def _odd(picture: Image.Image, share: float, most: int = 11) -> int:
    # A window has a middle, so it is odd. It takes time with its area, so it stays small.
    return min(most, max(3, int(min(picture.size) * share) // 2 * 2 + 1))


def _grain(picture: Image.Image, chance: Random, size: int, blur: float) -> Image.Image:
    """Irregular light and dark, as paper or canvas has it."""
    noise = Image.frombytes("L", (size, size), chance.randbytes(size * size))
    return noise.resize(picture.size, Image.Resampling.BICUBIC).filter(
        ImageFilter.GaussianBlur(blur)
    )


def _pixel(picture: Image.Image, _: Random) -> Image.Image:
    # About as many pixels as a game of 1990 had.
    block = max(2, min(picture.size) // 112)
    small = picture.resize(
        (max(1, picture.width // block), max(1, picture.height // block)), Image.Resampling.BOX
    )
    few = small.quantize(44, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return few.convert("RGB").resize(picture.size, Image.Resampling.NEAREST)


def _watercolor(picture: Image.Image, chance: Random) -> Image.Image:
    washed = picture.filter(ImageFilter.ModeFilter(_odd(picture, 0.007)))
    washed = washed.filter(ImageFilter.GaussianBlur(_radius(picture, 0.0014)))
    washed = ImageEnhance.Color(washed).enhance(1.2)
    washed = ImageChops.screen(washed, Image.new("RGB", picture.size, (58, 54, 48)))
    pools = _grain(picture, chance, 9, 2).point([218 + v * 37 // 256 for v in range(256)])
    paper = _grain(picture, chance, 280, 0.5).point([234 + v * 21 // 256 for v in range(256)])
    # Pigment gathers where a wash ends.
    edges = ImageOps.invert(picture.convert("L").filter(ImageFilter.FIND_EDGES))
    edges = edges.filter(ImageFilter.GaussianBlur(0.8)).point(
        [196 + v * 59 // 255 for v in range(256)]
    )
    for layer in (pools, paper, edges):
        washed = ImageChops.multiply(washed, layer.convert("RGB"))
    return _with_margin(washed, chance)


def _with_margin(picture: Image.Image, chance: Random) -> Image.Image:
    """Bare paper along a ragged border."""
    mask = Image.new("L", picture.size, 0)
    inset = max(2, min(picture.size) // 34)
    mask.paste(255, (inset, inset, picture.width - inset, picture.height - inset))
    rough = _grain(picture, chance, 40, 1).point([v * 90 // 256 for v in range(256)])
    ragged = ImageChops.subtract(mask.filter(ImageFilter.GaussianBlur(inset * 0.5)), rough)
    mask = ragged.point([0] * 90 + [min(255, v * 8) for v in range(166)])
    paper = Image.new("RGB", picture.size, (250, 247, 240))
    return Image.composite(picture, paper, mask)


def _oil(picture: Image.Image, chance: Random) -> Image.Image:
    strokes = picture.filter(ImageFilter.ModeFilter(_odd(picture, 0.011, 13)))
    # Wider than high: bristles lie across.
    width, height = max(1, picture.width // 3), max(1, picture.height // 7)
    bristle = Image.frombytes("L", (width, height), chance.randbytes(width * height))
    bristle = bristle.resize(picture.size, Image.Resampling.BICUBIC).filter(ImageFilter.EMBOSS)
    relief = bristle.convert("RGB").point([(96 + v // 4) for v in range(256)] * 3)
    painted = ImageChops.overlay(strokes, relief)
    return ImageEnhance.Contrast(ImageEnhance.Color(painted).enhance(1.3)).enhance(1.06)


def _sketch(picture: Image.Image, chance: Random) -> Image.Image:
    grey = picture.convert("L")
    blurred = grey.filter(ImageFilter.GaussianBlur(_radius(picture, 0.006)))
    # Where a pixel is darker than its surroundings there is a line.
    lines = ImageChops.subtract(blurred, grey).point([min(255, v * 5) for v in range(256)])
    edges = grey.filter(ImageFilter.FIND_EDGES).point([min(255, int(v * 1.6)) for v in range(256)])
    pencil = ImageOps.invert(ImageChops.lighter(lines, edges))
    # Graphite never gets as dark as ink, and most of the paper stays bare.
    tone = grey.point([min(255, 168 + v * 110 // 255) for v in range(256)])
    hatch = _grain(picture, chance, 300, 0.4).point([234 + v * 21 // 256 for v in range(256)])
    drawn = ImageChops.multiply(ImageChops.multiply(pencil, tone), hatch)
    return ImageOps.colorize(drawn, "#2b2b30", "#fbf9f3")


def _noir(picture: Image.Image, _: Random) -> Image.Image:
    grey = ImageOps.autocontrast(picture.convert("L"), 2)
    return ImageEnhance.Contrast(grey).enhance(1.25).convert("RGB")


def _sepia(picture: Image.Image, chance: Random) -> Image.Image:
    grey = ImageOps.autocontrast(picture.convert("L"), 1)
    spots = _grain(picture, chance, 40, 2).point([228 + v * 27 // 256 for v in range(256)])
    return ImageOps.colorize(ImageChops.multiply(grey, spots), "#2b1a0d", "#f5e3c0", "#a97c50")


def _neon(picture: Image.Image, _: Random) -> Image.Image:
    edges = picture.filter(ImageFilter.GaussianBlur(0.8)).filter(ImageFilter.FIND_EDGES)
    glow = ImageEnhance.Brightness(ImageEnhance.Color(edges).enhance(3.2)).enhance(2.0)
    violet = ImageOps.colorize(picture.convert("L"), "#120428", "#ff5fd2", "#3d2bb8")
    base = Image.blend(ImageEnhance.Color(picture).enhance(1.6), violet, 0.5)
    base = ImageEnhance.Brightness(base).enhance(0.9)
    halo = glow.filter(ImageFilter.GaussianBlur(_radius(picture, 0.008)))
    return ImageChops.screen(ImageChops.screen(base, glow), halo)


def _poster(picture: Image.Image, _: Random) -> Image.Image:
    flat = picture.filter(ImageFilter.ModeFilter(_odd(picture, 0.006, 9)))
    few = flat.quantize(18, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return ImageEnhance.Color(few.convert("RGB")).enhance(1.15)


def _comic(picture: Image.Image, _: Random) -> Image.Image:
    flat = ImageOps.posterize(picture.filter(ImageFilter.ModeFilter(_odd(picture, 0.006, 9))), 3)
    flat = ImageEnhance.Color(ImageEnhance.Brightness(flat).enhance(1.15)).enhance(1.5)
    edges = (
        picture.convert("L").filter(ImageFilter.GaussianBlur(1.2)).filter(ImageFilter.FIND_EDGES)
    )
    ink = edges.point([255 if v < 22 else max(0, 255 - v * 7) for v in range(256)])
    return ImageChops.multiply(flat, ink.filter(ImageFilter.MinFilter(3)).convert("RGB"))


def _pastel(picture: Image.Image, chance: Random) -> Image.Image:
    soft = ImageEnhance.Color(picture).enhance(0.95)
    soft = ImageChops.screen(soft, Image.new("RGB", picture.size, (88, 76, 80)))
    chalk = _grain(picture, chance, 320, 0.4).point([232 + v * 23 // 256 for v in range(256)])
    return ImageChops.multiply(soft, chalk.convert("RGB"))


def _cinematic(picture: Image.Image, _: Random) -> Image.Image:
    red, green, blue = ImageEnhance.Contrast(picture).enhance(1.12).split()
    # Warm lights and teal shadows, as graded film has them.
    red = red.point([min(255, int(v * 1.06)) for v in range(256)])
    blue = blue.point([min(255, int(v * 0.9) + 16) for v in range(256)])
    result = Image.merge("RGB", (red, green, blue))
    bar = picture.height // 11
    if picture.width >= picture.height:
        result.paste((6, 6, 8), (0, 0, picture.width, bar))
        result.paste((6, 6, 8), (0, picture.height - bar, picture.width, picture.height))
    return result


STYLES: Mapping[str, Filter] = MappingProxyType(
    {
        "pixel": _pixel,
        "watercolor": _watercolor,
        "oil": _oil,
        "sketch": _sketch,
        "noir": _noir,
        "sepia": _sepia,
        "neon": _neon,
        "poster": _poster,
        "comic": _comic,
        "pastel": _pastel,
        "cinematic": _cinematic,
    }
)
