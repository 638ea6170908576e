"""What plugins and programs need to test themselves against pinxit: cases, time, a misbehaving upstream."""

from typing import TYPE_CHECKING, Any

from .answers import (
    After,
    Answer,
    BrokenBase64,
    BrokenJson,
    EchoKey,
    EmptyData,
    Html,
    Ok,
    RateLimited,
    Redirect,
    Refusal,
)
from .canvas import png
from .chaos import ChaosUpstream, Script
from .clock import ManualClock, VirtualTimeLoop
from .events import Events
from .exchange import Received, Step, Wire
from .faults import (
    Close,
    Drip,
    EndlessBody,
    EndlessHeaders,
    GzipBomb,
    HugeContentLength,
    Leftover,
    Reset,
    Silence,
    Truncated,
)

if TYPE_CHECKING:
    from .provider import ProviderTests

__all__ = [
    "After",
    "Answer",
    "BrokenBase64",
    "BrokenJson",
    "ChaosUpstream",
    "Close",
    "Drip",
    "EchoKey",
    "EmptyData",
    "EndlessBody",
    "EndlessHeaders",
    "Events",
    "GzipBomb",
    "Html",
    "HugeContentLength",
    "Leftover",
    "ManualClock",
    "Ok",
    "ProviderTests",
    "RateLimited",
    "Received",
    "Redirect",
    "Refusal",
    "Reset",
    "Script",
    "Silence",
    "Step",
    "Truncated",
    "VirtualTimeLoop",
    "Wire",
    "png",
]


def __getattr__(name: str) -> Any:
    """Load the conformance cases when they are asked for; whoever only wants a clock does not wait."""
    if name == "ProviderTests":
        from .provider import ProviderTests

        return ProviderTests
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
