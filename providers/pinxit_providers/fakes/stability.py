"""Stability AI's ``/v2beta/stable-image`` as strict as its documents, as an ASGI application for tests.

Written from the OpenAPI description of v2beta, a second time. Pixels per ratio are not documented: those
of the plugin are drawn.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pinxit import InvalidImage
from pinxit.headers import ImageInfo, inspect

from .asgi import (
    Answer,
    Incoming,
    Receive,
    Refused,
    Scope,
    Send,
    Upload,
    answer,
    picture,
    serve,
)

__all__ = ["FakeStability"]

_SMALL = {
    "16:9": (1360, 768), "1:1": (1024, 1024), "21:9": (1568, 672), "2:3": (832, 1248), "3:2": (1248, 832),
    "4:5": (912, 1152), "5:4": (1152, 912), "9:16": (768, 1360), "9:21": (672, 1568),
}  # fmt: skip
_LARGE = {
    "16:9": (1680, 944), "1:1": (1248, 1248), "21:9": (1920, 816), "2:3": (1024, 1536), "3:2": (1536, 1024),
    "4:5": (1120, 1408), "5:4": (1408, 1120), "9:16": (944, 1680), "9:21": (816, 1920),
}  # fmt: skip
_STYLES = frozenset({
    "enhance", "anime", "photographic", "digital-art", "comic-book", "fantasy-art", "line-art",
    "analog-film", "neon-punk", "isometric", "low-poly", "origami", "modeling-compound", "cinematic",
    "3d-model", "pixel-art", "tile-texture",
})  # fmt: skip
_SD3 = frozenset({
    "sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash", "sd3-large", "sd3-large-turbo",
    "sd3-medium", "sd4-large",
})  # fmt: skip
"""The last one is newer than anything that was described."""

_COMMON = frozenset({"prompt", "negative_prompt", "seed", "style_preset", "output_format"})


class _Endpoint(NamedTuple):
    fields: frozenset[str]
    files: frozenset[str] = frozenset()
    needs_image: bool = False
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    pixels: Mapping[str, tuple[int, int]] = _SMALL


_ENDPOINTS = {
    "generate/core": _Endpoint(_COMMON | {"aspect_ratio"}, pixels=_LARGE),
    "generate/ultra": _Endpoint(_COMMON | {"aspect_ratio", "strength"}, frozenset({"image"})),
    "generate/sd3": _Endpoint(
        _COMMON | {"aspect_ratio", "strength", "mode", "model", "cfg_scale"},
        frozenset({"image"}),
        formats=("png", "jpeg"),
    ),
    "edit/inpaint": _Endpoint(
        _COMMON | {"grow_mask"}, frozenset({"image", "mask"}), needs_image=True
    ),
}


def _trouble(status: int, name: str, *errors: str) -> Answer:
    return answer({"id": "fake", "name": name, "errors": list(errors)}, status)


_TRIGGERS = {
    "#refused": _trouble(403, "content_moderation", "Your request was flagged by our system."),
    "#forbidden": _trouble(403, "permission_denied", "You may not do this."),
    "#rate-limited": _trouble(429, "rate_limit_exceeded", "Too many requests."),
    "#out-of-credit": _trouble(402, "payment_required", "You lack sufficient credits."),
    "#overloaded": _trouble(500, "internal_error", "An unexpected error."),
}


class FakeStability:
    """Answers, and refuses, as Stability AI does; for `httpx.ASGITransport` or any ASGI server.

    Some words in a prompt ask for trouble: ``#refused`` (the request), ``#blurred`` (the picture),
    ``#forbidden``, ``#rate-limited``, ``#out-of-credit`` and ``#overloaded``.

    Args:
        key: The only key that it accepts.
    """

    def __init__(self, *, key: str = "sk-fake-key-of-nobody") -> None:
        self.key = key
        self.received: list[Incoming] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        endpoint = _ENDPOINTS.get(request.path.removeprefix("/v2beta/stable-image/"))
        if endpoint is None:
            return _trouble(404, "not_found", "No such endpoint.")
        if not request.has("authorization", f"Bearer {self.key}"):
            return _trouble(401, "unauthorized", "Missing or invalid API key.")
        self.received.append(request)
        try:
            fields, files = request.form()
        except ValueError as error:
            raise _bad(str(error)) from None
        if len(request.body) > 10 * 2**20:
            raise Refused(_trouble(413, "payload_too_large", "At most 10 MiB."))
        named = dict(fields)
        if len(named) != len(fields):
            raise _bad("a field is given twice")
        images = _files(files, endpoint)
        _check(named, images, endpoint)
        for trigger, trouble in _TRIGGERS.items():
            if trigger in named["prompt"]:
                return trouble
        return _paint(request, named, images, endpoint)


def _bad(*errors: str) -> Refused:
    return Refused(_trouble(400, "bad_request", *errors))


def _files(files: tuple[Upload, ...], endpoint: _Endpoint) -> dict[str, ImageInfo]:
    found: dict[str, ImageInfo] = {}
    for upload in files:
        if upload.field not in endpoint.files or upload.field in found:
            raise _bad(f"{upload.field}: not expected")
        try:
            info = inspect(upload.data)
        except InvalidImage:
            raise _bad(f"{upload.field}: not an image") from None
        if info.format not in {"png", "jpeg", "webp"} or upload.content_type != info.media_type:
            raise _bad(f"{upload.field}: {upload.content_type} is not supported")
        if min(info.width, info.height) < 64 or info.width * info.height > 9_437_184:
            raise _bad(f"{upload.field}: {info.size} is out of range")
        found[upload.field] = info
    if endpoint.needs_image and "image" not in found:
        raise _bad("image: required")
    # Without a mask, what is transparent in the picture is repainted.
    if endpoint.needs_image and "mask" not in found and not found["image"].alpha:
        raise _bad("mask: required unless the image has an alpha channel")
    return found


def _number(least: float, most: float, *, whole: bool = False) -> Callable[[str], bool]:
    def judge(value: str) -> bool:
        try:
            return least <= (int(value) if whole else float(value)) <= most
        except ValueError:
            return False

    return judge


_JUDGES: Mapping[str, Callable[[str], bool]] = {
    "prompt": lambda value: 1 <= len(value) <= 10_000,
    "negative_prompt": bool,
    "seed": _number(0, 4_294_967_294, whole=True),
    "aspect_ratio": lambda value: value in _SMALL,
    "style_preset": lambda value: value in _STYLES,
    "mode": lambda value: value in {"text-to-image", "image-to-image"},
    "model": lambda value: value in _SD3,
    "strength": _number(0, 1),
    "cfg_scale": _number(1, 10),
    "grow_mask": _number(0, 100, whole=True),
}


def _check(fields: Mapping[str, str], images: Mapping[str, ImageInfo], endpoint: _Endpoint) -> None:
    if "prompt" not in fields:
        raise _bad("prompt: required")
    for name, value in fields.items():
        if name not in endpoint.fields:
            raise _bad(f"{name}: unknown field")
        known = name == "output_format" and value in endpoint.formats
        judge = _JUDGES.get(name)
        if not known and (judge is None or not judge(value)):
            raise _bad(f"{name}: invalid value")
    if "strength" in endpoint.fields and ("strength" in fields) != ("image" in images):
        raise _bad("strength: required with an image, and only there")
    if "mode" in endpoint.fields:
        redraws = fields.get("mode") == "image-to-image"
        if redraws != ("image" in images) or (redraws and "aspect_ratio" in fields):
            raise _bad("mode: contradicts the other fields")
    if "negative_prompt" in fields and fields.get("model", "").endswith(("turbo", "flash")):
        raise _bad("negative_prompt: not with this model")


def _paint(
    request: Incoming,
    fields: Mapping[str, str],
    images: Mapping[str, ImageInfo],
    endpoint: _Endpoint,
) -> Answer:
    format = fields.get("output_format", "png")
    width, height = endpoint.pixels[fields.get("aspect_ratio", "1:1")]
    if "image" in images:
        width, height = images["image"].width, images["image"].height
    data = picture(width, height, format)
    # A picture that is refused comes blurred, with the status of a success.
    reason = "CONTENT_FILTERED" if "#blurred" in fields["prompt"] else "SUCCESS"
    seed = fields.get("seed", "0")
    # 0 means a random one.
    seed = "3735928559" if seed == "0" else seed
    if request.has("accept", "application/json"):
        text = base64.b64encode(data).decode()
        return answer({"image": text, "finish_reason": reason, "seed": int(seed)})
    return Answer(200, (data,), f"image/{format}", {"finish-reason": reason, "seed": seed})
