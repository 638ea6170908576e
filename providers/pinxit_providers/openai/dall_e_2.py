"""DALL·E 2: small square pictures, and the only one of OpenAI's models that made variations."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pinxit import (
    Capability,
    Facts,
    FixedSizes,
    InputImages,
    Lifecycle,
    Mask,
    Model,
    Price,
    Succession,
)

from ._facts import AS_OF, SOURCE, UPLOAD_LIMIT

__all__ = ["MODEL"]

_USD = {"256x256": "0.016", "512x512": "0.018", "1024x1024": "0.02"}

_VARIATION = Capability(
    sizes=FixedSizes(values=tuple(_USD)),
    default_size="1024x1024",
    max_n=10,
    delivers=("url", "b64_json"),
    images=InputImages(max=1, formats=("png",), max_bytes=UPLOAD_LIMIT, square=True),
)
_EDIT = _VARIATION.model_copy(
    update={
        "max_prompt": 1000,
        "mask": Mask(polarity="transparent_edits", max_bytes=UPLOAD_LIMIT),
    }
)
_GENERATE = _EDIT.model_copy(update={"qualities": ("standard",), "images": None, "mask": None})

MODEL = Model(
    id="openai/dall-e-2",
    title="DALL·E 2",
    operations={"generate": _GENERATE, "edit": _EDIT, "variation": _VARIATION},
    defaults={"size": "1024x1024", "response_format": "url"},
    prices=tuple(Price(usd=Decimal(usd), size=size, as_of=AS_OF) for size, usd in _USD.items()),
    lifecycle=Lifecycle(
        retired=date(2026, 5, 12),
        successor=Succession(
            model="openai/gpt-image-2.5-flare",
            quality={"standard": "medium"},
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
    notes=("Prices are those of its lifetime at OpenAI.", "URLs live for 60 minutes."),
)
