"""From what clients send to requests."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit import EditRequest, GenerateRequest, RequestError
from pinxit.gateway.errors import BadMessage
from pinxit.gateway.forms import Upload
from pinxit.gateway.wire import STRUCTURES, parse_form, parse_json, to_request
from pinxit.options import Options
from pinxit.testing.pictures import mask, picture
from pinxit.types import Operation

PNG = picture()
B64 = base64.b64encode(PNG).decode()
DATA_URL = f"data:image/png;base64,{B64}"


def generate(**fields: Any) -> GenerateRequest:
    request = to_request("generate", {"prompt": "p"} | fields).request
    assert isinstance(request, GenerateRequest)
    return request


def edit(**fields: Any) -> EditRequest:
    request = to_request("edit", {"prompt": "p", "image": DATA_URL, **fields}).request
    assert isinstance(request, EditRequest)
    return request


# JSON -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"1", b"\xff", b'{"a": NaN}', b'{"a": 1} x', b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000, b"9" * 100_000, b'{"prompt": "\\ud800"}', b"prompt=p",
    ],
    ids=lambda body: str(body[:16]),
)  # fmt: skip
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    """Broken, deep, endless or of another kind: a 400 that quotes nothing."""
    with pytest.raises(BadMessage, match=r"^the body is") as caught:
        parse_json(body)
    assert caught.value.status == 400
    assert len(str(caught.value)) < 120


def test_millions_of_values_are_not_built() -> None:
    """A body of empty lists would take twenty times its size; a long prompt is just a prompt."""
    with pytest.raises(BadMessage, match="more than 150000 values"):
        parse_json(b'{"a": [' + b"[]," * 200_000 + b"[]]}")
    with pytest.raises(RequestError, match="more than 150000 values"):
        generate(fallbacks="[" + "1," * 200_000 + "1]")
    assert len(parse_json(b'{"prompt": "' + b"a," * 50_000 + b'"}')["prompt"]) == 100_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fallbacks", ["s/b"] * 101),
        ("retry", {"on_codes": [429] * 101}),
        ("load_balancer", {"models": [{"model": "s/b"}] * 101}),
        ("identity", {"id": "x", "tags": ["t"] * 101}),
        ("require", ["quality"] * 101),
    ],
)
def test_long_lists_are_refused_by_their_length(name: str, value: object) -> None:
    """No item of such a list is looked at."""
    with pytest.raises(RequestError, match=rf"^{name}.*has 101 items, 100 are the most"):
        generate(**{name: value})


def test_what_belongs_to_a_provider_may_be_long() -> None:
    """What is handed on untouched is no business of ours."""
    assert generate(extra={"s": {"points": [1] * 500}}).extra == {"s": {"points": [1] * 500}}


def test_a_thousand_pictures_are_refused_by_their_number() -> None:
    """None of them is decoded first."""
    with pytest.raises(RequestError, match=r"^image: has 1000 items"):
        edit(image=[DATA_URL] * 1000)


def test_a_byte_order_mark_is_no_error() -> None:
    """Some editors put one in front."""
    assert parse_json(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


# Numbers and words ----------------------------------------------------------------------------------


def test_numbers_may_be_floats_or_text() -> None:
    """The router's own clients send ``2.0``, forms send text."""
    request = generate(
        n=2.0, retry={"count": "2.0", "on_codes": [429.0, "500"]}, timeout={"call_timeout": 30000.0}
    )
    assert request.n == 2
    assert request.retry is not None
    assert (request.retry.count, request.retry.on_codes) == (2, (429, 500))
    assert request.timeout == 30


