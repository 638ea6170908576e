"""Idempotency keys: a request that is sent again is not ordered again."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

from pinxit.capabilities import Setting
from pinxit.config import Settings
from pinxit.errors import (
    IdempotencyConflict,
    InvalidImage,
    PinxitError,
    ProviderError,
    RequestError,
)
from pinxit.hookspecs import Context, RequestNext, hookimpl
from pinxit.report import Attempt
from pinxit.types import ImagesResponse, Request

from .entries import Entry
from .fingerprints import body_fingerprint, scoped
from .flights import Flights
from .records import Records, replayed
from .stores import STORE_SETTINGS, open_store, read_settings

__all__ = ["KeyedAnswers"]

NAME = "idempotency"

LONGEST_KEY = 255
"""Characters."""

TTL = 86_400
"""Seconds for which a key is remembered."""


class KeyedAnswers:
    """What was answered, or is under way, by the callers' keys.

    Args:
        records: Where outcomes are kept.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._flights: Flights[tuple[ImagesResponse, bool]] = Flights()

    async def answer(
        self, request: Request, context: Context, request_next: RequestNext
    ) -> ImagesResponse:
        """Answer as the first request with this key was answered, or order it if this is the first.

        Raises:
            IdempotencyConflict: The first request said something else.
            PinxitError: The first request ended with it, and trying again could be paid twice.
        """
        try:
            body = await body_fingerprint(request)
        except InvalidImage:
            # A picture that cannot be read is refused in the words of whoever wants to use it.
            return await request_next(request)
        key = scoped(context.caller, context.idempotency_key)
        # Nothing is kept yet while the first request is under way.
        if self._flights.tag(key) not in {None, body}:
            raise _conflict()
        serve = partial(self._serve, request, context, request_next, key, body)
        (response, kept), first = await self._flights.join(key, serve, tag=body)
        return response if first and not kept else replayed(response)

    async def _serve(
        self, request: Request, context: Context, request_next: RequestNext, key: str, body: str
    ) -> tuple[ImagesResponse, bool]:
        """Return an answer, and whether it was there already."""
        entry = await self._records.find(key, context.clock, ttl=TTL)
        if entry is not None:
            return _again(entry, body), True
        keep = partial(self._records.keep, key, clock=context.clock, ttl=TTL, body=body)
        try:
            response = await request_next(request)
        except PinxitError as error:
            if _is_final(error):
                await keep(error)
            raise
        await keep(response)
        return response, False


def _again(entry: Entry, body: str) -> ImagesResponse:
    """Answer, or fail, as the first time."""
    if entry.body != body:
        raise _conflict()
    if isinstance(entry.outcome, ImagesResponse):
        return entry.outcome
    error = entry.outcome
    if error.report is not None:
        error.report = error.report.model_copy(update={"cached": True})
    raise error


def _conflict() -> IdempotencyConflict:
    # Not the key itself: the gateway's callers would not know it again.
    return IdempotencyConflict(
        f"idempotency_key: it was used for another request within the last {TTL // 3600} hours; "
        "use a new key for a new request",
        param="idempotency_key",
    )


def _is_final(error: PinxitError) -> bool:
    """Whether an error is the answer: a provider refused, or trying again could be paid twice."""
    attempts: tuple[Attempt, ...] = error.report.attempts if error.report else ()
    if isinstance(error, RequestError):
        return any(attempt.billing != "not_sent" for attempt in attempts)
    doubtful = isinstance(error, ProviderError) and error.billing in {"ambiguous", "billed"}
    return doubtful or any(attempt.may_be_billed for attempt in attempts)


@hookimpl
def register_settings() -> list[Setting]:
    """Which store, and how large."""
    return list(STORE_SETTINGS)


@hookimpl
@asynccontextmanager
async def lifespan(settings: Settings) -> AsyncGenerator[KeyedAnswers]:
    """The store, and what is under way."""
    chosen = read_settings(settings, NAME)
    async with open_store(chosen, NAME) as store:
        yield KeyedAnswers(Records(store, NAME, chosen.max_age))


# Outermost: a request that is sent again does nothing at all, neither counts nor is counted.
@hookimpl(tryfirst=True)
async def around_request(
    request: Request, context: Context, request_next: RequestNext
) -> ImagesResponse:
    """Answer a request whose key is known as it was answered before."""
    key = context.idempotency_key
    if not key:
        return await request_next(request)
    if len(key) > LONGEST_KEY:
        raise RequestError(
            f"idempotency_key has {len(key)} characters; at most {LONGEST_KEY} are allowed",
            param="idempotency_key",
        )
    if context.state is None:
        raise RequestError(
            "idempotency_key: this router is not open, so it remembers nothing; "
            "use `async with Router() as router`",
            param="idempotency_key",
        )
    return await cast("KeyedAnswers", context.state).answer(request, context, request_next)
