"""The way of a request: what is sent, in which order, how often, and what the report says of it."""

from __future__ import annotations

import asyncio
import io
from datetime import date
from itertools import pairwise

import pytest
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngInfo

import pinxit
from pinxit import (
    AllModelsFailed,
    AuthenticationFailed,
    Capability,
    ContentRejected,
    InvalidProviderResponse,
    ProviderTimeout,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
    Retry,
    UnknownModel,
)
from pinxit.errors import PinxitError
from scripted import Step, answer, model, stage

pytestmark = pytest.mark.virtual_time

DOWN = 503


def down(status: int = DOWN, **fields: object) -> ProviderUnavailable:
    error = ProviderUnavailable("down", upstream_status=status)
    for name, value in fields.items():
        setattr(error, name, value)
    return error


def reset() -> ProviderUnavailable:
    return ProviderUnavailable("ReadError", billing="ambiguous")


FAILURES: dict[str, PinxitError] = {
    "reset": reset(),
    "time-out": ProviderTimeout("slow"),
    "garbage": InvalidProviderResponse("html", upstream_status=200),
    "429": RateLimited("busy", upstream_status=429),
    "quota": QuotaExceeded("spent", upstream_status=429),
    "503": down(),
    "522": down(522),
    "529": down(529),
    "plugin bug": ProviderUnavailable("x"),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_without_retry_nothing_is_sent_twice(name: str) -> None:
    """A failure of any kind costs exactly one upstream request."""
    router, provider = stage({"a": [FAILURES[name]]})
    async with router:
        with pytest.raises(PinxitError) as caught:
            await router.generate("x", model="s/a")
    assert provider.names == ["a"]
    assert caught.value is FAILURES[name]
    assert caught.value.report is not None
    assert [a.outcome for a in caught.value.report.attempts] == [FAILURES[name].code]


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_leads_to_the_fallback(name: str) -> None:
    """Each failure that is not the caller's fault leads to the next model, once."""
    router, provider = stage({"a": [FAILURES[name]]})
    async with router:
        result = await router.generate("x", model="s/a", fallbacks=["s/b", "s/a"])
    assert provider.names == ["a", "b"]
    assert result.report.model == "s/b"
    assert result.report.attempts[0].billing == getattr(FAILURES[name], "billing")  # noqa: B009


NOT_THE_PROVIDERS_FAULT: dict[str, PinxitError] = {
    "400": RequestError("bad", upstream_status=400),
    "401": AuthenticationFailed("no", upstream_status=401),
    "403": AuthenticationFailed("no", upstream_status=403),
    "404": UnknownModel("gone", upstream_status=404),
    "refusal": ContentRejected("no", code="moderation_blocked", upstream_status=400),
}


@pytest.mark.parametrize("name", NOT_THE_PROVIDERS_FAULT)
async def test_no_retry_and_no_fallback_where_neither_helps(name: str) -> None:
    """Wrong requests, refused keys and refusals end the request, with the provider's own code and words."""
    error = NOT_THE_PROVIDERS_FAULT[name]
    router, provider = stage({"a": [error]})
    async with router:
        with pytest.raises(type(error)) as caught:
            await router.generate(
                "x",
                model="s/a",
                fallbacks=["s/b"],
                retry=Retry(count=3, on_codes=(400, 401, 403, 404, 429)),
            )
    assert provider.names == ["a"]
    assert (caught.value.code, str(caught.value)) == (error.code, str(error))


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_listed_codes_lead_to_the_fallback_all_the_same(status: int) -> None:
    """401, 403 and 404 fall back where fallback_on_codes lists them."""
    router, provider = stage({"a": [NOT_THE_PROVIDERS_FAULT[str(status)]]})
    async with router:
        await router.generate("x", model="s/a", fallbacks=["s/b"], fallback_on_codes=[status])
    assert provider.names == ["a", "b"]


async def test_codes_that_are_not_listed_do_not_fall_back() -> None:
    """An explicit list replaces the default."""
    router, provider = stage({"a": [down(503)]})
    async with router:
        with pytest.raises(ProviderUnavailable):
            await router.generate("x", model="s/a", fallbacks=["s/b"], fallback_on_codes=[429])
    assert provider.names == ["a"]


async def test_a_refusal_goes_on_only_where_the_caller_says_so() -> None:
    """on_refusal="fallback" lets the next model decide."""
    router, provider = stage({"a": [ContentRejected("no", upstream_status=400)]})
    async with router:
        await router.generate("x", model="s/a", fallbacks=["s/b"], on_refusal="fallback")
    assert provider.names == ["a", "b"]


async def test_retries_follow_the_listed_codes() -> None:
    """count=2 gives three attempts on a listed code and one on another."""
    router, provider = stage({"a": [down(), down(), down()], "b": [down(500)]})
    async with router:
        with pytest.raises(ProviderUnavailable):
            await router.generate("x", model="s/a", retry=Retry(count=2, on_codes=(503,)))
        with pytest.raises(ProviderUnavailable):
            await router.generate("x", model="s/b", retry=Retry(count=2, on_codes=(503,)))
    assert provider.names == ["a", "a", "a", "b"]


async def test_a_retry_that_succeeds_ends_the_matter() -> None:
    """The report lists the failed attempt and the good one."""
    router, provider = stage({"a": [RateLimited("busy", upstream_status=429)]})
    async with router:
        result = await router.generate("x", model="s/a", retry=Retry(count=3))
    assert provider.names == ["a", "a"]
    assert [a.outcome for a in result.report.attempts] == ["rate_limit_exceeded", "ok"]


@pytest.mark.parametrize(
    ("name", "tries"), [("reset", 1), ("time-out", 1), ("garbage", 1), ("quota", 1)]
)
async def test_what_may_be_billed_is_never_sent_again(name: str, tries: int) -> None:
    """Retry covers neither resets, nor time-outs, nor useless answers, nor a spent quota."""
    router, provider = stage({"a": [FAILURES[name]] * 3})
    async with router:
        with pytest.raises(PinxitError):
            await router.generate("x", model="s/a", retry=Retry(count=2, on_codes=(429, 500, 503)))
    assert len(provider.calls) == tries


async def test_time_outs_are_retried_where_the_caller_lists_them() -> None:
    """504 among on_codes opts in to paying twice; the report says that it may be billed."""
    router, provider = stage({"a": [ProviderTimeout("slow")]})
    async with router:
        result = await router.generate("x", model="s/a", retry=Retry(count=1, on_codes=(504,)))
    assert provider.names == ["a", "a"]
    assert result.report.attempts[0].may_be_billed


async def test_a_connection_that_never_came_about_is_retried() -> None:
    """Nothing was sent, so nothing can be bought twice."""
    error = ProviderUnavailable("refused", billing="not_sent")
    router, provider = stage({"a": [error]})
    async with router:
        await router.generate("x", model="s/a", retry=Retry(count=1))
    assert provider.names == ["a", "a"]


async def test_a_provider_that_advises_against_is_not_asked_again() -> None:
    """x-should-retry: false wins over on_codes."""
    error = RateLimited("busy", upstream_status=429, should_retry=False)
    router, provider = stage({"a": [error]})
    async with router:
        with pytest.raises(RateLimited):
            await router.generate("x", model="s/a", retry=Retry(count=3))
    assert provider.names == ["a"]


async def test_waits_grow_and_are_jittered() -> None:
    """Waits are 1, 2, 4 seconds, each within 25 %."""
    times: list[float] = []

    async def busy(request: object, context: object) -> pinxit.ImagesResponse:
        times.append(asyncio.get_running_loop().time())
        raise RateLimited("busy", upstream_status=429)

    router, _ = stage({"a": [busy] * 4})
    async with router:
        with pytest.raises(RateLimited):
            await router.generate("x", model="s/a", retry=Retry(count=3))
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert [round(wait / 2**place, 2) == 1.0 for place, wait in enumerate(waits)] != [True] * 3
    assert all(0.75 * 2**n <= wait <= 1.25 * 2**n for n, wait in enumerate(waits))


@pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (0.0, 0.04)])
async def test_retry_after_is_waited_for(asked: float, waited: float) -> None:
    """The provider's own wish decides the wait, which is never under 40 ms."""
    router, _ = stage({"a": [RateLimited("busy", upstream_status=429, retry_after=asked)]})
    async with router:
        start = asyncio.get_running_loop().time()
        await router.generate("x", model="s/a", retry=Retry(count=1))
        assert asyncio.get_running_loop().time() - start == pytest.approx(waited, abs=0.02)


