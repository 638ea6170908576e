"""OpenAI's Images API as strict as its documents, as an ASGI application for tests."""

from __future__ import annotations

import base64
import hmac
import io
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any, NamedTuple, cast

from .openai_rules import RETIRED, Received, Refusal, Rules, Upload, check

__all__ = ["RETIRED", "FakeOpenAI", "Received", "Refusal"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

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
    ) -> None:
        self.key = key
        self.retired = frozenset(retired)
        self.prefix = prefix
        self.received: list[Received] = []
        self.refusals: deque[Refusal] = deque()
        self._pictures: dict[tuple[str, str, bool, int], bytes] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        body = await _read(receive)
        try:
            if scope["path"].startswith("/files/"):
                await self._send_file(scope["path"], send)
                return
            request = self._accept(scope, body)
            rules = check(request, self.retired)
            _meet_triggers(str(request.fields.get("prompt", "")))
        except Refusal as refusal:
            await _send_json(send, refusal.status, refusal.body, refusal.headers)
            return
        order = _order(request, rules)
        if request.fields.get("stream"):
            await _send_events(send, self._events(request, rules, order))
        else:
            await _send_json(send, 200, self._answer(scope, request, rules, order))

    def _accept(self, scope: Scope, body: bytes) -> Received:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        operation = _OPERATIONS.get(scope["path"].removeprefix(self.prefix))
        if operation is None or not scope["path"].startswith(self.prefix):
            raise Refusal(404, None, f"Invalid URL ({scope['method']} {scope['path']})")
        given = headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.key}".encode()):
            raise Refusal(401, "invalid_api_key", f"Incorrect API key provided: {given.decode()}.")
        if scope["method"] != "POST":
            raise Refusal(405, None, f"Not allowed to {scope['method']} here.")
        if self.refusals:
            raise self.refusals.popleft()
        read = _read_json if operation == "generate" else _read_form
        fields, files = read(headers.get("content-type", ""), body)
        request = Received(
            method=scope["method"],
            path=scope["path"],
            operation=operation,
            headers=headers,
            body=body,
            fields=fields,
            files=files,
        )
        self.received.append(request)
        return request

    def _answer(
        self, scope: Scope, request: Received, rules: Rules, order: _Order
    ) -> dict[str, Any]:
        items = [self._item(scope, request, rules, order, index) for index in range(order.n)]
        answer: dict[str, Any] = {"created": int(time.time()), "data": items}
        if not rules.legacy:
            answer |= _echo(order) | {"usage": _usage(request, rules, order, order.n)}
        return answer

    def _item(
        self, scope: Scope, request: Received, rules: Rules, order: _Order, index: int
    ) -> dict[str, str]:
        item: dict[str, str] = {}
        if rules.legacy and request.fields.get("response_format", "url") == "url":
            host = dict(scope["headers"]).get(b"host", b"localhost").decode()
            item["url"] = f"{scope['scheme']}://{host}/files/{order.size}-{index}.png"
        else:
            item["b64_json"] = self._base64(order, index)
        if "style" in request.fields or "hd" in rules.qualities:
            item["revised_prompt"] = f"In detail: {request.fields['prompt']}"
        return item

    async def _events(
        self, request: Received, rules: Rules, order: _Order
    ) -> AsyncIterator[dict[str, Any]]:
        prefix = "image_generation" if request.operation == "generate" else "image_edit"
        shared = _echo(order) | {"created_at": int(time.time())}
        for index in range(order.n):
            picture = shared | {"b64_json": self._base64(order, index)}
            for place in range(request.fields.get("partial_images", 0)):
                yield picture | {"type": f"{prefix}.partial_image", "partial_image_index": place}
            if "#breaks-off" in str(request.fields["prompt"]):
                error = Refusal(500, "server_error", "The work broke off.", type="server_error")
                yield {"type": "error"} | error.body
                return
            usage = _usage(request, rules, order, 1)
            yield picture | {"type": f"{prefix}.completed", "usage": usage}

    def _base64(self, order: _Order, index: int) -> str:
        return base64.b64encode(self._picture(order, index)).decode()

    def _picture(self, order: _Order, index: int) -> bytes:
        """Return a picture of one colour, or of none where the background is transparent."""
        from PIL import Image as Pillow

        clear = order.background == "transparent"
        key = (order.size, order.format, clear, index % len(_COLOURS))
        if key not in self._pictures:
            width, height = map(int, order.size.split("x"))
            colour = "#00000000" if clear else _COLOURS[key[3]]
            out = io.BytesIO()
            image = Pillow.new("RGBA" if clear else "RGB", (width, height), colour)
            image.save(out, order.format.upper())
            self._pictures[key] = out.getvalue()
        return self._pictures[key]

    async def _send_file(self, path: str, send: Send) -> None:
        size, _, index = path.removeprefix("/files/").removesuffix(".png").partition("-")
        order = _Order(size, "png", "standard", "opaque", 1)
        await _send_body(send, 200, "image/png", self._picture(order, int(index)))


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


def _read_json(content_type: str, body: bytes) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    if content_type.partition(";")[0].strip() != "application/json":
        raise Refusal(400, None, f"Unsupported content type: {content_type:.60}")
    try:
        fields = json.loads(body)
    except ValueError:
        raise Refusal(400, None, "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise Refusal(400, None, "The body is not a JSON object.")
    return cast("dict[str, Any]", fields), ()


def _read_form(content_type: str, body: bytes) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import Field, File, FormParser, parse_options_header

    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise Refusal(400, None, f"Unsupported content type: {content_type:.60}")
    fields: dict[str, Any] = {}
    files: list[Upload] = []

    def on_field(field: Field) -> None:
        name = (field.field_name or b"").decode()
        if name in fields:
            raise Refusal(400, "invalid_value", f"'{name}' is given twice.", name)
        fields[name] = _typed(name, (field.value or b"").decode())

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        field, filename = ((name or b"").decode() for name in (file.field_name, file.file_name))
        files.append(Upload(field, filename, file.content_type or "", file.file_object.read()))
        file.close()

    try:
        parser = FormParser(
            "multipart/form-data", on_field, on_file, boundary=options.get(b"boundary")
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise Refusal(400, None, "The form cannot be read.") from None
    return fields, tuple(files)


def _typed(name: str, value: str) -> object:
    """Read the text of a form's field as the type that the API declares for it."""
    if name in {"n", "output_compression", "partial_images"} and value.isdecimal():
        return int(value)
    if name == "stream" and value in {"true", "false"}:
        return value == "true"
    return value


async def _lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _read(receive: Receive) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def _send_json(
    send: Send, status: int, data: object, headers: Mapping[str, str] | None = None
) -> None:
    await _send_body(send, status, "application/json", json.dumps(data).encode(), headers)


async def _send_body(
    send: Send, status: int, content_type: str, body: bytes, more: Mapping[str, str] | None = None
) -> None:
    headers = {"content-type": content_type, "content-length": str(len(body)), **(more or {})}
    await _start(send, status, headers)
    await send({"type": "http.response.body", "body": body})


async def _send_events(send: Send, events: AsyncIterator[dict[str, Any]]) -> None:
    await _start(send, 200, {"content-type": "text/event-stream; charset=utf-8"})
    async for event in events:
        text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    named = {"x-request-id": "req_fake", **headers}
    encoded = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
