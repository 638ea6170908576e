"""Money: what has been paid for, or may have been, is never ordered again in silence."""

from __future__ import annotations

import base64
from typing import Any

import pytest

import pinxit
from chaotic import ONE_AT_ONCE, A, B, C, asked, stage
from pinxit.testing import (
    Answer,
    BrokenBase64,
    BrokenJson,
    Close,
    EmptyData,
    Events,
    Html,
    Ok,
    RateLimited,
    Refusal,
    Reset,
    Silence,
    Step,
    Truncated,
    png,
)

pytestmark = pytest.mark.virtual_time

RETRY = pinxit.Retry(count=3, on_codes=(429, 500, 502, 503))

LOST: dict[str, Step] = {
    "reset": Reset(),
    "reset inside": Reset("inside"),
    "close": Close(),
    "truncated": Truncated(),
    "silence": Silence(),
    "silence inside": Silence("inside"),
}
"""Answers that get lost after the request was written."""

USELESS: dict[str, Step] = {
    "half of a JSON": BrokenJson(),
    "no base64": BrokenBase64(),
    "base64 cut off": BrokenBase64(base64.b64encode(png(64, 64)).decode()[:-7]),
    "base64 of text": BrokenBase64(base64.b64encode(b"sorry, no picture today").decode()),
    "half a picture": BrokenBase64(base64.b64encode(png(64, 64)[:60]).decode()),
    "a page": Html(),
    "no picture": EmptyData(),
    "a list": Answer(json=[]),
    "nothing": Answer(),
    "null": Answer(json={"data": [{"b64_json": None}]}),
    "no address": Answer(json={"data": [{"url": "file:///etc/passwd"}]}),
}
"""200s that have been paid for and are of no use."""


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("retry", [None, RETRY], ids=["without retry", "with retry"])
async def test_a_lost_answer_is_not_ordered_again(name: str, retry: pinxit.Retry | None) -> None:
    """Whatever happens after the request was written, it was written once, and may be billed."""
    async with stage({A: LOST[name]}) as (router, upstream):
        with pytest.raises(pinxit.ProviderError) as caught:
            await router.generate("a fox", model=A, retry=retry, timeout=5)
    assert asked(upstream) == [A]
    assert caught.value.status in {502, 504}
    assert caught.value.report is not None
    [attempt] = caught.value.report.attempts
    assert (attempt.billing, attempt.may_be_billed) == ("ambiguous", True)


@pytest.mark.parametrize("name", LOST)
async def test_a_lost_answer_leads_to_the_fallback_once(name: str) -> None:
    """Who lists fallbacks wants a picture: the next model is asked once, and the report warns."""
    async with stage({A: LOST[name]}) as (router, upstream):
        answer = await router.generate("a fox", model=A, fallbacks=[B], timeout=5)
    assert asked(upstream) == [A, B]
    assert [a.may_be_billed for a in answer.report.attempts] == [True, False]


@pytest.mark.parametrize("name", USELESS)
async def test_a_useless_answer_is_paid_and_not_ordered_again(name: str) -> None:
    """It costs one request, ends as a 502, and is marked as billed."""
    async with stage({A: USELESS[name]}) as (router, upstream):
        with pytest.raises(pinxit.InvalidProviderResponse) as caught:
            await router.generate("a fox", model=A, retry=RETRY)
    assert asked(upstream) == [A]
    assert caught.value.status == 502
    assert caught.value.report is not None
    [attempt] = caught.value.report.attempts
    assert (attempt.outcome, attempt.billing) == ("invalid_provider_response", "billed")


@pytest.mark.parametrize("name", USELESS)
async def test_a_useless_answer_never_reaches_the_caller(name: str) -> None:
    """With a fallback, what comes back is the fallback's picture, whole."""
    async with stage({A: USELESS[name]}) as (router, upstream):
        answer = await router.generate("a fox", model=A, fallbacks=[B])
    assert asked(upstream) == [A, B]
    assert answer.report.model == f"openai/{B}"
    assert answer.data[0].data == png(64, 64)


BAD_RETRIES: list[dict[str, Any]] = [
    {"count": 6},
    {"count": 0},
    {"count": -1},
    {"count": "many"},
    {"count": 2, "on_codes": []},
    {"count": 2, "on_codes": [99]},
    {"count": 2, "on_codes": [600]},
    {"count": 2, "codes": [429]},
]


