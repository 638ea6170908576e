"""How errors look over HTTP: OpenAI's body, with what was tried beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pinxit.errors import PinxitError, RequestError

__all__ = ["BadMessage", "Disconnected", "Header", "error_body", "error_headers"]

Header = tuple[bytes, bytes]

_QUOTA_CODES = frozenset({"quota_exceeded", "insufficient_quota"})
# OpenAI's clients send a request that ended so twice more by themselves, as they do after every
# 5xx.
_RETRIED_BY_CLIENTS = frozenset({408, 409, 429})
_LONGEST_RETRY_AFTER = 86_400


class BadMessage(RequestError):
    """The HTTP message itself is wrong: its path, its key, its size, its encoding.

    Args:
        status: 4xx, or 503.
        message: One sentence.
        code: For programs.
        param: The field at fault, where one is.
        headers: What HTTP wants beside this status, such as ``Allow``.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "invalid_request_body",
        param: str | None = None,
        headers: Iterable[Header] = (),
    ) -> None:
        super().__init__(message, param=param, code=code)
        self.status = status
        self.headers = tuple(headers)


class Disconnected(Exception):
    """The caller has gone; there is nobody to answer."""


def error_body(error: PinxitError, request_id: str) -> dict[str, Any]:
    """Return the body of an error as OpenAI's clients, and those of other routers, read it.

    ``param`` and ``code`` are always there, ``null`` where they say nothing: some clients insist.
    """
    body: dict[str, Any] = {
        "error": {
            "message": str(error),
            "type": _type(error),
            "param": error.param,
            "code": error.code,
        }
    }
    if error.report is not None:
        report = error.report.model_copy(update={"request_id": request_id})
        body["pinxit"] = report.model_dump(mode="json", exclude_none=True)
    return body


def _type(error: PinxitError) -> str:
    # A spent quota is a 429 as a rate limit is, but waiting does not help against it.
    if error.code in _QUOTA_CODES:
        return "insufficient_quota"
    if error.status == 429:
        return "rate_limit_error"
    return "api_error" if error.status >= 500 else "invalid_request_error"


def error_headers(error: PinxitError) -> list[Header]:
    """Return the headers that say whether, and when, another try makes sense."""
    if isinstance(error, BadMessage):
        # Refused before any model was asked: a client's own retry costs nothing.
        return list(error.headers)
    headers: list[Header] = []
    if error.status >= 500 or error.status in _RETRIED_BY_CLIENTS:
        # Everything that made sense has been tried already; a client's own retries would multiply it.
        headers.append((b"x-should-retry", b"false"))
    seconds = getattr(error, "retry_after", None)
    if error.status in {429, 503} and seconds is not None and math.isfinite(seconds):
        # Whole seconds, as RFC 9110 has them; zero would mean at once.
        wait = min(max(1, math.ceil(seconds)), _LONGEST_RETRY_AFTER)
        headers.append((b"retry-after", str(wait).encode()))
    return headers
