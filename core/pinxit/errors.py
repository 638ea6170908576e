"""Everything pinxit raises on purpose.

::

    PinxitError
    ├─ ConfigError                    start-up only: a plugin, a route or a setting is wrong
    ├─ RequestError          400      the caller must change something; no other model is tried
    │  ├─ UnknownModel       404
    │  ├─ IdempotencyConflict 422     the key was used for another request
    │  ├─ InvalidImage       400      not an image, too large, wrong format, a bomb
    │  └─ ContentRejected    400      content_policy_violation
    ├─ UnsupportedRequest    400      no candidate fits; .reasons per model
    ├─ BudgetExceeded        402      the estimate is over the caller's limit
    ├─ ProviderError         502      one model failed; falls back
    │  ├─ AuthenticationFailed 502    our credentials, not the caller's; does not fall back
    │  ├─ QuotaExceeded      429      out of credit: waiting does not help
    │  ├─ RateLimited        429      retried
    │  ├─ ProviderUnavailable 503     retried
    │  ├─ ProviderTimeout    504      ambiguous
    │  ├─ InvalidProviderResponse 502 billed
    │  └─ PluginFailed        502      a bug of the plugin; says nothing about the provider
    └─ AllModelsFailed       502      .errors, one per candidate; status and code of the last one

The policy stands on the classes: ``status`` and ``code`` are what an HTTP caller sees, ``retry`` says
whether the same model can succeed later, ``fall_back`` whether another one may. The router has no
tables of its own and nothing looks at an error's text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

from .report import Billing, Report

__all__ = [
    "AllModelsFailed",
    "AuthenticationFailed",
    "BudgetExceeded",
    "ConfigError",
    "ContentRejected",
    "IdempotencyConflict",
    "InvalidImage",
    "InvalidProviderResponse",
    "PinxitError",
    "PluginFailed",
    "ProviderError",
    "ProviderTimeout",
    "ProviderUnavailable",
    "QuotaExceeded",
    "RateLimited",
    "RequestError",
    "UnknownModel",
    "UnsupportedRequest",
]


class PinxitError(Exception):
    """Base class of everything pinxit raises on purpose.

    Attributes:
        param: The request's field that is at fault, where one is.
        upstream_status: The HTTP status that the provider gave, where it gave one.
        model: Id of the model that it happened at; the router fills it in.
        report: What happened until then; the router fills it in.
    """

    status: int = 500
    code: str = "internal_error"
    retry: ClassVar[bool] = False
    fall_back: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        upstream_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.param = param
        self.code = code or type(self).code
        self.upstream_status = upstream_status
        self.model: str | None = None
        self.report: Report | None = None

    @property
    def statuses(self) -> frozenset[int]:
        """The statuses under which ``on_codes`` and ``fallback_on_codes`` know this error."""
        return frozenset() if self.upstream_status is None else frozenset({self.upstream_status})


class ConfigError(PinxitError):
    """A plugin, a route or a setting is wrong. Raised at start-up, never during a request."""

    code = "configuration_error"


class RequestError(PinxitError):
    """The caller has to change the request; another model would not help."""

    status = 400
    code = "invalid_request"
    billing: Billing = "unbilled"


class UnknownModel(RequestError):
    """No installed plugin registers this model and no route has this name, or its provider forgot it."""

    status = 404
    code = "model_not_found"


class IdempotencyConflict(RequestError):
    """The caller used this idempotency key before, for a request that said something else."""

    status = 422
    code = "idempotency_key_reused"


class InvalidImage(RequestError):
    """An input picture is missing, is no picture, or is more than anyone should open."""

    code = "invalid_image"


class ContentRejected(RequestError):
    """A safety system refused the prompt, an input picture or the result.

    Args:
        message: The provider's own words.
        categories: What it objected to, where it says so.
        billing: ``billed`` where the provider charges for refused results.
    """

    code = "content_policy_violation"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        upstream_status: int | None = None,
        categories: Sequence[str] = (),
        billing: Billing = "unbilled",
    ) -> None:
        super().__init__(message, code=code, upstream_status=upstream_status)
        self.categories = tuple(categories)
        self.billing = billing


class UnsupportedRequest(PinxitError):
    """None of the candidates can do what was asked.

    Attributes:
        reasons: Sentences per model id.
    """

    status = 400
    code = "unsupported_request"

    def __init__(
        self, reasons: Mapping[str, Sequence[str]], *, param: str | None = None, hint: str = ""
    ) -> None:
        self.reasons = {model: tuple(sentences) for model, sentences in reasons.items()}
        listed = "; ".join(f"{model}: {', '.join(why)}" for model, why in self.reasons.items())
        super().__init__(f"no model can do this: {listed}{hint}", param=param)


class BudgetExceeded(PinxitError):
    """The estimate of every candidate is over the caller's limit.

    Attributes:
        limit: US dollars that the caller allows.
        cheapest: The least expensive candidate and its estimate in US dollars, where one is known.
    """

    status = 402
    code = "budget_exceeded"

    def __init__(self, limit: Decimal, cheapest: tuple[str, Decimal] | None) -> None:
        self.limit = limit
        self.cheapest = cheapest
        best = "no candidate has a known price"
        if cheapest is not None:
            best = f"the cheapest candidate is {cheapest[0]} at about ${cheapest[1].normalize():f}"
        super().__init__(f"max_cost=${limit:f} is too low: {best}", param="max_cost")


class ProviderError(PinxitError):
    """One model failed to answer; another one may be tried.

    Args:
        message: The provider's own words, without credentials.
        retry_after: Seconds that the provider asked us to wait.
        billing: What the attempt may have cost; by default what the class knows.
        should_retry: The provider's own advice (``x-should-retry``), where it gave one.
    """

    status = 502
    code = "provider_error"
    fall_back = True
    billing: Billing = "unbilled"
    ejects: ClassVar[bool] = True
    """Whether it counts against the provider's health."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        upstream_status: int | None = None,
        retry_after: float | None = None,
        billing: Billing | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message, code=code, upstream_status=upstream_status)
        self.retry_after = retry_after
        self.billing = billing or type(self).billing
        self.should_retry = should_retry


