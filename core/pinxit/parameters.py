"""The keyword arguments of the router's methods, for type checkers and editors.

They mirror the fields of the requests; a test keeps the two alike.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar, cast

from .options import Cache, Fallback, Fidelity, Hedge, Identity, LoadBalancer, Retry
from .payload import Image
from .types import EditRequest, GenerateRequest, Svg, VariationRequest, build, rebuild

__all__ = [
    "EditParameters",
    "GenerateParameters",
    "ImageLike",
    "VariationParameters",
    "edit_request",
    "generate_request",
    "variation_request",
]

ImageLike = Image | bytes | str | os.PathLike[str]
"""A picture as applications have it: an `Image`, its bytes, a path, or a URL."""


class OptionParameters(TypedDict, total=False):
    """How a request wants to be routed."""

    fallbacks: Sequence[str | Fallback | Mapping[str, Any]] | None
    fallback_on_codes: Sequence[int] | None
    retry: Retry | Mapping[str, Any] | None
    load_balancer: LoadBalancer | Mapping[str, Any] | None
    cache: Cache | Mapping[str, Any] | None
    timeout: float | Mapping[str, Any] | None
    deadline: float | None
    fidelity: Fidelity | None
    require: Sequence[str] | None
    needs: Sequence[str] | None
    max_cost: Decimal | float | str | None
    on_refusal: Literal["fail", "fallback"] | None
    on_retired: Literal["successor", "error"] | None
    order: str | None
    hedge: Hedge | Mapping[str, Any] | None
    strip_metadata: bool | None


class VariationParameters(OptionParameters, total=False):
    """What every operation takes besides its own."""

    model: str | None
    n: int | None
    size: str | None
    aspect_ratio: str | None
    quality: Literal["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"] | None
    style: Literal["vivid", "natural"] | None
    background: Literal["auto", "transparent", "opaque"] | None
    output_format: Literal["png", "jpeg", "webp", "gif", "svg"] | None
    output_compression: int | None
    response_format: Literal["url", "b64_json"] | None
    moderation: Literal["auto", "low"] | None
    complexity: Literal["low", "medium", "high"] | None
    negative_prompt: str | None
    seed: int | None
    stream: bool | None
    partial_images: int | None
    frame_count: int | None
    frame_duration_ms: int | None
    svg: Svg | Mapping[str, Any] | None
    extra: Mapping[str, Mapping[str, Any]] | None
    user: str | None
    safety_identifier: str | None
    name: str | None
    metadata: Mapping[str, str] | None
    identity: Identity | Mapping[str, Any] | None


class GenerateParameters(VariationParameters, total=False):
    """What `generate` takes besides the prompt."""


class EditParameters(VariationParameters, total=False):
    """What `edit` takes besides the prompt and the pictures."""

    mask: ImageLike | None
    markup: ImageLike | None
    input_fidelity: Literal["low", "high"] | None


R = TypeVar("R", GenerateRequest, EditRequest, VariationRequest)


def generate_request(
    prompt: str | GenerateRequest, parameters: Mapping[str, Any]
) -> GenerateRequest:
    """Build the request of a call to ``generate``.

    Raises:
        RequestError: A parameter is unknown or has a value that does not fit.
    """
    if isinstance(prompt, GenerateRequest):
        return _changed(prompt, parameters)
    return build(GenerateRequest, {**parameters, "prompt": prompt})


def edit_request(
    prompt: str | EditRequest,
    image: ImageLike | Sequence[ImageLike] | None,
    parameters: Mapping[str, Any],
) -> EditRequest:
    """Build the request of a call to ``edit``; see `generate_request`."""
    given = {
        name: _picture(v) if name in {"mask", "markup"} else v for name, v in parameters.items()
    }
    if image is not None:
        given["images"] = _pictures(image)
    if isinstance(prompt, EditRequest):
        return _changed(prompt, given)
    return build(EditRequest, {**given, "prompt": prompt})


def variation_request(
    image: ImageLike | VariationRequest, parameters: Mapping[str, Any]
) -> VariationRequest:
    """Build the request of a call to ``variation``; see `generate_request`."""
    if isinstance(image, VariationRequest):
        return _changed(image, parameters)
    return build(VariationRequest, {**parameters, "images": _pictures(image)})


def _changed(request: R, parameters: Mapping[str, Any]) -> R:
    if not parameters:
        return request
    fields = {name: getattr(request, name) for name in request.model_fields_set}
    return cast("R", rebuild(request, {**fields, **parameters}))


def _pictures(images: ImageLike | Sequence[ImageLike]) -> list[object]:
    if isinstance(images, Sequence) and not isinstance(images, str | bytes):
        return [_picture(image) for image in images]
    return [_picture(images)]


def _picture(value: object) -> object:
    """Take a string for a path, which only an application may name, unless it is a URL."""
    if isinstance(value, str) and not value.startswith(("https://", "http://", "data:")):
        return Path(value)
    return value
