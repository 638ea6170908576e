"""OpenRouter: one endpoint for all, ratios or pixels, costs in answers and streams, refusals in metadata."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from asking import ask, planned, refused, sent, settings_of
from pinxit import ContentRejected, GenerateRequest, Image, Plugins, UnknownModel
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import picture
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.fakes.openrouter import FakeOpenRouter
from pinxit_providers.openrouter import PLUGIN

KEY = "sk-or-this-key-is-nobodys-0123456789"
GPT = "openrouter/openai/gpt-image-2.5-sunburst"
GEMINI = "openrouter/google/gemini-nano-banana-2.1"
RECRAFT = "openrouter/recraft/recraft-v4.1-pro"
PNG = picture_base64(64, 64)
FLAGGED = {
    "error": {
        "code": 403,
        "message": "Your input was flagged.",
        "metadata": {"reasons": ["violence"], "flagged_input": "a fox", "provider_name": "x"},
    }
}


class TestOpenRouter(ProviderTests):
    """A model with pixels and one with ratios, against a stand-in as strict as the documents."""

    plugin = PLUGIN
    models = {GPT, GEMINI}
    asgi = FakeOpenRouter(key=KEY)
    settings = {"api_key": KEY, "base_url": "http://fake.test/api/v1", "site_name": "My shop"}
    rejection = (403, FLAGGED)
    most_pixels = 1024 * 1024 + 2048


def answered(*items: dict[str, Any], **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"created": 1, "data": [*items], **more})


def streamed(*events: dict[str, Any]) -> httpx.Response:
    """Answer with events as OpenRouter does, a comment between them."""
    lines = [f": OPENROUTER PROCESSING\n\ndata: {json.dumps(event)}\n\n" for event in events]
    text = "".join([*lines, "data: [DONE]\n\n"])
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=text)


def completed(cost: object = 0.04) -> dict[str, Any]:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": cost}
    return {"type": "image_generation.completed", "b64_json": PNG, "usage": usage}


def test_pixels_stay_pixels() -> None:
    """A model of OpenAI's gets its size, and none of the fields that would contradict it."""
    trial = ask(
        TestOpenRouter(),
        GPT,
        prompt="a fox",
        size="1536x1024",
        quality="low",
        background="transparent",
        output_format="webp",
        output_compression=80,
        user="caller-1",
    )
    assert sent(trial) == {
        "model": "openai/gpt-image-2.5-sunburst",
        "prompt": "a fox",
        "n": 1,
        "size": "1536x1024",
        "quality": "low",
        "background": "transparent",
        "output_format": "webp",
        "output_compression": 80,
        "user": "caller-1",
    }
    (request,) = trial.witness.requests
    assert str(request.url) == "http://fake.test/api/v1/images"
    assert request.headers["x-title"] == "My shop"
    assert "http-referer" not in request.headers


def test_ratios_and_classes() -> None:
    """Other models get a ratio, and a class where one was asked for."""
    trial = ask(TestOpenRouter(), GEMINI, prompt="a fox", aspect_ratio="16:9", size="2K")
    assert sent(trial) == {
        "model": "google/gemini-nano-banana-2.1",
        "prompt": "a fox",
        "n": 1,
        "aspect_ratio": "16:9",
        "resolution": "2K",
    }
    assert "resolution" not in sent(ask(TestOpenRouter(), RECRAFT, aspect_ratio="16:9"))


@pytest.mark.parametrize("count", [1, 2])
def test_an_edit_is_a_generation_with_references(count: int) -> None:
    """Input pictures are a list of addresses, in order, also a single one."""
    images = [Image(picture("png", 64 + 8 * place, 64)) for place in range(count)]
    trial = ask(TestOpenRouter(), GEMINI, "edit", prompt="a hat", images=images)
    assert trial.witness.requests[0].url.path == "/api/v1/images"
    assert sent(trial)["input_references"] == [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image.b64_json}"}}
        for image in images
    ]


def test_routing_is_handed_on() -> None:
    """What only OpenRouter knows goes through `extra`; the pictures do not."""
    extra: dict[str, Any] = {
        "provider": {"only": ["openai"], "allow_fallbacks": False},
        "input_references": [],
    }
    body = sent(ask(TestOpenRouter(), GPT, extra={"openrouter": extra}))
    assert body["provider"] == extra["provider"]
    assert "input_references" not in body


def test_several_pictures_are_several_calls() -> None:
    """A number is an upper bound there: the router orders one by one and gets all."""
    assert planned(PLUGIN, GenerateRequest(model=GPT, prompt="a fox", n=3)).calls == (1, 1, 1)


@pytest.mark.parametrize(
    ("cost", "expected"),
    [(0.04, "0.04"), (0, "0"), ("0.1", "0.1"), (None, None), (True, None), (-1, None)],
)
def test_the_cost_is_read(cost: object, expected: str | None) -> None:
    """What OpenRouter charged is its own word; what is no amount is left out."""
    reply = answered({"b64_json": PNG}, usage={"prompt_tokens": 1, "cost": cost})
    answer = ask(TestOpenRouter(), GPT, reply=reply).answer()
    assert answer.cost == (None if expected is None else Decimal(expected))


def test_a_drawing_is_a_picture() -> None:
    """An SVG in base64 is one, whatever its type says or does not say."""
    text = "<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'></svg>"
    drawing = httpx.Response(200, json={"data": [{"b64_json": Image(text.encode()).b64_json}]})
    assert ask(TestOpenRouter(), RECRAFT, reply=drawing).answer().data[0].format == "svg"


