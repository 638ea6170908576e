"""What comes back, good and bad."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pinxit import (
    Context,
    GenerateRequest,
    Image,
    InvalidProviderResponse,
    Model,
    PinxitError,
    ProviderError,
    Settings,
    Usage,
)
from pinxit.testing.clock import ManualClock
from pinxit_providers.openai import PLUGIN as openai
from pinxit_providers.protocols import reading

Ask = Callable[..., Any]
URL = "https://files.test/fox.png?sig=1"


def ok(data: object, **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"created": 1_790_000_000, "data": data, **more})


async def test_base64_is_carried_as_it_came(ask: Ask, b64: str) -> None:
    """The text of the answer is the text of the picture; nothing is encoded again."""
    answer = await ask(ok([{"b64_json": b64}]))
    assert answer.data[0].b64_json == b64
    assert answer.data[0].info.size == "16x16"
    assert answer.created == 1_790_000_000


async def test_everything_said_is_kept(ask: Ask, b64: str) -> None:
    """Usage and what `auto` became are handed on."""
    usage = {
        "input_tokens": 10,
        "output_tokens": 439,
        "total_tokens": 449,
        "input_tokens_details": {"text_tokens": 8, "image_tokens": 2},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": 439},
    }
    said = {"size": "1024x1024", "quality": "low", "output_format": "png", "background": "opaque"}
    answer = await ask(ok([{"b64_json": b64}], usage=usage, **said))
    assert answer.model_dump(include=set(said)) == said
    assert answer.usage == Usage.model_validate(usage)


async def test_dall_e_answers_with_addresses(ask: Ask) -> None:
    """A URL stays one; the prompt as DALL·E 3 rewrote it comes along."""
    answer = await ask(ok([{"url": URL, "revised_prompt": "A red fox"}]), model="dall-e-3")
    assert answer.data[0].url == URL
    assert answer.data[0].revised_prompt == "A red fox"
    assert not answer.data[0].is_local


async def test_a_data_url_is_a_picture(ask: Ask, b64: str) -> None:
    """Proxies that answer a wish for a URL with the picture itself are understood."""
    answer = await ask(ok([{"url": f"data:image/png;base64,{b64}"}]))
    assert answer.data[0].b64_json == b64


async def test_a_picture_wins_over_its_address(ask: Ask, b64: str) -> None:
    """Where both come, there is nothing to download."""
    answer = await ask(ok([{"url": URL, "b64_json": b64}]))
    assert answer.data[0].is_local


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
async def test_formats(ask: Ask, draw: Callable[..., Image], format: str) -> None:
    """The three output formats pass."""
    picture = draw(format=format)
    answer = await ask(ok([{"b64_json": picture.b64_json}]))
    assert answer.data[0].format == format


async def test_an_answer_without_a_date_is_of_now(ask: Ask, b64: str, clock: ManualClock) -> None:
    """The injected clock dates what the provider did not."""
    response = httpx.Response(200, json={"data": [{"b64_json": b64}]})
    answer = await ask(response, context={"clock": clock})
    assert answer.created == int(clock.now().timestamp())


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_success_is_one(ask: Ask, b64: str, status: int) -> None:
    """Proxies that answer 201 have drawn the picture too."""
    answer = await ask(httpx.Response(status, json={"data": [{"b64_json": b64}]}))
    assert len(answer.data) == 1


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", ""])
async def test_the_label_of_json_does_not_matter(ask: Ask, b64: str, content_type: str) -> None:
    """JSON under another name, and with blanks in front, is JSON."""
    body = b" \n" + json.dumps({"data": [{"b64_json": b64}]}).encode()
    answer = await ask(httpx.Response(200, content=body, headers={"content-type": content_type}))
    assert len(answer.data) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"created": "yesterday"},
        {"created": -1},
        {"created": True},
        {"created": 10**30},
        {"usage": None},
        {"usage": []},
        {"usage": "12"},
        {"usage": {}},
        {"usage": {"output_tokens": "many"}},
        {"usage": {"output_tokens": -3}},
        {"size": 1024},
        {"size": {"width": 1}},
        {"size": "x" * 10_000},
        {"quality": ["low"]},
        {"background": "<script>"},
        {"output_format": None},
        {"surprise": {"deep": [1, 2]}},
    ],
)
async def test_odd_remarks_do_not_cost_the_picture(
    ask: Ask, b64: str, said: dict[str, object]
) -> None:
    """A field of the wrong type is left out; what was paid for is delivered."""
    answer = await ask(httpx.Response(200, json={"data": [{"b64_json": b64}], **said}))
    assert answer.created > 0
    assert (answer.usage, answer.size, answer.quality) == (None, None, None)
    assert (answer.background, answer.output_format) == (None, None)


async def test_odd_token_counts_are_no_tokens(ask: Ask, b64: str) -> None:
    """Only counts are counted; details that are none are left out."""
    usage = {"input_tokens": None, "output_tokens": 5, "total_tokens": 5.5,
             "input_tokens_details": 3, "output_tokens_details": "?"}  # fmt: skip
    answer = await ask(ok([{"b64_json": b64}], usage=usage))
    assert answer.usage == Usage(output_tokens=5)


async def test_an_odd_revised_prompt_is_left_out(ask: Ask) -> None:
    """A prompt that is no text is none."""
    answer = await ask(ok([{"url": URL, "revised_prompt": 3}]))
    assert answer.data[0].revised_prompt is None


PNG_HEAD = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b"   \n",
    "html": b"<!doctype html><title>Welcome</title>",
    "text": b"OK",
    "null": b"null",
    "a list": b"[]",
    "a number": b"12",
    "no data": b'{"created": 1}',
    "null data": b'{"data": null}',
    "empty data": b'{"data": []}',
    "data is an object": b'{"data": {"b64_json": "AAAA"}}',
    "data is text": b'{"data": "AAAA"}',
    "item is null": b'{"data": [null]}',
    "item is text": b'{"data": ["AAAA"]}',
    "item is empty": b'{"data": [{}]}',
    "item has nulls": b'{"data": [{"b64_json": null, "url": null}]}',
    "item has a number": b'{"data": [{"b64_json": 5}]}',
    "item has empty text": b'{"data": [{"b64_json": ""}]}',
    "cut off": b'{"data": [{"b64_json": "AAAA',
    "two documents": b'{"data": []}{"data": []}',
    "not utf-8": b'{"data": [{"b64_json": "\xff\xfe"}]}',
    "deep": b'{"data": ' + b"[" * 100_000,
    "deep and closed": b'{"data": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "no base64": b'{"data": [{"b64_json": "this is not base64!"}]}',
    "url-safe base64": b'{"data": [{"b64_json": "_-_-"}]}',
    "base64 of text": b'{"data": [{"b64_json": "aGVsbG8gd29ybGQh"}]}',
    "base64 of html": b'{"data": [{"b64_json": "PGh0bWw+PC9odG1sPg=="}]}',
    "only magic bytes": f'{{"data": [{{"b64_json": "{PNG_HEAD}"}}]}}'.encode(),
    "padding inside": b'{"data": [{"b64_json": "iVBO=w0K"}]}',
    "only padding": b'{"data": [{"b64_json": "===="}]}',
    "not ascii": '{"data": [{"b64_json": "ïVBORw0K"}]}'.encode(),
    "surrogates": b'{"data": [{"b64_json": "\\ud800AAA"}]}',
    "a file": b'{"data": [{"url": "file:///etc/passwd"}]}',
    "javascript": b'{"data": [{"url": "javascript:alert(1)"}]}',
    "a path": b'{"data": [{"url": "/files/fox.png"}]}',
    "no host": b'{"data": [{"url": "https://"}]}',
    "line break": b'{"data": [{"url": "https://x.test/\\n"}]}',
    "bad port": b'{"data": [{"url": "https://x.test:port/"}]}',
    "data url of text": b'{"data": [{"url": "data:text/html;base64,PGI+"}]}',
    "data url unencoded": b'{"data": [{"url": "data:image/png,AAAA"}]}',
    "data url broken": b'{"data": [{"url": "data:image/png;base64,A"}]}',
}  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_a_useless_answer_is_no_success(ask: Ask, body: bytes) -> None:
    """A 200 without a usable picture is an error of its own, and has been paid for."""
    with pytest.raises(InvalidProviderResponse) as caught:
        await ask(httpx.Response(200, content=body))
    assert caught.value.billing == "billed"
    assert caught.value.upstream_status == 200
    assert not caught.value.retry
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 50])
async def test_base64_that_is_cut_off(ask: Ask, b64: str, cut: int) -> None:
    """Text whose length no encoder makes was cut on its way."""
    text = b64[:-cut] if (len(b64) - cut) % 4 else b64[: -cut - 1]
    with pytest.raises(InvalidProviderResponse):
        await ask(ok([{"b64_json": text}]))


async def test_base64_in_lines(ask: Ask, b64: str) -> None:
    """Encoders that break lines are understood; the text is handed on in one piece."""
    lines = "\r\n".join(b64[at : at + 76] for at in range(0, len(b64), 76)) + "\n"
    answer = await ask(ok([{"b64_json": lines}]))
    assert answer.data[0].b64_json == b64


@pytest.mark.parametrize("place", [0, 10, -5, -1])
@pytest.mark.parametrize("character", ["!", "-", " ", "\n", "\x00", "é"])
async def test_base64_with_a_stain(ask: Ask, b64: str, place: int, character: str) -> None:
    """One character that is not of the alphabet, anywhere, spoils the picture."""
    place %= len(b64)
    with pytest.raises(InvalidProviderResponse):
        await ask(ok([{"b64_json": b64[:place] + character + b64[place + 1 :]}]))


async def test_one_bad_item_spoils_the_answer(ask: Ask, b64: str) -> None:
    """Every picture has to be one."""
    with pytest.raises(InvalidProviderResponse):
        await ask(ok([{"b64_json": b64}, {}]))


async def test_a_picture_without_pixels(ask: Ask, b64: str) -> None:
    """A header that measures nothing describes no picture."""
    raw = bytearray(base64.b64decode(b64))
    raw[16:24] = bytes(8)
    with pytest.raises(InvalidProviderResponse):
        await ask(ok([{"b64_json": base64.b64encode(raw).decode()}]))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"message": "no", "code": "moderation_blocked"}, "moderation_blocked"),
        ({"message": "no", "type": "server_error"}, "provider_overloaded"),
        ("it failed", "provider_overloaded"),
    ],
)
async def test_an_error_under_a_success(ask: Ask, error: object, code: str) -> None:
    """Proxies that report errors with 200 are understood; the work may have been charged for."""
    with pytest.raises(PinxitError) as caught:
        await ask(httpx.Response(200, json={"error": error}))
    assert caught.value.code == code
    assert getattr(caught.value, "billing", None) == "billed"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
async def test_a_redirect_is_not_followed(models: dict[str, Model], status: int) -> None:
    """Neither key nor prompt goes where an answer points, even with a client that would follow."""
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(status, headers={"location": "https://evil.test/v1"})

    transport = httpx.MockTransport(handle)
    async with httpx.AsyncClient(transport=transport, follow_redirects=True) as http:
        context = Context(http=http, settings=Settings({"api_key": "any"}))
        with pytest.raises(ProviderError) as caught:
            await openai.generate(GenerateRequest(prompt="x"), models["gpt-image-2"], context)
    assert seen == ["api.openai.com"]
    assert caught.value.upstream_status == status


@pytest.mark.parametrize(
    ("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_simple_compression_is_understood(
    ask: Ask, b64: str, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    """A server that compresses although nobody asked is still heard."""
    body = encode(json.dumps({"data": [{"b64_json": b64}]}).encode())
    answer = await ask(httpx.Response(200, content=body, headers={"content-encoding": coding}))
    assert answer.data[0].b64_json == b64


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "x" * 500])
async def test_other_codings_are_refused(ask: Ask, pieces: type[Any], coding: str) -> None:
    """What could explode is not even opened."""
    body = pieces([b"boom"])
    with pytest.raises(InvalidProviderResponse, match="not asked for"):
        await ask(httpx.Response(200, stream=body, headers={"content-encoding": coding}))
    assert body.sent == 0
    assert body.closed


async def test_broken_compression(ask: Ask) -> None:
    """A body that cannot be decompressed is a useless answer."""
    response = httpx.Response(
        200, stream=httpx.ByteStream(b"not gzip"), headers={"content-encoding": "gzip"}
    )
    with pytest.raises(InvalidProviderResponse, match="decompressed"):
        await ask(response)


async def test_an_announced_flood_is_not_read(ask: Ask, pieces: type[Any]) -> None:
    """A length over the limit is refused at once."""
    body = pieces([b"x"])
    with pytest.raises(InvalidProviderResponse, match="longer than"):
        await ask(httpx.Response(200, stream=body, headers={"content-length": str(64 * 2**30)}))
    assert body.sent == 0
    assert body.closed


@pytest.mark.parametrize("length", ["-1", "many", "9" * 400])
async def test_a_nonsensical_length_is_ignored(
    ask: Ask, b64: str, pieces: type[Any], length: str
) -> None:
    """The bytes themselves are counted in any case."""
    body = pieces([json.dumps({"data": [{"b64_json": b64}]}).encode()])
    answer = await ask(httpx.Response(200, stream=body, headers={"content-length": length}))
    assert len(answer.data) == 1


async def test_an_endless_answer_is_cut(pieces: type[Any]) -> None:
    """Reading stops with the first byte over the limit."""
    body = pieces(b"x" * 1000 for _ in range(1_000_000))
    response = httpx.Response(200, stream=body)
    with pytest.raises(InvalidProviderResponse, match="longer than 5000 bytes"):
        async for _ in reading.chunks(response, 5000):
            pass
    assert body.sent == 6


async def test_a_bomb_is_counted_decompressed(pieces: type[Any]) -> None:
    """Ten megabytes of zeros are ten megabytes, however small they were sent."""
    body = pieces([gzip.compress(bytes(10_000_000))])
    response = httpx.Response(200, stream=body, headers={"content-encoding": "gzip"})
    with pytest.raises(InvalidProviderResponse, match="longer than"):
        async for _ in reading.chunks(response, 1_000_000):
            pass


async def test_a_broken_connection_stays_one(ask: Ask, pieces: type[Any]) -> None:
    """What httpx raises while reading passes, so that the engine can say what it may have cost."""
    body = pieces([b'{"data": '], error=httpx.ReadError("reset"))
    with pytest.raises(httpx.ReadError):
        await ask(httpx.Response(200, stream=body))
    assert body.closed


async def test_the_answer_is_closed(ask: Ask, pieces: type[Any], b64: str) -> None:
    """The connection is given back when the answer has been read."""
    body = pieces([json.dumps({"data": [{"b64_json": b64}]}).encode()])
    await ask(httpx.Response(200, stream=body))
    assert body.closed
