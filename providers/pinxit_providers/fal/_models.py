"""fal's main image models, made of the tables' rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from pinxit import Capability, Facts, InputImages, Model, Price
from pinxit.types import Operation

from . import _flux, _vendors
from ._dialect import Dialects
from ._row import FLUX_2, PNG_FIRST, Row, takes

__all__ = ["DIALECTS", "MODELS"]

AS_OF = date(2026, 11, 22)
SOURCE = "@fal-ai/client 1.10.1 (inputs), fal.ai/docs model-apis, prices of LiteLLM 1.109.1 and fal's pages"

_EDIT_PRICE = "An edit is taken to cost what a generation costs."

_ROWS = (*_flux.ROWS, *_vendors.ROWS)


def _operations(row: Row) -> dict[Operation, Capability]:
    found: dict[Operation, Capability] = {}
    if row.dialects.generate is not None:
        found["generate"] = Capability(**row.takes)
    if row.dialects.edit is not None or row.dialects.inpaint is not None:
        images = InputImages(max=row.references)
        found["edit"] = Capability(**{**row.takes, **row.edits}, images=images, mask=row.mask)
    return found


def _prices(row: Row) -> tuple[Price, ...]:
    if row.per_megapixel:
        return (Price(usd=Decimal(row.per_megapixel), per="megapixel", as_of=AS_OF),)
    qualities = row.takes.get("qualities", ())
    return tuple(
        Price(
            usd=Decimal(usd),
            size=key if key and key not in qualities else None,
            quality=key if key in qualities else None,
            as_of=AS_OF,
        )
        for key, usd in row.usd.items()
    )


def _facts(row: Row) -> Facts:
    guessed = bool(row.usd or row.per_megapixel) and len(_operations(row)) > 1
    uncertain = (*row.uncertain, *((_EDIT_PRICE,) if guessed else ()))
    return Facts(as_of=AS_OF, source=SOURCE, uncertain=uncertain)


def _aliases(row: Row) -> tuple[str, ...]:
    """Return the ids of the endpoints for edits, and fal's own names without their owner."""
    several = (row.dialects.edit, row.dialects.several, row.dialects.inpaint, row.dialects.generate)
    paths = [
        dialect.path for dialect in several if dialect is not None and dialect.path != row.name
    ]
    short = [
        path.removeprefix("fal-ai/") for path in (row.name, *paths) if path.startswith("fal-ai/")
    ]
    return tuple(f"fal/{path}" for path in (*paths, *short))


MODELS = (
    *(
        Model(
            id=f"fal/{row.name}",
            title=row.title,
            operations=_operations(row),
            aliases=_aliases(row),
            prices=_prices(row),
            facts=_facts(row),
        )
        for row in _ROWS
    ),
    Model(
        id="fal/*",
        title="Any other endpoint of fal",
        operations={
            "generate": Capability(**takes(FLUX_2, formats=PNG_FIRST)),
            "edit": Capability(**takes(FLUX_2, formats=PNG_FIRST), images=InputImages(max=14)),
        },
        declared=False,
        facts=Facts(as_of=AS_OF, source=SOURCE),
        notes=(
            "It is sent prompt and num_images, and where they are asked for image_size, seed and "
            "output_format; pictures go in image_urls. What it calls otherwise goes into extra.",
        ),
    ),
)

DIALECTS: Mapping[str, Dialects] = {row.name: row.dialects for row in _ROWS}
"""The endpoints of each model, by its own name."""
