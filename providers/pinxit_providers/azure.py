"""Azure OpenAI: OpenAI's models behind deployments that everybody names as they like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

import httpx

from pinxit import (
    Capability,
    Context,
    Facts,
    FixedSizes,
    InputImages,
    Lifecycle,
    Mask,
    Model,
    ProviderError,
    Setting,
    Settings,
    Succession,
    TokenPrices,
    UnknownModel,
)
from pinxit.capabilities import Sizes
from pinxit.types import Operation, Request

from .protocols import openai_images
from .protocols.complaints import Vocabulary
from .protocols.endpoints import Endpoint
from .protocols.gpt_image import (
    FIXED,
    FLEXIBLE,
    MORE_QUALITIES,
    QUALITIES,
    STYLE_WORDS,
    TOKENS_1,
    TOKENS_2,
    TOKENS_2_5,
)
from .protocols.openai_images import Fields, Profile
from .protocols.values import mapping

__all__ = ["PLUGIN"]

AS_OF = date(2026, 11, 22)
SOURCE = (
    "openai 3.54.0 lib/azure.py, @ai-sdk/azure 4.0.85 (npm), and the pages on image generation, "
    "API versions, content filters and retirements on learn.microsoft.com; prices are OpenAI's"
)

_PATHS: Mapping[Operation, str] = {"generate": "/images/generations", "edit": "/images/edits"}
_VERSION = "2025-04-01-preview"
"""The dated version that deployments' addresses need for GPT Image models."""

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}")
# A path is made of it, so it may not lead anywhere else.
_DEPLOYMENT = re.compile(r"(?!\.+$)[\w.-]{1,64}")


def _authorise(settings: Settings) -> Mapping[str, str]:
    """Prefer the token, as OpenAI's own client does."""
    key, token = (str(settings.get(name) or "").strip() for name in ("api_key", "ad_token"))
    return {"Authorization": f"Bearer {token}"} if token else {"api-key": key}


ENDPOINT = Endpoint(
    provider="azure",
    base_url="",
    key_env=("AZURE_OPENAI_API_KEY",),
    url_env=("AZURE_OPENAI_ENDPOINT",),
    authorise=_authorise,
    alternative="ad_token",
    more=(
        Setting(
            name="ad_token",
            env=("AZURE_OPENAI_AD_TOKEN",),
            secret=True,
            help="A token of Entra ID instead of a key; it is not renewed.",
        ),
        Setting(
            name="api_version",
            env=("OPENAI_API_VERSION",),
            help=f"A date, such as {_VERSION}, for addresses of deployments; preview or v1 for /openai/v1.",
        ),
        Setting(
            name="deployments",
            help="A table of the names of your deployments by model; a model that is not in it "
            "is deployed under its own name.",
        ),
    ),
)


def _deployment(request: Request, model: Model, context: Context) -> str:
    """Return what the operator called the deployment of a model."""
    del request
    table = context.settings.get("deployments")
    named = mapping(table)
    name = named.get(model.name, model.name)
    if table and not named:
        raise ProviderError(
            "azure: deployments is no table; write [providers.azure.deployments] with lines "
            'such as gpt-image-2 = "my-deployment"',
            billing="not_sent",
        )
    if not isinstance(name, str) or not _DEPLOYMENT.fullmatch(name):
        raise UnknownModel(
            f"model: {model.id} has no usable deployment; a deployment has letters, digits, -, _ and .",
            param="model",
        )
    return name


def _address(request: Request, model: Model, context: Context) -> httpx.URL:
    """Return an address in the style that base_url and api_version speak of.

    A dated version asks for the address of the deployment, anything else for ``/openai/v1``.
    """
    base = ENDPOINT.url(context, "")
    version = str(context.settings.get("api_version") or "").strip()
    path, dated = base.path.rstrip("/"), _DATED.match(version) is not None
    # Three kinds of base URL are in use: with the deployment in it, with /openai/v1, and the bare
    # host.
    if "/deployments/" in path:
        version = version if dated else _VERSION
    elif path.endswith("/v1") or not dated:
        path = path if path.endswith("/v1") else f"{path.removesuffix('/openai')}/openai/v1"
        # A date belongs to the other style of address.
        version = "" if dated else version
    else:
        name = _deployment(request, model, context)
        path = f"{path.removesuffix('/openai')}/openai/deployments/{name}"
    query = (
        # What the operator wrote into the address itself wins.
        base.params
        if "api-version" in base.params or not version
        else base.params.set("api-version", version)
    )
    return base.copy_with(path=path + _PATHS[request.operation], params=query)


