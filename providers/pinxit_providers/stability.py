"""Stability AI's Stable Image: a form goes in, and a picture comes back as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from pinxit import (
    Capability,
    ContentRejected,
    Context,
    EditRequest,
    Facts,
    ImagesResponse,
    InputImages,
    Mask,
    Model,
    Price,
    Ratios,
    Seed,
    VariationRequest,
)
from pinxit.types import Operation, Request
from pinxit_providers.protocols import media
from pinxit_providers.protocols.bodies import Part, form_request
from pinxit_providers.protocols.complaints import Vocabulary
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.media import Asked, Media
from pinxit_providers.protocols.ratios import COMPUTED, ratio_pixels
from pinxit_providers.protocols.reading import Reply
from pinxit_providers.protocols.values import is_count

__all__ = ["PLUGIN"]

_AS_OF = date(2026, 11, 22)
_SOURCE = (
    "Stability's OpenAPI description of v2beta (a copy of 2026), its price update of 2025-08-01, "
    "and a price table of June 2026"
)
_ENDPOINT = Endpoint(
    provider="stability", base_url="https://api.stability.ai", key_env=("STABILITY_API_KEY",)
)
_CODES = Vocabulary(
    refused=frozenset({"content_moderation"}),
    # Above 150 requests in 10 seconds nobody is answered for a minute.
    lockout=60.0,
)

_STRENGTH = 0.65
"""How far an edit leaves its picture, from 0 to 1, where the caller does not say: our choice."""

_PATHS = {
    "core": "/v2beta/stable-image/generate/core",
    "ultra": "/v2beta/stable-image/generate/ultra",
    "inpaint": "/v2beta/stable-image/edit/inpaint",
}
_SD3 = "/v2beta/stable-image/generate/sd3"
"""For every other model; only here it is named in the form."""


def _build(request: Request, model: Model, context: Context) -> httpx.Request:
    url = _ENDPOINT.url(context, _PATHS.get(model.name, _SD3))
    # The file itself: as JSON it would be a third larger.
    headers = _ENDPOINT.request_headers(context, accept="image/*")
    fields = _fields(request, model)
    return form_request(context, url, headers, fields, list(_parts(request)))


def _fields(request: Request, model: Model) -> dict[str, Any]:
    capability = model.operations[request.operation]
    fields: dict[str, Any] = {} if model.name in _PATHS else {"model": model.name}
    if not isinstance(request, VariationRequest):
        fields["prompt"] = request.prompt
    fields |= {
        "negative_prompt": request.negative_prompt,
        "aspect_ratio": request.aspect_ratio,
        "seed": request.seed,
        "output_format": request.output_format,
    }
    fields = {name: value for name, value in fields.items() if value is not None}
    # Stable Diffusion alone is told so; for the others a picture is sign enough.
    if request.operation == "edit" and model.name not in _PATHS:
        fields["mode"] = "image-to-image"
    options = request.extra.get(model.provider, {})
    known = capability.extra or ()
    fields |= {name: value for name, value in options.items() if name in known}
    if "strength" in known:
        # It is required with a picture.
        fields.setdefault("strength", _STRENGTH)
    return fields


def _parts(request: Request) -> Iterator[Part]:
    if not isinstance(request, EditRequest):
        return
    image = request.images[0]
    yield Part("image", f"image.{image.format}", image)
    if request.mask is not None:
        yield Part("mask", "mask.png", request.mask)


def _read(reply: Reply, asked: Asked) -> ImagesResponse:
    reader = asked.reader
    content: bytes | str = reply.body
    said = {name: reply.headers.get(name) for name in ("finish-reason", "seed")}
    if reply.media_type == "application/json":
        # Proxies may answer so, whatever was asked for.
        fields = reply.json()
        content = text if isinstance(text := fields.get("image"), str) else ""
        said = {"finish-reason": fields.get("finish_reason"), "seed": fields.get("seed")}
    if said["finish-reason"] == "CONTENT_FILTERED":
        raise ContentRejected(
            "the picture was blurred by the safety filter (CONTENT_FILTERED)",
            upstream_status=reply.status,
            billing="billed",
        )
    image = reader.picture(content)
    return reader.response(reader.seeded([image], _number(said["seed"])), {})


def _number(value: object) -> int | None:
    """Return a seed: a number, or its digits in a header."""
    # Longer than any seed, it is none.
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        return int(value)
    return value if is_count(value) else None


# What there is ------------------------------------------------------------------------------------

_RATIOS = ("1:1", "16:9", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")
_MEGAPIXEL = ratio_pixels(_RATIOS)
_CORE = ratio_pixels(_RATIOS, 1.5)
_STYLES = (
    "The names of style_preset are those of a copy of the specification; they are not checked here."
)
_TURBO = "Turbo and flash models are taken to have no negative prompt."
_NOTES = (
    "Erase, outpaint, search and replace, recolour, remove or replace a background, control, style "
    "transfer and upscale are operations of their own, and not served.",
    "Input pictures need edges of 64 pixels, and most are taken between 1:2.5 and 2.5:1 only.",
)
_UPLOAD = InputImages(max_bytes=8 * 2**20, max_edge=3072)
"""A whole form has at most 10 MiB, and a picture for inpainting 9,437,184 pixels, as 3072x3072 has."""


def _generate(sizes: dict[str, str], *formats: str, extra: tuple[str, ...] = ()) -> Capability:
    return Capability(
        sizes=Ratios(classes={"1K": sizes}, named=False),
        max_prompt=10_000,
        output_formats=formats or ("png", "jpeg", "webp"),
        # 0 asks for a random one.
        seed=Seed(min=1, max=4_294_967_294),
        negative_prompt=True,
        extra=("style_preset", *extra),
    )


def _redraw(generate: Capability) -> Capability:
    """Return what a model that draws over a picture takes; the result has that picture's shape."""
    extra = (*(generate.extra or ()), "strength")
    return generate.model_copy(update={"sizes": None, "images": _UPLOAD, "extra": extra})


