"""Tests of `pinxit.inputs`."""

from __future__ import annotations

from typing import Any

import pytest

from pinxit.capabilities import Capability, FixedSizes, InputImages, Mask, Model
from pinxit.errors import InvalidImage, RequestError
from pinxit.fitting import Fit, fit
from pinxit.images import Polarity
from pinxit.payload import Image
from pinxit.report import Adaptation
from pinxit.testing import png
from pinxit.types import EditRequest, GenerateRequest, VariationRequest, build

SQUARE = Image(png(64, 64))
WIDE = Image(png(96, 64))
FAR = Image(url="https://img.example/fox.png?key=secret")
SVG = Image(b'<svg xmlns="http://www.w3.org/2000/svg"/>')
GIF = Image(b"GIF89a\x40\x00\x40\x00\x00\x00\x00,\0\0\0\0\x40\x00\x40\x00\x00\x02\x00;")
BROKEN = Image(b"<html>not found</html>")
ANY = Capability(images=InputImages(max=16), mask=Mask(), markup=True)


def limited(**limits: Any) -> Capability:
    return Capability(images=InputImages(**limits), mask=Mask())


def fitted(cap: Capability, *images: Image, fidelity: Any = "faithful", **parameters: Any) -> Fit:
    request = EditRequest(prompt="a hat", images=images, **parameters)
    return fit(request, Model(id="acme/one", operations={"edit": cap}), fidelity=fidelity)


def only(fit: Fit) -> Adaptation:
    assert fit.reasons == ()
    (adaptation,) = fit.adaptations
    return adaptation


# Pictures


def test_pictures_that_fit() -> None:
    """Pictures within the limits are kept, and so is what nobody has seen yet."""
    result = fitted(ANY, SQUARE, WIDE, FAR, fidelity="strict", mask=SQUARE)
    assert isinstance(result.request, EditRequest)
    assert result.request.images == (SQUARE, WIDE, FAR)
    assert (result.adaptations, result.reasons) == ((), ())


def test_too_many_pictures() -> None:
    """Number and order of pictures are a contract; who is lenient loses the last ones."""
    (reason,) = fitted(limited(max=1), SQUARE, WIDE).reasons
    assert reason == "image: 2 are given, the model takes 1"
    result = fitted(limited(max=1), SQUARE, WIDE, fidelity="lenient")
    assert isinstance(result.request, EditRequest)
    assert result.request.images == (SQUARE,)
    assert (only(result).asked, only(result).sent, only(result).verdict) == (2, 1, "dropped")


@pytest.mark.parametrize(
    ("limits", "image", "sent", "reason", "refusal"),
    [
        ({"formats": ("png", "jpeg")}, GIF, "jpeg", "image is converted",
         "image has gif, the model takes png, jpeg"),
        ({"max_edge": 64}, WIDE, 64, "image is scaled down to the limit",
         "image has 96x64, the model takes 64 pixels per edge"),
        ({"max_bytes": 10}, SQUARE, 10, "image is made smaller in bytes",
         f"image has {SQUARE.byte_count}, the model takes 10 bytes"),
    ],
)  # fmt: skip
def test_limits_of_pictures(
    limits: dict[str, Any], image: Image, sent: Any, reason: str, refusal: str
) -> None:
    """What preparing will have to do is foreseen; who is strict is told why it must not."""
    adaptation = only(fitted(limited(**limits), image))
    assert (adaptation.parameter, adaptation.verdict) == ("images", "emulated")
    assert (adaptation.sent, adaptation.reason) == (sent, reason)
    (sentence,) = fitted(limited(**limits), image, fidelity="strict").reasons
    assert sentence.startswith(refusal)


def test_second_picture_is_named() -> None:
    """Adaptations say which of several pictures they are about."""
    result = fitted(limited(max=2, max_edge=64), SQUARE, WIDE)
    assert only(result).reason.startswith("image[1] is scaled")


@pytest.mark.parametrize(
    ("limits", "image", "sentence"),
    [
        ({"square": True}, WIDE, "image is 96x64, the model takes squares; crop it first"),
        ({"formats": ("png",)}, SVG, "image is an SVG, the model takes png"),
    ],
)
def test_pictures_that_cannot_be_sent(limits: dict[str, Any], image: Image, sentence: str) -> None:
    """What cannot be made to fit is refused, whatever the fidelity."""
    assert fitted(limited(**limits), image, fidelity="lenient").reasons == (sentence,)


def test_model_without_pictures() -> None:
    """A model that takes no pictures cannot edit, and is not sent any."""
    assert fitted(Capability(), SQUARE, fidelity="lenient").reasons == (
        "image: the model takes no input pictures",
    )


def test_pictures_of_a_variation() -> None:
    """The picture of a variation has the same limits."""
    request = VariationRequest(images=(WIDE,))
    model = Model(id="acme/one", operations={"variation": limited(square=True)})
    assert fit(request, model).reasons
    generate = Model(id="acme/one", operations={"generate": Capability()})
    assert fit(GenerateRequest(prompt="a fox"), generate).reasons == ()


