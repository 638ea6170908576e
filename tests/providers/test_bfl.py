"""Black Forest Labs: what is sent, what is made of the answers, and what it may cost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from pinxit import (
    AuthenticationFailed,
    Config,
    ContentRejected,
    Context,
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
    Ratios,
    RequestError,
    Router,
    VariationRequest,
)
from pinxit.testing import ProviderTests, png
from pinxit.types import parse_ratio, parse_size
from pinxit_providers.bfl import PLUGIN as BFL
from pinxit_providers.fakes.bfl import FakeBFL
from pinxit_providers.protocols.bodies import plain_base64
from replayed import Replay, cut, lent

KEY = "bfl-key-of-nobody-0123456789"
MODELS = {model.name: model for model in BFL.models}
pytestmark = pytest.mark.virtual_time


class TestBFL(ProviderTests):
    """One model of each dialect; jobs are polled in another region than they are ordered in."""

    plugin = BFL
    models = {
        "bfl/flux-2-pro", "bfl/flux-kontext-pro", "bfl/flux-pro-1.1", "bfl/flux-pro-1.0-fill",
        "bfl/flux-3-image",
    }  # fmt: skip
    asgi = FakeBFL(key=KEY, polls=1, region="https://api.us1.bfl.ai")
    settings = {"api_key": KEY}
    most_pixels = 1024 * 1024
    trusted_hosts = ("api.us1.bfl.ai",)


def told(status: str, **more: Any) -> dict[str, Any]:
    """Return the body of a poll."""
    return {"id": "t-1", "status": status, "result": None, **more}


READY = told("Ready", result={"sample": "https://delivery.bfl.ai/1.png", "seed": 7})


ORDERED = {"id": "t-1", "polling_url": "https://api.eu4.bfl.ai/v1/get_result?id=t-1"}


async def paint(replay: Replay, prompt: str = "a fox", **settings: Any) -> ImagesResponse:
    """Generate with FLUX.2 [pro]."""
    context = lent(replay, api_key=KEY, **settings)
    return await BFL.generate(GenerateRequest(prompt=prompt), MODELS["flux-2-pro"], context)


@pytest.fixture
def fake() -> FakeBFL:
    return FakeBFL(key=KEY, region="https://api.us1.bfl.ai")


@pytest.fixture
def context(fake: FakeBFL) -> Context:
    return lent(httpx.ASGITransport(fake), api_key=KEY)


def sent(request: Any, model: str) -> tuple[str, dict[str, Any]]:
    """Return path and body of an order."""
    built = BFL.preview(request, MODELS[model], lent(Replay(), api_key=KEY))
    return built.url.path, json.loads(built.content)


PICTURE = Image(png(64, 64))
MASK = Image(png(64, 64))
TEXT = plain_base64(PICTURE)


def test_a_flux_2_order() -> None:
    """Size becomes two numbers, and the format is always said: models differ in theirs."""
    request = GenerateRequest(prompt="a fox", size="1536x1024", seed=5)
    assert sent(request, "flux-2-pro") == (
        "/v1/flux-2-pro",
        {"prompt": "a fox", "width": 1536, "height": 1024, "seed": 5, "output_format": "jpeg"},
    )


def test_a_flux_3_order() -> None:
    """The class is the resolution, in lower case."""
    request = GenerateRequest(prompt="a fox", size="2K", aspect_ratio="16:9", output_format="png")
    assert sent(request, "flux-3-image") == (
        "/v1/flux-3-image",
        {"prompt": "a fox", "aspect_ratio": "16:9", "resolution": "2k", "output_format": "png"},
    )


def test_an_edit_of_several_pictures() -> None:
    """The first picture is `input_image`, the next `input_image_2`; no data URL is made of them."""
    request = EditRequest(prompt="a hat", images=(PICTURE, PICTURE, PICTURE))
    path, body = sent(request, "flux-2-max")
    assert path == "/v1/flux-2-max"
    assert body == {
        "prompt": "a hat",
        "input_image": TEXT,
        "input_image_2": TEXT,
        "input_image_3": TEXT,
        "output_format": "jpeg",
    }


def test_an_inpainting() -> None:
    """Fill has fields of its own."""
    request = EditRequest(prompt="a hat", images=(PICTURE,), mask=MASK, output_format="webp")
    _, body = sent(request, "flux-pro-1.0-fill")
    assert body == {"prompt": "a hat", "image": TEXT, "mask": TEXT, "output_format": "webp"}


def test_a_variation() -> None:
    """A variation is an image prompt without words."""
    _, body = sent(VariationRequest(images=(PICTURE,)), "flux-pro-1.1")
    assert body == {"image_prompt": TEXT, "output_format": "jpeg"}


def test_extra_adds_and_never_changes() -> None:
    """What the vendor alone has comes through `extra`; what was fitted stays."""
    extra: dict[str, JsonValue] = {
        "safety_tolerance": 1,
        "width": 64,
        "prompt": "a crow",
        "output_format": "webp",
    }
    _, body = sent(GenerateRequest(prompt="a fox", extra={"bfl": extra}), "flux-2-pro")
    assert body == {"prompt": "a fox", "safety_tolerance": 1, "output_format": "jpeg"}


def test_the_key_has_a_header_of_its_own() -> None:
    """The key is sent as `x-key`, bare."""
    built = BFL.preview(
        GenerateRequest(prompt="a fox"), MODELS["flux-2-pro"], lent(Replay(), api_key=KEY)
    )
    assert built.headers["x-key"] == KEY
    assert "authorization" not in built.headers
    assert str(built.url) == "https://api.bfl.ai/v1/flux-2-pro"


def test_settings_come_from_the_environment() -> None:
    """The vendor's own variable comes before those of others."""
    names = {setting.name: setting.env for setting in BFL.settings}
    assert names == {"api_key": ("BFL_API_KEY", "FLUX_API_KEY"), "base_url": ("BFL_BASE_URL",)}


