"""xAI's image API as strict as its documents, as an ASGI application for tests.

Sources: xai-sdk 1.21.0 (PyPI), xai-org/xai-proto 9700be4, the image guides on docs.x.ai.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from pinxit_providers.protocols.values import mapping

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

__all__ = ["FakeXai"]

_COMMON = {"model", "prompt", "n", "response_format", "user", "storage_options"}
_SHAPES = {"aspect_ratio", "resolution"}
_RATIOS = {
    "auto", "1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9", "9:20", "20:9", "1:2",
    "2:1",
}  # fmt: skip
_MOST_INPUTS = {"grok-imagine-image-2.0": 5, "grok-imagine-image": 3}
_CENTS = {"low/1k": 4, "medium/1k": 6, "low/2k": 6, "medium/2k": 8}
_MOST_BYTES = 10_485_760


class FakeXai:
    """Answers, and refuses, as xAI does.

    Words in a prompt ask for trouble: ``#refused`` (status 400), ``#withheld`` (a flag in a success),
    ``#one-withheld`` (the same for the first picture only), ``#empty`` (no items), ``#rate-limited``,
    ``#overloaded``.

    Args:
        key: The only key that it accepts.

    Attributes:
        received: The fields of every request that was accepted, oldest first.
    """

    def __init__(self, *, key: str = "xai-fake-key-of-nobody") -> None:
        self.key = key
        self.received: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        if request.path.startswith("/files/"):
            return _file(request.path)
        if request.path not in {"/v1/images/generations", "/v1/images/edits"}:
            _refuse(404, "not-found", "There is nothing here.")
        # No key and a wrong key have statuses of their own.
        if "authorization" not in request.headers:
            _refuse(401, "unauthenticated", "No API key was given.")
        if not request.has("authorization", f"Bearer {self.key}"):
            _refuse(403, "permission-denied", "The API key is not valid.")
        try:
            fields = request.json()
        except ValueError as error:
            _refuse(400, "invalid-argument", f"The body cannot be read: {error}.")
        size = _check(fields, edits=request.path.endswith("/edits"))
        _meet_triggers(str(fields["prompt"]))
        self.received.append(fields)
        return answer(_answer(fields, size, request.origin))


def _refuse(status: int, code: str, message: str) -> NoReturn:
    raise Refused(answer({"code": code, "error": message}, status))


def _check(fields: Mapping[str, Any], *, edits: bool) -> tuple[int, int]:
    """Return the size that a picture will have, or refuse as the API does."""
    model = str(fields.get("model"))
    if model not in {*_MOST_INPUTS, "grok-imagine-image-2026-03-02"}:
        _refuse(404, "not-found", f"The model {model:.60} does not exist.")
    newest = model == "grok-imagine-image-2.0"
    known = _COMMON | _SHAPES | ({"quality"} if newest else set[str]())
    if unknown := sorted(fields.keys() - known - ({"image", "images"} if edits else set[str]())):
        _refuse(400, "invalid-argument", f"Argument not supported: {unknown[0]}")
    if not isinstance(fields.get("prompt"), str) or not fields["prompt"]:
        _refuse(422, "invalid-argument", "prompt is required")
    allowed: dict[str, set[object]] = {
        "n": set(range(1, 11)),
        "response_format": {"url", "b64_json"},
        "aspect_ratio": {*_RATIOS, *({"21:9", "5:2"} if newest else ())},
        "resolution": {"1k", "2k"},
        "quality": {"low", "medium"},
    }
    for name, values in allowed.items():
        if name in fields and (type(fields[name]) is bool or fields[name] not in values):
            _refuse(400, "invalid-argument", f"{name} is not valid")
    inputs = _inputs(fields) if edits else []
    if len(inputs) > _MOST_INPUTS.get(model, 3):
        _refuse(400, "invalid-argument", "too many images")
    # An edit of one picture keeps its shape, whatever ratio is asked.
    if len(inputs) == 1:
        return inputs[0]
    return _pixels(str(fields.get("aspect_ratio", "auto")), str(fields.get("resolution", "1k")))


def _inputs(fields: Mapping[str, Any]) -> list[tuple[int, int]]:
    if ("image" in fields) == ("images" in fields):
        _refuse(400, "invalid-argument", "give either image or images")
    several: Any = fields["images"] if "images" in fields else [fields["image"]]
    return [_measure(item) for item in several]


def _measure(item: object) -> tuple[int, int]:
    fields = mapping(item)
    if fields.get("type") != "image_url":
        _refuse(422, "invalid-argument", "image must be an image_url")
    try:
        info, data = read_data_url(fields.get("url"))
    except ValueError:
        _refuse(400, "invalid-argument", "the image cannot be read")
    if info.format not in {"png", "jpeg", "webp"} or len(data) > _MOST_BYTES:
        _refuse(400, "invalid-argument", "the image has a wrong format or is too large")
    return info.width, info.height


def _pixels(ratio: str, resolution: str) -> tuple[int, int]:
    """Spread the pixels of a square over a ratio, in steps of 16."""
    edge = {"1k": 1024, "2k": 2048}[resolution]
    across, _, down = ("1:1" if ratio == "auto" else ratio).partition(":")
    root = (float(across) / float(down)) ** 0.5
    return round(edge * root / 16) * 16, round(edge / root / 16) * 16


def _meet_triggers(prompt: str) -> None:
    if "#refused" in prompt:
        _refuse(400, "invalid-argument", "The prompt was rejected by content moderation.")
    if "#rate-limited" in prompt:
        raise Refused(answer({"error": "Too many requests."}, 429, retry_after="3"))
    if "#overloaded" in prompt:
        _refuse(503, "unavailable", "The service is overloaded.")


def _answer(fields: Mapping[str, Any], size: tuple[int, int], origin: str) -> dict[str, Any]:
    n, prompt = fields.get("n", 1), str(fields["prompt"])
    withheld = n if "#withheld" in prompt else int("#one-withheld" in prompt)
    items = [_item(fields, size, origin, refused=place < withheld) for place in range(n)]
    quality, resolution = fields.get("quality", "medium"), fields.get("resolution", "1k")
    cents = _CENTS[f"{quality}/{resolution}"] if fields["model"] == "grok-imagine-image-2.0" else 2
    inputs = len(fields.get("images", ())) + ("image" in fields)
    return {
        "model": fields["model"],
        "data": [] if "#empty" in prompt else items,
        # Ten thousand millions of them are a dollar.
        "usage": {"cost_in_usd_ticks": (cents * n + inputs) * 10**8},
    }


def _item(
    fields: Mapping[str, Any], size: tuple[int, int], origin: str, *, refused: bool
) -> dict[str, Any]:
    item: dict[str, Any] = {"mime_type": "image/jpeg", "revised_prompt": ""}
    # The flag is all that tells: the status is that of a success, and the picture is empty.
    item["respect_moderation"] = not refused
    if fields.get("response_format") == "b64_json":
        text = "" if refused else picture_base64(*size, "jpeg")
        return item | {"b64_json": text}
    return item | {"url": "" if refused else f"{origin}/files/{size[0]}x{size[1]}.jpg"}


def _file(path: str) -> Answer:
    width, height = map(int, path.removeprefix("/files/").removesuffix(".jpg").split("x"))
    return Answer(200, (picture(width, height, "jpeg"),), "image/jpeg")
