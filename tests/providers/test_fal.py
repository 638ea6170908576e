"""fal: what its endpoints are sent, what is made of results, and what a failure may cost."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from pinxit import (
    AuthenticationFailed,
    Config,
    ContentRejected,
    EditRequest,
    GenerateRequest,
    Image,
    ImagesResponse,
    InvalidProviderResponse,
    Model,
    PinxitError,
    Plugins,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestError,
    Router,
)
from pinxit.registry import Registry
from pinxit.testing import ManualClock, ProviderTests, png
from pinxit.types import Request
from pinxit_providers.fakes.fal import FakeFal
from pinxit_providers.fal import PLUGIN as FAL
from pinxit_providers.fal._models import DIALECTS
from pinxit_providers.protocols.bodies import data_url
from replayed import Replay, Step, lent

KEY = "fal-id-of-nobody:fal-secret-0123456789"
MODELS = {model.name: model for model in FAL.models}
pytestmark = pytest.mark.virtual_time


class TestFal(ProviderTests):
    """One model of each dialect, whose jobs are on another host of fal than they are ordered at."""

    plugin = FAL
    models = {
        "fal/fal-ai/flux/dev", "fal/fal-ai/flux-pro/kontext", "fal/fal-ai/flux-pro/v1/fill",
        "fal/fal-ai/flux-2-pro", "fal/fal-ai/nano-banana-2", "fal/fal-ai/gpt-image-1.5",
        "fal/fal-ai/ideogram/v3", "fal/fal-ai/qwen-image",
    }  # fmt: skip
    asgi = FakeFal(key=KEY, polls=1, elsewhere="https://queue-2.fal.run")
    settings = {"api_key": KEY}
    most_pixels = 1024 * 1024
    trusted_hosts = ("queue-2.fal.run",)


BASE = "https://queue.fal.run"
PICTURE = Image(png(64, 64))
URL = data_url(PICTURE)
MINE = f"{BASE}/fal-ai/flux/requests/r-1"
ORDERED = {
    "request_id": "r-1",
    "status": "IN_QUEUE",
    "status_url": f"{MINE}/status",
    "response_url": MINE,
    "cancel_url": f"{MINE}/cancel",
}
COMPLETED = {"status": "COMPLETED"}
RESULT: dict[str, Any] = {
    "images": [{"url": "https://v3.fal.media/files/1.png", "width": 64, "height": 64}],
    "seed": 7,
    "has_nsfw_concepts": [False],
}
STEPS = [
    f"POST {BASE}/fal-ai/flux/dev",
    f"GET {MINE}/status",
    f"GET {MINE}",
]


def sent(request: Request, model: str) -> tuple[str, dict[str, Any]]:
    """Return path and body of an order."""
    built = FAL.preview(request, MODELS[model], lent(Replay(), api_key=KEY))
    return built.url.path, json.loads(built.content)


async def paint(replay: Replay, prompt: str = "a fox", **settings: Any) -> ImagesResponse:
    """Generate with FLUX.1 [dev]."""
    context = lent(replay, api_key=KEY, **settings)
    return await FAL.generate(GenerateRequest(prompt=prompt), MODELS["fal-ai/flux/dev"], context)


async def failure(*steps: Step) -> PinxitError:
    with pytest.raises(PinxitError) as caught:
        await paint(Replay(*steps))
    return caught.value


# Orders -------------------------------------------------------------------------------------------


def test_an_order() -> None:
    """The body is the model's input itself; a size is an object."""
    request = GenerateRequest(prompt="a fox", size="1024x768", n=2, seed=5, negative_prompt="rain")
    assert sent(request, "fal-ai/qwen-image") == (
        "/fal-ai/qwen-image",
        {
            "prompt": "a fox",
            "num_images": 2,
            "seed": 5,
            "negative_prompt": "rain",
            "image_size": {"width": 1024, "height": 768},
            "output_format": "png",
        },
    )


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        (
            "fal-ai/nano-banana-2",
            {"aspect_ratio": "16:9", "size": "2K"},
            {"aspect_ratio": "16:9", "resolution": "2K", "num_images": 1, "output_format": "png"},
        ),
        (
            "fal-ai/nano-banana",
            {"aspect_ratio": "3:2"},
            {"aspect_ratio": "3:2", "num_images": 1, "output_format": "png"},
        ),
        (
            "fal-ai/gpt-image-1.5",
            {"size": "1536x1024", "quality": "low", "background": "transparent"},
            {
                "image_size": "1536x1024",
                "quality": "low",
                "background": "transparent",
                "num_images": 1,
                "output_format": "png",
            },
        ),
        (
            "fal-ai/ideogram/v3",
            {"quality": "high"},
            {"rendering_speed": "QUALITY", "num_images": 1},
        ),
        ("fal-ai/flux-2-pro", {"output_format": "png"}, {"output_format": "png"}),
        ("fal-ai/fast-sdxl", {}, {"format": "jpeg", "num_images": 1}),
        ("fal-ai/bytedance/seedream/v4/text-to-image", {}, {"num_images": 1}),
    ],
)
def test_dialects(model: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each endpoint is asked in its own words, and never for what it does not take."""
    path, body = sent(GenerateRequest(prompt="a fox", **fields), model)
    assert (path, body) == (f"/{model}", {"prompt": "a fox", **expected})


@pytest.mark.parametrize(
    ("model", "count", "masked", "path", "field"),
    [
        ("fal-ai/flux/dev", 1, False, "/fal-ai/flux/dev/image-to-image", "image_url"),
        ("fal-ai/flux-pro/kontext", 1, False, "/fal-ai/flux-pro/kontext", "image_url"),
        ("fal-ai/flux-pro/kontext", 2, False, "/fal-ai/flux-pro/kontext/multi", "image_urls"),
        ("fal-ai/flux-pro/kontext/max", 2, False, "/fal-ai/flux-pro/kontext/max/multi", "image_urls"),
        ("fal-ai/flux-2-pro", 1, False, "/fal-ai/flux-2-pro/edit", "image_urls"),
        ("fal-ai/qwen-image", 1, False, "/fal-ai/qwen-image-edit", "image_url"),
        ("fal-ai/qwen-image", 1, True, "/fal-ai/qwen-image-edit/inpaint", "image_url"),
        ("fal-ai/flux-pro/v1/fill", 1, True, "/fal-ai/flux-pro/v1/fill", "image_url"),
        ("fal-ai/fast-sdxl", 1, True, "/fal-ai/fast-sdxl/inpainting", "image_url"),
        ("fal-ai/ideogram/v3", 1, False, "/fal-ai/ideogram/v3/remix", "image_url"),
        ("blackforestlabs/flux-3/text-to-image", 2, False, "/blackforestlabs/flux-3/edit-image",
         "image_urls"),
    ],
)  # fmt: skip
def test_edits_go_to_their_endpoint(
    model: str, count: int, masked: bool, path: str, field: str
) -> None:
    """One picture, several, and one with a mask may be three endpoints; pictures are data URLs."""
    mask = PICTURE if masked else None
    request = EditRequest(prompt="a hat", images=(PICTURE,) * count, mask=mask)
    found, body = sent(request, model)
    assert found == path
    assert body[field] == ([URL] * count if field.endswith("s") else URL)
    assert body.get("mask_url") == (URL if masked else None)


def test_the_mask_of_gpt_image() -> None:
    """It has a field of its own, and is read as OpenAI does."""
    request = EditRequest(prompt="a hat", images=(PICTURE,), mask=PICTURE, input_fidelity="high")
    _, body = sent(request, "fal-ai/gpt-image-1.5")
    assert (body["mask_image_url"], body["input_fidelity"]) == (URL, "high")
    mask = MODELS["fal-ai/gpt-image-1.5"].operations["edit"].mask
    assert mask is not None
    assert mask.polarity == "transparent_edits"


def test_extra_adds_and_never_changes() -> None:
    """What an endpoint alone has comes through `extra`; what was fitted stays."""
    extra: dict[str, JsonValue] = {"acceleration": "high", "num_images": 4, "prompt": "a crow"}
    _, body = sent(GenerateRequest(prompt="a fox", extra={"fal": extra}), "fal-ai/flux/dev")
    assert (body["acceleration"], body["num_images"], body["prompt"]) == ("high", 1, "a fox")


def test_the_key_is_no_bearer() -> None:
    """Fal has a scheme of its own."""
    request = GenerateRequest(prompt="a fox")
    built = FAL.preview(request, MODELS["fal-ai/flux/dev"], lent(Replay(), api_key=KEY))
    assert built.headers["authorization"] == f"Key {KEY}"


def test_settings_come_from_the_environment() -> None:
    """Fal's own variable comes before those of its clients."""
    names = {setting.name: setting.env for setting in FAL.settings}
    assert names["api_key"] == ("FAL_KEY", "FAL_AI_API_KEY", "FAL_API_KEY")
    assert names["key_id"] == ("FAL_KEY_ID",)
    assert names["key_secret"] == ("FAL_KEY_SECRET",)


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({"key_id": "left-0123456789", "key_secret": "right-0123456789"}, "left-0123456789:right-0123456789"),
        ({"api_key": KEY, "key_id": "left", "key_secret": "right"}, KEY),
        ({"key_id": "left"}, None),
        ({"key_secret": "right"}, None),
    ],
)  # fmt: skip
def test_a_key_may_come_in_two_halves(settings: dict[str, str], sent: str | None) -> None:
    """Both halves make a key; a whole one comes before them, and one half is none."""
    context = lent(Replay(), **settings)
    built = FAL.preview(GenerateRequest(prompt="a fox"), MODELS["fal-ai/flux/dev"], context)
    assert built.headers.get("authorization") == (f"Key {sent}" if sent else None)


