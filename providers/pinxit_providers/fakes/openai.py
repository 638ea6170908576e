"""OpenAI's Images API as strict as its documents, as an ASGI application for tests."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .asgi import (
    Answer,
    Incoming,
    Receive,
    Scope,
    Send,
    Upload,
    answer,
    events,
    picture,
    picture_base64,
    serve,
)
from .openai_rules import RETIRED, Received, Refusal, Rules, check

__all__ = ["RETIRED", "FakeOpenAI", "Received", "Refusal"]

_OPERATIONS = {
    "/images/generations": "generate",
    "/images/edits": "edit",
    "/images/variations": "variation",
}
_COLOURS = ("#7a4a2b", "#2b5d7a", "#4a7a2b", "#7a2b5d", "#5d2b7a")


class _Order(NamedTuple):
    """What is to be drawn; nothing is ``auto`` any more."""

    size: str
    format: str
    quality: str
    background: str
    n: int


class FakeOpenAI:
    """Answers, and refuses, as OpenAI does; for `httpx.ASGITransport` or any ASGI server.

    Some words in a prompt ask for trouble: ``#refused-input``, ``#refused-output``, ``#rate-limited``,
    ``#out-of-credit``, ``#overloaded``, and ``#breaks-off`` for an error inside a stream.

    Args:
        key: The only key that it accepts.
        retired: Models that it no longer serves; pass none to be a proxy that still does.
        prefix: The path of the API.
        names: Models by the further names that they are served under.

    Attributes:
        received: Every request that could be read, oldest first.
        refusals: Given one by one before anything else is looked at.
    """

    def __init__(
        self,
        *,
        key: str = "sk-fake-key-of-nobody",
        retired: Collection[str] = RETIRED,
        prefix: str = "/v1",
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.key = key
        self.retired = frozenset(retired)
        self.prefix = prefix
        self.names = dict(names or {})
        self.received: list[Received] = []
        self.refusals: deque[Refusal] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self.handle)

    def handle(self, incoming: Incoming) -> Answer:
        """Answer one request."""
        if incoming.path.startswith("/files/"):
            return _file(incoming.path)
        try:
            request = self._accept(incoming)
            rules = check(self._named(request), self.retired)
            _meet_triggers(str(request.fields.get("prompt", "")))
        except Refusal as refusal:
            return answer(refusal.body, refusal.status, **refusal.headers)
        order = _order(request, rules)
        if request.fields.get("stream"):
            return events(self._events(request, rules, order))
        return answer(self._answer(incoming, request, rules, order))

    def _accept(self, incoming: Incoming) -> Received:
        operation = _OPERATIONS.get(incoming.path.removeprefix(self.prefix))
        if operation is None or not incoming.path.startswith(self.prefix):
            raise Refusal(404, None, f"Invalid URL ({incoming.method} {incoming.path})")
        if not incoming.has("authorization", f"Bearer {self.key}"):
            # The key is quoted, as providers do: at the other end it must not come out.
            given = incoming.headers.get("authorization", "")
            raise Refusal(401, "invalid_api_key", f"Incorrect API key provided: {given}.")
        if incoming.method != "POST":
            raise Refusal(405, None, f"Not allowed to {incoming.method} here.")
        if self.refusals:
            raise self.refusals.popleft()
        fields, files = _read(incoming, operation)
        request = Received(
            method=incoming.method,
            path=incoming.path,
            operation=operation,
            headers=incoming.headers,
            body=incoming.body,
            fields=fields,
            files=files,
        )
        self.received.append(request)
        return request

    def _named(self, request: Received) -> Received:
        """Return the request with the model's own name in it."""
        model = self.names.get(str(request.fields.get("model")))
        fields = request.fields | ({"model": model} if model else {})
        return replace(request, fields=fields)

    def _answer(
        self, incoming: Incoming, request: Received, rules: Rules, order: _Order
    ) -> dict[str, Any]:
        items = [self._item(incoming, request, rules, order, index) for index in range(order.n)]
        fields: dict[str, Any] = {"created": int(time.time()), "data": items}
        if not rules.legacy:
            fields |= _echo(order) | {"usage": _usage(request, rules, order, order.n)}
        return fields

    def _item(
        self, incoming: Incoming, request: Received, rules: Rules, order: _Order, index: int
    ) -> dict[str, str]:
        item: dict[str, str] = {}
        if rules.legacy and request.fields.get("response_format", "url") == "url":
            item["url"] = f"{incoming.origin}/files/{order.size}-{index}.png"
        else:
            item["b64_json"] = _base64(order, index)
        # Only DALL·E 3 rewrites prompts, and tells.
        if "style" in request.fields or "hd" in rules.qualities:
            item["revised_prompt"] = f"In detail: {request.fields['prompt']}"
        return item

    def _events(self, request: Received, rules: Rules, order: _Order) -> Iterator[dict[str, Any]]:
        prefix = "image_generation" if request.operation == "generate" else "image_edit"
        shared = _echo(order) | {"created_at": int(time.time())}
        for index in range(order.n):
            picture = shared | {"b64_json": _base64(order, index)}
            for place in range(request.fields.get("partial_images", 0)):
                yield picture | {"type": f"{prefix}.partial_image", "partial_image_index": place}
            if "#breaks-off" in str(request.fields["prompt"]):
                error = Refusal(500, "server_error", "The work broke off.", type="server_error")
                yield {"type": "error"} | error.body
                return
            # Each finished picture counts its own tokens.
            usage = _usage(request, rules, order, 1)
            yield picture | {"type": f"{prefix}.completed", "usage": usage}


