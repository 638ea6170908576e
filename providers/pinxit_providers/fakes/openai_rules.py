"""What OpenAI's Images API takes, per model, and how it says no.

The rules are written down a second time here, so that a mistake in the plugin's data meets a refusal.
Sources: openai 3.54.0 (PyPI), openai/openai-openapi f85dbe2, the guide and the deprecations page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pinxit import InvalidImage
from pinxit.headers import ImageInfo, inspect

from .asgi import Upload

__all__ = ["MODELS", "RETIRED", "Received", "Refusal", "Rules", "check"]

RETIRED = frozenset({"dall-e-2", "dall-e-3", "gpt-image-1"})
"""Models that OpenAI itself no longer serves."""


class Rules(NamedTuple):
    """What one model takes."""

    sizes: frozenset[str] | None = None
    """``None`` for any size within the rules of GPT Image 2 and newer."""
    qualities: tuple[str, ...] = ("auto", "low", "medium", "high")
    operations: frozenset[str] = frozenset({"generate", "edit"})
    max_prompt: int = 32_000
    max_n: int = 10
    legacy: bool = False
    """Whether it speaks DALL·E's dialect."""
    fidelities: tuple[str, ...] = ()
    markup: bool = False
    complexity: bool = False
    tokens: Mapping[str, Mapping[str, int]] = {}
    """Output tokens per size and quality."""


_FIXED = frozenset({"1024x1024", "1536x1024", "1024x1536", "auto"})
_TOKENS_1 = {
    "1024x1024": {"low": 272, "medium": 1056, "high": 4160},
    "1024x1536": {"low": 408, "medium": 1584, "high": 6240},
    "1536x1024": {"low": 400, "medium": 1568, "high": 6208},
}
_TOKENS_2 = {
    "1024x1024": {"low": 196, "medium": 1756, "high": 7024},
    "1024x1536": {"low": 158, "medium": 1372, "high": 5488},
}
_TOKENS_2_5 = {
    "1024x1024": {"low": 196, "medium": 439, "high": 1756, "xhigh": 3122, "max": 7024},
    "1024x1536": {"low": 158, "medium": 343, "high": 1372, "xhigh": 2459, "max": 5488},
}

_DALL_E_2 = Rules(
    frozenset({"256x256", "512x512", "1024x1024"}),
    ("standard",),
    frozenset({"generate", "edit", "variation"}),
    1000,
    legacy=True,
)
_DALL_E_3 = Rules(
    frozenset({"1024x1024", "1792x1024", "1024x1792"}),
    ("standard", "hd"),
    frozenset({"generate"}),
    4000,
    1,
    legacy=True,
)
_GPT_1 = Rules(_FIXED, fidelities=("low", "high"), tokens=_TOKENS_1)
_GPT_2 = Rules(tokens=_TOKENS_2)
_GPT_2_5 = Rules(
    qualities=("auto", "low", "medium", "high", "xhigh", "max"), markup=True, tokens=_TOKENS_2_5
)
_GPT_2_6 = _GPT_2_5._replace(complexity=True)

MODELS: Mapping[str, Rules] = {
    "dall-e-2": _DALL_E_2,
    "dall-e-3": _DALL_E_3,
    "gpt-image-1": _GPT_1,
    "gpt-image-1-mini": _GPT_1._replace(fidelities=("low",)),
    "gpt-image-1.5": _GPT_1,
    "gpt-image-1.5-2025-12-16": _GPT_1,
    "chatgpt-image-latest": _GPT_1,
    "gpt-image-2": _GPT_2,
    "gpt-image-2-2026-04-21": _GPT_2,
    "gpt-image-2.5-sunburst": _GPT_2_5,
    "gpt-image-2.5-sunburst-2026-09-08": _GPT_2_5,
    "gpt-image-2.5-flare": _GPT_2_5,
    "gpt-image-2.5-flare-2026-09-08": _GPT_2_5,
    "gpt-image-2.6-sunburst": _GPT_2_6,
    "gpt-image-2.6-flare": _GPT_2_6,
}


@dataclass(eq=False)
class Refusal(Exception):
    """An answer that is no success; queue one in `FakeOpenAI.refusals` to have it given.

    Attributes:
        status: The HTTP status.
        code: OpenAI's code, or ``None``.
        message: OpenAI's words.
        param: The field at fault.
        type: OpenAI's class of errors.
        headers: Further headers, such as ``retry-after``.
        details: Further fields of the error object.
    """

    status: int
    code: str | None
    message: str = "refused"
    param: str | None = None
    type: str = "invalid_request_error"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def body(self) -> dict[str, Any]:
        """The error object as JSON data."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": {**error, **self.details}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived; numbers and booleans of a form are read as such."""

    method: str
    path: str
    operation: str
    headers: Mapping[str, str]
    body: bytes
    fields: dict[str, Any]
    files: tuple[Upload, ...] = ()


def check(request: Received, retired: Collection[str]) -> Rules:
    """Return the rules of the model that is asked for.

    Raises:
        Refusal: The request breaks them.
    """
    model = request.fields.get("model")
    if not isinstance(model, str):
        raise Refusal(400, "invalid_value", "model is missing", "model")
    if model not in MODELS or model in retired:
        raise Refusal(404, "model_not_found", f"The model '{model}' does not exist.", "model")
    rules = MODELS[model]
    if request.operation not in rules.operations:
        raise _invalid("model", model)
    known = _known(rules, request.operation)
    for name, value in request.fields.items():
        if name == "input_fidelity" and request.operation == "edit" and not rules.fidelities:
            raise Refusal(400, "invalid_input_fidelity_model", "not with this model", name)
        if name not in known:
            raise Refusal(400, "unknown_parameter", f"Unknown parameter: '{name}'.", name)
        if not _is_valid(name, value, rules):
            raise _invalid(name, value)
    _check_prompt(request, rules)
    _check_combinations(request.fields)
    _check_files(request, rules)
    return rules


