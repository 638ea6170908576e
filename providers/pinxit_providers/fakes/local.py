"""Five servers of one's own that speak OpenAI's Images API, each with its accent, stricter than they are.

Sources: examples/server of leejet/stable-diffusion.cpp (2026-08-19), mudler/LocalAI (2026-08-22), vllm_omni
0.30.0, sglang 0.5.23 and xinference 4.1.0 (PyPI).
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

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
    serve,
)

__all__ = ["ACCENTS", "FakeLocal"]

Fields = dict[str, Any]

_COLOURS = ("#7a4a2b", "#2b5d7a", "#4a7a2b", "#7a2b5d", "#5d2b7a")
_TAG = re.compile(r"<sd_cpp_extra_args>(.*?)</sd_cpp_extra_args>")
# A form has only text; these are read as numbers.
_NUMBERS = {"n", "output_compression", "seed", "num_inference_steps", "step"}


def _plain(message: str) -> object:
    return {"error": message}


def _object(message: str) -> object:
    return {"error": {"message": message, "type": "BadRequestError", "param": None, "code": 400}}


def _detail(message: str) -> object:
    return {"detail": message}


@dataclass(frozen=True)
class _Accent:
    """What one server accepts.

    Attributes:
        paths: The fields of each path; a JSON path takes no files.
        files: The files of each multipart path.
        shape: How an error looks.
        size: What a size looks like.
        words: Where seed and the like stand: fields, a tag in the prompt, or a text of JSON.
        jpeg: Whether pictures come as JPEG whatever is asked.
    """

    paths: Mapping[str, set[str]]
    files: Mapping[str, set[str]] = field(default_factory=dict[str, set[str]])
    shape: Callable[[str], object] = _object
    size: str = r"(\d+)x(\d+)"
    words: str = "fields"
    jpeg: bool = False


_COMMON = {"model", "prompt", "n", "size", "response_format"}
_SERVED = _COMMON | {
    "output_format", "output_compression", "seed", "negative_prompt", "num_inference_steps", "guidance_scale",
    "true_cfg_scale",
}  # fmt: skip
_GENERATE, _EDIT = "/v1/images/generations", "/v1/images/edits"
_VARY, _INPAINT = "/v1/images/variations", "/v1/images/inpainting"
_SD = {"model", "prompt", "n", "size", "output_format", "output_compression"}
_LOCALAI = _COMMON | {"step", "seed", "file", "files", "ref_images"}
_XINFERENCE = _COMMON | {"kwargs"}

ACCENTS: Mapping[str, _Accent] = {
    "sd-server": _Accent(
        paths={_GENERATE: _SD, _EDIT: _SD},
        files={_EDIT: {"image", "image[]", "mask"}},
        shape=_plain,
        words="tag",
    ),
    "localai": _Accent(paths={_GENERATE: _LOCALAI}),
    "vllm-omni": _Accent(
        paths={_GENERATE: _SERVED, _EDIT: _SERVED | {"strength"}},
        files={_EDIT: {"image", "image[]", "mask_image"}},
    ),
    # It ignores masks without a word; here one is refused, so that it shows.
    "sglang": _Accent(
        paths={_GENERATE: _SERVED, _EDIT: _SERVED},
        files={_EDIT: {"image", "image[]"}},
        shape=_detail,
    ),
    "xinference": _Accent(
        paths={
            _GENERATE: _XINFERENCE,
            _VARY: _XINFERENCE | {"negative_prompt"},
            _INPAINT: _XINFERENCE | {"negative_prompt"},
        },
        files={_VARY: {"image"}, _INPAINT: {"image", "mask_image"}},
        shape=_detail,
        size=r"(\d+)\*(\d+)",
        words="kwargs",
        # It writes JPEG unless a picture has alpha.
        jpeg=True,
    ),
}


class FakeLocal:
    """Answers, and refuses, as one of the five servers does.

    Words in a prompt ask for trouble: ``#broken`` (status 500), ``#busy`` (503 with Retry-After).

    Args:
        accent: Which server it is.
        key: The key that it was started with.
        model: The only name that it serves; any where it is empty.
        addresses: Whether it answers with addresses of its own, whatever is asked.

    Attributes:
        received: Path and fields of every request that was accepted, oldest first; files are there as bytes,
            and what stood in a tag or in ``kwargs`` as ``inner``.
    """

    def __init__(
        self, accent: str, *, key: str = "", model: str = "", addresses: bool = False
    ) -> None:
        self.accent = ACCENTS[accent]
        self.key = key
        self.model = model
        self.addresses = addresses
        self.received: list[tuple[str, Fields]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, incoming: Incoming) -> Answer:
        if self.key and not incoming.has("authorization", f"Bearer {self.key}"):
            self._refuse(401, "Unauthorized")
        if incoming.method == "GET" and incoming.path.startswith("/generated-images/"):
            width, height = map(int, incoming.path.rpartition("/")[2][:-4].split("x"))
            return Answer(200, (picture(width, height),), "image/png")
        if incoming.method != "POST" or incoming.path not in self.accent.paths:
            self._refuse(404, "Not Found")
        fields = self._read(incoming)
        self._check(incoming.path, fields)
        self.received.append((incoming.path, fields))
        return answer({"created": 1_700_000_000, "data": list(self._items(incoming, fields))})

    def _refuse(self, status: int, message: str, **headers: str) -> NoReturn:
        raise Refused(answer(self.accent.shape(message), status, **headers))

    def _read(self, incoming: Incoming) -> Fields:
        known = self.accent.files.get(incoming.path)
        try:
            if known is None:
                return incoming.json()
            form, files = incoming.form()
        except ValueError as error:
            self._refuse(400, str(error))
        fields: Fields = {
            name: int(text) if name in _NUMBERS and text.isdecimal() else text
            for name, text in form
        }
        for upload in files:
            if upload.field not in known:
                self._refuse(400, f"unexpected file {upload.field}")
            _measure(upload.data)
            fields.setdefault(upload.field, []).append(upload.data)
        if not known & fields.keys() - {"mask", "mask_image"}:
            self._refuse(422, "Field 'image' or 'url' is required")
        return fields

    def _check(self, path: str, fields: Fields) -> None:
        allowed = self.accent.paths[path] | self.accent.files.get(path, set())
        if stray := sorted(fields.keys() - allowed):
            self._refuse(400, f"unknown field {stray[0]}")
        if not fields.get("prompt"):
            self._refuse(400, "prompt required")
        if self.model and fields.get("model") != self.model:
            self._refuse(404, f"model {fields.get('model')} not found")
        # An address would be a path on the server, or a host that only the server knows.
        if (
            "response_format" in self.accent.paths[path]
            and fields.get("response_format") != "b64_json"
        ):
            self._refuse(400, "response_format='url' requires cloud storage to be configured.")
        for name in _NUMBERS & fields.keys():
            if not isinstance(fields[name], int) or isinstance(fields[name], bool):
                self._refuse(422, f"{name} is no integer")
        if not 1 <= fields.get("n", 1) <= 10:
            self._refuse(400, "n must be from 1 to 10")
        self._look_into(fields)
        if "#broken" in fields["prompt"]:
            self._refuse(500, "generate_image returned no results")
        if "#busy" in fields["prompt"]:
            self._refuse(503, "model loading", retry_after="30")

    def _look_into(self, fields: Fields) -> None:
        """Take out what stands inside other fields, as the servers do."""
        if self.accent.words == "tag":
            if found := _TAG.search(fields["prompt"]):
                fields["inner"] = json.loads(found[1])
            # The tag is the server's, not the model's: what is painted is the rest.
            fields["prompt"] = _TAG.sub("", fields["prompt"])
        elif "kwargs" in fields:
            if not isinstance(fields["kwargs"], str):
                self._refuse(422, "kwargs: Input should be a valid string")
            fields["inner"] = json.loads(fields.pop("kwargs"))
        for name in {"file", "ref_images"} & fields.keys():
            texts = fields[name] if isinstance(fields[name], list) else [fields[name]]
            for text in cast("list[str]", texts):
                try:
                    _measure(base64.b64decode(text, validate=True))
                except (binascii.Error, OSError):
                    self._refuse(500, f"{name} is no base64 of a picture")

    def _items(self, incoming: Incoming, fields: Fields) -> list[Fields]:
        width, height = self._edges(fields)
        kind = "jpeg" if self.accent.jpeg else fields.get("output_format", "png")
        if self.addresses:
            return [{"url": f"{incoming.origin}/generated-images/{width}x{height}.png"}]
        return [
            {"b64_json": picture_base64(width, height, kind, _COLOURS[place % len(_COLOURS)])}
            for place in range(fields.get("n", 1))
        ]

    def _edges(self, fields: Fields) -> tuple[int, int]:
        size = fields.get("size")
        if size is None:
            given = fields.get("image") or fields.get("image[]")
            return _measure(given[0]) if given else (1024, 1024)
        found = re.fullmatch(self.accent.size, size)
        if found is None:
            self._refuse(400, f"size {size} is malformed")
        width, height = int(found[1]), int(found[2])
        if not (64 <= width <= 4096 and 64 <= height <= 4096):
            self._refuse(400, f"size {size} is out of range")
        return width, height


def _measure(data: bytes) -> tuple[int, int]:
    from PIL import Image as Pillow

    return Pillow.open(io.BytesIO(data)).size
