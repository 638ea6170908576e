"""FLUX at fal: every generation of Black Forest Labs' models."""

from __future__ import annotations

from pinxit import Ratios, SizeRange
from pinxit_providers.protocols.ratios import COMPUTED, ratio_pixels

from ._dialect import Dialect, Dialects
from ._row import (
    ALWAYS_WHITE,
    FLUX_2,
    FORMAT,
    JPEG_FIRST,
    LANDSCAPE,
    PNG_FIRST,
    PRESETS,
    RANGE,
    REFERENCES,
    SQUARE,
    Row,
    one_class,
    pair,
    takes,
)

__all__ = ["ROWS"]

_FLUX_1 = SizeRange(min_edge=256, max_edge=1440, multiple_of=32, listed=PRESETS)
_KONTEXT = ("1:1", "21:9", "16:9", "4:3", "3:2", "2:3", "3:4", "9:16", "9:21")
_FLUX_3 = (
    "1:1", "21:9", "2:1", "16:9", "3:2", "7:5", "4:3", "5:4", "4:5", "3:4", "5:7", "2:3", "9:16", "1:2",
)  # fmt: skip


def _flux_2(name: str, title: str, usd: str = "", *, n: int = 1, most: int = 8) -> Row:
    formats = JPEG_FIRST if n == 1 or "klein" in name else PNG_FIRST
    default = SQUARE if "klein" in name else LANDSCAPE
    return Row(
        name=f"fal-ai/{name}",
        title=title,
        dialects=pair(f"fal-ai/{name}", n="num_images" if n > 1 else ""),
        takes=takes(FLUX_2, formats=formats, n=n, default_size=default),
        edits={"default_size": None},
        references=most,
        per_megapixel=usd,
        uncertain=(RANGE, REFERENCES),
    )


def _kontext(name: str, title: str, usd: str) -> Row:
    path = f"fal-ai/flux-pro/{name}"
    return Row(
        name=path,
        title=title,
        dialects=Dialects(
            generate=Dialect(path=f"{path}/text-to-image", size="ratio")
            if name == "kontext"
            else None,
            edit=Dialect(path=path, size="ratio", image="image_url"),
            several=Dialect(path=f"{path}/multi", size="ratio", image="image_urls"),
        ),
        takes=takes(one_class(ratio_pixels(_KONTEXT)), default_size=SQUARE),
        edits={"default_size": None},
        references=4,
        usd={"": usd},
        uncertain=(COMPUTED, REFERENCES),
    )


ROWS = (
    Row(
        name="blackforestlabs/flux-3/text-to-image",
        title="FLUX.3",
        dialects=Dialects(
            generate=Dialect(path="blackforestlabs/flux-3/text-to-image", size="ratio", n=""),
            edit=Dialect(
                path="blackforestlabs/flux-3/edit-image", size="", image="image_urls", n=""
            ),
        ),
        takes=takes(one_class(ratio_pixels(_FLUX_3)), formats=("jpeg",), n=1, seed=False),
        edits={"sizes": None},
        references=10,
        usd={"": "0.048"},
        uncertain=(
            COMPUTED,
            FORMAT,
            "Names of resolutions are not known, so that none is sent and 1K is taken to come.",
            "Input pictures need edges of 256 pixels and at most 4 megapixels, which is not checked here.",
        ),
    ),
    _flux_2("flux-2-max", "FLUX.2 [max]"),
    _flux_2("flux-2-pro", "FLUX.2 [pro]"),
    _flux_2("flux-2-flex", "FLUX.2 [flex]"),
    _flux_2("flux-2", "FLUX.2 [dev]", n=4, most=4),
    _flux_2("flux-2/klein/9b", "FLUX.2 [klein] 9B", n=4, most=4),
    _kontext("kontext", "FLUX.1 Kontext [pro]", "0.04"),
    _kontext("kontext/max", "FLUX.1 Kontext [max]", "0.08"),
    Row(
        name="fal-ai/flux/schnell",
        title="FLUX.1 [schnell]",
        dialects=Dialects(generate=Dialect(path="fal-ai/flux/schnell")),
        takes=takes(_FLUX_1, default_size=LANDSCAPE),
        per_megapixel="0.003",
        uncertain=(RANGE,),
    ),
    Row(
        name="fal-ai/flux/dev",
        title="FLUX.1 [dev]",
        dialects=Dialects(
            generate=Dialect(path="fal-ai/flux/dev"),
            edit=Dialect(path="fal-ai/flux/dev/image-to-image", size="", image="image_url"),
        ),
        takes=takes(_FLUX_1, default_size=LANDSCAPE),
        edits={"sizes": None, "default_size": None},
        per_megapixel="0.025",
        uncertain=(RANGE,),
    ),
    Row(
        name="fal-ai/flux-pro/v1.1",
        title="FLUX 1.1 [pro]",
        dialects=Dialects(generate=Dialect(path="fal-ai/flux-pro/v1.1")),
        takes=takes(_FLUX_1, default_size=LANDSCAPE),
        per_megapixel="0.04",
        uncertain=(RANGE,),
    ),
    Row(
        name="fal-ai/flux-pro/v1.1-ultra",
        title="FLUX 1.1 [pro] Ultra",
        dialects=Dialects(generate=Dialect(path="fal-ai/flux-pro/v1.1-ultra", size="ratio")),
        takes=takes(Ratios(classes={"2K": ratio_pixels(_KONTEXT, 4.0)}, named=False)),
        usd={"": "0.06"},
        uncertain=(COMPUTED,),
    ),
    Row(
        name="fal-ai/flux-pro/v1/fill",
        title="FLUX.1 Fill [pro]",
        dialects=Dialects(
            inpaint=Dialect(path="fal-ai/flux-pro/v1/fill", size="", image="image_url")
        ),
        takes=takes(None),
        mask=ALWAYS_WHITE,
    ),
)
