"""Replicate's predictions as strict as their documents, as an ASGI application for tests."""

from __future__ import annotations

import base64
import re
from typing import Any

from pinxit import InvalidImage
from pinxit.headers import inspect

from .asgi import Answer, Incoming, Receive, Refused, Scope, Send, answer, picture, serve
from .work import Work, Works, meet_triggers

__all__ = ["FakeReplicate"]

_FLUX = (
    "prompt aspect_ratio num_outputs num_inference_steps seed output_format disable_safety_checker "
    "megapixels"
)
_INPUTS = {
    "black-forest-labs/flux-schnell": f"{_FLUX} output_quality go_fast",
    "black-forest-labs/flux-dev": f"{_FLUX} image prompt_strength guidance",
    "black-forest-labs/flux-2-pro": "prompt input_images aspect_ratio resolution width height "
    "safety_tolerance output_format output_quality",
    "black-forest-labs/flux-kontext-pro": "prompt input_image aspect_ratio seed output_format "
    "safety_tolerance",
    "black-forest-labs/flux-fill-pro": "prompt image mask steps guidance outpaint",
    "ideogram-ai/ideogram-v3-turbo": "prompt aspect_ratio resolution image mask style_type seed",
    "google/nano-banana-2": "prompt image_input aspect_ratio output_format",
    "stability-ai/stable-diffusion-3.5-large": "prompt aspect_ratio cfg image prompt_strength seed "
    "output_format negative_prompt",
}
_LISTS = {"flux-schnell", "flux-dev", "stable-diffusion-3.5-large"}
_DEFAULT_FORMATS = {"flux-kontext-pro": "png", "nano-banana-2": "jpg", "flux-fill-pro": "jpg",
                    "ideogram-v3-turbo": "png"}  # fmt: skip
_PICTURES = ("image", "mask", "input_image", "input_images", "image_input", "images")
_TROUBLE = {
    402: {"title": "Insufficient credit", "detail": "Add credit.", "status": 402},
    429: {"title": "Throttled", "detail": "Your rate limit resets in ~12s.", "status": 429},
    503: {"detail": "Unavailable."},
}
_GOOGLE = {
    "1:1": (1024, 1024), "2:3": (848, 1264), "3:2": (1264, 848), "3:4": (896, 1200), "4:3": (1200, 896),
    "4:5": (928, 1152), "5:4": (1152, 928), "9:16": (768, 1376), "16:9": (1376, 768), "21:9": (1584, 672),
}  # fmt: skip


class FakeReplicate:
    """Answers, and refuses, as Replicate does.

    Some words in a prompt ask for trouble: ``#refused``, ``#fewer`` and ``#none`` for pictures that are left
    out, ``#fails``, ``#aborted``, ``#rate-limited``, ``#out-of-credit``, ``#overloaded``.

    Args:
        key: The only key that it accepts.
        polls: Polls that a job takes.
        elsewhere: Where it says that its jobs are; by default on the host that was asked.

    Attributes:
        works: Its jobs.
        leaks: Addresses of pictures that were asked for with a key.
    """

    def __init__(
        self, *, key: str = "r8_key_of_nobody", polls: int = 2, elsewhere: str | None = None
    ) -> None:
        self.key = key
        self.works = Works(polls)
        self.elsewhere = elsewhere
        self.leaks: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        if request.path.startswith("/files/"):
            return self._deliver(request)
        if not request.has("authorization", f"Bearer {self.key}"):
            raise _refused(401, "Unauthenticated", "You did not pass a valid authentication token")
        match (request.method, *request.path.removeprefix("/v1/").split("/")):
            case ("POST", "models", owner, name, "predictions"):
                return self._accept(request, f"{owner}/{name}")
            case ("POST", "deployments", "acme", _, "predictions"):
                return self._accept(request, "black-forest-labs/flux-dev")
            case ("POST", "predictions"):
                return self._accept(request, None)
            case ("GET", "predictions", id):
                return self._told(request, self._find(id))
            case ("POST", "predictions", id, "cancel"):
                work = self._find(id)
                # What has ended stays as it is; the answer tells.
                work.cancelled = work.cancelled or not work.ended
                return self._told(request, work)
            case _:
                raise _refused(404, "Not found", "The requested resource could not be found.")

    def _find(self, id: str) -> Work:
        work = self.works.look(id)
        if work is None:
            raise _refused(404, "Not found", "No such prediction")
        return work

    def _accept(self, request: Incoming, name: str | None) -> Answer:
        try:
            body = request.json()
        except ValueError as error:
            raise _refused(422, "Input validation failed", str(error)) from None
        version = body.pop("version", None)
        if name is None:
            name = str(version or "").partition(":")[0]
            name = "black-forest-labs/flux-dev" if re.fullmatch("[0-9a-f]{64}", name) else name
        if name not in _INPUTS:
            raise _refused(404, "Not found", f"The model {name} could not be found.")
        fields = body.pop("input", None)
        if body or not isinstance(fields, dict):
            raise _refused(422, "Input validation failed", "- input is required, and nothing else")
        _check(name, fields)  # pyright: ignore[reportUnknownArgumentType]  # JSON
        meet_triggers(str(fields["prompt"]), _TROUBLE)  # pyright: ignore[reportUnknownArgumentType]  # JSON
        work = self.works.begin(name, fields)  # pyright: ignore[reportUnknownArgumentType]  # JSON
        # The answer is held back for a while, and may come before the end all the same.
        if request.headers.get("prefer", "").startswith("wait"):
            work.polls -= 1
        told = self._told(request, work)
        return Answer(201, told.pieces, told.media_type)

    def _told(self, request: Incoming, work: Work) -> Answer:
        where = f"{self.elsewhere or request.origin}/v1/predictions/{work.id}"
        urls = {
            "get": where,
            "cancel": f"{where}/cancel",
            "web": f"https://replicate.com/p/{work.id}",
        }
        told: dict[str, Any] = {"id": work.id, "urls": urls, "output": None, "error": None}
        if work.cancelled:
            return answer(told | {"status": "canceled"})
        if not work.ended:
            return answer(told | {"status": "starting" if work.polls > 1 else "processing"})
        if work.asks_for("#aborted"):
            return answer(told | {"status": "aborted"})
        if work.asks_for("#fails"):
            return answer(told | {"status": "failed", "error": "CUDA out of memory"})
        if work.asks_for("#refused"):
            words = "The input or output was flagged as sensitive. Please try again. (E005)"
            return answer(told | {"status": "failed", "error": words})
        return answer(told | {"status": "succeeded", "output": _output(request, work)})

    def _deliver(self, request: Incoming) -> Answer:
        if "authorization" in request.headers:
            self.leaks.append(request.path)
        size, _, format = request.path.removeprefix("/files/").partition(".")
        format = {"jpg": "jpeg"}.get(format, format)
        width, height = map(int, size.split("x"))
        return Answer(200, (picture(width, height, format),), f"image/{format}")


