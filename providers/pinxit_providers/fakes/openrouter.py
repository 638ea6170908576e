"""OpenRouter's Image API as strict as its documents, as an ASGI application for tests.

Sources: openrouter 1.3.84 (PyPI), the pages on image generation and errors on openrouter.ai.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from pinxit_providers.protocols.values import mapping, sequence

from .asgi import (
    Answer,
    Incoming,
    Receive,
    Refused,
    Scope,
    Send,
    answer,
    events,
    picture_base64,
    read_data_url,
    serve,
)

__all__ = ["FakeOpenRouter"]

_FIELDS = {
    "model", "prompt", "n", "aspect_ratio", "resolution", "size", "quality", "output_format",
    "output_compression", "background", "seed", "input_references", "stream", "user", "session_id", "trace",
    "provider",
}  # fmt: skip
_RATIOS = {
    "auto", "1:1", "1:2", "1:4", "1:8", "2:1", "2:3", "2.35:1", "3:2", "3:4", "4:1", "4:3", "4:5", "5:2",
    "5:4", "5:7", "7:5", "8:1", "9:16", "16:9", "9:19.5", "19.5:9", "9:20", "20:9", "9:21", "21:9",
}  # fmt: skip
_EDGES = {"512": 512, "768": 768, "1K": 1024, "1.5K": 1536, "2K": 2048, "4K": 4096}
_MODELS = {
    "openai/gpt-image-2.5-sunburst", "google/gemini-nano-banana-2.1", "google/gemini-3-pro-image",
    "black-forest-labs/flux-3-image", "bytedance-seed/seedream-5-0-pro", "recraft/recraft-v4.1-pro",
    "microsoft/mai-image-2.6", "x-ai/grok-imagine-image-2.0",
}  # fmt: skip


class FakeOpenRouter:
    """Answers, and refuses, as OpenRouter does.

    Words in a prompt ask for trouble: ``#refused`` (status 403), ``#refused-late`` (an error in a success,
    or in a stream), ``#rate-limited``, ``#out-of-credit``, ``#overloaded``. ``#partial`` makes a stream
    show a picture on its way.

    Args:
        key: The only key that it accepts.

    Attributes:
        received: The fields of every request that was accepted, oldest first.
    """

    def __init__(self, *, key: str = "sk-or-fake-key-of-nobody") -> None:
        self.key = key
        self.received: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        if request.path != "/api/v1/images" or request.method != "POST":
            _refuse(404, "There is nothing here.")
        if not request.has("authorization", f"Bearer {self.key}"):
            _refuse(401, "User not found.")
        try:
            fields = request.json()
        except ValueError as error:
            _refuse(400, f"The body cannot be read: {error}.")
        if fields.get("model") not in _MODELS:
            _refuse(404, "No endpoints found for this model.")
        size = _check(fields)
        _meet_triggers(str(fields["prompt"]))
        self.received.append(fields)
        # Other vendors' models ignore the wish, and the answer is plain JSON.
        if fields.get("stream") and str(fields["model"]).startswith("openai/"):
            return events(_events(fields, size), done=True)
        # An error inside a success: the status had been sent when the vendor refused.
        if "#refused-late" in fields["prompt"]:
            return answer(_flagged())
        items = [_item(fields, size) for _ in range(fields.get("n", 1))]
        return answer({"created": int(time.time()), "data": items, "usage": _usage(len(items))})


def _refuse(status: int, message: str, **headers: str) -> NoReturn:
    raise Refused(answer({"error": {"code": status, "message": message}}, status, **headers))


def _flagged() -> dict[str, Any]:
    metadata = {
        "reasons": ["violence"],
        "flagged_input": "a fox...",
        "provider_name": "OpenAI",
        "model_slug": "openai/gpt-image-2.5-sunburst",
    }
    return {"error": {"code": 403, "message": "Your input was flagged.", "metadata": metadata}}


def _check(fields: Mapping[str, Any]) -> tuple[int, int]:
    """Return the size that a picture will have, or refuse as the API does."""
    if unknown := sorted(fields.keys() - _FIELDS):
        _refuse(400, f"Unrecognized key: {unknown[0]}")
    if not isinstance(fields.get("prompt"), str) or not fields["prompt"]:
        _refuse(400, "prompt is required")
    # Only OpenAI's models make several pictures at once.
    most = 10 if str(fields["model"]).startswith("openai/") else 1
    allowed: dict[str, set[object]] = {
        "n": set(range(1, most + 1)),
        "aspect_ratio": {*_RATIOS},
        "resolution": {*_EDGES},
        "quality": {"auto", "low", "medium", "high", "xhigh", "max"},
        "output_format": {"png", "jpeg", "webp", "svg"},
        "output_compression": set(range(101)),
        "background": {"auto", "opaque", "transparent"},
        "stream": {True, False},
    }
    for name, values in allowed.items():
        if name in fields and fields[name] not in values:
            _refuse(400, f"{name} is not valid")
    if "seed" in fields and type(fields["seed"]) is not int:
        _refuse(400, "seed is not valid")
    for item in sequence(fields.get("input_references")):
        try:
            read_data_url(mapping(mapping(item).get("image_url")).get("url"))
        except ValueError:
            _refuse(400, "input_references holds what is no picture")
    return _size(fields)


def _size(fields: Mapping[str, Any]) -> tuple[int, int]:
    size = str(fields.get("size", ""))
    if "x" in size:
        if fields.keys() & {"resolution", "aspect_ratio"}:
            _refuse(400, "size conflicts with resolution or aspect_ratio")
        width, _, height = size.partition("x")
        return int(width), int(height)
    edge = _EDGES[size or str(fields.get("resolution", "1K"))]
    ratio = str(fields.get("aspect_ratio", "auto"))
    across, _, down = ("1:1" if ratio == "auto" else ratio).partition(":")
    root = (float(across) / float(down)) ** 0.5
    return round(edge * root / 16) * 16, round(edge / root / 16) * 16


def _meet_triggers(prompt: str) -> None:
    if "#refused" in prompt and "#refused-late" not in prompt:
        raise Refused(answer(_flagged(), 403))
    if "#rate-limited" in prompt:
        _refuse(429, "Rate limit exceeded.", retry_after="6")
    if "#out-of-credit" in prompt:
        _refuse(402, "Insufficient credits.")
    if "#overloaded" in prompt:
        _refuse(503, "No provider meets your routing requirements.", retry_after="1")


def _item(fields: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    format = str(fields.get("output_format", "png"))
    clear = fields.get("background") == "transparent"
    text = picture_base64(*size, format, "#00000000" if clear else "#2b5d7a")
    return {"b64_json": text, "media_type": f"image/{format}"}


def _usage(count: int) -> dict[str, Any]:
    tokens = {"prompt_tokens": 10, "completion_tokens": 1000 * count}
    total = 10 + 1000 * count
    return {**tokens, "total_tokens": total, "cost": 0.04 * count, "is_byok": False}


def _events(fields: Mapping[str, Any], size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    item = _item(fields, size)
    if "#partial" in fields["prompt"]:
        yield {"type": "image_generation.partial_image", "partial_image_index": 0, **item}
    if "#refused-late" in fields["prompt"]:
        yield {"type": "error", **_flagged()}
        return
    for _ in range(fields.get("n", 1)):
        yield {"type": "image_generation.completed", **item, "usage": _usage(1)}