async def test_an_hour_is_not_waited_for() -> None:
    """A long Retry-After leads to the fallback at once, or to a 429 that carries it."""
    error = RateLimited("busy", upstream_status=429, retry_after=3600)
    router, provider = stage({"a": [error, error]})
    async with router:
        start = asyncio.get_running_loop().time()
        await router.generate("x", model="s/a", retry=Retry(count=3), fallbacks=["s/b"])
        with pytest.raises(RateLimited) as caught:
            await router.generate("x", model="s/a", retry=Retry(count=3))
        assert asyncio.get_running_loop().time() - start < 1
    assert provider.names == ["a", "b", "a"]
    assert caught.value.retry_after == 3600


async def test_an_outage_is_not_fed_by_retries() -> None:
    """A hundred requests with count=3 make at most twice as many upstream."""
    router, provider = stage({"a": [down()] * 400})
    async with router:
        await asyncio.gather(
            *(
                router.generate("x", model="s/a", retry=Retry(count=3, on_codes=(503,)))
                for _ in range(100)
            ),
            return_exceptions=True,
        )
    assert 100 <= len(provider.calls) <= 200


async def test_a_slow_model_is_given_up_and_the_next_one_serves() -> None:
    """The time-out holds for each candidate; the attempt is marked as possibly billed."""
    router, provider = stage({"a": [600.0]})
    async with router:
        start = asyncio.get_running_loop().time()
        result = await router.generate("x", model="s/a", fallbacks=["s/b"], timeout=5)
        assert asyncio.get_running_loop().time() - start == pytest.approx(5, abs=0.5)
    assert provider.cancelled == ["a"]
    first = result.report.attempts[0]
    assert (first.outcome, first.billing) == ("provider_timeout", "ambiguous")