def _user(request: Request, capability: Capability) -> Fields:
    del capability
    return {"user": request.user or request.safety_identifier}


PROFILE = Profile(
    endpoint=ENDPOINT,
    address=_address,
    identify=_user,
    vocabulary=Vocabulary(
        refused=openai_images.CODES.refused | {"ResponsibleAIPolicyViolation"},
        refused_fields=frozenset({"content_filter_results"}),
        spent=openai_images.CODES.spent,
        limited=openai_images.CODES.limited,
        unknown=frozenset({"DeploymentNotFound"}),
        callers_fault=openai_images.CODES.callers_fault,
    ),
    model_name=_deployment,
)


def _operations(
    sizes: Sizes, qualities: tuple[str, ...], default_quality: str = "high"
) -> dict[Operation, Capability]:
    generate = Capability(
        sizes=sizes,
        max_n=10,
        max_prompt=32_000,
        qualities=qualities,
        default_quality=default_quality,
        # What users of DALL·E say goes on meaning something.
        quality_map={"hd": "high", "standard": "medium"},
        style_words=STYLE_WORDS,
        backgrounds=("auto", "transparent", "opaque"),
        output_formats=("png", "jpeg"),
        compression=("jpeg",),
        streaming=True,
        partial_images=3,
    )
    edit = {
        "images": InputImages(max=16, formats=("png", "jpeg"), max_bytes=50 * 2**20 - 1),
        # OpenAI's own limit, which is below what Azure allows for every file.
        "mask": Mask(polarity="transparent_edits", max_bytes=4 * 2**20 - 1, soft=True),
    }
    return {"generate": generate, "edit": generate.model_copy(update=edit)}


class _Row(NamedTuple):
    """One underlying model."""

    name: str
    title: str
    operations: dict[Operation, Capability]
    tokens: dict[str, dict[str, int]]
    rates: tuple[str, ...]
    """Dollars per million tokens: text in, pictures in and out, and text out where it has an own one."""
    lifecycle: Lifecycle = Lifecycle()
    uncertain: tuple[str, ...] = ()


_SUCCESSOR = "azure/gpt-image-2.5-sunburst"
_NO_HEIR = "Microsoft names no successor; OpenAI's own is taken, which you have to deploy."
_2_5 = _operations(FLEXIBLE, MORE_QUALITIES)
_END_OF_2_5 = "Its retirement on 2027-09-09 is a third party's word, and not declared."

_ROWS = (
    _Row(
        "gpt-image-2.5-sunburst",
        "GPT Image 2.5 Sunburst (Azure)",
        _2_5,
        TOKENS_2_5,
        ("5", "8", "30"),
        uncertain=(_END_OF_2_5,),
    ),
    _Row(
        "gpt-image-2.5-flare",
        "GPT Image 2.5 Flare (Azure)",
        _2_5,
        TOKENS_2_5,
        ("5", "8", "30"),
        uncertain=(_END_OF_2_5,),
    ),
    _Row(
        "gpt-image-2",
        "GPT Image 2 (Azure)",
        _operations(FLEXIBLE, QUALITIES),
        TOKENS_2,
        ("5", "8", "30"),
        uncertain=("Sources name 2027-04-21 and 2027-10-21 for its retirement; none is declared.",),
    ),
    _Row(
        "gpt-image-1.5",
        "GPT Image 1.5 (Azure)",
        _operations(FIXED, QUALITIES),
        TOKENS_1,
        ("5", "8", "32", "10"),
        Lifecycle(retired=date(2026, 12, 16), successor=Succession(model=_SUCCESSOR)),
        uncertain=(_NO_HEIR,),
    ),
    _Row(
        "gpt-image-1-mini",
        "GPT Image 1 Mini (Azure)",
        _operations(FIXED, QUALITIES, "medium"),
        TOKENS_1,
        ("2", "2.5", "8"),
        Lifecycle(
            retired=date(2027, 4, 7), successor=Succession(model="azure/gpt-image-2.5-flare")
        ),
        uncertain=(_NO_HEIR,),
    ),
    _Row(
        "gpt-image-1",
        "GPT Image 1 (Azure)",
        _operations(FIXED, QUALITIES),
        TOKENS_1,
        ("5", "10", "40"),
        Lifecycle(retired=date(2026, 10, 23), successor=Succession(model=_SUCCESSOR)),
        uncertain=(_NO_HEIR,),
    ),
)

