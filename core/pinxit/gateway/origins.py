"""Keep web pages of strangers from spending the money of whoever runs a gateway without keys.

A browser sends a form to any address, this machine's own included, and the page that does so need not be
able to read the answer: the picture is painted and paid for all the same. Names that a stranger's name server
points at this machine make such a page and the gateway look like one site.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from .errors import BadMessage
from .exchange import Exchange

__all__ = ["check_origin", "is_loopback"]


def check_origin(exchange: Exchange) -> None:
    """Refuse what a browser sends for another site, and what is not addressed to this machine.

    Raises:
        BadMessage: 403.
    """
    host = exchange.header(b"host").decode("latin-1")
    # The host first: once a stranger's name points at this machine, origin and host agree.
    name = _name(f"//{host}")
    if name is None or not is_loopback(name):
        raise BadMessage(
            403,
            "a gateway without keys answers to localhost only; make keys with `pinxit keys new`",
            code="host_not_allowed",
        )
    origin = exchange.header(b"origin").decode("latin-1")
    # A plain GET has no Origin, but browsers say this of it too.
    site = exchange.header(b"sec-fetch-site").strip().lower()
    # Pages in a sandbox say `null`, which is nobody's host.
    foreign = bool(origin) and origin.partition("://")[2].lower() != host.lower()
    if foreign or site == b"cross-site":
        raise BadMessage(
            403,
            "a web page of another site may not use a gateway without keys; make keys with `pinxit keys new`",
            code="origin_not_allowed",
        )


def is_loopback(host: str) -> bool:
    """Whether a name or an address can only be this machine."""
    # Such names never leave the machine (RFC 6761, section 6.3).
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
