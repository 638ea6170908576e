"""Land: mountains and hills far away, and the ground that everything stands on."""

from random import Random

from .colours import darker, lighter, mix
from .drawing import Point, hazy
from .scenes import Scene


def paint_ground(scene: Scene) -> None:
    """The ground from the horizon to the lower edge, with light and shade on it."""
    far, near = scene.palette.ground
    line = scene.wave(scene.horizon, scene.unit * 0.012, "ground")
    scene.drawing.polygon(scene.below(line), scene.drawing.gradient((0, far, 1), (1, near, 1)))
    chance = scene.dice("patches")
    deep = scene.height - scene.horizon
    for _ in range(scene.many(9)):
        share = chance.random()
        x, y = chance.random() * scene.width, scene.horizon + deep * (0.08 + 0.9 * share)
        tone = lighter(far, 0.25) if chance.random() < 0.55 else darker(near, 0.18)
        reach = scene.unit * (0.08 + 0.2 * share)
        scene.drawing.glow(x, y, reach, tone, 0.3, reach * 0.16)
    if scene.place.name in {
        "meadow",
        "hills",
        "forest",
        "jungle",
        "mountain",
        "tulips",
        "sunflowers",
    }:
        grass(scene)


def grass(scene: Scene) -> None:
    """Tufts, larger the nearer they are."""
    chance = scene.dice("grass")
    far, near = scene.palette.ground
    deep = scene.height - scene.horizon
    for _ in range(scene.many(80)):
        share = chance.random() ** 0.8
        x, y = chance.random() * scene.width, scene.horizon + deep * (0.06 + 0.96 * share)
        size = scene.unit * (0.006 + 0.028 * share)
        tone = mix(lighter(far, 0.15), darker(near, 0.3), chance.random())
        blades = "".join(
            f"M{x:.1f} {y:.1f}q{lean * 0.3 * size:.1f} {-size * 0.6:.1f} {lean * size:.1f} {-size:.1f}"
            for lean in (-0.55, 0.05, 0.6)
        )
        scene.drawing.stroke(blades, tone, max(0.8, size * 0.11), 0.75)


def peaks(scene: Scene) -> None:
    """A range of mountains in two rows, capped with snow where it is high or cold."""
    chance = scene.dice("peaks")
    volcanic = scene.place.name == "volcano"
    rock = "#4a3238" if volcanic else "#7487a3"
    for row, distance in ((0, 0.62), (1, 0.36)):
        tone = hazy(rock, scene.palette.haze, distance)
        # Rock by moonlight.
        if scene.palette.gloom:
            tone = mix(tone, "#101b40", 0.4)
        count = scene.many(4 + row) if scene.detail >= 1 else 4
        for at in range(count + 1):
            x = scene.width * (at + chance.uniform(-0.3, 0.3)) / count
            tall = scene.unit * chance.uniform(0.2, 0.36) * (1.0 if row == 0 else 0.7)
            base = scene.horizon + scene.unit * 0.05
            _mountain(scene, (x, base - tall), base, tall * chance.uniform(0.85, 1.2), tone, chance)


def _mountain(
    scene: Scene, top: Point, base: float, half: float, tone: str, chance: Random
) -> None:
    left = _jagged((top[0] - half, base), top, chance)
    right = _jagged(top, (top[0] + half, base), chance)
    scene.drawing.polygon([*left, *right], tone)
    # The side away from the light gives a mountain its edge.
    spine = _jagged(top, (top[0] + half * 0.12, base), chance, 0.16)
    scene.drawing.polygon([*right, *reversed(spine)], "#0c1634", 0.17)
    if scene.place.name in {"snow", "mountain"}:
        white = mix("#ffffff", scene.palette.haze, 0.25 if not scene.palette.gloom else 0.5)
        cap = [p for p in left if p[1] < top[1] + (base - top[1]) * 0.36]
        down = [p for p in right if p[1] < top[1] + (base - top[1]) * 0.33]
        edge = _zigzag(down[-1], cap[0], chance)
        scene.drawing.polygon([*cap, *down, *edge], white, 0.95)
        shade = [*down, *[p for p in edge if p[0] > top[0]], (top[0], top[1] + half * 0.24)]
        scene.drawing.polygon(shade, "#5b7bb0", 0.25)


def _jagged(start: Point, end: Point, chance: Random, rough: float = 0.05) -> list[Point]:
    """A broken line between two points."""
    steps = 9
    line = [start]
    for step in range(1, steps):
        share = step / steps
        shift = chance.uniform(-rough, rough) * abs(end[1] - start[1])
        x = start[0] + (end[0] - start[0]) * share + shift
        line.append((x, start[1] + (end[1] - start[1]) * share + shift * 0.4))
    return [*line, end]


def _zigzag(start: Point, end: Point, chance: Random) -> list[Point]:
    """The lower edge of snow: tongues that reach down."""
    steps = 6
    reach = abs(end[0] - start[0]) * 0.2
    return [
        (
            start[0] + (end[0] - start[0]) * step / steps,
            start[1]
            + (end[1] - start[1]) * step / steps
            + (reach * chance.uniform(0.5, 1.1) if step % 2 else -reach * 0.3),
        )
        for step in range(1, steps)
    ]


def hills(scene: Scene) -> None:
    """Three rows of hills, paler the farther."""
    for row, (rise, distance) in enumerate(((0.1, 0.62), (0.055, 0.42), (0.015, 0.2))):
        tone = hazy(scene.palette.ground[1], scene.palette.haze, distance)
        y = scene.horizon - rise * scene.unit
        line = scene.wave(y, scene.unit * 0.045, f"hills{row}")
        fill = scene.drawing.gradient((0, lighter(tone, 0.1), 1), (0.5, tone, 1))
        scene.drawing.polygon(scene.below(line), fill)


