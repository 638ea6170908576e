"""What Ideogram is sent, and what its answers mean."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from asking import settings_of
from pinxit import (
    AuthenticationFailed,
    ContentRejected,
    FixedSizes,
    InvalidProviderResponse,
    Model,
    PinxitError,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
    UnknownModel,
)
from pinxit.fitting import VARIATION_PROMPT, fit
from pinxit.images import edit_map
from pinxit.payload import Image
from pinxit.plugins import Plugins
from pinxit.pricing import estimate
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import picture
from pinxit.types import EditRequest, GenerateRequest, Request, VariationRequest
from pinxit_providers.fakes.ideogram import FakeIdeogram
from pinxit_providers.ideogram import PLUGIN
from replay import Upstream, form, image, masked

KEY = "this-key-is-nobodys-0123456789"
SETTINGS = {"api_key": KEY, "base_url": "http://fake.test"}
URL = "https://pictures.test/1.png?exp=1&sig=2"


class TestIdeogram(ProviderTests):
    """One model of each version of the API."""

    plugin = PLUGIN
    models = {"ideogram/ideogram-v3", "ideogram/ideogram-4-5"}
    asgi = FakeIdeogram(key=KEY)
    settings = SETTINGS
    rejection = (422, {"error": "Prompt provided failed safety check."})
    # Some of the 69 resolutions; the others are asked for below, where nothing is drawn.
    most_pixels = 830_000


def ideogram(answer: httpx.Response | None = None, **settings: Any) -> Upstream:
    app = None if answer else FakeIdeogram(key=KEY)
    return Upstream(PLUGIN, answer, app=app, settings={**SETTINGS, **settings})


def model(name: str = "ideogram-v3") -> Model:
    return Plugins(PLUGIN, discover=False).registry.get(f"ideogram/{name}")


def ask(name: str = "ideogram-v3", prompt: str = "a fox", **fields: Any) -> GenerateRequest:
    return GenerateRequest(prompt=prompt, model=f"ideogram/{name}", **fields)


def edit(name: str = "ideogram-v3", **fields: Any) -> EditRequest:
    given = {"prompt": "a hat", "images": (image(),), "model": f"ideogram/{name}", **fields}
    return EditRequest.model_validate(given)


def answer(*items: object, **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"created": "2026-11-22T12:00:00Z", "data": items, **more})


def item(**fields: Any) -> dict[str, Any]:
    return {"url": URL, "is_image_safe": True, "prompt": "a fox", "seed": 5, **fields}


# What is sent -------------------------------------------------------------------------------------


async def test_version_3_takes_a_form() -> None:
    """Each parameter has its field; a quality is a speed there."""
    upstream = ideogram()
    extra = {"ideogram": {"magic_prompt": "OFF", "style_type": "DESIGN", "stray": 1}}
    request = ask(size="1312x736", quality="high", n=3, seed=7, negative_prompt="rain", extra=extra)
    found = await upstream(request)
    assert upstream.last.url.path == "/v1/ideogram-v3/generate"
    assert upstream.last.headers["api-key"] == KEY
    assert "authorization" not in upstream.last.headers
    assert form(upstream.last) == (
        {
            "prompt": "a fox",
            "negative_prompt": "rain",
            "resolution": "1312x736",
            "rendering_speed": "QUALITY",
            "num_images": "3",
            "seed": "7",
            "magic_prompt": "OFF",
            "style_type": "DESIGN",
        },
        [],
    )
    assert [picture.seed for picture in found.data] == [7, 8, 9]
    assert all("/files/1312x736-" in str(picture.url) for picture in found.data)


async def test_every_resolution_is_taken() -> None:
    """All that version 3 declares is what its address lists."""
    sizes = model().operations["generate"].sizes
    assert isinstance(sizes, FixedSizes)
    assert len(set(sizes.values)) == len(sizes.values) == 69
    upstream = ideogram()
    for size in sizes.values:
        found = await upstream(ask(size=size))
        assert f"/files/{size}-0.png" in str(found.data[0].url)


async def test_newer_models_take_json() -> None:
    """The second version has the model in its path, and two numbers for a size."""
    upstream = ideogram()
    await upstream(ask("ideogram-4-6", size="1920x1088", quality="low", n=2, seed=0))
    assert upstream.last.url.path == "/v2/image/generate/ideogram-4-6"
    assert json.loads(upstream.last.content) == {
        "prompt": "a fox",
        "quality": "low",
        "custom_width": 1920,
        "custom_height": 1088,
        "num_images": 2,
        "seed": 0,
    }


async def test_the_smallest_requests() -> None:
    """What nobody asked for is left to the model."""
    upstream = ideogram()
    await upstream(ask())
    assert form(upstream.last)[0] == {"prompt": "a fox", "num_images": "1"}
    await upstream(ask("ideogram-4"))
    assert json.loads(upstream.last.content) == {"prompt": "a fox", "num_images": 1}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ideogram-v3", "/v1/ideogram-v3/inpaint"),
        ("ideogram-4-5", "/v2/image/precise-edit/ideogram-4-5"),
    ],
)
async def test_black_is_repainted(name: str, path: str) -> None:
    """A mask goes out in black and white, black where pixels were transparent."""
    upstream = ideogram()
    await upstream(edit(name, **masked()))
    fields, files = form(upstream.last)
    assert upstream.last.url.path == path
    assert fields["prompt"] == "a hat"
    assert [(f.field, f.content_type) for f in files] == [
        ("image", "image/png"),
        ("mask", "image/png"),
    ]
    sent = edit_map(files[1].data, "white_edits")
    assert sent.size == (96, 64)
    assert (sent.getpixel((1, 1)), sent.getpixel((95, 63))) == (0, 255)


@pytest.mark.parametrize("name", ["ideogram-v3", "ideogram-4-6"])
async def test_a_soft_mask_becomes_a_hard_one(name: str) -> None:
    """A brush with a soft edge is decided before it is sent, because grey is refused."""
    soft = Image(picture("png", 96, 64, mode="RGBA"))
    upstream = ideogram()
    await upstream(edit(name, images=(image(),), mask=soft))
    assert set(edit_map(form(upstream.last)[1][1].data, "black_edits").tobytes()) <= {0, 255}


async def test_an_edit_without_a_mask_is_a_remix() -> None:
    """Without a mask the whole picture is the model for another one; the caller may weigh it."""
    upstream = ideogram()
    await upstream(edit(quality="low", extra={"ideogram": {"image_weight": 80}}))
    fields, files = form(upstream.last)
    assert upstream.last.url.path == "/v1/ideogram-v3/remix"
    assert fields == {
        "prompt": "a hat",
        "rendering_speed": "TURBO",
        "num_images": "1",
        "image_weight": "80",
    }
    assert [f.field for f in files] == ["image"]


async def test_a_variation_is_a_remix() -> None:
    """A remix wants a prompt, so that a variation has a standing one."""
    upstream = ideogram()
    request = VariationRequest(
        model="ideogram/ideogram-v3", images=(image(),), size="832x1216", n=2
    )
    found = await upstream(request)
    assert upstream.last.url.path == "/v1/ideogram-v3/remix"
    assert form(upstream.last)[0] == {
        "prompt": VARIATION_PROMPT,
        "resolution": "832x1216",
        "num_images": "2",
    }
    assert len(found.data) == 2


async def test_further_pictures_are_references() -> None:
    """The first picture is edited, the others are looked at."""
    upstream = ideogram()
    several = (image(), image("jpeg"), image("png", 64, 64))
    await upstream(edit("ideogram-4-6", images=several))
    names = [f.field for f in form(upstream.last)[1]]
    assert names == ["image", "reference_images", "reference_images"]


@pytest.mark.parametrize(
    ("quality", "sent", "verdicts"),
    [
        ("low", "low", []),
        ("standard", "medium", ["mapped"]),
        ("hd", "high", ["mapped"]),
        ("max", "high", ["approximated"]),
        ("auto", None, []),
    ],
)
def test_qualities(quality: Any, sent: str | None, verdicts: list[str]) -> None:
    """Every word for a quality leads to one of three."""
    fitted = fit(ask(quality=quality), model())
    assert fitted.request.quality == sent
    assert [a.verdict for a in fitted.adaptations] == verdicts


def test_ratios_become_resolutions() -> None:
    """Version 3 has 69 sizes; a ratio finds the nearest, and exact pixels their own."""
    assert fit(ask(aspect_ratio="16:9"), model()).request.size == "1312x736"
    assert fit(ask(size="832x1216"), model()).request.size == "832x1216"
    assert fit(ask("ideogram-4", aspect_ratio="16:9"), model("ideogram-4")).request.size is not None


# What comes back ----------------------------------------------------------------------------------


async def test_a_changed_prompt_is_told() -> None:
    """The prompt that comes back is a revised one only where it differs."""
    found = await ideogram(answer(item(), item(prompt="In detail: a fox")))(ask(n=2))
    assert [picture.revised_prompt for picture in found.data] == [None, "In detail: a fox"]
    assert [picture.url for picture in found.data] == [URL, URL]


async def test_one_of_several_is_refused() -> None:
    """Pictures that passed are delivered with their own seeds; the others are left out."""
    found = await ideogram()(ask(prompt="a fox #partly-unsafe", n=3))
    assert [picture.seed for picture in found.data] == [1001, 1002]


@pytest.mark.parametrize(
    "response",
    [
        answer(item(url=None, is_image_safe=False)),
        answer({"is_image_safe": False}, item(url=None, is_image_safe=False)),
        answer(item(is_image_safe=False)),
        answer({"url": None, "seed": 5}),
        answer(item(url=None, is_image_safe=None)),
    ],
)
async def test_unsafe_pictures_are_refusals(response: httpx.Response) -> None:
    """A success whose pictures were all found unsafe is a refusal that may be billed."""
    error = await ideogram(response).error(ask())
    assert isinstance(error, ContentRejected)
    assert (error.billing, error.upstream_status) == ("billed", 200)


async def test_a_picture_without_an_address_costs_the_others_nothing() -> None:
    """An item whose URL is null was withheld, though nothing else says so; the rest is delivered."""
    withheld = item(url=None, is_image_safe=None, seed=6)
    found = await ideogram(answer(withheld, item(seed=7)))(ask(n=2))
    assert [picture.seed for picture in found.data] == [7]


@pytest.mark.parametrize(
    "response",
    [
        answer(),
        answer(item(url=None)),
        answer(item(url="file:///etc/passwd")),
        answer(item(), item(url=None)),
        answer(None),
        httpx.Response(200, json={"data": {"url": URL}}),
        httpx.Response(200, json={"generation_id": "1"}),
    ],
)
async def test_answers_of_no_use(response: httpx.Response) -> None:
    """A success without a picture, and without a word about safety, is an error that may be billed."""
    error = await ideogram(response).error(ask())
    assert isinstance(error, InvalidProviderResponse)
    assert error.billing == "billed"


@pytest.mark.parametrize("seed", [None, "7", -1, True, 1.5])
async def test_odd_seeds_are_left_out(seed: object) -> None:
    """What is no seed costs nobody the picture."""
    found = await ideogram(answer(item(seed=seed)))(ask())
    assert found.data[0].seed is None


@pytest.mark.parametrize(
    ("trigger", "kind", "status"),
    [
        ("#refused", ContentRejected, 422),
        ("#rate-limited", RateLimited, 429),
        ("#out-of-credit", QuotaExceeded, 402),
        ("#overloaded", ProviderUnavailable, 503),
    ],
)
@pytest.mark.parametrize("name", ["ideogram-v3", "ideogram-4-5"])
async def test_troubles(name: str, trigger: str, kind: type[PinxitError], status: int) -> None:
    """Each documented failure has its error, and costs nothing."""
    error = await ideogram().error(ask(name, prompt=f"a fox {trigger}"))
    assert type(error) is kind
    assert (error.upstream_status, getattr(error, "billing", None)) == (status, "unbilled")


@pytest.mark.parametrize("body", [{"error": "resolution is odd"}, {"detail": "resolution is odd"}])
async def test_the_providers_words_are_kept(body: dict[str, str]) -> None:
    """Both shapes of an error have a sentence."""
    error = await ideogram(httpx.Response(400, json=body)).error(ask())
    assert type(error) is RequestError
    assert str(error) == "resolution is odd"


async def test_a_wrong_key() -> None:
    """A key of somebody else is our trouble, and is not repeated."""
    error = await ideogram(api_key="somebody-elses-key").error(ask())
    assert isinstance(error, AuthenticationFailed)
    assert "somebody" not in str(error)


# What is declared ---------------------------------------------------------------------------------


def test_settings() -> None:
    """The vendor's variable has the key."""
    found = settings_of(PLUGIN, "ideogram", IDEOGRAM_API_KEY="key-1")
    assert dict(found) == {"api_key": "key-1", "base_url": "https://api.ideogram.ai"}


