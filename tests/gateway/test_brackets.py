"""Nested values from the flat names of forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit import RequestError
from pinxit.gateway.brackets import nested

REPEATABLE = frozenset({"image"})


def build(*pairs: tuple[str, Any]) -> dict[str, Any]:
    return nested(pairs, repeatable=REPEATABLE)


@pytest.mark.parametrize(
    ("pairs", "value"),
    [
        pytest.param([("f[]", "1"), ("f[]", "2")], ["1", "2"], id="list"),
        pytest.param([("f[a]", "1"), ("f[b]", "2")], {"a": "1", "b": "2"}, id="object"),
        pytest.param(
            [("f[c]", "2"), ("f[on][]", "429"), ("f[on][]", "500")],
            {"c": "2", "on": ["429", "500"]},
            id="list in an object",
        ),
        pytest.param([("f[][m]", "x"), ("f[][m]", "y")], [{"m": "x"}, {"m": "y"}], id="one field"),
        pytest.param(
            [("f[][m]", "x"), ("f[][m]", "y"), ("f[][w]", "1"), ("f[][w]", "2")],
            [{"m": "x", "w": "1"}, {"m": "y", "w": "2"}],
            id="field by field",
        ),
        pytest.param(
            [("f[][m]", "x"), ("f[][w]", "1"), ("f[][m]", "y"), ("f[][w]", "2")],
            [{"m": "x", "w": "1"}, {"m": "y", "w": "2"}],
            id="object by object",
        ),
        pytest.param(
            [("f[][m]", "x"), ("f[][w]", "1"), ("f[][m]", "y")],
            [{"m": "x", "w": "1"}, {"m": "y"}],
            id="object by object, the last one shorter",
        ),
        pytest.param(
            [("f[][m]", "x"), ("f[][p][q]", "low"), ("f[][t][]", "1"), ("f[][t][]", "2")],
            [{"m": "x", "p": {"q": "low"}, "t": ["1", "2"]}],
            id="one object with everything",
        ),
        pytest.param([("f[0][m]", "x"), ("f[1][m]", "y")], [{"m": "x"}, {"m": "y"}], id="numbered"),
        pytest.param([("f[1]", "y"), ("f[0]", "x")], ["x", "y"], id="numbered, out of order"),
        pytest.param([("f[7]", "y")], {"7": "y"}, id="a number that counts nothing"),
        pytest.param([("f", "x")], "x", id="plain"),
    ],
)  # fmt: skip
def test_shapes(pairs: list[tuple[str, str]], value: object) -> None:
    """What clients write with brackets is what they would have written as JSON."""
    assert build(*pairs) == {"f": value}


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param([("f[][m]", "x"), ("f[][m]", "y"), ("f[][w]", "1")], id="whose weight?"),
        pytest.param(
            [("f[][m]", "x"), ("f[][t][]", "1"), ("f[][m]", "y"), ("f[][t][]", "2")],
            id="whose tags?",
        ),
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_is_refused(pairs: list[tuple[str, str]]) -> None:
    """A weight at the wrong model costs money; the message says how to be clear."""
    with pytest.raises(RequestError, match=r"^f: .*send the list as JSON") as caught:
        build(*pairs)
    assert caught.value.param == "f"


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("f", "1"), ("f", "2")], "f: is given 2 times"),
        ([("f", "1"), ("f[a]", "2")], "f: is given 2 times"),
        ([("f[a]", "1"), ("f[a]", "2")], "f.a: is given 2 times"),
        ([("f[]", "1"), ("f[a]", "2")], "as a list and as an object"),
        ([(f"f{'[a]' * 9}", "1")], "nested too deeply"),
    ],
)
def test_contradictions_are_refused(pairs: list[tuple[str, str]], message: str) -> None:
    """Of two values for one name neither is taken in silence."""
    with pytest.raises(RequestError, match=message):
        build(*pairs)


@pytest.mark.parametrize("name", ["f[", "f]", "[]", "[a]", "f[a", "f[a]b", "", "f[[a]]"])
def test_odd_names_stay_as_they_are(name: str) -> None:
    """A name that is no bracket expression is nobody's field, and is named as it was sent."""
    assert build((name, "1")) == {name: "1"}


def test_pictures_may_repeat_with_and_without_brackets() -> None:
    """``image`` and ``image[]`` are the same list; one without brackets is no list."""
    assert build(("image", "a"), ("image[]", "b")) == {"image": ["a", "b"]}
    assert build(("image[]", "a")) == {"image": ["a"]}
    assert build(("image", "a")) == {"image": "a"}


leaves = st.text("xyz", min_size=1, max_size=3)
rows = st.lists(st.fixed_dictionaries({"m": leaves, "w": leaves}), min_size=1, max_size=5)


@given(rows, st.booleans())
def test_complete_objects_survive_in_either_order(
    rows: list[dict[str, str]], by_field: bool
) -> None:
    """Both ways in which clients write a list of objects lead back to the list."""
    pairs = [(f"f[][{name}]", row[name]) for row in rows for name in row]
    if by_field:
        pairs.sort(key=lambda pair: pair[0])
    assert build(*pairs) == {"f": rows}


@given(st.lists(st.tuples(st.text("f[]a0", max_size=12), leaves), max_size=12))
def test_any_names_are_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    """Whatever the names are, the answer is fields or a `RequestError`."""
    try:
        fields = build(*pairs)
    except RequestError:
        return
    assert len(fields) <= len(pairs)