_UNCERTAIN = (
    "Output tokens per picture and their rates are OpenAI's.",
    "Whether moderation can be asked per request is not documented; filters belong to the deployment.",
    "Whether edits can be JSON is not documented; forms are sent.",
    "Which code a refusal has differs between documents; all of them count.",
)
_NOTES = (
    "Deployments are named in [providers.azure.deployments]; the default is the model's own name.",
    "A picture of size auto may have edges that are no multiples of 16.",
)
_DEFAULTS: dict[Literal["size", "response_format"], str] = {"response_format": "b64_json"}


def _facts(*uncertain: str) -> Facts:
    return Facts(as_of=AS_OF, source=SOURCE, uncertain=uncertain)


def _model(row: _Row) -> Model:
    text_in, image_in, image_out, *text_out = map(Decimal, row.rates)
    return Model(
        id=f"azure/{row.name}",
        title=row.title,
        operations=row.operations,
        defaults=_DEFAULTS,
        tokens=TokenPrices(
            text_in=text_in,
            image_in=image_in,
            image_out=image_out,
            text_out=next(iter(text_out), None),
            per_image=row.tokens,
            as_of=AS_OF,
            uncertain=True,
        ),
        lifecycle=row.lifecycle,
        facts=_facts(*row.uncertain, *_UNCERTAIN),
        notes=_NOTES,
        # Its names are OpenAI's.
        bare_name=False,
    )


def _dall_e(name: str, title: str, sizes: tuple[str, ...], **fields: tuple[str, ...]) -> Model:
    generate = Capability.model_validate(
        {"sizes": FixedSizes(values=sizes), "delivers": ("url", "b64_json"), **fields}
    )
    return Model(
        id=f"azure/{name}",
        title=title,
        operations={"generate": generate},
        defaults={"size": "1024x1024", "response_format": "url"},
        lifecycle=Lifecycle(
            retired=AS_OF,
            successor=Succession(
                model=_SUCCESSOR,
                quality={"hd": "high", "standard": "medium"},
                style_words=STYLE_WORDS,
                defaults={"quality": "medium"},
            ),
        ),
        facts=_facts(
            "The day of its retirement was not found; that of these facts stands for it.", _NO_HEIR
        ),
        notes=_NOTES,
        bare_name=False,
    )


_RETIRED = (
    _dall_e(
        "dall-e-3",
        "DALL·E 3 (Azure)",
        ("1024x1024", "1792x1024", "1024x1792"),
        qualities=("standard", "hd"),
        styles=("vivid", "natural"),
    ),
    _dall_e("dall-e-2", "DALL·E 2 (Azure)", ("256x256", "512x512", "1024x1024")),
)

UNDECLARED = Model(
    id="azure/*",
    title="Any other deployment of yours",
    operations=_2_5,
    defaults=_DEFAULTS,
    declared=False,
    facts=_facts(*_UNCERTAIN),
    notes=_NOTES,
    bare_name=False,
)

PLUGIN = openai_images.provider(PROFILE, *map(_model, _ROWS), *_RETIRED, UNDECLARED)
"""The living models, the retired ones, and deployments by names of their own."""
