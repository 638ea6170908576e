"""`pinxit.middleware.idempotency`: a request that is sent again is not ordered again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import pinxit
from pinxit import (
    AllModelsFailed,
    Config,
    ContentRejected,
    GenerateRequest,
    IdempotencyConflict,
    ImagesResponse,
    InvalidProviderResponse,
    PinxitError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestError,
    Router,
)
from pinxit.gateway import Gateway
from pinxit.middleware import cache, idempotency
from pinxit.testing.clock import ManualClock
from scripted import Scripted, Step, picture, stage

if TYPE_CHECKING:
    from .conftest import StartRedis

FOX = GenerateRequest(prompt="a fox", model="s/a")
OWL = GenerateRequest(prompt="an owl", model="s/a")
DAY = 86_400


def house(
    script: Mapping[str, list[Step]] | None = None,
    *more: object,
    clock: ManualClock | None = None,
    **settings: Any,
) -> tuple[Router, Scripted]:
    """A router that knows idempotency keys, and the provider behind it."""
    config = Config.parse({"middleware": {idempotency.__name__: settings}})
    return stage(script, idempotency, *more, config=config, clock=clock)


async def test_a_request_that_is_sent_again_is_answered_as_before() -> None:
    """The same key and body bring the same answer, and one order."""
    router, provider = house()
    async with router:
        first = await router.run(FOX, idempotency_key="k")
        again = await router.run(FOX, idempotency_key="k")
    assert len(provider.calls) == 1
    assert again.data[0].data == first.data[0].data
    assert again.created == first.created
    assert again.report == first.report.model_copy(update={"cached": True})


async def test_another_key_is_another_order() -> None:
    """Keys tell requests apart that say the same."""
    router, provider = house()
    async with router:
        for key in ("k", "l"):
            await router.run(FOX, idempotency_key=key)
    assert len(provider.calls) == 2


async def test_without_a_key_every_request_is_an_order() -> None:
    """A key that the router makes for the provider is not taken for one of the caller."""
    router, provider = house()
    async with router:
        for _ in range(2):
            await router.run(FOX, request_id="req_1")
    assert len(provider.calls) == 2
    assert [context.idempotency_key for context in provider.contexts] == ["req_1-s/a"] * 2


async def test_the_provider_gets_the_callers_key() -> None:
    """A provider that knows such keys is told that it is the same order."""
    router, provider = house()
    async with router:
        await router.run(FOX, idempotency_key="k")
    assert provider.contexts[0].idempotency_key == "k-s/a"


@pytest.mark.parametrize(
    "other", [OWL, FOX.model_copy(update={"user": "anna"}), FOX.model_copy(update={"n": 2})]
)
async def test_another_body_under_a_key_is_a_conflict(other: GenerateRequest) -> None:
    """422, nothing ordered, and the first answer stays what it was."""
    router, provider = house()
    async with router:
        await router.run(FOX, idempotency_key="k")
        with pytest.raises(IdempotencyConflict, match="new key") as caught:
            await router.run(other, idempotency_key="k")
        assert (await router.run(FOX, idempotency_key="k")).report.cached
    assert (caught.value.status, caught.value.code) == (422, "idempotency_key_reused")
    assert len(provider.calls) == 1


async def test_other_pictures_are_another_body() -> None:
    """The bytes of pictures are part of what a request says."""
    images = [{"images": [picture(colour=colour)]} for colour in ("red", "blue", "red")]
    cap = pinxit.Capability(
        sizes=pinxit.FixedSizes(values=("64x64",)), images=pinxit.InputImages(max=1)
    )
    model = pinxit.Model(id="s/a", operations={"variation": cap})
    router, provider = stage(None, idempotency, models=[model])
    red, blue, again = (
        pinxit.VariationRequest.model_validate({"model": "s/a", **image}) for image in images
    )
    async with router:
        await router.run(red, idempotency_key="k")
        with pytest.raises(IdempotencyConflict):
            await router.run(blue, idempotency_key="k")
        await router.run(again, idempotency_key="k")
    assert len(provider.calls) == 1


async def test_callers_do_not_share_keys() -> None:
    """The same key of another caller is another key."""
    router, provider = house()
    async with router:
        await router.run(FOX, caller="ann", idempotency_key="k")
        await router.run(OWL, caller="bob", idempotency_key="k")
        await router.run(FOX, caller="ann", idempotency_key="k")
    assert len(provider.calls) == 2


async def test_a_key_is_remembered_for_a_day(clock: ManualClock) -> None:
    """After 24 hours it is as good as new, for any body."""
    router, provider = house(clock=clock)
    async with router:
        await router.run(FOX, idempotency_key="k")
        clock.advance(DAY - 1)
        assert (await router.run(FOX, idempotency_key="k")).report.cached
        clock.advance(1)
        assert not (await router.run(OWL, idempotency_key="k")).report.cached
    assert len(provider.calls) == 2


@pytest.mark.parametrize(("length", "fits"), [(255, True), (256, False)])
async def test_a_key_has_at_most_255_characters(length: int, fits: bool) -> None:
    """A longer one is refused before anything is sent."""
    router, provider = house()
    async with router:
        if fits:
            await router.run(FOX, idempotency_key="k" * length)
        else:
            with pytest.raises(RequestError, match="at most 255") as caught:
                await router.run(FOX, idempotency_key="k" * length)
            assert caught.value.param == "idempotency_key"
    assert len(provider.calls) == fits


async def test_a_router_that_is_not_open_takes_no_key() -> None:
    """A promise that cannot be kept is refused, and nothing is ordered."""
    router, provider = house()
    with pytest.raises(RequestError, match="not open"):
        await router.run(FOX, idempotency_key="k")
    await router.aclose()
    assert provider.calls == []


# Several at once --------------------------------------------------------------------------------------


@pytest.mark.virtual_time
async def test_a_request_that_is_sent_again_too_early_waits() -> None:
    """While the first is under way, the others wait for it, and nothing more is ordered."""
    router, provider = house({"a": [60.0]})
    async with router:
        answers = await asyncio.gather(*(router.run(FOX, idempotency_key="k") for _ in range(5)))
    assert len(provider.calls) == 1
    assert [one.report.cached for one in answers] == [False, True, True, True, True]


@pytest.mark.virtual_time
async def test_another_body_does_not_wait() -> None:
    """While the first is under way, another body under its key is a conflict at once."""
    router, provider = house({"a": [60.0]})
    async with router:
        first = asyncio.ensure_future(router.run(FOX, idempotency_key="k"))
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        with pytest.raises(IdempotencyConflict):
            await router.run(OWL, idempotency_key="k")
        assert asyncio.get_running_loop().time() < began + 1
        await first
    assert len(provider.calls) == 1


@pytest.mark.virtual_time
async def test_a_client_that_hangs_up_and_sends_again_pays_once() -> None:
    """Where the second request came before the first one hung up, the order goes on for it."""
    router, provider = house({"a": [60.0]})
    async with router:
        first = asyncio.ensure_future(router.run(FOX, idempotency_key="k"))
        second = asyncio.ensure_future(router.run(FOX, idempotency_key="k"))
        await asyncio.sleep(30)
        first.cancel()
        assert (await second).report.cached
    assert (len(provider.calls), provider.cancelled) == (1, [])


# Failures ---------------------------------------------------------------------------------------------

FINAL: list[PinxitError] = [
    ContentRejected("no", upstream_status=400, categories=["violence"]),
    RequestError("bad seed", param="seed", upstream_status=400),
    ProviderTimeout("late"),
    InvalidProviderResponse("useless"),
]

PASSING: list[PinxitError] = [
    ProviderUnavailable("down", upstream_status=503),
    RateLimited("busy", upstream_status=429, retry_after=3),
    ProviderUnavailable("no connection", billing="not_sent"),
]


@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
async def test_what_was_refused_or_may_be_billed_fails_again(error: PinxitError) -> None:
    """A refusal stands, and what may have been paid for is not ordered twice: the error is the same."""
    router, provider = house({"a": [error]})
    ends = list[PinxitError]()
    async with router:
        for _ in range(2):
            with pytest.raises(PinxitError) as caught:
                await router.run(FOX, idempotency_key="k")
            ends.append(caught.value)
    first, again = ends
    assert len(provider.calls) == 1
    assert (type(again), str(again), again.code) == (type(first), str(first), first.code)
    assert (again.param, again.status, again.model) == (first.param, first.status, first.model)
    assert first.report is not None
    assert again.report == first.report.model_copy(update={"cached": True})


@pytest.mark.parametrize("error", PASSING, ids=str)
async def test_what_cost_nothing_may_be_tried_again(error: PinxitError) -> None:
    """After a failure that cannot have been billed, the same key orders again."""
    router, provider = house({"a": [error]})
    async with router:
        with pytest.raises(PinxitError):
            await router.run(FOX, idempotency_key="k")
        assert not (await router.run(FOX, idempotency_key="k")).report.cached
    assert len(provider.calls) == 2


async def test_one_attempt_that_may_be_billed_is_enough() -> None:
    """Where the first of several models may have been paid, the failure of all stands."""
    script: dict[str, list[Step]] = {
        "a": [ProviderTimeout("late")],
        "b": [ProviderUnavailable("down", upstream_status=503)],
    }
    router, provider = house(script)
    request = FOX.model_copy(update={"fallbacks": (pinxit.Fallback(model="s/b"),)})
    async with router:
        with pytest.raises(AllModelsFailed):
            await router.run(request, idempotency_key="k")
        with pytest.raises(AllModelsFailed) as again:
            await router.run(request, idempotency_key="k")
    assert provider.names == ["a", "b"]
    assert [type(error) for error in again.value.errors] == [ProviderTimeout, ProviderUnavailable]


async def test_what_was_never_sent_may_be_put_right() -> None:
    """A request that we refuse ourselves leaves its key free."""
    router, provider = house()
    async with router:
        with pytest.raises(pinxit.UnknownModel):
            await router.run(FOX.model_copy(update={"model": "s/x"}), idempotency_key="k")
        await router.run(FOX, idempotency_key="k")
    assert len(provider.calls) == 1


# Among others -----------------------------------------------------------------------------------------


async def test_keys_and_the_cache_go_together() -> None:
    """A new key takes what is cached, and a known key what it brought before, though the cache has newer."""
    blue = ImagesResponse(data=(pinxit.Image(picture(colour="blue")),))
    red = ImagesResponse(data=(pinxit.Image(picture(colour="red")),))
    clock = ManualClock()
    router, provider = stage({"a": [red, blue]}, cache, idempotency, clock=clock)
    request = FOX.model_copy(update={"cache": pinxit.Cache(ttl=60)})
    async with router:
        first = await router.run(request, idempotency_key="k")
        cached = await router.run(request, idempotency_key="l")
        clock.advance(60)
        newer = await router.run(request)
        known = await router.run(request, idempotency_key="k")
    pictures = [one.data[0].data for one in (first, cached, newer, known)]
    assert pictures == [picture(colour=colour) for colour in ("red", "red", "blue", "red")]
    assert len(provider.calls) == 2


async def test_other_middleware_does_not_see_what_is_sent_again() -> None:
    """A known key is answered before anybody counts, whichever plugin came first."""
    seen = list[str]()

    class Counter:
        @pinxit.hookimpl
        async def around_request(
            self, request: GenerateRequest, request_next: pinxit.RequestNext
        ) -> ImagesResponse:
            seen.append(request.prompt)
            return await request_next(request)

    router, _ = house(None, Counter())
    async with router:
        for _ in range(2):
            await router.run(FOX, idempotency_key="k")
    assert seen == ["a fox"]


async def test_the_disk_store_survives_a_restart(tmp_path: Path) -> None:
    """Answers and errors are known to the next process; its conflicts too."""
    told: dict[str, Any] = {"store": "disk", "folder": str(tmp_path)}
    router, _ = house({"a": [ProviderTimeout("late")]}, **told)
    async with router:
        with pytest.raises(ProviderTimeout):
            await router.run(FOX, idempotency_key="k")
        await router.run(FOX, idempotency_key="l")
    router, provider = house(**told)
    async with router:
        with pytest.raises(ProviderTimeout, match="late"):
            await router.run(FOX, idempotency_key="k")
        with pytest.raises(IdempotencyConflict):
            await router.run(OWL, idempotency_key="l")
        assert (await router.run(FOX, idempotency_key="l")).report.cached
    assert provider.calls == []


async def test_the_redis_store_is_shared(start_redis: StartRedis) -> None:
    """A request that is sent again to another machine is known there."""
    told: dict[str, Any] = {"store": "redis", "url": start_redis().url}
    (first, _), (second, provider) = house(**told), house(**told)
    async with first, second:
        await first.run(FOX, idempotency_key="k")
        assert (await second.run(FOX, idempotency_key="k")).report.cached
    assert provider.calls == []


# Over HTTP --------------------------------------------------------------------------------------------


async def test_the_header_over_http() -> None:
    """The same header brings the same picture, another body 422, and too long a key 400."""
    router, provider = house()
    body = {"prompt": "a fox", "model": "s/a"}
    async with router:
        transport = httpx.ASGITransport(Gateway(router))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:

            async def post(key: str, **more: str) -> httpx.Response:
                return await http.post(
                    "/v1/images/generations", json=body | more, headers={"Idempotency-Key": key}
                )

            first, again = await post("k"), await post("k")
            conflict, long = await post("k", prompt="an owl"), await post("k" * 256)
    assert first.json()["data"] == again.json()["data"]
    assert again.json()["pinxit"]["cached"]
    assert conflict.status_code == 422
    assert conflict.json()["error"]["code"] == "idempotency_key_reused"
    assert (long.status_code, long.json()["error"]["code"]) == (400, "invalid_idempotency_key")
    assert len(provider.calls) == 1
