"""``generateContent`` of the Gemini API and of Vertex AI, as strict as its documents.

Written from google-genai 3.4.0 and the image generation pages of ai.google.dev, a second time.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from pinxit import InvalidImage
from pinxit.headers import ImageInfo, inspect

from .asgi import Answer, Incoming, Receive, Refused, Scope, Send, answer, picture_base64, serve

__all__ = ["FakeGoogle"]

_GEMINI = re.compile(r"/v1beta/models/([^/:]+):generateContent")
_VERTEX = re.compile(
    r"/v1/projects/([^/]+)/locations/([^/]+)/publishers/google/models/([^/:]+):generateContent"
)
_PIXELS = {
    "1:1": (1024, 1024), "2:3": (848, 1264), "3:2": (1264, 848), "3:4": (896, 1200), "4:3": (1200, 896),
    "4:5": (928, 1152), "5:4": (1152, 928), "9:16": (768, 1376), "16:9": (1376, 768), "21:9": (1584, 672),
    "1:4": (512, 2048), "4:1": (2048, 512), "1:8": (384, 3072), "8:1": (3072, 384),
}  # fmt: skip
_OLD_PIXELS = {
    "1:1": (1024, 1024), "2:3": (832, 1248), "3:2": (1248, 832), "3:4": (864, 1184), "4:3": (1184, 864),
    "4:5": (896, 1152), "5:4": (1152, 896), "9:16": (768, 1344), "16:9": (1344, 768), "21:9": (1536, 672),
}  # fmt: skip
_TEN = tuple(_OLD_PIXELS)


class _Rules(NamedTuple):
    ratios: tuple[str, ...] = tuple(_PIXELS)
    sizes: tuple[str, ...] = ("1K", "2K", "4K")
    images: int = 14
    tokens: int = 1120
    thinks: bool = False


_MODELS = {
    "gemini-nano-banana-2.1": _Rules(thinks=True),
    "gemini-3.1-flash-image": _Rules(sizes=("512", "1K", "2K", "4K")),
    "gemini-3.1-flash-lite-image": _Rules(_TEN, ("1K",)),
    "gemini-3-pro-image": _Rules(_TEN),
    "gemini-2.5-flash-image": _Rules(_TEN, (), 3, 1290),
    "gemini-4-image": _Rules(),
}
"""The last one is newer than anything that was described."""

_CONFIG = {"responseModalities", "imageConfig", "seed", "thinkingConfig"}
_BODY = {"contents", "generationConfig", "safetySettings", "tools", "systemInstruction"}
_FORMATS = {"image/png", "image/jpeg", "image/webp"}

_TRIGGERS: Mapping[str, Answer] = {
    "#rate-limited": answer(
        {"error": {
            "code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure"},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"},
            ],
        }},
        429,
    ),
    "#overloaded": answer(
        {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}, 503
    ),
    # From here on everything has the status of a success, as refusals have.
    "#refused": answer(
        {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}}
    ),
    "#withheld": answer(
        {"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": "Unable to show it."}]}
    ),
    "#declines": answer(
        {"candidates": [
            {"content": {"parts": [{"text": "I cannot draw that."}]}, "finishReason": "STOP"}
        ]}
    ),
    "#nothing": answer({"candidates": [{"finishReason": "NO_IMAGE"}]}),
}  # fmt: skip


class FakeGoogle:
    """Answers, and refuses, as both services do; for `httpx.ASGITransport` or any ASGI server.

    Some words in a prompt ask for trouble: ``#refused`` (the prompt is blocked), ``#withheld`` (the picture
    is), ``#declines`` (in words), ``#nothing``, ``#rate-limited`` and ``#overloaded``. With ``#thinks``
    a sketch comes first.

    Args:
        key: The only key of the Gemini API.
        bearer: The only access token of Vertex AI.
        project: The only project of Vertex AI.
    """

    def __init__(
        self,
        *,
        key: str = "AIza-fake-key-of-nobody",
        bearer: str = "ya29.fake-token-of-nobody",
        project: str = "atelier-1",
    ) -> None:
        self.key = key
        self.bearer = bearer
        self.project = project
        self.received: list[Incoming] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        name, vertex = self._admit(request)
        if name not in _MODELS:
            raise _refused(404, "NOT_FOUND", f"models/{name} is not found")
        rules = _MODELS[name]
        try:
            body = request.json()
        except ValueError as error:
            raise _invalid(str(error)) from None
        self.received.append(request)
        prompt, images = _contents(body, rules)
        for trigger, trouble in _TRIGGERS.items():
            if trigger in prompt:
                return trouble
        return _paint(prompt, images, _config(body, rules, vertex=vertex), rules)

    def _admit(self, request: Incoming) -> tuple[str, bool]:
        """Return the model, and whether it is asked for at Vertex AI."""
        if match := _GEMINI.fullmatch(request.path):
            if not request.has("x-goog-api-key", self.key):
                # The Gemini API's word for a wrong key is a 400; only this reason tells it from a
                # wrong request.
                reason = {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "API_KEY_INVALID",
                }
                raise _refused(400, "INVALID_ARGUMENT", "API key not valid.", reason)
            return match[1], False
        match = _VERTEX.fullmatch(request.path)
        if match is None:
            raise _refused(404, "NOT_FOUND", "Not found.")
        if not request.has("authorization", f"Bearer {self.bearer}"):
            raise _refused(401, "UNAUTHENTICATED", "Invalid authentication credentials.")
        if match[1] != self.project:
            raise _refused(403, "PERMISSION_DENIED", "Permission denied on resource project.")
        return match[3], True


def _refused(code: int, status: str, message: str, *details: Mapping[str, Any]) -> Refused:
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return Refused(answer({"error": error}, code))


def _invalid(message: str) -> Refused:
    return _refused(400, "INVALID_ARGUMENT", message)


def _known(fields: object, names: set[str], place: str) -> dict[str, Any]:
    if not isinstance(fields, dict):
        raise _invalid(f"Invalid JSON payload received. {place} is no object.")
    found = cast("dict[str, Any]", fields)
    if stray := found.keys() - names:
        raise _invalid(f'Invalid JSON payload received. Unknown name "{min(stray)}" at {place}.')
    return found


def _contents(body: Mapping[str, Any], rules: _Rules) -> tuple[str, list[ImageInfo]]:
    contents = _known(body, _BODY, "the body").get("contents")
    if not isinstance(contents, list) or len(cast("list[Any]", contents)) != 1:
        raise _invalid("contents is not specified")
    content = _known(cast("list[Any]", contents)[0], {"role", "parts"}, "contents[0]")
    if content.get("role") != "user":
        raise _invalid("Please use a valid role: user, model.")
    prompt, images = "", list[ImageInfo]()
    for part in content["parts"]:
        known = _known(part, {"text", "inlineData"}, "parts")
        prompt += known.get("text", "")
        if "inlineData" in known:
            images.append(_image(_known(known["inlineData"], {"mimeType", "data"}, "inlineData")))
    if not prompt:
        raise _invalid("a prompt is missing")
    if len(images) > rules.images:
        raise _invalid(f"at most {rules.images} images")
    return prompt, images


def _image(blob: Mapping[str, Any]) -> ImageInfo:
    try:
        info = inspect(base64.b64decode(blob["data"], validate=True))
    except (InvalidImage, KeyError, ValueError):
        raise _invalid("Provided image is not valid.") from None
    if blob.get("mimeType") != info.media_type or info.media_type not in _FORMATS:
        raise _invalid(f"Unsupported MIME type: {blob.get('mimeType')}")
    return info


def _config(body: Mapping[str, Any], rules: _Rules, *, vertex: bool) -> dict[str, Any]:
    """Return ``imageConfig``, checked."""
    config = _known(body.get("generationConfig"), _CONFIG, "generation_config")
    if config.get("responseModalities") not in (["IMAGE"], ["TEXT", "IMAGE"]):
        raise _invalid("The requested combination of response modalities is not supported.")
    seed = config.get("seed", 0)
    if not isinstance(seed, int) or not -(2**31) <= seed < 2**31:
        raise _invalid("Invalid value at 'generation_config.seed' (TYPE_INT32)")
    if "thinkingConfig" in config and not rules.thinks:
        raise _invalid("Thinking is not supported by this model.")
    names = {"aspectRatio", "imageSize"}
    if vertex:
        names |= {"personGeneration", "prominentPeople", "imageOutputOptions"}
    image = _known(config.get("imageConfig", {}), names, "image_config")
    if image.get("aspectRatio", "1:1") not in rules.ratios:
        raise _invalid(f"Aspect ratio {image['aspectRatio']} is not supported.")
    if "imageSize" in image and image["imageSize"] not in rules.sizes:
        raise _invalid(f"Image size {image['imageSize']} is not supported.")
    output = _known(
        image.get("imageOutputOptions", {}), {"mimeType", "compressionQuality"}, "image_output"
    )
    if output.get("mimeType", "image/png") not in {"image/png", "image/jpeg"}:
        raise _invalid(f"Unsupported output format: {output['mimeType']}")
    if "compressionQuality" in output and output["mimeType"] != "image/jpeg":
        raise _invalid("compressionQuality is for image/jpeg alone.")
    return image


def _paint(
    prompt: str, images: list[ImageInfo], config: Mapping[str, Any], rules: _Rules
) -> Answer:
    table = _PIXELS if rules.sizes else _OLD_PIXELS
    ratio = config.get("aspectRatio")
    # Without a ratio, an edit follows its first picture.
    if ratio is None:
        shape = images[0].width / images[0].height if images else 1.0
        ratio = min(rules.ratios, key=lambda name: abs(table[name][0] / table[name][1] - shape))
    factor = {"512": 0.5, "2K": 2, "4K": 4}.get(config.get("imageSize", "1K"), 1)
    width, height = (int(edge * factor) for edge in table[ratio])
    kind = config.get("imageOutputOptions", {}).get("mimeType", "image/png")
    format = kind.partition("/")[2]
    parts: list[dict[str, Any]] = []
    if "#thinks" in prompt:
        sketch = {"mimeType": "image/png", "data": picture_base64(64, 64, colour="#aaaaaa")}
        # A picture on its way: it is not a result, and must not be handed out as one.
        parts.append({"inlineData": sketch, "thought": True})
    parts.append({"text": "Here it is."})
    parts.append({"inlineData": {"mimeType": kind, "data": picture_base64(width, height, format)}})
    text, seen = 1 + len(prompt) // 4, 560 * len(images)
    usage = {
        "promptTokenCount": text + seen,
        "candidatesTokenCount": rules.tokens + 4,
        "thoughtsTokenCount": 100,
        "totalTokenCount": text + seen + rules.tokens + 104,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": text},
            *([{"modality": "IMAGE", "tokenCount": seen}] if images else []),
        ],
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": rules.tokens},
            {"modality": "TEXT", "tokenCount": 4},
        ],
    }
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    return answer({"candidates": [candidate], "usageMetadata": usage, "responseId": "fake"})
