"""Together AI: many open models, and a few of others; an edit is a generation with pictures in it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from pinxit import (
    Capability,
    Facts,
    FixedSizes,
    InputImages,
    Model,
    Price,
    Seed,
    SizeRange,
)
from pinxit.capabilities import Sizes
from pinxit.types import Operation, Request

from .protocols import openai_images
from .protocols.complaints import Vocabulary
from .protocols.endpoints import Endpoint
from .protocols.openai_images import Fields, Profile, as_json, width_and_height

__all__ = ["PLUGIN"]

AS_OF = date(2026, 11, 22)
SOURCE = (
    "Together's OpenAPI document (tryAGI/Together, 2026-04-29), togethercomputer/skills together-images "
    "(2026-08-18), together 3.1.1 (PyPI), @ai-sdk/togetherai 3.0.54 (npm), docs.together.ai"
)

_one = as_json("image_url", limit=1)
_several = as_json("reference_images", limit=0)


def _attach(request: Request, capability: Capability) -> Fields:
    """Models that take one picture have another field than those that take several."""
    inputs = capability.images
    return (_several if inputs and inputs.max > 1 else _one)(request, capability)


PROFILE = Profile(
    endpoint=Endpoint(
        provider="together",
        base_url="https://api.together.xyz/v1",
        key_env=("TOGETHER_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY"),
    ),
    # There is no path for edits.
    paths={"generate": "/images/generations", "edit": "/images/generations"},
    attach=_attach,
    size=width_and_height,
    response_format={"url": "url", "b64_json": "base64"},
    # What the router fitted and priced; the fields of pictures are its own too.
    reserved=frozenset({"image_url", "reference_images", "response_format"}),
    vocabulary=Vocabulary(refused_words=("nsfw", "safety")),
)

_FREE = SizeRange(min_edge=256, max_edge=1920, multiple_of=8)
_USUAL = FixedSizes(
    values=("1024x1024", "1344x768", "768x1344", "1248x832", "832x1248", "1184x864", "864x1184")
)
_GEMINI = FixedSizes(
    values=(
        "1024x1024", "1248x832", "832x1248", "1184x864", "864x1184", "896x1152", "1152x896",
        "768x1344", "1344x768", "1536x672",
        "2048x2048", "2496x1664", "1664x2496", "2368x1728", "1728x2368", "1792x2304", "2304x1792",
        "1536x2688", "2688x1536", "3072x1344",
        "4096x4096", "4992x3328", "3328x4992", "4736x3456", "3456x4736", "3584x4608", "4608x3584",
        "3072x5376", "5376x3072", "6144x2688",
    )
)  # fmt: skip
_SEED = Seed(max=2**31 - 1, best_effort=True)


class _Kind(NamedTuple):
    """What the models of one vendor share."""

    sizes: Sizes = _FREE
    max_n: int = 4
    seed: Seed | None = _SEED
    negative_prompt: bool = False
    inputs: int = 0
    uncertain: tuple[str, ...] = ()

    @property
    def operations(self) -> dict[Operation, Capability]:
        generate = Capability(
            sizes=self.sizes,
            max_n=self.max_n,
            seed=self.seed,
            negative_prompt=self.negative_prompt,
            output_formats=("jpeg", "png"),
            delivers=("url", "b64_json"),
        )
        if not self.inputs:
            return {"generate": generate}
        limits = InputImages(max=self.inputs, formats=("png", "jpeg"))
        return {"generate": generate, "edit": generate.model_copy(update={"images": limits})}


_FLUX_2 = _Kind(
    inputs=4,
    uncertain=(
        "How many reference pictures it takes is not documented; four are what its smallest sisters take.",
        "Up to 9 megapixels are mentioned in one place; the limits of the API's definition are kept.",
    ),
)
_KONTEXT = _Kind(
    _USUAL,
    inputs=1,
    uncertain=("Whether it takes any width and height is not documented; the listed pairs are.",),
)
_FLUX = _Kind(negative_prompt=True)
_GOOGLE = _Kind(
    _USUAL,
    max_n=1,
    seed=None,
    inputs=3,
    uncertain=(
        "How many reference pictures it takes is not documented; three are what every Gemini takes.",
        "Whether it makes several pictures per call is not documented; it is asked for one.",
    ),
)
_IMAGEN = _GOOGLE._replace(inputs=0, uncertain=_GOOGLE.uncertain[1:])
_OTHER = _Kind()

_KINDS: dict[str, _Kind] = {
    "black-forest-labs/FLUX.2-pro": _FLUX_2,
    "black-forest-labs/FLUX.2-dev": _FLUX_2,
    "black-forest-labs/FLUX.2-flex": _FLUX_2,
    "black-forest-labs/FLUX.1-schnell": _FLUX,
    "black-forest-labs/FLUX.1.1-pro": _OTHER,
    "black-forest-labs/FLUX.1-kontext-pro": _KONTEXT,
    "black-forest-labs/FLUX.1-kontext-max": _KONTEXT,
    "google/imagen-4.0-preview": _IMAGEN,
    "google/imagen-4.0-fast": _IMAGEN,
    "google/imagen-4.0-ultra": _IMAGEN,
    "google/flash-image-2.5": _GOOGLE,
    "google/flash-image-3.1-lite": _IMAGEN._replace(
        uncertain=(*_IMAGEN.uncertain, "Whether it edits is not certain; edits are not declared.")
    ),
    "google/gemini-3-pro-image": _GOOGLE._replace(sizes=_GEMINI),
    "ByteDance-Seed/Seedream-4.0": _OTHER,
    "ByteDance-Seed/Seedream-3.0": _OTHER,
    "Qwen/Qwen-Image": _OTHER,
    "ideogram/ideogram-3.0": _OTHER,
    "ideogram/ideogram-4.0": _OTHER,
    "HiDream-ai/HiDream-I1-Full": _OTHER,
    "HiDream-ai/HiDream-I1-Dev": _OTHER,
    "HiDream-ai/HiDream-I1-Fast": _OTHER,
    "RunDiffusion/Juggernaut-pro-flux": _OTHER,
    "Rundiffusion/Juggernaut-Lightning-Flux": _OTHER,
    "Lykon/DreamShaper": _FLUX,
    "stabilityai/stable-diffusion-3-medium": _FLUX,
}

_PRICES = {
    "black-forest-labs/FLUX.1-schnell": Price(
        usd=Decimal("0.0027"), per="megapixel", as_of=AS_OF, uncertain=True
    )
}

_UNCERTAIN = (
    "Prices are not published where they could be read; that of FLUX.1-schnell is a third party's.",
    "Input pictures are sent as data URLs; the documents speak of URLs.",
    "Refusals are told by NSFW or safety in the message; no code is documented.",
    "Edges from 256 to 1920 pixels are the API's limits; models may take fewer.",
    "The range of seeds is not documented.",
)
_NOTES = (
    "`extra` takes steps, guidance_scale, guidance, image_loras, prompt_upsampling, aspect_ratio.",
    "More steps than a model's own cost more than the estimate.",
)


def _model(name: str, kind: _Kind) -> Model:
    prices = (_PRICES[name],) if name in _PRICES else ()
    return Model(
        id=f"together/{name}",
        title=name.rpartition("/")[2],
        operations=kind.operations,
        prices=prices,
        facts=Facts(as_of=AS_OF, source=SOURCE, uncertain=(*kind.uncertain, *_UNCERTAIN)),
        notes=_NOTES,
        # Its names are those of other people's models.
        bare_name=False,
    )


UNDECLARED = Model(
    id="together/*",
    title="Any other model at Together AI",
    operations=_FLUX_2._replace(negative_prompt=True).operations,
    declared=False,
    facts=Facts(as_of=AS_OF, source=SOURCE, uncertain=_UNCERTAIN),
    notes=_NOTES,
    bare_name=False,
)

MODELS = (*(_model(name, kind) for name, kind in _KINDS.items()), UNDECLARED)

PLUGIN = openai_images.provider(PROFILE, *MODELS)
"""All models of the facts, and whatever else Together serves."""
