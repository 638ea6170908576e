"""What there is: models as OpenAI lists them, and whether the gateway is well."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

from pinxit.capabilities import Model
from pinxit.errors import UnknownModel
from pinxit.registry import Registry

from .exchange import json_answer
from .service import Service

__all__ = ["health", "list_models", "retrieve_model"]


async def health(service: Service) -> None:
    """Answer that all is well."""
    await service.exchange.answer(json_answer({"status": "ok"}))


async def list_models(service: Service) -> None:
    """List every name that a request may use: ids, aliases, bare names and routes.

    Retired models are among them, because their successors serve them; some clients look for ``dall-e``
    or ``gpt-image`` in this list before they show that pictures can be made.
    """
    router = service.router
    names = dict(_names(router.registry))
    data = [_entry(name, model) for name, model in names.items()]
    data += [_route_entry(name) for name in router.routes if name not in names]
    await service.exchange.answer(json_answer({"object": "list", "data": data}))


async def retrieve_model(service: Service) -> None:
    """Answer one entry of the list."""
    name = service.exchange.parameters["id"]
    if name in service.router.routes:
        entry = _route_entry(name)
    else:
        entry = _entry(name, service.router.registry.get(name))
    await service.exchange.answer(json_answer(entry))


def _names(registry: Registry) -> Iterator[tuple[str, Model]]:
    """Yield ids first, then what else leads to exactly one model."""
    for model in registry:
        yield model.id, model
    for model in registry:
        for name in (*model.aliases, model.name):
            try:
                found = registry.get(name)
            except UnknownModel:
                continue
            if name != found.id:
                yield name, found


def _entry(name: str, model: Model) -> dict[str, Any]:
    released = model.lifecycle.released
    created = int(datetime.combine(released, time(), UTC).timestamp()) if released else 0
    return {"id": name, "object": "model", "created": created, "owned_by": model.provider}


def _route_entry(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "pinxit"}
