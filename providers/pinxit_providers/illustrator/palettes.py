"""Colours of light: what the time of day and the weather make of sky and ground."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .colours import mix, multiply
from .ideas import Time
from .vocabulary import Place


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one picture: the sky from the zenith down, the ground from far to near.

    `haze` is what distance fades into, `sun` the disc or moon, `gloom` the share of darkness.
    """

    sky: tuple[str, str, str]
    ground: tuple[str, str]
    sun: str
    gloom: float

    @property
    def haze(self) -> str:
        """The colour of the air at the horizon."""
        return self.sky[2]


_SKIES: Mapping[Time, tuple[str, str, str]] = MappingProxyType(
    {
        "day": ("#3d94e6", "#86c5f5", "#e3f3fc"),
        "night": ("#070d2a", "#16295f", "#4564a6"),
        "sunset": ("#35306e", "#cf5f72", "#ffb36b"),
        "dawn": ("#6389cf", "#eab6c0", "#ffe2bb"),
    }
)
_SUNS: Mapping[Time, str] = MappingProxyType(
    {"day": "#fff7d1", "night": "#f7f3dc", "sunset": "#ffdf9e", "dawn": "#fff0cf"}
)
_LIGHT: Mapping[Time, str] = MappingProxyType(
    {"day": "#ffffff", "night": "#6478b4", "sunset": "#f0a987", "dawn": "#f6d9cc"}
)
_SPECIAL: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "space": ("#05040f", "#140c33", "#2a1a55"),
        "moon": ("#04040c", "#0b0b1c", "#1c1c34"),
        "mars": ("#8f5640", "#d58e63", "#f3c99b"),
        "underwater": ("#1f8fc4", "#0f6ea8", "#0a4a86"),
        "volcano": ("#1a0d14", "#4a1a1c", "#c5482a"),
    }
)


def palette(place: Place, time: Time, weather: frozenset[str]) -> Palette:
    """The colours for a place at a time in a weather."""
    sky = _SPECIAL.get(place.name, _SKIES[time])
    if time == "night" and place.name in {"underwater", "mars"}:
        sky = (
            mix(sky[0], "#050a20", 0.6),
            mix(sky[1], "#050a20", 0.6),
            mix(sky[2], "#050a20", 0.6),
        )
    sky = _clouded(sky, weather, time)
    # Other worlds have a light of their own at any hour.
    light = _LIGHT[time] if place.name not in _SPECIAL else "#ffffff"
    far, near = (multiply(ground, light) for ground in place.ground)
    # Air lies over what is far away, but not in a room.
    far = mix(far, sky[2], 0.22 if not place.indoor else 0.0)
    return Palette(sky, (far, near), _SUNS[time], 0.3 if time == "night" else 0.0)


def _clouded(
    sky: tuple[str, str, str], weather: frozenset[str], time: Time
) -> tuple[str, str, str]:
    dull = (
        ("#56626f", "#7d8994", "#b4bdc4") if time != "night" else ("#0b1020", "#1b2438", "#3a465e")
    )
    share = 0.85 if "storm" in weather else 0.6 if weather & {"rain", "clouds"} else 0.0
    if "storm" in weather:
        dull = (
            ("#262f3b", "#46525f", "#84909b")
            if time != "night"
            else ("#070a14", "#161d2c", "#333d50")
        )
    if "fog" in weather:
        share = max(share, 0.45)
        dull = (dull[0], mix(dull[1], "#ffffff", 0.2), mix(dull[2], "#ffffff", 0.35))
    if "embers" in weather:
        share, dull = 0.75, ("#2a1420", "#7c2f2a", "#f08a4a")
    return (mix(sky[0], dull[0], share), mix(sky[1], dull[1], share), mix(sky[2], dull[2], share))
