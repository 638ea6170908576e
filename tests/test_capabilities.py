"""What a model can do, as data that refuses what contradicts itself."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pinxit import (
    Capability,
    FixedSizes,
    InputImages,
    Lifecycle,
    Mask,
    Model,
    Price,
    Ratios,
    Seed,
    SizeRange,
    Succession,
    TokenPrices,
)

TABLE = Ratios(
    classes={
        "1K": {"1:1": "1024x1024", "3:2": "1264x848"},
        "2K": {"1:1": "2048x2048", "3:2": "2528x1696"},
    }
)


# Sizes --------------------------------------------------------------------------------------------


def test_fixed_sizes_accept_what_is_listed() -> None:
    """A closed list accepts its members in this very orientation."""
    sizes = FixedSizes(values=("1024x1024", "1792x1024"))
    assert sizes.accepts(1792, 1024)
    assert not sizes.accepts(1024, 1792)


@pytest.mark.parametrize("values", [(), ("auto",), ("1024",), ("1024x1024", "wide")])
def test_fixed_sizes_are_pixels(values: tuple[str, ...]) -> None:
    """``auto`` has a field of its own, and a list has at least one member."""
    with pytest.raises(ValidationError):
        FixedSizes(values=values)


@pytest.mark.parametrize(
    ("width", "height", "accepted"),
    [
        (256, 256, True),
        (1024, 1024, True),
        (240, 256, False),
        (1040, 1024, False),
        (264, 256, False),
        (768, 256, True),
        (784, 256, False),
        (256, 768, True),
        (17, 19, True),
    ],
)
def test_a_range_accepts_what_keeps_every_bound(width: int, height: int, accepted: bool) -> None:
    """Edges, steps and ratio all count, in both orientations; what is listed is taken besides."""
    sizes = SizeRange(min_edge=256, max_edge=1024, multiple_of=16, max_ratio=3, listed=("17x19",))
    assert sizes.accepts(width, height) is accepted


@pytest.mark.parametrize(
    ("edge", "accepted"), [(99, False), (100, True), (200, True), (201, False)]
)
def test_a_range_counts_pixels(edge: int, accepted: bool) -> None:
    """The number of pixels has bounds of its own, both inclusive."""
    sizes = SizeRange(max_edge=1000, min_pixels=100 * 100, max_pixels=200 * 200)
    assert sizes.accepts(edge, edge) is accepted


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_range_without_further_bounds_is_its_edges(width: int, height: int) -> None:
    """With nothing else declared, only the edges decide."""
    sizes = SizeRange(min_edge=50, max_edge=200)
    assert sizes.accepts(width, height) is (min(width, height) >= 50 and max(width, height) <= 200)


@pytest.mark.parametrize(
    "fields",
    [
        {"min_edge": 10, "max_edge": 9},
        {"min_edge": 0, "max_edge": 9},
        {"max_edge": 9, "multiple_of": 0},
        {"max_edge": 9, "max_ratio": 0.5},
        {"max_edge": 9, "min_pixels": 10, "max_pixels": 9},
    ],
)
def test_a_range_that_holds_nothing_is_refused(fields: dict[str, Any]) -> None:
    """Bounds that contradict each other are a mistake in the data."""
    with pytest.raises(ValidationError):
        SizeRange.model_validate(fields)


def test_a_table_accepts_the_pixels_behind_its_labels() -> None:
    """Labels round, so the pixels count: what is called 3:2 is 1264x848."""
    assert TABLE.accepts(1264, 848)
    assert TABLE.accepts(2048, 2048)
    assert not TABLE.accepts(1200, 800)


def test_a_table_is_read_row_by_row() -> None:
    """Iterating yields class, ratio and pixels in the order in which they are declared."""
    assert list(TABLE) == [
        ("1K", "1:1", "1024x1024"),
        ("1K", "3:2", "1264x848"),
        ("2K", "1:1", "2048x2048"),
        ("2K", "3:2", "2528x1696"),
    ]


@pytest.mark.parametrize("classes", [{}, {"1K": {"wide": "1x1"}}, {"1K": {"1:1": "auto"}}])
def test_a_table_holds_ratios_and_pixels(classes: dict[str, dict[str, str]]) -> None:
    """What is neither a ratio nor a size has no place in the table."""
    with pytest.raises(ValidationError):
        Ratios(classes=classes)


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        (FixedSizes(values=("1x1", "2x1"), auto=True), "1x1, 2x1, auto"),
        (SizeRange(max_edge=9), "1 to 9 px per edge"),
        (
            SizeRange(min_edge=8, max_edge=64, multiple_of=8, max_ratio=2.5, auto=True),
            "8 to 64 px per edge in steps of 8, ratio up to 2.5:1, auto",
        ),
        (TABLE, "1:1, 3:2 in 1K, 2K"),
        (Ratios(classes={"1K": {"1:1": "9x9"}}, named=False, auto=True), "1:1, auto"),
    ],
)
def test_sizes_describe_themselves(sizes: FixedSizes | SizeRange | Ratios, text: str) -> None:
    """A refusal can say in one phrase what there is."""
    assert str(sizes) == text


def test_the_kind_of_sizes_decides_how_they_are_read() -> None:
    """In JSON the kind is named, so that each is read back as what it was."""
    for sizes in (FixedSizes(values=("1x1",)), SizeRange(max_edge=9), TABLE):
        capability = Capability(sizes=sizes)
        assert Capability.model_validate_json(capability.model_dump_json()) == capability


# Capabilities -------------------------------------------------------------------------------------


def test_nothing_is_taken_unless_it_is_declared() -> None:
    """An empty capability makes one picture, and takes only a prompt."""
    bare = Capability()
    assert (bare.max_n, bare.output_formats, bare.delivers) == (1, ("png",), ("b64_json",))
    declared = (bare.sizes, bare.seed, bare.mask, bare.images, bare.frames, bare.max_prompt)
    assert not any((*declared, bare.qualities, bare.styles, bare.backgrounds, bare.streaming))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"quality_map": {"hd": "high"}}, "quality_map leads to 'high'"),
        ({"compression": ["webp"]}, "compression names 'webp'"),
        ({"backgrounds": ["transparent"], "output_formats": ["jpeg"]}, "no output format"),
        ({"output_formats": []}, "output_formats"),
        ({"delivers": []}, "delivers"),
        ({"delivers": ["fax"]}, "delivers"),
        ({"max_n": 0}, "max_n"),
        ({"colour": True}, "colour"),
    ],
)
def test_a_capability_that_contradicts_itself_is_refused(fields: dict[str, Any], says: str) -> None:
    """The message names what contradicts what."""
    with pytest.raises(ValidationError, match=says):
        Capability.model_validate(fields)


def test_a_transparent_background_needs_one_format_that_carries_it() -> None:
    """Another format beside it does no harm."""
    capability = Capability(backgrounds=("transparent",), output_formats=("jpeg", "webp"))
    assert "transparent" in capability.backgrounds


def test_defaults_of_pictures_masks_and_seeds() -> None:
    """Where nothing is said, a mask is OpenAI's, a seed 32 bits, and one picture of a common format."""
    assert Mask().polarity == "transparent_edits"
    assert (Seed().min, Seed().max, Seed().best_effort) == (0, 2**32 - 1, False)
    assert (InputImages().max, InputImages().formats) == (1, ("png", "jpeg", "webp"))


