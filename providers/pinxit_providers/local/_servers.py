"""The servers: where each listens, what it takes, and which traps it sets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pinxit import (
    Capability,
    Context,
    Facts,
    InputImages,
    Mask,
    Model,
    Price,
    Seed,
    SizeRange,
    VariationRequest,
)
from pinxit.types import Request
from pinxit_providers.protocols.bodies import plain_base64
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.openai_images import Fields, Profile, as_json

from ._accents import Accent, asks

__all__ = ["LOCALAI", "OPENAI", "SD_SERVER", "SGLANG", "VLLM_OMNI", "XINFERENCE"]

_AS_OF = date(2026, 11, 22)
_FREE = (Price(usd=Decimal(0), per="request", as_of=_AS_OF),)
"""Nobody sends a bill for one's own machine."""

_SIZES = SizeRange(min_edge=64, max_edge=4096, multiple_of=8)
_SIZES_UNKNOWN = (
    "Which sizes are good depends on the model; 64 to 4096 pixels in steps of 8 are let through."
)
_INPUTS_UNKNOWN = "How many pictures an edit takes depends on the model; four are let through."

_RESERVED = frozenset(
    {"model", "prompt", "n", "size", "image", "images", "mask", "mask_image", "response_format"}
)
"""What ``extra`` may not set, also where it is written into another field."""


def _endpoint(provider: str, base_url: str, *key_env: str) -> Endpoint:
    return Endpoint(
        provider=provider,
        base_url=base_url,
        key_env=key_env,
        key_required=False,
        key_help="A key, where the server was started with one.",
    )


def _facts(source: str, *uncertain: str) -> Facts:
    return Facts(as_of=_AS_OF, source=source, uncertain=(*uncertain, _SIZES_UNKNOWN))


def _nested(request: Request, provider: str) -> dict[str, Any]:
    """Return what is written into one field: seed, negative prompt and ``extra``."""
    mine = request.extra.get(provider, {})
    inner: dict[str, Any] = {k: v for k, v in mine.items() if k not in _RESERVED}
    if request.negative_prompt:
        inner["negative_prompt"] = request.negative_prompt
    if request.seed is not None:
        inner["seed"] = request.seed
    return inner


# stable-diffusion.cpp ------------------------------------------------------------------------------

_TAG = "sd_cpp_extra_args"


def _tagged(request: Request, provider: str) -> Request:
    """Write what has no field into the tag that the server cuts out of a prompt; no caller writes one."""
    inner = {
        name: _untagged(value) if isinstance(value, str) else value
        for name, value in _nested(request, provider).items()
    }
    changes: dict[str, object] = {"seed": None, "negative_prompt": None, "extra": {}}
    if not isinstance(request, VariationRequest):
        tag = f"<{_TAG}>{json.dumps(inner)}</{_TAG}>" if inner else ""
        changes["prompt"] = _untagged(request.prompt) + tag
    return asks(request, **changes)


def _untagged(text: str) -> str:
    # What is left after one cut may be a tag again.
    while _TAG in text:
        text = text.replace(f"</{_TAG}>", "").replace(f"<{_TAG}>", "").replace(_TAG, "")
    return text


def _sd_name(request: Request, model: Model, context: Context) -> str:
    del request, model, context
    return "sd-cpp-local"


_SD_GENERATE = Capability(
    sizes=_SIZES,
    max_n=8,
    output_formats=("png", "jpeg", "webp"),
    compression=("jpeg", "webp"),
    seed=Seed(),
    negative_prompt=True,
)

SD_SERVER = Accent(
    title="stable-diffusion.cpp's sd-server",
    profile=Profile(
        endpoint=_endpoint("sd-server", "http://127.0.0.1:1234/v1"),
        # It has the one model that it was started with, and calls it so.
        model_name=_sd_name,
    ),
    operations={
        "generate": _SD_GENERATE,
        "edit": _SD_GENERATE.model_copy(
            update={
                "output_formats": ("png", "jpeg"),
                "compression": ("jpeg",),
                "images": InputImages(max=4),
                "mask": Mask(polarity="white_edits", soft=True),
            }
        ),
    },
    say=_tagged,
    only="default",
    prices=_FREE,
    facts=_facts(
        "examples/server of leejet/stable-diffusion.cpp (2026-08-19)",
        _INPUTS_UNKNOWN,
        "seed and negative_prompt are taken to be called so inside the tag of a prompt.",
    ),
)


# LocalAI -------------------------------------------------------------------------------------------


def _split(request: Request, provider: str) -> Request:
    """Put the negative prompt behind the bar that separates it; a caller's own bar is none."""
    del provider
    if isinstance(request, VariationRequest):
        return request
    words = request.prompt.replace("|", "\N{BROKEN BAR}")
    if request.negative_prompt:
        words += "|" + request.negative_prompt.replace("|", "\N{BROKEN BAR}")
    return asks(request, prompt=words, negative_prompt=None)


_LOCALAI_GENERATE = Capability(sizes=_SIZES, max_n=4, seed=Seed(), negative_prompt=True)

