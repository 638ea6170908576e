"""Which of a model's sizes serves the size that was asked for. Pure arithmetic on pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .capabilities import Capability, FixedSizes, Ratios, SizeRange, Sizes
from .report import Verdict
from .types import parse_ratio, parse_size

__all__ = [
    "MAX_CROP",
    "MAX_UPSCALE",
    "Offer",
    "Sizing",
    "choose_pixels",
    "choose_ratio",
    "class_pixels",
]

MAX_CROP = 0.03
"""Share of one edge that may be cut off while the picture still counts as the one asked for."""

MAX_UPSCALE = 1.5
"""How far a picture may be enlarged to the pixels asked for, where the model has no larger size."""

_SAME_RATIO = 0.005
"""Providers round edges to multiples; ratios closer than this are the same."""

_CLASS_EDGES = {"512": 512, "1K": 1024, "2K": 2048, "3K": 3072, "4K": 4096}


@dataclass(frozen=True, slots=True)
class Offer:
    """Pixels that a model makes, and how to ask for them."""

    width: int
    height: int
    size: str | None
    ratio: str | None = None

    def scale(self, width: int, height: int) -> float:
        """Return the factor that makes this cover *width* x *height*."""
        return max(width / self.width, height / self.height)

    def crop(self, width: int, height: int) -> float:
        """Return the share of one edge that stands over *width* x *height* then."""
        return 1 - min(width / self.width, height / self.height) / self.scale(width, height)


@dataclass(frozen=True, slots=True)
class Sizing:
    """The size to send, and what that means for the size that was asked.

    Attributes:
        size: The request's ``size`` as the model takes it.
        ratio: The request's ``aspect_ratio`` as the model takes it.
        deliver: Width and height that finishing must make of it, if it differs.
        verdict: What became of the size.
        sent: What to show as sent.
    """

    size: str | None
    ratio: str | None
    deliver: tuple[int, int] | None
    verdict: Verdict
    sent: str


def class_pixels(name: str) -> int | None:
    """Return the edge, in pixels, that a class such as ``2K`` stands for."""
    return _CLASS_EDGES.get(name)


def offers(capability: Capability, width: int, height: int) -> Iterator[Offer]:
    """Yield the sizes of a model that may serve *width* x *height*."""
    match capability.sizes:
        case FixedSizes(values=values):
            yield from (Offer(*_pixels(value), value) for value in values)
        case Ratios() as table:
            for name, ratio, pixels in table:
                yield Offer(*_pixels(pixels), name if table.named else None, ratio)
        case SizeRange() as bounds:
            yield from (Offer(*_pixels(value), value) for value in bounds.listed)
            yield from (Offer(w, h, f"{w}x{h}") for w, h in _within(bounds, width, height))
        case None:
            if capability.default_size:
                yield Offer(*_pixels(capability.default_size), None)


def _pixels(size: str) -> tuple[int, int]:
    found = parse_size(size)
    assert found is not None, size  # noqa: S101 - capabilities are validated when they are made
    return found


def _within(bounds: SizeRange, width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield sizes near *width* x *height* that the bounds allow."""
    ratio = width / height
    if bounds.max_ratio is not None:
        ratio = min(max(ratio, 1 / bounds.max_ratio), bounds.max_ratio)
    least = max(
        1.0,
        bounds.min_edge / min(width, height),
        math.sqrt(bounds.min_pixels / (width * height)),
    )
    most = min(
        bounds.max_edge / max(width, height),
        math.sqrt((bounds.max_pixels or math.inf) / (width * height)),
    )
    step = bounds.multiple_of
    start = min(least, most)
    # Rounding to multiples moves the ratio; a slightly larger picture often fits it better.
    for grow in range(12):
        edge = height * start + grow * step
        for near in (math.floor, math.ceil):
            h = near(edge / step) * step
            for w in (math.floor(h * ratio / step) * step, math.ceil(h * ratio / step) * step):
                if h > 0 and w > 0 and bounds.accepts(w, h):
                    yield w, h


def choose_pixels(capability: Capability, width: int, height: int) -> Sizing | None:
    """Find how a model can make exactly *width* x *height*, or come near.

    Returns:
        ``None`` where the model's sizes are not known at all.
    """
    best = min(
        offers(capability, width, height), key=lambda o: _rank(o, width, height), default=None
    )
    if best is None:
        return None
    made = f"{best.width}x{best.height}"
    if (best.width, best.height) == (width, height):
        verdict: Verdict = "kept" if best.ratio is None else "mapped"
        return Sizing(best.size, best.ratio, None, verdict, best.ratio or made)
    verdict = "emulated" if _faithful(best, width, height) else "approximated"
    return Sizing(best.size, best.ratio, (width, height), verdict, made)


