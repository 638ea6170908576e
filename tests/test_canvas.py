"""Tests of `pinxit.canvas`."""

from __future__ import annotations

from typing import Any

import pytest

from pinxit.capabilities import Capability, FixedSizes, Model, Ratios, SizeRange
from pinxit.errors import RequestError
from pinxit.fitting import Fit, fit
from pinxit.types import GenerateRequest, build

FIXED = Capability(sizes=FixedSizes(values=("1024x1024", "1536x1024")))
AUTO = Capability(sizes=FixedSizes(values=("1024x1024",), auto=True))
RATIOS = Capability(
    sizes=Ratios(
        classes={
            "1K": {"1:1": "1024x1024", "16:9": "1344x768"},
            "2K": {"1:1": "2048x2048", "16:9": "2752x1536"},
        }
    )
)
RATIOS_AUTO = (
    Capability(sizes=RATIOS.sizes.model_copy(update={"auto": True})) if RATIOS.sizes else RATIOS
)
ONE = Capability(default_size="1024x1024")
UNKNOWN = Capability()


def fitted(cap: Capability, fidelity: Any = "faithful", **parameters: Any) -> Fit:
    request = GenerateRequest(prompt="a fox", **parameters)
    return fit(request, Model(id="acme/one", operations={"generate": cap}), fidelity=fidelity)


def verdicts(fit: Fit) -> dict[str, str]:
    assert fit.reasons == ()
    return {a.parameter: a.verdict for a in fit.adaptations}


# Size


@pytest.mark.parametrize(
    ("cap", "asked", "sent"),
    [
        (AUTO, {"size": "auto"}, ("auto", None)),
        (AUTO, {"aspect_ratio": "auto"}, ("auto", None)),
        (AUTO, {"size": "auto", "aspect_ratio": "auto"}, ("auto", None)),
        (AUTO, {}, (None, None)),
        (FIXED, {"size": "auto"}, (None, None)),
        (ONE, {"size": "auto", "aspect_ratio": "auto"}, (None, None)),
        (RATIOS, {"size": "auto"}, (None, None)),
        (RATIOS_AUTO, {"size": "auto"}, (None, "auto")),
        (RATIOS_AUTO, {"aspect_ratio": "auto"}, (None, "auto")),
        (RATIOS_AUTO, {"size": "auto", "aspect_ratio": "1:1"}, (None, "1:1")),
        (RATIOS, {"size": "2K", "aspect_ratio": "auto"}, ("2K", None)),
    ],
)
def test_auto(cap: Capability, asked: dict[str, str], sent: tuple[str | None, ...]) -> None:
    """Auto is the model's choice: said in its own word, or by saying nothing, and always kept."""
    result = fitted(cap, "strict", **asked)
    assert (result.request.size, result.request.aspect_ratio) == sent
    assert (result.adaptations, result.reasons) == ((), ())


@pytest.mark.parametrize(
    ("cap", "asked", "sent", "expected"),
    [
        (FIXED, {"size": "1024x1024"}, ("1024x1024", None), {}),
        (ONE, {"size": "1024x1024"}, (None, None), {}),
        (FIXED, {"size": "1000x1000"}, ("1024x1024", None), {"size": "emulated"}),
        (FIXED, {"size": "1K"}, ("1024x1024", None), {"size": "mapped"}),
        (FIXED, {"aspect_ratio": "3:2"}, ("1536x1024", None), {"aspect_ratio": "mapped"}),
        (FIXED, {"size": "1024x1024", "aspect_ratio": "1:1"}, ("1024x1024", None), {}),
        (FIXED, {"size": "1K", "aspect_ratio": "3:2"}, ("1536x1024", None),
         {"size": "mapped", "aspect_ratio": "mapped"}),
        (RATIOS, {"size": "1024x1024"}, ("1K", "1:1"), {"size": "mapped"}),
        (RATIOS, {"aspect_ratio": "16:9"}, (None, "16:9"), {}),
        (RATIOS, {"aspect_ratio": "16:9", "size": "2K"}, ("2K", "16:9"), {}),
        (RATIOS, {"size": "2K"}, ("2K", None), {}),
        (RATIOS, {"size": "1344x768", "aspect_ratio": "16:9"}, ("1K", "16:9"), {"size": "mapped"}),
    ],
)  # fmt: skip
def test_size(cap: Capability, asked: dict[str, str], sent: tuple[str, str], expected: Any) -> None:
    """Sizes, ratios and classes reach the model in its own terms, each with its verdict."""
    result = fitted(cap, **asked)
    assert (result.request.size, result.request.aspect_ratio) == sent
    assert verdicts(result) == expected


