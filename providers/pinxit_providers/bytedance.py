"""ByteDance's Seedream and SeedEdit, on BytePlus ModelArk or on Volcengine Ark."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from pinxit import (
    Capability,
    Context,
    Facts,
    FixedSizes,
    InputImages,
    Lifecycle,
    Model,
    Price,
    Seed,
    SizeRange,
)
from pinxit.capabilities import Sizes
from pinxit.types import Operation, Request

from .protocols import openai_images
from .protocols.complaints import Vocabulary
from .protocols.endpoints import Endpoint
from .protocols.openai_images import Profile, as_json

__all__ = ["PLUGIN"]

AS_OF = date(2026, 11, 22)
SOURCE = (
    "volcengine_ark_runtime 5.0.54, @ai-sdk/bytedance 1.0.29 (npm), comfy-cli 1.23.0, and the image API and "
    "error codes on docs.byteplus.com (ModelArk) and volcengine.com/docs/82379"
)

ENDPOINT = Endpoint(
    provider="bytedance",
    base_url="https://ark.ap-southeast.bytepluses.com/api/v3",
    bases={
        "byteplus": "https://ark.ap-southeast.bytepluses.com/api/v3",
        "volcengine": "https://ark.cn-beijing.volces.com/api/v3",
    },
    # A key of Volcengine in its own variable is not for BytePlus, which is called by default.
    key_env=("ARK_API_KEY", "BYTEPLUS_API_KEY"),
)


def _name(request: Request, model: Model, context: Context) -> str:
    """Return a model's name on the cloud that is called: Volcengine puts its own brand before it."""
    del request
    volcengine = ENDPOINT.url(context, "").host.endswith(".volces.com")
    branded = volcengine and model.name.startswith(("seedream-", "seededit-"))
    return f"doubao-{model.name}" if branded else model.name


PROFILE = Profile(
    endpoint=ENDPOINT,
    paths={"generate": "/images/generations", "edit": "/images/generations"},
    attach=as_json("image", limit=1),
    n="",
    response_format={"url": "url", "b64_json": "b64_json"},
    # Pictures are marked unless one says otherwise.
    defaults={"watermark": False},
    # The model would decide how many pictures are made and billed.
    reserved=frozenset(
        {"sequential_image_generation", "sequential_image_generation_options", "response_format"}
    ),
    vocabulary=Vocabulary(
        refused_parts=("SensitiveContentDetected", "RiskDetection"),
        spent=frozenset({"AccountOverdue", "AccountOverdueError", "QuotaExceeded"}),
        unauthorised=frozenset({"AuthenticationError", "AccessDenied"}),
        unknown=frozenset({"InvalidEndpointOrModel.NotFound", "ModelNotOpen"}),
    ),
    model_name=_name,
)


def _area(least: int, most: int) -> SizeRange:
    """Return the rule of Seedream 4 and later: bounds of the area, and a ratio of 16 at most."""
    return SizeRange(
        min_edge=256,
        max_edge=16384,
        max_ratio=16,
        min_pixels=least,
        max_pixels=most,
        listed=_LISTED,
    )


_LISTED = ("2048x2048", "2304x1728", "1728x2304", "2496x1664", "1664x2496", "3024x1296")
_SEED = Seed(max=2**31 - 1)
_MOST = 4096 * 4096
_LONGEST_EDGE = 6000
"""Pixels: no picture within it has more than the 36 megapixels that Ark takes."""


class _Row(NamedTuple):
    """One model, where it differs."""

    name: str
    title: str
    sizes: Sizes | None
    usd: tuple[tuple[str | None, str], ...]
    inputs: int = 14
    formats: tuple[str, ...] = ("jpeg",)
    seed: Seed | None = None
    generates: bool = True
    lifecycle: Lifecycle = Lifecycle()
    uncertain: tuple[str, ...] = ()


