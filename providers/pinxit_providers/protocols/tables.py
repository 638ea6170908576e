"""Tables of ``pinxit.toml`` that describe a server and its models, read with care for whoever wrote them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, cast

import httpx
from pydantic import ValidationError

from pinxit import Capability, ConfigError, Model
from pinxit.types import Operation

__all__ = ["check_address", "check_names", "check_provider", "limits", "models"]

Operations = Callable[[object, str], Iterator[tuple[Operation, Capability]]]
"""Reads the field ``operations`` of a model; the second argument is the place, for errors."""

_MODEL_KEYS = (
    "title", "operations", "aliases", "defaults", "prices", "tokens", "lifecycle", "facts", "notes",
    "bare_name", "by_name_only", "offline",
)  # fmt: skip
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9-]*")
_NAME = re.compile(r"[\w.:@/-]+|\*")


def check_provider(provider: str) -> None:
    """Check that a table's name can be a provider's.

    Raises:
        ConfigError: It cannot.
    """
    if not _PROVIDER.fullmatch(provider):
        raise ConfigError(
            f"{provider!r} cannot be part of a model's id; use small letters, digits and dashes"
        )


def check_address(given: object, usual: str) -> None:
    """Check the ``base_url`` of a table; *usual* is where such a server listens if nothing is said.

    Raises:
        ConfigError: It is missing, or no address.
    """
    if given is None and usual:
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


def check_names(table: Mapping[str, Any], known: Collection[str], place: str = "") -> None:
    """Check that a table has no field but the *known* ones; *place* is the path of the table.

    Raises:
        ConfigError: It has; the message names what comes near.
    """
    for name in table:
        if name not in known:
            raise ConfigError(f"{place}{name}: there is no such field{_near(name, known)}")


def _near(name: str, known: Collection[str]) -> str:
    if near := difflib.get_close_matches(name, list(known), n=1):
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(known)}"


def models(
    provider: str, tables: object, operations: Operations, **usual: object
) -> Iterator[Model]:
    """Yield the models of a table ``[providers.NAME.models]``.

    Args:
        provider: The provider that they belong to.
        tables: One table for each; ``None`` where there are none.
        operations: Reads what one of them does.
        usual: Fields of a model of which a table says nothing.

    Raises:
        ConfigError: One sentence on the first thing that is wrong, with its place.
    """
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
        yield _model(provider, name, {**usual, **_table(table, name, provider)}, operations)


def _table(value: object, name: str, provider: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"models.{name}: it is no table; write [providers.{provider}.models.{name!r}]"
        )
    return cast("Mapping[str, object]", value)


def _model(provider: str, name: str, fields: Mapping[str, object], operations: Operations) -> Model:
    place = f"models.{name}."
    check_names(fields, _MODEL_KEYS, place)
    aliases = fields.get("aliases", [])
    if not isinstance(aliases, list) or not all(
        isinstance(alias, str) for alias in cast("list[object]", aliases)
    ):
        raise ConfigError(f"{place}aliases: it is no list of names")
    values = {
        "bare_name": False,
        **fields,
        "id": f"{provider}/{name}",
        # A star says what can be said of models that are not named.
        "declared": name != "*",
        "operations": dict(operations(fields.get("operations"), place)),
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


def limits(widest: Capability, changes: object, place: str) -> Capability:
    """Return the limits that a table says, over those that hold where it says nothing.

    Raises:
        ConfigError: One of them is none, or has a value that does not fit.
    """
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
    # A range is known by numbers alone, so it is what is left.
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
