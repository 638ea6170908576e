"""Where the clusters stand in a picture, and how large they are there."""

from dataclasses import dataclass, replace
from random import Random

from .composing import Cluster, Piece

LANDMARK = 4.5
"""Metres from which a thing is put behind smaller ones instead of beside them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The canvas that clusters are arranged in: its size, horizon and water line in pixels."""

    width: float
    height: float
    horizon: float
    close: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A cluster in its place: (x, y) is the middle of where it touches the ground."""

    cluster: Cluster
    x: float
    y: float
    scale: float
    flip: bool = False
    tilt: float = 0.0

    def pieces(self) -> list[Piece]:
        """The pieces in pixels of the canvas."""
        sign = -1 if self.flip else 1
        return [
            replace(
                piece,
                x=self.x + sign * piece.x * self.scale,
                y=self.y + piece.y * self.scale,
                scale=piece.scale * self.scale,
                flip=self.flip,
            )
            for piece in self.cluster.pieces
        ]

    @property
    def width(self) -> float:
        """Pixels across."""
        return self.cluster.width * self.scale

    @property
    def height(self) -> float:
        """Pixels above the ground, hats not counted."""
        return self.cluster.stature * self.scale


def arrange(clusters: list[Cluster], frame: Frame, dice: Random) -> list[Figure]:
    """All figures from the back to the front."""
    if not clusters:
        return []
    # Copies are figures of their own: they differ in size and place.
    copies = [cluster for cluster in clusters for _ in range(cluster.count)]
    main = clusters[0]
    # A house beside a child would dwarf it or leave the canvas; behind, it is scenery.
    back = [c for c in clusters[1:] if c.metres >= LANDMARK > main.metres and c.manner == "ground"]
    row = [c for c in copies if c not in back and c.manner in {"ground", "float"}]
    free = [c for c in copies if c.manner in {"fly", "swim"}]
    figures = [_background(cluster, at, frame, dice) for at, cluster in enumerate(back)]
    figures += _row(row, main, frame, dice, bool(back))
    figures += _aloft(free, main, frame, dice, bool(row or back))
    # What flies is painted last: it is in front of hills and houses, never behind.
    order = {"fly": 2, "swim": 2, "ground": 1, "float": 1}
    return sorted(figures, key=lambda f: (order[f.cluster.manner], f.y))


def _background(cluster: Cluster, at: int, frame: Frame, dice: Random) -> Figure:
    height = frame.height * 0.46
    scale = min(height / cluster.height, 0.55 * frame.width / cluster.width)
    # Beside the middle, where the main figure stands.
    side = (0.72, 0.24, 0.5)[at % 3] + dice.uniform(-0.03, 0.03)
    y = frame.horizon + 0.07 * frame.height
    return Figure(cluster, side * frame.width, y, scale)


def _row(
    row: list[Cluster], main: Cluster, frame: Frame, dice: Random, behind: bool
) -> list[Figure]:
    """What stands on the ground, side by side, the main one in the middle of three or more."""
    if not row:
        return []
    order = _centred(row, main)
    # A share of the tallest, so that mice stand closer than elephants.
    gap = 0.12
    tallest = max(cluster.stature for cluster in row)
    total = sum(cluster.width for cluster in row) + gap * (len(row) - 1) * tallest
    staggered = len(row) >= 4
    scale = _row_scale(row, main, frame, total, behind)
    x = (frame.width - total * scale) / 2
    figures: list[Figure] = []
    for at, cluster in enumerate(order):
        if staggered:
            middle = frame.width * (0.12 + 0.76 * (at + 0.5) / len(order))
        else:
            middle = x + cluster.width * scale / 2
            x += (cluster.width + gap * tallest) * scale
        figures.append(_standing(cluster, middle, scale, at, frame, dice, staggered))
    return figures


def _row_scale(
    row: list[Cluster], main: Cluster, frame: Frame, total: float, behind: bool
) -> float:
    """Pixels per metre of the eye, so that the row fits and nobody's hat leaves the canvas."""
    high = 0.62 if frame.close or main.metres >= LANDMARK else 0.54
    high -= 0.1 if behind else 0.0
    high += 0.1 if frame.width > 1.7 * frame.height else 0.0
    tallest = max(cluster.stature for cluster in row)
    hat = max(cluster.height for cluster in row)
    if len(row) >= 4:
        # They stand in two rows, so they may overlap.
        return min(high * 0.72 * frame.height / tallest, 1.29 * frame.width / total)
    wide = 0.86 if len(row) > 1 else 0.76
    return min(high * frame.height / tallest, 0.83 * frame.height / hat, wide * frame.width / total)


