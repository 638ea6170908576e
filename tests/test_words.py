"""Tests of `pinxit.words`."""

from __future__ import annotations

from typing import Any

import pytest

from pinxit.capabilities import Capability, InputImages, Model, Succession
from pinxit.fitting import Fit, fit
from pinxit.payload import Image
from pinxit.report import Adaptation
from pinxit.testing import png
from pinxit.types import EditRequest, GenerateRequest, VariationRequest

VIVID = "in a vivid style"
HEIR = Succession(
    model="acme/one",
    quality={"hd": "max", "standard": "low"},
    style_words={"vivid": "hyper-real and dramatic"},
)


def fitted(cap: Capability, *, succession: Succession | None = None, **parameters: Any) -> Fit:
    options = {k: parameters.pop(k) for k in ("fidelity", "require") if k in parameters}
    request = GenerateRequest(prompt=parameters.pop("prompt", "a fox"), **parameters)
    model = Model(id="acme/one", operations={"generate": cap})
    return fit(request, model, succession=succession, **options)


def only(fit: Fit) -> Adaptation:
    assert fit.reasons == ()
    (adaptation,) = fit.adaptations
    return adaptation


# Style


def test_own_style() -> None:
    """A style of the model is kept."""
    result = fitted(Capability(styles=("vivid",), style_words={"vivid": VIVID}), style="vivid")
    assert (result.request.style, result.adaptations) == ("vivid", ())


def test_style_in_words() -> None:
    """A style that the model knows only in words is said behind the prompt."""
    result = fitted(Capability(style_words={"vivid": VIVID}), style="vivid")
    assert isinstance(result.request, GenerateRequest)
    assert result.request.prompt == f"a fox\n\n{VIVID}"
    assert result.request.style is None
    adaptation = only(result)
    assert (adaptation.parameter, adaptation.verdict, adaptation.sent) == ("style", "mapped", VIVID)


def test_style_of_a_retired_model() -> None:
    """A retired model's own words for a style win over its successor's."""
    cap = Capability(style_words={"vivid": VIVID, "natural": "plain"})
    result = fitted(cap, succession=HEIR, style="vivid")
    assert only(result).sent == "hyper-real and dramatic"
    assert only(fitted(cap, succession=HEIR, style="natural")).sent == "plain"


def test_style_without_room() -> None:
    """Where the prompt has no room for a style's words the style goes, and the prompt stays whole."""
    cap = Capability(style_words={"vivid": VIVID}, max_prompt=len(f"a fox\n\n{VIVID}"))
    assert only(fitted(cap, style="vivid")).verdict == "mapped"
    result = fitted(cap, prompt="a fox!", style="vivid")
    assert only(result).verdict == "dropped"
    assert only(result).reason == "the prompt has no room for its words"
    assert isinstance(result.request, GenerateRequest)
    assert (result.request.prompt, result.request.style) == ("a fox!", None)


def test_no_style() -> None:
    """A style that cannot be had is dropped with what there is, or refused where it is required."""
    assert only(fitted(Capability(), style="vivid")).reason == "the model takes no style"
    other = Capability(styles=("natural",))
    assert only(fitted(other, style="vivid")).reason == "the model takes natural"
    assert fitted(other, style="vivid", require=("style",)).reasons == (
        "style vivid: the model takes natural",
    )


def test_style_of_a_variation() -> None:
    """A variation has no prompt that could say the style; an edit that stands in for it has."""
    cap = Capability(style_words={"vivid": VIVID}, images=InputImages())
    request = VariationRequest(images=(Image(png(8, 8)),), style="vivid")
    result = fit(request, Model(id="acme/one", operations={"variation": cap}))
    assert only(result).verdict == "dropped"
    result = fit(request, Model(id="acme/one", operations={"edit": cap}))
    assert isinstance(result.request, EditRequest)
    assert result.request.prompt.endswith(VIVID)


# Prompt


def test_long_prompt() -> None:
    """A prompt that is too long is refused with both numbers, and cut where that is allowed."""
    cap = Capability(max_prompt=10)
    assert fitted(cap, prompt="x" * 10).adaptations == ()
    assert fitted(cap, prompt="x" * 11).reasons == (
        "prompt has 11 characters and the model takes 10; only fidelity lenient allows it to be approximated",
    )
    result = fitted(cap, prompt="x" * 11, fidelity="lenient")
    assert isinstance(result.request, GenerateRequest)
    assert result.request.prompt == "x" * 10
    assert only(result).verdict == "approximated"


# Negative prompt


def test_own_negative_prompt() -> None:
    """A negative prompt is kept by a model that takes one."""
    result = fitted(Capability(negative_prompt=True), negative_prompt="fog")
    assert (result.request.negative_prompt, result.adaptations) == ("fog", ())


