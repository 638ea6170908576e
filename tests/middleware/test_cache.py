"""`pinxit.middleware.cache`: who asks for the same again gets the same, and nothing is ordered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pinxit
from pinxit import (
    Capability,
    Config,
    ContentRejected,
    GenerateRequest,
    ImagesResponse,
    Model,
    PartialImage,
    Plugins,
    ProviderTimeout,
    ProviderUnavailable,
    Router,
)
from pinxit.capabilities import InputImages, Mask, Seed
from pinxit.middleware import cache
from pinxit.plugins import installed_plugins
from pinxit.testing.clock import ManualClock
from scripted import Scripted, Step, answer, picture, stage

if TYPE_CHECKING:
    from .conftest import StartRedis

CAN = Capability(
    sizes=pinxit.FixedSizes(values=("64x64",)),
    max_n=4,
    images=InputImages(max=4),
    mask=Mask(),
    seed=Seed(),
    streaming=True,
    partial_images=3,
)
MODELS = [
    Model(id=f"s/{name}", operations={"generate": CAN, "edit": CAN, "variation": CAN})
    for name in "ab"
]


def house(
    script: Mapping[str, list[Step]] | None = None,
    *more: object,
    clock: ManualClock | None = None,
    defaults: Mapping[str, Any] | None = None,
    routes: Mapping[str, pinxit.Route] | None = None,
    **settings: Any,
) -> tuple[Router, Scripted]:
    """A router with a cache, whose settings are given, and the provider behind it."""
    table = {
        "middleware": {cache.__name__: settings},
        "defaults": {"model": "s/a", **(defaults or {})},
    }
    return stage(
        script, cache, *more, models=MODELS, config=Config.parse(table), routes=routes, clock=clock
    )


def coloured(colour: str) -> ImagesResponse:
    return ImagesResponse(data=(pinxit.Image(picture(colour=colour)),))


# What a hit is ---------------------------------------------------------------------------------------


async def test_the_same_again_is_not_ordered_again() -> None:
    """A hit has the same bytes and the original report, which says that it was kept."""
    router, provider = house({"a": [coloured("red"), coloured("blue")]})
    async with router:
        first = await router.generate("a fox", cache={})
        again = await router.generate("a fox", cache={})
    assert len(provider.calls) == 1
    assert again.data[0].data == first.data[0].data == picture(colour="red")
    assert (first.report.cached, again.report.cached) == (False, True)
    assert again.report.model_copy(update={"cached": False}) == first.report
    assert again.model_dump(exclude={"report"}) == first.model_dump(exclude={"report"})


async def test_nobody_gets_a_kept_answer_who_did_not_ask_for_it() -> None:
    """Without ``cache`` a request is ordered, and its answer is not kept."""
    router, provider = house()
    async with router:
        await router.generate("a fox")
        await router.generate("a fox", cache={})
        answered = await router.generate("a fox")
    assert len(provider.calls) == 3
    assert not answered.report.cached


async def test_a_route_may_wish_it() -> None:
    """``cache`` of a route holds for its requests and for no others."""
    route = pinxit.Route(models=("s/b",), cache=pinxit.Cache())
    router, provider = house(routes={"hero": route})
    async with router:
        for model in ("hero", "hero", "s/b", "s/b"):
            await router.generate("a fox", model=model)
    assert provider.names == ["b", "b", "b"]


async def test_the_configuration_may_wish_it() -> None:
    """``cache`` of the configuration holds for everybody."""
    router, provider = house(defaults={"cache": {"ttl": 60}})
    async with router:
        await router.generate("a fox")
        assert (await router.generate("a fox")).report.cached
    assert len(provider.calls) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "a Fox"},
        {"model": "s/b"},
        {"n": 2},
        {"seed": 7},
        {"size": "64x64"},
        {"fallbacks": ["s/b"]},
        {"extra": {"s": {"steps": 2}}},
        {"fidelity": "lenient"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_anything_else_is_ordered(other: dict[str, Any]) -> None:
    """The key covers every parameter, letter by letter; a test of fingerprints takes field by field."""
    router, provider = house()
    async with router:
        for fields in ({}, other):
            await router.run(
                GenerateRequest.model_validate({"prompt": "a fox", "cache": {}} | fields)
            )
    assert len(provider.calls) == 2


async def test_requests_without_a_seed_are_kept_too() -> None:
    """Another picture for the same words is what ``cache`` does without."""
    router, provider = house()
    async with router:
        await router.generate("a fox", cache={})
        await router.generate("a fox", cache={}, user="anna", metadata={"order": "2"})
    assert len(provider.calls) == 1


async def test_edits_and_variations_count_their_pictures() -> None:
    """Another picture or mask is another request; the same one, however it comes, is not."""
    router, provider = house()
    red, blue = picture(colour="red"), picture(colour="blue")
    clear = picture(format="PNG", colour="white")
    async with router:
        for image in (red, blue, red):
            await router.edit("a hat", image, cache={})
            await router.variation(image, cache={})
        assert len(provider.calls) == 4
        await router.edit("a hat", [red, clear], cache={})
    assert len(provider.calls) == 5


async def test_callers_have_caches_of_their_own() -> None:
    """What one caller paid for does not show to another that the prompt was asked before."""
    router, provider = house()
    request = GenerateRequest(prompt="a fox", cache=pinxit.Cache())
    async with router:
        for caller in ("ann", "bob", "ann"):
            await router.run(request, caller=caller)
    assert len(provider.calls) == 2


async def test_what_is_done_to_a_hit_is_not_done_to_the_next() -> None:
    """Every hit has picture objects of its own."""
    router, _ = house()
    async with router:
        hits = [await router.generate("a fox", cache={}) for _ in range(3)]
    assert len({id(hit.data[0]) for hit in hits}) == 3


# For how long -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "seconds"), [({}, 1800), ({"ttl": 1}, 1), ({"ttl": 259_200}, 259_200)]
)
async def test_a_kept_answer_gets_too_old(clock: ManualClock, wish: Any, seconds: int) -> None:
    """It is kept for ttl seconds, half an hour if nothing is said, and then ordered anew."""
    router, provider = house(clock=clock)
    async with router:
        await router.generate("a fox", cache=wish)
        clock.advance(seconds - 0.5)
        assert (await router.generate("a fox", cache=wish)).report.cached
        clock.advance(0.5)
        assert not (await router.generate("a fox", cache=wish)).report.cached
        assert (await router.generate("a fox", cache=wish)).report.cached
    assert len(provider.calls) == 2


async def test_who_asks_says_how_old_it_may_be(clock: ManualClock) -> None:
    """A shorter ttl does not take what a longer one kept, and replaces it."""
    router, provider = house(clock=clock)
    async with router:
        await router.generate("a fox", cache={"ttl": 3600})
        clock.advance(60)
        assert not (await router.generate("a fox", cache={"ttl": 60})).report.cached
        clock.advance(59)
        assert (await router.generate("a fox", cache={"ttl": 3600})).report.cached
    assert len(provider.calls) == 2


async def test_the_operator_may_want_it_shorter(clock: ManualClock) -> None:
    """``max_age`` ends what a longer ttl would keep."""
    router, provider = house(clock=clock, max_age=60)
    async with router:
        await router.generate("a fox", cache={"ttl": 3600})
        clock.advance(60)
        await router.generate("a fox", cache={"ttl": 3600})
    assert len(provider.calls) == 2


@pytest.mark.parametrize("ttl", [0, 259_201])
async def test_a_ttl_outside_three_days_is_refused(ttl: int) -> None:
    """1 to 259,200 seconds."""
    router, provider = house()
    async with router:
        with pytest.raises(pinxit.RequestError, match="ttl"):
            await router.generate("a fox", cache={"ttl": ttl})
    assert provider.calls == []


# What is not kept -------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ProviderUnavailable("down"), ContentRejected("no")])
async def test_errors_are_not_kept(error: Exception) -> None:
    """After a failure or a refusal the same request is ordered again."""
    router, provider = house({"a": [error]})
    async with router:
        with pytest.raises(pinxit.PinxitError):
            await router.generate("a fox", cache={})
        assert not (await router.generate("a fox", cache={})).report.cached
    assert len(provider.calls) == 2


async def test_an_answer_that_is_short_of_pictures_is_not_kept() -> None:
    """One picture of two is better than none, and no reason to get one again."""
    router, provider = house({"a": [answer(1), answer(2)]})
    async with router:
        assert len((await router.generate("a fox", n=2, cache={})).data) == 1
        assert len((await router.generate("a fox", n=2, cache={})).data) == 2
        assert (await router.generate("a fox", n=2, cache={})).report.cached
    assert len(provider.calls) == 2


async def test_pictures_that_cannot_be_read_are_refused_as_ever() -> None:
    """The cache has no words of its own for a broken picture."""
    router, provider = house()
    broken = pinxit.Image(b64_json="not base64!")
    async with router:
        with pytest.raises(pinxit.InvalidImage) as plain:
            await router.edit("a hat", broken)
        with pytest.raises(pinxit.InvalidImage) as cached:
            await router.edit("a hat", broken, cache={})
    assert str(cached.value) == str(plain.value)
    assert provider.calls == []


async def test_a_router_that_is_not_open_keeps_nothing() -> None:
    """Without ``async with`` requests are served, and each is ordered."""
    router, provider = house()
    for _ in range(2):
        await router.generate("a fox", cache={})
    await router.aclose()
    assert len(provider.calls) == 2


async def test_routers_do_not_share_memory() -> None:
    """What is kept in memory belongs to one router and goes with it."""
    for _ in range(2):
        router, provider = house()
        async with router:
            await router.generate("a fox", cache={})
        assert len(provider.calls) == 1


# Several at once --------------------------------------------------------------------------------------


@pytest.mark.virtual_time
async def test_ten_at_once_order_once() -> None:
    """The first one orders, the others get the same; all but one are told that nothing was ordered."""
    router, provider = house({"a": [60.0]})
    async with router:
        answers = await asyncio.gather(*(router.generate("a fox", cache={}) for _ in range(10)))
    assert len(provider.calls) == 1
    assert sum(not one.report.cached for one in answers) == 1
    assert len({one.data[0].data for one in answers}) == 1


@pytest.mark.virtual_time
async def test_the_order_goes_on_without_the_first() -> None:
    """When the first caller goes away, the order is neither cancelled nor repeated."""
    router, provider = house({"a": [60.0]})
    async with router:
        first = asyncio.ensure_future(router.generate("a fox", cache={}))
        others = [asyncio.ensure_future(router.generate("a fox", cache={})) for _ in range(2)]
        await asyncio.sleep(30)
        first.cancel()
        assert all(one.report.cached for one in await asyncio.gather(*others))
    assert provider.names == ["a"]
    assert provider.cancelled == []


@pytest.mark.virtual_time
async def test_the_order_ends_with_the_last() -> None:
    """When nobody waits any more, the upstream call is cancelled; whoever comes then orders."""
    router, provider = house({"a": [60.0]})
    async with router:
        waiting = [asyncio.ensure_future(router.generate("a fox", cache={})) for _ in range(2)]
        await asyncio.sleep(30)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert provider.cancelled == ["a"]
        await router.generate("a fox", cache={})
    assert len(provider.calls) == 2


@pytest.mark.virtual_time
async def test_all_who_wait_fail_together() -> None:
    """A failed order is not repeated by those who waited for it: they would pay for it once each."""

    async def fail(request: object, context: object) -> ImagesResponse:
        await asyncio.sleep(60)
        raise ProviderTimeout("late")

    router, provider = house({"a": [fail]})
    async with router:
        ends = await asyncio.gather(
            *(router.generate("a fox", cache={}) for _ in range(5)), return_exceptions=True
        )
        assert [type(end) for end in ends] == [ProviderTimeout] * 5
        assert not (await router.generate("a fox", cache={})).report.cached
    assert len(provider.calls) == 2


@pytest.mark.virtual_time
async def test_the_patient_do_not_fail_with_the_impatient() -> None:
    """An order under way is shared with those only who wait as long; what it brings is for all."""
    router, provider = house({"a": [60.0, 60.0]})
    async with router:
        hasty = asyncio.ensure_future(router.generate("a fox", cache={}, timeout=10))
        calm = asyncio.ensure_future(router.generate("a fox", cache={}, timeout=100))
        assert not (await calm).report.cached
        assert (await router.generate("a fox", cache={}, timeout=10)).report.cached
        assert isinstance((await asyncio.gather(hasty, return_exceptions=True))[0], ProviderTimeout)
    assert len(provider.calls) == 2


# Streams ----------------------------------------------------------------------------------------------


async def partly(request: object, context: pinxit.Context) -> ImagesResponse:
    await context.emit(PartialImage(index=0, image=pinxit.Image(picture())))
    return answer()


async def test_a_hit_in_a_stream_is_the_last_event() -> None:
    """Partial pictures are not kept; who streamed and who did not share their answers."""
    router, provider = house({"a": [partly]})
    async with router:
        first = [event async for event in router.stream("a fox", cache={})]
        again = [event async for event in router.stream("a fox", cache={})]
        plain = await router.generate("a fox", cache={})
    assert [type(event) for event in first] == [PartialImage, ImagesResponse]
    assert [type(event) for event in again] == [ImagesResponse]
    assert plain.report.cached
    assert len(provider.calls) == 1


# URLs -------------------------------------------------------------------------------------------------


async def test_a_hit_does_not_give_a_url_that_died() -> None:
    """Where a provider's URL was asked, a hit has the picture itself in a ``data:`` URL."""
    remote = ImagesResponse(data=(pinxit.Image(picture(), url="https://cdn.example/1.png"),))
    router, provider = house({"a": [remote]})
    async with router:
        first = await router.generate("a fox", cache={}, response_format="url")
        again = await router.generate("a fox", cache={}, response_format="url")
    assert again.report.cached
    assert first.data[0].url != again.data[0].url
    assert (again.data[0].url or "").startswith("data:image/png;base64,")
    assert again.data[0].data == picture()
    assert len(provider.calls) == 1


