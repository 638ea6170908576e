"""Fit what the picture is painted on: size, background, format, compression, delivery."""

from __future__ import annotations

from typing import Literal, cast

from .capabilities import Capability
from .draft import Draft
from .sizing import Sizing, choose_class, choose_pixels, choose_ratio
from .types import parse_size

__all__ = ["fit_format", "fit_response_format", "fit_size"]

_TRANSPARENT = frozenset({"png", "webp", "gif", "svg"})
_RASTER = frozenset({"png", "jpeg", "webp"})


def fit_size(draft: Draft) -> None:
    """Find the model's way to the pixels, the ratio or the class that was asked."""
    size, ratio, cap = draft.get("size"), draft.get("aspect_ratio"), draft.capability
    asked = {"size": size, "aspect_ratio": ratio}
    name = "aspect_ratio" if size in {None, "auto"} and ratio not in {None, "auto"} else "size"
    if size == "auto" and not (cap.sizes and cap.sizes.auto):
        size = None
    if ratio == "auto" and not (cap.sizes and cap.sizes.auto):
        ratio = None
    pixels = parse_size(size)
    if pixels is None and size in {None, "auto"} and ratio in {None, "auto"}:
        draft.changes.update(size=size, aspect_ratio=ratio)
        return
    found = _sizing(cap, size, ratio)
    if found is None:
        _unknown_size(draft, name, pixels)
        return
    draft.changes.update(size=found.size, aspect_ratio=found.ratio)
    draft.delivery["promised"] = parse_size(found.sent)
    if found.verdict != "kept" and draft.adapt(
        name,
        asked[name],
        found.sent,
        found.verdict,
        _size_reason(found),
        f"{name} {asked[name]} {_offered(cap)}",
    ):
        draft.delivery["size"] = found.deliver


def _sizing(cap: Capability, size: str | None, ratio: str | None) -> Sizing | None:
    pixels = parse_size(size)
    if pixels is not None:
        return choose_pixels(cap, *pixels)
    if ratio not in {None, "auto"}:
        return choose_ratio(cap, cast("str", ratio), size)
    return choose_class(cap.sizes, size or "") if cap.sizes else None


def _size_reason(found: Sizing) -> str:
    if found.deliver is None:
        return "the model's word for it"
    target = "{}x{}".format(*found.deliver)
    return (
        f"scaled to {target}" if found.verdict == "emulated" else f"cropped and scaled to {target}"
    )


def _offered(cap: Capability) -> str:
    if cap.sizes is None:
        return "cannot be chosen" + (
            f", the model makes {cap.default_size}" if cap.default_size else ""
        )
    return f"is none that the model makes or that can be made of them ({cap.sizes})"


def _unknown_size(draft: Draft, name: str, pixels: tuple[int, int] | None) -> None:
    """The model makes what it makes; cutting that to size may lose anything."""
    asked = draft.get(name)
    if pixels is not None:
        if draft.adapt(name, asked, None, "approximated", f"cropped and scaled to {asked}",
                       f"{name} cannot be chosen"):  # fmt: skip
            draft.delivery["size"] = pixels
    else:
        draft.adapt(name, asked, None, "dropped", "it cannot be chosen", f"{name} cannot be chosen")
    draft.changes.update(size=None, aspect_ratio=None)


def fit_format(draft: Draft) -> None:
    """Background, output format and compression hang together."""
    _fit_background(draft)
    asked, cap = draft.get("output_format"), draft.capability
    native = cap.output_formats[0] if cap.output_formats else "png"
    if asked is None and draft.get("background") == "transparent" and native not in _TRANSPARENT:
        native = next(f for f in cap.output_formats if f in _TRANSPARENT)
        draft.changes["output_format"] = native
    elif asked is not None:
        native = _fit_output_format(draft, asked, native)
    _fit_compression(draft, native, asked or native)


def _fit_background(draft: Draft) -> None:
    background, cap = draft.get("background"), draft.capability
    if background is None or background in cap.backgrounds:
        return
    if background == "auto":
        draft.changes["background"] = None
    elif background == "transparent":
        draft.drop("background", "the model makes no transparent backgrounds")
    else:
        draft.changes["background"] = None
        if set(cap.output_formats) - {"jpeg"} and draft.adapt(
            "background", "opaque", None, "emulated", "laid on white"
        ):
            draft.delivery["opaque"] = True


def _fit_output_format(draft: Draft, asked: str, native: str) -> str:
    """Return the format that the model is to make."""
    cap = draft.capability
    if asked in cap.output_formats and not (asked == "svg" and not cap.svg):
        if len(cap.output_formats) == 1:
            draft.changes["output_format"] = None
        return asked
    if asked not in _RASTER:
        draft.drop("output_format", f"the model makes {', '.join(cap.output_formats)}")
        return native
    # A transparent picture must come in a format that carries it, and lossless is best to convert from.
    source = next((f for f in ("png", "webp", "jpeg") if f in cap.output_formats), native)
    sent = source if len(cap.output_formats) > 1 else None
    if draft.adapt("output_format", asked, source, "emulated", "converted"):
        draft.delivery["format"] = asked
    draft.changes["output_format"] = sent
    return source


def _fit_compression(draft: Draft, native: str, asked_format: str) -> None:
    value, cap = draft.get("output_compression"), draft.capability
    if value is None:
        return
    if asked_format not in {"jpeg", "webp"}:
        draft.drop("output_compression", f"{asked_format} has no compression to choose")
    elif draft.delivery.get("format") is None and native in cap.compression:
        return
    else:
        draft.changes["output_compression"] = None
        if draft.adapt("output_compression", value, None, "emulated", "encoded again"):
            draft.delivery.update(format=asked_format, compression=value)


def fit_response_format(draft: Draft, default: Literal["b64_json", "url"]) -> None:
    """Deliver as asked, by the model itself or by the router."""
    asked, delivers = draft.get("response_format"), draft.capability.delivers
    wanted = asked or default
    draft.delivery["response_format"] = wanted
    draft.changes["response_format"] = wanted if len(delivers) > 1 else None
    if asked is not None and asked not in delivers:
        draft.adapt(
            "response_format", asked, next(iter(delivers)), "emulated", "delivered by the router"
        )
