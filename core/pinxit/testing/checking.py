"""Hold a request against a capability, independently of how requests are fitted."""

from __future__ import annotations

from collections.abc import Iterator

from pinxit.capabilities import Capability, FixedSizes, Ratios, SizeRange
from pinxit.types import EditRequest, GenerateRequest, Request, parse_size

__all__ = ["violations"]

# Said once more, not taken from the fitter: a mistake there must not vouch for itself.
_TRANSPARENT = frozenset({"png", "webp", "gif", "svg"})
_VOCABULARIES = {
    "quality": "qualities",
    "style": "styles",
    "background": "backgrounds",
    "moderation": "moderations",
    "complexity": "complexities",
    "input_fidelity": "input_fidelities",
}


def violations(request: Request, capability: Capability, *, provider: str = "") -> list[str]:
    """Return what in a request is beyond a capability, in sentences; nothing where it fits.

    A model that offers one output format or one way of delivery offers no choice: the field must be absent.

    Args:
        request: As a provider's hook gets it.
        capability: The limits of the operation.
        provider: Whose options ``extra`` may hold.
    """
    return [
        *_words(request, capability),
        *_sizes(request, capability),
        *_formats(request, capability),
        *_numbers(request, capability),
        *_animation(request, capability),
        *_extra(request, capability, provider),
        *_pictures(request, capability),
    ]


def _words(request: Request, cap: Capability) -> Iterator[str]:
    prompt = getattr(request, "prompt", "")
    if cap.max_prompt is not None and len(prompt) > cap.max_prompt:
        yield f"prompt has {len(prompt)} characters, more than {cap.max_prompt}"
    if request.negative_prompt is not None and not cap.negative_prompt:
        yield "negative_prompt is not taken"
    for name, vocabulary in _VOCABULARIES.items():
        value, taken = getattr(request, name, None), getattr(cap, vocabulary)
        if value is not None and value not in taken:
            yield f"{name} {value!r} is not among {taken}"


def _sizes(request: Request, cap: Capability) -> Iterator[str]:
    size, ratio = request.size, request.aspect_ratio
    if isinstance(cap.sizes, Ratios):
        yield from _ratios(size, ratio, cap.sizes)
        return
    if ratio is not None:
        yield f"aspect_ratio {ratio} is sent to a model without ratios"
    if size is None:
        return
    pixels = parse_size(size)
    match cap.sizes:
        case FixedSizes() | SizeRange() as sizes:
            fits = sizes.auto if size == "auto" else bool(pixels and sizes.accepts(*pixels))
        case _:
            fits = False
    if not fits:
        yield f"size {size} is none of {cap.sizes}"


def _ratios(size: str | None, ratio: str | None, table: Ratios) -> Iterator[str]:
    if size is not None and not (table.named and size in table.classes):
        yield f"size {size} is no class of {table}"
        return
    ratios = table.classes[size or next(iter(table.classes))]
    if ratio is not None and ratio not in ratios and not (ratio == "auto" and table.auto):
        yield f"aspect_ratio {ratio} is none of {', '.join(ratios)}"


def _formats(request: Request, cap: Capability) -> Iterator[str]:
    asked, offered = request.output_format, cap.output_formats
    # What cannot be chosen has no field upstream.
    if asked is not None and (asked not in offered or len(offered) == 1):
        yield f"output_format {asked} cannot be chosen among {offered}"
    format = asked or offered[0]
    if request.background == "transparent" and format not in _TRANSPARENT:
        yield f"background transparent cannot be had as {format}"
    if request.output_compression is not None and format not in cap.compression:
        yield f"output_compression is not taken for {format}"
    delivery = request.response_format
    if delivery is not None and (delivery not in cap.delivers or len(cap.delivers) == 1):
        yield f"response_format {delivery} cannot be chosen among {cap.delivers}"


def _numbers(request: Request, cap: Capability) -> Iterator[str]:
    if request.n > cap.max_n:
        yield f"n={request.n} is more than {cap.max_n}"
    seed = request.seed
    if seed is not None and (cap.seed is None or not cap.seed.min <= seed <= cap.seed.max):
        yield f"seed {seed} is not taken"
    if request.stream and not cap.streaming:
        yield "stream is not taken"
    partial = request.partial_images or 0
    if partial > (cap.partial_images if request.stream else 0):
        yield f"partial_images={partial} is more than the model sends"


def _animation(request: Request, cap: Capability) -> Iterator[str]:
    count, frames = request.frame_count, cap.frames
    if count is not None and (frames is None or not frames[0] <= count <= frames[1]):
        yield f"frame_count={count} is not within {frames}"
    if request.frame_duration_ms is not None and frames is None:
        yield "frame_duration_ms is not taken"
    if request.svg is not None and not cap.svg:
        yield "svg is not taken"


def _extra(request: Request, cap: Capability, provider: str) -> Iterator[str]:
    if strangers := request.extra.keys() - {provider}:
        yield f"extra is for {', '.join(sorted(strangers))}"
    mine = request.extra.get(provider, {})
    if cap.extra is not None and (unknown := mine.keys() - set(cap.extra)):
        yield f"extra has {', '.join(sorted(unknown))}, which the model does not take"


def _pictures(request: Request, cap: Capability) -> Iterator[str]:
    if isinstance(request, GenerateRequest):
        return
    if cap.images is None:
        yield "input pictures are not taken"
    elif len(request.images) > cap.images.max:
        yield f"{len(request.images)} input pictures are more than {cap.images.max}"
    elif cap.images.square:
        local = (image for image in request.images if image.is_local)
        yield from (f"{i.info.size} is not square" for i in local if i.width != i.height)
    if not isinstance(request, EditRequest):
        return
    if request.mask is not None and cap.mask is None:
        yield "mask is not taken"
    if request.markup is not None and not cap.markup:
        yield "markup is not taken"
