"""People with bodies: the emoji gives a head or a bust, the rest is drawn to fit."""

from typing import Literal

from . import animals, colours, icons, sprites
from .sprites import Sprite, painted

Stance = Literal["standing", "seated", "riding", "bust"]

_HEADS, _ROLES, _FANTASY = 23, 25, 26
_ALSO = frozenset(("alien", "clown-face", "skull"))
# These have legs in the emoji set already.
_WHOLE = frozenset(
    [
        "genie",
        "man-genie",
        "woman-genie",
        "fairy",
        "man-fairy",
        "woman-fairy",
        "superhero",
        "supervillain",
        "mermaid",
        "merman",
        "merperson",
        "ninja-whole",
        "troll",
    ]
)
_SKIN = "#fcc21b"
_FIGURES = {
    "running": "running",
    "walking": "walking",
    "dancing": "dancing",
    "surfing": "person-surfing",
    "swimming": "person-swimming",
    "biking": "person-biking",
    "climbing": "person-climbing",
    "lotus": "person-in-lotus-position",
    "rowing": "person-rowing-boat",
    "bowing": "person-bowing",
    "sleeping": "person-in-bed",
    "fencing": "person-fencing",
    "juggling": "person-juggling",
    "golfing": "person-golfing",
    "skiing": "skier",
    "snowboarding": "snowboarder",
}


def is_person(name: str) -> bool:
    """Whether this drawing is a head or bust that can be given a body."""
    if not icons.known(name) or name in _WHOLE:
        return False
    return icons.icon(name).subgroup in {_HEADS, _ROLES, _FANTASY} or name in _ALSO


def posed(name: str, pose: str | None) -> str | None:
    """The full figure that shows this person in that pose, if there is one."""
    if pose is None or name not in _POSABLE:
        return None
    figure = _FIGURES.get(pose)
    if figure in {"running", "walking", "dancing"}:
        figure = f"{_POSABLE[name]}-{figure}"
    return figure if figure and icons.known(figure) else None


# The emoji set has full figures of these three alone.
_POSABLE = {
    "man": "man",
    "boy": "man",
    "woman": "woman",
    "girl": "woman",
    "person": "person",
    "child": "person",
}


def person(name: str, colour: str | None = None, stance: Stance = "standing") -> Sprite:
    """A person from head to foot, in clothes of the colour given."""
    if name == "robot":
        return _robot(colour)
    known = icons.icon(name)
    # A bust's shoulders already show its clothes; the rest is cut from the same cloth.
    usual = animals.bodies()["clothes"].get(name) or known.hem or "#4a78b8"
    cloth = colour or usual
    skirt = name in animals.bodies()["dressed"]["names"].split()
    bust = bool(known.hem)
    head = _bust(name, colour if known.hem else None) if bust else _face(name)
    body = head if stance == "bust" and bust else _body(cloth, skirt, bust, stance) + head
    bottom = {"standing": 218, "seated": 196, "riding": 172, "bust": 100 if bust else 132}[stance]
    # Who sits touches the seat with the hips, not with the feet.
    rest = 160 if stance in {"seated", "riding"} else bottom
    return Sprite(body, (18, 4, 110, bottom), (64, 6), 62, (64, 60), (64, 142), (64, rest))


def _face(name: str) -> str:
    return f'<g transform="translate(22 0) scale(.656)">{painted(name, None)}</g>'


def _bust(name: str, colour: str | None) -> str:
    return f'<g transform="translate(12 0) scale(.8125)">{painted(name, colour)}</g>'