def _model(
    name: str,
    title: str,
    usd: str,
    operations: dict[Operation, Capability],
    *uncertain: str,
    aliases: tuple[str, ...] = (),
) -> Model:
    return Model(
        id=f"stability/{name}",
        title=title,
        operations=operations,
        aliases=aliases,
        prices=(Price(usd=Decimal(usd), as_of=_AS_OF),),
        facts=Facts(as_of=_AS_OF, source=_SOURCE, uncertain=(*uncertain, _STYLES)),
        notes=_NOTES,
        # "core" alone could be anything.
        bare_name=name not in _PATHS,
    )


def _sd3(name: str, usd: str, *older: str) -> Model:
    generate = _generate(_MEGAPIXEL, "png", "jpeg", extra=("cfg_scale",))
    quick = name.endswith(("turbo", "flash"))
    if quick:
        generate = generate.model_copy(update={"negative_prompt": False})
    title = name.replace("sd", "Stable Diffusion ").replace("-", " ").title()
    return _model(
        name,
        title,
        usd,
        {"generate": generate, "edit": _redraw(generate)},
        COMPUTED,
        *((_TURBO,) if quick else ()),
        aliases=tuple(alias for each in older for alias in (each, f"stability/{each}")),
    )


_ULTRA = _generate(_MEGAPIXEL)
_INPAINT = _redraw(_ULTRA).model_copy(
    update={
        # It grows the mask by a few pixels. What is transparent in the picture could stand for a mask; a
        # caller who means that gives the picture as both.
        "mask": Mask(polarity="white_edits", max_bytes=2**20, soft=True, required=True),
        "extra": ("style_preset", "grow_mask"),
    }
)

_MODELS = (
    _model(
        "ultra",
        "Stable Image Ultra",
        "0.08",
        {"generate": _ULTRA, "edit": _redraw(_ULTRA)},
        COMPUTED,
        aliases=("stability/stable-image-ultra",),
    ),
    _model(
        "core",
        "Stable Image Core",
        "0.03",
        {"generate": _generate(_CORE)},
        COMPUTED,
        aliases=("stability/stable-image-core",),
    ),
    _sd3("sd3.5-large", "0.065", "sd3-large"),
    _sd3("sd3.5-large-turbo", "0.04", "sd3-large-turbo"),
    _sd3("sd3.5-medium", "0.035", "sd3-medium"),
    _sd3("sd3.5-flash", "0.025"),
    _model("inpaint", "Stable Image Inpaint", "0.05", {"edit": _INPAINT}),
    Model(
        id="stability/*",
        operations=_sd3("sd3", "0").operations,
        facts=Facts(as_of=_AS_OF, source=_SOURCE),
        declared=False,
    ),
)

PLUGIN = media.provider(
    Media(endpoint=_ENDPOINT, build=_build, read=_read, vocabulary=_CODES), *_MODELS
)
