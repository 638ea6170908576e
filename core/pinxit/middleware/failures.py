"""Errors as data, so that they can be kept and raised again."""

from __future__ import annotations

from typing import Self, cast

from pinxit import errors
from pinxit.errors import (
    AllModelsFailed,
    ContentRejected,
    PinxitError,
    ProviderError,
    RequestError,
)
from pinxit.report import Billing, Frozen, Report

__all__ = ["Failure"]


class Failure(Frozen):
    """One of our errors. A plugin's own class is kept as the class of ours that it extends.

    Attributes:
        kind: Name of the class.
        errors: Of an `AllModelsFailed`, one per candidate.
    """

    kind: str
    message: str
    status: int
    code: str
    param: str | None = None
    upstream_status: int | None = None
    model: str | None = None
    report: Report | None = None
    retry_after: float | None = None
    should_retry: bool | None = None
    billing: Billing = "unbilled"
    categories: tuple[str, ...] = ()
    errors: tuple[Failure, ...] = ()

    @classmethod
    def of(cls, error: PinxitError) -> Self:
        """Describe an error."""
        kind = next(t.__name__ for t in type(error).__mro__ if t.__name__ in errors.__all__)
        several = error.errors if isinstance(error, AllModelsFailed) else ()
        return cls(
            kind=kind,
            message=str(error),
            status=error.status,
            code=error.code,
            param=error.param,
            upstream_status=error.upstream_status,
            model=error.model,
            report=error.report,
            retry_after=getattr(error, "retry_after", None),
            should_retry=getattr(error, "should_retry", None),
            billing=getattr(error, "billing", "unbilled"),
            categories=getattr(error, "categories", ()),
            errors=tuple(cls.of(one) for one in several),
        )

    def error(self) -> PinxitError:
        """Make the error again.

        Raises:
            ValueError: There is no such class.
        """
        # The name comes from a store; it may lead to errors of ours and to nothing else.
        if self.kind not in errors.__all__:
            raise ValueError(f"{self.kind!r} is none of our errors")
        error = self._made(cast("type[PinxitError]", getattr(errors, self.kind)))
        error.model, error.report, error.param = self.model, self.report, self.param
        error.status = self.status
        return error

    def _made(self, kind: type[PinxitError]) -> PinxitError:
        if issubclass(kind, AllModelsFailed):
            made = [one.error() for one in self.errors]
            return kind([one for one in made if isinstance(one, RequestError | ProviderError)])
        if issubclass(kind, ContentRejected):
            return kind(
                self.message,
                code=self.code,
                upstream_status=self.upstream_status,
                categories=self.categories,
                billing=self.billing,
            )
        if issubclass(kind, ProviderError):
            return kind(
                self.message,
                code=self.code,
                upstream_status=self.upstream_status,
                retry_after=self.retry_after,
                billing=self.billing,
                should_retry=self.should_retry,
            )
        return kind(self.message, code=self.code, upstream_status=self.upstream_status)
