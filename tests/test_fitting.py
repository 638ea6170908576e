"""Tests of `pinxit.fitting`: verdicts, and the parameters that are neither words, canvas nor pictures."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from pinxit.capabilities import (
    Capability,
    FixedSizes,
    InputImages,
    Model,
    Seed,
    SizeRange,
    Succession,
)
from pinxit.draft import Draft
from pinxit.errors import RequestError
from pinxit.fitting import HINTS, Fit, fit
from pinxit.payload import Image
from pinxit.report import Adaptation, Verdict
from pinxit.testing import png
from pinxit.types import EditRequest, GenerateRequest, VariationRequest

PICTURE = Image(png(8, 8))


def fitted(cap: Capability, fidelity: Any = "faithful", **parameters: Any) -> Fit:
    request = GenerateRequest(prompt="a fox", **parameters)
    return fit(request, Model(id="acme/one", operations={"generate": cap}), fidelity=fidelity)


def only(fit: Fit) -> Adaptation:
    assert fit.reasons == ()
    (adaptation,) = fit.adaptations
    return adaptation


# The table of verdicts


@pytest.mark.parametrize(
    ("fidelity", "name", "allowed"),
    [
        ("strict", "seed", "kept"),
        ("strict", "quality", "kept"),
        ("faithful", "seed", "kept mapped emulated"),
        ("faithful", "quality", "kept mapped emulated approximated dropped"),
        ("lenient", "seed", "kept mapped emulated approximated dropped"),
        ("lenient", "quality", "kept mapped emulated approximated dropped"),
    ],
)
def test_table(fidelity: Any, name: str, allowed: str) -> None:
    """Strict keeps, faithful loses hints alone, lenient loses anything."""
    request = GenerateRequest(prompt="a fox")

    def verdicts(*required: str) -> list[str]:
        draft = Draft(request, Capability(), "acme", fidelity, frozenset(required), None)
        return [verdict for verdict in get_args(Verdict) if draft.allows(name, verdict)]

    assert verdicts() == allowed.split()
    if fidelity == "faithful":
        assert verdicts(name) == ["kept", "mapped", "emulated"]


def test_hints() -> None:
    """What clients send by default to every model is a hint, and nothing else is."""
    assert {"style", "quality", "complexity", "moderation", "input_fidelity",
                     "output_compression", "partial_images"} == HINTS  # fmt: skip


def test_unknown_requirement() -> None:
    """A requirement that is misspelt would be no requirement at all."""
    model = Model(id="acme/one", operations={"generate": Capability()})
    with pytest.raises(RequestError, match=r"require 'qualty'.*quality") as caught:
        fit(GenerateRequest(prompt="a fox"), model, require=("quality", "qualty"))
    assert caught.value.param == "require"
    assert fit(GenerateRequest(prompt="a fox"), model, require=("seed", "mask")).reasons == ()


def test_every_reason_is_told() -> None:
    """A refusal names everything that is in the way, not only the first of it."""
    reasons = fitted(Capability(), seed=42, background="transparent", negative_prompt="fog").reasons
    assert [reason.split()[0] for reason in reasons] == ["negative_prompt:", "background", "seed"]


# Operations


def test_operation_that_a_model_has_not() -> None:
    """A model that cannot do it at all says what it can."""
    model = Model(id="acme/one", operations={"edit": Capability(images=InputImages())})
    result = fit(GenerateRequest(prompt="a fox"), model, fidelity="lenient")
    assert (result.reasons, result.calls) == (("cannot generate, it can edit",), ())
    drawing = Model(id="acme/one", operations={"generate": Capability()})
    variation = VariationRequest(images=(PICTURE,))
    assert fit(variation, drawing).reasons == ("cannot make variations, it can generate",)


def test_variation_through_an_edit() -> None:
    """An edit with words of ours stands in for a variation; everything else of the request is kept."""
    model = Model(id="acme/one", operations={"edit": Capability(images=InputImages(), max_n=4)})
    request = VariationRequest(images=(PICTURE,), n=3, user="someone")
    result = fit(request, model)
    assert isinstance(result.request, EditRequest)
    assert result.operation == "edit"
    assert result.request.prompt.startswith("Create a variation of this picture")
    assert (result.request.images, result.request.n, result.request.user) == (
        (PICTURE,),
        3,
        "someone",
    )
    assert (only(result).parameter, only(result).verdict) == ("operation", "emulated")
    assert fit(request, model, fidelity="strict").reasons


def test_own_variation() -> None:
    """A model that varies is not asked to edit."""
    limits = Capability(images=InputImages())
    model = Model(id="acme/one", operations={"edit": limits, "variation": limits})
    result = fit(VariationRequest(images=(PICTURE,)), model, fidelity="strict")
    assert (result.operation, result.adaptations) == ("variation", ())


# Number


@pytest.mark.parametrize(
    ("n", "most", "calls"),
    [(1, 1, (1,)), (10, 10, (10,)), (4, 1, (1, 1, 1, 1)), (10, 4, (4, 4, 2)), (5, 4, (4, 1))],
)
def test_calls(n: int, most: int, calls: tuple[int, ...]) -> None:
    """More pictures than a model makes at once are ordered in several calls, together exactly n."""
    result = fitted(Capability(max_n=most), n=n)
    assert (result.calls, result.request.n) == (calls, calls[0])
    if len(calls) > 1:
        assert (only(result).verdict, only(result).asked) == ("emulated", n)
        (reason,) = fitted(Capability(max_n=most), "strict", n=n).reasons
        assert reason.startswith(f"n {n}: the model makes {most} at once; {len(calls)} calls")
    else:
        assert result.adaptations == ()


# Seed


@pytest.mark.parametrize(
    ("known", "asked", "sent", "reason"),
    [
        (Seed(), 42, 42, None),
        (Seed(best_effort=True), 42, 42, "the model treats it as a wish"),
        (Seed(max=9), 42, 2, "the model takes 0 to 9"),
        (Seed(min=1, max=10), 42, 3, "the model takes 1 to 10"),
        (Seed(min=1, max=10), 0, 1, "the model takes 1 to 10"),
        (
            Seed(max=9, best_effort=True),
            42,
            2,
            "the model takes 0 to 9; the model treats it as a wish",
        ),
    ],
)
def test_seed(known: Seed, asked: int, sent: int, reason: str | None) -> None:
    """A seed is kept, or always becomes the same other one."""
    result = fitted(Capability(seed=known), seed=asked)
    assert result.request.seed == sent
    if reason is None:
        assert result.adaptations == ()
    else:
        assert only(result) == Adaptation(
            parameter="seed", asked=asked, sent=sent, verdict="mapped", reason=reason
        )


def test_seeds_of_several_calls() -> None:
    """Each call has a seed of its own, the last one within the limit too."""
    result = fitted(Capability(seed=Seed(), max_n=1), seed=7, n=3)
    assert result.request.seed == 7
    assert [(a.parameter, a.verdict) for a in result.adaptations] == [
        ("n", "emulated"),
        ("seed", "mapped"),
    ]
    assert fitted(Capability(seed=Seed(max=9), max_n=1), seed=9, n=3).request.seed == 1
    assert fitted(Capability(seed=Seed(max=1), max_n=1), seed=9, n=5).request.seed == 0


def test_no_seed() -> None:
    """A seed is a contract: without one the result cannot be had again."""
    assert fitted(Capability(), seed=42).reasons == ("seed 42: the model takes no seed",)
    result = fitted(Capability(), "lenient", seed=42)
    assert (only(result).verdict, result.request.seed) == ("dropped", None)


# Streams


def test_own_stream() -> None:
    """A model that streams does so, with as many partial pictures as were asked."""
    result = fitted(Capability(streaming=True, partial_images=3), stream=True, partial_images=2)
    assert (result.request.stream, result.request.partial_images) == (True, 2)
    assert result.adaptations == ()


def test_no_stream() -> None:
    """A model that does not stream is answered for in one event."""
    result = fitted(Capability(), stream=True)
    assert (only(result).verdict, result.request.stream) == ("emulated", False)
    assert fitted(Capability(), "strict", stream=True).reasons


@pytest.mark.parametrize(
    ("cap", "parameters", "sent", "verdict", "reason"),
    [
        (Capability(streaming=True, partial_images=1), {"stream": True}, 1, "approximated",
         "the model sends 1"),
        (Capability(streaming=True), {"stream": True}, None, "dropped", "the model sends none"),
        (Capability(streaming=True, partial_images=3), {}, None, "dropped", "nothing is streamed"),
    ],
)  # fmt: skip
def test_fewer_partial_images(
    cap: Capability, parameters: dict[str, Any], sent: int, verdict: str, reason: str
) -> None:
    """Partial pictures are a hint: fewer may come, or none."""
    result = fitted(cap, partial_images=3, **parameters)
    adaptation = only(result)
    assert (adaptation.verdict, adaptation.reason) == (verdict, reason)
    assert result.request.partial_images == sent


def test_partial_images_without_a_stream() -> None:
    """To a model that does not stream partial pictures are not sent, and asking for none needs no word."""
    result = fitted(Capability(), stream=True, partial_images=2)
    assert [a.parameter for a in result.adaptations] == ["stream", "partial_images"]
    result = fitted(Capability(), "strict", partial_images=0)
    assert (result.request.partial_images, result.adaptations) == (None, ())
    streaming = Capability(streaming=True, partial_images=3)
    assert fitted(streaming, stream=True, partial_images=0).request.partial_images == 0


# Animations and drawings


def test_frames() -> None:
    """Frames within the limits are kept, others are brought within them where that is allowed."""
    cap = Capability(output_formats=("gif",), frames=(2, 16))
    result = fitted(cap, frame_count=16, frame_duration_ms=100)
    assert (result.request.frame_count, result.request.frame_duration_ms) == (16, 100)
    assert result.adaptations == ()
    (reason,) = fitted(cap, frame_count=17).reasons
    assert reason.startswith("frame_count 17: the model makes 2 to 16")
    assert fitted(cap, "lenient", frame_count=17).request.frame_count == 16


def test_no_frames() -> None:
    """A still picture is no animation."""
    result = fitted(Capability(), frame_count=9, frame_duration_ms=100)
    assert result.reasons == (
        "frame_count 9: the model makes no animations",
        "frame_duration_ms 100: the model makes no animations",
    )
    result = fitted(Capability(), "lenient", frame_count=9)
    assert (only(result).verdict, result.request.frame_count) == ("dropped", None)


def test_svg() -> None:
    """Options of drawings are for models that take them."""
    cap = Capability(output_formats=("svg",), svg=True)
    result = fitted(cap, svg={"model": "best"})
    assert result.request.svg is not None
    assert result.adaptations == ()
    assert fitted(Capability(), svg={"model": "best"}).reasons == (
        "svg {'model': 'best'}: the model makes no SVG",
    )
    assert fitted(Capability(), "lenient", svg={"model": "best"}).request.svg is None


# Options of the provider


def test_extra() -> None:
    """A provider gets its own options, as they are, and nobody else's."""
    asked = {"acme": {"steps": 3}, "other": {"key": "x"}}
    result = fitted(Capability(), "strict", extra=asked)
    assert (result.request.extra, result.adaptations) == ({"acme": {"steps": 3}}, ())
    assert fitted(Capability(extra=("steps",)), extra=asked).adaptations == ()
    assert fitted(Capability(), extra={"other": {"key": "x"}}).request.extra == {}


