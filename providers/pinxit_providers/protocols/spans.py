"""Megabytes of base64 inside JSON, left as the bytes that they are: never a string, never parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from .values import parse

__all__ = ["parse_large"]

_KEY = b'"b64_json"'
_OPENING = re.compile(rb'"b64_json"[ \t\r\n]{0,64}:[ \t\r\n]{0,64}"')
_STAND_IN = "pinxit-span-"

SHORTEST = 4096
"""Characters of base64 that are worth cutting out."""

MOST = 256
"""So many keys are looked at; whoever sends more sends no pictures."""


def parse_large(body: bytes | bytearray, status: int) -> dict[str, object]:
    """Read a JSON object; long values of ``b64_json`` are bytes, which nobody has looked at yet.

    Raises:
        InvalidProviderResponse: It is none.
    """
    spans = list(_spans(body))
    if not spans:
        return parse(body, status)
    rest, at = bytearray(), 0
    for number, (start, end) in enumerate(spans):
        rest += body[at:start]
        rest += f"{_STAND_IN}{number}".encode()
        at = end
    rest += body[at:]
    if rest.count(_STAND_IN.encode()) != len(spans):
        # Somebody has used our word. They get a slower parser.
        return parse(body, status)
    view = memoryview(body)
    found = {f"{_STAND_IN}{n}": bytes(view[start:end]) for n, (start, end) in enumerate(spans)}
    return cast("dict[str, object]", _restored(parse(bytes(rest), status), found))


def _spans(body: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Yield where long texts begin and end that hold no escapes."""
    at = 0
    for _ in range(MOST):
        at = body.find(_KEY, at)
        opening = _OPENING.match(body, at) if at >= 0 else None
        if at < 0:
            return
        if opening is None:
            at += len(_KEY)
            continue
        start = opening.end()
        at = body.find(b'"', start)
        if at < 0:
            return
        # A text with an escape is not what its bytes say.
        if at - start >= SHORTEST and body.find(b"\\", start, at) < 0:
            yield start, at


def _restored(value: object, found: dict[str, bytes]) -> object:
    match value:
        case str():
            return found.get(value, value)
        case dict():
            fields = cast("dict[str, object]", value)
            return {name: _restored(field, found) for name, field in fields.items()}
        case list():
            return [_restored(item, found) for item in cast("list[object]", value)]
        case _:
            return value
