"""What there is to say about a plugin that loads: settings, prices, facts, ends of life."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pinxit.capabilities import Capability, FixedSizes, Model, Price, Ratios, SizeRange

from .findings import OLD, Finding

if TYPE_CHECKING:
    from pinxit.plugins import Plugins
    from pinxit.types import Operation

__all__ = ["lint", "uncovered"]

SHOWN = 3
"""Sizes without a price that are named before the others are only counted."""

_CREDENTIAL = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)


def lint(plugins: Plugins, name: str, today: date) -> Iterator[Finding]:
    """Look at what a loaded plugin declares; what is right is not mentioned."""
    plugin = plugins.names()[name]
    yield from _settings(plugins, name, plugin)
    for model in plugins.registry:
        if plugins.registry.owner(model) is plugin:
            yield from _prices(model)
            yield from _facts(model, today)
            yield from _end_of_life(model, today)


def _settings(plugins: Plugins, name: str, plugin: object) -> Iterator[Finding]:
    declared = {setting.name: setting for setting in plugins.declared_settings(plugin)}
    for setting in declared.values():
        what = f"{name}: setting {setting.name}"
        if _CREDENTIAL.search(setting.name) and not setting.secret:
            yield Finding("broken", what, "looks like a credential; declare it with secret=True")
        if setting.required and not setting.env:
            yield Finding(
                "warning", what, "is required, but no variable can give it; add env=(...)"
            )
        if not setting.help:
            yield Finding("warning", what, "has no help; say in a sentence what it is")
    for read, place in _read_settings(plugin):
        if read not in declared:
            text = f"is read in {place}, but register_settings() does not declare it"
            yield Finding("warning", f"{name}: setting {read}", text)


def _read_settings(plugin: object) -> Iterator[tuple[str, str]]:
    """Yield the names that a plugin's code takes from ``settings``, each once, with its line."""
    seen: set[str] = set()
    for file in _sources(plugin):
        # Read, not run: which settings code asks for shows only when it is called.
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            key = _key_of(node)
            if key is not None and key not in seen:
                seen.add(key)
                yield key, f"{file.name}, line {getattr(node, 'lineno', 0)}"


def _sources(plugin: object) -> list[Path]:
    file = getattr(plugin, "__file__", None) if isinstance(plugin, ModuleType) else None
    if file is None:
        return []
    path = Path(file)
    return sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]


def _key_of(node: ast.AST) -> str | None:
    """Return the name in ``settings["name"]``, ``context.settings["name"]`` or their ``.get("name")``."""
    match node:
        case ast.Subscript(value=owner, slice=ast.Constant(value=str(key))):
            pass
        case ast.Call(
            func=ast.Attribute(value=owner, attr="get"), args=[ast.Constant(value=str(key)), *_]
        ):
            pass
        case _:
            return None
    named = getattr(owner, "attr", None) or getattr(owner, "id", None)
    return key if named == "settings" else None


# Models ---------------------------------------------------------------------------------------------


def _prices(model: Model) -> Iterator[Finding]:
    if not model.prices and model.tokens is None:
        if not model.offline:
            text = "has no price; max_cost and order = cheapest cannot count it"
            yield Finding("warning", model.id, text)
        return
    for operation, missing in uncovered(model).items():
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        text = f"{operation}: no price covers {', '.join(missing[:SHOWN])}{more}"
        yield Finding("warning", model.id, text)


def uncovered(model: Model) -> dict[Operation, list[str]]:
    """Return what each operation offers that no price is for: qualities and sizes, in words."""
    found: dict[Operation, list[str]] = {}
    for operation, capability in model.operations.items():
        qualities: list[str | None] = [q for q in capability.qualities if q != "auto"]
        for quality in qualities or [None]:
            for names in _sizes(capability):
                if not _is_priced(model, operation, quality, names):
                    words = " ".join(filter(None, (quality, names[0])))
                    found.setdefault(operation, []).append(words or "a picture")
    return found


def _sizes(capability: Capability) -> list[tuple[str, ...]]:
    """Return the sizes that can be listed, each with all the names that a price may use."""
    match capability.sizes:
        case FixedSizes(values=values):
            return [(value,) for value in values]
        case Ratios() as ratios:
            return [(pixels, kind) for kind, _, pixels in ratios]
        case SizeRange(listed=listed) if listed:
            return [(value,) for value in listed]
        case _:
            return [(capability.default_size or "",)]


def _is_priced(
    model: Model, operation: Operation, quality: str | None, names: tuple[str, ...]
) -> bool:
    # A table of tokens is scaled to sizes that it does not list.
    tokens = model.tokens is not None and (
        quality is None or not model.tokens.per_image or quality in model.tokens.per_image
    )
    return tokens or any(_matches(price, operation, quality, names) for price in model.prices)


def _matches(
    price: Price, operation: Operation, quality: str | None, names: tuple[str, ...]
) -> bool:
    return (
        price.operation in {None, operation}
        # Without qualities to choose from, whatever the price names is what there is.
        and (quality is None or price.quality in {None, quality})
        and (not any(names) or price.size is None or price.size in names)
    )


def _facts(model: Model, today: date) -> Iterator[Finding]:
    if model.facts is None:
        if not model.offline:
            text = "has no facts; say with Facts(as_of=..., source=...) where its data comes from"
            yield Finding("warning", model.id, text)
        return
    # Prices move more often than limits, and may have been read on another day.
    tables = [*model.prices, *((model.tokens,) if model.tokens else ())]
    dates = {"facts": model.facts.as_of}
    if tables:
        dates["prices"] = min(table.as_of for table in tables)
    for what, day in dates.items():
        if today - day > OLD and model.lifecycle.status(today) != "retired":
            text = f"{what} of {day} are older than {OLD.days} days; read the source again"
            yield Finding("warning", model.id, f"{text} ({model.facts.source})")
        if day > today:
            yield Finding("broken", model.id, f"{what} of {day} were read on a day that is to come")


def _end_of_life(model: Model, today: date) -> Iterator[Finding]:
    status = model.lifecycle.status(today)
    if status != "live" and model.lifecycle.successor is None:
        text = f"is {status} without a successor; its users will be left alone"
        yield Finding("warning", model.id, text)
