"""Black Forest Labs' FLUX models, from the vendor itself."""

from __future__ import annotations

import re
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
    ImagesResponse,
    InputImages,
    Mask,
    Model,
    Price,
    ProviderUnavailable,
    Ratios,
    Seed,
    SizeRange,
    VariationRequest,
)
from pinxit.report import Billing
from pinxit.types import Operation, Request, parse_size
from pinxit_providers.protocols import jobs
from pinxit_providers.protocols.bodies import json_request, plain_base64, with_extra
from pinxit_providers.protocols.endpoints import Endpoint, with_key
from pinxit_providers.protocols.jobs import Job, Jobs, State
from pinxit_providers.protocols.media import Asked
from pinxit_providers.protocols.pictures import dollars
from pinxit_providers.protocols.ratios import COMPUTED, MEGAPIXEL, ratio_pixels
from pinxit_providers.protocols.reading import Reply
from pinxit_providers.protocols.values import mapping, sequence

__all__ = ["PLUGIN"]

AS_OF = date(2026, 11, 22)
SOURCE = (
    "OpenAPI of api.bfl.ai (May 2026), docs.bfl.ai/quick_start/pricing and /api_integration/errors"
)

ENDPOINT = Endpoint(
    provider="bfl",
    base_url="https://api.bfl.ai",
    key_env=("BFL_API_KEY", "FLUX_API_KEY"),
    url_env=("BFL_BASE_URL",),
    authorise=with_key("x-key", ""),
)

# The wire ---------------------------------------------------------------------------------------------------

# One state alone is pending: whatever else is said is not waited for without a bound.
_PENDING = frozenset({"Pending"})
_REFUSED = frozenset({"Request Moderated", "Content Moderated"})
_CATEGORY = re.compile(r"[\w /-]{1,80}")


def _build(request: Request, model: Model, context: Context) -> httpx.Request:
    """Build the order; every model has a path of its own."""
    capability = model.operations[request.operation]
    edges = parse_size(request.size)
    shaped = isinstance(capability.sizes, Ratios)
    fields: dict[str, Any] = {
        "prompt": None if isinstance(request, VariationRequest) else request.prompt,
        "width": edges[0] if edges and not shaped else None,
        "height": edges[1] if edges and not shaped else None,
        # Models take edges or ratios, and none takes both.
        "aspect_ratio": request.aspect_ratio if shaped else None,
        "resolution": request.size.lower() if shaped and request.size else None,
        "seed": request.seed,
        # Models differ in what they make unasked.
        "output_format": request.output_format or capability.output_formats[0],
        **_pictures(request, capability),
    }
    url = ENDPOINT.url(context, f"/v1/{model.name}")
    body = with_extra(fields, request, model, _RESERVED)
    return json_request(context, url, ENDPOINT.request_headers(context), body)


_RESERVED = frozenset({
    "prompt", "width", "height", "aspect_ratio", "image", "mask", "image_prompt",
    *(f"input_image{place}" for place in ("", *(f"_{n}" for n in range(2, 17)))),
})  # fmt: skip


def _pictures(request: Request, capability: Capability) -> Mapping[str, str]:
    """Return the input pictures in the fields that the operation has for them."""
    if isinstance(request, VariationRequest):
        return {"image_prompt": plain_base64(request.images[0])}
    if not isinstance(request, EditRequest):
        return {}
    # Fill alone has a mask, and calls its picture by another name.
    if capability.mask is None:
        names = ("input_image", *(f"input_image_{place}" for place in range(2, 17)))
        return dict(zip(names, map(plain_base64, request.images), strict=False))
    mask = {"mask": plain_base64(request.mask)} if request.mask else {}
    return {"image": plain_base64(request.images[0]), **mask}


def _accepted(reply: Reply, asked: Asked) -> Job:
    fields = reply.json()
    id = jobs.identity(fields.get("id"), asked)
    # A job is known in its own region only, so the address that was named comes first; webhooks have none.
    named = fields.get("polling_url")
    own = f"/v1/get_result?id={id}"
    return Job(id=id, poll=(named, own) if isinstance(named, str) else own, fields=fields)


def _state(reply: Reply, asked: Asked) -> State:
    fields = reply.json()
    status = fields.get("status")
    if status == "Ready":
        return "done"
    if status in _PENDING:
        return "pending"
    if isinstance(status, str) and status in _REFUSED:
        raise ContentRejected(
            f"{status}: Black Forest Labs refused the "
            f"{'request' if status == 'Request Moderated' else 'picture'}",
            upstream_status=reply.status,
            categories=tuple(_categories(fields.get("details"), asked)),
            billing=_billing(fields),
        )
    if status == "Error":
        raise ProviderUnavailable("the job ended with Error", billing=_billing(fields))
    # Among these is `Task not found`, which a region may say that has not heard of the job yet.
    raise asked.reader.useless(f"the state of the job is {asked.reader.scrub(str(status))[:60]!r}")