LOCALAI = Accent(
    title="LocalAI",
    profile=Profile(
        endpoint=_endpoint("localai", "http://localhost:8080/v1", "LOCALAI_API_KEY"),
        paths={"generate": "/images/generations", "edit": "/images/generations"},
        attach=as_json("file", "ref_images", write=plain_base64, limit=1),
        # Anything else means an address, whose host may be known to the server alone.
        forced={"response_format": "b64_json"},
        reserved=frozenset({"file", "files", "ref_images"}),
    ),
    operations={
        "generate": _LOCALAI_GENERATE,
        "edit": _LOCALAI_GENERATE.model_copy(update={"images": InputImages(max=4)}),
    },
    say=_split,
    prices=_FREE,
    facts=_facts(
        "core/http/endpoints/openai/image.go and inpainting.go of mudler/LocalAI (2026-08-22)",
        _INPUTS_UNKNOWN,
        "/images/inpainting takes neither size nor seed nor number, so masks do not go there; "
        "protected pixels are put back over the result.",
    ),
)


# vLLM-Omni and SGLang ------------------------------------------------------------------------------

_SERVED = Capability(
    sizes=_SIZES,
    max_n=10,
    output_formats=("png", "jpeg", "webp"),
    compression=("jpeg", "webp"),
    seed=Seed(),
    negative_prompt=True,
)
_SERVED_EDIT = _SERVED.model_copy(update={"images": InputImages(max=4)})

VLLM_OMNI = Accent(
    title="vLLM-Omni",
    profile=Profile(
        endpoint=_endpoint("vllm-omni", "http://localhost:8000/v1", "VLLM_API_KEY"),
        mask="mask_image",
        forced={"response_format": "b64_json"},
        defaults={"output_format": "png"},
        reserved=frozenset({"mask_image", "url", "reference_image"}),
    ),
    operations={
        "generate": _SERVED,
        "edit": _SERVED_EDIT.model_copy(update={"mask": Mask(polarity="white_edits", soft=True)}),
    },
    prices=_FREE,
    facts=_facts(
        "vllm_omni 0.30.0 (PyPI)",
        "Masks are taken to be white where the picture is repainted, as in diffusers' pipelines.",
        _INPUTS_UNKNOWN,
    ),
)

SGLANG = Accent(
    title="SGLang Diffusion",
    profile=Profile(
        endpoint=_endpoint("sglang", "http://localhost:30000/v1"),
        forced={"response_format": "b64_json"},
        defaults={"output_format": "png"},
        # A mask is accepted and ignored, so that none is declared and none is sent.
        reserved=frozenset({"url"}),
    ),
    operations={"generate": _SERVED, "edit": _SERVED_EDIT},
    prices=_FREE,
    facts=_facts("sglang 0.5.23 (PyPI), multimodal_gen", _INPUTS_UNKNOWN),
)


# Xinference ----------------------------------------------------------------------------------------


def _with_kwargs(request: Request, provider: str) -> Request:
    """Write what has no field into ``kwargs``, which is JSON inside a text."""
    inner = _nested(request, provider)
    # Forms have a field for it, and what stands twice is an error there.
    of_its_own = None if request.operation == "generate" else inner.pop("negative_prompt", None)
    extra = {provider: {"kwargs": json.dumps(inner)}} if inner else {}
    return asks(request, seed=None, negative_prompt=of_its_own, extra=extra)


def _starred(request: Request) -> Fields:
    return {"size": request.size.replace("x", "*") if request.size else None}


_XINFERENCE = Capability(
    sizes=_SIZES,
    default_size="1024x1024",
    max_n=4,
    # What has an alpha channel comes as PNG.
    output_formats=("jpeg",),
    seed=Seed(),
    negative_prompt=True,
)

XINFERENCE = Accent(
    title="Xinference",
    profile=Profile(
        endpoint=_endpoint("xinference", "http://localhost:9997/v1", "XINFERENCE_API_KEY"),
        # Its /images/edits takes no seed and no negative prompt.
        paths={"generate": "/images/generations", "edit": "/images/variations"},
        size=_starred,
        # An address would be a path on the server.
        forced={"response_format": "b64_json"},
    ),
    operations={
        "generate": _XINFERENCE,
        "edit": _XINFERENCE.model_copy(
            update={
                "default_size": None,
                "images": InputImages(max=1),
                "mask": Mask(polarity="white_edits", soft=True),
            }
        ),
    },
    say=_with_kwargs,
    masked={"paths": {"edit": "/images/inpainting"}, "mask": "mask_image"},
    prices=_FREE,
    facts=_facts("xinference 4.1.0 (PyPI), api/restful_api.py and model/image"),
)


# Any other -----------------------------------------------------------------------------------------

_WORDS: Mapping[str, str] = {"url": "url", "b64_json": "b64_json"}
_ANY = Capability(sizes=_SIZES)

OPENAI = Accent(
    title="a server that speaks OpenAI's Images API",
    profile=Profile(
        endpoint=_endpoint("compatible", ""),
        response_format=_WORDS,
        # An address would often lead into a network that nobody else can see.
        defaults={"response_format": "b64_json"},
    ),
    operations={
        "generate": _ANY,
        "edit": _ANY.model_copy(
            update={
                "images": InputImages(max=1),
                "mask": Mask(polarity="transparent_edits", soft=True),
            }
        ),
        "variation": _ANY.model_copy(update={"images": InputImages(max=1)}),
    },
)
"""Of which nothing is known: one picture per call, and only what every such server takes."""
