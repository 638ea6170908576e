"""What Google's services are sent, and what their answers mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from asking import settings_of
from pinxit import (
    AuthenticationFailed,
    ContentRejected,
    Context,
    InvalidImage,
    InvalidProviderResponse,
    Model,
    PinxitError,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestError,
    Settings,
    UnknownModel,
)
from pinxit.fitting import fit
from pinxit.payload import Image
from pinxit.plugins import Plugins
from pinxit.pricing import actual, estimate
from pinxit.testing.pictures import picture
from pinxit.types import EditRequest, GenerateRequest, VariationRequest
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.fakes.google import FakeGoogle
from pinxit_providers.google import PLUGIN, VERTEX
from replay import Upstream, image, masked

KEY = "AIza-this-key-is-nobodys-0123456789"
NEWEST = "google/gemini-nano-banana-2.1"
SMALL = picture_base64(16, 16)


def gemini(answer: httpx.Response | None = None, **settings: Any) -> Upstream:
    """Return the Gemini API with one answer, or as its stand-in answers."""
    app = None if answer else FakeGoogle(key=KEY)
    given = {"api_key": KEY, "base_url": "http://fake.test/v1beta", **settings}
    return Upstream(PLUGIN, answer, app=app, settings=given)


def vertex(answer: httpx.Response | None = None, **settings: Any) -> Upstream:
    """Return Vertex AI with one answer, or as its stand-in answers."""
    app = None if answer else FakeGoogle(bearer=KEY)
    return Upstream(
        VERTEX, answer, app=app, settings={"api_key": KEY, "project": "atelier-1", **settings}
    )


def models(plugin: object) -> Callable[[str], Model]:
    return Plugins(plugin, discover=False).registry.get


def ask(model: str = NEWEST, prompt: str = "a fox", **fields: Any) -> GenerateRequest:
    return GenerateRequest(prompt=prompt, model=model, **fields)


def answer(*parts: dict[str, Any], reason: str | None = "STOP", **more: Any) -> httpx.Response:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}}
    if reason:
        candidate["finishReason"] = reason
    return httpx.Response(200, json={"candidates": [candidate], **more})


def blob(data: str = SMALL, **more: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data}, **more}


def body(upstream: Upstream) -> Any:
    return json.loads(upstream.last.content)


# What is sent -------------------------------------------------------------------------------------


async def test_the_smallest_request() -> None:
    """Nothing but the prompt is said; the key is a header."""
    google = gemini()
    await google(ask())
    path = "/v1beta/models/gemini-nano-banana-2.1:generateContent"
    assert (google.last.method, google.last.url.path) == ("POST", path)
    assert google.last.headers["x-goog-api-key"] == KEY
    assert "authorization" not in google.last.headers
    assert body(google) == {
        "contents": [{"role": "user", "parts": [{"text": "a fox"}]}],
        "generationConfig": {"responseModalities": ["IMAGE"]},
    }


async def test_size_and_seed() -> None:
    """Ratio and class have fields of their own; a seed stands beside them."""
    google = gemini()
    await google(ask(size="2K", aspect_ratio="21:9", seed=0))
    assert body(google)["generationConfig"] == {
        "responseModalities": ["IMAGE"],
        "seed": 0,
        "imageConfig": {"aspectRatio": "21:9", "imageSize": "2K"},
    }


async def test_an_edit_carries_its_pictures() -> None:
    """Pictures follow the prompt in their order, under their own types; no ratio is made up."""
    google = gemini()
    first, second = image("png"), image("jpeg", 64, 64)
    await google(EditRequest(prompt="a hat", model=NEWEST, images=(first, second)))
    assert body(google) == {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "a hat"},
                    {"inlineData": {"mimeType": "image/png", "data": first.b64_json}},
                    {"inlineData": {"mimeType": "image/jpeg", "data": second.b64_json}},
                ],
            }
        ],
        "generationConfig": {"responseModalities": ["IMAGE"]},
    }


async def test_an_edit_follows_its_picture() -> None:
    """Without a ratio the result has the shape of what came in."""
    found = await gemini()(
        EditRequest(prompt="a hat", model=NEWEST, images=(image("png", 160, 90),))
    )
    assert found.data[0].info.size == "1376x768"


async def test_options_find_their_places() -> None:
    """What `extra` holds goes where the API wants it, beside what is there already."""
    google = gemini()
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_LOW_AND_ABOVE"}]
    thinking = {"thinkingLevel": "high"}
    extra = {"google": {"safetySettings": safety, "thinkingConfig": thinking, "stray": 1}}
    await google(ask(seed=1, extra=extra))
    assert body(google)["safetySettings"] == safety
    assert body(google)["generationConfig"] == {
        "responseModalities": ["IMAGE"],
        "seed": 1,
        "thinkingConfig": thinking,
    }
    assert "stray" not in google.last.content.decode()


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://aiplatform.googleapis.com/v1/projects/atelier-1/locations/global"),
        (
            {"location": "europe-west4"},
            "https://europe-west4-aiplatform.googleapis.com/v1/projects/atelier-1/locations/europe-west4",
        ),
        (
            {"location": "europe-west4", "base_url": "http://proxy.test/v1"},
            "http://proxy.test/v1/projects/atelier-1/locations/europe-west4",
        ),
        ({"project": "a/../b?c"}, "https://aiplatform.googleapis.com/v1/projects/a%2F..%2Fb%3Fc/locations/global"),
    ],
)  # fmt: skip
async def test_where_vertex_is(settings: dict[str, str], address: str) -> None:
    """A region has a host of its own; a project's name never leaves its place in the path."""
    service = vertex(answer(blob()), **settings)
    await service(ask("vertex/gemini-3-pro-image"))
    place = "/publishers/google/models/gemini-3-pro-image:generateContent"
    assert str(service.last.url) == address + place
    assert service.last.headers["authorization"] == f"Bearer {KEY}"
    assert "x-goog-api-key" not in service.last.headers


