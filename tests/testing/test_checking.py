"""Tests of `pinxit.testing.checking`."""

from __future__ import annotations

from typing import Any

import pytest

from pinxit.capabilities import (
    Capability,
    FixedSizes,
    InputImages,
    Mask,
    Ratios,
    Seed,
    SizeRange,
)
from pinxit.payload import Image
from pinxit.testing import png
from pinxit.testing.checking import violations
from pinxit.types import EditRequest, GenerateRequest, VariationRequest

PICTURE, WIDE = Image(png(8, 8)), Image(png(16, 8))
FIXED = FixedSizes(values=("1024x1024",), auto=True)
TABLE = Ratios(classes={"1K": {"1:1": "1024x1024"}, "2K": {"16:9": "2752x1536"}}, auto=True)
UNNAMED = Ratios(classes={"1K": {"1:1": "1024x1024"}}, named=False)
BOTH: dict[str, Any] = {"output_formats": ("png", "jpeg")}


@pytest.mark.parametrize(
    ("limits", "fits", "breaks"),
    [
        ({"max_prompt": 5}, {}, {"prompt": "a foxy"}),
        ({"negative_prompt": True}, {"negative_prompt": "fog"}, None),
        ({}, {}, {"negative_prompt": "fog"}),
        ({"qualities": ("low",)}, {"quality": "low"}, {"quality": "auto"}),
        ({"styles": ("vivid",)}, {"style": "vivid"}, {"style": "natural"}),
        ({"backgrounds": ("opaque",)}, {"background": "opaque"}, {"background": "auto"}),
        ({"moderations": ("auto",)}, {"moderation": "auto"}, {"moderation": "low"}),
        ({"complexities": ("low",)}, {"complexity": "low"}, {"complexity": "high"}),
        ({"sizes": FIXED}, {"size": "1024x1024"}, {"size": "512x512"}),
        ({"sizes": FIXED}, {"size": "auto"}, {"size": "1K"}),
        ({"sizes": FIXED}, {}, {"aspect_ratio": "1:1"}),
        ({"sizes": SizeRange(max_edge=9)}, {"size": "9x9"}, {"size": "auto"}),
        ({"default_size": "9x9"}, {}, {"size": "9x9"}),
        ({"sizes": TABLE}, {"size": "2K", "aspect_ratio": "16:9"}, {"aspect_ratio": "16:9"}),
        ({"sizes": TABLE}, {"aspect_ratio": "auto"}, {"size": "4K"}),
        ({"sizes": UNNAMED}, {"aspect_ratio": "1:1"}, {"size": "1K"}),
        ({"sizes": UNNAMED}, {}, {"aspect_ratio": "auto"}),
        (BOTH, {"output_format": "jpeg"}, {"output_format": "webp"}),
        ({}, {}, {"output_format": "png"}),
        ({"output_formats": ("jpeg", "png"), "backgrounds": ("transparent",)},
         {"background": "transparent", "output_format": "png"}, {"background": "transparent"}),
        ({**BOTH, "compression": ("jpeg",)},
         {"output_format": "jpeg", "output_compression": 5}, {"output_compression": 5}),
        ({"delivers": ("url", "b64_json")}, {"response_format": "url"}, None),
        ({}, {}, {"response_format": "b64_json"}),
        ({"max_n": 2}, {"n": 2}, {"n": 3}),
        ({"seed": Seed(min=1, max=5)}, {"seed": 5}, {"seed": 0}),
        ({}, {}, {"seed": 0}),
        ({"streaming": True}, {"stream": True, "partial_images": 0}, {"stream": True, "partial_images": 1}),
        ({"partial_images": 3}, {}, {"stream": True}),
        ({"streaming": True, "partial_images": 3},
         {"stream": True, "partial_images": 3}, {"partial_images": 1}),
        ({"frames": (2, 4)}, {"frame_count": 4, "frame_duration_ms": 50}, {"frame_count": 5}),
        ({}, {}, {"frame_count": 2}),
        ({}, {}, {"frame_duration_ms": 50}),
        ({"svg": True}, {"svg": {}}, None),
        ({}, {}, {"svg": {}}),
        ({}, {"extra": {"acme": {"x": 1}}}, {"extra": {"other": {"x": 1}}}),
        ({"extra": ("x",)}, {"extra": {"acme": {"x": 1}}}, {"extra": {"acme": {"y": 1}}}),
    ],
)  # fmt: skip
def test_generate(
    limits: dict[str, Any], fits: dict[str, Any], breaks: dict[str, Any] | None
) -> None:
    """Each limit lets through what is within it, and names what is beyond."""
    cap = Capability(**limits)
    fitting = GenerateRequest.model_validate({"prompt": "a fox", **fits})
    assert violations(fitting, cap, provider="acme") == []
    if breaks is not None:
        request = GenerateRequest.model_validate({"prompt": "a fox", **breaks})
        (sentence,) = violations(request, cap, provider="acme")
        assert any(name in sentence for name in breaks)


@pytest.mark.parametrize(
    ("limits", "fits", "breaks"),
    [
        ({"images": InputImages(max=2)}, {"images": [PICTURE] * 2}, {"images": [PICTURE] * 3}),
        ({"images": InputImages(square=True)}, {"images": [PICTURE]}, {"images": [WIDE]}),
        ({}, None, {"images": [PICTURE]}),
        ({"images": InputImages(), "mask": Mask()}, {"mask": PICTURE}, {"markup": PICTURE}),
        ({"images": InputImages(), "markup": True}, {"markup": PICTURE}, {"mask": PICTURE}),
        ({"images": InputImages(), "input_fidelities": ("low",)},
         {"input_fidelity": "low"}, {"input_fidelity": "high"}),
    ],
)  # fmt: skip
def test_edit(limits: dict[str, Any], fits: dict[str, Any] | None, breaks: dict[str, Any]) -> None:
    """The limits of input pictures hold for edits."""
    cap = Capability(**limits)
    whole: dict[str, Any] = {"prompt": "a hat", "images": [PICTURE]}
    if fits is not None:
        assert violations(EditRequest.model_validate(whole | fits), cap) == []
    assert len(violations(EditRequest.model_validate(whole | breaks), cap)) == 1


def test_variation() -> None:
    """Those of the picture hold for variations too."""
    request = VariationRequest(images=(WIDE,))
    assert violations(request, Capability(images=InputImages())) == []
    assert violations(request, Capability()) == ["input pictures are not taken"]