# Stores -----------------------------------------------------------------------------------------------


async def test_the_least_wanted_goes_when_memory_is_full() -> None:
    """``max_bytes`` holds for all answers together."""
    router, provider = house(max_bytes=3000)
    async with router:
        for prompt in [*"abcdef", "f", "a"]:
            await router.generate(prompt, cache={})
    assert len(provider.calls) == 7


async def test_the_disk_store_survives_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    """Another router over the same folder answers with what the first one kept, until it is too old."""
    told: dict[str, Any] = {"store": "disk", "folder": str(tmp_path), "clock": clock}
    first, _ = house(**told)
    async with first:
        kept = await first.generate("a fox", cache={"ttl": 60})
    second, provider = house(**told)
    async with second:
        hit = await second.generate("a fox", cache={"ttl": 60})
        assert provider.calls == []
        clock.advance(60)
        await second.generate("a fox", cache={"ttl": 60})
    assert hit.data[0].data == kept.data[0].data
    assert hit.report == kept.report.model_copy(update={"cached": True})
    assert len(provider.calls) == 1


async def test_the_redis_store_is_shared(start_redis: StartRedis, clock: ManualClock) -> None:
    """Two routers over one server share what they keep, until it is too old."""
    told: dict[str, Any] = {"store": "redis", "url": start_redis().url, "clock": clock}
    (first, one), (second, other) = house(**told), house(**told)
    async with first, second:
        kept = await first.generate("a fox", cache={"ttl": 60})
        hit = await second.generate("a fox", cache={"ttl": 60})
        assert other.calls == []
        clock.advance(60)
        await second.generate("a fox", cache={"ttl": 60})
    assert hit.data[0].data == kept.data[0].data
    assert hit.report.cached
    assert (len(one.calls), len(other.calls)) == (1, 1)