async def test_a_location_that_is_none() -> None:
    """What is no region never becomes part of a host."""
    service = vertex(answer(blob()), location="evil.test/#")
    error = await service.error(ask("vertex/gemini-3-pro-image"))
    assert isinstance(error, ProviderError)
    assert (error.billing, service.sent) == ("not_sent", [])
    assert "location" in str(error)


async def test_vertex_takes_formats() -> None:
    """Only Vertex AI lets a caller choose the format and its compression."""
    service = vertex(base_url="http://fake.test/v1")
    extra = {"vertex": {"personGeneration": "ALLOW_NONE"}}
    model = "vertex/gemini-nano-banana-2.1"
    found = await service(ask(model, output_format="jpeg", output_compression=40, extra=extra))
    assert found.data[0].format == "jpeg"
    assert body(service)["generationConfig"]["imageConfig"] == {
        "imageOutputOptions": {"mimeType": "image/jpeg", "compressionQuality": 40},
        "personGeneration": "ALLOW_NONE",
    }


async def test_pictures_too_heavy_together() -> None:
    """What the service would refuse after the upload is refused before it."""
    # Bytes behind the end of a picture weigh as much as pixels.
    heavy = Image(picture("png", 16, 16) + bytes(9 * 2**20))
    model = models(PLUGIN)(NEWEST)
    async with httpx.AsyncClient() as http:
        context = Context(http=http, settings=Settings({"api_key": KEY}))
        request = EditRequest(prompt="mix", model=NEWEST, images=(heavy,))
        assert PLUGIN.preview(request, model, context).content
        with pytest.raises(InvalidImage, match="takes 20971520 per request") as caught:
            PLUGIN.preview(request.model_copy(update={"images": (heavy, heavy)}), model, context)
    assert caught.value.param == "image"


# What comes back ----------------------------------------------------------------------------------


