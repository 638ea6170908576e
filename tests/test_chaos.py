"""Tests of the chaos upstream in `pinxit.testing`, on sockets and without."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit import testing as chaos
from pinxit.errors import InvalidImage
from pinxit.headers import inspect
from pinxit.testing import ChaosUpstream, Received, Script, Step, Wire

Chaos = Callable[[Script], AbstractAsyncContextManager[tuple[ChaosUpstream, httpx.AsyncClient]]]

FOX = {"model": "acme", "prompt": "a fox"}
PATH = "/images/generations"


@asynccontextmanager
async def on_a_socket(script: Script) -> AsyncGenerator[tuple[ChaosUpstream, httpx.AsyncClient]]:
    async with (
        ChaosUpstream(script) as upstream,
        httpx.AsyncClient(base_url=upstream.base_url, trust_env=False, timeout=60) as client,
    ):
        yield upstream, client


@asynccontextmanager
async def in_memory(script: Script) -> AsyncGenerator[tuple[ChaosUpstream, httpx.AsyncClient]]:
    upstream = ChaosUpstream(script)
    async with httpx.AsyncClient(
        base_url=upstream.base_url, transport=upstream.transport(), timeout=60
    ) as client:
        yield upstream, client


@pytest.fixture(params=[on_a_socket, in_memory], ids=["socket", "memory"])
def serve(request: pytest.FixtureRequest) -> Any:
    return request.param


async def ask(serve: Chaos, script: Script, **fields: Any) -> httpx.Response:
    async with serve(script) as (_, client):
        return await client.post(PATH, json={**FOX, **fields})


def pictures(response: httpx.Response) -> list[bytes]:
    return [base64.b64decode(item["b64_json"]) for item in response.json()["data"]]


async def test_ok_is_the_default(serve: Chaos) -> None:
    """Without a script every request gets as many real pictures, as large, as it asks for."""
    response = await ask(serve, (), n=2, size="48x32")
    assert response.status_code == 200
    sizes = [(inspect(p).width, inspect(p).height, inspect(p).format) for p in pictures(response)]
    assert sizes == [(48, 32, "png")] * 2


async def test_ok_as_told(serve: Chaos) -> None:
    """Pictures, their number, an echo of the prompt and further fields can be given."""
    step = chaos.Ok(
        picture=b"no picture", count=3, echo=True, fields={"usage": {"input_tokens": 1}}
    )
    body = (await ask(serve, step)).json()
    assert len(body["data"]) == 3
    assert body["data"][0] == {
        "b64_json": base64.b64encode(b"no picture").decode(),
        "revised_prompt": "a fox",
    }
    assert body["usage"] == {"input_tokens": 1}


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 255))
def test_png_is_a_picture(width: int, height: int, shade: int) -> None:
    """The picture decodes to the pixels it names."""
    from pinxit.images import open_image

    image = open_image(chaos.png(width, height, shade))
    assert image.size == (width, height)
    assert image.getpixel((width - 1, height - 1)) == shade


@pytest.mark.parametrize("size", ["auto", "2K", "0x5", "99999x99999", "1x2x3", ""])
async def test_sizes_nobody_can_draw(size: str) -> None:
    """A size that is no small number of pixels gets the small default."""
    response = await ask(in_memory, (), size=size)
    assert inspect(pictures(response)[0]).size == "64x64"


async def test_requests_are_recorded(serve: Chaos) -> None:
    """Method, path, query, headers, body and time of each request are kept, in order."""
    async with serve(()) as (upstream, client):
        await client.post(f"{PATH}?v=1", json=FOX, headers={"x-one": "1"})
        await client.get("/models")
    first, second = upstream.requests
    assert (first.method, first.path, first.query) == ("POST", f"/v1{PATH}", "v=1")
    assert first.headers["x-one"] == "1"
    assert first.json == FOX
    assert first.finished.is_set()
    assert not first.disconnected
    assert (second.method, second.path, second.body, second.json) == ("GET", "/v1/models", b"", {})
    assert second.at >= first.at


def test_records_hide_secrets() -> None:
    """Printing a request shows neither its headers nor its body."""
    headers = httpx.Headers({"authorization": "Bearer sk-secret"})
    text = repr(Received("POST", "/v1/x", headers=headers, body=b"private words"))
    assert "secret" not in text
    assert "private" not in text


async def test_fields_of_every_encoding(serve: Chaos) -> None:
    """Fields are found in JSON, in multipart with files and in forms; numbers may be floats."""
    async with serve(()) as (upstream, client):
        data = {"model": "acme", "n": "1.0", "stream": "false"}
        files = {"image": ("a.png", b"\x89PNG\r\n\r\n--x", "image/png")}
        await client.post("/images/edits", data=data, files=files)
        await client.post("/images/variations", data=data)
        await client.post(PATH, json={"model": "acme", "n": 1.0})
    for request in upstream.requests:
        assert request.value("model") == "acme"
        assert request.number("n", 7) == 1
        assert request.value("absent") is None
        assert request.number("absent", 7) == 7
        assert not request.streams
    assert upstream.requests[0].number("model", 7) == 7


async def test_chunked_requests_are_read() -> None:
    """A body without a length is put together from its chunks."""

    async def parts() -> AsyncIterator[bytes]:
        yield b'{"model": '
        yield b'"acme"}'

    async with on_a_socket(()) as (upstream, client):
        await client.post(PATH, content=parts())
    assert upstream.requests[0].json == {"model": "acme"}


async def test_connections_are_reused() -> None:
    """A complete answer leaves its connection open for the next request."""
    async with on_a_socket([chaos.Ok(), chaos.Html(), chaos.Events([])]) as (upstream, client):
        for _ in range(4):
            await client.post(PATH, json=FOX)
        assert upstream.open_connections == 1
    assert [request.connection for request in upstream.requests] == [1, 1, 1, 1]
    assert upstream.connections == 1


async def statuses(client: httpx.AsyncClient, path: str = PATH, **fields: Any) -> list[int]:
    return [(await client.post(path, json={**FOX, **fields})).status_code for _ in range(3)]


async def test_a_step_answers_always(serve: Chaos) -> None:
    """A single step answers every request."""
    async with serve(chaos.Answer(503)) as (_, client):
        assert await statuses(client) == [503, 503, 503]


async def test_a_sequence_answers_in_turn(serve: Chaos) -> None:
    """Each step of a sequence answers once, and then all is well."""
    async with serve([chaos.Answer(500), chaos.Answer(429)]) as (_, client):
        assert await statuses(client) == [500, 429, 200]


async def test_scripts_per_model_and_path(serve: Chaos) -> None:
    """The model's script comes before the path's, and that before the one for all others."""
    script: Script = {
        "one": [chaos.Answer(501)],
        "/images/edits": chaos.Answer(502),
        "*": chaos.Answer(503),
    }
    async with serve(script) as (_, client):
        assert await statuses(client, model="one") == [501, 200, 200]
        assert await statuses(client, "/images/edits") == [502, 502, 502]
        assert await statuses(client) == [503, 503, 503]


async def test_answer_may_be_anything(serve: Chaos) -> None:
    """Status, headers and body are the script's, unknown statuses too."""
    response = await ask(serve, chaos.Answer(599, body=b"odd", headers={"x-one": "1"}))
    assert (response.status_code, response.content, response.headers["x-one"]) == (599, b"odd", "1")


