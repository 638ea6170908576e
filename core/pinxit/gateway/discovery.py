"""What there is: models as OpenAI lists them, what each can do, and what a request would lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any, cast
from urllib.parse import parse_qsl

from pinxit.capabilities import Model
from pinxit.errors import RequestError, UnknownModel
from pinxit.registry import Registry
from pinxit.types import Operation

from .exchange import json_answer
from .painting import read_fields
from .service import Service
from .wire import REQUESTS, to_request

__all__ = ["describe_model", "describe_models", "list_models", "plan", "retrieve_model"]

_FILTERS = ("operation", "provider", "status")


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
            # Several providers have a model of that bare name.
            except UnknownModel:
                continue
            if name != found.id:
                yield name, found


def _entry(name: str, model: Model) -> dict[str, Any]:
    released = model.lifecycle.released
    # The field is required in OpenAI's shape, where it is 0 if the day is not known.
    created = int(datetime.combine(released, time(), UTC).timestamp()) if released else 0
    return {"id": name, "object": "model", "created": created, "owned_by": model.provider}


def _route_entry(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "pinxit"}


async def describe_models(service: Service) -> None:
    """Answer what every model can do; ``operation``, ``provider`` and ``status`` in the query filter."""
    wanted = _wanted(service.exchange.scope.get("query_string", b""))
    described = (_described(model, service) for model in service.router.registry)
    data = [entry for entry in described if _matches(entry, wanted)]
    await service.exchange.answer(json_answer({"object": "list", "data": data}))


async def describe_model(service: Service) -> None:
    """Answer what one model can do."""
    model = service.router.registry.get(service.exchange.parameters["id"])
    await service.exchange.answer(json_answer(_described(model, service)))


def _described(model: Model, service: Service) -> dict[str, Any]:
    """Return a model's capabilities, prices and lifecycle, and whether it can be used right now."""
    router = service.router
    settings = router.config.settings(model.provider, router.plugins.settings_of(model))
    return {
        **model.model_dump(mode="json", exclude_none=True),
        "object": "image_model",
        "provider": model.provider,
        "status": model.lifecycle.status(router.clock.today()),
        "configured": settings.problem is None,
    }


def _wanted(query: bytes) -> Mapping[str, str]:
    text = query.decode("latin-1")
    try:
        wanted = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=len(_FILTERS)))
    except ValueError:
        raise RequestError(f"the query has more than {len(_FILTERS)} filters") from None
    if unknown := [name for name in wanted if name not in _FILTERS]:
        raise RequestError(
            f"{unknown[0][:80]}: is no filter; there are {', '.join(_FILTERS)}",
            param=unknown[0][:80],
        )
    return wanted


def _matches(entry: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    operation = wanted.get("operation")
    return (operation is None or operation in entry["operations"]) and all(
        entry[name] == wanted[name] for name in ("provider", "status") if name in wanted
    )


async def plan(service: Service) -> None:
    """Say what a request would lead to; nothing is sent to a provider."""
    fields, labels = await read_fields(service)
    operation = _operation(fields)
    with labels.applied():
        asked = to_request(operation, fields, lenient=service.settings.lenient)
        planned = service.router.plan(cast("Any", asked.request)).to_dict()
    await service.exchange.answer(json_answer({"object": "plan", **planned}))


def _operation(fields: dict[str, Any]) -> Operation:
    """Take the operation that the body names, or the one that its fields make sense for."""
    # A word for plans alone: requests do not know it.
    named = fields.pop("operation", None)
    if named is None:
        has_picture = any(fields.get(name) is not None for name in ("image", "images"))
        if not has_picture:
            return "generate"
        return "edit" if fields.get("prompt") is not None else "variation"
    if not isinstance(named, str) or named not in REQUESTS:
        raise RequestError(f"operation: is none of {', '.join(REQUESTS)}", param="operation")
    return cast("Operation", named)