def _billing(fields: Mapping[str, object]) -> Billing:
    """Say what a job that brought no picture cost: it is known only where the last state tells it."""
    cost = dollars(fields.get("cost"), per=100)
    return "ambiguous" if cost is None else "billed" if cost else "unbilled"


def _categories(value: object, asked: Asked) -> Iterator[str]:
    """Yield the reasons of a refusal; their place in ``details`` is not documented."""
    if isinstance(value, str) and _CATEGORY.fullmatch(value) and asked.reader.scrub(value) == value:
        yield value
    for inner in (*sequence(value), *mapping(value).values()):
        if not mapping(inner):
            yield from _categories(inner, asked)


def _collect(reply: Reply, asked: Asked) -> ImagesResponse:
    fields = reply.json()
    result = mapping(fields.get("result"))
    images = asked.reader.images([result.get("sample")])
    # The last word counts; where it names no cost, that of the acceptance stands.
    stated = next((f["cost"] for f in (fields, asked.accepted) if f.get("cost") is not None), None)
    cost = dollars(stated, per=100)
    return asked.reader.response(asked.reader.seeded(images, result.get("seed")), {}, cost)


JOBS = Jobs(
    endpoint=ENDPOINT,
    build=_build,
    accepted=_accepted,
    state=_state,
    collect=_collect,
    # Jobs are polled at hosts of regions, all of them below this one.
    hosts=("bfl.ai",),
    interval=0.5,
    floor=0.5,
    ceiling=2.0,
)

# The models -------------------------------------------------------------------------------------------------

