"""A request being fitted: what changed so far, what cannot be, and the table of verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pydantic import JsonValue

from .capabilities import Capability, Succession
from .options import Fidelity
from .payload import Image
from .report import Adaptation, Frozen, Verdict
from .types import Request

__all__ = ["CONTRACTS", "HINTS", "RECORDED", "Delivery", "Draft", "shown"]

CONTRACTS = frozenset({
    "aspect_ratio", "background", "extra", "frame_count", "frame_duration_ms", "images",
    "markup", "mask",
    "model", "n", "negative_prompt", "operation", "output_format", "prompt", "response_format", "seed",
    "size", "stream", "svg",
})  # fmt: skip
"""What the caller gets or the request is refused, unless it is lenient."""

HINTS = frozenset({
    "complexity", "input_fidelity", "moderation", "output_compression", "partial_images", "quality", "style",
})  # fmt: skip
"""What many clients send to every model by default; dropping it is reported, never refused."""

RECORDED = frozenset({"user", "safety_identifier", "name", "metadata", "identity"})
"""What says who asks, and why; it never refuses a model."""


class Delivery(Frozen):
    """What finishing has to do with a model's results so that the caller gets what was asked.

    Attributes:
        size: Width and height in pixels that every result must have; scaled and, evenly at both ends,
            cropped to it.
        promised: Width and height that the model itself should give, where that is known.
        format: The format to deliver; ``None`` leaves what came.
        compression: Quality, 0 to 100, where *format* has to be encoded.
        opaque: Lay transparency on white.
        composite: Put the pixels that the mask protects back over the result.
        response_format: How the caller gets results.
    """

    size: tuple[int, int] | None = None
    promised: tuple[int, int] | None = None
    format: str | None = None
    compression: int | None = None
    opaque: bool = False
    composite: bool = False
    response_format: Literal["b64_json", "url"] = "b64_json"


@dataclass(slots=True)
class Draft:
    """A request being fitted: what changed so far, and what cannot be."""

    request: Request
    capability: Capability
    provider: str
    fidelity: Fidelity
    require: frozenset[str]
    succession: Succession | None
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    delivery: dict[str, Any] = field(default_factory=dict[str, Any])
    adaptations: list[Adaptation] = field(default_factory=list[Adaptation])
    reasons: list[str] = field(default_factory=list[str])
    calls: tuple[int, ...] = (1,)

    def get(self, name: str) -> Any:
        """Return a parameter as it stands, or ``None`` where this operation has no such parameter."""
        # Not dict.get: a change to None takes the parameter out.
        return self.changes[name] if name in self.changes else getattr(self.request, name, None)

    def fitted(self) -> Request:
        """Return the request with all changes."""
        return self.request.model_copy(update=self.changes)

    def allows(self, name: str, verdict: Verdict) -> bool:
        """Whether a parameter may end so: the table of verdicts."""
        if self.fidelity == "lenient" or verdict == "kept":
            return True
        if self.fidelity == "strict":
            return False
        # A hint may be lost; a contract may only be kept in another way.
        is_hint = name in HINTS and name not in self.require
        return verdict in {"mapped", "emulated"} or is_hint

    def adapt(
        self,
        name: str,
        asked: JsonValue,
        sent: JsonValue,
        verdict: Verdict,
        why: str,
        refusal: str = "",
    ) -> bool:
        """Record what becomes of a parameter, or the reason why it must not; return whether it may.

        Args:
            name: The parameter.
            asked: Its value, for the report.
            sent: What is sent instead, for the report.
            verdict: What becomes of it.
            why: The reason, without the parameter's name and value.
            refusal: How to begin the sentence that refuses; by default with name and value.
        """
        if not self.allows(name, verdict):
            # Collected and not raised: a refusal names everything that stands in the way at once.
            start = refusal or f"{_named(name, asked)}: {why}"
            self.reasons.append(start + self._limit(verdict))
            return False
        self.adaptations.append(
            Adaptation(parameter=name, asked=asked, sent=sent, verdict=verdict, reason=why)
        )
        return True

    def _limit(self, verdict: Verdict) -> str:
        """Say what would be allowed, where the refusal is not plain loss."""
        if verdict == "dropped":
            return ""
        if self.fidelity == "strict":
            return f"; fidelity strict does not allow it to be {verdict}"
        return f"; only fidelity lenient allows it to be {verdict}"

    def drop(self, name: str, why: str) -> None:
        """Leave a parameter out."""
        self.adapt(name, shown(self.get(name)), None, "dropped", why)
        self.changes[name] = None


def shown(value: object) -> JsonValue:
    """Return a parameter's value as a report shows it."""
    if isinstance(value, Image):
        return repr(value)
    if isinstance(value, Frozen):
        return cast("JsonValue", value.model_dump(mode="json", exclude_none=True))
    return cast("JsonValue", value)


def _named(name: str, value: JsonValue) -> str:
    """Name a parameter and its value; what people wrote themselves stays out of logs."""
    if value is None or name in {"prompt", "negative_prompt"}:
        return name
    text = str(value)
    return f"{name} {text if len(text) <= 60 else f'{text[:57]}...'}"
