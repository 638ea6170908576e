"""Together AI: widths and heights, its own word for base64, pictures in one field or in another."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from asking import ask, planned, refused, sent, settings_of
from pinxit import GenerateRequest, Image, Model, Plugins, UnknownModel
from pinxit.pricing import estimate
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import picture
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.fakes.together import FakeTogether
from pinxit_providers.together import PLUGIN

KEY = "together-this-key-is-nobodys-0123456789"
FLUX_2 = "together/black-forest-labs/FLUX.2-pro"
DEV = "together/black-forest-labs/FLUX.2-dev"
SCHNELL = "together/black-forest-labs/FLUX.1-schnell"
KONTEXT = "together/black-forest-labs/FLUX.1-kontext-pro"
GEMINI = "together/google/gemini-3-pro-image"
PNG = picture_base64(64, 64)


class TestTogether(ProviderTests):
    """One model of each kind, against a stand-in as strict as the API's documents."""

    plugin = PLUGIN
    models = {
        FLUX_2,
        SCHNELL,
        KONTEXT,
        GEMINI,
        "together/google/imagen-4.0-fast",
        "together/Qwen/Qwen-Image",
    }
    asgi = FakeTogether(key=KEY)
    settings = {"api_key": KEY, "base_url": "http://fake.test/v1"}
    rejection = (422, {"error": {"message": "NSFW content was found.", "type": "t", "code": None}})
    most_pixels = 1024 * 1024


def answered(*items: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"id": "o1", "object": "list", "data": [*items]})


def model(id: str) -> Model:
    return Plugins(PLUGIN, discover=False).registry.get(id)


def inputs(count: int) -> list[Image]:
    return [Image(picture("png", 64 + 8 * place, 64)) for place in range(count)]


def urls(images: list[Image]) -> list[str]:
    return [f"data:image/png;base64,{image.b64_json}" for image in images]


def test_a_generation_in_full() -> None:
    """A size is two numbers, and base64 is called so."""
    trial = ask(
        TestTogether(),
        SCHNELL,
        prompt="a fox",
        size="1152x896",
        n=3,
        seed=7,
        negative_prompt="rain",
        output_format="png",
        extra={"together": {"steps": 4}},
    )
    assert sent(trial) == {
        "model": "black-forest-labs/FLUX.1-schnell",
        "prompt": "a fox",
        "n": 3,
        "width": 1152,
        "height": 896,
        "seed": 7,
        "negative_prompt": "rain",
        "output_format": "png",
        "response_format": "base64",
        "steps": 4,
    }
    assert str(trial.witness.requests[0].url) == "http://fake.test/v1/images/generations"
    assert [image.info.size for image in trial.answer().data] == ["1152x896"] * 3


def test_addresses_can_be_asked_for() -> None:
    """Who wants URLs gets the provider's own."""
    trial = ask(TestTogether(), SCHNELL, response_format="url")
    assert sent(trial)["response_format"] == "url"
    assert str(trial.answer().data[0].url).startswith("http://fake.test/imgproxy/")


@pytest.mark.parametrize(("id", "count"), [(FLUX_2, 1), (DEV, 1), (FLUX_2, 3), (GEMINI, 2)])
def test_reference_pictures_are_a_list(id: str, count: int) -> None:
    """What takes several pictures takes a single one in the same list."""
    images = inputs(count)
    trial = ask(TestTogether(), id, "edit", prompt="a hat", images=images)
    assert sent(trial)["reference_images"] == urls(images)
    assert "image_url" not in sent(trial)
    assert trial.witness.requests[0].url.path == "/v1/images/generations"


def test_kontext_takes_one_picture() -> None:
    """What takes one picture takes it in a field of its own."""
    images = inputs(1)
    assert sent(
        ask(TestTogether(), KONTEXT, "edit", prompt="a hat", images=images, size="1248x832")
    ) == {
        "model": "black-forest-labs/FLUX.1-kontext-pro",
        "prompt": "a hat",
        "n": 1,
        "width": 1248,
        "height": 832,
        "response_format": "base64",
        "image_url": urls(images)[0],
    }


def test_extra_cannot_change_what_was_fitted() -> None:
    """The pictures and the way results come are the router's."""
    changes = {"image_url": "https://x.test/1.png", "response_format": "url", "width": 64}
    body = sent(ask(TestTogether(), SCHNELL, size="512x512", extra={"together": changes}))
    assert (body.get("image_url"), body["response_format"], body["width"]) == (None, "base64", 512)


def test_what_gemini_rejects_is_not_declared() -> None:
    """Google's models take neither seeds nor negative prompts, and one picture per call."""
    for id in (GEMINI, "together/google/imagen-4.0-ultra"):
        capability = model(id).operations["generate"]
        assert (capability.seed, capability.negative_prompt, capability.max_n) == (None, False, 1)