async def test_a_missing_key_names_all_ways_to_give_one() -> None:
    """Whoever has no key reads of both ways, and nothing is sent."""
    replay = Replay()
    with pytest.raises(AuthenticationFailed, match=r"FAL_KEY .*api_key or key_secret") as caught:
        await FAL.generate(GenerateRequest(prompt="a fox"), MODELS["fal-ai/flux/dev"], lent(replay))
    assert (caught.value.billing, replay.lines) == ("not_sent", [])


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("fal/fal-ai/flux/dev", "fal-ai/flux/dev"),
        ("fal/flux/dev", "fal-ai/flux/dev"),
        ("fal-ai/flux/dev", "fal-ai/flux/dev"),
        ("fal/fal-ai/flux/dev/image-to-image", "fal-ai/flux/dev"),
        ("fal/fal-ai/flux-2/edit", "fal-ai/flux-2"),
        ("fal/qwen-image-edit/inpaint", "fal-ai/qwen-image"),
        ("fal/bria/fibo/generate", "bria/fibo/generate"),
    ],
)
def test_names(name: str, model: str) -> None:
    """Fal's own ids lead to a model, those of its endpoints for edits and short ones too."""
    registry = Registry()
    for each in FAL.models:
        registry.add(each, FAL)
    assert registry.get(name).name == model