def test_no_negative_prompt() -> None:
    """Elsewhere it is refused, without its words, or said in the prompt where that is allowed."""
    (reason,) = fitted(Capability(), negative_prompt="fog").reasons
    assert reason.startswith("negative_prompt: the model takes no negative prompt")
    assert "fog" not in reason
    result = fitted(Capability(), negative_prompt="fog", fidelity="lenient")
    assert isinstance(result.request, GenerateRequest)
    assert result.request.prompt == "a fox\n\nAvoid: fog"
    assert result.request.negative_prompt is None
    assert only(result).verdict == "approximated"


def test_negative_prompt_without_room() -> None:
    """A prompt is not cut for what it should avoid."""
    result = fitted(Capability(max_prompt=12), negative_prompt="fog", fidelity="lenient")
    assert isinstance(result.request, GenerateRequest)
    assert (result.request.prompt, result.request.negative_prompt) == ("a fox", None)
    assert only(result).verdict == "dropped"


def test_blank_negative_prompt() -> None:
    """A blank one asks for nothing; some clients always send it."""
    assert GenerateRequest(prompt="a fox", negative_prompt=" ").negative_prompt is None


# Quality


@pytest.mark.parametrize(
    ("qualities", "asked", "sent", "verdict"),
    [
        (("auto", "low", "high"), "high", "high", None),
        (("auto", "low"), "auto", "auto", None),
        (("low", "high"), "auto", None, None),
        ((), "auto", None, None),
        (("low", "high"), "hd", "high", "mapped"),
        (("standard", "hd"), "medium", "standard", "mapped"),
        (("low", "medium"), "max", "medium", "approximated"),
        (("low", "high"), "medium", "low", "approximated"),
        (("auto",), "high", None, "dropped"),
        ((), "hd", None, "dropped"),
    ],
)
def test_quality(
    qualities: tuple[str, ...], asked: str, sent: str | None, verdict: str | None
) -> None:
    """A quality is kept, has an equal by another name, has a neighbour, or is lost."""
    result = fitted(Capability(qualities=qualities), quality=asked)
    assert result.request.quality == sent
    if verdict is None:
        assert result.adaptations == ()
    else:
        adaptation = only(result)
        assert (adaptation.asked, adaptation.sent, adaptation.verdict) == (asked, sent, verdict)


def test_declared_quality() -> None:
    """The model's own table of equivalents wins over the rank of the words, the retired model's over both."""
    cap = Capability(qualities=("low", "high", "max"), quality_map={"hd": "low"})
    assert only(fitted(cap, quality="hd")).sent == "low"
    assert only(fitted(cap, succession=HEIR, quality="hd")).sent == "max"


def test_declared_quality_of_another_model() -> None:
    """An equivalent that this model does not have is no equivalent here."""
    cap = Capability(qualities=("low", "high"))
    assert only(fitted(cap, succession=HEIR, quality="hd")).sent == "high"


def test_required_quality() -> None:
    """A required quality has to be had, by whatever name."""
    cap = Capability(qualities=("low", "medium"))
    assert fitted(cap, quality="max", require=("quality",)).reasons == (
        "quality max: the model takes low, medium; only fidelity lenient allows it to be approximated",
    )
    assert only(fitted(cap, quality="standard", require=("quality",))).verdict == "mapped"
    assert (
        only(fitted(cap, quality="max", require=("quality",), fidelity="lenient")).sent == "medium"
    )


def test_strict_quality() -> None:
    """A strict request does not have its words translated."""
    assert fitted(Capability(qualities=("high",)), quality="hd", fidelity="strict").reasons == (
        "quality hd: the model takes high; fidelity strict does not allow it to be mapped",
    )


# Other vocabularies


@pytest.mark.parametrize(
    ("name", "vocabulary", "asked", "neutral"),
    [
        ("moderation", "moderations", "low", "auto"),
        ("complexity", "complexities", "high", None),
    ],
)
def test_choices(name: str, vocabulary: str, asked: str, neutral: str | None) -> None:
    """Other hints are kept or dropped, and required ones refused."""
    value: dict[str, Any] = {name: asked}
    kept = fitted(Capability.model_validate({vocabulary: (asked,)}), **value)
    assert (getattr(kept.request, name), kept.adaptations) == (asked, ())
    dropped = fitted(Capability(), **value)
    assert getattr(dropped.request, name) is None
    assert only(dropped) == Adaptation(
        parameter=name, asked=asked, verdict="dropped", reason=f"the model takes no {name}"
    )
    assert fitted(Capability(), require=(name,), **value).reasons == (
        f"{name} {asked}: the model takes no {name}",
    )
    if neutral is not None:
        value[name] = neutral
        assert fitted(Capability(), **value).adaptations == ()


def test_safety_is_not_loosened() -> None:
    """A model that does not know a looser moderation stays with its own."""
    result = fitted(Capability(moderations=("auto",)), moderation="low", fidelity="lenient")
    assert result.request.moderation is None


def test_input_fidelity() -> None:
    """The fidelity to input pictures is a hint of edits."""
    cap = Capability(images=InputImages(), input_fidelities=("low",))
    request = EditRequest(prompt="a hat", images=(Image(png(8, 8)),), input_fidelity="high")
    result = fit(request, Model(id="acme/one", operations={"edit": cap}))
    assert only(result).reason == "the model takes low"
