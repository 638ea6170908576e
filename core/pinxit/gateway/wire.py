"""From what clients send to requests: JSON and forms, old names and new ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import ValidationError
from pydantic_core import from_json

from pinxit.errors import InvalidImage, RequestError
from pinxit.types import EditRequest, GenerateRequest, Operation, Request, VariationRequest, build

from .brackets import nested
from .errors import BadMessage
from .forms import FormValue, Upload

__all__ = ["IN_ORQ", "REQUESTS", "STRUCTURES", "Asked", "parse_form", "parse_json", "to_request"]

REQUESTS: Mapping[Operation, type[Request]] = {
    "generate": GenerateRequest,
    "edit": EditRequest,
    "variation": VariationRequest,
}

R = TypeVar("R", GenerateRequest, EditRequest, VariationRequest)

_PICTURES = ("image", "images", "mask", "markup")
_REPEATABLE = frozenset(
    {"image", "images", "fallbacks", "fallback_on_codes", "require", "needs", "mask", "markup"}
)
_LISTS = frozenset({"fallbacks", "fallback_on_codes", "require", "needs"})
STRUCTURES = _LISTS | {
    "cache", "contact", "extra", "hedge", "identity", "images", "load_balancer", "metadata", "orq",
    "plugins", "reasoning", "retry", "svg", "thread", "timeout",
}  # fmt: skip
"""Fields that are lists or objects, and may come as JSON in a string."""
_BOOLEANS = frozenset({"stream", "strip_metadata"})
IN_ORQ = frozenset(
    {"cache", "fallback_on_codes", "fallbacks", "identity", "load_balancer", "name", "retry", "thread",
     "timeout"}
)  # fmt: skip
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{16,}[A-Za-z0-9+/=\s]*")
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
MAX_VALUES = 150_000
"""Values of a JSON document: a prompt of 100,000 commas is possible, ten million lists are an attack."""

MAX_ITEMS = 100
"""Items of a list; the types know closer bounds where there are any."""

_LOOK_AT = 256
"""Characters of a text that are looked at to tell base64 from a path; the rest is checked when it is read."""


class Asked(NamedTuple):
    """A request, and the parameters of it that nobody knew and that were left out."""

    request: Request
    ignored: tuple[str, ...] = ()


def parse_json(body: bytes | bytearray) -> dict[str, Any]:
    """Return the fields of a JSON body.

    Raises:
        BadMessage: It is no JSON, too deep, or no object.
    """
    try:
        # Some programs begin a file with a mark of its encoding, which RFC 8259 lets a reader
        # ignore.
        value = _load(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise BadMessage(400, f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadMessage(400, "the body is JSON, but not an object with fields")
    return cast("dict[str, Any]", value)


def _load(body: bytes | bytearray) -> Any:
    """Parse JSON; depth and the length of numbers are bounded by the parser, the number of values here."""
    if body.count(b",") > MAX_VALUES:
        raise ValueError(f"it has more than {MAX_VALUES} values")
    return from_json(body, allow_inf_nan=False)


def parse_form(pairs: Iterable[tuple[str, FormValue]]) -> dict[str, Any]:
    """Return the fields of a form, with lists and objects as JSON would have them.

    Raises:
        RequestError: A field comes twice, is a file where text is expected, or is ambiguous.
    """
    # A form has no other way to leave a field out.
    filled = [(name, value) for name, value in pairs if value != ""]
    fields = nested(filled, repeatable=_REPEATABLE)
    for name, value in fields.items():
        if isinstance(value, Upload) and name not in _PICTURES:
            fields[name] = _file_as_text(name, value)
        elif name in {"mask", "markup"} and isinstance(value, list):
            fields[name] = _only(name, cast("list[object]", value))
        elif name in _LISTS and isinstance(value, str) and value.lstrip()[:1] != "[":
            # A list of one item: a name, a number, or an object as JSON.
            fields[name] = [value]
    return fields


def _file_as_text(name: str, upload: Upload) -> str:
    """Some clients send every field as a file."""
    try:
        return upload.data.decode()
    except UnicodeDecodeError:
        raise RequestError(f"{name}: is a file, send it as text", param=name) from None


def _only(name: str, values: list[object]) -> object:
    if len(values) != 1:
        raise RequestError(f"{name}: is given {len(values)} times, send it once", param=name)
    return values[0]


def to_request(
    operation: Operation, fields: Mapping[str, Any], *, contact: str = "", lenient: bool = False
) -> Asked:
    """Build a request from the fields of a body.

    Args:
        operation: Which one.
        fields: As JSON has them; a file may stand as an `Upload`.
        contact: Who the request is made for, where a header says so.
        lenient: Leave out unknown parameters instead of refusing them.

    Raises:
        RequestError: One sentence that names the field, its value and what is allowed.
    """
    cls = REQUESTS[operation]
    values = _merged(_decoded(fields))
    values = {name: value for name, value in values.items() if value is not None}
    _check_values(cls, values)
    if contact:
        values.setdefault("identity", {"id": contact})
    _take_thread(values)
    if operation == "generate" and (strays := [name for name in _PICTURES if name in values]):
        field = strays[0]
        raise RequestError(f"{field}: generations take no pictures, edits do", param=field)
    _take_pictures(values)
    ignored: tuple[str, ...] = ()
    if lenient:
        ignored = tuple(name for name in values if name not in cls.model_fields)
        values = {name: value for name, value in values.items() if name not in ignored}
    if operation == "variation" and values.get("stream"):
        _refuse_streamed_variation(values)
    try:
        request = _build(cls, values)
    except RequestError as error:
        places = _strays(error) if lenient else []
        if not places:
            raise
        ignored += tuple(".".join(map(str, place)) for place in places)
        request = _build(cls, _without(values, places))
    if request.stream and request.response_format is None:
        # Events have a field for base64 and none for URLs, whatever the model's default is.
        request = request.model_copy(update={"response_format": "b64_json"})
    return Asked(request, ignored)


def _check_values(cls: type[Request], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        # What one provider alone understands is handed on as it is.
        if name in STRUCTURES and name != "extra":
            _check_lengths(name, value)
        # Python's true is a 1: it would pass for a number of pictures.
        if isinstance(value, bool) and name in cls.model_fields and name not in _BOOLEANS:
            raise RequestError(
                f"{name}: is {str(value).lower()}, which is no value for it", param=name
            )


def _build(cls: type[Request], values: Mapping[str, Any]) -> Request:
    if issubclass(cls, GenerateRequest):
        return build(GenerateRequest, values)
    if issubclass(cls, EditRequest):
        return build(EditRequest, values)
    return build(VariationRequest, values)


def _strays(error: RequestError) -> list[tuple[str | int, ...]]:
    """Return the places of unknown names within objects."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return []
    found = cause.errors(include_url=False, include_context=False, include_input=False)
    return [details["loc"] for details in found if details["type"] == "extra_forbidden"]


