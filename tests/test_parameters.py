"""From keyword arguments to requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from pinxit import EditRequest, GenerateRequest, Image, InvalidImage, RequestError, VariationRequest
from pinxit.parameters import edit_request, generate_request, variation_request
from pinxit.testing import png

PICTURE = png(4, 4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A picture on the disk."""
    path = tmp_path / "fox.png"
    path.write_bytes(PICTURE)
    return path


def test_keyword_arguments_are_a_request() -> None:
    """``generate(prompt, **parameters)`` and a request object are the same thing."""
    assert generate_request("a fox", {"n": 2, "size": "2k"}) == GenerateRequest(
        prompt="a fox", n=2, size="2K"
    )


def test_a_whole_request_is_taken_as_it_is() -> None:
    """Without further arguments it is not even copied."""
    request = GenerateRequest(prompt="a fox")
    assert generate_request(request, {}) is request


def test_arguments_beside_a_request_change_it() -> None:
    """What is said beside a request wins, and the result is checked like any request."""
    request = GenerateRequest(prompt="a fox", n=2, seed=7)
    changed = generate_request(request, {"n": 3, "seed": None})
    assert (changed.prompt, changed.n, changed.seed) == ("a fox", 3, None)
    assert changed.model_fields_set == {"prompt", "n"}
    with pytest.raises(RequestError, match="n: "):
        generate_request(request, {"n": 99})


def test_a_misspelt_argument_is_named() -> None:
    """A misspelt keyword is not lost."""
    with pytest.raises(RequestError, match="unknown parameter 'sise'; did you mean 'size'"):
        generate_request("a fox", {"sise": "1x1"})


def test_an_application_may_name_files(file: Path) -> None:
    """A string is a path here, because an application and not a stranger wrote it."""
    for image in (file, str(file), PICTURE, Image(PICTURE)):
        assert edit_request("a hat", image, {}).images[0].data == PICTURE
    edited = edit_request("a hat", [str(file), file], {"mask": str(file)})
    assert len(edited.images) == 2
    assert edited.mask is not None
    assert edited.mask.data == PICTURE
    assert edit_request("a hat", file, {"markup": str(file)}).markup is not None
    assert variation_request(str(file), {}).images[0].filename == "fox.png"


def test_a_url_is_no_path() -> None:
    """What begins as an address is one."""
    request = variation_request("https://example.com/a.png", {})
    assert request.images[0].url == "https://example.com/a.png"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The message has the path and the reason."""
    with pytest.raises(InvalidImage, match=r"nothing\.png.*no such file"):
        variation_request(str(tmp_path / "nothing.png"), {})


def test_an_edit_request_can_be_changed() -> None:
    """A picture or a mask beside a request replaces the request's own."""
    request = EditRequest.model_validate({"prompt": "a hat", "images": [PICTURE]})
    other = png(5, 5)
    assert edit_request(request, None, {}) is request
    assert edit_request(request, other, {}).images[0].width == 5
    masked = edit_request(request, None, {"mask": other})
    assert masked.mask is not None
    assert masked.images[0].width == 4


def test_an_edit_needs_a_picture() -> None:
    """Without one the sentence names the field as the API does."""
    with pytest.raises(RequestError, match="image: is required"):
        edit_request("a hat", None, {})


def test_a_variation_request_can_be_changed() -> None:
    """Arguments beside a request change it here too."""
    request = VariationRequest.model_validate({"images": [PICTURE]})
    assert variation_request(request, {"n": 2}).n == 2