def test_unknown_extra() -> None:
    """An option that the model does not declare is refused by name; its value is not repeated."""
    asked = {"acme": {"steps": 3, "token": "secret"}}
    cap = Capability(extra=("steps", "cfg"))
    assert fitted(cap, extra=asked).reasons == ("extra acme.token: the model takes steps, cfg",)
    assert fitted(Capability(extra=()), extra={"acme": {"x": 1}}).reasons == (
        "extra acme.x: the model takes none",
    )
    result = fitted(cap, "lenient", extra=asked)
    assert result.request.extra == {"acme": {"steps": 3}}
    assert "secret" not in str(only(result))


# Whole requests


def test_recorded() -> None:
    """Who asks, and why, is handed on to every model and never in the way."""
    said: dict[str, Any] = {
        "user": "a",
        "safety_identifier": "b",
        "name": "c",
        "metadata": {"d": "e"},
    }
    result = fitted(Capability(), "strict", **said)
    assert (result.adaptations, result.reasons) == ((), ())
    assert {name: getattr(result.request, name) for name in said} == said


OLD = GenerateRequest(
    prompt="a fox", quality="hd", style="vivid", size="1792x1024", response_format="url"
)
MAPPING = Succession(
    model="acme/new", quality={"hd": "high"}, style_words={"vivid": "in a vivid style"}
)


