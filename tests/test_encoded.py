"""Base64 text that is read in parts."""

from __future__ import annotations

import base64

import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit.encoded import PIECE, Encoded, encode, read_data_url
from pinxit.errors import InvalidImage


@given(st.binary(max_size=200), st.integers(0, 220), st.integers(0, 220))
def test_slices_are_those_of_the_bytes(data: bytes, start: int, stop: int) -> None:
    """A slice of the text's bytes is the slice of the bytes."""
    encoded = Encoded(base64.b64encode(data))
    assert encoded[start:stop] == data[start:stop]
    assert len(encoded) == len(data)
    assert encoded.decode() == data


@given(st.binary(max_size=200))
def test_clients_forms_are_accepted(data: bytes) -> None:
    """Line breaks, blanks and missing padding are mended."""
    text = base64.encodebytes(data).decode()
    for form in (text, text.rstrip("\n").rstrip("="), f"  {text}\r\n", text.replace("\n", "\r\n")):
        encoded = Encoded(form)
        assert encoded.decode() == data
        assert encoded.text == base64.b64encode(data)


@pytest.mark.parametrize("text", [b"QUJD" * 1000, b"QUJD" * 100_000, b"QUI=", b"QQ=="])
def test_good_text_is_not_copied(text: bytes) -> None:
    """Text that needs no mending stays the same object, however long it is."""
    assert Encoded(text).text is text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("QUJ-_w==", "URL-safe"),
        ("QUJD!", "characters"),
        ("QUJDß", "ASCII"),
        ("QUJDQ", "cut off"),
        ("QQ=QQQ==", "padded"),
        ("QQ=", "cut off"),
        ("Q===", "padded"),
        ("<html>secret</html>", "characters"),
    ],
)
def test_other_text_is_refused(text: str, why: str) -> None:
    """Broken text is refused with a reason that does not show it."""
    with pytest.raises(InvalidImage, match=why) as error:
        Encoded(text)
    assert text not in str(error.value)
    assert error.value.param == "image"


@given(
    st.integers(0, 3).map(lambda n: b"A" * (PIECE - n)),
    st.binary(max_size=9).map(base64.b64encode) | st.text("AQ=/-\n ", max_size=9).map(str.encode),
)
def test_the_fast_check_knows_nothing_of_its_own(start: bytes, end: bytes) -> None:
    """With a decoder of C and without one the same text is taken, mended or refused."""
    found: list[bytes | str] = []
    for decode in (pybase64.b64decode, None):
        try:
            found.append(Encoded(start + end, decode=decode).text)
        except InvalidImage as error:
            found.append(str(error))
    assert found[0] == found[1]


@given(st.binary(max_size=99))
def test_encoding_is_pythons(data: bytes) -> None:
    """Whoever does it."""
    assert encode(data) == base64.b64encode(data)


def test_nothing_is_nothing() -> None:
    """Empty text stands for no bytes."""
    assert Encoded("").decode() == b""
    assert Encoded("")[0:10] == b""


def test_repr_tells_only_the_length() -> None:
    """No part of a picture appears in a log."""
    assert repr(Encoded("QUJD")) == "<Encoded 3 bytes>"


@pytest.mark.parametrize(
    ("url", "payload"),
    [
        ("data:image/png;base64,QUJD", (None, "QUJD")),
        ("DATA:image/png;BASE64,QUJD", (None, "QUJD")),
        ("data:image/png;charset=x;base64,QUI%3D", (None, "QUI=")),
        ("data:image/svg+xml,%3Csvg%20/%3E", (b"<svg />", None)),
    ],
)
def test_data_urls_are_taken_apart(url: str, payload: tuple[bytes | None, str | None]) -> None:
    """Base64 stays text, and what is only percent-encoded becomes bytes."""
    assert read_data_url(url) == payload


def test_data_url_without_data_is_refused() -> None:
    """A data: URL needs a comma."""
    with pytest.raises(InvalidImage, match="comma"):
        read_data_url("data:image/png;base64")
