"""What the router would do with a request, and why, before a cent is spent."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from .candidates import Candidate, Plan, Preview
from .capabilities import Model
from .config import Config, Settings
from .errors import BudgetExceeded, PinxitError, UnknownModel, UnsupportedRequest
from .fitting import fit
from .hookspecs import Clock, Context, Order
from .options import Options
from .ordering import find_order, weighted
from .plugins import Plugins
from .pricing import estimate
from .registry import Registry
from .report import Adaptation
from .resolution import AUTO, Resolution, Resolver, Target
from .types import Request

if TYPE_CHECKING:
    import httpx

__all__ = ["DEFAULT_TIMEOUT", "Planner"]

DEFAULT_TIMEOUT = 300.0
"""Seconds for one attempt: two minutes are usual for a careful picture, so this waits a little longer."""

_REDACTED = "[redacted]"
_BODY_LIMIT = 2_000


class Planner:
    """Plans requests for a router; synchronous and without I/O.

    Args:
        plugins: The plugins with their registry.
        resolver: Finds the models behind a name.
        config: Default options.
        orders: All orders of candidates, by name.
        clock: The time.
        random: Draws for weighted orders.
    """

    def __init__(
        self,
        plugins: Plugins,
        resolver: Resolver,
        config: Config,
        orders: Mapping[str, Order],
        clock: Clock,
        random: random.Random,
    ) -> None:
        self._plugins = plugins
        self._resolver = resolver
        self._config = config
        self._orders = orders
        self._clock = clock
        self._random = random

    def plan(self, request: Request, *, draw: bool = True) -> Plan:
        """Resolve, fit, price and order; refuse with reasons if nothing is left.

        Args:
            request: What is asked.
            draw: Whether shares of load are drawn; otherwise the heaviest comes first.

        Raises:
            UnknownModel: No route and no model has the name.
            RequestError: An option of the request is wrong.
        """
        resolution = self._resolver.resolve(request)
        options = resolution.options
        candidates: list[Candidate] = []
        rejected: dict[str, tuple[str, ...]] = {}
        for target in resolution.targets:
            fitted = self._fit(target, resolution)
            if isinstance(fitted, Candidate):
                candidates.append(fitted)
            else:
                rejected[target.model.id] = fitted
        affordable: list[Candidate] = []
        for candidate in candidates:
            if _affordable(candidate, options):
                affordable.append(candidate)
            else:
                rejected[candidate.model.id] = (_over(candidate, options),)
        ordered = self._order(affordable, resolution, draw=draw)
        return Plan(
            request=request,
            asked_for=resolution.asked_for,
            route=resolution.route,
            options=options,
            candidates=tuple(ordered),
            rejected=rejected,
            refusal=None if ordered else _refusal(resolution, candidates, rejected),
        )

    def refit(self, candidate: Candidate, plan: Plan, n: int) -> Candidate | None:
        """Fit a candidate again for fewer pictures; ``None`` if it does not fit any more."""
        rest = self._resolver.resolve(plan.request.model_copy(update={"n": n}))
        target = next((t for t in rest.targets if t.model.id == candidate.model.id), None)
        fitted = self._fit(target, rest) if target else None
        return fitted if isinstance(fitted, Candidate) else None

    def _fit(self, target: Target, resolution: Resolution) -> Candidate | tuple[str, ...]:
        if target.reason is not None:
            return (target.reason,)
        options = resolution.options
        fidelity = options.fidelity or "faithful"
        if target.retired is not None and fidelity == "strict":
            return (f"{target.retired.id} is retired, and strict does not allow a successor",)
        fitted = fit(
            target.request,
            target.model,
            fidelity=fidelity,
            require=options.require or (),
            succession=target.succession,
            response_format=self._config.defaults.response_format,
        )
        if fitted.reasons:
            return fitted.reasons
        return Candidate(
            model=target.model,
            operation=fitted.operation,
            request=fitted.request,
            calls=fitted.calls,
            adaptations=(*_redirect(target), *fitted.adaptations),
            delivery=fitted.delivery,
            estimate=_estimate(target.model, fitted.request, fitted.calls),
            # Still a candidate: a plan works without keys, which only sending needs.
            blocked=self._resolver.settings(target.model).problem,
            notes=tuple(_notes(target, self._clock, self._plugins.registry)),
            timeout=options.timeout or DEFAULT_TIMEOUT,
        )

    def _order(
        self, candidates: Sequence[Candidate], resolution: Resolution, *, draw: bool
    ) -> Sequence[Candidate]:
        weights = {t.model.id: t.weight for t in resolution.targets if t.weight is not None}
        if weights and draw:
            return weighted(weights, self._random)(candidates)
        if weights:
            return sorted(candidates, key=lambda c: -weights.get(c.model.id, 0.0))
        name = resolution.options.order or (
            "cheapest" if resolution.asked_for == AUTO else "listed"
        )
        return find_order(name, self._orders)(candidates)

    def with_previews(self, plan: Plan, http: httpx.AsyncClient) -> Plan:
        """Add the upstream calls to a plan."""
        return replace(plan, candidates=tuple(self._with_preview(c, http) for c in plan.candidates))

    def _with_preview(self, candidate: Candidate, http: httpx.AsyncClient) -> Candidate:
        settings = self._placeholders(candidate)
        context = Context(http=http, settings=settings, clock=self._clock)
        try:
            request = self._plugins.preview(candidate.request, candidate.model, context)
        # A plan is shown to people who look for mistakes; one in a plugin's preview is one of them.
        except Exception as error:  # noqa: BLE001
            note = f"no preview: {type(error).__name__}: {error}"
            return replace(candidate, notes=(*candidate.notes, note))
        return candidate if request is None else replace(candidate, preview=_preview(request))

    def _placeholders(self, candidate: Candidate) -> Settings:
        """Replace secrets, and what is missing, by a word that nobody can misuse."""
        declared = self._plugins.settings_of(candidate.model)
        real = self._resolver.settings(candidate.model)
        missing = {setting.name for setting in real.missing}
        hidden = {
            s.name: _REDACTED
            for s in declared
            if s.name in missing or (s.secret and s.name in real)
        }
        return Settings({**real, **hidden}, provider=real.provider)


def _redirect(target: Target) -> list[Adaptation]:
    if target.retired is None:
        return []
    why = f"retired on {target.retired.lifecycle.retired}; its successor serves"
    return [
        Adaptation(
            parameter="model",
            asked=target.retired.id,
            sent=target.model.id,
            verdict="mapped",
            reason=why,
        )
    ]


def _notes(target: Target, clock: Clock, registry: Registry) -> list[str]:
    model = target.model
    notes = list(model.notes) if model.by_name_only else []
    if (
        model.lifecycle.status(clock.today()) == "deprecated"
        and model.lifecycle.retired is not None
    ):
        heir = model.lifecycle.successor
        then = f"; {heir.model} takes over" if heir else ""
        notes.append(f"{model.id} is deprecated and retires on {model.lifecycle.retired}{then}")
    if not model.declared:
        near = [id for id in registry.near(model.id) if id.startswith(f"{model.provider}/")]
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        notes.append(f"{model.id} is undeclared: its limits are the widest of its family{meant}")
    return notes


def _estimate(model: Model, request: Request, calls: Sequence[int]) -> Decimal | None:
    costs = [estimate(model, request, n=n) for n in calls]
    return None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))


def _affordable(candidate: Candidate, options: Options) -> bool:
    if options.max_cost is None:
        return True
    return candidate.estimate is not None and candidate.estimate <= options.max_cost


def _over(candidate: Candidate, options: Options) -> str:
    if candidate.estimate is None:
        return "its price is unknown, so max_cost cannot be kept"
    return f"about ${candidate.estimate.normalize():f} is over max_cost ${options.max_cost:f}"


def _refusal(
    resolution: Resolution,
    unaffordable: Sequence[Candidate],
    rejected: Mapping[str, tuple[str, ...]],
) -> PinxitError:
    """Say why nothing is left."""
    limit = resolution.options.max_cost
    # Whoever fits and costs too much says more than the reasons of those who do not fit.
    if unaffordable and limit is not None:
        priced: list[tuple[str, Decimal]] = [
            (c.model.id, c.estimate) for c in unaffordable if c.estimate is not None
        ]
        return BudgetExceeded(limit, min(priced, key=lambda pair: pair[1], default=None))
    if len(resolution.targets) == 1 and (reason := resolution.targets[0].reason) is not None:
        return UnknownModel(f"model: {resolution.targets[0].model.id} is {reason}", param="model")
    if not rejected:
        return UnknownModel(
            f"model: nothing that is installed and configured serves {resolution.asked_for!r}",
            param="model",
        )
    return UnsupportedRequest(rejected)


def _preview(request: httpx.Request) -> Preview:
    kind = request.headers.get("content-type", "")
    headers = {
        name: value
        for name, value in request.headers.items()
        # The header with the key is of the provider's own naming; the others are httpx's.
        if name in {"authorization", "content-type", "accept"} or value == _REDACTED
    }
    return Preview(
        method=request.method, url=str(request.url), headers=headers, body=_body(request, kind)
    )


def _body(request: httpx.Request, kind: str) -> Any:
    """Return the body for people: JSON with long texts cut, a form as its fields."""
    import json

    content = request.read()
    if not content:
        return None
    if kind.startswith("application/json"):
        return _abbreviated(json.loads(content))
    if kind.startswith("multipart/form-data"):
        return _form_fields(content, kind)
    return f"<{len(content)} bytes of {kind or 'unknown type'}>"


def _abbreviated(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _abbreviated(inner) for name, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_abbreviated(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, str) and len(value) > _BODY_LIMIT:
        return f"{value[:60]}... ({len(value)} characters)"
    return value


def _form_fields(content: bytes, kind: str) -> dict[str, str]:
    """Read back the form that a plugin built; pictures become their size."""
    boundary = kind.partition("boundary=")[2].strip('"').encode()
    fields: dict[str, str] = {}
    for part in content.split(b"--" + boundary)[1:-1]:
        head, _, data = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode("utf-8", "replace")
        is_file = b"filename=" in head
        shown = f"<{len(data)} bytes>" if is_file else data.decode("utf-8", "replace")[:_BODY_LIMIT]
        fields[name] = f"{fields[name]}, {shown}" if name in fields else shown
    return fields
