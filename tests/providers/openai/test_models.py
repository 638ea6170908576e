"""What the models are said to do."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from pinxit import Capability, FixedSizes, Model, SizeRange
from pinxit.registry import Registry
from pinxit_providers.openai import PLUGIN as openai

TODAY = date(2026, 11, 22)
NEW = (
    "gpt-image-2",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-flare",
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
)
FIXED = ("gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "chatgpt-image-latest")
GPT = (*NEW, *FIXED)


def test_every_model_of_the_facts_is_there(models: dict[str, Model]) -> None:
    """All eleven models are registered under the vendor's own names."""
    assert set(models) == {*GPT, "dall-e-2", "dall-e-3"}


def test_successors_are_registered(models: dict[str, Model]) -> None:
    """Every line of successors ends at a model that serves."""
    registry = Registry()
    for model in models.values():
        registry.add(model, openai)
    assert not list(registry.cut_bad_successors())
    assert registry.get("gpt-image-2-2026-04-21").name == "gpt-image-2"
    assert registry.get("openai/gpt-image-2.5-flare-2026-09-08").name == "gpt-image-2.5-flare"


@pytest.mark.parametrize(
    ("name", "today", "then"),
    [
        ("dall-e-2", "retired", "retired"),
        ("dall-e-3", "retired", "retired"),
        ("gpt-image-1", "retired", "retired"),
        ("gpt-image-1-mini", "deprecated", "retired"),
        ("gpt-image-1.5", "deprecated", "retired"),
        ("chatgpt-image-latest", "deprecated", "retired"),
        *((name, "live", "live") for name in NEW),
    ],
)
def test_models_retire_by_themselves(
    models: dict[str, Model], name: str, today: str, then: str
) -> None:
    """An announced shutdown takes effect on its day without a new release."""
    lifecycle = models[name].lifecycle
    assert lifecycle.status(TODAY) == today
    assert lifecycle.status(date(2026, 12, 1)) == then


@pytest.mark.parametrize(
    ("name", "heir"),
    [
        ("dall-e-2", "openai/gpt-image-2.5-flare"),
        ("dall-e-3", "openai/gpt-image-2.5-sunburst"),
        ("gpt-image-1", "openai/gpt-image-2.5-sunburst"),
        ("gpt-image-1-mini", "openai/gpt-image-2.6-flare"),
        ("gpt-image-1.5", "openai/gpt-image-2.6-sunburst"),
        ("chatgpt-image-latest", "openai/gpt-image-2.6-sunburst"),
    ],
)
def test_the_dying_name_their_heirs(models: dict[str, Model], name: str, heir: str) -> None:
    """A model that ends says who serves its users, in that model's own words."""
    succession = models[name].lifecycle.successor
    assert succession is not None
    assert succession.model == heir
    qualities = models[heir.removeprefix("openai/")].operations["generate"].qualities
    assert set(succession.quality.values()) <= set(qualities)


def test_the_words_of_dall_e_3_translate(models: dict[str, Model]) -> None:
    """DALL·E 3's qualities and styles have equivalents at its successor."""
    succession = models["dall-e-3"].lifecycle.successor
    assert succession is not None
    assert succession.quality == {"hd": "high", "standard": "medium"}
    assert set(succession.style_words) == {"vivid", "natural"}


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize(
    ("width", "height", "taken"),
    [
        (1024, 1024, True),
        (1536, 864, True),
        (3840, 2160, True),
        (3840, 1280, True),
        (3840, 1264, False),
        (3840, 2176, False),
        (3856, 1600, False),
        (1024, 640, True),
        (1008, 640, False),
        (1024, 1000, False),
        (512, 512, False),
    ],
)
def test_sizes_of_the_new_models(
    models: dict[str, Model], name: str, width: int, height: int, taken: bool
) -> None:
    """Sixteens, three to one, 655,360 to 8,294,400 pixels and 3840 per edge bound the sizes."""
    for capability in models[name].operations.values():
        assert isinstance(capability.sizes, SizeRange)
        assert capability.sizes.accepts(width, height) is taken
        assert capability.sizes.auto


