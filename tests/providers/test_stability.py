"""What Stability AI is sent, and what its answers mean."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from asking import settings_of
from pinxit import (
    AuthenticationFailed,
    ContentRejected,
    InvalidProviderResponse,
    Model,
    PinxitError,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
    UnknownModel,
)
from pinxit.fitting import fit
from pinxit.images import edit_map
from pinxit.payload import Image
from pinxit.plugins import Plugins
from pinxit.pricing import estimate
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import picture
from pinxit.types import EditRequest, GenerateRequest, VariationRequest
from pinxit_providers.fakes.stability import FakeStability
from pinxit_providers.stability import PLUGIN
from replay import Upstream, form, image, masked

KEY = "sk-this-key-is-nobodys-0123456789"
SETTINGS = {"api_key": KEY, "base_url": "http://fake.test"}
REFUSAL = (403, {"id": "1", "name": "content_moderation", "errors": ["Flagged."]})
SMALL = picture("png", 16, 16)


class TestStability(ProviderTests):
    """One model of each address."""

    plugin = PLUGIN
    models = {
        "stability/core",
        "stability/ultra",
        "stability/sd3.5-large-turbo",
        "stability/inpaint",
    }
    asgi = FakeStability(key=KEY)
    settings = SETTINGS
    rejection = REFUSAL


def stability(answer: httpx.Response | None = None, **settings: Any) -> Upstream:
    app = None if answer else FakeStability(key=KEY)
    return Upstream(PLUGIN, answer, app=app, settings={**SETTINGS, **settings})


def model(name: str) -> Model:
    return Plugins(PLUGIN, discover=False).registry.get(f"stability/{name}")


def ask(name: str = "sd3.5-large", prompt: str = "a fox", **fields: Any) -> GenerateRequest:
    return GenerateRequest(prompt=prompt, model=f"stability/{name}", **fields)


def edit(name: str, **fields: Any) -> EditRequest:
    given = {"prompt": "a hat", "images": (image(),), "model": f"stability/{name}", **fields}
    return EditRequest.model_validate(given)


def file(content: bytes = SMALL, kind: str = "image/png", **said: str) -> httpx.Response:
    headers = {"content-type": kind, **{k.replace("_", "-"): v for k, v in said.items()}}
    return httpx.Response(200, content=content, headers=headers)


# What is sent -------------------------------------------------------------------------------------


async def test_a_prompt_is_a_form_too() -> None:
    """Without a file the body is a multipart form all the same; the picture is asked for as a file."""
    upstream = stability()
    await upstream(ask("core"))
    sent = upstream.last
    assert str(sent.url) == "http://fake.test/v2beta/stable-image/generate/core"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["accept"] == "image/*"
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b"filename" not in sent.content
    assert form(sent) == ({"prompt": "a fox"}, [])


async def test_every_field() -> None:
    """Each parameter has its field, and options of the provider stand beside them."""
    upstream = stability()
    extra = {"stability": {"style_preset": "anime", "cfg_scale": 7, "stray": 1}}
    request = ask(
        aspect_ratio="16:9", seed=7, negative_prompt="rain", output_format="jpeg", extra=extra
    )
    found = await upstream(request)
    assert upstream.last.url.path == "/v2beta/stable-image/generate/sd3"
    assert form(upstream.last)[0] == {
        "model": "sd3.5-large",
        "prompt": "a fox",
        "negative_prompt": "rain",
        "aspect_ratio": "16:9",
        "seed": "7",
        "output_format": "jpeg",
        "style_preset": "anime",
        "cfg_scale": "7",
    }
    assert (found.data[0].info.size, found.data[0].format) == ("1360x768", "jpeg")
    assert found.data[0].seed == 7


async def test_an_edit_draws_over_its_picture() -> None:
    """Image to image has a mode, a strength and no ratio."""
    upstream = stability()
    found = await upstream(edit("sd3.5-medium"))
    fields, files = form(upstream.last)
    assert fields == {
        "model": "sd3.5-medium",
        "prompt": "a hat",
        "mode": "image-to-image",
        "strength": "0.65",
    }
    assert [(f.field, f.filename, f.content_type) for f in files] == [
        ("image", "image.png", "image/png")
    ]
    assert found.data[0].info.size == "96x64"


async def test_ultra_has_no_mode() -> None:
    """Ultra sees by the picture what is meant; the caller's strength wins."""
    upstream = stability()
    await upstream(edit("ultra", extra={"stability": {"strength": 0.2}}))
    assert upstream.last.url.path.endswith("/generate/ultra")
    assert form(upstream.last)[0] == {"prompt": "a hat", "strength": "0.2"}


