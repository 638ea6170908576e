"""Tests of `pinxit.pricing`. Prices are made up so that sums can be done in the head."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit.capabilities import (
    Capability,
    FixedSizes,
    InputImages,
    Model,
    Price,
    Ratios,
    SizeRange,
    TokenPrices,
)
from pinxit.pricing import actual, estimate
from pinxit.types import (
    EditRequest,
    GenerateRequest,
    Image,
    ImagesResponse,
    TokenDetails,
    Usage,
    VariationRequest,
)

DAY = date(2026, 11, 1)
PICTURE = Image(b"a picture")
SQUARE, WIDE = "1000x1000", "2000x1000"


def price(usd: str, **fields: Any) -> Price:
    return Price(usd=Decimal(usd), as_of=DAY, **fields)


def model(*prices: Price, sizes: Any = None, **fields: Any) -> Model:
    capability = Capability(
        sizes=sizes, default_size=fields.pop("default_size", None), images=InputImages()
    )
    operations = dict.fromkeys(("generate", "edit", "variation"), capability)
    return Model.model_validate(
        {"id": "acme/one", "operations": operations, "prices": prices, **fields}
    )


def ask(**fields: Any) -> GenerateRequest:
    return GenerateRequest(prompt=fields.pop("prompt", "a fox"), **fields)


def usd(text: str) -> Decimal:
    return Decimal(text)


TOKENS = TokenPrices(
    text_in=Decimal(3),
    image_in=Decimal(10),
    image_out=Decimal(40),
    per_image={
        "low": {SQUARE: 100, WIDE: 150},
        "high": {SQUARE: 1000, WIDE: 1500},
    },
    as_of=DAY,
)


def test_no_prices_no_estimate() -> None:
    """What is not known is not guessed."""
    assert estimate(model(), ask()) is None


def test_free_is_known() -> None:
    """Zero dollars is a price."""
    assert estimate(model(price("0")), ask()) == 0


def test_per_image_and_number() -> None:
    """A picture's price counts for each; the number of a call overrides the request's."""
    acme = model(price("0.04"))
    assert estimate(acme, ask(n=3)) == usd("0.12")
    assert estimate(acme, ask(n=3), n=2) == usd("0.08")


def test_per_request() -> None:
    """A price per request does not grow with the pictures."""
    assert estimate(model(price("0.04", per="request")), ask(n=3)) == usd("0.04")


def test_per_megapixel() -> None:
    """A megapixel is a million pixels."""
    acme = model(price("0.03", per="megapixel"))
    assert estimate(acme, ask(size=WIDE, n=2)) == usd("0.12")


def test_first_match_wins() -> None:
    """Special prices stand before general ones; operation, size and quality all have to match."""
    acme = model(
        price("0.5", operation="edit"),
        price("0.12", quality="hd", size=WIDE),
        price("0.08", quality="hd"),
        price("0.04"),
    )
    assert estimate(acme, ask(quality="hd", size=WIDE)) == usd("0.12")
    assert estimate(acme, ask(quality="hd", size=SQUARE)) == usd("0.08")
    assert estimate(acme, ask(quality="standard", size=WIDE)) == usd("0.04")
    assert estimate(acme, EditRequest(prompt="x", images=(PICTURE,))) == usd("0.5")


@pytest.mark.parametrize("quality", [None, "auto"])
def test_open_quality_is_the_dearest(quality: str | None) -> None:
    """Where the model picks the quality, a limit has to hold for the dearest."""
    acme = model(price("0.01", quality="low"), price("0.2", quality="high"), price("0.1"))
    assert estimate(acme, ask(quality=quality, size=SQUARE)) == usd("0.2")


@pytest.mark.parametrize("size", [None, "auto"])
def test_open_size_is_the_dearest(size: str | None) -> None:
    """Where the model picks the size, the dearest of those on offer counts."""
    acme = model(
        price("0.01", size=SQUARE),
        price("0.03", size=WIDE),
        sizes=FixedSizes(values=(SQUARE, WIDE), auto=True),
    )
    assert estimate(acme, ask(size=size)) == usd("0.03")


def test_default_quality_is_no_open_quality() -> None:
    """Where no quality means a certain one, that one is priced."""
    prices = (price("1", quality="standard"), price("2", quality="hd"))
    made = model(*prices)
    known = made.operations["generate"].model_copy(update={"default_quality": "standard"})
    made = made.model_copy(update={"operations": {"generate": known}})
    assert estimate(made, ask()) == usd("1")
    assert estimate(made, ask(quality="hd")) == usd("2")


def test_default_size_is_no_open_size() -> None:
    """An absent size is the known default, unless the caller said auto."""
    acme = model(price("0.01", size=SQUARE), price("0.03", size=WIDE), default_size=SQUARE)
    assert estimate(acme, ask()) == usd("0.01")
    assert estimate(acme, ask(size="auto")) == usd("0.03")
    by_id = model(price("0.01", size=SQUARE), price("0.03", size=WIDE), defaults={"size": SQUARE})
    assert estimate(by_id, ask()) == usd("0.01")


def test_unlisted_size_scales_the_dearest_rate() -> None:
    """Between sizes with a price the dearest price per pixel counts."""
    acme = model(price("0.02", size=SQUARE), price("0.03", size=WIDE))
    assert estimate(acme, ask(size="2000x2000")) == usd("0.08")


def test_unlisted_quality_is_the_dearest() -> None:
    """A quality without a price counts as the dearest one."""
    acme = model(price("0.01", quality="low"), price("0.2", quality="high"))
    assert estimate(acme, ask(quality="max", size=SQUARE)) == usd("0.2")


RATIOS = Ratios(
    classes={
        "1K": {"1:1": "1000x1000", "2:1": "2000x1000"},
        "4K": {"1:1": "4000x4000", "2:1": "4000x2000"},
    },
    auto=True,
)


@pytest.mark.parametrize(
    ("fields", "megapixels"),
    [
        ({"size": "4K", "aspect_ratio": "2:1"}, 8),
        ({"size": "4K"}, 16),
        ({"aspect_ratio": "1:1"}, 1),
        ({"aspect_ratio": "auto"}, 2),
        ({}, 2),
        ({"size": "auto"}, 16),
        ({"size": "auto", "aspect_ratio": "2:1"}, 8),
        ({"size": "3000x1000"}, 3),
    ],
)
def test_classes_become_pixels(fields: dict[str, str], megapixels: int) -> None:
    """A class and a ratio are looked up; without a class the default one holds, without a ratio all do."""
    acme = model(price("1", per="megapixel"), sizes=RATIOS)
    assert estimate(acme, ask(**fields)) == megapixels


def test_prices_by_class() -> None:
    """A price may name a class; exact pixels of that class have it too."""
    acme = model(price("0.04", size="1K"), price("0.24", size="4K"), sizes=RATIOS)
    assert estimate(acme, ask(size="4K", aspect_ratio="1:1")) == usd("0.24")
    assert estimate(acme, ask(size="2000x1000")) == usd("0.04")
    assert estimate(acme, ask()) == usd("0.04")
    free_sizes = model(price("0.04", size="1K"), price("0.24", size="4K"))
    assert estimate(free_sizes, ask(size="4K")) == usd("0.24")


def test_free_sizes_are_bounded_by_the_largest() -> None:
    """With nothing listed the largest picture that the model makes counts."""
    by_pixels = SizeRange(max_edge=4000, max_pixels=3_000_000, auto=True)
    assert estimate(model(price("1", per="megapixel"), sizes=by_pixels), ask()) == 3
    by_edge = SizeRange(max_edge=2000, auto=True)
    assert estimate(model(price("1", per="megapixel"), sizes=by_edge), ask()) == 4
    listed = SizeRange(max_edge=4000, listed=(WIDE,), auto=True)
    assert estimate(model(price("1", per="megapixel"), sizes=listed), ask(size="auto")) == 2


def test_pixels_that_nobody_knows() -> None:
    """A price per megapixel of an unknown size is unknown."""
    assert estimate(model(price("1", per="megapixel")), ask()) is None


def test_tokens() -> None:
    """Output tokens from the table, and one token of text for three bytes of the prompt."""
    acme = model(tokens=TOKENS)
    request = ask(prompt="x" * 3000, quality="low", size=SQUARE, n=2)
    assert estimate(acme, request) == usd("0.008") + usd("0.003")


def test_tokens_of_unlisted_sizes() -> None:
    """Tokens per pixel scale like dollars do."""
    request = ask(prompt="x", quality="high", size="2000x2000")
    assert estimate(model(tokens=TOKENS), request) == usd("0.160003")


def test_tokens_of_open_choices() -> None:
    """Quality and size left to the model count as the dearest of the table."""
    assert estimate(model(tokens=TOKENS), ask(prompt="x")) == usd("0.060003")


def test_tokens_without_a_table() -> None:
    """Rates alone do not tell what a picture costs."""
    bare = TOKENS.model_copy(update={"per_image": {}})
    assert estimate(model(tokens=bare), ask()) is None


def test_partial_pictures_cost() -> None:
    """Each partial picture of each result adds a hundred tokens, in streams only."""
    acme = model(tokens=TOKENS)
    fields = {"prompt": "x", "quality": "low", "size": SQUARE, "n": 2, "partial_images": 3}
    plain = estimate(acme, ask(**fields))
    streamed = estimate(acme, ask(**fields, stream=True))
    assert plain == usd("0.008003")
    assert streamed == usd("0.032003")


def test_listed_prices_come_before_tokens() -> None:
    """Where a price is listed, tokens are not counted."""
    acme = model(price("0.5", quality="high"), tokens=TOKENS)
    assert estimate(acme, ask(quality="high", size=SQUARE)) == usd("0.5")
    assert estimate(acme, ask(prompt="x", quality="low", size=SQUARE)) == usd("0.004003")


def test_variation_has_no_prompt() -> None:
    """A variation is priced without text."""
    acme = model(tokens=TOKENS)
    assert estimate(acme, VariationRequest(images=(PICTURE,), size=SQUARE)) == usd("0.04")


def test_rounding() -> None:
    """Dollars have six places."""
    assert estimate(model(price("0.0000015")), ask()) == usd("0.000002")
    assert estimate(model(price("0.1")), ask(n=3)) == usd("0.3")


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([None, "auto", "low", "high"]))
def test_estimates_never_undercut(width: int, height: int, quality: Any) -> None:
    """Any size and quality left open costs at least what the cheapest definite choice does."""
    acme = model(tokens=TOKENS)
    size = f"{width}x{height}"
    cheapest = estimate(acme, ask(size=size, quality="low"))
    cost = estimate(acme, ask(size=size, quality=quality))
    assert cost is not None
    assert cheapest is not None
    assert cost >= cheapest


def respond(**fields: Any) -> ImagesResponse:
    return ImagesResponse(data=(PICTURE,) * fields.pop("count", 1), **fields)


def test_provider_states_the_cost() -> None:
    """What the provider says holds, whatever the prices are."""
    response = respond(cost=Decimal("0.0123456"), usage=Usage(output_tokens=5))
    assert actual(model(tokens=TOKENS), ask(), response) == (usd("0.012346"), "exact")


def usage(text: int, image: int, out: int, total_in: int | None = None) -> Usage:
    return Usage(
        input_tokens=text + image if total_in is None else total_in,
        output_tokens=out,
        input_tokens_details=TokenDetails(text_tokens=text, image_tokens=image),
    )


def test_metered_tokens_are_exact() -> None:
    """Text, pictures in and pictures out have a rate each."""
    response = respond(usage=usage(text=1000, image=2000, out=3000))
    request = EditRequest(prompt="x", images=(PICTURE,))
    assert actual(model(tokens=TOKENS), request, response) == (usd("0.143"), "exact")


@pytest.mark.parametrize(("rate", "expected"), [(None, "0.043"), ("10", "0.0205"), ("0", "0.013")])
def test_text_that_comes_out(rate: str | None, expected: str) -> None:
    """Text and thoughts beside pictures have a rate of their own where one is known."""
    said = TokenDetails(text_tokens=750, image_tokens=250)
    counted = usage(1000, 0, 1000).model_copy(update={"output_tokens_details": said})
    tokens = TOKENS.model_copy(update={"text_out": Decimal(rate) if rate else None})
    assert actual(model(tokens=tokens), ask(), respond(usage=counted)) == (usd(expected), "exact")


def test_more_text_than_came_out() -> None:
    """Counts that contradict each other never make a negative price."""
    said = TokenDetails(text_tokens=5000)
    counted = usage(0, 0, 1000).model_copy(update={"output_tokens_details": said})
    tokens = TOKENS.model_copy(update={"text_out": Decimal(10)})
    assert actual(model(tokens=tokens), ask(), respond(usage=counted)) == (usd("0.01"), "exact")


def test_input_without_details() -> None:
    """Input tokens of unknown kind are text when nothing but text went in, else priced as the dearer."""
    response = respond(usage=usage(0, 0, 1000, total_in=1000))
    acme = model(tokens=TOKENS)
    assert actual(acme, ask(), response) == (usd("0.043"), "exact")
    edit = EditRequest(prompt="x", images=(PICTURE,))
    assert actual(acme, edit, response) == (usd("0.05"), "estimated")


def test_empty_usage_is_no_meter() -> None:
    """Zeros are a provider that does not count, not a gift."""
    acme = model(price("0.04"), tokens=TOKENS)
    assert actual(acme, ask(), respond(usage=Usage())) == (usd("0.04"), "estimated")


def test_usage_without_rates() -> None:
    """Tokens of a model that is priced by the picture do not matter."""
    response = respond(usage=usage(1, 1, 1))
    assert actual(model(price("0.04")), ask(), response) == (usd("0.04"), "estimated")


def test_pictures_that_came_are_counted() -> None:
    """Two of three pictures came: two are estimated."""
    assert actual(model(price("0.04")), ask(n=3), respond(count=2)) == (usd("0.08"), "estimated")


def test_what_the_response_says_was_made() -> None:
    """The response's size and quality replace the request's auto."""
    acme = model(price("0.01", quality="low"), price("0.2", quality="high"))
    request = ask(quality="auto", size="auto")
    assert actual(acme, request, respond(quality="low")) == (usd("0.01"), "estimated")
    by_size = model(price("0.01", size=SQUARE), price("0.03", size=WIDE))
    assert actual(by_size, request, respond(size=SQUARE)) == (usd("0.01"), "estimated")


def test_unknown_cost() -> None:
    """Without prices the cost is unknown, and said to be."""
    assert actual(model(), ask(), respond()) == (None, "unknown")
