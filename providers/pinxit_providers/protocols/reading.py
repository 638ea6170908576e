"""Reading what a provider sends, with a bound on everything: it may be broken, or lie about its length."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from pinxit import InvalidProviderResponse, PinxitError, ProviderError
from pinxit.redaction import Secrets

from .complaints import Complaint, Vocabulary
from .values import parse

__all__ = [
    "MAX_ANSWER",
    "Reply",
    "chunks",
    "off_loop",
    "read_reply",
    "settle",
]

MAX_ANSWER = 256 * 2**20
"""Bytes of an answer, decompressed: ten pictures of 3840x2160 are about half of it."""

LARGE = 256 * 1024
"""Bytes that are worth a thread."""

_MAX_ERROR = 2**20
"""Bytes of an error's body that are read."""

T = TypeVar("T")

# Each layer of compression multiplies by up to a thousand, newer codings by far more.
_CODINGS = frozenset({"", "identity", "gzip", "deflate"})


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer with the status of a success."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """What the answer says that it is, in lower case and without parameters."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    def json(self) -> dict[str, object]:
        """Read the body as a JSON object.

        Raises:
            InvalidProviderResponse: It is none.
        """
        return parse(self.body, self.status)


async def off_loop(size: int, work: Callable[[], T]) -> T:
    """Return what *work* on *size* bytes makes of them; large ones do not hold up the event loop."""
    return work() if size < LARGE else await asyncio.to_thread(work)


async def settle(response: httpx.Response, vocabulary: Vocabulary, secrets: Iterable[str]) -> None:
    """Raise what the status of an open answer stands for, unless it is that of a success.

    Raises:
        PinxitError: The provider refuses or fails.
    """
    if not response.is_success:
        raise await _failure(response, vocabulary, Secrets(secrets))


async def read_reply(
    response: httpx.Response,
    *,
    vocabulary: Vocabulary,
    secrets: Iterable[str],
    limit: int = MAX_ANSWER,
) -> Reply:
    """Read the whole of an open answer, of at most *limit* bytes, and close it.

    Raises:
        InvalidProviderResponse: The answer is too long, or cannot be decompressed.
        PinxitError: What the status stands for, where it is no success.
    """
    async with aclosing(response):
        await settle(response, vocabulary, secrets)
        # Joined once: a buffer that grows is copied several times.
        body = b"".join([chunk async for chunk in chunks(response, limit)])
    return Reply(response.status_code, response.headers, body)


async def _failure(
    response: httpx.Response, vocabulary: Vocabulary, secrets: Secrets
) -> PinxitError:
    body = b""
    try:
        async for chunk in chunks(response, _MAX_ERROR):
            body += chunk
    except (httpx.TransportError, ProviderError):
        # The status is known already, and says more than a body that breaks off.
        pass
    return Complaint.parse(body, secrets).of_status(response, vocabulary)


async def chunks(response: httpx.Response, limit: int = MAX_ANSWER) -> AsyncGenerator[bytes]:
    """Yield the body piece by piece.

    Raises:
        InvalidProviderResponse: It is longer than *limit*, announces to be, or is coded in a way
            that was not asked for.
    """
    status = response.status_code
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in _CODINGS:
        raise InvalidProviderResponse(
            f"the answer is coded as {coding[:40]!r}, which was not asked for",
            upstream_status=status,
        )
    length = response.headers.get("content-length", "")
    # Longer numbers are no lengths; the bytes are counted in any case.
    if length.isdecimal() and len(length) < 20 and int(length) > limit:
        raise _too_long(limit, status)
    size = 0
    try:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > limit:
                raise _too_long(limit, status)
            yield chunk
    except httpx.DecodingError:
        raise InvalidProviderResponse(
            "the answer cannot be decompressed", upstream_status=status
        ) from None


def _too_long(limit: int, status: int) -> InvalidProviderResponse:
    return InvalidProviderResponse(
        f"the answer is longer than {limit} bytes", upstream_status=status
    )
