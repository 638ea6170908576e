"""Compare finished pictures with what was promised. What differs is told, never hidden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from .errors import InvalidProviderResponse
from .fitting import Delivery
from .headers import ImageInfo
from .payload import Image
from .report import Adaptation
from .types import Request, parse_size

__all__ = ["Result", "mismatches", "notes"]

MAX_ENLARGEMENT = 1.5
MAX_CROP = 0.03
"""What scaling and cropping may cost before it is told: the fitter's own limits."""


@dataclass(frozen=True, slots=True)
class Result:
    """One picture as it came and as it is delivered.

    Attributes:
        image: What is delivered.
        came: The provider's header.
        now: The header of what is delivered.
        credentials: Whether content credentials came with it.
        changed: Whether it was encoded again, which no credentials survive.
        homeless: Whether it could not be kept where a URL leads to it.
    """

    image: Image
    came: ImageInfo
    now: ImageInfo
    credentials: bool = False
    changed: bool = False
    homeless: bool = False

    def with_image(self, image: Image) -> Result:
        """Return the same result in another form."""
        return replace(self, image=image)


def mismatches(
    results: Sequence[Result],
    request: Request,
    delivery: Delivery,
    known: Sequence[Adaptation] = (),
) -> tuple[Adaptation, ...]:
    """Return what the caller did not get as asked, once per parameter.

    Args:
        results: All pictures.
        request: The request as the caller made it.
        delivery: What the fitter promised.
        known: What is reported already.
    """
    told = {a.parameter for a in known if a.verdict in {"approximated", "dropped"}}
    found = dict[str, Adaptation]()
    if len(results) < request.n:
        found["n"] = _approximated("n", request.n, len(results), "the model sent fewer pictures")
    for result in results:
        for adaptation in _compare(result, request, delivery):
            found.setdefault(adaptation.parameter, adaptation)
    return tuple(a for a in found.values() if a.parameter not in told)


def _approximated(parameter: str, asked: JsonValue, sent: JsonValue, reason: str) -> Adaptation:
    return Adaptation(
        parameter=parameter, asked=asked, sent=sent, verdict="approximated", reason=reason
    )


def _compare(result: Result, request: Request, delivery: Delivery) -> Iterator[Adaptation]:
    yield from _compare_size(result, request, delivery)
    now = result.now
    wanted = delivery.format or request.output_format
    if delivery.format is not None and now.format != delivery.format:
        yield _approximated(
            "output_format", wanted, now.format, "the picture could not be converted"
        )
    # A model that offers one format may send another all the same; finishing has mended it.
    if delivery.format is None and now.format == wanted != result.came.format:
        came = result.came.format
        why = f"the model sent {came}, which was converted"
        yield Adaptation(
            parameter="output_format", asked=wanted, sent=came, verdict="emulated", reason=why
        )
    if request.background == "transparent" and not now.alpha:
        yield _approximated(
            "background", "transparent", "opaque", f"the {now.format} that came has no transparency"
        )
    if request.frame_count is not None and not now.animated:
        yield _approximated("frame_count", request.frame_count, 1, "what came does not move")


def _compare_size(result: Result, request: Request, delivery: Delivery) -> Iterator[Adaptation]:
    came, now = result.came, result.now
    target = delivery.size or delivery.promised
    # A drawing of vectors has whatever size it is shown at.
    if target is None or now.format == "svg":
        return
    name = "size" if request.size not in {None, "auto"} else "aspect_ratio"
    asked = getattr(request, name)
    # Where a ratio was asked, its shape was promised and not these pixels.
    exact = delivery.size is not None or target == parse_size(request.size)
    if (now.width, now.height) != target:
        if exact or _loss((now.width, now.height), target) > MAX_CROP:
            yield _approximated(name, asked, now.size, "the model sent other pixels than promised")
    # The protected pixels came from the original, at its own size.
    elif delivery.promised not in {None, (came.width, came.height)} and not delivery.composite:
        yield from _compare_source(name, asked, came, target)


def _compare_source(
    name: str, asked: JsonValue, came: ImageInfo, target: tuple[int, int]
) -> Iterator[Adaptation]:
    """Tell where the right pixels were made of the wrong ones."""
    source = (came.width, came.height)
    factor = max(new / old for new, old in zip(target, source, strict=True))
    if factor > MAX_ENLARGEMENT:
        yield _approximated(name, asked, came.size, f"what came was enlarged {factor:.1f} times")
    elif _loss(source, target) > MAX_CROP:
        yield _approximated(name, asked, came.size, "what came had another shape and was cropped")


def _loss(source: tuple[int, int], target: tuple[int, int]) -> float:
    """Return the part of one edge that cropping to another ratio cuts off."""
    first, second = source[0] * target[1], source[1] * target[0]
    return 1 - min(first, second) / max(first, second)


def notes(
    results: Sequence[Result],
    *,
    asked: int,
    came: int,
    failures: Sequence[InvalidProviderResponse] = (),
) -> tuple[str, ...]:
    """Return sentences for what is no parameter: surplus, rejects, lost credentials."""
    said: list[str] = []
    if came > asked:
        said.append(f"the model sent {came} pictures where {asked} {_was(asked)} asked")
    said += [f"left out: {failure}" for failure in failures]
    lost = [str(place) for place, r in enumerate(results, 1) if r.credentials and r.changed]
    if lost:
        which = "the picture" if len(results) == 1 else f"picture {', '.join(lost)}"
        said.append(f"content credentials (C2PA) of {which} were lost: it had to be encoded again")
    if any(result.homeless for result in results):
        said.append("pictures could not be kept at a URL and came as data: URLs instead")
    return tuple(said)


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
