"""The clients that people have, against a real server."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from orq_ai_sdk import Orq
from orq_ai_sdk.models import APIDefaultError

from pinxit.headers import inspect
from pinxit.testing.pictures import mask, picture

PNG = picture()
MASK = mask()
FALLBACKS: Any = [{"model": "s/b"}]


@pytest.fixture(scope="module", params=["/v1", "/v2/router"])
def client(request: pytest.FixtureRequest, live: Any) -> Iterator[openai.OpenAI]:
    """OpenAI's own client, pointed at the gateway by nothing but its base URL."""
    _, url = live
    with openai.OpenAI(base_url=f"{url}{request.param}", api_key="sk-nobody") as client:
        yield client


@pytest.fixture(scope="module")
def orq(live: Any) -> Iterator[Orq]:
    """The client of the router API."""
    with Orq(api_key="nobody", server_url=live[1]) as client:
        yield client


def decoded(image: Any) -> bytes:
    return base64.b64decode(image.b64_json, validate=True)


def test_generate(client: openai.OpenAI, live: Any) -> None:
    """A picture of the asked size comes back, with OpenAI's fields and our report beside them."""
    answer = client.images.generate(prompt="a fox", model="s/a", size="32x16", n=2)
    assert answer.data is not None
    assert [inspect(decoded(image)).size for image in answer.data] == ["32x16", "32x16"]
    assert (answer.size, answer.output_format) == ("32x16", "png")
    assert answer.model_extra is not None
    assert answer.model_extra["pinxit"]["model"] == "s/a"
    assert live[0].request.prompt == "a fox"


def test_generate_with_fallbacks(client: openai.OpenAI, live: Any) -> None:
    """Reliability options travel in ``extra_body``."""
    client.images.generate(
        prompt="p", model="s/a", extra_body={"fallbacks": [{"model": "s/b"}], "retry": {"count": 2}}
    )
    request = live[0].request
    assert [fallback.model for fallback in request.fallbacks] == ["s/b"]
    assert request.retry.count == 2


@pytest.mark.parametrize(
    "image",
    [PNG, io.BytesIO(PNG), ("in.png", PNG, "image/png"), [("a.png", PNG)]],
    ids=["bytes", "file", "named", "list of one"],
)
def test_edit(client: openai.OpenAI, live: Any, image: Any) -> None:
    """One picture arrives as it was sent, however the client names and labels it."""
    answer = client.images.edit(prompt="a hat", model="s/a", image=image)
    assert answer.data is not None
    assert inspect(decoded(answer.data[0])).format == "png"
    assert [i.data for i in live[0].request.images] == [PNG]
    if isinstance(image, io.BytesIO):
        image.seek(0)


def test_edit_with_several_pictures_and_a_mask(client: openai.OpenAI, live: Any) -> None:
    """Several pictures keep their order, and the mask arrives."""
    second = picture("jpeg", 64, 48)
    client.images.edit(
        prompt="join them",
        model="s/a",
        image=[("a.png", PNG), ("b.jpg", second)],
        mask=("mask.png", MASK),
        n=2,
        extra_body={
            "fallbacks": [{"model": "s/b"}, {"model": "s/old"}],
            "retry": {"count": 2, "on_codes": [429, 500]},
            "timeout": {"call_timeout": 30000},
            "metadata": {"k": "v"},
            "fallback_on_codes": [429, 503],
            "orq": {"identity": {"id": "u1", "tags": ["a", "b"]}},
        },
    )
    request = live[0].request
    assert [i.format for i in request.images] == ["png", "jpeg"]
    assert request.mask.data == MASK
    assert [f.model for f in request.fallbacks] == ["s/b", "s/old"]
    assert (request.retry.count, request.retry.on_codes) == (2, (429, 500))
    assert request.timeout == 30
    assert request.fallback_on_codes == (429, 503)
    assert request.identity.tags == ("a", "b")


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # at OpenAI, not here
def test_variation(client: openai.OpenAI, live: Any) -> None:
    """A variation needs nothing but a picture; the model is the configured default."""
    images: Any = client.images
    answer = images.create_variation(image=("in.png", PNG), n=1, size="256x256")
    assert inspect(decoded(answer.data[0])).size == "256x256"
    assert live[0].request.operation == "variation"


def test_stream(client: openai.OpenAI) -> None:
    """A stream ends with the event that OpenAI's client calls completed."""
    events = list(client.images.generate(prompt="p", model="s/a", stream=True, partial_images=1))
    last = events[-1]
    assert last.type == "image_generation.completed"
    assert inspect(base64.b64decode(last.b64_json)).size == last.size == "64x64"


def test_stream_of_an_edit(client: openai.OpenAI) -> None:
    """Edits stream as well, under their own event names."""
    events = list(client.images.edit(prompt="p", model="s/a", image=PNG, stream=True))
    assert [event.type for event in events] == ["image_edit.completed"]


def test_models(client: openai.OpenAI) -> None:
    """The list names ids, aliases and bare names; each can be retrieved."""
    ids = [model.id for model in client.models.list()]
    assert {"s/a", "a", "a-2026-01-01", "s/old", "old"} <= set(ids)
    assert client.models.retrieve("a-2026-01-01").owned_by == "s"


def test_errors(client: openai.OpenAI) -> None:
    """The client raises its own class for a status, with our sentence, code and parameter."""
    with pytest.raises(openai.NotFoundError) as unknown:
        client.images.generate(prompt="p", model="s/aa")
    assert unknown.value.code == "model_not_found"
    assert unknown.value.param == "model"
    with pytest.raises(openai.BadRequestError, match="less than or equal to 10"):
        client.images.generate(prompt="p", n=11)


def test_orq_generate(orq: Orq, live: Any) -> None:
    """The router's own client sends numbers as floats and defaults of its own."""
    answer = orq.router.images.generations.create(
        prompt="p",
        model="s/a",
        n=2,
        fallbacks=FALLBACKS,
        retry={"count": 2, "on_codes": [429, 500]},
        timeout={"call_timeout": 30000},
    )
    assert len(answer.data) == 2
    assert live[0].request.retry.on_codes == (429, 500)


def test_orq_edit(orq: Orq, live: Any) -> None:
    """Nested objects come as JSON parts of the form."""
    answer = orq.router.images.edits.create(
        model="s/a",
        prompt="p",
        image={"file_name": "in.png", "content": PNG, "content_type": "image/png"},
        fallbacks=FALLBACKS,
        retry={"count": 2, "on_codes": [429, 500]},
        load_balancer={"type": "weight_based", "models": [{"model": "s/b", "weight": 1}]},
    )
    assert answer.data
    assert live[0].provider.names[-1] == "b"
    assert live[0].request.images[0].data == PNG


def test_orq_variation(orq: Orq) -> None:
    """The defaults that the client fills in, url among them, are served."""
    answer = orq.router.images.variations.create(
        model="s/a", image={"file_name": "in.png", "content": PNG}
    )
    url = answer.data[0].url
    assert url is not None
    picture = (
        base64.b64decode(url.partition(",")[2])
        if url.startswith("data:")
        else httpx.get(url).content
    )
    assert inspect(picture).format == "png"


def test_orq_edit_without_a_picture(orq: Orq) -> None:
    """Without a picture that client sends an urlencoded form; it is told what is missing."""
    with pytest.raises(APIDefaultError, match="image: is required") as caught:
        orq.router.images.edits.create(model="s/a", prompt="p")
    assert caught.value.status_code == 400
