"""DALL·E 3: one large picture per call, with a style; it rewrites the prompt."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pinxit import (
    Capability,
    Facts,
    FixedSizes,
    Lifecycle,
    Model,
    Price,
    Succession,
)
from pinxit_providers.protocols.gpt_image import STYLE_WORDS

from ._facts import AS_OF, SOURCE

__all__ = ["MODEL"]


def _price(usd: str, *, size: str | None = None, quality: str | None = None) -> Price:
    return Price(usd=Decimal(usd), size=size, quality=quality, as_of=AS_OF)


MODEL = Model(
    id="openai/dall-e-3",
    title="DALL·E 3",
    operations={
        "generate": Capability(
            sizes=FixedSizes(values=("1024x1024", "1792x1024", "1024x1792")),
            default_size="1024x1024",
            max_prompt=4000,
            qualities=("standard", "hd"),
            default_quality="standard",
            styles=("vivid", "natural"),
            delivers=("url", "b64_json"),
        )
    },
    defaults={"size": "1024x1024", "response_format": "url"},
    prices=(
        _price("0.08", size="1024x1024", quality="hd"),
        _price("0.12", quality="hd"),
        _price("0.04", size="1024x1024"),
        _price("0.08"),
    ),
    lifecycle=Lifecycle(
        retired=date(2026, 5, 12),
        successor=Succession(
            model="openai/gpt-image-2.5-sunburst",
            quality={"hd": "high", "standard": "medium"},
            style_words=STYLE_WORDS,
            defaults={"quality": "medium"},
        ),
    ),
    facts=Facts(
        as_of=AS_OF,
        source=SOURCE,
        uncertain=(
            "No source states the size of generations when none is sent.",
            "OpenAI names no successor; the one that is declared is the likely one.",
        ),
    ),
    notes=(
        "Prices are those of its lifetime at OpenAI.",
        "Answers carry revised_prompt; URLs live for 60 minutes.",
    ),
)
