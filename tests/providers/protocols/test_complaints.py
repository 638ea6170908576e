"""What error bodies mean, where the status does not say it."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

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
from pinxit_providers.protocols.complaints import SILENT, Complaint, Vocabulary


def meant(
    status: int, body: object, vocabulary: Vocabulary = SILENT, **headers: str
) -> PinxitError:
    """Return the error that an answer stands for."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.Response(status, json=body, headers=named)
    return Complaint.parse(response.content, ()).of_status(response, vocabulary)


def google(code: int, status: str, *details: Mapping[str, object]) -> dict[str, object]:
    return {"error": {"code": code, "message": "No.", "status": status, "details": [*details]}}


def test_googles_word_is_its_status() -> None:
    """A code that only repeats the HTTP status as a number hides no word."""
    error = meant(400, google(400, "INVALID_ARGUMENT"))
    assert isinstance(error, RequestError)
    assert (error.code, str(error)) == ("INVALID_ARGUMENT", "No.")


def test_googles_reason_is_among_the_codes() -> None:
    """The reason inside the details is more precise than the status."""
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    words = Vocabulary(unauthorised=frozenset({"API_KEY_INVALID"}))
    assert isinstance(
        meant(400, google(400, "INVALID_ARGUMENT", reason), words), AuthenticationFailed
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "OutOfMemoryError", "errors": "CUDA out of memory."}, "CUDA out of memory."),
        ({"error": "HTTPException", "detail": "Sampler not found"}, "Sampler not found"),
        ({"error": "OutOfMemoryError"}, "OutOfMemoryError"),
        ({"error": "No such model.", "message": "x"}, "No such model."),
    ],
)
def test_a_bare_word_is_told_last(body: dict[str, object], message: str) -> None:
    """A word in place of the error is its class; what happened stands beside it."""
    assert str(meant(400, body)) == message


def test_the_first_wrong_node_is_told() -> None:
    """ComfyUI says of a graph only that it is wrong, and of its nodes why."""
    error = {
        "type": "prompt_outputs_failed_validation",
        "message": "Prompt outputs failed validation",
    }
    node = {"errors": [{"message": "Value not in list", "details": "ckpt_name: 'x' not in []"}]}
    body = {"error": error, "node_errors": {"4": node}}
    assert str(meant(400, body)) == "Value not in list: ckpt_name: 'x' not in []"
    assert str(meant(400, {**body, "node_errors": {}})) == error["message"]


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("17s", 17.0), ("0.5s", 0.5), ("17", None), ("-3s", None), (17, None), ("9" * 12 + "s", None)],
)
def test_a_wait_inside_the_body(delay: object, seconds: float | None) -> None:
    """The delay of a RetryInfo is how long to wait; whatever else stands there says nothing."""
    quota = {"@type": "type.googleapis.com/google.rpc.QuotaFailure"}
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    error = meant(429, google(429, "RESOURCE_EXHAUSTED", quota, info))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_header_wins_over_the_body() -> None:
    """Retry-After is read first."""
    info = {"retryDelay": "17s"}
    error = meant(429, google(429, "RESOURCE_EXHAUSTED", info), retry_after="3")
    assert isinstance(error, ProviderError)
    assert error.retry_after == 3


@pytest.mark.parametrize(("said", "seconds"), [({}, 60.0), ({"retry_after": "5"}, 5.0)])
def test_a_known_lockout(said: dict[str, str], seconds: float) -> None:
    """Where nobody says how long a 429 lasts, what is known of the provider counts."""
    error = meant(429, {"name": "rate_limit_exceeded"}, Vocabulary(lockout=60.0), **said)
    assert isinstance(error, ProviderError)
    assert error.retry_after == seconds


def test_a_lockout_is_about_429_alone() -> None:
    """A server that is down is not locked."""
    error = meant(503, {}, Vocabulary(lockout=60.0))
    assert isinstance(error, ProviderError)
    assert error.retry_after is None


def test_one_status_two_meanings() -> None:
    """A name in the body tells a refusal from a key that may not do this."""
    words = Vocabulary(refused=frozenset({"content_moderation"}))
    body = {"id": "1", "name": "content_moderation", "errors": ["Flagged.", "Twice."]}
    refusal = meant(403, body, words)
    assert isinstance(refusal, ContentRejected)
    assert (str(refusal), refusal.billing) == ("Flagged.; Twice.", "unbilled")
    assert isinstance(meant(403, body | {"name": "permission_denied"}, words), AuthenticationFailed)


NSFW = Vocabulary(refused_words=("nsfw",))


@pytest.mark.parametrize(
    ("status", "refused"), [(400, True), (403, True), (422, True), (402, False), (429, False)]
)
def test_words_refuse_where_the_status_leaves_room(status: int, refused: bool) -> None:
    """A status that says something else itself is not overruled by a word in the message."""
    error = meant(status, {"error": {"message": "Possibly NSFW, or just too much."}}, NSFW)
    assert isinstance(error, ContentRejected) is refused


def test_an_inner_field_refuses() -> None:
    """Where only refusals have a field, its presence is one, and its entries are the categories."""
    words = Vocabulary(refused_fields=frozenset({"reasons"}))
    error = meant(403, {"error": {"code": 403, "metadata": {"reasons": ["violence"]}}}, words)
    assert isinstance(error, ContentRejected)
    assert error.categories == ("violence",)
    empty = meant(403, {"error": {"code": 403, "metadata": {"reasons": []}}}, words)
    assert isinstance(empty, AuthenticationFailed)


def test_filters_that_struck_are_categories() -> None:
    """Of the filters that Azure lists, those that struck are named."""
    results = {"violence": {"filtered": True}, "hate": {"filtered": False}, "odd": "severe"}
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_results": results}
    words = Vocabulary(refused=frozenset({"ResponsibleAIPolicyViolation"}))
    error = meant(400, {"error": {"message": "No.", "inner_error": inner}}, words)
    assert isinstance(error, ContentRejected)
    assert error.categories == ("violence",)


@pytest.mark.parametrize(
    ("code", "expected"), [(402, QuotaExceeded), (429, RateLimited), (500, ProviderUnavailable)]
)
def test_a_status_inside_a_success(code: int, expected: type[PinxitError]) -> None:
    """A number stands for the status that the answer should have had."""
    words = Vocabulary(spent=frozenset({"402"}), limited=frozenset({"429"}))
    error = Complaint.read({"error": {"code": code, "message": "No."}}, ()).of_success(200, words)
    assert type(error) is expected
    assert getattr(error, "billing", None) == "billed"
