"""What is sent: exactly the fields that the model knows, and nothing about the caller."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pinxit import (
    AuthenticationFailed,
    Context,
    EditRequest,
    GenerateRequest,
    Image,
    InvalidImage,
    Model,
    ProviderError,
    Settings,
    VariationRequest,
)
from pinxit_providers import openai
from pinxit_providers.fakes.openai import FakeOpenAI, Received

GPT = (
    "gpt-image-1",
    "gpt-image-1-mini",
    "gpt-image-1.5",
    "chatgpt-image-latest",
    "gpt-image-2",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-flare",
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
)
EVERYTHING: dict[str, Any] = {
    "prompt": "a fox",
    "n": 1,
    "size": "1024x1024",
    "quality": "low",
    "style": "vivid",
    "background": "opaque",
    "output_format": "webp",
    "output_compression": 80,
    "response_format": "b64_json",
    "moderation": "low",
    "complexity": "high",
    "seed": 7,
    "negative_prompt": "rain",
    "frame_count": 3,
    "user": "caller-1",
    "name": "a trace",
    "metadata": {"team": "zoo"},
    "identity": {"id": "person-1"},
}
"""Every parameter there is, as if nothing had been fitted."""


def everything(**changes: Any) -> dict[str, Any]:
    return {**EVERYTHING, **changes}


GPT_FIELDS: dict[str, Any] = {
    "prompt": "a fox",
    "n": 1,
    "size": "1024x1024",
    "quality": "low",
    "background": "opaque",
    "output_format": "webp",
    "output_compression": 80,
    "safety_identifier": "caller-1",
}
ADDED = {"complexity": "high"}


def generate_body(name: str) -> dict[str, Any]:
    more = ADDED if "2.6" in name else {}
    return {"model": name, **GPT_FIELDS, "moderation": "low", **more}


def sent(received: Received) -> dict[str, Any]:
    return received.fields


@pytest.mark.parametrize("name", GPT)
async def test_gpt_image_generates(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, name: str
) -> None:
    """A GPT image model gets all it knows as JSON, and no response_format, style, seed or metadata."""
    await openai.generate(GenerateRequest(**EVERYTHING), models[name], context)
    (received,) = fake.received
    assert sent(received) == generate_body(name)
    assert received.path == "/v1/images/generations"
    assert received.headers["content-type"] == "application/json"


async def test_dall_e_3_generates(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """DALL·E 3 gets style, response_format and user, and nothing that came after it."""
    request = GenerateRequest(**everything(quality="hd", size="1792x1024"))
    await openai.generate(request, models["dall-e-3"], context)
    assert sent(fake.received[0]) == {
        "model": "dall-e-3",
        "prompt": "a fox",
        "n": 1,
        "size": "1792x1024",
        "quality": "hd",
        "style": "vivid",
        "response_format": "b64_json",
        "user": "caller-1",
    }


async def test_dall_e_2_generates(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """DALL·E 2 gets neither style nor anything that came after it."""
    request = GenerateRequest(
        prompt="a fox", n=3, size="256x256", quality="standard", response_format="url", user="u"
    )
    await openai.generate(request, models["dall-e-2"], context)
    assert sent(fake.received[0]) == {
        "model": "dall-e-2",
        "prompt": "a fox",
        "n": 3,
        "size": "256x256",
        "quality": "standard",
        "response_format": "url",
        "user": "u",
    }


@pytest.mark.parametrize("name", [*GPT, "dall-e-3", "dall-e-2"])
async def test_what_is_absent_is_not_sent(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, name: str
) -> None:
    """The smallest request has a model, a prompt and a number."""
    await openai.generate(GenerateRequest(prompt="a fox"), models[name], context)
    assert sent(fake.received[0]) == {"model": name, "prompt": "a fox", "n": 1}


@pytest.mark.parametrize("name", GPT)
async def test_gpt_image_edits(
    models: dict[str, Model],
    fake: FakeOpenAI,
    context: Context,
    draw: Callable[..., Image],
    name: str,
) -> None:
    """Edits are a form: texts first, then the pictures under made-up names, then the mask."""
    model = models[name]
    fidelity: Any = (*model.operations["edit"].input_fidelities, None)[0]
    images = (draw(32, 24), draw(8, 8, format="jpeg"), draw(8, 8, format="webp"))
    mask = draw(32, 24, alpha=True)
    request = EditRequest(**EVERYTHING, images=images, mask=mask, input_fidelity=fidelity or "high")
    await openai.edit(request, model, context)
    (received,) = fake.received
    expected = {"model": name, **GPT_FIELDS, **(ADDED if "2.6" in name else {})}
    if fidelity:
        expected["input_fidelity"] = fidelity
    assert received.fields == expected
    assert received.path == "/v1/images/edits"
    assert [tuple(upload) for upload in received.files] == [
        ("image[]", "image.png", "image/png", images[0].data),
        ("image[]", "image.jpeg", "image/jpeg", images[1].data),
        ("image[]", "image.webp", "image/webp", images[2].data),
        ("mask", "mask.png", "image/png", mask.data),
    ]
    assert received.body.index(b'name="prompt"') < received.body.index(b'name="image[]"')


async def test_markup(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, draw: Callable[..., Image]
) -> None:
    """Markup goes along as a file of its own."""
    markup = draw(alpha=True)
    request = EditRequest(prompt="a hat", images=(draw(),), markup=markup)
    await openai.edit(request, models["gpt-image-2.5-flare"], context)
    assert [upload.field for upload in fake.received[0].files] == ["image[]", "markup"]


async def test_dall_e_2_edits(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, draw: Callable[..., Image]
) -> None:
    """DALL·E 2 calls its one picture `image`."""
    request = EditRequest(
        **everything(n=2), images=(draw(),), mask=draw(alpha=True), input_fidelity="low"
    )
    await openai.edit(request, models["dall-e-2"], context)
    (received,) = fake.received
    assert received.fields == {
        "model": "dall-e-2",
        "prompt": "a fox",
        "n": 2,
        "size": "1024x1024",
        "response_format": "b64_json",
        "user": "caller-1",
    }
    assert [(u.field, u.filename) for u in received.files] == [
        ("image", "image.png"),
        ("mask", "mask.png"),
    ]


async def test_dall_e_2_varies(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, draw: Callable[..., Image]
) -> None:
    """A variation has a picture and no prompt."""
    request = VariationRequest(images=(draw(),), n=2, size="512x512", response_format="b64_json")
    answer = await openai.variation(request, models["dall-e-2"], context)
    (received,) = fake.received
    assert received.path == "/v1/images/variations"
    assert received.fields == {
        "model": "dall-e-2",
        "n": 2,
        "size": "512x512",
        "response_format": "b64_json",
    }
    assert [upload.field for upload in received.files] == ["image"]
    assert [image.info.size for image in answer.data] == ["512x512"] * 2


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"user": "u"}, "u"),
        ({"safety_identifier": "s"}, "s"),
        ({"user": "u", "safety_identifier": "s"}, "s"),
    ],
)
async def test_safety_identifier_replaces_user(
    models: dict[str, Model],
    fake: FakeOpenAI,
    context: Context,
    fields: dict[str, Any],
    expected: str,
) -> None:
    """Whoever is named reaches GPT image models under the newer name."""
    await openai.generate(GenerateRequest(prompt="a fox", **fields), models["gpt-image-2"], context)
    assert sent(fake.received[0])["safety_identifier"] == expected
    assert "user" not in sent(fake.received[0])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("gpt-image-2-2026-04-21", "gpt-image-2-2026-04-21"),
        ("openai/gpt-image-2-2026-04-21", "gpt-image-2-2026-04-21"),
        ("openai/gpt-image-2", "gpt-image-2"),
        ("hero", "gpt-image-2"),
        (None, "gpt-image-2"),
    ],
)
async def test_a_snapshot_is_asked_for_by_its_name(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, asked: str | None, expected: str
) -> None:
    """Who asks for a dated snapshot gets that one and not what the name stands for today."""
    request = GenerateRequest(prompt="a fox", model=asked)
    await openai.generate(request, models["gpt-image-2"], context)
    assert sent(fake.received[0])["model"] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stream": True}, {"stream": True}),
        ({"stream": True, "partial_images": 0}, {"stream": True, "partial_images": 0}),
        ({"partial_images": 2}, {"stream": True, "partial_images": 2}),
        ({"partial_images": 0}, {}),
    ],
)
async def test_partial_pictures_need_a_stream(
    models: dict[str, Model],
    fake: FakeOpenAI,
    context: Context,
    fields: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    """Asking for partial pictures is asking for a stream."""
    request = GenerateRequest(prompt="a fox", **fields)
    await openai.generate(request, models["gpt-image-2"], context)
    body = sent(fake.received[0])
    assert {k: v for k, v in body.items() if k in {"stream", "partial_images"}} == expected


async def test_streams_are_not_asked_of_dall_e(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """DALL·E cannot stream, so it is not asked to."""
    request = GenerateRequest(prompt="a fox", stream=True, partial_images=1)
    await openai.generate(request, models["dall-e-3"], context)
    assert not {"stream", "partial_images"} & sent(fake.received[0]).keys()


def build(context: Context, request: Any, model: Model) -> httpx.Request:
    """Return what would be sent, without asking the strict fake for its opinion."""
    return openai.preview(request, model, context)


async def test_extra_is_handed_on(models: dict[str, Model], context: Context) -> None:
    """Options for OpenAI are merged in; those for others stay behind."""
    extra: dict[str, Any] = {"openai": {"frame_count": 4, "svg": {"model": "m"}}, "fal": {"x": 1}}
    request = GenerateRequest(prompt="a fox", extra=extra)
    body = json.loads(build(context, request, models["gpt-image-2"]).content)
    assert body == {
        "model": "gpt-image-2",
        "prompt": "a fox",
        "n": 1,
        "frame_count": 4,
        "svg": {"model": "m"},
    }


async def test_extra_is_written_as_a_form_in_edits(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, draw: Callable[..., Image]
) -> None:
    """Nested options become bracketed names, as OpenAI's own clients write them."""
    options: dict[str, Any] = {
        "svg": {"model": "m", "reasoning": {"effort": "low"}},
        "tags": ["a", "b"],
        "flag": True,
        "ratio": 1.5,
        "nothing": None,
    }
    request = EditRequest(prompt="a hat", images=(draw(),), extra={"openai": options})
    text = build(context, request, models["gpt-image-2"]).content.decode("latin-1")
    for name, value in [
        ("svg[model]", "m"),
        ("svg[reasoning][effort]", "low"),
        ("tags[]", "a"),
        ("tags[]", "b"),
        ("flag", "true"),
        ("ratio", "1.5"),
    ]:
        assert f'name="{name}"\r\n\r\n{value}\r\n' in text
    assert "nothing" not in text


