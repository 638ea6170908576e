"""The stand-in refuses what OpenAI refuses, and what it accepts comes back as asked."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pinxit import (
    AuthenticationFailed,
    ContentRejected,
    Context,
    EditRequest,
    GenerateRequest,
    Image,
    Model,
    PartialImage,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    Settings,
    UnknownModel,
)
from pinxit.types import Request
from pinxit_providers.fakes.openai import FakeOpenAI, Refusal
from pinxit_providers.openai import PLUGIN as openai

Draw = Callable[..., Image]


@pytest.fixture
def client(fake: FakeOpenAI) -> httpx.AsyncClient:
    """Speaks to the fake directly, so that rules can be broken."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(fake),
        base_url="http://fake.test/v1",
        headers={"authorization": f"Bearer {fake.key}"},
    )


async def refusal(response: httpx.Response) -> tuple[int, str | None, str | None]:
    error = response.json()["error"]
    assert error.keys() >= {"message", "type", "param", "code"}
    return response.status_code, error["code"], error["param"]


GPT: dict[str, Any] = {"model": "gpt-image-2", "prompt": "a fox"}
SUNBURST: dict[str, Any] = {"model": "gpt-image-2.6-sunburst", "prompt": "a fox"}
OLDER: dict[str, Any] = {"model": "gpt-image-1.5", "prompt": "a fox"}
DALL_E_2: dict[str, Any] = {"model": "dall-e-2", "prompt": "a fox"}
DALL_E_3: dict[str, Any] = {"model": "dall-e-3", "prompt": "a fox"}


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"prompt": "a fox"}, "invalid_value", "model"),
        ({"model": "gpt-image-2"}, "invalid_value", "prompt"),
        (GPT | {"prompt": 5}, "invalid_value", "prompt"),
        (GPT | {"prompt": "x" * 32_001}, "invalid_value", "prompt"),
        (DALL_E_3 | {"prompt": "x" * 4001}, "invalid_value", "prompt"),
        (DALL_E_2 | {"prompt": "x" * 1001}, "invalid_value", "prompt"),
        (GPT | {"seed": 1}, "unknown_parameter", "seed"),
        (GPT | {"metadata": {"a": "b"}}, "unknown_parameter", "metadata"),
        (GPT | {"response_format": "b64_json"}, "unknown_parameter", "response_format"),
        (GPT | {"style": "vivid"}, "unknown_parameter", "style"),
        (GPT | {"complexity": "low"}, "unknown_parameter", "complexity"),
        (GPT | {"input_fidelity": "low"}, "unknown_parameter", "input_fidelity"),
        (DALL_E_3 | {"background": "auto"}, "unknown_parameter", "background"),
        (DALL_E_3 | {"stream": True}, "unknown_parameter", "stream"),
        (DALL_E_2 | {"style": "vivid"}, "unknown_parameter", "style"),
        (GPT | {"n": 0}, "invalid_value", "n"),
        (GPT | {"n": 11}, "invalid_value", "n"),
        (GPT | {"n": "1"}, "invalid_value", "n"),
        (GPT | {"n": True}, "invalid_value", "n"),
        (DALL_E_3 | {"n": 2}, "invalid_value", "n"),
        (GPT | {"quality": "hd"}, "invalid_value", "quality"),
        (GPT | {"quality": "max"}, "invalid_value", "quality"),
        (DALL_E_3 | {"quality": "auto"}, "invalid_value", "quality"),
        (GPT | {"size": "1000x1000"}, "invalid_value", "size"),
        (GPT | {"size": "3856x1600"}, "invalid_value", "size"),
        (GPT | {"size": "3840x1264"}, "invalid_value", "size"),
        (GPT | {"size": "512x512"}, "invalid_value", "size"),
        (GPT | {"size": "3840x2176"}, "invalid_value", "size"),
        (OLDER | {"size": "1536x864"}, "invalid_value", "size"),
        (DALL_E_3 | {"size": "auto"}, "invalid_value", "size"),
        (DALL_E_2 | {"size": "1792x1024"}, "invalid_value", "size"),
        (GPT | {"output_format": "gif"}, "invalid_value", "output_format"),
        (GPT | {"output_compression": 80}, "invalid_value", "output_compression"),
        (
            GPT | {"output_format": "jpeg", "background": "transparent"},
            "invalid_value",
            "background",
        ),
        (GPT | {"moderation": "off"}, "invalid_value", "moderation"),
        (GPT | {"partial_images": 4}, "invalid_value", "partial_images"),
        (GPT | {"stream": "yes"}, "invalid_value", "stream"),
        (SUNBURST | {"complexity": "max"}, "invalid_value", "complexity"),
    ],
)
async def test_rules_of_generations(
    client: httpx.AsyncClient, body: dict[str, Any], code: str, param: str
) -> None:
    """Unknown fields, and values that the model does not take, are 400."""
    response = await client.post("/images/generations", json=body)
    assert await refusal(response) == (400, code, param)