def test_a_stream() -> None:
    """Pictures on their way are emitted, texts and comments passed over, costs added up."""
    partial = {"type": "image_generation.partial_image", "partial_image_index": 0, "b64_json": PNG}
    text = {"type": "image_generation.text_chunk", "text": "<svg", "phase": "draft"}
    trial = ask(
        TestOpenRouter(), GPT, stream=True, reply=streamed(partial, text, completed("0.07"))
    )
    assert sent(trial)["stream"] is True
    assert [shown.index for shown in trial.partials] == [0]
    assert (len(trial.answer().data), trial.answer().cost) == (1, Decimal("0.07"))


def test_a_stream_without_a_cost() -> None:
    """Where an event tells no cost, none is made up."""
    assert (
        ask(TestOpenRouter(), GPT, stream=True, reply=streamed(completed(None))).answer().cost
        is None
    )


def test_a_plain_answer_to_a_stream() -> None:
    """A provider that does not stream answers in JSON, which is as good."""
    reply = answered({"b64_json": PNG}, usage={"cost": 0.04})
    assert len(ask(TestOpenRouter(), GPT, stream=True, reply=reply).answer().data) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_inside_a_success(stream: bool) -> None:
    """A refusal under status 200, plain or in a stream, is a refusal that may be billed."""
    reply = streamed({"type": "error", **FLAGGED}) if stream else httpx.Response(200, json=FLAGGED)
    trial = ask(TestOpenRouter(), GPT, stream=stream, reply=reply)
    assert refused(trial) == ("ContentRejected", "billed", 200)
    error = trial.failure()
    assert isinstance(error, ContentRejected)
    assert error.categories == ("violence",)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (401, "AuthenticationFailed"),
        (402, "QuotaExceeded"),
        (403, "AuthenticationFailed"),
        (429, "RateLimited"),
        (502, "ProviderUnavailable"),
    ],
)
def test_a_status_inside_a_success(code: int, expected: str) -> None:
    """A number in the body stands for the status that the answer should have had."""
    reply = httpx.Response(200, json={"error": {"code": code, "message": "No."}})
    assert refused(ask(TestOpenRouter(), GPT, reply=reply)) == (expected, "billed", 200)


@pytest.mark.parametrize(
    ("status", "metadata", "expected"),
    [
        (400, {}, "RequestError"),
        (401, {}, "AuthenticationFailed"),
        (402, {}, "QuotaExceeded"),
        (403, {"reasons": ["violence"]}, "ContentRejected"),
        (403, {}, "AuthenticationFailed"),
        (404, {}, "UnknownModel"),
        (408, {}, "ProviderTimeout"),
        (413, {}, "RequestError"),
        (429, {}, "RateLimited"),
        (502, {"provider_name": "x"}, "ProviderUnavailable"),
        (524, {}, "ProviderUnavailable"),
        (529, {}, "ProviderUnavailable"),
    ],
)
def test_errors(status: int, metadata: dict[str, Any], expected: str) -> None:
    """Each status is the error that it stands for; what moderation flagged is told by its metadata."""
    body = {"error": {"code": status, "message": "No.", "metadata": metadata}, "user_id": "u"}
    trial = ask(TestOpenRouter(), GPT, reply=httpx.Response(status, json=body))
    assert refused(trial) == (expected, "unbilled", status)


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("#refused", "ContentRejected"),
        ("#refused-late", "ContentRejected"),
        ("#rate-limited", "RateLimited"),
        ("#out-of-credit", "QuotaExceeded"),
        ("#overloaded", "ProviderUnavailable"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_stand_in_refuses(trigger: str, expected: str, stream: bool) -> None:
    """Each trouble of the stand-in is the error that it stands for, streamed or not."""
    trial = ask(TestOpenRouter(), GPT, prompt=f"a fox #partial {trigger}", stream=stream)
    assert refused(trial)[0] == expected


def test_settings_from_the_environment() -> None:
    """The key is found under OpenRouter's own name."""
    settings = settings_of(PLUGIN, "openrouter", OPENROUTER_API_KEY=KEY)
    assert dict(settings) == {"api_key": KEY, "base_url": "https://openrouter.ai/api/v1"}


def test_names_of_others_stay_theirs() -> None:
    """A name without `openrouter/` never ends up on this account."""
    registry = Plugins(PLUGIN, discover=False).registry
    with pytest.raises(UnknownModel):
        registry.get("google/gemini-3-pro-image")


def test_any_other_model_can_be_asked() -> None:
    """A model that nobody described can have everything that the API knows."""
    asked = GenerateRequest(
        model="openrouter/new-lab/brush:free", prompt="a fox", aspect_ratio="8:1", size="4K", seed=7
    )
    candidate = planned(PLUGIN, asked)
    assert candidate.model.name == "new-lab/brush:free"
    assert (candidate.request.aspect_ratio, candidate.request.size) == ("8:1", "4K")
    assert any("undeclared" in note for note in candidate.notes)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"size": "1024x1024", "resolution": "1K"}, 400),
        ({"aspect_ratio": "7:3"}, 400),
        ({"mask": "x"}, 400),
        ({"n": 2}, 400),
        ({"seed": "7"}, 400),
        ({"input_references": [{"type": "image_url", "image_url": {"url": "x"}}]}, 400),
        ({"model": "nobody/nothing"}, 404),
    ],
)
async def test_the_stand_in_has_teeth(fields: dict[str, Any], status: int) -> None:
    """What OpenRouter does not take, its stand-in does not take either."""
    body = {"model": "google/gemini-3-pro-image", "prompt": "a fox", **fields}
    transport = httpx.ASGITransport(FakeOpenRouter(key=KEY))
    async with httpx.AsyncClient(transport=transport, base_url="http://fake.test/api/v1") as http:
        headers = {"authorization": f"Bearer {KEY}"}
        found = await http.post("/images", json=body, headers=headers)
    assert (found.status_code, found.json()["error"]["code"]) == (status, status)
