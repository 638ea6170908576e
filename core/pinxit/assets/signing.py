"""Signatures of URLs: whose, until when, and that nobody made them up."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence

__all__ = ["MIN_KEY", "Signer"]

MIN_KEY = 32
"""Characters of the shortest key that is taken."""

# Expiry in Unix seconds, key id, caller's tag, signature: 256 bits in base64.
_TOKEN = re.compile(r"(\d{1,12})\.([0-9a-f]{8})\.([0-9a-f]{12})\.([A-Za-z0-9_-]{43})", re.ASCII)


class Signer:
    """Signs the names of assets with HMAC-SHA256.

    Args:
        keys: Secrets. The first one signs and all verify, so that a new one can be put in front while URLs
            of the old ones still work.

    Raises:
        ValueError: There is no key, or one is too short; the message does not show it.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("keys: there is none; give one of at least 32 random characters")
        for place, key in enumerate(keys, 1):
            if len(key) < MIN_KEY:
                raise ValueError(
                    f"keys: number {place} has {len(key)} characters; give at least {MIN_KEY} random ones"
                )
        # Reversed, so that of two keys with one id the first stays, which is the one that signs.
        self._keys = {_key_id(key.encode()): key.encode() for key in reversed(keys)}
        self._first = _key_id(keys[0].encode())

    def __repr__(self) -> str:
        return f"<Signer with {len(self._keys)} keys>"

    def sign(self, name: str, *, expires: int, caller: str = "") -> str:
        """Return the token that opens *name* until *expires*, in Unix seconds.

        The caller is in it as a tag that only holders of the key can tell to be theirs: names of
        customers do not belong into URLs.
        """
        key = self._keys[self._first]
        tag = hmac.digest(key, b"caller\n" + caller.encode(), "sha256").hex()[:12]
        said = f"{expires}.{self._first}.{tag}"
        return f"{said}.{_signature(key, said, name)}"

    def verify(self, token: str, name: str, *, now: float) -> bool:
        """Whether *token* opens *name* at *now*, in Unix seconds."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return False
        expires, key_id, tag, signature = match.groups()
        # An unknown id costs the same time as a wrong signature.
        key = self._keys.get(key_id, b"")
        expected = _signature(key, f"{expires}.{key_id}.{tag}", name)
        genuine = hmac.compare_digest(expected, signature) and key != b""
        return genuine and now < int(expires)

    @staticmethod
    def expiry(token: str) -> int:
        """Return when a token that verifies expires, in Unix seconds."""
        return int(token.partition(".")[0])


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"pinxit asset key\n" + key).hexdigest()[:8]


def _signature(key: bytes, said: str, name: str) -> str:
    # Its first line sets it apart from the caller's tag, which is made with the same key.
    digest = hmac.digest(key, f"asset\n{said}\n{name}".encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
