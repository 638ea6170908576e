"""Bodies of requests: the same bytes each time, and nothing that was not meant."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from pinxit import Context, EditRequest, GenerateRequest, RequestError, Settings
from pinxit.capabilities import Capability, Model
from pinxit.payload import Image
from pinxit.testing.pictures import picture
from pinxit_providers.protocols.bodies import (
    Part,
    data_url,
    form_request,
    json_request,
    plain_base64,
    upload_size,
    with_extra,
)
from replay import form, image

URL = httpx.URL("https://acme.test/v1/paint")
HTTP = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
CONTEXT = Context(http=HTTP, settings=Settings({}))
BRUSH = Model(id="acme/brush", operations={"generate": Capability()})


def written(fields: dict[str, Any], *parts: Part) -> httpx.Request:
    sent = form_request(CONTEXT, URL, {"x-more": "1"}, fields, parts)
    sent.read()
    return sent


def part(field: str = "image", **options: Any) -> Part:
    return Part(field, f"{field}.png", image(**options))


# Forms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [(), (part(),)], ids=["without files", "with a file"])
def test_a_form_is_multipart_in_any_case(parts: tuple[Part, ...]) -> None:
    """Fields are plain ones, with or without files beside them."""
    sent = written({"prompt": "a fox, ü", "n": 2, "raw": True, "scale": 0.5, "none": None}, *parts)
    assert sent.method == "POST"
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert sent.headers["x-more"] == "1"
    fields, files = form(sent)
    assert fields == {"prompt": "a fox, ü", "n": "2", "raw": "true", "scale": "0.5"}
    assert [f.field for f in files] == [each.field for each in parts]
    assert sent.content.count(b"filename=") == len(parts)


def test_files_come_in_their_order_and_type() -> None:
    """Each file has a name that we made up, and the type that its header says."""
    first, second = image("jpeg"), Image(picture("webp"), filename="../../secret.png")
    sent = written({}, Part("image", "image.jpeg", first), Part("mask", "mask.webp", second))
    files = form(sent)[1]
    assert [(f.field, f.filename, f.content_type) for f in files] == [
        ("image", "image.jpeg", "image/jpeg"),
        ("mask", "mask.webp", "image/webp"),
    ]
    assert [f.data for f in files] == [first.data, second.data]
    assert b"secret" not in sent.content


def test_several_files_may_share_a_field() -> None:
    """A list of pictures is a field that is repeated."""
    files = form(written({}, part("image[]"), part("image[]", width=64, height=64)))[1]
    assert [(f.field, Image(f.data).info.size) for f in files] == [
        ("image[]", "96x64"),
        ("image[]", "64x64"),
    ]


@pytest.mark.parametrize("parts", [(), (part(),)], ids=["without files", "with a file"])
def test_nested_fields_are_written_in_brackets(parts: tuple[Part, ...]) -> None:
    """Objects and lists become names in brackets, as OpenAI's own clients write them."""
    sent = written({"a": {"b": {"c": 1}}, "list": ["x", "y"], "empty": []}, *parts)
    text = sent.content.decode("latin-1")
    assert text.count('name="list[]"') == 2
    assert text.count('name="a[b][c]"') == 1
    assert "empty" not in text


def test_the_same_form_has_the_same_bytes() -> None:
    """The boundary follows from all that it separates, so that a plan shows what is sent."""
    one, again = (written({"prompt": "a fox"}, part()) for _ in range(2))
    assert one.content == again.content
    boundaries = {
        written({"prompt": "a fox"}, part()).headers["content-type"],
        written({"prompt": "a crow"}, part()).headers["content-type"],
        written({"prompt": "a fox"}, part(width=64)).headers["content-type"],
        written({"prompt": "a fox"}, part("mask")).headers["content-type"],
        written({"prompt": "a fox"}).headers["content-type"],
    }
    assert len(boundaries) == 5


def test_a_prompt_cannot_leave_its_field() -> None:
    """Lines that look like a form's own stay what they are: a prompt."""
    head = written({"prompt": "a fox"}).headers["content-type"].partition("boundary=")[2]
    evil = f'a\r\n--{head}\r\nContent-Disposition: form-data; name="n"\r\n\r\n10\r\n--{head}--\r\n'
    for parts in ((), (part(),)):
        assert form(written({"prompt": evil}, *parts))[0] == {"prompt": evil}


def test_a_name_cannot_leave_its_line() -> None:
    """The name of an option is quoted, whatever it holds."""
    sent = written({'a"\r\nx: y': "1"})
    head = sent.content.partition(b"\r\n\r\n")[0]
    assert b"\r\nx: y" not in head


# JSON ---------------------------------------------------------------------------------------------


def test_json() -> None:
    """Fields are JSON in their order, and say so."""
    sent = json_request(CONTEXT, URL, {"x-more": "1"}, {"prompt": "ü", "n": 2, "list": [1]})
    assert json.loads(sent.content) == {"prompt": "ü", "n": 2, "list": [1]}
    assert (sent.headers["content-type"], sent.headers["x-more"]) == ("application/json", "1")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_hold(value: object) -> None:
    """The caller's own options are the only place where such a value can come from."""
    with pytest.raises(RequestError, match="extra") as caught:
        json_request(CONTEXT, URL, {}, {"prompt": "a fox", "odd": value})
    assert caught.value.param == "extra"


def test_half_a_character_in_a_form() -> None:
    """What cannot be written as UTF-8 is refused in a form too."""
    for parts in ((), (part(),)):
        with pytest.raises(RequestError, match="extra"):
            written({"odd": "\ud800"}, *parts)


# Pieces -------------------------------------------------------------------------------------------


def test_pictures_as_text() -> None:
    """A picture is base64, alone or in a data URL of its own type."""
    found = image("jpeg")
    assert plain_base64(found) == found.b64_json
    assert data_url(found) == f"data:image/jpeg;base64,{found.b64_json}"


def test_the_size_of_uploads() -> None:
    """Every input picture counts; a prompt alone weighs nothing."""
    first, second = image(), image("jpeg")
    request = EditRequest(prompt="a hat", images=(first, second))
    assert upload_size(request) == first.byte_count + second.byte_count
    assert upload_size(GenerateRequest(prompt="a fox")) == 0


def test_extra_adds_and_never_replaces() -> None:
    """Options of the provider fill what is open; what was fitted stays, and others' options too."""
    extra: dict[str, Any] = {"acme": {"steps": 20, "n": 9, "image": "x"}, "zeta": {"steps": 1}}
    request = GenerateRequest(prompt="a fox", extra=extra)
    fields = with_extra({"n": 1, "seed": None}, request, BRUSH, frozenset({"image"}))
    assert fields == {"steps": 20, "n": 1}
