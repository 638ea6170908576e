"""What the inputs of fal's endpoints call the same things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Dialect", "Dialects"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one endpoint is asked.

    Attributes:
        path: The id of the endpoint.
        size: ``pixels``: ``image_size`` with width and height; ``name``: ``image_size`` as ``WIDTHxHEIGHT``;
            ``ratio``: ``aspect_ratio``; ``class``: that and ``resolution``; empty where it takes no size.
        image: The field of the input pictures; one in the plural is a list.
        mask: The field of the mask.
        n: The field of the number of pictures; empty where it makes one.
        format: The field of the output format.
        quality: The field of the quality.
        qualities: Its own words for our qualities, where they differ.
    """

    path: str
    size: Literal["pixels", "name", "ratio", "class", ""] = "pixels"
    image: str = ""
    mask: str = "mask_url"
    n: str = "num_images"
    format: str = "output_format"
    quality: str = "quality"
    qualities: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialects:
    """The endpoints of one model.

    Attributes:
        generate: Makes pictures from a prompt.
        edit: Changes one picture.
        several: Changes several, where that is another endpoint.
        inpaint: Changes one inside a mask, where that is another endpoint.
    """

    generate: Dialect | None = None
    edit: Dialect | None = None
    several: Dialect | None = None
    inpaint: Dialect | None = None
