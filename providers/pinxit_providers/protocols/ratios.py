"""Pixels of ratios that several providers share, or that vendors publish only the area of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

__all__ = ["COMPUTED", "GEMINI_3", "MEGAPIXEL", "ratio_pixels"]

MEGAPIXEL = 1024 * 1024

COMPUTED = "The pixels of each aspect ratio are computed from the area; they are not published."
"""What to say of them under ``Facts.uncertain``."""

GEMINI_3: Mapping[str, str] = {
    "1:1": "1024x1024", "2:3": "848x1264", "3:2": "1264x848", "3:4": "896x1200", "4:3": "1200x896",
    "4:5": "928x1152", "5:4": "1152x928", "9:16": "768x1376", "16:9": "1376x768", "21:9": "1584x672",
}  # fmt: skip
"""Google's pixels at 1K, for those who serve its models."""


def ratio_pixels(
    ratios: Iterable[str], megapixels: float = 1.0, *, step: int = 16
) -> dict[str, str]:
    """Return ``WIDTHxHEIGHT`` of about an area for each ``WIDTH:HEIGHT``, in multiples of *step*."""
    sizes: dict[str, str] = {}
    for ratio in ratios:
        across, down = map(float, ratio.split(":"))
        width = math.sqrt(megapixels * MEGAPIXEL * across / down)
        # Models paint in blocks of pixels, so edges come in steps.
        edges = (max(step, round(edge / step) * step) for edge in (width, width * down / across))
        sizes[ratio] = "x".join(map(str, edges))
    return sizes
