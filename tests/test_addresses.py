"""Tests of `pinxit.addresses`."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pinxit.addresses import is_public, read_host

INNER = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192",
    "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::a00:1",
    "64:ff9b::7f00:1", "64:ff9b:1::808:808", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::",
    "2002:a00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "fec0::1",
    "ff02::1", "2606:4700::1%eth0", "", "example.com", "1.2.3", "0x7f.1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "192.0.1.1", "2606:4700::1111",
          "2a00:1450:4001::1", "64:ff9b::808:808"]  # fmt: skip


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses(address: str) -> None:
    """What belongs to somebody's own network, or to nobody, is not public."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    """What anybody can reach is public, through NAT64 too."""
    assert is_public(address)


@given(st.ip_addresses())
def test_never_more_than_python_says(address: IPv4Address | IPv6Address) -> None:
    """An address that Python's registry calls private, multicast or reserved is never public."""
    if is_public(str(address)) and not str(address).startswith("64:ff9b::"):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@st.composite
def spellings(draw: st.DrawFn) -> tuple[IPv4Address, str]:
    """An address, and a way to write it: decimal, octal or hexadecimal, in one to four parts."""
    value = draw(st.integers(0, 2**32 - 1))
    count = draw(st.integers(1, 4))
    numbers = [value >> 8 * (3 - place) & 255 for place in range(count - 1)]
    numbers.append(value % 256 ** (5 - count))
    formats = st.sampled_from(["{}", "0{:o}", "{:#x}", "0X{:X}", "0x000{:x}"])
    parts = [draw(formats).format(number) for number in numbers]
    return IPv4Address(value), ".".join(parts) + draw(st.sampled_from(["", "."]))


@given(spellings())
@example((IPv4Address("127.0.0.1"), "127.1"))
@example((IPv4Address("127.0.0.1"), "2130706433"))
@example((IPv4Address("127.0.0.1"), "017700000001"))
@example((IPv4Address("0.0.0.0"), "0x"))
def test_spellings_of_one_address(pair: tuple[IPv4Address, str]) -> None:
    """However an address is written, it is read as that address."""
    address, text = pair
    assert read_host(text) == (str(address), True)


@given(st.text("0123456789afx.", min_size=1, max_size=20))
def test_agrees_with_the_system(text: str) -> None:
    """What the system's resolver takes for an address is refused, or read as the same address."""
    try:
        meant = socket.inet_ntoa(socket.inet_aton(text))
        read = read_host(text)
    except (OSError, ValueError):
        return
    assert read == (meant, True)


@pytest.mark.parametrize(
    "text",
    ["", ".", "a..b", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "1.2.65536", "4294967296", "08", "1_0.1",
     "0xg.1", "a.1", "exa mple", "-" * 64, "a." * 127 + "aa", "::g", "1::2::3", "bücher.example", "%31.1",
     "a/b", "a@b"],
)  # fmt: skip
def test_what_is_no_host(text: str) -> None:
    """What could be read in two ways, or in none, is refused."""
    with pytest.raises(ValueError, match=r"."):
        read_host(text)


def test_names_and_ipv6() -> None:
    """Names come back in small letters without the last dot, IPv6 in its short form."""
    assert read_host("Images.Example.") == ("images.example", False)
    assert read_host("a_b-c.example") == ("a_b-c.example", False)
    assert read_host("0:0:0:0:0:0:0:1") == ("::1", True)