_FORMATS = ("jpeg", "png", "webp")
_ANY_SEED = Seed(max=2**32 - 1)
_SIZES = SizeRange(min_edge=256, max_edge=2048, multiple_of=16, max_pixels=4 * MEGAPIXEL, auto=True)
_OLD_SIZES = SizeRange(min_edge=256, max_edge=1440, multiple_of=32)
_KONTEXT_RATIOS = ("1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "21:9", "9:21")
_FLUX_3_RATIOS = (
    "1:1", "21:9", "2:1", "16:9", "3:2", "7:5", "4:3", "5:4", "4:5", "3:4", "5:7", "2:3", "9:16",
    "1:2", "9:21",
)  # fmt: skip
# 768sq and 1.5k have no name in a request; `extra` can ask for them.
# Published as 1, 4.2 and 16.8 megapixels of a million: a square has edges of 1024, 2048 and 4096.
_FLUX_3_CLASSES = {"1K": 1.0, "2K": 4.0, "4K": 16.0}
_INPUT_BYTES = 15_000_000


def _inputs(count: int) -> InputImages:
    return InputImages(max=count, formats=("png", "jpeg", "webp"), max_bytes=_INPUT_BYTES)


def _generate_and_edit(generate: Capability, references: int) -> dict[Operation, Capability]:
    return {
        "generate": generate,
        "edit": generate.model_copy(update={"images": _inputs(references)}),
    }


def _generate_and_vary(generate: Capability) -> dict[Operation, Capability]:
    return {"generate": generate, "variation": generate.model_copy(update={"images": _inputs(1)})}


def _facts(*uncertain: str) -> Facts:
    return Facts(as_of=AS_OF, source=SOURCE, uncertain=uncertain)


def _flat(usd: str) -> tuple[Price, ...]:
    return (Price(usd=Decimal(usd), as_of=AS_OF),)


def _flux_2_prices(first: str, further: str) -> tuple[Price, ...]:
    """Price the first megapixel and each further one; a size that is not listed counts as the largest."""
    listed = {"1024x1024": 0, "1024x2048": 1, "2048x1024": 1, "2048x2048": 3, None: 3}
    return tuple(
        Price(usd=Decimal(first) + more * Decimal(further), size=size, as_of=AS_OF, uncertain=True)
        for size, more in listed.items()
    )


_ROUNDING = (
    "How a part of a megapixel is rounded is not published; the cost in the answer is exact."
)
_RANGE = (
    "Edges from 64 pixels are documented; a known client keeps to 256 to 2048, and so does this."
)
_INPUT_LIMIT = "The limit of 20 MB of base64 per input picture is documented for FLUX.3 only."
_NO_PROMPT = (
    "That a variation may do without a prompt is taken from the fields, which do not require it."
)
_INPUTS_ARE_BILLED = "Megapixels of input pictures are billed as well; estimates leave them out."


def _flux_2(
    name: str, title: str, references: int, price: tuple[str, str] | None, *uncertain: str
) -> Model:
    generate = Capability(sizes=_SIZES, output_formats=_FORMATS, delivers=("url",), seed=_ANY_SEED)
    return Model(
        id=f"bfl/{name}",
        title=title,
        operations=_generate_and_edit(generate, references),
        prices=_flux_2_prices(*price) if price else (),
        facts=_facts(*uncertain, _ROUNDING, _RANGE, _INPUT_LIMIT),
        notes=(_INPUTS_ARE_BILLED,),
    )


_FLUX_3 = Model(
    id="bfl/flux-3-image",
    title="FLUX.3 Image",
    operations=_generate_and_edit(
        Capability(
            sizes=Ratios(
                classes={n: ratio_pixels(_FLUX_3_RATIOS, mp) for n, mp in _FLUX_3_CLASSES.items()},
                auto=True,
            ),
            max_prompt=15_000,
            output_formats=_FORMATS,
            delivers=("url",),
        ),
        10,
    ),
    prices=(Price(usd=Decimal("0.048"), size="1K", as_of=AS_OF, uncertain=True),),
    facts=_facts(
        "Path and fields are inferred from how Comfy, Vercel and Replicate call it.",
        "The longest prompt is 15,000 characters in one source and 32,000 in another.",
        COMPUTED,
    ),
    notes=("Input pictures must have at least 256 pixels per edge.",),
)


def _kontext(name: str, title: str, usd: str) -> Model:
    generate = Capability(
        sizes=Ratios(classes={"1K": ratio_pixels(_KONTEXT_RATIOS)}, named=False),
        output_formats=("png", "jpeg", "webp"),
        delivers=("url",),
        seed=_ANY_SEED,
    )
    return Model(
        id=f"bfl/{name}",
        title=title,
        operations=_generate_and_edit(generate, 1),
        prices=_flat(usd),
        facts=_facts(COMPUTED, _INPUT_LIMIT, "More than one input picture is experimental."),
    )


def _flux_1(
    name: str, title: str, usd: str, sizes: SizeRange | Ratios, default: str | None = None
) -> Model:
    generate = Capability(
        sizes=sizes,
        default_size=default,
        output_formats=_FORMATS,
        delivers=("url",),
        seed=_ANY_SEED,
    )
    return Model(
        id=f"bfl/{name}",
        title=title,
        operations=_generate_and_vary(generate),
        prices=_flat(usd),
        facts=_facts(_INPUT_LIMIT, _NO_PROMPT, *((COMPUTED,) if isinstance(sizes, Ratios) else ())),
    )


_ULTRA_SIZES = Ratios(
    classes={"2K": ratio_pixels(("16:9", *(r for r in _KONTEXT_RATIOS if r != "16:9")), 4.0)},
    named=False,
)

_FILL = Model(
    id="bfl/flux-pro-1.0-fill",
    title="FLUX.1 Fill [pro]",
    operations={
        "edit": Capability(
            output_formats=_FORMATS,
            delivers=("url",),
            seed=_ANY_SEED,
            images=_inputs(1),
            # What is transparent in the picture could stand for it; a picture can be given as both.
            mask=Mask(polarity="white_edits", required=True),
        )
    },
    prices=_flat("0.05"),
    facts=_facts(_INPUT_LIMIT),
    notes=("The picture that comes is as large as the one that goes in.",),
)

MODELS = (
    _FLUX_3,
    _flux_2("flux-2-max", "FLUX.2 [max]", 8, ("0.07", "0.03")),
    _flux_2("flux-2-pro", "FLUX.2 [pro]", 8, ("0.03", "0.015")),
    _flux_2(
        "flux-2-pro-preview",
        "FLUX.2 [pro] preview",
        8,
        ("0.03", "0.015"),
        "Its price is taken to be that of FLUX.2 [pro].",
    ),
    _flux_2(
        "flux-2-flex",
        "FLUX.2 [flex]",
        8,
        ("0.06", "0.06"),
        "A megapixel costs 0.05 USD in some lists and 0.06 in later ones; the higher one is taken.",
    ),
    _flux_2("flux-2-klein-9b", "FLUX.2 [klein] 9B", 4, ("0.015", "0.002")),
    _flux_2("flux-2-klein-9b-preview", "FLUX.2 [klein] 9B preview", 4, None),
    _flux_2("flux-2-klein-4b", "FLUX.2 [klein] 4B", 4, ("0.014", "0.001")),
    _kontext("flux-kontext-pro", "FLUX.1 Kontext [pro]", "0.04"),
    _kontext("flux-kontext-max", "FLUX.1 Kontext [max]", "0.08"),
    _flux_1("flux-pro-1.1", "FLUX 1.1 [pro]", "0.04", _OLD_SIZES, "1024x768"),
    _flux_1("flux-pro-1.1-ultra", "FLUX 1.1 [pro] Ultra", "0.06", _ULTRA_SIZES),
    _flux_1("flux-dev", "FLUX.1 [dev]", "0.025", _OLD_SIZES),
    _FILL,
    Model(
        id="bfl/*",
        title="Any other model of Black Forest Labs",
        operations=_generate_and_edit(
            Capability(sizes=_SIZES, output_formats=_FORMATS, delivers=("url",), seed=_ANY_SEED), 8
        ),
        declared=False,
        facts=_facts(),
        notes=("Its limits and fields are those of FLUX.2 [max]; its price is unknown.",),
    ),
)

PLUGIN = jobs.provider(JOBS, *MODELS)
