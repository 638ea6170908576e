"""Together's images endpoint as strict as its documents, as an ASGI application for tests.

Sources: Together's OpenAPI document (tryAGI/Together, 2026-04-29), togethercomputer/skills together-images.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pinxit_providers.protocols.values import sequence

from .asgi import (
    Answer,
    Incoming,
    Receive,
    Refused,
    Scope,
    Send,
    answer,
    picture,
    picture_base64,
    read_data_url,
    serve,
)

__all__ = ["FakeTogether"]

_FIELDS = {
    "model", "prompt", "width", "height", "n", "steps", "seed", "negative_prompt", "guidance_scale",
    "guidance", "image_url", "reference_images", "image_loras", "prompt_upsampling", "aspect_ratio",
    "output_format", "response_format", "disable_safety_checker",
}  # fmt: skip
_GEMINI_REJECTS = {"steps", "guidance_scale", "negative_prompt", "seed"}
_GEMINI_3_PAIRS = {
    "1024x1024", "1248x832", "832x1248", "1184x864", "864x1184", "896x1152", "1152x896", "768x1344",
    "1344x768", "1536x672", "2048x2048", "2496x1664", "1664x2496", "2368x1728", "1728x2368", "1792x2304",
    "2304x1792", "1536x2688", "2688x1536", "3072x1344", "4096x4096", "4992x3328", "3328x4992",
    "4736x3456", "3456x4736", "3584x4608", "4608x3584", "3072x5376", "5376x3072", "6144x2688",
}  # fmt: skip
_PAIRS = {
    "1024x1024", "1344x768", "768x1344", "1248x832", "832x1248", "1184x864", "864x1184",
}  # fmt: skip
_REFERENCES = {
    "black-forest-labs/FLUX.2-pro", "black-forest-labs/FLUX.2-dev", "black-forest-labs/FLUX.2-flex",
    "google/flash-image-2.5", "google/flash-image-3.1-lite", "google/gemini-3-pro-image",
}  # fmt: skip
_ONE_PICTURE = {
    "black-forest-labs/FLUX.2-pro", "black-forest-labs/FLUX.2-flex", "black-forest-labs/FLUX.1-kontext-pro",
    "black-forest-labs/FLUX.1-kontext-max",
}  # fmt: skip
_OTHERS = {"black-forest-labs/FLUX.1-schnell", "google/imagen-4.0-fast", "Qwen/Qwen-Image"}
_NO_NEGATIVE = ("black-forest-labs/FLUX.2-", "google/")


class FakeTogether:
    """Answers, and refuses, as Together does.

    Words in a prompt ask for trouble: ``#refused``, ``#rate-limited``, ``#out-of-credit``, ``#overloaded``.

    Args:
        key: The only key that it accepts.

    Attributes:
        received: The fields of every request that was accepted, oldest first.
    """

    def __init__(self, *, key: str = "together-fake-key-of-nobody") -> None:
        self.key = key
        self.received: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        if request.path.startswith("/imgproxy/"):
            return _file(request.path)
        if request.path != "/v1/images/generations" or request.method != "POST":
            _refuse(404, "There is nothing here.")
        if not request.has("authorization", f"Bearer {self.key}"):
            _refuse(401, "Invalid API key provided.", code="invalid_api_key")
        try:
            fields = request.json()
        except ValueError as error:
            _refuse(400, f"The body cannot be read: {error}.")
        _check(fields)
        _meet_triggers(str(fields["prompt"]))
        self.received.append(fields)
        items = [_item(fields, request.origin, place) for place in range(fields.get("n", 1))]
        return answer({"id": "o1", "model": fields["model"], "object": "list", "data": items})


def _refuse(
    status: int, message: str, *, param: str | None = None, code: str | None = None, **headers: str
) -> NoReturn:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    raise Refused(answer({"error": error}, status, **headers))


def _check(fields: Mapping[str, Any]) -> None:
    model = str(fields.get("model"))
    if model not in _REFERENCES | _ONE_PICTURE | _OTHERS:
        _refuse(404, f"Unable to access model {model:.60}.", code="model_not_available")
    if unknown := sorted(fields.keys() - _FIELDS):
        _refuse(400, f"Unknown parameter {unknown[0]}.", param=unknown[0])
    if not isinstance(fields.get("prompt"), str) or not fields["prompt"]:
        _refuse(400, "prompt is required", param="prompt")
    if model.startswith("google/") and (refused := sorted(_GEMINI_REJECTS & fields.keys())):
        _refuse(400, f"{refused[0]} is not supported by this model", param=refused[0])
    if model.startswith(_NO_NEGATIVE) and "negative_prompt" in fields:
        _refuse(400, "negative_prompt is not supported by this model", param="negative_prompt")
    allowed: dict[str, set[object]] = {
        "n": {1, 2, 3, 4},
        # Its own word: OpenAI's b64_json is refused.
        "response_format": {"base64", "url"},
        "output_format": {"jpeg", "png"},
    }
    for name, values in allowed.items():
        if name in fields and (type(fields[name]) is bool or fields[name] not in values):
            _refuse(400, f"{name} is not valid", param=name)
    if "seed" in fields and type(fields["seed"]) is not int:
        _refuse(422, "seed must be an integer", param="seed")
    _check_size(model, fields)
    _check_pictures(model, fields)


def _check_size(model: str, fields: Mapping[str, Any]) -> None:
    width, height = fields.get("width", 1024), fields.get("height", 1024)
    if type(width) is not int or type(height) is not int:
        _refuse(422, "width and height must be integers", param="width")
    size = f"{width}x{height}"
    if model.startswith("google/") or "kontext" in model:
        if size not in (_GEMINI_3_PAIRS if model.endswith("gemini-3-pro-image") else _PAIRS):
            _refuse(400, f"{size} is not supported by this model", param="width")
    elif not all(256 <= edge <= 1920 and edge % 8 == 0 for edge in (width, height)):
        _refuse(400, f"{size} is out of range", param="width")


def _check_pictures(model: str, fields: Mapping[str, Any]) -> None:
    if "image_url" in fields and model not in _ONE_PICTURE:
        _refuse(400, "image_url is not supported by this model", param="image_url")
    if "reference_images" in fields and model not in _REFERENCES:
        _refuse(400, "reference_images is not supported by this model", param="reference_images")
    several = [fields["image_url"]] if "image_url" in fields else []
    for url in [*several, *sequence(fields.get("reference_images"))]:
        try:
            read_data_url(url)
        except ValueError:
            _refuse(400, "the picture cannot be read", param="image_url")


def _meet_triggers(prompt: str) -> None:
    if "#refused" in prompt:
        _refuse(422, "The request may lead to NSFW content.")
    if "#rate-limited" in prompt:
        _refuse(429, "You have been rate limited.", retry_after="4")
    if "#out-of-credit" in prompt:
        _refuse(402, "You have reached your spend limit.")
    if "#overloaded" in prompt:
        _refuse(503, "The engine is overloaded.")


def _item(fields: Mapping[str, Any], origin: str, place: int) -> dict[str, Any]:
    width, height = fields.get("width", 1024), fields.get("height", 1024)
    format = fields.get("output_format", "jpeg")
    if fields.get("response_format") == "base64":
        text = picture_base64(width, height, format)
        return {"index": place, "type": "b64_json", "b64_json": text}
    url = f"{origin}/imgproxy/{width}x{height}.{format}"
    return {"index": place, "type": "url", "url": url}


def _file(path: str) -> Answer:
    size, _, format = path.removeprefix("/imgproxy/").partition(".")
    width, height = map(int, size.split("x"))
    return Answer(200, (picture(width, height, format),), f"image/{format}")