@pytest.mark.parametrize("word", ["true", True, "1"])
def test_booleans_may_be_text(word: object) -> None:
    """A form has no other way to say them."""
    assert generate(stream=word).stream is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", True), ("n", "true"), ("n", 2.5), ("n", "x"), ("n", 0), ("n", 11), ("n", [1]), ("seed", False),
        ("prompt", True), ("prompt", 1), ("prompt", ""), ("prompt", " "), ("size", 1024), ("size", "big"),
        ("model", {"a": 1}), ("quality", "best"), ("style", "x"), ("retry", "3"), ("retry", [1]),
        ("retry", {"count": 6}), ("retry", {"count": 1, "on_codes": []}), ("fallbacks", "x"),
        ("fallbacks", [1]),
        ("fallbacks", [{"name": "x"}]), ("cache", {"ttl": 0}), ("timeout", {"call_timeout": 0}),
        ("timeout", {"call_timeout": "x"}), ("timeout", {"ms": 1}), ("load_balancer", {"models": []}),
        ("load_balancer", {"models": [{"model": "a", "weight": 2}]}), ("metadata", {"k": 1}),
        ("identity", {"name": "x"}), ("orq", "x"), ("orq", [1]), ("thread", "t"), ("thread", {}),
        ("fallback_on_codes", [200]), ("fallback_on_codes", [500, 500]), ("plugins", [{"id": "x"}]),
        ("stream", "perhaps"), ("extra", []), ("n", 1e999), ("metadata", "{"), ("retry", "{'count': 1}"),
    ],
)  # fmt: skip
def test_bad_values_name_their_field(name: str, value: object) -> None:
    """Each is a `RequestError` whose message and ``param`` begin with the field."""
    with pytest.raises(RequestError) as caught:
        generate(**{name: value})
    assert caught.value.status == 400
    assert (caught.value.param or "").split(".")[0] == name
    assert name in str(caught.value)


def test_null_is_absent() -> None:
    """OpenAI's clients send ``null`` for what was not given."""
    request = generate(n=None, size=None, retry=None, orq=None, plugins=None, thread=None)
    assert (request.n, request.size, request.retry) == (1, None, None)


def test_unknown_fields_name_the_nearest_known_one() -> None:
    """A typing error costs no picture, and the message has the fix."""
    with pytest.raises(RequestError, match="unknown parameter 'qualty'; did you mean 'quality'"):
        generate(qualty="high")


def test_lenient_leaves_unknown_fields_out_and_says_so() -> None:
    """Nothing is lost in silence: what was ignored is returned by name."""
    asked = to_request(
        "generate", {"prompt": "p", "qualty": "high", "orq": {"foo": 1}}, lenient=True
    )
    assert sorted(asked.ignored) == ["orq.foo", "qualty"]


def test_lenient_reaches_into_objects() -> None:
    """What another router's ``retry`` or ``fallbacks`` may say beside ours costs no request either."""
    fields: dict[str, Any] = {
        "prompt": "p",
        "retry": {"count": 2, "jitter": True},
        "fallbacks": [{"model": "s/a", "region": "eu", "zone": 1}, "s/b", {"model": "s/c"}],
    }
    asked = to_request("generate", fields, lenient=True)
    assert sorted(asked.ignored) == ["fallbacks.0.region", "fallbacks.0.zone", "retry.jitter"]
    assert asked.request.retry is not None
    assert asked.request.retry.count == 2
    assert [f.model for f in asked.request.fallbacks or ()] == ["s/a", "s/b", "s/c"]
    assert fields["retry"] == {"count": 2, "jitter": True}
    with pytest.raises(RequestError, match=r"^retry\.count: should be less"):
        to_request("generate", {**fields, "retry": {"count": 9, "jitter": True}}, lenient=True)
    with pytest.raises(RequestError, match=r"'fallbacks\.0\.region'"):
        to_request("generate", fields)


# The block and old names ----------------------------------------------------------------------------


def test_the_top_level_wins_over_the_block() -> None:
    """What both say is taken from the top; what only the block says counts; ``null`` says nothing."""
    request = generate(
        retry={"count": 1},
        name=None,
        orq={
            "retry": {"count": 5},
            "name": "inner",
            "fallbacks": [{"model": "s/b"}],
            "identity": {"id": "u1"},
        },
    )
    assert request.retry is not None
    assert request.retry.count == 1
    assert request.name == "inner"
    assert request.fallbacks is not None
    assert request.fallbacks[0].model == "s/b"
    assert request.identity is not None
    assert request.identity.id == "u1"


def test_old_names_are_understood() -> None:
    """``orq.retries``, ``contact`` and a bare list of shares are what clients of last year send."""
    request = generate(
        orq={"retries": {"count": 2}, "contact": {"id": "u"}, "load_balancer": [{"model": "s/b"}]}
    )
    assert request.retry is not None
    assert request.retry.count == 2
    assert request.identity is not None
    assert request.load_balancer is not None
    assert request.load_balancer.models[0].model == "s/b"
    assert generate(contact={"id": "v"}).identity is not None


@pytest.mark.parametrize(
    ("orq", "param"),
    [
        ({"prompt": {"id": "x"}}, "orq.prompt"),
        ({"plugins": [{"id": "x"}]}, "orq.plugins"),
        ({"nmae": "x"}, "orq.nmae"),
    ],
)
def test_what_the_block_cannot_hold_is_refused(orq: object, param: str) -> None:
    """Stored prompts and prompt plugins of other routers are not done in silence, nor ignored."""
    with pytest.raises(RequestError) as caught:
        generate(orq=orq)
    assert caught.value.param == param


