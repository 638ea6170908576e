"""GPT Image 1: retired at OpenAI, spoken by proxies and servers of one's own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pinxit import Facts, Lifecycle, Model, Succession, TokenPrices
from pinxit_providers.protocols.gpt_image import FIXED, TOKENS_1

from ._facts import AS_OF, SOURCE
from .gpt_image import DEFAULTS, NOTES, operations

__all__ = ["MODEL"]

MODEL = Model(
    id="openai/gpt-image-1",
    title="GPT Image 1",
    operations=operations(sizes=FIXED, fidelities=("low", "high")),
    defaults=DEFAULTS,
    tokens=TokenPrices(
        text_in=Decimal(5),
        image_in=Decimal(10),
        image_out=Decimal(40),
        per_image=TOKENS_1,
        as_of=AS_OF,
    ),
    lifecycle=Lifecycle(
        retired=date(2026, 10, 23), successor=Succession(model="openai/gpt-image-2.5-sunburst")
    ),
    facts=Facts(as_of=AS_OF, source=SOURCE),
    notes=NOTES,
)
