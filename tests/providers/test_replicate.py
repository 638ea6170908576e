"""Replicate: three places to order at, outputs of every shape, refusals that only words tell."""

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
    PinxitError,
    Plugins,
    ProviderError,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
    Router,
    UnknownModel,
)
from pinxit.testing import ManualClock, ProviderTests, png
from pinxit.types import Request
from pinxit_providers.fakes.replicate import FakeReplicate
from pinxit_providers.protocols.bodies import data_url
from pinxit_providers.replicate import PLUGIN as REPLICATE
from replayed import Replay, Step, hang, lent

KEY = "r8_key_of_nobody_0123456789"
MODELS = {model.name: model for model in REPLICATE.models}
DEV = "black-forest-labs/flux-dev"
HASH = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
pytestmark = pytest.mark.virtual_time


class TestReplicate(ProviderTests):
    """One model of each dialect; jobs are polled at another host of Replicate."""

    plugin = REPLICATE
    models = {
        "replicate/black-forest-labs/flux-dev", "replicate/black-forest-labs/flux-2-pro",
        "replicate/black-forest-labs/flux-kontext-pro", "replicate/black-forest-labs/flux-fill-pro",
        "replicate/google/nano-banana-2", "replicate/ideogram-ai/ideogram-v3-turbo",
    }  # fmt: skip
    asgi = FakeReplicate(key=KEY, polls=1, elsewhere="https://stream.replicate.com")
    settings = {"api_key": KEY}
    most_pixels = 1024 * 1024
    trusted_hosts = ("stream.replicate.com",)


BASE = "https://api.replicate.com/v1"
SUBMIT = f"POST {BASE}/models/{DEV}/predictions"
MINE = f"{BASE}/predictions/p-1"
PICTURE = Image(png(64, 64))
URL = data_url(PICTURE)


def told(status: str, **more: Any) -> dict[str, Any]:
    urls = {"get": MINE, "cancel": f"{MINE}/cancel", "web": "https://replicate.com/p/p-1"}
    return {"id": "p-1", "status": status, "output": None, "error": None, "urls": urls, **more}


STARTING = told("starting")
PAINTED = "https://replicate.delivery/pbxt/1.webp"
DONE = told("succeeded", output=[PAINTED])


def on(name: str) -> Any:
    """Return a model, also one that nobody described."""
    return MODELS.get(name) or MODELS["*"].model_copy(update={"id": f"replicate/{name}"})


def sent(request: Request, model: str) -> tuple[str, dict[str, Any]]:
    """Return path and body of an order."""
    built = REPLICATE.preview(request, on(model), lent(Replay(), api_key=KEY))
    return built.url.path, json.loads(built.content)


async def paint(replay: Replay, n: int = 1, **settings: Any) -> ImagesResponse:
    """Generate with FLUX.1 [dev]."""
    context = lent(replay, api_key=KEY, **settings)
    return await REPLICATE.generate(GenerateRequest(prompt="a fox", n=n), MODELS[DEV], context)


async def failure(*steps: Step) -> PinxitError:
    with pytest.raises(PinxitError) as caught:
        await paint(Replay(*steps))
    return caught.value


# Orders -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path", "version"),
    [
        (DEV, f"/v1/models/{DEV}/predictions", None),
        ("acme/brush", "/v1/models/acme/brush/predictions", None),
        (f"{DEV}:{HASH}", "/v1/predictions", f"{DEV}:{HASH}"),
        (HASH, "/v1/predictions", HASH),
        ("deployments/acme/brush", "/v1/deployments/acme/brush/predictions", None),
    ],
)
def test_three_places_to_order_at(name: str, path: str, version: str | None) -> None:
    """Official models and deployments have paths of their own; a version stands in the body."""
    found, body = sent(GenerateRequest(prompt="a fox"), name)
    assert found == path
    assert body.pop("version", None) == version
    assert body.keys() == {"input"}
    assert body["input"]["prompt"] == "a fox"


@pytest.mark.parametrize("name", ["brush", "a/b/c", "deployments/acme", HASH[:-1], "x/y/z/w"])
def test_names_that_lead_nowhere(name: str) -> None:
    """What is no name of Replicate's is refused before anything is sent."""
    with pytest.raises(UnknownModel, match="OWNER/NAME"):
        sent(GenerateRequest(prompt="a fox"), name)