def test_delivery_of_a_size() -> None:
    """Finishing learns what the model will make and what to make of it."""
    assert fitted(FIXED, size="1000x1000").delivery.model_dump(exclude_defaults=True) == {
        "size": (1000, 1000),
        "promised": (1024, 1024),
    }
    assert fitted(RATIOS, aspect_ratio="16:9").delivery.promised == (1344, 768)
    assert fitted(RATIOS, aspect_ratio="16:9").delivery.size is None
    assert fitted(RATIOS, size="2K").delivery.promised is None


def test_pixels_behind_a_ratio_are_made_sure_of() -> None:
    """A model that is sent a ratio may make other pixels than its table says; the caller asked for these."""
    delivery = fitted(RATIOS, size="1344x768").delivery
    assert (delivery.size, delivery.promised) == ((1344, 768), (1344, 768))
    assert fitted(FIXED, size="1024x1024").delivery.size is None


@pytest.mark.parametrize(
    ("cap", "fidelity", "asked", "sentence"),
    [
        (FIXED, "faithful", {"size": "1792x1024"},
         "size 1792x1024: the model makes 1024x1024, 1536x1024, which is too far from it; "
         "only fidelity lenient allows it to be approximated"),
        (FIXED, "strict", {"size": "1000x1000"},
         "size 1000x1000: the model makes 1024x1024, 1536x1024; "
         "fidelity strict does not allow it to be emulated"),
        (RATIOS, "faithful", {"aspect_ratio": "21:9"},
         "aspect_ratio 21:9: the model makes 1:1, 16:9 in 1K, 2K, which is too far from it; "
         "only fidelity lenient allows it to be approximated"),
        (RATIOS, "faithful", {"aspect_ratio": "16:9", "size": "4K"},
         "size 4K: the model makes 1:1, 16:9 in 1K, 2K, which is too far from it; "
         "only fidelity lenient allows it to be approximated"),
        (ONE, "faithful", {"size": "2K"},
         "size 2K: the model makes 1024x1024, which is too far from it; "
         "only fidelity lenient allows it to be approximated"),
        (UNKNOWN, "faithful", {"size": "1024x1024"},
         "size 1024x1024: sizes cannot be chosen; only fidelity lenient allows it to be approximated"),
        (UNKNOWN, "faithful", {"aspect_ratio": "16:9"}, "aspect_ratio 16:9: sizes cannot be chosen"),
    ],
)  # fmt: skip
def test_refused_sizes(
    cap: Capability, fidelity: str, asked: dict[str, str], sentence: str
) -> None:
    """A refusal names the parameter, its value, what the model makes, and what would be allowed."""
    assert fitted(cap, fidelity, **asked).reasons == (sentence,)


def test_lenient_sizes() -> None:
    """A lenient request gets something near, cropped at the centre, never enlarged beyond half."""
    result = fitted(FIXED, "lenient", size="1792x1024")
    assert verdicts(result) == {"size": "approximated"}
    assert (result.request.size, result.delivery.size) == ("1536x1024", (1792, 1024))
    result = fitted(RATIOS, "lenient", aspect_ratio="21:9")
    assert (result.request.aspect_ratio, result.delivery.size) == ("16:9", (1344, 576))


def test_lenient_size_of_an_unknown_model() -> None:
    """What an unknown model makes is cut to pixels that are not absurd; a ratio is lost."""
    result = fitted(UNKNOWN, "lenient", size="800x600")
    assert (verdicts(result), result.delivery.size) == ({"size": "approximated"}, (800, 600))
    result = fitted(UNKNOWN, "lenient", size="99999x99999")
    assert (verdicts(result), result.delivery.size) == ({"size": "dropped"}, None)
    result = fitted(UNKNOWN, "lenient", size="2K", aspect_ratio="16:9")
    assert verdicts(result) == {"size": "dropped", "aspect_ratio": "dropped"}
    assert (result.request.size, result.request.aspect_ratio) == (None, None)


def test_range_without_sizes() -> None:
    """A range in which nothing lies refuses with its bounds."""
    cap = Capability(sizes=SizeRange(min_edge=10, max_edge=12, multiple_of=16))
    (reason,) = fitted(cap, size="1024x1024").reasons
    assert reason.startswith("size 1024x1024: the model makes 10 to 12 px per edge in steps of 16")


