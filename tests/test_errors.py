"""The exception tree: its picture, and the policy that stands on its classes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from pinxit import errors
from pinxit.errors import (
    AllModelsFailed,
    AuthenticationFailed,
    BudgetExceeded,
    ConfigError,
    ContentRejected,
    InvalidImage,
    InvalidProviderResponse,
    PinxitError,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
    UnknownModel,
    UnsupportedRequest,
)
from pinxit.report import Billing

CLASSES = {
    name: cls
    for name, cls in vars(errors).items()
    if inspect.isclass(cls) and issubclass(cls, PinxitError)
}

_BRANCH = re.compile(r"^    ([│├└─ ]*)(\w+)(?: +(\d{3}))?")


def drawn() -> Iterator[tuple[str, str | None, int | None]]:
    """Yield name, parent and status of each line of the tree in the module's docstring."""
    line_of: dict[int, str] = {}
    picture = (errors.__doc__ or "").partition("::\n\n")[2].partition("\n\n")[0]
    for line in picture.splitlines():
        match = _BRANCH.match(line)
        assert match, line
        depth = len(match[1]) // 3
        line_of[depth] = match[2]
        yield match[2], line_of.get(depth - 1), int(match[3]) if match[3] else None


def test_the_drawn_tree_is_the_real_one() -> None:
    """Every class stands in the picture, under the class that it is derived from, and nothing else."""
    real = {name: cls.__base__.__name__ if cls.__base__ else None for name, cls in CLASSES.items()}
    assert {name: parent for name, parent, _ in drawn()} == {**real, "PinxitError": None}


def test_the_drawn_statuses_are_the_real_ones() -> None:
    """A status in the picture is the status on the class."""
    for name, _, status in drawn():
        assert status is None or CLASSES[name].status == status, name


def test_all_errors_are_exported() -> None:
    """Every class is public, and the list is sorted."""
    assert errors.__all__ == sorted(CLASSES)


def test_every_class_is_explained() -> None:
    """Each class has a sentence of its own, which ends as a sentence does."""
    for name, cls in CLASSES.items():
        summary = (cls.__doc__ or "").splitlines()[0]
        assert summary.endswith("."), name


@pytest.mark.parametrize(
    ("cls", "status", "code", "retry", "fall_back"),
    [
        (ConfigError, 500, "configuration_error", False, False),
        (RequestError, 400, "invalid_request", False, False),
        (UnknownModel, 404, "model_not_found", False, False),
        (InvalidImage, 400, "invalid_image", False, False),
        (ContentRejected, 400, "content_policy_violation", False, False),
        (ProviderError, 502, "provider_error", False, True),
        (AuthenticationFailed, 502, "provider_credential_invalid", False, False),
        (QuotaExceeded, 429, "quota_exceeded", False, True),
        (RateLimited, 429, "rate_limit_exceeded", True, True),
        (ProviderUnavailable, 503, "provider_overloaded", True, True),
        (ProviderTimeout, 504, "provider_timeout", True, True),
        (InvalidProviderResponse, 502, "invalid_provider_response", False, True),
    ],
)
def test_the_policy_stands_on_the_class(
    cls: type[PinxitError], status: int, code: str, retry: bool, fall_back: bool
) -> None:
    """Status, code, retry and fallback are the class's own."""
    error = cls("it happened")
    assert (error.status, error.code, error.retry, error.fall_back) == (
        status, code, retry, fall_back,
    )  # fmt: skip
    assert str(error) == "it happened"


@pytest.mark.parametrize(
    ("error", "billing"),
    [
        (RequestError("no"), "unbilled"),
        (ContentRejected("no"), "unbilled"),
        (ContentRejected("no", billing="billed"), "billed"),
        (ProviderError("no"), "unbilled"),
        (ProviderError("no", billing="not_sent"), "not_sent"),
        (RateLimited("no"), "unbilled"),
        (ProviderUnavailable("no"), "unbilled"),
        (ProviderTimeout("no"), "ambiguous"),
        (ProviderTimeout("no", billing="unbilled"), "unbilled"),
        (InvalidProviderResponse("no"), "billed"),
    ],
)
def test_errors_know_what_they_may_cost(
    error: RequestError | ProviderError, billing: Billing
) -> None:
    """A time-out may be billed, a useless answer is, the rest is not; whoever knows better says so."""
    assert error.billing == billing


