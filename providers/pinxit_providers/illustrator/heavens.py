"""Places without ground: among the stars and above the clouds."""

from .scenes import Scene
from .sky import cloud


def nebula(scene: Scene) -> None:
    """Veils of gas, a far galaxy and a planet or two."""
    chance = scene.dice("nebula")
    tones = ("#7b2cbf", "#e0559a", "#22a8cf", "#4361ee", "#ff8a5c")
    # Large soft clouds of colour; more of them turn to mud.
    for _ in range(6):
        x, y = chance.random() * scene.width, chance.random() * min(scene.horizon, scene.height)
        scene.drawing.glow(x, y, scene.unit * chance.uniform(0.2, 0.48), chance.choice(tones), 0.32)
    _galaxy(scene)
    for at in range(2):
        radius = scene.unit * chance.uniform(0.035, 0.085)
        x = scene.width * (chance.uniform(0.08, 0.24) if at else chance.uniform(0.78, 0.92))
        y = min(scene.horizon, scene.height) * chance.uniform(0.12, 0.42)
        _planet(scene, x, y, radius, chance.choice(("#d98a5c", "#5fa3c9", "#b7a3d9", "#79b58a")))


def _planet(scene: Scene, x: float, y: float, radius: float, tone: str) -> None:
    scene.drawing.glow(x, y, radius * 1.7, tone, 0.4)
    scene.drawing.circle(x, y, radius, tone)
    for band in (-0.4, 0.0, 0.38):
        half = radius * (0.9 - abs(band) * 0.45)
        scene.drawing.ellipse(x, y + band * radius, half, radius * 0.09, "#ffffff", 0.22)
    # The side away from the sun.
    shade = (
        f"M{x:.1f} {y - radius:.1f}A{radius:.1f} {radius:.1f} 0 0 1 {x:.1f} {y + radius:.1f}"
        f"A{radius * 1.5:.1f} {radius * 1.5:.1f} 0 0 0 {x:.1f} {y - radius:.1f}Z"
    )
    scene.drawing.path(shade, "#04030f", 0.4)


def _galaxy(scene: Scene) -> None:
    chance = scene.dice("galaxy")
    x = scene.width * chance.choice((0.26, 0.74))
    y = min(scene.horizon, scene.height) * chance.uniform(0.2, 0.4)
    reach = scene.unit * 0.24
    scene.drawing.add(f'<g transform="rotate({chance.uniform(-35, 35):.0f} {x:.1f} {y:.1f})">')
    scene.drawing.glow(x, y, reach, "#8fa8ff", 0.5, reach * 0.34)
    scene.drawing.glow(x, y, reach * 0.6, "#ffd9f0", 0.6, reach * 0.2)
    scene.drawing.glow(x, y, reach * 0.22, "#fff7e0", 0.95, reach * 0.12)
    for _ in range(scene.many(60)):
        dx, dy = chance.gauss(0, 0.45), chance.gauss(0, 0.13)
        scene.drawing.circle(x + dx * reach, y + dy * reach, scene.unit * 0.0014, "#ffffff", 0.8)
    scene.drawing.add("</g>")


def cloudbank(scene: Scene) -> None:
    """A sea of clouds below."""
    chance = scene.dice("cloudbank")
    tone = {"day": "#ffffff", "sunset": "#ffb998", "dawn": "#ffe3df"}.get(scene.time, "#6f80ad")
    for row in range(3):
        y = scene.height * (0.8 + 0.1 * row)
        for at in range(scene.many(6)):
            x = scene.width * (at + chance.uniform(0, 1)) / scene.many(6)
            cloud(scene, x, y, scene.unit * chance.uniform(0.14, 0.22), tone, chance)
