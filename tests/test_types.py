"""Requests and responses: every field, every limit, and a sentence for what is wrong."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from pinxit import (
    EditRequest,
    GenerateRequest,
    Image,
    ImagesResponse,
    PartialImage,
    RequestError,
    Retry,
    TokenDetails,
    Usage,
    VariationRequest,
)
from pinxit.testing import png
from pinxit.types import (
    Operation,
    Request,
    add_usage,
    build,
    explain,
    parse_ratio,
    parse_size,
    rebuild,
)

PICTURE = png(4, 4)


def generate(**fields: Any) -> GenerateRequest:
    return build(GenerateRequest, {"prompt": "a fox", **fields})


def edit(**fields: Any) -> EditRequest:
    return build(EditRequest, {"prompt": "a hat", "images": [PICTURE], **fields})


def variation(**fields: Any) -> VariationRequest:
    return build(VariationRequest, {"images": [PICTURE], **fields})


def refusal(make: Callable[..., Request] = generate, **fields: Any) -> str:
    with pytest.raises(RequestError) as caught:
        make(**fields)
    return str(caught.value)


# Sizes and ratios ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        ("1024x768", (1024, 768)),
        ("1x99999", (1, 99999)),
        ("0x10", None),
        ("010x10", None),
        ("100000x1", None),
        ("1024", None),
        ("auto", None),
        ("", None),
        (None, None),
    ],
)
def test_sizes_are_pixels(size: str | None, pixels: tuple[int, int] | None) -> None:
    """WIDTHxHEIGHT is two positive numbers without leading zeros; anything else is no size in pixels."""
    assert parse_size(size) == pixels


@given(st.integers(1, 99999), st.integers(1, 99999))
def test_every_size_is_read_back(width: int, height: int) -> None:
    """What is written as a size is read as that size."""
    assert parse_size(f"{width}x{height}") == (width, height)


@pytest.mark.parametrize(
    ("ratio", "value"),
    [("16:9", 16 / 9), ("2.39:1", 2.39), ("0:1", None), ("1:0", None), ("1", None), (None, None)],
)
def test_ratios_are_width_by_height(ratio: str | None, value: float | None) -> None:
    """A ratio is a positive number; anything else is none."""
    assert parse_ratio(ratio) == value


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1024x1024", "1024x1024"),
        ("1024X768", "1024x768"),
        ("1024*768", "1024x768"),
        ("1024\N{MULTIPLICATION SIGN}768", "1024x768"),
        (" 1024x768 ", "1024x768"),
        ("AUTO", "auto"),
        ("2k", "2K"),
        ("4K", "4K"),
        ("512", "512"),
    ],
)
def test_sizes_are_taken_as_people_write_them(given: str, kept: str) -> None:
    """Stars, signs, blanks and letters of either case mean the same."""
    assert generate(size=given).size == kept


@pytest.mark.parametrize("size", ["large", "1024", "1024x", "-1x5", "5K", "1024x1024x1024", ""])
def test_other_sizes_are_refused(size: str) -> None:
    """The sentence says what a size looks like, and what came."""
    said = refusal(size=size)
    assert said.startswith(("size: ", "size "))
    assert "WIDTHxHEIGHT" in said


@pytest.mark.parametrize("ratio", ["16:9", "auto", "1.85:1"])
def test_ratios_are_taken(ratio: str) -> None:
    """A ratio is kept as it was written."""
    assert generate(aspect_ratio=ratio).aspect_ratio == ratio


def test_other_ratios_are_refused() -> None:
    """The sentence says what a ratio looks like."""
    assert "WIDTH:HEIGHT" in refusal(aspect_ratio="wide")


@pytest.mark.parametrize(
    ("size", "ratio", "agree"),
    [
        ("1344x768", "16:9", True),
        ("1024x1024", "16:9", False),
        ("2K", "16:9", True),
        ("auto", "16:9", True),
        ("1024x1024", "auto", True),
    ],
)
def test_size_and_ratio_must_agree(size: str, ratio: str, agree: bool) -> None:
    """Pixels that contradict a ratio are refused; providers' own rounding is no contradiction."""
    if agree:
        assert generate(size=size, aspect_ratio=ratio).size == size
    else:
        assert "contradicts size" in refusal(size=size, aspect_ratio=ratio)


