"""Who belongs to whom: subjects tied by the prompt become one cluster that moves together.

A cluster is measured in metres as the eye would have them: a mouse beside an elephant is drawn
smaller, but not a hundred times.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from . import icons, lexicon, people, vocabulary
from .ideas import Idea, Relation, Subject
from .people import Stance
from .sprites import Sprite

Manner = Literal["ground", "fly", "float", "swim"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A sprite whose own (0, 0) lies at (x, y), with `scale` for each of its units.

    y runs downwards and the ground is at 0.
    """

    sprite: Sprite
    x: float
    y: float
    scale: float
    flip: bool = False
    tilt: float = 0.0

    def at(self, point: tuple[float, float]) -> tuple[float, float]:
        """Where a point of the sprite lies."""
        sign = -1 if self.flip else 1
        return (self.x + sign * point[0] * self.scale, self.y + point[1] * self.scale)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        one, two = self.at(self.sprite.box[:2]), self.at(self.sprite.box[2:])
        return (min(one[0], two[0]), one[1], max(one[0], two[0]), two[1])


@dataclass(frozen=True, slots=True)
class Cluster:
    """Pieces from back to front, the way they move, and how many such clusters there are.

    `stature` is the height without hats, by which a cluster is scaled: who puts on a hat does not
    shrink.
    """

    name: str
    pieces: tuple[Piece, ...]
    manner: Manner
    metres: float
    count: int = 1
    stature: float = 0.0

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of all pieces."""
        boxes = [piece.box for piece in self.pieces]
        return (
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        )

    @property
    def width(self) -> float:
        """The width of all pieces together."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        """The height above the ground."""
        return -self.box[1]


def seen(subject: Subject) -> float:
    """The height at which a subject is drawn, in metres of the eye."""
    return float(lexicon.height(subject.name) ** 0.45) * subject.scale


def clusters(idea: Idea, place: str) -> list[Cluster]:
    """The idea's subjects as clusters, in the order in which the prompt names them."""
    subjects = [_seasonal(_posed(subject), idea.weather) for subject in idea.subjects]
    ties = [tie for tie in (_tie(relation, subjects) for relation in idea.relations) if tie]
    # Who sits on something moves with it; what is worn moves with its wearer.
    children = {tie.first if tie.tie in {"on", "in"} else tie.second for tie in ties}
    return [
        _cluster(at, subjects, ties, place) for at in range(len(subjects)) if at not in children
    ]


def _seasonal(subject: Subject, weather: frozenset[str]) -> Subject:
    """A tree as it looks when petals or leaves are falling."""
    if subject.name != "deciduous-tree" or subject.colour:
        return subject
    if "petals" in weather:
        return replace(subject, name="cherry-tree")
    return replace(subject, colour="#e07b2a") if "leaves" in weather else subject


def _posed(subject: Subject) -> Subject:
    figure = people.posed(subject.name, subject.pose)
    return replace(subject, name=figure) if figure else subject


def _tie(relation: Relation, subjects: list[Subject]) -> Relation | None:
    """The relation as it can be drawn, or nothing where they can only stand side by side."""
    first, second = subjects[relation.first].name, subjects[relation.second].name
    if lexicon.has(second, "clothes") or _wearable(second):
        return replace(relation, tie="wear") if _bodily(first) else None
    # Whatever the words, an umbrella is held over the head.
    if second == "umbrella":
        return replace(relation, tie="hold")
    if relation.tie in {"above", "on"} and second == "stone-bridge":
        return replace(relation, tie="on")
    # Nobody holds a horse: what is large stands beside.
    if relation.tie == "hold":
        small = lexicon.height(second) <= 0.7 and icons.icon(second).subgroup not in {34, 37}
        return relation if small and _bodily(first) else None
    if relation.tie == "in":
        return relation if lexicon.has(second, "vessels") else None
    if relation.tie == "on":
        able = any(lexicon.has(second, trait) for trait in ("mounts", "supports"))
        able = able or lexicon.has(first, "flies")
        return relation if able or second == "stone-bridge" else None
    return None


