"""What falls, drifts and glows between the viewer and the scene, and the light over all of it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from . import sprites
from .figures import place_sprite
from .ideas import Time
from .scenes import Scene


def paint_weather(scene: Scene) -> None:
    """All weather of the idea and of the place, then the light over everything."""
    active = set(scene.idea.weather)
    # A snowy place snows, unless the prompt wants other weather.
    if not active & {"rain", "storm", "leaves", "petals"}:
        active |= scene.place.weather
    active -= scene.idea.without
    if scene.place.indoor:
        # What can be in the air of a room.
        active &= {"confetti", "fireflies", "petals", "embers"}
    if scene.place.name not in {"space", "underwater", "moon"}:
        for name, painter in _PAINTERS.items():
            if name in active:
                painter(scene)
    _light(scene)


def _light(scene: Scene) -> None:
    """The colour of the hour over everything, and corners that keep the eye inside."""
    drawing = scene.drawing
    tint, strength = _LIGHT[scene.time]
    lit = scene.place.name in {"space", "moon", "studio"} or (
        scene.place.indoor and scene.time != "night"
    )
    if strength and not lit:
        drawing.veil(tint, strength)
    drawing.onto("lens")
    if scene.place.name != "studio":
        fill = drawing.radial((0.62, LENS, 0), (1, LENS, 0.3))
        reach = 0.76
        drawing.ellipse(
            scene.width / 2, scene.height / 2, scene.width * reach, scene.height * reach, fill
        )


LENS = "#120f2a"
_LIGHT: Mapping[Time, tuple[str, float]] = MappingProxyType(
    {
        "day": ("#ffffff", 0.0),
        "night": ("#0a1238", 0.15),
        "sunset": ("#ff7a3a", 0.1),
        "dawn": ("#ffd0a8", 0.1),
    }
)


def _snowfall(scene: Scene) -> None:
    chance = scene.dice("snowfall")
    for _ in range(scene.many(190)):
        # Many small flakes far away, a few large ones near.
        near = chance.random() ** 3.5
        radius = scene.unit * (0.0012 + 0.0058 * near)
        x, y = chance.random() * scene.width, chance.random() * scene.height
        scene.drawing.circle(x, y, radius, "#ffffff", 0.35 + 0.5 * near)


def _rain(scene: Scene) -> None:
    chance = scene.dice("rain")
    scene.drawing.veil("#2b3648", 0.06 if scene.palette.gloom else 0.16)
    for _ in range(scene.many(190)):
        near = chance.random()
        long = scene.unit * (0.02 + 0.05 * near)
        x, y = chance.uniform(-0.05, 1.1) * scene.width, chance.random() * scene.height
        path = f"M{x:.1f} {y:.1f}l{-long * 0.22:.1f} {long:.1f}"
        scene.drawing.stroke(path, "#dbe9ff", max(0.7, scene.unit * (0.001 + 0.0014 * near)), 0.42)
    deep = scene.height - scene.horizon
    for _ in range(scene.many(22)):
        share = chance.random()
        x, y = chance.random() * scene.width, scene.horizon + deep * (0.15 + 0.85 * share)
        half = scene.unit * (0.006 + 0.014 * share)
        path = f"M{x - half:.1f} {y:.1f}a{half:.1f} {half * 0.3:.1f} 0 1 0 {2 * half:.1f} 0"
        scene.drawing.stroke(path, "#e6f0ff", max(0.7, scene.unit * 0.0014), 0.5)


def _fog(scene: Scene) -> None:
    chance = scene.dice("fog")
    tone = scene.palette.haze
    for _ in range(scene.many(9)):
        x = chance.random() * scene.width
        y = scene.horizon + chance.uniform(-0.28, 0.3) * scene.unit
        reach = scene.unit * chance.uniform(0.35, 0.7)
        scene.drawing.glow(x, y, reach, tone, 0.5, reach * 0.24)


def _petals(scene: Scene) -> None:
    _drift(scene, "cherry-blossom", 34)


def _leaves(scene: Scene) -> None:
    _drift(scene, "maple-leaf", 24)


def _drift(scene: Scene, name: str, count: int) -> None:
    """Small things carried by the wind, over the whole canvas but its middle."""
    chance = scene.dice(name)
    sprite = sprites.of_icon(name)
    for _ in range(scene.many(count)):
        x, y = chance.random(), chance.random()
        # Nothing before the faces.
        if 0.3 < x < 0.7 and 0.3 < y < 0.75:
            continue
        size = scene.unit * chance.uniform(0.016, 0.042)
        px, py = x * scene.width, y * scene.height
        scale = size / 128
        place_sprite(
            scene.drawing,
            sprite.body,
            (px - 64 * scale, py - 64 * scale),
            scale,
            turn=(chance.uniform(0, 360), px, py),
            opacity=0.92,
        )


def _fireflies(scene: Scene) -> None:
    chance = scene.dice("fireflies")
    for _ in range(scene.many(34)):
        x, y = chance.random() * scene.width, chance.uniform(0.25, 0.96) * scene.height
        size = scene.unit * chance.uniform(0.008, 0.02)
        scene.drawing.glow(x, y, size, "#ffe98a", 0.9)
        scene.drawing.circle(x, y, size * 0.16, "#fffbe0")


def _embers(scene: Scene) -> None:
    chance = scene.dice("embers")
    glow = scene.drawing.gradient((0, "#ff6a1f", 0), (1, "#ff6a1f", 0.55))
    scene.drawing.rect(
        0, scene.horizon - scene.unit * 0.3, scene.width, scene.unit * 0.32, glow, 0.6
    )
    fire = sprites.of_icon("fire")
    for _ in range(scene.many(7)):
        x, size = chance.random() * scene.width, scene.unit * chance.uniform(0.06, 0.13)
        y = scene.horizon + scene.unit * chance.uniform(0.0, 0.08)
        place_sprite(scene.drawing, fire.body, (x - size / 2, y - size), size / 128, opacity=0.95)
    for _ in range(scene.many(60)):
        x, y = chance.random() * scene.width, chance.random() * scene.height
        scene.drawing.circle(x, y, scene.unit * chance.uniform(0.001, 0.004), "#ffb04a", 0.9)


def _confetti(scene: Scene) -> None:
    chance = scene.dice("confetti")
    tones = ("#ff5d8f", "#ffd23f", "#3bceac", "#4361ee", "#f3722c", "#9b5de5")
    for _ in range(scene.many(70)):
        x, y = chance.random() * scene.width, chance.random() ** 1.4 * scene.height * 0.9
        size = scene.unit * chance.uniform(0.006, 0.013)
        turn = f"rotate({chance.uniform(0, 360):.0f} {x:.1f} {y:.1f})"
        scene.drawing.add(f'<g transform="{turn}">')
        scene.drawing.rect(x, y, size, size * 0.5, chance.choice(tones), 0.9)
        scene.drawing.add("</g>")


_PAINTERS: Mapping[str, Callable[[Scene], None]] = MappingProxyType(
    {
        "fog": _fog,
        "embers": _embers,
        "snowfall": _snowfall,
        "rain": _rain,
        "storm": _rain,
        "petals": _petals,
        "leaves": _leaves,
        "fireflies": _fireflies,
        "confetti": _confetti,
    }
)
