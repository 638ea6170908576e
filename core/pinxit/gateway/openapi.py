"""The OpenAPI document, made from the types that check requests, and a page to read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from importlib.metadata import version
from typing import Any, cast

from pydantic.json_schema import models_json_schema

from pinxit.capabilities import Model
from pinxit.options import Options
from pinxit.types import EditRequest, GenerateRequest, ImagesResponse, VariationRequest

__all__ = ["document", "page"]

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/{model}"
_REQUESTS = {"generations": GenerateRequest, "edits": EditRequest, "variations": VariationRequest}
_SUMMARIES = {
    "generations": "Make pictures from a prompt",
    "edits": "Change pictures as a prompt says",
    "variations": "Make pictures like the given one",
}
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
_TEXT: Schema = {"type": "string"}
_PICTURE: Schema = {
    "description": "An https:// or data: URL, bare base64, or an object with one of them.",
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "properties": {"image_url": _TEXT, "b64_json": _TEXT},
            "additionalProperties": False,
        },
    ],
}
_FILE: Schema = {"type": "string", "format": "binary"}


@cache
def document() -> Schema:
    """Return the document; what it says of requests and answers comes from their types."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pinxit gateway",
            "version": version("pinxit"),
            "description": "OpenAI's Images API in front of every provider, with routing, and a report "
            "under every answer. The paths exist under /v1, /v2/router and /v3/router alike.",
        },
        "security": [{"bearer": []}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas() -> dict[str, Schema]:
    models: list[tuple[type[Any], Any]] = [(cls, "validation") for cls in _REQUESTS.values()]
    models += [(ImagesResponse, "serialization"), (Model, "serialization")]
    schemas = models_json_schema(models, ref_template=_REFERENCE)[1]["$defs"]
    for cls in _REQUESTS.values():
        _as_clients_write(schemas[cls.__name__])
    schemas["ImagesResponse"] = _as_clients_read(schemas["ImagesResponse"])
    schemas["Error"] = _error()
    return cast("dict[str, Schema]", _tidied(schemas))


def _as_clients_write(request: Schema) -> None:
    """Add the shapes that JSON has and the types do not show."""
    fields = request["properties"]
    for name, text in _documented(Options):
        fields[name]["description"] = text
    fallback = {"$ref": _REFERENCE.format(model="Fallback")}
    fields["fallbacks"]["anyOf"][0]["items"] = {"anyOf": [_TEXT, fallback]}
    milliseconds = {
        "type": "object",
        "properties": {
            "call_timeout": {"type": "number", "minimum": 1, "description": "Milliseconds."}
        },
        "required": ["call_timeout"],
        "additionalProperties": False,
    }
    fields["timeout"]["anyOf"].insert(0, milliseconds)
    options = {
        name: fields[name]
        for name in ("retry", "fallbacks", "fallback_on_codes", "cache", "load_balancer", "timeout",
                     "identity", "name")
    }  # fmt: skip
    fields["orq"] = {
        "type": "object",
        "properties": options,
        "description": "The same options in a block of their own; what stands outside of it wins.",
    }
    fields["thread"] = {
        "type": "object",
        "properties": {"id": _TEXT, "tags": {"type": "array", "items": _TEXT}},
        "required": ["id"],
        "description": "Recorded with the metadata.",
    }
    if "images" in fields:
        several = {"type": "array", "items": _PICTURE, "minItems": 1}
        fields["images"], fields["image"] = several, {"anyOf": [_PICTURE, several]}
        request["required"] = [name for name in request["required"] if name != "images"]
        request["anyOf"] = [{"required": ["image"]}, {"required": ["images"]}]
    for name in ("mask", "markup"):
        if name in fields:
            fields[name] = _PICTURE


def _documented(cls: type[Any]) -> Iterator[tuple[str, str]]:
    """Yield what a class says of its attributes."""
    for name, text in _ATTRIBUTE.findall(cls.__doc__ or ""):
        yield name, " ".join(text.split()).replace("``", "`")


def _as_clients_read(response: Schema) -> Schema:
    fields = {k: v for k, v in response["properties"].items() if k not in {"report", "cost"}}
    picture = {
        "b64_json": _TEXT,
        "url": _TEXT,
        "revised_prompt": _TEXT,
        "seed": {"type": "integer"},
    }
    fields["data"] = {"type": "array", "items": {"type": "object", "properties": picture}}
    fields["pinxit"] = {"$ref": _REFERENCE.format(model="Report")}
    return {**response, "properties": fields, "required": ["created", "data", "pinxit"]}


def _error() -> Schema:
    nullable = {"type": ["string", "null"]}
    error = {"message": _TEXT, "type": _TEXT, "param": nullable, "code": nullable}
    return {
        "type": "object",
        "properties": {
            "error": {"type": "object", "properties": error, "required": list(error)},
            "pinxit": {"$ref": _REFERENCE.format(model="Report")},
        },
        "required": ["error"],
    }


def _tidied(schema: Any) -> Any:
    """Leave out titles that only repeat names, and what the Python documentation says of a class."""
    if isinstance(schema, list):
        return [_tidied(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    fields = cast("Schema", schema)
    noise = [n for n, value in fields.items() if isinstance(value, str) and _is_noise(n, value)]
    return {
        name: _tidied_fields(fields[name]) if name == "properties" else _tidied(fields[name])
        for name in fields
        if name not in noise
    }


def _tidied_fields(fields: Schema) -> Schema:
    return {name: _tidied(field) for name, field in fields.items()}


def _is_noise(name: str, text: str) -> bool:
    return name == "title" or (name == "description" and "Attributes:" in text)


def _paths() -> dict[str, Schema]:
    paths = {f"/v1/images/{name}": {"post": _operation(name)} for name in _REQUESTS}
    paths["/v1/images/plan"] = {
        "post": {
            "summary": "Say what a request would lead to; sends nothing",
            "description": "Takes the body of any operation, which `operation` may name.",
            "requestBody": _body("generations"),
            "responses": _responses({"type": "object"}),
        }
    }
    described = {"$ref": _REFERENCE.format(model="Model")}
    filters = [
        {"name": name, "in": "query", "schema": _TEXT}
        for name in ("operation", "provider", "status")
    ]
    paths["/v1/images/models"] = {
        "get": {
            "summary": "What every model can do, costs, and until when it lives",
            "parameters": filters,
            "responses": _responses(_list_of(described)),
        }
    }
    entry = {"type": "object", "properties": {"id": _TEXT, "owned_by": _TEXT}}
    paths["/v1/models"] = {
        "get": {
            "summary": "Every name that a request may use as its model",
            "responses": _responses(_list_of(entry)),
        }
    }
    health = {
        "200": {"description": "All is well"},
        "503": {"description": "The gateway is being stopped"},
    }
    paths["/health"] = {
        "get": {"summary": "Whether requests are taken", "security": [], "responses": health}
    }
    return paths


def _list_of(items: Schema) -> Schema:
    return {"type": "object", "properties": {"data": {"type": "array", "items": items}}}


def _operation(name: str) -> Schema:
    answer = {"$ref": _REFERENCE.format(model="ImagesResponse")}
    responses = _responses(answer)
    if name != "variations":
        responses["200"]["content"]["text/event-stream"] = {"schema": _TEXT}
    return {"summary": _SUMMARIES[name], "requestBody": _body(name), "responses": responses}


def _body(name: str) -> Schema:
    reference = {"$ref": _REFERENCE.format(model=_REQUESTS[name].__name__)}
    content: Schema = {"application/json": {"schema": reference}}
    files = {"image": {"type": "array", "items": _FILE}, "mask": _FILE, "markup": _FILE}
    if name == "generations":
        files = {}
    elif name == "variations":
        files = {"image": _FILE}
    content["multipart/form-data"] = {
        "schema": {
            "type": "object",
            "properties": files,
            "additionalProperties": True,
            "description": "The fields of the JSON body; lists and objects as JSON in a part of their own, "
            "or with brackets: fallbacks[][model], retry[count].",
        }
    }
    return {"required": True, "content": content}


def _responses(schema: Mapping[str, Any]) -> dict[str, Schema]:
    error = {"schema": {"$ref": _REFERENCE.format(model="Error")}}
    return {
        "200": {"description": "Success", "content": {"application/json": {"schema": schema}}},
        "default": {"description": "An error", "content": {"application/json": error}},
    }


@cache
def page() -> str:
    """Return the document as a page that loads nothing from anywhere."""
    api = document()
    rows: list[str] = []
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            rows.append(f"<h2><code>{method.upper()} {escape(path)}</code></h2>")
            rows.append(f"<p>{escape(operation['summary'])}.</p>")
    for cls in _REQUESTS.values():
        schema = api["components"]["schemas"][cls.__name__]
        rows.append(f"<h2>{escape(cls.__name__)}</h2><table>")
        rows += [
            f"<tr><td><code>{escape(name)}</code><td>{escape(_kind(field))}"
            f"<td>{escape(field.get('description', ''))}"
            for name, field in schema["properties"].items()
        ]
        rows.append("</table>")
    return _PAGE.format(title=escape(api["info"]["title"]), text=escape(api["info"]["description"]),
                        rows="\n".join(rows))  # fmt: skip


def _kind(field: Mapping[str, Any]) -> str:
    """Say in a few words what a field holds."""
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if "const" in field:
        return str(field["const"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        kinds = [_kind(kind) for kind in field["anyOf"] if kind.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    bounds = [
        f"{word} {field[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"))
        if key in field
    ]
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    return " ".join([str(field.get("type", "anything")), *bounds])


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }}
table {{ border-collapse: collapse; width: 100% }}
td {{ border-bottom: 1px solid #ddd; padding: .3rem .6rem .3rem 0; vertical-align: top }}
h2 {{ font-size: 1.1rem; margin-top: 2rem }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #111 }} td {{ border-color: #333 }} }}
</style>
<h1>{title}</h1>
<p>{text} The same as data: <a href="openapi.json">openapi.json</a>.</p>
{rows}
</html>
"""
