"""Pixels that nobody published."""

from __future__ import annotations

import pytest

from pinxit.types import parse_size
from pinxit_providers.protocols.ratios import MEGAPIXEL, ratio_pixels


@pytest.mark.parametrize(
    ("ratio", "pixels"),
    [("1:1", "1024x1024"), ("16:9", "1360x768"), ("9:21", "672x1568"), ("9:19.5", "688x1504")],
)
def test_a_megapixel(ratio: str, pixels: str) -> None:
    """A ratio has about the area of a megapixel, in steps of 16."""
    assert ratio_pixels([ratio]) == {ratio: pixels}


@pytest.mark.parametrize("megapixels", [0.5, 1.0, 4.2, 16.8])
@pytest.mark.parametrize("ratio", ["1:1", "21:9", "9:21", "5:7"])
def test_ratio_and_area_are_near(ratio: str, megapixels: float) -> None:
    """Rounding moves neither of the two by more than a few parts in a hundred."""
    width, height = parse_size(ratio_pixels([ratio], megapixels)[ratio]) or (0, 1)
    across, down = map(int, ratio.split(":"))
    assert width / height == pytest.approx(across / down, rel=0.03)
    assert width * height == pytest.approx(megapixels * MEGAPIXEL, rel=0.03)
    assert width % 16 == height % 16 == 0


def test_the_step_is_the_models() -> None:
    """Some models take multiples of 32 or 64 only, and never less than one."""
    assert ratio_pixels(["3:2"], step=64) == {"3:2": "1280x832"}
    assert ratio_pixels(["1:1"], 0.00001) == {"1:1": "16x16"}
