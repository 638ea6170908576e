"""Which error each of OpenAI's answers is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from pinxit import (
    AuthenticationFailed,
    ContentRejected,
    PinxitError,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
    UnknownModel,
)
from pinxit_providers.protocols.complaints import Complaint
from pinxit_providers.protocols.openai_images import CODES

Ask = Callable[..., Any]


def error(code: str | None, **more: Any) -> dict[str, Any]:
    return {"error": {"message": "no", "type": "t", "param": None, "code": code, **more}}


async def caught(
    ask: Ask, status: int, body: object, headers: dict[str, str] | None = None
) -> PinxitError:
    with pytest.raises(PinxitError) as raised:
        await ask(httpx.Response(status, json=body, headers=headers))
    return raised.value


@pytest.mark.parametrize("code", ["moderation_blocked", "content_policy_violation"])
async def test_refusals(ask: Ask, code: str) -> None:
    """A refusal keeps the provider's code and words, and cost nothing."""
    found = await caught(ask, 400, error(code, message="Not this."))
    assert type(found) is ContentRejected
    assert (str(found), found.code, found.upstream_status) == ("Not this.", code, 400)
    assert found.billing == "unbilled"


MODERATION = {"moderation_stage": "input", "categories": ["violence", "sexual/minors", 7, None]}


@pytest.mark.parametrize(
    "body",
    [
        error("moderation_blocked", moderation_details=MODERATION),
        error("moderation_blocked") | {"moderation_details": MODERATION},
        error("moderation_blocked", details={"moderation_details": MODERATION}),
        error("moderation_blocked", extra={"a": {"b": {"moderation_details": MODERATION}}}),
    ],
)
async def test_categories_are_found_wherever_they_are(ask: Ask, body: object) -> None:
    """No source says where `moderation_details` are nested; they are found anyway."""
    found = await caught(ask, 400, body)
    assert isinstance(found, ContentRejected)
    assert found.categories == ("violence", "sexual/minors")


@pytest.mark.parametrize("details", [None, [], "x", {"categories": "violence"}, {"categories": {}}])
async def test_odd_details_are_no_categories(ask: Ask, details: object) -> None:
    """A refusal stays one whatever is said about it."""
    found = await caught(ask, 400, error("moderation_blocked", moderation_details=details))
    assert isinstance(found, ContentRejected)
    assert found.categories == ()


@pytest.mark.parametrize("status", [429, 400, 403])
@pytest.mark.parametrize(
    "code", ["insufficient_quota", "billing_hard_limit_reached", "project_spend_limit_exceeded"]
)
async def test_spent_quotas(ask: Ask, status: int, code: str) -> None:
    """Out of credit is told apart from too fast: waiting would not help."""
    found = await caught(ask, status, error(code), {"retry-after": "1"})
    assert type(found) is QuotaExceeded
    assert not found.retry
    assert found.statuses == {status, 429}


async def test_payment_required(ask: Ask) -> None:
    """402 is about money, whatever the body says."""
    assert type(await caught(ask, 402, {})) is QuotaExceeded


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "nan", "retry-after": "9"}, 9.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
async def test_rate_limits(ask: Ask, headers: dict[str, str], seconds: float | None) -> None:
    """Too fast is waited for as long as the provider says, if it says something sensible."""
    found = await caught(ask, 429, error("rate_limit_exceeded"), headers)
    assert isinstance(found, RateLimited)
    assert found.retry_after == seconds
    assert (found.upstream_status, found.billing) == (429, "unbilled")


async def test_rate_limits_until_a_date(ask: Ask) -> None:
    """Retry-After may be a date."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    found = await caught(ask, 429, error("rate_limit_exceeded"), {"retry-after": date})
    assert isinstance(found, RateLimited)
    assert found.retry_after == pytest.approx(60, abs=5)


@pytest.mark.parametrize(("advice", "expected"), [("false", False), ("true", True), ("?", None)])
@pytest.mark.parametrize("status", [429, 500, 503])
async def test_advice_on_retries(ask: Ask, status: int, advice: str, expected: bool | None) -> None:
    """The provider's own advice is handed on."""
    found = await caught(ask, status, error(None), {"x-should-retry": advice})
    assert isinstance(found, ProviderError)
    assert found.should_retry is expected


@pytest.mark.parametrize("status", [401, 403])
async def test_credentials(ask: Ask, status: int) -> None:
    """A rejected key is our trouble and not the caller's: its code is not passed on as theirs."""
    found = await caught(ask, status, error("invalid_api_key"))
    assert type(found) is AuthenticationFailed
    assert (found.status, found.code) == (502, "provider_credential_invalid")
    assert found.upstream_status == status


async def test_a_model_that_is_gone(ask: Ask) -> None:
    """A model that the provider forgot is unknown to it."""
    found = await caught(ask, 404, error("model_not_found", param="model"))
    assert type(found) is UnknownModel
    assert (found.upstream_status, found.param, found.code) == (404, "model", "model_not_found")


@pytest.mark.parametrize("status", [400, 413, 415, 422])
@pytest.mark.parametrize(
    "code",
    [
        "invalid_value",
        "unknown_parameter",
        "unsupported_parameter",
        "invalid_image_file",
        "invalid_input_fidelity_model",
    ],
)
async def test_the_callers_mistakes(ask: Ask, status: int, code: str) -> None:
    """What the caller can mend keeps field, code and words."""
    found = await caught(ask, status, error(code, param="size", message="Bad size."))
    assert type(found) is RequestError
    assert (found.param, found.code, str(found)) == ("size", code, "Bad size.")
    assert (found.upstream_status, found.billing) == (status, "unbilled")


