"""What OpenAI's GPT Image models take, wherever they are served.

Sources: the image generation guide and openai/openai-openapi f85dbe2; output tokens per picture come from
third-party copies of OpenAI's calculator.
"""

from __future__ import annotations

from pinxit import FixedSizes, SizeRange

__all__ = [
    "FIXED",
    "FLEXIBLE",
    "MORE_QUALITIES",
    "QUALITIES",
    "STYLE_WORDS",
    "TOKENS_1",
    "TOKENS_2",
    "TOKENS_2_5",
]

_SQUARE, _TALL, _WIDE = "1024x1024", "1024x1536", "1536x1024"
FIXED = FixedSizes(values=(_SQUARE, _WIDE, _TALL), auto=True)
FLEXIBLE = SizeRange(
    min_edge=16,
    max_edge=3840,
    multiple_of=16,
    max_ratio=3,
    min_pixels=655_360,
    max_pixels=8_294_400,
    listed=FIXED.values,
    auto=True,
)
QUALITIES = ("auto", "low", "medium", "high")
MORE_QUALITIES = (*QUALITIES, "xhigh", "max")

TOKENS_1 = {
    "low": {_SQUARE: 272, _TALL: 408, _WIDE: 400},
    "medium": {_SQUARE: 1056, _TALL: 1584, _WIDE: 1568},
    "high": {_SQUARE: 4160, _TALL: 6240, _WIDE: 6208},
}
# Sizes that a table does not list are scaled from those that it does.
TOKENS_2 = {
    "low": {_SQUARE: 196, _TALL: 158},
    "medium": {_SQUARE: 1756, _TALL: 1372},
    "high": {_SQUARE: 7024, _TALL: 5488},
}
TOKENS_2_5 = {
    "low": {_SQUARE: 196, _TALL: 158},
    "medium": {_SQUARE: 439, _TALL: 343},
    "high": {_SQUARE: 1756, _TALL: 1372},
    "xhigh": {_SQUARE: 3122, _TALL: 2459},
    "max": {_SQUARE: 7024, _TALL: 5488},
}

STYLE_WORDS = {
    "vivid": "Style: vivid, dramatic, hyper-real.",
    "natural": "Style: natural, less hyper-real.",
}
"""What DALL·E 3's styles mean, in the words of the API reference."""