@pytest.mark.parametrize(
    ("request_", "dollars"),
    [
        (ask(quality="low"), "0.03"),
        (ask(), "0.06"),
        (ask(quality="high", n=2), "0.18"),
        (edit(quality="high"), "0.09"),
        (ask("ideogram-4-5", quality="high"), "0.10"),
        (edit("ideogram-4-5"), "0.06"),
    ],
)
def test_prices(request_: Request, dollars: str) -> None:
    """A picture's price follows from its quality; without one it is the medium."""
    found = Plugins(PLUGIN, discover=False).registry.get(request_.model or "")
    cost = estimate(found, request_)
    assert cost is not None
    assert float(cost) == float(dollars)


def test_names() -> None:
    """The second version's name of version 3 is the same model; a stray name is none."""
    registry = Plugins(PLUGIN, discover=False).registry
    assert registry.get("ideogram-3").id == "ideogram/ideogram-v3"
    assert registry.get("ideogram/ideogram-3").id == "ideogram/ideogram-v3"
    with pytest.raises(UnknownModel):
        registry.get("ideogram-9")


async def test_a_model_that_nobody_described() -> None:
    """An unknown name is a model of the second version."""
    upstream = ideogram()
    await upstream(ask("ideogram-5"))
    assert upstream.last.url.path == "/v2/image/generate/ideogram-5"
