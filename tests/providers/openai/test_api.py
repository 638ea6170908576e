"""What is sent: exactly the fields that the model knows, and nothing about the caller."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pinxit import (
    Context,
    EditRequest,
    GenerateRequest,
    Image,
    Model,
    RequestError,
    VariationRequest,
)
from pinxit_providers.fakes.openai import FakeOpenAI, Received
from pinxit_providers.openai import PLUGIN as openai

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


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
async def test_extra_that_cannot_be_written(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, value: Any
) -> None:
    """What JSON cannot say is the caller's mistake, found before anything is sent."""
    request = GenerateRequest(prompt="a fox").model_copy(update={"extra": {"openai": {"x": value}}})
    with pytest.raises(RequestError, match="extra") as caught:
        await openai.generate(request, models["gpt-image-2"], context)
    assert caught.value.param == "extra"
    assert not fake.received


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
