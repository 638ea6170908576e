"""One candidate: its calls, their attempts, what each may cost. Paid work is never repeated in silence."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from .errors import PinxitError, PluginFailed, ProviderError, ProviderTimeout
from .health import Health
from .hookspecs import Call, Clock, Context
from .options import Retry
from .plugins import Plugins
from .report import Attempt, Billing
from .types import ImagesResponse, PartialImage, Request, add_usage

__all__ = ["MAX_RETRY_AFTER", "Attempts", "Ledger", "RetryBudget"]

log = logging.getLogger("pinxit")

MAX_RETRY_AFTER = 60.0
"""Seconds: a provider that wants a longer wait is left for the next model."""

_LONGEST_BACKOFF = 16.0
_SHORTEST_BACKOFF = 0.04
_PARALLEL_CALLS = 4
"""Calls of one fanned-out request that run at once; more would meet rate limits."""


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
        """Correct the last entry of a model whose answer turned out to be of no use."""
        for place in reversed(range(len(self.attempts))):
            entry = self.attempts[place]
            if entry.model == model and entry.outcome == "ok":
                changes = {
                    "outcome": error.code,
                    "billing": "billed",
                    "message": str(error),
                    "images": 0,
                }
                self.attempts[place] = entry.model_copy(update=changes)
                return

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
        self._tokens = min(self._tokens + self._share, 10 * self._floor)

    def take(self) -> bool:
        """Spend one retry, if there is one."""
        now = self._clock.monotonic()
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
        calls = _split(call)
        if len(calls) == 1:
            return self._attempt(calls[0], retry, ledger)
        return self._fan_out(calls, retry, ledger)

    async def _fan_out(
        self, calls: Sequence[Call], retry: Retry | None, ledger: Ledger
    ) -> ImagesResponse:
        gate = asyncio.Semaphore(_PARALLEL_CALLS)

        async def gated(part: Call) -> ImagesResponse:
            async with gate:
                return await self._attempt(part, retry, ledger)

        ended = await asyncio.gather(*map(gated, calls), return_exceptions=True)
        return _merge(ended, ledger)

    async def _attempt(self, call: Call, retry: Retry | None, ledger: Ledger) -> ImagesResponse:
        """Send one call, again where that is safe, until it brings something or is given up."""
        import stamina  # a tenth of a second that only those who send anything should pay

        tries = 1 + (retry.count if retry else 0)
        sent = 0

        def again(error: Exception) -> bool | float:
            """Tell stamina whether to try again, and after how many seconds."""
            if retry is None or ledger.streamed or sent >= tries or not _may_repeat(error, retry):
                return False
            wait = self._backoff(sent, error)
            if wait is None or wait >= ledger.left(self._clock):
                return False
            return wait if self._budget.take() else False

        self._budget.note_request()
        key = self._health.key(call.model, call.context.settings)
        context = _watching(call.context, ledger)
        async for attempt in stamina.retry_context(on=again, attempts=tries, timeout=None):
            with attempt, self._health.watch(key), self._recorded(call, ledger) as note:
                sent += 1
                async with asyncio.timeout(self._limit(call, ledger)):
                    response = await self._plugins.invoke(
                        call.candidate.operation, call.request, call.model, context
                    )
                note(response)
                return response
        raise AssertionError("stamina ends with an answer or an error")

    def _limit(self, call: Call, ledger: Ledger) -> float:
        return max(0.0, min(call.candidate.timeout, ledger.left(self._clock)))

    @contextmanager
    def _recorded(self, call: Call, ledger: Ledger) -> Generator[Callable[[ImagesResponse], None]]:
        """Enter one attempt into the ledger, however it ends, and see that it ends as one of ours."""
        started = self._clock.monotonic()

        def note(response: ImagesResponse) -> None:
            ledger.attempts.append(self._entry(call, started, "ok", images=len(response.data)))

        try:
            yield note
        except asyncio.CancelledError:
            ledger.attempts.append(self._entry(call, started, "cancelled", billing="ambiguous"))
            raise
        except Exception as error:
            failure = self._as_ours(error, call, started)
            failure.model = call.model.id
            ledger.attempts.append(self._failure(call, started, failure))
            if failure is error:
                raise
            raise failure from error

    def _as_ours(self, error: Exception, call: Call, started: float) -> PinxitError:
        if isinstance(error, PinxitError):
            return error
        if isinstance(error, TimeoutError):
            return ProviderTimeout(
                f"no answer within {self._clock.monotonic() - started:.3g} seconds"
            )
        # A plugin's bug is no reason to lose the request, nor a secret to keep: the next model may do.
        log.error("the plugin of %s failed", call.model.id, exc_info=error)
        return PluginFailed(f"its plugin failed with {type(error).__name__}")

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
        if asked is not None:
            return max(asked, _SHORTEST_BACKOFF) if asked <= MAX_RETRY_AFTER else None
        grown = min(2.0 ** (sent - 1), _LONGEST_BACKOFF)
        return max(_SHORTEST_BACKOFF, grown * self._random.uniform(0.75, 1.25))


def _may_repeat(error: Exception, retry: Retry) -> bool:
    """Whether the same model may be asked again: nothing was sent, or a listed status came back."""
    if not isinstance(error, ProviderError) or not error.retry or error.should_retry is False:
        return False
    return error.billing == "not_sent" or not error.statuses.isdisjoint(retry.on_codes)


def _watching(context: Context, ledger: Ledger) -> Context:
    """Note in the ledger when a partial picture reaches the caller."""

    async def emit(partial: PartialImage) -> None:
        ledger.streamed = True
        await context.emit(partial)

    return replace(context, emit=emit) if context.listening else context


def _split(call: Call) -> list[Call]:
    """Make one call per part of a fanned-out request; each has its own seed and idempotency key."""
    parts = call.candidate.calls
    if len(parts) == 1:
        return [call]
    calls: list[Call] = []
    for place, n in enumerate(parts):
        changes: dict[str, object] = {"n": n}
        if call.request.seed is not None:
            changes["seed"] = call.request.seed + sum(parts[:place])
        request: Request = call.request.model_copy(update=changes)
        context = replace(call.context, idempotency_key=f"{call.context.idempotency_key}-{place}")
        calls.append(replace(call, request=request, context=context))
    return calls


def _merge(ended: list[ImagesResponse | BaseException], ledger: Ledger) -> ImagesResponse:
    """Put the answers of several calls together; what was paid for is never thrown away."""
    answers = [answer for answer in ended if isinstance(answer, ImagesResponse)]
    errors = [error for error in ended if isinstance(error, BaseException)]
    for error in errors:
        if not isinstance(error, PinxitError):
            raise error
        ledger.shortfall = ledger.shortfall or error
    if not answers:
        raise errors[0]
    usage = None
    if all(answer.usage for answer in answers):
        usage = add_usage([answer.usage for answer in answers if answer.usage])
    costs = [answer.cost for answer in answers]
    return answers[0].model_copy(
        update={
            "data": tuple(image for answer in answers for image in answer.data),
            "usage": usage,
            "cost": None if None in costs else sum(cost for cost in costs if cost is not None),
        }
    )