async def test_a_job_from_order_to_picture(fake: FakeBFL, context: Context) -> None:
    """The order is sent once, polled where it was said, and the credits become dollars."""
    request = GenerateRequest(prompt="a fox", seed=9)
    answer = await BFL.generate(request, MODELS["flux-2-pro"], context)
    assert answer.data[0].url == "https://api.us1.bfl.ai/delivery/job-0001.jpeg"
    assert answer.data[0].seed == 9
    assert answer.cost == Decimal("0.03")
    assert len(fake.works.all) == 1


async def test_the_cost_of_the_order_is_taken_where_the_end_has_none() -> None:
    """Either of the two answers may say what it costs."""
    accepted = {"id": "t-1", "polling_url": "https://api.bfl.ai/v1/get_result?id=t-1", "cost": 4.5}
    assert (await paint(Replay(accepted, READY))).cost == Decimal("0.045")
    answer = await paint(Replay(accepted, READY | {"cost": 6}))
    assert answer.cost == Decimal("0.06")
    assert (await paint(Replay(ORDERED, READY))).cost is None


async def test_polling_goes_to_the_region_that_was_named() -> None:
    """A job is known in its own region, whose host is the vendor's too."""
    replay = Replay(ORDERED, told("Pending"), READY)
    await paint(replay)
    assert replay.lines[1:] == ["GET https://api.eu4.bfl.ai/v1/get_result?id=t-1"] * 2
    assert cut(replay.requests, "x-key") == {KEY}


@pytest.mark.parametrize(
    "address",
    [
        "https://evilbfl.ai/v1/get_result?id=t-1",
        "https://bfl.ai.evil.example/",
        "http://api.eu4.bfl.ai/v1/get_result?id=t-1",
        "https://api.eu4.bfl.ai:8443/",
        "https://api.bfl.ai@evil.example/",
        "nonsense",
        7,
        None,
    ],
)
async def test_a_foreign_polling_host_gets_no_key(address: object) -> None:
    """Where the address is not the vendor's, or missing, the job is polled at the vendor's own path."""
    replay = Replay({"id": "t-1", "polling_url": address}, READY)
    await paint(replay)
    assert replay.lines[1] == "GET https://api.bfl.ai/v1/get_result?id=t-1"


