"""Fit the pictures that go in: number, format, size, mask, markup."""

from __future__ import annotations

from .draft import Draft, shown
from .headers import ImageInfo
from .images import Polarity
from .payload import Image
from .types import GenerateRequest

__all__ = ["OUR_POLARITY", "fit_images", "fit_mask", "target_format"]

OUR_POLARITY: Polarity = "transparent_edits"
"""How masks are meant in requests: OpenAI's way."""


def fit_images(draft: Draft) -> None:
    """Foresee what the model's limits demand of the input pictures."""
    request, cap = draft.request, draft.capability
    if isinstance(request, GenerateRequest) or cap.images is None:
        return
    limits = cap.images
    if len(request.images) > limits.max:
        count = len(request.images)
        refusal = f"{count} input images are more than {limits.max}"
        draft.adapt(
            "images", count, limits.max, "dropped", f"only the first {limits.max} are sent", refusal
        )
        draft.changes["images"] = request.images[: limits.max]
    for place, image in enumerate(draft.get("images")):
        if image.is_local:
            _fit_input(draft, f"image[{place}]" if place else "image", image)


def _fit_input(draft: Draft, name: str, image: Image) -> None:
    """Foresee what preparing must do to one input picture; the header tells enough."""
    limits, info = draft.capability.images, image.info
    assert limits is not None  # noqa: S101 - the caller looked
    if limits.square and info.width != info.height:
        draft.reasons.append(f"{name} is {info.size}, the model takes squares")
    if info.format == "svg":
        draft.reasons.append(f"{name} is an SVG, the model takes {', '.join(limits.formats)}")
    elif info.format not in limits.formats:
        sent = target_format(info, limits.formats)
        draft.adapt("images", info.format, sent, "emulated", f"{name} is converted")
    if limits.max_edge is not None and max(info.width, info.height) > limits.max_edge:
        draft.adapt(
            "images", info.size, limits.max_edge, "emulated", f"{name} is scaled down to the limit"
        )
    if limits.max_bytes is not None and image.byte_count > limits.max_bytes:
        draft.adapt(
            "images",
            image.byte_count,
            limits.max_bytes,
            "emulated",
            f"{name} is made smaller in bytes",
        )


def target_format(info: ImageInfo, formats: tuple[str, ...]) -> str:
    """Return the accepted format that loses least of a picture that has to be converted."""
    preferred = ("png", "webp", "jpeg") if info.alpha else ("jpeg", "png", "webp")
    return next((name for name in preferred if name in formats), formats[0])


def fit_mask(draft: Draft) -> None:
    """Say the mask in the model's way, or guard the protected pixels ourselves."""
    mask, known = draft.get("mask"), draft.capability.mask
    if draft.get("markup") is not None and not draft.capability.markup:
        draft.drop("markup", "the model takes no markup")
    if mask is None:
        return
    if known is None:
        draft.changes["mask"] = None
        if draft.adapt("mask", shown(mask), None, "emulated",
                       "the protected pixels are put back over the result",
                       "the model takes no mask"):  # fmt: skip
            draft.delivery["composite"] = True
    elif known.polarity != OUR_POLARITY:
        draft.adapt("mask", OUR_POLARITY, known.polarity, "emulated", "the mask is turned round")
