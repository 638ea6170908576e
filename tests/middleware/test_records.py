"""`pinxit.middleware.records`: what has been paid for is kept, whoever goes away."""

from __future__ import annotations

import asyncio

import pytest

import pinxit
from pinxit import ImagesResponse
from pinxit.middleware.memory import MemoryStore
from pinxit.middleware.records import Records, replayed
from pinxit.testing.clock import ManualClock
from scripted import answer, picture


class SlowStore(MemoryStore):
    """Takes two seconds to write."""

    async def put(self, key: str, entry: bytes, *, now: float, expires: float) -> None:
        await asyncio.sleep(2)
        await super().put(key, entry, now=now, expires=expires)


@pytest.mark.virtual_time
async def test_an_answer_is_kept_though_nobody_waits(clock: ManualClock) -> None:
    """Who goes away while an answer is written is let go when it is there."""
    records = Records(SlowStore(10_000), "cache", 3600)
    keeping = asyncio.ensure_future(records.keep("k", answer(), clock, ttl=60))
    await asyncio.sleep(1)
    keeping.cancel()
    await asyncio.wait([keeping])
    assert keeping.cancelled()
    entry = await records.find("k", clock, ttl=60)
    assert entry is not None
    assert isinstance(entry.outcome, ImagesResponse)


async def test_a_picture_that_is_only_a_url_is_not_kept(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Middleware further in may answer with a URL: the answer is not kept, and the log has no URL."""
    records = Records(MemoryStore(10_000), "idempotency", 3600)
    remote = ImagesResponse(data=(pinxit.Image(url="https://cdn.example/1.png?key=hush"),))
    await records.keep("k", remote, clock, ttl=60)
    assert await records.find("k", clock, ttl=60) is None
    assert "idempotency: an answer is not kept" in caplog.text
    assert "hush" not in caplog.text


async def test_an_entry_is_as_old_as_the_stricter_side_allows(clock: ManualClock) -> None:
    """The ttl of who kept it, the ttl of who asks, and the operator's limit all count."""
    records = Records(MemoryStore(10_000), "cache", 100)
    await records.keep("k", answer(), clock, ttl=3600)
    clock.advance(99)
    assert await records.find("k", clock, ttl=100) is not None
    assert await records.find("k", clock, ttl=99) is None
    clock.advance(1)
    assert await records.find("k", clock, ttl=3600) is None


def test_a_replayed_answer_is_a_copy() -> None:
    """It says that it was kept; its pictures are other objects with the same bytes."""
    first = answer()
    again = replayed(first)
    assert (first.report.cached, again.report.cached) == (False, True)
    assert again.data[0] is not first.data[0]
    assert again.data[0].data == picture()
