"""The family of AUTOMATIC1111's ``/sdapi``: Forge, SD.Next and other servers of one's own speak it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from pydantic import JsonValue

from pinxit import (
    Context,
    EditRequest,
    GenerateRequest,
    Image,
    ImagesResponse,
    InvalidProviderResponse,
    Model,
    VariationRequest,
)
from pinxit.types import Operation, Request, parse_size

from . import media
from .bodies import json_request, plain_base64
from .endpoints import Endpoint
from .media import Asked, Media
from .plugin import Provider
from .reading import Reply
from .values import is_count, mapping, parse, sequence

__all__ = ["DEFAULT", "Server", "provider"]

DEFAULT = "default"
"""The name of whatever model the server has loaded."""

_PATHS: Mapping[Operation, str] = {
    "generate": "/sdapi/v1/txt2img",
    "edit": "/sdapi/v1/img2img",
    "variation": "/sdapi/v1/img2img",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How one such server is asked.

    Attributes:
        endpoint: Where it is.
        defaults: Fields that are sent unless the caller's ``extra`` has them.
        edit_defaults: The same for edits and variations.
        mask_defaults: The same for edits with a mask.
        settled: Fields whose default is a setting of that name.
    """

    endpoint: Endpoint
    defaults: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    edit_defaults: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    mask_defaults: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    settled: Mapping[str, str] = field(default_factory=dict[str, str])


def provider(server: Server, *models: Model) -> Provider:
    """Return the plugin of such a server."""
    service = Media(
        endpoint=server.endpoint,
        build=partial(_build, server),
        read=_read,
    )
    return media.provider(service, *models)


def _build(server: Server, request: Request, model: Model, context: Context) -> httpx.Request:
    endpoint = server.endpoint
    url = endpoint.url(context, _PATHS[request.operation])
    fields: dict[str, Any] = {
        **server.defaults,
        **(_edit_defaults(server, request) if request.operation != "generate" else {}),
        **_settled(server, context),
        # In this order: what the caller chose goes over defaults and the operator's settings, what
        # was asked for over everything.
        **_chosen(request, model),
        **_asked(request),
    }
    # Only where a checkpoint is named: naming one makes the server load it, which takes its time.
    if model.name != DEFAULT:
        kept = mapping(fields.get("override_settings"))
        fields["override_settings"] = {**kept, "sd_model_checkpoint": model.name}
    return json_request(context, url, endpoint.request_headers(context), fields)


def _edit_defaults(server: Server, request: Request) -> Mapping[str, JsonValue]:
    masked = isinstance(request, EditRequest) and request.mask is not None
    return {**server.edit_defaults, **(server.mask_defaults if masked else {})}


def _settled(server: Server, context: Context) -> Mapping[str, Any]:
    """Return the fields that the operator settled for all requests."""
    found = {field: context.settings.get(name) for field, name in server.settled.items()}
    return {field: value for field, value in found.items() if value is not None}


def _chosen(request: Request, model: Model) -> Mapping[str, JsonValue]:
    mine = request.extra.get(model.provider, {})
    return {name: value for name, value in mine.items() if name not in _RESERVED}


def _asked(request: Request) -> Mapping[str, Any]:
    """Return what the caller asked for; nothing else changes it."""
    fields: dict[str, Any] = {
        "prompt": "" if isinstance(request, VariationRequest) else request.prompt,
        "negative_prompt": request.negative_prompt or "",
        "seed": -1 if request.seed is None else request.seed,
        # One after the other: side by side, several large pictures do not fit into small cards.
        "batch_size": 1,
        "n_iter": request.n,
        "send_images": True,
    }
    edges = parse_size(request.size)
    if not isinstance(request, GenerateRequest):
        first = request.images[0]
        fields["init_images"] = [plain_base64(first)]
        edges = edges or _rounded(first)
    if edges:
        fields |= {"width": edges[0], "height": edges[1]}
    if isinstance(request, EditRequest) and request.mask is not None:
        fields["mask"] = plain_base64(request.mask)
    return fields


def _rounded(image: Image) -> tuple[int, int]:
    """Return a picture's edges as multiples of 8, which the models' latent space wants."""
    width, height = (max(8, round(edge / 8) * 8) for edge in (image.info.width, image.info.height))
    return width, height


_RESERVED = frozenset(
    {
        "prompt", "negative_prompt", "seed", "width", "height", "batch_size", "n_iter", "init_images",
        "mask", "send_images",
    }
)  # fmt: skip


def _read(reply: Reply, asked: Asked) -> ImagesResponse:
    fields = reply.json()
    info = _info(fields.get("info"), reply.status)
    images, first = sequence(fields.get("images")), info.get("index_of_first_image")
    # A grid may come before the pictures, and maps of extensions behind them.
    items = images[first if is_count(first) and first < len(images) else 0 :]
    seeds = sequence(info.get("all_seeds"))
    items = items[: min(len(seeds), asked.request.n) or asked.request.n]
    pictures = asked.reader.images([{"b64_json": item} for item in items])
    return asked.reader.response(asked.reader.seeded(pictures, seeds), {})


def _info(text: object, status: int) -> Mapping[str, object]:
    """Read ``info``, which is JSON inside a string; sd-server sends an empty one."""
    with contextlib.suppress(InvalidProviderResponse):
        # The pictures are there, whatever is said about them.
        return parse(text.encode(), status) if isinstance(text, str) else mapping(text)
    return {}
