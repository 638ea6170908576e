"""What a model says that it can do, turned into requests: at its limits, and one beyond."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pinxit.capabilities import Capability, FixedSizes, Model, Ratios, SizeRange
from pinxit.payload import Image
from pinxit.types import (
    EditRequest,
    GenerateRequest,
    Operation,
    Request,
    VariationRequest,
    build,
    parse_size,
)

from .pictures import mask, picture

__all__ = ["Fields", "Subject"]

Fields = Mapping[str, Any]
"""Fields of a request."""

PROMPT = "a red fox in the snow"
MOST_PIXELS = 2048 * 2048
"""Sizes above this are left out, so that a suite stays quick."""

_EDGE = 128
_MOST_PICTURES = 10
_MOST_INPUTS = 16
_MOST_PARTIALS = 3
_LAST_SEED = 2**63 - 1
_LONGEST_PROMPT = 100_000

# The vocabularies of a request, and the part of a capability that says what is taken of them.
_VOCABULARIES = {
    "quality": "qualities",
    "style": "styles",
    "background": "backgrounds",
    "output_format": "output_formats",
    "moderation": "moderations",
    "complexity": "complexities",
    "input_fidelity": "input_fidelities",
    "response_format": "delivers",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One operation of one model.

    Attributes:
        model: The model.
        operation: One of its operations.
        fields: What every request has besides, such as a prompt that the stand-in understands.
        most_pixels: Sizes above this are left out.
    """

    model: Model
    operation: Operation
    fields: Fields
    most_pixels: int = MOST_PIXELS

    def __str__(self) -> str:
        return f"{self.model.id}-{self.operation}"

    @property
    def capability(self) -> Capability:
        """What the model can do here."""
        return self.model.operations[self.operation]

    def request(self, fields: Fields | None = None) -> Request:
        """Build the smallest request there is, with *fields*.

        Raises:
            RequestError: No request can have such fields.
        """
        values: dict[str, Any] = {"model": self.model.id, **self.fields, **(fields or {})}
        if self.operation == "generate":
            return build(GenerateRequest, {"prompt": PROMPT, **values})
        values.setdefault("images", self.pictures(1))
        if self.operation == "edit":
            needs_mask = self.capability.mask is not None and self.capability.mask.required
            if needs_mask and "markup" not in values:
                values.setdefault("mask", _mask_of(values["images"][0]))
            return build(EditRequest, {"prompt": PROMPT, **values})
        return build(VariationRequest, values)

    def pictures(self, count: int) -> list[Image]:
        """Draw input pictures that the model takes, each a little larger than the one before."""
        taken = self.capability.images
        formats = taken.formats if taken else ("png",)
        most = min((taken.max_edge if taken else None) or _EDGE, _EDGE)
        # By their sizes they are known again at the other end.
        edges = [most - 4 * (count - 1 - place) for place in range(count)]
        format = "png" if "png" in formats else formats[0]
        return [Image(picture(format, edge, edge)) for edge in edges]

    def masked(self) -> Fields:
        """Draw a picture and a mask whose left half is to be repainted."""
        images = self.pictures(1)
        return {"images": images, "mask": _mask_of(images[0])}

    # Limits ---------------------------------------------------------------------------------------

    def limits(self) -> Iterator[Fields]:
        """Yield fields that lie just inside what the model declares, one at a time."""
        capability = self.capability
        yield {}
        if capability.max_n > 1:
            yield {"n": self.most_n}
        if capability.max_prompt is not None and self.operation != "variation":
            yield {"prompt": "x" * min(capability.max_prompt, _LONGEST_PROMPT)}
        yield from ({name: value} for name, value in self._words())
        yield from (fields for fields, _ in self.sizes())
        yield from self._compressed()
        if capability.seed is not None:
            yield {"seed": capability.seed.min}
            yield {"seed": min(capability.seed.max, _LAST_SEED)}
        if capability.negative_prompt:
            yield {"negative_prompt": "rain"}
        if capability.streaming:
            yield {"stream": True}
        if capability.frames is not None:
            least, most = capability.frames
            yield {"frame_count": least, "output_format": "gif"}
            yield {"frame_count": min(most, 64), "output_format": "gif"}
        yield from self._overlays()

    @property
    def most_n(self) -> int:
        """The most pictures that one call may ask for."""
        return min(self.capability.max_n, _MOST_PICTURES)

    @property
    def most_inputs(self) -> int:
        """The most input pictures that one call may have; 0 where it has none."""
        images = self.capability.images
        if self.operation == "generate" or images is None:
            return 0
        return min(images.max, _MOST_INPUTS if self.operation == "edit" else 1)

    def _words(self) -> Iterator[tuple[str, str]]:
        """Yield each word of each vocabulary that the model takes."""
        for name, taken in _VOCABULARIES.items():
            for word in getattr(self.capability, taken):
                if (name, word) not in {("output_format", "svg"), ("output_format", "avif")}:
                    yield name, word
        if self.capability.svg:
            yield "output_format", "svg"

    def _compressed(self) -> Iterator[Fields]:
        for format in self.capability.compression:
            for value in (0, 100):
                yield {"output_format": format, "output_compression": value}

    def _overlays(self) -> Iterator[Fields]:
        if self.most_inputs > 1:
            yield {"images": self.pictures(self.most_inputs)}
        if self.operation != "edit":
            return
        if self.capability.mask is not None:
            yield self.masked()
        if self.capability.markup:
            images = self.pictures(1)
            yield {"images": images, "markup": _mask_of(images[0])}

    def sizes(self) -> Iterator[tuple[Fields, tuple[int, int]]]:
        """Yield each size that is declared, or the corners of a range, as fields and as pixels."""
        for fields, pixels in _sizes(self.capability, self.most_pixels):
            found = parse_size(pixels)
            if found and math.prod(found) <= self.most_pixels:
                yield fields, found

    @property
    def small(self) -> Fields:
        """The fields that ask for the smallest picture: it is the quickest to draw."""
        sizes = sorted(self.sizes(), key=lambda size: math.prod(size[1]))
        return sizes[0][0] if sizes else {}

    def all_at_once(self) -> Fields:
        """Return as many parameters as fit together, each at its limit."""
        fields: dict[str, Any] = dict(self._words())
        # JPEG has no transparency: the words of two vocabularies have to go together.
        formats = [f for f in self.capability.output_formats if f in {"png", "webp"}]
        if "transparent" in self.capability.backgrounds and formats:
            fields |= {"background": "transparent", "output_format": formats[-1]}
        elif "svg" in self.capability.output_formats:
            fields |= {"output_format": self.capability.output_formats[0]}
        if fields.get("output_format") in self.capability.compression:
            fields["output_compression"] = 50
        sizes = list(self.sizes())
        if sizes:
            fields |= max(sizes, key=lambda size: math.prod(size[1]))[0]
        for single in self.limits():
            if single.keys() & {"n", "prompt", "seed", "negative_prompt"}:
                fields |= single
        if self.most_inputs:
            fields["images"] = self.pictures(self.most_inputs)
        # Last, because a mask is as large as the first picture.
        if self.operation == "edit" and self.capability.mask is not None:
            fields["mask"] = _mask_of(fields["images"][0])
        return fields

    # Beyond ---------------------------------------------------------------------------------------

    def beyond(self) -> Iterator[Fields]:
        """Yield fields that lie just outside what the model declares, one at a time."""
        capability = self.capability
        # Where the API itself allows no more, no such request can be built.
        if capability.max_n < _MOST_PICTURES:
            yield {"n": capability.max_n + 1}
        if capability.max_prompt is not None and capability.max_prompt < _LONGEST_PROMPT:
            yield {"prompt": "x" * (capability.max_prompt + 1)}
        yield from self._unknown_words()
        yield from ({"size": size} for size in _stray_sizes(capability))
        if capability.seed is None:
            yield {"seed": 1}
        elif capability.seed.max < _LAST_SEED:
            yield {"seed": capability.seed.max + 1}
        if not capability.negative_prompt:
            yield {"negative_prompt": "rain"}
        if not capability.streaming:
            yield {"stream": True}
        elif capability.partial_images < _MOST_PARTIALS:
            yield {"stream": True, "partial_images": capability.partial_images + 1}
        if capability.frames is None:
            yield {"frame_count": 2}
        elif capability.frames[1] < 64:
            yield {"frame_count": capability.frames[1] + 1}
        if self.operation == "edit":
            yield from self._too_many_inputs()

    def _too_many_inputs(self) -> Iterator[Fields]:
        if self.most_inputs < _MOST_INPUTS:
            yield {"images": self.pictures(self.most_inputs + 1)}
        if self.capability.mask is None:
            yield self.masked()
        if not self.capability.markup:
            yield {"markup": _mask_of(self.pictures(1)[0])}

    def _unknown_words(self) -> Iterator[Fields]:
        for name, taken in _VOCABULARIES.items():
            known = getattr(self.capability, taken)
            asked = name != "input_fidelity" or self.operation == "edit"
            for word in _vocabulary(name) if asked else ():
                # `auto` leaves it to the model, and what is never transparent is always opaque.
                if word not in {*known, "auto", "opaque"}:
                    yield {name: word}

    # Choices --------------------------------------------------------------------------------------

    def choices(self) -> Iterator[tuple[Fields, ...]]:
        """Yield groups of fields that a provider must be able to tell apart."""
        capability = self.capability
        if self.operation != "variation":
            yield ({"prompt": "a fox"}, {"prompt": "a crow"})
        words: dict[str, list[Fields]] = {}
        for name, word in self._words():
            words.setdefault(name, []).append({name: word})
        yield from (tuple(group) for group in words.values() if len(group) > 1)
        yield tuple(fields for fields, _ in self.sizes())
        yield tuple({"n": n} for n in sorted({1, min(2, self.most_n), self.most_n}))
        yield from self._numbers(capability)
        if (
            self.operation == "edit"
            and capability.mask is not None
            and not capability.mask.required
        ):
            yield ({**self.masked(), "mask": None}, self.masked())

    def _numbers(self, capability: Capability) -> Iterator[tuple[Fields, ...]]:
        if capability.seed is not None:
            first = capability.seed.min
            # Not the least: at several providers it asks for a random one.
            yield tuple({"seed": first + step} for step in range(1, 4))
        if capability.negative_prompt:
            yield ({}, {"negative_prompt": "rain"}, {"negative_prompt": "fog"})
        for format in capability.compression:
            yield tuple(
                {"output_format": format, "output_compression": value} for value in (10, 50, 90)
            )
        if capability.streaming:
            partials = range(1, capability.partial_images + 1)
            yield ({}, *({"stream": True, "partial_images": count} for count in partials))