@pytest.mark.parametrize(
    "name",
    ["model", "prompt", "n", "image", "image[]", "images", "mask", "markup", "stream", "quality"],
)
async def test_extra_overrides_nothing(
    models: dict[str, Model], context: Context, draw: Callable[..., Image], name: str
) -> None:
    """What was fitted, priced and will be checked is not for `extra` to change."""
    extra: dict[str, Any] = {"openai": {name: "smuggled"}}
    for request in (
        GenerateRequest(prompt="a fox", quality="low", extra=extra),
        EditRequest(prompt="a fox", quality="low", images=(draw(),), extra=extra),
    ):
        assert b"smuggled" not in build(context, request, models["gpt-image-2"]).content


async def test_headers(models: dict[str, Model], fake: FakeOpenAI, context: Context) -> None:
    """Key, organisation and project are headers; nothing is to be compressed."""
    settings = {**context.settings, "organization": "org-1", "project": "proj-1"}
    asked = dataclasses.replace(
        context, settings=Settings(settings), idempotency_key="order-1", caller="alice"
    )
    await openai.generate(GenerateRequest(prompt="a fox"), models["gpt-image-2"], asked)
    headers = fake.received[0].headers
    assert headers["authorization"] == f"Bearer {fake.key}"
    assert headers["openai-organization"] == "org-1"
    assert headers["openai-project"] == "proj-1"
    assert headers["idempotency-key"] == "order-1"
    assert headers["accept-encoding"] == "identity"
    assert "alice" not in str(headers)


