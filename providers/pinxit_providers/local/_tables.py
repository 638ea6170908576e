"""Tables of ``pinxit.toml`` that describe a server and its models, turned into a plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, cast

from pinxit import Capability, ConfigError, Setting
from pinxit.types import Operation
from pinxit_providers.protocols import tables
from pinxit_providers.protocols.plugin import Provider

from ._accents import Accent, served, speaker

__all__ = ["create"]

_SETTINGS = (
    Setting(name="plugin", help="The plugin whose kind this provider is."),
    Setting(name="profile", help="How the server speaks."),
    Setting(name="models", help="What its models can do."),
)
_KEYS = ("plugin", "profile", "base_url", "api_key", "models")


def create(
    accents: Mapping[str, Accent], usual: str | None, provider: str, table: Mapping[str, Any]
) -> Provider:
    """Return the plugin that a table ``[providers.NAME]`` asks for.

    Args:
        accents: The profiles to choose from.
        usual: The profile of a table that names none; ``None`` where it must.
        provider: The table's name.
        table: The table.

    Raises:
        ConfigError: One sentence on the first thing that is wrong.
    """
    tables.check_provider(provider)
    tables.check_names(table, _KEYS)
    accent = _accent(accents, usual, table).named(provider)
    tables.check_address(table.get("base_url"), accent.profile.endpoint.base_url)
    operations = partial(_operations, accent)
    models = tuple(tables.models(provider, table.get("models"), operations, prices=accent.prices))
    return speaker(accent, *(models or served(accent)), settings=_SETTINGS)


def _accent(accents: Mapping[str, Accent], usual: str | None, table: Mapping[str, Any]) -> Accent:
    name = table.get("profile", usual)
    if name is None:
        raise ConfigError(f"profile: it is missing; there are {', '.join(accents)}")
    if not isinstance(name, str) or name not in accents:
        raise ConfigError(f"profile: {name!r:.60} is none; there are {', '.join(accents)}")
    return accents[name]


def _operations(
    accent: Accent, given: object, place: str
) -> Iterator[tuple[Operation, Capability]]:
    """Yield what a model does: a list of names, or a table of limits that differ from the server's."""
    if given is None:
        given = list(accent.usual)
    if isinstance(given, list | tuple):
        changed: dict[str, object] = {str(name): {} for name in cast("list[object]", given)}
    elif isinstance(given, Mapping):
        changed = dict(cast("Mapping[str, object]", given))
    else:
        raise ConfigError(f"{place}operations: it is neither a list of names nor a table")
    if not changed:
        raise ConfigError(f"{place}operations: it is empty; leave it out, or name generate")
    for name, changes in changed.items():
        if name not in accent.operations:
            there = ", ".join(accent.operations)
            raise ConfigError(
                f"{place}operations.{name}: {accent.title} does not do that; there are {there}"
            )
        operation = cast("Operation", name)
        yield (
            operation,
            tables.limits(accent.operations[operation], changes, f"{place}operations.{name}."),
        )
