"""What OpenAI's error objects mean. The status decides, except where a code knows better."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import httpx
from pydantic_core import from_json

from pinxit import (
    AuthenticationFailed,
    ContentRejected,
    PinxitError,
    ProviderError,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
)
from pinxit.report import Billing
from pinxit.translation import from_response, redact

__all__ = ["Complaint"]

# The last two are Azure's, whose v1 endpoints a base_url may name.
_REFUSED = frozenset(
    {"moderation_blocked", "content_policy_violation", "content_filter", "contentFilter"}
)
_SPENT = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "project_spend_limit_exceeded"}
)
_CALLERS_FAULT = frozenset({"invalid_request_error", "image_generation_user_error"})
_WORD = re.compile(r"[\w.\[\]/ -]{1,100}")
# OpenAI quotes a wrong key with stars for its middle; the rest is nobody's business either.
_KEY = re.compile(r"\bsk-[\w*-]{8,}")
_MAX_DEPTH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """An error object, read without trust: whatever is not as documented is left out.

    Attributes:
        message: The provider's own words on one line, without secrets.
        code: The provider's code.
        param: The field it objects to.
        type: The provider's class of errors.
        categories: What its moderation objected to.
        stage: Where its moderation stood: ``input``, ``output`` or ``unknown``.
    """

    message: str = ""
    code: str | None = None
    param: str | None = None
    type: str | None = None
    categories: tuple[str, ...] = ()
    stage: str | None = None

    @classmethod
    def parse(cls, body: bytes, secrets: Iterable[str]) -> Complaint:
        """Read the body of an answer; one that is not JSON, such as a proxy's page, says nothing."""
        try:
            return cls.read(from_json(body), secrets)
        except ValueError:
            return cls()

    @classmethod
    def read(cls, body: object, secrets: Iterable[str]) -> Complaint:
        """Read ``{"error": {...}}``, ``{"error": "..."}`` or an error object itself."""
        secrets = tuple(secrets)
        outer = _mapping(body)
        found = outer.get("error", outer)
        fields = _mapping(found)
        moderation = _mapping(_find(body, "moderation_details"))
        words = found if isinstance(found, str) else fields.get("message")
        categories = moderation.get("categories")
        return cls(
            # Line breaks would forge lines of a log.
            message=_sentence(words, secrets) if isinstance(words, str) else "",
            code=_word(fields.get("code"), secrets),
            param=_word(fields.get("param"), secrets),
            type=_word(fields.get("type"), secrets),
            categories=tuple(
                word
                for item in cast("Sequence[object]", categories)
                if (word := _word(item, secrets)) is not None
            )
            if isinstance(categories, list)
            else (),
            stage=_word(moderation.get("moderation_stage"), secrets),
        )

    def of_status(self, response: httpx.Response) -> PinxitError:
        """Return the error that this is under a status that is no success."""
        status = response.status_code
        words = self.message or response.reason_phrase or f"status {status}"
        if self.code in _REFUSED:
            return self._refusal(words, status, "unbilled")
        if self.code in _SPENT:
            return QuotaExceeded(words, upstream_status=status)
        error = from_response(response, message=words, param=self.param)
        if isinstance(error, RequestError) and self.code:
            # Only what the caller can mend keeps its code; our own troubles have the router's words.
            error.code = self.code
        return error

    def of_success(self, status: int) -> PinxitError:
        """Return the error that this is inside an answer that began as a success: it may be billed."""
        words = self.message or "an error without a message"
        if self.code in _REFUSED:
            return self._refusal(words, status, "unbilled" if self.stage == "input" else "billed")
        if self.type in _CALLERS_FAULT:
            return RequestError(words, code=self.code, param=self.param, upstream_status=status)
        kind: type[ProviderError] = ProviderUnavailable
        if self.code in _SPENT:
            kind = QuotaExceeded
        elif self.code == "rate_limit_exceeded":
            kind = RateLimited
        elif self.code == "invalid_api_key":
            kind = AuthenticationFailed
        return kind(words, upstream_status=status, billing="billed")

    def _refusal(self, words: str, status: int, billing: Billing) -> ContentRejected:
        return ContentRejected(
            words,
            code=self.code,
            upstream_status=status,
            categories=self.categories,
            billing=billing,
        )


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _sentence(words: str, secrets: Sequence[str]) -> str:
    return redact(_KEY.sub("[redacted]", " ".join(words.split())), secrets)


def _word(value: object, secrets: Sequence[str]) -> str | None:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        return None
    return None if redact(value, secrets) != value else value


def _find(value: object, name: str, depth: int = 0) -> object:
    """Find a field wherever it is nested: no source says where OpenAI puts ``moderation_details``."""
    fields = _mapping(value)
    if name in fields:
        return fields[name]
    if depth < _MAX_DEPTH:
        for inner in fields.values():
            if (found := _find(inner, name, depth + 1)) is not None:
                return found
    return None