def _mask_of(image: Image) -> Image:
    return Image(mask(image.width, image.height))


def _vocabulary(name: str) -> tuple[str, ...]:
    """Return the words that a request knows."""
    annotation = EditRequest.model_fields[name].annotation
    literal = next(part for part in get_args(annotation) if part is not type(None))
    return get_args(literal)


def _sizes(capability: Capability, most_pixels: int) -> Iterator[tuple[Fields, str]]:
    match capability.sizes:
        case FixedSizes(values=values):
            yield from (({"size": value}, value) for value in values)
        case Ratios() as table:
            for name, ratio, pixels in table:
                size = {"size": name} if table.named else {}
                yield {**size, "aspect_ratio": ratio}, pixels
        case SizeRange() as bounds:
            corners = [f"{width}x{height}" for width, height in _corners(bounds, most_pixels)]
            for value in dict.fromkeys((*bounds.listed, *corners)):
                yield {"size": value}, value
        case None:
            if capability.default_size:
                yield {}, capability.default_size


def _corners(bounds: SizeRange, most_pixels: int) -> Iterator[tuple[int, int]]:
    """Yield the smallest and the largest square, and the flattest and the steepest picture."""
    step = bounds.multiple_of
    most = min(bounds.max_pixels or most_pixels, most_pixels)

    def up(edge: float) -> int:
        return max(math.ceil(edge / step), math.ceil(bounds.min_edge / step)) * step

    def down(edge: float) -> int:
        return int(min(edge, bounds.max_edge)) // step * step

    ratio = bounds.max_ratio or bounds.max_edge / bounds.min_edge
    squares = [up(math.sqrt(bounds.min_pixels)), down(math.sqrt(most))]
    longest = down(math.sqrt(most * ratio))
    thin = (longest, up(max(longest / ratio, bounds.min_pixels / max(longest, 1))))
    corners = [*((edge, edge) for edge in squares), thin, (thin[1], thin[0])]
    yield from (corner for corner in corners if min(corner) > 0 and bounds.accepts(*corner))


def _stray_sizes(capability: Capability) -> Iterator[str]:
    """Yield a size that the model does not make."""
    sizes = capability.sizes
    accepts = (
        sizes.accepts if sizes else FixedSizes(values=(capability.default_size or "1x1",)).accepts
    )
    most = sizes.max_edge if isinstance(sizes, SizeRange) else 1024
    yield next(f"{edge}x{edge}" for edge in range(most + 1, most + 99) if not accepts(edge, edge))
