"""From a prompt to an idea: who is seen, doing what, where, when, in what manner.

The parser reads from left to right and always takes the longest phrase that it knows. Colours,
counts and sizes wait for the next subject; a relation ties the subject before it to the one after.
"""

import re
from dataclasses import dataclass, field, replace
from typing import cast

from . import icons, lexicon, vocabulary
from .ideas import Framing, Idea, Relation, Subject, Tie, Time
from .lexicon import Match
from .vocabulary import Meaning
from .words import BREAK, words

MOST_SUBJECTS = 5
ARTICLES = frozenset(("a", "an", "the", "his", "her", "their", "its", "my", "some"))
NEGATIONS = frozenset(("no", "without", "not", "except"))


@dataclass
class _Found:
    """A subject as read, before weak ones are dropped."""

    subject: Subject
    certainty: float
    tie: tuple[Tie, int] | None = None


@dataclass
class _Reader:
    """What has been read so far, and what waits for the next subject."""

    found: list[_Found] = field(default_factory=list["_Found"])
    said: dict[str, str] = field(default_factory=dict[str, str])
    weather: set[str] = field(default_factory=set[str])
    absent: set[str] = field(default_factory=set[str])
    colour: str | None = None
    count: int | None = None
    scale: float = 1.0
    pose: str | None = None
    tie: Tie | None = None
    adjacent: bool = False
    article: bool = False
    negated: bool = False

    def read(self, tokens: list[str]) -> None:
        """Reads all tokens."""
        at = 0
        while at < len(tokens):
            if tokens[at] == BREAK:
                self._pause()
                at += 1
                continue
            for length in range(min(vocabulary.LONGEST, len(tokens) - at), 0, -1):
                phrase = " ".join(tokens[at : at + length])
                after = tokens[at + length] if at + length < len(tokens) else BREAK
                if self._take(phrase, after):
                    at += length
                    break
            else:
                self._guess(tokens[at], tokens[at + 1] if at + 1 < len(tokens) else BREAK)
                at += 1

    def _pause(self) -> None:
        self.adjacent = self.article = self.negated = False
        self.tie = self.pose = None

    def _take(self, phrase: str, after: str) -> bool:
        if BREAK in phrase:
            return False
        if phrase in NEGATIONS:
            self.negated = True
            return True
        meanings = vocabulary.meanings().get(phrase, ())
        match = self._match(phrase, meanings, after)
        for meaning in meanings:
            self._mean(meaning, phrase, subject=bool(match))
        if match:
            self._add(phrase, match)
        elif meanings:
            self.article = phrase in ARTICLES
            self.adjacent = False
        return bool(meanings or match)

    def _match(self, phrase: str, meanings: tuple[Meaning, ...], after: str) -> Match | None:
        kinds = {meaning.kind for meaning in meanings}
        if kinds & {"stop", "count", "size", "framing", "pose", "style"}:
            return None
        if "colour" in kinds and _noun(after):
            return None
        if kinds & {"time", "place", "relation"} and phrase not in _ALSO_SUBJECTS:
            return None
        if kinds & {"weather"} and phrase not in _ALSO_SUBJECTS:
            return None
        match = lexicon.named(phrase)
        # "orange" alone is a fruit, "red" alone stays a colour.
        return match if match or "colour" not in kinds else None

    def _mean(self, meaning: Meaning, phrase: str, *, subject: bool) -> None:
        if self.negated and meaning.kind in {"weather", "time", "place"}:
            self.absent.add(meaning.value)
        elif meaning.kind == "weather":
            self.weather.add(meaning.value)
        elif meaning.kind == "relation":
            self.tie = cast("Tie", meaning.value)
        elif meaning.kind == "colour" and not subject:
            self._tinge(meaning.value)
        elif meaning.kind == "count":
            self.count = int(meaning.value)
        elif meaning.kind == "size":
            self.scale = float(meaning.value)
        elif meaning.kind == "pose":
            self._strike(meaning.value)
        elif meaning.kind != "stop":
            self.said.setdefault(meaning.kind, meaning.value)
            if meaning.kind == "place" and not subject:
                self._place(phrase)

    def _tinge(self, colour: str) -> None:
        """A colour belongs to the noun before it in "bicicleta verde", else to the next one."""
        last = self.found[-1] if self.found and self.adjacent else None
        if last and last.subject.colour is None:
            last.subject = replace(last.subject, colour=colour)
        else:
            self.colour = colour

    def _place(self, phrase: str) -> None:
        """A colour before a place is the place's; what is "over" a place is in the air."""
        named = vocabulary.meanings().get(phrase.split(maxsplit=1)[0], ())
        shade = next((m.value for m in named if m.kind == "colour"), self.colour)
        if shade:
            self.said.setdefault("tint", shade)
        if self.tie == "above" and self.found:
            last = self.found[-1]
            last.subject = replace(last.subject, aloft=True)
        self.colour, self.count, self.scale, self.tie = None, None, 1.0, None

    def _strike(self, pose: str) -> None:
        if self.found:
            doer = self.found[self._holder(len(self.found) - 1)]
            doer.subject = replace(doer.subject, pose=pose)
        else:
            self.pose = pose

    def _holder(self, at: int) -> int:
        """Who holds or wears that subject, if anyone: the one that a later phrase speaks of."""
        tie = self.found[at].tie
        if tie and tie[0] in {"hold", "wear"} and self.found[at].subject.count == 1:
            return self._holder(tie[1])
        return at

    def _guess(self, word: str, after: str) -> None:
        """An unknown word: worth a guess where it stands as a noun."""
        # English puts the noun last: a word before another unknown word describes it.
        ends = after == BREAK or bool(vocabulary.meanings().get(after))
        # "running", "painted" and "quickly" describe; they are not things.
        participle = re.fullmatch(r"\w{2,}(ing|ed|ly)", word)
        if len(word) < 3 or participle or word.isdigit() or not ends:
            self.adjacent = False
            return
        match = lexicon.guessed(word)
        if match:
            certainty = match.certainty * (1.0 if self.article or self.count else 0.85)
            self._add(word, replace(match, certainty=certainty))
        self.adjacent = False

    def _add(self, phrase: str, match: Match) -> None:
        if self.negated:
            self.absent.add(match.name)
            self.negated = False
            return
        if self.adjacent and self.found:
            # In "park bench" or "dragon castle" the last noun is what is meant.
            tied = self.found.pop().tie
            if self.tie is None and tied is not None:
                self.tie = tied[0]
        # "cats" are several, and three look best.
        count = self.count or (3 if match.plural else 1)
        if match.plural and count == 1:
            count = 3
        subject = Subject(match.name, phrase, count, self.colour, self.scale, self.pose)
        if self.tie == "above" and self.found:
            above = self.found[-1]
            above.subject = replace(above.subject, aloft=True)
        tie = (self.tie, self._holder(len(self.found) - 1)) if self.tie and self.found else None
        self.found.append(_Found(subject, match.certainty, tie))
        self.colour, self.count, self.scale, self.tie, self.pose = None, None, 1.0, None, None
        self.adjacent, self.article = True, False


