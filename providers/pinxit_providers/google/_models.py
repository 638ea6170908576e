"""Gemini's image models: what they make, what that costs, and how long they live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from pinxit import (
    Capability,
    Facts,
    InputImages,
    Lifecycle,
    Model,
    Ratios,
    Seed,
    Succession,
    TokenPrices,
)
from pinxit.types import Operation, parse_size

__all__ = ["GOOGLE", "VERTEX_AI"]

_AS_OF = date(2026, 11, 22)
_SOURCE = (
    "google-genai 3.4.0 (PyPI); the image generation, deprecations and pricing pages of ai.google.dev; "
    "the model pages of Vertex AI"
)

_1K = {
    "1:1": "1024x1024", "2:3": "848x1264", "3:2": "1264x848", "3:4": "896x1200", "4:3": "1200x896",
    "4:5": "928x1152", "5:4": "1152x928", "9:16": "768x1376", "16:9": "1376x768", "21:9": "1584x672",
}  # fmt: skip
_1K_14 = {**_1K, "1:4": "512x2048", "4:1": "2048x512", "1:8": "384x3072", "8:1": "3072x384"}
_2_5 = {
    "1:1": "1024x1024", "2:3": "832x1248", "3:2": "1248x832", "3:4": "864x1184", "4:3": "1184x864",
    "4:5": "896x1152", "5:4": "1152x896", "9:16": "768x1344", "16:9": "1344x768", "21:9": "1536x672",
}  # fmt: skip

_NOTES = (
    "Every picture carries a SynthID watermark.",
    "Without a ratio an edit has the shape of its first picture; variations are edits.",
)
_ANY = (
    "A seed is taken, but nothing promises that it has an effect on pictures.",
    "Pictures are taken to be PNG; no source excludes that a model answers in JPEG.",
)
_VERTEX_PRICES = "Prices are those of the Gemini API."


def _times(ratios: Mapping[str, str], factor: int) -> dict[str, str]:
    edges = {ratio: parse_size(pixels) or (0, 0) for ratio, pixels in ratios.items()}
    return {ratio: f"{w * factor}x{h * factor}" for ratio, (w, h) in edges.items()}


def _classes(ratios: Mapping[str, str], most: int) -> Ratios:
    """Return the classes up to *most* K; each has twice the edges of the one before."""
    return Ratios(classes={f"{k}K": _times(ratios, k) for k in (1, 2, 4) if k <= most})


class _Row(NamedTuple):
    """What one model does not share with the others.

    Attributes:
        usd: US dollars per million tokens: in, text out, pictures out.
        tokens: Output tokens of a picture per class.
        since: Released, deprecated.
        ends: The shutdowns at the Gemini API and at Vertex AI, as far as they are known.
        successor: Who serves its users then.
        inputs: Pictures that an edit takes.
        extra: Options besides the common ones.
    """

    name: str
    title: str
    sizes: Ratios
    usd: tuple[str, str, str]
    tokens: Mapping[str, int]
    since: tuple[date | None, date | None] = (None, None)
    ends: tuple[date | None, date | None] = (None, None)
    successor: str | None = None
    inputs: int = 14
    extra: tuple[str, ...] = ("tools",)
    uncertain: tuple[str, ...] = ()
    unsure_price: bool = False


_SPRING = date(2026, 5, 28)
_FLASH_TOKENS = {"1K": 1120, "2K": 1680, "4K": 2520}

_ROWS = (
    _Row(
        "gemini-nano-banana-2.1",
        "Gemini Nano Banana 2.1",
        _classes(_1K_14, 4),
        ("1.5", "7.5", "30"),
        _FLASH_TOKENS,
        since=(date(2026, 10, 6), None),
        extra=("tools", "thinkingConfig"),
        uncertain=("Tokens of 2K and 4K pictures are taken to be those of 3.1 Flash.",),
        unsure_price=True,
    ),
    _Row(
        "gemini-3-pro-image",
        "Gemini 3 Pro Image",
        _classes(_1K, 4),
        ("2", "12", "120"),
        {"1K": 1120, "2K": 1120, "4K": 2000},
        since=(_SPRING, None),
        ends=(None, date(2027, 5, 28)),
    ),
    _Row(
        "gemini-3.1-flash-image",
        "Gemini 3.1 Flash Image",
        _classes(_1K_14, 4),
        ("0.5", "3", "60"),
        _FLASH_TOKENS,
        since=(_SPRING, date(2026, 10, 6)),
        ends=(None, date(2027, 5, 28)),
        successor="gemini-nano-banana-2.1",
        uncertain=(
            "The class 512 is left out: no source gives its pixels.",
            "No official end at the Gemini API was found; one third party says 2026-10-29.",
        ),
    ),
    _Row(
        "gemini-3.1-flash-lite-image",
        "Gemini 3.1 Flash-Lite Image",
        _classes(_1K, 1),
        ("0.25", "1.5", "30"),
        {"1K": 1120},
        since=(date(2026, 6, 30), None),
    ),
    _Row(
        "gemini-2.5-flash-image",
        "Gemini 2.5 Flash Image",
        Ratios(classes={"1K": _2_5}, named=False),
        ("0.3", "2.5", "30"),
        {"1K": 1290},
        ends=(date(2027, 3, 15), date(2027, 3, 15)),
        inputs=3,
        extra=(),
        uncertain=(
            "At the Gemini API its end could have come from 2026-10-02 on; others still see it served, "
            "and 2027-03-15 is the date that a third party carries.",
        ),
    ),
)


def _operations(row: _Row, *, vertex: bool) -> dict[Operation, Capability]:
    people = ("personGeneration", "prominentPeople") if vertex else ()
    generate = Capability(
        sizes=row.sizes,
        default_size="1024x1024",
        output_formats=("png", "jpeg") if vertex else ("png",),
        compression=("jpeg",) if vertex else (),
        seed=Seed(max=2**31 - 1, best_effort=True),
        extra=("safetySettings", "systemInstruction", *row.extra, *people),
    )
    edit = {
        # It has the shape of what came in.
        "default_size": None,
        "images": InputImages(max=row.inputs, max_bytes=7 * 2**20 if vertex else 14 * 2**20),
    }
    return {"generate": generate, "edit": generate.model_copy(update=edit)}


def _tokens(row: _Row) -> TokenPrices:
    text_in, text_out, image_out = map(Decimal, row.usd)
    return TokenPrices(
        text_in=text_in,
        image_in=text_in,
        text_out=text_out,
        image_out=image_out,
        per_image={"": dict(row.tokens)},
        as_of=_AS_OF,
        uncertain=row.unsure_price,
    )


def _model(row: _Row, *, vertex: bool) -> Model:
    provider = "vertex" if vertex else "google"
    heir = Succession(model=f"{provider}/{row.successor}") if row.successor else None
    released, deprecated = row.since
    return Model(
        id=f"{provider}/{row.name}",
        title=f"{row.title} (Vertex AI)" if vertex else row.title,
        operations=_operations(row, vertex=vertex),
        tokens=_tokens(row),
        lifecycle=Lifecycle(
            released=released, deprecated=deprecated, retired=row.ends[vertex], successor=heir
        ),
        facts=Facts(
            as_of=_AS_OF,
            source=_SOURCE,
            uncertain=(*row.uncertain, *_ANY, *((_VERTEX_PRICES,) if vertex else ())),
        ),
        notes=_NOTES,
        bare_name=not vertex,
    )


def _gone(name: str, ended: date, successor: str | None) -> Model:
    """Return a preview model that the Gemini API no longer serves, as its successor is described."""
    like = next(row for row in _ROWS if row.name == (successor or "gemini-2.5-flash-image"))
    model = _model(like._replace(title=name, uncertain=()), vertex=False)
    heir = Succession(model=f"google/{successor}") if successor else None
    return model.model_copy(
        update={"id": f"google/{name}", "lifecycle": Lifecycle(retired=ended, successor=heir)}
    )


def _open(*, vertex: bool) -> Model:
    """Return what stands for every other model, as wide as the widest."""
    provider = "vertex" if vertex else "google"
    return Model(
        id=f"{provider}/*",
        operations=_operations(_ROWS[0], vertex=vertex),
        facts=Facts(as_of=_AS_OF, source=_SOURCE),
        declared=False,
    )


def _gemini_api() -> Iterator[Model]:
    yield from (_model(row, vertex=False) for row in _ROWS)
    june = date(2026, 6, 25)
    yield _gone("gemini-3-pro-image-preview", june, "gemini-3-pro-image")
    yield _gone("gemini-3.1-flash-image-preview", june, "gemini-3.1-flash-image")
    yield _gone("gemini-2.0-flash-exp-image-generation", date(2025, 11, 14), None)
    yield _open(vertex=False)


GOOGLE = tuple(_gemini_api())
"""At the Gemini API, newest first."""

VERTEX_AI = (*(_model(row, vertex=True) for row in _ROWS), _open(vertex=True))
"""At Vertex AI, newest first."""