def test_successor() -> None:
    """A request in the words of a retired model is served by its successor without loss."""
    sizes = SizeRange(min_edge=16, max_edge=3840, multiple_of=16, max_ratio=3, min_pixels=655_360)
    new = Capability(sizes=sizes, max_n=10, qualities=("auto", "low", "medium", "high", "max"))
    model = Model(id="acme/new", operations={"generate": new})
    result = fit(OLD, model, succession=MAPPING)
    assert result.reasons == ()
    assert {a.parameter: a.verdict for a in result.adaptations} == {
        "quality": "mapped", "style": "mapped", "response_format": "emulated",
    }  # fmt: skip
    assert isinstance(result.request, GenerateRequest)
    assert result.request.prompt == "a fox\n\nin a vivid style"
    assert (result.request.size, result.request.quality) == ("1792x1024", "high")
    assert result.delivery.response_format == "url"
    assert len(fit(OLD, model, succession=MAPPING, fidelity="strict").reasons) == 3


def test_successor_without_the_size() -> None:
    """A successor that does not make the old size refuses it: sizes are a contract."""
    new = Capability(sizes=FixedSizes(values=("1024x1024", "1536x1024")), qualities=("high",))
    model = Model(id="acme/new", operations={"generate": new})
    (reason,) = fit(OLD, model, succession=MAPPING).reasons
    assert reason.startswith(
        "size 1792x1024: the model makes 1024x1024, 1536x1024, which is too far"
    )


def test_everything_auto() -> None:
    """A request that leaves all to the model fits every model, even if strict."""
    parameters = dict.fromkeys(
        ["size", "aspect_ratio", "quality", "background", "moderation"], "auto"
    )
    result = fitted(Capability(), "strict", **parameters)
    assert (result.adaptations, result.reasons) == ((), ())
    assert result.request == GenerateRequest(prompt="a fox")
