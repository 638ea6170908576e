"""Pixels for ratios whose providers do not say how many they make of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from pinxit.types import parse_ratio

__all__ = ["nominal"]


def nominal(
    ratios: Iterable[str], classes: Mapping[str, int], *, step: int = 16
) -> dict[str, dict[str, str]]:
    """Return a table for `pinxit.Ratios`: as many pixels as the square of each class has.

    These are expectations, not facts: say so among the model's uncertainties. What really comes is measured,
    and told where it differs.

    Args:
        ratios: Labels such as ``16:9``.
        classes: The edge of the square of each class, in pixels.
        step: What edges are rounded to.
    """
    ratios = tuple(ratios)
    return {
        name: {ratio: _pixels(ratio, edge, step) for ratio in ratios}
        for name, edge in classes.items()
    }


def _pixels(ratio: str, edge: int, step: int) -> str:
    share = math.sqrt(parse_ratio(ratio) or 1.0)
    width, height = (max(step, round(side / step) * step) for side in (edge * share, edge / share))
    return f"{width}x{height}"
