"""A mask for edits without one: the workflow has a place for it that must not stay empty."""

from __future__ import annotations

import io

from pinxit import Image

__all__ = ["whole"]


def whole(image: Image) -> Image:
    """Return a mask that lets all of a picture be repainted, however it is read.

    It is transparent, for who reads the alpha channel, and white, for who reads a colour.
    """
    from PIL import Image as Pillow

    out = io.BytesIO()
    size = (image.info.width, image.info.height)
    Pillow.new("RGBA", size, (255, 255, 255, 0)).save(out, "PNG")
    return Image(out.getvalue())