async def test_thoughts_are_no_results() -> None:
    """Sketches on the way are left out, and words beside a picture too."""
    found = await gemini()(ask(prompt="a fox #thinks", size="1K", aspect_ratio="1:1"))
    assert [picture.info.size for picture in found.data] == ["1024x1024"]


async def test_several_pictures_in_one_answer() -> None:
    """Nobody asked for two, but both were paid for."""
    found = await gemini(answer(blob(), {"text": "or"}, blob(picture_base64(8, 8))))(ask())
    assert [picture.width for picture in found.data] == [16, 8]


async def test_tokens_become_usage_and_cost() -> None:
    """Thoughts and words are counted as text that comes out, at their own rate."""
    request = ask(size="1K")
    found = await gemini()(request)
    assert found.usage is not None
    assert found.usage.model_dump() == {
        "input_tokens": 2,
        "output_tokens": 1224,
        "total_tokens": 1226,
        "input_tokens_details": {"text_tokens": 2, "image_tokens": 0},
        "output_tokens_details": {"text_tokens": 104, "image_tokens": 1120},
    }
    dollars = (Decimal(2) * Decimal("1.5") + 104 * Decimal("7.5") + 1120 * 30) / 1_000_000
    assert actual(models(PLUGIN)(NEWEST), request, found) == (dollars, "exact")


@pytest.mark.parametrize(
    "counted",
    [None, [], {"candidatesTokenCount": "many"}, {"promptTokenCount": 3}, {"candidatesTokenCount": -1}],
)  # fmt: skip
async def test_odd_counts_do_not_cost_the_picture(counted: object) -> None:
    """Counts that are none are left out; what was paid for is delivered."""
    found = await gemini(answer(blob(), usageMetadata=counted))(ask())
    assert (len(found.data), found.usage) == (1, None)


async def test_counts_without_kinds() -> None:
    """Without details all that comes out counts as pictures, but for the thoughts."""
    counted = {"promptTokenCount": 5, "candidatesTokenCount": 1120, "thoughtsTokenCount": 30}
    found = await gemini(answer(blob(), usageMetadata=counted))(ask())
    assert found.usage is not None
    assert found.usage.output_tokens == 1150
    assert found.usage.output_tokens_details is not None
    assert found.usage.output_tokens_details.text_tokens == 30


@pytest.mark.parametrize(
    ("trigger", "categories", "words"),
    [
        ("#refused", ("PROHIBITED_CONTENT",), "the prompt was blocked (PROHIBITED_CONTENT)"),
        ("#withheld", ("IMAGE_SAFETY",), "the picture was withheld (IMAGE_SAFETY): Unable to show it."),
        ("#declines", (), "the model answered in words: I cannot draw that."),
    ],
)  # fmt: skip
async def test_refusals(trigger: str, categories: tuple[str, ...], words: str) -> None:
    """A blocked prompt, a withheld picture and an answer in words are refusals, and were worked for."""
    error = await gemini().error(ask(prompt=f"a fox {trigger}"))
    assert isinstance(error, ContentRejected)
    assert (error.categories, str(error), error.billing) == (categories, words, "billed")


@pytest.mark.parametrize(
    "reason",
    [
        "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER", "PROHIBITED_CONTENT", "SAFETY",
        "RECITATION", "BLOCKLIST", "SPII", "MODEL_ARMOR", "ESCALATION",
    ],
)  # fmt: skip
async def test_every_reason_of_a_refusal(reason: str) -> None:
    """Each documented reason to withhold a picture is a refusal, with or without content."""
    for response in (answer(reason=reason), answer({"text": "Sorry."}, reason=reason)):
        error = await gemini(response).error(ask())
        assert isinstance(error, ContentRejected), reason
        assert error.categories == (reason,)