@pytest.mark.parametrize(
    ("step", "headers"),
    [
        (chaos.RateLimited(), {}),
        (chaos.RateLimited(retry_after=2.5), {"retry-after": "2.5"}),
        (chaos.RateLimited(retry_after="soon"), {"retry-after": "soon"}),
        (chaos.RateLimited(retry_after=float("nan")), {"retry-after": "nan"}),
        (
            chaos.RateLimited(retry_after=datetime(2026, 11, 22, 8, 0, tzinfo=UTC)),
            {"retry-after": "Sun, 22 Nov 2026 08:00:00 GMT"},
        ),
        (
            chaos.RateLimited(milliseconds=150, headers={"x-should-retry": "false"}),
            {"retry-after-ms": "150", "x-should-retry": "false"},
        ),
    ],
)
async def test_rate_limited(serve: Chaos, step: Step, headers: dict[str, str]) -> None:
    """A 429 carries the advice that the script gives, sensible or not, and no other."""
    response = await ask(serve, step)
    found = {k: v for k, v in response.headers.items() if k.startswith(("retry", "x-should"))}
    assert (response.status_code, found) == (429, headers)
    assert response.json()["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (chaos.Reset(), httpx.ReadError),
        (chaos.Reset("inside"), httpx.ReadError),
        (chaos.Close(), httpx.RemoteProtocolError),
        (chaos.Truncated(), httpx.RemoteProtocolError),
        (chaos.EndlessHeaders(), httpx.RemoteProtocolError),
        (chaos.Events([b"data: 1\n\n"], then="close"), httpx.RemoteProtocolError),
        (chaos.Events([b"data: 1\n\n"], then="reset"), httpx.ReadError),
    ],
    ids=lambda value: getattr(value, "__name__", None) or repr(value),
)
async def test_broken_connections(
    serve: Chaos, step: Step, error: type[httpx.TransportError]
) -> None:
    """The client sees the break that the script names, and the break is not the client's."""
    async with serve([step]) as (upstream, client):
        with pytest.raises(error):
            await client.post(PATH, json=FOX)
        request = upstream.requests[0]
        await request.finished.wait()
        assert (await client.post(PATH, json=FOX)).status_code == 200
    if not isinstance(step, chaos.EndlessHeaders):
        assert not request.disconnected


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    "step",
    [
        chaos.Silence(),
        chaos.Silence("inside"),
        chaos.Drip(),
        chaos.After(1000),
        chaos.EndlessHeaders(interval=1),
        chaos.Events([b"data: 1\n\n"], interval=1, then="repeat"),
        chaos.Events([b"data: 1\n\n"], then="silence"),
    ],
    ids=repr,
)
async def test_slow_answers_end_with_the_client(serve: Chaos, step: Step) -> None:
    """What never ends, or not in time, ends when the client leaves, and that is noted."""
    async with serve(step) as (upstream, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(100):
                await client.post(PATH, json=FOX, timeout=None)
        request = upstream.requests[0]
        async with asyncio.timeout(6):
            await request.finished.wait()
        assert request.disconnected


@pytest.mark.virtual_time
async def test_read_timeout_is_httpx_own(serve: Chaos) -> None:
    """The read time-out of httpx, for silence, works on sockets and without."""
    async with serve([chaos.Silence(), chaos.Silence("inside")]) as (_, client):
        for _ in range(2):
            with pytest.raises(httpx.ReadTimeout):
                await client.post(PATH, json=FOX, timeout=30)


@pytest.mark.virtual_time
async def test_drip_arrives_in_the_end(serve: Chaos) -> None:
    """A slow answer is a good one, at the rate that was asked for."""
    began = asyncio.get_running_loop().time()
    response = await ask(serve, chaos.Drip(rate=10))
    assert pictures(response)
    seconds = asyncio.get_running_loop().time() - began
    assert seconds == pytest.approx(len(response.content) / 10, rel=0.01)


@pytest.mark.virtual_time
async def test_after_waits(serve: Chaos) -> None:
    """A step can be put off."""
    began = asyncio.get_running_loop().time()
    assert (await ask(serve, chaos.After(30, chaos.Answer(500)))).status_code == 500
    assert asyncio.get_running_loop().time() - began == pytest.approx(30)


async def test_useless_documents(serve: Chaos) -> None:
    """Broken JSON, HTML, an empty list and broken base64 come as complete 200s."""
    script: list[Step] = [chaos.BrokenJson(), chaos.Html(), chaos.EmptyData(), chaos.BrokenBase64()]
    async with serve(script) as (_, client):
        answers = [await client.post(PATH, json=FOX) for _ in script]
    assert {answer.status_code for answer in answers} == {200}
    broken, page, empty, base = answers
    for answer in (broken, page):
        with pytest.raises(json.JSONDecodeError):
            answer.json()
    assert page.headers["content-type"].startswith("text/html")
    assert empty.json()["data"] == []
    with pytest.raises(ValueError, match="base64"):
        base64.b64decode(base.json()["data"][0]["b64_json"], validate=True)
    assert (await ask(serve, chaos.Html(502))).status_code == 502


@pytest.mark.parametrize(
    ("shape", "status"),
    [
        ("openai", 400),
        ("azure", 400),
        ("fal", 422),
        ("ark", 200),
        ("xai", 200),
        ("imagerouter", 200),
    ],
)
async def test_refusals(serve: Chaos, shape: Any, status: int) -> None:
    """Each shape of a refusal is JSON with that provider's status, and holds no picture."""
    response = await ask(serve, chaos.Refusal(shape))
    assert response.status_code == status
    assert not any(item.get("b64_json") for item in response.json().get("data", []))


@pytest.mark.parametrize(
    "step", [chaos.EndlessBody(), chaos.HugeContentLength()], ids=["endless", "huge"]
)
async def test_floods_stop_with_the_reader(serve: Chaos, step: Step) -> None:
    """A flood flows no further than the client reads, give or take the buffers, and ends when it leaves."""
    async with serve(step) as (upstream, client):
        async with client.stream("POST", PATH, json=FOX) as response:
            async for _ in response.aiter_raw():
                break
            length = response.headers.get("content-length")
            assert length == (
                str(64 * 2**30) if isinstance(step, chaos.HugeContentLength) else None
            )
        request = upstream.requests[0]
        await request.finished.wait()
    assert request.disconnected
    assert request.sent < 32 * 2**20


async def test_huge_content_length_can_be_kept(serve: Chaos) -> None:
    """The announced number of bytes comes, if somebody has the patience."""
    response = await ask(serve, chaos.HugeContentLength(200_000))
    assert len(response.content) == 200_000


async def test_gzip_bomb(serve: Chaos) -> None:
    """A few kilobytes unpack, without an error, to what was announced."""
    async with serve(chaos.GzipBomb(8 * 2**20)) as (upstream, client):
        async with client.stream("POST", PATH, json=FOX) as response:
            packed = b"".join([part async for part in response.aiter_raw()])
        assert len(packed) < 50_000
        assert len(gzip.decompress(packed)) == 8 * 2**20
        assert upstream.requests[0].sent == len(packed)
        assert len((await client.post(PATH, json=FOX)).content) == 8 * 2**20


async def test_redirect(serve: Chaos) -> None:
    """The location is the script's."""
    response = await ask(serve, chaos.Redirect("http://127.0.0.1:9/elsewhere", status=308))
    assert (response.status_code, response.headers["location"]) == (
        308,
        "http://127.0.0.1:9/elsewhere",
    )


async def test_echo_key(serve: Chaos) -> None:
    """The failure repeats the credentials, in body and headers."""
    async with serve(chaos.EchoKey()) as (_, client):
        response = await client.post(PATH, json=FOX, headers={"authorization": "Bearer sk-1"})
    assert response.status_code == 500
    assert "sk-1" in response.json()["error"]["message"]
    assert "sk-1" in response.headers["x-echo"]


async def test_leftover_is_on_the_wire() -> None:
    """A raw client sees the second answer behind the first."""
    async with ChaosUpstream([chaos.Leftover()]) as upstream:
        port = httpx.URL(upstream.base_url).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1/x HTTP/1.1\r\nhost: x\r\n\r\n")
        text = await reader.readuntil(b"leftover")
        assert text.count(b"HTTP/1.1 200 OK") == 2
        writer.close()
        await writer.wait_closed()


async def events(
    client: httpx.AsyncClient, path: str = PATH, **fields: Any
) -> list[dict[str, Any]]:
    answer = await client.post(path, json={**FOX, "stream": True, **fields})
    assert answer.headers["content-type"] == "text/event-stream"
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data:")]


async def test_streams_as_openai(serve: Chaos) -> None:
    """A request for a stream gets its partial pictures, then the last one with its usage."""
    async with serve(()) as (_, client):
        found = await events(client, partial_images=2, size="16x16")
        edit = await events(client, "/images/edits")
    assert [e["type"].partition(".")[2] for e in found] == [
        "partial_image",
        "partial_image",
        "completed",
    ]
    assert [e.get("partial_image_index") for e in found] == [0, 1, None]
    assert inspect(base64.b64decode(found[-1]["b64_json"])).size == "16x16"
    assert found[-1]["usage"]["total_tokens"] == 110
    assert [e["type"] for e in edit] == ["image_edit.completed"]


async def test_events_as_told(serve: Chaos) -> None:
    """Events may be objects or any bytes, and come one by one."""
    step = chaos.Events([{"type": "error", "error": {"code": "x"}}, b": comment\n\n"])
    response = await ask(serve, step)
    expected = 'event: error\ndata: {"type": "error", "error": {"code": "x"}}\n\n: comment\n\n'
    assert response.text == expected


@pytest.mark.virtual_time
async def test_events_come_one_by_one(serve: Chaos) -> None:
    """An event is there as soon as it is sent, long before the next."""
    step = chaos.Events([b"1", b"2", b"3"], interval=10)
    loop = asyncio.get_running_loop()
    async with serve(step) as (_, client), client.stream("POST", PATH, json=FOX) as response:
        began, arrived = loop.time(), list[int]()
        async for _ in response.aiter_raw():
            arrived.append(round(loop.time() - began))
    assert arrived == [10, 20, 30]


class Mute:
    """A step of somebody else's, that forgets to answer."""

    async def play(self, request: Received, wire: Wire) -> None:
        await wire.start(200, {"content-length": "5"})


class Buggy:
    """A step of somebody else's, with a bug."""

    async def play(self, request: Received, wire: Wire) -> None:
        raise LookupError("no such thing")


async def test_own_steps(serve: Chaos) -> None:
    """Anything with a play method is a step; one that stops midway has broken the connection."""
    async with serve(Mute()) as (_, client):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(PATH, json=FOX)


async def test_bugs_in_steps_surface() -> None:
    """A step's own exception reaches the test: from the call without sockets, at the end with them."""
    with pytest.raises(LookupError):
        await ask(in_memory, Buggy())
    upstream = ChaosUpstream(Buggy())
    with pytest.raises(LookupError):
        await use(upstream)


async def use(upstream: ChaosUpstream) -> None:
    async with upstream, httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(upstream.base_url + PATH, json=FOX)


async def test_nonsense_is_not_answered() -> None:
    """What is not HTTP is hung up on, and the upstream lives on."""
    async with on_a_socket(()) as (upstream, client):
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(b"no request at all\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        assert (await client.post(PATH, json=FOX)).status_code == 200
    assert len(upstream.requests) == 1


async def test_many_at_once_do_not_mix(serve: Chaos) -> None:
    """Each of fifty requests at once gets the answer to its own prompt."""
    async with serve(chaos.Ok(echo=True)) as (upstream, client):
        bodies = [{**FOX, "prompt": f"fox {number}"} for number in range(50)]
        answers = await asyncio.gather(*(client.post(PATH, json=body) for body in bodies))
    said = [answer.json()["data"][0]["revised_prompt"] for answer in answers]
    assert said == [body["prompt"] for body in bodies]
    assert len(upstream.requests) == 50


class Announced:
    """A step that says when it has begun."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.begun = asyncio.Event()

    async def play(self, request: Received, wire: Wire) -> None:
        self.begun.set()
        await self.step.play(request, wire)


@pytest.mark.parametrize("step", [chaos.Silence(), chaos.EndlessBody(), chaos.Drip()], ids=repr)
async def test_shutdown_is_quick_and_clean(step: Step) -> None:
    """Leaving the upstream ends what is under way, leaves no task, and frees the port."""
    before, began = asyncio.all_tasks(), time.monotonic()
    announced = Announced(step)
    async with ChaosUpstream(announced) as upstream:
        port = httpx.URL(upstream.base_url).port
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1/x HTTP/1.1\r\nhost: x\r\n\r\n")
        await announced.begun.wait()
    assert upstream.open_connections == 0
    assert asyncio.all_tasks() == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    assert not upstream.requests[0].disconnected
    assert time.monotonic() - began < 5
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_base_url_without_a_server() -> None:
    """Before and after its life as a server the address leads nowhere."""
    upstream = ChaosUpstream()
    assert upstream.base_url == "http://chaos.test/v1"
    async with upstream:
        assert upstream.base_url.startswith("http://127.0.0.1:")
    assert upstream.base_url == "http://chaos.test/v1"


def test_importable_without_pytest() -> None:
    """The testing package is for programs too: importing it brings in no pytest."""
    code = "import sys, pinxit.testing; sys.exit('pytest' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], check=False)
    assert result.returncode == 0


def test_public_names() -> None:
    """Names are sorted and all there."""
    assert list(chaos.__all__) == sorted(chaos.__all__)
    assert all(hasattr(chaos, name) for name in chaos.__all__)


def test_a_picture_it_is_not() -> None:
    """The check of these tests can fail."""
    with pytest.raises(InvalidImage):
        inspect(b"no picture")
