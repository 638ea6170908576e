"""Indoors: walls and windows, tables, stages and the seamless paper of a studio."""

from random import Random

from .colours import darker, lighter, mix
from .scenes import Scene

_PAPERS = ("#e9dcc6", "#cfdcd3", "#d9d3e3", "#e6cfc3", "#c9d8e2")


def wall(scene: Scene) -> None:
    """A papered wall with a skirting board, and the floor's boards."""
    chance = scene.dice("wall")
    paper = scene.idea.tint or chance.choice(_PAPERS)
    if scene.place.name == "library":
        paper = "#8a6a52"
    if scene.time == "night":
        paper = mix(paper, "#2c3358", 0.55)
    fill = scene.drawing.gradient((0, darker(paper, 0.12), 1), (1, lighter(paper, 0.15), 1))
    scene.drawing.rect(0, 0, scene.width, scene.horizon, fill)
    stripe = scene.unit * 0.06
    for at in range(int(scene.width / stripe) + 1):
        if at % 2:
            scene.drawing.rect(at * stripe, 0, stripe, scene.horizon, "#ffffff", 0.06)
    _floor(scene)
    board = lighter(paper, 0.6) if scene.time != "night" else lighter(paper, 0.2)
    scene.drawing.rect(
        0, scene.horizon - scene.unit * 0.035, scene.width, scene.unit * 0.035, board
    )
    if scene.place.name == "room":
        middle, y = scene.width / 2, scene.horizon + (scene.height - scene.horizon) * 0.62
        rug = chance.choice(("#b5524a", "#3f6f8f", "#7d8a4f", "#8a5a8f"))
        for share, tone in ((1.0, rug), (0.88, lighter(rug, 0.35)), (0.8, rug)):
            scene.drawing.ellipse(
                middle, y, scene.unit * 0.5 * share, scene.unit * 0.1 * share, tone
            )


def _floor(scene: Scene) -> None:
    far, near = scene.palette.ground
    if scene.time == "night":
        far, near = darker(far, 0.4), darker(near, 0.4)
    y = scene.horizon
    fill = scene.drawing.gradient((0, far, 1), (1, near, 1))
    scene.drawing.rect(0, y, scene.width, scene.height - y, fill)
    middle = scene.width / 2
    # Boards that run to one point make a floor of a brown rectangle.
    for at in range(-12, 13):
        x0, x1 = middle + at * scene.unit * 0.09, middle + at * scene.unit * 0.2
        path = f"M{x0:.1f} {y:.1f}L{x1:.1f} {scene.height:.1f}"
        scene.drawing.stroke(path, darker(near, 0.3), scene.unit * 0.003, 0.5)


def window(scene: Scene) -> None:
    """A window with the sky of the hour in it, and the light that it throws."""
    chance = scene.dice("window")
    side = chance.choice((0.2, 0.8))
    wide, high = scene.unit * 0.24, scene.horizon * 0.46
    x, y = scene.width * side - wide / 2, scene.horizon * 0.16
    top, _, low = scene.palette.sky
    rim = scene.unit * 0.014
    scene.drawing.rect(x - rim, y - rim, wide + 2 * rim, high + 2 * rim, "#f7f3ea")
    scene.drawing.rect(x, y, wide, high, scene.drawing.gradient((0, top, 1), (1, low, 1)))
    if scene.time == "night":
        scene.drawing.circle(x + wide * 0.7, y + high * 0.25, wide * 0.1, "#f7f3dc")
    if scene.place.name == "snow" or "snowfall" in scene.idea.weather:
        for _ in range(30):
            scene.drawing.circle(
                x + chance.random() * wide, y + chance.random() * high, rim * 0.2, "#ffffff"
            )
    scene.drawing.rect(x + wide / 2 - rim / 3, y, rim * 0.66, high, "#f7f3ea")
    scene.drawing.rect(x, y + high / 2 - rim / 3, wide, rim * 0.66, "#f7f3ea")
    for edge in (x - wide * 0.2, x + wide * 0.98):
        scene.drawing.rect(edge, y - rim * 2, wide * 0.22, high * 1.16, "#c96a5a", 0.9, rim)
    if scene.time != "night":
        scene.drawing.glow(
            scene.width * side, scene.horizon * 1.1, scene.unit * 0.5, "#fff3cf", 0.3
        )


def shelves(scene: Scene) -> None:
    """A wall of books."""
    chance = scene.dice("shelves")
    # Shelves as high as books are, whatever the canvas.
    row = scene.horizon / 4.6
    for shelf in range(5):
        y = shelf * row + row
        scene.drawing.rect(0, y - row, scene.width, row, "#4a2f1d", 0.85)
        _books(scene, y, row, chance)
        scene.drawing.rect(0, y, scene.width, row * 0.1, "#8a5c38")
    scene.drawing.rect(0, 0, scene.width, scene.horizon, "#2a1408", 0.2)