def _without(value: Any, places: Iterable[tuple[str | int, ...]]) -> Any:
    """Return a copy of an object, or of a list, that lacks what is at some places within it."""
    inner = dict[str | int, list[tuple[str | int, ...]]]()
    for key, *rest in places:
        inner.setdefault(key, []).append(tuple(rest))
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {
            key: _without(item, inner.get(key, ()))
            for key, item in items
            if () not in inner.get(key, ())
        }
    if isinstance(value, list) and inner:
        several = enumerate(cast("list[object]", value))
        return [_without(item, inner.get(at, ())) for at, item in several]
    return cast("object", value)


def _refuse_streamed_variation(values: dict[str, Any]) -> None:
    if str(values["stream"]).strip().lower() in {"true", "1", "yes", "on"}:
        raise RequestError("stream: variations cannot be streamed, leave it out", param="stream")


# Structures -----------------------------------------------------------------------------------------


def _decoded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Decode structures that came as JSON in a string, or item by item in several."""
    return {
        name: _decoded_field(name, value) if name in STRUCTURES else value
        for name, value in fields.items()
    }


def _decoded_field(name: str, value: object) -> object:
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [
            _decode(name, item) if isinstance(item, str) and _is_json(item) else item
            for item in items
        ]
    return _decode(name, value) if isinstance(value, str) else value


def _check_lengths(field: str, value: object) -> None:
    """Refuse lists that nobody means, before every item of them is looked at."""
    if isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, Any]", value).items():
            _check_lengths(f"{field}.{name}", inner)
    if not isinstance(value, list):
        return
    items = cast("list[object]", value)
    if len(items) > MAX_ITEMS:
        raise RequestError(
            f"{field}: has {len(items)} items, {MAX_ITEMS} are the most", param=field
        )
    for item in items:
        _check_lengths(field, item)


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] in {"{", "["}


def _decode(name: str, text: str) -> object:
    if text.strip() in {"", "null"}:
        return None
    if not _is_json(text):
        return text
    try:
        return _load(text.encode())
    except ValueError as error:
        raise RequestError(f"{name}: is not JSON: {error}", param=name) from None


def _merged(values: dict[str, Any]) -> dict[str, Any]:
    """Put the fields of the ``orq`` block, and old names, where they belong; the top level wins."""
    block: object = values.pop("orq", None) or {}
    if not isinstance(block, Mapping):
        raise RequestError("orq: is not an object", param="orq")
    inner = _decoded(cast("Mapping[str, Any]", block))
    # The router API's first form: only a block, with `retries` and a bare list of shares.
    _rename(inner, "retries", "retry")
    for fields, prefix in ((values, ""), (inner, "orq.")):
        _rename(fields, "contact", "identity")
        _refuse(fields, prefix)
        balancer = fields.get("load_balancer")
        if isinstance(balancer, list):
            fields["load_balancer"] = {"models": balancer}
    # What the block does not know keeps its place, so that whoever complains names it rightly.
    inner = {name if name in IN_ORQ else f"orq.{name}": value for name, value in inner.items()}
    said = {name: value for name, value in values.items() if value is not None}
    return {**inner, **said}


def _rename(fields: dict[str, Any], old: str, new: str) -> None:
    if (value := fields.pop(old, None)) is not None and fields.get(new) is None:
        fields[new] = value


def _refuse(fields: dict[str, Any], prefix: str) -> None:
    """Refuse what other routers know and this one does not do, rather than not do it in silence."""
    if fields.pop("plugins", None):
        raise RequestError(
            f"{prefix}plugins: this gateway edits no prompts, leave it out",
            param=f"{prefix}plugins",
        )
    if prefix and fields.pop("prompt", None):
        raise RequestError(
            "orq.prompt: this gateway stores no prompts, send the text as prompt",
            param="orq.prompt",
        )


def _take_thread(values: dict[str, Any]) -> None:
    """Record the thread that a request belongs to where traces find it: in the metadata."""
    thread = values.pop("thread", None)
    if thread is None:
        return
    fields = dict(cast("Mapping[str, Any]", thread)) if isinstance(thread, Mapping) else {}
    id, tags = fields.pop("id", None), fields.pop("tags", None)
    if not isinstance(id, str) or not id.strip():
        raise RequestError("thread: needs an id", param="thread")
    # As with the block: whoever looks for unknown names finds these too.
    values.update({f"thread.{name}": value for name, value in fields.items() if value is not None})
    said: dict[str, Any] = {"thread_id": id}
    if tags:
        if not isinstance(tags, list):
            raise RequestError("thread.tags: is not a list", param="thread.tags")
        said["thread_tags"] = ",".join(map(str, cast("list[object]", tags)))
    metadata = values.get("metadata")
    if metadata is None or isinstance(metadata, Mapping):
        values["metadata"] = {**said, **cast("Mapping[str, Any]", metadata or {})}


# Pictures -------------------------------------------------------------------------------------------


def _take_pictures(values: dict[str, Any]) -> None:
    given = [name for name in ("image", "images") if name in values]
    if len(given) > 1:
        raise RequestError("image: is given as image and as images, send one", param="image")
    if given:
        value = values.pop(given[0])
        several = cast("list[object]", value) if isinstance(value, list) else [value]
        _check_lengths("image", several)
        values["images"] = [
            _picture(item, f"image[{place}]" if place else "image")
            for place, item in enumerate(several)
        ]
    for field in ("mask", "markup"):
        if field in values:
            values[field] = _picture(values[field], field)


def _picture(value: object, field: str) -> object:
    """Say a picture as the types take it. Text is never the path of a file."""
    if isinstance(value, Upload):
        if not value.data:
            raise InvalidImage(f"{field}: the file is empty", param=field)
        return value.data
    if isinstance(value, str):
        return _from_text(value, field)
    if isinstance(value, Mapping):
        inner = dict(cast("Mapping[str, Any]", value))
        # As messages of a chat hold pictures.
        if isinstance(inner.get("image_url"), Mapping):
            inner["image_url"] = inner["image_url"].get("url")
        if "file_id" in inner:
            raise InvalidImage(
                f"{field}: file_id is not known here, send image_url or b64_json", param=field
            )
        return inner
    raise InvalidImage(
        f"{field}: is neither a file, nor a URL, nor base64, nor an object with one", param=field
    )


def _from_text(text: str, field: str) -> object:
    scheme = _SCHEME.match(text[:_LOOK_AT])
    if scheme and scheme[1].lower() in {"http", "https", "data"}:
        return text.strip()
    if not scheme and _BASE64.fullmatch(text[:_LOOK_AT]):
        return {"b64_json": text}
    raise InvalidImage(
        f"{field}: is neither an https:// or data: URL nor base64; a gateway opens no paths",
        param=field,
    )
