"""The conformance cases, and what is this provider's own."""

import io

import pinxit_checkerboard
from PIL import Image as Pillow

from pinxit import Image
from pinxit.testing import ProviderTests


class TestCheckerboard(ProviderTests):
    plugin = pinxit_checkerboard


def test_squares_alternate() -> None:
    """The first square is black, its neighbours are white."""
    with Pillow.open(io.BytesIO(pinxit_checkerboard.draw(16, 16))) as board:
        corners = [board.getpixel(at) for at in ((0, 0), (8, 0), (0, 8), (8, 8))]
    assert corners == [0, 255, 255, 0]


def test_boards_are_small_files() -> None:
    """The largest board is a real picture of a few kilobytes."""
    image = Image(pinxit_checkerboard.draw(1024, 1024))
    assert image.info.size == "1024x1024"
    assert image.byte_count < 8000