# Fields -------------------------------------------------------------------------------------------

GOOD: dict[str, tuple[Any, ...]] = {
    "model": ("a/b", "hero"),
    "n": (1, 10),
    "size": ("auto",),
    "aspect_ratio": ("4:3",),
    "quality": ("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"),
    "style": ("vivid", "natural"),
    "background": ("auto", "transparent", "opaque"),
    "output_format": ("png", "jpeg", "webp", "gif", "svg"),
    "output_compression": (0, 100),
    "response_format": ("url", "b64_json"),
    "moderation": ("auto", "low"),
    "complexity": ("low", "medium", "high"),
    "negative_prompt": ("rain",),
    "seed": (0, 2**63 - 1),
    "stream": (True, False),
    "partial_images": (0, 3),
    "frame_count": (2, 64),
    "frame_duration_ms": (10, 655_350),
    "svg": ({"model": "tracer"}, {"reasoning": {"effort": "low"}}),
    "extra": ({"acme": {"steps": 30}},),
    "user": ("u" * 1024,),
    "safety_identifier": ("s" * 1024,),
    "name": ("n" * 256,),
    "metadata": ({"k": "v" * 512}, {str(i): "" for i in range(64)}),
    "identity": ({"id": "u1"},),
    "retry": ({"count": 5},),
    "timeout": (0.1, {"call_timeout": 100}),
}
BAD: dict[str, tuple[Any, ...]] = {
    "model": ("", "m" * 257, 7),
    "n": (0, 11, "several", 1.5),
    "quality": ("best", 1),
    "style": ("cubist",),
    "background": ("white",),
    "output_format": ("jpg", "bmp", "avif"),
    "output_compression": (-1, 101),
    "response_format": ("b64",),
    "moderation": ("off",),
    "complexity": ("max",),
    "negative_prompt": ("x" * 100_001, 7),
    "seed": (-1, 2**63, 1.5),
    "stream": ("perhaps",),
    "partial_images": (-1, 4),
    "frame_count": (1, 65),
    "frame_duration_ms": (9, 655_351),
    "svg": ({"colour": "red"}, {"reasoning": {"depth": "low"}}),
    "extra": ({"acme": 30}, "steps"),
    "user": ("u" * 1025,),
    "safety_identifier": ("s" * 1025,),
    "name": ("n" * 257,),
    "metadata": ({"k": "v" * 513}, {str(i): "" for i in range(65)}, {"k": 1}),
    "identity": ({"email": "a@b"},),
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in GOOD.items() for v in vs])
@pytest.mark.parametrize("make", [generate, edit, variation])
def test_fields_are_taken_at_their_limits(
    make: Callable[..., Request], field: str, value: Any
) -> None:
    """Every operation takes every shared field, up to its limits."""
    request = make(**{field: value})
    assert field in request.model_fields_set
    assert getattr(request, field) is not None


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, vs in BAD.items() for v in vs])
def test_fields_beyond_their_limits_are_refused(field: str, value: Any) -> None:
    """A value outside the vocabulary or the range is refused with the name of its field."""
    with pytest.raises(RequestError) as caught:
        generate(**{field: value})
    assert (caught.value.param or "").split(".")[0] == field
    assert str(caught.value).removeprefix("unknown parameter '").startswith(field)


def test_every_field_is_tried() -> None:
    """The tables above know every field that the operations share, except those of routing."""
    shared = set(VariationRequest.model_fields) - {"images"}
    routing = set(GenerateRequest.__mro__[2].__annotations__)
    assert shared - routing == GOOD.keys() - routing


