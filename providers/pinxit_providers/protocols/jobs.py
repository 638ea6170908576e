"""The family of jobs: an order is submitted, polled until it ends, and collected.

A submitted job is paid work. It is never submitted again: a poll that fails is only asked again, and whoever
stops waiting cancels the job where the provider can.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import httpx

from pinxit import (
    ContentRejected,
    Context,
    ImagesResponse,
    InvalidProviderResponse,
    Model,
    PinxitError,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    RequestError,
)
from pinxit.translation import provider_errors
from pinxit.types import Request

from .complaints import SILENT, Vocabulary
from .endpoints import Endpoint
from .media import Asked
from .pictures import Reader
from .plugin import Provider
from .reading import Reply, read_reply

__all__ = ["Job", "Jobs", "State", "call", "get", "provider"]

State = Literal["pending", "done"]

PATIENCE = 5
"""Polls in a row that may fail: the job goes on whether we are told so or not."""

CANCEL_PATIENCE = 2.0
"""Seconds for a cancellation to be sent; whoever hung up is not kept waiting longer."""

MAX_INTERVAL = 10.0
"""Seconds between two polls, at most, unless the provider's own floor is higher."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One submitted order.

    Attributes:
        id: The provider's name of it.
        poll: Where its state is told: an address, or a path behind the base URL.
        result: Where its pictures are, if not in the last state.
        cancel: Where it can be cancelled; empty where it cannot.
        fields: What the provider said when it accepted the order.
    """

    id: str
    poll: str
    result: str = ""
    cancel: str = ""
    fields: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """How one service takes orders.

    Attributes:
        endpoint: Where it is.
        build: Returns the request that submits an order; pure.
        accepted: Reads the answer to it.
        state: Says whether a job goes on, from the body of a poll and its HTTP status; raises what it failed
            with.
        collect: Returns the pictures of the last state, or of the result.
        hosts: Further hosts that may be sent the key when the provider names them, with all below them.
        interval: Seconds before the first poll; the pause grows from there.
        floor: The least seconds between two polls.
        ready: Whether the answer to the submission may already hold the end.
        cancel_method: How a cancellation is sent.
        vocabulary: What the codes of its errors mean.
    """

    endpoint: Endpoint
    build: Callable[[Request, Model, Context], httpx.Request]
    accepted: Callable[[Reply, Asked], Job]
    state: Callable[[Reply, Asked], State]
    collect: Callable[[Reply, Asked], ImagesResponse]
    hosts: tuple[str, ...] = ()
    interval: float = 1.0
    floor: float = 0.5
    ready: bool = False
    cancel_method: str = "POST"
    vocabulary: Vocabulary = SILENT


def provider(jobs: Jobs, *models: Model) -> Provider:
    """Return the plugin of a service that takes orders."""
    return Provider(
        models=models,
        settings=jobs.endpoint.settings,
        build=jobs.build,
        call=partial(call, jobs),
    )


async def call(jobs: Jobs, request: Request, model: Model, context: Context) -> ImagesResponse:
    """Submit an order, wait for its end and collect it.

    Raises:
        AuthenticationFailed: There is no key, or the provider does not accept it.
        InvalidProviderResponse: An answer is of no use, or names an address that is not the provider's.
        PinxitError: The provider refuses or fails.
    """
    jobs.endpoint.require_key(context)
    secrets = jobs.endpoint.secrets(context)
    message = jobs.build(request, model, context)
    response = await context.http.send(message, stream=True, follow_redirects=False)
    reply = await read_reply(response, vocabulary=jobs.vocabulary, secrets=secrets)
    asked = Asked(request, model, context, Reader(context, secrets, reply.status))
    job = jobs.accepted(reply, asked)
    if not (jobs.ready and jobs.state(reply, asked) == "done"):
        try:
            reply = await _end(jobs, job, asked)
        except (asyncio.CancelledError, _Lost):
            await _cancel(jobs, job, asked)
            raise
    if job.result:
        reply = await _result(jobs, job, asked)
    return jobs.collect(reply, asked)


def get(jobs: Jobs, address: str, asked: Asked, *, method: str = "GET") -> httpx.Request:
    """Return a request with the key, to an address that the provider named, or to a path of its own.

    Raises:
        InvalidProviderResponse: The address is not the provider's: the key would go to somebody else.
    """
    own = jobs.endpoint.url(asked.context, "/")
    if address.startswith("/"):
        path, _, query = address.partition("?")
        url = jobs.endpoint.url(asked.context, path)
        url = url.copy_with(query=query.encode()) if query else url
    else:
        url = _trusted(address, own, jobs.hosts)
    headers = jobs.endpoint.request_headers(asked.context)
    return asked.context.http.build_request(method, url, headers=headers)


def _trusted(address: str, own: httpx.URL, hosts: tuple[str, ...]) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL()
    same = (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)
    known = any(url.host == host or url.host.endswith(f".{host}") for host in hosts)
    if url.userinfo or not (same or (url.scheme == "https" and url.port is None and known)):
        raise InvalidProviderResponse(
            f"the provider names {url.host[:80] or 'no host'!r} for its job, which is not its own; "
            "the key was not sent there",
            billing="ambiguous",
        )
    return url


async def _end(jobs: Jobs, job: Job, asked: Asked) -> Reply:
    """Poll until the job has ended; the answer with its last state is returned."""
    pause = max(jobs.interval, jobs.floor)
    failures = 0
    while True:
        await _sleep(pause, asked.context)
        pause = max(min(pause * 1.3, MAX_INTERVAL), jobs.floor)
        try:
            reply = await _ask(jobs, get(jobs, job.poll, asked), asked)
        except (ProviderUnavailable, ProviderTimeout, RateLimited) as error:
            failures += 1
            if failures >= PATIENCE:
                raise _Lost(error) from error
            pause = max(pause, min(error.retry_after or 0.0, 60.0))
            continue
        except ContentRejected:
            raise
        except PinxitError as error:
            raise _Lost(error) from error
        failures = 0
        if jobs.state(reply, asked) == "done":
            return reply


async def _sleep(seconds: float, context: Context) -> None:
    if context.deadline is not None:
        left = context.deadline - context.clock.monotonic()
        # The router gives up at the deadline; one last look shortly before it may save what was paid for.
        seconds = min(seconds, max(left - 1.0, 0.05))
    await asyncio.sleep(seconds)


async def _result(jobs: Jobs, job: Job, asked: Asked) -> Reply:
    """Fetch what a finished job made; it is paid for, so that a stumble does not end it."""
    for failures in range(PATIENCE):
        if failures:
            await _sleep(jobs.interval * 2**failures, asked.context)
        try:
            return await _ask(jobs, get(jobs, job.result, asked), asked)
        except (ContentRejected, RequestError) as error:
            # Some providers tell only here what they thought of the request.
            if isinstance(error, ContentRejected) or error.upstream_status in {400, 422}:
                raise
            raise _Lost(error) from error
        except ProviderError as error:
            if not error.retry or failures + 1 == PATIENCE:
                raise _Lost(error) from error
    raise AssertionError("the last failure is raised")


async def _ask(jobs: Jobs, message: httpx.Request, asked: Asked) -> Reply:
    secrets = jobs.endpoint.secrets(asked.context)
    with provider_errors(secrets):
        response = await asked.context.http.send(message, stream=True, follow_redirects=False)
        return await read_reply(response, vocabulary=jobs.vocabulary, secrets=secrets)


class _Lost(ProviderError):
    """The end of a submitted job cannot be learnt: it may have been made, and paid for."""

    def __init__(self, error: PinxitError) -> None:
        super().__init__(
            f"the job was submitted, but what became of it cannot be learnt: {error}",
            upstream_status=error.upstream_status,
            billing="ambiguous",
        )


async def _cancel(jobs: Jobs, job: Job, asked: Asked) -> None:
    """Cancel a job that nobody waits for any more; whatever comes of it, we are leaving."""
    if not job.cancel:
        return
    with contextlib.suppress(PinxitError, httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(CANCEL_PATIENCE):
            await _ask(jobs, get(jobs, job.cancel, asked, method=jobs.cancel_method), asked)
