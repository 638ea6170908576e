"""Ideogram: version 3 by the API's first version, version 4 and newer by its second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    FixedSizes,
    ImagesResponse,
    InputImages,
    Mask,
    Model,
    Price,
    Seed,
    SizeRange,
    VariationRequest,
)
from pinxit.fitting import VARIATION_PROMPT
from pinxit.types import Operation, Request, parse_size
from pinxit_providers.protocols import media
from pinxit_providers.protocols.bodies import Part, form_request, json_request
from pinxit_providers.protocols.complaints import Vocabulary
from pinxit_providers.protocols.endpoints import Endpoint, with_key
from pinxit_providers.protocols.media import Asked, Media
from pinxit_providers.protocols.reading import Reply
from pinxit_providers.protocols.values import mapping, sequence

__all__ = ["PLUGIN"]

_AS_OF = date(2026, 11, 22)
_SOURCE = (
    "Ideogram's OpenAPI description of v1 (a copy of 2026-06-17), and excerpts of its v1 and v2 reference "
    "and pricing page (2026-11-16)"
)
_ENDPOINT = Endpoint(
    provider="ideogram",
    base_url="https://api.ideogram.ai",
    key_env=("IDEOGRAM_API_KEY",),
    authorise=with_key("Api-Key", ""),
)
# A safety check that fails has a status of its own.
_CODES = Vocabulary(refused_statuses=frozenset({422}))

_V3 = "ideogram-v3"
_SPEEDS = {"low": "TURBO", "medium": "DEFAULT", "high": "QUALITY"}
"""What version 3 calls a quality."""


def _build(request: Request, model: Model, context: Context) -> httpx.Request:
    path, fields = _v3(request) if model.name == _V3 else _v4(request, model.name)
    fields = {name: value for name, value in fields.items() if value is not None}
    known = model.operations[request.operation].extra or ()
    options = request.extra.get(model.provider, {})
    fields |= {name: value for name, value in options.items() if name in known}
    url, headers = _ENDPOINT.url(context, path), _ENDPOINT.request_headers(context)
    # The one address that takes JSON; the others take files, and are forms.
    if path.startswith("/v2/image/generate/"):
        return json_request(context, url, headers, fields)
    return form_request(context, url, headers, fields, list(_parts(request)))


def _v3(request: Request) -> tuple[str, dict[str, Any]]:
    fields = {
        "prompt": _prompt(request),
        "negative_prompt": request.negative_prompt,
        "resolution": request.size,
        "rendering_speed": _SPEEDS.get(request.quality or ""),
        "num_images": request.n,
        "seed": request.seed,
    }
    if request.operation == "generate":
        return f"/v1/{_V3}/generate", fields
    inpaints = isinstance(request, EditRequest) and request.mask is not None
    return f"/v1/{_V3}/{'inpaint' if inpaints else 'remix'}", fields


def _v4(request: Request, name: str) -> tuple[str, dict[str, Any]]:
    if request.operation != "generate":
        return f"/v2/image/precise-edit/{name}", {"prompt": _prompt(request)}
    width, height = parse_size(request.size) or (None, None)
    return f"/v2/image/generate/{name}", {
        "prompt": _prompt(request),
        "quality": request.quality,
        "custom_width": width,
        "custom_height": height,
        "num_images": request.n,
        "seed": request.seed,
    }


def _prompt(request: Request) -> str:
    """Return the prompt; a remix wants one where a variation has none."""
    return VARIATION_PROMPT if isinstance(request, VariationRequest) else request.prompt


def _parts(request: Request) -> Iterator[Part]:
    images = getattr(request, "images", ())
    for place, image in enumerate(images):
        yield Part("reference_images" if place else "image", f"image.{image.format}", image)
    if isinstance(request, EditRequest) and request.mask is not None:
        yield Part("mask", "mask.png", request.mask)


def _read(reply: Reply, asked: Asked) -> ImagesResponse:
    fields, reader = reply.json(), asked.reader
    items = [_item(mapping(item), asked.request) for item in sequence(fields.get("data"))]

    def judge(item: Mapping[str, object]) -> ContentRejected | None:
        if not item["withheld"]:
            return None
        return ContentRejected(
            "the picture did not pass the safety check, and was withheld",
            upstream_status=reply.status,
            billing="billed",
        )

    images = reader.images(items, judge)
    # Of the pictures that are left: seeds and pictures are matched by their order.
    seeds = [item["seed"] for item in items if judge(item) is None]
    return reader.response(reader.seeded(images, seeds), {"created": fields.get("created")})


def _item(item: Mapping[str, object], request: Request) -> dict[str, object]:
    said, safe = item.get("prompt"), item.get("is_image_safe")
    return {
        "url": item.get("url"),
        # The prompt comes back in any case; it was revised only where it differs.
        "revised_prompt": None if said == _prompt(request) else said,
        # Either sign is enough, unless the other one contradicts it.
        "withheld": safe is False or ("url" in item and item["url"] is None and safe is not True),
        "seed": item.get("seed"),
    }


# What there is ------------------------------------------------------------------------------------

_RESOLUTIONS = (
    "1024x1024", "512x1536", "576x1408", "576x1472", "576x1536", "640x1344", "640x1408", "640x1472",
    "640x1536", "704x1152", "704x1216", "704x1280", "704x1344", "704x1408", "704x1472", "736x1312",
    "768x1088", "768x1216", "768x1280", "768x1344", "800x1280", "832x960", "832x1024", "832x1088",
    "832x1152", "832x1216", "832x1248", "864x1152", "896x960", "896x1024", "896x1088", "896x1120",
    "896x1152", "960x832", "960x896", "960x1024", "960x1088", "1024x832", "1024x896", "1024x960",
    "1088x768", "1088x832", "1088x896", "1088x960", "1120x896", "1152x704", "1152x832", "1152x864",
    "1152x896", "1216x704", "1216x768", "1216x832", "1248x832", "1280x704", "1280x768", "1280x800",
    "1312x736", "1344x640", "1344x704", "1344x768", "1408x576", "1408x640", "1408x704", "1472x576",
    "1472x640", "1472x704", "1536x512", "1536x576", "1536x640",
)  # fmt: skip
_SEED = Seed(max=2**31 - 1)
_MASK = Mask(polarity="black_edits", soft=True, hard=True)
_STYLES = ("magic_prompt", "style_type", "style_preset")
_NOTES = (
    "URLs are signed and short-lived; pictures are downloaded at once.",
    "Reframe, replace background, transparent backgrounds, upscale, layerize and removing a background are "
    "operations of their own, and not served.",
)

_GENERATE_3 = Capability(
    sizes=FixedSizes(values=_RESOLUTIONS),
    max_n=8,
    qualities=tuple(_SPEEDS),
    default_quality="medium",
    delivers=("url",),
    seed=_SEED,
    negative_prompt=True,
    extra=_STYLES,
)
_VARIATION_3 = _GENERATE_3.model_copy(
    update={
        "images": InputImages(formats=("png", "jpeg"), max_bytes=10_000_000),
        "negative_prompt": False,
        "extra": (*_STYLES, "image_weight"),
    }
)
# Inpainting takes no resolution, and the same hook serves both ways to edit.
_EDIT_3 = _VARIATION_3.model_copy(update={"sizes": None, "mask": _MASK})

_GENERATE_4 = Capability(
    sizes=SizeRange(min_edge=16, max_edge=4096, multiple_of=16, max_pixels=4_194_304),
    max_n=8,
    max_prompt=10_000,
    qualities=("low", "medium", "high"),
    default_quality="medium",
    delivers=("url",),
    seed=_SEED,
    extra=(),
)
_EDIT_4 = Capability(
    delivers=("url",),
    # Four further pictures, three beside a mask.
    images=InputImages(max=4, formats=("png", "jpeg"), max_bytes=50_000_000),
    mask=_MASK,
    extra=(),
)

_FORMATS = "No source lists the formats of input pictures; PNG and JPEG are sent."


def _prices(low: str, medium: str, high: str, *, uncertain: bool = False) -> tuple[Price, ...]:
    table = {"low": low, "medium": medium, "high": high}
    return tuple(
        Price(usd=Decimal(usd), quality=quality, as_of=_AS_OF, uncertain=uncertain)
        for quality, usd in table.items()
    )


def _model(
    name: str,
    title: str,
    operations: dict[Operation, Capability],
    prices: tuple[Price, ...],
    *uncertain: str,
    aliases: tuple[str, ...] = (),
) -> Model:
    return Model(
        id=f"ideogram/{name}",
        title=title,
        operations=operations,
        aliases=aliases,
        prices=prices,
        facts=Facts(as_of=_AS_OF, source=_SOURCE, uncertain=uncertain),
        notes=_NOTES,
    )


_V2_API = (
    "The second version of the API was seen in excerpts only; fields whose names differ between its pages "
    "are not sent."
)
_EDIT_PRICE = (
    "An edit is taken to have the medium quality, and its price: no field for it is documented."
)
_PRECISE = Price(usd=Decimal("0.06"), operation="edit", as_of=_AS_OF, uncertain=True)
_OPERATIONS_4: dict[Operation, Capability] = {"generate": _GENERATE_4, "edit": _EDIT_4}
_UNCERTAIN_4 = (_V2_API, _EDIT_PRICE, _FORMATS)

_MODELS = (
    _model(
        "ideogram-4-6",
        "Ideogram 4.6",
        _OPERATIONS_4,
        (_PRECISE, *_prices("0.03", "0.06", "0.1", uncertain=True)),
        "Its prices are taken to be those of 4.5.",
        *_UNCERTAIN_4,
    ),
    _model(
        "ideogram-4-5",
        "Ideogram 4.5",
        _OPERATIONS_4,
        (_PRECISE, *_prices("0.03", "0.06", "0.1")),
        *_UNCERTAIN_4,
    ),
    _model(
        "ideogram-4",
        "Ideogram 4",
        {"generate": _GENERATE_4},
        _prices("0.03", "0.06", "0.1", uncertain=True),
        _V2_API,
        "Prices are listed as turbo, default and quality; they are taken for low, medium and high.",
    ),
    _model(
        _V3,
        "Ideogram 3",
        {"generate": _GENERATE_3, "edit": _EDIT_3, "variation": _VARIATION_3},
        _prices("0.03", "0.06", "0.09"),
        "The size of a picture is not documented where none is asked for.",
        "The limit of an input picture is not documented; 10 MB are taken as it.",
        _FORMATS,
        aliases=("ideogram-3", "ideogram/ideogram-3"),
    ),
    Model(
        id="ideogram/*",
        operations=_OPERATIONS_4,
        facts=Facts(as_of=_AS_OF, source=_SOURCE, uncertain=(_V2_API,)),
        declared=False,
    ),
)

PLUGIN = media.provider(
    Media(endpoint=_ENDPOINT, build=_build, read=_read, vocabulary=_CODES), *_MODELS
)