def test_every_operation_has_its_endpoint() -> None:
    """Whatever a model declares, the table of endpoints has."""
    for model in FAL.models:
        if not model.declared:
            continue
        dialects = DIALECTS[model.name]
        assert ("generate" in model.operations) == (dialects.generate is not None)
        assert ("edit" in model.operations) == ((dialects.edit or dialects.inpaint) is not None)
        edit = model.operations.get("edit")
        if edit is not None and dialects.edit is None:
            assert edit.mask is not None
            assert edit.mask.required


@pytest.mark.parametrize(
    "model", [m for m in FAL.models if m.declared], ids=lambda model: model.name
)
def test_the_usual_sizes_are_served(model: Model) -> None:
    """What most clients send to every model is made by each that generates, if need be by scaling."""
    router = Router(Config(), plugins=Plugins(FAL, discover=False), settings={"fal": {}})
    for size in ("1024x1024", "1536x1024", "1024x1536") if "generate" in model.operations else ():
        plan = router.plan(GenerateRequest(prompt="a fox", model=model.id, size=size))
        assert plan.refusal is None, plan.refusal


def test_models_that_nobody_described() -> None:
    """Any endpoint can be called; it is sent what most of them take, and the plan says so."""
    router = Router(Config(), plugins=Plugins(FAL, discover=False), settings={"fal": {}})
    request = GenerateRequest(prompt="a fox", model="fal/acme/brush/v2", size="512x512")
    (candidate,) = router.plan(request).candidates
    assert "undeclared" in " ".join(candidate.notes)
    context = lent(Replay(), api_key=KEY)
    built = FAL.preview(candidate.request, candidate.model, context)
    assert built.url.path == "/acme/brush/v2"
    assert json.loads(built.content) == {
        "prompt": "a fox",
        "num_images": 1,
        "image_size": {"width": 512, "height": 512},
    }
    edit = EditRequest(prompt="a hat", images=(PICTURE,))
    assert json.loads(FAL.preview(edit, candidate.model, context).content)["image_urls"] == [URL]