async def test_absent_settings_send_no_headers(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """An account without organisation and project sends neither header."""
    await openai.generate(GenerateRequest(prompt="a fox"), models["gpt-image-2"], context)
    absent = {"openai-organization", "openai-project", "idempotency-key"}
    assert not absent & fake.received[0].headers.keys()


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (None, "https://api.openai.com/v1/images/generations"),
        ("", "https://api.openai.com/v1/images/generations"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/images/generations"),
        ("https://proxy.test/openai/v1/", "https://proxy.test/openai/v1/images/generations"),
        (
            "https://x.openai.azure.com/openai/v1?api-version=preview",
            "https://x.openai.azure.com/openai/v1/images/generations?api-version=preview",
        ),
    ],
)
async def test_base_url(
    models: dict[str, Model], context: Context, base_url: str | None, expected: str
) -> None:
    """Any server's address works, with or without a path, a slash at the end or a query."""
    elsewhere = dataclasses.replace(
        context, settings=Settings({"api_key": "any", "base_url": base_url})
    )
    request = GenerateRequest(prompt="a fox")
    assert str(build(elsewhere, request, models["gpt-image-2"]).url) == expected


@pytest.mark.parametrize(
    "base_url",
    [
        "api.openai.com/v1",
        "ftp://x.test/v1",
        "https://",
        "http://[::1",
        "https://name:password@x.test/v1",
    ],
)
async def test_a_base_url_that_is_none(
    models: dict[str, Model], context: Context, base_url: str
) -> None:
    """A wrong address is named as such before anything is sent, and never repeated."""
    elsewhere = dataclasses.replace(
        context, settings=Settings({"api_key": "any", "base_url": base_url})
    )
    with pytest.raises(ProviderError, match="base_url is not") as caught:
        await openai.generate(GenerateRequest(prompt="x"), models["gpt-image-2"], elsewhere)
    assert caught.value.billing == "not_sent"
    assert not caught.value.retry
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("key", [None, "", "   "])
async def test_without_a_key_nothing_is_sent(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, key: str | None
) -> None:
    """A missing key is said with the ways to give one; a plan works all the same."""
    keyless = dataclasses.replace(
        context, settings=Settings({"api_key": key, "base_url": "http://fake.test/v1"})
    )
    request = GenerateRequest(prompt="a fox")
    with pytest.raises(AuthenticationFailed, match="set OPENAI_API_KEY") as caught:
        await openai.generate(request, models["gpt-image-2"], keyless)
    assert str(caught.value.billing) == "not_sent"
    assert not fake.received
    assert "authorization" not in build(keyless, request, models["gpt-image-2"]).headers