def _body(cloth: str, skirt: bool, bust: bool, stance: Stance) -> str:
    legs = "" if stance == "bust" else _legs(cloth, skirt, stance)
    shade = colours.darker(cloth, 0.25)
    top = 98 if bust else 78
    if skirt and stance == "standing":
        trunk = f'<path d="M46 {top}h36l22 92q-40 14-80 0z" fill="{cloth}"/>'
        trunk += f'<path d="M72 {top}h10l22 92q-12 5-22 6z" fill="{shade}" opacity=".45"/>'
    else:
        trunk = f'<path d="M40 {top}q24-10 48 0l5 66q-29 9-58 0z" fill="{cloth}"/>'
        trunk += f'<path d="M76 {top - 4}q8 1 12 4l5 66q-8 3-17 4z" fill="{shade}" opacity=".4"/>'
    arms = "".join(
        f'<path d="M{64 + side * 24} {top + 10}Q{64 + side * 42} {top + 34} {64 + side * 34}'
        f' {top + 56}" fill="none" stroke="{tone}" stroke-width="14" stroke-linecap="round"/>'
        f'<circle cx="{64 + side * 33}" cy="{top + 60}" r="7.5" fill="{_SKIN}"/>'
        for side, tone in ((-1, cloth), (1, colours.mix(cloth, shade, 0.5)))
    )
    return legs + arms + trunk


def _legs(cloth: str, skirt: bool, stance: Stance) -> str:
    trousers = _SKIN if skirt else colours.darker(colours.mix(cloth, "#3b4a63", 0.65), 0.3)
    shoe = "#33303a"
    if stance == "standing":
        return "".join(
            f'<path d="M{x - 10} 136h20l-1 72h-18z" fill="{trousers}"/>'
            f'<path d="M{x - 11} 206h21q3 12-1 12h-21q-2-6 1-12z" fill="{shoe}"/>'
            for x in (52, 76)
        )
    if stance == "seated":
        return "".join(
            f'<path d="M{x} 150l{side * 4} 38" stroke="{trousers}" stroke-width="19"'
            f' stroke-linecap="round"/><ellipse cx="{x + side * 5}" cy="191" rx="13" ry="6"'
            f' fill="{shoe}"/>'
            for x, side in ((50, -1), (78, 1))
        )
    return (
        f'<path d="M72 146Q92 150 86 166" fill="none" stroke="{trousers}" stroke-width="18"'
        f' stroke-linecap="round"/><ellipse cx="82" cy="170" rx="12" ry="6" fill="{shoe}"/>'
    )


def _robot(colour: str | None) -> Sprite:
    metal = colour or "#90a4ae"
    dark, light = colours.darker(metal, 0.35), colours.lighter(metal, 0.45)
    limbs = "".join(
        f'<path d="M{64 + side * 30} 104Q{64 + side * 54} 116 {64 + side * 44} 146" fill="none"'
        f' stroke="{dark}" stroke-width="11" stroke-linecap="round"/>'
        f'<circle cx="{64 + side * 43}" cy="152" r="10" fill="{light}"/>'
        f'<path d="M{64 + side * 16 - 8} 158h16v42h-16z" fill="{dark}"/>'
        f'<path d="M{64 + side * 18 - 15} 198h30q4 16-2 16h-28q-6 0 0-16z" fill="{metal}"/>'
        for side in (-1, 1)
    )
    trunk = (
        f'<rect x="30" y="92" width="68" height="72" rx="12" fill="{metal}"/>'
        f'<path d="M82 92h4q12 0 12 12v48q0 12-12 12h-4z" fill="{dark}" opacity=".5"/>'
        f'<rect x="44" y="106" width="40" height="26" rx="5" fill="{light}"/>'
        '<circle cx="54" cy="119" r="5" fill="#ff5252"/><circle cx="66" cy="119" r="5"'
        ' fill="#ffd740"/><circle cx="77" cy="119" r="4" fill="#69f0ae"/>'
        f'<rect x="46" y="142" width="36" height="5" rx="2.5" fill="{dark}"/>'
        f'<rect x="54" y="84" width="20" height="10" fill="{dark}"/>'
    )
    head = f'<g transform="translate(18 0) scale(.72)">{painted("robot", colour)}</g>'
    return Sprite(
        limbs + trunk + head, (10, 3, 118, 214), (64, 6), 74, (64, 60), (64, 140), (64, 180)
    )


def sprite(name: str, colour: str | None, stance: Stance) -> Sprite:
    """The best drawing of any subject: with a body where it needs one."""
    if name == "robot" or is_person(name):
        return person(name, colour, stance)
    if animals.embodied(name):
        return animals.animal(name, colour)
    return sprites.of_icon(name, colour)
