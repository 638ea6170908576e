"""AUTOMATIC1111's stable-diffusion-webui and its kin (Forge, reForge, SD.Next), started with ``--api``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pinxit import Capability, Facts, InputImages, Mask, Model, Price, Seed, Setting, SizeRange
from pinxit.types import Operation

from .protocols import sdapi
from .protocols.endpoints import Endpoint, with_basic
from .protocols.sdapi import Server

__all__ = ["PLUGIN"]

_AS_OF = date(2026, 11, 22)
# Nobody sends a bill for one's own machine.
_FREE = (Price(usd=Decimal(0), per="request", as_of=_AS_OF),)
_FACTS = Facts(
    as_of=_AS_OF,
    source=(
        "modules/api and modules/processing.py of Forge (2025-06-26), and the API page of "
        "AUTOMATIC1111's wiki"
    ),
    uncertain=(
        "SD.Next renamed a few fields.",
        "How large a picture may be depends on the card; 2048 pixels per edge are taken to be the most.",
    ),
)
_NOTES = ("It is asked only where it is named: nobody knows whether a server of one's own runs.",)

_GENERATE = Capability(
    sizes=SizeRange(min_edge=64, max_edge=2048, multiple_of=8),
    max_n=4,
    seed=Seed(),
    negative_prompt=True,
)
_EDIT = _GENERATE.model_copy(
    update={"images": InputImages(max_edge=2048), "mask": Mask(polarity="white_edits", soft=True)}
)
# Without a prompt a picture is only repainted; there is nothing to paint into a mask.
_VARIATION = _EDIT.model_copy(update={"mask": None})
_OPERATIONS: dict[Operation, Capability] = {
    "generate": _GENERATE,
    "edit": _EDIT,
    "variation": _VARIATION,
}

_SERVER = Server(
    endpoint=Endpoint(
        provider="automatic1111",
        base_url="http://127.0.0.1:7860",
        url_env=("AUTOMATIC1111_BASE_URL",),
        key_setting="api_auth",
        key_env=("AUTOMATIC1111_API_AUTH",),
        key_help="user:password, where the server runs with --api-auth.",
        key_required=False,
        authorise=with_basic("api_auth"),
        more=(
            Setting(name="steps", default=20, help="Steps per picture."),
            Setting(name="sampler", help="The sampler, by the server's name of it."),
        ),
    ),
    # Said because servers differ in their defaults: the API's own are 50 steps, and files that pile up.
    defaults={"save_images": False},
    edit_defaults={"denoising_strength": 0.75},
    # What lies under the mask is where repainting begins, and the whole picture is looked at.
    mask_defaults={"inpainting_fill": 1, "inpaint_full_res": False},
    settled={"steps": "steps", "sampler_name": "sampler"},
)

PLUGIN = sdapi.provider(
    _SERVER,
    Model(
        id="automatic1111/default",
        title="Whatever checkpoint is loaded",
        operations=_OPERATIONS,
        by_name_only=True,
        bare_name=False,
        prices=_FREE,
        facts=_FACTS,
        notes=_NOTES,
    ),
    Model(
        id="automatic1111/*",
        title="A checkpoint by its name",
        operations=_OPERATIONS,
        by_name_only=True,
        declared=False,
        prices=_FREE,
        facts=_FACTS,
        notes=(*_NOTES, "A server that has another checkpoint loaded needs time to change it."),
    ),
)
