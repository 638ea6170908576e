"""Many at once: no cross-talk, no leaks, nobody who blocks the others."""

from __future__ import annotations

import asyncio
import base64
import gc
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

import pinxit
from chaotic import ONE_AT_ONCE, A, B, asked, now, stage
from pinxit.testing import (
    After,
    ChaosUpstream,
    Drip,
    Events,
    Ok,
    Received,
    Silence,
    Step,
    Wire,
    png,
)

DESCRIPTORS = Path("/proc/self/fd")
IDLE = 20
"""Connections that may stay open for the next request."""


async def arrival(upstream: ChaosUpstream, count: int = 1) -> None:
    """Wait until so many requests have come."""
    for _ in range(1_000):
        if len(upstream.requests) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{len(upstream.requests)} of {count} requests came")


@dataclass
class Painted:
    """A picture whose grey, and whose revised prompt, is what the prompt says: ``shade <n>``."""

    patience: float = 0.3

    async def play(self, request: Received, wire: Wire) -> None:
        shade = int((request.value("prompt") or "shade 0").split()[1])
        await asyncio.sleep(random.random() * self.patience)
        await Ok(picture=png(64, 64, shade), echo=True).play(request, wire)


async def test_two_hundred_at_once_do_not_get_mixed_up() -> None:
    """Each prompt comes back in its own answer, picture and words."""

    async def one(shade: int) -> bool:
        answer = await router.generate(f"shade {shade}", model=A, n=2, fallbacks=[B])
        return {(image.data, image.revised_prompt) for image in answer.data} == {
            (png(64, 64, shade), f"shade {shade}")
        }

    async with stage(Painted(), own_transport=True) as (router, upstream):
        assert all(await asyncio.gather(*map(one, range(200))))
    assert len(upstream.requests) == 200


async def test_edits_and_parts_at_once_do_not_get_mixed_up() -> None:
    """Fanned-out pictures stay with their request, and uploads with theirs."""

    async def parts(shade: int) -> bool:
        answer = await router.generate(f"shade {shade}", model=ONE_AT_ONCE, n=3)
        return [image.data for image in answer.data] == [png(64, 64, shade)] * 3

    async def upload(shade: int) -> bool:
        picture = pinxit.Image(png(64, 64, shade))
        answer = await router.edit(f"shade {shade}", picture, model=A)
        return answer.data[0].data == png(64, 64, shade)

    async with stage(Painted(0.1)) as (router, upstream):
        orders = [work(shade) for shade in range(25) for work in (parts, upload)]
        assert all(await asyncio.gather(*orders))
    edits = [r for r in upstream.requests if r.path.endswith("/edits")]
    assert len(edits) == 25
    assert all(png(64, 64, int((r.value("prompt") or "").split()[1])) in r.body for r in edits)


async def test_reports_belong_to_their_requests() -> None:
    """Ids are unique, and no report tells of another request's attempts."""
    async with stage(Painted(0.05)) as (router, _):
        answers = await asyncio.gather(*(router.generate(f"shade {n}", model=A) for n in range(50)))
    assert len({answer.report.request_id for answer in answers}) == 50
    assert all(len(answer.report.attempts) == 1 for answer in answers)


PARTIAL = {
    "type": "image_generation.partial_image",
    "b64_json": base64.b64encode(png(8, 8)).decode(),
}


@pytest.mark.parametrize(
    "step", [Silence(), Silence("inside"), Drip(), Events([PARTIAL], then="silence")]
)
async def test_leaving_closes_the_upstream_connection(step: Step) -> None:
    """A caller who goes away stops the work at once, and nobody else is asked."""
    async with stage({A: step}) as (router, upstream):
        task = asyncio.create_task(router.generate("a fox", model=A, fallbacks=[B]))
        await arrival(upstream)
        await asyncio.sleep(0.02)
        start = now()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(upstream.requests[0].finished.wait(), 6)
        assert now() - start < 6
    assert upstream.requests[0].disconnected
    assert asked(upstream) == [A]


async def test_leaving_a_stream_closes_the_upstream_connection() -> None:
    """A consumer who breaks out of the loop stops the painting."""
    async with stage({A: Events([PARTIAL], then="silence")}) as (router, upstream):
        events = router.stream("a fox", model=A, fallbacks=[B])
        assert isinstance(await anext(events), pinxit.PartialImage)
        await events.aclose()
        await asyncio.wait_for(upstream.requests[0].finished.wait(), 6)
    assert upstream.requests[0].disconnected
    assert asked(upstream) == [A]