async def test_the_key_of_a_proxy_stays_there() -> None:
    """Behind an own base URL, jobs are polled there, whatever address the vendor names."""
    replay = Replay(ORDERED, READY)
    await paint(replay, base_url="https://proxy.example/bfl")
    assert replay.lines == [
        "POST https://proxy.example/bfl/v1/flux-2-pro",
        "GET https://proxy.example/bfl/v1/get_result?id=t-1",
    ]


@pytest.mark.parametrize("id", [None, 5, "", "../credits", "a/b", "a?b", "..", "x" * 201])
async def test_an_order_without_a_usable_name_is_of_no_use(id: object) -> None:
    """The name of a job becomes part of a path, so it has to be a plain word."""
    replay = Replay({"id": id, "polling_url": "https://api.bfl.ai/x"})
    with pytest.raises(InvalidProviderResponse) as caught:
        await paint(replay)
    assert caught.value.billing == "billed"
    assert len(replay.requests) == 1


@pytest.mark.parametrize(
    ("poll", "billing", "categories"),
    [
        (told("Request Moderated"), "ambiguous", ()),
        (told("Request Moderated", cost=0), "unbilled", ()),
        (told("Content Moderated", cost=3.0), "billed", ()),
        (
            told("Content Moderated", details={"Moderation Reasons": ["Derivative Works Filter"]}),
            "ambiguous",
            ("Derivative Works Filter",),
        ),
        (told("Content Moderated", details=[{"x": "deep"}, KEY, 7]), "ambiguous", ()),
    ],
)
async def test_refusals(poll: dict[str, Any], billing: str, categories: tuple[str, ...]) -> None:
    """Both moderated states are refusals; what they cost is known only where the state says so."""
    with pytest.raises(ContentRejected) as caught:
        await paint(Replay(ORDERED, poll))
    assert (caught.value.billing, caught.value.categories) == (billing, categories)
    assert str(caught.value).startswith(poll["status"])


async def test_a_job_that_ends_in_error() -> None:
    """The vendor's own failure is an outage of that model, of unknown cost."""
    with pytest.raises(ProviderUnavailable) as caught:
        await paint(Replay(ORDERED, told("Pending"), told("Error")))
    assert caught.value.billing == "ambiguous"


async def test_a_job_that_is_not_found_at_once() -> None:
    """A region may hear of a job a moment later."""
    replay = Replay(ORDERED, told("Task not found"), told("Task not found"), READY)
    assert (await paint(replay)).data[0].url == "https://delivery.bfl.ai/1.png"


async def test_a_job_that_is_never_found() -> None:
    """A job that nobody knows may have been made all the same, and is not ordered again."""
    replay = Replay(ORDERED, *[told("Task not found")] * 9)
    with pytest.raises(ProviderError, match="Task not found") as caught:
        await paint(replay)
    assert (caught.value.billing, caught.value.retry) == ("ambiguous", False)
    assert [request.method for request in replay.requests] == ["POST", *["GET"] * 5]


@pytest.mark.parametrize("result", [None, {}, {"sample": None}, {"sample": "ftp://x/1.png"}, []])
async def test_ready_without_a_picture_is_of_no_use(result: object) -> None:
    """A job that is ready was paid for."""
    with pytest.raises(InvalidProviderResponse) as caught:
        await paint(Replay(ORDERED, told("Ready", result=result)))
    assert caught.value.billing == "billed"


@pytest.mark.parametrize(
    ("trigger", "kind", "billing"),
    [
        ("#refused-input", ContentRejected, "unbilled"),
        ("#refused-output", ContentRejected, "ambiguous"),
        ("#fails", ProviderUnavailable, "ambiguous"),
        ("#vanishes", ProviderError, "ambiguous"),
        ("#rate-limited", RateLimited, "unbilled"),
        ("#out-of-credit", QuotaExceeded, "unbilled"),
        ("#overloaded", ProviderUnavailable, "unbilled"),
    ],
)
async def test_every_trouble(
    context: Context, trigger: str, kind: type[PinxitError], billing: str
) -> None:
    """Each end that the vendor knows has its error and its bill."""
    request = GenerateRequest(prompt=f"a fox {trigger}")
    with pytest.raises(kind) as caught:
        await BFL.generate(request, MODELS["flux-2-pro"], context)
    assert getattr(caught.value, "billing", None) == billing


