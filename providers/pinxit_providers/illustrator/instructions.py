"""Instructions of edits, merged into the idea of the picture that they change.

"add a hat", "make it night", "replace the fox with a cat", "remove the moon", "make the car blue".
"""

import re
from dataclasses import replace

from . import lexicon
from .ideas import Idea, Relation, Subject
from .parsing import parse

_REPLACE = re.compile(
    r"\b(?:replace|swap|exchange|substitute|change|turn)\b(.+?)\b(?:with|by|for|into|to)\b(.+)",
    re.IGNORECASE | re.DOTALL,
)
_REMOVE = re.compile(
    r"\b(?:remove|delete|erase|take away|take out|get rid of|without|no more|drop)\b(.+)",
    re.IGNORECASE | re.DOTALL,
)


def merged(idea: Idea, instruction: str) -> Idea:
    """The idea after the instruction."""
    # Before removing and adding: in "replace the fox with a cat" both would find something to do.
    if match := _REPLACE.search(instruction):
        changed = _replaced(idea, match[1], match[2])
        if changed is not None:
            return changed
    if match := _REMOVE.search(instruction):
        return _removed(idea, match[1])
    return _added(idea, parse(instruction))


def names_of(text: str) -> frozenset[str]:
    """Everything that a text names: subjects, weather, lights of the sky."""
    said = parse(text)
    return frozenset({s.name for s in said.subjects} | said.weather | said.without)


def removes(instruction: str) -> bool:
    """Whether the instruction only takes something away."""
    return bool(_REMOVE.search(instruction)) and not _REPLACE.search(instruction)


def _replaced(idea: Idea, old: str, new: str) -> Idea | None:
    """The new subject in the old one's place; nothing where the old one is not in the picture."""
    gone = names_of(old)
    said = parse(new)
    at = next((i for i, s in enumerate(idea.subjects) if s.name in gone), None)
    if at is None or not said.subjects:
        return _coloured(idea, at, said) if at is not None else None
    first = said.subjects[0]
    before = idea.subjects[at]
    # One cat for three foxes would leave holes; three cats do not.
    subject = replace(first, count=max(first.count, before.count), aloft=before.aloft)
    subjects = (*idea.subjects[:at], subject, *idea.subjects[at + 1 :])
    return _surroundings(replace(idea, subjects=subjects), said)


def _coloured(idea: Idea, at: int, said: Idea) -> Idea:
    if said.tint is None:
        return _surroundings(idea, said)
    subject = replace(idea.subjects[at], colour=said.tint)
    return replace(idea, subjects=(*idea.subjects[:at], subject, *idea.subjects[at + 1 :]))


def _removed(idea: Idea, text: str) -> Idea:
    names = names_of(text) | {s.name for s in parse(text).subjects}
    said = parse(text)
    changed = idea.minus(frozenset(names))
    # "remove the night" gives the time back to chance.
    if said.time == idea.time and said.time:
        changed = replace(changed, time=None)
    return changed


def _added(idea: Idea, said: Idea) -> Idea:
    """What the instruction names comes in; what it says of a subject that is there changes it."""
    subjects, relations = list(idea.subjects), list(idea.relations)
    places: list[int] = []
    for subject in said.subjects:
        at = next((i for i, s in enumerate(subjects) if s.name == subject.name), None)
        if at is None:
            places.append(len(subjects))
            subjects.append(subject)
        else:
            places.append(at)
            subjects[at] = _altered(subjects[at], subject)
    relations.extend(
        replace(relation, first=places[relation.first], second=places[relation.second])
        for relation in said.relations
    )
    relations += _worn(idea, subjects, relations)
    added = replace(idea, subjects=tuple(subjects), relations=tuple(relations))
    if not said.subjects and said.tint and added.subjects:
        added = _coloured(added, 0, said)
    return _surroundings(added, said)


def _altered(before: Subject, said: Subject) -> Subject:
    return replace(
        before,
        colour=said.colour or before.colour,
        scale=said.scale if said.scale != 1.0 else before.scale,
        count=said.count if said.count > 1 else before.count,
        pose=said.pose or before.pose,
    )


def _worn(idea: Idea, subjects: list[Subject], relations: list[Relation]) -> list[Relation]:
    """A hat or a scarf that nobody wears yet goes to the first subject."""
    tied = {relation.second for relation in relations}
    return [
        Relation("wear", 0, at)
        for at in range(len(idea.subjects), len(subjects))
        if at not in tied
        and idea.subjects
        and any(
            lexicon.has(subjects[at].name, t) for t in ("hats", "eyewear", "neckwear", "clothes")
        )
    ]


def _surroundings(idea: Idea, said: Idea) -> Idea:
    # Who asks for daylight wants what hides it gone.
    clear = (
        frozenset({"rain", "storm", "fog", "clouds", "snowfall"})
        if said.time == "day"
        else frozenset[str]()
    )
    return replace(
        idea,
        place=said.place or idea.place,
        time=said.time or idea.time,
        weather=(idea.weather - clear) | said.weather,
        style=said.style or idea.style,
        without=(idea.without - said.weather - {s.name for s in said.subjects}) | said.without,
    )
