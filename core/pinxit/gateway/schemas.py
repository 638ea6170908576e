"""The shapes of requests and answers as JSON Schema, made from the types that check them.

What a schema can say it says, so that a client that keeps to it is refused for no reason that it could have
known. Where the gateway takes more (numbers as text, old names), the schema shows the way to be preferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from pydantic.json_schema import models_json_schema

from pinxit.capabilities import Model
from pinxit.draft import CONTRACTS, HINTS
from pinxit.options import Options
from pinxit.resolution import NEEDS
from pinxit.types import EditRequest, GenerateRequest, ImagesResponse, VariationRequest

from .wire import IN_ORQ

__all__ = ["REQUESTS", "Schema", "components", "form", "reference"]

Schema = dict[str, Any]

REQUESTS = {"generations": GenerateRequest, "edits": EditRequest, "variations": VariationRequest}
"""The type of request behind each path."""

_REFERENCE = "#/components/schemas/{model}"
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)
_NULL: Schema = {"type": "null"}
_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_FILE: Schema = {"type": "string", "format": "binary"}
_VISIBLE = r"[^\s\x00-\x20\x7f-\xa0]"
"""What is blank differs from one language's regular expressions to another's; this is in none."""
_NAME: Schema = {"type": "string", "pattern": _VISIBLE, "maxLength": 256}
_URL: Schema = {"type": "string", "pattern": r"^(https?://\S|data:image/[a-z+]+;base64,)"}
_BASE64: Schema = {"type": "string", "pattern": "^[A-Za-z0-9+/]{16,}={0,2}$"}
_PICTURE: Schema = {
    "description": "An https:// or data: URL, bare base64, or an object with one of them.",
    "anyOf": [
        _URL,
        _BASE64,
        {
            "type": "object",
            "properties": {"image_url": _URL, "b64_json": _BASE64},
            "minProperties": 1,
            "additionalProperties": False,
        },
    ],
}
_USD: Schema = {"type": "string", "pattern": r"^\d{1,9}(\.\d{1,9})?$"}
_PICTURES = ("image", "images", "mask", "markup")
_OPERATIONS: dict[str, type[Any]] = {
    "generate": GenerateRequest,
    "edit": EditRequest,
    "variation": VariationRequest,
}


def reference(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": _REFERENCE.format(model=name)}


def components() -> dict[str, Schema]:
    """Return every shape by name."""
    models: list[tuple[type[Any], Any]] = [(cls, "validation") for cls in REQUESTS.values()]
    models += [(ImagesResponse, "serialization"), (Model, "serialization")]
    schemas: dict[str, Schema] = models_json_schema(models, ref_template=_REFERENCE)[1]["$defs"]
    schemas["Fallback"]["properties"]["parameters"] = _parameters()
    schemas["Svg"]["properties"]["reasoning"] = _nullable(
        {"type": "object", "properties": {"effort": _TEXT}, "additionalProperties": False}
    )
    # Of a decimal as text, pydantic's schema does not say what it may look like.
    schemas["Hedge"]["properties"]["max_cost"]["anyOf"][1] = _USD
    for cls in REQUESTS.values():
        _as_clients_write(schemas[cls.__name__], cls)
    for operation, request in _OPERATIONS.items():
        plan = f"{operation.capitalize()}Plan"
        schemas[plan] = _planned(operation, request.__name__, schemas[request.__name__])
    schemas["ImagesResponse"] = _as_clients_read(schemas["ImagesResponse"])
    schemas["ImageModel"] = _described(schemas.pop("Model"))
    schemas["Plan"], schemas["Error"] = _plan(), _error()
    schemas["GenerationEvent"] = _event("image_generation")
    schemas["EditEvent"] = _event("image_edit")
    return cast("dict[str, Schema]", _tidied(schemas))


# Requests -------------------------------------------------------------------------------------------


def _as_clients_write(request: Schema, cls: type[Any]) -> None:
    """Add the shapes that JSON has and the types do not show."""
    fields: Schema = request["properties"]
    for name, text in _documented(Options):
        fields[name]["description"] = text
    fields["fallbacks"]["anyOf"][0]["items"] = {"anyOf": [_NAME, reference("Fallback")]}
    fields["fallback_on_codes"]["anyOf"][0]["uniqueItems"] = True
    fields["require"]["anyOf"][0]["items"] = {"enum": sorted(CONTRACTS | HINTS)}
    fields["needs"]["anyOf"][0]["items"] = {"enum": sorted(NEEDS)}
    fields["max_cost"]["anyOf"][1] = _USD
    fields["timeout"]["anyOf"] = [_milliseconds(), _seconds(), _NULL]
    for name in ("model", "order"):
        fields[name]["anyOf"][0] = _NAME
    if "prompt" in fields:
        fields["prompt"]["pattern"] = _VISIBLE
    # The gateway records it in the metadata, so the types have no such field.
    fields["thread"] = _nullable(_thread())
    if cls is VariationRequest:
        fields["stream"] = {"const": False, "description": "Variations cannot be streamed."}
    if "images" in fields:
        _take_pictures(request, 16 if cls is EditRequest else 1)
    request.setdefault("allOf", []).append(
        _not_both("output_format", "jpeg", "background", "transparent")
    )
    for name in fields.keys() - {*request.get("required", ()), *_PICTURES}:
        fields[name] = _nullable(fields[name])
    options = {name: fields[name] for name in sorted(IN_ORQ)}
    block: Schema = {"type": "object", "properties": options, "additionalProperties": False}
    text = "The same options in a block of their own; what stands outside of it wins."
    fields["orq"] = _nullable({**block, "description": text})


def _take_pictures(request: Schema, most: int) -> None:
    fields: Schema = request["properties"]
    several = {"type": "array", "items": _PICTURE, "minItems": 1, "maxItems": most}
    fields["images"], fields["image"] = several, {"anyOf": [_PICTURE, several]}
    # Which of the two names is there is said by the rule, not by the list.
    request["required"] = [name for name in request["required"] if name != "images"]
    rules: list[Schema] = [{"oneOf": [{"required": ["image"]}, {"required": ["images"]}]}]
    if "mask" in fields:
        fields["mask"] = fields["markup"] = _PICTURE
        rules.append({"not": {"required": ["mask", "markup"]}})
    request["allOf"] = rules


def _milliseconds() -> Schema:
    number = {"type": "number", "exclusiveMinimum": 0, "maximum": 86_400_000}
    return {
        "type": "object",
        "properties": {"call_timeout": {**number, "description": "Milliseconds."}},
        "required": ["call_timeout"],
        "additionalProperties": False,
    }


def _seconds() -> Schema:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": 86_400, "description": "Seconds."}


def _thread() -> Schema:
    tags = {"type": "array", "items": {"type": "string", "maxLength": 24}, "maxItems": 20}
    return {
        "type": "object",
        "properties": {"id": {**_NAME, "description": "Of a conversation."}, "tags": tags},
        "required": ["id"],
        "additionalProperties": False,
        "description": "Recorded with the metadata.",
    }


def _parameters() -> Schema:
    """Say what a fallback may have of its own: whatever a request says about the picture."""
    names = sorted(GenerateRequest.model_fields.keys() - Options.model_fields.keys() - {"model"})
    return {
        "type": "object",
        "description": "Fields of the request that differ for this model.",
        "properties": {name: reference(f"GenerateRequest/properties/{name}") for name in names},
        "additionalProperties": False,
    }


def _not_both(one: str, first: str, other: str, second: str) -> Schema:
    fields = {one: {"const": first}, other: {"const": second}}
    return {"not": {"properties": fields, "required": [one, other]}}


def _nullable(schema: Schema) -> Schema:
    """Let ``null`` stand for absent, which it does wherever a field may be absent."""
    if _NULL in schema.get("anyOf", ()):
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], _NULL]}
    return {"anyOf": [schema, _NULL]}


def _planned(operation: str, name: str, request: Schema) -> Schema:
    """Return a request that may say which operation it is meant for."""
    fields = {field: reference(f"{name}/properties/{field}") for field in request["properties"]}
    fields["operation"] = _nullable({"const": operation})
    return {**request, "properties": fields}


def form(name: str, request: Schema) -> Schema:
    """Return a request as a multipart form writes it: files, text, and JSON in parts."""
    fields = {key: _in_form(value) for key, value in request["properties"].items()}
    # Files come under one name, as OpenAI's clients send them.
    fields.pop("images", None)
    required = list(request.get("required", ()))
    if name != "generations":
        most = 16 if name == "edits" else 1
        fields["image"] = {"type": "array", "items": _FILE, "minItems": 1, "maxItems": most}
        required.append("image")
    for picture in ("mask", "markup"):
        if picture in fields:
            fields[picture] = _FILE
    return {
        "type": "object",
        "properties": fields,
        "required": required,
        "additionalProperties": False,
        # The rule about the two names of pictures has no place where there is one.
        "allOf": [rule for rule in request["allOf"] if "not" in rule],
        "description": "The fields of the JSON body; lists and objects as JSON in a part of their own, "
        "or with brackets: fallbacks[][model], retry[count].",
    }


def _in_form(field: Schema) -> Schema:
    """Take ``null`` away, which a form cannot say."""
    kinds = [kind for kind in field.get("anyOf", ()) if kind != _NULL]
    if not kinds:
        return field
    rest = {name: value for name, value in field.items() if name not in {"anyOf", "default"}}
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _documented(cls: type[Any]) -> Iterator[tuple[str, str]]:
    """Yield what a class says of its attributes."""
    for name, text in _ATTRIBUTE.findall(cls.__doc__ or ""):
        yield name, " ".join(text.split()).replace("``", "`")


# Answers --------------------------------------------------------------------------------------------


def _as_clients_read(response: Schema) -> Schema:
    fields = {k: v for k, v in response["properties"].items() if k not in {"report", "cost"}}
    picture = {"b64_json": _TEXT, "url": _TEXT, "revised_prompt": _TEXT, "seed": _WHOLE}
    item = {"type": "object", "properties": picture, "additionalProperties": False}
    fields["data"] = {"type": "array", "items": item, "minItems": 1}
    fields["pinxit"] = reference("Report")
    return {**response, "properties": fields, "required": ["created", "data", "pinxit"]}


def _event(name: str) -> Schema:
    """Return what the data of an event may be: a picture on its way, a picture, or an error."""
    common: Schema = {
        "b64_json": _TEXT,
        "created_at": {**_WHOLE, "description": "Unix seconds."},
        "size": _TEXT,
        "quality": _TEXT,
        "background": _TEXT,
        "output_format": _TEXT,
    }
    partial = {"type": {"const": f"{name}.partial_image"}, **common, "partial_image_index": _WHOLE}
    completed = {"type": {"const": f"{name}.completed"}, **common}
    last = {"revised_prompt": _TEXT, "seed": _WHOLE, "usage": reference("Usage")}
    failed = {"type": {"const": "error"}, "error": reference("Error/properties/error")}
    signed = {"pinxit": reference("Report")}
    return {
        "anyOf": [
            _event_data(partial, {"revised_prompt": _TEXT, "seed": _WHOLE}),
            _event_data(completed, last | signed | {"url": _TEXT}),
            _event_data(failed, signed),
        ]
    }


def _event_data(fields: Schema, optional: Schema) -> Schema:
    schema = _whole_object(fields)
    return {**schema, "properties": fields | optional}


def _described(model: Schema) -> Schema:
    """Return a model with what the gateway says of it beside its own data."""
    fields = {
        **model["properties"],
        "object": {"const": "image_model"},
        "provider": _TEXT,
        "status": {"enum": ["live", "deprecated", "retired"]},
        "configured": {"type": "boolean", "description": "Whether its settings are complete."},
    }
    required = [*model["required"], "object", "provider", "status", "configured"]
    return {**model, "properties": fields, "required": list(dict.fromkeys(required))}


def _plan() -> Schema:
    texts = {"type": "array", "items": _TEXT}
    candidate: Schema = {
        "model": _TEXT,
        "operation": {"enum": list(_OPERATIONS)},
        "calls": {"type": "array", "items": _WHOLE},
        "adaptations": {"type": "array", "items": reference("Adaptation")},
        "estimated_cost": {"type": ["number", "null"], "description": "US dollars."},
        "blocked": {"type": ["string", "null"], "description": "Why it cannot be called now."},
        "notes": texts,
        "upstream": {"type": ["object", "null"], "description": "The call that would be sent."},
    }
    fields: Schema = {
        "object": {"const": "plan"},
        "asked_for": _TEXT,
        "route": {"type": ["string", "null"]},
        "operation": {"enum": list(_OPERATIONS)},
        "candidates": {"type": "array", "items": _whole_object(candidate)},
        "rejected": {"type": "object", "additionalProperties": texts},
        "error": {"type": ["string", "null"], "description": "What the request would fail with."},
    }
    return _whole_object(fields)


def _error() -> Schema:
    nullable = {"type": ["string", "null"]}
    error = {"message": _TEXT, "type": _TEXT, "param": nullable, "code": nullable}
    fields = {"error": _whole_object(error), "pinxit": reference("Report")}
    return {**_whole_object(fields), "required": ["error"]}


def _whole_object(fields: Schema) -> Schema:
    return {
        "type": "object", "properties": fields, "required": list(fields), "additionalProperties": False,
    }  # fmt: skip


# Tidying --------------------------------------------------------------------------------------------


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
