"""The living GPT image models. They generate and edit, answer in base64 and can stream."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from pinxit import (
    Capability,
    Facts,
    InputImages,
    Lifecycle,
    Mask,
    Model,
    Succession,
    TokenPrices,
)
from pinxit.capabilities import Sizes
from pinxit.types import Operation
from pinxit_providers.protocols.gpt_image import (
    FIXED,
    FLEXIBLE,
    MORE_QUALITIES,
    QUALITIES,
    STYLE_WORDS,
    TOKENS_1,
    TOKENS_2,
    TOKENS_2_5,
)

from ._facts import AS_OF, SOURCE, UPLOAD_LIMIT

__all__ = ["DEFAULTS", "MODELS", "NOTES", "UNDECLARED", "operations"]

DEFAULTS: dict[Literal["size", "response_format"], str] = {"response_format": "b64_json"}
NOTES = (
    "gif and svg output are gated previews and are not declared.",
    "moderation is documented for generations and JSON edits, not for the multipart edits sent here.",
)


def operations(
    *,
    sizes: Sizes,
    qualities: tuple[str, ...] = QUALITIES,
    fidelities: tuple[str, ...] = (),
    complexities: tuple[str, ...] = (),
    markup: bool = False,
) -> dict[Operation, Capability]:
    """Return what a GPT image model does; the arguments are what the generations differ in."""
    generate = Capability(
        sizes=sizes,
        max_n=10,
        max_prompt=32_000,
        qualities=qualities,
        quality_map={"hd": "high", "standard": "medium"},
        style_words=STYLE_WORDS,
        backgrounds=("auto", "transparent", "opaque"),
        output_formats=("png", "jpeg", "webp"),
        compression=("jpeg", "webp"),
        moderations=("auto", "low"),
        complexities=complexities,
        streaming=True,
        partial_images=3,
    )
    edit = {
        "moderations": (),
        "input_fidelities": fidelities,
        "images": InputImages(max=16, formats=("png", "webp", "jpeg"), max_bytes=50 * 2**20 - 1),
        "mask": Mask(polarity="transparent_edits", max_bytes=UPLOAD_LIMIT, soft=True),
        "markup": markup,
    }
    return {"generate": generate, "edit": generate.model_copy(update=edit)}


def _tokens(
    image_in: str,
    image_out: str,
    per_image: dict[str, dict[str, int]],
    *,
    text_in: str = "5",
    text_out: str | None = None,
    uncertain: bool = True,
) -> TokenPrices:
    return TokenPrices(
        text_in=Decimal(text_in),
        image_in=Decimal(image_in),
        image_out=Decimal(image_out),
        text_out=None if text_out is None else Decimal(text_out),
        per_image=per_image,
        as_of=AS_OF,
        uncertain=uncertain,
    )


def _shutdown(successor: str) -> Lifecycle:
    """Return the end that OpenAI announced for the models before GPT Image 2."""
    return Lifecycle(retired=date(2026, 12, 1), successor=Succession(model=f"openai/{successor}"))


_MASK_LIMIT = (
    "Masks: the API reference says less than 4 MB, the guide 50 MB; the smaller limit is kept."
)
_THIRD_PARTY = "Output tokens per image come from third-party copies of OpenAI's calculator."
_SAME_AS_2_5 = "Sizes and output tokens of 2.6 are taken to be those of 2.5."


class _Row(NamedTuple):
    """What one model does not share with its family."""

    name: str
    title: str
    operations: dict[Operation, Capability]
    tokens: TokenPrices
    lifecycle: Lifecycle = Lifecycle()
    snapshot: str | None = None
    uncertain: tuple[str, ...] = ()


_2_6 = operations(
    sizes=FLEXIBLE,
    qualities=MORE_QUALITIES,
    complexities=("low", "medium", "high"),
    markup=True,
)
_2_6_UNCERTAIN = (
    _SAME_AS_2_5,
    _THIRD_PARTY,
    "complexity: no source names the models that take it; 2.6 is the likely one.",
    "markup is documented for 2.5; 2.6 is taken to have it too.",
    "No dated snapshot of 2.6 was seen.",
)
_2_5 = operations(sizes=FLEXIBLE, qualities=MORE_QUALITIES, markup=True)
_NEW_TOKENS = _tokens("8", "30", TOKENS_2_5)
_1_5_TOKENS = _tokens("8", "32", TOKENS_1, text_out="10", uncertain=False)
_TEXT_OUT = (
    "How many text tokens come out is not known beforehand; they are not part of the estimate."
)

_ROWS = (
    _Row(
        "gpt-image-2.6-sunburst",
        "GPT Image 2.6 Sunburst",
        _2_6,
        _NEW_TOKENS,
        Lifecycle(released=date(2026, 11, 4)),
        uncertain=_2_6_UNCERTAIN,
    ),
    _Row(
        "gpt-image-2.6-flare",
        "GPT Image 2.6 Flare",
        _2_6,
        _NEW_TOKENS,
        Lifecycle(released=date(2026, 11, 4)),
        uncertain=(*_2_6_UNCERTAIN, "Flare is taken to cost the same per token as sunburst."),
    ),
    _Row(
        "gpt-image-2.5-sunburst",
        "GPT Image 2.5 Sunburst",
        _2_5,
        _NEW_TOKENS,
        snapshot="2026-09-08",
        uncertain=(_THIRD_PARTY,),
    ),
    _Row(
        "gpt-image-2.5-flare",
        "GPT Image 2.5 Flare",
        _2_5,
        _NEW_TOKENS,
        snapshot="2026-09-08",
        uncertain=(_THIRD_PARTY,),
    ),
    _Row(
        "gpt-image-2",
        "GPT Image 2",
        operations(sizes=FLEXIBLE),
        _tokens("8", "30", TOKENS_2),
        snapshot="2026-04-21",
        uncertain=(
            _THIRD_PARTY,
            "A transparent background is a preview; earlier guide text calls it unsupported.",
        ),
    ),
    _Row(
        "gpt-image-1.5",
        "GPT Image 1.5",
        operations(sizes=FIXED, fidelities=("low", "high")),
        _1_5_TOKENS,
        _shutdown("gpt-image-2.6-sunburst"),
        snapshot="2025-12-16",
        uncertain=(_TEXT_OUT,),
    ),
    _Row(
        "gpt-image-1-mini",
        "GPT Image 1 Mini",
        operations(sizes=FIXED, fidelities=("low",)),
        _tokens("2.5", "8", TOKENS_1, text_in="2"),
        _shutdown("gpt-image-2.6-flare"),
        uncertain=(
            "OpenAI names no single successor; gpt-image-2.6-flare is the likely one.",
            "Listed prices (0.005, 0.011 and 0.036 USD for 1024x1024) are above tokens times rate.",
        ),
    ),
    _Row(
        "chatgpt-image-latest",
        "ChatGPT Image (latest)",
        operations(sizes=FIXED),
        _1_5_TOKENS,
        _shutdown("gpt-image-2.6-sunburst"),
        uncertain=(_TEXT_OUT, "Sources differ on whether it takes input_fidelity; it is not sent."),
    ),
)


def _model(row: _Row) -> Model:
    snapshot = f"{row.name}-{row.snapshot}" if row.snapshot else None
    return Model(
        id=f"openai/{row.name}",
        title=row.title,
        operations=row.operations,
        aliases=(snapshot, f"openai/{snapshot}") if snapshot else (),
        defaults=DEFAULTS,
        tokens=row.tokens,
        lifecycle=row.lifecycle,
        facts=Facts(as_of=AS_OF, source=SOURCE, uncertain=(*row.uncertain, _MASK_LIMIT)),
        notes=NOTES,
    )


MODELS = tuple(_model(row) for row in _ROWS)
"""Newest first."""

UNDECLARED = Model(
    id="openai/*",
    title="Any other model of OpenAI",
    operations=_2_6,
    defaults=DEFAULTS,
    declared=False,
    facts=Facts(as_of=AS_OF, source=SOURCE),
    notes=("Its limits are those of GPT Image 2.6; its price is unknown.",),
)
"""A model that OpenAI released after this was written, as far as one can know it."""
