"""The accents of OpenAI's Images API: each knob of a profile, on an imaginary provider."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from pinxit import (
    Capability,
    ContentRejected,
    Context,
    FixedSizes,
    Image,
    InputImages,
    Mask,
    Model,
    PinxitError,
    Seed,
    Settings,
)
from pinxit.testing.clock import ManualClock
from pinxit.testing.pictures import mask, picture
from pinxit.types import EditRequest, GenerateRequest, Operation, Request, VariationRequest
from pinxit_providers.fakes.asgi import Incoming, picture_base64
from pinxit_providers.protocols.complaints import Vocabulary
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.openai_images import (
    Profile,
    as_json,
    build,
    call,
    pixels,
    ratio_and,
    width_and_height,
)
from pinxit_providers.protocols.pictures import dollars

KEY = "acme-key-of-nobody-0123456789"
PNG = picture_base64(16, 16)
ENDPOINT = Endpoint(provider="acme", base_url="https://acme.test/v1")
PLAIN = Capability(sizes=FixedSizes(values=("64x64", "96x64"), auto=True), max_n=4)
EVERYTHING: dict[str, Any] = {
    "prompt": "a fox",
    "quality": "low",
    "style": "vivid",
    "background": "opaque",
    "output_format": "png",
    "output_compression": 80,
    "moderation": "low",
    "complexity": "high",
    "seed": 7,
    "negative_prompt": "rain",
    "user": "caller-1",
    "response_format": "url",
}


def model(capability: Capability = PLAIN, **fields: Any) -> Model:
    """Return a model with one capability for all three operations."""
    drawn = capability.model_copy(update={"images": capability.images or InputImages(max=4)})
    operations = {"generate": capability, "edit": drawn, "variation": drawn}
    return Model.model_validate({"id": "acme/brush", "operations": operations} | fields)


def lent(reply: httpx.Response | None = None) -> Context:
    def answer(request: httpx.Request) -> httpx.Response:
        del request
        return reply or httpx.Response(500)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return Context(http=http, settings=Settings({"api_key": KEY}), clock=ManualClock())


def body(
    request: Request, capability: Capability = PLAIN, *, of: Model | None = None, **knobs: Any
) -> dict[str, Any]:
    """Return the JSON that a profile with these knobs makes of a request."""
    profile = Profile(endpoint=ENDPOINT, **knobs)
    built = build(profile, request, of or model(capability), lent())
    fields: dict[str, Any] = json.loads(built.content)
    return fields


def fox(**fields: Any) -> GenerateRequest:
    return GenerateRequest(prompt="a fox", **fields)


def hat(count: int = 1, **fields: Any) -> EditRequest:
    images = tuple(Image(picture("png", 16 + 8 * place, 16)) for place in range(count))
    return EditRequest(prompt="a hat", images=images, **fields)


async def read(*items: object, request: Request | None = None, **knobs: Any) -> Any:
    """Return what a profile with these knobs reads from a list of items."""
    return await answered({"created": 1, "data": [*items]}, request, **knobs)


async def answered(fields: object, request: Request | None = None, **knobs: Any) -> Any:
    profile = Profile(endpoint=ENDPOINT, **knobs)
    context = lent(httpx.Response(200, json=fields))
    async with context.http:
        return await call(profile, request or fox(), model(), context)


async def error(fields: object, **knobs: Any) -> PinxitError:
    with pytest.raises(PinxitError) as caught:
        await answered(fields, **knobs)
    return caught.value


# What is sent ----------------------------------------------------------------------------------------


def test_only_what_a_model_takes_is_sent() -> None:
    """A field that a capability does not have is not sent, whatever the request holds."""
    assert body(GenerateRequest(**EVERYTHING)) == {"model": "brush", "prompt": "a fox", "n": 1}


def test_what_a_model_takes_is_sent() -> None:
    """Each part of a capability lets its field through."""
    capability = Capability(
        qualities=("low",),
        styles=("vivid",),
        backgrounds=("opaque",),
        output_formats=("png", "jpeg"),
        compression=("jpeg",),
        moderations=("low",),
        complexities=("high",),
        seed=Seed(),
        negative_prompt=True,
        delivers=("url", "b64_json"),
    )
    sent = body(GenerateRequest(**EVERYTHING), capability, response_format={"url": "link"})
    expected = {**EVERYTHING, "model": "brush", "n": 1, "response_format": "link"}
    del expected["user"]
    assert sent == expected


@pytest.mark.parametrize(
    ("size", "request_fields", "expected"),
    [
        (pixels, {"size": "96x64"}, {"size": "96x64"}),
        (pixels, {"size": "2K"}, {"size": "2K"}),
        (pixels, {}, {}),
        (width_and_height, {"size": "96x64"}, {"width": 96, "height": 64}),
        (width_and_height, {"size": "auto"}, {}),
        (width_and_height, {}, {}),
        (
            ratio_and("resolution"),
            {"aspect_ratio": "3:2", "size": "2K"},
            {"aspect_ratio": "3:2", "resolution": "2K"},
        ),
        (ratio_and("resolution", case=str.lower), {"size": "2K"}, {"resolution": "2k"}),
        (ratio_and("image_size"), {"aspect_ratio": "auto"}, {"aspect_ratio": "auto"}),
    ],
)
def test_sizes(size: Any, request_fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """A size is said as pixels, as two numbers, or as a ratio with a class."""
    sent = body(fox(**request_fields), size=size)
    assert sent == {"model": "brush", "prompt": "a fox", "n": 1, **expected}


def test_a_model_without_sizes_is_told_none() -> None:
    """Where sizes cannot be chosen, no way of saying them is used."""
    assert "size" not in body(fox(size="64x64"), Capability())


@pytest.mark.parametrize(
    ("n", "expected"), [("n", {"n": 2}), ("batch_size", {"batch_size": 2}), ("", {})]
)
def test_the_number(n: str, expected: dict[str, int]) -> None:
    """The number of pictures has the server's own name, or none."""
    sent = body(fox(n=2), n=n)
    assert {
        name: value for name, value in sent.items() if name not in {"model", "prompt"}
    } == expected


