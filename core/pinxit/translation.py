"""The one place where HTTP becomes our errors, so that a provider may simply ``raise_for_status()``."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import httpx

from .errors import (
    AuthenticationFailed,
    InvalidProviderResponse,
    PinxitError,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
    UnknownModel,
)
from .redaction import Secrets, hide

__all__ = ["from_response", "provider_errors", "redact", "retry_after"]

_LONGEST_WISH = 30 * 86_400.0
"""Seconds: whoever asks for a longer wait has a broken clock or counts in other units."""

_MESSAGE_LIMIT = 500
"""Characters of a provider's own words that an error repeats."""


@contextmanager
def provider_errors(secrets: Iterable[str] = ()) -> Generator[None]:
    """Translate what `httpx` raises and what an unreadable answer leads to; anything else is a bug.

    Args:
        secrets: Texts that must not appear in a message, even if the provider echoes them.
    """
    # A copy whose variable shows nothing: this frame is part of the traceback.
    secrets = Secrets(secrets)
    try:
        yield
    except ExceptionGroup as group:
        # A plugin with a task group means what its first task met.
        with provider_errors(secrets):
            raise _first(group) from None
    # `from None`, here and below: what httpx raises holds the request, and with it the key.
    except httpx.HTTPStatusError as error:
        raise from_response(error.response, secrets=secrets) from None
    except (
        httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError
    ) as error:  # fmt: skip
        # Nothing was written, so nothing can have been ordered.
        raise ProviderUnavailable(_describe(error, secrets), billing="not_sent") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ProviderError(_describe(error, secrets), billing="not_sent") from None
    # Connect and pool time-outs are of this class too, but caught above: here bytes may be out.
    except httpx.TimeoutException as error:
        raise ProviderTimeout(_describe(error, secrets)) from None
    # A reset may have come after the server had the whole order.
    except httpx.HTTPError as error:
        raise ProviderError(_describe(error, secrets), billing="ambiguous") from None
    except json.JSONDecodeError as error:
        raise InvalidProviderResponse(f"the answer is not JSON ({error.msg})") from None


def _first(group: ExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    if isinstance(first, ExceptionGroup):
        return _first(cast("ExceptionGroup[Exception]", first))
    return first


def _describe(error: Exception, secrets: Iterable[str]) -> str:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return redact(text, secrets)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Take secrets out of a provider's own words, and cut them to a readable length."""
    text = hide(text, secrets)
    return text if len(text) <= _MESSAGE_LIMIT else f"{text[: _MESSAGE_LIMIT - 3]}..."


def from_response(
    response: httpx.Response,
    *,
    message: str | None = None,
    code: str | None = None,
    param: str | None = None,
    secrets: Iterable[str] = (),
) -> PinxitError:
    """Return the error that an HTTP status stands for; the body must have been read.

    A provider that knows better (a refusal, a 429 that is about money) raises its own error instead.

    Args:
        response: Any answer that is not a success.
        message: The provider's own words; by default what its body says.
        code: The provider's own code.
        param: The field that it objects to.
        secrets: Texts that must not appear in the message.
    """
    status = response.status_code
    words = redact(message or _words(response), secrets)
    if status in {401, 403}:
        return AuthenticationFailed(words, code=code, upstream_status=status)
    if status == 402:
        return QuotaExceeded(words, code=code, upstream_status=status)
    if status == 404:
        return UnknownModel(words, code=code, param=param, upstream_status=status)
    if status in {408, 429} or status >= 500:
        return _failure(response, words, code)
    if 400 <= status < 500:
        return RequestError(words, code=code, param=param, upstream_status=status)
    return ProviderError(f"unexpected status {status}: {words}", code=code, upstream_status=status)


def _failure(response: httpx.Response, words: str, code: str | None) -> ProviderError:
    """Return the error of a status that may be another one in a while."""
    status = response.status_code
    kind = {408: ProviderTimeout, 429: RateLimited, 504: ProviderTimeout}.get(
        status, ProviderUnavailable
    )
    return kind(
        words,
        code=code,
        upstream_status=status,
        retry_after=retry_after(response.headers),
        # A status says that the server gave up before it worked, even where time was the reason.
        billing="unbilled",
        should_retry={"true": True, "false": False}.get(
            response.headers.get("x-should-retry", "").strip().lower()
        ),
    )


def _words(response: httpx.Response) -> str:
    """Find the sentence in an error body, in the shapes that most APIs use."""
    fallback = response.reason_phrase or f"status {response.status_code}"
    try:
        body: Any = response.json()
    # Deep nesting exhausts the parser's stack before it turns out to be wrong.
    except (ValueError, RecursionError, httpx.ResponseNotRead):
        # An HTML page of a proxy says nothing that the status does not.
        return fallback
    if isinstance(body, Mapping):
        fields = cast("Mapping[str, Any]", body)
        for found in (fields.get("error"), fields.get("message"), fields.get("detail")):
            inner = (
                cast("Mapping[str, Any]", found).get("message")
                if isinstance(found, Mapping)
                else found
            )
            if isinstance(inner, str) and inner:
                return inner
    return fallback


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds that a provider asks us to wait, or ``None`` if it says nothing sensible.

    ``retry-after-ms`` comes first, then ``retry-after`` in seconds or as an HTTP date.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    wait = _wish(headers.get("retry-after"), now) if milliseconds is None else milliseconds / 1000
    return wait if wait is not None and wait <= _LONGEST_WISH else None


def _wish(text: str | None, now: datetime | None) -> float | None:
    if (wait := _number(text)) is not None or text is None:
        return wait
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    # HTTP dates are in GMT; a zone of -0000 is read as none.
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    # float() reads "nan", "inf" and "1e999" as well, for which nobody can wait.
    return value if math.isfinite(value) and value >= 0 else None