def _base64(order: _Order, index: int) -> str:
    """Draw a picture of one colour, or of none where the background is transparent."""
    width, height = map(int, order.size.split("x"))
    clear = order.background == "transparent"
    colour = "#00000000" if clear else _COLOURS[index % len(_COLOURS)]
    return picture_base64(width, height, order.format, colour)


def _file(path: str) -> Answer:
    size, _, index = path.removeprefix("/files/").removesuffix(".png").partition("-")
    width, height = map(int, size.split("x"))
    return Answer(200, (picture(width, height, "png", _COLOURS[int(index)]),), "image/png")


def _meet_triggers(prompt: str) -> None:
    for stage in ("input", "output"):
        if f"#refused-{stage}" in prompt:
            moderation = {"moderation_stage": stage, "categories": ["violence"]}
            raise Refusal(
                400,
                "moderation_blocked",
                f"Your request was rejected by the safety system ({stage}).",
                type="image_generation_user_error",
                details={"moderation_details": moderation},
            )
    if "#rate-limited" in prompt:
        wait = {"retry-after-ms": "1500", "retry-after": "2"}
        raise Refusal(429, "rate_limit_exceeded", "Slow down.", type="requests", headers=wait)
    if "#out-of-credit" in prompt:
        raise Refusal(429, "insufficient_quota", "No credit left.", type="insufficient_quota")
    if "#overloaded" in prompt:
        raise Refusal(503, None, "The server is overloaded.", type="server_error")


def _order(request: Received, rules: Rules) -> _Order:
    def chosen(name: str, default: str) -> str:
        value = str(request.fields.get(name, "auto"))
        return default if value == "auto" else value

    return _Order(
        size=chosen("size", "1024x1024"),
        format=chosen("output_format", "png"),
        quality=chosen("quality", "standard" if rules.legacy else "medium"),
        background=chosen("background", "opaque"),
        n=request.fields.get("n", 1),
    )


def _echo(order: _Order) -> dict[str, Any]:
    return {
        "size": order.size,
        "quality": order.quality,
        "output_format": order.format,
        "background": order.background,
    }


def _usage(request: Received, rules: Rules, order: _Order, n: int) -> dict[str, Any]:
    table = rules.tokens.get(order.size, rules.tokens["1024x1024"])
    output = table[order.quality] * n
    text = 1 + len(str(request.fields.get("prompt", ""))) // 4
    images = 300 * len(request.files)
    return {
        "input_tokens": text + images,
        "output_tokens": output,
        "total_tokens": text + images + output,
        "input_tokens_details": {"text_tokens": text, "image_tokens": images},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": output},
    }


def _read(incoming: Incoming, operation: str) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    try:
        if operation == "generate":
            return incoming.json(), ()
        form, files = incoming.form()
    except ValueError as error:
        raise Refusal(400, None, f"The body cannot be read: {error}.") from None
    fields: dict[str, Any] = {}
    for name, value in form:
        if name in fields:
            raise Refusal(400, "invalid_value", f"'{name}' is given twice.", name)
        fields[name] = _typed(name, value)
    return fields, files


def _typed(name: str, value: str) -> object:
    """Read the text of a form's field as the type that the API declares for it."""
    if name in {"n", "output_compression", "partial_images"} and value.isdecimal():
        return int(value)
    if name == "stream" and value in {"true", "false"}:
        return value == "true"
    return value