@pytest.mark.parametrize(
    "parameters",
    [{"size": "1024x1024", "aspect_ratio": "16:9"}, {"size": "1344x768", "aspect_ratio": "3:2"}],
)
def test_contradicting_ratio(parameters: dict[str, str]) -> None:
    """Pixels and a ratio that is not theirs are the caller's mistake; a provider's rounding is none."""
    with pytest.raises(RequestError) as caught:
        build(GenerateRequest, {"prompt": "a fox", **parameters})
    assert caught.value.param == "aspect_ratio"
    assert f"contradicts size {parameters['size']}" in str(caught.value)
    build(GenerateRequest, {"prompt": "a fox", "size": "1344x768", "aspect_ratio": "16:9"})


# Format


def formats(*names: str, **more: Any) -> Capability:
    return Capability(output_formats=names, **more)


@pytest.mark.parametrize(
    ("cap", "asked", "sent", "delivered", "expected"),
    [
        (formats("png", "webp"), "webp", "webp", None, {}),
        (formats("png"), "png", None, None, {}),
        (formats("png", "svg"), "svg", "svg", None, {}),
        (formats("png"), "jpeg", None, "jpeg", {"output_format": "emulated"}),
        (formats("jpeg", "png"), "webp", "png", "webp", {"output_format": "emulated"}),
        (formats("jpeg", "webp"), "png", "webp", "png", {"output_format": "emulated"}),
        (formats("gif"), "png", None, "png", {"output_format": "emulated"}),
    ],
)
def test_output_format(
    cap: Capability, asked: str, sent: str, delivered: str, expected: Any
) -> None:
    """A format is chosen at the model where it has a choice, or converted from the most lossless one."""
    result = fitted(cap, output_format=asked)
    assert (result.request.output_format, result.delivery.format) == (sent, delivered)
    assert verdicts(result) == expected


@pytest.mark.parametrize(
    ("cap", "asked"), [(formats("png"), "gif"), (formats("png"), "svg"), (formats("svg"), "png")]
)
def test_format_that_cannot_be_had(cap: Capability, asked: str) -> None:
    """Animations and drawings are not made of pixels, nor pixels of drawings."""
    assert fitted(cap, output_format=asked).reasons == (
        f"output_format {asked}: the model makes {cap.output_formats[0]}",
    )
    result = fitted(cap, "lenient", output_format=asked)
    assert verdicts(result) == {"output_format": "dropped"}
    assert (result.request.output_format, result.delivery.format) == (None, None)


# Background


@pytest.mark.parametrize("asked", ["auto", "transparent", "opaque"])
def test_own_background(asked: str) -> None:
    """A background that the model has is kept."""
    result = fitted(Capability(backgrounds=("auto", "transparent", "opaque")), background=asked)
    assert (result.request.background, result.adaptations) == (asked, ())


def test_background_of_no_matter() -> None:
    """Auto says nothing to a model that has no choice of background."""
    result = fitted(Capability(), "strict", background="auto")
    assert (result.request.background, result.adaptations, result.reasons) == (None, (), ())


def test_transparent_needs_a_format() -> None:
    """A transparent picture comes in a format that carries it, also where the default does not."""
    cap = formats("jpeg", "webp", "png", backgrounds=("transparent",))
    assert fitted(cap, background="transparent").request.output_format == "webp"
    assert fitted(cap).request.output_format is None
    png_first = formats("png", "jpeg", backgrounds=("transparent",))
    assert fitted(png_first, background="transparent").request.output_format is None


def test_transparent_and_converted() -> None:
    """A transparent picture is not converted from a format that has lost the transparency."""
    cap = formats("jpeg", "gif", backgrounds=("transparent",))
    result = fitted(cap, background="transparent", output_format="webp")
    assert (result.request.output_format, result.delivery.format) == ("gif", "webp")


def test_transparent_that_cannot_be_had() -> None:
    """Transparency is not made of an opaque picture."""
    assert fitted(Capability(), background="transparent").reasons == (
        "background transparent: the model makes no transparent backgrounds",
    )
    result = fitted(Capability(), "lenient", background="transparent")
    assert (verdicts(result), result.request.background) == ({"background": "dropped"}, None)


def test_transparent_jpeg() -> None:
    """A transparent JPEG is the caller's mistake, whatever the model."""
    with pytest.raises(
        RequestError, match=r"output_format 'jpeg': cannot carry a transparent .* png or webp"
    ):
        build(
            GenerateRequest, {"prompt": "x", "background": "transparent", "output_format": "jpeg"}
        )