async def test_a_broken_entry_is_a_miss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Damage on the disk costs a new order and is told; the request does not fail, and is kept again."""
    router, provider = house(store="disk", folder=str(tmp_path))
    async with router:
        await router.generate("a fox", cache={})
        (file,) = (tmp_path / "cache").iterdir()
        file.write_bytes(file.read_bytes()[:-1])
        assert not (await router.generate("a fox", cache={})).report.cached
        assert (await router.generate("a fox", cache={})).report.cached
    assert len(provider.calls) == 2
    assert "damaged" in caplog.text


async def test_a_redis_that_is_down_fails_nobody(
    start_redis: StartRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """Without its server the cache orders, and warns without a word of prompt or address."""
    server = start_redis()
    router, provider = house(store="redis", url=server.url)
    async with router:
        await router.generate("a secret fox", cache={})
        server.stop()
        with caplog.at_level(logging.WARNING, "pinxit"):
            assert not (await router.generate("a secret fox", cache={})).report.cached
    assert len(provider.calls) == 2
    assert caplog.text.count("cache: ") == 2
    assert "secret" not in caplog.text
    assert "127.0.0.1" not in caplog.text


async def test_a_folder_that_cannot_be_written_fails_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file where the folder should be: the cache orders each time, and warns."""
    (tmp_path / "file").write_bytes(b"")
    router, provider = house(store="disk", folder=str(tmp_path / "file"))
    async with router:
        for _ in range(2):
            await router.generate("a fox", cache={})
    assert len(provider.calls) == 2
    assert "cache: " in caplog.text


# Settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"store": "tape"}, r"\[middleware.cache\] store"),
        ({"store": "disk"}, "needs a folder"),
        ({"store": "redis"}, "REDIS_URL"),
        ({"store": "redis", "url": "http://:hush@host"}, "rediss://"),
        ({"store": "redis", "url": "redis://h", "max_bytes": 5}, "maxmemory"),
        ({"max_bytes": 0}, r"\[middleware.cache\] max_bytes"),
        ({"ttl": 5}, r"\[middleware.cache\] ttl"),
    ],
)
async def test_wrong_settings_stop_the_router_at_start(
    settings: dict[str, Any], words: str
) -> None:
    """One sentence names the table and the setting; what may be a password is not in it."""
    router, _ = house(**settings)
    with pytest.raises(pinxit.ConfigError, match=words) as caught:
        await router.__aenter__()
    assert "hush" not in str(caught.value)


async def test_it_comes_with_pinxit_and_takes_its_table(start_redis: StartRedis) -> None:
    """The installed entry point is loaded like any other, and its settings stand under its name."""
    provider = Scripted(MODELS)
    points = [point for point in installed_plugins() if point.value.startswith("pinxit.middleware")]
    assert {point.name for point in points} >= {"cache", "idempotency"}
    table = {"cache": {"store": "redis", "url": {"env": "OUR_REDIS"}}}
    config = Config.parse({"middleware": table}, environ={"OUR_REDIS": start_redis().url})
    for _ in range(2):
        async with Router(config, plugins=Plugins(provider, points=points)) as router:
            await router.generate("a fox", model="s/a", cache={})
    assert len(provider.calls) == 1
