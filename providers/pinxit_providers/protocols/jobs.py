"""The family of jobs: an order is submitted, polled until it ends, and collected.

A submitted job is paid work. It is never submitted again: a poll that fails is only asked again, and whoever
stops waiting cancels the job where the provider can.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import httpx

from pinxit import (
    AuthenticationFailed,
    ContentRejected,
    Context,
    ImagesResponse,
    InvalidProviderResponse,
    Model,
    PinxitError,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    RequestError,
)
from pinxit.report import Billing
from pinxit.translation import provider_errors
from pinxit.types import Request

from .bodies import upload_size
from .complaints import SILENT, Vocabulary
from .endpoints import Endpoint
from .media import Asked
from .pictures import Reader
from .plugin import Provider
from .reading import Reply, off_loop, read_reply

__all__ = ["Job", "Jobs", "State", "billed", "call", "get", "identity", "provider"]

State = Literal["pending", "done", "failed"]
"""``failed``: it ended without pictures, and its result says why."""

PATIENCE = 5
"""Polls in a row that may fail: the job goes on whether we are told so or not."""

ANSWER_PATIENCE = 60.0
"""Seconds for one poll; it is a small question, and one that hangs must not eat the time of the job."""

CANCEL_PATIENCE = 2.0
"""Seconds for a cancellation to be sent; whoever hung up is not kept waiting longer."""

LONGEST_WISH = 60.0
"""Seconds between two polls, at most, where the provider asks for a longer pause."""

LAST_LOOK = 1.0
"""Seconds before the router gives up, at which a finished job can still be fetched."""

_GROWTH = 1.3
_ID = re.compile(r"[\w.:-]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One submitted order.

    A place is an address that the provider named, or a path behind the base URL. Of several, the first one
    that may be sent the key is asked.

    Attributes:
        id: The provider's name of it.
        poll: The place where its state is told.
        result: Where its pictures are, if not in the last state.
        cancel: Where it can be cancelled; empty where it cannot.
        fields: What the provider said when it accepted the order; later it is in ``Asked.accepted``.
    """

    id: str
    poll: str | tuple[str, ...]
    result: str | tuple[str, ...] = ()
    cancel: str | tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict[str, object])


def billed(error: PinxitError, billing: Billing = "ambiguous") -> PinxitError:
    """Return an error with what the job that ended in it may have cost."""
    if isinstance(error, RequestError | ProviderError):
        error.billing = billing
    return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """How one service takes orders.

    Attributes:
        endpoint: Where it is.
        build: Returns the request that submits an order; pure.
        accepted: Reads the answer to it.
        state: Says whether a job goes on, from the answer to a poll; raises what it failed with, and
            `InvalidProviderResponse` where the answer makes no sense: then it is asked again.
        collect: Returns the pictures of the last state, or of the result.
        hosts: Hosts, with all below them, that may be sent the key when the provider names them. A base URL
            elsewhere is a proxy or a server of one's own: its key goes nowhere else.
        interval: Seconds before the first poll; the pause grows from there.
        floor: The least seconds between two polls.
        ceiling: The most seconds between two polls, unless the floor is higher.
        ready: Whether the answer to the submission may already hold the end.
        cancel_method: How a cancellation is sent.
        withdraw: Cancels a job where one request to ``Job.cancel`` does not.
        verdict: Returns what an error stands for that came in place of a result, with what the job may have
            cost.
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
    ceiling: float = 10.0
    ready: bool = False
    cancel_method: str = "POST"
    withdraw: Callable[[Job, Asked], Awaitable[None]] | None = None
    verdict: Callable[[PinxitError], PinxitError] = billed
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
        InvalidProviderResponse: An answer is of no use.
        PinxitError: The provider refuses or fails, or the end of the job cannot be learnt.
    """
    jobs.endpoint.require_key(context)
    secrets = jobs.endpoint.secrets(context)
    message = await off_loop(upload_size(request), partial(jobs.build, request, model, context))
    response = await context.http.send(message, stream=True, follow_redirects=False)
    reply = await read_reply(response, vocabulary=jobs.vocabulary, secrets=secrets)
    asked = Asked(request, model, context, Reader(context, secrets, reply.status))
    job = jobs.accepted(reply, asked)
    # Some say in this answer what the picture will cost.
    asked = replace(asked, accepted=job.fields)
    state = _early_state(jobs, reply, asked)
    if state == "pending":
        try:
            reply, state = await _end(jobs, job, asked)
        # Not after the provider's own word about the job: then there is nothing left to cancel.
        except (asyncio.CancelledError, _Lost):
            await _cancel(jobs, job, asked)
            raise
    if job.result:
        reply = await _result(jobs, job, asked, failed=state == "failed")
    return await off_loop(len(reply.body), partial(jobs.collect, reply, asked))