@pytest.mark.parametrize(
    ("cap", "parameters", "laid", "expected"),
    [
        (formats("png"), {}, True, {"background": "emulated"}),
        (formats("jpeg"), {}, False, {}),
        (formats("png", "jpeg"), {"output_format": "jpeg"}, False, {}),
        (formats("png"), {"output_format": "jpeg"}, False, {"output_format": "emulated"}),
        (formats("png"), {"output_format": "webp"}, True,
         {"output_format": "emulated", "background": "emulated"}),
        (formats("gif"), {}, True, {"background": "emulated"}),
    ],
)  # fmt: skip
def test_opaque(cap: Capability, parameters: dict[str, str], laid: bool, expected: Any) -> None:
    """An opaque picture is laid on white, unless it is a JPEG, which is opaque anyway."""
    result = fitted(cap, background="opaque", **parameters)
    assert result.delivery.opaque is laid
    assert verdicts(result) == expected
    assert result.request.background is None


def test_opaque_that_cannot_be_had() -> None:
    """Drawings and animations are not laid on white."""
    (reason,) = fitted(formats("svg"), background="opaque").reasons
    assert reason == "background opaque: the svg that the model makes cannot be laid on white"
    moving = formats("gif", frames=(2, 16))
    assert fitted(moving, background="opaque", frame_count=4).reasons
    assert verdicts(fitted(moving, "lenient", background="opaque", frame_count=4)) == {
        "background": "dropped"
    }


# Compression


@pytest.mark.parametrize(
    ("cap", "parameters", "sent", "delivered", "expected"),
    [
        (formats("jpeg", "png", compression=("jpeg",)), {}, 50, (None, None), {}),
        (formats("png", "jpeg", compression=("jpeg",)), {"output_format": "jpeg"}, 50, (None, None), {}),
        (formats("jpeg"), {}, None, ("jpeg", 50), {"output_compression": "emulated"}),
        (formats("png"), {"output_format": "webp"}, None, ("webp", 50),
         {"output_format": "emulated", "output_compression": "emulated"}),
        (formats("png"), {}, None, (None, None), {"output_compression": "dropped"}),
        (formats("jpeg", "png", compression=("jpeg",)), {"output_format": "png"}, None, (None, None),
         {"output_compression": "dropped"}),
    ],
)  # fmt: skip
def test_compression(
    cap: Capability, parameters: dict[str, str], sent: int, delivered: Any, expected: Any
) -> None:
    """Compression is the model's or ours; a format that has none drops it."""
    result = fitted(cap, output_compression=50, **parameters)
    assert result.request.output_compression == sent
    assert (result.delivery.format, result.delivery.compression) == delivered
    assert verdicts(result) == expected


def test_required_compression() -> None:
    """A required compression of a PNG is refused in a sentence."""
    request = GenerateRequest(prompt="a fox", output_compression=50)
    model = Model(id="acme/one", operations={"generate": formats("png")})
    assert fit(request, model, require=("output_compression",)).reasons == (
        "output_compression 50: png has none to choose, jpeg and webp have",
    )


# Delivery


@pytest.mark.parametrize(
    ("delivers", "asked", "sent", "delivered", "expected"),
    [
        (("b64_json",), None, None, "b64_json", {}),
        (("b64_json",), "b64_json", None, "b64_json", {}),
        (("b64_json",), "url", None, "url", {"response_format": "emulated"}),
        (("url",), None, None, "b64_json", {}),
        (("url",), "b64_json", None, "b64_json", {"response_format": "emulated"}),
        (("url", "b64_json"), "url", "url", "url", {}),
        (("url", "b64_json"), None, "b64_json", "b64_json", {}),
    ],
)
def test_response_format(
    delivers: tuple[Any, ...], asked: str | None, sent: str | None, delivered: str, expected: Any
) -> None:
    """Results come as asked or as configured; a way that the model does not have is the router's."""
    result = fitted(Capability(delivers=delivers), response_format=asked)
    assert (result.request.response_format, result.delivery.response_format) == (sent, delivered)
    assert verdicts(result) == expected


def test_configured_response_format() -> None:
    """A configured way of delivery changes nothing that was asked, so it is no adaptation, even if strict."""
    request = GenerateRequest(prompt="a fox")
    model = Model(id="acme/one", operations={"generate": Capability()})
    result = fit(request, model, response_format="url", fidelity="strict")
    assert (result.delivery.response_format, result.adaptations, result.reasons) == ("url", (), ())
