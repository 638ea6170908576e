"""Worker processes, as the plugin's `lifespan` owns them: started when needed, replaced when dead."""

import asyncio
import importlib.util
import os
import sys
import sysconfig
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .orders import LENGTH, Message, Order, opened, packed

MODULE = "pinxit_providers.illustrator.worker"
MOST = 2

Show = Callable[[bytes], Awaitable[None]]
"""Hands out a stage of the picture."""


class WorkerLost(Exception):
    """The worker process ended while it had an order."""


class OrderFailed(Exception):
    """The worker could not carry out an order.

    Attributes:
        blames_input: Whether an input picture is the reason.
    """

    def __init__(self, message: str, *, blames_input: bool) -> None:
        super().__init__(message)
        self.blames_input = blames_input


class Worker:
    """One worker process, with one order at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str] = ()) -> Self:
        """Starts a process; `command` replaces the usual one."""
        words = command or (sys.executable, "-m", MODULE)
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
            # Ctrl-C in a terminal is for the program; it ends its workers by itself.
            start_new_session=True,
        )
        return cls(process)

    @property
    def alive(self) -> bool:
        """Whether the process has not ended, as far as known."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def carry_out(self, order: Order, blobs: Sequence[bytes], show: Show) -> bytes:
        """The finished picture; stages are shown on the way.

        Raises:
            OrderFailed: The order cannot be carried out.
            WorkerLost: The process ended.
        """
        try:
            await self._send(packed(order.header(), blobs))
            while True:
                message = await self._receive()
                match message.header["kind"]:
                    case "done":
                        return message.blobs[0]
                    case "partial":
                        await show(message.blobs[0])
                    case _:
                        raise OrderFailed(
                            message.header["message"], blames_input=message.header["input"]
                        )
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerLost("the illustrator's worker ended") from error

    async def _send(self, data: bytes) -> None:
        writer = self._process.stdin
        if writer is None:
            raise WorkerLost("the illustrator's worker has no input")
        writer.write(data)
        await writer.drain()

    async def _receive(self) -> Message:
        reader = self._process.stdout
        if reader is None:
            raise WorkerLost("the illustrator's worker has no output")
        (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
        header, lengths = opened(await reader.readexactly(length))
        return Message(header, tuple([await reader.readexactly(size) for size in lengths]))

    async def stop(self) -> None:
        """Ends the process, at once, and waits until it is gone."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        # Reading to the end lets the transport close its pipes.
        await self._process.communicate()


class Workers:
    """A few workers that share the orders; use it as an async context manager."""

    def __init__(self, most: int = MOST, command: Sequence[str] = ()) -> None:
        self._free = asyncio.Semaphore(most)
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._command = command

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that live now."""
        return [worker.pid for worker in (*self._idle, *self._busy)]

    async def carry_out(self, order: Order, blobs: Sequence[bytes], show: Show) -> bytes:
        """The finished picture; a worker that dies over it is replaced once.

        Raises:
            OrderFailed: The order cannot be carried out.
            WorkerLost: Two workers died over it.
        """
        async with self._free:
            try:
                return await self._try(order, blobs, show)
            except WorkerLost:
                # Once: a worker that always dies over an order would die for ever.
                return await self._try(order, blobs, show)

    async def _try(self, order: Order, blobs: Sequence[bytes], show: Show) -> bytes:
        async with self._worker() as worker:
            return await worker.carry_out(order, blobs, show)

    @asynccontextmanager
    async def _worker(self) -> AsyncGenerator[Worker]:
        """A worker for one order; it is kept if the order ends as orders do."""
        worker = await self._ready()
        self._busy.add(worker)
        reusable = False
        try:
            yield worker
            reusable = True
        except OrderFailed:
            reusable = True
            raise
        finally:
            self._busy.discard(worker)
            if reusable:
                self._idle.append(worker)
            else:
                # Cancelled in the middle, or dead: what it would still say is of no use.
                await asyncio.shield(worker.stop())

    async def _ready(self) -> Worker:
        # One that died while idle is noticed only now.
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            await worker.stop()
        return await Worker.start(self._command)

    async def close(self) -> None:
        """Ends all processes."""
        workers = [*self._idle, *self._busy]
        self._idle.clear()
        for worker in workers:
            await worker.stop()


def environment() -> dict[str, str]:
    """The environment in which a worker finds the same packages as this process.

    What this process found outside the interpreter's own folders (an editable install, a folder
    put on `sys.path`) is added behind what `PYTHONPATH` already says.
    """
    usual = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # The worker imports this very package, wherever it was found.
    folders = [str(Path(__file__).parents[2])]
    for package in ("PIL", "resvg_py"):
        spec = importlib.util.find_spec(package)
        if spec and spec.submodule_search_locations:
            folders.append(str(Path(spec.submodule_search_locations[0]).parent))
    known = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    extra = [path for path in dict.fromkeys(folders) if path not in usual and path not in known]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*known, *extra])}