def identity(value: object, asked: Asked) -> str:
    """Check the provider's name of a job, which becomes a part of paths.

    Raises:
        InvalidProviderResponse: There is none, or none that a path may hold.
    """
    # Nothing but dots would name another folder.
    if isinstance(value, str) and _ID.fullmatch(value) and value.strip("."):
        return value
    raise asked.reader.useless("the answer to the order names no job")


def get(
    jobs: Jobs, place: str | tuple[str, ...], asked: Asked, *, method: str = "GET"
) -> httpx.Request:
    """Return a request with the key to the first place that is the provider's own.

    Raises:
        InvalidProviderResponse: None is: the key would go to somebody else.
    """
    places = (place,) if isinstance(place, str) else place
    found = (url for each in places if (url := _own(jobs, each, asked.context)) is not None)
    url = next(found, None)
    if url is None:
        raise InvalidProviderResponse(
            f"the provider names {asked.reader.scrub(_host(places))!r} for its job, which is not its own; "
            "the key was not sent there",
            billing="ambiguous",
        )
    headers = jobs.endpoint.request_headers(asked.context)
    return asked.context.http.build_request(method, url, headers=headers)


def _own(jobs: Jobs, place: str, context: Context) -> httpx.URL | None:
    """Return the address of a place, or ``None`` where it must not be sent the key."""
    own = jobs.endpoint.url(context, "")
    if place.startswith("/"):
        path, _, query = place.partition("?")
        url = jobs.endpoint.url(context, path)
        return url.copy_merge_params(httpx.QueryParams(query)) if query else url
    try:
        url = httpx.URL(place)
    except httpx.InvalidURL:
        return None
    if url.userinfo:
        return None
    if (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port):
        return url
    # A vendor's regions have hosts that only its answers name.
    known = _below(url.host, jobs.hosts) and _below(own.host, jobs.hosts)
    return url if known and url.scheme == "https" and url.port is None else None


def _below(name: str, hosts: tuple[str, ...]) -> bool:
    return any(name == host or name.endswith(f".{host}") for host in hosts)


def _host(places: tuple[str, ...]) -> str:
    try:
        return httpx.URL(places[0]).host[:80] or "no host"
    except (httpx.InvalidURL, IndexError):
        return "no address"


def _early_state(jobs: Jobs, reply: Reply, asked: Asked) -> State:
    """Say whether the answer to the submission already holds the end."""
    if not jobs.ready:
        return "pending"
    try:
        return jobs.state(reply, asked)
    except InvalidProviderResponse:
        # The order was accepted; what became of it can still be asked.
        return "pending"


async def _end(jobs: Jobs, job: Job, asked: Asked) -> tuple[Reply, State]:
    """Poll until the job has ended; the answer with its last state is returned."""
    pause = wait = max(jobs.interval, jobs.floor)
    failures = 0
    while True:
        await _sleep(wait, jobs, asked.context)
        pause = min(pause * _GROWTH, max(jobs.ceiling, jobs.floor))
        wait = pause
        try:
            reply, state = await _look(jobs, job, asked)
        except _Unclear as unclear:
            failures += 1
            if failures == PATIENCE or unclear.hopeless:
                raise _Lost(unclear.error) from None
            # Later than usual; the provider's own wish counts, but not for an hour.
            wait = max(pause, min(unclear.retry_after or 2.0**failures, LONGEST_WISH))
            continue
        failures = 0
        if state != "pending":
            return reply, state