# Lifecycles and prices ----------------------------------------------------------------------------

DAY = date(2026, 5, 12)
BEFORE = DAY - timedelta(days=1)


@pytest.mark.parametrize(
    ("lifecycle", "today", "status"),
    [
        (Lifecycle(), DAY, "live"),
        (Lifecycle(retired=DAY), DAY, "retired"),
        (Lifecycle(retired=DAY), BEFORE, "deprecated"),
        (Lifecycle(deprecated=DAY), DAY, "deprecated"),
        (Lifecycle(deprecated=DAY), BEFORE, "live"),
        (Lifecycle(deprecated=BEFORE, retired=DAY), DAY, "retired"),
        (Lifecycle(successor=Succession(model="a/b")), DAY, "live"),
    ],
)
def test_a_lifecycle_says_where_a_model_stands(
    lifecycle: Lifecycle, today: date, status: str
) -> None:
    """The first day without service is retired, and whoever has a last day is deprecated."""
    assert lifecycle.status(today) == status


def test_prices_are_dated_and_not_negative() -> None:
    """A price without a day, or below nothing, is none."""
    with pytest.raises(ValidationError, match="as_of"):
        Price.model_validate({"usd": "0.04"})
    with pytest.raises(ValidationError, match="usd"):
        Price(usd=Decimal(-1), as_of=DAY)
    with pytest.raises(ValidationError, match="as_of"):
        TokenPrices.model_validate({"text_in": 5, "image_in": 8, "image_out": 30})


def test_prices_are_exact() -> None:
    """A price is written as text or number and stays a Decimal."""
    price = Price.model_validate({"usd": 0.04, "as_of": "2026-05-12"})
    assert (price.usd, price.as_of) == (Decimal("0.04"), DAY)


# Models -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "provider", "name"),
    [
        ("acme/brush", "acme", "brush"),
        ("acme/brush-2.1:fast@v1", "acme", "brush-2.1:fast@v1"),
        ("host/vendor/brush", "host", "vendor/brush"),
    ],
)
def test_an_id_is_provider_and_name(id: str, provider: str, name: str) -> None:
    """The first slash divides; the provider's own name may hold more of them."""
    model = Model(id=id, operations={"generate": Capability()})
    assert (model.provider, model.name) == (provider, name)


@pytest.mark.parametrize(
    "id", ["brush", "/brush", "acme/", "Acme/brush", "ac me/brush", "acme/b c"]
)
def test_an_id_of_another_form_is_refused(id: str) -> None:
    """A provider is written in small letters, digits and hyphens."""
    with pytest.raises(ValidationError, match="id"):
        Model(id=id, operations={"generate": Capability()})


def test_a_model_does_something() -> None:
    """A model without operations, or with one that nobody knows, is refused."""
    for operations in ({}, {"upscale": Capability()}):
        with pytest.raises(ValidationError, match="operations"):
            Model.model_validate({"id": "acme/brush", "operations": operations})


def test_defaults_are_not_shared() -> None:
    """Each model has defaults of its own."""
    one, two = (Model(id=f"acme/{n}", operations={"generate": Capability()}) for n in "ab")
    assert one.defaults == two.defaults == {}
    assert one.defaults is not two.defaults


def test_a_model_survives_json() -> None:
    """What is served over HTTP can be read back."""
    model = Model(
        id="acme/brush",
        operations={"edit": Capability(sizes=TABLE, images=InputImages(), mask=Mask())},
        prices=(Price(usd=Decimal("0.04"), as_of=DAY),),
        lifecycle=Lifecycle(retired=DAY, successor=Succession(model="acme/brush-2")),
    )
    assert Model.model_validate_json(model.model_dump_json()) == model