@pytest.mark.parametrize("retry", BAD_RETRIES, ids=str)
async def test_a_wrong_retry_is_refused_before_anything_is_sent(retry: dict[str, Any]) -> None:
    """Counts above five and codes that are none are the caller's mistake: 400."""
    async with stage() as (router, upstream):
        with pytest.raises(pinxit.RequestError, match="retry") as caught:
            await router.generate("a fox", model=A, retry=retry)
    assert caught.value.status == 400
    assert upstream.requests == []


def complaint(status: int, code: str | None) -> Answer:
    error = {"message": f"No, because of {status}.", "type": "x", "param": None, "code": code}
    return Answer(status, json={"error": error})


CALLERS: dict[str, tuple[Step, str, str]] = {
    "400": (complaint(400, "invalid_size"), "invalid_size", "No, because of 400."),
    "401": (complaint(401, None), "provider_credential_invalid", "No, because of 401."),
    "403": (complaint(403, None), "provider_credential_invalid", "No, because of 403."),
    "404": (complaint(404, "model_not_found"), "model_not_found", "No, because of 404."),
    "refusal": (
        Refusal(),
        "moderation_blocked",
        "Your request was rejected by the safety system.",
    ),
    "refusal, as Azure says it": (
        Refusal("azure"),
        "contentFilter",
        "Your request was rejected by the safety system.",
    ),
}


@pytest.mark.parametrize("name", CALLERS)
async def test_what_another_try_cannot_mend_is_tried_once(name: str) -> None:
    """Neither a retry nor a fallback follows; the provider's code and words are kept."""
    step, code, message = CALLERS[name]
    retry = pinxit.Retry(count=3, on_codes=(400, 401, 403, 404, 429))
    async with stage({A: step}) as (router, upstream):
        with pytest.raises(pinxit.PinxitError) as caught:
            await router.generate("a fox", model=A, retry=retry, fallbacks=[B, C])
    assert asked(upstream) == [A]
    assert (caught.value.code, str(caught.value)) == (code, message)


async def test_a_refusal_is_shopped_around_only_on_demand() -> None:
    """on_refusal="fallback" is the caller's word for it."""
    async with stage({A: Refusal()}) as (router, upstream):
        await router.generate("a fox", model=A, fallbacks=[B], on_refusal="fallback")
    assert asked(upstream) == [A, B]


PARTIAL = {
    "type": "image_generation.partial_image",
    "partial_image_index": 0,
    "b64_json": base64.b64encode(png(64, 64)).decode(),
}
ERROR = {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "Slow down."}}

BROKEN_STREAMS: dict[str, Step] = {
    "close": Events([PARTIAL], then="close"),
    "reset": Events([PARTIAL], then="reset"),
    "silence": Events([PARTIAL], then="silence"),
    "end": Events([PARTIAL]),
    "an error event": Events([PARTIAL, ERROR]),
    "garbage": Events([PARTIAL, b"data: {broken\n\n"]),
}


@pytest.mark.parametrize("name", BROKEN_STREAMS)
async def test_nothing_is_ordered_again_after_the_first_partial(name: str) -> None:
    """Once the caller has seen something, the end is an error, never another order."""
    async with stage({A: BROKEN_STREAMS[name]}) as (router, upstream):
        events = router.stream("a fox", model=A, fallbacks=[B], retry=RETRY, timeout=5)
        first = await anext(events)
        with pytest.raises(pinxit.ProviderError):
            await anext(events)
    assert isinstance(first, pinxit.PartialImage)
    assert asked(upstream) == [A]


async def test_an_error_event_says_what_the_provider_said() -> None:
    """A refusal inside a stream is a refusal, with its own code."""
    refused = {"type": "error", "error": {"code": "moderation_blocked", "message": "No."}}
    async with stage({A: Events([PARTIAL, refused])}) as (router, _):
        events = router.stream("a fox", model=A)
        await anext(events)
        with pytest.raises(pinxit.ContentRejected, match="No") as caught:
            await anext(events)
    assert caught.value.code == "moderation_blocked"


async def test_pictures_are_ordered_as_often_as_asked() -> None:
    """Ten from a model that makes ten are one call; three from one that makes one are three."""
    async with stage() as (router, upstream):
        ten = await router.generate("a fox", model=A, n=10)
        three = await router.generate("a fox", model=ONE_AT_ONCE, n=3, response_format="b64_json")
    numbers = [(request.value("model"), request.number("n", 1)) for request in upstream.requests]
    assert numbers == [(A, 10), (ONE_AT_ONCE, 1), (ONE_AT_ONCE, 1), (ONE_AT_ONCE, 1)]
    assert (len(ten.data), len(three.data)) == (10, 3)


