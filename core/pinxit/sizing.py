"""Which of a model's sizes serves the size that was asked for. Pure arithmetic on pixels.

Names of sizes are not trusted: a provider's ``3:2`` may be 1264x848, and its ``2K`` may be anything. What
counts is the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from .capabilities import Capability, FixedSizes, Ratios, SizeRange
from .report import Verdict
from .types import parse_ratio, parse_size

__all__ = [
    "MAX_CROP",
    "MAX_UPSCALE",
    "Offer",
    "Sizing",
    "choose_class",
    "choose_pixels",
    "choose_ratio",
    "class_edge",
]

MAX_CROP = 0.03
"""Share of one edge that may be cut off while the picture still counts as the one asked for."""

MAX_UPSCALE = 1.5
"""How far a picture may be enlarged to the pixels asked for, where the model has no larger size."""

_SAME_RATIO = 0.005
"""Providers round edges to multiples; ratios closer than this are the same."""

_SAME_CLASS = 1.25
"""A picture belongs to a class whose edge it has, give or take this factor."""

_CLASS_EDGES = {"512": 512, "1K": 1024, "2K": 2048, "3K": 3072, "4K": 4096}
_USUAL_EDGE = 1024
_TRIES = 32


def class_edge(name: str | None) -> int | None:
    """Return the edge, in pixels, of a square picture of a class such as ``2K``."""
    return _CLASS_EDGES.get(name or "")


@dataclass(frozen=True, slots=True)
class Offer:
    """Pixels that a model makes, and how to ask for them."""

    width: int
    height: int
    size: str | None = None
    ratio: str | None = None

    @property
    def edge(self) -> float:
        """The edge of a square of the same area."""
        return math.sqrt(self.width * self.height)

    def scale(self, width: int, height: int) -> float:
        """Return the factor that makes this cover *width* x *height*."""
        return max(width / self.width, height / self.height)

    def crop(self, width: int, height: int) -> float:
        """Return the share of one edge that stands over *width* x *height* then."""
        return 1 - min(width / self.width, height / self.height) / self.scale(width, height)

    def serves(self, width: int, height: int) -> bool:
        """Whether *width* x *height* can be made of this with hardly any loss."""
        return self.crop(width, height) <= MAX_CROP and self.scale(width, height) <= MAX_UPSCALE

    def off(self, ratio: float) -> float:
        """Return the share of one edge that a cut to *ratio* would take."""
        have = self.width / self.height
        return 1 - min(have, ratio) / max(have, ratio)


@dataclass(frozen=True, slots=True)
class Sizing:
    """What to send, and what that means for what was asked.

    Attributes:
        size: The request's ``size`` as the model takes it.
        ratio: The request's ``aspect_ratio`` as the model takes it.
        made: Width and height that the model will make, where that is known.
        deliver: Width and height that finishing must make of it, where they differ.
        verdict: What becomes of the pixels, or of the ratio.
        class_verdict: What becomes of the class.
    """

    size: str | None = None
    ratio: str | None = None
    made: tuple[int, int] | None = None
    deliver: tuple[int, int] | None = None
    verdict: Verdict = "kept"
    class_verdict: Verdict = "kept"

    @property
    def sent(self) -> str | None:
        """What to show as sent."""
        words = " ".join(word for word in (self.size, self.ratio) if word)
        return words or (f"{self.made[0]}x{self.made[1]}" if self.made else None)


def _offer(pixels: str, size: str | None = None, ratio: str | None = None) -> Offer:
    found = parse_size(pixels)
    assert found is not None, pixels  # noqa: S101 - capabilities are validated when they are made
    return Offer(*found, size, ratio)


def _table(table: Ratios) -> Iterator[Offer]:
    """Yield what a model with ratios offers; the default class has no need of a name."""
    default = next(iter(table.classes))
    for name, ratio, pixels in table:
        if table.named or name == default:
            yield _offer(pixels, name if table.named else None, ratio)


# Pixels


def choose_pixels(capability: Capability, width: int, height: int) -> Sizing | None:
    """Find how a model can make exactly *width* x *height*, or come near.

    Returns:
        ``None`` where nothing is known of what the model makes.
    """
    offers = _offers(capability, width, height)
    best = min(offers, key=lambda o: _rank(o, width, height), default=None)
    if best is None:
        return None
    found = Sizing(best.size, best.ratio, (best.width, best.height))
    if found.made == (width, height):
        # A model that is told a ratio was not told these pixels, though they are what it makes.
        return replace(found, verdict="kept" if best.ratio is None else "mapped")
    if best.serves(width, height):
        return replace(found, deliver=(width, height), verdict="emulated")
    # Something near has the shape that was asked, but no pixels that are made up.
    factor = min(1.0, MAX_UPSCALE / best.scale(width, height))
    return replace(found, deliver=_scaled(width, height, factor), verdict="approximated")


def _offers(capability: Capability, width: int, height: int) -> Iterator[Offer]:
    """Yield the sizes of a model that may serve *width* x *height*."""
    match capability.sizes:
        case FixedSizes(values=values):
            yield from (_offer(value, value) for value in values)
        case Ratios() as table:
            yield from _table(table)
        case SizeRange() as bounds:
            yield from (_offer(value, value) for value in bounds.listed)
            yield from _within(bounds, width / height, height)
        case None if capability.default_size:
            yield _offer(capability.default_size)
        case None:
            return


def _rank(offer: Offer, width: int, height: int) -> tuple[float, ...]:
    """Sort the exact size first, then the least scaled down, the least enlarged, the least cropped."""
    scale, crop = offer.scale(width, height), offer.crop(width, height)
    area = offer.width * offer.height
    if (offer.width, offer.height) == (width, height):
        return (0, 0, 0)
    if not offer.serves(width, height):
        return (3, crop + max(0.0, scale - MAX_UPSCALE), area)
    return (1, area, crop) if scale <= 1 else (2, scale, crop)


def _within(bounds: SizeRange, ratio: float, height: float) -> Iterator[Offer]:
    """Yield sizes of about a ratio and a height that the bounds allow.

    Rounding to multiples moves the ratio, so the neighbours are tried too: a slightly larger picture often
    has it better.
    """
    if bounds.max_ratio is not None:
        ratio = min(max(ratio, 1 / bounds.max_ratio), bounds.max_ratio)
    area, step = ratio * height * height, bounds.multiple_of
    least = max(bounds.min_edge / min(height, height * ratio), math.sqrt(bounds.min_pixels / area))
    most = min(
        bounds.max_edge / max(height, height * ratio),
        math.sqrt((bounds.max_pixels or math.inf) / area),
    )
    middle = math.floor(height * min(max(1.0, least), most) / step)
    narrowest, widest = math.ceil(bounds.min_edge / step), bounds.max_edge // step
    for near in range(max(1, middle - _TRIES), middle + _TRIES + 1):
        wide = near * ratio
        choices = {math.floor(wide), math.ceil(wide)}
        # An edge just outside the bounds may still be cut off within the tolerance.
        allowed = min(max(wide, narrowest), widest)
        if 1 - min(allowed, wide) / max(allowed, wide) <= MAX_CROP:
            choices.add(int(allowed))
        for across in choices:
            if bounds.accepts(across * step, near * step):
                yield Offer(across * step, near * step, f"{across * step}x{near * step}")


# Ratios and classes


def choose_ratio(capability: Capability, ratio: str, size: str | None) -> Sizing | None:
    """Find how a model can make a ratio, such as ``16:9``, in a class such as ``2K`` or its own size.

    Returns:
        ``None`` where nothing is known of what the model makes.
    """
    wanted = parse_ratio(ratio)
    assert wanted is not None, ratio  # noqa: S101 - requests are validated when they are made
    edge = class_edge(size)
    sizes = capability.sizes
    if isinstance(sizes, Ratios):
        return _from_table(sizes, ratio, wanted, size if edge else None)
    best = _nearest(capability, wanted, edge)
    return _shaped(best, wanted, edge) if best else None


def _from_table(table: Ratios, ratio: str, wanted: float, size: str | None) -> Sizing:
    default = next(iter(table.classes))
    native = size if size in table.classes and (table.named or size == default) else None
    edge = None if native else class_edge(size)
    offers = [o for o in _table(table) if native in {None, o.size} or not table.named]

    def rank(offer: Offer) -> tuple[float, ...]:
        own = offer.ratio == ratio and offer.off(wanted) <= MAX_CROP
        place = list(table.classes).index(offer.size or default)
        far = abs(math.log(offer.edge / edge)) if edge else place
        return (offer.off(wanted) > MAX_CROP, far, not own, offer.off(wanted))

    best = min(offers, key=rank)
    # What the model itself calls so is what was asked, give or take its rounding.
    own = best.ratio == ratio and best.off(wanted) <= MAX_CROP
    # The default class is not named unless it was asked for: some charge for the name.
    named = best.size if size is not None or best.size != default else None
    return replace(_shaped(best, wanted, edge, own=own), size=named)


def _of_edge(capability: Capability, ratio: float, edge: int) -> Iterable[Offer]:
    """Return the sizes among which one of a ratio and a class is looked for."""
    match capability.sizes:
        case FixedSizes(values=values):
            return [_offer(value, value) for value in values]
        case SizeRange() as bounds:
            listed = (_offer(value, value) for value in bounds.listed)
            return [*listed, *_within(bounds, ratio, edge / math.sqrt(ratio))]
        case Ratios() as table:
            return _table(table)
        case None:
            return [_offer(capability.default_size)] if capability.default_size else []


def _nearest(capability: Capability, wanted: float, edge: int | None) -> Offer | None:
    """Return the size of the class whose ratio is nearest, or the nearest ratio of any class."""
    target = edge or _USUAL_EDGE
    # Of a range some exact ratio can always be had, but far from the class it is of no use.
    strict = edge is not None or isinstance(capability.sizes, SizeRange)

    def rank(offer: Offer) -> tuple[float, ...]:
        stray = abs(math.log(offer.edge / target))
        outside = strict and stray > math.log(_SAME_CLASS)
        return (outside, offer.off(wanted), stray)

    return min(_of_edge(capability, wanted, target), key=rank, default=None)


def _shaped(best: Offer, wanted: float, edge: int | None, *, own: bool = False) -> Sizing:
    """Cut a picture to a ratio and bring it to a class, where it is not of them already."""
    width, height = best.width, best.height
    verdict: Verdict = "kept" if own else "mapped"
    if not own and best.off(wanted) > _SAME_RATIO:
        if width / height > wanted:
            width = max(1, round(height * wanted))
        else:
            height = max(1, round(width / wanted))
        verdict = "emulated" if best.serves(width, height) else "approximated"
    factor, class_verdict = _to_class(best, edge)
    deliver = _scaled(width, height, factor)
    # Cutting and enlarging may each be small, and too much together.
    if class_verdict == "emulated" and verdict != "approximated" and not best.serves(*deliver):
        class_verdict = "approximated"
    made = (best.width, best.height)
    return Sizing(
        best.size, best.ratio, made, deliver if deliver != made else None, verdict, class_verdict
    )


def _to_class(offer: Offer, edge: int | None) -> tuple[float, Verdict]:
    """Return by how much to scale a picture so that it belongs to a class."""
    if edge is None:
        return 1.0, "kept"
    factor = edge / offer.edge
    if 1 / _SAME_CLASS <= factor <= _SAME_CLASS:
        return 1.0, "mapped"
    # Beyond that the picture stays small: its pixels would be made up.
    return (factor, "emulated") if factor <= MAX_UPSCALE else (1.0, "approximated")


def choose_class(capability: Capability, name: str) -> Sizing | None:
    """Find the size that belongs to a class such as ``2K``; its ratio is the model's choice.

    Returns:
        ``None`` where nothing is known of what the model makes.
    """
    sizes = capability.sizes
    if isinstance(sizes, Ratios) and name in sizes.classes:
        if sizes.named:
            return Sizing(name)
        if name == next(iter(sizes.classes)):
            return Sizing()
    edge = class_edge(name)
    best = _nearest(capability, 1.0, edge)
    if best is None:
        return None
    factor, verdict = _to_class(best, edge)
    if best.ratio is not None:
        # Only the class is sent: of a ratio that the model chooses the pixels are not known.
        verdict = "approximated" if verdict == "emulated" else verdict
        return Sizing(best.size, verdict=verdict, class_verdict=verdict)
    deliver = None if factor == 1 else _scaled(best.width, best.height, factor)
    made = (best.width, best.height)
    return Sizing(best.size, None, made, deliver, verdict, verdict)


def _scaled(width: int, height: int, factor: float) -> tuple[int, int]:
    return max(1, round(width * factor)), max(1, round(height * factor))