# Jobs ---------------------------------------------------------------------------------------------


async def test_a_job_from_order_to_picture() -> None:
    """State and result have addresses of their own; the pictures know their seed."""
    replay = Replay(ORDERED, {"status": "IN_QUEUE"}, {"status": "IN_PROGRESS"}, COMPLETED, RESULT)
    answer = await paint(replay)
    assert (answer.data[0].url, answer.data[0].seed) == ("https://v3.fal.media/files/1.png", 7)
    assert replay.lines == [STEPS[0], *[STEPS[1]] * 3, STEPS[2]]


@pytest.mark.parametrize("host", ["https://evil.example", "https://evilfal.run", "http://fal.run"])
async def test_foreign_hosts_get_no_key(host: str) -> None:
    """Where an address is not fal's, the same is asked at fal's own path, of two parts."""
    named = dict.fromkeys(("status_url", "response_url", "cancel_url"), f"{host}/x")
    replay = Replay(ORDERED | named, COMPLETED, RESULT)
    await paint(replay)
    assert replay.lines == STEPS


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("fal-ai/flux/dev", "/fal-ai/flux"),
        ("fal-ai/flux-pro/v1.1-ultra", "/fal-ai/flux-pro"),
        ("workflows/acme/brush", "/workflows/acme/brush"),
        ("comfy/acme/brush", "/comfy/acme/brush"),
    ],
)
async def test_the_path_of_a_job_is_short(name: str, path: str) -> None:
    """Without addresses, a job is found below owner and alias; two namespaces keep a part more."""
    model = MODELS.get(name) or MODELS["*"].model_copy(update={"id": f"fal/{name}"})
    replay = Replay({"request_id": "r-1"}, COMPLETED, RESULT)
    await FAL.generate(GenerateRequest(prompt="a fox"), model, lent(replay, api_key=KEY))
    assert replay.lines[1:] == [
        f"GET {BASE}{path}/requests/r-1/status",
        f"GET {BASE}{path}/requests/r-1",
    ]


async def test_a_lost_job_is_cancelled_with_put() -> None:
    """Fal cancels by PUT, and a job that is over says so with a 400 that nobody minds."""
    over = httpx.Response(400, json={"status": "ALREADY_COMPLETED"})
    replay = Replay(ORDERED, *[{"status": "NAPPING"}] * 5, over)
    with pytest.raises(ProviderError, match="NAPPING") as caught:
        await paint(replay)
    assert caught.value.billing == "ambiguous"
    assert replay.lines[-1] == f"PUT {MINE}/cancel"


# Results ------------------------------------------------------------------------------------------


async def test_a_single_image() -> None:
    """Some models answer with `image` instead of a list."""
    answer = await paint(Replay(ORDERED, COMPLETED, {"image": RESULT["images"][0]}))
    assert len(answer.data) == 1


async def test_black_pictures_are_refusals() -> None:
    """A flagged picture is black, and was paid for; the others are delivered."""
    two = {**RESULT, "images": RESULT["images"] * 2}
    error = await failure(ORDERED, COMPLETED, {**two, "has_nsfw_concepts": [True, True]})
    assert isinstance(error, ContentRejected)
    assert (error.billing, error.code) == ("billed", "has_nsfw_concepts")
    answer = await paint(Replay(ORDERED, COMPLETED, {**two, "has_nsfw_concepts": [True, False]}))
    assert len(answer.data) == 1
    error = await failure(ORDERED, COMPLETED, {**two, "has_nsfw_concepts": True})
    assert isinstance(error, ContentRejected)


@pytest.mark.parametrize("flags", [None, [], "true", [1]])
async def test_odd_flags_are_none(flags: object) -> None:
    """Only what is plainly flagged is refused."""
    answer = await paint(Replay(ORDERED, COMPLETED, {**RESULT, "has_nsfw_concepts": flags}))
    assert len(answer.data) == 1


@pytest.mark.parametrize("images", [None, [], [None], [{"url": 7}]])
async def test_a_result_without_pictures(images: object) -> None:
    """A result of no use was paid for."""
    error = await failure(ORDERED, COMPLETED, {"images": images})
    assert isinstance(error, InvalidProviderResponse)
    assert error.billing == "billed"