async def test_more_pictures_than_asked_are_not_delivered() -> None:
    """A generous provider does not change what n means."""
    async with stage({A: Ok(count=4)}) as (router, _):
        answer = await router.generate("a fox", model=A, n=2)
    assert len(answer.data) == len(answer.report.pictures) == 2


async def test_the_pictures_that_are_missing_come_from_the_next_model() -> None:
    """A call of three that fails costs the others nothing; only its picture is ordered elsewhere."""
    script: dict[str, Step | list[Step]] = {ONE_AT_ONCE: [Ok(), Answer(503), Ok()]}
    async with stage(script) as (router, upstream):
        answer = await router.generate(
            "a fox", model=ONE_AT_ONCE, n=3, fallbacks=[A], size="1024x1024"
        )
    assert asked(upstream) == [ONE_AT_ONCE] * 3 + [A]
    assert upstream.requests[-1].number("n", 0) == 1
    assert len(answer.data) == 3


async def test_a_part_that_failed_does_not_cost_what_was_paid() -> None:
    """Without a fallback the good pictures are delivered, and the report says that one is missing."""
    script: dict[str, Step | list[Step]] = {ONE_AT_ONCE: [Ok(), Reset(), Ok()]}
    async with stage(script) as (router, upstream):
        answer = await router.generate("a fox", model=ONE_AT_ONCE, n=3)
    assert len(upstream.requests) == 3
    assert len(answer.data) == 2
    assert ("n", "approximated") in [(a.parameter, a.verdict) for a in answer.report.adaptations]
    assert sum(a.may_be_billed for a in answer.report.attempts) == 1


async def test_hopeless_parts_of_a_request_are_not_sent() -> None:
    """When the first calls of ten are refused, the others would be too."""
    async with stage({ONE_AT_ONCE: Refusal()}) as (router, upstream):
        with pytest.raises(pinxit.ContentRejected):
            await router.generate("a fox", model=ONE_AT_ONCE, n=10, fallbacks=[A])
    assert 1 <= len(upstream.requests) <= 4


async def test_a_refused_part_is_a_refusal() -> None:
    """One part of three is refused and another one fails: no other model is asked instead."""
    script: dict[str, Step | list[Step]] = {ONE_AT_ONCE: [Answer(503), Refusal(), Answer(503)]}
    async with stage(script) as (router, upstream):
        with pytest.raises(pinxit.ContentRejected):
            await router.generate("a fox", model=ONE_AT_ONCE, n=3, fallbacks=[A])
    assert set(asked(upstream)) == {ONE_AT_ONCE}


HOPELESS: dict[str, Step] = {
    "a spent quota": RateLimited(code="insufficient_quota"),
    "the provider's own advice": RateLimited(headers={"x-should-retry": "false"}),
    "the same in capitals": RateLimited(headers={"x-should-retry": "False"}),
    "advice under a 503": Answer(503, headers={"x-should-retry": "false"}),
}


@pytest.mark.parametrize("name", HOPELESS)
async def test_a_retry_that_cannot_help_is_not_made(name: str) -> None:
    """The same model is left alone, the next one is asked."""
    async with stage({A: HOPELESS[name]}) as (router, upstream):
        await router.generate("a fox", model=A, retry=RETRY, fallbacks=[B])
    assert asked(upstream) == [A, B]


async def test_advice_to_retry_does_not_widen_what_the_caller_allows() -> None:
    """x-should-retry: true under a code that is not listed stays one attempt."""
    async with stage({A: Answer(500, headers={"x-should-retry": "true"})}) as (router, upstream):
        with pytest.raises(pinxit.ProviderUnavailable):
            await router.generate("a fox", model=A, retry=pinxit.Retry(count=3))
    assert asked(upstream) == [A]


async def test_one_order_has_one_idempotency_key() -> None:
    """Attempts at one model share it; another model, part or request has its own."""
    busy: list[Step] = [RateLimited(), Answer(503)]
    async with stage({A: busy}) as (router, upstream):
        await router.generate("a fox", model=A, retry=pinxit.Retry(count=1), fallbacks=[B])
        await router.generate("a fox", model=ONE_AT_ONCE, n=2)
    keys = [request.headers["idempotency-key"] for request in upstream.requests]
    assert asked(upstream) == [A, A, B, ONE_AT_ONCE, ONE_AT_ONCE]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4
