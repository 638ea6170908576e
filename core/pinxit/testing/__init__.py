"""What plugins and programs need to test themselves against pinxit: time, and an upstream that misbehaves."""

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