def test_a_version_of_a_known_model_is_asked_in_its_words() -> None:
    """A pinned version has the inputs of its model."""
    request = GenerateRequest(prompt="a fox", n=2)
    assert sent(request, f"{DEV}:{HASH}")[1]["input"] == {"prompt": "a fox", "num_outputs": 2}


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        (
            DEV,
            {"n": 3, "seed": 5, "aspect_ratio": "16:9", "output_format": "jpeg"},
            {"num_outputs": 3, "seed": 5, "aspect_ratio": "16:9", "output_format": "jpg"},
        ),
        (
            "black-forest-labs/flux-schnell",
            {"output_compression": 70},
            {"num_outputs": 1, "output_format": "webp", "output_quality": 70},
        ),
        (
            "black-forest-labs/flux-2-pro",
            {"size": "1536x1024"},
            {"aspect_ratio": "custom", "width": 1536, "height": 1024, "output_format": "webp"},
        ),
        (
            "black-forest-labs/flux-3-image",
            {"aspect_ratio": "21:9"},
            {"aspect_ratio": "21:9", "output_format": "webp"},
        ),
        ("google/nano-banana-2", {"aspect_ratio": "3:2"}, {"aspect_ratio": "3:2"}),
        (
            "stability-ai/stable-diffusion-3.5-large",
            {"negative_prompt": "rain"},
            {"negative_prompt": "rain", "output_format": "webp"},
        ),
        ("recraft-ai/recraft-v3-svg", {}, {}),
        ("acme/brush", {}, {}),
    ],
)
def test_inputs(model: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each model has inputs of its own; one that nobody described is sent what was asked, no more."""
    _, body = sent(GenerateRequest(prompt="a fox", **fields), model)
    assert body["input"] == {"prompt": "a fox", **expected}


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (DEV, "image", URL),
        ("black-forest-labs/flux-2-pro", "input_images", [URL]),
        ("black-forest-labs/flux-kontext-pro", "input_image", URL),
        ("black-forest-labs/flux-3-image", "images", [URL]),
        ("google/nano-banana-2", "image_input", [URL]),
        ("acme/brush", "image", URL),
    ],
)
def test_pictures_have_many_names(model: str, field: str, value: object) -> None:
    """Input pictures are data URLs, in a list where the model takes several."""
    _, body = sent(EditRequest(prompt="a hat", images=(PICTURE,)), model)
    assert body["input"][field] == value


@pytest.mark.parametrize(
    ("model", "polarity"),
    [
        ("black-forest-labs/flux-fill-pro", "white_edits"),
        ("ideogram-ai/ideogram-v3-turbo", "black_edits"),
    ],
)
def test_masks(model: str, polarity: str) -> None:
    """Masks mean different things, and the models that take them do nothing without one."""
    mask = MODELS[model].operations["edit"].mask
    assert mask is not None
    assert (mask.polarity, mask.required) == (polarity, True)
    # Ideogram's are strictly black and white.
    assert mask.hard is ("ideogram" in model)
    request = EditRequest(prompt="a hat", images=(PICTURE,), mask=PICTURE)
    assert sent(request, model)[1]["input"]["mask"] == URL


@pytest.mark.parametrize(
    ("name", "unsure"), [(DEV, False), ("black-forest-labs/flux-fill-pro", True)]
)
def test_thin_prices_say_so(name: str, unsure: bool) -> None:
    """A price from a thin source is marked, and the facts name it."""
    model = MODELS[name]
    assert [price.uncertain for price in model.prices] == [unsure]
    assert model.facts is not None
    assert any("price" in sentence for sentence in model.facts.uncertain) is unsure


def test_extra_adds_and_never_changes() -> None:
    """What a model alone has comes through `extra`; what was fitted stays."""
    extra: dict[str, JsonValue] = {"guidance": 4, "num_outputs": 4, "prompt": "a crow"}
    _, body = sent(GenerateRequest(prompt="a fox", extra={"replicate": extra}), DEV)
    assert body["input"]["guidance"] == 4
    assert (body["input"]["num_outputs"], body["input"]["prompt"]) == (1, "a fox")


def test_settings() -> None:
    """The token has Replicate's own variable; two headers are for those who want them."""
    names = {setting.name: setting.env for setting in REPLICATE.settings}
    assert names["api_key"] == ("REPLICATE_API_TOKEN",)
    request = GenerateRequest(prompt="a fox")
    plain = REPLICATE.preview(request, MODELS[DEV], lent(Replay(), api_key=KEY))
    assert not {"prefer", "cancel-after"} & plain.headers.keys()
    context = lent(Replay(), api_key=KEY, prefer="wait=5", cancel_after="5m")
    built = REPLICATE.preview(request, MODELS[DEV], context)
    assert (built.headers["prefer"], built.headers["cancel-after"]) == ("wait=5", "5m")


# Jobs ---------------------------------------------------------------------------------------------


async def test_a_job_from_order_to_picture() -> None:
    """Starting, processing, succeeded: one order, polls at the address that was named."""
    replay = Replay(STARTING, told("starting"), told("processing"), DONE)
    assert (await paint(replay)).data[0].url == PAINTED
    assert replay.lines == [SUBMIT, *[f"GET {MINE}"] * 3]


@pytest.mark.parametrize("status", ["starting", "processing"])
async def test_a_held_answer_may_come_before_the_end(status: str) -> None:
    """`Prefer: wait` promises nothing: what is not done yet is polled."""
    replay = Replay(told(status), DONE)
    await paint(replay, prefer="wait=1")
    assert replay.lines == [SUBMIT, f"GET {MINE}"]


async def test_a_held_answer_may_be_the_end() -> None:
    """What is done when the answer comes is not asked for again."""
    replay = Replay(DONE)
    await paint(replay, prefer="wait=1")
    assert replay.lines == [SUBMIT]


@pytest.mark.parametrize("host", ["https://evilreplicate.com", "http://replicate.com", "https://x"])
async def test_foreign_hosts_get_no_key(host: str) -> None:
    """Where an address is not Replicate's, the same is asked at its own path; cancelling too."""
    foreign = {"urls": {"get": f"{host}/get", "cancel": f"{host}/cancel"}}
    replay = Replay(STARTING | foreign, DONE)
    await paint(replay)
    assert replay.lines == [SUBMIT, f"GET {MINE}"]
    replay = Replay(STARTING | foreign, *[{"status": "napping"}] * 5, {})
    with pytest.raises(ProviderError):
        await paint(replay)
    assert replay.lines[-1] == f"POST {MINE}/cancel"


@pytest.mark.parametrize("urls", [None, [], {}, {"get": 7}])
async def test_without_addresses_a_job_is_found_by_its_name(urls: object) -> None:
    """The paths are documented."""
    replay = Replay(STARTING | {"urls": urls}, DONE)
    await paint(replay)
    assert replay.lines == [SUBMIT, f"GET {MINE}"]


# Outputs ------------------------------------------------------------------------------------------


async def test_an_output_may_be_one_address() -> None:
    """Most models of partners answer with a text instead of a list."""
    answer = await paint(Replay(STARTING, told("succeeded", output=PAINTED)))
    assert [image.url for image in answer.data] == [PAINTED]


async def test_fewer_outputs_than_asked() -> None:
    """Unsafe pictures are left out under `succeeded`: what came is delivered, and counted."""
    assert MODELS[DEV].operations["generate"].max_n == 4
    context = lent(httpx.ASGITransport(FakeReplicate(key=KEY)), api_key=KEY)
    request = GenerateRequest(prompt="a fox #fewer", n=3)
    answer = await REPLICATE.generate(request, MODELS[DEV], context)
    assert len(answer.data) == 2


async def test_no_outputs_are_a_refusal() -> None:
    """Where all pictures are left out, the checker refused them, and the work was done."""
    error = await failure(STARTING, told("succeeded", output=[]))
    assert isinstance(error, ContentRejected)
    assert error.billing == "billed"


@pytest.mark.parametrize("output", [None, 7, "", "ftp://x", {}, [None], [PAINTED, 7]])
async def test_outputs_of_no_use(output: object) -> None:
    """What is no address of a picture was paid for all the same."""
    error = await failure(STARTING, told("succeeded", output=output))
    assert isinstance(error, InvalidProviderResponse)
    assert error.billing == "billed"


# Failures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "NSFW content detected. Try running it again, or try a different prompt.",
        "The input or output was flagged as sensitive. Please try again. (E005)",
        "Request blocked by Safety filters",
        "Content moderated",
    ],
)
async def test_refusals_are_told_by_words(words: str) -> None:
    """A refusal is a failed job, and only its text says so."""
    error = await failure(STARTING, told("failed", error=words))
    assert isinstance(error, ContentRejected)
    assert (str(error), error.billing) == (words, "ambiguous")