@pytest.mark.parametrize("name", FIXED)
def test_sizes_of_the_older_models(models: dict[str, Model], name: str) -> None:
    """Models before GPT Image 2 have three sizes and auto."""
    for capability in models[name].operations.values():
        assert capability.sizes == FixedSizes(
            values=("1024x1024", "1536x1024", "1024x1536"), auto=True
        )


@pytest.mark.parametrize("name", GPT)
def test_what_gpt_image_models_share(models: dict[str, Model], name: str) -> None:
    """The family generates and edits in base64, streams, and knows neither seed nor style."""
    model = models[name]
    assert set(model.operations) == {"generate", "edit"}
    assert model.defaults == {"response_format": "b64_json"}
    for capability in model.operations.values():
        assert capability.max_n == 10
        assert capability.max_prompt == 32_000
        assert capability.quality_map == {"hd": "high", "standard": "medium"}
        assert set(capability.style_words) == {"vivid", "natural"}
        assert capability.backgrounds == ("auto", "transparent", "opaque")
        assert capability.output_formats == ("png", "jpeg", "webp")
        assert capability.compression == ("jpeg", "webp")
        assert capability.delivers == ("b64_json",)
        assert capability.streaming
        assert capability.partial_images == 3
        assert capability.seed is None
        assert not capability.styles
        assert not capability.negative_prompt
        assert not capability.svg


@pytest.mark.parametrize("name", GPT)
def test_what_goes_into_an_edit(models: dict[str, Model], name: str) -> None:
    """Sixteen pictures under 50 MB and a mask under 4 MB go in; moderation does not."""
    edit = models[name].operations["edit"]
    assert edit.images is not None
    assert edit.images.max == 16
    assert set(edit.images.formats) == {"png", "jpeg", "webp"}
    assert edit.images.max_bytes == 52_428_799
    assert edit.mask is not None
    assert edit.mask.polarity == "transparent_edits"
    assert edit.mask.soft
    assert edit.mask.max_bytes == 4_194_303
    assert models[name].operations["generate"].moderations == ("auto", "low")
    assert edit.moderations == ()
    assert models[name].operations["generate"].images is None


@pytest.mark.parametrize(
    ("name", "top", "fidelities", "markup", "complexities"),
    [
        ("gpt-image-1", "high", ("low", "high"), False, ()),
        ("gpt-image-1-mini", "high", ("low",), False, ()),
        ("gpt-image-1.5", "high", ("low", "high"), False, ()),
        ("chatgpt-image-latest", "high", (), False, ()),
        ("gpt-image-2", "high", (), False, ()),
        ("gpt-image-2.5-sunburst", "max", (), True, ()),
        ("gpt-image-2.5-flare", "max", (), True, ()),
        ("gpt-image-2.6-sunburst", "max", (), True, ("low", "medium", "high")),
        ("gpt-image-2.6-flare", "max", (), True, ("low", "medium", "high")),
    ],
)
def test_what_the_generations_differ_in(
    models: dict[str, Model],
    name: str,
    top: str,
    fidelities: tuple[str, ...],
    markup: bool,
    complexities: tuple[str, ...],
) -> None:
    """Qualities, fidelities, markup and complexity came and went with the generations."""
    generate, edit = models[name].operations["generate"], models[name].operations["edit"]
    assert generate.qualities[-1] == edit.qualities[-1] == top
    assert edit.input_fidelities == fidelities
    assert edit.markup is markup
    assert generate.complexities == edit.complexities == complexities
    assert generate.input_fidelities == ()
    assert not generate.markup


