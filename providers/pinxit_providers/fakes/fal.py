"""fal's queue as strict as its documents, as an ASGI application for tests."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from pinxit import InvalidImage
from pinxit.headers import inspect

from .asgi import Answer, Incoming, Receive, Refused, Scope, Send, answer, picture, serve
from .work import Work, Works, meet_triggers

__all__ = ["FakeFal"]


class _Endpoint(NamedTuple):
    """What one endpoint takes: `size` is that of a picture without a word about it, or how it is said."""

    takes: str
    size: str = "1024x768"
    format: str = "jpeg"
    needs: str = "prompt"
    formats: str = "jpeg png"


_USUAL = "num_images seed output_format enable_safety_checker sync_mode"
_FLUX = f"{_USUAL} image_size acceleration guidance_scale num_inference_steps"
_PRO = "num_images seed output_format enhance_prompt safety_tolerance sync_mode"
_FLUX_2 = "seed output_format enable_safety_checker safety_tolerance sync_mode image_size"
_NANO = "num_images seed output_format safety_tolerance sync_mode limit_generations aspect_ratio"
_GPT = "num_images output_format quality background sync_mode image_size"
_DREAM = "num_images max_images seed enable_safety_checker sync_mode image_size"
_IDEOGRAM = (
    "num_images seed negative_prompt rendering_speed style expand_prompt sync_mode image_size"
)
_SDXL = f"{_FLUX} format negative_prompt".replace("output_format ", "")
_ENDPOINTS = {
    "fal-ai/flux/schnell": _Endpoint(_FLUX),
    "fal-ai/flux/dev": _Endpoint(_FLUX),
    "fal-ai/flux/dev/image-to-image": _Endpoint(
        f"{_FLUX} image_url strength".replace("image_size ", ""), "input", needs="prompt image_url"
    ),
    "fal-ai/flux-pro/kontext": _Endpoint(
        f"{_PRO} aspect_ratio guidance_scale image_url", "input", needs="prompt image_url"
    ),
    "fal-ai/flux-pro/kontext/text-to-image": _Endpoint(
        f"{_PRO} aspect_ratio guidance_scale", "1024x1024"
    ),
    "fal-ai/flux-pro/kontext/multi": _Endpoint(
        f"{_PRO} aspect_ratio guidance_scale image_urls", "input", needs="prompt image_urls"
    ),
    "fal-ai/flux-pro/v1/fill": _Endpoint(
        f"{_PRO} image_url mask_url", "input", needs="prompt image_url mask_url"
    ),
    "fal-ai/flux-2-pro": _Endpoint(_FLUX_2),
    "fal-ai/flux-2-pro/edit": _Endpoint(
        f"{_FLUX_2} image_urls", "input", needs="prompt image_urls"
    ),
    "fal-ai/nano-banana-2": _Endpoint(
        f"{_NANO} resolution enable_web_search thinking_level", "1024x1024", "png",
        formats="jpeg png webp",
    ),
    "fal-ai/nano-banana-2/edit": _Endpoint(
        f"{_NANO} resolution enable_web_search thinking_level image_urls", "input", "png",
        "prompt image_urls", "jpeg png webp",
    ),
    "fal-ai/gpt-image-1.5": _Endpoint(_GPT, "1024x1024", "png", formats="jpeg png webp"),
    "fal-ai/gpt-image-1.5/edit": _Endpoint(
        f"{_GPT} image_urls mask_image_url input_fidelity", "input", "png",
        "prompt image_urls", "jpeg png webp",
    ),
    "fal-ai/bytedance/seedream/v4/text-to-image": _Endpoint(_DREAM, "2048x2048"),
    "fal-ai/bytedance/seedream/v4/edit": _Endpoint(
        f"{_DREAM} image_urls", "input", needs="prompt image_urls"
    ),
    "fal-ai/ideogram/v3": _Endpoint(_IDEOGRAM, "1024x1024", "png"),
    "fal-ai/ideogram/v3/remix": _Endpoint(
        f"{_IDEOGRAM} image_url strength", "1024x1024", "png", "prompt image_url"
    ),
    "fal-ai/qwen-image": _Endpoint(f"{_FLUX} negative_prompt loras", format="png"),
    "fal-ai/qwen-image-edit": _Endpoint(
        f"{_FLUX} negative_prompt image_url", "input", "png", "prompt image_url"
    ),
    "fal-ai/qwen-image-edit/inpaint": _Endpoint(
        f"{_FLUX} negative_prompt image_url mask_url strength", "input", "png",
        "prompt image_url mask_url",
    ),
    "fal-ai/fast-sdxl": _Endpoint(_SDXL, "1024x1024"),
    "fal-ai/fast-sdxl/inpainting": _Endpoint(
        f"{_SDXL} image_url mask_url strength", "1024x1024", needs="prompt image_url mask_url"
    ),
}  # fmt: skip
_GOOGLE = {
    "1:1": (1024, 1024), "2:3": (848, 1264), "3:2": (1264, 848), "3:4": (896, 1200), "4:3": (1200, 896),
    "4:5": (928, 1152), "5:4": (1152, 928), "9:16": (768, 1376), "16:9": (1376, 768), "21:9": (1584, 672),
    "1:4": (512, 2048), "4:1": (2048, 512), "1:8": (384, 3072), "8:1": (3072, 384),
}  # fmt: skip
_RESOLUTIONS = {"1K": 1, "2K": 2, "4K": 4}
_TROUBLE = {
    402: {"detail": "No credit."},
    429: {"detail": "Too many requests in the queue."},
    503: {"detail": "Unavailable."},
}


class FakeFal:
    """Answers, and refuses, as fal does.

    Some words in a prompt ask for trouble: ``#refused`` for a result that is a 422, ``#black`` for a flagged
    picture, ``#fails`` for a broken runner, ``#downstream``, ``#rate-limited``, ``#overloaded``.

    Args:
        key: The only key that it accepts.
        polls: Polls that a job takes.
        elsewhere: Where it says that its jobs are; by default on the host that was asked.

    Attributes:
        works: Its jobs.
        leaks: Addresses of pictures that were asked for with a key.
    """

    def __init__(
        self, *, key: str = "fal-id:fal-secret", polls: int = 2, elsewhere: str | None = None
    ) -> None:
        self.key = key
        self.works = Works(polls)
        self.elsewhere = elsewhere
        self.leaks: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        parts = request.path.strip("/").split("/")
        if parts[0] == "files":
            return self._deliver(request, parts[1])
        if not request.has("authorization", f"Key {self.key}"):
            raise _refused(401, "Invalid authentication: use 'Key <key>'")
        if len(parts) >= 4 and parts[2] == "requests":
            return self._of_job(request, parts[3], "/".join(parts[4:]))
        if "/".join(parts) not in _ENDPOINTS or request.method != "POST":
            raise _refused(404, f"Application '{'/'.join(parts)}' not found")
        return self._accept(request, "/".join(parts))

    def _accept(self, request: Incoming, name: str) -> Answer:
        try:
            fields = request.json()
        except ValueError as error:
            raise _refused(422, str(error)) from None
        meet_triggers(str(fields.get("prompt", "")), _TROUBLE)
        work = self.works.begin(name, fields)
        # Jobs lie under the application, whichever of its endpoints was called.
        owner, alias, *_ = name.split("/")
        where = f"{self.elsewhere or request.origin}/{owner}/{alias}/requests/{work.id}"
        told = {"request_id": work.id, "response_url": where, "status_url": f"{where}/status"}
        return answer(
            told | {"cancel_url": f"{where}/cancel", "status": "IN_QUEUE", "queue_position": 0}
        )

    def _of_job(self, request: Incoming, id: str, what: str) -> Answer:
        work = self.works.find(id)
        if work is None:
            raise _refused(404, "Request not found")
        if (what, request.method) == ("cancel", "PUT"):
            if work.ended:
                return answer({"status": "ALREADY_COMPLETED"}, 400)
            work.cancelled = True
            return answer({"status": "CANCELLATION_REQUESTED"}, 202)
        if (what, request.method) == ("status", "GET"):
            return self._status(work)
        if (what, request.method) == ("", "GET"):
            return _result(request, work)
        raise _refused(405, "Method Not Allowed")

    def _status(self, work: Work) -> Answer:
        began = work.polls == self.works.polls
        self.works.look(work.id)
        if not work.ended:
            return answer({"status": "IN_QUEUE" if began else "IN_PROGRESS"}, 202)
        told: dict[str, Any] = {"status": "COMPLETED", "request_id": work.id}
        # Completed means ended: only the error beside it tells that the job failed.
        if work.asks_for("#fails"):
            told |= {"error": "The runner broke", "error_type": "internal_server_error"}
        return answer(told)

    def _deliver(self, request: Incoming, name: str) -> Answer:
        # Files are fetched without the key, which has no business at their host.
        if "authorization" in request.headers:
            self.leaks.append(request.path)
        size, _, format = name.partition(".")
        width, height = map(int, size.split("x"))
        return Answer(200, (picture(width, height, format),), f"image/{format}")


def _result(request: Incoming, work: Work) -> Answer:
    """Answer with what the model made; only now it looks at its input."""
    endpoint = _ENDPOINTS[work.model]
    if not work.ended:
        raise _refused(400, "Request is still in progress")
    if work.asks_for("#fails"):
        return answer(
            {"detail": "Internal Server Error"}, 500, x_fal_error_type="internal_server_error"
        )
    fields = dict(work.fields)
    _check(endpoint, fields)
    if work.asks_for("#refused"):
        raise _invalid("prompt", "The content was flagged.", "content_policy_violation")
    if work.asks_for("#downstream"):
        raise _invalid("prompt", "The vendor broke.", "downstream_service_error")
    width, height = _edges(endpoint, fields)
    format = fields.get("output_format", fields.get("format", endpoint.format))
    url = f"{request.origin}/files/{width}x{height}.{format}"
    image = {"url": url, "content_type": f"image/{format}", "width": width, "height": height}
    count = fields.get("num_images", 1)
    # The safety checker blackens a picture and flags it, under a status of success.
    black = [work.asks_for("#black")] * count
    return answer(
        {"images": [image] * count, "seed": fields.get("seed", 42), "has_nsfw_concepts": black}
    )


def _check(endpoint: _Endpoint, fields: dict[str, Any]) -> None:
    for name in endpoint.needs.split():
        if not fields.get(name):
            raise _invalid(name, "Field required", "missing")
    for name in fields:
        if name not in {"prompt", *endpoint.takes.split()}:
            raise _invalid(name, "Extra inputs are not permitted", "extra_forbidden")
    format = fields.get("output_format", fields.get("format", endpoint.format))
    if format not in endpoint.formats.split():
        raise _invalid("output_format", "Input should be 'jpeg' or 'png'", "literal_error")
    if not 1 <= fields.get("num_images", 1) <= 4:
        raise _invalid("num_images", "Input should be 1 to 4", "less_than_equal")
    if fields.get("rendering_speed", "TURBO") not in {"TURBO", "BALANCED", "QUALITY"}:
        raise _invalid("rendering_speed", "Input should be TURBO, BALANCED or QUALITY", "enum")
    if fields.get("resolution", "1K") not in _RESOLUTIONS:
        raise _invalid("resolution", "Input should be 1K, 2K or 4K", "literal_error")
    if "safety_tolerance" in fields and fields["safety_tolerance"] not in list("123456"):
        raise _invalid("safety_tolerance", "Input should be '1' to '6'", "literal_error")
    for name in ("image_url", "mask_url", "mask_image_url", "image_urls"):
        value = fields.get(name)
        for url in value if isinstance(value, list) else [value] if value else []:  # pyright: ignore[reportUnknownVariableType]  # JSON
            _picture(name, str(url))  # pyright: ignore[reportUnknownArgumentType]  # JSON
        if value and isinstance(value, list) != name.endswith("s"):
            raise _invalid(name, "Input should be a valid string", "string_type")


def _picture(name: str, url: str) -> tuple[int, int]:
    head, _, text = url.partition(",")
    try:
        info = inspect(base64.b64decode(text, validate=True))
    except (ValueError, InvalidImage):
        raise _invalid(name, "Failed to load the image", "image_load_error") from None
    if head != f"data:{info.media_type};base64":
        raise _invalid(name, "Unsupported data format", "image_load_error")
    return info.width, info.height


def _edges(endpoint: _Endpoint, fields: dict[str, Any]) -> tuple[int, int]:
    size, ratio = fields.get("image_size"), fields.get("aspect_ratio")
    if isinstance(size, dict):
        return size["width"], size["height"]  # pyright: ignore[reportUnknownVariableType]  # JSON
    if size is not None:
        if size not in {"1024x1024", "1536x1024", "1024x1536"}:
            raise _invalid("image_size", "no such size", "literal_error")
        return tuple(map(int, size.split("x")))  # type: ignore[return-value]  # two of them
    if ratio is not None and "resolution" in endpoint.takes:
        width, height = _GOOGLE[ratio]
        factor = _RESOLUTIONS[fields.get("resolution", "1K")]
        return width * factor, height * factor
    if ratio is not None:
        across, down = map(int, ratio.split(":"))
        width = (2**20 * across / down) ** 0.5
        return round(width / 16) * 16, round(width * down / across / 16) * 16
    if endpoint.size == "input":
        given = fields.get("image_url") or fields["image_urls"][0]
        return _picture("image_url", given)
    width, height = map(int, endpoint.size.split("x"))
    return width, height


def _refused(status: int, detail: str) -> Refused:
    return Refused(answer({"detail": detail}, status))


def _invalid(field: str, message: str, type: str) -> Refused:
    told: dict[str, object] = {"loc": ["body", field], "msg": message, "type": type, "ctx": {}}
    return Refused(answer({"detail": [told | {"input": None}]}, 422))