@pytest.mark.parametrize(
    ("error", "statuses"),
    [
        (ProviderError("no"), set[int]()),
        (ProviderError("no", upstream_status=529), {529}),
        (RateLimited("no", upstream_status=429), {429}),
        (QuotaExceeded("no", upstream_status=402), {402, 429}),
        (QuotaExceeded("no"), {429}),
        (ProviderTimeout("no"), {408, 504}),
        (ProviderTimeout("no", upstream_status=408), {408}),
        (ContentRejected("no", upstream_status=400), {400}),
    ],
)
def test_errors_are_known_by_statuses(error: PinxitError, statuses: set[int]) -> None:
    """``on_codes`` and ``fallback_on_codes`` meet the upstream's status, and what stands for one."""
    assert error.statuses == statuses


def test_a_code_of_its_own_replaces_the_class_one() -> None:
    """The provider's own code wins over the class's, for this error alone."""
    assert RequestError("no", code="image_too_small").code == "image_too_small"
    assert RequestError("no").code == "invalid_request"


def test_a_request_error_names_its_field() -> None:
    """The field at fault is there for an HTTP body."""
    assert RequestError("no", param="size").param == "size"
    assert RequestError("no").param is None


def test_a_refusal_says_what_it_objects_to() -> None:
    """Categories are kept in order."""
    assert ContentRejected("no", categories=["violence", "gore"]).categories == ("violence", "gore")
    assert ContentRejected("no").categories == ()


def test_a_provider_error_keeps_the_providers_advice() -> None:
    """How long to wait and whether to try again are kept as they were given."""
    error = RateLimited("slow down", retry_after=2.5, should_retry=False, upstream_status=429)
    assert (error.retry_after, error.should_retry, error.upstream_status) == (2.5, False, 429)


def test_an_unsupported_request_lists_reasons_per_model() -> None:
    """Each model says why it cannot, and a hint may follow."""
    error = UnsupportedRequest(
        {"a/b": ["no masks", "n is 1"], "c/d": ["no edits"]}, hint="; try e/f"
    )
    assert str(error) == "no model can do this: a/b: no masks, n is 1; c/d: no edits; try e/f"
    assert error.reasons == {"a/b": ("no masks", "n is 1"), "c/d": ("no edits",)}
    assert (error.status, error.code) == (400, "unsupported_request")


def test_a_budget_names_the_cheapest_candidate() -> None:
    """Whoever hears that a limit is too low hears what would do."""
    error = BudgetExceeded(Decimal("0.01"), ("a/b", Decimal("0.040")))
    assert str(error) == ("max_cost=$0.01 is too low: the cheapest candidate is a/b at about $0.04")
    assert (error.status, error.param) == (402, "max_cost")
    assert "known price" in str(BudgetExceeded(Decimal(1), None))


def failed(error: RequestError | ProviderError, model: str) -> RequestError | ProviderError:
    error.model = model
    return error


def test_the_last_error_speaks_for_all() -> None:
    """Status, code and waiting time are the last one's; the message has a line per model."""
    error = AllModelsFailed(
        [
            failed(ProviderTimeout("too late"), "a/b"),
            failed(RateLimited("slow down", retry_after=3, upstream_status=429), "c/d"),
        ]
    )
    assert str(error) == "all 2 models failed: a/b: too late; c/d: slow down"
    assert (error.status, error.code, error.retry_after) == (429, "rate_limit_exceeded", 3)
    assert error.upstream_status == 429


def test_a_refusal_at_the_end_asks_nobody_to_wait() -> None:
    """A caller's mistake has no waiting time."""
    error = AllModelsFailed([failed(ContentRejected("no"), "a/b")])
    assert (error.status, error.retry_after) == (400, None)


def test_errors_are_caught_by_their_base() -> None:
    """One ``except`` catches everything that is raised on purpose."""
    assert all(issubclass(cls, PinxitError) for cls in CLASSES.values())
    assert issubclass(PinxitError, Exception)
