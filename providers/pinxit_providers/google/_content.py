"""``generateContent``: a prompt and pictures go in as parts, and pictures come back among parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from pinxit import (
    AuthenticationFailed,
    ContentRejected,
    Context,
    ImagesResponse,
    InvalidImage,
    Model,
    PinxitError,
    VariationRequest,
)
from pinxit.types import Request
from pinxit_providers.protocols import media
from pinxit_providers.protocols.bodies import json_request, plain_base64
from pinxit_providers.protocols.complaints import Vocabulary
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.media import Asked, Media
from pinxit_providers.protocols.pictures import Reader
from pinxit_providers.protocols.plugin import Provider
from pinxit_providers.protocols.reading import Reply
from pinxit_providers.protocols.values import is_count, mapping, sequence

__all__ = ["EXTRA", "Surface", "provider"]

EXTRA: Mapping[str, tuple[str, ...]] = {
    "safetySettings": (),
    "systemInstruction": (),
    "tools": (),
    "thinkingConfig": ("generationConfig",),
    "personGeneration": ("generationConfig", "imageConfig"),
    "prominentPeople": ("generationConfig", "imageConfig"),
}
"""What ``extra`` may hold, and the object of the body that each belongs to."""

# Both come with status 400. The second is what an account or a region lacks, such as billing; no other
# request would fare better.
_CODES = Vocabulary(unauthorised=frozenset({"API_KEY_INVALID", "FAILED_PRECONDITION"}))

_REFUSED = frozenset({
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER", "PROHIBITED_CONTENT",
    "SAFETY", "RECITATION", "BLOCKLIST", "SPII", "MODEL_ARMOR", "ESCALATION",
})  # fmt: skip
_LIMITED = "PUP_LIMITED_DISABLED"

_LONGEST = 300
"""Characters of the model's own words that a refusal repeats."""


@dataclass(frozen=True, slots=True)
class Surface:
    """One of the two services that speak this.

    Attributes:
        endpoint: Where it is, and how it knows who asks.
        url: Returns the address of a model by its name.
        max_request: Bytes of a whole request, where the service limits them.
    """

    endpoint: Endpoint
    url: Callable[[Context, str], httpx.URL]
    max_request: int | None = None


def provider(surface: Surface, *models: Model) -> Provider:
    """Return the plugin of one of the services."""
    service = Media(
        endpoint=surface.endpoint, build=partial(_build, surface), read=_read, vocabulary=_CODES
    )
    return media.provider(service, *models)


def _build(surface: Surface, request: Request, model: Model, context: Context) -> httpx.Request:
    url = surface.url(context, model.name)
    headers = surface.endpoint.request_headers(context)
    _check_weight(surface, request)
    return json_request(context, url, headers, _body(request, model))


def _check_weight(surface: Surface, request: Request) -> None:
    """Say what the service would say, before the pictures are uploaded."""
    weight = sum(len(plain_base64(image)) for image in getattr(request, "images", ()))
    if surface.max_request is not None and weight > surface.max_request:
        raise InvalidImage(
            f"image: together the pictures take {weight} bytes as base64 and "
            f"{surface.endpoint.provider} takes {surface.max_request} per request; send smaller ones",
            param="image",
        )


def _body(request: Request, model: Model) -> dict[str, Any]:
    picture = {
        "aspectRatio": request.aspect_ratio,
        "imageSize": request.size,
        "imageOutputOptions": _output(request),
    }
    config = {
        # Pictures alone: the other choice brings words as well.
        "responseModalities": ["IMAGE"],
        "seed": request.seed,
        "imageConfig": {name: value for name, value in picture.items() if value},
    }
    body: dict[str, Any] = {
        "contents": [{"role": "user", "parts": _parts(request)}],
        "generationConfig": {name: v for name, v in config.items() if v not in (None, {})},
    }
    for name, value in request.extra.get(model.provider, {}).items():
        place = body
        for step in EXTRA.get(name, ()):
            place = place.setdefault(step, {})
        # Each option has its place in the body; what is unknown is not guessed a place for.
        if name in EXTRA:
            place[name] = value
    return body


def _output(request: Request) -> dict[str, Any] | None:
    """Say the format; only models with a choice of it are asked for one."""
    if request.output_format is None:
        return None
    options: dict[str, Any] = {"mimeType": f"image/{request.output_format}"}
    if request.output_compression is not None:
        options["compressionQuality"] = request.output_compression
    return options


