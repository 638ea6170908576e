"""Tests of `pinxit.sizing`."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pinxit.capabilities import Capability, FixedSizes, Ratios, SizeRange
from pinxit.sizing import (
    MAX_CROP,
    MAX_UPSCALE,
    Offer,
    Sizing,
    choose_class,
    choose_pixels,
    choose_ratio,
)

GPT_1 = Capability(sizes=FixedSizes(values=("1024x1024", "1536x1024", "1024x1536"), auto=True))
GPT_2 = Capability(
    sizes=SizeRange(
        min_edge=16,
        max_edge=3840,
        multiple_of=16,
        max_ratio=3,
        min_pixels=655_360,
        max_pixels=8_294_400,
    )
)
GEMINI = Capability(
    sizes=Ratios(
        classes={
            "1K": {"1:1": "1024x1024", "3:2": "1264x848", "16:9": "1376x768", "21:9": "1584x672"},
            "2K": {"1:1": "2048x2048", "3:2": "2528x1696", "16:9": "2752x1536"},
        }
    )
)
ROUNDED = Capability(sizes=FixedSizes(values=("1360x768",)))
ONE = Capability(default_size="1024x1024")
UNKNOWN = Capability()


def one_class(name: str, **ratios: str) -> Capability:
    table = {ratio.replace("_", ":").strip("r"): pixels for ratio, pixels in ratios.items()}
    return Capability(sizes=Ratios(classes={name: table}, named=False))


# Pixels


@pytest.mark.parametrize("cap", [GPT_1, GPT_2, ONE])
def test_exact_pixels(cap: Capability) -> None:
    """Pixels that the model makes are kept; they are sent where they can be chosen."""
    found = choose_pixels(cap, 1024, 1024)
    size = None if cap is ONE else "1024x1024"
    assert found == Sizing(size, None, (1024, 1024), None, "kept")


def test_exact_pixels_by_ratio() -> None:
    """Where the model takes ratios, the one with these very pixels is its word for them."""
    assert choose_pixels(GEMINI, 1264, 848) == Sizing("1K", "3:2", (1264, 848), None, "mapped")
    found = choose_pixels(one_class("1K", r1_1="1024x1024"), 1024, 1024)
    assert found == Sizing(None, "1:1", (1024, 1024), None, "mapped")


def test_labels_are_not_believed() -> None:
    """1536x1024 is three to two, yet no 3:2 of this model has these pixels; the nearest larger is scaled."""
    found = choose_pixels(GEMINI, 1536, 1024)
    assert found == Sizing("2K", "3:2", (2528, 1696), (1536, 1024), "emulated")


@pytest.mark.parametrize(
    ("width", "height", "size", "verdict"),
    [
        (1000, 1000, "1024x1024", "emulated"),  # scaled down
        (64, 64, "1024x1024", "emulated"),
        (1536, 1536, "1024x1024", "emulated"),  # enlarged by half, no larger square
        (1538, 1538, "1024x1024", "approximated"),
        (1490, 1024, "1536x1024", "emulated"),  # cropped by 2.995 %
        (1489, 1024, "1536x1024", "approximated"),
        (1792, 1024, "1536x1024", "approximated"),
        (700, 1000, "1024x1536", "approximated"),
    ],
)
def test_pixels_of_fixed_sizes(width: int, height: int, size: str, verdict: str) -> None:
    """Other pixels are made of the nearest size, down to any, up by half, cropped by 3 %."""
    found = choose_pixels(GPT_1, width, height)
    assert found is not None
    assert (found.size, found.verdict) == (size, verdict)
    assert found.deliver is not None
    if verdict == "emulated":
        assert found.deliver == (width, height)


def test_larger_size_beats_enlarging() -> None:
    """Where a larger size exists nothing is enlarged."""
    cap = Capability(sizes=FixedSizes(values=("1024x1024", "4096x4096", "2048x2048")))
    found = choose_pixels(cap, 1100, 1100)
    assert found == Sizing("2048x2048", None, (2048, 2048), (1100, 1100), "emulated")


def test_smallest_size_of_a_range() -> None:
    """Of a range the smallest size that covers the pixels is made."""
    assert choose_pixels(GPT_2, 1920, 1080) == Sizing(
        "1920x1088", None, (1920, 1088), (1920, 1080), "emulated"
    )
    found = choose_pixels(GPT_2, 1921, 1088)
    assert found is not None
    assert found.size == "1936x1088"
    # Too few pixels for the model: made larger and scaled down.
    found = choose_pixels(GPT_2, 256, 256)
    assert found is not None
    assert (found.size, found.deliver, found.verdict) == ("816x816", (256, 256), "emulated")


def test_listed_sizes_of_a_range() -> None:
    """Listed sizes count although they are beyond the bounds."""
    cap = Capability(sizes=SizeRange(max_edge=512, listed=("2048x1024",)))
    assert choose_pixels(cap, 2048, 1024) == Sizing("2048x1024", None, (2048, 1024))
    assert choose_pixels(cap, 1024, 512) == Sizing(
        "2048x1024", None, (2048, 1024), (1024, 512), "emulated"
    )


def test_pixels_are_not_made_up() -> None:
    """Something near has the shape that was asked and is enlarged by half at most."""
    found = choose_pixels(ONE, 99_999, 99_999)
    assert found == Sizing(None, None, (1024, 1024), (1536, 1536), "approximated")
    found = choose_pixels(ONE, 4000, 1000)
    assert found == Sizing(None, None, (1024, 1024), (1536, 384), "approximated")


def test_nothing_is_known() -> None:
    """Of a model whose sizes nobody knows nothing can be said."""
    assert choose_pixels(UNKNOWN, 1024, 1024) is None
    assert choose_ratio(UNKNOWN, "16:9", None) is None
    assert choose_class(UNKNOWN, "1K") is None
    empty = Capability(sizes=SizeRange(min_edge=10, max_edge=12, multiple_of=16))
    assert choose_pixels(empty, 11, 11) is None
    assert choose_ratio(empty, "1:1", None) is None


# Ratios


@pytest.mark.parametrize(
    ("ratio", "size", "sent", "made"),
    [
        ("16:9", None, None, (1376, 768)),
        ("16:9", "1K", "1K", (1376, 768)),
        ("16:9", "2K", "2K", (2752, 1536)),
        ("3:2", None, None, (1264, 848)),
    ],
)
def test_own_ratios(ratio: str, size: str | None, sent: str, made: tuple[int, int]) -> None:
    """A ratio of the model is kept, though its pixels are rounded; the class is named where it was asked."""
    assert choose_ratio(GEMINI, ratio, size) == Sizing(sent, ratio, made, None, "kept", "kept")


def test_lying_label() -> None:
    """A label whose pixels are of another shape is not taken at its word."""
    cap = one_class("1K", r16_9="1024x1024", r7_4="1344x768")
    found = choose_ratio(cap, "16:9", None)
    assert found is not None
    assert (found.ratio, found.deliver, found.verdict) == ("7:4", (1344, 756), "emulated")


def test_lying_label_without_a_better_one() -> None:
    """It is not taken at its word where there is nothing else, either."""
    found = choose_ratio(one_class("1K", r16_9="1024x1024"), "16:9", None)
    assert found == Sizing(None, "16:9", (1024, 1024), (1024, 576), "approximated")


def test_own_label_beats_a_nearer_one() -> None:
    """What the model calls so is preferred to what is a little nearer under another name."""
    cap = one_class("1K", r1366_768="1366x768", r16_9="1376x768")
    assert choose_ratio(cap, "16:9", None) == Sizing(None, "16:9", (1376, 768))


def test_other_spelling_of_a_ratio() -> None:
    """A ratio by another name is mapped to the model's."""
    assert choose_ratio(GEMINI, "32:18", None) == Sizing(
        None, "16:9", (1376, 768), (1365, 768), "emulated"
    )
    cap = one_class("1K", r16_9="1280x720")
    assert choose_ratio(cap, "32:18", None) == Sizing(None, "16:9", (1280, 720), None, "mapped")


