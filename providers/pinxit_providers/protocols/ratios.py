"""Pixels of ratios, for models whose vendors publish an area and no pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["COMPUTED", "MEGAPIXEL", "ratio_pixels"]

MEGAPIXEL = 1024 * 1024

COMPUTED = "The pixels of each aspect ratio are computed from the area; they are not published."
"""What to say of them under ``Facts.uncertain``."""


def ratio_pixels(
    ratios: Iterable[str], megapixels: float = 1.0, *, step: int = 16
) -> dict[str, str]:
    """Return ``WIDTHxHEIGHT`` of about an area for each ``WIDTH:HEIGHT``, in multiples of *step*."""
    sizes: dict[str, str] = {}
    for ratio in ratios:
        across, down = map(float, ratio.split(":"))
        width = math.sqrt(megapixels * MEGAPIXEL * across / down)
        edges = (max(step, round(edge / step) * step) for edge in (width, width * down / across))
        sizes[ratio] = "x".join(map(str, edges))
    return sizes