def _books(scene: Scene, y: float, row: float, chance: Random) -> None:
    x = 0.0
    tones = ("#a8443f", "#3f6690", "#c79a3c", "#4d7d55", "#6d4f86", "#d9cdb8", "#8a5a3a")
    while x < scene.width:
        wide, high = scene.unit * chance.uniform(0.014, 0.032), row * chance.uniform(0.55, 0.85)
        if chance.random() < 0.92:
            tone = chance.choice(tones)
            scene.drawing.rect(x, y - high, wide * 0.94, high, tone)
            scene.drawing.rect(x, y - high * 0.8, wide * 0.94, high * 0.06, "#f3e3b0", 0.6)
        x += wide


def blurred_room(scene: Scene) -> None:
    """A room out of focus, with warm lights, behind a table."""
    chance = scene.dice("blur")
    dark = scene.time == "night"
    top, low = ("#3b2f3a", "#6a4a3c") if dark else ("#b9a58e", "#e6d3b5")
    if scene.idea.tint:
        top, low = darker(scene.idea.tint, 0.1), lighter(scene.idea.tint, 0.3)
    scene.drawing.rect(
        0, 0, scene.width, scene.height, scene.drawing.gradient((0, top, 1), (1, low, 1))
    )
    for _ in range(scene.many(13)):
        x, y = chance.random() * scene.width, chance.uniform(0.05, 0.85) * scene.horizon
        tone = chance.choice(("#ffe0a3", "#fff0cf", "#ffcf8a", "#f7d9c0"))
        radius = scene.unit * chance.uniform(0.035, 0.085)
        scene.drawing.circle(x, y, radius, tone, 0.2 if not dark else 0.26)
        scene.drawing.circle(x, y, radius * 0.86, tone, 0.16)
    scene.drawing.glow(scene.width * 0.25, scene.horizon * 0.3, scene.unit * 0.6, "#fff4d9", 0.45)


def planks(scene: Scene) -> None:
    """The top of a wooden table, in perspective; painted as the ground."""
    far, near = scene.palette.ground
    y = scene.horizon
    fill = scene.drawing.gradient((0, lighter(far, 0.12), 1), (1, near, 1))
    scene.drawing.rect(0, y, scene.width, scene.height - y, fill)
    scene.drawing.rect(0, y, scene.width, scene.unit * 0.008, lighter(far, 0.45), 0.8)
    chance = scene.dice("planks")
    deep = scene.height - y
    for board in range(1, 5):
        line = y + deep * (board / 5) ** 1.5
        scene.drawing.rect(
            0, line, scene.width, max(1.0, scene.unit * 0.003), darker(near, 0.45), 0.6
        )
    for _ in range(scene.many(26)):
        share = chance.random()
        x, line = chance.random() * scene.width, y + deep * share
        long = scene.unit * chance.uniform(0.08, 0.3)
        path = f"M{x:.1f} {line:.1f}q{long / 2:.1f} {scene.unit * 0.006:.1f} {long:.1f} 0"
        scene.drawing.stroke(path, darker(near, 0.3), max(0.7, scene.unit * 0.002), 0.35)
    scene.drawing.glow(
        scene.width * 0.35, y + deep * 0.3, scene.unit * 0.55, "#fff1d0", 0.35, deep * 0.5
    )


def curtain(scene: Scene) -> None:
    """A red curtain and a beam of light."""
    folds = max(8, int(scene.width / (scene.unit * 0.075)))
    wide = scene.width / folds
    fill = scene.drawing.gradient(
        (0, "#5e1018", 1), (0.45, "#b3232f", 1), (1, "#4a0c14", 1), across=True
    )
    for fold in range(folds):
        scene.drawing.rect(fold * wide, 0, wide + 1, scene.horizon, fill)
    _floor(scene)
    beam = scene.drawing.gradient((0, "#fff6d8", 0.5), (1, "#fff6d8", 0.08))
    middle, low = scene.width / 2, scene.horizon + (scene.height - scene.horizon) * 0.7
    spread = scene.unit * 0.42
    scene.drawing.polygon(
        [
            (middle - spread * 0.1, 0),
            (middle + spread * 0.1, 0),
            (middle + spread, low),
            (middle - spread, low),
        ],
        beam,
    )
    scene.drawing.glow(middle, low, spread, "#fff3c8", 0.55, spread * 0.25)


def seamless(scene: Scene) -> None:
    """Studio paper without an edge, lit from above, in the tint asked for."""
    tint = scene.idea.tint or "#f3f1ee"
    # Paper that is pure white has no shadow to stand on.
    white = scene.idea.tint is None or scene.idea.tint == "#f7f5ef"
    base = "#f6f5f3" if white else lighter(tint, 0.3)
    fill = scene.drawing.gradient(
        (0, lighter(base, 0.1), 1), (0.68, base, 1), (1, darker(base, 0.1), 1)
    )
    scene.drawing.veil(fill)
    scene.drawing.glow(scene.width / 2, scene.height * 0.42, scene.unit * 0.62, "#ffffff", 0.55)
    y = scene.horizon
    scene.drawing.glow(
        scene.width / 2, y, scene.width * 0.8, darker(base, 0.35), 0.13, scene.unit * 0.06
    )
