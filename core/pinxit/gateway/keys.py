"""API keys of callers: made at random, stored as digests, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from .errors import BadMessage

__all__ = ["NewKey", "authenticate", "check_hash", "hash_key", "new_key"]

PREFIX = "sha256:"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_HEADERS = (b"authorization", b"x-api-key", b"api-key")
_CHALLENGE = ((b"www-authenticate", b"Bearer"),)


class NewKey(NamedTuple):
    """A key for a caller, shown once, and what the configuration stores of it."""

    key: str
    hash: str

    def __repr__(self) -> str:
        return f"NewKey(key='...', hash={self.hash!r})"


def new_key(token: Callable[[int], bytes] = secrets.token_bytes) -> NewKey:
    """Make a key with 256 random bits; so many need no slow hash to be safe from guessing."""
    key = f"pinxit_{token(32).hex()}"
    return NewKey(key, hash_key(key))


def hash_key(key: str | bytes) -> str:
    """Return what ``[gateway.keys]`` stores for a key."""
    raw = key.encode() if isinstance(key, str) else key
    return f"{PREFIX}{hashlib.sha256(raw).hexdigest()}"


def check_hash(stored: str) -> str | None:
    """Say what is wrong with an entry of ``[gateway.keys]``, if anything is."""
    if _HASH.fullmatch(stored):
        return None
    # The value is not shown: it may be the key itself.
    return "is not sha256: and 64 hexadecimal digits; `pinxit keys new` makes a key and its entry"


def authenticate(headers: Iterable[tuple[bytes, bytes]], keys: Mapping[str, str]) -> str:
    """Return the name of the caller whose key the headers hold; empty where no key is asked for.

    Keys are taken from ``Authorization: Bearer``, ``x-api-key`` and ``api-key``, never from the URL.

    Raises:
        BadMessage: 401, there is no key or it is nobody's.
    """
    # Whether such a gateway may be reached from elsewhere was decided when it started to listen.
    if not keys:
        return ""
    presented = list(_presented(headers))
    for key in presented:
        if (name := _owner(key, keys)) is not None:
            return name
    if not presented:
        raise BadMessage(
            401,
            "no API key; send it as `Authorization: Bearer KEY`",
            code="authentication_required",
            headers=_CHALLENGE,
        )
    raise BadMessage(
        401,
        "the API key is not one of this gateway's; whoever runs it can make one with `pinxit keys new`",
        code="invalid_api_key",
        headers=_CHALLENGE,
    )


def _presented(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    for name, value in headers:
        if name.lower() not in _HEADERS:
            continue
        key = value.strip()
        if name.lower() == b"authorization":
            scheme, _, key = key.partition(b" ")
            if scheme.lower() != b"bearer":
                continue
        if key.strip():
            yield key.strip()


def _owner(key: bytes, keys: Mapping[str, str]) -> str | None:
    """Find the key's owner; every entry is compared, so that time tells nothing."""
    digest = hash_key(key).encode()
    owner = None
    # Digests are of one length, so the time does not even tell how long a key is.
    for name, stored in keys.items():
        if hmac.compare_digest(digest, stored.encode()):
            owner = name
    return owner
