"""Nested values from the flat names of a form: ``retry[on_codes][]=429``.

Clients write a list of objects as ``fallbacks[][model]``, once per object, and tell nobody where one object
ends: some send field by field, some object by object. What can be read in two ways is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from pinxit.errors import RequestError

__all__ = ["nested"]

# `_value` goes down one level for each bracket; no field of the API is as deep as this.
MAX_DEPTH = 8
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")

Path = tuple[str, ...]
Entry = tuple[Path, Any]


def nested(pairs: Iterable[tuple[str, Any]], *, repeatable: frozenset[str]) -> dict[str, Any]:
    """Return the fields of a form as nested lists and objects.

    Args:
        pairs: Names and values in the order in which they came.
        repeatable: Names that may come several times without brackets, and then are a list.

    Raises:
        RequestError: A name comes twice, contradicts another, or can be read in two ways.
    """
    fields: dict[str, list[Entry]] = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        # An odd name is left whole, and is refused with the other unknown ones.
        path = tuple(_PART.findall(match[2])) if match else ()
        if len(path) > MAX_DEPTH:
            raise RequestError(f"{name[:80]}: is nested too deeply", param=name[:80])
        fields.setdefault(match[1] if match else name, []).append((path, value))
    return {name: _field(name, entries, repeatable) for name, entries in fields.items()}


def _field(name: str, entries: list[Entry], repeatable: frozenset[str]) -> Any:
    if name in repeatable and all(path in {(), ("",)} for path, _ in entries):
        # OpenAI's clients write `image` for a picture alone and `image[]` for a list, also for a
        # list of one.
        values = [value for _, value in entries]
        return values if len(values) > 1 or entries[0][0] else values[0]
    return _value(entries, name)


def _value(entries: Sequence[Entry], field: str) -> Any:
    """Build what stands behind one name; the paths begin behind it."""
    if any(not path for path, _ in entries):
        if len(entries) > 1:
            raise RequestError(f"{field}: is given {len(entries)} times, send it once", param=field)
        return entries[0][1]
    heads = {path[0] for path, _ in entries}
    if heads == {""}:
        return _list(_behind(entries), field)
    if "" in heads:
        raise RequestError(f"{field}: is given as a list and as an object", param=field)
    groups: dict[str, list[Entry]] = {}
    for path, value in entries:
        groups.setdefault(path[0], []).append((path[1:], value))
    built = {name: _value(group, f"{field}.{name}") for name, group in groups.items()}
    return _by_index(built) if all(name.isdecimal() for name in built) else built


def _behind(entries: Iterable[Entry]) -> list[Entry]:
    return [(path[1:], value) for path, value in entries]


def _by_index(built: Mapping[str, Any]) -> Any:
    """Some clients number the items of a list."""
    # With a gap it stays an object, and the types say what should be there.
    if set(built) != {str(place) for place in range(len(built))}:
        return built
    return [built[str(place)] for place in range(len(built))]


def _list(entries: Sequence[Entry], field: str) -> list[Any]:
    if all(not path for path, _ in entries):
        return [value for _, value in entries]
    return [_value(row, field) for row in _rows(entries, field)]


def _rows(entries: Sequence[Entry], field: str) -> list[list[Entry]]:
    """Find out which fields belong to the same object."""
    counts = Counter(path for path, _ in entries)
    lists = {path for path in counts if "" in path}
    # No field comes twice, unless it is a list itself: all of it is one object.
    if all(count == 1 or path in lists for path, count in counts.items()):
        return [list(entries)]
    # Every field comes equally often, so the order does not matter: OpenAI's client for Python
    # sends all models before all weights, the one for JavaScript sends pair by pair.
    if not lists and len(set(counts.values())) == 1:
        return _by_occurrence(entries)
    # As many runs as fields: each field comes in one run, and which object lacks one is not known.
    changes = sum(a[0] != b[0] for a, b in pairwise(entries))
    if lists or changes == len(counts) - 1:
        raise RequestError(
            f"{field}: it cannot be told which fields belong together; give every item the same "
            "fields, or send the list as JSON",
            param=field,
        )
    return _by_repetition(entries)


def _by_occurrence(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Put every first field into the first object, every second one into the second..."""
    rows: list[list[Entry]] = []
    seen: Counter[Path] = Counter()
    for path, value in entries:
        if seen[path] == len(rows):
            rows.append([])
        rows[seen[path]].append((path, value))
        seen[path] += 1
    return rows


def _by_repetition(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Begin a new object where a field of the last one comes again."""
    rows: list[list[Entry]] = [[]]
    for path, value in entries:
        if any(path == known for known, _ in rows[-1]):
            rows.append([])
        rows[-1].append((path, value))
    return rows
