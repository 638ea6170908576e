"""The words that say something other than a subject, read from the data folder."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from .icons import DATA

Kind = Literal[
    "colour",
    "count",
    "size",
    "time",
    "weather",
    "style",
    "framing",
    "relation",
    "pose",
    "place",
    "stop",
]

LONGEST = 4
"""Words in the longest phrase."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word says: a kind and its value, such as (`time`, `night`)."""

    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class Place:
    """How a place is built; see `places.toml` for the fields."""

    name: str
    horizon: float
    ground: tuple[str, str]
    far: tuple[str, ...]
    props: Mapping[str, int]
    weather: frozenset[str]
    indoor: bool


def phrases(line: str) -> Iterator[str]:
    """The words and phrases of a line of data."""
    for word in line.split():
        yield word.replace("_", " ")


def read(name: str) -> dict[str, Any]:
    """A TOML file of the data folder."""
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))


@lru_cache
def _raw_places() -> dict[str, Any]:
    return read("places.toml")


@lru_cache
def places() -> Mapping[str, Place]:
    """Every place by name."""
    return {
        name: Place(
            name=name,
            horizon=fields["horizon"],
            ground=(fields["ground"][0], fields["ground"][1]),
            far=tuple(fields["far"]),
            props=fields["props"],
            weather=frozenset(fields.get("weather", ())),
            indoor=fields.get("indoor", False),
        )
        for name, fields in _raw_places().items()
    }


@lru_cache
def meanings() -> Mapping[str, tuple[Meaning, ...]]:
    """What each word or phrase says."""
    found: dict[str, list[Meaning]] = {}
    for kind, value, words in _tables():
        for word in words:
            found.setdefault(word, []).append(Meaning(kind, value))
    return {word: tuple(said) for word, said in found.items()}


_TABLES: tuple[tuple[Kind, str], ...] = (
    ("colour", "colours"),
    ("count", "counts"),
    ("size", "sizes"),
    ("time", "times"),
    ("weather", "weather"),
    ("style", "styles"),
    ("framing", "framings"),
    ("relation", "relations"),
    ("pose", "poses"),
    ("stop", "stop"),
)


def _tables() -> Iterable[tuple[Kind, str, Iterator[str]]]:
    vocabulary = read("vocabulary.toml")
    for kind, table in _TABLES:
        for value, line in vocabulary[table].items():
            yield kind, value, phrases(line)
    for name, fields in _raw_places().items():
        yield "place", name, phrases(fields["words"])
