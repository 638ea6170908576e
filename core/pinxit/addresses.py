"""Hosts and addresses: how they are spelled, and which belong to the public internet."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["is_public", "read_host"]

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")

# IANA's registries of special-purpose addresses, as of 2026-11: what is not globally reachable, and tunnels.
_SPECIAL_V4 = tuple(map(IPv4Network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    # Azure's own services for its virtual machines, on an address that looks public.
    "168.63.129.16/32",
)))  # fmt: skip
# IANA gives out public addresses from this block alone. All else is refused, IPv4 in the spelling
# of IPv6 (::ffff:127.0.0.1) with it.
_UNICAST_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, and to nobody's network in particular."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _SPECIAL_V4)
    # A zone (fe80::1%eth0) names an interface of this machine.
    if ip.scope_id is not None:
        return False
    if ip in _NAT64:
        # In networks without IPv4 every public server looks like this; the last 32 bits say which.
        return is_public(str(IPv4Address(int(ip) & 0xFFFF_FFFF)))
    return ip in _UNICAST_V6 and not any(ip in network for network in _SPECIAL_V6)


def read_host(text: str) -> tuple[str, bool]:
    """Return a host in its usual spelling, and whether it is an address.

    Addresses have many spellings (``127.1``, ``0x7f000001``, ``017700000001``); they are read as browsers
    and system resolvers do (WHATWG URL, "host parsing").

    Raises:
        ValueError: It is neither an address nor a name that could be looked up.
    """
    text = text.lower().removesuffix(".")
    if ":" in text:
        return str(IPv6Address(text)), True
    if not _NAME.fullmatch(text):
        raise ValueError("no host")
    # A number at the end makes it an address or nothing: no resolver may read it in its own way.
    if not _NUMERIC.fullmatch(text.rpartition(".")[2]):
        return text, False
    return str(_ipv4(text)), True


def _ipv4(text: str) -> IPv4Address:
    """Read an address of one to four numbers, of which the last fills what is left."""
    *heads, tail = [_number(part) for part in text.split(".")]
    left = 4 - len(heads)
    if left < 1 or tail >= 256**left:
        raise ValueError("no IPv4 address")
    # bytes() refuses a head above 255.
    return IPv4Address(int.from_bytes(bytes(heads), "big") << 8 * left | tail)


def _number(text: str) -> int:
    if not _NUMERIC.fullmatch(text):
        raise ValueError("no IPv4 address")
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    # A leading zero means octal to browsers and resolvers: 010.0.0.1 is 8.0.0.1.
    return int(text, 8 if text.startswith("0") else 10)