@pytest.mark.parametrize("words", ["CUDA out of memory", "", None, {"x": 1}])
async def test_other_failures_are_outages(words: object) -> None:
    """Whatever else a job failed with, another model may do; what it cost is not known."""
    error = await failure(STARTING, told("failed", error=words))
    assert type(error) is ProviderUnavailable
    assert error.billing == "ambiguous"


@pytest.mark.parametrize("status", ["canceled", "aborted"])
async def test_a_job_that_somebody_cancelled(status: str) -> None:
    """A job that ends so without our doing is a failure of unknown cost."""
    error = await failure(STARTING, told(status))
    assert isinstance(error, ProviderError)
    assert (error.billing, error.retry) == ("ambiguous", False)


async def test_words_of_a_status_are_no_refusal() -> None:
    """A 422 about a field called `safety_tolerance` is a mistake in the request."""
    body = {"title": "Input validation failed", "detail": "- input.safety_tolerance: too much"}
    error = await failure(httpx.Response(422, json=body))
    assert type(error) is RequestError
    assert "safety_tolerance" in str(error)


@pytest.mark.parametrize(
    ("detail", "headers", "seconds"),
    [
        ("Your rate limit resets in ~12s.", {}, 12.0),
        ("Your rate limit resets in 1.5 seconds.", {}, 1.5),
        ("Your rate limit resets in ~12s.", {"retry-after": "3"}, 3.0),
        ("Slow down.", {}, None),
    ],
)
async def test_rate_limits(detail: str, headers: dict[str, str], seconds: float | None) -> None:
    """How long to wait stands in the words, unless a header says it."""
    error = await failure(httpx.Response(429, json={"detail": detail}, headers=headers))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("trigger", "kind", "billing"),
    [
        ("#refused", ContentRejected, "ambiguous"),
        ("#none", ContentRejected, "billed"),
        ("#fails", ProviderUnavailable, "ambiguous"),
        ("#aborted", ProviderError, "ambiguous"),
        ("#rate-limited", RateLimited, "unbilled"),
        ("#out-of-credit", QuotaExceeded, "unbilled"),
        ("#overloaded", ProviderUnavailable, "unbilled"),
    ],
)
async def test_every_trouble(trigger: str, kind: type[PinxitError], billing: str) -> None:
    """Each end that Replicate knows has its error and its bill."""
    context = lent(httpx.ASGITransport(FakeReplicate(key=KEY)), api_key=KEY)
    request = GenerateRequest(prompt=f"a fox {trigger}")
    with pytest.raises(kind) as caught:
        await REPLICATE.generate(request, MODELS[DEV], context)
    assert getattr(caught.value, "billing", None) == billing


