"""A scene: everything a painter needs to know while it paints its part."""

import hashlib
from dataclasses import dataclass
from random import Random

from .drawing import Drawing, Point
from .ideas import Idea, Time
from .palettes import Palette
from .vocabulary import Place


def dice(*key: object) -> Random:
    """Chance that is the same for the same key, on every machine."""
    # Not `hash`, which differs from process to process. Prompts may hold half of a character.
    digest = hashlib.sha256("|".join(map(str, key)).encode("utf-8", "replace")).digest()
    return Random(int.from_bytes(digest[:8], "big"))  # noqa: S311 - pictures, not secrets


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture being painted.

    Attributes:
        idea: What is to be seen.
        place: Where it plays.
        time: When it plays.
        palette: Its colours.
        drawing: Where it is painted.
        key: What chance depends on: prompt and seed.
        detail: How many small things there are; 1 as usual.
    """

    idea: Idea
    place: Place
    time: Time
    palette: Palette
    drawing: Drawing
    key: str
    detail: float

    @property
    def width(self) -> float:
        """Pixels across."""
        return self.drawing.width

    @property
    def height(self) -> float:
        """Pixels down."""
        return self.drawing.height

    @property
    def unit(self) -> float:
        """The length that sizes of things are shares of; about the shorter edge."""
        short, long = sorted((self.width, self.height))
        return float(short**0.8 * long**0.2)

    @property
    def horizon(self) -> float:
        """The height of the horizon in pixels from the top."""
        return self.place.horizon * self.height

    def dice(self, part: str) -> Random:
        """Chance for one part of the picture, so that a change in one part moves no other."""
        return dice(self.key, part)

    def many(self, count: float) -> int:
        """How many of a small thing: more on a long canvas, fewer where detail is low."""
        aspect = max(self.width, self.height) / min(self.width, self.height)
        return max(1, round(count * self.detail * min(2.2, float(aspect**0.6))))

    def wave(self, y: float, swell: float, part: str, steps: int = 24) -> list[Point]:
        """A soft line across the canvas around the height y."""
        chance = self.dice(part)
        bends = [(chance.uniform(0.6, 2.6), chance.uniform(0, 6.28)) for _ in range(3)]
        span = self.width / self.unit
        return [
            (
                self.width * step / steps,
                y + swell * sum(_sine(span * step / steps * f * 2.2 + p) for f, p in bends) / 3,
            )
            for step in range(steps + 1)
        ]

    def below(self, line: list[Point]) -> list[Point]:
        """The line closed along the canvas's lower edge."""
        return [(0, self.height), *line, (self.width, self.height)]


def _sine(angle: float) -> float:
    # A polynomial near enough to the sine, and the same to the last bit on every platform.
    turns = angle / 6.283185307179586
    part = (turns - int(turns) + (1 if turns < 0 else 0)) * 4
    part = part - 4 if part > 2 else part
    folded = 2 - part if part > 1 else -2 - part if part < -1 else part
    return folded * (1.5 - 0.5 * folded * folded)
