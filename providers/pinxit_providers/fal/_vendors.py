"""The models of other vendors at fal."""

from __future__ import annotations

from collections.abc import Mapping

from pinxit import FixedSizes, Mask, Ratios, SizeRange
from pinxit_providers.protocols.ratios import COMPUTED, GEMINI_3, ratio_pixels

from ._dialect import Dialect, Dialects
from ._row import (
    ALWAYS_WHITE,
    FORMAT,
    LANDSCAPE,
    PNG_FIRST,
    PRESET_RANGE,
    RANGE,
    REFERENCES,
    SQUARE,
    WHITE,
    Row,
    one_class,
    pair,
    takes,
)

__all__ = ["ROWS"]

_TEN = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_FIBO = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9")

# Google's own tables.
_GEMINI_2_5: dict[str, str] = dict(zip(_TEN, (
    "1024x1024", "832x1248", "1248x832", "864x1184", "1184x864", "896x1152", "1152x896", "768x1344",
    "1344x768", "1536x672",
), strict=True))  # fmt: skip
_GEMINI_3_WIDE: dict[str, str] = {
    **GEMINI_3, "1:4": "512x2048", "4:1": "2048x512", "1:8": "384x3072", "8:1": "3072x384",
}  # fmt: skip


def _times(sizes: Mapping[str, str], factor: int) -> dict[str, str]:
    return {
        ratio: "x".join(str(factor * int(edge)) for edge in pixels.split("x"))
        for ratio, pixels in sizes.items()
    }


def _classes(sizes: Mapping[str, str]) -> Ratios:
    return Ratios(classes={"1K": dict(sizes), "2K": _times(sizes, 2), "4K": _times(sizes, 4)})


def _seedream(least: tuple[int, int], most: int) -> SizeRange:
    return SizeRange(
        min_edge=512,
        max_edge=most,
        multiple_of=16,
        max_ratio=16,
        min_pixels=least[0] * least[1],
        max_pixels=most * most,
    )


def _dream(version: str, title: str, sizes: SizeRange, *, seed: bool = True) -> Row:
    path = f"fal-ai/bytedance/seedream/{version}"
    return Row(
        name=f"{path}/text-to-image",
        title=title,
        dialects=Dialects(
            generate=Dialect(path=f"{path}/text-to-image"),
            edit=Dialect(path=f"{path}/edit", image="image_urls"),
        ),
        takes=takes(sizes, formats=("jpeg",), seed=seed),
        references=10,
        uncertain=(
            "Sizes, the number of input pictures and JPEG are those of the vendor's own API.",
        ),
    )