def treeline(scene: Scene) -> None:
    """The edge of a wood: rows of tree tops fading into the air."""
    conifers = scene.place.name != "jungle"
    for row, (rise, distance) in enumerate(((0.16, 0.7), (0.09, 0.5), (0.03, 0.3))):
        chance = scene.dice(f"treeline{row}")
        tone = hazy(darker(scene.palette.ground[1], 0.25), scene.palette.haze, distance)
        y = scene.horizon - rise * scene.unit
        scene.drawing.polygon(
            scene.below(scene.wave(y + scene.unit * 0.05, scene.unit * 0.02, f"t{row}")), tone
        )
        for _ in range(scene.many(30)):
            x, tall = chance.random() * scene.width, scene.unit * chance.uniform(0.1, 0.22)
            foot = y + scene.unit * 0.07
            if conifers and chance.random() < 0.7:
                _conifer(scene, x, foot, tall, tone)
            else:
                scene.drawing.ellipse(x, foot - tall * 0.55, tall * 0.3, tall * 0.42, tone)
                scene.drawing.rect(
                    x - tall * 0.03, foot - tall * 0.3, tall * 0.06, tall * 0.3, tone
                )


def _conifer(scene: Scene, x: float, foot: float, tall: float, tone: str) -> None:
    corners: list[Point] = []
    for tier, (up, half) in enumerate(
        ((1.0, 0.0), (0.66, 0.13), (0.7, 0.07), (0.34, 0.19), (0.38, 0.1), (0, 0.25))
    ):
        corners.append((x + half * tall, foot - up * tall))
        corners.insert(0, (x - half * tall, foot - up * tall)) if tier else None
    scene.drawing.polygon(corners, tone)


def dunes(scene: Scene) -> None:
    """Waves of sand with a lit and a shaded side."""
    for row, (rise, distance) in enumerate(((0.09, 0.5), (0.045, 0.3), (0.0, 0.1))):
        tone = hazy(scene.palette.ground[row == 2], scene.palette.haze, distance)
        line = scene.wave(scene.horizon - rise * scene.unit, scene.unit * 0.05, f"dunes{row}", 40)
        scene.drawing.polygon(scene.below(line), tone)
        lee = [
            (x, y + max(0.0, (x - lx)) * 0.0 + scene.unit * 0.028)
            for (x, y), (lx, _) in zip(line, line, strict=True)
        ]
        scene.drawing.polygon([*line, *reversed(lee)], lighter(tone, 0.3), 0.7)


def mesas(scene: Scene) -> None:
    """Flat-topped rocks on the horizon."""
    chance = scene.dice("mesas")
    for _ in range(scene.many(5)):
        x, half = chance.random() * scene.width, scene.unit * chance.uniform(0.05, 0.16)
        tall = scene.unit * chance.uniform(0.05, 0.17)
        tone = hazy("#a04f36", scene.palette.haze, chance.uniform(0.25, 0.6))
        y = scene.horizon + scene.unit * 0.03
        outline = [
            (x - half * 1.5, y),
            (x - half, y - tall),
            (x + half * 0.9, y - tall),
            (x + half * 1.4, y),
        ]
        scene.drawing.polygon(outline, tone)
        scene.drawing.polygon(
            [
                (x + half * 0.3, y - tall),
                (x + half * 0.9, y - tall),
                (x + half * 1.4, y),
                (x + half * 0.5, y),
            ],
            "#3a1210",
            0.18,
        )


def furrows(scene: Scene) -> None:
    """Fields on a far slope, as strips that run to one point."""
    chance = scene.dice("furrows")
    x0, y0 = scene.width * chance.uniform(0.3, 0.7), scene.horizon - scene.unit * 0.02
    tones = ("#d9c65a", "#9ccb5a", "#c7b04e", "#7fb54f")
    for strip in range(-4, 4):
        left, right = strip * 0.28, strip * 0.28 + 0.2
        y1 = scene.horizon + scene.unit * 0.1
        tone = hazy(tones[strip % 4], scene.palette.ground[0], 0.55)
        corners = [
            (x0 + left * scene.unit * 0.35, y0),
            (x0 + right * scene.unit * 0.35, y0),
            (x0 + right * scene.unit * 1.6, y1),
            (x0 + left * scene.unit * 1.6, y1),
        ]
        scene.drawing.polygon(corners, tone, 0.0 if scene.palette.gloom else 0.4)


def craters(scene: Scene) -> None:
    """Craters on the ground of a moon or planet: painted after the ground."""
    chance = scene.dice("craters")
    deep = scene.height - scene.horizon
    for _ in range(scene.many(12)):
        share = chance.random()
        x, y = chance.random() * scene.width, scene.horizon + deep * (0.1 + 0.88 * share)
        size = scene.unit * (0.015 + 0.07 * share)
        scene.drawing.ellipse(x, y, size, size * 0.3, darker(scene.palette.ground[1], 0.25), 0.5)
        scene.drawing.ellipse(
            x, y + size * 0.06, size * 0.9, size * 0.24, scene.palette.ground[0], 0.55
        )


def lava(scene: Scene) -> None:
    """Glowing streams on dark ground."""
    chance = scene.dice("lava")
    deep = scene.height - scene.horizon
    for _ in range(scene.many(6)):
        x, y = chance.random() * scene.width, scene.horizon
        path = f"M{x:.1f} {y:.1f}"
        for _ in range(6):
            x += chance.uniform(-0.12, 0.12) * scene.unit
            y += deep / 5
            path += f"L{x:.1f} {y:.1f}"
        scene.drawing.stroke(path, "#ff5a1f", scene.unit * 0.03, 0.5)
        scene.drawing.stroke(path, "#ffc23d", scene.unit * 0.01, 0.95)
