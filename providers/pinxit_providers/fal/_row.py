"""What a row of the table of fal's models says, and what many rows share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pinxit import Mask, Ratios, Seed, SizeRange
from pinxit.capabilities import Sizes

from ._dialect import Dialect, Dialects

__all__ = [
    "ALWAYS_WHITE",
    "FLUX_2",
    "FORMAT",
    "JPEG_FIRST",
    "LANDSCAPE",
    "PNG_FIRST",
    "PRESETS",
    "PRESET_RANGE",
    "RANGE",
    "REFERENCES",
    "SQUARE",
    "WHITE",
    "Row",
    "one_class",
    "pair",
    "takes",
]

_SEED = Seed(max=2**31 - 1)
JPEG_FIRST = ("jpeg", "png")
PNG_FIRST = ("png", "jpeg", "webp")
WHITE = Mask(polarity="white_edits")
ALWAYS_WHITE = Mask(polarity="white_edits", required=True)

PRESETS = ("1024x1024", "512x512", "768x1024", "576x1024", "1024x768", "1024x576")
PRESET_RANGE = SizeRange(min_edge=512, max_edge=1024, multiple_of=16, listed=PRESETS)
FLUX_1 = SizeRange(min_edge=256, max_edge=1440, multiple_of=32, listed=PRESETS)
FLUX_2 = SizeRange(
    min_edge=256, max_edge=2048, multiple_of=16, max_pixels=2048 * 2048, listed=PRESETS
)
LANDSCAPE, SQUARE = "1024x768", "1024x1024"


RANGE = "fal takes any width and height; the limits are those of the vendor, or of fal's presets."
REFERENCES = "fal publishes no limit of input pictures; it is the vendor's own."
FORMAT = "What format comes is not published."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model.

    Attributes:
        name: fal's id of it: that of the endpoint that generates, where there is one.
        takes: What all its operations share.
        edits: In what an edit differs.
        references: Input pictures of an edit.
        mask: How an edit takes a mask.
        usd: Prices per class of size or per quality; with an empty key for all.
    """

    name: str
    title: str
    dialects: Dialects
    takes: dict[str, Any]
    edits: dict[str, Any] = field(default_factory=dict[str, Any])
    references: int = 1
    mask: Mask | None = None
    usd: Mapping[str, str] = field(default_factory=dict[str, str])
    per_megapixel: str = ""
    uncertain: tuple[str, ...] = ()


def takes(
    sizes: Sizes | None,
    *,
    formats: tuple[str, ...] = JPEG_FIRST,
    n: int = 4,
    seed: bool = True,
    **more: Any,
) -> dict[str, Any]:
    return {
        "sizes": sizes,
        "output_formats": formats,
        "max_n": n,
        "seed": _SEED if seed else None,
        "delivers": ("url",),
        **more,
    }


def pair(name: str, edit: str = "edit", **knobs: Any) -> Dialects:
    """Return the endpoints of a model that edits lists of pictures below its own path."""
    return Dialects(
        generate=Dialect(path=name, **knobs),
        edit=Dialect(path=f"{name}/{edit}", image="image_urls", **knobs),
    )


def one_class(sizes: dict[str, str]) -> Ratios:
    return Ratios(classes={"1K": sizes}, named=False)
