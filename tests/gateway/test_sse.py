"""Streams of partial pictures."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from gateway.scene import Scene
from pinxit import Context, Image, ImagesResponse, ProviderUnavailable, RateLimited, Usage
from pinxit.testing.pictures import picture
from pinxit.types import PartialImage, Request
from scripted import answer

pytestmark = pytest.mark.virtual_time

PNG = picture()
ASK: dict[str, Any] = {"prompt": "p", "stream": True, "partial_images": 2}


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Parse a stream; comments are events without a name."""
    parsed: list[tuple[str, dict[str, Any]]] = []
    for block in text.split("\n\n"):
        lines = [line.partition(": ") for line in block.splitlines()]
        if lines:
            fields = {name: value for name, _, value in lines}
            parsed.append((fields.get("event", ""), json.loads(fields.get("data", "{}"))))
    return parsed


async def post(scene: Scene, path: str = "generations", **fields: Any) -> httpx.Response:
    async with scene.client(timeout=None) as http:
        if path == "edits":
            image = base64.b64encode(PNG).decode()
            fields = {"image": f"data:image/png;base64,{image}", **fields}
        return await http.post(f"/v1/images/{path}", json={**ASK, **fields})


async def two_partials(request: Request, context: Context) -> ImagesResponse:
    await context.emit(PartialImage(index=0, image=Image(picture("png", 8, 8))))
    await asyncio.sleep(1)
    await context.emit(PartialImage(index=1, image=Image(picture("png", 16, 16))))
    usage = Usage(input_tokens=1, output_tokens=2, total_tokens=3)
    return answer(request.n, usage=usage, quality="high")


@pytest.mark.parametrize(
    ("path", "name"), [("generations", "image_generation"), ("edits", "image_edit")]
)
async def test_events_have_openais_names_and_fields(path: str, name: str) -> None:
    """Every field that OpenAI's client requires is there, true where it can be known."""
    response = await post(Scene({"a": [two_partials]}), path)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "no-cache" in response.headers["cache-control"]
    found = events(response.text)
    assert [kind for kind, _ in found] == [f"{name}.partial_image"] * 2 + [f"{name}.completed"]
    for kind, data in found:
        assert data["type"] == kind
        assert {
            "b64_json",
            "created_at",
            "size",
            "quality",
            "background",
            "output_format",
        } <= data.keys()
    assert [data.get("partial_image_index") for _, data in found] == [0, 1, None]
    assert [data["size"] for _, data in found] == ["8x8", "16x16", "64x64"]
    last = found[-1][1]
    assert (last["quality"], last["usage"]["total_tokens"], last["pinxit"]["model"]) == (
        "high",
        3,
        "s/a",
    )


async def test_several_pictures_are_several_events() -> None:
    """Each picture is completed once; usage and signature stand under the last one."""
    found = events((await post(Scene(), n=3)).text)
    assert [kind for kind, _ in found] == ["image_generation.completed"] * 3
    assert ["pinxit" in data for _, data in found] == [False, False, True]


