"""Pictures without a scene: geometric compositions, and emblems."""

from .colours import darker, lighter
from .composing import Cluster
from .figures import place_sprite
from .scenes import Scene

# Five colours each that go together; the first is the paper.
_SCHEMES = (
    ("#f4ede1", "#e4572e", "#17bebb", "#ffc914", "#2e282a"),
    ("#0f1b3d", "#f25f5c", "#ffe066", "#50b2c0", "#f2f5ea"),
    ("#fdf0e6", "#3d5a80", "#ee6c4d", "#98c1d9", "#293241"),
    ("#f1faee", "#e63946", "#457b9d", "#a8dadc", "#1d3557"),
    ("#1b1b2f", "#e43f5a", "#ffb400", "#2dc7b8", "#f5f0e1"),
    ("#fff8e7", "#6a4c93", "#1982c4", "#ffca3a", "#ff595e"),
)


def geometry(scene: Scene) -> None:
    """Circles, bars, triangles and arcs on a grid, in five colours that go together."""
    chance = scene.dice("geometry")
    scheme = list(chance.choice(_SCHEMES))
    if scene.idea.tint:
        scheme[1] = scene.idea.tint
    drawing = scene.drawing
    drawing.onto("backdrop")
    drawing.veil(scheme[0])
    # Few large tiles look composed, many small ones like wallpaper.
    cell = scene.unit / chance.choice((3, 4))
    columns, rows = -(-int(scene.width) // int(cell)), -(-int(scene.height) // int(cell))
    for row in range(rows):
        for column in range(columns):
            # Over two layers, so that the stages of an abstract picture differ as well.
            drawing.onto("backdrop" if chance.random() < 0.5 else "props")
            _tile(
                scene,
                column * cell,
                row * cell,
                cell,
                chance.sample(scheme, 3),
                chance.randrange(7),
            )
    drawing.onto("figures")
    for _ in range(3):
        x, y = chance.random() * scene.width, chance.random() * scene.height
        radius = scene.unit * chance.uniform(0.1, 0.22)
        drawing.circle(x, y, radius, chance.choice(scheme[1:]), 0.82)
        drawing.circle(x, y, radius * 0.62, scheme[0], 0.9)
        drawing.circle(x, y, radius * 0.3, chance.choice(scheme[1:]))


def _tile(scene: Scene, x: float, y: float, cell: float, tones: list[str], kind: int) -> None:
    drawing = scene.drawing
    drawing.rect(x, y, cell + 1, cell + 1, tones[0])
    if kind == 0:
        drawing.circle(x + cell / 2, y + cell / 2, cell * 0.38, tones[1])
    elif kind == 1:
        drawing.polygon([(x, y + cell), (x + cell, y + cell), (x + cell, y)], tones[1])
    elif kind == 2:
        drawing.path(_quarter(x, y, cell), tones[1])
        drawing.path(_quarter(x, y, cell * 0.6), tones[2])
    elif kind == 3:
        for bar in range(4):
            drawing.rect(x, y + bar * cell / 4, cell, cell / 8, tones[1])
    elif kind == 4:
        drawing.rect(x + cell * 0.2, y + cell * 0.2, cell * 0.6, cell * 0.6, tones[1])
        drawing.circle(x + cell / 2, y + cell / 2, cell * 0.2, tones[2])
    elif kind == 5:
        half = cell / 2
        drawing.path(f"M{x:.1f} {y + half:.1f}a{half:.1f} {half:.1f} 0 0 1 {cell:.1f} 0Z", tones[1])
        drawing.path(f"M{x:.1f} {y + cell:.1f}a{half:.1f} {half:.1f} 0 0 1 {cell:.1f} 0Z", tones[2])
    else:
        drawing.polygon(
            [
                (x + cell / 2, y),
                (x + cell, y + cell / 2),
                (x + cell / 2, y + cell),
                (x, y + cell / 2),
            ],
            tones[1],
        )


def _quarter(x: float, y: float, radius: float) -> str:
    return (
        f"M{x:.1f} {y:.1f}h{radius:.1f}a{radius:.1f} {radius:.1f} 0 0 1 {-radius:.1f} {radius:.1f}Z"
    )


# Dark enough for gold on them.
_BADGES = ("#1f3a4d", "#3b2a20", "#24493a", "#4a2340", "#2b2d5b", "#7a2e2a")


def emblem(scene: Scene, cluster: Cluster | None) -> None:
    """A round badge with the subject in it, on plain paper."""
    chance = scene.dice("emblem")
    drawing = scene.drawing
    tone = scene.idea.tint or chance.choice(_BADGES)
    x, y, radius = scene.width / 2, scene.height / 2, min(scene.width, scene.height) * 0.4
    drawing.onto("backdrop")
    drawing.veil("#f7f3ec")
    drawing.onto("props")
    _badge(scene, x, y, radius, tone)
    drawing.onto("figures")
    if cluster is None:
        return
    # The subject stays inside the inner disc, with air around it.
    scale = min(radius * 1.04 / cluster.height, radius * 1.15 / cluster.width)
    foot = y + cluster.height * scale / 2 - radius * 0.04
    middle = (cluster.box[0] + cluster.box[2]) / 2
    for piece in cluster.pieces:
        origin = (x + (piece.x - middle) * scale, foot + piece.y * scale)
        place_sprite(drawing, piece.sprite.body, origin, piece.scale * scale)


def _badge(scene: Scene, x: float, y: float, radius: float, tone: str) -> None:
    drawing = scene.drawing
    drawing.circle(x, y, radius, tone)
    drawing.circle(x, y, radius * 0.955, "#f7f3ec")
    drawing.circle(x, y, radius * 0.92, tone)
    drawing.circle(x, y, radius * 0.76, lighter(tone, 0.86))
    drawing.glow(x, y + radius * 0.1, radius * 0.62, "#ffffff", 0.7)
    for at in range(36):
        # Gaps for the four stars.
        if at % 9 in {0, 1, 8}:
            continue
        turn = f"rotate({at * 10} {x:.1f} {y:.1f})"
        drawing.add(f'<g transform="{turn}">')
        drawing.ellipse(x, y - radius * 0.84, radius * 0.02, radius * 0.035, "#e9c46a")
        drawing.add("</g>")
    for side in (-1, 1):
        _star(scene, x + side * radius * 0.84, y, radius * 0.06)
    _star(scene, x, y - radius * 0.84, radius * 0.06)
    _star(scene, x, y + radius * 0.84, radius * 0.06)
    drawing.glow(x, y + radius * 0.6, radius * 0.5, darker(tone, 0.3), 0.18, radius * 0.07)


def _star(scene: Scene, x: float, y: float, size: float) -> None:
    ring = (
        (0, -1),
        (0.22, -0.31),
        (0.95, -0.31),
        (0.36, 0.12),
        (0.59, 0.81),
        (0, 0.38),
        (-0.59, 0.81),
        (-0.36, 0.12),
        (-0.95, -0.31),
        (-0.22, -0.31),
    )
    scene.drawing.polygon([(x + dx * size, y + dy * size) for dx, dy in ring], "#e9c46a")