async def test_leaving_a_fan_out_closes_all_its_connections() -> None:
    """Four calls are under way, six wait: the four are closed, the six are never sent."""
    async with stage(Silence()) as (router, upstream):
        task = asyncio.create_task(router.generate("a fox", model=ONE_AT_ONCE, n=10))
        await arrival(upstream, 4)
        task.cancel()
        await asyncio.wait([task])
        for request in upstream.requests:
            await asyncio.wait_for(request.finished.wait(), 6)
        assert task.cancelled()
    assert len(upstream.requests) == 4
    assert all(request.disconnected for request in upstream.requests)


def descriptors() -> int:
    return len(list(DESCRIPTORS.iterdir()))


async def quiet(upstream: ChaosUpstream) -> None:
    """Wait until only connections that may be used again are open."""
    for _ in range(200):
        if upstream.open_connections <= IDLE:
            return
        await asyncio.sleep(0.02)


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="counts the files of a process")
async def test_six_hundred_departures_leak_nothing() -> None:
    """Callers leave at random points of connecting, waiting and reading; no descriptor and no task stays."""
    dice = random.Random(7)
    script: dict[str, Step] = {A: After(0.02), B: Drip(200)}

    async def drain(model: str) -> None:
        async for _ in router.stream("a fox", model=model, fallbacks=[B]):
            pass

    async def paint(model: str) -> None:
        await router.generate("a fox", model=model, fallbacks=[B])

    async def depart() -> None:
        way = drain if dice.random() < 0.3 else paint
        task = asyncio.create_task(way(dice.choice([A, B])))
        await asyncio.sleep(dice.random() * 0.06)
        task.cancel()
        await asyncio.wait([task])

    async with stage(script, own_transport=True) as (router, upstream):
        await asyncio.gather(*(depart() for _ in range(20)))
        gc.collect()
        before = descriptors()
        for _ in range(12):
            await asyncio.gather(*(depart() for _ in range(50)))
        await quiet(upstream)
        gc.collect()
        # Both ends of an idle connection are in this process.
        assert descriptors() - before <= 2 * IDLE
    gc.collect()
    assert descriptors() <= before


async def test_slow_calls_do_not_keep_others_waiting() -> None:
    """With fifty calls in flight that never end, another request is answered at once."""
    async with stage({A: Silence()}) as (router, upstream):
        slow = [asyncio.create_task(router.generate("a fox", model=A)) for _ in range(50)]
        await arrival(upstream, 50)
        start = now()
        await router.generate("a fox", model=B)
        assert now() - start < 1.5
        for task in slow:
            task.cancel()
        await asyncio.wait(slow)


async def test_the_work_on_pixels_does_not_block_the_loop() -> None:
    """While twelve pictures of four megapixels are converted, the loop goes on turning."""
    worst = 0.0

    async def turn() -> None:
        nonlocal worst
        while True:
            before = now()
            await asyncio.sleep(0.01)
            worst = max(worst, now() - before)

    async with stage() as (router, _):
        await router.generate("a fox", model=A, size="1024x1024", output_format="png")
        watch = asyncio.create_task(turn())
        orders = [
            router.generate("a fox", model=ONE_AT_ONCE, size="1792x1024", output_format="webp")
            for _ in range(12)
        ]
        answers = await asyncio.gather(*orders)
        watch.cancel()
    assert {answer.data[0].format for answer in answers} == {"webp"}
    assert worst < 1.5


async def test_no_task_is_left_behind() -> None:
    """After answers, errors, hedges and departures, the only task is the test's own."""
    async with stage({A: [Ok(), Silence(), Events(interval=0.01), Ok()]}) as (router, _):
        await router.generate("a fox", model=A)
        await router.generate("a fox", model=A, fallbacks=[B], hedge={"after": 0.05})
        events = router.stream("a fox", model=A)
        await anext(events)
        await events.aclose()
        await router.generate("a fox", model=A)
        ours = [t for t in asyncio.all_tasks() if "pinxit/" in str(t.get_coro())]
        assert ours == []
