"""What error bodies mean. The status decides, except where the provider's own words know better."""

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
    UnknownModel,
)
from pinxit.report import Billing
from pinxit.translation import from_response, redact

from .values import is_count, mapping, sequence

__all__ = ["SILENT", "Complaint", "Vocabulary"]

_WORD = re.compile(r"[\w.\[\]/ -]{1,100}")
# Many providers quote a wrong key with stars for its middle; the rest is nobody's business either.
_KEY = re.compile(r"\bsk-[\w*-]{8,}")
_DELAY = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")
# A body of another's making may be nested without end.
_MAX_DEPTH = 5
# Statuses that leave no room for a refusal, whatever words an answer has.
_CLEAR = frozenset({401, 402, 404, 408, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The words by which a provider says what its status does not.

    Codes are compared with every code of a complaint, its type included, exactly as they are written.

    Attributes:
        refused: Codes of a refusal.
        refused_parts: Parts of a code that make it a refusal.
        refused_words: Parts of the message that make an answer a refusal, in lower case: only for providers
            that say it in no other way, and only where the status leaves room for it.
        refused_fields: Fields inside an error's ``metadata`` or ``inner_error`` that only a refusal has.
        refused_statuses: Statuses that are refusals, whatever the body says.
        spent: Codes of an account without credit.
        limited: Codes of going too fast.
        unauthorised: Codes of a key that is not accepted.
        unknown: Codes of a model that the provider does not serve.
        callers_fault: Codes inside an answer that began as a success that say that the request is wrong.
        lockout: Seconds that a 429 lasts where the answer does not say how long; ``None`` if nobody knows.
    """

    refused: frozenset[str] = frozenset()
    refused_parts: tuple[str, ...] = ()
    refused_words: tuple[str, ...] = ()
    refused_fields: frozenset[str] = frozenset()
    refused_statuses: frozenset[int] = frozenset()
    spent: frozenset[str] = frozenset()
    limited: frozenset[str] = frozenset()
    unauthorised: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    callers_fault: frozenset[str] = frozenset()
    lockout: float | None = None


SILENT = Vocabulary()
"""For providers that say everything by their status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """An error body, read without trust: whatever is not understood is left out.

    Attributes:
        message: The provider's own words on one line, without secrets.
        code: The provider's code.
        codes: Every code that it gave: a provider may have a general one and a precise one.
        param: The field it objects to.
        categories: What its moderation objected to.
        stage: Where its moderation stood: ``input``, ``output`` or ``unknown``.
        retry_after: Seconds to wait, where the body and not a header says it.
        inner: Names of the fields of its ``metadata`` or ``inner_error`` that say something.
    """

    message: str = ""
    code: str | None = None
    codes: frozenset[str] = frozenset()
    param: str | None = None
    categories: tuple[str, ...] = ()
    stage: str | None = None
    retry_after: float | None = None
    inner: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, body: bytes, secrets: Iterable[str]) -> Complaint:
        """Read the body of an answer; one that is not JSON, such as a proxy's page, says nothing."""
        try:
            return cls.read(from_json(body), secrets)
        except ValueError:
            return cls()

    @classmethod
    def read(cls, body: object, secrets: Iterable[str]) -> Complaint:
        """Read an error in any of the shapes that providers give it.

        ``{"error": {...}}``, ``{"error": "..."}``, an error object itself, ``{"detail": ...}`` with a text or
        with a list of ``{loc, msg, type}``, ``{"errors": [...], "name": ...}``, and a list of one of these.
        """
        secrets = tuple(secrets)
        outer = mapping(_first(body))
        fields = next(
            (mapping(outer[name]) for name in ("error", "detail") if mapping(outer.get(name))),
            mapping(_first(outer.get("detail"))) or outer,
        )
        # The most precise code comes last in Google's shape, and inside in Azure's.
        named = [
            *(mapping(each).get("reason") for each in sequence(fields.get("details"))),
            mapping(fields.get("inner_error")).get("code"),
            *(source.get(name) for source in (fields, outer) for name in _CODES),
        ]
        # Some repeat the HTTP status inside a success, as a number.
        numbered = (str(each) if is_count(each) else each for each in named)
        codes = [code for each in numbered if (code := _word(each, secrets)) is not None]
        # OpenAI's type is a class of errors, FastAPI's the only code there is.
        names = ("code", "type") if "loc" in fields else ("code", "status", "name", "error_type")
        moderation = mapping(_find(body, "moderation_details"))
        inner = {**mapping(fields.get("metadata")), **mapping(fields.get("inner_error"))}
        return cls(
            # Line breaks would forge lines of a log.
            message=_sentence(_words(outer, fields), secrets),
            # Google's code repeats the HTTP status as a number, and its status is the word.
            code=next((code for n in names if (code := _word(fields.get(n), secrets))), None),
            codes=frozenset(codes),
            param=_word(fields.get("param"), secrets) or _place(fields.get("loc"), secrets),
            categories=tuple(
                word
                for item in _objections(moderation, inner)
                if (word := _word(item, secrets)) is not None
            ),
            stage=_word(moderation.get("moderation_stage"), secrets),
            retry_after=_delay(fields.get("details")),
            inner=frozenset(name for name, value in inner.items() if value),
        )

    def refuses(self, vocabulary: Vocabulary, status: int) -> bool:
        """Whether this is a refusal of content, and not an error."""
        words = self.message.casefold()
        return (
            status in vocabulary.refused_statuses
            or not self.codes.isdisjoint(vocabulary.refused)
            or not self.inner.isdisjoint(vocabulary.refused_fields)
            or any(part in code for code in self.codes for part in vocabulary.refused_parts)
            or (status not in _CLEAR and any(part in words for part in vocabulary.refused_words))
        )

    def of_status(self, response: httpx.Response, vocabulary: Vocabulary) -> PinxitError:
        """Return the error that this is under a status that is no success."""
        status = response.status_code
        words = self.message or response.reason_phrase or f"status {status}"
        if self.refuses(vocabulary, status) and status < 500:
            return self.refusal(status, "unbilled")
        known = self._by_code(vocabulary)
        # Some say with a 400 or a 429 what is the account's trouble: waiting would not help.
        if known in {QuotaExceeded, AuthenticationFailed}:
            return known(words, upstream_status=status)
        if known is UnknownModel:
            return UnknownModel(words, code=self.code, param=self.param, upstream_status=status)
        error = from_response(response, message=words, param=self.param)
        if isinstance(error, RequestError) and self.code:
            # Only what the caller can mend keeps its code; our own troubles have the router's words.
            error.code = self.code
        if isinstance(error, ProviderError) and error.retry_after is None:
            error.retry_after = self.retry_after
        if isinstance(error, RateLimited) and error.retry_after is None:
            error.retry_after = vocabulary.lockout
        return error

    def of_success(
        self, status: int, vocabulary: Vocabulary, billing: Billing = "billed"
    ) -> PinxitError:
        """Return the error that this is inside an answer that began as a success: it may be billed."""
        words = self.message or "an error without a message"
        if self.refuses(vocabulary, status):
            # Refused before anything was made, it costs nothing; a picture that is withheld was
            # made.
            return self.refusal(status, "unbilled" if self.stage == "input" else billing)
        kind = self._by_code(vocabulary)
        if kind in {RequestError, UnknownModel}:
            return kind(words, code=self.code, param=self.param, upstream_status=status)
        # An error of no known code is trouble of the provider's own: another one may be asked.
        failure = cast("type[ProviderError]", kind or ProviderUnavailable)
        return failure(words, upstream_status=status, billing=billing)

    def refusal(self, status: int, billing: Billing) -> ContentRejected:
        """Return this as a refusal."""
        return ContentRejected(
            self.message or "the provider refused the request",
            code=self.code,
            upstream_status=status,
            categories=self.categories,
            billing=billing,
        )

    def _by_code(self, vocabulary: Vocabulary) -> type[ProviderError | RequestError] | None:
        known: tuple[tuple[frozenset[str], type[ProviderError | RequestError]], ...] = (
            (vocabulary.spent, QuotaExceeded),
            (vocabulary.unauthorised, AuthenticationFailed),
            (vocabulary.limited, RateLimited),
            (vocabulary.unknown, UnknownModel),
            (vocabulary.callers_fault, RequestError),
        )
        return next((kind for codes, kind in known if not self.codes.isdisjoint(codes)), None)


def _objections(moderation: Mapping[str, object], inner: Mapping[str, object]) -> list[object]:
    """Return what was objected to, as OpenAI, OpenRouter and Azure say it."""
    filters = mapping(inner.get("content_filter_results"))
    filtered = [name for name, found in filters.items() if mapping(found).get("filtered") is True]
    return [*sequence(moderation.get("categories")), *sequence(inner.get("reasons")), *filtered]


_CODES = ("code", "status", "type", "name", "error_type")
_MESSAGES = ("message", "msg", "detail", "title")


def _words(outer: Mapping[str, object], fields: Mapping[str, object]) -> str:
    """Find the sentence for people."""
    if node := _node_error(outer.get("node_errors")):
        return node
    said = outer.get("error")
    texts = [*(fields.get(name) for name in _MESSAGES), outer.get("message"), outer.get("detail")]
    texts.append(outer.get("errors"))
    # A single word names the class of the error, and what happened stands beside it.
    named = isinstance(said, str) and " " not in said.strip()
    texts.insert(len(texts) if named else 0, said)
    found = next((text for text in texts if isinstance(text, str) and text), "")
    return found or "; ".join(
        text for text in sequence(outer.get("errors")) if isinstance(text, str)
    )


def _node_error(nodes: object) -> str:
    """Return what is wrong with the first node of a graph, which ComfyUI tells besides the error."""
    for node in mapping(nodes).values():
        first = mapping(_first(mapping(node).get("errors")))
        words = (first.get("message"), first.get("details"))
        return ": ".join(word for word in words if isinstance(word, str) and word)
    return ""


def _place(value: object, secrets: Sequence[str]) -> str | None:
    """Return the field of a list such as ``["body", "size"]``."""
    place = sequence(value)
    return _word(place[-1], secrets) if place else None


def _delay(details: object) -> float | None:
    """Return the seconds of a ``google.rpc.RetryInfo``, whose delay is a text such as ``17s``."""
    delays = (mapping(detail).get("retryDelay") for detail in sequence(details))
    found = (_DELAY.fullmatch(delay) for delay in delays if isinstance(delay, str))
    return next((float(match[1]) for match in found if match), None)


def _first(value: object) -> object:
    found = sequence(value)
    return found[0] if found else value


def _sentence(words: str, secrets: Sequence[str]) -> str:
    return redact(_KEY.sub("[redacted]", " ".join(words.split())), secrets)


def _word(value: object, secrets: Sequence[str]) -> str | None:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        return None
    return None if redact(value, secrets) != value else value


def _find(value: object, name: str, depth: int = 0) -> object:
    """Find a field wherever it is nested: no source says where OpenAI puts ``moderation_details``."""
    fields = mapping(value)
    if name in fields:
        return fields[name]
    if depth < _MAX_DEPTH:
        for inner in fields.values():
            if (found := _find(inner, name, depth + 1)) is not None:
                return found
    return None
