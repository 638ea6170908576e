"""One candidate: its calls, their attempts, what each may cost. Paid work is never repeated in silence."""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from .errors import PinxitError, PluginFailed, ProviderError, ProviderTimeout
from .health import Health
from .hookspecs import Call, Clock, Context
from .options import Retry
from .parts import is_hopeless, merge, split
from .plugins import Plugins
from .redaction import hide
from .report import Attempt, Billing
from .types import ImagesResponse, PartialImage

__all__ = ["MAX_RETRY_AFTER", "Attempts", "Ledger", "RetryBudget"]

log = logging.getLogger("pinxit")

MAX_RETRY_AFTER = 60.0
"""Seconds: a provider that wants a longer wait is left for the next model."""

_LONGEST_BACKOFF = 16.0
_SHORTEST_BACKOFF = 0.04
_PARALLEL_CALLS = 4
"""Calls of one fanned-out request that run at once; more would meet rate limits."""
_SHORTEST_PATIENCE = 1.0
"""Seconds: a model that is given less than this cannot show that it is well."""
_PARTIALS = 3
"""Partial pictures per picture where the request names no number: the most that may be asked for."""


class _Impatience(ProviderTimeout):
    """A time-out that tells more about the caller than about the provider."""

    ejects = False


@dataclass(slots=True)
class Ledger:
    """What has happened to one request so far.

    Attributes:
        attempts: Every request that was sent, in the order in which they ended.
        streamed: Whether the caller has seen a partial picture; then nothing is ordered again.
        deadline: The `Clock.monotonic` second at which the whole request is over.
        shortfall: Why a fanned-out request brought fewer pictures than asked.
    """

    attempts: list[Attempt] = field(default_factory=list[Attempt])
    streamed: bool = False
    deadline: float | None = None
    shortfall: PinxitError | None = None

    def spoil(self, model: str, error: PinxitError) -> None:
        """Correct the entries of a model whose answer turned out to be of no use."""
        changes = {"outcome": error.code, "billing": "billed", "message": str(error), "images": 0}
        for place, entry in enumerate(self.attempts):
            if entry.model == model and entry.outcome == "ok":
                self.attempts[place] = entry.model_copy(update=changes)

    def left(self, clock: Clock) -> float:
        """Return the seconds until the deadline."""
        return float("inf") if self.deadline is None else self.deadline - clock.monotonic()


