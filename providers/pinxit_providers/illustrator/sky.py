"""The sky: its colour, its lights and its clouds."""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from .colours import mix
from .scenes import Scene


def paint_sky(scene: Scene) -> None:
    """The sky behind everything, with what belongs in it at this hour."""
    top, middle, low = scene.palette.sky
    fill = scene.drawing.gradient((0, top, 1), (0.55, middle, 1), (1, low, 1))
    reach = max(scene.horizon * 1.04, scene.height * 0.5)
    if reach < scene.height:
        scene.drawing.rect(0, reach - 1, scene.width, scene.height - reach + 1, low)
    scene.drawing.rect(0, 0, scene.width, reach, fill)
    if scene.place.name == "underwater":
        return
    if scene.place.name in {"space", "moon"} or scene.time == "night":
        stars(scene)
    if scene.place.name not in {"space", "moon"}:
        light(scene)
        clouds(scene)
    for name, painter in _LIGHTS.items():
        if name in scene.idea.weather:
            painter(scene)


def stars(scene: Scene) -> None:
    """Many faint stars, a few bright ones."""
    if "stars" in scene.idea.without:
        return
    chance = scene.dice("stars")
    count = 190 if scene.place.name == "space" else 110
    for _ in range(scene.many(count)):
        # Most stars are faint, as in the sky.
        bright = chance.random() ** 4
        radius = scene.unit * (0.0008 + 0.0019 * bright)
        tone = chance.choice(("#ffffff", "#ffffff", "#dfe8ff", "#fff1d0"))
        x, y = chance.random() * scene.width, chance.random() * scene.horizon
        scene.drawing.circle(x, y, radius, tone, 0.35 + 0.6 * bright)
        if bright > 0.6:
            scene.drawing.glow(x, y, radius * 7, tone, 0.5)


def light(scene: Scene) -> None:
    """The sun or the moon, with its glow."""
    chance = scene.dice("light")
    names = {subject.name for subject in scene.idea.subjects}
    weather = scene.idea.weather
    night = scene.time == "night"
    asked = names & {"full-moon", "crescent-moon", "sun", "full-moon-face"}
    # The sea draws the same two numbers for its path of light: they come first, in this order.
    left = chance.random() < 0.5
    x = scene.width * (chance.uniform(0.14, 0.26) if left else chance.uniform(0.74, 0.86))
    if scene.idea.without & ({"full-moon", "moon"} if night else {"sun"}):
        return
    if weather & {"rain", "storm", "clouds", "fog", "snowstorm"} and not asked:
        return
    if night:
        _moon(scene, x, scene.horizon * 0.26, scene.unit * (0.085 if asked else 0.058))
        return
    # The sun of an evening stands near the horizon, larger and softer.
    low = scene.time in {"sunset", "dawn"}
    y = scene.horizon * (0.7 if low else 0.24)
    radius = scene.unit * (0.062 if low else 0.05)
    tone = scene.palette.sun
    scene.drawing.glow(x, y, scene.unit * 0.28, tone, 0.65 if low else 0.5)
    scene.drawing.glow(x, y, scene.unit * 0.16, "#ffffff", 0.6)
    scene.drawing.circle(x, y, radius, tone)


def _moon(scene: Scene, x: float, y: float, radius: float) -> None:
    scene.drawing.glow(x, y, radius * 4.2, "#b9cdfa", 0.42)
    scene.drawing.glow(x, y, radius * 2.2, "#eef2ff", 0.5)
    scene.drawing.circle(x, y, radius, scene.palette.sun)
    shade = mix(scene.palette.sun, "#8e93a8", 0.28)
    for dx, dy, size in (
        (-0.35, -0.2, 0.2),
        (0.3, 0.32, 0.26),
        (0.22, -0.42, 0.13),
        (-0.2, 0.45, 0.12),
    ):
        scene.drawing.circle(x + dx * radius, y + dy * radius, size * radius, shade, 0.7)


def clouds(scene: Scene) -> None:
    """Soft heaps of cloud, more of them in bad weather."""
    if "clouds" in scene.idea.without or "cloud" in scene.idea.without:
        return
    chance = scene.dice("clouds")
    weather = scene.idea.weather
    heavy = bool(weather & {"rain", "storm", "clouds"})
    # Clouds would hide the stars that make it night.
    if scene.time == "night" and not heavy:
        return
    count = 9 if heavy else 4
    dark = mix(scene.palette.sky[1], "#ffffff", 0.12 if "storm" in weather else 0.3)
    tone = (
        dark
        if heavy
        else {"day": "#ffffff", "sunset": "#ffc2a3", "dawn": "#fff0ea"}.get(scene.time, "#8393b8")
    )
    for _ in range(scene.many(count)):
        x = chance.uniform(-0.05, 1.05) * scene.width
        y = scene.horizon * chance.uniform(0.08, 0.3 if heavy else 0.55)
        size = scene.unit * chance.uniform(0.08, 0.15) * (1.5 if heavy else 1.0)
        cloud(scene, x, y, size * (1.0 if y < scene.horizon * 0.3 else 0.65), tone, chance)