@pytest.mark.parametrize(
    ("cap", "ratio", "size", "deliver", "verdict"),
    [
        (GPT_1, "3:2", "1536x1024", None, "mapped"),
        (GPT_1, "1:1", "1024x1024", None, "mapped"),
        (GPT_1, "1.48:1", "1536x1024", (1516, 1024), "emulated"),
        (GPT_1, "16:9", "1536x1024", (1536, 864), "approximated"),
        (GPT_1, "9:16", "1024x1536", (864, 1536), "approximated"),
        (GPT_2, "16:9", "1280x720", None, "mapped"),
        (GPT_2, "1:1", "1024x1024", None, "mapped"),
        (GPT_2, "4:1", "1776x592", (1776, 444), "approximated"),
        (ROUNDED, "16:9", "1360x768", None, "mapped"),
        (ONE, "1:1", None, None, "mapped"),
        (ONE, "4:3", None, (1024, 768), "approximated"),
    ],
)
def test_ratios_by_pixels(
    cap: Capability, ratio: str, size: str | None, deliver: tuple[int, int] | None, verdict: str
) -> None:
    """A model without ratios makes the nearest size, cut to the ratio where it is not that already."""
    found = choose_ratio(cap, ratio, None)
    assert found is not None
    assert (found.size, found.deliver, found.verdict) == (size, deliver, verdict)
    assert found.ratio is None


