"""Sprites: drawings with the points at which other things meet them.

A hat sits on a crown, a rider on a seat, a book in a hand. For an emoji these points are read
off its outline; bodies of our own know theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from . import colours, icons
from .icons import Icon

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Sprite:
    """A drawing in units of its own.

    Attributes:
        body: SVG markup.
        box: Left, top, right, bottom of what is drawn.
        crown: The top of the head.
        head: The width of the head.
        seat: Where something that rides sits.
        hand: Where something that is held is held.
        bottom: The point that comes to rest on a seat.
    """

    body: str
    box: Box
    crown: Point
    head: float
    seat: Point
    hand: Point
    bottom: Point

    @property
    def width(self) -> float:
        """The width of what is drawn."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """The height of what is drawn."""
        return self.box[3] - self.box[1]


def of_icon(name: str, colour: str | None = None) -> Sprite:
    """An emoji or a drawing of our own, as it is."""
    known = icons.icon(name)
    left, top, right, bottom = known.box
    crown, head = _crown(known)
    return Sprite(
        body=painted(name, colour),
        box=known.box,
        crown=crown,
        head=head,
        seat=(_column(known, 4.5), (known.profile[4] + known.profile[5]) / 2 + 3),
        hand=((left + right) / 2, top + known.height * 0.72),
        bottom=((left + right) / 2, bottom),
    )


def painted(name: str, colour: str | None) -> str:
    """The markup of a drawing, in another colour if one is given."""
    body = icons.body(name)
    return colours.recoloured(body, icons.icon(name).colour, colour) if colour else body


def _column(known: Icon, column: float) -> float:
    return known.box[0] + known.width * column / (len(known.profile) - 1)


def _crown(known: Icon) -> tuple[Point, float]:
    """The middle of what stands highest: ears count, so the head lies between them."""
    reach = min(known.profile) + known.height * 0.16
    high = [at for at, y in enumerate(known.profile) if y <= reach]
    middle = (high[0] + high[-1]) / 2
    broad = (high[-1] - high[0] + 1) / len(known.profile)
    head = known.width * min(0.85, max(0.38, broad))
    return (_column(known, middle), _at(known.profile, middle)), head


def _at(profile: Sequence[float], column: float) -> float:
    low = int(column)
    share = column - low
    return profile[low] if share == 0 else (profile[low] + profile[low + 1]) / 2