def _output(request: Incoming, work: Work) -> object:
    """Answer with one address, or with a list where the model makes one."""
    name = work.model.partition("/")[2]
    format = work.fields.get("output_format", _DEFAULT_FORMATS.get(name, "webp"))
    width, height = _edges(work.model, work.fields)
    count = work.fields.get("num_outputs", 1)
    # Unsafe pictures are left out, and the job succeeds.
    count = 0 if work.asks_for("#none") else count - 1 if work.asks_for("#fewer") else count
    urls = [f"{request.origin}/files/{width}x{height}.{format}"] * count
    return urls if name in _LISTS else urls[0]


def _edges(model: str, fields: Any) -> tuple[int, int]:
    ratio = fields.get("aspect_ratio")
    if ratio == "custom":
        return fields["width"], fields["height"]
    given = next((fields[name] for name in _PICTURES if name in fields), None)
    if ratio is None and given is not None:
        return _measure("image", given[0] if isinstance(given, list) else given)  # pyright: ignore[reportUnknownArgumentType]  # JSON
    if model.startswith("google/"):
        return _GOOGLE[ratio or "1:1"]
    across, down = map(int, (ratio or "1:1").split(":"))
    width = (2**20 * across / down) ** 0.5
    return round(width / 16) * 16, round(width * down / across / 16) * 16


def _check(name: str, fields: dict[str, Any]) -> None:
    """Hold an input against the model's schema."""
    if not fields.get("prompt"):
        raise _invalid("prompt", "prompt is required")
    for field, value in fields.items():
        if field not in _INPUTS[name].split():
            raise _invalid(field, "Additional property is not allowed")
        if field in _PICTURES:
            for url in value if field.endswith(("s", "_input")) else [value]:
                _measure(field, url)
    if name == "black-forest-labs/flux-fill-pro" and "image" not in fields:
        raise _invalid("image", "image is required")
    if not 1 <= fields.get("num_outputs", 1) <= 4:
        raise _invalid("num_outputs", "Must be less than or equal to 4")
    if fields.get("output_format", "webp") not in {"webp", "jpg", "png"}:
        raise _invalid("output_format", 'must be one of "webp", "jpg", "png"')
    if fields.get("aspect_ratio") == "custom":
        edges = fields.get("width"), fields.get("height")
        if not all(isinstance(e, int) and 256 <= e <= 2048 and e % 16 == 0 for e in edges):
            raise _invalid("width", "Must be 256 to 2048, a multiple of 16")
    if not 1 <= fields.get("safety_tolerance", 2) <= 5:
        raise _invalid("safety_tolerance", "Must be less than or equal to 5")


def _measure(field: str, url: str) -> tuple[int, int]:
    head, _, text = url.partition(",")
    try:
        info = inspect(base64.b64decode(text, validate=True))
    except (ValueError, InvalidImage):
        raise _invalid(field, "Does not match format 'uri'") from None
    if head != f"data:{info.media_type};base64" or len(url) > 256 * 1024:
        raise _invalid(field, "Does not match format 'uri'")
    return info.width, info.height


def _refused(status: int, title: str, detail: str) -> Refused:
    return Refused(answer({"title": title, "detail": detail, "status": status}, status))


def _invalid(field: str, why: str) -> Refused:
    return _refused(422, "Input validation failed", f"- input.{field}: {why}\n")