@pytest.mark.parametrize(
    "response",
    [
        answer(reason="NO_IMAGE"),
        answer({"text": "I tried."}, reason="NO_IMAGE"),
        answer({"text": "Once upon a"}, reason="MAX_TOKENS"),
        answer(),
        answer(blob(thought=True)),
        answer(blob("not base64!")),
        answer(blob("aGVsbG8gd29ybGQh")),
        answer({"inlineData": "AAAA"}),
        answer({"inlineData": {"mimeType": "image/png"}}),
        httpx.Response(200, json={"candidates": []}),
        httpx.Response(200, json={"candidates": [None, 3]}),
        httpx.Response(200, json={"candidates": [{"content": {"parts": "text"}}]}),
        httpx.Response(200, json={"promptFeedback": {}}),
    ],
)
async def test_answers_of_no_use(response: httpx.Response) -> None:
    """No picture, and nobody who refused one: it was paid for and is of no use."""
    error = await gemini(response).error(ask())
    assert isinstance(error, InvalidProviderResponse)
    assert (error.billing, error.upstream_status) == ("billed", 200)


async def test_a_limited_account() -> None:
    """An account that Google limits is our trouble, not the caller's."""
    error = await gemini(answer(reason="PUP_LIMITED_DISABLED")).error(ask())
    assert isinstance(error, AuthenticationFailed)


async def test_long_words_are_cut() -> None:
    """A model that refuses at length is quoted in brief, on one line."""
    error = await gemini(answer({"text": "No.\n" * 500})).error(ask())
    assert len(str(error)) < 400
    assert "\n" not in str(error)


def failed(code: int, status: str, *details: dict[str, str]) -> httpx.Response:
    error = {"code": code, "message": "No.", "status": status, "details": details}
    return httpx.Response(code, json={"error": error})


@pytest.mark.parametrize(
    ("response", "kind", "billing"),
    [
        (failed(400, "INVALID_ARGUMENT"), RequestError, "unbilled"),
        (failed(400, "FAILED_PRECONDITION"), AuthenticationFailed, "unbilled"),
        (failed(401, "UNAUTHENTICATED"), AuthenticationFailed, "unbilled"),
        (failed(403, "PERMISSION_DENIED"), AuthenticationFailed, "unbilled"),
        (failed(404, "NOT_FOUND"), UnknownModel, "unbilled"),
        (failed(429, "RESOURCE_EXHAUSTED"), RateLimited, "unbilled"),
        (failed(500, "INTERNAL"), ProviderUnavailable, "unbilled"),
        (failed(503, "UNAVAILABLE"), ProviderUnavailable, "unbilled"),
    ],
)
async def test_statuses(response: httpx.Response, kind: type[PinxitError], billing: str) -> None:
    """Each status has its error, and none of them costs anything."""
    error = await gemini(response).error(ask())
    assert type(error) is kind
    assert getattr(error, "billing", None) == billing


async def test_a_wrong_key_under_400() -> None:
    """The Gemini API calls a wrong key an invalid argument; it is not the caller's."""
    error = await gemini(api_key="AIza-somebody-elses-key").error(ask())
    assert type(error) is AuthenticationFailed
    assert error.upstream_status == 400
    assert "AIza" not in str(error)


async def test_how_long_to_wait_stands_in_the_body() -> None:
    """The delay of a spent quota is told where the router waits for it."""
    error = await gemini().error(ask(prompt="#rate-limited"))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 17


async def test_a_project_of_somebody_else() -> None:
    """Vertex AI names our credentials with statuses of their own."""
    service = vertex(base_url="http://fake.test/v1", project="louvre")
    error = await service.error(ask("vertex/gemini-3-pro-image"))
    assert isinstance(error, AuthenticationFailed)


# What is declared ---------------------------------------------------------------------------------


def test_settings_of_the_gemini_api() -> None:
    """Either variable of Google's own clients has the key, and the first one wins."""
    both = {"GEMINI_API_KEY": "second", "GOOGLE_API_KEY": "first"}
    assert settings_of(PLUGIN, "google", **both)["api_key"] == "first"
    second = settings_of(PLUGIN, "google", GEMINI_API_KEY="second")
    assert second["api_key"] == "second"
    assert second["base_url"] == "https://generativelanguage.googleapis.com/v1beta"


