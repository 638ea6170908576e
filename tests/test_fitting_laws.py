"""What holds for every request and every capability, whatever they are."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, cast, get_args

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pinxit.capabilities import (
    Capability,
    FixedSizes,
    InputImages,
    Mask,
    Model,
    Ratios,
    Seed,
    SizeRange,
    Succession,
)
from pinxit.errors import RequestError
from pinxit.fitting import CONTRACTS, HINTS, RECORDED, Fit, fit
from pinxit.images import MAX_PIXELS, Polarity
from pinxit.options import Fidelity, Options
from pinxit.payload import Image
from pinxit.sizing import MAX_CROP, MAX_UPSCALE, Offer
from pinxit.testing import png
from pinxit.testing.checking import violations
from pinxit.types import (
    EditRequest,
    GenerateRequest,
    Operation,
    Request,
    VariationRequest,
    build,
    parse_ratio,
    parse_size,
)

FIDELITIES: tuple[Fidelity, ...] = ("strict", "faithful", "lenient")
PIXELS = ["256x256", "512x512", "1000x1000", "1024x1024", "1024x1536", "1536x1024", "1344x768", "1264x848",
          "1792x1024", "1920x1080", "2048x2048", "3840x2160", "1x1", "99999x3", "99999x99999"]  # fmt: skip
RATIOS = {"1:1": "1024x1024", "3:2": "1264x848", "2:3": "848x1264", "16:9": "1344x768", "21:9": "1584x672",
          "9:16": "768x1344", "4:1": "2048x512"}  # fmt: skip
LOCAL = [Image(png(8, 8)), Image(png(16, 8)), Image(png(1024, 1024)), Image(png(1344, 768)),
         Image(b'<svg xmlns="http://www.w3.org/2000/svg"/>')]  # fmt: skip
PICTURES = [*LOCAL, Image(url="https://img.example/fox.png")]


def subsets(*values: Any, least: int = 0) -> list[tuple[Any, ...]]:
    """All choices of some values, in the order given and the other way round."""
    found = [c for n in range(least, len(values) + 1) for c in combinations(values, n)]
    return list(dict.fromkeys([*found, *(c[::-1] for c in found)]))


edges = st.integers(1, 4096)
pixel_sizes = st.sampled_from(PIXELS) | st.builds("{}x{}".format, edges, edges)
small = st.integers(1, 50)
ratio_names = st.sampled_from([*RATIOS, "7:4", "1:1000"]) | st.builds("{}:{}".format, small, small)


def size_range(bounds: tuple[int, int], area: tuple[int, int], **fields: Any) -> SizeRange:
    low, high = sorted(bounds)
    return SizeRange(
        min_edge=low, max_edge=high, min_pixels=low * area[0], max_pixels=high * area[1], **fields
    )


fixed = st.builds(
    FixedSizes,
    values=st.lists(pixel_sizes, min_size=1, max_size=3).map(tuple),
    auto=st.booleans(),
)
ranges = st.builds(
    size_range,
    st.tuples(edges, edges),
    st.tuples(edges, st.integers(4096, 10_000)),
    multiple_of=st.sampled_from([1, 2, 8, 16, 32, 64, 100]),
    max_ratio=st.sampled_from([None, 1.0, 1.5, 3.0]),
    listed=st.lists(pixel_sizes, max_size=2).map(tuple),
    auto=st.booleans(),
)
tables = st.builds(
    Ratios,
    classes=st.dictionaries(
        st.sampled_from(["512", "1K", "2K", "4K"]),
        st.sampled_from([{r: RATIOS[r] for r in rs} for rs in subsets(*RATIOS, least=1)])
        | st.dictionaries(ratio_names, pixel_sizes, min_size=1, max_size=3),
        min_size=1,
    ),
    named=st.booleans(),
    auto=st.booleans(),
)
QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd")
STYLE_WORDS = {"vivid": "in a vivid style", "natural": "in a natural style"}
LIMITS: Mapping[str, st.SearchStrategy[Any]] = {
    "sizes": st.none() | fixed | ranges | tables,
    "default_size": st.none() | pixel_sizes,
    "max_n": st.integers(1, 10),
    "max_prompt": st.none() | st.integers(1, 300),
    "qualities": st.sampled_from(subsets("auto", "low", "high", "max", "hd")),
    "quality_map": st.sampled_from([{}, {"hd": "high", "standard": "low"}, {"high": "max", "low": "hd"}]),
    "styles": st.sampled_from(subsets("vivid", "natural")),
    "style_words": st.sampled_from([{}, {"vivid": STYLE_WORDS["vivid"]}, STYLE_WORDS]),
    "backgrounds": st.sampled_from(subsets("auto", "transparent", "opaque")),
    "output_formats": st.sampled_from(subsets("png", "jpeg", "webp", "gif", "svg", least=1)),
    "compression": st.sampled_from(subsets("jpeg", "webp")),
    "delivers": st.sampled_from(subsets("b64_json", "url", least=1)),
    "moderations": st.sampled_from(subsets("auto", "low")),
    "complexities": st.sampled_from(subsets("low", "medium", "high")),
    "input_fidelities": st.sampled_from(subsets("low", "high")),
    "images": st.none() | st.builds(
        InputImages,
        max=st.integers(1, 3),
        formats=st.sampled_from(subsets("png", "jpeg", "webp", least=1)),
        max_bytes=st.sampled_from([None, 50]),
        max_edge=st.sampled_from([None, 100]),
        square=st.booleans(),
    ),
    "mask": st.sampled_from([None, *(Mask(polarity=p) for p in get_args(Polarity))]),
    "markup": st.booleans(),
    "seed": st.none() | st.builds(
        Seed, min=st.integers(0, 3), max=st.integers(3, 2**40), best_effort=st.booleans()
    ),
    "negative_prompt": st.booleans(),
    "streaming": st.booleans(),
    "partial_images": st.integers(0, 3),
    "frames": st.sampled_from([None, (2, 16)]),
    "svg": st.booleans(),
    "extra": st.sampled_from([None, (), ("steps",), ("steps", "tiling")]),
}  # fmt: skip


def limits(fields: dict[str, Any]) -> Capability:
    """A capability of fields that contradict each other nowhere."""
    formats, qualities = fields["output_formats"], fields["qualities"]
    fields["compression"] = tuple(f for f in fields["compression"] if f in formats)
    fields["quality_map"] = {k: v for k, v in fields["quality_map"].items() if v in qualities}
    if formats == ("jpeg",):
        fields["backgrounds"] = tuple(b for b in fields["backgrounds"] if b != "transparent")
    return Capability(**fields)


OPERATIONS: list[tuple[Operation, ...]] = [("generate", "edit", "variation"), ("generate", "edit")]


def model(capability: Capability, operations: tuple[Operation, ...]) -> Model:
    return Model(id="acme/one", operations=dict.fromkeys(operations, capability))


capabilities = st.fixed_dictionaries(LIMITS).map(limits)
models = st.builds(model, capabilities, st.sampled_from(OPERATIONS))

PARAMETERS: Mapping[str, st.SearchStrategy[Any]] = {
    "n": st.integers(1, 10),
    "size": st.sampled_from(["auto", "512", "1K", "2K", "3K", "4K"]) | pixel_sizes,
    "aspect_ratio": st.just("auto") | ratio_names,
    "quality": st.sampled_from(QUALITIES),
    "style": st.sampled_from(["vivid", "natural"]),
    "background": st.sampled_from(["auto", "transparent", "opaque"]),
    "output_format": st.sampled_from(["png", "jpeg", "webp", "gif", "svg"]),
    "output_compression": st.integers(0, 100),
    "response_format": st.sampled_from(["url", "b64_json"]),
    "moderation": st.sampled_from(["auto", "low"]),
    "complexity": st.sampled_from(["low", "medium", "high"]),
    "negative_prompt": st.sampled_from(["fog", "x" * 200]),
    "seed": st.integers(0, 20) | st.integers(0, 2**63 - 1),
    "stream": st.booleans(),
    "partial_images": st.integers(0, 3),
    "frame_count": st.integers(2, 64),
    "frame_duration_ms": st.just(100),
    "svg": st.just({"model": "best"}),
    "extra": st.just({"acme": {"steps": 3, "tiling": True}, "other": {"x": 1}}),
    "user": st.just("someone"),
    "metadata": st.just({"team": "a"}),
}
pictures = st.sampled_from(PICTURES)
some_parameters = st.lists(st.sampled_from(list(PARAMETERS)), unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: PARAMETERS[name] for name in names})
)
prompts = st.sampled_from(["a fox", "a fox " * 40])


def request(cls: type[Any], fields: dict[str, Any], **more: Any) -> Request:
    try:
        return cast("Request", build(cls, fields | more))
    except RequestError:
        # The values contradict each other, and no model will see them.
        assume(condition=False)
        raise


requests: st.SearchStrategy[Request] = (
    st.builds(request, st.just(GenerateRequest), some_parameters, prompt=prompts)
    | st.builds(request, st.just(VariationRequest), some_parameters, images=st.tuples(pictures))
    | st.builds(
        request,
        st.just(EditRequest),
        some_parameters,
        prompt=prompts,
        images=st.lists(pictures, min_size=1, max_size=4),
        mask=st.none() | pictures,
        markup=st.none() | pictures,
        input_fidelity=st.sampled_from([None, "low", "high"]),
    )
)


def capability(model: Model) -> Capability:
    return model.operations["edit"]


SUCCESSION = Succession(model="acme/one", quality={"hd": "high"}, style_words=STYLE_WORDS)
hints = st.lists(st.sampled_from(sorted(HINTS)), unique=True, max_size=3).map(tuple)
laws = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def quiet(name: str, request: Request, cap: Capability) -> bool:
    """Whether a parameter may be absent without a word: nothing was asked, or nothing need be said."""
    asked = getattr(request, name)
    if asked in {None, "auto", 0}:
        return True
    match name:
        case "size":
            native = isinstance(cap.sizes, Ratios) and asked == next(iter(cap.sizes.classes))
            return asked == cap.default_size if cap.sizes is None else native
        case "aspect_ratio":
            return parse_size(request.size) is not None
        case "output_format":
            return cap.output_formats == (asked,)
        case "response_format":
            return cap.delivers == (asked,)
        case "background":
            return asked == "opaque" and "jpeg" in {request.output_format, *cap.output_formats}
        case _:
            return False


def changed(request: Request, fitted: Fit) -> set[str]:
    """Names of the parameters that a model gets otherwise than they were asked."""
    names = (CONTRACTS | HINTS) & type(request).model_fields.keys() - {"extra", "model"}
    return {name for name in names if getattr(request, name) != getattr(fitted.request, name, None)}


def adapted(fitted: Fit) -> set[str]:
    return {adaptation.parameter for adaptation in fitted.adaptations}


@laws
@given(requests, models, st.sampled_from(FIDELITIES))
def test_what_fits_is_within_the_limits(request: Request, model: Model, fidelity: Fidelity) -> None:
    """A request that is not refused is one that the model takes."""
    fitted = fit(request, model, fidelity=fidelity)
    if not fitted.reasons:
        assert violations(fitted.request, capability(model), provider="acme") == []


@laws
@given(requests, models, st.sampled_from(FIDELITIES))
def test_nothing_is_lost_in_silence(request: Request, model: Model, fidelity: Fidelity) -> None:
    """Whatever the model does not get as asked has a verdict."""
    fitted = fit(request, model, fidelity=fidelity, succession=SUCCESSION)
    if fitted.reasons:
        return
    told = adapted(fitted)
    silent = changed(request, fitted) - told - {"prompt"}
    assert [n for n in sorted(silent) if not quiet(n, request, capability(model))] == []
    if getattr(request, "prompt", None) not in {None, getattr(fitted.request, "prompt", None)}:
        assert told & {"prompt", "style", "negative_prompt"}
    lost = request.extra.get("acme", {}).keys() - fitted.request.extra.get("acme", {}).keys()
    assert not lost or "extra" in told
    assert all(getattr(fitted.request, n) == getattr(request, n) for n in RECORDED)


@laws
@given(requests, models, hints)
def test_fidelity_is_a_ladder(request: Request, model: Model, require: tuple[str, ...]) -> None:
    """What a stricter fidelity accepts is what a laxer one makes of it; what it refuses is named there."""
    strict, faithful, lenient = (
        fit(request, model, fidelity=f, require=require, succession=SUCCESSION) for f in FIDELITIES
    )
    losses = [
        a
        for a in lenient.adaptations
        if a.verdict in {"approximated", "dropped"} and a.parameter not in HINTS - {*require}
    ]
    assert bool(strict.reasons) == bool(lenient.reasons or lenient.adaptations)
    assert bool(faithful.reasons) == bool(lenient.reasons or losses)
    assert faithful.reasons or faithful == lenient
    assert strict.reasons or strict == lenient


@laws
@given(requests, models)
def test_strict_changes_nothing(request: Request, model: Model) -> None:
    """A strict request goes as it is, but for what the model does by itself, and so does its result."""
    fitted = fit(request, model, fidelity="strict")
    if fitted.reasons:
        return
    assert fitted.adaptations == ()
    assert fitted.operation == request.operation
    assert all(quiet(n, request, capability(model)) for n in changed(request, fitted))
    said = fitted.delivery.model_dump(exclude_defaults=True).keys()
    assert said <= {"promised", "response_format"}


@laws
@given(requests, models)
def test_lenient_refuses_what_cannot_be_sent(request: Request, model: Model) -> None:
    """A lenient request fails for its pictures alone."""
    reasons = fit(request, model, fidelity="lenient").reasons
    assert all(reason.startswith("image") for reason in reasons)


@laws
@given(requests, models, st.sampled_from(FIDELITIES), hints)
def test_fitting_is_pure(
    request: Request, model: Model, fidelity: Fidelity, require: tuple[str, ...]
) -> None:
    """The same request and model give the same result, and neither is changed."""
    before = dict(request)
    first = fit(request, model, fidelity=fidelity, require=require)
    assert fit(request, model, fidelity=fidelity, require=require[::-1]) == first
    assert dict(request) == before


@laws
@given(requests, models)
def test_n_is_ordered_exactly(request: Request, model: Model) -> None:
    """The calls add up to n, and each has a seed that the model takes."""
    fitted, limits = fit(request, model, fidelity="lenient"), capability(model)
    if fitted.reasons:
        return
    assert sum(fitted.calls) == request.n
    assert max(fitted.calls) == fitted.request.n <= limits.max_n
    seed = fitted.request.seed
    if seed is not None and limits.seed is not None and limits.seed.max >= request.n + 3:
        assert seed + sum(fitted.calls[:-1]) <= limits.seed.max


@laws
@given(requests, models, st.sampled_from(["faithful", "lenient"]))
def test_delivered_pixels(request: Request, model: Model, fidelity: Fidelity) -> None:
    """Emulated pixels are those asked for, made with hardly any loss; others are never made up."""
    fitted = fit(request, model, fidelity=fidelity)
    verdicts = {a.parameter: a.verdict for a in fitted.adaptations}
    wanted, made = fitted.delivery.size, fitted.delivery.promised
    asked = parse_size(request.size)
    if fitted.reasons:
        return
    if wanted is None:
        if asked and verdicts.get("size", "kept") in {"kept", "mapped"}:
            assert made == asked
        return
    if made is None:
        assert wanted[0] * wanted[1] <= MAX_PIXELS
        return
    offer = Offer(*made)
    # Edges are whole pixels.
    assert offer.scale(*wanted) <= MAX_UPSCALE + 1 / min(made)
    if "approximated" not in {verdicts.get("size"), verdicts.get("aspect_ratio")}:
        assert offer.crop(*wanted) <= MAX_CROP
        assert offer.scale(*wanted) <= MAX_UPSCALE
        assert asked in {None, wanted}
    if verdicts.get("aspect_ratio") == "emulated":
        ratio = parse_ratio(request.aspect_ratio)
        assert ratio is not None
        assert abs(wanted[0] / ratio - wanted[1]) <= max(1, 1 / ratio)


def test_every_parameter_has_a_kind() -> None:
    """Each parameter of a request is a contract, a hint, recorded, or about routing."""
    fields = {name for cls in get_args(Request) for name in cls.model_fields}
    assert fields - Options.model_fields.keys() == (CONTRACTS | HINTS | RECORDED) - {"operation"}
    assert not CONTRACTS & HINTS
    assert not RECORDED & (CONTRACTS | HINTS)


def test_every_parameter_is_tried() -> None:
    """The requests above have every parameter that can be fitted."""
    tried = PARAMETERS.keys() | {
        "prompt",
        "images",
        "mask",
        "markup",
        "input_fidelity",
        "model",
        "operation",
    }
    assert tried >= CONTRACTS | HINTS