def test_dall_e_2(models: dict[str, Model]) -> None:
    """DALL·E 2 takes one small square PNG, and generates, edits and varies."""
    model = models["dall-e-2"]
    assert model.defaults == {"size": "1024x1024", "response_format": "url"}
    assert set(model.operations) == {"generate", "edit", "variation"}
    for operation in ("edit", "variation"):
        images = model.operations[operation].images
        assert images is not None
        assert (images.max, images.formats, images.square) == (1, ("png",), True)
        assert images.max_bytes == 4_194_303
    assert model.operations["generate"].max_prompt == 1000
    assert model.operations["generate"].mask is None
    assert model.operations["edit"].mask is not None
    assert model.operations["variation"].mask is None
    assert model.operations["generate"].delivers == ("url", "b64_json")


def test_dall_e_3(models: dict[str, Model]) -> None:
    """DALL·E 3 only generates, one at a time, with styles of its own."""
    model = models["dall-e-3"]
    assert model.defaults == {"size": "1024x1024", "response_format": "url"}
    assert set(model.operations) == {"generate"}
    generate = model.operations["generate"]
    assert generate.max_n == 1
    assert generate.max_prompt == 4000
    assert generate.qualities == ("standard", "hd")
    assert generate.styles == ("vivid", "natural")


@pytest.mark.parametrize(
    ("name", "quality", "size", "usd"),
    [
        ("gpt-image-1", "high", "1024x1024", "0.1664"),
        ("gpt-image-1.5", "low", "1024x1536", "0.013056"),
        ("gpt-image-2", "high", "1024x1024", "0.21072"),
        ("gpt-image-2.5-flare", "medium", "1024x1024", "0.01317"),
        ("gpt-image-2.6-sunburst", "max", "1024x1024", "0.21072"),
    ],
)
def test_tokens_agree_with_listed_prices(
    models: dict[str, Model], name: str, quality: str, size: str, usd: str
) -> None:
    """Output tokens at the model's rate give the price per picture that is published."""
    tokens = models[name].tokens
    assert tokens is not None
    assert tokens.per_image[quality][size] * tokens.image_out / 1_000_000 == Decimal(usd)
    assert tokens.as_of == TODAY


@pytest.mark.parametrize(
    ("name", "size", "quality", "usd"),
    [
        ("dall-e-2", "256x256", None, "0.016"),
        ("dall-e-2", "1024x1024", None, "0.02"),
        ("dall-e-3", "1024x1024", "standard", "0.04"),
        ("dall-e-3", "1792x1024", "standard", "0.08"),
        ("dall-e-3", "1024x1024", "hd", "0.08"),
        ("dall-e-3", "1024x1792", "hd", "0.12"),
    ],
)
def test_prices_of_dall_e(
    models: dict[str, Model], name: str, size: str, quality: str | None, usd: str
) -> None:
    """The first price that matches is the one that DALL·E cost."""
    price = next(
        price
        for price in models[name].prices
        if price.size in {None, size} and price.quality in {None, quality}
    )
    assert price.usd == Decimal(usd)


def test_text_that_comes_out_has_a_rate_of_its_own(models: dict[str, Model]) -> None:
    """Only the generation of 1.5 is billed for it, at less than for pictures."""
    rates = {model.name: model.tokens.text_out for model in models.values() if model.tokens}
    charged = {name: rate for name, rate in rates.items() if rate is not None}
    assert charged == {"gpt-image-1.5": Decimal(10), "chatgpt-image-latest": Decimal(10)}


def test_uncertain_facts_are_marked(models: dict[str, Model]) -> None:
    """What the sources do not settle is said with the model, and its prices are marked."""
    for model in models.values():
        assert model.facts is not None
        assert model.facts.as_of == TODAY
        assert all(sentence.endswith(".") for sentence in model.facts.uncertain)
    uncertain = {name for name, m in models.items() if m.tokens and m.tokens.uncertain}
    assert uncertain == {*NEW, "gpt-image-1-mini"}
    latest = models["gpt-image-2.6-sunburst"].facts
    assert latest is not None
    assert any("complexity" in sentence for sentence in latest.uncertain)


def test_capabilities_pass_their_own_checks(models: dict[str, Model]) -> None:
    """Data that was copied and changed still passes the validation of new data."""
    for model in models.values():
        for capability in model.operations.values():
            assert Capability.model_validate(capability.model_dump()) == capability