async def test_events_pass_one_by_one() -> None:
    """A partial picture is sent when it comes, not when the last one has."""
    seen: list[tuple[float, str]] = []
    scene = Scene({"a": [two_partials]})
    loop = asyncio.get_running_loop()

    async def receive() -> dict[str, Any]:
        if not seen:
            seen.append((loop.time(), "asked"))
            return {"type": "http.request", "body": json.dumps(ASK).encode(), "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        if message.get("body", b"").startswith(b"event: "):
            seen.append((loop.time(), message["body"].decode().split()[1]))

    path = "/v1/images/generations"
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": path, "headers": []}
    await scene.gateway(scope, receive, send)
    started = seen[0][0]
    assert [(round(at - started), name.rpartition(".")[2]) for at, name in seen[1:]] == [
        (0, "partial_image"), (1, "partial_image"), (1, "completed"),
    ]  # fmt: skip


async def test_a_failure_before_the_first_event_is_an_http_error() -> None:
    """Who asked for a stream hears of a refusal like everybody else."""
    response = await post(Scene({"a": [RateLimited("busy", upstream_status=429, retry_after=1)]}))
    assert response.status_code == 429
    assert response.json()["error"]["code"] == "rate_limit_exceeded"
    assert response.headers["x-should-retry"] == "false"


async def test_a_failure_before_the_first_event_may_fall_back() -> None:
    """Nothing has been shown yet, so the next model may paint."""
    scene = Scene({"a": [ProviderUnavailable("down", upstream_status=503)]})
    found = events((await post(scene, fallbacks=["s/b"])).text)
    assert found[-1][1]["pinxit"]["model"] == "s/b"


async def fails_after_one(request: Request, context: Context) -> ImagesResponse:
    await context.emit(PartialImage(index=0, image=Image(picture("png", 8, 8))))
    raise ProviderUnavailable("broke off", upstream_status=503, billing="ambiguous")


async def test_a_failure_after_the_first_event_is_an_event() -> None:
    """The status has been sent; the error is told as data, and nothing is ordered again."""
    scene = Scene({"a": [fails_after_one]})
    response = await post(scene, fallbacks=["s/b"], retry={"count": 3, "on_codes": [503]})
    found = events(response.text)
    assert response.status_code == 200
    assert [kind for kind, _ in found] == ["image_generation.partial_image", "error"]
    assert found[-1][1]["error"]["message"] == "broke off"
    assert found[-1][1]["pinxit"]["attempts"][0]["billing"] == "ambiguous"
    assert scene.provider.names == ["a"]


async def test_a_bug_after_the_first_event_is_an_event_too() -> None:
    """The stream ends with an error that shows nothing of the inside."""

    async def buggy(request: Request, context: Context) -> ImagesResponse:
        await context.emit(PartialImage(index=0, image=Image(PNG)))
        raise KeyError("secret")

    found = events((await post(Scene({"a": [buggy]}))).text)
    assert found[-1][0] == "error"
    assert "secret" not in json.dumps(found[-1][1]["error"])


async def test_silence_is_filled_with_comments() -> None:
    """A proxy that cuts quiet lines after half a minute sees something every fifteen seconds."""
    found = events((await post(Scene({"a": [100.0]}))).text)
    assert [kind for kind, _ in found] == [""] * 6 + ["image_generation.completed"]


async def test_the_interval_of_comments_is_a_setting() -> None:
    """Who has a less patient proxy says so."""
    assert len(events((await post(Scene({"a": [10.0]}, keep_alive=4))).text)) == 3


async def test_a_failure_after_a_comment_is_an_event() -> None:
    """Once the answer has begun, its status cannot change."""
    scene = Scene({"a": [late_failure]})
    response = await post(scene)
    assert response.status_code == 200
    assert [kind for kind, _ in events(response.text)] == ["", "error"]


async def late_failure(request: Request, context: Context) -> ImagesResponse:
    await asyncio.sleep(20)
    raise ProviderUnavailable("down", upstream_status=503)


async def test_an_odd_partial_picture_is_shown_all_the_same() -> None:
    """What cannot be measured is no reason to lose a picture that is being paid for."""

    async def odd(request: Request, context: Context) -> ImagesResponse:
        await context.emit(PartialImage(index=0, image=Image(b"half a picture")))
        return answer()

    found = events((await post(Scene({"a": [odd]}), size="32x32")).text)
    assert found[0][1]["size"] == "32x32"
    assert found[-1][0] == "image_generation.completed"


async def test_no_stream_was_asked() -> None:
    """``stream: false`` is an ordinary answer."""
    assert (await post(Scene(), stream=False, partial_images=None)).headers[
        "content-type"
    ] == "application/json"


@pytest.mark.parametrize(
    ("asked", "said"),
    [("hd", "high"), ("standard", "medium"), ("low", "low"), ("auto", "auto"), (None, "auto")],
)
async def test_qualities_are_words_that_events_know(asked: str | None, said: str) -> None:
    """DALL·E's words are none of OpenAI's events; the same is said in those that are."""
    response = await post(Scene(), quality=asked)
    assert {data["quality"] for _, data in events(response.text)} == {said}


async def test_events_hold_base64_even_where_a_url_is_asked() -> None:
    """OpenAI lets clients ask for both, and requires base64 in events: the URL stands beside it."""
    scene = Scene()
    response = await post(scene, response_format="url")
    ((_, data),) = events(response.text)
    assert data["url"].startswith("http://gateway/assets/")
    async with scene.client() as http:
        assert (await http.get(data["url"])).content == base64.b64decode(data["b64_json"])