@pytest.mark.parametrize("prompt", ["", "   ", "\n", "x" * 100_001, None, 7])
def test_a_prompt_says_something(prompt: object) -> None:
    """A prompt is text that is not blank, of at most 100,000 characters."""
    assert refusal(prompt=prompt).startswith("prompt: ")


def test_a_prompt_is_kept_to_the_letter() -> None:
    """Nothing is trimmed off what somebody asks for."""
    assert generate(prompt=" a fox\n").prompt == " a fox\n"


@pytest.mark.parametrize("field", sorted(VariationRequest.model_fields.keys() - {"images"}))
def test_null_is_absent(field: str) -> None:
    """A field that is null is as if it were not there, for every field."""
    request = generate(**{field: None})
    assert request == generate()
    assert field not in request.model_fields_set


def test_a_null_prompt_is_a_missing_one() -> None:
    """A required field that is null is missing."""
    assert refusal(prompt=None) == "prompt: is required"


def test_auto_is_kept() -> None:
    """``auto`` is the model's choice, and not the same as nothing."""
    assert generate(quality="auto", background="auto", size="auto").quality == "auto"


def test_a_blank_negative_prompt_is_absent() -> None:
    """Avoiding nothing is nothing."""
    assert generate(negative_prompt="  ").negative_prompt is None


def test_jpeg_cannot_be_transparent() -> None:
    """What no format can carry is refused before anybody tries."""
    assert "transparent" in refusal(output_format="jpeg", background="transparent")


def test_operations_name_themselves() -> None:
    """Each request knows which hook serves it."""
    assert {cls.operation for cls in get_args(Request)} == set(get_args(Operation))


def test_a_request_is_immutable() -> None:
    """A request that was planned is the request that is sent."""
    with pytest.raises(ValidationError):
        generate().n = 2


# Pictures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["image", "images"])
def test_one_picture_or_several(name: str) -> None:
    """``image`` and ``images`` mean the same, and one picture needs no list."""
    assert len(build(EditRequest, {"prompt": "a hat", name: [PICTURE, PICTURE]}).images) == 2
    one = {"image": PICTURE, "images": [PICTURE]}[name]
    assert build(VariationRequest, {name: one}).images[0].data == PICTURE


def test_images_wins_over_image() -> None:
    """Where both are given, the list is what is meant."""
    request = build(VariationRequest, {"image": png(5, 5), "images": [PICTURE]})
    assert request.images[0].data == PICTURE


def test_image_is_no_field_of_generate() -> None:
    """A picture in a request that takes none is an unknown parameter, not a lost one."""
    assert refusal(image=PICTURE).startswith("unknown parameter 'image'")


@pytest.mark.parametrize(
    "picture",
    [
        PICTURE,
        bytearray(PICTURE),
        Image(PICTURE),
        {"b64_json": Image(PICTURE).b64_json},
        {"image_url": f"data:image/png;base64,{Image(PICTURE).b64_json}"},
        f"data:image/png;base64,{Image(PICTURE).b64_json}",
        io.BytesIO(PICTURE),
    ],
)
def test_pictures_come_in_many_clothes(picture: object) -> None:
    """Bytes, an Image, an open file, a data URL and the API's object are all the picture."""
    assert edit(images=[picture]).images[0].data == PICTURE


def test_a_path_is_read_and_a_string_is_no_path(tmp_path: Path) -> None:
    """A Path is an application's own; a plain string may come from a stranger."""
    file = tmp_path / "a.png"
    file.write_bytes(PICTURE)
    assert edit(images=[file]).images[0].data == PICTURE
    assert refusal(edit, images=[str(file)]).startswith("image")


def test_a_url_is_kept_for_later() -> None:
    """Nothing is downloaded while a request is built."""
    picture = edit(images=["https://example.com/a.png"]).images[0]
    assert (picture.is_local, picture.url) == (False, "https://example.com/a.png")


@pytest.mark.parametrize("count", [0, 17])
def test_an_edit_takes_one_to_sixteen_pictures(count: int) -> None:
    """Neither none nor more than sixteen; the sentence speaks of ``image``, as the API does."""
    assert refusal(edit, images=[PICTURE] * count).startswith("image: ")