# Words for a time, place or weather that are things to be seen as well.
_ALSO_SUBJECTS = frozenset(["iceberg", "icebergs", "orange", "village", "cafe", "café"]) | {
    "full moon",
    "coffee shop",
}


def _noun(word: str) -> bool:
    return word != BREAK and not any(
        meaning.kind in {"relation", "place", "time"} or word in {"and", "is"}
        for meaning in vocabulary.meanings().get(word, ())
    )


def parse(prompt: str, negative: str | None = None) -> Idea:
    """The idea of a prompt; never fails, and knows nothing where it understands nothing."""
    reader = _Reader()
    reader.read(words(prompt))
    idea = _idea(reader)
    absent = set(reader.absent)
    if negative:
        other = _Reader()
        other.read(words(negative))
        absent |= other.absent | other.weather | set(other.said.values())
        absent |= {found.subject.name for found in other.found}
    return _refuse(idea, frozenset(absent)) if absent else idea


def _refuse(idea: Idea, absent: frozenset[str]) -> Idea:
    kept = idea.minus(absent)
    return replace(
        kept,
        place=None if kept.place in absent else kept.place,
        time=None if kept.time in absent else kept.time,
        style=None if kept.style in absent else kept.style,
    )


def _idea(reader: _Reader) -> Idea:
    subjects, relations = _settle(reader.found)
    said = reader.said
    # In "red sneaker on blue" the colour that is left over is the background's.
    background = said.get("framing") == "product" or said.get("place") == "studio"
    return Idea(
        subjects=subjects,
        relations=relations,
        place=said.get("place"),
        time=cast("Time | None", said.get("time")),
        weather=frozenset(reader.weather),
        style=said.get("style"),
        framing=cast("Framing", said.get("framing", "scene")),
        tint=said.get("tint") or (reader.colour if background or not subjects else None),
    )


def _settle(found: list[_Found]) -> tuple[tuple[Subject, ...], tuple[Relation, ...]]:
    """Drops guesses where the prompt has certain subjects, repeats, and what is too much."""
    # Guesses may speak only where nobody certain does, unless they are good ones.
    best = max((f.certainty for f in found), default=0.0)
    floor = 0.68 if best >= lexicon.CERTAIN else 0.42
    places: dict[int, int] = {}
    subjects: list[Subject] = []
    for at, one in enumerate(found):
        if one.certainty < floor or not icons.known(one.subject.name):
            continue
        twin = next((i for i, s in enumerate(subjects) if s.name == one.subject.name), None)
        if twin is not None:
            places[at] = twin
        elif len(subjects) < MOST_SUBJECTS:
            places[at] = len(subjects)
            subjects.append(one.subject)
    relations = tuple(
        Relation(one.tie[0], places[one.tie[1]], places[at])
        for at, one in enumerate(found)
        if one.tie and at in places and one.tie[1] in places and places[one.tie[1]] != places[at]
    )
    return tuple(subjects), relations
