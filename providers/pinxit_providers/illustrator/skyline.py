"""Cities: rows of buildings with lit windows, and the street before them."""

from random import Random

from .colours import darker, lighter, mix
from .drawing import hazy
from .scenes import Scene

_WALLS = ("#7d8fa8", "#9a8f9e", "#6f8796", "#a79888", "#8592a8", "#75809a")


def skyline(scene: Scene) -> None:
    """Three rows of buildings, the far ones pale and high."""
    rows: tuple[tuple[float, float, float], ...] = (
        (0.52, 0.7, 0.0),
        (0.4, 0.45, 0.02),
        (0.27, 0.18, 0.05),
    )
    if scene.place.name == "city":
        rows = ((0.5, 0.62, 0.0), (0.4, 0.25, 0.02))
    for row, (tall, distance, drop) in enumerate(rows):
        chance = scene.dice(f"buildings{row}")
        x = -scene.unit * 0.03
        foot = scene.horizon + drop * scene.height
        while x < scene.width:
            wide = scene.unit * chance.uniform(0.065, 0.13) * (1 + 0.2 * row)
            high = scene.height * tall * chance.uniform(0.5, 1.05)
            tone = hazy(_wall(scene, chance), scene.palette.haze, distance)
            _building(
                scene, (x, foot - high, wide, high + scene.height * 0.1), tone, distance, chance
            )
            x += wide * chance.uniform(1.0, 1.12)
    scene.drawing.rect(
        0,
        scene.horizon * 0.75,
        scene.width,
        scene.horizon * 0.3,
        scene.drawing.gradient((0, scene.palette.haze, 0), (1, scene.palette.haze, 0.35)),
    )


def _wall(scene: Scene, chance: Random) -> str:
    wall = chance.choice(_WALLS)
    if scene.time == "night":
        return mix(wall, "#0c1638", 0.78)
    return mix(wall, "#5d3a5e", 0.45) if scene.time == "sunset" else wall


def _building(
    scene: Scene, box: tuple[float, float, float, float], tone: str, distance: float, chance: Random
) -> None:
    x, y, wide, high = box
    scene.drawing.rect(x, y, wide, high, tone)
    scene.drawing.rect(x + wide * 0.72, y, wide * 0.28, high, "#050a20", 0.16)
    # Masts, attics and gables keep a row of boxes from looking like one.
    crown = chance.random()
    if crown < 0.22:
        scene.drawing.rect(
            x + wide * 0.47, y - scene.unit * 0.07, wide * 0.05, scene.unit * 0.07, tone
        )
    elif crown < 0.45:
        scene.drawing.rect(
            x + wide * 0.2, y - scene.unit * 0.025, wide * 0.6, scene.unit * 0.03, tone
        )
    elif crown < 0.58:
        top = y - scene.unit * 0.05
        scene.drawing.polygon([(x, y), (x + wide / 2, top), (x + wide, y)], tone)
    _windows(scene, box, tone, distance, chance)


def _windows(
    scene: Scene, box: tuple[float, float, float, float], tone: str, distance: float, chance: Random
) -> None:
    x, y, wide, high = box
    dark = scene.time in {"night", "sunset"}
    lit = ("#ffd98a", "#ffe7b3", "#ffc46b", "#cfe4ff")
    glass = (lighter(tone, 0.35), lighter(tone, 0.22), darker(tone, 0.18))
    columns, step = max(2, int(wide / (scene.unit * 0.019))), scene.unit * 0.027
    pane = wide / columns
    for row in range(int(high * 0.95 / step)):
        for column in range(columns):
            # Not everybody is at home.
            if chance.random() < (0.52 if dark else 0.2):
                continue
            tint = chance.choice(lit if dark else glass)
            scene.drawing.rect(
                x + (column + 0.27) * pane,
                y + (row + 0.5) * step,
                pane * 0.5,
                step * 0.56,
                tint,
                round((1.0 - (0.25 if dark else 0.5) * distance) * chance.uniform(0.75, 1.0), 1),
            )


def road(scene: Scene) -> None:
    """A street towards the viewer, wet and shining in rain; painted after the ground."""
    y, low = scene.horizon + scene.height * 0.02, scene.height
    middle = scene.width / 2
    far, near = scene.unit * 0.3, scene.unit * 1.05
    walk = mix(scene.palette.ground[0], "#b0b4ba", 0.25)
    scene.drawing.rect(0, y - scene.height * 0.02, scene.width, scene.height, walk)
    asphalt = scene.drawing.gradient(
        (0, scene.palette.ground[0], 1), (1, scene.palette.ground[1], 1)
    )
    scene.drawing.polygon(
        [(middle - far, y), (middle + far, y), (middle + near, low), (middle - near, low)], asphalt
    )
    for side in (-1, 1):
        edge = [(middle + side * far, y), (middle + side * far * 1.05, y)]
        edge += [(middle + side * near * 1.05, low), (middle + side * near, low)]
        scene.drawing.polygon(edge, lighter(walk, 0.35))
    for dash in range(6):
        # Dashes grow towards the viewer as perspective has it.
        top, bottom = (dash / 6) ** 1.7, ((dash + 0.5) / 6) ** 1.7
        half_top, half_low = (
            scene.unit * (0.004 + 0.014 * top),
            scene.unit * (0.004 + 0.014 * bottom),
        )
        y_top, y_low = y + (low - y) * top, y + (low - y) * bottom
        corners = [
            (middle - half_top, y_top),
            (middle + half_top, y_top),
            (middle + half_low, y_low),
            (middle - half_low, y_low),
        ]
        scene.drawing.polygon(corners, "#f0d873", 0.75)
    if scene.idea.weather & {"rain", "storm"} or scene.time == "night":
        _reflections(scene, y)


def _reflections(scene: Scene, y: float) -> None:
    chance = scene.dice("reflections")
    wet = bool(scene.idea.weather & {"rain", "storm"})
    for _ in range(scene.many(22 if wet else 9)):
        x = chance.random() * scene.width
        tone = chance.choice(("#ffd98a", "#ff8f6b", "#8fc7ff", "#ff7ab8", "#ffe7b3"))
        long = (scene.height - y) * chance.uniform(0.2, 0.75)
        fill = scene.drawing.gradient((0, tone, 0.5 if wet else 0.25), (1, tone, 0))
        scene.drawing.rect(
            x,
            y + chance.uniform(0, 0.3) * long,
            scene.unit * chance.uniform(0.006, 0.03),
            long,
            fill,
        )
