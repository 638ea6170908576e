"""An event loop in a thread of its own, for callers that are not asynchronous."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from contextlib import AbstractAsyncContextManager
from contextvars import copy_context
from typing import Any, Generic, TypeVar

__all__ = ["HEARING", "Job", "Portal"]

CANCEL_PATIENCE = 5.0
"""Seconds that a cancelled call may take to close its connection."""

HEARING = 0.25
"""Seconds between looks for Ctrl-C, which on Windows does not interrupt a wait."""

T = TypeVar("T")


class Job(Generic[T]):
    """One coroutine on its way through the loop, and what comes of it."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.outcome: Future[T] = Future()
        self.task: asyncio.Task[T] | None = None
        self._coroutine = coroutine
        # Tracing and Django's request state follow the call into the other thread.
        self._context = copy_context()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; called in the loop's thread."""
        self.task = loop.create_task(self._coroutine, context=self._context)
        self.task.add_done_callback(self._settle)

    def cancel(self) -> None:
        """Ask it to end; called in the loop's thread."""
        if self.task is None:
            self.give_up()
        else:
            self.task.cancel()

    def _settle(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.give_up()
        elif (error := task.exception()) is not None:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(task.result())

    def give_up(self) -> None:
        """Tell whoever waits that no outcome will come."""
        if self.task is None:
            self._coroutine.close()
        if not self.outcome.done():
            self.outcome.set_exception(RuntimeError("the router was closed before the answer came"))


class Portal:
    """Something asynchronous that lives in an event loop in a thread of its own.

    The thread is a daemon: a portal of anyio's that is left open keeps the interpreter from exiting.

    Args:
        resident: Entered when the loop starts and left when it ends, both in one task.

    Attributes:
        pid: The process in which the thread is; it does not survive a fork.
    """

    def __init__(self, resident: AbstractAsyncContextManager[object]) -> None:
        self._resident = resident
        self.pid = os.getpid()
        # Reentrant, because the garbage collector may call `close` wherever it likes.
        self._lock = threading.RLock()
        self._jobs: set[Job[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._opened: Future[None] = Future()
        self._closing = asyncio.Event()
        self._closed = False
        self._failure: Exception | None = None

    def open(self) -> None:
        """Start the loop and enter the resident, unless that has been done.

        Raises:
            RuntimeError: The portal is closed, or this is its own thread.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "pinxit.blocking.Router was called inside its own event loop; use it outside of plugins"
            )
        with self._lock:
            if self._closed:
                raise RuntimeError("this pinxit.blocking.Router is closed; make a new one")
            if self._thread is None:
                self._opened, self._loop = Future(), asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop, self._opened), name="pinxit", daemon=True
                )
                self._thread.start()
            opened = self._opened
        _wait(opened)
        opened.result()

    def start(self, job: Job[Any]) -> None:
        """Open the portal and start a job in its loop."""
        self.open()
        with self._lock:
            if self._loop is None:
                raise RuntimeError("the router was closed before the request was sent")
            self._jobs.add(job)
            # Under the lock, or the loop might end between the look and the call.
            self._loop.call_soon_threadsafe(job.start, self._loop)

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for it; an interrupt cancels it."""
        job = Job(coroutine)
        try:
            self.start(job)
            _wait(job.outcome)
        finally:
            self.end(job)
        return job.outcome.result()

    def end(self, job: Job[Any]) -> None:
        """See to it that a job has ended, and with it its connection."""
        with self._lock:
            if self.pid != os.getpid():
                return
            if job not in self._jobs or self._loop is None:
                job.give_up()
                return
            self._jobs.remove(job)
            if job.outcome.done():
                return
            self._loop.call_soon_threadsafe(job.cancel)
            inside = threading.current_thread() is self._thread
        if not inside:
            wait([job.outcome], CANCEL_PATIENCE)

    def close(self, patience: float | None = None) -> None:
        """End the loop for good and wait for its thread, for *patience* seconds if that is given.

        Raises:
            Exception: Whatever the resident raised when it was left.
        """
        # In a child process there is no such thread, and waiting for it would never end.
        if self.pid != os.getpid():
            return
        with self._lock:
            self._closed = True
            thread = self._thread
            if thread is None or self._loop is None:
                return
            self._loop.call_soon_threadsafe(self._closing.set)
        # A thread cannot wait for itself; its loop ends when this returns.
        if thread is threading.current_thread():
            return
        thread.join(patience)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    # In the thread --------------------------------------------------------------------------------

    def _run(self, loop: asyncio.AbstractEventLoop, opened: Future[None]) -> None:
        # Not asyncio.run: it ends by starting a thread, which an exiting interpreter refuses.
        failure: Exception | None = None
        try:
            loop.run_until_complete(self._live(opened))
            loop.run_until_complete(loop.shutdown_asyncgens())
        # Whoever opens or closes the portal gets to know it; a thread has nobody else to tell.
        except Exception as error:  # noqa: BLE001
            failure = error
        finally:
            with self._lock:
                self._loop = self._thread = None
                jobs, self._jobs = self._jobs, set()
            if opened.done():
                self._failure = failure
            else:
                # Not earlier: whoever hears of it may try again, with a new thread.
                opened.set_exception(failure or RuntimeError("the loop ended before it was open"))
            for job in jobs:
                job.give_up()
            loop.close()

    async def _live(self, opened: Future[None]) -> None:
        """Keep the resident open; it begins and ends in one task, as task groups need it."""
        async with self._resident:
            opened.set_result(None)
            await self._closing.wait()
            await self._cancel_jobs()

    async def _cancel_jobs(self) -> None:
        with self._lock:
            tasks = [job.task for job in self._jobs if job.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_PATIENCE)


def _wait(future: Future[Any]) -> None:
    while not wait([future], HEARING).done:
        pass
