"""An upstream that accepts an order and answers what follows as a test says: the stage for jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise
from typing import Any

import httpx

from pinxit import Context, Settings
from pinxit.testing import ManualClock

Step = (
    httpx.Response
    | Exception
    | dict[str, Any]
    | Callable[[httpx.Request], Awaitable[httpx.Response]]
)
"""Answer it, raise it, answer it as JSON, or do as the function does."""


async def hang(request: httpx.Request) -> httpx.Response:
    """Never answer; a step."""
    await asyncio.Event().wait()
    raise AssertionError(f"nobody sets that event for {request.url}")


class Replay(httpx.AsyncBaseTransport):
    """Answers one request after the other.

    Attributes:
        requests: What came, oldest first.
        times: The second of the loop at which each came.
    """

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self.requests: list[httpx.Request] = []
        self.times: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(asyncio.get_running_loop().time())
        assert self._steps, f"nobody told what to answer to {request.method} {request.url}"
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        if isinstance(step, dict):
            return httpx.Response(200, json=step)
        return step if isinstance(step, httpx.Response) else await step(request)

    @property
    def pauses(self) -> list[float]:
        """Seconds between one request and the next."""
        return [round(after - before, 6) for before, after in pairwise(self.times)]

    @property
    def lines(self) -> list[str]:
        """Method and address of every request."""
        return [f"{request.method} {request.url}" for request in self.requests]


def lent(transport: httpx.AsyncBaseTransport, **fields: Any) -> Context:
    """Return what a router lends: a client over *transport*; settings by name, context fields too."""
    known = {name: fields.pop(name) for name in ("deadline", "idempotency_key") if name in fields}
    return Context(
        http=httpx.AsyncClient(transport=transport),
        settings=Settings(fields),
        clock=ManualClock(),
        **known,
    )


def cut(requests: Iterable[httpx.Request], header: str) -> set[str | None]:
    """Return the values of a header in all requests."""
    return {request.headers.get(header) for request in requests}