async def test_white_is_repainted() -> None:
    """A mask goes out as grey, white where pixels were transparent."""
    upstream = stability()
    await upstream(edit("inpaint", **masked(), seed=3, extra={"stability": {"grow_mask": 0}}))
    fields, files = form(upstream.last)
    assert upstream.last.url.path == "/v2beta/stable-image/edit/inpaint"
    assert fields == {"prompt": "a hat", "seed": "3", "grow_mask": "0"}
    assert [f.field for f in files] == ["image", "mask"]
    sent = edit_map(files[1].data, "white_edits")
    assert sent.size == (96, 64)
    assert (sent.getpixel((1, 1)), sent.getpixel((95, 63))) == (255, 0)


async def test_inpainting_needs_to_know_where() -> None:
    """Without a mask it is no candidate; a picture that is transparent may be its own mask."""
    assert fit(edit("inpaint"), model("inpaint")).reasons
    upstream = stability()
    see_through = Image(picture("png", 96, 96, mode="RGBA"))
    await upstream(edit("inpaint", images=(see_through,), mask=see_through))
    assert [f.field for f in form(upstream.last)[1]] == ["image", "mask"]


def test_a_seed_of_0_would_be_a_random_one() -> None:
    """The seed 0 becomes another one, always the same, and this is told."""
    fitted = fit(ask(seed=0), model("sd3.5-large"))
    assert fitted.request.seed == 1
    assert [(a.parameter, a.verdict) for a in fitted.adaptations] == [("seed", "mapped")]


@pytest.mark.parametrize("name", ["sd3.5-large-turbo", "sd3.5-flash"])
def test_quick_models_have_no_negative_prompt(name: str) -> None:
    """Where it would be ignored, it is refused."""
    assert fit(ask(name, negative_prompt="rain"), model(name)).reasons
    assert not fit(ask(negative_prompt="rain"), model("sd3.5-large")).reasons


@pytest.mark.parametrize("name", ["core", "ultra", "sd3.5-large"])
@pytest.mark.parametrize("size", ["1024x1024", "1248x832", "1000x1000"])
def test_pixels_are_reached_by_scaling(name: str, size: str) -> None:
    """The pixels of a ratio are not known for sure, so that those that were asked for are made."""
    fitted = fit(ask(name, size=size), model(name))
    assert not fitted.reasons
    assert fitted.delivery.size == tuple(map(int, size.split("x")))


def test_no_webp_from_sd3() -> None:
    """Stable Diffusion 3.5 makes PNG and JPEG; a WebP is converted from PNG."""
    fitted = fit(ask(output_format="webp"), model("sd3.5-large"))
    assert (fitted.request.output_format, fitted.delivery.format) == ("png", "webp")
    assert fit(ask("core", output_format="webp"), model("core")).request.output_format == "webp"


# What comes back ----------------------------------------------------------------------------------


async def test_json_is_understood_too() -> None:
    """The same answer as JSON has the picture as text."""
    text = base64.b64encode(SMALL).decode()
    said = {"image": text, "finish_reason": "SUCCESS", "seed": 41}
    found = await stability(httpx.Response(200, json=said))(ask())
    assert (found.data[0].b64_json, found.data[0].seed) == (text, 41)


@pytest.mark.parametrize("seed", ["", "many", "-1", "9" * 30, "1.5"])
async def test_odd_seeds_are_left_out(seed: str) -> None:
    """A header that is no seed costs nobody the picture."""
    found = await stability(file(seed=seed, finish_reason="SUCCESS"))(ask())
    assert found.data[0].seed is None


async def test_headers_may_be_missing() -> None:
    """A proxy that drops what it does not know still brings the picture."""
    found = await stability(file())(ask())
    assert (found.data[0].info.size, found.data[0].seed) == ("16x16", None)


@pytest.mark.parametrize(
    "response",
    [
        file(finish_reason="CONTENT_FILTERED", seed="1"),
        httpx.Response(
            200,
            json={"image": base64.b64encode(SMALL).decode(), "finish_reason": "CONTENT_FILTERED"},
        ),
    ],
)
async def test_a_blurred_picture_is_a_refusal(response: httpx.Response) -> None:
    """A picture that the filter blurred is never handed out, and was paid for."""
    error = await stability(response).error(ask())
    assert isinstance(error, ContentRejected)
    assert (error.billing, error.upstream_status) == ("billed", 200)