_ROWS = (
    _Row(
        "seedream-5-0-pro-260628",
        "Seedream 5.0 Pro",
        SizeRange(
            min_edge=256,
            max_edge=8192,
            max_ratio=16,
            min_pixels=1024 * 1024,
            max_pixels=2048 * 2048,
            listed=("1024x1024", "2048x2048"),
        ),
        (("1024x1024", "0.045"), ("2048x2048", "0.09")),
        inputs=10,
        formats=("jpeg", "png"),
        uncertain=(
            "Prices are for the classes 1K and 2K; sizes between them are estimated by the dearer rate.",
            "The ratios that it takes are taken to be those of Seedream 4.",
        ),
    ),
    _Row(
        "seedream-5-0-260128",
        "Seedream 5.0 Lite",
        FixedSizes(values=(*_LISTED, "2848x1600")),
        ((None, "0.035"),),
        formats=("jpeg", "png"),
        uncertain=(
            "Sizes up to about 3072x3072 are spoken of without bounds; only the listed ones are declared.",
        ),
    ),
    _Row(
        "seedream-4-5-251128",
        "Seedream 4.5",
        _area(2560 * 1440, _MOST),
        ((None, "0.04"),),
    ),
    _Row(
        "seedream-4-0-250828",
        "Seedream 4.0",
        _area(1024 * 1024, _MOST),
        ((None, "0.03"),),
        uncertain=(
            "The smallest area is 1280x720 in one source and 1024x1024 in another; the larger is kept.",
        ),
    ),
    _Row(
        "seedream-3-0-t2i-250415",
        "Seedream 3.0",
        SizeRange(min_edge=512, max_edge=2048),
        (),
        inputs=0,
        seed=_SEED,
        lifecycle=Lifecycle(deprecated=AS_OF),
        uncertain=("The day of its deprecation was not found; that of these facts stands for it.",),
    ),
    _Row(
        "seededit-3-0-i2i-250628",
        "SeedEdit 3.0",
        None,
        (),
        inputs=1,
        seed=_SEED,
        generates=False,
    ),
)

_UNCERTAIN = ("Input pictures may have 10 MB in older documents and 30 MB in newer ones.",)
_NOTES = (
    "`extra` takes watermark (false unless given), guidance_scale, optimize_prompt_options, tools.",
    "Bare names also work with Volcengine's doubao- before them.",
    "Input pictures have more than 14 pixels per edge and a ratio of 16 at most.",
)


def _operations(row: _Row) -> dict[Operation, Capability]:
    capability = Capability(
        sizes=row.sizes,
        seed=row.seed,
        output_formats=row.formats,
        delivers=("url", "b64_json"),
    )
    operations: dict[Operation, Capability] = {"generate": capability} if row.generates else {}
    if row.inputs:
        limits = InputImages(
            max=row.inputs, formats=("jpeg", "png"), max_bytes=10_000_000, max_edge=_LONGEST_EDGE
        )
        operations["edit"] = capability.model_copy(update={"images": limits})
    return operations


def _model(row: _Row) -> Model:
    branded = f"doubao-{row.name}"
    return Model(
        id=f"bytedance/{row.name}",
        title=row.title,
        operations=_operations(row),
        aliases=(branded, f"bytedance/{branded}"),
        prices=tuple(Price(usd=Decimal(usd), size=size, as_of=AS_OF) for size, usd in row.usd),
        lifecycle=row.lifecycle,
        facts=Facts(as_of=AS_OF, source=SOURCE, uncertain=(*row.uncertain, *_UNCERTAIN)),
        notes=_NOTES,
    )


UNDECLARED = Model(
    id="bytedance/*",
    title="Any other model or endpoint of Ark",
    operations=_operations(_ROWS[3]),
    declared=False,
    facts=Facts(
        as_of=AS_OF,
        source=SOURCE,
        uncertain=(
            "Names and prices of Seedream 5.0 Flash and 5.5 were seen with third parties only.",
        ),
    ),
    notes=("Endpoints of one's own (ep-...) are called by their ids.",),
)

PLUGIN = openai_images.provider(PROFILE, *map(_model, _ROWS), UNDECLARED)
"""Seedream and SeedEdit, newest first, and whatever else Ark serves."""
