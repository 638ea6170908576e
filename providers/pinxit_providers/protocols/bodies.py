"""Bodies of requests: JSON, and forms whose bytes are the same each time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import httpx
from pydantic import JsonValue

from pinxit import Context, Image, Model, RequestError
from pinxit.types import Request

__all__ = [
    "Part",
    "data_url",
    "form_request",
    "json_request",
    "plain_base64",
    "upload_size",
    "with_extra",
]


class Part(NamedTuple):
    """A picture in a form. The file's name is made up: the caller's is nobody's business."""

    field: str
    filename: str
    image: Image


def json_request(
    context: Context, url: httpx.URL, headers: Mapping[str, str], fields: Mapping[str, Any]
) -> httpx.Request:
    """Return a POST of JSON.

    Raises:
        RequestError: ``extra`` holds what JSON cannot.
    """
    return _request(context, url, headers, {"json": fields})


def form_request(
    context: Context,
    url: httpx.URL,
    headers: Mapping[str, str],
    fields: Mapping[str, Any],
    parts: Sequence[Part],
) -> httpx.Request:
    """Return a POST of a multipart form; nested fields are written in brackets.

    Raises:
        RequestError: ``extra`` holds what cannot be written.
    """
    form = list(_form(dict(fields)))
    boundary = _boundary(form, parts)
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    # The true type with each file: what comes as application/octet-stream is refused by some.
    files = [
        (part.field, (part.filename, part.image.data, part.image.media_type)) for part in parts
    ]
    if not files:
        # A form without a file would be urlencoded; a part without a name for its file is a plain field.
        files = [(name, (None, _encoded(value), None)) for name, value in form]  # type: ignore[misc]
        form = []
    return _request(context, url, {**headers, **kind}, {"data": _grouped(form), "files": files})


def upload_size(request: Request) -> int:
    """Return the bytes of the input pictures, which are hashed or encoded when a body is made."""
    return sum(image.byte_count for image in getattr(request, "images", ()))


def with_extra(
    fields: Mapping[str, Any],
    request: Request,
    model: Model,
    reserved: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Leave out what is absent, and add what ``extra`` holds for the provider.

    What was fitted, priced and will be checked is not for ``extra`` to change: it sets no field that is
    there, and none that is *reserved*.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    mine = request.extra.get(model.provider, {})
    # What was given comes last, so that it wins.
    return {**{k: v for k, v in mine.items() if k not in reserved}, **given}


def data_url(image: Image) -> str:
    """Return a picture as a ``data:`` URL."""
    return f"data:{image.media_type};base64,{image.b64_json}"


def plain_base64(image: Image) -> str:
    """Return a picture as base64 text."""
    return image.b64_json or ""


def _request(
    context: Context, url: httpx.URL, headers: Mapping[str, str], content: dict[str, Any]
) -> httpx.Request:
    try:
        return context.http.build_request("POST", url, headers=headers, **content)
    except ValueError:
        raise _unwritable() from None


def _encoded(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise _unwritable() from None


def _unwritable() -> RequestError:
    # Whatever else is sent has been validated.
    return RequestError(
        "extra: it holds what JSON cannot: NaN, an infinity, or half of a surrogate pair",
        param="extra",
    )


def _form(value: JsonValue, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield JSON fields as a form's, nested ones in brackets, as OpenAI's own clients write them."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _form(inner, f"{name}[{key}]" if name else key)
        case list():
            for inner in value:
                yield from _form(inner, f"{name}[]")
        # `str` would write True; clients of forms send true.
        case bool():
            yield name, str(value).lower()
        case None:
            pass
        case _:
            yield name, str(value)


def _grouped(form: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return a form's fields as httpx takes them: repeated ones as a list."""
    fields: dict[str, list[str]] = {}
    for name, value in form:
        fields.setdefault(name, []).append(value)
    return fields


def _boundary(form: Sequence[tuple[str, str]], parts: Sequence[Part]) -> str:
    """Derive the boundary from all that it separates.

    A plan then shows the very bytes that are sent, and nobody can put into a picture a boundary that
    depends on that picture.
    """
    digest = hashlib.sha256(repr(form).encode())
    for name, _, image in parts:
        digest.update(f"{name}:{image.digest()};".encode())
    return digest.hexdigest()
