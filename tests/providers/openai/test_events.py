"""Streams: partial pictures, finished ones, and every way to cut or spoil them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pinxit import (
    ContentRejected,
    GenerateRequest,
    InvalidProviderResponse,
    PartialImage,
    ProviderUnavailable,
    Usage,
)
from pinxit_providers.openai import PLUGIN as openai
from pinxit_providers.protocols.events import Events
from pinxit_providers.protocols.openai_images import CODES
from pinxit_providers.protocols.openai_stream import read_stream
from pinxit_providers.protocols.pictures import Reader

Ask = Callable[..., Any]
Sse = Callable[..., bytes]
HEADERS = {"content-type": "text/event-stream; charset=utf-8"}


def partial(b64: str, index: object = 0, prefix: str = "image_generation") -> dict[str, Any]:
    return {"type": f"{prefix}.partial_image", "b64_json": b64, "partial_image_index": index}


def completed(b64: str, prefix: str = "image_generation", **more: Any) -> dict[str, Any]:
    return {"type": f"{prefix}.completed", "b64_json": b64, "created_at": 1_790_000_000, **more}


def stream(body: bytes | Any) -> httpx.Response:
    if isinstance(body, bytes):
        body = httpx.ByteStream(body)
    return httpx.Response(200, stream=body, headers=HEADERS)


@pytest.mark.parametrize("prefix", ["image_generation", "image_edit"])
async def test_a_stream(ask: Ask, sse: Sse, b64: str, prefix: str) -> None:
    """Partial pictures are emitted in order; the finished one is the answer, with all it says."""
    usage = {"input_tokens": 3, "output_tokens": 439, "total_tokens": 442,
             "input_tokens_details": {"text_tokens": 3, "image_tokens": 0}}  # fmt: skip
    said = {"size": "16x16", "quality": "low", "output_format": "png", "background": "opaque"}
    body = sse(
        partial(b64, 0, prefix),
        partial(b64, 1, prefix),
        completed(b64, prefix, usage=usage, **said),
    )
    emitted: list[PartialImage] = []
    answer = await ask(stream(body), emitted=emitted, stream=True, partial_images=2)
    assert [(p.index, p.image.b64_json) for p in emitted] == [(0, b64), (1, b64)]
    assert [image.b64_json for image in answer.data] == [b64]
    assert answer.created == 1_790_000_000
    assert answer.usage == Usage.model_validate(usage)
    assert answer.model_dump(include=set(said)) == said


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
async def test_cut_anywhere(ask: Ask, sse: Sse, b64: str, pieces: type[Any], newline: str) -> None:
    """Wherever two chunks of the stream are parted, the same comes out."""
    body = sse(partial(b64), completed(b64), newline=newline)
    for place in range(len(body) + 1):
        emitted: list[PartialImage] = []
        answer = await ask(
            stream(pieces([body[:place], body[place:]])), emitted=emitted, stream=True
        )
        assert len(emitted) == len(answer.data) == 1
        assert answer.data[0].b64_json == b64


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_byte_by_byte(sse: Sse, newline: str) -> None:
    """A stream that drips one byte at a time has the same events."""
    body = sse({"type": "a"}, {"type": "b"}, newline=newline)
    events = Events()
    dripped = [data for at in range(len(body)) for data in events.feed(body[at : at + 1])]
    assert dripped == [b'{"type": "a"}', b'{"type": "b"}']


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b": comment\n\ndata: a\n\n", [b"a"]),
        (b"\n\n\n\ndata: a\n\n\n\n", [b"a"]),
        (b"event: x\nid: 1\nretry: 5\ndata: a\n\n", [b"a"]),
        (b"data\n\n", [b""]),
        (b"database: a\n\n", []),
        (b"data: a:b: c\n\n", [b"a:b: c"]),
        (b"data: a\n", [b"a"]),
        (b"data: a", [b"a"]),
        (b"", []),
        (b":", []),
    ],
)
def test_the_format_of_events(body: bytes, expected: list[bytes]) -> None:
    """Comments and other fields are skipped, lines of data joined, a last event completed."""
    events = Events()
    assert [*events.feed(body), *events.close()] == expected


@pytest.mark.parametrize("between", [[], [b""]])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_several_lines_cut_anywhere(newline: bytes, between: list[bytes]) -> None:
    """A line break that is cut in two, or parted by an empty chunk, is still one."""
    body = newline.join([b"data: a", b"data: b", b"", b"data: c", b"", b""])
    for place in range(len(body) + 1):
        events = Events()
        chunks = [body[:place], *between, body[place:]]
        assert [d for chunk in chunks for d in events.feed(chunk)] == [b"a\nb", b"c"]


@pytest.mark.parametrize(
    "chunks", [[b"x" * 101], [b"x" * 60, b"x" * 60], [b"data: " + b"x" * 50 + b"\n"] * 3]
)
def test_an_endless_event_is_refused(chunks: list[bytes]) -> None:
    """Neither one line nor many lines of one event can fill the memory."""
    events = Events(limit=100)
    fed = (data for chunk in chunks for data in events.feed(chunk))
    with pytest.raises(InvalidProviderResponse, match="longer than 100 bytes"):
        list(fed)


def test_many_events_are_no_long_one() -> None:
    """The limit holds for each event, not for all of them together."""
    events = Events(limit=100)
    event = b"data: " + b"x" * 50 + b"\n\n"
    assert sum(len(list(events.feed(event))) for _ in range(100)) == 100


async def test_several_pictures(ask: Ask, sse: Sse, b64: str) -> None:
    """Each finished event is a picture; their tokens are added up."""
    usage = {"input_tokens": 1, "output_tokens": 10, "total_tokens": 11,
             "input_tokens_details": {"text_tokens": 1},
             "output_tokens_details": {"image_tokens": 10}}  # fmt: skip
    body = sse(*[completed(b64, usage=usage)] * 3)
    answer = await ask(stream(body), n=3, stream=True)
    assert len(answer.data) == 3
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 30)
    assert answer.usage.total_tokens == 33
    assert answer.usage.input_tokens_details.text_tokens == 3
    assert answer.usage.output_tokens_details is not None
    assert answer.usage.output_tokens_details.image_tokens == 30


async def test_tokens_of_one_picture_unknown(ask: Ask, sse: Sse, b64: str) -> None:
    """A sum with a missing part is no sum."""
    body = sse(completed(b64, usage={"output_tokens": 10}), completed(b64))
    assert (await ask(stream(body), n=2, stream=True)).usage is None


async def test_fewer_pictures_than_asked(ask: Ask, sse: Sse, b64: str) -> None:
    """What came before the end of the stream is delivered: it has been paid for."""
    answer = await ask(stream(sse(completed(b64))), n=2, stream=True)
    assert len(answer.data) == 1


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n", b"data: [DONE]"])
async def test_a_stream_without_a_finished_picture(
    ask: Ask, sse: Sse, b64: str, end: bytes
) -> None:
    """Partial pictures alone are no answer."""
    with pytest.raises(InvalidProviderResponse, match="without a finished picture") as caught:
        await ask(stream(sse(partial(b64)) + end), stream=True)
    assert caught.value.billing == "billed"


async def test_done_ends_the_stream(ask: Ask, sse: Sse, b64: str, pieces: type[Any]) -> None:
    """Nothing is read behind the end."""
    body = pieces([sse(completed(b64)), b"data: [DONE]\n\n", *[b"junk"] * 100])
    await ask(stream(body), n=2, stream=True)
    assert body.sent == 2
    assert body.closed


async def test_nothing_is_waited_for_behind_the_last_picture(
    ask: Ask, sse: Sse, b64: str, pieces: type[Any]
) -> None:
    """A server that leaves the connection open does not keep the caller waiting."""
    body = pieces([sse(completed(b64)), *[b": still here\n\n"] * 100])
    await ask(stream(body), stream=True)
    assert body.sent == 1
    assert body.closed


async def test_a_last_event_that_was_not_closed(ask: Ask, sse: Sse, b64: str) -> None:
    """A finished picture without the empty line behind it is still one."""
    answer = await ask(stream(sse(completed(b64)).rstrip()), stream=True)
    assert len(answer.data) == 1


async def test_unknown_events_are_skipped(ask: Ask, sse: Sse, b64: str) -> None:
    """Keep-alives and events of the future do no harm."""
    body = sse({"type": "keepalive"}, {"type": 5}, {"type": None}, {}, completed(b64))
    assert len((await ask(stream(body), stream=True)).data) == 1


@pytest.mark.parametrize("sketch", ["", "!!!!", "AAAA", None, 5])
async def test_a_broken_sketch_is_not_shown(ask: Ask, sse: Sse, b64: str, sketch: Any) -> None:
    """A partial picture that is none is left out, and the finished one delivered."""
    emitted: list[PartialImage] = []
    answer = await ask(stream(sse(partial(sketch), completed(b64))), emitted=emitted, stream=True)
    assert emitted == []
    assert len(answer.data) == 1


@pytest.mark.parametrize("index", [None, -1, "2", 1.5, True])
async def test_an_odd_index_is_the_first(ask: Ask, sse: Sse, b64: str, index: object) -> None:
    """A number that is none does not lose the picture."""
    emitted: list[PartialImage] = []
    await ask(stream(sse(partial(b64, index), completed(b64))), emitted=emitted, stream=True)
    assert [p.index for p in emitted] == [0]


@pytest.mark.parametrize("broken", ["", "!!!!", "AAAA", None, 5])
async def test_a_broken_finished_picture(ask: Ask, sse: Sse, broken: Any) -> None:
    """A finished event without a picture is a useless answer."""
    with pytest.raises(InvalidProviderResponse):
        await ask(stream(sse(completed(broken))), stream=True)


@pytest.mark.parametrize("data", [b"data: {cut\n\n", b"data: []\n\n", b"data: <html>\n\n"])
async def test_events_that_are_no_objects(ask: Ask, data: bytes) -> None:
    """A stream of something else is a useless answer."""
    with pytest.raises(InvalidProviderResponse, match="JSON"):
        await ask(stream(data), stream=True)


@pytest.mark.parametrize(
    "event",
    [
        {"error": {"code": "moderation_blocked", "message": "Not this."}},
        {"type": "error", "error": {"code": "moderation_blocked", "message": "Not this."}},
        {"type": "error", "code": "moderation_blocked", "message": "Not this."},
    ],
)
async def test_a_refusal_inside_a_stream(
    ask: Ask, sse: Sse, b64: str, event: dict[str, Any]
) -> None:
    """An error object in any of its shapes is the error it names; what it cost is not known."""
    emitted: list[PartialImage] = []
    with pytest.raises(ContentRejected, match="Not this") as caught:
        await ask(stream(sse(partial(b64), event)), emitted=emitted, stream=True)
    assert len(emitted) == 1
    assert caught.value.billing == "billed"


async def test_an_outage_inside_a_stream(ask: Ask, sse: Sse) -> None:
    """Work that breaks off may have been charged for."""
    event = {"type": "error", "error": {"type": "server_error", "message": "oh"}}
    with pytest.raises(ProviderUnavailable) as caught:
        await ask(stream(sse(event)), stream=True)
    assert (caught.value.billing, caught.value.upstream_status) == ("billed", 200)


async def test_plain_json_though_a_stream_was_asked(ask: Ask, b64: str) -> None:
    """A server that does not stream is understood all the same."""
    emitted: list[PartialImage] = []
    response = httpx.Response(200, json={"data": [{"b64_json": b64}]})
    answer = await ask(response, emitted=emitted, stream=True, partial_images=3)
    assert len(answer.data) == 1
    assert emitted == []


async def test_a_stream_though_none_was_asked(ask: Ask, sse: Sse, b64: str) -> None:
    """Events are read as such whoever asked for them."""
    assert len((await ask(stream(sse(completed(b64))))).data) == 1


async def test_a_connection_that_breaks(ask: Ask, sse: Sse, b64: str, pieces: type[Any]) -> None:
    """What httpx raises passes, and the answer is closed."""
    body = pieces([sse(partial(b64))], error=httpx.ReadError("reset"))
    with pytest.raises(httpx.ReadError):
        await ask(stream(body), stream=True)
    assert body.closed


async def test_a_listener_who_leaves(
    upstream: Callable[..., Any], models: dict[str, Any], sse: Sse, b64: str, pieces: type[Any]
) -> None:
    """When emitting fails, the provider's connection is closed at once."""

    async def leave(partial: PartialImage) -> None:
        raise ConnectionResetError

    body = pieces([sse(partial(b64)), sse(completed(b64))])
    context = dataclasses.replace(upstream(stream(body)), emit=leave)
    request = GenerateRequest(prompt="a fox", stream=True)
    with pytest.raises(ConnectionResetError):
        await openai.generate(request, models["gpt-image-2"], context)
    assert body.sent == 1
    assert body.closed


async def test_finished_pictures_have_a_limit_together(
    sse: Sse, b64: str, upstream: Callable[..., Any]
) -> None:
    """Many finished pictures cannot fill the memory either."""
    context = upstream(httpx.Response(200))
    reader = Reader(context, (), 200)
    response = stream(sse(*[completed(b64)] * 50))
    with pytest.raises(InvalidProviderResponse, match="too long"):
        await read_stream(response, context, reader, 50, vocabulary=CODES, limit=20 * len(b64))