def test_names_of_fields() -> None:
    """Our fields get the server's own names."""
    capability = Capability(seed=Seed(), output_formats=("png", "jpeg"))
    names = {"seed": "random_seed", "output_format": "image_format"}
    sent = body(fox(seed=7, output_format="jpeg"), capability, names=names)
    assert (sent["random_seed"], sent["image_format"]) == (7, "jpeg")


def test_forced_fields_and_defaults() -> None:
    """Forced fields are the server's due; defaults give way to the caller's extra."""
    knobs: dict[str, Any] = {"forced": {"safe": True}, "defaults": {"watermark": False}}
    assert body(fox(), **knobs)["watermark"] is False
    asked = fox(extra={"acme": {"safe": False, "watermark": True, "steps": 4}})
    sent = body(asked, **knobs)
    assert (sent["safe"], sent["watermark"], sent["steps"]) == (True, True, 4)


@pytest.mark.parametrize("name", ["model", "n", "prompt", "stream", "image[0]", "mask", "pictures"])
def test_extra_changes_nothing_that_was_fitted(name: str) -> None:
    """What the router fitted, and what the profile reserves, is not for extra to set."""
    asked = fox(extra={"acme": {name: "changed"}, "other": {"steps": 4}})
    sent = body(asked, n="", reserved=frozenset({"pictures"}))
    assert sent == {"model": "brush", "prompt": "a fox"}