def detail(type: str, field: str = "prompt") -> dict[str, Any]:
    return {"detail": [{"loc": ["body", field], "msg": "no", "type": type}]}


@pytest.mark.parametrize("completed", [COMPLETED, {**COMPLETED, "error": "x"}])
@pytest.mark.parametrize(
    ("status", "body", "kind", "billing"),
    [
        (422, detail("content_policy_violation"), ContentRejected, "ambiguous"),
        (422, detail("image_too_large", "image_url"), RequestError, "ambiguous"),
        (422, detail("downstream_service_error"), ProviderUnavailable, "ambiguous"),
        (422, detail("generation_timeout"), ProviderUnavailable, "ambiguous"),
    ],
)
async def test_a_completed_job_can_be_a_failure(
    completed: dict[str, Any], status: int, body: Any, kind: type[PinxitError], billing: str
) -> None:
    """A 422 in place of the result is the end of the job, and may be billed."""
    error = await failure(ORDERED, completed, httpx.Response(status, json=body))
    assert type(error) is kind
    assert getattr(error, "billing", None) == billing


async def test_a_bad_field_is_named() -> None:
    """The caller is told which field, in fal's words, and may not be sent elsewhere."""
    body = detail("image_too_large", "image_url")
    error = await failure(ORDERED, COMPLETED, httpx.Response(422, json=body))
    assert (error.param, error.code, error.upstream_status) == ("image_url", "image_too_large", 422)


@pytest.mark.parametrize("word", ["error", "error_type"])
async def test_a_broken_runner_costs_nothing(word: str) -> None:
    """Where the state says that the job failed, a 5xx is the verdict: fal never bills it."""
    steps = (ORDERED, {**COMPLETED, word: "internal_server_error"}, httpx.Response(500, json={}))
    error = await failure(*steps)
    assert isinstance(error, ProviderUnavailable)
    assert (error.billing, error.upstream_status) == ("unbilled", 500)


async def test_a_result_that_cannot_be_had_is_no_broken_runner() -> None:
    """Where the state says that all is well, a 5xx is trouble with asking, and is asked again."""
    replay = Replay(ORDERED, COMPLETED, httpx.Response(502), RESULT)
    assert len((await paint(replay)).data) == 1


@pytest.mark.parametrize(
    ("trigger", "kind", "billing"),
    [
        ("#refused", ContentRejected, "ambiguous"),
        ("#black", ContentRejected, "billed"),
        ("#fails", ProviderUnavailable, "unbilled"),
        ("#downstream", ProviderUnavailable, "ambiguous"),
        ("#rate-limited", RateLimited, "unbilled"),
        ("#overloaded", ProviderUnavailable, "unbilled"),
    ],
)
async def test_every_trouble(trigger: str, kind: type[PinxitError], billing: str) -> None:
    """Each end that fal knows has its error and its bill."""
    context = lent(httpx.ASGITransport(FakeFal(key=KEY)), api_key=KEY)
    request = GenerateRequest(prompt=f"a fox {trigger}")
    with pytest.raises(kind) as caught:
        await FAL.generate(request, MODELS["fal-ai/flux/dev"], context)
    assert getattr(caught.value, "billing", None) == billing


async def test_a_wrong_key() -> None:
    """The key that is refused is ours."""
    context = lent(httpx.ASGITransport(FakeFal(key=KEY)), api_key="another-key-0123456789")
    with pytest.raises(AuthenticationFailed):
        await FAL.generate(GenerateRequest(prompt="a fox"), MODELS["fal-ai/flux/dev"], context)


async def test_leaving_cancels_at_fal() -> None:
    """A router that gives up stops the work: the stand-in knows of the cancellation."""
    fake = FakeFal(key=KEY, polls=1000)
    async with Router(
        Config(),
        plugins=Plugins(FAL, discover=False),
        settings={"fal": {"api_key": KEY}},
        transport=httpx.ASGITransport(fake),
        clock=ManualClock(),
    ) as router:
        with pytest.raises(PinxitError):
            await router.generate("a fox", model="fal/flux/dev", timeout=20)
    (work,) = fake.works.all
    assert work.cancelled
    assert fake.leaks == []
