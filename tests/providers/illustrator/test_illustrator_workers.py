"""Worker processes: started when needed, replaced when dead, gone when closed."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

import asyncio
import io
import os
import subprocess
import sys
import time

import pytest
from PIL import Image

from pinxit_providers.illustrator import worker
from pinxit_providers.illustrator.orders import LENGTH, Order, opened, packed
from pinxit_providers.illustrator.workers import (
    MODULE,
    OrderFailed,
    WorkerLost,
    Workers,
    environment,
)

SMALL = Order(operation="generate", prompt="a cat", width=64, height=64, quality="low")
# Takes seconds, so that there is time to die or be cancelled in.
SLOW = Order(
    operation="generate", prompt="a city at night", width=2048, height=2048, quality="high"
)


async def ignore(stage: bytes) -> None:
    """Nobody looks."""


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def busy(workers: Workers) -> int:
    async with asyncio.timeout(10):
        while not workers.pids:  # noqa: ASYNC110 - nothing tells when a process starts
            await asyncio.sleep(0.01)
    return workers.pids[0]


async def test_no_process_before_the_first_order() -> None:
    """Opening the workers starts nothing."""
    async with Workers() as workers:
        assert workers.pids == []


async def test_one_process_for_one_order_after_another() -> None:
    """Orders that come one by one share a process, which is gone in the end."""
    async with Workers() as workers:
        first = await workers.carry_out(SMALL, (), ignore)
        pids = workers.pids
        assert await workers.carry_out(SMALL, (), ignore) == first
        assert workers.pids == pids
        assert len(pids) == 1
    assert all(gone(pid) for pid in pids)


async def test_two_processes_at_most() -> None:
    """Many orders at once share two processes."""
    async with Workers() as workers:
        pictures = await asyncio.gather(*(workers.carry_out(SMALL, (), ignore) for _ in range(5)))
        assert len(set(pictures)) == 1
        assert len(workers.pids) == 2


async def test_dead_worker_is_replaced() -> None:
    """A worker killed in the middle of an order is replaced, and the order carried out."""
    async with Workers() as workers:
        task = asyncio.create_task(workers.carry_out(SMALL, (), ignore))
        os.kill(await busy(workers), 9)
        with Image.open(io.BytesIO(await task)) as picture:
            assert picture.size == (64, 64)


async def test_idle_worker_that_died_is_replaced() -> None:
    """A worker that died while it had nothing to do is not missed."""
    async with Workers() as workers:
        await workers.carry_out(SMALL, (), ignore)
        (pid,) = workers.pids
        os.kill(pid, 9)
        assert await workers.carry_out(SMALL, (), ignore)
        assert workers.pids != [pid]


async def test_worker_is_replaced_once_only() -> None:
    """A worker that always dies is an error, not an endless loop."""
    async with Workers(command=(sys.executable, "-c", "pass")) as workers:
        with pytest.raises(WorkerLost):
            await workers.carry_out(SMALL, (), ignore)
        assert workers.pids == []


async def test_cancelling_ends_the_work() -> None:
    """A cancelled order ends its process at once; the next order is carried out by another."""
    async with Workers() as workers:
        task = asyncio.create_task(workers.carry_out(SLOW, (), ignore))
        pid = await busy(workers)
        await asyncio.sleep(0.05)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 2
        assert gone(pid)
        assert await workers.carry_out(SMALL, (), ignore)


async def test_failed_order_leaves_the_worker_alive() -> None:
    """An order that cannot be carried out is answered, and the worker goes on."""
    async with Workers() as workers:
        broken = Order(operation="edit", prompt="a cat", images=1)
        with pytest.raises(OrderFailed, match="cannot be read") as caught:
            await workers.carry_out(broken, (b"no picture",), ignore)
        assert caught.value.blames_input
        pids = workers.pids
        await workers.carry_out(SMALL, (), ignore)
        assert workers.pids == pids


async def test_stages_arrive_in_order() -> None:
    """Stages come before the picture."""
    seen: list[bytes] = []

    async def show(stage: bytes) -> None:
        seen.append(stage)

    order = Order(operation="generate", prompt="a cat", width=64, height=64, partials=3)
    async with Workers() as workers:
        await workers.carry_out(order, (), show)
    assert len(seen) == 3


async def test_event_loop_goes_on() -> None:
    """While a picture is drawn the event loop is free."""
    async with Workers() as workers:
        await workers.carry_out(SMALL, (), ignore)
        task = asyncio.create_task(workers.carry_out(SLOW, (), ignore))
        longest = 0.0
        for _ in range(20):
            started = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - started)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert longest < 0.3


def test_worker_ends_with_its_input() -> None:
    """Without input the worker ends by itself, in silence."""
    done = subprocess.run(
        [sys.executable, "-m", MODULE], stdin=subprocess.DEVNULL, capture_output=True,
        env=environment(), timeout=20, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_worker_loads_nothing_of_the_core() -> None:
    """The worker starts without the core and what that needs."""
    code = (
        f"import sys, {MODULE}\n"
        "print(sorted({'pinxit', 'pydantic', 'httpx', 'pluggy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), timeout=20, check=True
    )
    assert done.stdout.strip() == b"[]"


def test_serving_until_the_end() -> None:
    """A worker answers each order in turn and stops at the end of its input."""
    source = io.BytesIO(packed(SMALL.header()) + packed(SMALL.header()))
    target = io.BytesIO()
    worker.serve(source, target)
    target.seek(0)
    kinds: list[str] = []
    while prefix := target.read(4):
        header, lengths = opened(target.read(LENGTH.unpack(prefix)[0]))
        kinds.append(header["kind"])
        for length in lengths:
            target.read(length)
    assert kinds == ["done", "done"]


def test_truncated_input_ends_the_worker() -> None:
    """Half a message is the end."""
    assert worker.receive(io.BytesIO(b"\0\0")) is None


def test_message_too_large_is_refused() -> None:
    """A header that announces too much is refused before anything is read."""
    with pytest.raises(ValueError, match="too large"):
        opened(b'{"blobs":[99999999999]}')
