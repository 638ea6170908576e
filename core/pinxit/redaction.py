"""Secrets, and how they are taken out of other people's words."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

__all__ = ["Secrets", "hide", "public_url"]

_SHORTEST = 4
"""Characters: a shorter secret is a placeholder, whose text is part of ordinary words."""


class Secrets(tuple[str, ...]):
    """Texts that must show nowhere.

    They do not show in ``repr`` either: tools that print the variables of every frame print this.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with every secret in it replaced."""
    for secret in secrets:
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, "[redacted]")
    return text


def public_url(url: str | None) -> str:
    """Return a URL without what may be secret: credentials and query."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return "its URL"
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
