"""Fit the pictures that go in: number, format, size, mask, markup."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue

from .draft import Draft, shown
from .errors import InvalidImage
from .headers import ImageInfo
from .images import Polarity
from .payload import Image
from .report import Verdict
from .sizing import MAX_CROP, Offer
from .types import GenerateRequest

__all__ = ["OUR_POLARITY", "fit_images", "fit_mask", "target_format"]

OUR_POLARITY: Polarity = "transparent_edits"
"""How masks are meant in requests: OpenAI's way."""


def fit_images(draft: Draft) -> None:
    """Foresee what the model's limits demand of the input pictures.

    Raises:
        InvalidImage: One of them is no picture; the message names which.
    """
    request, limits = draft.request, draft.capability.images
    if isinstance(request, GenerateRequest):
        return
    # Before the limits: what is no picture is the caller's mistake, whatever the model takes.
    infos = {name: _inspect(name, image) for name, image in _pictures(draft) if image.is_local}
    if limits is None:
        draft.reasons.append("image: the model takes no input pictures")
        return
    count = len(request.images)
    if count > limits.max:
        taken = f"the model takes {limits.max}"
        draft.adapt(
            "images", count, limits.max, "dropped", f"{taken}; the others are not sent",
            f"image: {count} are given, {taken}",
        )  # fmt: skip
        draft.changes["images"] = request.images[: limits.max]
    for place, image in enumerate(draft.get("images")):
        if (info := infos.get(name := _name(place))) is not None:
            _fit_input(draft, name, info, image.byte_count)


def _name(place: int) -> str:
    return f"image[{place}]" if place else "image"


def _pictures(draft: Draft) -> Iterator[tuple[str, Image]]:
    for place, image in enumerate(draft.get("images")):
        yield _name(place), image
    for name in ("mask", "markup"):
        if (image := draft.get(name)) is not None:
            yield name, image


def _inspect(name: str, image: Image) -> ImageInfo:
    try:
        return image.info
    except InvalidImage as error:
        raise InvalidImage(f"{name}: {str(error).removeprefix('image: ')}", param=name) from error


def _fit_input(draft: Draft, name: str, info: ImageInfo, byte_count: int) -> None:
    """Foresee what preparing must do to one input picture; the header tells enough."""
    limits = draft.capability.images
    assert limits is not None  # noqa: S101 - the caller looked
    formats = ", ".join(limits.formats)
    if limits.square and info.width != info.height:
        draft.reasons.append(f"{name} is {info.size}, the model takes squares; crop it first")
    if info.format == "svg":
        draft.reasons.append(f"{name} is an SVG, the model takes {formats}")
    elif info.format not in limits.formats:
        sent = target_format(info, limits.formats)
        _emulate(draft, f"{name} is converted", info.format, sent, f"the model takes {formats}")
    if limits.max_edge is not None and max(info.width, info.height) > limits.max_edge:
        taken = f"the model takes {limits.max_edge} pixels per edge"
        _emulate(draft, f"{name} is scaled down to the limit", info.size, limits.max_edge, taken)
    if limits.max_bytes is not None and byte_count > limits.max_bytes:
        taken = f"the model takes {limits.max_bytes} bytes"
        _emulate(draft, f"{name} is made smaller in bytes", byte_count, limits.max_bytes, taken)


def _emulate(draft: Draft, why: str, asked: JsonValue, sent: JsonValue, taken: str) -> None:
    """Record a conversion in the words that preparing uses for it too."""
    name = why.partition(" ")[0]
    draft.adapt("images", asked, sent, "emulated", why, f"{name} has {asked}, {taken}")


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
        if known is not None and known.required:
            draft.reasons.append(
                "mask: the model repaints inside a mask and does nothing without one"
            )
        return
    if known is None:
        # The model does not get it; finishing takes it from the caller's own request.
        draft.changes["mask"] = None
        verdict: Verdict = "emulated" if _lies_over(draft) else "approximated"
        why = "the model takes no mask; the protected pixels are put back over the result"
        if draft.adapt("mask", shown(mask), None, verdict, why):
            draft.delivery["composite"] = True
    elif known.polarity != OUR_POLARITY:
        why = f"the model reads {known.polarity}; the mask is turned round"
        draft.adapt("mask", OUR_POLARITY, known.polarity, "emulated", why)


def _lies_over(draft: Draft) -> bool:
    """Whether the result will show the first picture, so that its pixels can be put back in place."""
    images = draft.get("images")
    if len(images) > 1:
        # Of several pictures something new is made; nobody knows where the first one went.
        return False
    target = draft.delivery.get("size") or draft.delivery.get("promised")
    if target is None or not images[0].is_local:
        return True
    info = images[0].info
    # The size of an SVG may be unknown; it is refused anyway.
    return info.format != "svg" and Offer(info.width, info.height).crop(*target) <= MAX_CROP
