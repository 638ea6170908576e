"""xAI's Grok Imagine: ratios and two resolutions; edits are JSON, and refusals hide in successes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from pydantic import JsonValue

from pinxit import (
    Capability,
    ContentRejected,
    Facts,
    Image,
    InputImages,
    Lifecycle,
    Model,
    Price,
    Ratios,
    Succession,
)
from pinxit.capabilities import Sizes
from pinxit.types import Operation, Request

from .protocols import openai_images
from .protocols.bodies import data_url
from .protocols.complaints import Vocabulary
from .protocols.endpoints import Endpoint
from .protocols.openai_images import Fields, Profile, as_json, ratio_and
from .protocols.pictures import dollars
from .protocols.ratios import COMPUTED, ratio_pixels
from .protocols.values import mapping

__all__ = ["PLUGIN"]

AS_OF = date(2026, 11, 22)
SOURCE = (
    "xai-sdk 1.21.0 (PyPI), xai-org/xai-proto 9700be4, @ai-sdk/xai 5.0.12 (npm), and the image guides, "
    "the models page and the migration notices on docs.x.ai"
)

_TICKS_PER_DOLLAR = 10**10
_RATIOS = (
    "1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9", "9:20", "20:9", "1:2", "2:1",
)  # fmt: skip


def _classes(*more: str) -> Ratios:
    ratios = (*_RATIOS, *more)
    return Ratios(classes={"1K": ratio_pixels(ratios), "2K": ratio_pixels(ratios, 4.0)}, auto=True)


_SIZES = _classes()


def _reference(image: Image) -> dict[str, JsonValue]:
    return {"type": "image_url", "url": data_url(image)}


def _user(request: Request, capability: Capability) -> Fields:
    del capability
    return {"user": request.user or request.safety_identifier}


def _refused_picture(item: Mapping[str, object]) -> ContentRejected | None:
    """Read the flag of an item; a refused one has no picture."""
    if item.get("respect_moderation") is not False:
        return None
    return ContentRejected(
        "the picture was withheld by xAI's moderation", upstream_status=200, billing="billed"
    )


def _refused_whole(answer: Mapping[str, object]) -> ContentRejected | None:
    """Read an empty list: xAI may leave refused pictures out altogether."""
    if answer.get("data") != []:
        return None
    return ContentRejected(
        "all pictures were withheld by xAI's moderation", upstream_status=200, billing="billed"
    )


def _cost(answer: Mapping[str, object]) -> Decimal | None:
    return dollars(mapping(answer.get("usage")).get("cost_in_usd_ticks"), per=_TICKS_PER_DOLLAR)


PROFILE = Profile(
    endpoint=Endpoint(
        provider="xai",
        base_url="https://api.x.ai/v1",
        key_env=("XAI_API_KEY",),
    ),
    attach=as_json("image", "images", write=_reference, limit=1),
    # Its own word is 1k, in small letters.
    size=ratio_and("resolution", case=str.lower),
    response_format={"url": "url", "b64_json": "b64_json"},
    identify=_user,
    judge=_refused_picture,
    judge_whole=_refused_whole,
    cost=_cost,
    vocabulary=Vocabulary(refused_words=("content moderation", "content policy")),
)


def _operations(
    *, sizes: Sizes | None = _SIZES, qualities: tuple[str, ...] = (), inputs: int = 0
) -> dict[Operation, Capability]:
    generate = Capability(
        sizes=sizes,
        max_n=10,
        qualities=qualities,
        default_quality="medium" if qualities else None,
        output_formats=("jpeg",),
        delivers=("url", "b64_json"),
    )
    if not inputs:
        return {"generate": generate}
    limits = InputImages(max=inputs, formats=("png", "jpeg", "webp"), max_bytes=10 * 2**20)
    return {
        "generate": generate,
        # An edit of one picture has the shape of that picture.
        "edit": generate.model_copy(update={"sizes": None, "images": limits}),
    }


def _facts(*uncertain: str) -> Facts:
    return Facts(as_of=AS_OF, source=SOURCE, uncertain=uncertain)


def _price(
    usd: str,
    *,
    quality: str | None = None,
    size: str | None = None,
    operation: Operation | None = None,
    uncertain: bool = False,
) -> Price:
    return Price(
        usd=Decimal(usd),
        quality=quality,
        size=size,
        operation=operation,
        as_of=AS_OF,
        uncertain=uncertain,
    )


_LIMITS = (
    "The limit of 10 MB for an input picture is a comment of May 2026 in the API's definition.",
    "No limit of the prompt was found.",
    "The status of an outright refusal is not documented; messages that name content moderation or "
    "content policy count as refusals.",
    "A wrong key has been reported to give 400 instead of 401.",
)
_EDITS = (
    "An edit of one picture keeps its ratio, so that sizes are declared for generations only; "
    "`extra` can carry aspect_ratio and resolution.",
    "Estimates of edits leave out what input pictures cost.",
)

_WIDEST = _operations(
    sizes=_classes("21:9", "5:2"),
    qualities=("low", "medium"),
    inputs=5,
)


def _redirected(retired: date, successor: str, **defaults: str) -> Lifecycle:
    return Lifecycle(
        retired=retired, successor=Succession(model=f"xai/{successor}", defaults=defaults)
    )


MODELS = (
    Model(
        id="xai/grok-imagine-image-2.0",
        title="Grok Imagine 2.0",
        operations=_WIDEST,
        prices=(
            _price("0.04", quality="low", size="1K"),
            _price("0.06", quality="medium", size="1K"),
            _price("0.06", quality="low", size="2K"),
            _price("0.08", quality="medium", size="2K"),
            # Which class an edit has unasked is not said; the smaller one is what generations have.
            _price("0.04", quality="low", operation="edit", uncertain=True),
            _price("0.06", operation="edit", uncertain=True),
        ),
        facts=_facts(
            COMPUTED, *_LIMITS, "The ratios 21:9 and 5:2 are in the guide, not in xAI's own client."
        ),
        notes=(*_EDITS, "Each input picture costs 0.01 USD more."),
    ),
    Model(
        id="xai/grok-imagine-image",
        title="Grok Imagine",
        operations=_operations(inputs=3),
        aliases=("grok-imagine-image-2026-03-02", "xai/grok-imagine-image-2026-03-02"),
        prices=(_price("0.02"),),
        facts=_facts(COMPUTED, *_LIMITS, "What an input picture costs is not known."),
        notes=_EDITS,
    ),
    Model(
        id="xai/grok-imagine-image-quality",
        title="Grok Imagine Quality",
        operations=_operations(inputs=3),
        prices=(_price("0.05"),),
        lifecycle=_redirected(date(2026, 11, 2), "grok-imagine-image-2.0", quality="low"),
        facts=_facts(COMPUTED, "It is taken to have had the limits of grok-imagine-image."),
    ),
    Model(
        id="xai/grok-imagine-image-pro",
        title="Grok Imagine Pro",
        operations=_operations(inputs=3),
        prices=(_price("0.05"),),
        lifecycle=_redirected(date(2026, 5, 15), "grok-imagine-image-2.0", quality="low"),
        facts=_facts(
            COMPUTED,
            "It is taken to have had the limits of grok-imagine-image.",
            "That it is redirected as grok-imagine-image-quality is, is not certain.",
        ),
    ),
    Model(
        id="xai/grok-2-image",
        title="Grok 2 Image",
        operations=_operations(sizes=None),
        aliases=("grok-2-image-1212", "xai/grok-2-image-1212"),
        prices=(_price("0.07"),),
        lifecycle=_redirected(AS_OF, "grok-imagine-image"),
        facts=_facts(
            "It is no longer listed; the day of its end was not found, that of these facts stands for it.",
            "xAI names no successor; grok-imagine-image is the likely one.",
        ),
    ),
    Model(
        id="xai/*",
        title="Any other model of xAI",
        operations=_WIDEST,
        declared=False,
        facts=_facts(COMPUTED, *_LIMITS),
        notes=("Its limits are those of Grok Imagine 2.0; its price is unknown.",),
    ),
)

PLUGIN = openai_images.provider(PROFILE, *MODELS)
"""The living models, the retired ones, and whatever else xAI serves."""