def test_identify_depends_on_the_model() -> None:
    """A field may be called differently for each model."""

    def identify(request: Request, capability: Capability) -> dict[str, Any]:
        return {"end_user" if capability.seed else "user": request.user}

    assert body(fox(user="u"), identify=identify)["user"] == "u"
    assert body(fox(user="u"), Capability(seed=Seed()), identify=identify)["end_user"] == "u"
    assert "user" not in body(fox(), identify=identify)


@pytest.mark.parametrize(
    ("attach", "count", "expected"),
    [
        (as_json("image"), 1, ["image"]),
        (as_json("image"), 2, ["image"]),
        (as_json("image", "images"), 1, ["image"]),
        (as_json("image", "images"), 3, ["images"]),
        (as_json("references", limit=0), 1, ["references"]),
    ],
)
def test_pictures_in_json(attach: Any, count: int, expected: list[str]) -> None:
    """One picture and several have fields of their own, or one that is a value or a list."""
    sent = body(hat(count), attach=attach)
    (field,) = (name for name in sent if name not in {"model", "prompt", "n"})
    assert [field] == expected
    written = [f"data:image/png;base64,{image.b64_json}" for image in hat(count).images]
    single = count == 1 and field != "references"
    assert sent[field] == (written[0] if single else written)


def test_pictures_in_json_can_be_written_in_any_way() -> None:
    """A provider may want an object for each picture."""

    def write(image: Image) -> JsonValue:
        return {"url": image.info.size}

    sent = body(hat(), attach=as_json("image", write=write))
    assert sent["image"] == {"url": "16x16"}


def test_attaching_depends_on_the_model() -> None:
    """The capability says which field a picture belongs into."""

    def attach(request: Request, capability: Capability) -> Mapping[str, Any]:
        del request
        return {"most": capability.images.max if capability.images else 0}

    assert body(hat(), attach=attach)["most"] == 4


def test_a_form() -> None:
    """Without a way into JSON pictures are uploaded, each under the server's own names."""
    images = InputImages(max=4)
    capability = Capability(images=images, mask=Mask(polarity="white_edits"))
    profile = Profile(endpoint=ENDPOINT, mask="mask_image", several_images="image")
    request = hat(2, mask=Image(mask(16, 16)))
    built = build(profile, request, model(capability), lent())
    arrived = Incoming("POST", "", {}, dict(built.headers), built.read(), "")
    fields, files = arrived.form()
    assert dict(fields) == {"model": "brush", "prompt": "a hat", "n": "1"}
    assert [(file.field, file.filename) for file in files] == [
        ("image", "image.png"),
        ("image", "image.png"),
        ("mask_image", "mask_image.png"),
    ]
    assert built.url == "https://acme.test/v1/images/edits"


def test_a_variation_has_no_prompt() -> None:
    """A variation is a picture and nothing to say."""
    request = VariationRequest(images=hat().images)
    assert "prompt" not in body(request, attach=as_json("image"))


def test_paths_and_addresses() -> None:
    """Each operation has its path, unless the profile says itself where to send a request."""
    paths: dict[Operation, str] = {"generate": "/images", "edit": "/images"}
    profile = Profile(endpoint=ENDPOINT, paths=paths, attach=as_json("image"))
    assert build(profile, hat(), model(), lent()).url == "https://acme.test/v1/images"

    def address(request: Request, model: Model, context: Context) -> httpx.URL:
        return ENDPOINT.url(context, f"/{model.name}/{request.operation}")

    own = Profile(endpoint=ENDPOINT, address=address)
    assert build(own, fox(), model(), lent()).url == "https://acme.test/v1/brush/generate"


def test_names_of_models() -> None:
    """A snapshot is asked for by its name, anything else by the model's, unless the profile knows better."""
    dated = model(aliases=("brush-2026", "old-brush"))
    for asked, expected in {
        "acme/brush": "brush",
        "acme/brush-2026": "brush-2026",
        "old-brush": "old-brush",
        "hero": "brush",
    }.items():
        assert body(fox(model=asked), of=dated)["model"] == expected

    def name(request: Request, found: Model, context: Context) -> str:
        del request, context
        return f"my-{found.name}"

    assert body(fox(), model_name=name)["model"] == "my-brush"


