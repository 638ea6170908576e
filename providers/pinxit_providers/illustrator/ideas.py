"""What a prompt asks to be seen, as data: the parser makes it, the composer paints it."""

from dataclasses import dataclass, field, replace
from typing import Literal

Tie = Literal["on", "wear", "hold", "in", "beside", "under", "above", "behind"]
Time = Literal["day", "night", "sunset", "dawn"]
Framing = Literal["scene", "portrait", "product", "logo", "abstract"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to be seen: a drawing's name and how the prompt describes it.

    Attributes:
        name: The drawing, as `icons.icon` knows it.
        word: The prompt's own word, by which an instruction finds it again.
        count: How many of it, 1 to 9.
        colour: `#rrggbb` where the prompt names one.
        scale: 1 as usual; less for a tiny one, more for a giant.
        pose: What a person is doing, such as `running`.
        aloft: Whether the prompt puts it over something.
    """

    name: str
    word: str = ""
    count: int = 1
    colour: str | None = None
    scale: float = 1.0
    pose: str | None = None
    aloft: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """How two subjects belong together, by their places in the list: `first` is tied to `second`."""

    tie: Tie
    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Idea:
    """The whole of a prompt: who is seen, where, when, in what weather and manner."""

    subjects: tuple[Subject, ...] = ()
    relations: tuple[Relation, ...] = ()
    place: str | None = None
    time: Time | None = None
    weather: frozenset[str] = field(default_factory=frozenset[str])
    style: str | None = None
    framing: Framing = "scene"
    tint: str | None = None
    without: frozenset[str] = field(default_factory=frozenset[str])

    @property
    def empty(self) -> bool:
        """Whether the prompt said nothing that can be painted."""
        return not (self.subjects or self.place or self.time or self.weather)

    def minus(self, names: frozenset[str]) -> "Idea":
        """The same idea without the subjects, weather and sky lights of these names."""
        kept = [i for i, subject in enumerate(self.subjects) if subject.name not in names]
        place = {old: new for new, old in enumerate(kept)}
        return replace(
            self,
            subjects=tuple(self.subjects[i] for i in kept),
            relations=tuple(
                replace(r, first=place[r.first], second=place[r.second])
                for r in self.relations
                if r.first in place and r.second in place
            ),
            weather=self.weather - names,
            without=self.without | names,
        )
