"""OpenRouter's Image API: other people's models behind one endpoint, and its own word for the cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from pydantic import JsonValue

from pinxit import (
    Capability,
    Facts,
    FixedSizes,
    Image,
    InputImages,
    Model,
    Ratios,
    Seed,
    Setting,
)
from pinxit.capabilities import Sizes
from pinxit.types import Operation, Request, parse_size

from .protocols import openai_images
from .protocols.bodies import data_url
from .protocols.complaints import Vocabulary
from .protocols.endpoints import Endpoint
from .protocols.openai_images import Fields, Profile, as_json, pixels, ratio_and
from .protocols.pictures import dollars
from .protocols.ratios import COMPUTED, ratio_pixels
from .protocols.values import mapping

__all__ = ["PLUGIN"]

AS_OF = date(2026, 11, 22)
SOURCE = (
    "openrouter 1.3.84 (PyPI), and the pages on image generation, errors and app attribution "
    "on openrouter.ai"
)
_ratio_and_resolution = ratio_and("resolution")


def _size(request: Request) -> Fields:
    """Say pixels as they are, and ratios with their class: the two together are refused."""
    return pixels(request) if parse_size(request.size) else _ratio_and_resolution(request)


def _reference(image: Image) -> JsonValue:
    return {"type": "image_url", "image_url": {"url": data_url(image)}}


def _user(request: Request, capability: Capability) -> Fields:
    del capability
    return {"user": request.user or request.safety_identifier}


def _cost(answer: Mapping[str, object]) -> Decimal | None:
    return dollars(mapping(answer.get("usage")).get("cost"))


PROFILE = Profile(
    endpoint=Endpoint(
        provider="openrouter",
        base_url="https://openrouter.ai/api/v1",
        key_env=("OPENROUTER_API_KEY",),
        headers={"HTTP-Referer": "site_url", "X-Title": "site_name"},
        more=(
            Setting(name="site_url", help="Your site, for OpenRouter's rankings."),
            Setting(name="site_name", help="Your application, for OpenRouter's rankings."),
        ),
    ),
    paths={"generate": "/images", "edit": "/images"},
    # An edit is a generation that refers to pictures, always in a list.
    attach=as_json("input_references", write=_reference, limit=0),
    size=_size,
    identify=_user,
    reserved=frozenset({"input_references"}),
    cost=_cost,
    # Codes are the statuses that an answer should have had, as numbers.
    vocabulary=Vocabulary(
        refused_fields=frozenset({"reasons", "flagged_input"}),
        refused_words=("content policy", "safety system"),
        spent=frozenset({"402"}),
        limited=frozenset({"429"}),
        # What moderation flagged has metadata; without it a key has met its limit.
        unauthorised=frozenset({"401", "403"}),
        unknown=frozenset({"404"}),
        callers_fault=frozenset({"400", "413"}),
    ),
)

_COMMON = ("1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9")
_ALL = (
    "1:1", "1:2", "1:4", "1:8", "2:1", "2:3", "2.35:1", "3:2", "3:4", "4:1", "4:3", "4:5", "5:2", "5:4",
    "5:7", "7:5", "8:1", "9:16", "16:9", "9:19.5", "19.5:9", "9:20", "20:9", "9:21", "21:9",
)  # fmt: skip
_ONE = Ratios(classes={"1K": ratio_pixels(_COMMON)}, named=False, auto=True)
_TWO = Ratios(classes={"1K": ratio_pixels(_COMMON), "2K": ratio_pixels(_COMMON, 4)}, auto=True)
_THREE = Ratios(
    classes={"1K": ratio_pixels(_ALL), "2K": ratio_pixels(_ALL, 4), "4K": ratio_pixels(_ALL, 16)},
    auto=True,
)
_GPT = FixedSizes(values=("1024x1024", "1536x1024", "1024x1536"))


def _operations(
    sizes: Sizes, inputs: int, *, words: bool = False, seed: Seed | None = None
) -> dict[Operation, Capability]:
    """Return what a model does; *words* are the vocabularies that only OpenAI's models have."""
    generate = Capability(
        sizes=sizes,
        qualities=("auto", "low", "medium", "high", "xhigh", "max") if words else (),
        backgrounds=("auto", "opaque", "transparent") if words else (),
        output_formats=("png", "jpeg", "webp"),
        compression=("jpeg", "webp") if words else (),
        seed=seed,
        streaming=words,
    )
    if not inputs:
        return {"generate": generate}
    limits = InputImages(max=inputs, formats=("png", "jpeg", "webp"))
    return {"generate": generate, "edit": generate.model_copy(update={"images": limits})}


class _Row(NamedTuple):
    """One model; its limits are those of its maker, less what could not be established here."""

    name: str
    title: str
    sizes: Sizes
    inputs: int
    words: bool = False


_ROWS = (
    _Row("openai/gpt-image-2.5-sunburst", "GPT Image 2.5 Sunburst", _GPT, 16, words=True),
    _Row("google/gemini-nano-banana-2.1", "Gemini Nano Banana 2.1", _TWO, 14),
    _Row("google/gemini-3-pro-image", "Gemini 3 Pro Image", _TWO, 14),
    _Row("black-forest-labs/flux-3-image", "FLUX.3", _TWO, 10),
    _Row("bytedance-seed/seedream-5-0-pro", "Seedream 5.0 Pro", _TWO, 10),
    _Row("x-ai/grok-imagine-image-2.0", "Grok Imagine 2.0", _TWO, 5),
    _Row("recraft/recraft-v4.1-pro", "Recraft V4.1 Pro", _ONE, 0),
    _Row("microsoft/mai-image-2.6", "MAI Image 2.6", _ONE, 1),
)

_UNCERTAIN = (
    "OpenRouter's list of models is read at run time; this name comes from others' programs.",
    COMPUTED,
    "Providers may clamp a ratio to one of theirs without a word.",
    "Whether every provider heeds output_format is not documented.",
    "How refusals of the provider behind are told is not documented; metadata and words are looked at.",
    "Limits of input pictures are those of the model's maker.",
)
_NOTES = (
    "n is an upper bound here and many providers refuse more than one, so that each call asks for one.",
    "The price is what the answer says; `extra` takes provider (order, only, options), session_id, trace.",
)


def _facts() -> Facts:
    return Facts(as_of=AS_OF, source=SOURCE, uncertain=_UNCERTAIN)


def _model(row: _Row) -> Model:
    return Model(
        id=f"openrouter/{row.name}",
        title=row.title,
        operations=_operations(row.sizes, row.inputs, words=row.words),
        facts=_facts(),
        notes=_NOTES,
        # Its names are those of other people's models.
        bare_name=False,
    )


UNDECLARED = Model(
    id="openrouter/*",
    title="Any other model at OpenRouter",
    operations=_operations(_THREE, 16, words=True, seed=Seed(max=2**31 - 1, best_effort=True)),
    declared=False,
    facts=_facts(),
    notes=_NOTES,
    bare_name=False,
)

PLUGIN = openai_images.provider(PROFILE, *map(_model, _ROWS), UNDECLARED)
"""The models whose names are known, and whatever else OpenRouter serves."""