def test_streams_are_asked_for() -> None:
    """Only a model that streams is told to."""
    asked = fox(stream=True, partial_images=2)
    assert "stream" not in body(asked)
    streaming = Capability(streaming=True, partial_images=3)
    sent = body(asked, streaming)
    assert (sent["stream"], sent["partial_images"]) == (True, 2)
    assert "partial_images" not in body(fox(stream=True), streaming)
    without = body(fox(stream=True, partial_images=0), Capability(streaming=True))
    assert "partial_images" not in without


# What comes back ------------------------------------------------------------------------------------


async def test_the_list_of_pictures() -> None:
    """The list has the server's own name, and an item may be an address alone."""
    answer = await answered({"images": ["https://files.test/1.png"]}, items="images")
    assert answer.data[0].url == "https://files.test/1.png"


@pytest.mark.parametrize("field", ["b64_json", "url"])
async def test_data_urls(field: str) -> None:
    """A data URL is base64 with a prefix, in whichever field it stands."""
    answer = await read({field: f"data:image/png;base64,{PNG}"})
    assert (answer.data[0].b64_json, answer.data[0].url) == (PNG, None)


def withheld(item: Mapping[str, object]) -> PinxitError | None:
    return ContentRejected("withheld", billing="billed") if item.get("nsfw") else None


async def test_a_judge_of_items() -> None:
    """What is judged is left out; where nothing else is left, it is the error."""
    answer = await read({"nsfw": True}, {"b64_json": PNG}, judge=withheld)
    assert len(answer.data) == 1
    found = await error({"data": [{"nsfw": True}, {"nsfw": True}]}, judge=withheld)
    assert isinstance(found, ContentRejected)


async def test_an_item_with_an_error_needs_no_judge() -> None:
    """An error in place of a picture is read as any other, with the profile's vocabulary."""
    words = Vocabulary(refused=frozenset({"unsafe"}))
    item = {"error": {"code": "unsafe", "message": f"No, {KEY}."}}
    found = await error({"data": [item]}, vocabulary=words)
    assert isinstance(found, ContentRejected)
    assert (found.billing, KEY in str(found)) == ("billed", False)
    assert len((await read(item, {"b64_json": PNG}, vocabulary=words)).data) == 1


async def test_a_judge_of_the_whole() -> None:
    """An answer may be a refusal before its pictures are looked at."""

    def judge(fields: Mapping[str, object]) -> PinxitError | None:
        return ContentRejected("blocked") if fields.get("blocked") else None

    found = await error({"blocked": True, "data": [{"b64_json": PNG}]}, judge_whole=judge)
    assert isinstance(found, ContentRejected)
    assert len((await read({"b64_json": PNG}, judge_whole=judge)).data) == 1


async def test_an_error_under_the_status_of_a_success() -> None:
    """White space that kept the connection alive may stand before it."""
    profile = Profile(endpoint=ENDPOINT, vocabulary=Vocabulary(spent=frozenset({"broke"})))
    text = '   \n\n {"error": {"code": "broke", "message": "No credit."}}'
    context = lent(httpx.Response(200, text=text))
    with pytest.raises(PinxitError) as caught:
        await call(profile, fox(), model(), context)
    assert (type(caught.value).__name__, vars(caught.value)["billing"]) == (
        "QuotaExceeded",
        "billed",
    )


async def test_the_cost() -> None:
    """Dollars are read where the profile says, from the whole answer."""
    fields = {"data": [{"b64_json": PNG}], "price": {"ticks": 25}}

    def cost(answer: Mapping[str, Any]) -> Decimal | None:
        return dollars(answer["price"]["ticks"], per=100)

    assert (await answered(fields, cost=cost)).cost == Decimal("0.25")
    assert (await answered(fields)).cost is None
