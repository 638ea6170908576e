"""What a place is full of: trees, flowers, rocks, scattered so that they leave room."""

from dataclasses import dataclass

from . import icons, lexicon, sprites
from .arranging import Figure
from .figures import place_sprite, shadow
from .scenes import Scene

_TREES = frozenset(
    ("evergreen-tree", "deciduous-tree", "palm-tree", "cherry-tree", "leafless-tree")
)
_SMALL = frozenset(
    [
        "tulip",
        "blossom",
        "hyacinth",
        "herb",
        "hibiscus",
        "sunflower",
        "brown-mushroom",
        "spiral-shell",
        "rock",
        "coral",
        "seaweed",
        "fern",
    ]
)


@dataclass(frozen=True, slots=True)
class _Prop:
    name: str
    x: float
    y: float
    size: float
    flip: bool


def paint_props(scene: Scene, figures: list[Figure]) -> None:
    """Scatters the place's props from the back to the front, with air between the rows."""
    props = [prop for prop in _scatter(scene) if not _hides(prop, figures, scene)]
    props.sort(key=lambda prop: prop.y)
    middle = scene.horizon + (scene.height - scene.horizon) * 0.3
    veiled = False
    for prop in props:
        if not veiled and prop.y > middle:
            _veil(scene)
            veiled = True
        _paint(scene, prop)


def _scatter(scene: Scene) -> list[_Prop]:
    chance = scene.dice("props")
    deep = scene.height - scene.horizon
    found: list[_Prop] = []
    for name, count in scene.place.props.items():
        if name in scene.idea.without or (
            name in _TREES and "deciduous-tree" in scene.idea.without
        ):
            continue
        for _ in range(scene.many(count)):
            # In spring the trees are in blossom.
            name_here = _seasonal(name, scene, chance.random())
            share = chance.random()
            # Trees stay in the far part of the ground: a near one would fill the picture.
            depth = share**1.6 * 0.42 if name in _TREES else 0.06 + 0.92 * share**0.8
            if name in {"lamppost", "cactus"}:
                depth = 0.1 + 0.2 * share
            x = chance.uniform(-0.03, 1.03) * scene.width
            size = _size(name, depth, scene) * chance.uniform(0.82, 1.22)
            y = scene.horizon + deep * (0.03 + 0.97 * depth)
            if scene.place.name == "beach" and name == "palm-tree":
                x = scene.width * chance.choice((0.06, 0.13, 0.9, 0.97))
                y, size = (
                    scene.horizon + deep * chance.uniform(0.5, 0.75),
                    scene.unit * chance.uniform(0.4, 0.5),
                )
            elif scene.place.name in {"beach", "shore"}:
                y = scene.horizon + deep * chance.uniform(0.62, 0.97)
            found.append(_Prop(name_here, x, y, size, chance.random() < 0.5))
    return found


def _seasonal(name: str, scene: Scene, roll: float) -> str:
    if name == "deciduous-tree" and "petals" in scene.idea.weather:
        return "cherry-tree"
    if name == "evergreen-tree" and scene.idea.weather & {"petals", "leaves"} and roll < 0.7:
        return "cherry-tree" if "petals" in scene.idea.weather else "deciduous-tree"
    return name


def _size(name: str, depth: float, scene: Scene) -> float:
    near = 0.25 + 0.75 * depth / 0.42 if name in _TREES else 0.3 + 0.9 * depth
    if name in _TREES:
        return scene.unit * 0.34 * near
    if name == "lamppost":
        return scene.unit * (0.26 + 0.5 * depth)
    if name == "cactus":
        return scene.unit * (0.1 + 0.35 * depth)
    base = {
        "rock": 0.1,
        "coral": 0.16,
        "seaweed": 0.2,
        "fern": 0.16,
        "tulip": 0.085,
        "sunflower": 0.13,
    }
    return scene.unit * base.get(name, 0.06) * near


def _hides(prop: _Prop, figures: list[Figure], scene: Scene) -> bool:
    """Whether a prop would stand before a figure or crowd it."""
    half = prop.size * (0.42 if prop.name in _TREES else 0.3)
    for figure in figures:
        if figure.cluster.manner in {"fly", "swim"} and prop.name not in _TREES:
            continue
        # A tree behind a figure is fine as long as it does not crowd it.
        overlap = abs(prop.x - figure.x) < figure.width / 2 + half
        if overlap and (
            prop.y > figure.y - scene.unit * 0.03
            or (prop.name in _TREES and prop.size > 0.5 * figure.height)
        ):
            return True
    return False


def _veil(scene: Scene) -> None:
    haze = scene.palette.haze
    low = scene.horizon + (scene.height - scene.horizon) * 0.3
    reach = scene.unit * 0.2
    fill = scene.drawing.gradient((0, haze, 0), (0.5, haze, 0.3), (1, haze, 0))
    if not scene.place.indoor and scene.place.name not in {"underwater", "moon"}:
        scene.drawing.rect(0, scene.horizon - reach, scene.width, low - scene.horizon + reach, fill)


def _paint(scene: Scene, prop: _Prop) -> None:
    colour = "#e07b2a" if prop.name == "deciduous-tree" and "leaves" in scene.idea.weather else None
    if not icons.known(prop.name):
        return
    sprite = sprites.of_icon(prop.name, colour)
    if scene.place.name != "underwater" and lexicon.height(prop.name) > 0.05:
        shadow(scene, prop.x, prop.y, prop.size * sprite.width / 128 * 0.46, 0.22)
    scale = prop.size / sprite.height
    middle = (sprite.box[0] + sprite.box[2]) / 2
    sign = -1 if prop.flip else 1
    place_sprite(
        scene.drawing,
        sprite.body,
        (prop.x - sign * middle * scale, prop.y - sprite.box[3] * scale),
        scale,
        flip=prop.flip,
    )
    if prop.name == "evergreen-tree" and scene.place.name == "snow":
        _snow_on(scene, prop)


def _snow_on(scene: Scene, prop: _Prop) -> None:
    for tier, half in ((0.86, 0.1), (0.64, 0.2), (0.42, 0.28)):
        y, wide = prop.y - prop.size * tier, prop.size * half
        path = (
            f"M{prop.x - wide:.1f} {y + wide * 0.42:.1f}Q{prop.x:.1f} {y - wide * 0.9:.1f}"
            f" {prop.x + wide:.1f} {y + wide * 0.42:.1f}Q{prop.x:.1f} {y + wide * 0.1:.1f}"
            f" {prop.x - wide:.1f} {y + wide * 0.42:.1f}Z"
        )
        scene.drawing.path(path, "#ffffff" if not scene.palette.gloom else "#c9d8f2", 0.92)
