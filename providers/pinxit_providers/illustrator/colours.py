"""Colours as `#rrggbb`: mixing them, and giving a drawing another one."""

import colorsys
import re
from collections.abc import Callable
from functools import lru_cache

_HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")

RGB = tuple[float, float, float]


def rgb(colour: str) -> RGB:
    """The three channels, each 0 to 1."""
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    return (int(digits[:2], 16) / 255, int(digits[2:4], 16) / 255, int(digits[4:6], 16) / 255)


def written(channels: RGB) -> str:
    """The colour of three channels, each clamped to 0 to 1."""
    return "#" + "".join(f"{round(255 * min(1.0, max(0.0, channel))):02x}" for channel in channels)


def mix(first: str, second: str, share: float) -> str:
    """`share` of the second colour in the first."""
    one, two = rgb(first), rgb(second)
    return written(
        (
            one[0] + (two[0] - one[0]) * share,
            one[1] + (two[1] - one[1]) * share,
            one[2] + (two[2] - one[2]) * share,
        )
    )


def multiply(first: str, second: str) -> str:
    """The first colour as the second one's light shows it."""
    one, two = rgb(first), rgb(second)
    return written((one[0] * two[0], one[1] * two[1], one[2] * two[2]))


def lighter(colour: str, share: float) -> str:
    """The colour with a share of white."""
    return mix(colour, "#ffffff", share)


def darker(colour: str, share: float) -> str:
    """The colour with a share of a cool near-black, as shadows have."""
    return mix(colour, "#0d1024", share)


def saturated(colour: str, factor: float) -> str:
    """The colour with its saturation multiplied."""
    hue, light, saturation = colorsys.rgb_to_hls(*rgb(colour))
    return written(colorsys.hls_to_rgb(hue, light, min(1.0, saturation * factor)))


def recoloured(body: str, main: str, target: str) -> str:
    """The drawing with the family of its main colour moved to the target.

    Only that family moves, and each member keeps its distance in lightness from the main colour,
    so that eyes, teeth and shading stay what they are.
    """
    return _HEX.sub(_shift(main, target), body)


def _shift(main: str, target: str) -> Callable[[re.Match[str]], str]:
    hue, light, saturation = colorsys.rgb_to_hls(*rgb(main))
    to_hue, to_light, to_saturation = colorsys.rgb_to_hls(*rgb(target))
    # Grey animals have no hue to find their fur by; lightness has to do.
    grey = saturation < 0.2

    @lru_cache
    # Drawings repeat their few colours hundreds of times.
    def moved(colour: str) -> str:
        h, lightness, s = colorsys.rgb_to_hls(*rgb(colour))
        if not _of_family(h, lightness, s, hue, grey):
            return colour
        relative = (lightness - light) * (0.75 if 0.25 < to_light < 0.8 else 0.45)
        shade = min(0.97, max(0.05, to_light * 0.85 + light * 0.15 + relative))
        strength = to_saturation if to_saturation < 0.2 else 0.7 * to_saturation + 0.3 * s
        return written(colorsys.hls_to_rgb(to_hue, shade, strength))

    return lambda match: moved(match.group(0))


def _of_family(hue: float, light: float, saturation: float, main_hue: float, grey: bool) -> bool:
    if grey:
        return saturation < 0.3 and 0.22 < light < 0.97
    distance = min(abs(hue - main_hue), 1 - abs(hue - main_hue))
    return saturation >= 0.16 and distance <= 0.11 and 0.1 < light < 0.96
