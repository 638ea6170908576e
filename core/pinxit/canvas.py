"""Fit what the picture is painted on: size, background, format, compression, delivery."""

from __future__ import annotations

from typing import Literal

from .capabilities import Capability, Ratios
from .draft import Draft
from .images import MAX_PIXELS
from .report import Verdict
from .sizing import Sizing, choose_class, choose_pixels, choose_ratio
from .types import parse_size

__all__ = ["fit_format", "fit_response_format", "fit_size"]

_TRANSPARENT = frozenset({"png", "webp", "gif", "svg"})
_WRITABLE = frozenset({"png", "jpeg", "webp"})
"""What a still picture can be converted to without losing what matters."""


def fit_size(draft: Draft) -> None:
    """Find the model's way to the pixels, the ratio or the class that was asked."""
    asked = {name: draft.get(name) for name in ("size", "aspect_ratio")}
    size, ratio = (None if value == "auto" else value for value in asked.values())
    cap = draft.capability
    if size is None and ratio is None:
        draft.changes.update(_auto(cap, wanted="auto" in asked.values()))
        return
    pixels = parse_size(size)
    if pixels is not None:
        # The caller's ratio, if there is one, is that of the pixels.
        found, ratio = choose_pixels(cap, *pixels), None
    elif ratio is not None:
        found = choose_ratio(cap, ratio, size)
    else:
        found = choose_class(cap, size or "")
    if found is None:
        _unknown_size(draft, pixels)
        return
    allowed = True
    if size is not None:
        verdict = found.class_verdict if pixels is None else found.verdict
        allowed = _adapt_size(draft, "size", found, verdict)
    if ratio is not None:
        allowed = _adapt_size(draft, "aspect_ratio", found, found.verdict) and allowed
    draft.changes.update(size=found.size, aspect_ratio=found.ratio)
    if allowed:
        # Of a ratio, the model alone decides about the pixels; those that were asked for are made sure of.
        exact = pixels if found.ratio and found.verdict == "mapped" else None
        draft.delivery.update(size=found.deliver or exact, promised=found.made)


def _auto(cap: Capability, *, wanted: bool) -> dict[str, str | None]:
    """Leave the choice to the model, in its own words."""
    auto = "auto" if wanted and cap.sizes is not None and cap.sizes.auto else None
    name = "aspect_ratio" if isinstance(cap.sizes, Ratios) else "size"
    return {"size": None, "aspect_ratio": None} | {name: auto}


def _adapt_size(draft: Draft, name: str, found: Sizing, verdict: Verdict) -> bool:
    if verdict == "kept":
        return True
    asked = draft.get(name)
    made = "{}x{}".format(*found.made) if found.made else found.sent
    why = f"the model's word for it is {found.sent}" if found.sent else f"the model makes {made}"
    if verdict == "emulated" and found.deliver:
        why = "made as {} and scaled to {}x{}".format(made, *found.deliver)
    elif verdict == "approximated":
        why = f"the nearest that the model makes is {made}"
    refusal = f"{name} {asked}: {_made(draft.capability)}"
    if verdict == "approximated":
        refusal += ", which is too far from it"
    return draft.adapt(name, asked, found.sent, verdict, why, refusal)


def _made(cap: Capability) -> str:
    if cap.sizes is None and cap.default_size is None:
        return "sizes cannot be chosen"
    return f"the model makes {cap.sizes or cap.default_size}"


def _unknown_size(draft: Draft, pixels: tuple[int, int] | None) -> None:
    """The model makes what it makes; cutting that to size may lose anything."""
    why = _made(draft.capability)
    for name in ("size", "aspect_ratio"):
        asked = draft.get(name)
        if asked is None or (name == "aspect_ratio" and pixels is not None):
            draft.changes[name] = None
        # Finishing makes these pixels in memory, and a request may ask for 99999x99999.
        elif name == "size" and pixels is not None and pixels[0] * pixels[1] <= MAX_PIXELS:
            if draft.adapt("size", asked, None, "approximated", why):
                draft.delivery["size"] = pixels
            draft.changes["size"] = None
        else:
            draft.drop(name, why)


def fit_format(draft: Draft) -> None:
    """Background, output format and compression hang together."""
    if draft.get("background") == "transparent":
        if "transparent" not in draft.capability.backgrounds:
            draft.drop("background", "the model makes no transparent backgrounds")
    elif draft.get("background") == "auto" and "auto" not in draft.capability.backgrounds:
        draft.changes["background"] = None
    native = _fit_output_format(draft)
    _fit_opaque(draft, native)
    _fit_compression(draft, native)


def _fit_output_format(draft: Draft) -> str:
    """Return the format that the model is to make."""
    formats, asked = draft.capability.output_formats, draft.get("output_format")
    # A transparent picture must come in a format that carries it, whatever is made of it then.
    see_through = draft.get("background") == "transparent"
    usable = [f for f in formats if not see_through or f in _TRANSPARENT]
    native = usable[0] if asked is None else asked
    if native not in usable:
        native = _fit_conversion(draft, native, usable)
    elif asked is None and native == formats[0]:
        return native
    # One format means that there is no choice, and so no parameter to send.
    draft.changes["output_format"] = native if len(formats) > 1 else None
    return native


def _fit_conversion(draft: Draft, asked: str, usable: list[str]) -> str:
    # Lossless is best to convert from.
    source = next((f for f in ("png", "webp", "jpeg", "gif") if f in usable), None)
    if asked not in _WRITABLE or source is None:
        draft.drop("output_format", f"the model makes {', '.join(usable)}")
        return usable[0]
    made = f"the model makes {', '.join(usable)}; converted from {source}"
    if draft.adapt("output_format", asked, source, "emulated", made):
        draft.delivery["format"] = asked
    return source


def _fit_opaque(draft: Draft, native: str) -> None:
    if draft.get("background") != "opaque" or "opaque" in draft.capability.backgrounds:
        return
    if native == "svg" or (native == "gif" and draft.get("frame_count") is not None):
        draft.drop("background", f"the {native} that the model makes cannot be laid on white")
        return
    draft.changes["background"] = None
    # A JPEG has no transparency that could be laid on white.
    if "jpeg" in {native, draft.delivery.get("format")}:
        return
    why = "the model has no choice of background; laid on white"
    if draft.adapt("background", "opaque", None, "emulated", why):
        draft.delivery["opaque"] = True


def _fit_compression(draft: Draft, native: str) -> None:
    value = draft.get("output_compression")
    if value is None:
        return
    # What counts is the format that is delivered, not the one that the model makes.
    format = draft.delivery.get("format") or native
    if format not in {"jpeg", "webp"}:
        draft.drop("output_compression", f"{format} has none to choose, jpeg and webp have")
    elif format not in draft.capability.compression:
        draft.changes["output_compression"] = None
        why = f"the model has no choice of it; the {format} is encoded again"
        if draft.adapt("output_compression", value, None, "emulated", why):
            draft.delivery.update(format=format, compression=value)


def fit_response_format(draft: Draft, default: Literal["b64_json", "url"]) -> None:
    """Deliver as asked, by the model itself or by the router."""
    asked, delivers = draft.get("response_format"), draft.capability.delivers
    wanted = asked or default
    draft.delivery["response_format"] = wanted
    draft.changes["response_format"] = wanted if len(delivers) > 1 else None
    if asked is not None and asked not in delivers:
        native = next(iter(delivers))
        why = f"the model answers with {native}; the router makes it {asked}"
        draft.adapt("response_format", asked, native, "emulated", why)