def _faithful(offer: Offer, width: int, height: int) -> bool:
    return offer.crop(width, height) <= MAX_CROP and offer.scale(width, height) <= MAX_UPSCALE


def _rank(offer: Offer, width: int, height: int) -> tuple[float, ...]:
    """Sort the exact size first, then the least scaled down, the least enlarged, the least cropped."""
    scale, crop = offer.scale(width, height), offer.crop(width, height)
    area = offer.width * offer.height
    if (offer.width, offer.height) == (width, height):
        return (0, 0, 0)
    if not _faithful(offer, width, height):
        return (3, crop + max(0.0, scale - MAX_UPSCALE), area)
    return (1, area, crop) if scale <= 1 else (2, scale, crop)


def choose_ratio(capability: Capability, ratio: str, size: str | None) -> Sizing | None:
    """Find how a model can make a ratio, such as ``16:9``, in a class such as ``2K`` or its own size."""
    wanted = parse_ratio(ratio)
    assert wanted is not None, ratio  # noqa: S101 - requests are validated when they are made
    edge = class_pixels(size or "") or 1024
    match capability.sizes:
        case Ratios() as table:
            return _from_table(table, ratio, wanted, size)
        case None:
            target = parse_size(capability.default_size)
        case FixedSizes() | SizeRange() as sizes:
            target = _nearest(sizes, wanted, edge)
    if target is None:
        return None
    width, height = target
    known = capability.sizes is not None
    sent = f"{width}x{height}" if known else None
    return _cut(width, height, wanted, sent, None)


def _nearest(sizes: FixedSizes | SizeRange, wanted: float, edge: int) -> tuple[int, int] | None:
    height = math.sqrt(edge * edge / wanted)
    if isinstance(sizes, FixedSizes):
        found = [_pixels(value) for value in sizes.values]
    else:
        found = list(_within(sizes, max(1, round(height * wanted)), max(1, round(height))))
        found += [_pixels(value) for value in sizes.listed]
    return min(
        found,
        key=lambda p: (round(_off(p[0] / p[1], wanted), 3), abs(p[0] * p[1] - edge * edge)),
        default=None,
    )


def _off(have: float, wanted: float) -> float:
    """Return the share of one edge by which two ratios differ."""
    return 1 - min(have, wanted) / max(have, wanted)


def _from_table(table: Ratios, ratio: str, wanted: float, size: str | None) -> Sizing | None:
    classes = {size: table.classes[size]} if size in table.classes else table.classes
    name, ratios = next(iter(classes.items()))
    sent_class = name if table.named and size is not None else None
    if ratio in ratios and (size is None or size in table.classes or not class_pixels(size)):
        return Sizing(sent_class, ratio, None, "kept", ratio)
    label = min(ratios, key=lambda r: _off(_ratio_of(ratios[r]), wanted))
    width, height = _pixels(ratios[label])
    return _cut(width, height, wanted, sent_class, label)


def _ratio_of(pixels: str) -> float:
    width, height = _pixels(pixels)
    return width / height


def _cut(width: int, height: int, wanted: float, size: str | None, label: str | None) -> Sizing:
    """Cut a picture to the ratio asked for, where it is not that already."""
    off = _off(width / height, wanted)
    shown = label or f"{width}x{height}"
    if off <= _SAME_RATIO:
        return Sizing(size, label, None, "mapped", shown)
    if width / height > wanted:
        deliver = (max(1, round(height * wanted)), height)
    else:
        deliver = (width, max(1, round(width / wanted)))
    return Sizing(size, label, deliver, "emulated" if off <= MAX_CROP else "approximated", shown)


def choose_class(sizes: Sizes, name: str) -> Sizing | None:
    """Find the size that comes nearest to a class such as ``2K``; its ratio is the model's choice."""
    edge = class_pixels(name)
    if edge is None:
        return None
    if isinstance(sizes, Ratios):
        if name in sizes.classes and sizes.named:
            return Sizing(name, None, None, "kept", name)
        found = next(iter(sizes.classes))
        return Sizing(found if sizes.named else None, None, None, "approximated", found)
    target = _nearest(sizes, 1.0, edge)
    if target is None:
        return None
    width, height = target
    near = 0.8 <= math.sqrt(width * height) / edge <= 1.25
    size = f"{width}x{height}"
    return Sizing(size, None, None, "mapped" if near else "approximated", size)