async def _look(jobs: Jobs, job: Job, asked: Asked) -> tuple[Reply, State]:
    """Ask once how a job stands; what the provider says about the job itself is raised as it is."""
    try:
        message = get(jobs, job.poll, asked)
    except InvalidProviderResponse as error:
        raise _Unclear(error, hopeless=True) from None
    try:
        reply = await _ask(jobs, message, asked)
    # Of all errors of a poll only a refusal is about the job itself; the others are about asking.
    except ContentRejected as error:
        raise jobs.verdict(error) from None
    except PinxitError as error:
        raise _Unclear(error) from None
    try:
        return reply, jobs.state(reply, asked)
    except InvalidProviderResponse as error:
        raise _Unclear(error) from None


async def _sleep(seconds: float, jobs: Jobs, context: Context) -> None:
    if context.deadline is not None:
        left = context.deadline - context.clock.monotonic()
        seconds = max(min(seconds, left - LAST_LOOK), jobs.floor)
    await asyncio.sleep(seconds)


async def _result(jobs: Jobs, job: Job, asked: Asked, *, failed: bool) -> Reply:
    """Fetch what an ended job made; it is paid for, so that a stumble does not end it."""
    for failures in range(1, PATIENCE + 1):
        try:
            return await _ask(jobs, get(jobs, job.result, asked), asked)
        except InvalidProviderResponse:
            raise
        except PinxitError as error:
            if _is_verdict(error, failed=failed):
                raise jobs.verdict(error) from None
            if failures == PATIENCE:
                raise _Lost(error) from None
            wish = error.retry_after if isinstance(error, ProviderError) else None
        wait = min(wish or 2.0 ** (failures - 1), LONGEST_WISH)
        await _sleep(max(wait, jobs.floor), jobs, asked.context)
    raise AssertionError("the last failure is raised")


def _is_verdict(error: PinxitError, *, failed: bool) -> bool:
    """Whether an error is the job's own end, and not trouble with asking for it."""
    if isinstance(error, ContentRejected) or error.upstream_status in {400, 422}:
        # Some providers tell only here what they thought of the request.
        return True
    # A failed job tells its reason by a status; trouble with our key or our pace is no reason of
    # the job's.
    told = error.upstream_status is not None
    return failed and told and not isinstance(error, AuthenticationFailed | RateLimited)


async def _ask(jobs: Jobs, message: httpx.Request, asked: Asked) -> Reply:
    secrets = jobs.endpoint.secrets(asked.context)
    try:
        with provider_errors(secrets):
            async with asyncio.timeout(ANSWER_PATIENCE):
                response = await asked.context.http.send(
                    message, stream=True, follow_redirects=False
                )
                return await read_reply(response, vocabulary=jobs.vocabulary, secrets=secrets)
    except TimeoutError:
        raise ProviderTimeout(f"no answer within {ANSWER_PATIENCE:g} seconds") from None


class _Unclear(Exception):
    """A poll that did not say how the job stands."""

    def __init__(self, error: PinxitError, *, hopeless: bool = False) -> None:
        super().__init__()
        self.error = error
        self.hopeless = hopeless
        self.retry_after = error.retry_after if isinstance(error, ProviderError) else None


class _Lost(ProviderError):
    """The end of a submitted job cannot be learnt: it may have been made, and paid for.

    It has no upstream status: that of a poll is not that of the order.
    """

    def __init__(self, error: PinxitError) -> None:
        super().__init__(
            f"the job was submitted, but what became of it cannot be learnt: {error}",
            billing="ambiguous",
        )


async def _cancel(jobs: Jobs, job: Job, asked: Asked) -> None:
    """Cancel a job that nobody waits for any more."""
    try:
        async with asyncio.timeout(CANCEL_PATIENCE):
            if jobs.withdraw is not None:
                await jobs.withdraw(job, asked)
            elif job.cancel:
                await _ask(jobs, get(jobs, job.cancel, asked, method=jobs.cancel_method), asked)
    # Whatever comes of it, we are leaving: it must not hide what we leave for.
    except Exception:  # noqa: BLE001, S110
        pass
