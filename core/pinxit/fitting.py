"""Fit a request to a capability before anything is sent. Pure."""

from __future__ import annotations

from typing import Literal

from .report import Frozen


class Delivery(Frozen):
    """What finishing has to do with a model's results so that the caller gets what was asked.

    Attributes:
        size: Width and height in pixels that every result must have; scaled and, evenly at both ends,
            cropped to it.
        format: The format to deliver; ``None`` leaves what came.
        compression: Quality, 0 to 100, where *format* has to be encoded.
        opaque: Lay transparency on white.
        composite: Put the pixels that the mask protects back over the result.
        response_format: How the caller gets results.
    """

    size: tuple[int, int] | None = None
    format: str | None = None
    compression: int | None = None
    opaque: bool = False
    composite: bool = False
    response_format: Literal["b64_json", "url"] = "b64_json"