def _centred(row: list[Cluster], main: Cluster) -> list[Cluster]:
    if len(row) < 3 or main not in row or main.count > 1:
        return row
    rest = [cluster for cluster in row if cluster is not main]
    half = len(rest) // 2
    return [*rest[:half], main, *rest[half:]]


def _standing(
    cluster: Cluster, x: float, scale: float, at: int, frame: Frame, dice: Random, staggered: bool
) -> Figure:
    deep = frame.height - frame.horizon
    # Things on a table stand higher than people on a meadow: the table has a front.
    base = frame.horizon + deep * (0.62 if frame.close else 0.68)
    if cluster.manner == "float":
        # Ships lie farther out, with water before them.
        base = frame.horizon + deep * 0.42
    shift = dice.uniform(-0.05, 0.05) if cluster.count > 1 else 0.0
    if staggered:
        shift = (-0.2, 0.14)[at % 2] + dice.uniform(-0.05, 0.05)
    # Who stands nearer is larger.
    growth = 1 + shift * 0.7
    wobble = 1 + (dice.uniform(-0.06, 0.06) if cluster.count > 1 else 0.0)
    # Every other one looks the other way, so that a group seems to talk.
    flip = cluster.count > 1 and at % 2 == 1
    return Figure(cluster, x, base + shift * deep, scale * growth * wobble, flip)


def _aloft(
    free: list[Cluster], main: Cluster, frame: Frame, dice: Random, below: bool
) -> list[Figure]:
    """What flies or swims: the main one large, others around it."""
    figures: list[Figure] = []
    # Flyers keep to the sky; where there is no ground the sky is everything.
    ceiling = min(frame.horizon, frame.height * 0.95)
    for at, cluster in enumerate(free):
        share = 0.5 if cluster is main and cluster.count == 1 else 0.34
        leading = cluster is main and cluster.count == 1
        share *= (0.86 if leading else 0.72) if below and cluster.manner == "fly" else 1.0
        share *= (1.0, 1.0, 0.9, 0.8, 0.72, 0.66, 0.6, 0.56, 0.52)[min(len(free) - 1, 8)]
        size = share * min(frame.height, frame.width * 1.15)
        scale = size / max(cluster.height, cluster.width * 0.8)
        x, y = _spot(at, len(free), below, dice)
        if len(free) == 1 and not below:
            x, y = 0.5 + dice.uniform(-0.04, 0.04), 0.46 * frame.height / ceiling
        foot = y * ceiling + cluster.height * scale / 2
        figures.append(
            Figure(
                cluster,
                x * frame.width,
                max(foot, cluster.height * scale + 0.03 * frame.height),
                scale * dice.uniform(0.92, 1.06),
                flip=at % 2 == 1,
                tilt=dice.uniform(-5, 5),
            )
        )
    return figures


_SPOTS = (
    ((0.34, 0.4), (0.7, 0.56)),
    ((0.28, 0.34), (0.7, 0.3), (0.5, 0.68)),
    ((0.26, 0.3), (0.72, 0.28), (0.34, 0.7), (0.74, 0.66)),
)


def _spot(at: int, of: int, below: bool, dice: Random) -> tuple[float, float]:
    shake = (dice.uniform(-0.03, 0.03), dice.uniform(-0.03, 0.03))
    if below:
        spots = ((0.3, 0.34), (0.74, 0.26), (0.5, 0.16), (0.12, 0.52), (0.88, 0.5))
        x, y = spots[at % len(spots)]
    elif of <= 4 and of >= 2:
        x, y = _SPOTS[of - 2][at]
    else:
        columns = 3
        x = 0.2 + 0.3 * (at % columns) + 0.05 * (at // columns % 2)
        y = 0.24 + 0.26 * (at // columns)
    return (x + shake[0], y + shake[1])
