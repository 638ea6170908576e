"""Ideogram's image API, versions 1 and 2, as strict as its documents, as an ASGI application for tests.

Written from its OpenAPI description and its reference, a second time.
"""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pinxit import InvalidImage
from pinxit.headers import ImageInfo, inspect

from .asgi import Answer, Incoming, Receive, Refused, Scope, Send, Upload, answer, picture, serve

__all__ = ["FakeIdeogram"]

_RESOLUTIONS = frozenset(
    [
        "512x1536",
        "576x1408",
        "576x1472",
        "576x1536",
        "640x1344",
        "640x1408",
        "640x1472",
        "640x1536",
        "704x1152",
        "704x1216",
        "704x1280",
        "704x1344",
        "704x1408",
        "704x1472",
        "736x1312",
        "768x1088",
        "768x1216",
        "768x1280",
        "768x1344",
        "800x1280",
        "832x960",
        "832x1024",
        "832x1088",
        "832x1152",
        "832x1216",
        "832x1248",
        "864x1152",
        "896x960",
        "896x1024",
        "896x1088",
        "896x1120",
        "896x1152",
        "960x832",
        "960x896",
        "960x1024",
        "960x1088",
        "1024x832",
        "1024x896",
        "1024x960",
        "1024x1024",
        "1088x768",
        "1088x832",
        "1088x896",
        "1088x960",
        "1120x896",
        "1152x704",
        "1152x832",
        "1152x864",
        "1152x896",
        "1216x704",
        "1216x768",
        "1216x832",
        "1248x832",
        "1280x704",
        "1280x768",
        "1280x800",
        "1312x736",
        "1344x640",
        "1344x704",
        "1344x768",
        "1408x576",
        "1408x640",
        "1408x704",
        "1472x576",
        "1472x640",
        "1472x704",
        "1536x512",
        "1536x576",
        "1536x640",
    ]
)
_NEWER = frozenset({"ideogram-4-6", "ideogram-4-5", "ideogram-4", "ideogram-3", "ideogram-5"})
"""The last one is newer than anything that was described."""
_EDITORS = frozenset({"ideogram-4-6", "ideogram-4-5"})
_FILE = re.compile(r"/files/(\d+)x(\d+)-(\d+)\.png")
_COLOURS = ("#7a4a2b", "#2b5d7a", "#4a7a2b", "#7a2b5d", "#5d2b7a", "#2b7a5d", "#7a7a2b", "#4a4a4a")


class _Rules(NamedTuple):
    """What one address takes: its fields, its files with the most of each, and which of them it needs."""

    fields: frozenset[str]
    files: Mapping[str, int]
    needs: frozenset[str]
    takes_json: bool = False


_V1 = frozenset(
    {
        "prompt",
        "seed",
        "rendering_speed",
        "magic_prompt",
        "num_images",
        "style_type",
        "style_preset",
    }
)
_RULES = {
    "/v1/ideogram-v3/generate": _Rules(
        _V1 | {"resolution", "negative_prompt"}, {}, frozenset({"prompt"})
    ),
    "/v1/ideogram-v3/inpaint": _Rules(
        _V1, {"image": 1, "mask": 1}, frozenset({"prompt", "image", "mask"})
    ),
    "/v1/ideogram-v3/remix": _Rules(
        _V1 | {"resolution", "image_weight"}, {"image": 1}, frozenset({"prompt", "image"})
    ),
    "/v2/image/generate": _Rules(
        frozenset({"prompt", "quality", "custom_width", "custom_height", "num_images", "seed"}),
        {},
        frozenset({"prompt"}),
        takes_json=True,
    ),
    "/v2/image/precise-edit": _Rules(
        frozenset({"prompt"}),
        {"image": 1, "mask": 1, "reference_images": 4},
        frozenset({"prompt", "image"}),
    ),
}

_TRIGGERS = {
    "#refused": answer({"error": "Prompt provided failed safety check."}, 422),
    "#rate-limited": answer({"error": "Too many requests in flight."}, 429),
    "#out-of-credit": answer({"error": "Insufficient credits."}, 402),
    "#overloaded": answer({"detail": "Service unavailable."}, 503),
}


class FakeIdeogram:
    """Answers, and refuses, as Ideogram does; for `httpx.ASGITransport` or any ASGI server.

    Some words in a prompt ask for trouble: ``#refused`` (the prompt), ``#unsafe`` (each picture),
    ``#partly-unsafe`` (the first one), ``#rate-limited``, ``#out-of-credit`` and ``#overloaded``.

    Args:
        key: The only key that it accepts.
    """

    def __init__(self, *, key: str = "fake-key-of-nobody") -> None:
        self.key = key
        self.received: list[Incoming] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        if match := _FILE.fullmatch(request.path):
            colour = _COLOURS[int(match[3]) % len(_COLOURS)]
            data = picture(int(match[1]), int(match[2]), colour=colour)
            return Answer(200, (data,), "image/png")
        rules = _rules(request.path)
        if rules is None:
            return answer({"error": "Not found"}, 404)
        if not request.has("api-key", self.key):
            return answer({"error": "Invalid API key"}, 401)
        self.received.append(request)
        fields, images = _read(request, rules)
        _check(fields, images, rules)
        for trigger, trouble in _TRIGGERS.items():
            if trigger in str(fields["prompt"]):
                return trouble
        return _paint(request, fields, images)


