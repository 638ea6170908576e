"""The exact cache: who asks for the same again gets the same, and nothing is ordered."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import cast

from pinxit.capabilities import Setting
from pinxit.config import Settings
from pinxit.errors import RequestError
from pinxit.hookspecs import Context, RequestNext, hookimpl
from pinxit.types import ImagesResponse, Request

from .fingerprints import Fingerprints, fingerprints
from .flights import Flights
from .records import Records, replayed
from .stores import STORE_SETTINGS, open_store, read_settings

__all__ = ["AnswerCache"]

NAME = "cache"


class AnswerCache:
    """Answers that were given, and those that are under way.

    Args:
        records: Where answers are kept.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._flights: Flights[tuple[ImagesResponse, bool]] = Flights()

    async def answer(
        self, request: Request, context: Context, request_next: RequestNext, *, ttl: int
    ) -> ImagesResponse:
        """Answer with what is kept, or with what is under way, or order it.

        Args:
            request: What is asked.
            context: Who asks, and the time.
            request_next: Orders.
            ttl: Seconds that an answer may be old, and that a new one is kept.
        """
        options = context.options_of(request)
        try:
            prints = await fingerprints(request, options, context)
        except RequestError:
            # A picture that cannot be read is refused in the words of whoever wants to use it.
            return await request_next(request)
        serve = partial(self._serve, request, context, request_next, prints, ttl)
        (response, kept), first = await self._flights.join(prints.shared, serve)
        return response if first and not kept else replayed(response)

    async def _serve(
        self,
        request: Request,
        context: Context,
        request_next: RequestNext,
        prints: Fingerprints,
        ttl: int,
    ) -> tuple[ImagesResponse, bool]:
        """Return an answer, and whether it was there already."""
        entry = await self._records.find(prints.kept, context.clock, ttl=ttl)
        if entry is not None and isinstance(entry.outcome, ImagesResponse):
            return entry.outcome, True
        response = await request_next(request)
        # Errors never come here, and an answer that lacks pictures is worth another try.
        if _is_whole(response, request):
            await self._records.keep(prints.kept, response, context.clock, ttl=ttl)
        return response, False


def _is_whole(response: ImagesResponse, request: Request) -> bool:
    """Whether an answer is worth repeating: one that is short of pictures is not."""
    return len(response.data) == request.n and all(image.is_local for image in response.data)


@hookimpl
def register_settings() -> list[Setting]:
    """Which store, and how large."""
    return list(STORE_SETTINGS)


@hookimpl
@asynccontextmanager
async def lifespan(settings: Settings) -> AsyncGenerator[AnswerCache]:
    """The store, and what is under way."""
    chosen = read_settings(settings, NAME)
    async with open_store(chosen, NAME) as store:
        yield AnswerCache(Records(store, NAME, chosen.max_age))


# Innermost: what others change in a request is part of the key, and what they forbid stays forbidden.
@hookimpl(trylast=True)
async def around_request(
    request: Request, context: Context, request_next: RequestNext
) -> ImagesResponse:
    """Answer from the cache where the request, its route or the configuration says ``cache``."""
    wish = context.options_of(request).cache
    if wish is None or context.state is None:
        return await request_next(request)
    kept = cast("AnswerCache", context.state)
    return await kept.answer(request, context, request_next, ttl=wish.ttl)