def test_settings_of_vertex() -> None:
    """Project and location are those of Google's own clients; a token and a project must be there."""
    environ = {"GOOGLE_CLOUD_PROJECT": "atelier-1", "GOOGLE_CLOUD_LOCATION": "europe-west4"}
    found = settings_of(VERTEX, "vertex", **environ)
    assert (found["project"], found["location"]) == ("atelier-1", "europe-west4")
    assert [setting.name for setting in found.missing] == ["api_key"]
    bare = settings_of(VERTEX, "vertex")
    assert bare["location"] == "global"
    assert {setting.name for setting in bare.missing} == {"api_key", "project"}


@pytest.mark.parametrize(
    ("size", "sent", "verdict"),
    [
        ("1264x848", ("1K", "3:2"), "mapped"),
        ("2528x1696", ("2K", "3:2"), "mapped"),
        ("1536x1024", ("2K", "3:2"), "emulated"),
        ("1024x1024", ("1K", "1:1"), "mapped"),
        ("512x512", ("1K", "1:1"), "emulated"),
        ("3840x2160", ("4K", "16:9"), "emulated"),
    ],
)
def test_pixels_find_their_class(size: str, sent: tuple[str | None, str], verdict: str) -> None:
    """Exact pixels are served from the smallest class that has them, whatever its label says."""
    fitted = fit(ask(size=size), models(PLUGIN)(NEWEST))
    assert not fitted.reasons
    assert (fitted.request.size, fitted.request.aspect_ratio) == sent
    assert [a.verdict for a in fitted.adaptations] == [verdict]


@pytest.mark.parametrize(
    ("model", "size", "dollars"),
    [
        (NEWEST, "1K", "0.0336"),
        ("google/gemini-3-pro-image", "4K", "0.24"),
        ("google/gemini-3.1-flash-image", "2K", "0.1008"),
        ("google/gemini-2.5-flash-image", None, "0.0387"),
    ],
)
def test_estimates(model: str, size: str | None, dollars: str) -> None:
    """The price of a picture follows from its class; a prompt of two tokens hardly counts."""
    cost = estimate(models(PLUGIN)(model), ask(model, size=size))
    assert cost is not None
    assert abs(cost - Decimal(dollars)) < Decimal("0.0001")


def test_previews_lead_to_their_successors() -> None:
    """Models that Google no longer serves name who does, where anybody does."""
    registry = models(PLUGIN)
    gone = registry("gemini-3-pro-image-preview").lifecycle
    assert gone.retired is not None
    assert gone.successor is not None
    assert gone.successor.model == "google/gemini-3-pro-image"
    assert registry("gemini-2.0-flash-exp-image-generation").lifecycle.successor is None


def test_bare_names_mean_the_gemini_api() -> None:
    """Both services serve the same names; without a provider the Gemini API is meant."""
    both = Plugins(PLUGIN, VERTEX, discover=False).registry
    assert both.get("gemini-nano-banana-2.1").id == NEWEST
    assert both.get("vertex/gemini-nano-banana-2.1").provider == "vertex"


async def test_a_model_that_nobody_described() -> None:
    """A newer model is called by its name, with the widest limits, and has no price."""
    google = gemini()
    await google(ask("google/gemini-4-image", size="2K", aspect_ratio="8:1"))
    assert google.last.url.path.endswith("/models/gemini-4-image:generateContent")
    model = models(PLUGIN)("google/gemini-4-image")
    assert not model.declared
    assert estimate(model, ask()) is None


def test_variations_and_masks_are_emulated() -> None:
    """Google has neither: a variation is an edit, and a mask is put back over the result."""
    model = models(PLUGIN)(NEWEST)
    varied = fit(VariationRequest(model=NEWEST, images=(image(),)), model)
    assert (varied.operation, varied.reasons) == ("edit", ())
    guarded = fit(EditRequest(prompt="a hat", model=NEWEST, **masked()), model)
    assert guarded.delivery.composite