def test_ratio_without_a_class() -> None:
    """Without a class a range makes about a megapixel, though a far larger size has the ratio exactly."""
    cap = Capability(sizes=SizeRange(min_edge=64, max_edge=3840, multiple_of=64))
    found = choose_ratio(cap, "1.85:1", None)
    assert found is not None
    assert found.size == "1536x832"


def test_other_class_for_a_ratio() -> None:
    """A ratio that only another class has is made in that class; the class is named then."""
    cap = Capability(sizes=Ratios(classes={"1K": {"1:1": "1024x1024"}, "2K": {"4:1": "4096x1024"}}))
    assert choose_ratio(cap, "4:1", None) == Sizing("2K", "4:1", (4096, 1024))
    unnamed = Capability(sizes=Ratios(classes=cap.sizes.classes, named=False))  # type: ignore[union-attr]
    found = choose_ratio(unnamed, "4:1", None)
    assert found is not None
    assert found.verdict == "approximated"


# Classes


@pytest.mark.parametrize(
    ("cap", "name", "expected"),
    [
        (GEMINI, "2K", Sizing("2K")),
        (one_class("1K", r1_1="1024x1024"), "1K", Sizing()),
        (GPT_1, "1K", Sizing("1024x1024", None, (1024, 1024), None, "mapped", "mapped")),
        (GPT_2, "2K", Sizing("2048x2048", None, (2048, 2048), None, "mapped", "mapped")),
        (GPT_2, "4K", Sizing("2880x2880", None, (2880, 2880), (4096, 4096), "emulated", "emulated")),
        (GPT_2, "512", Sizing("816x816", None, (816, 816), (512, 512), "emulated", "emulated")),
        (GPT_1, "2K", Sizing("1024x1024", None, (1024, 1024), None, "approximated", "approximated")),
        (ONE, "1K", Sizing(None, None, (1024, 1024), None, "mapped", "mapped")),
        (GEMINI, "4K", Sizing("2K", None, None, None, "approximated", "approximated")),
        (GEMINI, "3K", Sizing("2K", None, None, None, "approximated", "approximated")),
        (ONE, "2K", Sizing(None, None, (1024, 1024), None, "approximated", "approximated")),
        (one_class("2K", r1_1="1024x1024"), "1K", Sizing(verdict="mapped", class_verdict="mapped")),
    ],
)  # fmt: skip
def test_classes(cap: Capability, name: str, expected: Sizing) -> None:
    """A class is a number of pixels: native by name, else a size that has about as many or is scaled."""
    assert choose_class(cap, name) == expected


def test_class_that_cannot_be_named() -> None:
    """A class that the model has but takes no name for cannot be had."""
    classes = {"1K": {"1:1": "1024x1024"}, "2K": {"1:1": "2048x2048"}}
    found = choose_class(Capability(sizes=Ratios(classes=classes, named=False)), "2K")
    assert found == Sizing(verdict="approximated", class_verdict="approximated")


def test_exact_class_of_a_fine_range() -> None:
    """In a range without steps a class is met to the pixel."""
    cap = Capability(sizes=SizeRange(max_edge=5000))
    for name, edge in {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}.items():
        found = choose_class(cap, name)
        assert found is not None
        assert found.made == (edge, edge)