def _parts(request: Request) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if not isinstance(request, VariationRequest):
        parts.append({"text": request.prompt})
    for image in getattr(request, "images", ()):
        data = {"mimeType": image.media_type, "data": plain_base64(image)}
        parts.append({"inlineData": data})
    return parts


# What comes back ----------------------------------------------------------------------------------


def _read(reply: Reply, asked: Asked) -> ImagesResponse:
    fields, reader = reply.json(), asked.reader
    candidates = [mapping(each) for each in sequence(fields.get("candidates"))]
    contents = [mapping(each.get("content")) for each in candidates]
    parts = [mapping(part) for content in contents for part in sequence(content.get("parts"))]
    # Thoughts may hold sketches; they are no results.
    parts = [part for part in parts if part.get("thought") is not True]
    found = [mapping(part["inlineData"]).get("data") for part in parts if "inlineData" in part]
    # Refusals have the status of a success, so reasons are looked for only where there is no
    # picture.
    if not found:
        raise _why_nothing(fields, candidates, parts, reader)
    images = [reader.picture(data if isinstance(data, str) else "") for data in found]
    return reader.response(images, {"usage": _usage(mapping(fields.get("usageMetadata")))})


def _why_nothing(
    fields: Mapping[str, object],
    candidates: Sequence[Mapping[str, object]],
    parts: Sequence[Mapping[str, object]],
    reader: Reader,
) -> PinxitError:
    """Tell a refusal from an answer of no use."""
    feedback = mapping(fields.get("promptFeedback"))
    if blocked := reader.label(feedback.get("blockReason")):
        return _refusal(
            "the prompt was blocked", blocked, feedback.get("blockReasonMessage"), reader
        )
    for candidate in candidates:
        reason, words = reader.label(candidate.get("finishReason")), candidate.get("finishMessage")
        if reason in _REFUSED:
            return _refusal("the picture was withheld", reason, words, reader)
        if reason == _LIMITED:
            return AuthenticationFailed(
                f"the account is limited: {reason}", upstream_status=reader.status, billing="billed"
            )
    reasons = {reader.label(candidate.get("finishReason")) for candidate in candidates}
    said = " ".join(text for part in parts if isinstance(text := part.get("text"), str))
    if said.strip() and reasons <= {None, "STOP"}:
        # The model declined in words of its own, or asked back.
        return _refusal("the model answered in words", None, said, reader)
    ended = ", ".join(sorted(reason for reason in reasons if reason))
    return reader.useless(f"the answer has no pictures{f' ({ended})' if ended else ''}")


def _refusal(what: str, reason: str | None, words: object, reader: Reader) -> ContentRejected:
    said = reader.scrub(" ".join(words.split())) if isinstance(words, str) else ""
    said = said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."
    known = f" ({reason})" if reason else ""
    return ContentRejected(
        f"{what}{known}{f': {said}' if said else ''}",
        upstream_status=reader.status,
        categories=(reason,) if reason else (),
        billing="billed",
    )


def _usage(counted: Mapping[str, object]) -> Mapping[str, object]:
    """Say the tokens in OpenAI's words; thoughts are billed as text that comes out."""
    made = counted.get("candidatesTokenCount")
    if not is_count(made):
        return {}
    asked = _by_kind(counted.get("promptTokensDetails"))
    thoughts = counted.get("thoughtsTokenCount")
    thoughts = thoughts if is_count(thoughts) else 0
    # Details may count more than the sum says; a picture's tokens cannot be negative.
    text = min(_by_kind(counted.get("candidatesTokensDetails")).get("TEXT", 0), made)
    return {
        "input_tokens": counted.get("promptTokenCount"),
        "output_tokens": made + thoughts,
        "total_tokens": counted.get("totalTokenCount"),
        "input_tokens_details": {
            "text_tokens": asked.get("TEXT"),
            "image_tokens": asked.get("IMAGE"),
        },
        "output_tokens_details": {"text_tokens": text + thoughts, "image_tokens": made - text},
    }


def _by_kind(details: object) -> dict[str, int]:
    counts: dict[str, int] = {}
    for detail in map(mapping, sequence(details)):
        kind, count = detail.get("modality"), detail.get("tokenCount")
        if isinstance(kind, str) and is_count(count):
            counts[kind] = counts.get(kind, 0) + count
    return counts
