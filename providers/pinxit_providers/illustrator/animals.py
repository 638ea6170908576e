"""Bodies for animals of which there is only a head, each as its species has it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from . import colours, icons, vocabulary
from .sprites import Sprite, painted

# Emoji heads are large; at full size the body would look like a stand.
_HEAD = 0.72


@lru_cache
def bodies() -> Mapping[str, Mapping[str, Any]]:
    """The table of bodies, as `bodies.toml` has it."""
    return vocabulary.read("bodies.toml")


def embodied(name: str) -> bool:
    """Whether this head needs a body."""
    return name in bodies()["sitting"] or name in bodies()["standing"]


def animal(name: str, colour: str | None = None) -> Sprite:
    """The whole animal, sitting or standing."""
    if name in bodies()["sitting"]:
        return _sitting(name, dict(bodies()["sitting"][name]), colour)
    return _standing(name, dict(bodies()["standing"][name]), colour)


def _coat(look: dict[str, Any], colour: str | None) -> dict[str, Any]:
    """The look in another colour; belly and paws follow it."""
    if colour is None:
        return look
    # Blended, not flooded: a little of the animal's own colour keeps it alive.
    fur = colours.mix(look["fur"], colour, 0.85)
    return look | {
        "fur": fur,
        "belly": colours.mix(look["belly"], colours.lighter(colour, 0.7), 0.5),
        "paw": colours.darker(fur, 0.35),
        "limb": colours.mix(look.get("limb", fur), fur, 0.8),
    }


def _head(name: str, colour: str | None, x: float, y: float, scale: float) -> str:
    return f'<g transform="translate({x:g} {y:g}) scale({scale:g})">{painted(name, colour)}</g>'


def _sitting(name: str, look: dict[str, Any], colour: str | None) -> Sprite:
    look = _coat(look, colour)
    fur, belly, paw = look["fur"], look["belly"], look["paw"]
    limb = look.get("limb", fur)
    stout = look.get("stout", False)
    # Bears sit broad, foxes narrow.
    half = 43 if stout else 33
    shade = colours.darker(fur, 0.22)
    torso = (
        f'<path d="M{64 - half} 186C{64 - half - 12} 140 {64 - half * 0.72:g} 84 64 84'
        f"C{64 + half * 0.72:g} 84 {64 + half + 12} 140 {64 + half} 186"
        f'Q64 196 {64 - half} 186Z" fill="{fur}"/>'
    )
    chest = _belly(half, belly) if stout else _bib(belly)
    markup = (
        _tail(look, fur, belly)
        + _haunches(half, limb if limb != fur else shade)
        + torso
        + (chest + _arms(half, limb, paw) if stout else _forelegs(limb, shade, paw) + chest)
        + _head(name, colour, 64 - 64 * _HEAD, 0, _HEAD)
    )
    # The tail counts in the box, or neighbours would stand on it.
    right = 128 if look["tail"] != "none" else 64 + half + 17
    return Sprite(
        markup, (64 - half - 17, 6, right, 192), (64, 12), 84, (64, 150), (64, 140), (64, 190)
    )


def _belly(half: float, fill: str) -> str:
    return (
        f'<path d="M64 96C{64 + half * 0.55:g} 104 {64 + half * 0.62:g} 150 {64 + half * 0.4:g} 180'
        f'H{64 - half * 0.4:g}C{64 - half * 0.62:g} 150 {64 - half * 0.55:g} 104 64 96Z"'
        f' fill="{fill}"/>'
    )


def _bib(fill: str) -> str:
    """Light fur on the chest, in three tufts."""
    outline = (
        "M64 84C78 88 84 104 83 120L76 134L72 127L64 148L56 127L52 134L45 120C44 104 50 88 64 84Z"
    )
    return f'<path d="{outline}" fill="{fill}"/>'


def _tail(look: dict[str, Any], fur: str, belly: str) -> str:
    if look["tail"] == "brush":
        return (
            f'<path d="M84 184C124 190 140 150 118 106C116 128 106 142 88 152Z" fill="{fur}"/>'
            f'<path d="M118 106C129 124 131 142 124 156C116 146 114 126 118 106Z" fill="{belly}"/>'
        )
    if look["tail"] == "tuft":
        return (
            f'<path d="M88 182C116 184 124 160 118 138" fill="none" stroke="{fur}" stroke-width="7"'
            f' stroke-linecap="round"/><ellipse cx="118" cy="132" rx="8" ry="12"'
            f' fill="{colours.darker(fur, 0.4)}"/>'
        )
    return ""


def _haunches(half: float, fill: str) -> str:
    return "".join(
        f'<ellipse cx="{64 + side * (half - 2):g}" cy="168" rx="18" ry="22" fill="{fill}"/>'
        for side in (-1, 1)
    )


def _forelegs(fur: str, shade: str, paw: str) -> str:
    return "".join(
        f'<path d="M{x - 8} 128h16v56a8 6 0 0 1-16 0z" fill="{tone}"/>'
        f'<ellipse cx="{x}" cy="185" rx="11" ry="7" fill="{paw}"/>'
        for x, tone in ((51, fur), (77, colours.mix(fur, shade, 0.35)))
    )


def _arms(half: float, limb: str, paw: str) -> str:
    arms = "".join(
        f'<path d="M{64 + side * (half - 14)} 100Q{64 + side * (half + 14)} 120'
        f' {64 + side * (half - 8)} 150" fill="none" stroke="{limb}" stroke-width="20"'
        f' stroke-linecap="round"/>'
        for side in (-1, 1)
    )
    feet = "".join(
        f'<ellipse cx="{64 + side * 26}" cy="180" rx="17" ry="13" fill="{limb}"/>'
        f'<ellipse cx="{64 + side * 26}" cy="182" rx="9" ry="7" fill="{colours.lighter(paw, 0.3)}"/>'
        for side in (-1, 1)
    )
    return arms + feet


def _standing(name: str, look: dict[str, Any], colour: str | None) -> Sprite:
    look = _coat(look, colour)
    fur, shade = look["fur"], colours.darker(look["fur"], 0.2)
    # The far legs are drawn first and darker, so that the animal has depth.
    far = "".join(_leg(x, shade, look["hoof"]) for x in (94, 158))
    near = "".join(_leg(x, fur, look["hoof"]) for x in (76, 176))
    torso = (
        f'<path d="M58 96Q70 84 100 92H168Q198 94 194 128Q190 152 160 150H96Q62 152 58 96Z"'
        f' fill="{fur}"/><path d="M84 146Q120 160 170 148Q130 152 84 146Z" fill="{look["belly"]}"/>'
    )
    tail = (
        f'<path d="M190 104Q216 112 204 160Q194 150 190 128Z" fill="{look["tail"]}"/>'
        f'<path d="M46 64L104 92L100 128Q62 126 56 88Z" fill="{fur}"/>'
    )
    head = _head(name, colour, -8, 0, 0.82) if icons.known(name) else ""
    markup = far + tail + torso + near + head
    return Sprite(markup, (-6, 4, 210, 214), (44, 14), 70, (132, 94), (30, 120), (130, 212))


def _leg(x: float, fill: str, hoof: str) -> str:
    return (
        f'<path d="M{x - 9} 128h20l-3 74h-14z" fill="{fill}"/>'
        f'<path d="M{x - 6} 200h15l1 13h-17z" fill="{hoof}"/>'
    )