def test_uncertain_edits_are_not_declared() -> None:
    """A server that does not know the field may ignore the pictures, and charge all the same."""
    registry = Plugins(PLUGIN, discover=False).registry
    assert list(registry.get("together/google/flash-image-3.1-lite").operations) == ["generate"]
    assert "edit" in registry.get("together/google/flash-image-2.5").operations


def test_many_pixels_are_known_by_their_pairs() -> None:
    """Gemini 3 Pro's thirty sizes are exact pixels, not classes."""
    trial = planned(PLUGIN, GenerateRequest(model=GEMINI, prompt="a fox", aspect_ratio="16:9"))
    assert trial.request.size == "1344x768"
    large = planned(PLUGIN, GenerateRequest(model=GEMINI, prompt="a fox", size="6144x2688"))
    assert large.adaptations == ()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"message": "width is out of range", "param": "width"}, "RequestError"),
        (400, {"message": "Input was flagged as NSFW"}, "ContentRejected"),
        (401, {"message": "Invalid API key", "code": "invalid_api_key"}, "AuthenticationFailed"),
        (402, {"message": "Spend limit reached"}, "QuotaExceeded"),
        (404, {"message": "No such model"}, "UnknownModel"),
        (422, {"message": "Blocked by the Safety checker"}, "ContentRejected"),
        (429, {"message": "Rate limited"}, "RateLimited"),
        (503, {"message": "Overloaded"}, "ProviderUnavailable"),
    ],
)
def test_errors(status: int, body: dict[str, Any], expected: str) -> None:
    """Each status is the error that it stands for, less those that speak of content."""
    reply = httpx.Response(status, json={"error": {"type": "t", "code": None, **body}})
    assert refused(ask(TestTogether(), SCHNELL, reply=reply)) == (expected, "unbilled", status)


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("#refused", "ContentRejected"),
        ("#rate-limited", "RateLimited"),
        ("#out-of-credit", "QuotaExceeded"),
        ("#overloaded", "ProviderUnavailable"),
    ],
)
def test_the_stand_in_refuses(trigger: str, expected: str) -> None:
    """Each trouble of the stand-in is the error that it stands for."""
    assert refused(ask(TestTogether(), SCHNELL, prompt=f"a fox {trigger}"))[0] == expected


def test_the_type_of_an_item_does_not_matter() -> None:
    """A picture counts where it stands, whatever the item calls itself."""
    answer = ask(
        TestTogether(), SCHNELL, reply=answered({"index": 0, "type": "url", "b64_json": PNG})
    )
    assert answer.answer().data[0].b64_json == PNG


@pytest.mark.parametrize(
    "variable", ["TOGETHER_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY"]
)
def test_settings_from_the_environment(variable: str) -> None:
    """The key is found under each of its names."""
    settings = settings_of(PLUGIN, "together", **{variable: KEY})
    assert dict(settings) == {"api_key": KEY, "base_url": "https://api.together.xyz/v1"}


def test_megapixels_are_priced() -> None:
    """FLUX.1 schnell costs by the megapixel; of the others no price is known."""
    asked = GenerateRequest(prompt="a fox", model=SCHNELL, size="1000x1000", n=2)
    assert estimate(model(SCHNELL), asked) == Decimal("0.0054")
    assert estimate(model(FLUX_2), asked) is None


def test_names_of_others_stay_theirs() -> None:
    """A name without `together/` never ends up on this account."""
    registry = Plugins(PLUGIN, discover=False).registry
    with pytest.raises(UnknownModel):
        registry.get("google/gemini-3-pro-image")


def test_any_other_model_can_be_asked() -> None:
    """A model that nobody described is called by its name, and called undeclared."""
    asked = GenerateRequest(model="together/new-lab/Brush-2", prompt="a fox", size="1024x512")
    candidate = planned(PLUGIN, asked)
    assert candidate.model.name == "new-lab/Brush-2"
    assert any("undeclared" in note for note in candidate.notes)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"size": "1024x1024"}, 400),
        ({"response_format": "b64_json"}, 400),
        ({"n": 5}, 400),
        ({"width": 1028}, 400),
        ({"width": "1024"}, 422),
        ({"seed": "7"}, 422),
        ({"image_url": "data:image/png;base64,xx"}, 400),
        ({"model": "google/imagen-4.0-fast", "seed": 7}, 400),
        ({"model": "nobody/nothing"}, 404),
    ],
)
async def test_the_stand_in_has_teeth(fields: dict[str, Any], status: int) -> None:
    """What Together does not take, its stand-in does not take either."""
    body = {"model": "black-forest-labs/FLUX.1-schnell", "prompt": "a fox", **fields}
    transport = httpx.ASGITransport(FakeTogether(key=KEY))
    async with httpx.AsyncClient(transport=transport, base_url="http://fake.test/v1") as http:
        headers = {"authorization": f"Bearer {KEY}"}
        found = await http.post("/images/generations", json=body, headers=headers)
    assert (found.status_code, "message" in found.json()["error"]) == (status, True)
