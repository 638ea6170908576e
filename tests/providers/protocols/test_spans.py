"""Base64 that is cut out of JSON: the same fields as with any parser, and the same refusals."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit import InvalidProviderResponse
from pinxit_providers.protocols.spans import MOST, SHORTEST, parse_large
from pinxit_providers.protocols.values import parse

LONG = base64.b64encode(bytes(range(256)) * 64).decode()


def told(value: Any) -> Any:
    """The same with text where bytes were cut out."""
    match value:
        case bytes():
            return value.decode()
        case dict():
            return {name: told(field) for name, field in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list():
            return [told(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


texts = st.sampled_from([LONG, LONG + "=", "short", "", 'a "b64_json": "', "pinxit-span-0", "\\"])
fields = st.dictionaries(
    st.sampled_from(["b64_json", "url", '"b64_json', 'x"b64_json"', "data"]), texts, max_size=4
)


@given(
    st.lists(fields, max_size=3),
    texts,
    st.sampled_from([None, 2]),
    st.sampled_from([(",", ":"), (" , ", " : "), (",\n", "\t:\r\n")]),
)
def test_nothing_is_read_differently(
    data: list[dict[str, str]], prompt: str, indent: int | None, separators: tuple[str, str]
) -> None:
    """Whatever stands around the text, before it and in its place, also words that look like ours."""
    body = json.dumps({"prompt": prompt, "data": data}, indent=indent, separators=separators)
    assert told(parse_large(body.encode(), 200)) == parse(body.encode(), 200)


def test_long_text_stays_bytes() -> None:
    """One value each, wherever it stands; short text and text under other names is text."""
    body = {"b64_json": LONG, "data": [{"b64_json": LONG + LONG}, {"url": LONG, "b64_json": "x"}]}
    assert parse_large(json.dumps(body).encode(), 200) == {
        "b64_json": LONG.encode(),
        "data": [{"b64_json": (LONG + LONG).encode()}, {"url": LONG, "b64_json": "x"}],
    }


def test_escapes_are_left_to_a_parser() -> None:
    """Some encoders write a slash with a backslash before it."""
    text = "/" * SHORTEST
    body = f'{{"b64_json": "{text}"}}'.replace("/", "\\/").encode()
    assert parse_large(body, 200) == {"b64_json": text}


BROKEN = {
    "cut inside": f'{{"b64_json": "{LONG}',
    "cut behind": f'{{"b64_json": "{LONG}"',
    "two values": f'{{"b64_json": "{LONG}"}}{{}}',
    "no comma": f'{{"b64_json": "{LONG}" "b": 1}}',
    "a list": f'[{{"b64_json": "{LONG}"}}]',
    "no value": '{"b64_json":',
    "not JSON": f'"b64_json": "{LONG}"',
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_json_object_is_none_without_its_pictures(name: str) -> None:
    """The rest is parsed as strictly as ever, and the error shows nothing of it."""
    with pytest.raises(InvalidProviderResponse) as caught:
        parse_large(BROKEN[name].encode(), 200)
    assert LONG[:20] not in str(caught.value)


def test_keys_without_end_do_not_keep_us_busy() -> None:
    """Of a million keys a few are looked at, and the rest is left to the parser."""
    body = b'{"data":[%s]}' % b",".join([b'{"b64_json":""}'] * 20_000)
    assert len(parse_large(body, 200)["data"]) == 20_000  # type: ignore[arg-type]
    many = b'{"data":[%s]}' % b",".join([b'{"b64_json":"%s"}' % LONG.encode()] * (MOST + 1))
    kinds = {type(item["b64_json"]) for item in parse_large(many, 200)["data"]}  # type: ignore[attr-defined]
    assert kinds == {bytes, str}