@pytest.mark.parametrize(
    "response",
    [
        file(b""),
        file(b"<html></html>"),
        file(SMALL[:20]),
        httpx.Response(200, json={"finish_reason": "SUCCESS", "seed": 1}),
        httpx.Response(200, json={"image": None}),
        httpx.Response(200, json={"image": "AAAA"}),
    ],
)
async def test_answers_of_no_use(response: httpx.Response) -> None:
    """A success without a picture is an error that may be billed."""
    error = await stability(response).error(ask())
    assert isinstance(error, InvalidProviderResponse)
    assert error.billing == "billed"


@pytest.mark.parametrize(
    ("trigger", "kind", "status"),
    [
        ("#refused", ContentRejected, 403),
        ("#forbidden", AuthenticationFailed, 403),
        ("#out-of-credit", QuotaExceeded, 402),
        ("#rate-limited", RateLimited, 429),
        ("#overloaded", ProviderUnavailable, 500),
    ],
)
async def test_troubles(trigger: str, kind: type[PinxitError], status: int) -> None:
    """A flagged request and a key that may not are told apart, though both are a 403."""
    error = await stability().error(ask(prompt=f"a fox {trigger}"))
    assert type(error) is kind
    assert error.upstream_status == status
    assert getattr(error, "billing", None) == "unbilled"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, RequestError), (413, RequestError), (422, RequestError), (404, UnknownModel)],
)
async def test_what_the_caller_can_mend(status: int, kind: type[PinxitError]) -> None:
    """The provider's own sentences and word are kept."""
    said = {"id": "1", "name": "bad_request", "errors": ["prompt: too odd", "seed: too big"]}
    error = await stability(httpx.Response(status, json=said)).error(ask())
    assert type(error) is kind
    assert (str(error), error.code) == ("prompt: too odd; seed: too big", "bad_request")


async def test_a_lockout_lasts_a_minute() -> None:
    """Whoever was too fast is locked out for 60 seconds, which no header says."""
    error = await stability().error(ask(prompt="#rate-limited"))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 60


async def test_a_wrong_key() -> None:
    """A key of somebody else is our trouble, and is not repeated."""
    error = await stability(api_key="sk-somebody-elses-key").error(ask())
    assert isinstance(error, AuthenticationFailed)
    assert "sk-somebody" not in str(error)


# What is declared ---------------------------------------------------------------------------------


def test_settings() -> None:
    """The vendor's variable has the key."""
    found = settings_of(PLUGIN, "stability", STABILITY_API_KEY="sk-1")
    assert dict(found) == {"api_key": "sk-1", "base_url": "https://api.stability.ai"}


@pytest.mark.parametrize(
    ("name", "dollars"),
    [("core", "0.03"), ("ultra", "0.08"), ("sd3.5-large", "0.065"), ("sd3.5-flash", "0.025")],
)
def test_prices(name: str, dollars: str) -> None:
    """Every picture of a model costs the same."""
    assert str(estimate(model(name), ask(name, n=1))) == f"{float(dollars):.6f}"
    assert str(estimate(model("inpaint"), edit("inpaint"))) == "0.050000"


def test_older_names() -> None:
    """The names of Stable Diffusion 3 lead to its successors, as at Stability itself."""
    registry = Plugins(PLUGIN, discover=False).registry
    assert registry.get("sd3-medium").id == "stability/sd3.5-medium"
    assert registry.get("stability/sd3-large-turbo").id == "stability/sd3.5-large-turbo"
    assert registry.get("stability/stable-image-core").id == "stability/core"


@pytest.mark.parametrize("name", ["core", "ultra", "inpaint"])
def test_plain_words_are_no_models(name: str) -> None:
    """A word such as `core` means nothing without its provider."""
    with pytest.raises(UnknownModel):
        Plugins(PLUGIN, discover=False).registry.get(name)


async def test_a_model_that_nobody_described() -> None:
    """An unknown name is a model of the family whose form names one."""
    upstream = stability()
    await upstream(ask("sd4-large"))
    assert form(upstream.last)[0] == {"model": "sd4-large", "prompt": "a fox"}


def test_variations_are_edits() -> None:
    """There is no variation: the picture is drawn over with a standing prompt."""
    fitted = fit(VariationRequest(model="stability/ultra", images=(image(),)), model("ultra"))
    assert (fitted.operation, fitted.reasons) == ("edit", ())