def test_a_thread_is_recorded() -> None:
    """It ends in the metadata, where traces find it; metadata of that name is not overwritten."""
    assert generate(thread={"id": "t1", "tags": ["a"]}, metadata={"k": "v"}).metadata == {
        "thread_id": "t1", "thread_tags": "a", "k": "v",
    }  # fmt: skip


def test_a_thread_has_no_other_fields() -> None:
    """A typing error in it is told, or left out and told where that is wanted."""
    fields = {"prompt": "p", "thread": {"id": "t", "tag": ["x"], "tags": None}}
    with pytest.raises(RequestError, match=r"unknown parameter 'thread\.tag'"):
        to_request("generate", fields)
    asked = to_request("generate", fields, lenient=True)
    assert (asked.ignored, asked.request.metadata) == (("thread.tag",), {"thread_id": "t"})


def test_the_contact_header_names_the_identity_where_nothing_else_does() -> None:
    """The body is nearer to the caller than a header that a client library sets."""
    asked = to_request("generate", {"prompt": "p"}, contact="c1").request
    assert asked.identity is not None
    assert asked.identity.id == "c1"
    named = to_request("generate", {"prompt": "p", "identity": {"id": "i"}}, contact="c1").request
    assert named.identity is not None
    assert named.identity.id == "i"


# Pictures -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"image": DATA_URL}, id="data URL"),
        pytest.param({"image": [DATA_URL]}, id="list"),
        pytest.param({"image": B64}, id="bare base64"),
        pytest.param({"image": {"image_url": DATA_URL}}, id="object"),
        pytest.param({"image": {"image_url": {"url": DATA_URL}}}, id="nested object"),
        pytest.param({"image": {"b64_json": B64}}, id="base64 object"),
        pytest.param({"image": Upload(PNG)}, id="upload"),
        pytest.param({"image": None, "images": [{"image_url": DATA_URL}]}, id="OpenAI's JSON edit"),
    ],
)
def test_pictures_come_in_many_shapes(fields: dict[str, Any]) -> None:
    """Whatever the shape, the bytes are those that were sent."""
    assert [image.data for image in edit(**fields).images] == [PNG]


def test_web_pictures_stay_urls() -> None:
    """Nothing is downloaded while a request is read."""
    image = edit(image="https://example.com/a.png").images[0]
    assert (image.is_local, image.url) == (False, "https://example.com/a.png")


@pytest.mark.parametrize(
    "value",
    [
        "fox.png", "/etc/passwd", "~/x", "C:\\x.png", "file:///etc/passwd", "ftp://x/y", "..", "%2e%2e",
        "javascript:alert(1)", 5, True, [], [[DATA_URL]], {}, {"file_id": "file-1"}, {"path": "/x"},
        {"image_url": "/etc/passwd"}, {"image_url": "file:///x"}, {"image_url": 5}, "data:nothing",
        Upload(b""), {"b64_json": 5},
    ],
    ids=str,
)  # fmt: skip
def test_no_text_is_ever_a_path(value: object) -> None:
    """What is neither a URL of the web nor base64 is refused, and no file is opened for it."""
    with pytest.raises(RequestError) as caught:
        edit(image=value)
    assert (caught.value.param or "").startswith("image")


def test_a_path_that_looks_like_base64_is_not_opened(tmp_path: Path) -> None:
    """A long path may pass for base64; then it is base64, and no picture."""
    path = "/usr/share/pictures/holiday/fox"
    image = edit(image=path).images[0]
    with pytest.raises(RequestError, match=r"^image: "):
        _ = image.info


def test_masks_and_markup_are_pictures_too() -> None:
    """They take the same shapes as the picture itself."""
    masked, marked = edit(mask={"image_url": DATA_URL}), edit(markup=Upload(mask()))
    assert masked.mask is not None
    assert masked.mask.data == PNG
    assert marked.markup is not None
    assert marked.markup.data == mask()
    with pytest.raises(RequestError, match=r"^mask: "):
        edit(mask="mask.png")


def test_pictures_have_one_name() -> None:
    """``image`` and ``images`` together would leave the order open."""
    with pytest.raises(RequestError, match="send one"):
        edit(images=[DATA_URL])


