"""One request on its way: candidates in order, their answers put together, the signature under them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from .assets import AssetStore, own_first
from .attempts import Attempts, Ledger
from .candidates import Candidate, Plan
from .capabilities import Model
from .config import Config
from .errors import (
    AllModelsFailed,
    AuthenticationFailed,
    ContentRejected,
    PinxitError,
    ProviderError,
    ProviderTimeout,
    RequestError,
)
from .finishing import finish
from .health import Health, select
from .hedging import race
from .hookspecs import Call, Clock, Context, Emit
from .options import Hedge, Options
from .ordering import Traffic
from .payload import Fetch
from .planning import Planner
from .plugins import Plugins
from .preparing import Prepared, prepare
from .pricing import actual
from .report import Adaptation, Attempt, Billing, Report
from .resolution import Resolver
from .types import ImagesResponse, Request

if TYPE_CHECKING:
    import httpx

__all__ = ["FALLBACK_CODES", "Engine", "Execution"]

FALLBACK_CODES = frozenset({408, 429, 500, 502, 503, 504, 529, *range(520, 528)})
"""Upstream statuses that lead to the next model unless the request says otherwise. 520 to 527 are what a
content delivery network answers for a server that is down."""

FINISHING = 2.0
"""Seconds that pictures which have been paid for get to be finished, even if the deadline is over."""


@dataclass(slots=True, kw_only=True)
class Engine:
    """What all requests of a router share.

    Attributes:
        states: What the plugins' lifespans yielded.
        fetch: Downloads what callers name.
        fetch_result: Downloads what providers name; the operator's own servers are allowed.
    """

    config: Config
    plugins: Plugins
    resolver: Resolver
    planner: Planner
    attempts: Attempts
    health: Health
    traffic: Traffic
    clock: Clock
    random: Random
    http: httpx.AsyncClient
    fetch: Fetch
    fetch_result: Fetch
    states: Mapping[object, Any]


@dataclass(slots=True, kw_only=True)
class Execution:
    """One request on its way through the router.

    Attributes:
        idempotency_key: The caller's, or empty.
        started: The `Clock.monotonic` second at which it came.
        ledger: Every attempt so far.
        store: Keeps pictures so that URLs can be given; without it they are ``data:`` URLs.
        errors: One error per candidate that failed, in order.
    """

    engine: Engine
    request_id: str
    caller: str
    emit: Emit | None
    idempotency_key: str
    started: float
    store: AssetStore | None = None
    ledger: Ledger = field(default_factory=Ledger)
    errors: list[RequestError | ProviderError] = field(
        default_factory=list[RequestError | ProviderError]
    )

    async def serve(self, request: Request) -> ImagesResponse:
        """Try the candidates of a plan in order until all pictures are there."""
        plan = self.engine.planner.plan(request)
        if plan.refusal is not None:
            raise plan.refusal
        if plan.options.deadline is not None:
            self.ledger.deadline = self.started + plan.options.deadline
        answers: list[ImagesResponse] = []
        missing = request.n
        # Closed on every way out, so that a probe that nobody sends is given back.
        with closing(self._starts(plan)) as starts:
            for candidates in starts:
                if self.ledger.left(self.engine.clock) <= 0:
                    break
                fitted = self._fitted(candidates, plan, missing)
                if not fitted:
                    continue
                try:
                    answers.append(await self._first_of(fitted, plan))
                except (RequestError, ProviderError) as error:
                    if self._goes_on(error, plan.options):
                        continue
                    break
                missing -= len(answers[-1].data)
                if missing <= 0 or not self._goes_on_for_rest(plan):
                    break
        if not answers:
            raise self._failure(plan)
        # Their tracebacks hold this object, and what was read of useless answers.
        self.errors.clear()
        return self._sign(answers, plan)

    def _starts(self, plan: Plan) -> Generator[tuple[Candidate, ...]]:
        """Yield the candidates to try next: one, or two where the first is hedged.

        A candidate that turns out not to be tried makes room for the next probe of its model.
        """
        for candidate in plan.candidates:
            if candidate.blocked is not None:
                self.ledger.attempts.append(_not_configured(candidate))
        ready = [candidate for candidate in plan.candidates if candidate.blocked is None]
        passing = select(ready, self.engine.health, self._health_key)
        # Whoever watches a picture grow sees that somebody is at work, and wants to see one hand.
        hedge = None if self.emit else plan.options.hedge
        for first in passing:
            second = next(passing, None) if hedge else None
            pair = (first,) if second is None else (first, second)
            probes = [key for key in map(self._health_key, pair) if self._is_probe(key)]
            try:
                if hedge and second and _affordable_hedge(second, hedge):
                    yield pair
                else:
                    yield from ((candidate,) for candidate in pair)
            finally:
                for key in probes:
                    self.engine.health.release(key)
            hedge = None

    def _is_probe(self, key: str) -> bool:
        return self.engine.health.state(key) == "half_open"

    def _health_key(self, candidate: Candidate) -> str:
        return self.engine.health.key(
            candidate.model, self.engine.resolver.settings(candidate.model)
        )

    def _fitted(
        self, candidates: tuple[Candidate, ...], plan: Plan, missing: int
    ) -> tuple[Candidate, ...]:
        """Fit candidates again where some pictures are there already."""
        if missing == plan.request.n:
            return candidates
        again = (self.engine.planner.refit(candidate, plan, missing) for candidate in candidates)
        return tuple(candidate for candidate in again if candidate is not None)

    def _first_of(self, candidates: Sequence[Candidate], plan: Plan) -> Awaitable[ImagesResponse]:
        hedge = plan.options.hedge
        if hedge is None or len(candidates) == 1:
            return self._paint(candidates[0], plan)
        starts = [partial(self._paint, candidate, plan) for candidate in candidates]
        return race(starts, hedge.after, partial(self._goes_on, options=plan.options))

    async def _paint(self, candidate: Candidate, plan: Plan) -> ImagesResponse:
        """Have one candidate paint what is asked of it, and finish what it brings."""
        model = candidate.model
        prepared = await self._prepare(candidate, plan)
        context = replace(
            self.context(self.engine.plugins.registry.owner(model)),
            settings=self.engine.resolver.settings(model),
            # A key per model: under a common one the second order would count as the first.
            idempotency_key=f"{self.idempotency_key or self.request_id}-{model.id}",
        )
        serve = partial(self.engine.attempts.serve, retry=plan.options.retry, ledger=self.ledger)
        chain = self.engine.plugins.around_call(serve, self.context)
        with self.engine.traffic.busy(model.id):
            response = await chain(
                Call(request=prepared.request, candidate=candidate, context=context)
            )
        finished = await self._finish(response, candidate, plan)
        # Of the answer as it came: finishing may change the size that the price goes by.
        cost, basis = actual(model, candidate.request, response)
        report = finished.report.model_copy(
            update={
                "model": model.id,
                "adaptations": _together(
                    (*candidate.adaptations, *prepared.adaptations), finished.report.adaptations
                ),
                "notes": (*candidate.notes, *finished.report.notes),
                "cost": cost,
                "cost_basis": basis,
            }
        )
        return finished.model_copy(update={"report": report})

    async def _prepare(self, candidate: Candidate, plan: Plan) -> Prepared:
        async with self._in_time(candidate, "not_sent"):
            return await prepare(
                candidate.request,
                candidate.model.operations[candidate.operation],
                strip_metadata=_strips(plan.options, candidate.model),
                fetch=own_first(self.store, self.engine.fetch),
                asked=plan.request,
            )

    async def _finish(
        self, response: ImagesResponse, candidate: Candidate, plan: Plan
    ) -> ImagesResponse:
        try:
            async with self._in_time(candidate, "billed", at_least=FINISHING):
                return await finish(
                    response,
                    # In the caller's words, but for the pictures that other candidates have made.
                    request=plan.request.model_copy(update={"n": sum(candidate.calls)}),
                    delivery=candidate.delivery,
                    model=candidate.model.id,
                    fetch=self.engine.fetch_result,
                    store=partial(self.store.put, caller=self.caller) if self.store else None,
                )
        except ProviderError as error:
            # The attempt looked like a success until its pictures were opened.
            error.model = candidate.model.id
            self.ledger.spoil(candidate.model.id, error)
            # A deadline that passes here is the caller's, and no fault of the model.
            if not isinstance(error, ProviderTimeout):
                self.engine.health.record(self._health_key(candidate), error)
            raise

    @asynccontextmanager
    async def _in_time(
        self, candidate: Candidate, billing: Billing, *, at_least: float = 0.0
    ) -> AsyncGenerator[None]:
        """Hold the request's own deadline around work that is not an attempt."""
        left = self.ledger.left(self.engine.clock)
        limit = asyncio.timeout(None if math.isinf(left) else max(left, at_least))
        try:
            async with limit:
                yield
        except TimeoutError:
            # Somebody else's time-out is not the deadline.
            if not limit.expired():
                raise
            late = ProviderTimeout("the deadline passed while pictures were read", billing=billing)
            late.model = candidate.model.id
            raise late from None

    def context(self, plugin: object) -> Context:
        """Make the context of one plugin for one request."""
        context = Context(
            http=self.engine.http,
            settings=self.engine.resolver.plugin_settings(plugin),
            state=self.engine.states.get(plugin),
            deadline=self.ledger.deadline,
            clock=self.engine.clock,
            random=self.engine.random,
            caller=self.caller,
            idempotency_key=self.idempotency_key,
            request_id=self.request_id,
            options_of=self.engine.resolver.options,
            fetch=own_first(self.store, self.engine.fetch),
        )
        return replace(context, emit=self.emit) if self.emit else context

    def _goes_on(self, error: PinxitError, options: Options) -> bool:
        """Note an error, and say whether the next candidate may be tried after it."""
        if not isinstance(error, RequestError | ProviderError):
            return False
        # A race has already noted the error that ends it.
        if not any(known is error for known in self.errors):
            self.errors.append(error)
        if self.ledger.streamed:
            return False
        if isinstance(error, ContentRejected):
            return options.on_refusal == "fallback"
        # Without a status that could be listed, the error's class decides.
        if error.upstream_status is None or error.upstream_status < 400:
            return error.fall_back
        return not error.statuses.isdisjoint(options.fallback_on_codes or FALLBACK_CODES)

    def _goes_on_for_rest(self, plan: Plan) -> bool:
        """Whether the next candidate may paint what a fanned-out request did not bring."""
        error, self.ledger.shortfall = self.ledger.shortfall, None
        return error is not None and self._goes_on(error, plan.options)

    # How it ends ----------------------------------------------------------------------------------

    def _failure(self, plan: Plan) -> PinxitError:
        """Return the error that speaks for everything that was tried, with the report on it."""
        failure: PinxitError
        errors = self.errors
        if not errors:
            blocked = [candidate.blocked for candidate in plan.candidates if candidate.blocked]
            if len(blocked) == len(plan.candidates):
                failure = AuthenticationFailed(
                    "; ".join(blocked), code="not_configured", billing="not_sent"
                )
            else:
                failure = ProviderTimeout(
                    "the deadline passed before anything was sent", billing="not_sent"
                )
        elif len(errors) == 1 or isinstance(errors[-1], RequestError):
            failure = errors[-1]
        else:
            failure = AllModelsFailed(errors)
        failure.report = self.report(asked_for=plan.asked_for, route=plan.route)
        return failure

    def report(self, *, asked_for: str, route: str | None = None) -> Report:
        """Say what has happened until now."""
        return Report(
            request_id=self.request_id,
            asked_for=asked_for,
            route=route,
            attempts=tuple(self.ledger.attempts),
            seconds=round(self.engine.clock.monotonic() - self.started, 3),
        )

    def _sign(self, answers: Sequence[ImagesResponse], plan: Plan) -> ImagesResponse:
        """Put the answers together and sign them with what really happened."""
        reports = [answer.report for answer in answers]
        data = tuple(image for answer in answers for image in answer.data)
        adaptations = [a for report in reports for a in report.adaptations]
        if len(data) == plan.request.n:
            # What one candidate was short of, the next one brought.
            adaptations = [
                a for a in adaptations if (a.parameter, a.verdict) != ("n", "approximated")
            ]
        costs = [report.cost for report in reports]
        exact = all(report.cost_basis == "exact" for report in reports)
        report = self.report(asked_for=plan.asked_for, route=plan.route).model_copy(
            update={
                "model": reports[0].model,
                "adaptations": tuple(dict.fromkeys(adaptations)),
                "pictures": tuple(picture for report in reports for picture in report.pictures),
                "notes": tuple(dict.fromkeys(note for report in reports for note in report.notes)),
                "cost": None if None in costs else sum(c for c in costs if c is not None),
                "cost_basis": "unknown" if None in costs else "exact" if exact else "estimated",
            }
        )
        # So that `read` downloads with every guard also after the request.
        image = [image.replace(fetch=self.engine.fetch_result) for image in data]
        return answers[0].model_copy(update={"data": tuple(image), "report": report})


def _not_configured(candidate: Candidate) -> Attempt:
    return Attempt(
        model=candidate.model.id,
        outcome="not_configured",
        billing="not_sent",
        message=candidate.blocked or "",
    )


def _strips(options: Options, model: Model) -> bool:
    """Whether input pictures lose their metadata: by default where they leave this machine."""
    return not model.offline if options.strip_metadata is None else options.strip_metadata


def _together(
    foreseen: Sequence[Adaptation], found: Sequence[Adaptation]
) -> tuple[Adaptation, ...]:
    """Put the fitter's adaptations and those that the pictures showed together, each loss told once."""
    told = {a.parameter for a in foreseen if a.verdict in {"approximated", "dropped"}}
    return (*foreseen, *(a for a in found if a.parameter not in told))


def _affordable_hedge(candidate: Candidate, hedge: Hedge) -> bool:
    if hedge.max_cost is None:
        return True
    return candidate.estimate is not None and candidate.estimate <= hedge.max_cost