async def test_a_key_from_a_file_may_end_with_a_line_break(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """White space around a key is an accident of how it was stored."""
    settings = Settings({**context.settings, "api_key": f"  {fake.key}\n"})
    clean = dataclasses.replace(context, settings=settings)
    await openai.generate(GenerateRequest(prompt="a fox"), models["gpt-image-2"], clean)
    assert len(fake.received) == 1


@pytest.mark.parametrize("name", ["api_key", "organization", "project"])
@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "clé", "a\x00b"])
async def test_no_setting_becomes_a_header_line(
    models: dict[str, Model], context: Context, name: str, value: str
) -> None:
    """A value that no header may hold is refused without being repeated."""
    evil = dataclasses.replace(context, settings=Settings({"api_key": "any", name: value}))
    with pytest.raises(AuthenticationFailed) as caught:
        await openai.generate(GenerateRequest(prompt="x"), models["gpt-image-2"], evil)
    assert value not in str(caught.value)


def requests_of(model: Model, draw: Callable[..., Image]) -> list[Any]:
    makers: dict[str, Callable[[], Any]] = {
        "generate": lambda: GenerateRequest(prompt="a fox", size="1024x1024", user="u"),
        "edit": lambda: EditRequest(prompt="a hat", images=(draw(),), mask=draw(alpha=True)),
        "variation": lambda: VariationRequest(images=(draw(),)),
    }
    return [makers[operation]() for operation in model.operations]


async def test_a_plan_shows_what_is_sent(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, draw: Callable[..., Image]
) -> None:
    """For every model and operation the preview and the request are the same, byte for byte."""
    for model in models.values():
        for request in requests_of(model, draw):
            fake.received.clear()
            planned = openai.preview(request, model, context)
            await getattr(openai, request.operation)(request, model, context)
            (received,) = fake.received
            assert planned.method == received.method == "POST"
            assert planned.url.path == received.path
            assert planned.content == received.body
            assert dict(planned.headers) == dict(received.headers)


async def test_no_picture_can_forge_a_part(
    models: dict[str, Model], context: Context, draw: Callable[..., Image]
) -> None:
    """The boundary follows from the whole form, so a picture that holds one gets another."""
    picture = draw()
    request = EditRequest(prompt="a hat", images=(picture,))
    header = build(context, request, models["gpt-image-2"]).headers["content-type"]
    boundary = header.partition("boundary=")[2]
    forged = Image(picture.data + f'\r\n--{boundary}\r\nContent-Disposition: x; name="n"'.encode())
    other = EditRequest(prompt="a hat", images=(forged,))
    assert boundary not in build(context, other, models["gpt-image-2"]).headers["content-type"]
    assert boundary in build(context, request, models["gpt-image-2"]).headers["content-type"]


async def test_what_is_no_picture_is_not_sent(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """An input that is no picture is the caller's mistake and costs nothing."""
    request = EditRequest(prompt="a hat", images=(Image(b"GIF? no."),))
    with pytest.raises(InvalidImage):
        await openai.edit(request, models["gpt-image-2"], context)
    assert not fake.received
