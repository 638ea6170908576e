"""Water: the sea to the horizon, what lies in it, and the light under it."""

from .colours import darker, lighter, mix
from .drawing import hazy
from .scenes import Scene


def sea(scene: Scene) -> None:
    """Water from the horizon on, with the sky's colours in it and a path of light."""
    beach = scene.place.name in {"beach", "shore"}
    deep, near = ("#3f9fd8", "#0f4f8c") if scene.time == "day" else ("#2a5f9e", "#0d2f5c")
    if scene.time in {"sunset", "dawn"}:
        deep, near = (
            mix(scene.palette.haze, "#b8607a", 0.35),
            mix(scene.palette.sky[0], "#2a3a78", 0.4),
        )
    if scene.time == "night":
        deep, near = "#24458a", "#0a1738"
    if scene.idea.weather & {"storm", "rain"}:
        deep, near = mix(deep, "#5b6b78", 0.6), mix(near, "#22303c", 0.6)
    far = mix(deep, scene.palette.haze, 0.25)
    fill = scene.drawing.gradient((0, far, 1), (0.25, deep, 1), (1, near, 1))
    scene.drawing.rect(0, scene.horizon, scene.width, scene.height - scene.horizon, fill)
    _glitter(scene)
    _waves(scene, lighter(deep, 0.55), near)
    if beach:
        _sand(scene)


def _glitter(scene: Scene) -> None:
    # Without a sun there is nothing to glitter.
    if scene.idea.weather & {"storm", "rain", "fog"}:
        return
    # The same draws as the sky made, so that the glitter lies under the sun.
    chance, left = scene.dice("light"), scene.dice("light").random() < 0.5
    chance.random()
    x = scene.width * (chance.uniform(0.14, 0.26) if left else chance.uniform(0.74, 0.86))
    sparkle = scene.dice("glitter")
    deep = scene.height - scene.horizon
    for _ in range(scene.many(46)):
        share = sparkle.random() ** 1.3
        half = scene.unit * (0.01 + 0.05 * share) * sparkle.uniform(0.4, 1.3)
        spread = scene.unit * (0.03 + 0.16 * share)
        scene.drawing.ellipse(
            x + sparkle.uniform(-spread, spread),
            scene.horizon + deep * share * 0.8,
            half,
            max(0.8, half * 0.07),
            scene.palette.sun,
            0.5 * (1 - 0.5 * share),
        )


def _waves(scene: Scene, crest: str, trough: str) -> None:
    chance = scene.dice("waves")
    deep = scene.height - scene.horizon
    # Storm waves are steep.
    rough = 2.2 if "storm" in scene.idea.weather else 1.0
    for _ in range(scene.many(80)):
        share = chance.random() ** 1.4
        x, y = chance.random() * scene.width, scene.horizon + deep * share
        half = scene.unit * (0.012 + 0.06 * share)
        rise = half * 0.13 * rough
        path = f"M{x - half:.1f} {y:.1f}q{half * 0.5:.1f} {-rise:.1f} {half:.1f} 0t{half:.1f} 0"
        tone = crest if chance.random() < 0.65 else trough
        scene.drawing.stroke(path, tone, max(0.7, scene.unit * 0.0035 * (0.3 + share)), 0.42)


def _sand(scene: Scene) -> None:
    far, near = scene.palette.ground
    line = scene.wave(
        scene.horizon + (scene.height - scene.horizon) * 0.36, scene.unit * 0.03, "sand"
    )
    foam = [(x, y - scene.unit * 0.016) for x, y in line]
    scene.drawing.polygon(scene.below(foam), "#ffffff", 0.75)
    wet = scene.drawing.gradient((0, mix(near, "#8a6a4a", 0.35), 1), (0.12, far, 1), (1, near, 1))
    scene.drawing.polygon(scene.below(line), wet)
    chance = scene.dice("grains")
    for _ in range(scene.many(40)):
        x = chance.random() * scene.width
        y = scene.height * chance.uniform(0.78, 1.0)
        scene.drawing.circle(x, y, scene.unit * 0.0025, darker(near, 0.3), 0.4)


def isles(scene: Scene) -> None:
    """Low land on the horizon."""
    chance = scene.dice("isles")
    for at in range(2):
        x = scene.width * (chance.uniform(0.0, 0.35) if at else chance.uniform(0.65, 1.0))
        half, tall = (
            scene.unit * chance.uniform(0.18, 0.34),
            scene.unit * chance.uniform(0.03, 0.075),
        )
        tone = hazy("#4d6b78", scene.palette.haze, 0.55 + 0.15 * at)
        y = scene.horizon + 2
        path = (
            f"M{x - half:.1f} {y:.1f}Q{x - half * 0.4:.1f} {y - tall * 1.6:.1f} {x:.1f} {y - tall:.1f}"
            f"T{x + half:.1f} {y:.1f}Z"
        )
        scene.drawing.path(path, tone)


def depths(scene: Scene) -> None:
    """Light from above, bubbles, and dim rocks."""
    chance = scene.dice("depths")
    for _ in range(scene.many(7)):
        x, half = chance.uniform(-0.1, 1.0) * scene.width, scene.unit * chance.uniform(0.02, 0.07)
        lean = scene.unit * chance.uniform(0.05, 0.25)
        fill = scene.drawing.gradient((0, "#ffffff", 0.22), (1, "#ffffff", 0))
        low = scene.height * 0.85
        scene.drawing.polygon(
            [(x, 0), (x + half, 0), (x + half * 2.4 + lean, low), (x + lean, low)], fill
        )
    for row in (0, 1):
        tone = mix(scene.palette.sky[2], "#06264a", 0.25 + 0.2 * row)
        y = scene.horizon - scene.unit * (0.09 - 0.05 * row)
        scene.drawing.polygon(scene.below(scene.wave(y, scene.unit * 0.07, f"rocks{row}")), tone)
    for _ in range(scene.many(26)):
        x, y = chance.random() * scene.width, chance.random() * scene.height * 0.9
        radius = scene.unit * chance.uniform(0.003, 0.012)
        scene.drawing.circle(x, y, radius, "#ffffff", 0.18)
        scene.drawing.circle(x - radius * 0.3, y - radius * 0.35, radius * 0.3, "#ffffff", 0.6)
