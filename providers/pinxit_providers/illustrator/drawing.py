"""A drawing under way: layers of SVG markup, made of numbers, colours and known drawings only.

Nothing of a prompt's text ever comes in here, so no prompt can become markup.
"""

import re
from collections.abc import Iterable, Sequence

from . import colours

Point = tuple[float, float]

_REFERENCE = re.compile(r'(\bid="|url\(#|href="#)')

# From the back to the front; partial pictures are cut between them. The lens darkens the corners:
# a picture of pixels gets that from Pillow, which is ten times as fast at it.
LAYERS = ("backdrop", "props", "figures", "front", "lens")


def number(value: float) -> str:
    """A coordinate in as few characters as it needs."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def points(corners: Iterable[Point]) -> str:
    """Corners as an SVG list of points."""
    return " ".join(f"{number(x)},{number(y)}" for x, y in corners)


class Drawing:
    """A canvas that collects markup in layers, and gradients and symbols once each."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._definitions: dict[str, str] = {}
        self._layers: dict[str, list[str]] = {layer: [] for layer in LAYERS}
        self._current = self._layers[LAYERS[0]]

    def onto(self, layer: str) -> None:
        """What is added from now on goes onto this layer."""
        self._current = self._layers[layer]

    def add(self, markup: str) -> None:
        """Adds markup to the current layer."""
        self._current.append(markup)

    def define(self, template: str) -> str:
        """Stores a definition whose id is written `@`, once, and returns its id."""
        # A sky of stars shares three gradients.
        if template not in self._definitions:
            self._definitions[template] = f"d{len(self._definitions)}"
        return self._definitions[template]

    def gradient(self, *stops: tuple[float, str, float], across: bool = False) -> str:
        """A linear gradient of (offset, colour, opacity), downwards or across, as a fill."""
        direction = 'x1="0" y1="0" x2="1" y2="0"' if across else 'x1="0" y1="0" x2="0" y2="1"'
        markup = f'<linearGradient id="@" {direction}>{_stops(stops)}</linearGradient>'
        return f"url(#{self.define(markup)})"

    def radial(self, *stops: tuple[float, str, float]) -> str:
        """A radial gradient of (offset, colour, opacity) as a fill."""
        markup = f'<radialGradient id="@">{_stops(stops)}</radialGradient>'
        return f"url(#{self.define(markup)})"

    def symbol(self, body: str) -> str:
        """Stores a drawing to be placed any number of times; its own ids are made unique."""
        # Gradients inside emoji are called `a`, `b`, `c`: each drawing needs ids of its own.
        fresh = f"s{len(self._definitions)}-"
        if body not in self._definitions:
            self._definitions[body] = fresh
        return self._definitions[body]

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        opacity: float = 1.0,
        radius: float = 0.0,
    ) -> None:
        """A rectangle."""
        rounding = f' rx="{number(radius)}"' if radius else ""
        self.add(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}"'
            f' height="{number(height)}" fill="{fill}"{rounding}{_faint(opacity)}/>'
        )

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, fill: str, opacity: float = 1.0
    ) -> None:
        """An ellipse around (x, y)."""
        self.add(
            f'<ellipse cx="{number(x)}" cy="{number(y)}" rx="{number(rx)}" ry="{number(ry)}"'
            f' fill="{fill}"{_faint(opacity)}/>'
        )

    def circle(self, x: float, y: float, radius: float, fill: str, opacity: float = 1.0) -> None:
        """A disc around (x, y)."""
        self.ellipse(x, y, radius, radius, fill, opacity)

    def polygon(self, corners: Sequence[Point], fill: str, opacity: float = 1.0) -> None:
        """A closed shape with straight edges."""
        self.add(f'<polygon points="{points(corners)}" fill="{fill}"{_faint(opacity)}/>')

    def path(self, outline: str, fill: str, opacity: float = 1.0) -> None:
        """A closed shape from SVG path commands."""
        self.add(f'<path d="{outline}" fill="{fill}"{_faint(opacity)}/>')

    def stroke(self, outline: str, colour: str, width: float, opacity: float = 1.0) -> None:
        """A line along SVG path commands, with round ends."""
        self.add(
            f'<path d="{outline}" fill="none" stroke="{colour}" stroke-width="{number(width)}"'
            f' stroke-linecap="round" stroke-linejoin="round"{_faint(opacity, "stroke")}/>'
        )

    def glow(
        self, x: float, y: float, rx: float, colour: str, opacity: float, ry: float = 0
    ) -> None:
        """Light (or, in a dark colour, shadow) that fades outwards."""
        # Light falls off faster than linearly.
        fill = self.radial((0, colour, opacity), (0.45, colour, opacity * 0.45), (1, colour, 0))
        self.ellipse(x, y, rx, ry or rx, fill)

    def veil(self, fill: str, opacity: float = 1.0) -> None:
        """Covers the whole canvas."""
        self.rect(0, 0, self.width, self.height, fill, opacity)

    def svg(self, layers: Sequence[str] = LAYERS, saturation: float = 1.0) -> str:
        """The document with the layers named."""
        width, height = number(self.width), number(self.height)
        body = "".join("".join(self._layers[layer]) for layer in layers)
        definitions = [_definition(body, name) for body, name in self._definitions.items()]
        if saturation != 1.0:
            definitions.append(
                '<filter id="mood" x="0" y="0" width="1" height="1">'
                f'<feColorMatrix type="saturate" values="{saturation:.2f}"/></filter>'
            )
            body = f'<g filter="url(#mood)">{body}</g>'
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
            f' viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
            f"<defs>{''.join(definitions)}</defs>{body}</svg>"
        )


def _definition(body: str, name: str) -> str:
    if name.endswith("-"):
        unique = _REFERENCE.sub(rf"\g<1>{name}", body)
        return f'<g id="{name}">{unique}</g>'
    return body.replace('"@"', f'"{name}"', 1)


def _stops(stops: Sequence[tuple[float, str, float]]) -> str:
    return "".join(
        f'<stop offset="{offset:.2f}" stop-color="{colour}"'
        + (f' stop-opacity="{opacity:.2f}"' if opacity < 1 else "")
        + "/>"
        for offset, colour, opacity in stops
    )


def _faint(opacity: float, what: str = "fill") -> str:
    # `opacity` alone would make the renderer keep a layer of its own for every snowflake.
    return f' {what}-opacity="{opacity:.2f}"' if opacity < 1 else ""


def shaded(drawing: Drawing, top: str, bottom: str) -> str:
    """A fill that runs from one colour above to another below."""
    return drawing.gradient((0, top, 1), (1, bottom, 1))


def hazy(colour: str, haze: str, distance: float) -> str:
    """A colour as the air shows it at a distance of 0 to 1."""
    return colours.mix(colour, haze, distance)
