"""Tables of ``pinxit.toml`` that describe a server and its models, turned into a plugin."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

import httpx
from pydantic import ValidationError

from pinxit import Capability, ConfigError, Model, Setting
from pinxit.types import Operation
from pinxit_providers.protocols.plugin import Provider

from ._accents import Accent, served, speaker

__all__ = ["create"]

_SETTINGS = (
    Setting(name="plugin", help="The plugin whose kind this provider is."),
    Setting(name="profile", help="How the server speaks."),
    Setting(name="models", help="What its models can do."),
)
_KEYS = ("plugin", "profile", "base_url", "api_key", "models")
_MODEL_KEYS = (
    "title", "operations", "aliases", "defaults", "prices", "tokens", "lifecycle", "facts", "notes",
    "bare_name", "by_name_only", "offline",
)  # fmt: skip
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9-]*")
_NAME = re.compile(r"[\w.:@/-]+|\*")


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
    if not _PROVIDER.fullmatch(provider):
        raise ConfigError(
            f"{provider!r} cannot be part of a model's id; use small letters, digits and dashes"
        )
    _check_names(table, _KEYS, "")
    accent = _accent(accents, usual, table).named(provider)
    _check_address(table.get("base_url"), accent)
    models = list(_models(provider, table.get("models"), accent))
    return speaker(accent, *(models or served(accent)), settings=_SETTINGS)


def _accent(accents: Mapping[str, Accent], usual: str | None, table: Mapping[str, Any]) -> Accent:
    name = table.get("profile", usual)
    if name is None:
        raise ConfigError(f"profile: it is missing; there are {', '.join(accents)}")
    if name not in accents:
        raise ConfigError(f"profile: {name!r} is none; there are {', '.join(accents)}")
    return accents[name]


def _check_address(given: object, accent: Accent) -> None:
    if given is None and accent.profile.endpoint.base_url:
        return
    if isinstance(given, Mapping):
        # A variable is looked up when a request is made.
        return
    example = "such as http://localhost:8000/v1"
    if given is None:
        raise ConfigError(f"base_url: it is missing; give the server's address, {example}")
    try:
        url = httpx.URL(str(given))
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise ConfigError(
            f"base_url: it is no http(s) address without credentials; give one, {example}"
        )


def _check_names(table: Mapping[str, Any], known: Collection[str], place: str) -> None:
    for name in table:
        if name not in known:
            raise ConfigError(f"{place}{name}: there is no such field{_near(name, known)}")


def _near(name: str, known: Collection[str]) -> str:
    if near := difflib.get_close_matches(name, list(known), n=1):
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(known)}"


# Models --------------------------------------------------------------------------------------------


def _models(provider: str, tables: object, accent: Accent) -> Iterator[Model]:
    if tables is None:
        return
    if not isinstance(tables, Mapping):
        raise ConfigError(
            f"models: it is no table; write [providers.{provider}.models.NAME] for each model"
        )
    for name, table in cast("Mapping[str, object]", tables).items():
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"models.{name}: it cannot be a model's name; use letters, digits and . _ : @ / -"
            )
        yield _model(provider, name, table, accent)


def _model(provider: str, name: str, table: object, accent: Accent) -> Model:
    place = f"models.{name}."
    if not isinstance(table, Mapping):
        raise ConfigError(
            f"models.{name}: it is no table; write [providers.{provider}.models.{name!r}]"
        )
    fields = dict(cast("Mapping[str, Any]", table))
    _check_names(fields, _MODEL_KEYS, place)
    operations = dict(_operations(fields.get("operations"), accent, place))
    aliases = fields.get("aliases", ())
    if not isinstance(aliases, list | tuple) or not all(
        isinstance(alias, str) for alias in cast("list[object]", aliases)
    ):
        raise ConfigError(f"{place}aliases: it is no list of names")
    values = {
        "bare_name": False,
        **fields,
        "id": f"{provider}/{name}",
        # A star says what can be said of models that are not named.
        "declared": name != "*",
        "operations": operations,
        "aliases": tuple(
            _aliases(provider, cast("list[str]", aliases), bare=fields.get("bare_name") is True)
        ),
    }
    try:
        return Model.model_validate(values)
    except ValidationError as error:
        raise _complaint(error, place, Model.model_fields) from error


def _aliases(provider: str, aliases: Collection[str], *, bare: bool) -> Iterator[str]:
    """Yield full names; bare ones only where the model's own name is one too."""
    for alias in aliases:
        yield alias if "/" in alias else f"{provider}/{alias}"
        if bare and "/" not in alias:
            yield alias


def _operations(
    given: object, accent: Accent, place: str
) -> Iterator[tuple[Operation, Capability]]:
    """Yield what a model does: a list of names, or a table of limits that differ from the server's."""
    if given is None:
        given = list(accent.usual)
    if isinstance(given, list | tuple):
        limits: dict[str, object] = {str(name): {} for name in cast("list[object]", given)}
    elif isinstance(given, Mapping):
        limits = dict(cast("Mapping[str, object]", given))
    else:
        raise ConfigError(f"{place}operations: it is neither a list of names nor a table")
    if not limits:
        raise ConfigError(f"{place}operations: it is empty; leave it out, or name generate")
    for name, changes in limits.items():
        if name not in accent.operations:
            there = ", ".join(accent.operations)
            raise ConfigError(
                f"{place}operations.{name}: {accent.title} does not do that; there are {there}"
            )
        operation = cast("Operation", name)
        yield (
            operation,
            _capability(accent.operations[operation], changes, f"{place}operations.{name}."),
        )


def _capability(widest: Capability, changes: object, place: str) -> Capability:
    if not isinstance(changes, Mapping):
        raise ConfigError(f"{place[:-1]}: it is no table of limits")
    fields = dict(cast("Mapping[str, Any]", changes))
    if "sizes" in fields:
        fields["sizes"] = _sizes(fields["sizes"])
    try:
        return Capability.model_validate({**dict(widest), **fields})
    except ValidationError as error:
        raise _complaint(error, place, Capability.model_fields) from error


def _sizes(value: object) -> object:
    """Tell by its fields which kind of sizes a table is; a list is one of pixels."""
    if isinstance(value, list):
        return {"kind": "fixed", "values": cast("list[object]", value)}
    if not isinstance(value, dict) or "kind" in value:
        return cast("object", value)
    fields = cast("dict[str, object]", value)
    kinds = {"values": "fixed", "classes": "ratios"}
    return {"kind": next((kinds[n] for n in kinds if n in fields), "range"), **fields}


def _complaint(error: ValidationError, place: str, known: Collection[str]) -> ConfigError:
    """Say the first thing that pydantic found, with the path of the field as it stands in the file."""
    found = error.errors(include_url=False)[0]
    # Unions put the name of the kind into the path.
    path = ".".join(str(part) for part in found["loc"] if part not in {"fixed", "range", "ratios"})
    where = f"{place}{path}" if path else place.rstrip(".")
    words = found["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if found["type"] == "extra_forbidden":
        near = _near(str(found["loc"][-1]), known) if len(found["loc"]) == 1 else ""
        return ConfigError(f"{where}: there is no such field{near}")
    if found["type"] == "missing":
        return ConfigError(f"{where}: it is missing")
    if isinstance(found["input"], str | int | float) and found["type"] != "value_error":
        words = f"{found['input']!r:.60} {words}"
    return ConfigError(f"{where}: {words}")
