"""Painting the figures: their shadows, reflections and the light around them."""

from .arranging import Figure
from .composing import Piece
from .drawing import Drawing, number
from .scenes import Scene


def place_sprite(
    drawing: Drawing,
    body: str,
    origin: tuple[float, float],
    scale: float,
    *,
    flip: bool = False,
    turn: tuple[float, float, float] | None = None,
    opacity: float = 1.0,
) -> None:
    """Places a drawing by its origin; `turn` is degrees around a point."""
    rotation = f"rotate({turn[0]:.1f} {number(turn[1])} {number(turn[2])}) " if turn else ""
    faint = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
    across = -scale if flip else scale
    drawing.add(
        f'<g transform="{rotation}translate({number(origin[0])} {number(origin[1])})'
        f' scale({across:.4f} {scale:.4f})"{faint}>'
        f'<use href="#{drawing.symbol(body)}"/></g>'
    )


def shadow(scene: Scene, x: float, y: float, half: float, strength: float) -> None:
    """A soft shadow on the ground."""
    tone = "#0a1030"
    scene.drawing.glow(x, y, half * 1.25, tone, strength, max(1.0, half * 0.26))


def paint_figures(scene: Scene, figures: list[Figure], *, bare: bool = False) -> None:
    """All figures; bare ones have no shadow, light or water about them."""
    if not bare and scene.palette.gloom and not scene.place.indoor:
        for figure in figures[:3]:
            # At night a figure would drown in the dark without a light behind it.
            reach = max(figure.width, figure.height) * 0.56
            scene.drawing.glow(figure.x, figure.y - figure.height * 0.4, reach, "#cfdcff", 0.36)
    for figure in figures:
        if not bare:
            _under(scene, figure)
        for piece in figure.pieces():
            _piece(scene, figure, piece)
        if not bare and figure.cluster.manner == "float":
            _waterline(scene, figure)


def _piece(scene: Scene, figure: Figure, piece: Piece) -> None:
    tilt = figure.tilt or piece.tilt
    turn = (tilt, figure.x, figure.y - figure.height / 2) if tilt else None
    place_sprite(
        scene.drawing,
        piece.sprite.body,
        (piece.x, piece.y),
        piece.scale,
        flip=piece.flip,
        turn=turn,
    )


def _under(scene: Scene, figure: Figure) -> None:
    if figure.cluster.manner == "ground":
        strength = 0.4 if not scene.palette.gloom else 0.5
        half = figure.width / 2
        # A wide faint shadow and a narrow dark one look like one soft light.
        shadow(scene, figure.x, figure.y, half * 0.92, strength)
        shadow(scene, figure.x, figure.y, half * 0.55, strength * 0.8)
        # A lamp from the left throws a second shadow to the right.
        if scene.place.name in {"studio", "table"}:
            shadow(scene, figure.x + half * 0.2, figure.y, half * 1.2, 0.2)
    elif figure.cluster.manner == "float":
        _reflection(scene, figure)


def _reflection(scene: Scene, figure: Figure) -> None:
    mirrored = f'<g transform="translate(0 {number(2 * figure.y)}) scale(1 -1)">'
    scene.drawing.add(f'<g opacity="0.2">{mirrored}')
    # Seen from above, a reflection is shorter than what it reflects.
    squeezed = f'<g transform="translate(0 {number(figure.y * 0.45)}) scale(1 0.55)">'
    scene.drawing.add(squeezed)
    for piece in figure.pieces():
        _piece(scene, figure, piece)
    scene.drawing.add("</g></g></g>")


def _waterline(scene: Scene, figure: Figure) -> None:
    """Foam and ripples where a hull meets the water, over its lower edge."""
    chance = scene.dice(f"foam{figure.x:.0f}")
    low = figure.height * 0.035
    half = figure.width * 0.5
    tone = scene.palette.haze
    water = "#1d5f9e" if not scene.palette.gloom else "#12285a"
    scene.drawing.glow(figure.x, figure.y + low * 0.4, half * 1.15, water, 0.75, low * 2.0)
    for at in range(9):
        x = figure.x + (at - 4) / 4 * half + chance.uniform(-0.05, 0.05) * half
        wide = half * chance.uniform(0.1, 0.22)
        y = figure.y - low * 0.3 + chance.uniform(-0.3, 0.9) * low
        scene.drawing.ellipse(x, y, wide, max(1.0, wide * 0.1), "#ffffff" if at % 2 else tone, 0.6)