def _rules(path: str) -> _Rules | None:
    start, _, model = path.rpartition("/")
    if start == "/v2/image/generate" and model in _NEWER:
        return _RULES[start]
    if start == "/v2/image/precise-edit" and model in _EDITORS:
        return _RULES[start]
    return _RULES.get(path) if path.startswith("/v1/") else None


def _bad(message: str) -> Refused:
    return Refused(answer({"error": message}, 400))


def _read(request: Incoming, rules: _Rules) -> tuple[dict[str, Any], list[tuple[str, ImageInfo]]]:
    try:
        if rules.takes_json:
            return request.json(), []
        fields, files = request.form()
    except ValueError as error:
        raise _bad(str(error)) from None
    named: dict[str, Any] = dict(fields)
    if len(named) != len(fields):
        raise _bad("a field is given twice")
    for name in ("num_images", "seed", "image_weight"):
        if str(named.get(name, "")).isdecimal():
            named[name] = int(named[name])
    return named, [(upload.field, _image(upload)) for upload in files]


def _image(upload: Upload) -> ImageInfo:
    try:
        info = inspect(upload.data)
    except InvalidImage:
        raise _bad(f"{upload.field} is not an image") from None
    if upload.content_type != info.media_type or info.format not in {"png", "jpeg"}:
        raise _bad(f"{upload.field}: {upload.content_type} is not supported")
    if upload.field == "mask":
        from PIL import Image as Pillow

        found = Pillow.open(io.BytesIO(upload.data)).convert("L").tobytes()
        # A mask that was scaled smoothly, or went through JPEG, has greys.
        if set(found) - {0, 255}:
            raise _bad("mask must be strictly black and white")
    return info


def _among(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


def _number(least: int, most: int, step: int = 1) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and least <= value <= most and value % step == 0


_JUDGES: Mapping[str, Callable[[Any], bool]] = {
    "prompt": lambda value: isinstance(value, str) and 1 <= len(value) <= 10_000,
    "negative_prompt": lambda value: isinstance(value, str),
    "seed": _number(0, 2_147_483_647),
    "resolution": lambda value: value in _RESOLUTIONS,
    "rendering_speed": _among("FLASH", "TURBO", "BALANCED", "DEFAULT", "QUALITY"),
    "magic_prompt": _among("AUTO", "ON", "OFF"),
    "num_images": _number(1, 8),
    "style_type": _among("AUTO", "GENERAL", "REALISTIC", "DESIGN", "CUSTOM", "FICTION", "STYLIZED"),
    "style_preset": lambda value: isinstance(value, str),
    "image_weight": _number(1, 100),
    "quality": _among("very_low", "low", "medium", "high"),
    "custom_width": _number(16, 4096, 16),
    "custom_height": _number(16, 4096, 16),
}


def _check(fields: Mapping[str, Any], files: list[tuple[str, ImageInfo]], rules: _Rules) -> None:
    names = [name for name, _ in files]
    for name in (*fields, *names):
        if name not in rules.fields and name not in rules.files:
            raise _bad(f"{name} is not expected")
        if names.count(name) > rules.files.get(name, 0):
            raise _bad(f"{name} is given too often")
    if missing := rules.needs - {*fields, *names}:
        raise _bad(f"{min(missing)} is required")
    for name, value in fields.items():
        if not _JUDGES[name](value):
            raise _bad(f"{name} is invalid")
    sizes = dict(files)
    if "mask" in sizes and sizes["mask"].size != sizes["image"].size:
        raise _bad("mask must have the size of the image")
    if "mask" in sizes and names.count("reference_images") > 3:
        raise _bad("at most 3 reference images with a mask")
    if ("custom_width" in fields) != ("custom_height" in fields):
        raise _bad("custom_width and custom_height belong together")
    if fields.get("custom_width", 0) * fields.get("custom_height", 0) > 4_194_304:
        raise _bad("custom_width x custom_height is too large")


def _paint(
    request: Incoming, fields: Mapping[str, Any], files: list[tuple[str, ImageInfo]]
) -> Answer:
    size = fields.get("resolution", "1024x1024")
    if "custom_width" in fields:
        size = f"{fields['custom_width']}x{fields['custom_height']}"
    elif files and request.path.rpartition("/")[2] != "remix":
        size = dict(files)["image"].size
    items: list[dict[str, Any]] = []
    for place in range(fields.get("num_images", 1)):
        unsafe = "#unsafe" in fields["prompt"] or (
            "#partly-unsafe" in fields["prompt"] and not place
        )
        items.append(
            {
                # A refused picture is a gap among the others, under a status of success.
                "url": None if unsafe else f"{request.origin}/files/{size}-{place}.png?exp=1&sig=1",
                "prompt": f"In detail: {fields['prompt']}",
                "resolution": size,
                "is_image_safe": not unsafe,
                "seed": fields.get("seed", 1000) + place,
                "style_type": "GENERAL",
            }
        )
    return answer({"created": "2026-11-22T12:00:00Z", "data": items})