@pytest.mark.parametrize(
    "body",
    [
        GPT | {"size": "3840x2160"},
        GPT | {"size": "auto", "quality": "high"},
        SUNBURST | {"quality": "max", "complexity": "low"},
        DALL_E_3 | {"style": "natural", "quality": "hd", "response_format": "b64_json"},
        DALL_E_2 | {"n": 10, "size": "256x256"},
    ],
)
async def test_what_the_rules_allow(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """The limits themselves are within the limits."""
    assert (await client.post("/images/generations", json=body)).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer sk-other", "Basic c2s6"])
async def test_keys(client: httpx.AsyncClient, authorization: str) -> None:
    """Any other key is 401."""
    response = await client.post(
        "/images/generations", json=GPT, headers={"authorization": authorization}
    )
    assert await refusal(response) == (401, "invalid_api_key", None)


async def test_retired_models_are_gone(client: httpx.AsyncClient, fake: FakeOpenAI) -> None:
    """OpenAI itself knows neither DALL·E nor the first GPT Image any more."""
    fake.retired = FakeOpenAI().retired
    for model in ("dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-9"):
        response = await client.post("/images/generations", json={**GPT, "model": model})
        assert await refusal(response) == (404, "model_not_found", "model")
    assert (await client.post("/images/generations", json=GPT)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/images/generations", 405), ("POST", "/images/paint", 404), ("GET", "/", 404)],
)
async def test_other_addresses(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    """Only the documented addresses are served."""
    assert (await client.request(method, path)).status_code == status


async def test_encodings(client: httpx.AsyncClient, draw: Draw) -> None:
    """Generations are JSON and edits are forms, never the other way round."""
    form = "multipart/form-data"
    forms = {"image[]": ("a.png", draw().data, "image/png")}
    for response in (
        await client.post("/images/generations", data=GPT),
        await client.post("/images/generations", content=b"{", headers={"content-type": "application/json"}),
        await client.post("/images/generations", json=[1]),
        await client.post("/images/edits", json=GPT),
        await client.post("/images/edits", content=b"x", headers={"content-type": form}),
        await client.post("/images/edits", content=b"x", headers={"content-type": f"{form}; boundary=y"}),
    ):  # fmt: skip
        assert response.status_code == 400
    assert (await client.post("/images/edits", data=GPT, files=forms)).status_code == 200


def upload(field: str, image: Image, content_type: str = "") -> tuple[str, Any]:
    return field, ("x", image.data, content_type or image.media_type)


async def test_rules_of_edits(client: httpx.AsyncClient, draw: Draw) -> None:
    """Numbers, formats, sizes and combinations of pictures are held to the documents."""
    png, mask = draw(), draw(alpha=True)
    bad_file, stray, bad = "invalid_image_file", "unknown_parameter", "invalid_value"
    heavy = Image(png.data + bytes(4 * 2**20))
    cases: list[tuple[dict[str, Any], list[tuple[str, Any]], str, str]] = [
        (GPT, [upload("image[]", png)] * 17, bad, "image"),
        (GPT, [upload("image[]", Image(b"no picture"), "image/png")], bad_file, "image[]"),
        (GPT, [upload("image[]", draw(format="gif"))], bad_file, "image[]"),
        (GPT, [upload("image[]", png, "application/octet-stream")], bad_file, "image[]"),
        (GPT, [upload("image[]", png), upload("extra", png)], stray, "extra"),
        (GPT, [upload("image[]", png), upload("mask", png)], bad_file, "mask"),
        (GPT, [upload("image[]", png), upload("mask", draw(8, 8, alpha=True))], bad_file, "mask"),
        (GPT, [upload("image[]", png), upload("mask", draw(format="jpeg"))], bad_file, "mask"),
        (GPT, [upload("image[]", png), upload("mask", mask), upload("mask", mask)], bad, "mask"),
        (GPT, [upload("image[]", png), upload("markup", mask)], stray, "markup"),
        (SUNBURST, [upload("image[]", png), upload("markup", mask), upload("mask", mask)],
         bad, "mask"),
        (SUNBURST, [upload("image[]", png), upload("markup", png)], bad_file, "markup"),
        (GPT | {"moderation": "low"}, [upload("image[]", png)], stray, "moderation"),
        (GPT | {"input_fidelity": "low"}, [upload("image[]", png)],
         "invalid_input_fidelity_model", "input_fidelity"),
        ({**OLDER, "model": "gpt-image-1-mini", "input_fidelity": "high"},
         [upload("image[]", png)], bad, "input_fidelity"),
        (GPT | {"n": "one"}, [upload("image[]", png)], bad, "n"),
        (DALL_E_2, [upload("image[]", png)], stray, "image[]"),
        (DALL_E_2, [upload("image", png)] * 2, bad, "image"),
        (DALL_E_2, [upload("image", draw(16, 8))], bad_file, "image"),
        (DALL_E_2, [upload("image", draw(format="webp"))], bad_file, "image"),
        (DALL_E_2, [upload("image", heavy)], bad_file, "image"),
        (DALL_E_3, [upload("image", png)], bad, "model"),
    ]  # fmt: skip
    for fields, files, code, param in cases:
        response = await client.post("/images/edits", data=fields, files=files)
        assert await refusal(response) == (400, code, param)


async def test_an_edit_needs_a_picture(client: httpx.AsyncClient) -> None:
    """A form without files has nothing to edit."""
    texts = [(name, (None, value)) for name, value in GPT.items()]
    response = await client.post("/images/edits", files=texts)
    assert await refusal(response) == (400, "invalid_value", "image")


async def test_variations_are_dall_e_2s(client: httpx.AsyncClient, draw: Draw) -> None:
    """Only DALL·E 2 varies, from a picture alone."""
    files = [upload("image", draw())]
    model = {"model": "dall-e-2"}
    assert (await client.post("/images/variations", data=model, files=files)).status_code == 200
    for fields, param in [
        (model | {"prompt": "a fox"}, "prompt"),
        (model | {"quality": "standard"}, "quality"),
        ({"model": "gpt-image-2"}, "model"),
    ]:
        response = await client.post("/images/variations", data=fields, files=files)
        assert (await refusal(response))[2] == param
    response = await client.post(
        "/images/variations", data=model, files=[*files, upload("mask", draw(alpha=True))]
    )
    assert await refusal(response) == (400, "unknown_parameter", "mask")


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("size", ["1024x1024", "1536x864", "auto"])
async def test_pictures_are_what_was_asked(
    models: dict[str, Model], context: Context, format: Any, size: str
) -> None:
    """Format, size and number of the pictures are right, and so is what is said about them."""
    request = GenerateRequest(prompt="a fox", n=2, size=size, output_format=format)
    answer = await openai.generate(request, models["gpt-image-2.6-flare"], context)
    expected = "1024x1024" if size == "auto" else size
    assert [(i.format, i.info.size) for i in answer.data] == [(format, expected)] * 2
    assert (answer.size, answer.output_format) == (expected, format)
    assert (answer.quality, answer.background) == ("medium", "opaque")
    assert answer.data[0].b64_json != answer.data[1].b64_json


async def test_transparent_backgrounds(models: dict[str, Model], context: Context) -> None:
    """A picture without a background has an alpha channel."""
    request = GenerateRequest(prompt="a fox", background="transparent")
    answer = await openai.generate(request, models["gpt-image-2"], context)
    assert answer.data[0].info.alpha
    assert answer.background == "transparent"


@pytest.mark.parametrize(
    ("name", "quality", "tokens"),
    [
        ("gpt-image-1.5", "high", 4160),
        ("gpt-image-2", "low", 196),
        ("gpt-image-2.5-flare", "max", 7024),
    ],
)
async def test_tokens_are_those_of_the_tables(
    models: dict[str, Model], context: Context, name: str, quality: Any, tokens: int
) -> None:
    """Usage counts what the plugin's own estimate counts."""
    request = GenerateRequest(prompt="a fox", n=2, quality=quality, size="1024x1024")
    usage = (await openai.generate(request, models[name], context)).usage
    table = models[name].tokens
    assert usage is not None
    assert table is not None
    assert usage.output_tokens == 2 * table.per_image[quality]["1024x1024"] == 2 * tokens
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


async def test_dall_e_answers_with_an_address_that_works(
    models: dict[str, Model], context: Context
) -> None:
    """The picture can be fetched where the answer says, without a key."""
    request = GenerateRequest(prompt="a fox", size="1792x1024")
    answer = await openai.generate(request, models["dall-e-3"], context)
    url = answer.data[0].url
    assert url is not None
    assert answer.data[0].revised_prompt == "In detail: a fox"
    fetched = await context.http.get(url)
    assert Image(fetched.content).info.size == "1792x1024"


@pytest.mark.parametrize("operation", ["generate", "edit"])
async def test_streams(
    models: dict[str, Model], context: Context, draw: Draw, operation: str
) -> None:
    """Each picture has its partial ones, and all of them arrive."""
    emitted: list[PartialImage] = []

    async def emit(partial: PartialImage) -> None:
        emitted.append(partial)

    fields: dict[str, Any] = {"prompt": "a fox", "n": 2, "stream": True, "partial_images": 3}
    request: Request = GenerateRequest(**fields)
    if operation == "edit":
        request = EditRequest(**fields, images=(draw(),))
    listening = dataclasses.replace(context, emit=emit)
    answer = await getattr(openai, operation)(request, models["gpt-image-2"], listening)
    assert [partial.index for partial in emitted] == [0, 1, 2, 0, 1, 2]
    assert len(answer.data) == 2
    assert answer.usage is not None
    assert answer.usage.output_tokens == 2 * 1756


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("#refused-input", ContentRejected),
        ("#refused-output", ContentRejected),
        ("#rate-limited", RateLimited),
        ("#out-of-credit", QuotaExceeded),
        ("#overloaded", ProviderUnavailable),
    ],
)
async def test_prompts_that_ask_for_trouble(
    models: dict[str, Model], context: Context, prompt: str, expected: type[Any]
) -> None:
    """A word in the prompt is enough to meet each of the provider's troubles."""
    with pytest.raises(expected) as caught:
        await openai.generate(GenerateRequest(prompt=prompt), models["gpt-image-2"], context)
    if expected is ContentRejected:
        assert caught.value.categories == ("violence",)
    if expected is RateLimited:
        assert caught.value.retry_after == 1.5