class AuthenticationFailed(ProviderError):
    """The provider does not accept our credentials. The caller's own are not meant."""

    code = "provider_credential_invalid"
    fall_back = False
    billing = "unbilled"


class QuotaExceeded(ProviderError):
    """Our account is out of credit: waiting does not help, another provider does."""

    status = 429
    code = "quota_exceeded"

    @property
    def statuses(self) -> frozenset[int]:
        """A spent quota counts as 429, under whatever status it came."""
        return super().statuses | {429}


class RateLimited(ProviderError):
    """Too many requests for now."""

    status = 429
    code = "rate_limit_exceeded"
    retry = True


class ProviderUnavailable(ProviderError):
    """The provider is down, overloaded or out of reach."""

    status = 503
    code = "provider_overloaded"
    retry = True


class ProviderTimeout(ProviderError):
    """No answer in time; the work may have been done, and charged for, all the same."""

    status = 504
    code = "provider_timeout"
    retry = True
    billing = "ambiguous"

    @property
    def statuses(self) -> frozenset[int]:
        """A time-out of ours is known by the statuses that a server would have given: 408 and 504."""
        return super().statuses or frozenset({408, 504})


class InvalidProviderResponse(ProviderError):
    """The provider said that all is well and sent something that is of no use."""

    code = "invalid_provider_response"
    billing = "billed"


class PluginFailed(ProviderError):
    """The plugin itself failed, so it is unknown how far the request came."""

    code = "plugin_error"
    billing = "ambiguous"
    ejects = False


class AllModelsFailed(PinxitError):
    """Every candidate failed; the last error speaks for all, with one line per candidate.

    Attributes:
        errors: One per candidate, in the order in which they were tried.
        retry_after: Seconds until another try may help, where the last provider said so.
    """

    status = 502
    code = "all_models_failed"

    def __init__(self, errors: Sequence[RequestError | ProviderError]) -> None:
        self.errors = tuple(errors)
        last = self.errors[-1]
        lines = "; ".join(f"{error.model}: {error}" for error in self.errors)
        super().__init__(
            f"all {len(self.errors)} models failed: {lines}",
            code=last.code,
            upstream_status=last.upstream_status,
        )
        self.status = last.status
        self.retry_after = last.retry_after if isinstance(last, ProviderError) else None