class RetryBudget:
    """Keeps retries of all requests together to a share of them, so that an outage is not fed.

    Args:
        clock: The time.
        share: Retries per request in the long run.
        floor: Retries that are always allowed within *window*, for quiet times.
        window: Seconds in which the floor grows back.
    """

    def __init__(
        self, clock: Clock, *, share: float = 0.2, floor: float = 10.0, window: float = 10.0
    ) -> None:
        self._clock = clock
        self._share = share
        self._floor = floor
        self._window = window
        self._tokens = floor
        self._at = clock.monotonic()

    def note_request(self) -> None:
        """Earn a share of a retry with a first attempt."""
        # Bounded, or a day without failures would save up retries for the whole of an outage.
        self._tokens = min(self._tokens + self._share, 10 * self._floor)

    def take(self) -> bool:
        """Spend one retry, if there is one."""
        now = self._clock.monotonic()
        # Time brings back the floor alone; what is above it has to be earned by requests.
        if self._tokens < self._floor:
            grown = (now - self._at) * self._floor / self._window
            self._tokens = min(self._floor, self._tokens + grown)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Attempts:
    """Serves one candidate after another for a router.

    Args:
        plugins: Whose hooks are called.
        health: The circuit breakers.
        budget: The retry budget that all requests share.
        clock: The time.
        random: The source of jitter.
    """

    def __init__(
        self,
        plugins: Plugins,
        health: Health,
        budget: RetryBudget,
        clock: Clock,
        random: random.Random,
    ) -> None:
        self._plugins = plugins
        self._health = health
        self._budget = budget
        self._clock = clock
        self._random = random

    def serve(
        self, call: Call, *, retry: Retry | None, ledger: Ledger
    ) -> Awaitable[ImagesResponse]:
        """Make all pictures of one candidate, in as many calls as its model needs.

        Raises:
            PinxitError: No call brought a picture. Where some did, what they brought is returned and
                ``ledger.shortfall`` says why the rest is missing.
        """
        calls = split(call)
        if len(calls) == 1:
            return self._attempt(calls[0], retry, ledger)
        return self._fan_out(calls, retry, ledger)

    async def _fan_out(
        self, calls: Sequence[Call], retry: Retry | None, ledger: Ledger
    ) -> ImagesResponse:
        gate = asyncio.Semaphore(_PARALLEL_CALLS)
        hopeless: list[PinxitError] = []
        answered = False

        async def gated(part: Call) -> ImagesResponse:
            nonlocal answered
            async with gate:
                # After a first success a refusal is about one part; the others are still ordered.
                if hopeless and not answered:
                    raise hopeless[0]
                try:
                    answer = await self._attempt(part, retry, ledger)
                except PinxitError as error:
                    if is_hopeless(error):
                        hopeless.append(error)
                    raise
                answered = True
                return answer

        # Not a TaskGroup: where one part fails, it would cancel the others, which may be paid for.
        ended = await asyncio.gather(*map(gated, calls), return_exceptions=True)
        answer, ledger.shortfall = merge(ended)
        return answer

    async def _attempt(self, call: Call, retry: Retry | None, ledger: Ledger) -> ImagesResponse:
        """Send one call, again where that is safe, until it brings something or is given up."""
        import stamina  # a tenth of a second that only those who send anything should pay

        # A part of several may have waited for its turn until the deadline.
        if ledger.left(self._clock) <= 0:
            raise _unsent(call)
        tries = 1 + (retry.count if retry else 0)
        sent = 0

        def again(error: Exception) -> bool | float:
            """Tell stamina whether to try again, and after how many seconds."""
            if retry is None or ledger.streamed or sent >= tries or not _may_repeat(error, retry):
                return False
            wait = self._backoff(sent, error)
            # To sleep until the deadline would take the next candidate's time as well.
            if wait is None or wait >= ledger.left(self._clock):
                return False
            # Asked last, so that no retry is taken from the budget and then not made.
            return wait if self._budget.take() else False

        self._budget.note_request()
        key = self._health.key(call.model, call.context.settings)
        context = _watching(call, ledger)
        try:
            # stamina's own time-out would not interrupt a running attempt; asyncio.timeout does.
            async for attempt in stamina.retry_context(on=again, attempts=tries, timeout=None):
                # The ledger is innermost: breaker and retry judge the error that it makes of any.
                with attempt, self._health.watch(key), self._recorded(call, ledger) as note:
                    sent += 1
                    limit = self._limit(call, ledger)
                    timed = replace(context, deadline=self._clock.monotonic() + limit)
                    async with asyncio.timeout(limit):
                        response = await self._plugins.invoke(
                            call.candidate.operation, call.request, call.model, timed
                        )
                    note(response)
                    return response
        except PinxitError as error:
            raise _bare(error) from error.__cause__
        raise AssertionError("stamina ends with an answer or an error")

    def _limit(self, call: Call, ledger: Ledger) -> float:
        return max(0.0, min(call.candidate.timeout, ledger.left(self._clock)))

    @contextmanager
    def _recorded(self, call: Call, ledger: Ledger) -> Generator[Callable[[ImagesResponse], None]]:
        """Enter one attempt into the ledger, however it ends, and see that it ends as one of ours."""
        started, patience = self._clock.monotonic(), self._limit(call, ledger)

        def note(response: ImagesResponse) -> None:
            ledger.attempts.append(self._entry(call, started, "ok", images=len(response.data)))

        try:
            yield note
        # A plugin may raise anything at all, and every attempt has to be on record with its bill.
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_leaving():
                # Nobody can tell whether a provider charges for work that it was told to drop.
                ledger.attempts.append(self._entry(call, started, "cancelled", billing="ambiguous"))
                raise
            if isinstance(error, PinxitError):
                failure = error
            elif isinstance(error, TimeoutError):
                failure = self._timed_out(call, started, patience)
            else:
                failure = self._plugin_failed(call, error)
            failure.model = call.model.id
            ledger.attempts.append(self._failure(call, started, failure))
            if failure is error:
                raise
            # Not from the error itself: a key that the provider repeated may stand in it.
            raise failure from failure.__cause__

    def _timed_out(self, call: Call, started: float, patience: float) -> ProviderTimeout:
        # A deadline that cut the attempt short says nothing about the model either.
        reasonable = patience >= max(_SHORTEST_PATIENCE, call.candidate.timeout)
        kind = ProviderTimeout if reasonable else _Impatience
        return kind(f"no answer within {self._clock.monotonic() - started:.3g} seconds")

    def _plugin_failed(self, call: Call, error: BaseException) -> PluginFailed:
        """Say that a plugin has a bug: no reason to lose the request, the next model may do."""
        failure = PluginFailed(f"its plugin failed with {type(error).__name__}")
        text = "".join(traceback.format_exception(error))
        shown = hide(text, self._plugins.secrets(call.model, call.context.settings))
        if shown == text:
            failure.__cause__ = error
            log.error("the plugin of %s failed", call.model.id, exc_info=error)
        else:
            # What a provider repeated, its plugin's exception repeats.
            log.error("the plugin of %s failed\n%s", call.model.id, shown)
        return failure

    def _failure(self, call: Call, started: float, error: PinxitError) -> Attempt:
        billing: Billing = getattr(error, "billing", "unbilled")
        return self._entry(
            call,
            started,
            error.code,
            status=error.upstream_status,
            billing=billing,
            message=str(error),
        )

    def _entry(
        self,
        call: Call,
        started: float,
        outcome: str,
        *,
        status: int | None = None,
        billing: Billing | None = None,
        message: str = "",
        images: int = 0,
    ) -> Attempt:
        return Attempt(
            model=call.model.id,
            outcome=outcome,
            status=status,
            seconds=round(self._clock.monotonic() - started, 3),
            billing=billing,
            message=message,
            images=images,
        )

    def _backoff(self, sent: int, error: Exception) -> float | None:
        """Return the seconds before the next attempt: what the provider asks, or 1, 2, 4... +-25 %.

        ``None`` where the provider asks for more than `MAX_RETRY_AFTER`: then the next model is asked.
        """
        asked = getattr(error, "retry_after", None)
        # A Retry-After of zero must not become a loop without a pause.
        if asked is not None:
            return max(asked, _SHORTEST_BACKOFF) if asked <= MAX_RETRY_AFTER else None
        grown = min(2.0 ** (sent - 1), _LONGEST_BACKOFF)
        return max(_SHORTEST_BACKOFF, grown * self._random.uniform(0.75, 1.25))


