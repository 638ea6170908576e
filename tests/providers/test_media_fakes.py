"""The stand-ins of Google, Stability AI and Ideogram refuse what their originals refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from pinxit.headers import inspect
from pinxit.testing.pictures import picture
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.fakes.google import FakeGoogle
from pinxit_providers.fakes.ideogram import FakeIdeogram
from pinxit_providers.fakes.stability import FakeStability

KEY = "a-key-of-nobody"
GEMINI = "/v1beta/models/gemini-nano-banana-2.1:generateContent"
OLD = "/v1beta/models/gemini-2.5-flash-image:generateContent"
VERTEX = "/v1/projects/atelier-1/locations/global/publishers/google/models/gemini-3-pro-image:generateContent"
PNG = picture("png", 96, 96)


def client(app: Any, **headers: str) -> httpx.AsyncClient:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://fake.test", headers=named
    )


@pytest.fixture
async def google() -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x_goog_api_key": KEY, "authorization": f"Bearer {KEY}"}
    async with client(FakeGoogle(key=KEY, bearer=KEY), **headers) as found:
        yield found


@pytest.fixture
async def stability() -> AsyncIterator[httpx.AsyncClient]:
    async with client(FakeStability(key=KEY), authorization=f"Bearer {KEY}") as found:
        yield found


@pytest.fixture
async def ideogram() -> AsyncIterator[httpx.AsyncClient]:
    async with client(FakeIdeogram(key=KEY), api_key=KEY) as found:
        yield found


# Google -------------------------------------------------------------------------------------------


def content(*parts: object, config: object = None, **more: object) -> dict[str, object]:
    given = {"responseModalities": ["IMAGE"]} if config is None else config
    parts = parts or ({"text": "a fox"},)
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": given, **more}


def imaged(**config: object) -> dict[str, object]:
    return content(config={"responseModalities": ["IMAGE"], "imageConfig": config})


def blob(data: str, kind: str = "image/png") -> dict[str, object]:
    return {"inlineData": {"mimeType": kind, "data": data}}


SMALL = picture_base64(8, 8)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GEMINI, {}),
        (GEMINI, content(n=2)),
        (GEMINI, content(config={})),
        (GEMINI, content(config={"responseModalities": ["TEXT"]})),
        (GEMINI, content(config={"responseModalities": ["IMAGE"], "candidateCount": 2})),
        (GEMINI, content(config={"responseModalities": ["IMAGE"], "seed": 2**31})),
        (GEMINI, content({"text": "a fox", "mask": "x"})),
        (GEMINI, content(blob(SMALL))),
        (GEMINI, content({"text": "a fox"}, blob("AAAA"))),
        (GEMINI, content({"text": "a fox"}, blob(SMALL, "image/jpeg"))),
        (GEMINI, content({"text": "a fox"}, *[blob(SMALL)] * 15)),
        (GEMINI, imaged(aspectRatio="7:3")),
        (GEMINI, imaged(imageSize="512")),
        (GEMINI, imaged(imageSize="2k")),
        (GEMINI, imaged(imageOutputOptions={"mimeType": "image/jpeg"})),
        (OLD, imaged(imageSize="1K")),
        (OLD, imaged(aspectRatio="8:1")),
        (OLD, content({"text": "a fox"}, *[blob(SMALL)] * 4)),
        (OLD, content(config={"responseModalities": ["IMAGE"], "thinkingConfig": {}})),
        (VERTEX, imaged(imageOutputOptions={"mimeType": "image/webp"})),
        (VERTEX, imaged(imageOutputOptions={"mimeType": "image/png", "compressionQuality": 3})),
    ],
)
async def test_google_refuses(google: httpx.AsyncClient, path: str, body: object) -> None:
    """Unknown names, wrong values and pictures that are none are invalid arguments."""
    answer = await google.post(path, json=body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("path", "headers", "status", "word"),
    [
        (GEMINI, {"x-goog-api-key": "other"}, 400, "INVALID_ARGUMENT"),
        (VERTEX, {"authorization": "Bearer other"}, 401, "UNAUTHENTICATED"),
        (VERTEX.replace("atelier-1", "louvre"), {}, 403, "PERMISSION_DENIED"),
        (GEMINI.replace("2.1", "1"), {}, 404, "NOT_FOUND"),
        ("/v1beta/models", {}, 404, "NOT_FOUND"),
    ],
)
async def test_google_knows_who_asks(
    google: httpx.AsyncClient, path: str, headers: dict[str, str], status: int, word: str
) -> None:
    """Keys, tokens, projects and models are looked at before anything else."""
    answer = await google.post(path, json=content(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["status"]) == (status, word)


async def test_google_paints(google: httpx.AsyncClient) -> None:
    """A class multiplies the edges of a ratio."""
    answer = await google.post(GEMINI, json=imaged(aspectRatio="3:2", imageSize="2K"))
    parts = answer.json()["candidates"][0]["content"]["parts"]
    assert [list(part) for part in parts] == [["text"], ["inlineData"]]
    assert parts[1]["inlineData"]["data"] == picture_base64(2528, 1696)


# Stability AI -------------------------------------------------------------------------------------

PROMPT = {"prompt": "a fox"}


@pytest.mark.parametrize(
    ("path", "fields", "files"),
    [
        ("generate/core", {}, {}),
        ("generate/core", {"prompt": ""}, {}),
        ("generate/core", {"prompt": "x" * 10_001}, {}),
        ("generate/core", {**PROMPT, "n": "2"}, {}),
        ("generate/core", {**PROMPT, "seed": "4294967295"}, {}),
        ("generate/core", {**PROMPT, "seed": "one"}, {}),
        ("generate/core", {**PROMPT, "aspect_ratio": "4:3"}, {}),
        ("generate/core", {**PROMPT, "style_preset": "vivid"}, {}),
        ("generate/core", {**PROMPT, "strength": "0.5"}, {}),
        ("generate/core", PROMPT, {"image": PNG}),
        ("generate/ultra", PROMPT, {"image": PNG}),
        ("generate/ultra", {**PROMPT, "strength": "0.5"}, {}),
        ("generate/ultra", {**PROMPT, "strength": "1.5"}, {"image": PNG}),
        ("generate/sd3", {**PROMPT, "output_format": "webp"}, {}),
        ("generate/sd3", {**PROMPT, "model": "core"}, {}),
        ("generate/sd3", {**PROMPT, "mode": "image-to-image"}, {}),
        ("generate/sd3", {**PROMPT, "strength": "0.5"}, {"image": PNG}),
        (
            "generate/sd3",
            {**PROMPT, "strength": "1", "mode": "image-to-image", "aspect_ratio": "1:1"},
            {"image": PNG},
        ),
        ("generate/sd3", {**PROMPT, "model": "sd3.5-flash", "negative_prompt": "rain"}, {}),
        ("edit/inpaint", PROMPT, {}),
        ("edit/inpaint", PROMPT, {"image": PNG}),
        ("edit/inpaint", {**PROMPT, "grow_mask": "101"}, {"image": PNG, "mask": PNG}),
        ("edit/inpaint", PROMPT, {"image": picture("png", 63, 96), "mask": PNG}),
        ("edit/inpaint", PROMPT, {"image": b"no picture", "mask": PNG}),
    ],
)
async def test_stability_refuses(
    stability: httpx.AsyncClient, path: str, fields: dict[str, str], files: dict[str, bytes]
) -> None:
    """Unknown fields, wrong values and combinations that contradict are bad requests."""
    sent: list[Any] = [(name, (None, value)) for name, value in fields.items()]
    sent += [(name, (f"{name}.png", data, "image/png")) for name, data in files.items()]
    answer = await stability.post(f"/v2beta/stable-image/{path}", files=sent or {"none": b""})
    assert (answer.status_code, answer.json()["name"]) == (400, "bad_request")


async def test_stability_wants_a_form(stability: httpx.AsyncClient) -> None:
    """A body that is urlencoded, or JSON, is none."""
    url = "/v2beta/stable-image/generate/core"
    assert (await stability.post(url, data=PROMPT)).status_code == 400
    assert (await stability.post(url, json=PROMPT)).status_code == 400


async def test_stability_answers_both_ways(stability: httpx.AsyncClient) -> None:
    """The header Accept decides between a file and JSON."""
    url, form = (
        "/v2beta/stable-image/generate/sd3",
        {"prompt": (None, "a fox"), "seed": (None, "7")},
    )
    file = await stability.post(url, files=form, headers={"accept": "image/*"})
    assert (file.headers["finish-reason"], file.headers["seed"]) == ("SUCCESS", "7")
    assert inspect(file.content).size == "1024x1024"
    json = await stability.post(url, files=form, headers={"accept": "application/json"})
    assert (json.json()["finish_reason"], json.json()["seed"]) == ("SUCCESS", 7)


# Ideogram -----------------------------------------------------------------------------------------

BLACK = picture("png", 96, 96, mode="1")


@pytest.mark.parametrize(
    ("path", "fields", "files"),
    [
        ("generate", {}, {}),
        ("generate", {**PROMPT, "size": "1024x1024"}, {}),
        ("generate", {**PROMPT, "resolution": "1000x1000"}, {}),
        ("generate", {**PROMPT, "rendering_speed": "high"}, {}),
        ("generate", {**PROMPT, "num_images": "9"}, {}),
        ("generate", {**PROMPT, "seed": "2147483648"}, {}),
        ("generate", {**PROMPT, "magic_prompt": "on"}, {}),
        ("generate", PROMPT, {"image": PNG}),
        ("inpaint", PROMPT, {"image": PNG}),
        ("inpaint", PROMPT, {"image": PNG, "mask": picture("png", 96, 96, mode="L")}),
        ("inpaint", PROMPT, {"image": PNG, "mask": picture("png", 64, 64, mode="1")}),
        ("inpaint", {**PROMPT, "resolution": "1024x1024"}, {"image": PNG, "mask": BLACK}),
        ("remix", PROMPT, {}),
        ("remix", {**PROMPT, "image_weight": "101"}, {"image": PNG}),
        ("remix", PROMPT, {"image": PNG, "mask": BLACK}),
    ],
)
async def test_ideogram_refuses(
    ideogram: httpx.AsyncClient, path: str, fields: dict[str, str], files: dict[str, bytes]
) -> None:
    """Unknown fields, wrong values and masks with grey in them are bad input."""
    sent: list[Any] = [(name, (None, value)) for name, value in fields.items()]
    sent += [(name, (f"{name}.png", data, "image/png")) for name, data in files.items()]
    answer = await ideogram.post(f"/v1/ideogram-v3/{path}", files=sent or {"none": b""})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {**PROMPT, "magic_prompt": "ON"},
        {**PROMPT, "quality": "max"},
        {**PROMPT, "custom_width": 1024},
        {**PROMPT, "custom_width": 1000, "custom_height": 1024},
        {**PROMPT, "custom_width": 4096, "custom_height": 4096},
        {**PROMPT, "num_images": 0},
        {**PROMPT, "num_images": "2"},
    ],
)
async def test_ideograms_newer_models_refuse(
    ideogram: httpx.AsyncClient, fields: dict[str, object]
) -> None:
    """The second version of the API is as strict."""
    answer = await ideogram.post("/v2/image/generate/ideogram-4-5", json=fields)
    assert answer.status_code == 400


async def test_ideogram_knows_who_asks_and_for_what(ideogram: httpx.AsyncClient) -> None:
    """A wrong key is a 401; an address or a model that is not there a 404."""
    url = "/v2/image/generate/ideogram-4"
    assert (await ideogram.post(url, json=PROMPT, headers={"api-key": "x"})).status_code == 401
    assert (await ideogram.post(url + "-9", json=PROMPT)).status_code == 404
    assert (await ideogram.post("/v2/image/precise-edit/ideogram-4")).status_code == 404


async def test_ideograms_addresses_lead_to_pictures(ideogram: httpx.AsyncClient) -> None:
    """What an answer names can be downloaded, without the key."""
    answer = await ideogram.post(
        "/v1/ideogram-v3/generate",
        files={"prompt": (None, "a fox"), "resolution": (None, "512x1536")},
    )
    found = await ideogram.get(answer.json()["data"][0]["url"], headers={"api-key": ""})
    assert inspect(found.content).size == "512x1536"
