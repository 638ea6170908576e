"""The one place where HTTP clients are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

__all__ = ["create_client"]

CONNECT_TIMEOUT = 10.0
"""Seconds to reach a provider; everything after that is the attempt's own time-out."""


def create_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Make the client that all plugins of a router share.

    It follows no redirects, so that neither keys nor prompts reach another host, and has no read
    time-out: httpx's five seconds are less than a picture takes.
    """
    import httpx

    return httpx.AsyncClient(
        transport=transport,
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
        follow_redirects=False,
    )