def _may_repeat(error: Exception, retry: Retry) -> bool:
    """Whether the same model may be asked again: nothing was sent, or a listed status came back."""
    if not isinstance(error, ProviderError) or not error.retry or error.should_retry is False:
        return False
    return error.billing == "not_sent" or not error.statuses.isdisjoint(retry.on_codes)


def _is_leaving() -> bool:
    """Whether somebody asked the running task to stop.

    A plugin may let a cancellation of its own escape, such as that of a future which nobody completes;
    taken for ours, it would end the request without an error.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _bare(error: PinxitError) -> PinxitError:
    """Cut off the frames that read an answer: they hold all of it, and keys that a provider repeats."""
    if error.__cause__ is None:
        error.__context__ = None
    return error.with_traceback(None)


def _unsent(call: Call) -> ProviderTimeout:
    error = ProviderTimeout("the deadline passed before this was sent", billing="not_sent")
    error.model = call.model.id
    return error


def _watching(call: Call, ledger: Ledger) -> Context:
    """Note in the ledger when a partial picture reaches the caller; pass on no more than were asked."""
    context, request = call.context, call.request
    partials = _PARTIALS if request.partial_images is None else request.partial_images
    left = partials * request.n

    async def emit(partial: PartialImage) -> None:
        nonlocal left
        if left > 0:
            left -= 1
            # Before it is handed over: even if that fails, the caller may have seen it.
            ledger.streamed = True
            await context.emit(partial)

    return replace(context, emit=emit) if context.listening else context