def _invalid(name: str, value: object) -> Refusal:
    return Refusal(400, "invalid_value", f"Invalid value for '{name}': {value!r:.80}.", name)


def _known(rules: Rules, operation: str) -> set[str]:
    known = {"model", "n", "size", "user"}
    if operation != "variation":
        known |= {"prompt", "quality"}
    if rules.legacy:
        known.add("response_format")
        return known | {"style"} if "hd" in rules.qualities else known
    known |= {"background", "output_format", "output_compression", "stream", "partial_images"}
    known.add("safety_identifier")
    # The multipart schema of edits has no moderation.
    known.add("moderation" if operation == "generate" else "input_fidelity")
    return known | {"complexity"} if rules.complexity else known


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "response_format": ("url", "b64_json"),
    "style": ("vivid", "natural"),
    "background": ("auto", "opaque", "transparent"),
    "output_format": ("png", "jpeg", "webp"),
    "moderation": ("auto", "low"),
    "complexity": ("low", "medium", "high"),
}
_MOST = {"output_compression": 100, "partial_images": 3}


def _is_valid(name: str, value: object, rules: Rules) -> bool:
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name == "stream":
        return isinstance(value, bool)
    if name in {"n", *_MOST}:
        least, most = (1, rules.max_n) if name == "n" else (0, _MOST[name])
        return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    if not isinstance(value, str):
        return False
    judges: Mapping[str, Callable[[], bool]] = {
        "quality": lambda: value in rules.qualities,
        "size": lambda: _is_size(value, rules),
        "input_fidelity": lambda: value in rules.fidelities,
    }
    return name not in judges or judges[name]()


def _is_size(size: str, rules: Rules) -> bool:
    if rules.sizes is not None:
        return size in rules.sizes
    if size in _FIXED:
        return True
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", size)
    if match is None:
        return False
    width, height = int(match[1]), int(match[2])
    return (
        width % 16 == height % 16 == 0
        and max(width, height) <= 3840
        and max(width, height) <= 3 * min(width, height)
        and 655_360 <= width * height <= 8_294_400
    )


def _check_prompt(request: Received, rules: Rules) -> None:
    prompt = request.fields.get("prompt")
    if request.operation == "variation":
        return
    if not isinstance(prompt, str) or not prompt:
        raise Refusal(400, "invalid_value", "prompt is missing", "prompt")
    if len(prompt) > rules.max_prompt:
        raise Refusal(400, "invalid_value", "The prompt is too long.", "prompt")


def _check_combinations(fields: Mapping[str, Any]) -> None:
    format = fields.get("output_format", "png")
    if fields.get("background") == "transparent" and format == "jpeg":
        raise _invalid("background", "transparent")
    if "output_compression" in fields and format == "png":
        raise _invalid("output_compression", fields["output_compression"])


def _check_files(request: Received, rules: Rules) -> None:
    if request.operation == "generate":
        return
    named: dict[str, list[Upload]] = {}
    for upload in request.files:
        named.setdefault(upload.field.removesuffix("[]"), []).append(upload)
        if upload.field == "image[]" and rules.legacy:
            raise Refusal(400, "unknown_parameter", "Unknown parameter: 'image[]'.", "image[]")
    allowed = {"image", "mask", "markup"} if rules.markup else {"image", "mask"}
    if stray := named.keys() - (allowed if request.operation == "edit" else {"image"}):
        raise Refusal(400, "unknown_parameter", f"Unknown parameter: '{min(stray)}'.", min(stray))
    images = named.get("image", [])
    if not 1 <= len(images) <= (1 if rules.legacy else 16):
        raise _invalid("image", f"{len(images)} images")
    infos = [_check_image(upload, rules) for upload in images]
    overlays = [*named.get("mask", []), *named.get("markup", [])]
    if len(overlays) > 1:
        raise _invalid("mask", "mask and markup together, or one of them twice")
    for upload in overlays:
        _check_overlay(upload, infos[0])


def _bad_file(field: str, why: str) -> Refusal:
    return Refusal(400, "invalid_image_file", f"Invalid image file: {why}.", field)


def _inspect(upload: Upload) -> ImageInfo:
    try:
        info = inspect(upload.data)
    except InvalidImage:
        raise _bad_file(upload.field, "not a picture") from None
    if upload.content_type != info.media_type:
        raise _bad_file(upload.field, f"declared as {upload.content_type}")
    return info


def _check_image(upload: Upload, rules: Rules) -> ImageInfo:
    info = _inspect(upload)
    formats, most = ({"png"}, 4) if rules.legacy else ({"png", "jpeg", "webp"}, 50)
    if info.format not in formats:
        raise _bad_file(upload.field, f"{info.format} is not supported")
    if len(upload.data) >= most * 2**20:
        raise _bad_file(upload.field, f"must be less than {most} MB")
    if rules.legacy and info.width != info.height:
        raise _bad_file(upload.field, "must be square")
    return info


def _check_overlay(upload: Upload, first: ImageInfo) -> None:
    info = _inspect(upload)
    if info.format != "png" or not info.alpha:
        raise _bad_file(upload.field, "must be a PNG with an alpha channel")
    if len(upload.data) >= 4 * 2**20:
        raise _bad_file(upload.field, "must be less than 4 MB")
    if info.size != first.size:
        raise _bad_file(upload.field, f"is {info.size}, the first image {first.size}")