async def test_a_time_out_of_the_server(ask: Ask) -> None:
    """408 came before any work."""
    found = await caught(ask, 408, error(None))
    assert type(found) is ProviderTimeout
    assert (found.upstream_status, found.billing) == (408, "unbilled")


@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_outages(ask: Ask, status: int) -> None:
    """A server in trouble may be asked again, when it says so."""
    found = await caught(ask, status, error("server_error"), {"retry-after": "7"})
    assert type(found) is ProviderUnavailable
    assert (found.upstream_status, found.retry_after) == (status, 7.0)
    assert (found.billing, found.code) == ("unbilled", "provider_overloaded")


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "html": b"<html><h1>502 Bad Gateway</h1></html>",
    "null": b"null",
    "a list": b"[1]",
    "a number": b"5",
    "error is null": b'{"error": null}',
    "error is a list": b'{"error": []}',
    "message is missing": b'{"error": {}}',
    "message is an object": b'{"error": {"message": {"a": 1}, "code": 5, "param": [], "type": {}}}',
    "code is long": b'{"error": {"code": "' + b"x" * 10_000 + b'"}}',
    "cut off": b'{"error": {"mess',
    "deep": b'{"error": ' + b"[" * 100_000,
    "wide": b'{"error": {"a": [' + b"1," * 200_000 + b"1]}}",
    "not utf-8": b"\xff\xfe\x00",
}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, RequestError),
        (401, AuthenticationFailed),
        (404, UnknownModel),
        (429, RateLimited),
        (500, ProviderUnavailable),
        (502, ProviderUnavailable),
        (302, ProviderError),
    ],
)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_the_status_decides_where_the_body_says_nothing(
    ask: Ask, body: bytes, status: int, expected: type[PinxitError]
) -> None:
    """However odd an error's body is, the status is understood and some words are said."""
    with pytest.raises(expected) as raised:
        await ask(httpx.Response(status, content=body))
    assert type(raised.value) is expected
    assert raised.value.upstream_status == status
    assert 3 <= len(str(raised.value)) <= 600


@pytest.mark.parametrize("body", [{"error": "model busy"}, {"message": "model busy"}])
async def test_other_dialects_of_errors(ask: Ask, body: object) -> None:
    """Servers that give an error as text, or without a frame around it, are quoted too."""
    assert str(await caught(ask, 503, body)) == "model busy"


async def test_words_are_one_line(ask: Ask) -> None:
    """A message cannot forge lines of a log."""
    found = await caught(ask, 500, error(None, message="one\r\ntwo\n  three"))
    assert str(found) == "one two three"


async def test_a_key_with_stars_is_left_out(ask: Ask) -> None:
    """The beginning and the end of our key, which OpenAI quotes, are not for the caller."""
    words = "Incorrect API key provided: sk-proj-*******************6789. See the task-list-page."
    found = await caught(ask, 401, error("invalid_api_key", message=words))
    assert str(found) == "Incorrect API key provided: [redacted]. See the task-list-page."


async def test_long_words_are_cut(ask: Ask) -> None:
    """A provider's speech is shortened to what a person reads."""
    assert len(str(await caught(ask, 500, error(None, message="x" * 10_000)))) <= 500


async def test_little_of_an_error_is_read(ask: Ask, pieces: type[Any]) -> None:
    """An endless error page is left as soon as enough of it was seen."""
    body = pieces(b"x" * 65_536 for _ in range(1_000_000))
    with pytest.raises(ProviderUnavailable):
        await ask(httpx.Response(500, stream=body))
    assert body.sent < 100
    assert body.closed


@pytest.mark.parametrize("failure", [httpx.ReadError("reset"), httpx.RemoteProtocolError("cut")])
async def test_a_status_outlives_its_body(ask: Ask, pieces: type[Any], failure: Exception) -> None:
    """A body that breaks off does not turn an unpaid 503 into a doubtful loss."""
    body = pieces([b'{"error": {"mess'], error=failure)
    with pytest.raises(ProviderUnavailable) as raised:
        await ask(httpx.Response(503, stream=body))
    assert raised.value.billing == "unbilled"


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("no"), httpx.ReadTimeout("no"), httpx.PoolTimeout("no")]
)
async def test_what_httpx_raises_passes(ask: Ask, failure: Exception) -> None:
    """Connections that fail are translated by the engine, in one place for all providers."""
    with pytest.raises(type(failure)):
        await ask(failure)


@pytest.mark.parametrize(
    ("fields", "expected", "billing"),
    [
        ({"code": "moderation_blocked"}, ContentRejected, "billed"),
        (
            {"code": "moderation_blocked", "moderation_details": {"moderation_stage": "output"}},
            ContentRejected,
            "billed",
        ),
        (
            {"code": "moderation_blocked", "moderation_details": {"moderation_stage": "input"}},
            ContentRejected,
            "unbilled",
        ),
        ({"code": "insufficient_quota"}, QuotaExceeded, "billed"),
        ({"code": "rate_limit_exceeded"}, RateLimited, "billed"),
        ({"code": "invalid_api_key"}, AuthenticationFailed, "billed"),
        ({"type": "server_error"}, ProviderUnavailable, "billed"),
        ({}, ProviderUnavailable, "billed"),
        ({"type": "invalid_request_error", "param": "size"}, RequestError, "unbilled"),
        ({"type": "image_generation_user_error"}, RequestError, "unbilled"),
    ],
)
def test_errors_inside_a_success(fields: dict[str, Any], expected: type[Any], billing: str) -> None:
    """After a 200 the work may have been done: an error is billed unless it speaks of the input."""
    complaint = Complaint.read({"error": {"message": "no", **fields}}, ())
    found: Any = complaint.of_success(200, CODES)
    assert type(found) is expected
    assert found.billing == billing
    assert found.upstream_status == 200
