"""From what httpx raises, and what servers answer, to our errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from pinxit.errors import (
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
from pinxit.report import Billing
from pinxit.translation import from_response, provider_errors, redact, retry_after

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)

RAISED: list[tuple[Exception, type[PinxitError], int, Billing]] = [
    (httpx.ConnectError("no"), ProviderUnavailable, 503, "not_sent"),
    (httpx.ConnectTimeout("no"), ProviderUnavailable, 503, "not_sent"),
    (httpx.PoolTimeout("no"), ProviderUnavailable, 503, "not_sent"),
    (httpx.ProxyError("no"), ProviderUnavailable, 503, "not_sent"),
    (httpx.UnsupportedProtocol("ftp"), ProviderError, 502, "not_sent"),
    (httpx.InvalidURL("?"), ProviderError, 502, "not_sent"),
    (httpx.ReadTimeout("no"), ProviderTimeout, 504, "ambiguous"),
    (httpx.WriteTimeout("no"), ProviderTimeout, 504, "ambiguous"),
    (httpx.ReadError("reset"), ProviderError, 502, "ambiguous"),
    (httpx.WriteError("reset"), ProviderError, 502, "ambiguous"),
    (httpx.RemoteProtocolError("cut"), ProviderError, 502, "ambiguous"),
    (httpx.DecodingError("gzip"), ProviderError, 502, "ambiguous"),
    (httpx.TooManyRedirects("round"), ProviderError, 502, "ambiguous"),
    (json.JSONDecodeError("no", "{", 1), InvalidProviderResponse, 502, "billed"),
]


def translated(error: BaseException) -> ProviderError:
    with pytest.raises(PinxitError) as caught, provider_errors(["sk-secret"]):
        raise error
    assert isinstance(caught.value, ProviderError)
    return caught.value


@pytest.mark.parametrize(("error", "kind", "status", "billing"), RAISED)
def test_each_failure_has_a_status_and_a_price(
    error: Exception, kind: type[PinxitError], status: int, billing: Billing
) -> None:
    """What was never sent costs nothing, what got lost may, what is of no use did."""
    ours = translated(error)
    assert type(ours) is kind
    assert (ours.status, ours.billing) == (status, billing)


@pytest.mark.parametrize(("error", "kind", "status", "billing"), RAISED[:3])
def test_a_group_means_what_its_first_task_met(
    error: Exception, kind: type[PinxitError], status: int, billing: Billing
) -> None:
    """A plugin may use task groups, nested ones too."""
    nested = ExceptionGroup("outer", [ExceptionGroup("inner", [error, ValueError()])])
    assert type(translated(nested)) is kind


async def test_a_group_of_our_own_errors_is_taken_apart() -> None:
    """A typed error that a task raises is the typed error of the plugin."""
    refused = RateLimited("busy", upstream_status=429)

    async def fail() -> None:
        raise refused

    with pytest.raises(RateLimited) as caught, provider_errors():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
    assert caught.value is refused


def test_a_bug_stays_a_bug() -> None:
    """What is no failure of the provider is not dressed up as one."""
    with pytest.raises(KeyError), provider_errors():
        raise KeyError("data")


@pytest.mark.parametrize("text", ["sk-secret is unknown", "x" * 5_000])
def test_messages_are_short_and_hold_no_secrets(text: str) -> None:
    """A provider's own words are repeated without keys, and not at any length."""
    message = str(translated(httpx.ReadError(text)))
    assert "sk-secret" not in message
    assert len(message) <= 500
    assert redact("fine", ["sk-secret"]) == "fine"


STATUSES: list[tuple[int, type[PinxitError]]] = [
    (307, ProviderError),
    (400, RequestError),
    (401, AuthenticationFailed),
    (402, QuotaExceeded),
    (403, AuthenticationFailed),
    (404, UnknownModel),
    (408, ProviderTimeout),
    (422, RequestError),
    (429, RateLimited),
    (500, ProviderUnavailable),
    (504, ProviderTimeout),
    (529, ProviderUnavailable),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_every_status_is_an_error_of_ours(status: int, kind: type[PinxitError]) -> None:
    """The class carries the policy, the upstream status is kept, and nothing was billed."""
    error = from_response(httpx.Response(status, json={"error": {"message": "No."}}))
    assert type(error) is kind
    assert error.upstream_status == status
    assert getattr(error, "billing") == "unbilled"  # noqa: B009 - both branches have it
    assert str(error).endswith("No.")


@pytest.mark.parametrize(
    ("text", "advice"),
    [("true", True), ("false", False), (" False ", False), ("TRUE", True), ("maybe", None)],
)
def test_the_providers_advice_is_read(text: str, advice: bool | None) -> None:
    """x-should-retry is true, false, or nothing."""
    error = from_response(httpx.Response(503, headers={"x-should-retry": text}))
    assert isinstance(error, ProviderError)
    assert error.should_retry is advice


WISHES: list[tuple[dict[str, str], float | None]] = [
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": " 7.5 "}, 7.5),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after-ms": "1500"}, 1.5),
    ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
    ({"retry-after": "Sun, 22 Nov 2026 12:00:20 GMT"}, 20.0),
    ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0.0),
    ({"retry-after": "Sun, 22 Nov 2026 12:00:20 -0000"}, 20.0),
    ({"retry-after": str(86_400)}, 86_400.0),
    *[
        ({"retry-after": text}, None)
        for text in (
            "",
            "-1",
            "NaN",
            "inf",
            "1e999",
            "soon",
            "9" * 30,
            "Sun, 99 Foo 2026 12:00 GMT",
        )
    ],
    ({"retry-after": "Sun, 22 Nov 9998 12:00:00 GMT"}, None),
    ({"retry-after-ms": "9" * 30}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), WISHES)
def test_how_long_a_provider_wants_us_to_wait(
    headers: Mapping[str, str], seconds: float | None
) -> None:
    """Numbers and dates count; what is no time, or a year, does not."""
    assert retry_after(headers, now=NOW) == seconds


def test_without_a_moment_dates_are_compared_with_the_present() -> None:
    """That is how the router asks."""
    moment = datetime.now(UTC) + timedelta(seconds=100)
    text = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert 90 <= (retry_after({"retry-after": text}) or 0) <= 100