ROWS = (
    Row(
        name="fal-ai/nano-banana",
        title="Nano Banana (Gemini 2.5 Flash Image)",
        dialects=pair("fal-ai/nano-banana", size="ratio"),
        takes=takes(one_class(_GEMINI_2_5), formats=PNG_FIRST, default_size=SQUARE),
        edits={"default_size": None},
        references=3,
        usd={"": "0.039"},
        uncertain=(REFERENCES,),
    ),
    Row(
        name="fal-ai/nano-banana-2",
        title="Nano Banana 2",
        dialects=pair("fal-ai/nano-banana-2", size="class"),
        takes=takes(_classes(_GEMINI_3_WIDE), formats=PNG_FIRST),
        references=14,
        usd={"1K": "0.08", "2K": "0.12", "4K": "0.16"},
        uncertain=(REFERENCES, "The class 0.5K is left out: its pixels are not known."),
    ),
    Row(
        name="fal-ai/nano-banana-pro",
        title="Nano Banana Pro",
        dialects=pair("fal-ai/nano-banana-pro", size="class"),
        takes=takes(_classes(GEMINI_3), formats=PNG_FIRST, default_size=SQUARE),
        edits={"default_size": None},
        references=14,
        usd={"1K": "0.15", "2K": "0.15", "4K": "0.3"},
        uncertain=(REFERENCES,),
    ),
    Row(
        name="fal-ai/gpt-image-1.5",
        title="GPT Image 1.5",
        dialects=pair("fal-ai/gpt-image-1.5", size="name", mask="mask_image_url"),
        takes=takes(
            FixedSizes(values=(SQUARE, "1536x1024", "1024x1536")),
            formats=PNG_FIRST,
            seed=False,
            default_size=SQUARE,
            qualities=("low", "medium", "high"),
            default_quality="high",
            backgrounds=("auto", "transparent", "opaque"),
        ),
        edits={"input_fidelities": ("low", "high"), "default_size": None},
        references=16,
        mask=Mask(polarity="transparent_edits", soft=True),
        uncertain=(REFERENCES,),
    ),
    _dream("v5/lite", "Seedream 5.0 Lite", _seedream((2560, 1440), 3072), seed=False),
    _dream("v4.5", "Seedream 4.5", _seedream((2560, 1440), 4096)),
    _dream("v4", "Seedream 4.0", _seedream((1024, 1024), 4096)),
    Row(
        name="fal-ai/ideogram/v3",
        title="Ideogram 3.0",
        dialects=Dialects(
            generate=Dialect(
                path="fal-ai/ideogram/v3",
                quality="rendering_speed",
                qualities={"low": "TURBO", "medium": "BALANCED", "high": "QUALITY"},
            ),
            edit=Dialect(
                path="fal-ai/ideogram/v3/remix",
                image="image_url",
                quality="rendering_speed",
                qualities={"low": "TURBO", "medium": "BALANCED", "high": "QUALITY"},
            ),
        ),
        takes=takes(
            PRESET_RANGE,
            formats=("png",),
            default_size=SQUARE,
            negative_prompt=True,
            qualities=("low", "medium", "high"),
            default_quality="medium",
        ),
        usd={"low": "0.03", "medium": "0.06", "high": "0.09"},
        uncertain=(
            RANGE,
            FORMAT,
            "What a mask means here is not known, so that none is sent: an edit is a remix.",
        ),
    ),
    Row(
        name="fal-ai/recraft/v4/text-to-image",
        title="Recraft V4",
        dialects=Dialects(generate=Dialect(path="fal-ai/recraft/v4/text-to-image", n="")),
        takes=takes(PRESET_RANGE, formats=("webp",), n=1, seed=False, default_size=SQUARE),
        uncertain=(RANGE, FORMAT),
    ),
    Row(
        name="fal-ai/recraft/v3/text-to-image",
        title="Recraft V3",
        dialects=Dialects(generate=Dialect(path="fal-ai/recraft/v3/text-to-image", n="")),
        takes=takes(PRESET_RANGE, formats=("webp",), n=1, seed=False, default_size=SQUARE),
        usd={"": "0.04"},
        uncertain=(RANGE, FORMAT),
    ),
    Row(
        name="fal-ai/qwen-image",
        title="Qwen-Image",
        dialects=Dialects(
            generate=Dialect(path="fal-ai/qwen-image"),
            edit=Dialect(path="fal-ai/qwen-image-edit", image="image_url"),
            inpaint=Dialect(path="fal-ai/qwen-image-edit/inpaint", image="image_url"),
        ),
        takes=takes(
            PRESET_RANGE, formats=("png", "jpeg"), default_size=LANDSCAPE, negative_prompt=True
        ),
        edits={"default_size": None},
        mask=WHITE,
        uncertain=(RANGE,),
    ),
    Row(
        name="fal-ai/z-image/turbo",
        title="Z-Image Turbo",
        dialects=Dialects(generate=Dialect(path="fal-ai/z-image/turbo")),
        takes=takes(PRESET_RANGE, formats=PNG_FIRST, default_size=LANDSCAPE),
        uncertain=(RANGE,),
    ),
    Row(
        name="fal-ai/stable-diffusion-v35-large",
        title="Stable Diffusion 3.5 Large",
        dialects=Dialects(generate=Dialect(path="fal-ai/stable-diffusion-v35-large")),
        takes=takes(PRESET_RANGE, negative_prompt=True),
        uncertain=(RANGE,),
    ),
    Row(
        name="fal-ai/fast-sdxl",
        title="Stable Diffusion XL",
        dialects=Dialects(
            generate=Dialect(path="fal-ai/fast-sdxl", format="format"),
            inpaint=Dialect(path="fal-ai/fast-sdxl/inpainting", image="image_url", format="format"),
        ),
        takes=takes(PRESET_RANGE, default_size=SQUARE, negative_prompt=True),
        mask=ALWAYS_WHITE,
        uncertain=(RANGE,),
    ),
    Row(
        name="bria/fibo/generate",
        title="Bria FIBO",
        dialects=Dialects(generate=Dialect(path="bria/fibo/generate", size="ratio", n="")),
        takes=takes(
            one_class(ratio_pixels(_FIBO)),
            formats=("png",),
            n=1,
            default_size=SQUARE,
            negative_prompt=True,
        ),
        uncertain=(COMPUTED, FORMAT),
    ),
)