async def test_a_wrong_key() -> None:
    """The token that is refused is ours."""
    context = lent(httpx.ASGITransport(FakeReplicate(key=KEY)), api_key="r8_another_0123456789")
    with pytest.raises(AuthenticationFailed):
        await REPLICATE.generate(GenerateRequest(prompt="a fox"), MODELS[DEV], context)


# Through the router -------------------------------------------------------------------------------


def route(transport: httpx.AsyncBaseTransport) -> Router:
    return Router(
        Config(),
        plugins=Plugins(REPLICATE, discover=False),
        settings={"replicate": {"api_key": KEY}},
        transport=transport,
        clock=ManualClock(),
    )


async def test_giving_up_cancels_at_replicate() -> None:
    """A router that waits no longer stops the work, by the address that was named."""
    fake = FakeReplicate(key=KEY, polls=1000)
    async with route(httpx.ASGITransport(fake)) as router:
        with pytest.raises(PinxitError):
            await router.generate("a fox", model=f"replicate/{DEV}", timeout=20)
    (work,) = fake.works.all
    assert work.cancelled


async def test_giving_up_an_order_that_is_held() -> None:
    """Without an answer nobody knows what to cancel; the one order may be billed."""
    replay = Replay(hang)
    async with route(replay) as router:
        with pytest.raises(PinxitError) as caught:
            await router.generate("a fox", model=f"replicate/{DEV}", timeout=20)
    assert replay.lines == [SUBMIT]
    assert caught.value.report is not None
    assert caught.value.report.attempts[0].billing == "ambiguous"


@pytest.mark.parametrize("name", ["acme/brush", f"{DEV}:{HASH}", HASH, "deployments/acme/brush"])
async def test_models_that_nobody_described(name: str) -> None:
    """Versions, deployments and other models are planned, and the plan says what that means."""
    async with route(Replay()) as router:
        plan = router.plan(GenerateRequest(prompt="a fox", model=f"replicate/{name}"))
    (candidate,) = plan.candidates
    assert "undeclared" in " ".join(candidate.notes)
    assert candidate.model.name == name
