"""xAI: what is sent, what its answers mean, and what becomes of its retired models."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from asking import ask, planned, refused, sent, settings_of
from pinxit import EditRequest, GenerateRequest, Image, Plugins
from pinxit.pricing import estimate
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import mask, picture
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.fakes.xai import FakeXai
from pinxit_providers.xai import PLUGIN

KEY = "xai-this-key-is-nobodys-0123456789"
NEW, OLD = "xai/grok-imagine-image-2.0", "xai/grok-imagine-image"
JPEG = picture_base64(64, 64, "jpeg")


class TestXai(ProviderTests):
    """The living models, against a stand-in as strict as the API's documents."""

    plugin = PLUGIN
    models = {NEW, OLD}
    asgi = FakeXai(key=KEY)
    settings = {"api_key": KEY, "base_url": "http://fake.test/v1"}
    rejection = (400, {"code": "x", "error": "The prompt was rejected by content moderation."})
    most_pixels = 1024 * 1024 + 2048


class TestXaiCompatible(ProviderTests):
    """Retired models, on a server that still has them and answers with addresses."""

    plugin = PLUGIN
    models = {"xai/grok-2-image", "xai/grok-imagine-image-pro"}
    ok = {"data": [{"url": "https://imgen.x.test/1.jpg", "mime_type": "image/jpeg"}]}
    settings = {"api_key": KEY, "base_url": "http://fake.test/v1"}


def answered(*items: dict[str, Any], **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"data": [*items], **more})


def good(**more: Any) -> dict[str, Any]:
    return {"b64_json": JPEG, "mime_type": "image/jpeg", "respect_moderation": True, **more}


def withheld() -> dict[str, Any]:
    return {"url": "", "b64_json": "", "mime_type": "", "respect_moderation": False}


def test_a_generation_in_full() -> None:
    """Pixels become a ratio and a class, and the field that xAI refuses is never sent."""
    fields: dict[str, Any] = {"size": "2048x2048", "quality": "low", "n": 2, "user": "caller-1"}
    trial = ask(TestXai(), NEW, prompt="a fox", **fields)
    assert sent(trial) == {
        "model": "grok-imagine-image-2.0",
        "prompt": "a fox",
        "n": 2,
        "aspect_ratio": "1:1",
        "resolution": "2k",
        "quality": "low",
        "response_format": "b64_json",
        "user": "caller-1",
    }
    (request,) = trial.witness.requests
    assert str(request.url) == "http://fake.test/v1/images/generations"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert [image.info.size for image in trial.answer().data] == ["2048x2048"] * 2


def test_the_least_there_is() -> None:
    """Nothing is sent that was not asked; a class is not named unless it is needed."""
    assert sent(ask(TestXai(), OLD, prompt="a fox")) == {
        "model": "grok-imagine-image",
        "prompt": "a fox",
        "n": 1,
        "response_format": "b64_json",
    }
    assert sent(ask(TestXai(), OLD, aspect_ratio="16:9")).get("aspect_ratio") == "16:9"
    assert "resolution" not in sent(ask(TestXai(), OLD, aspect_ratio="16:9"))
    assert sent(ask(TestXai(), OLD, size="auto"))["aspect_ratio"] == "auto"


@pytest.mark.parametrize("count", [1, 3])
def test_an_edit_is_json(count: int) -> None:
    """One picture stands in `image`, several in `images`, each as a data URL."""
    images = [Image(picture("png", 64 + 8 * place, 64)) for place in range(count)]
    trial = ask(TestXai(), OLD, "edit", prompt="a hat", images=images)
    written = [
        {"type": "image_url", "url": f"data:image/png;base64,{image.b64_json}"} for image in images
    ]
    pictures = {"image": written[0]} if count == 1 else {"images": written}
    assert sent(trial) == {
        "model": "grok-imagine-image",
        "prompt": "a hat",
        "n": 1,
        "response_format": "b64_json",
        **pictures,
    }
    assert trial.witness.requests[0].url.path == "/v1/images/edits"


def test_a_snapshot_is_asked_for_by_its_name() -> None:
    """Who names a dated model gets that one."""
    assert sent(ask(TestXai(), OLD, model="grok-imagine-image-2026-03-02"))["model"] == (
        "grok-imagine-image-2026-03-02"
    )


def test_masks_are_guarded_by_the_router() -> None:
    """There is no mask at xAI: the protected pixels are put back over what comes."""
    original, half = Image(picture("png", 64, 64)), Image(mask(64, 64))
    request = EditRequest(model=NEW, prompt="a hat", images=(original,), mask=half)
    found = planned(PLUGIN, request).adaptations
    assert [(a.parameter, a.verdict) for a in found] == [("mask", "emulated")]


def test_the_cost_is_read() -> None:
    """Ten thousand million ticks are a dollar."""
    reply = answered(good(), usage={"cost_in_usd_ticks": 700_000_000})
    assert ask(TestXai(), NEW, reply=reply).answer().cost == Decimal("0.07")


@pytest.mark.parametrize("ticks", [None, "many", True, -1, float(10**20)])
def test_a_cost_that_is_none_is_left_out(ticks: object) -> None:
    """What cannot be a cost costs nobody the picture."""
    reply = answered(good(), usage={"cost_in_usd_ticks": ticks})
    answer = ask(TestXai(), NEW, reply=reply).answer()
    assert answer.cost is None
    assert len(answer.data) == 1


def test_a_data_url_stands_for_base64() -> None:
    """The prefix that gRPC puts before base64 is taken off."""
    answer = ask(TestXai(), NEW, reply=answered(good(b64_json=f"data:image/jpeg;base64,{JPEG}")))
    assert answer.answer().data[0].b64_json == JPEG


