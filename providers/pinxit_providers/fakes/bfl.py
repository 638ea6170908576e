"""Black Forest Labs' API as strict as its documents, as an ASGI application for tests."""

from __future__ import annotations

import base64
from typing import Any

from pinxit import InvalidImage
from pinxit.headers import inspect

from .asgi import Answer, Incoming, Receive, Refused, Scope, Send, answer, picture, serve
from .work import Work, Works, meet_triggers

__all__ = ["FakeBFL"]

_COMMON = {"prompt", "seed", "output_format", "safety_tolerance", "webhook_url", "webhook_secret"}
_KONTEXT = {"aspect_ratio", "prompt_upsampling", "input_image"}
_STEPS = {"steps", "guidance", "prompt_upsampling"}
_EDGES = {"width", "height"}


def _references(count: int) -> set[str]:
    return {"input_image", *(f"input_image_{place}" for place in range(2, count + 1))}


_FIELDS: dict[str, set[str]] = {
    "flux-3-image": {"aspect_ratio", "resolution", "grounding", "bounding_boxes"} | _references(10),
    "flux-2-max": _EDGES | _references(8),
    "flux-2-pro": _EDGES | _references(8),
    "flux-2-pro-preview": _EDGES | _references(8),
    "flux-2-flex": _EDGES | _STEPS | _references(8),
    "flux-2-klein-9b": _EDGES | _references(4),
    "flux-2-klein-9b-preview": _EDGES | _references(4),
    "flux-2-klein-4b": _EDGES | _references(4),
    "flux-kontext-pro": _KONTEXT,
    "flux-kontext-max": _KONTEXT,
    "flux-pro-1.1": _EDGES | {"image_prompt", "prompt_upsampling"},
    "flux-pro-1.1-ultra": {"aspect_ratio", "raw", "image_prompt", "image_prompt_strength"},
    "flux-dev": _EDGES | _STEPS | {"image_prompt"},
    "flux-pro-1.0-fill": _STEPS | {"image", "mask"},
}
_TOLERANCE = {"flux-3": 4, "flux-2": 5}
_CREDITS = {"flux-2-pro": 3.0, "flux-kontext-pro": 4.0, "flux-pro-1.1": 4.0, "flux-dev": 2.5}
_CLASSES = {"768sq": 0.6, "1k": 1.0, "1.5k": 2.25, "2k": 4.0, "4k": 16.0}
_TROUBLE = {
    402: {"error": "Insufficient credits", "message": "Add credits to go on."},
    429: {"error": "Too many requests", "message": "24 tasks are running.", "retry_after": 2},
    503: {"error": "Overloaded", "message": "Try again later."},
}


class FakeBFL:
    """Answers, and refuses, as Black Forest Labs does.

    Some words in a prompt ask for trouble: ``#refused-input``, ``#refused-output``, ``#fails``,
    ``#vanishes``, ``#rate-limited``, ``#out-of-credit``, ``#overloaded``.

    Args:
        key: The only key that it accepts.
        polls: Polls that a job takes.
        region: Where it says that its jobs are polled; by default on the host that was asked.

    Attributes:
        works: Its jobs.
        leaks: Addresses that were sent a key and should not have been.
    """

    def __init__(
        self, *, key: str = "bfl-key-of-nobody", polls: int = 2, region: str | None = None
    ) -> None:
        self.key = key
        self.works = Works(polls)
        self.region = region
        self.leaks: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        if request.path.startswith("/delivery/"):
            return self._deliver(request)
        if not request.has("x-key", self.key):
            raise _refusal(401, "Not authenticated")
        if request.path == "/v1/get_result" and request.method == "GET":
            return self._poll(request)
        model = request.path.removeprefix("/v1/")
        if model not in _FIELDS or request.method != "POST":
            raise _refusal(404, "Not Found")
        return self._accept(model, request)

    def _accept(self, model: str, request: Incoming) -> Answer:
        try:
            fields = request.json()
        except ValueError as error:
            raise _invalid("body", str(error)) from None
        _check(model, fields)
        meet_triggers(str(fields.get("prompt", "")), _TROUBLE)
        work = self.works.begin(model, fields)
        # Then there is no address to poll at, as in the real answer.
        if "webhook_url" in fields:
            return answer({"id": work.id, "status": "Pending", "webhook_url": "set"})
        where = f"{self.region or request.origin}/v1/get_result?id={work.id}"
        return answer({"id": work.id, "polling_url": where, "cost": _CREDITS.get(model)})

    def _poll(self, request: Incoming) -> Answer:
        work = self.works.look(request.query.get("id", ""))
        told: dict[str, Any] = {"id": request.query.get("id", ""), "result": None, "progress": None}
        if work is None or work.asks_for("#vanishes"):
            return answer(told | {"status": "Task not found"})
        if not work.ended:
            return answer(told | {"status": "Pending", "progress": 0.5})
        # Both refusals are states of their own: who knows Ready and Error alone polls on until time
        # is up.
        if work.asks_for("#refused-input"):
            return answer(told | {"status": "Request Moderated", "cost": 0})
        if work.asks_for("#refused-output"):
            details = {"Moderation Reasons": ["Derivative Works Filter"]}
            return answer(told | {"status": "Content Moderated", "details": details})
        if work.asks_for("#fails"):
            return answer(told | {"status": "Error"})
        sample = f"{request.origin}/delivery/{work.id}.{work.fields['output_format']}"
        result = {"sample": sample, "prompt": "...", "seed": work.fields.get("seed", 42)}
        cost = _CREDITS.get(work.model)
        return answer(told | {"status": "Ready", "progress": 1.0, "result": result, "cost": cost})

    def _deliver(self, request: Incoming) -> Answer:
        # Pictures lie at a store that is not the vendor's: the key has no business there.
        if "x-key" in request.headers:
            self.leaks.append(request.path)
        name, _, format = request.path.removeprefix("/delivery/").partition(".")
        work = self.works.find(name)
        if work is None:
            raise _refusal(404, "Not Found")
        width, height = _edges(work)
        return Answer(200, (picture(width, height, format),), f"image/{format}")


