"""What is wrong with a plugin, in one sentence: the place, the piece of data, the way out."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from pydantic import ValidationError

from .capabilities import Capability, Model
from .errors import PinxitError
from .types import parse_size

__all__ = ["contradictions", "explain"]

_OURS = Path(__file__).parent
_OTHERS = frozenset({"importlib", "pydantic", "pluggy"})
"""Packages whose code no plugin's author wrote."""


def explain(error: BaseException) -> str:
    """Say in one line what a plugin raised while it was loaded, and where in its code.

    Our own errors are sentences already. Of what pydantic finds, the first thing is told: one mend, one
    look.
    """
    if isinstance(error, PinxitError):
        return str(error)
    where = _place(error)
    behind = f" ({where})" if where else ""
    if isinstance(error, ValidationError):
        return f"{_first(error)}{behind}"
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {lines[0]}{behind}{_remedy(error)}"


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=True)[0]
    path = ".".join(str(part) for part in found["loc"])
    name = f"{error.title}.{path}" if path else error.title
    text = found["msg"].removeprefix("Value error, ")
    if found["type"] == "extra_forbidden":
        text = "there is no such field; take it out, or look for its right name"
    # A whole object would fill the line; the path says which one is meant.
    elif found["type"] != "value_error" and not isinstance(found["input"], (dict, list, tuple)):
        text = f"{text}, not {found['input']!r:.60}"
    return f"{name}: {text[:1].lower()}{text[1:]}"


def _remedy(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"; install {error.name!r}, or mend the import or the entry point"
    return ""


def _place(error: BaseException) -> str:
    """Return file and line of the innermost code that is the author's."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [(path, f.lineno) for f in frames if _is_theirs(path := Path(f.filename))]
    return f"{theirs[-1][0].name}, line {theirs[-1][1]}" if theirs else ""


def _is_theirs(path: Path) -> bool:
    # Frames of the import system have names such as <frozen importlib._bootstrap>.
    frozen = str(path).startswith("<")
    return not (frozen or path.is_relative_to(_OURS) or _OTHERS & set(path.parts))


# What a model says against itself ------------------------------------------------------------------


def contradictions(model: Model) -> Iterator[str]:
    """Yield what in a model's data cannot be true at once, with what to change."""
    for operation, capability in model.operations.items():
        for problem in _of_capability(capability):
            yield f"{model.id}: {operation}: {problem}"
    life = model.lifecycle
    dates = {name: getattr(life, name) for name in ("released", "deprecated", "retired")}
    known = [(name, day) for name, day in dates.items() if day is not None]
    for (first, before), (then, after) in pairwise(known):
        if before > after:
            yield f"{model.id}: lifecycle: {first} {before} is after {then} {after}; swap or mend them"


def _of_capability(cap: Capability) -> Iterator[str]:
    default = parse_size(cap.default_size)
    if cap.default_size is not None and default is None:
        yield f"default_size {cap.default_size!r} is not WIDTHxHEIGHT; write pixels, or leave it out"
    elif default and cap.sizes is not None and not cap.sizes.accepts(*default):
        yield f"default_size {cap.default_size} is none of sizes ({cap.sizes}); add it, or take one of them"
    if cap.default_quality is not None and cap.default_quality not in cap.qualities:
        told = ", ".join(cap.qualities) or "none"
        yield f"default_quality {cap.default_quality!r} is none of qualities ({told}); add it there"
    if cap.partial_images and not cap.streaming:
        yield f"partial_images={cap.partial_images} without streaming; set streaming=True"
    if cap.svg and "svg" not in cap.output_formats:
        yield "svg=True, but svg is none of output_formats; add it there"
    if cap.frames is not None and "gif" not in cap.output_formats:
        yield "frames are declared, but gif is none of output_formats; add it there"
    if cap.frames is not None and cap.frames[0] > cap.frames[1]:
        yield f"frames {cap.frames} has the most before the least; swap them"
    if cap.seed is not None and cap.seed.min > cap.seed.max:
        yield f"seed: min {cap.seed.min} is more than max {cap.seed.max}; swap them"