async def test_validation_names_the_field(context: Context) -> None:
    """A 422 is the caller's, and says where."""
    request = GenerateRequest(prompt="a fox", extra={"bfl": {"safety_tolerance": 6}})
    with pytest.raises(RequestError) as caught:
        await BFL.generate(request, MODELS["flux-2-pro"], context)
    assert (caught.value.param, caught.value.upstream_status) == ("safety_tolerance", 422)


async def test_a_wrong_key(fake: FakeBFL) -> None:
    """The key that is refused is ours."""
    context = lent(httpx.ASGITransport(fake), api_key="another-key-0123456789")
    with pytest.raises(AuthenticationFailed):
        await BFL.generate(GenerateRequest(prompt="a fox"), MODELS["flux-2-pro"], context)


@pytest.mark.parametrize(
    ("model", "size", "usd"),
    [
        ("flux-2-pro", "1024x1024", "0.03"),
        ("flux-2-pro", "2048x1024", "0.045"),
        ("flux-2-pro", "2048x2048", "0.075"),
        ("flux-2-pro", "512x512", "0.075"),
        ("flux-2-pro", None, "0.075"),
        ("flux-2-flex", "1024x1024", "0.06"),
        ("flux-kontext-max", None, "0.08"),
        ("flux-3-image", None, "0.048"),
    ],
)
def test_estimates_are_not_too_low(model: str, size: str | None, usd: str) -> None:
    """Listed sizes cost the first megapixel and each further one; any other counts as the largest."""
    router = Router(Config(), plugins=Plugins(BFL, discover=False), settings={"bfl": {}})
    plan = router.plan(GenerateRequest(prompt="a fox", model=f"bfl/{model}", size=size))
    assert plan.candidates[0].estimate == Decimal(usd)


def test_the_classes_of_flux_3_have_the_published_areas() -> None:
    """Its squares are 1.0, 4.2 and 16.8 megapixels of a million."""
    sizes = MODELS["flux-3-image"].operations["generate"].sizes
    assert isinstance(sizes, Ratios)
    squares = {name: ratios["1:1"] for name, ratios in sizes.classes.items()}
    assert squares == {"1K": "1024x1024", "2K": "2048x2048", "4K": "4096x4096"}
    areas = [w * h / 1e6 for w, h in (parse_size(edges) or (0, 0) for edges in squares.values())]
    assert [round(area, 1) for area in areas] == [1.0, 4.2, 16.8]


def test_fill_is_no_candidate_without_a_mask() -> None:
    """It has nothing to repaint then, and the order would be wasted."""
    router = Router(Config(), plugins=Plugins(BFL, discover=False), settings={"bfl": {}})
    opaque = Image(png(64, 64))
    request = EditRequest(prompt="a hat", images=(opaque,), model="bfl/flux-pro-1.0-fill")
    plan = router.plan(request)
    assert not plan.candidates


@pytest.mark.parametrize("model", ["flux-3-image", "flux-kontext-pro", "flux-pro-1.1-ultra"])
def test_ratios_are_what_they_say(model: str) -> None:
    """Computed pixels lie within 3 % of their ratio."""
    sizes = MODELS[model].operations["generate"].sizes
    assert isinstance(sizes, Ratios)
    for _, ratio, pixels in sizes:
        width, height = parse_size(pixels) or (0, 1)
        assert width / height == pytest.approx(parse_ratio(ratio), rel=0.03)


async def test_models_that_nobody_described(fake: FakeBFL) -> None:
    """A model that came later is called by its name, and the plan says what that means."""
    router = Router(Config(), plugins=Plugins(BFL, discover=False), settings={"bfl": {}})
    request = GenerateRequest(prompt="a fox", model="bfl/flux-9", size="512x512")
    (candidate,) = router.plan(request).candidates
    assert "undeclared" in " ".join(candidate.notes)
    assert sent(candidate.request, "*")[1] == {
        "prompt": "a fox",
        "width": 512,
        "height": 512,
        "output_format": "jpeg",
    }
    built = BFL.preview(request, candidate.model, lent(Replay(), api_key=KEY))
    assert built.url.path == "/v1/flux-9"