def _edges(work: Work) -> tuple[int, int]:
    """Say how large a picture is."""
    fields = work.fields
    if "image" in fields:
        info = inspect(base64.b64decode(fields["image"]))
        return info.width, info.height
    if "aspect_ratio" in fields or "ultra" in work.model:
        ratio = fields.get("aspect_ratio", "16:9").replace("auto", "1:1")
        across, down = map(int, ratio.split(":"))
        area = (4.0 if "ultra" in work.model else _CLASSES[fields.get("resolution", "1k")]) * 2**20
        width = (area * across / down) ** 0.5
        return round(width / 16) * 16, round(width * down / across / 16) * 16
    # These make a landscape where nothing is said.
    standard = 768 if work.model in {"flux-pro-1.1", "flux-dev"} else 1024
    return fields.get("width", 1024), fields.get("height", standard)


def _check(model: str, fields: dict[str, Any]) -> None:
    """Hold an order against the rules of its model."""
    for name in fields:
        if name not in _COMMON | _FIELDS[model]:
            raise _invalid(name, "Extra inputs are not permitted")
    if not fields.get("prompt") and not {"image_prompt", "image"} & fields.keys():
        raise _invalid("prompt", "Field required")
    if model == "flux-pro-1.0-fill" and "image" not in fields:
        raise _invalid("image", "Field required")
    if fields.setdefault("output_format", "jpeg") not in {"jpeg", "png", "webp"}:
        raise _invalid("output_format", "Input should be 'jpeg', 'png' or 'webp'")
    seed = fields.get("seed", 0)
    # FLUX.3 picks a seed of its own: whoever sends one promises what it does not keep.
    if type(seed) is not int or (seed and model == "flux-3-image"):
        raise _invalid("seed", "Input should be a valid integer")
    most = _TOLERANCE.get(model[:6], 6)
    if not 0 <= fields.get("safety_tolerance", 2) <= most:
        raise _invalid("safety_tolerance", f"Input should be less than or equal to {most}")
    _check_size(model, fields)
    _check_pictures(fields)


def _check_size(model: str, fields: dict[str, Any]) -> None:
    edges = [fields[name] for name in ("width", "height") if name in fields]
    old = not model.startswith("flux-2")
    least, most, step = (256, 1440, 32) if old else (64, 65_536, 16)
    for edge in edges:
        if type(edge) is not int or not least <= edge <= most or edge % step:
            raise _invalid("width", f"Input should be {least} to {most}, a multiple of {step}")
    if len(edges) == 2 and edges[0] * edges[1] > 4 * 2**20:
        raise _invalid("width", "more than 4 megapixels")
    if fields.get("aspect_ratio", "auto") != "auto" or model != "flux-3-image":
        across, _, down = str(fields.get("aspect_ratio", "1:1")).partition(":")
        if not (across.isdecimal() and down.isdecimal() and int(across) / int(down) >= 9 / 21):
            raise _invalid("aspect_ratio", "not between 9:21 and 21:9")
    if fields.get("resolution", "1k") not in _CLASSES:
        raise _invalid("resolution", f"Input should be one of {', '.join(_CLASSES)}")


def _check_pictures(fields: dict[str, Any]) -> None:
    sizes: list[tuple[int, int]] = []
    for name, value in fields.items():
        if name.startswith("input_image") or name in {"image", "mask", "image_prompt"}:
            try:
                info = inspect(base64.b64decode(value, validate=True))
            except (ValueError, TypeError, InvalidImage):
                raise _invalid(name, "not base64 of a picture") from None
            sizes.append((info.width, info.height))
    if "mask" in fields and len(set(sizes)) > 1:
        raise _invalid("mask", "the mask must have the size of the image")


def _refusal(status: int, detail: str) -> Refused:
    return Refused(answer({"detail": detail}, status))


def _invalid(field: str, message: str) -> Refused:
    detail = [{"loc": ["body", field], "msg": message, "type": "value_error"}]
    return Refused(answer({"detail": detail}, 422))