async def test_there_is_a_default_time_out() -> None:
    """A model that never answers does not hold a request for ever."""
    router, _ = stage({"a": [1e9]})
    async with router:
        with pytest.raises(ProviderTimeout):
            await router.generate("x", model="s/a")


async def test_the_deadline_covers_retries_and_fallbacks() -> None:
    """No candidate starts after the deadline, and none outlives it."""
    router, provider = stage({"a": [600.0], "b": [600.0]})
    async with router:
        start = asyncio.get_running_loop().time()
        with pytest.raises(PinxitError):
            await router.generate("x", model="s/a", fallbacks=["s/b", "s/c"], timeout=6, deadline=8)
        assert asyncio.get_running_loop().time() - start == pytest.approx(8, abs=0.5)
    assert provider.names == ["a", "b"]


async def test_cancelling_the_request_cancels_the_call() -> None:
    """A caller who leaves stops the upstream call, and nothing further is ordered."""
    router, provider = stage({"a": [600.0]})
    async with router:
        task = asyncio.ensure_future(router.generate("x", model="s/a", fallbacks=["s/b"]))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (provider.names, provider.cancelled) == (["a"], ["a"])


async def test_cancelling_during_a_back_off_orders_nothing_more() -> None:
    """A caller who leaves while we wait is not billed for a retry."""
    router, provider = stage({"a": [RateLimited("busy", upstream_status=429, retry_after=30)]})
    async with router:
        task = asyncio.ensure_future(router.generate("x", model="s/a", retry=Retry(count=3)))
        await asyncio.sleep(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert provider.names == ["a"]


async def test_when_all_fail_the_last_one_speaks() -> None:
    """Status and code are the last error's, and every model has its line."""
    router, _ = stage(
        {"a": [down()], "b": [RateLimited("busy", upstream_status=429, retry_after=9)]}
    )
    async with router:
        with pytest.raises(AllModelsFailed) as caught:
            await router.generate("x", model="s/a", fallbacks=["s/b"])
    error = caught.value
    assert (error.status, error.code, error.retry_after) == (429, "rate_limit_exceeded", 9)
    assert [e.model for e in error.errors] == ["s/a", "s/b"]
    assert error.report is not None
    assert [a.model for a in error.report.attempts] == ["s/a", "s/b"]


async def test_a_fallback_may_have_parameters_of_its_own() -> None:
    """They replace the request's for that model alone."""
    caps = Capability(sizes=pinxit.FixedSizes(values=("64x64", "32x32")))
    router, provider = stage({"a": [down()]}, models=[model("s/a", caps), model("s/b", caps)])
    async with router:
        fallback = pinxit.Fallback(model="s/b", parameters={"size": "32x32"})
        await router.generate("x", model="s/a", size="64x64", fallbacks=[fallback])
    assert [request.size for _, request in provider.calls] == ["64x64", "32x32"]


async def test_n_pictures_are_ordered_however_they_are_split() -> None:
    """Ten pictures from a model that makes four at once are three calls, and ten pictures."""
    router, provider = stage()
    async with router:
        result = await router.generate("x", model="s/a", n=10)
    assert sorted(request.n for _, request in provider.calls) == [2, 4, 4]
    assert len(result.data) == len(result.report.pictures) == 10


async def test_only_the_missing_pictures_are_ordered_elsewhere() -> None:
    """What a fanned-out request has paid for is kept; the next model paints the rest."""
    router, provider = stage({"a": [0.0, down(), 0.0]})
    async with router:
        result = await router.generate("x", model="s/a", n=10, fallbacks=["s/b"])
    assert sum(request.n for name, request in provider.calls if name == "b") == 4
    assert len(result.data) == 10
    assert {picture.model for picture in result.report.pictures} == {"s/a", "s/b"}


async def test_paid_pictures_are_delivered_even_if_the_rest_fails() -> None:
    """Fewer pictures than asked are an approximation that the report names, not a loss."""
    router, _ = stage({"a": [0.0, down(), 0.0]})
    async with router:
        result = await router.generate("x", model="s/a", n=10)
    assert len(result.data) == 6
    assert ("n", "approximated") in [(a.parameter, a.verdict) for a in result.report.adaptations]


async def test_each_call_of_a_fan_out_has_its_own_seed() -> None:
    """The same seed for every call would bring the same pictures."""
    caps = Capability(seed=pinxit.Seed())
    router, provider = stage(models=[model("s/a", caps)])
    async with router:
        await router.generate("x", model="s/a", n=3, seed=7)
    assert sorted(request.seed or 0 for _, request in provider.calls) == [7, 8, 9]


async def test_the_idempotency_key_is_stable_over_attempts() -> None:
    """Every attempt at one model carries the same key, and another model another one."""
    router, provider = stage({"a": [RateLimited("x", upstream_status=429), down()]})
    async with router:
        await router.generate("x", model="s/a", retry=Retry(count=1), fallbacks=["s/b"])
    keys = [context.idempotency_key for context in provider.contexts]
    assert keys[0] == keys[1]
    assert keys[2] != keys[0]


async def test_a_plugins_bug_is_reported_and_the_next_model_serves() -> None:
    """A KeyError in a plugin neither escapes nor ends the request, and may have been billed."""
    router, _ = stage({"a": [KeyError("data")]})
    async with router:
        result = await router.generate("x", model="s/a", fallbacks=["s/b"])
    first = result.report.attempts[0]
    assert (first.outcome, first.billing) == ("plugin_error", "ambiguous")


async def test_an_answer_that_is_no_picture_leads_to_the_fallback() -> None:
    """A broken picture never reaches the caller, and counts as billed."""
    broken = pinxit.ImagesResponse(data=(pinxit.Image(b"<html>"),))
    router, provider = stage({"a": [broken]})
    async with router:
        result = await router.generate("x", model="s/a", fallbacks=["s/b"])
    assert provider.names == ["a", "b"]
    assert (result.report.attempts[0].outcome, result.report.attempts[0].billing) == (
        "invalid_provider_response",
        "billed",
    )


async def test_after_a_partial_picture_nothing_is_ordered_again() -> None:
    """Once the caller has seen something, a failure is an error and not a new order."""

    async def half(request: object, context: pinxit.Context) -> pinxit.ImagesResponse:
        await context.emit(pinxit.PartialImage(index=0, image=answer().data[0]))
        raise RateLimited("busy", upstream_status=429)

    caps = Capability(streaming=True, partial_images=3)
    router, provider = stage({"a": [half]}, models=[model("s/a", caps), model("s/b", caps)])
    async with router:
        events = router.stream("x", model="s/a", fallbacks=["s/b"], retry=Retry(count=2))
        assert isinstance(await anext(events), pinxit.PartialImage)
        with pytest.raises(RateLimited):
            await anext(events)
    assert provider.names == ["a"]


async def test_a_failure_before_the_first_partial_falls_back() -> None:
    """Nothing was seen yet, so the next model may serve the stream."""
    router, provider = stage({"a": [down()]})
    async with router:
        events = [event async for event in router.stream("x", model="s/a", fallbacks=["s/b"])]
    assert provider.names == ["a", "b"]
    assert isinstance(events[-1], pinxit.ImagesResponse)


async def test_leaving_a_stream_cancels_the_call() -> None:
    """A consumer who stops listening stops the upstream call."""

    async def slow(request: object, context: pinxit.Context) -> pinxit.ImagesResponse:
        await context.emit(pinxit.PartialImage(index=0, image=answer().data[0]))
        await asyncio.sleep(600)
        return answer()

    caps = Capability(streaming=True, partial_images=3)
    router, provider = stage({"a": [slow]}, models=[model("s/a", caps)])
    async with router:
        events = router.stream("x", model="s/a")
        await anext(events)
        await events.aclose()
    assert provider.cancelled == ["a"]


async def test_hedging_takes_the_first_answer_and_cancels_the_other() -> None:
    """A slow first model is overtaken; its call is closed and stands in the report."""
    router, provider = stage({"a": [600.0], "b": [1.0]})
    async with router:
        result = await router.generate("x", model="s/a", fallbacks=["s/b"], hedge={"after": 20})
    assert result.report.model == "s/b"
    assert provider.cancelled == ["a"]
    assert ("s/a", "cancelled", True) in [
        (a.model, a.outcome, a.may_be_billed) for a in result.report.attempts
    ]


async def test_a_quick_answer_is_not_hedged() -> None:
    """The second model is not called when the first is in time."""
    router, provider = stage({"a": [1.0]})
    async with router:
        await router.generate("x", model="s/a", fallbacks=["s/b"], hedge={"after": 20})
    assert provider.names == ["a"]


async def test_a_hedge_that_costs_too_much_is_not_started() -> None:
    """An unknown price does not pass a cost limit for the second candidate."""
    router, provider = stage({"a": [60.0]})
    async with router:
        await router.generate(
            "x", model="s/a", fallbacks=["s/b"], hedge={"after": 1, "max_cost": "0.01"}
        )
    assert provider.names == ["a"]


async def test_when_both_of_a_hedge_fail_each_is_listed_once() -> None:
    """The error names two models, not three."""
    router, _ = stage({"a": [down()], "b": [down()]})
    async with router:
        with pytest.raises(AllModelsFailed) as caught:
            await router.generate("x", model="s/a", fallbacks=["s/b"], hedge={"after": 1})
    assert [error.model for error in caught.value.errors] == ["s/a", "s/b"]


async def test_a_dead_primary_is_skipped_and_probed_again() -> None:
    """After enough failures the first model is left out, and after the cool-down it is tried again."""
    router, provider = stage({"a": [down()] * 5})
    async with router:
        for _ in range(7):
            await router.generate("x", model="s/a", fallbacks=["s/b"])
        assert provider.names.count("a") == 5
        router.health._clock = LaterClock()  # pyright: ignore[reportPrivateUsage]
        await router.generate("x", model="s/a", fallbacks=["s/b"])
    assert provider.names[-1] == "a"


class LaterClock(pinxit.Clock):
    """An hour later."""

    def now(self):  # type: ignore[no-untyped-def]
        from datetime import timedelta

        return super().now() + timedelta(hours=1)


async def test_the_last_candidate_is_never_skipped() -> None:
    """A model without an alternative is asked however often it failed."""
    router, provider = stage({"a": [down()] * 8})
    async with router:
        for _ in range(9):
            try:
                await router.generate("x", model="s/a")
            except ProviderUnavailable:
                continue
    assert provider.names == ["a"] * 9


async def test_weights_are_honoured() -> None:
    """Over 200 requests each model gets its share."""
    router, provider = stage()
    balancer = {"models": [{"model": "s/a", "weight": 0.9}, {"model": "s/b", "weight": 0.1}]}
    async with router:
        for _ in range(200):
            await router.generate("x", model="s/c", load_balancer=balancer)
    assert 160 <= provider.names.count("a") <= 199
    assert provider.names.count("a") + provider.names.count("b") == 200


async def test_a_retired_model_is_served_by_its_successor() -> None:
    """The successor paints; the report names the redirect; words are mapped."""
    old = Capability(qualities=("standard", "hd"), styles=("vivid",), delivers=("url", "b64_json"))
    new = Capability(sizes=pinxit.FixedSizes(values=("64x64",)), qualities=("low", "high"))
    heir = pinxit.Succession(
        model="s/new", quality={"hd": "high"}, style_words={"vivid": "vivid and dramatic"}
    )
    gone = pinxit.Lifecycle(retired=date(2020, 1, 1), successor=heir)
    router, provider = stage(
        models=[
            model(
                "s/old", old, lifecycle=gone, defaults={"size": "64x64", "response_format": "url"}
            ),
            model("s/new", new),
        ]
    )
    async with router:
        result = await router.generate("x", model="s/old", quality="hd", style="vivid")
        with pytest.raises(UnknownModel, match="retired since 2020-01-01"):
            await router.generate("x", model="s/old", on_retired="error")
        with pytest.raises(pinxit.UnsupportedRequest, match="strict"):
            await router.generate("x", model="s/old", fidelity="strict")
    [(name, request)] = provider.calls
    assert (name, request.quality, request.size) == ("new", "high", "64x64")
    assert isinstance(request, pinxit.GenerateRequest)
    assert request.prompt == "x\n\nvivid and dramatic"
    assert ("model", "s/old", "s/new") in [
        (a.parameter, a.asked, a.sent) for a in result.report.adaptations
    ]
    assert (result.data[0].url or "").startswith("data:image/png")


async def test_max_cost_refuses_before_anything_is_sent() -> None:
    """The error names the cheapest model and its estimate."""
    price = {"usd": "0.5", "as_of": "2026-01-01"}
    router, provider = stage(models=[model("s/a", prices=[price]), model("s/b")])
    async with router:
        with pytest.raises(pinxit.BudgetExceeded, match=r"s/a at about \$0.5") as caught:
            await router.generate("x", model="s/a", fallbacks=["s/b"], max_cost=0.1)
    assert caught.value.status == 402
    assert provider.calls == []


async def test_the_report_signs_the_answer() -> None:
    """Model, attempts, pixels, cost and request id are there, and the sum of all is printable."""
    price = {"usd": "0.02", "as_of": "2026-01-01"}
    router, _ = stage(models=[model("s/a", prices=[price])])
    async with router:
        result = await router.generate("x", model="s/a", n=2)
    report = result.report
    assert (report.model, report.asked_for) == ("s/a", "s/a")
    assert [(p.width, p.height, p.format) for p in report.pictures] == [(64, 64, "png")] * 2
    assert float(report.cost or 0) == pytest.approx(0.04)
    assert report.request_id.startswith("req_")
    assert "painted by s/a" in str(report)


async def test_middleware_wraps_requests_and_candidates() -> None:
    """around_request runs once, around_call once per candidate, however often that is retried."""
    seen: list[str] = []

    class Watch:
        @pinxit.hookimpl
        async def around_request(
            self, request: object, request_next: pinxit.RequestNext
        ) -> pinxit.ImagesResponse:
            seen.append("request")
            return await request_next(request)  # type: ignore[arg-type]

        @pinxit.hookimpl
        async def around_call(
            self, call: pinxit.Call, call_next: pinxit.CallNext
        ) -> pinxit.ImagesResponse:
            seen.append(call.model.id)
            return await call_next(call)

    script: dict[str, list[Step]] = {"a": [down(), down()]}
    router, provider = stage(script, Watch())
    async with router:
        await router.generate(
            "x", model="s/a", retry=Retry(count=1, on_codes=(503,)), fallbacks=["s/b"]
        )
    assert seen == ["request", "s/a", "s/b"]
    assert provider.names == ["a", "a", "b"]


async def test_a_missing_key_is_named_before_anything_is_sent() -> None:
    """The sentence says which variable to set; a configured fallback serves instead."""

    class Keyed:
        @pinxit.hookimpl
        def register_settings(self) -> list[pinxit.Setting]:
            return [
                pinxit.Setting(name="api_key", env=("KEYED_API_KEY",), required=True, secret=True)
            ]

        @pinxit.hookimpl
        def register_models(self) -> list[pinxit.Model]:
            return [model("keyed/x")]

        @pinxit.hookimpl
        async def generate(self) -> pinxit.ImagesResponse:
            raise AssertionError("nothing may be sent")

    router, provider = stage({}, Keyed())
    async with router:
        with pytest.raises(AuthenticationFailed, match="keyed: no api_key; set KEYED_API_KEY"):
            await router.generate("x", model="keyed/x")
        result = await router.generate("x", model="keyed/x", fallbacks=["s/a"])
    assert provider.names == ["a"]
    assert result.report.attempts[0].outcome == "not_configured"


@pytest.mark.parametrize(
    ("offline", "asked", "kept"), [(False, None, False), (True, None, True), (True, True, False)]
)
async def test_metadata_is_stripped_where_pictures_leave_the_machine(
    offline: bool, asked: bool | None, kept: bool
) -> None:
    """A remote model gets no text chunks; an offline one does, unless the caller says otherwise."""
    text = PngInfo()
    text.add_text("prompt", "secret place")
    out = io.BytesIO()
    PillowImage.new("RGB", (64, 64)).save(out, "PNG", pnginfo=text)
    caps = {"edit": Capability(images=pinxit.InputImages())}
    router, provider = stage(models=[model("s/a", operations=caps, offline=offline)])
    async with router:
        await router.edit("x", image=out.getvalue(), model="s/a", strip_metadata=asked)
    [(_, request)] = provider.calls
    assert isinstance(request, pinxit.EditRequest)
    assert (b"secret place" in request.images[0].data) is kept
