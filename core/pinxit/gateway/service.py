"""What handlers get: the exchange, and what of the gateway they need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pinxit.assets import AssetStore
from pinxit.errors import PinxitError
from pinxit.routing import Router

from .exchange import Exchange
from .settings import GatewaySettings

__all__ = ["Handler", "Service"]


@dataclass(frozen=True, slots=True)
class Service:
    """One exchange and those who serve it.

    Attributes:
        store: Keeps this exchange's pictures, at URLs that its caller can reach; ``None`` keeps none.
        as_ours: Makes one of our errors of any exception.
    """

    exchange: Exchange
    router: Router
    settings: GatewaySettings
    store: AssetStore | None
    as_ours: Callable[[Exception, str], PinxitError]


Handler = Callable[[Service], Awaitable[None]]