def test_a_variation_takes_one_picture() -> None:
    """A second picture is refused."""
    with pytest.raises(RequestError, match="image"):
        build(VariationRequest, {"images": [PICTURE, PICTURE]})


def test_an_edit_takes_mask_or_markup() -> None:
    """A mask and a markup say different things about the same picture."""
    assert edit(mask=PICTURE, input_fidelity="high").mask is not None
    assert edit(markup=PICTURE).markup is not None
    assert "mask" in refusal(edit, mask=PICTURE, markup=PICTURE)


# Sentences ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"promt": "x"}, "unknown parameter 'promt'; did you mean 'prompt'?"),
        ({"sizes": "x"}, "unknown parameter 'sizes'; did you mean 'size'?"),
        ({"zzz": 1}, "unknown parameter 'zzz'"),
        ({"image[]": PICTURE}, "unknown parameter 'image[]'"),
        ({"quality": "best"}, "quality: should be 'auto', 'low', 'medium', 'high', 'xhigh', "
                              "'max', 'standard' or 'hd', not 'best'"),
        ({"n": 11}, "n: should be less than or equal to 10, not 11"),
        ({"n": "several"}, "n: should be a valid integer, unable to parse string as an integer, "
                           "not 'several'"),
        ({"retry": {"count": 9}}, "retry.count: should be less than or equal to 5, not 9"),
        ({"retry": {"times": 2}}, "unknown parameter 'retry.times'"),
        ({"retry": {"on_code": [429]}}, "unknown parameter 'retry.on_code'; did you mean 'on_codes'?"),
        ({"fallbacks": [{"model": "x", "paramters": 1}]},
         "unknown parameter 'fallbacks.0.paramters'; did you mean 'parameters'?"),
        ({"load_balancer": {"models": [{"model": "a", "wieght": 1}]}},
         "unknown parameter 'load_balancer.models.0.wieght'; did you mean 'weight'?"),
        ({"style": "x" * 100}, f"style: should be 'vivid' or 'natural', not '{'x' * 76}..."),
        ({"user": b"x" * 2000}, "2000 bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(fields: dict[str, Any], says: str) -> None:
    """A sentence names the field, what is allowed, and the value, cut to a readable length."""
    assert says in refusal(**fields)
    assert "\n" not in refusal(**fields)


def test_sentences_have_no_secrets_of_pydantic() -> None:
    """Neither its addresses nor the names of its unions reach a caller."""
    said = refusal(fallbacks=[7])
    assert said.startswith("fallbacks.0: ")
    assert "pydantic" not in said


def test_bytes_of_pictures_stay_out_of_sentences() -> None:
    """A picture in the wrong place is counted, not quoted."""
    said = refusal(prompt=b"\xff\xfe" * 500)
    assert "\\xff" not in said


def test_a_fallback_s_own_mistake_is_placed() -> None:
    """A mistake deep inside names the way to it."""
    assert refusal(fallbacks=[{"model": ""}]).startswith("fallbacks.0.model: ")


def test_explain_speaks_of_the_request_where_no_field_is_at_fault() -> None:
    """What is no mapping has no field to name."""
    with pytest.raises(ValidationError) as caught:
        GenerateRequest.model_validate([])
    assert explain(caught.value, GenerateRequest).param == "request"


def test_rebuild_keeps_the_kind() -> None:
    """Each kind of request is checked as what it is."""
    for request in (generate(), edit(), build(VariationRequest, {"image": PICTURE})):
        fields = {name: getattr(request, name) for name in request.model_fields_set}
        again = rebuild(request, {**fields, "n": 2})
        assert (type(again), again.n) == (type(request), 2)
    with pytest.raises(RequestError, match="n: "):
        rebuild(generate(), {"prompt": "a fox", "n": 99})


# Responses ----------------------------------------------------------------------------------------


def test_a_response_is_dated() -> None:
    """An answer that does not say when it was made was made now."""
    before = int(time.time())
    assert before <= ImagesResponse(data=(Image(PICTURE),)).created <= int(time.time())


def test_a_response_dumps_as_the_api_writes_it() -> None:
    """In JSON a picture is a URL or base64 text, and money a number."""
    response = ImagesResponse(
        created=1,
        data=(Image(PICTURE, revised_prompt="a red fox"), Image(url="https://x.test/1.png")),
        cost=Decimal("0.04"),
    )
    dumped = response.model_dump(mode="json")
    assert dumped["data"] == [
        {"b64_json": Image(PICTURE).b64_json, "revised_prompt": "a red fox"},
        {"url": "https://x.test/1.png"},
    ]
    assert dumped["cost"] == 0.04


def test_a_response_does_not_show_its_pictures() -> None:
    """Bytes of pictures stay out of logs."""
    shown = repr(ImagesResponse(data=(Image(PICTURE),)))
    assert "<Image png 4x4>" in shown
    assert "IDAT" not in shown


def test_a_partial_picture_has_a_place() -> None:
    """The first partial picture is number 0."""
    assert PartialImage(index=0, image=Image(PICTURE)).index == 0
    with pytest.raises(ValidationError):
        PartialImage(index=-1, image=Image(PICTURE))


def test_usage_adds_up() -> None:
    """Counts of several calls are added, kind by kind."""
    one = Usage(
        input_tokens=3,
        output_tokens=10,
        total_tokens=13,
        input_tokens_details=TokenDetails(text_tokens=1, image_tokens=2),
    )
    two = one.model_copy(update={"output_tokens_details": TokenDetails(image_tokens=10)})
    both = add_usage([one, two])
    assert (both.input_tokens, both.output_tokens, both.total_tokens) == (6, 20, 26)
    assert both.input_tokens_details == TokenDetails(text_tokens=2, image_tokens=4)
    assert both.output_tokens_details == TokenDetails(image_tokens=10)


def test_usage_of_nothing_is_nothing() -> None:
    """Without details there are none to add."""
    assert add_usage([]) == Usage()
    assert add_usage([Usage(), Usage()]).output_tokens_details is None


def test_requests_hold_options() -> None:
    """Routing options are fields of the request, and checked with it."""
    assert generate(retry={"count": 1}).retry == Retry(count=1)


def test_requests_are_data() -> None:
    """A request can be written as JSON and read again."""
    request = generate(size="2K", retry={"count": 2}, extra={"acme": {"steps": 3}}, max_cost="0.1")
    assert isinstance(request, BaseModel)
    assert GenerateRequest.model_validate_json(request.model_dump_json()) == request


class Costly(str):
    """Text that must not be looked at as a whole."""

    __slots__ = ()

    def __repr__(self) -> str:
        raise AssertionError("the whole text was written down")


@pytest.mark.parametrize(
    "fields",
    [
        {"quality": Costly("x" * 1000)},
        {"size": Costly("x" * 1000)},
        {"n": Costly("x" * 1000)},
        {"retry": {"count": Costly("x" * 1000)}},
        {"timeout": {"call_timeout": "x" * 10_000_000}},
        {"x" * 10_000_000: 1},
        {"svg": {"x" * 10_000_000: 1}},
        {"metadata": {"x" * 10_000_000: 1}},
        {"identity": {"id": "x" * 10_000_000}},
        {"needs": ["x" * 10_000_000]},
        {"require": {"x" * 10_000_000: 1}},
    ],
    ids=lambda fields: next(iter(fields))[:10],
)
def test_long_values_are_not_repeated(fields: dict[str, Any]) -> None:
    """A sentence about megabytes is as short as any other, and is found without reading them twice."""
    with pytest.raises(RequestError) as caught:
        build(GenerateRequest, {"prompt": "p", **fields})
    assert len(str(caught.value)) < 400
    assert len(caught.value.param or "") < 200