@pytest.mark.parametrize(
    ("images", "parameters", "name"),
    [
        ([BROKEN], {}, "image"),
        ([SQUARE, BROKEN], {}, "image[1]"),
        ([SQUARE], {"mask": BROKEN}, "mask"),
        ([SQUARE], {"markup": BROKEN}, "markup"),
        ([SQUARE, Image(b64_json="iVBORw0KGgo!")], {}, "image[1]"),
        ([SQUARE, Image(SQUARE.data[:20])], {}, "image[1]"),
    ],
)
@pytest.mark.parametrize("cap", [ANY, limited(max=1), Capability()])
def test_broken_pictures(
    cap: Capability, images: list[Image], parameters: dict[str, Image], name: str
) -> None:
    """A picture that is none is the caller's mistake at every model; the error names which it is."""
    with pytest.raises(InvalidImage) as caught:
        fitted(cap, *images, fidelity="lenient", **parameters)
    assert caught.value.param == name
    assert str(caught.value).startswith(f"{name}: ")


# Mask and markup


@pytest.mark.parametrize("polarity", ["white_edits", "black_edits"])
def test_polarity(polarity: Polarity) -> None:
    """A mask is turned round for a model that reads it otherwise."""
    cap = Capability(images=InputImages(), mask=Mask(polarity=polarity))
    result = fitted(cap, SQUARE, mask=SQUARE)
    assert isinstance(result.request, EditRequest)
    assert result.request.mask is SQUARE
    assert (only(result).asked, only(result).sent) == ("transparent_edits", polarity)
    (reason,) = fitted(cap, SQUARE, mask=SQUARE, fidelity="strict").reasons
    assert reason.startswith(f"mask transparent_edits: the model reads {polarity}")


def test_a_model_for_masks_only() -> None:
    """A model that only repaints inside a mask is not asked without one, however lenient the caller is."""
    cap = Capability(images=InputImages(), mask=Mask(required=True))
    (reason,) = fitted(cap, SQUARE, fidelity="lenient").reasons
    assert reason == "mask: the model repaints inside a mask and does nothing without one"
    assert fitted(cap, SQUARE, mask=SQUARE).reasons == ()


def test_mask_without_a_model_for_it() -> None:
    """Where a model takes no mask, the protected pixels are put back over what it makes of one picture."""
    cap = Capability(images=InputImages())
    result = fitted(cap, SQUARE, mask=SQUARE)
    assert isinstance(result.request, EditRequest)
    assert result.request.mask is None
    assert result.delivery.composite
    assert (only(result).parameter, only(result).verdict) == ("mask", "emulated")
    (reason,) = fitted(cap, SQUARE, mask=SQUARE, fidelity="strict").reasons
    assert reason.startswith("mask <Image png 64x64>: the model takes no mask")


def test_mask_over_several_pictures() -> None:
    """Of several pictures something new is made, in which nothing can be put back in place."""
    cap = Capability(images=InputImages(max=4))
    (reason,) = fitted(cap, SQUARE, WIDE, mask=SQUARE).reasons
    assert reason.endswith("only fidelity lenient allows it to be approximated")
    result = fitted(cap, SQUARE, WIDE, mask=SQUARE, fidelity="lenient")
    assert (only(result).verdict, result.delivery.composite) == ("approximated", True)


@pytest.mark.parametrize(
    ("image", "size", "verdict"),
    [(SQUARE, "1024x1024", "emulated"), (WIDE, "1024x1024", "approximated"), (FAR, "1024x1024", "emulated"),
     (WIDE, "1536x1024", "emulated")],
)  # fmt: skip
def test_mask_over_another_shape(image: Image, size: str, verdict: str) -> None:
    """Pixels can be put back where the result has the shape of the picture, as far as that is known."""
    cap = Capability(images=InputImages(), sizes=FixedSizes(values=("1024x1024", "1536x1024")))
    result = fitted(cap, image, mask=SQUARE, size=size, fidelity="lenient")
    assert only(result).verdict == verdict


def test_markup() -> None:
    """A markup is kept by a model that reads one, and is no mask to others."""
    kept = fitted(ANY, SQUARE, markup=SQUARE)
    assert isinstance(kept.request, EditRequest)
    assert (kept.request.markup, kept.adaptations) == (SQUARE, ())
    cap = limited()
    assert fitted(cap, SQUARE, markup=SQUARE).reasons == (
        "markup <Image png 64x64>: the model takes no markup",
    )
    lost = fitted(cap, SQUARE, markup=SQUARE, fidelity="lenient")
    assert isinstance(lost.request, EditRequest)
    assert lost.request.markup is None
    assert only(lost).verdict == "dropped"


def test_mask_and_markup() -> None:
    """A mask and a markup contradict each other; the error shows no bytes of either."""
    parts = {"prompt": "a hat", "image": SQUARE.data, "mask": SQUARE.data, "markup": SQUARE.data}
    with pytest.raises(RequestError, match="cannot be combined with a mask") as caught:
        build(EditRequest, parts)
    assert caught.value.param == "markup"
    assert "PNG" not in str(caught.value)


def test_secrets_of_urls() -> None:
    """What stands behind the question mark of a URL does not reach a report."""
    cap = Capability(images=InputImages())
    adaptation = only(fitted(cap, SQUARE, mask=FAR))
    assert "secret" not in str(adaptation.asked)
