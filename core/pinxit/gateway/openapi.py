"""The OpenAPI document: every path, what it takes, and every answer that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from .schemas import REQUESTS, Schema, components, form, reference

__all__ = ["STATUSES", "document"]

_SUMMARIES = {
    "generations": "Make pictures from a prompt",
    "edits": "Change pictures as a prompt says",
    "variations": "Make pictures like the given one",
}
_EVENTS = {"generations": "GenerationEvent", "edits": "EditEvent"}
STATUSES: Mapping[int, str] = {
    400: "The request is wrong, or no model can do it, or it was refused by a safety system",
    401: "The key of the gateway is missing or wrong",
    402: "Every candidate may cost more than max_cost",
    403: "A gateway without keys, and somebody from elsewhere",
    404: "There is no such model or path",
    408: "The request came too slowly",
    413: "The request is too large",
    415: "The body is neither JSON nor a form, or it is compressed",
    422: "The idempotency key came with another request before",
    429: "A provider has had too many requests, or is out of credit",
    431: "The headers are too large",
    500: "A bug of the gateway; its log has it under the request's id",
    502: "A provider failed, or sent something of no use",
    503: "A provider is down; or the gateway is busy, or being stopped",
    504: "A provider took too long",
}
"""What can go wrong, by status."""

_MESSAGE = (400, 401, 403, 408, 413, 415, 431, 500, 503)
"""What can be wrong with any request, whatever it asks."""
_PAINTING = tuple(STATUSES)
_PLANNING = (*_MESSAGE, 402, 404)

_TEXT: Schema = {"type": "string"}
_HEADERS: Schema = {
    "x-request-id": {
        "schema": _TEXT,
        "description": "The id that the log has too.",
        "required": True,
    }
}
_REPORTED: Schema = {
    **_HEADERS,
    "x-pinxit-model": {"schema": _TEXT, "description": "Who painted."},
    "x-pinxit-attempts": {"schema": _TEXT, "description": "How many requests were sent upstream."},
    "x-pinxit-cost": {"schema": _TEXT, "description": "US dollars, where known."},
    "x-pinxit-dropped": {"schema": _TEXT, "description": "Parameters that were not met."},
    "x-pinxit-cache": {"schema": {"enum": ["hit", "miss"]}, "description": "If it was asked."},
}


@cache
def document() -> Schema:
    """Return the document; what it says of requests and answers comes from their types."""
    schemas = components()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pinxit gateway",
            "version": version("pinxit"),
            "description": "OpenAI's Images API in front of every provider, with routing, and a report "
            "under every answer. The paths exist under /v1, /v2/router and /v3/router alike.",
        },
        "security": [{"bearer": []}],
        "paths": {**_painting(schemas), **_discovery(), **_site()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _painting(schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    paths = {f"/v1/images/{name}": {"post": _operation(name, schemas)} for name in REQUESTS}
    # Any, not exactly one: a body that does not name its operation may fit several.
    plans = [reference(name) for name in schemas if name.endswith("Plan") and name != "Plan"]
    paths["/v1/images/plan"] = {
        "post": {
            "summary": "Say what a request would lead to; sends nothing",
            "description": "Takes the body of any operation, which `operation` may name; forms too.",
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"anyOf": plans}}},
            },
            "responses": _responses(reference("Plan"), _PLANNING),
        }
    }
    return paths


def _operation(name: str, schemas: Mapping[str, Schema]) -> Schema:
    request = REQUESTS[name].__name__
    content = {
        "application/json": {"schema": reference(request)},
        "multipart/form-data": {"schema": form(name, schemas[request])},
    }
    responses = _responses(reference("ImagesResponse"), _PAINTING, _REPORTED)
    if event := _EVENTS.get(name):
        responses["200"]["content"]["text/event-stream"] = {"schema": reference(event)}
    return {
        "summary": _SUMMARIES[name],
        "parameters": [
            _header("Idempotency-Key", "A repeated request with the same key costs once.", 255),
            _header("X-ORQ-CONTACT-ID", "The id of the identity, where the body names none.", 256),
        ],
        "requestBody": {"required": True, "content": content},
        "responses": responses,
    }


def _header(name: str, description: str, longest: int) -> Schema:
    schema = {"type": "string", "maxLength": longest}
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _discovery() -> dict[str, Schema]:
    described, entry = reference("ImageModel"), _entry()
    queries = {
        "operation": {"enum": ["generate", "edit", "variation"]},
        "provider": _TEXT,
        "status": {"enum": ["live", "deprecated", "retired"]},
    }
    filters = [{"name": name, "in": "query", "schema": schema} for name, schema in queries.items()]
    by_id = [{"name": "id", "in": "path", "required": True, "schema": {**_TEXT, "minLength": 1}}]
    return {
        "/v1/images/models": _get(
            "What every model can do, costs, and until when it lives", _list_of(described), parameters=filters
        ),
        "/v1/images/models/{id}": _get("What one model can do", described, 404, parameters=by_id),
        "/v1/models": _get("Every name that a request may use as its model", _list_of(entry)),
        "/v1/models/{id}": _get("One such name", entry, 404, parameters=by_id),
    }  # fmt: skip


def _entry() -> Schema:
    fields = {
        "id": _TEXT,
        "object": {"const": "model"},
        "created": {"type": "integer"},
        "owned_by": _TEXT,
    }
    return {"type": "object", "properties": fields, "required": list(fields)}  # fmt: skip


def _list_of(items: Schema) -> Schema:
    fields = {"object": {"const": "list"}, "data": {"type": "array", "items": items}}
    return {"type": "object", "properties": fields, "required": list(fields)}


def _get(summary: str, schema: Schema, *more: int, parameters: Sequence[Schema] = ()) -> Schema:
    responses = _responses(schema, (*_MESSAGE, *more))
    operation: Schema = {"summary": summary, "responses": responses}
    if parameters:
        operation["parameters"] = list(parameters)
    return {"get": operation}


def _site() -> dict[str, Schema]:
    status = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}
    health = _get("Whether requests are taken", status)
    # Probes have no key.
    health["get"]["security"] = []
    return {"/health": health}


def _responses(
    schema: Schema, statuses: Sequence[int], headers: Schema = _HEADERS
) -> dict[str, Any]:
    error = {"application/json": {"schema": reference("Error")}}
    success = {
        "description": "Success",
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    }
    return {
        "200": success,
        **{
            str(status): {"description": STATUSES[status], "headers": _HEADERS, "content": error}
            for status in sorted(statuses)
        },
    }