async def test_a_stream_that_breaks_off(models: dict[str, Model], context: Context) -> None:
    """An error can come after the first picture."""
    request = GenerateRequest(prompt="#breaks-off", stream=True, partial_images=1)
    with pytest.raises(ProviderUnavailable, match="broke off"):
        await openai.generate(request, models["gpt-image-2"], context)


async def test_refusals_can_be_queued(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """Queued refusals are given in order, then the rules hold again."""
    fake.refusals += [Refusal(500, "server_error"), Refusal(429, "rate_limit_exceeded")]
    request, model = GenerateRequest(prompt="a fox"), models["gpt-image-2"]
    with pytest.raises(ProviderUnavailable):
        await openai.generate(request, model, context)
    with pytest.raises(RateLimited):
        await openai.generate(request, model, context)
    assert (await openai.generate(request, model, context)).data


async def test_the_plugin_meets_the_vendors_own_no(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """A retired model and a wrong key are errors of the right kind."""
    fake.retired = frozenset({"dall-e-3"})
    with pytest.raises(UnknownModel):
        await openai.generate(GenerateRequest(prompt="x"), models["dall-e-3"], context)
    stranger = Settings({**context.settings, "api_key": "sk-somebody-elses-key"})
    with pytest.raises(AuthenticationFailed) as caught:
        await openai.generate(
            GenerateRequest(prompt="x"),
            models["gpt-image-2"],
            dataclasses.replace(context, settings=stranger),
        )
    assert "sk-somebody" not in str(caught.value)


async def test_base64_of_the_fake_is_a_picture(client: httpx.AsyncClient) -> None:
    """The stand-in's own answers decode, without the plugin's help."""
    response = await client.post("/images/generations", json=GPT)
    data = base64.b64decode(response.json()["data"][0]["b64_json"], validate=True)
    assert data.startswith(b"\x89PNG")
    assert response.headers["x-request-id"]
