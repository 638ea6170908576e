"""DeepInfra: OpenAI's dialect with one word for results, forms for uploads and FastAPI's errors."""

from __future__ import annotations

import pytest

from asking import ask, planned, refused, sent, settings_of
from pinxit import EditRequest, GenerateRequest, Image, Plugins
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import mask, picture
from pinxit_providers.deepinfra import PLUGIN
from pinxit_providers.fakes.deepinfra import FakeDeepInfra

KEY = "deepinfra-this-key-is-nobodys-0123456789"
FLUX = "deepinfra/black-forest-labs/FLUX-2-dev"
KONTEXT = "deepinfra/black-forest-labs/FLUX.1-Kontext-pro"


class TestDeepInfra(ProviderTests):
    """One model of each kind, against a stand-in as strict as the API's document."""

    plugin = PLUGIN
    models = {FLUX, KONTEXT}
    asgi = FakeDeepInfra(key=KEY)
    settings = {"api_key": KEY, "base_url": "http://fake.test/v1/openai"}
    most_pixels = 1024 * 1024


def test_a_generation_is_json() -> None:
    """Number and size go by OpenAI's names, and results are asked for by the one word there is."""
    trial = ask(TestDeepInfra(), FLUX, n=2, size="1024x768", prompt="a fox")
    assert sent(trial) == {
        "model": "black-forest-labs/FLUX-2-dev",
        "prompt": "a fox",
        "n": 2,
        "size": "1024x768",
        "response_format": "b64_json",
    }
    assert trial.response is not None
    assert [image.format for image in trial.response.data] == ["jpeg", "jpeg"]


def test_an_edit_is_a_form() -> None:
    """The picture is a file in the field `image`."""
    image = Image(picture("png", 64, 64))
    body = sent(ask(TestDeepInfra(), KONTEXT, "edit", prompt="a hat", images=(image,)))
    assert body.count(b'name="image"; filename="image.png"') == 1
    assert b'name="response_format"\r\n\r\nb64_json' in body
    assert image.data in body


def test_masks_are_not_sent() -> None:
    """Nobody knows which part of a mask would be repainted; core protects what lies outside it."""
    assert all(
        capability.mask is None
        for model in (*PLUGIN.models,)
        for capability in model.operations.values()
    )
    images = (Image(picture("png", 64, 64)),)
    request = EditRequest(
        prompt="a hat", images=images, mask=Image(mask(64, 64)), model=KONTEXT, fidelity="faithful"
    )
    plan = planned(PLUGIN, request)
    assert [(a.parameter, a.verdict) for a in plan.adaptations if a.parameter == "mask"] == [
        ("mask", "emulated")
    ]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("#rate-limited", ("RateLimited", "unbilled", 429)),
        ("#out-of-credit", ("QuotaExceeded", "unbilled", 402)),
        ("#overloaded", ("ProviderUnavailable", "unbilled", 503)),
    ],
)
def test_troubles(word: str, expected: tuple[str, str, int]) -> None:
    """Each status is told apart, and costs nothing."""
    assert refused(ask(TestDeepInfra(), FLUX, prompt=f"a fox {word}")) == expected


def test_the_field_of_a_bad_value_is_named() -> None:
    """FastAPI's list says which field is wrong, and in which words."""
    extra = {"deepinfra": {"guidance_scale": 3}}
    error = ask(TestDeepInfra(), FLUX, extra=extra).failure()
    assert type(error).__name__ == "RequestError"
    assert (error.param, str(error)) == ("guidance_scale", "Extra inputs are not permitted")


def test_any_model_can_be_called() -> None:
    """What the document does not name has every operation, and is undeclared."""
    registry = Plugins(PLUGIN, discover=False).registry
    found = registry.get("deepinfra/acme/brush-9")
    assert (found.declared, set(found.operations)) == (False, {"generate", "edit", "variation"})
    candidate = planned(PLUGIN, GenerateRequest(prompt="a fox", model="deepinfra/acme/brush-9"))
    assert "undeclared" in candidate.notes[0]


@pytest.mark.parametrize("name", ["DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"])
def test_settings_come_from_the_environment(name: str) -> None:
    """Both variables that clients of DeepInfra use are read."""
    found = settings_of(PLUGIN, "deepinfra", **{name: KEY})
    assert dict(found) == {"api_key": KEY, "base_url": "https://api.deepinfra.com/v1/openai"}
