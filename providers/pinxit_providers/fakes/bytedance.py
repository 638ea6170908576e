"""Ark's images endpoint as strict as its documents, as an ASGI application for tests.

Sources: volcengine_ark_runtime 5.0.54, docs.byteplus.com ModelArk image API and error codes (1299023).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

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

__all__ = ["FakeArk"]

_FIELDS = {
    "model", "prompt", "image", "size", "seed", "guidance_scale", "response_format", "watermark",
    "output_format", "sequential_image_generation", "sequential_image_generation_options",
    "optimize_prompt_options", "stream", "tools",
}  # fmt: skip
_2K = {
    "2048x2048", "2304x1728", "1728x2304", "2848x1600", "2496x1664", "1664x2496", "3024x1296",
}  # fmt: skip


class _Rules(NamedTuple):
    classes: tuple[str, ...] = ()
    least: int = 0
    most: int = 4096 * 4096
    listed: frozenset[str] = frozenset()
    pictures: int = 14
    seed: bool = False
    formats: tuple[str, ...] = ()


_MODELS = {
    "seedream-5-0-pro-260628": _Rules(
        ("1K", "2K"), 1024 * 1024, 2048 * 2048, pictures=10, formats=("png", "jpeg")
    ),
    "seedream-5-0-260128": _Rules(("2K", "3K"), listed=frozenset(_2K), formats=("png", "jpeg")),
    "seedream-4-5-251128": _Rules(("2K", "4K"), 2560 * 1440),
    "seedream-4-0-250828": _Rules(("1K", "2K", "4K"), 1024 * 1024),
    "seedream-3-0-t2i-250415": _Rules((), 512 * 512, 2048 * 2048, pictures=0, seed=True),
    "seededit-3-0-i2i-250628": _Rules(("adaptive",), pictures=1, seed=True),
}


class FakeArk:
    """Answers, and refuses, as Ark does.

    Words in a prompt ask for trouble: ``#refused`` (status 400), ``#refused-item`` (an error in a success),
    ``#rate-limited``, ``#out-of-credit``, ``#overloaded``.

    Args:
        key: The only key that it accepts.
        brand: What stands before the names of models: ``doubao-`` at Volcengine.

    Attributes:
        received: The fields of every request that was accepted, oldest first.
    """

    def __init__(self, *, key: str = "ark-fake-key-of-nobody", brand: str = "") -> None:
        self.key = key
        self.brand = brand
        self.received: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        if request.path.startswith("/tos/"):
            return _file(request.path)
        if request.path != "/api/v3/images/generations" or request.method != "POST":
            _refuse(404, "InvalidAction", "There is nothing here.")
        if not request.has("authorization", f"Bearer {self.key}"):
            _refuse(401, "AuthenticationError", "The API key in the request is missing or invalid.")
        try:
            fields = request.json()
        except ValueError as error:
            _refuse(400, "InvalidParameter", f"The body cannot be read: {error}.")
        rules = _MODELS.get(str(fields.get("model")).removeprefix(self.brand))
        if rules is None or not str(fields["model"]).startswith(self.brand):
            _refuse(404, "InvalidEndpointOrModel.NotFound", "The model does not exist.", "model")
        size = _check(fields, rules)
        _meet_triggers(str(fields["prompt"]))
        self.received.append(fields)
        return answer(_answer(fields, size, request.origin))


def _refuse(
    status: int, code: str, message: str, param: str | None = None, **headers: str
) -> NoReturn:
    error = {"code": code, "message": message, "type": "BadRequest", "param": param}
    raise Refused(answer({"error": error}, status, **headers))


def _check(fields: Mapping[str, Any], rules: _Rules) -> tuple[int, int]:
    """Return the size that a picture will have, or refuse as the API does."""
    if unknown := sorted(fields.keys() - _FIELDS):
        _refuse(400, "InvalidParameter", f"Unknown parameter {unknown[0]}.", unknown[0])
    if not isinstance(fields.get("prompt"), str) or not fields["prompt"]:
        _refuse(400, "MissingParameter", "prompt is required.", "prompt")
    allowed: dict[str, set[object]] = {
        "response_format": {"url", "b64_json"},
        "watermark": {True, False},
        "output_format": {*rules.formats},
        "sequential_image_generation": {"disabled", "auto"},
        "stream": {True, False},
    }
    for name, values in allowed.items():
        if name in fields and fields[name] not in values:
            _refuse(400, "InvalidParameter", f"{name} is not valid.", name)
    seed = fields.get("seed", -1)
    if (
        type(seed) is not int
        or not -1 <= seed <= 2147483647
        # Only the oldest models honour one: to the others it must not be sent.
        or ("seed" in fields and not rules.seed)
    ):
        _refuse(400, "InvalidParameter", "seed is not valid.", "seed")
    inputs = _inputs(fields)
    if len(inputs) > rules.pictures or (rules.classes == ("adaptive",) and len(inputs) != 1):
        _refuse(400, "InvalidParameter", "The number of pictures is not valid.", "image")
    return _size(str(fields.get("size", "2K" if "2K" in rules.classes else "")), rules, inputs)


def _inputs(fields: Mapping[str, Any]) -> list[tuple[int, int]]:
    given = fields.get("image")
    sizes: list[tuple[int, int]] = []
    for url in sequence(given) or ([] if given is None else [given]):
        try:
            info, data = read_data_url(url)
        except ValueError:
            _refuse(400, "InvalidParameter", "The picture cannot be read.", "image")
        if len(data) > 10_000_000 or min(info.width, info.height) <= 14:
            _refuse(400, "InvalidParameter", "The picture is too large or too small.", "image")
        sizes.append((info.width, info.height))
    return sizes


def _size(size: str, rules: _Rules, inputs: list[tuple[int, int]]) -> tuple[int, int]:
    if rules.classes == ("adaptive",):
        if size not in {"", "adaptive"}:
            _refuse(400, "InvalidParameter", "size must be adaptive.", "size")
        return inputs[0]
    if size == "":
        return 1024, 1024
    if size in rules.classes:
        edge = 1024 * int(size[0])
        return edge, edge
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        _refuse(400, "InvalidParameter", "size is not valid.", "size")
    pair = int(width), int(height)
    if rules.listed:
        good = size in rules.listed
    elif rules.pictures:
        ratio = pair[0] / pair[1]
        good = rules.least <= pair[0] * pair[1] <= rules.most and 1 / 16 <= ratio <= 16
    else:
        good = all(512 <= edge <= 2048 for edge in pair)
    if not good:
        _refuse(400, "InvalidParameter", f"size {size} is not supported.", "size")
    return pair


def _meet_triggers(prompt: str) -> None:
    if "#refused" in prompt and "#refused-item" not in prompt:
        _refuse(400, "InputTextSensitiveContentDetected", "The prompt may be sensitive.")
    if "#rate-limited" in prompt:
        _refuse(429, "RateLimitExceeded.EndpointIPMExceeded", "Slow down.", retry_after="5")
    # Ark says it with a 403, so that only the code tells it from a key without rights.
    if "#out-of-credit" in prompt:
        _refuse(403, "AccountOverdue", "The account is overdue.")
    # An outage under the status of a limit.
    if "#overloaded" in prompt:
        _refuse(429, "ServerOverloaded", "The service is overloaded.")


def _answer(fields: Mapping[str, Any], size: tuple[int, int], origin: str) -> dict[str, Any]:
    format = fields.get("output_format", "jpeg")
    said = f"{size[0]}x{size[1]}"
    item: dict[str, Any] = {"size": said}
    # One picture's error stands in its place, inside a success.
    refused = "#refused-item" in str(fields["prompt"])
    if refused:
        words = "The picture may be sensitive."
        item = {"error": {"code": "OutputImageSensitiveContentDetected", "message": words}}
    elif fields.get("response_format") == "b64_json":
        item["b64_json"] = picture_base64(*size, format)
    else:
        item["url"] = f"{origin}/tos/{said}.{format}"
    tokens = 0 if refused else size[0] * size[1] // 256
    usage = {"generated_images": int(not refused), "output_tokens": tokens, "total_tokens": tokens}
    return {"model": fields["model"], "created": int(time.time()), "data": [item], "usage": usage}


def _file(path: str) -> Answer:
    size, _, format = path.removeprefix("/tos/").partition(".")
    width, height = map(int, size.split("x"))
    return Answer(200, (picture(width, height, format),), f"image/{format}")
