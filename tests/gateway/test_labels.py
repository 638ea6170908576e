"""Input pictures by the names that the caller gave them."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from pinxit.errors import ContentRejected, InvalidImage, RequestError, UnsupportedRequest
from pinxit.gateway.labels import Labels
from pinxit.testing.pictures import picture

GOOD = picture()
URL = f"data:image/png;base64,{base64.b64encode(GOOD).decode()}"
NOT_ONE: list[dict[str, Any] | str | int] = [
    "data:image/png;base64,!!!!",
    "data:,",
    "/etc/passwd",
    5,
    {},
    {"b64_json": "AAAA"},
    {"b64_json": "!!!"},
    {"image_url": "x"},
    {"image_url": 5},
    {"image_url": "http://127.0.0.1/x"},
    {"file_id": "file-1"},
    {"colour": "red"},
]
"""What is no picture, found out at different stages: while reading, fitting, fetching."""


async def complaint(http: httpx.AsyncClient, **message: Any) -> dict[str, Any]:
    answer = await http.post("/v1/images/edits", **message)
    assert answer.status_code == 400
    error: dict[str, Any] = answer.json()["error"]
    return error


@pytest.mark.parametrize("bad", NOT_ONE, ids=str)
@pytest.mark.parametrize(
    ("field", "before", "name"),
    [
        ("images", [], "images.0"),
        ("images", [URL], "images.1"),
        ("image", [URL, URL], "image.2"),
    ],
)
async def test_lists_in_json(
    http: httpx.AsyncClient, field: str, before: list[Any], name: str, bad: Any
) -> None:
    """Whatever is wrong with a picture of a list, message and ``param`` say which one it is."""
    error = await complaint(http, json={"prompt": "p", field: [*before, bad]})
    assert (error["param"], error["code"]) == (name, "invalid_image")
    assert error["message"].startswith((f"{name}: ", f"{name} "))


@pytest.mark.parametrize("bad", NOT_ONE, ids=str)
@pytest.mark.parametrize("field", ["image", "mask"])
async def test_single_pictures_in_json(http: httpx.AsyncClient, field: str, bad: Any) -> None:
    """A field that holds one picture is named as it is."""
    error = await complaint(http, json={"prompt": "p", "image": URL, field: bad})
    assert (error["param"], error["code"]) == (field, "invalid_image")
    assert error["message"].startswith((f"{field}: ", f"{field} "))


@pytest.mark.parametrize("bad", [b"", b"GIF8", GOOD[:60], b"<html>"])
@pytest.mark.parametrize("field", ["image", "image[]"])
@pytest.mark.parametrize(("count", "name"), [(0, "image"), (1, "image[1]"), (3, "image[3]")])
async def test_files_of_forms(
    http: httpx.AsyncClient, field: str, count: int, name: str, bad: bytes
) -> None:
    """The first file of a form is ``image``, the next one ``image[1]``, however the parts are called."""
    files = [(field, ("a.png", data)) for data in [*[GOOD] * count, bad]]
    error = await complaint(http, data={"prompt": "p"}, files=files)
    assert (error["param"], error["code"]) == (name, "invalid_image")
    assert error["message"].startswith(f"{name}: ")


@pytest.mark.parametrize("count", [0, 17])
@pytest.mark.parametrize("field", ["image", "images"])
async def test_wrong_numbers_are_about_the_field(
    http: httpx.AsyncClient, field: str, count: int
) -> None:
    """Too few or too many pictures are nobody's fault in particular; the sentence has the numbers."""
    error = await complaint(http, json={"prompt": "p", field: [URL] * count})
    assert error["param"] == field
    assert error["message"].startswith(f"{field}: has {count} items, ")


async def test_plans_name_them_too(http: httpx.AsyncClient) -> None:
    """A plan reads the same body."""
    answer = await http.post(
        "/v1/images/plan", json={"prompt": "p", "images": [URL, "data:,"], "operation": "edit"}
    )
    assert answer.json()["error"]["param"] == "images.1"


def renamed(error: RequestError | UnsupportedRequest, labels: Labels) -> Exception:
    with pytest.raises(type(error)) as caught, labels.applied():
        raise error
    return caught.value


def test_sentences_about_several_models() -> None:
    """Reasons of models name pictures as well."""
    error = UnsupportedRequest({"s/a": ["image[1] is 96x64, the model takes squares"]})
    assert "images.1 is 96x64" in str(renamed(error, Labels("images", listed=True)))


def test_naming_twice_changes_nothing() -> None:
    """An error may pass several doors on its way out."""
    labels = Labels("images", listed=True)
    error = renamed(InvalidImage("image: is none", param="image"), labels)
    assert isinstance(error, InvalidImage)
    assert str(renamed(error, labels)) == "images.0: is none"


def test_a_providers_words_stay() -> None:
    """What somebody else said is not corrected."""
    error = renamed(ContentRejected("image[1] shows a face"), Labels("images", listed=True))
    assert str(error) == "image[1] shows a face"
