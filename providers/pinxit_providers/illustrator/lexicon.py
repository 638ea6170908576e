"""Which drawing a word of a prompt stands for.

Four sources, tried in this order: our own words and the emoji's English names; names in other
languages; the emoji's tags; and a table of the nearest name by meaning. The last two are guesses
and say so by a lower certainty. Each source is read when a word first needs it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import icons, vocabulary

CERTAIN = 1.0
TAGGED = 0.7


@dataclass(frozen=True, slots=True)
class Match:
    """A drawing for a word, how certain that is (0 to 1), and whether the word was a plural."""

    name: str
    certainty: float
    plural: bool = False


@lru_cache(maxsize=2048)
def named(phrase: str) -> Match | None:
    """The drawing that an English phrase names, singular or plural."""
    for form, plural in forms(phrase):
        if name := _own().get(form):
            return Match(name, CERTAIN, plural)
    for form, plural in forms(phrase):
        if names := _english()["names"].get(form):
            return Match(names[0], CERTAIN, plural)
    return None


def guessed(word: str) -> Match | None:
    """A drawing that an English word brings to mind."""
    for form, plural in forms(word):
        if names := _english()["tags"].get(form):
            return Match(names[0], TAGGED, plural)
    for form, plural in forms(word):
        if near := _nearest().get(form):
            return Match(near[0], near[1], plural)
    return None


def forms(phrase: str) -> Iterator[tuple[str, bool]]:
    """The phrase itself, then what it may be the plural of."""
    yield phrase, False
    # Neither "bus" nor "dress" is a plural.
    if len(phrase) > 3 and phrase.endswith("s") and not phrase.endswith("ss"):
        yield phrase[:-1], True
        if phrase.endswith("es"):
            yield phrase[:-2], True
        if phrase.endswith("ies"):
            yield phrase[:-3] + "y", True
        if phrase.endswith("ves"):
            yield phrase[:-3] + "f", True
    # The few that prompts really use.
    irregular = {"mice": "mouse", "geese": "goose", "men": "man", "women": "woman"}
    if phrase in irregular:
        yield irregular[phrase], True


@lru_cache(maxsize=2048)
def translated(phrase: str) -> str | None:
    """The English word for a phrase of another language, or the name of its drawing."""
    for form in _inflections(phrase):
        if word := translations().get(form):
            return word
        if name := _languages().get(form):
            return name.replace("-", " ")
    return None


def _inflections(phrase: str) -> Iterator[str]:
    yield phrase
    for ending in ("en", "er", "es", "em", "s", "e", "n", "x", "a", "у", "е", "ы", "и"):  # noqa: RUF001 - Russian
        # Two letters are no stem: they would match by chance.
        if len(phrase) - len(ending) > 2 and phrase.endswith(ending):
            yield phrase[: -len(ending)]


@lru_cache
def translations() -> Mapping[str, str]:
    """Words of other languages that are no emoji names, with the English word for each."""
    words: dict[str, str] = {}
    for english, line in vocabulary.read("foreign.toml")["words"].items():
        for phrase in vocabulary.phrases(line):
            words.setdefault(phrase, english.replace("_", " "))
    return words


@lru_cache
def marks() -> frozenset[str]:
    """Small words that show that a prompt is not English."""
    return frozenset(vocabulary.read("foreign.toml")["marks"]["words"].split())


@lru_cache
def traits() -> Mapping[str, frozenset[str]]:
    """For each trait (`flies`, `hats`, ...) the drawings that have it."""
    return {trait: frozenset(line.split()) for trait, line in _subjects()["traits"].items()}


def has(name: str, trait: str) -> bool:
    """Whether a drawing has a trait."""
    return name in traits()[trait]


@lru_cache
def homes() -> Mapping[str, str]:
    """The place where a drawing belongs when the prompt names none."""
    return {name: place for place, line in _subjects()["homes"].items() for name in line.split()}


def height(name: str) -> float:
    """Metres, roughly; they only order the sizes of what stands together."""
    heights = _heights()
    if name in heights:
        return heights[name]
    groups: dict[str, float] = _subjects()["heights"]["subgroups"]
    return groups.get(str(icons.icon(name).subgroup), 0.5)


@lru_cache
def _heights() -> Mapping[str, float]:
    lines: dict[str, str] = _subjects()["heights"]["names"]
    return {name: float(metres) for metres, line in lines.items() for name in line.split()}


@lru_cache
def _subjects() -> dict[str, Any]:
    return vocabulary.read("subjects.toml")


@lru_cache
def _own() -> Mapping[str, str]:
    words: dict[str, str] = {}
    lines: dict[str, str] = _subjects()["words"]
    for name, line in lines.items():
        if icons.known(name):
            words.update(dict.fromkeys(vocabulary.phrases(line), name))
    for path in (icons.DATA / "drawings").glob("*.svg"):
        words.setdefault(path.stem.replace("-", " "), path.stem)
    return words


@lru_cache
def _english() -> Mapping[str, Mapping[str, list[str]]]:
    index: dict[str, dict[str, list[str]]] = icons.document("words.json.gz")
    return index


@lru_cache
def _languages() -> Mapping[str, str]:
    index: dict[str, str] = icons.document("languages.json.gz")
    return index


@lru_cache
def _nearest() -> Mapping[str, tuple[str, float]]:
    table: dict[str, str] = icons.document("nearest.json.gz")
    near: dict[str, tuple[str, float]] = {}
    for name, line in table.items():
        for entry in line.split():
            word, _, percent = entry.partition(":")
            near[word] = (name, int(percent) / 100)
    return near