def cloud(scene: Scene, x: float, y: float, size: float, tone: str, chance: Random) -> None:
    """One cloud: puffs on a flat base, brighter above than below."""
    under = mix(tone, scene.palette.sky[1], 0.45)
    puffs = ((-1.0, 0.42), (-0.52, 0.68), (0.05, 0.85), (0.6, 0.62), (1.08, 0.4))
    sizes = [radius * size * chance.uniform(0.85, 1.12) for _, radius in puffs]
    for drop, shade in ((size * 0.07, under), (0.0, tone)):
        for (offset, _), r in zip(puffs, sizes, strict=True):
            scene.drawing.ellipse(x + offset * size, y - r * 0.45 + drop, r * 0.95, r * 0.7, shade)
        scene.drawing.ellipse(x, y - size * 0.04 + drop, size * 1.35, size * 0.2, shade)


def _aurora(scene: Scene) -> None:
    chance = scene.dice("aurora")
    high = scene.horizon
    for _ in range(4):
        tone = chance.choice(("#46f5ae", "#3fe0c5", "#7df08a", "#a88bfa"))
        fill = scene.drawing.gradient(
            (0, tone, 0), (0.55, tone, 0.34), (0.9, tone, 0.5), (1, tone, 0)
        )
        base = high * chance.uniform(0.45, 0.8)
        line = scene.wave(base, high * 0.16, f"aurora{chance.random()}", 44)
        width = scene.width / 44
        for x, y in line:
            tall = high * chance.uniform(0.32, 0.5)
            scene.drawing.rect(x - width * 0.5, y - tall, width * 1.5, tall, fill, 0.5)


def _rainbow(scene: Scene) -> None:
    bands = ("#e5484d", "#f2913d", "#f7d64a", "#58b368", "#4a90d9", "#7a5cc7")
    x, radius = scene.width * 0.5, min(scene.width * 0.46, scene.horizon * 0.86)
    step = scene.unit * 0.014
    for at, tone in enumerate(bands):
        r = radius - at * step
        y = scene.horizon * 1.02
        arc = f"M{x - r:.1f} {y:.1f}A{r:.1f} {r:.1f} 0 0 1 {x + r:.1f} {y:.1f}"
        scene.drawing.stroke(arc, tone, step * 1.05, 0.5)


def _fireworks(scene: Scene) -> None:
    chance = scene.dice("fireworks")
    for _ in range(scene.many(5)):
        x, y = chance.uniform(0.1, 0.9) * scene.width, chance.uniform(0.12, 0.5) * scene.horizon
        radius = scene.unit * chance.uniform(0.09, 0.17)
        tone = chance.choice(("#ff6b6b", "#ffd166", "#6bcBff", "#c77dff", "#7bf1a8", "#ff9ecb"))
        scene.drawing.glow(x, y, radius * 1.2, tone, 0.35)
        for ray in range(18):
            dx, dy = _direction(ray / 18)
            ends = f"M{x + dx * radius * 0.25:.1f} {y + dy * radius * 0.25:.1f}"
            ends += f"L{x + dx * radius:.1f} {y + dy * radius + radius * 0.08:.1f}"
            scene.drawing.stroke(ends, tone, scene.unit * 0.0035, 0.9)
            scene.drawing.circle(
                x + dx * radius, y + dy * radius + radius * 0.08, scene.unit * 0.004, "#fff8e0"
            )


def _direction(turn: float) -> tuple[float, float]:
    from math import cos, pi, sin

    # Libraries differ in the last bits of a cosine; a picture must not.
    return (round(cos(2 * pi * turn), 6), round(sin(2 * pi * turn), 6))


def _lightning(scene: Scene) -> None:
    chance = scene.dice("lightning")
    for _ in range(2):
        x, y = chance.uniform(0.15, 0.85) * scene.width, scene.horizon * 0.1
        corners = [f"M{x:.1f} {y:.1f}"]
        while y < scene.horizon * 0.96:
            x += chance.uniform(-0.05, 0.05) * scene.unit
            y += chance.uniform(0.05, 0.09) * scene.unit
            corners.append(f"L{x:.1f} {y:.1f}")
        scene.drawing.stroke("".join(corners), "#c9d8ff", scene.unit * 0.016, 0.25)
        scene.drawing.stroke("".join(corners), "#ffffff", scene.unit * 0.005, 0.95)
        scene.drawing.glow(x, y, scene.unit * 0.2, "#dfe8ff", 0.6)


def _shooting(scene: Scene) -> None:
    chance = scene.dice("shooting")
    for _ in range(3):
        x, y = chance.uniform(0.2, 0.9) * scene.width, chance.uniform(0.06, 0.4) * scene.horizon
        length = scene.unit * chance.uniform(0.1, 0.2)
        fill = f"M{x:.1f} {y:.1f}l{length:.1f} {-length * 0.4:.1f}l0 {scene.unit * 0.004:.1f}Z"
        scene.drawing.path(fill, "#ffffff", 0.75)
        scene.drawing.glow(x, y, scene.unit * 0.012, "#ffffff", 0.9)


_LIGHTS: Mapping[str, Callable[[Scene], None]] = MappingProxyType(
    {
        "aurora": _aurora,
        "rainbow": _rainbow,
        "fireworks": _fireworks,
        "storm": _lightning,
        "stars": _shooting,
    }
)