@pytest.mark.parametrize(
    ("cap", "ratio", "name", "made", "deliver", "verdicts"),
    [
        (GPT_2, "16:9", "2K", (2816, 1584), None, ("mapped", "mapped")),
        (GPT_1, "3:2", "1K", (1536, 1024), None, ("mapped", "mapped")),
        (GPT_1, "3:2", "2K", (1536, 1024), None, ("mapped", "approximated")),
        (GPT_1, "3:2", "512", (1536, 1024), (627, 418), ("mapped", "emulated")),
        (GEMINI, "16:9", "4K", (2752, 1536), None, ("kept", "approximated")),
        (GEMINI, "16:9", "512", (1376, 768), (685, 383), ("kept", "emulated")),
        (GEMINI, "16:9", "3K", (2752, 1536), (4112, 2295), ("kept", "emulated")),
        (GEMINI, "21:9", "2K", (2752, 1536), (2752, 1179), ("approximated", "kept")),
    ],
)
def test_ratio_in_a_class(
    cap: Capability,
    ratio: str,
    name: str,
    made: tuple[int, int],
    deliver: tuple[int, int] | None,
    verdicts: tuple[str, str],
) -> None:
    """The ratio and the class have verdicts of their own: a small picture of the ratio is not the class."""
    found = choose_ratio(cap, ratio, name)
    assert found is not None
    assert (found.made, found.deliver) == (made, deliver)
    assert (found.verdict, found.class_verdict) == verdicts


def test_rounding_may_be_too_much() -> None:
    """A crop of nearly 3 % that whole pixels turn into more is no emulation."""
    cap = Capability(sizes=FixedSizes(values=("1810x809",)))
    found = choose_ratio(cap, "2.307:1", "512")
    assert found is not None
    assert (found.verdict, found.class_verdict) == ("emulated", "approximated")


# Laws

edges = st.integers(1, 60)


@st.composite
def small_ranges(draw: st.DrawFn) -> SizeRange:
    low, high = sorted([draw(edges), draw(edges)])
    return SizeRange(
        min_edge=low,
        max_edge=high,
        multiple_of=draw(st.integers(1, 9)),
        max_ratio=draw(st.sampled_from([None, 1.0, 1.5, 2.0])),
        min_pixels=draw(st.integers(1, high * high)),
        max_pixels=draw(st.sampled_from([None, high * high])),
    )


def every_size(bounds: SizeRange) -> list[Offer]:
    span = range(bounds.min_edge, bounds.max_edge + 1)
    return [Offer(w, h) for w in span for h in span if bounds.accepts(w, h)]


@settings(deadline=None)
@given(small_ranges(), edges, edges)
@example(SizeRange(min_edge=34, max_edge=34), 33, 34)
def test_a_range_is_searched_well(bounds: SizeRange, width: int, height: int) -> None:
    """If any size of a range serves, one is found; only what the model makes is sent."""
    found = choose_pixels(Capability(sizes=bounds), width, height)
    sizes = every_size(bounds)
    if found is None:
        assert not any(offer.serves(width, height) for offer in sizes)
        return
    assert found.made is not None
    assert bounds.accepts(*found.made)
    served = any(offer.serves(width, height) for offer in sizes)
    assert served == (found.verdict in {"kept", "emulated"})
    if not bounds.accepts(width, height) and any(
        offer.serves(width, height) and offer.scale(width, height) <= 1 for offer in sizes
    ):
        assert Offer(*found.made).scale(width, height) <= 1


@settings(deadline=None)
@given(
    st.integers(256, 4096),
    st.sampled_from([1, 8, 16, 32, 64]),
    st.integers(1, 40),
    st.integers(1, 40),
)
@example(3840, 16, 16, 9)
def test_ratios_of_a_range(most: int, step: int, across: int, down: int) -> None:
    """In a range that is wide enough any moderate ratio is made with hardly any loss."""
    ratio = across / down
    if not 1 / 3 <= ratio <= 3 or most / step < 48:
        return
    cap = Capability(sizes=SizeRange(min_edge=step, max_edge=most, multiple_of=step))
    found = choose_ratio(cap, f"{across}:{down}", None)
    assert found is not None
    assert found.made is not None
    assert found.verdict in {"mapped", "emulated"}
    assert math.isclose(Offer(*found.made).edge, min(1024, most), rel_tol=0.7)


def test_limits_are_those_of_the_promise() -> None:
    """The limits that documentation and callers rely on."""
    assert (MAX_CROP, MAX_UPSCALE) == (0.03, 1.5)