def _wearable(name: str) -> bool:
    return any(lexicon.has(name, trait) for trait in ("hats", "eyewear", "neckwear"))


def _bodily(name: str) -> bool:
    # Emojibase's subgroups of mammals, birds, frogs, reptiles and sea animals.
    animal = icons.icon(name).subgroup in {34, 35, 36, 37, 38}
    return (
        animal
        or name in {"robot", "snowman", "teddy-bear"}
        or people.is_person(name)
        or (name in {"knight", "samurai", "pirate"})
    )


def _cluster(at: int, subjects: list[Subject], ties: list[Relation], place: str) -> Cluster:
    root = subjects[at]
    base = _grounded(root, _dress(at, subjects, ties), "standing")
    pieces = list(_with_things(at, base, subjects, ties))
    for tie in ties:
        if tie.second == at and tie.tie in {"on", "in"}:
            riders = list(_riders(tie, base, subjects, ties))
            pieces = pieces + riders if tie.tie == "on" else riders + pieces
    # A train over a bridge stays on rails, a dragon over a village flies.
    flying = root.aloft and not lexicon.has(root.name, "vehicles")
    how = "fly" if flying else manner(root.name, place)
    metres = lexicon.height(root.name)
    # Hats are small; a rider counts.
    bodies = [piece for piece in pieces if piece.sprite.height * piece.scale > 0.3 * -base.box[1]]
    stature = -min(piece.box[1] for piece in (base, *bodies) if piece is base or ridden(ties, at))
    return Cluster(root.name, tuple(pieces), how, metres, root.count, stature)


def ridden(ties: list[Relation], at: int) -> bool:
    """Whether somebody is on or in that subject."""
    return any(tie.second == at and tie.tie in {"on", "in"} for tie in ties)


def manner(name: str, place: str) -> Manner:
    """How something moves in a place: in water everything but what lies on the bottom swims."""
    if place == "underwater" and (
        lexicon.has(name, "swims")
        or icons.icon(name).subgroup
        not in {
            *range(49, 54),
            81,
            82,
            100,
        }
    ):
        return "swim"
    if place in {"space", "sky"} or lexicon.has(name, "flies"):
        return "fly"
    if lexicon.has(name, "floats") or (place == "sea" and lexicon.has(name, "swims")):
        return "float"
    return "ground"


def _grounded(subject: Subject, colour: str | None, stance: Stance) -> Piece:
    sprite = people.sprite(subject.name, colour, stance)
    # A body is measured by its full height, so that one who sits is not blown up.
    scale = seen(subject) / max(sprite.height, 0.8 * sprite.width)
    middle = (sprite.box[0] + sprite.box[2]) / 2
    return Piece(sprite, -middle * scale, -sprite.box[3] * scale, scale)


def _dress(at: int, subjects: list[Subject], ties: list[Relation]) -> str | None:
    """The colour of a subject, which for one in clothes is theirs."""
    for tie in ties:
        if (
            tie.first == at
            and tie.tie == "wear"
            and lexicon.has(subjects[tie.second].name, "clothes")
        ):
            return subjects[tie.second].colour or icons.icon(subjects[tie.second].name).colour
    return subjects[at].colour


def _with_things(
    at: int, base: Piece, subjects: list[Subject], ties: list[Relation]
) -> Iterator[Piece]:
    """A subject, then what it wears and holds."""
    held = [tie for tie in ties if tie.first == at and tie.tie in {"wear", "hold"}]
    # The stick goes behind the hand.
    behind = [tie for tie in held if subjects[tie.second].name == "umbrella"]
    for tie in behind:
        yield _umbrella(base, subjects[tie.second])
    yield base
    for tie in held:
        thing = subjects[tie.second]
        if tie in behind or lexicon.has(thing.name, "clothes"):
            continue
        yield _worn(base, thing) if tie.tie == "wear" else _held(base, thing)


