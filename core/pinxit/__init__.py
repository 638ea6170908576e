"""Route image generation, edit and variation across every provider, and sign every answer.

A name is imported when it is first used: whoever asks for a piece of data does not wait for the engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import blocking
    from .capabilities import (
        Capability,
        Facts,
        FixedSizes,
        InputImages,
        Lifecycle,
        Mask,
        Model,
        Price,
        Ratios,
        Seed,
        Setting,
        SizeRange,
        Succession,
        TokenPrices,
    )
    from .config import Config, Settings
    from .errors import (
        AllModelsFailed,
        AuthenticationFailed,
        BudgetExceeded,
        ConfigError,
        ContentRejected,
        IdempotencyConflict,
        InvalidImage,
        InvalidProviderResponse,
        PinxitError,
        PluginFailed,
        ProviderError,
        ProviderTimeout,
        ProviderUnavailable,
        QuotaExceeded,
        RateLimited,
        RequestError,
        UnknownModel,
        UnsupportedRequest,
    )
    from .hookspecs import Call, CallNext, Clock, Context, RequestNext, hookimpl
    from .options import Cache, Fallback, Hedge, LoadBalancer, Retry, Share
    from .payload import Image
    from .plugins import Plugins
    from .report import Adaptation, Attempt, Picture, Report
    from .routes import Route
    from .routing import Router
    from .types import (
        EditRequest,
        GenerateRequest,
        ImagesResponse,
        PartialImage,
        TokenDetails,
        Usage,
        VariationRequest,
    )

__all__ = [
    "Adaptation",
    "AllModelsFailed",
    "Attempt",
    "AuthenticationFailed",
    "BudgetExceeded",
    "Cache",
    "Call",
    "CallNext",
    "Capability",
    "Clock",
    "Config",
    "ConfigError",
    "ContentRejected",
    "Context",
    "EditRequest",
    "Facts",
    "Fallback",
    "FixedSizes",
    "GenerateRequest",
    "Hedge",
    "IdempotencyConflict",
    "Image",
    "ImagesResponse",
    "InputImages",
    "InvalidImage",
    "InvalidProviderResponse",
    "Lifecycle",
    "LoadBalancer",
    "Mask",
    "Model",
    "PartialImage",
    "Picture",
    "PinxitError",
    "PluginFailed",
    "Plugins",
    "Price",
    "ProviderError",
    "ProviderTimeout",
    "ProviderUnavailable",
    "QuotaExceeded",
    "RateLimited",
    "Ratios",
    "Report",
    "RequestError",
    "RequestNext",
    "Retry",
    "Route",
    "Router",
    "Seed",
    "Setting",
    "Settings",
    "Share",
    "SizeRange",
    "Succession",
    "TokenDetails",
    "TokenPrices",
    "UnknownModel",
    "UnsupportedRequest",
    "Usage",
    "VariationRequest",
    "blocking",
    "hookimpl",
]

# From the inside out, so that an inner name costs least.
_MODULES = (
    "report",
    "errors",
    "options",
    "payload",
    "types",
    "capabilities",
    "routes",
    "config",
    "hookspecs",
    "plugins",
    "routing",
)


def __getattr__(name: str) -> Any:
    if name in {"blocking", *_MODULES}:
        return import_module(f"{__name__}.{name}")
    if name in __all__:
        for module in (import_module(f"{__name__}.{inner}") for inner in _MODULES):
            if name in module.__all__:
                value = globals()[name] = getattr(module, name)
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
