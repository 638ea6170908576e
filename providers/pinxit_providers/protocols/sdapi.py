"""The family of AUTOMATIC1111's ``/sdapi``: Forge, SD.Next and other servers of one's own speak it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
from pydantic import JsonValue

from pinxit import Context, EditRequest, ImagesResponse, Model, VariationRequest
from pinxit.types import Operation, Request, parse_size

from . import media
from .bodies import json_request, plain_base64
from .endpoints import Endpoint
from .media import Asked, Media
from .plugin import Provider
from .reading import Reply
from .values import is_count, mapping, parse, sequence

__all__ = ["Server", "provider"]

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
    """

    endpoint: Endpoint
    defaults: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    edit_defaults: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


def provider(server: Server, *models: Model) -> Provider:
    """Return the plugin of such a server."""
    service = Media(
        endpoint=server.endpoint,
        build=partial(_build, server),
        read=_read,
    )
    return media.provider(service, *models)


def _build(server: Server, request: Request, model: Model, context: Context) -> httpx.Request:
    fields: dict[str, Any] = dict(server.defaults)
    if not isinstance(request, VariationRequest):
        fields["prompt"] = request.prompt
    edges = parse_size(request.size)
    if edges:
        fields |= {"width": edges[0], "height": edges[1]}
    # One after the other: side by side, several large pictures do not fit into small cards.
    fields |= {"batch_size": 1, "n_iter": request.n}
    fields |= {"negative_prompt": request.negative_prompt or "", "seed": -1}
    if request.seed is not None:
        fields["seed"] = request.seed
    # The server keeps nothing, and sends each picture, not a grid of them.
    fields |= {"send_images": True, "save_images": False, "do_not_save_grid": True}
    if model.name != "default":
        fields["override_settings"] = {"sd_model_checkpoint": model.name}
    if isinstance(request, EditRequest | VariationRequest):
        fields |= server.edit_defaults
        fields["init_images"] = [plain_base64(request.images[0])]
        if not edges:
            fields |= {"width": request.images[0].width, "height": request.images[0].height}
    if isinstance(request, EditRequest) and request.mask is not None:
        fields["mask"] = plain_base64(request.mask)
    chosen = {
        name: value
        for name, value in request.extra.get(model.provider, {}).items()
        if name not in _RESERVED
    }
    endpoint = server.endpoint
    url = endpoint.url(context, _PATHS[request.operation])
    return json_request(context, url, endpoint.request_headers(context), fields | chosen)


_RESERVED = frozenset(
    {
        "prompt",
        "negative_prompt",
        "seed",
        "width",
        "height",
        "batch_size",
        "n_iter",
        "init_images",
        "mask",
        "send_images",
    }
)


def _read(reply: Reply, asked: Asked) -> ImagesResponse:
    fields = reply.json()
    info = _info(fields.get("info"), reply.status)
    first = info.get("index_of_first_image")
    # A grid may come before the pictures, and maps of extensions behind them.
    items = sequence(fields.get("images"))[first if is_count(first) else 0 :]
    seeds = sequence(info.get("all_seeds"))
    items = items[: len(seeds) or asked.request.n]
    images = asked.reader.images([{"b64_json": item} for item in items])
    return asked.reader.response(asked.reader.seeded(images, seeds), {})


def _info(text: object, status: int) -> Mapping[str, object]:
    """Read ``info``, which is JSON inside a string; sd-server sends an empty one."""
    if isinstance(text, str) and text.lstrip().startswith("{"):
        return parse(text.encode(), status)
    return mapping(text)
