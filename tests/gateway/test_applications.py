"""Applications that cannot be started in a test: requests put together as their sources do."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest

from gateway.scene import ALL, MODELS, PAINTS, Scene
from pinxit import Lifecycle, Model, Succession
from pinxit.headers import inspect
from pinxit.testing.pictures import picture

PNG, JPEG = picture(), picture("jpeg", 64, 48)
RETIRED = Lifecycle(retired=date(2026, 5, 12), successor=Succession(model="s/a"))
KNOWN = [
    *MODELS,
    Model(id="o/gpt-image-1", operations=ALL, lifecycle=RETIRED),
    Model(
        id="o/dall-e-3",
        operations={"generate": PAINTS},
        lifecycle=RETIRED,
        defaults={"response_format": "url", "size": "1024x1024"},
    ),
]
BOUNDARY = "--------------------------842671095311740628154937"


def form(*parts: tuple[str, bytes, str]) -> bytes:
    """A form of parts with the rest of their `Content-Disposition`, their data and their type."""
    pieces = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name={name}\r\n".encode()
        + (f"Content-Type: {kind}\r\n" if kind else "").encode()
        + b"\r\n"
        + data
        + b"\r\n"
        for name, data, kind in parts
    ]
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def scene() -> Scene:
    """A gateway that knows OpenAI's old models, all of them retired."""
    return Scene({}, models=KNOWN)


def first(answer: httpx.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["data"][0]["b64_json"], validate=True)


async def test_open_webui_generates(scene: Scene, http: httpx.AsyncClient) -> None:
    """A size that was set for all models, headers of its own, and a version in the URL, as Azure wants it."""
    answer = await http.post(
        "/v1/images/generations?api-version=2025-04-01-preview",
        json={"model": "gpt-image-1", "prompt": "a fox", "n": 1, "size": "512x512"},
        headers={"X-OpenWebUI-User-Name": "Ann", "X-OpenWebUI-User-Id": "7"},
    )
    assert inspect(first(answer)).size == "512x512"
    assert (scene.request.prompt, scene.request.size) == ("a fox", "512x512")


async def test_open_webui_edits(scene: Scene, http: httpx.AsyncClient) -> None:
    """Text parts that declare a type and a charset are text all the same."""
    text = "text/plain; charset=utf-8"
    body = form(
        ('"model"', b"gpt-image-1", text),
        ('"prompt"', "a hat für ihn".encode(), text),
        ('"n"', b"1", text),
        ('"size"', b"64x64", text),
        ('"image[]"; filename="a.png"', PNG, "image/png"),
        ('"image[]"; filename="b.png"', JPEG, "image/png"),
    )
    answer = await http.post(
        "/v1/images/edits",
        content=body,
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    assert inspect(first(answer)).size == "64x64"
    assert scene.request.prompt == "a hat für ihn"
    assert [image.format for image in scene.request.images] == ["png", "jpeg"]


async def test_librechat_edits(scene: Scene, http: httpx.AsyncClient) -> None:
    """A form that comes in chunks, with `auto` for all that its user leaves open."""
    body = form(
        ('"model"', b"gpt-image-1", ""),
        ('"prompt"', b"a hat", ""),
        ('"quality"', b"auto", ""),
        ('"size"', b"auto", ""),
        ('"image[]"; filename="upload.png"', PNG, "image/png"),
    )

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 100):
            yield body[at : at + 100]

    answer = await http.post(
        "/v1/images/edits",
        content=chunks(),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    assert inspect(first(answer)).format == "png"
    assert (scene.request.quality, scene.request.size) == ("auto", "auto")
    assert [image.data for image in scene.request.images] == [PNG]


async def test_librechat_names_the_file_by_the_url(scene: Scene, http: httpx.AsyncClient) -> None:
    """DALL·E 3's defaults bring a URL, and in it the name of a file as the application looks for it."""
    asked: dict[str, Any] = {"model": "dall-e-3", "prompt": "a fox", "quality": "hd", "n": 1}
    answer = await http.post("/v1/images/generations", json={**asked, "style": "vivid"})
    assert answer.status_code == 200, answer.text
    url = answer.json()["data"][0]["url"]
    assert re.search(r"[\w\d]+\.png", url)
    kept = await http.get(httpx.URL(url).path)
    assert inspect(kept.content).size == "1024x1024"
