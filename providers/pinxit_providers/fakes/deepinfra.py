"""DeepInfra's images endpoints as strict as its documents, as an ASGI application for tests.

Source: DeepInfra's OpenAPI document (tryAGI/DeepInfra, 2026-05-20).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from .asgi import Answer, Incoming, Receive, Refused, Scope, Send, answer, picture_base64, serve

__all__ = ["FakeDeepInfra"]

_ROOT = "/v1/openai/images/"
_FIELDS: Mapping[str, frozenset[str]] = {
    "generations": frozenset(
        {"model", "prompt", "n", "size", "response_format", "quality", "style", "user"}
    ),
    "edits": frozenset({"model", "prompt", "n", "size", "response_format"}),
    "variations": frozenset({"model", "n", "size", "response_format"}),
}
_SIZE = re.compile(r"(\d+)x(\d+)")


class FakeDeepInfra:
    """Answers, and refuses, as DeepInfra does.

    Words in a prompt ask for trouble: ``#rate-limited``, ``#out-of-credit``, ``#overloaded``.

    Args:
        key: The only key that it accepts.

    Attributes:
        received: The fields of every request that was accepted, oldest first.
    """

    def __init__(self, *, key: str = "deepinfra-fake-key-of-nobody") -> None:
        self.key = key
        self.received: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        place = request.path.removeprefix(_ROOT)
        if place not in _FIELDS or request.method != "POST":
            raise Refused(answer({"detail": "Not Found"}, 404))
        if not request.has("authorization", f"Bearer {self.key}"):
            raise Refused(answer({"detail": "Unauthorized"}, 401))
        fields = request.json() if place == "generations" else _form(request)
        _check(place, fields)
        _meet_triggers(str(fields.get("prompt", "")))
        self.received.append(fields)
        width, height = map(int, str(fields.get("size", "1024x1024")).split("x"))
        # JPEG in practice, though nothing in the documents says so.
        item = {"b64_json": picture_base64(width, height, "jpeg")}
        return answer({"created": 1_790_000_000, "data": [item] * fields.get("n", 1)})


def _form(request: Incoming) -> dict[str, Any]:
    try:
        pairs, files = request.form()
    except ValueError as error:
        _invalid("image", str(error))
    if [file.field for file in files] != ["image"]:
        _invalid("image", "one file is expected in this field")
    fields: dict[str, Any] = dict(pairs)
    if "n" in fields and fields["n"].isdecimal():
        fields["n"] = int(fields["n"])
    return fields


def _check(place: str, fields: Mapping[str, Any]) -> None:
    for name in sorted(fields.keys() - _FIELDS[place]):
        _invalid(name, "Extra inputs are not permitted")
    for name in sorted(_FIELDS[place] & {"model", "prompt"}):
        if not isinstance(fields.get(name), str) or not fields[name]:
            _invalid(name, "Field required")
    if type(fields.get("n", 1)) is not int or not 1 <= fields.get("n", 1) <= 4:
        _invalid("n", "Input should be between 1 and 4")
    if fields.get("response_format") != "b64_json":
        _invalid("response_format", "Input should be 'b64_json'")
    size = _SIZE.fullmatch(str(fields.get("size", "1024x1024")))
    if size is None or not all(128 <= int(edge) <= 2048 for edge in size.groups()):
        _invalid("size", "Input should be WIDTHxHEIGHT")


def _invalid(name: str, message: str) -> NoReturn:
    detail = [{"loc": ["body", name], "msg": message, "type": "value_error"}]
    raise Refused(answer({"detail": detail}, 422))


def _meet_triggers(prompt: str) -> None:
    if "#rate-limited" in prompt:
        raise Refused(answer({"detail": "Rate limit exceeded"}, 429, retry_after="2"))
    if "#out-of-credit" in prompt:
        raise Refused(answer({"detail": "Payment required"}, 402))
    if "#overloaded" in prompt:
        raise Refused(answer({"detail": "Model busy, retry later"}, 503))