def _fitted(thing: Subject, width: float, spot: tuple[float, float], down: float) -> Piece:
    """A thing of a given width, its middle at the spot; `down` of its height lies below it."""
    sprite = people.sprite(thing.name, thing.colour, "standing")
    scale = width / sprite.width
    x = spot[0] - (sprite.box[0] + sprite.box[2]) / 2 * scale
    y = spot[1] - (sprite.box[3] - down * sprite.height) * scale
    return Piece(sprite, x, y, scale)


def _worn(base: Piece, thing: Subject) -> Piece:
    head = base.sprite.head * base.scale
    x, y = base.at(base.sprite.crown)
    if lexicon.has(thing.name, "eyewear"):
        return _fitted(thing, head * 0.82, (x, y + head * 0.5), 0.5)
    if lexicon.has(thing.name, "neckwear"):
        return _fitted(thing, head * 0.8, (x, y + head * 1.02), 0.75)
    return _fitted(thing, head * (1.15 if thing.name == "wizard-hat" else 0.95), (x, y), 0.22)


def _held(base: Piece, thing: Subject) -> Piece:
    room = base.sprite.width * base.scale
    # A book may be small and a guitar large, but both must be seen.
    width = min(0.85 * room, max(0.5 * room, seen(thing) * 0.8))
    return _fitted(thing, width, base.at(base.sprite.hand), 0.5)


def _umbrella(base: Piece, thing: Subject) -> Piece:
    x, y = base.at(base.sprite.crown)
    width = max(1.35 * base.sprite.width * base.scale, 0.6)
    return _fitted(thing, width, (x + width * 0.08, y + width * 0.66), 0.0)


@lru_cache
def _seats() -> dict[str, tuple[float, float]]:
    seats: dict[str, tuple[float, float]] = vocabulary.read("subjects.toml")["seats"]
    return seats


def _riders(
    tie: Relation, base: Piece, subjects: list[Subject], ties: list[Relation]
) -> Iterator[Piece]:
    """Those who sit on, stand on or look out of the base."""
    rider, below = subjects[tie.first], subjects[tie.second]
    stance = _stance(below)
    x, y = _seat(base, below.name)
    if tie.tie == "in":
        # The rim of a boat or basket lies about there; the rest of the rider is behind it.
        y = base.box[1] + 0.45 * (base.box[3] - base.box[1])
    span = base.box[2] - base.box[0]
    for number in range(rider.count):
        # Several riders share the length of what they ride.
        shift = (number - (rider.count - 1) / 2) * min(0.8 * span / rider.count, 0.5 * span)
        piece = _grounded(rider, _dress(tie.first, subjects, ties), stance)
        if stance != "standing":
            piece = _grown(piece, seen(rider) * 0.92 / (piece.sprite.height * piece.scale))
        rest = piece.at(piece.sprite.bottom)
        moved = replace(piece, x=piece.x + x + shift - rest[0], y=piece.y + y - rest[1])
        yield from _with_things(tie.first, moved, subjects, ties)


def _grown(piece: Piece, factor: float) -> Piece:
    return replace(piece, x=piece.x * factor, y=piece.y * factor, scale=piece.scale * factor)


def _stance(below: Subject) -> Stance:
    if lexicon.has(below.name, "mounts"):
        return "riding"
    if below.name in {"bench", "sofa", "chair", "couch-and-lamp", "bed", "rock", "branch", "cloud"}:
        return "seated"
    return "standing"


def _seat(base: Piece, name: str) -> tuple[float, float]:
    if name not in _seats():
        return base.at(base.sprite.seat)
    across, down = _seats()[name]
    left, top, right, bottom = base.box
    return (left + across * (right - left), top + down * (bottom - top))
