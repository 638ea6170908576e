"""ByteDance: one picture per call, marks switched off, errors inside items, two clouds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from asking import ask, planned, refused, sent, settings_of
from pinxit import EditRequest, GenerateRequest, Image, Plugins
from pinxit.pricing import estimate
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import picture
from pinxit_providers.bytedance import PLUGIN
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.fakes.bytedance import FakeArk

KEY = "ark-this-key-is-nobodys-0123456789"
PRO, LITE = "bytedance/seedream-5-0-pro-260628", "bytedance/seedream-5-0-260128"
V4, V3 = "bytedance/seedream-4-0-250828", "bytedance/seedream-3-0-t2i-250415"
EDIT = "bytedance/seededit-3-0-i2i-250628"
JPEG = picture_base64(64, 64, "jpeg")
VOLCENGINE = "https://ark.cn-beijing.volces.com/api/v3"
SENSITIVE = {"code": "OutputImageSensitiveContentDetected", "message": "It may be sensitive."}


class TestBytedance(ProviderTests):
    """Each generation of models at BytePlus, against a stand-in as strict as the API's documents."""

    plugin = PLUGIN
    models = {PRO, V4, V3, EDIT}
    asgi = FakeArk(key=KEY)
    settings = {"api_key": KEY, "base_url": "http://fake.test/api/v3"}
    rejection = (400, {"error": {"code": "InputTextSensitiveContentDetected", "message": "No."}})
    most_pixels = 1024 * 1024


class AtVolcengine(TestBytedance):
    """The same at Volcengine; its cases are not run again."""

    __test__ = False
    asgi = FakeArk(key=KEY, brand="doubao-")
    settings = {"api_key": KEY, "base_url": "volcengine"}


def answered(*items: dict[str, Any], **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"model": "m", "created": 1, "data": [*items], **more})


def test_a_generation_in_full() -> None:
    """No mark is asked for, no number is sent, and no field that the model does not have."""
    trial = ask(TestBytedance(), PRO, prompt="a fox", size="1024x1536", output_format="png")
    assert sent(trial) == {
        "watermark": False,
        "model": "seedream-5-0-pro-260628",
        "prompt": "a fox",
        "size": "1024x1536",
        "output_format": "png",
        "response_format": "b64_json",
    }
    assert str(trial.witness.requests[0].url) == "http://fake.test/api/v3/images/generations"
    assert [image.info.size for image in trial.answer().data] == ["1024x1536"]


def test_older_models_take_seeds() -> None:
    """Seedream 3 has seeds and no choice of format."""
    body = sent(ask(TestBytedance(), V3, seed=7, size="512x512"))
    assert (body["seed"], body.get("output_format")) == (7, None)


@pytest.mark.parametrize("count", [1, 2])
def test_an_edit_is_a_generation_with_pictures(count: int) -> None:
    """One picture is a text, several are a list in the same field."""
    images = [Image(picture("png", 64 + 8 * place, 64)) for place in range(count)]
    written = [f"data:image/png;base64,{image.b64_json}" for image in images]
    trial = ask(TestBytedance(), V4, "edit", prompt="a hat", images=images, size="2048x2048")
    assert sent(trial) == {
        "watermark": False,
        "model": "seedream-4-0-250828",
        "prompt": "a hat",
        "size": "2048x2048",
        "response_format": "b64_json",
        "image": written[0] if count == 1 else written,
    }


def test_input_pictures_stay_below_36_megapixels() -> None:
    """What is longer than 6000 pixels is scaled down, and told."""
    limits = Plugins(PLUGIN, discover=False).registry.get(PRO).operations["edit"].images
    assert limits is not None
    assert limits.max_edge == 6000
    wide = Image(picture("png", 6400, 8))
    candidate = planned(PLUGIN, EditRequest(model=PRO, prompt="a hat", images=(wide,)))
    assert any("scaled down" in a.reason for a in candidate.adaptations)


def test_several_pictures_are_several_calls() -> None:
    """There is no number: the router orders one by one, and how many come is never the model's choice."""
    candidate = planned(PLUGIN, GenerateRequest(model=V4, prompt="a fox", n=3))
    assert candidate.calls == (1, 1, 1)
    changes = {
        "sequential_image_generation": "auto",
        "sequential_image_generation_options": {"max_images": 15},
        "stream": True,
    }
    assert not changes.keys() & sent(ask(TestBytedance(), V4, extra={"bytedance": changes})).keys()


def test_a_mark_can_be_asked_for() -> None:
    """Who wants the mark, as some laws do, says so."""
    body = sent(ask(TestBytedance(), V4, extra={"bytedance": {"watermark": True}}))
    assert body["watermark"] is True


def test_volcengine_has_names_of_its_own() -> None:
    """At Volcengine models bear the brand, whichever of the two names was asked for."""
    trial = ask(AtVolcengine(), V4, prompt="a fox")
    assert sent(trial)["model"] == "doubao-seedream-4-0-250828"
    assert str(trial.witness.requests[0].url) == f"{VOLCENGINE}/images/generations"
    assert len(trial.answer().data) == 1
    assert sent(ask(TestBytedance(), "doubao-seedream-4-0-250828"))["model"] == (
        "seedream-4-0-250828"
    )


@pytest.mark.parametrize("name", ["ep-20260101-abcde", "doubao-seedream-9-0"])
def test_other_names_are_sent_as_they_are(name: str) -> None:
    """Endpoints of one's own, and names that bear the brand already, stay what they are."""
    settings = {"api_key": KEY, "base_url": VOLCENGINE}
    trial = ask(AtVolcengine(), f"bytedance/{name}", settings=settings, reply=answered())
    assert sent(trial)["model"] == name