@pytest.mark.parametrize("items", [[withheld()], [withheld(), withheld()], []])
def test_a_withheld_picture_is_a_refusal(items: list[dict[str, Any]]) -> None:
    """A success without pictures, flagged or empty, is a refusal that may be on the bill."""
    assert refused(ask(TestXai(), NEW, reply=answered(*items))) == (
        "ContentRejected",
        "billed",
        200,
    )


def test_one_withheld_picture_does_not_cost_the_others() -> None:
    """Of two pictures one is refused: the other is delivered."""
    trial = ask(TestXai(), NEW, n=2, reply=answered(withheld(), good()))
    assert [image.b64_json for image in trial.answer().data] == [JPEG]


def test_a_flagged_picture_is_never_delivered() -> None:
    """A flagged item is refused even if it holds a picture, such as a blurred one."""
    reply = answered(good(respect_moderation=False))
    assert refused(ask(TestXai(), NEW, reply=reply))[0] == "ContentRejected"


@pytest.mark.parametrize("trigger", ["#refused", "#withheld", "#empty"])
def test_the_stand_in_refuses_in_each_shape(trigger: str) -> None:
    """Each documented shape of a refusal is one."""
    assert refused(ask(TestXai(), OLD, prompt=f"a fox {trigger}"))[0] == "ContentRejected"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            400,
            {"code": "invalid-argument", "error": "Argument not supported: size"},
            "RequestError",
        ),
        (
            400,
            {"error": {"message": "No.", "type": "t", "param": "n", "code": "c"}},
            "RequestError",
        ),
        (401, {"error": "No API key."}, "AuthenticationFailed"),
        (403, {"code": "permission-denied", "error": "No."}, "AuthenticationFailed"),
        (403, {"error": "Rejected by our content policy."}, "ContentRejected"),
        (404, {"code": "not-found", "error": "No such model."}, "UnknownModel"),
        (422, {"error": "prompt is required"}, "RequestError"),
        (429, {"error": "Slow down."}, "RateLimited"),
        (503, {"error": "Overloaded."}, "ProviderUnavailable"),
    ],
)
def test_errors(status: int, body: dict[str, Any], expected: str) -> None:
    """Each status, in each of the three shapes of a body, is the error that it stands for."""
    trial = ask(TestXai(), NEW, reply=httpx.Response(status, json=body))
    assert refused(trial) == (expected, "unbilled", status)


def test_the_words_of_an_error_are_kept() -> None:
    """The provider's sentence reaches the caller in either shape."""
    body = {"code": "invalid-argument", "error": "Argument not supported: size"}
    error = ask(TestXai(), NEW, reply=httpx.Response(400, json=body)).failure()
    assert (str(error), error.code) == (body["error"], body["code"])


def test_settings_from_the_environment() -> None:
    """The key is found under xAI's own name, and the address is xAI's."""
    settings = settings_of(PLUGIN, "xai", XAI_API_KEY=KEY)
    assert dict(settings) == {"api_key": KEY, "base_url": "https://api.x.ai/v1"}


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("grok-imagine-image-quality", NEW),
        ("xai/grok-imagine-image-pro", NEW),
        ("grok-2-image-1212", OLD),
    ],
)
def test_retired_models_go_on(asked: str, served: str) -> None:
    """Who asks for a retired model is served by its successor, at the price nearest to the old one."""
    candidate = planned(PLUGIN, GenerateRequest(model=asked, prompt="a fox"))
    assert candidate.model.id == served
    assert candidate.request.quality == ("low" if served == NEW else None)


def test_any_other_model_can_be_asked() -> None:
    """A model that nobody described has the newest one's limits, and is called undeclared."""
    asked = GenerateRequest(model="xai/grok-imagine-image-3", prompt="a fox", n=10)
    candidate = planned(PLUGIN, asked)
    assert candidate.model.id == "xai/grok-imagine-image-3"
    assert any("undeclared" in note for note in candidate.notes)


@pytest.mark.parametrize(
    ("fields", "dollars"),
    [
        ({}, "0.06"),
        ({"quality": "low"}, "0.04"),
        ({"quality": "low", "size": "2K"}, "0.06"),
        ({"size": "2K", "n": 2}, "0.16"),
    ],
)
def test_estimates(fields: dict[str, Any], dollars: str) -> None:
    """Quality and class decide the price; medium is the default."""
    model = Plugins(PLUGIN, discover=False).registry.get(NEW)
    asked = GenerateRequest(prompt="a fox", model=NEW, **fields)
    assert estimate(model, asked) == Decimal(dollars)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"size": "1024x1024"}, 400),
        ({"resolution": "2K"}, 400),
        ({"n": 11}, 400),
        ({"quality": "high"}, 400),
        ({"aspect_ratio": "7:3"}, 400),
        ({"model": "grok-2-image"}, 404),
        ({"prompt": ""}, 422),
    ],
)
async def test_the_stand_in_has_teeth(fields: dict[str, Any], status: int) -> None:
    """What xAI does not take, its stand-in does not take either."""
    body = {"model": "grok-imagine-image-2.0", "prompt": "a fox", **fields}
    transport = httpx.ASGITransport(FakeXai(key=KEY))
    async with httpx.AsyncClient(transport=transport, base_url="http://fake.test/v1") as http:
        headers = {"authorization": f"Bearer {KEY}"}
        found = await http.post("/images/generations", json=body, headers=headers)
    assert found.status_code == status
    assert isinstance(found.json()["error"], str)
