"""DeepInfra: open models behind OpenAI's Images API, uploads in forms, JPEG back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pinxit import Capability, Facts, InputImages, Model, Price, SizeRange
from pinxit.types import Operation

from .protocols import openai_images
from .protocols.endpoints import Endpoint
from .protocols.openai_images import Profile

__all__ = ["PLUGIN"]

AS_OF = date(2026, 11, 22)
SOURCE = (
    "DeepInfra's OpenAPI document (tryAGI/DeepInfra, 2026-05-20), @ai-sdk/deepinfra 3.0.57 (npm)"
)

PROFILE = Profile(
    endpoint=Endpoint(
        provider="deepinfra",
        base_url="https://api.deepinfra.com/v1/openai",
        key_env=("DEEPINFRA_API_KEY", "DEEPINFRA_TOKEN"),
    ),
    # The only word that it takes for how results come.
    forced={"response_format": "b64_json"},
)

_GENERATE = Capability(
    sizes=SizeRange(min_edge=128, max_edge=2048, multiple_of=32),
    default_size="1024x1024",
    max_n=4,
    output_formats=("jpeg",),
)
_EDIT = _GENERATE.model_copy(update={"images": InputImages(max=1)})

_UNCERTAIN = (
    "The edges of sizes are those of DeepInfra's own API; steps of 32 pixels suit every model.",
    "How it refuses content is not documented.",
    "Its prices go by megapixels and steps, by formulas on pages that were not read.",
    "Pictures are JPEG in practice; no document says so.",
)
_MASKS = (
    "Whether white or transparent parts of a mask are repainted is not known: masks are not taken.",
)


def _model(
    name: str,
    title: str,
    *,
    edits: bool = False,
    prices: tuple[Price, ...] = (),
) -> Model:
    operations: dict[Operation, Capability] = {"generate": _GENERATE}
    if edits:
        operations["edit"] = _EDIT
    return Model(
        id=f"deepinfra/{name}",
        title=title,
        operations=operations,
        prices=prices,
        facts=Facts(as_of=AS_OF, source=SOURCE, uncertain=_UNCERTAIN),
        notes=_MASKS if edits else (),
    )


_FLUX_2_PRICE = Price(usd=Decimal("0.01"), per="megapixel", as_of=AS_OF, uncertain=True)

MODELS = (
    _model("black-forest-labs/FLUX-2-dev", "FLUX.2 [dev]", prices=(_FLUX_2_PRICE,)),
    _model("black-forest-labs/FLUX.1-Kontext-pro", "FLUX.1 Kontext [pro]", edits=True),
    _model("black-forest-labs/FLUX.1-Kontext-dev", "FLUX.1 Kontext [dev]", edits=True),
    _model("black-forest-labs/FLUX-1.1-pro", "FLUX 1.1 [pro]"),
    _model("black-forest-labs/FLUX-pro", "FLUX.1 [pro]"),
    _model("black-forest-labs/FLUX-1-dev", "FLUX.1 [dev]"),
    _model("black-forest-labs/FLUX-1-schnell", "FLUX.1 [schnell]"),
    _model("stabilityai/sd3.5", "Stable Diffusion 3.5"),
    _model("stabilityai/sd3.5-medium", "Stable Diffusion 3.5 Medium"),
    _model("stabilityai/sdxl-turbo", "SDXL Turbo"),
    Model(
        id="deepinfra/*",
        title="Any other model of DeepInfra",
        operations={
            "generate": _GENERATE,
            "edit": _EDIT,
            "variation": _EDIT,
        },
        declared=False,
        facts=Facts(as_of=AS_OF, source=SOURCE, uncertain=_UNCERTAIN),
        notes=(*_MASKS, "Which models make variations is not documented."),
    ),
)

PLUGIN = openai_images.provider(PROFILE, *MODELS)
"""What DeepInfra's document names, and whatever else it serves."""
