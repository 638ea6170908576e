"""A candidate: a model, the request as fitted to it, and what that changed. A plan: several of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .capabilities import Model
from .errors import PinxitError
from .fitting import Delivery
from .options import Options
from .report import Adaptation
from .types import Operation, Request

__all__ = ["Candidate", "Plan", "Preview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The upstream call as it would be sent: secrets redacted, pictures abbreviated."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Any

    def to_dict(self) -> dict[str, Any]:
        """Return the call as JSON data."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": dict(self.headers),
            "body": self.body,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One model that can serve a request.

    Attributes:
        model: The model.
        operation: The hook that is called: an edit may stand in for a variation.
        request: The request as the hook gets it, for one call.
        calls: Pictures to order per call; more than one call where the model makes fewer at once.
        adaptations: Every parameter that is not kept.
        delivery: What finishing must do with the results.
        estimate: US dollars for all calls, where prices are known.
        blocked: Why it cannot be called now, such as a missing key.
        notes: Sentences for the report: a redirect, an undeclared model.
        preview: The upstream call; plans only.
        timeout: Seconds for one attempt.
    """

    model: Model
    operation: Operation
    request: Request
    calls: tuple[int, ...] = (1,)
    adaptations: tuple[Adaptation, ...] = ()
    delivery: Delivery = field(default_factory=Delivery)
    estimate: Decimal | None = None
    blocked: str | None = None
    notes: tuple[str, ...] = ()
    preview: Preview | None = None
    timeout: float = 300.0

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as JSON data."""
        return {
            "model": self.model.id,
            "operation": self.operation,
            "calls": list(self.calls),
            "adaptations": [a.model_dump(mode="json") for a in self.adaptations],
            "estimated_cost": None if self.estimate is None else float(self.estimate),
            "blocked": self.blocked,
            "notes": list(self.notes),
            "upstream": self.preview.to_dict() if self.preview else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the router would do with a request, in order.

    Attributes:
        request: The request as it came.
        asked_for: The model or route that the request names.
        route: The route that it resolved to, if any.
        options: The options in force: the request's over the route's over the configuration's.
        candidates: The models that would be tried, first one first.
        rejected: Why the others cannot, in sentences per model id.
        refusal: The error that running the request would raise, where no candidate is left.
    """

    request: Request
    asked_for: str
    route: str | None
    options: Options
    candidates: tuple[Candidate, ...]
    rejected: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    refusal: PinxitError | None = None

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        return {
            "asked_for": self.asked_for,
            "route": self.route,
            "operation": self.request.operation,
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "rejected": {model: list(reasons) for model, reasons in self.rejected.items()},
            "error": str(self.refusal) if self.refusal else None,
        }

    def __str__(self) -> str:
        lines = [
            f"{self.request.operation} {self.asked_for}{f' (route {self.route})' if self.route else ''}"
        ]
        for place, candidate in enumerate(self.candidates, 1):
            lines.extend(_describe(place, candidate))
        for model, reasons in self.rejected.items():
            lines.append(f"  no  {model}: {'; '.join(reasons)}")
        if self.refusal:
            lines.append(f"  would fail: {self.refusal}")
        return "\n".join(lines)


def _describe(place: int, candidate: Candidate) -> Iterator[str]:
    cost = (
        "cost unknown"
        if candidate.estimate is None
        else f"about ${candidate.estimate.normalize():f}"
    )
    calls = f", {len(candidate.calls)} calls" if len(candidate.calls) > 1 else ""
    yield f"  {place}.  {candidate.model.id}: {cost}{calls}"
    for adaptation in candidate.adaptations:
        yield f"        changed   {adaptation}"
    for note in (*candidate.notes, *([candidate.blocked] if candidate.blocked else [])):
        yield f"        note      {note}"
    if candidate.preview:
        yield f"        sends     {candidate.preview.method} {candidate.preview.url}"
        if candidate.preview.body is not None:
            yield f"                  {candidate.preview.body}"
