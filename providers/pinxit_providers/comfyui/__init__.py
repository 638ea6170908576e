"""ComfyUI: a shipped workflow for any checkpoint, and whatever workflows a table names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from pinxit import Capability, ConfigError, Facts, Model, Price, Setting
from pinxit.types import Operation
from pinxit_providers.protocols import tables
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.plugin import Provider

from ._service import provider
from ._workflows import Workflow, read, text_to_image

__all__ = ["PLUGIN"]

_AS_OF = date(2026, 11, 22)
_FACTS = Facts(
    as_of=_AS_OF,
    source="server.py of ComfyUI (2025-10-12), and docs.comfy.org (2026-08-21)",
    uncertain=("Some versions have no outputs for a graph whose results are all cached.",),
)
_ENDPOINT = Endpoint(
    provider="comfyui",
    base_url="http://127.0.0.1:8188",
    key_env=("COMFYUI_API_KEY",),
    url_env=("COMFYUI_BASE_URL",),
    key_required=False,
    key_help="A key that a proxy in front of the server wants, as a bearer.",
)
_KEEP = Setting(
    name="keep_metadata",
    default=False,
    help="Whether pictures keep the workflow, and the prompt, that ComfyUI writes into them.",
)
_KEYS = ("plugin", "base_url", "api_key", "keep_metadata", "models")
_SETTINGS = (
    _KEEP,
    Setting(name="plugin", help="The plugin whose kind this provider is."),
    Setting(name="models", help="Its models, each with workflows."),
)
_OPERATIONS: tuple[Operation, ...] = ("generate", "edit", "variation")

_USUAL = text_to_image()


def _checkpoints(name: str) -> Model:
    """Return the model that stands for any checkpoint."""
    return Model(
        id=f"{name}/*",
        title="A checkpoint by the name of its file",
        operations={"generate": _USUAL.capability("generate")},
        declared=False,
        prices=(Price(usd=Decimal(0), per="request", as_of=_AS_OF),),
        facts=_FACTS,
        notes=("The workflow is a plain one: steps, cfg, sampler and scheduler are extra.",),
    )


def _usual(model: Model, operation: Operation) -> Workflow:
    del model, operation
    return _USUAL


def _create(name: str, table: Mapping[str, Any], folder: Path) -> Provider:
    """Return a server whose table names workflows, relative to *folder*.

    Raises:
        ConfigError: One sentence on the first thing that is wrong.
    """
    tables.check_provider(name)
    tables.check_names(table, _KEYS)
    tables.check_address(table.get("base_url"), _ENDPOINT.base_url)
    endpoint = replace(_ENDPOINT, provider=name, key_env=(), url_env=())
    found: dict[str, dict[Operation, Workflow]] = {}

    def operations(given: object, place: str) -> Iterator[tuple[Operation, Capability]]:
        mine = found[place.removeprefix("models.").removesuffix(".")] = {}
        for operation, workflow, limits in _workflows(given, f"{place}operations", folder):
            mine[operation] = workflow
            yield operation, limits

    def find(model: Model, operation: Operation) -> Workflow:
        return found[model.name][operation] if model.name in found else found["*"][operation]

    models = tuple(tables.models(name, table.get("models"), operations))
    if not models:
        return provider(endpoint, _usual, _checkpoints(name), settings=_SETTINGS)
    return provider(endpoint, find, *models, settings=_SETTINGS)


def _workflows(
    given: object, place: str, folder: Path
) -> Iterator[tuple[Operation, Workflow, Capability]]:
    """Yield the workflow of each operation, with what it can do."""
    if not isinstance(given, Mapping) or not given:
        raise ConfigError(
            f"{place}: it is missing; write [... .operations.generate] with a workflow"
        )
    for name, value in cast("Mapping[str, object]", given).items():
        where = f"{place}.{name}."
        if name not in _OPERATIONS:
            raise ConfigError(f"{where[:-1]}: it is none; there are {', '.join(_OPERATIONS)}")
        operation = name
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where[:-1]}: it is no table with a workflow")
        fields = dict(cast("Mapping[str, Any]", value))
        parts = {part: fields.pop(part, None) for part in ("workflow", "slots", "output")}
        workflow = read(parts, operation, where, folder)
        yield operation, workflow, tables.limits(workflow.capability(operation), fields, where)


PLUGIN = replace(
    provider(_ENDPOINT, _usual, _checkpoints("comfyui"), settings=(_KEEP,)), more=_create
)