@pytest.mark.parametrize("name", ["image", "images", "mask"])
def test_generations_take_no_pictures(name: str) -> None:
    """Whoever sends one gets a sentence, not a picture without it."""
    with pytest.raises(RequestError, match=rf"^{name}: generations take no pictures"):
        generate(**{name: DATA_URL})


def test_variations_are_not_streamed() -> None:
    """OpenAI has no events for them; asking for a stream is refused, denying it is not."""
    fields = {"image": DATA_URL}
    with pytest.raises(RequestError, match=r"^stream: "):
        to_request("variation", {**fields, "stream": "true"})
    assert to_request("variation", {**fields, "stream": "false"}).request.stream is False


def test_streams_bring_base64() -> None:
    """Events have no field for a URL, so a model's default of URLs does not count there."""
    assert generate(stream=True).response_format == "b64_json"
    assert generate(stream=True, response_format="url").response_format == "url"
    assert generate().response_format is None


# Forms ----------------------------------------------------------------------------------------------


def from_form(operation: Operation, *pairs: tuple[str, Any]) -> Any:
    return to_request(operation, parse_form([("prompt", "p"), *pairs])).request


NESTED: dict[str, list[tuple[str, Any]]] = {
    "brackets": [
        ("fallbacks[][model]", "s/b"), ("fallbacks[][model]", "s/c"), ("retry[count]", "2"),
        ("retry[on_codes][]", "429"), ("retry[on_codes][]", "500"), ("cache[ttl]", "60"),
        ("load_balancer[type]", "weight_based"),
        ("load_balancer[models][][model]", "s/a"), ("load_balancer[models][][model]", "s/b"),
        ("load_balancer[models][][weight]", "0.7"), ("load_balancer[models][][weight]", "0.3"),
        ("timeout[call_timeout]", "30000"), ("metadata[k]", "v"), ("orq[identity][id]", "u1"),
        ("fallback_on_codes[]", "429"), ("fallback_on_codes[]", "503"),
    ],
    "JSON in text": [
        ("fallbacks", '[{"model": "s/b"}, "s/c"]'), ("retry", '{"count":2.0,"on_codes":[429.0,500.0]}'),
        ("cache", '{"type":"exact_match","ttl":60.0}'),
        ("load_balancer",
         '{"type":"weight_based","models":[{"model":"s/a","weight":0.7},{"model":"s/b","weight":0.3}]}'),
        ("timeout", ' {"call_timeout":30000.0}'), ("metadata", '{"k": "v"}'),
        ("orq", '{"identity":{"id":"u1"}}'), ("fallback_on_codes", "[429, 503]"),
    ],
    "JSON in files": [
        ("fallbacks", Upload(b'["s/b", "s/c"]')), ("retry", Upload(b'{"count":2,"on_codes":[429,500]}')),
        ("cache", Upload(b'{"ttl":60}')),
        ("load_balancer", Upload(b'{"models":[{"model":"s/a","weight":0.7},{"model":"s/b","weight":0.3}]}')),
        ("timeout", Upload(b'{"call_timeout":30000}')), ("metadata", Upload(b'{"k":"v"}')),
        ("orq", Upload(b'{"identity":{"id":"u1"}}')),
        ("fallback_on_codes[]", "429"), ("fallback_on_codes[]", "503"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("encoding", NESTED)
@pytest.mark.parametrize("operation", ["edit", "variation"])
def test_nested_objects_in_all_encodings(encoding: str, operation: Operation) -> None:
    """Three families of clients write the same objects in three ways."""
    pairs = NESTED[encoding]
    fields = parse_form(
        [*pairs, ("image", Upload(PNG)), *([("prompt", "p")] if operation == "edit" else [])]
    )
    request = to_request(operation, fields).request
    assert request.fallbacks is not None
    assert [fallback.model for fallback in request.fallbacks] == ["s/b", "s/c"]
    assert request.retry is not None
    assert (request.retry.count, request.retry.on_codes) == (2, (429, 500))
    assert request.cache is not None
    assert request.cache.ttl == 60
    assert request.load_balancer is not None
    assert [(s.model, s.weight) for s in request.load_balancer.models] == [
        ("s/a", 0.7),
        ("s/b", 0.3),
    ]
    assert request.timeout == 30
    assert request.metadata == {"k": "v"}
    assert request.identity is not None
    assert request.identity.id == "u1"
    assert request.fallback_on_codes == (429, 503)


def test_single_values_of_lists() -> None:
    """A list of one may come without brackets."""
    request = from_form(
        "generate", ("fallbacks", "s/b"), ("fallback_on_codes", "503"), ("require", "quality")
    )
    assert request.fallbacks[0].model == "s/b"
    assert request.fallback_on_codes == (503,)
    assert request.require == ("quality",)


def test_pictures_repeat_in_forms() -> None:
    """``image``, ``image[]`` and both together are one list, in order."""
    second = picture("jpeg")
    request = from_form(
        "edit", ("image", Upload(PNG)), ("image[]", Upload(second)), ("mask[]", Upload(mask()))
    )
    assert [image.format for image in request.images] == ["png", "jpeg"]
    assert request.mask.data == mask()


def test_two_masks_are_one_too_many() -> None:
    """Neither of the two is taken."""
    with pytest.raises(RequestError, match=r"^mask: is given 2 times"):
        from_form("edit", ("image", Upload(PNG)), ("mask", Upload(PNG)), ("mask", Upload(PNG)))


def test_text_in_forms_may_be_a_picture() -> None:
    """A URL or base64 in a text part is what it would be in JSON."""
    assert from_form("edit", ("image", DATA_URL)).images[0].data == PNG
    assert from_form("edit", ("image", B64)).images[0].data == PNG


def test_empty_text_is_absent() -> None:
    """A form has no other way to leave a field out."""
    request = from_form("generate", ("size", ""), ("n", ""), ("retry", ""))
    assert (request.size, request.n, request.retry) == (None, 1, None)


def test_files_in_the_place_of_text() -> None:
    """Text that comes as a file is read as text; a picture there is refused."""
    assert generate(**parse_form([("prompt", Upload("é".encode()))])).prompt == "é"
    with pytest.raises(RequestError, match=r"^prompt: is a file, send it as text"):
        parse_form([("prompt", Upload(PNG))])


def test_a_prompt_that_looks_like_json_stays_text() -> None:
    """Only fields that are lists or objects are decoded."""
    assert from_form("generate", ("name", '{"a": 1}')).name == '{"a": 1}'
    assert generate(prompt="[1]").prompt == "[1]"


def test_every_structured_option_is_known_as_one() -> None:
    """A new option that is a list or an object has to be decoded from forms as well."""
    plain = {
        "timeout",
        "deadline",
        "fidelity",
        "max_cost",
        "on_refusal",
        "on_retired",
        "order",
        "strip_metadata",
    }
    assert set(Options.model_fields) - plain <= STRUCTURES


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
names = st.sampled_from(
    [*EditRequest.model_fields, "image", "orq", "thread", "contact", "plugins", "x"]
)


@given(
    st.sampled_from(["generate", "edit", "variation"]),
    st.dictionaries(names, json_values, max_size=5),
)
def test_any_json_is_a_request_or_refused(operation: Operation, fields: dict[str, Any]) -> None:
    """Whatever the fields hold, the answer is a request or a `RequestError`."""
    try:
        asked = to_request(operation, {"prompt": "p", **fields})
    except RequestError as error:
        refused = error
    else:
        assert asked.request.operation == operation
        return
    assert refused.status == 400
    assert str(refused)


@given(
    st.lists(
        st.tuples(names, st.text(max_size=20) | st.binary(max_size=20).map(Upload)), max_size=6
    )
)
def test_any_form_is_a_request_or_refused(pairs: list[tuple[str, Any]]) -> None:
    """The same for forms."""
    try:
        request = to_request("edit", parse_form(pairs)).request
    except RequestError as error:
        refused = error
    else:
        assert request.operation == "edit"
        return
    assert refused.status == 400


@pytest.mark.parametrize("more", [[], ["s/old"]])
def test_lists_item_by_item(more: list[str]) -> None:
    """OpenAPI's way to write a list in a form is one part per item; objects among them are JSON."""
    texts = ['{"model": "s/b", "parameters": {"n": 2}}', *more]
    fields = parse_form([("prompt", "p"), *(("fallbacks", text) for text in texts)])
    fallbacks = to_request("generate", fields).request.fallbacks or ()
    assert [fallback.model for fallback in fallbacks] == ["s/b", *more]
    assert [fallback.parameters for fallback in fallbacks][:1] == [{"n": 2}]


@pytest.mark.parametrize("tags", [5, "a", {"a": 1}, True])
def test_tags_of_a_thread_are_a_list(tags: object) -> None:
    """What is none is the caller's mistake, and not a bug of ours."""
    with pytest.raises(RequestError, match=r"^thread\.tags: is not a list"):
        generate(thread={"id": "t", "tags": tags})
