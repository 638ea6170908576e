"""Replicate's official image models: what each takes, and what its inputs are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pinxit import Capability, Facts, InputImages, Mask, Model, Price, Ratios, Seed, SizeRange
from pinxit.capabilities import Sizes
from pinxit.types import Operation
from pinxit_providers.protocols.ratios import COMPUTED, GEMINI_3, ratio_pixels

__all__ = ["DIALECTS", "MODELS", "Dialect"]

AS_OF = date(2026, 11, 22)
SOURCE = "OpenAPI of api.replicate.com (2026-04-09), replicate-python 1.0.7, model pages (Nov 2026)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a model's inputs are called.

    Attributes:
        size: ``ratio``: ``aspect_ratio``; ``class``: that and ``resolution``; ``custom``: the ratio
            ``custom`` with width and height; empty where it takes no size.
        image: The field of the input pictures.
        several: Whether that is a list.
        n: The field of the number of pictures; empty where it makes one.
    """

    size: Literal["ratio", "class", "custom", ""] = "ratio"
    image: str = ""
    several: bool = False
    n: str = ""


_WEB_FIRST = ("webp", "jpeg", "png")
_FLUX_RATIOS = (
    "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21",
)  # fmt: skip
_FEW_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
_SEED = Seed(max=2**31 - 1)
_SMALL = 190_000
"""Bytes: base64 of it is the 256 kB that Replicate advises for data URLs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    name: str
    title: str
    dialect: Dialect
    takes: dict[str, Any]
    generates: bool = True
    references: int = 0
    edits: Mapping[str, Any] | None = None
    usd: str = ""
    uncertain: tuple[str, ...] = ()


def _takes(
    sizes: Sizes | None,
    formats: tuple[str, ...] = _WEB_FIRST,
    *,
    quality: bool = False,
    **more: Any,
) -> dict[str, Any]:
    lossy = tuple(name for name in formats if name in {"jpeg", "webp"})
    return {
        "sizes": sizes,
        "output_formats": formats,
        "compression": lossy if quality else (),
        "delivers": ("url",),
        **more,
    }


def _one_class(sizes: Mapping[str, str]) -> Ratios:
    return Ratios(classes={"1K": dict(sizes)}, named=False)


def _flux_2(name: str, title: str, references: int, most: int, step: int) -> _Row:
    sizes = SizeRange(
        min_edge=256, max_edge=most, multiple_of=step, max_pixels=min(most * most, 2048 * 2048)
    )
    return _Row(
        name=f"black-forest-labs/{name}",
        title=title,
        dialect=Dialect(size="custom", image="input_images", several=True),
        takes=_takes(sizes, quality=True),
        references=references,
    )


_NAMES = "Names and values of its inputs, and its price, are not documented well."
_FORMAT = "Which format comes is not documented."
_REFUSALS = (
    "The words of a refusal are not published; one is known by nsfw, sensitive, safety or moderat."
)
_ROWS = (
    _Row(
        name="black-forest-labs/flux-3-image",
        title="FLUX.3 Image",
        dialect=Dialect(size="class", image="images", several=True),
        takes=_takes(_one_class(ratio_pixels(_FLUX_RATIOS)), quality=True),
        references=10,
        uncertain=(COMPUTED, "Only the resolution 1k is sure, so that no other is sent."),
    ),
    _flux_2("flux-2-pro", "FLUX.2 [pro]", 8, 2048, 16),
    _flux_2("flux-2-flex", "FLUX.2 [flex]", 10, 2048, 16),
    _flux_2("flux-2-dev", "FLUX.2 [dev]", 4, 1440, 32),
    _Row(
        name="black-forest-labs/flux-kontext-pro",
        title="FLUX.1 Kontext [pro]",
        dialect=Dialect(image="input_image"),
        takes=_takes(_one_class(ratio_pixels(_FLUX_RATIOS)), ("png", "jpeg"), seed=_SEED),
        generates=False,
        references=1,
        usd="0.04",
        uncertain=(COMPUTED, _NAMES),
    ),
    _Row(
        name="black-forest-labs/flux-fill-pro",
        title="FLUX.1 Fill [pro]",
        dialect=Dialect(size="", image="image"),
        takes=_takes(None, ("jpeg",)),
        generates=False,
        references=1,
        edits={"mask": Mask(polarity="white_edits", max_bytes=_SMALL, required=True)},
        usd="0.05",
        uncertain=(_NAMES, _FORMAT),
    ),
    _Row(
        name="black-forest-labs/flux-1.1-pro",
        title="FLUX 1.1 [pro]",
        dialect=Dialect(size="custom"),
        takes=_takes(SizeRange(min_edge=256, max_edge=1440, multiple_of=32)),
        usd="0.04",
    ),
    _Row(
        name="black-forest-labs/flux-dev",
        title="FLUX.1 [dev]",
        dialect=Dialect(image="image", n="num_outputs"),
        takes=_takes(_one_class(ratio_pixels(_FLUX_RATIOS)), max_n=4, seed=_SEED),
        references=1,
        edits={"sizes": None},
        usd="0.025",
        uncertain=(COMPUTED,),
    ),
    _Row(
        name="black-forest-labs/flux-schnell",
        title="FLUX.1 [schnell]",
        dialect=Dialect(n="num_outputs"),
        takes=_takes(
            _one_class(ratio_pixels(_FLUX_RATIOS)),
            quality=True,
            max_n=4,
            seed=Seed(max=2**31 - 1, best_effort=True),
        ),
        usd="0.003",
        uncertain=(COMPUTED,),
    ),
    _Row(
        name="google/nano-banana-2",
        title="Nano Banana 2",
        dialect=Dialect(image="image_input", several=True),
        takes=_takes(_one_class(GEMINI_3), ("jpeg",)),
        references=14,
        uncertain=("Ratios and pixels are those of Google's own API.",),
    ),
    _Row(
        name="ideogram-ai/ideogram-v3-turbo",
        title="Ideogram 3.0 Turbo",
        dialect=Dialect(image="image"),
        takes=_takes(_one_class(ratio_pixels(_FEW_RATIOS)), ("png",), seed=_SEED),
        references=1,
        edits={
            "sizes": None,
            # Strictly black and white, says the vendor.
            "mask": Mask(polarity="black_edits", max_bytes=_SMALL, required=True, hard=True),
        },
        uncertain=(COMPUTED, _NAMES, _FORMAT),
    ),
    _Row(
        name="recraft-ai/recraft-v3-svg",
        title="Recraft V3 SVG",
        dialect=Dialect(size=""),
        takes=_takes(None, ("svg",)),
        uncertain=(_NAMES,),
    ),
    _Row(
        name="stability-ai/stable-diffusion-3.5-large",
        title="Stable Diffusion 3.5 Large",
        dialect=Dialect(image="image"),
        takes=_takes(_one_class(ratio_pixels(_FEW_RATIOS)), seed=_SEED, negative_prompt=True),
        references=1,
        edits={"sizes": None},
        uncertain=(COMPUTED, _NAMES),
    ),
)


def _operations(row: _Row) -> dict[Operation, Capability]:
    found: dict[Operation, Capability] = {}
    if row.generates:
        found["generate"] = Capability(**row.takes)
    if row.references:
        images = InputImages(max=row.references, max_bytes=_SMALL)
        found["edit"] = Capability(**{**row.takes, **(row.edits or {})}, images=images)
    return found


def _prices(row: _Row) -> tuple[Price, ...]:
    if not row.usd:
        return ()
    # Where the inputs are not documented well, the price comes from the same thin source.
    return (Price(usd=Decimal(row.usd), as_of=AS_OF, uncertain=_NAMES in row.uncertain),)


_WIDEST = _takes(_one_class(ratio_pixels(_FLUX_RATIOS)), seed=_SEED, negative_prompt=True)

MODELS = (
    *(
        Model(
            id=f"replicate/{row.name}",
            title=row.title,
            operations=_operations(row),
            prices=_prices(row),
            facts=Facts(as_of=AS_OF, source=SOURCE, uncertain=(*row.uncertain, _REFUSALS)),
        )
        for row in _ROWS
    ),
    Model(
        id="replicate/*",
        title="Any other model, version or deployment of Replicate",
        operations={
            "generate": Capability(**_WIDEST),
            "edit": Capability(**_WIDEST, images=InputImages(max_bytes=_SMALL)),
        },
        declared=False,
        facts=Facts(as_of=AS_OF, source=SOURCE, uncertain=(_REFUSALS,)),
        notes=(
            "It is sent prompt, and where they are asked for aspect_ratio, seed, output_format and "
            "negative_prompt; a picture goes in image. What it calls otherwise goes into extra.",
        ),
    ),
)

DIALECTS: Mapping[str, Dialect] = {row.name: row.dialect for row in _ROWS}