def test_settings_from_the_environment() -> None:
    """BytePlus is called by default, with a key of Ark or of BytePlus, never with one of Volcengine."""
    url = "https://ark.ap-southeast.bytepluses.com/api/v3"
    for variable in ("ARK_API_KEY", "BYTEPLUS_API_KEY"):
        settings = settings_of(PLUGIN, "bytedance", **{variable: KEY})
        assert dict(settings) == {"api_key": KEY, "base_url": url}
    assert "api_key" not in settings_of(PLUGIN, "bytedance", VOLCENGINE_API_KEY=KEY)


@pytest.mark.parametrize(
    "code", ["OutputImageSensitiveContentDetected", "OutputImageRiskDetection"]
)
def test_an_item_can_be_a_refusal(code: str) -> None:
    """An error in place of a picture is a refusal that may be billed."""
    reply = answered({"error": {"code": code, "message": "No."}})
    error = ask(TestBytedance(), V4, reply=reply)
    assert refused(error) == ("ContentRejected", "billed", 200)


def test_an_item_can_fail() -> None:
    """Another error in place of a picture is an outage that may be billed."""
    reply = answered({"error": {"code": "InternalServiceError", "message": "No."}})
    trial = ask(TestBytedance(), V4, reply=reply)
    assert refused(trial) == ("ProviderUnavailable", "billed", 200)


def test_one_bad_item_does_not_cost_the_others() -> None:
    """What came is delivered, though another picture was refused."""
    reply = answered({"error": SENSITIVE}, {"b64_json": JPEG, "size": "64x64"})
    assert len(ask(TestBytedance(), V4, reply=reply).answer().data) == 1


def test_an_item_keeps_secrets() -> None:
    """A key that is echoed in an item's error does not reach the caller."""
    reply = answered({"error": {"code": "InternalServiceError", "message": f"bad key {KEY}"}})
    assert KEY not in str(ask(TestBytedance(), V4, reply=reply).failure())


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "InvalidParameter", "RequestError"),
        (400, "InputImageSensitiveContentDetected.PrivacyInformation", "ContentRejected"),
        (400, "SensitiveContentDetected.SevereViolation", "ContentRejected"),
        (400, "InputTextRiskDetection", "ContentRejected"),
        (401, "AuthenticationError", "AuthenticationFailed"),
        (403, "AccessDenied", "AuthenticationFailed"),
        (403, "AccountOverdue", "QuotaExceeded"),
        (404, "InvalidEndpointOrModel.NotFound", "UnknownModel"),
        (404, "ModelNotOpen", "UnknownModel"),
        (429, "RateLimitExceeded.EndpointIPMExceeded", "RateLimited"),
        (429, "QuotaExceeded", "QuotaExceeded"),
        (429, "ServerOverloaded", "RateLimited"),
        (500, "InternalServiceError", "ProviderUnavailable"),
    ],
)
def test_errors(status: int, code: str, expected: str) -> None:
    """Each code of the documents is the error that it stands for."""
    body = {"error": {"code": code, "message": "No.", "type": "t", "param": None}}
    trial = ask(TestBytedance(), V4, reply=httpx.Response(status, json=body))
    assert refused(trial) == (expected, "unbilled", status)


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("#refused", "ContentRejected"),
        ("#refused-item", "ContentRejected"),
        ("#rate-limited", "RateLimited"),
        ("#out-of-credit", "QuotaExceeded"),
        ("#overloaded", "RateLimited"),
    ],
)
def test_the_stand_in_refuses(trigger: str, expected: str) -> None:
    """Each trouble of the stand-in is the error that it stands for."""
    assert refused(ask(TestBytedance(), V4, prompt=f"a fox {trigger}"))[0] == expected


@pytest.mark.parametrize(
    ("id", "fields", "dollars"),
    [
        (PRO, {"size": "1024x1024"}, "0.045"),
        (PRO, {"size": "2048x2048"}, "0.09"),
        (V4, {"size": "4096x4096", "n": 2}, "0.06"),
        (LITE, {}, "0.035"),
    ],
)
def test_estimates(id: str, fields: dict[str, Any], dollars: str) -> None:
    """The size decides the price of 5.0 Pro; the others have one price."""
    model = Plugins(PLUGIN, discover=False).registry.get(id)
    asked = GenerateRequest(prompt="a fox", model=id, **fields)
    assert estimate(model, asked) == Decimal(dollars)


def test_small_pictures_are_made_larger_and_scaled_down() -> None:
    """What is below the least area of a model is made at it: nothing is refused for being small."""
    candidate = planned(
        PLUGIN, GenerateRequest(model="seedream-4-5-251128", prompt="a fox", size="1024x1024")
    )
    assert candidate.delivery.size == (1024, 1024)
    assert [(a.parameter, a.verdict) for a in candidate.adaptations] == [("size", "emulated")]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"n": 1}, 400),
        ({"size": "512x512"}, 400),
        ({"seed": 7}, 400),
        ({"output_format": "png"}, 400),
        ({"image": "https://x.test/1.png"}, 400),
        ({"model": "doubao-seedream-4-0-250828"}, 404),
    ],
)
async def test_the_stand_in_has_teeth(fields: dict[str, Any], status: int) -> None:
    """What Ark does not take, its stand-in does not take either."""
    body = {"model": "seedream-4-0-250828", "prompt": "a fox", **fields}
    transport = httpx.ASGITransport(FakeArk(key=KEY))
    async with httpx.AsyncClient(transport=transport, base_url="http://fake.test/api/v3") as http:
        headers = {"authorization": f"Bearer {KEY}"}
        found = await http.post("/images/generations", json=body, headers=headers)
    assert (found.status_code, "code" in found.json()["error"]) == (status, True)
