"""Answers: what stands in the body and in the headers."""

from __future__ import annotations

import base64
import json
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scene import Scene
from pinxit import Adaptation, Attempt, Image, ImagesResponse, Report, TokenDetails, Usage
from pinxit.gateway.answers import image_pieces, images_answer, report_headers
from pinxit.gateway.encoding import encode_json
from pinxit.gateway.exchange import Answer
from pinxit.testing.pictures import picture
from pinxit.types import Usage as UsageType
from scripted import answer as good

PNG = picture()
B64 = base64.b64encode(PNG).decode()


def body_of(answer: Answer) -> dict[str, object]:
    raw = b"".join(answer.pieces)
    assert len(raw) == answer.length
    loaded: dict[str, object] = json.loads(raw)
    return loaded


def test_absent_fields_are_left_out() -> None:
    """Clients that take ``null`` for an error never see one, at any depth."""
    response = ImagesResponse(
        created=7, data=(Image(PNG), Image(url="https://x/y.png", revised_prompt="a fox"))
    )
    body = body_of(images_answer(response))
    assert body["created"] == 7
    assert body["data"] == [
        {"b64_json": B64},
        {"url": "https://x/y.png", "revised_prompt": "a fox"},
    ]
    assert body.keys() == {"created", "data", "pinxit"}
    assert "null" not in json.dumps(body)


def test_no_pictures_and_many() -> None:
    """The list is a list, however long."""
    assert body_of(images_answer(ImagesResponse(data=())))["data"] == []
    many = body_of(images_answer(ImagesResponse(data=(Image(PNG),) * 10)))
    assert many["data"] == [{"b64_json": B64}] * 10


def test_usage_is_whole_or_absent() -> None:
    """The router's client insists on every field of it."""
    usage = Usage(input_tokens=1, output_tokens=2, total_tokens=3)
    body = body_of(images_answer(ImagesResponse(data=(), usage=usage)))
    assert body["usage"] == {
        "input_tokens": 1, "output_tokens": 2, "total_tokens": 3,
        "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
    }  # fmt: skip
    full = usage.model_copy(update={"output_tokens_details": TokenDetails(image_tokens=2)})
    assert "output_tokens_details" in str(
        body_of(images_answer(ImagesResponse(data=(), usage=full)))["usage"]
    )


def test_what_the_pictures_are_is_said_once() -> None:
    """OpenAI's clients read size, quality, format and background beside the list."""
    response = ImagesResponse(
        data=(), size="64x48", quality="high", output_format="png", background="opaque"
    )
    body = body_of(images_answer(response))
    assert [body[k] for k in ("size", "quality", "output_format", "background")] == [
        "64x48",
        "high",
        "png",
        "opaque",
    ]


texts = st.text(max_size=20) | st.sampled_from(['"', "\\", "\n", "A" * 5, "é"])


@given(
    st.binary(max_size=60).map(base64.b64encode) | texts,
    st.none() | st.text(max_size=20),
)
def test_no_text_breaks_out_of_its_string(payload: bytes | str, prompt: str | None) -> None:
    """Whatever a provider called base64 or a prompt, the JSON is one object that holds just that."""
    image = Image(b64_json=payload, revised_prompt=prompt)
    raw = b"".join(image_pieces(image))
    expected = {"b64_json": image.b64_json, "revised_prompt": prompt}
    assert json.loads(raw) == {name: value for name, value in expected.items() if value is not None}


def test_half_characters_do_not_cost_an_answer() -> None:
    """Providers cut prompts in the middle of a character; what was painted is delivered all the same."""
    response = ImagesResponse(data=(Image(PNG, revised_prompt="a fox \ud83e"),))
    assert body_of(images_answer(response))["data"] == [
        {"b64_json": B64, "revised_prompt": "a fox ?"}
    ]
    assert encode_json({"a": ["\ud83e", float("inf")], "b": 1}) == b'{"a":["?",null],"b":1}'


def test_large_pictures_are_not_copied_around() -> None:
    """The text of a picture goes into the answer as the object that it is."""
    image = Image(b64_json=b"A" * 6_000_000)
    assert any(
        piece is image.encoded for piece in images_answer(ImagesResponse(data=(image,))).pieces
    )


REPORT = Report(
    model="s/a",
    attempts=(Attempt(model="s/b", outcome="ok"), Attempt(model="s/a", outcome="ok")),
    adaptations=(
        Adaptation(parameter="style", asked="vivid", verdict="dropped"),
        Adaptation(parameter="size", asked="1x1", verdict="mapped"),
    ),
    cost=Decimal("0.0420"),
)


def test_headers_say_what_the_report_says() -> None:
    """Those who only look at headers see model, attempts, cost and what was lost."""
    headers = dict(report_headers(REPORT, ignored=["foo"]))
    assert headers == {
        b"x-pinxit-model": b"s/a",
        b"x-pinxit-attempts": b"2",
        b"x-pinxit-cost": b"0.042",
        b"x-pinxit-dropped": b"style, foo",
    }


def test_a_hit_of_the_cache_sent_and_cost_nothing() -> None:
    """Who adds up the headers of all answers gets what was paid."""
    headers = dict(report_headers(REPORT.model_copy(update={"cached": True}), cached=True))
    assert (headers[b"x-pinxit-attempts"], headers[b"x-pinxit-cost"]) == (b"0", b"0")
    assert headers[b"x-pinxit-model"] == b"s/a"


@pytest.mark.parametrize(
    ("cached", "asked", "header"),
    [(True, True, b"hit"), (False, False, b"miss"), (False, None, None)],
)
def test_the_cache_is_named_where_it_was_asked(
    cached: bool, asked: bool | None, header: bytes | None
) -> None:
    """Who asked for the cache learns what it did."""
    report = Report(cached=cached)
    assert dict(report_headers(report, cached=asked)).get(b"x-pinxit-cache") == header


@given(st.text(max_size=40))
def test_nothing_becomes_a_header_line(name: str) -> None:
    """A name with line breaks, or none of the alphabet, stays one printable value."""
    report = Report(model=name, adaptations=(Adaptation(parameter=name, verdict="dropped"),))
    for _, value in report_headers(report, ignored=[name]):
        assert all(32 <= byte <= 126 for byte in value)
        assert len(value) <= 512


async def test_ignored_parameters_are_reported() -> None:
    """A lenient gateway says in header and report what it did not understand."""
    scene = Scene(lenient=True)
    async with scene.client() as http:
        answer = await http.post(
            "/v1/images/generations", json={"prompt": "p", "foo\r\nset-cookie": 1}
        )
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-pinxit-dropped"] == "foo??set-cookie"
    assert "was ignored" in answer.json()["pinxit"]["notes"][-1]


async def test_what_a_model_drops_stands_in_the_header(http: httpx.AsyncClient) -> None:
    """A hint that the model does not know is named."""
    answer = await http.post("/v1/images/generations", json={"prompt": "p", "style": "vivid"})
    assert answer.headers["x-pinxit-dropped"] == "style"


async def test_usage_and_echoes_of_a_provider_arrive() -> None:
    """What the provider says of its answer reaches the caller."""
    usage = UsageType(input_tokens=5, output_tokens=6, total_tokens=11)
    scene = Scene({"a": [good(usage=usage, quality="high")]})
    async with scene.client() as http:
        body = (await http.post("/v1/images/generations", json={"prompt": "p"})).json()
    assert body["usage"]["total_tokens"] == 11
    assert (body["quality"], body["size"], body["output_format"]) == ("high", "64x64", "png")
