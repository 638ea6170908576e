"""Fit a request to a model before anything is sent.

Every parameter ends as one of five verdicts: kept, mapped, emulated, approximated, dropped. Whether a
verdict is allowed depends on the fidelity and on whether the parameter is a *contract* or a *hint*, which
its name alone decides (see `pinxit.draft`). Nothing here does I/O, and the same request and capability
always give the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from .canvas import fit_format, fit_response_format, fit_size
from .capabilities import Model, Succession
from .draft import CONTRACTS, HINTS, RECORDED, Delivery, Draft
from .inputs import fit_images, fit_mask
from .options import Fidelity
from .report import Adaptation, Verdict
from .types import EditRequest, Operation, Request, VariationRequest
from .words import choice, fit_negative_prompt, fit_prompt, fit_quality, fit_style

__all__ = ["CONTRACTS", "HINTS", "RECORDED", "Delivery", "Fit", "fit"]

VARIATION_PROMPT = (
    "Create a variation of this picture: keep its subject, style and colours, "
    "and vary composition and detail."
)
"""Stands in for a variation where a model only edits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A request as fitted to one model, or the reasons why it cannot be.

    Attributes:
        operation: The hook to call.
        request: What the hook gets, per call.
        calls: Pictures per call.
        adaptations: Every parameter that is not kept.
        delivery: What finishing must do.
        reasons: Sentences; where there are any, the rest means nothing.
    """

    operation: Operation
    request: Request
    calls: tuple[int, ...]
    adaptations: tuple[Adaptation, ...]
    delivery: Delivery
    reasons: tuple[str, ...] = ()


def fit(
    request: Request,
    model: Model,
    *,
    fidelity: Fidelity = "faithful",
    require: tuple[str, ...] = (),
    succession: Succession | None = None,
    response_format: Literal["b64_json", "url"] = "b64_json",
) -> Fit:
    """Fit a request to a model.

    Args:
        request: What the caller asked.
        model: Who shall paint it.
        fidelity: How far the request may be changed.
        require: Hints that count as contracts here.
        succession: How a retired model's own words translate, where this model stands in for it.
        response_format: How results are delivered when the request does not say.
    """
    operation, request, emulated = _operation(request, model)
    capability = model.operations.get(operation)
    if capability is None:
        does = ", ".join(model.operations)
        return Fit(
            operation=operation,
            request=request,
            calls=(),
            adaptations=(),
            delivery=Delivery(),
            reasons=(f"cannot {_VERBS[operation]}, it can {does}",),
        )
    draft = Draft(request, capability, model.provider, fidelity, frozenset(require), succession)
    if emulated:
        draft.adapt(
            "operation", "variation", "edit", "emulated", "the model edits but does not vary"
        )
    for step in _STEPS:
        step(draft)
    fit_response_format(draft, response_format)
    return Fit(
        operation=operation,
        request=draft.fitted(),
        calls=draft.calls,
        adaptations=tuple(draft.adaptations),
        delivery=Delivery(**draft.delivery),
        reasons=tuple(draft.reasons),
    )


_VERBS: dict[Operation, str] = {
    "generate": "generate",
    "edit": "edit",
    "variation": "make variations",
}


def _operation(request: Request, model: Model) -> tuple[Operation, Request, bool]:
    """Let an edit stand in for a variation where the model has no other way."""
    if not isinstance(request, VariationRequest) or "variation" in model.operations:
        return request.operation, request, False
    if "edit" not in model.operations:
        return "variation", request, False
    fields = {name: getattr(request, name) for name in VariationRequest.model_fields}
    return "edit", EditRequest.model_construct(prompt=VARIATION_PROMPT, **fields), True


def _fit_n(draft: Draft) -> None:
    n, most = draft.get("n"), draft.capability.max_n
    draft.calls = tuple(min(most, n - done) for done in range(0, n, most))
    draft.changes["n"] = draft.calls[0]
    if len(draft.calls) > 1:
        draft.adapt(
            "n", n, draft.calls[0], "emulated", f"{len(draft.calls)} calls of up to {most}",
            f"n={n} is more than {most}, the most that the model makes at once",
        )  # fmt: skip


def _fit_seed(draft: Draft) -> None:
    seed, known = draft.get("seed"), draft.capability.seed
    if seed is None:
        return
    if known is None:
        draft.drop("seed", "the model takes no seed")
        return
    sent = seed
    if not known.min <= seed <= known.max:
        # The same seed must always become the same other seed.
        sent = known.min + seed % (known.max - known.min + 1)
        draft.adapt("seed", seed, sent, "mapped", f"the model takes {known.min} to {known.max}")
    elif known.best_effort:
        draft.adapt("seed", seed, seed, "mapped", "the model treats it as a wish")
    if len(draft.calls) > 1:
        draft.adapt(
            "seed", seed, f"{sent}, {sent + 1}...", "mapped", "one per call, or all would be alike"
        )
    draft.changes["seed"] = sent


def _fit_stream(draft: Draft) -> None:
    cap, partial = draft.capability, draft.get("partial_images")
    if draft.get("stream") and not cap.streaming:
        draft.changes["stream"] = False
        draft.adapt("stream", True, False, "emulated", "one event, when the picture is done")
    if partial and not draft.get("stream"):
        draft.drop("partial_images", "nothing is streamed")
    elif partial and partial > cap.partial_images:
        verdict: Verdict = "approximated" if cap.partial_images else "dropped"
        sent = cap.partial_images or None
        draft.adapt(
            "partial_images", partial, sent, verdict, f"the model sends {cap.partial_images}"
        )
        draft.changes["partial_images"] = sent


def _fit_frames(draft: Draft) -> None:
    count, frames = draft.get("frame_count"), draft.capability.frames
    if frames is None:
        for name in ("frame_count", "frame_duration_ms"):
            if draft.get(name) is not None:
                draft.drop(name, "the model makes no animations")
    elif count is not None and not frames[0] <= count <= frames[1]:
        sent = min(max(count, frames[0]), frames[1])
        draft.adapt(
            "frame_count", count, sent, "approximated", f"{frames[0]} to {frames[1]} frames"
        )
        draft.changes["frame_count"] = sent
    if draft.get("svg") is not None and not draft.capability.svg:
        draft.drop("svg", "the model makes no SVG")


def _fit_extra(draft: Draft) -> None:
    mine: Mapping[str, JsonValue] = draft.request.extra.get(draft.provider, {})
    known = draft.capability.extra
    unknown = [] if known is None else [name for name in mine if name not in known]
    for name in unknown:
        takes = ", ".join(known or ()) or "none"
        refusal = f"extra.{draft.provider}.{name} is no option of the model; it takes {takes}"
        draft.adapt("extra", {name: mine[name]}, None, "dropped", "no option of the model", refusal)
    kept = {name: value for name, value in mine.items() if name not in unknown}
    draft.changes["extra"] = {draft.provider: kept} if kept else {}


_STEPS = (
    fit_style,
    fit_negative_prompt,
    fit_prompt,
    fit_quality,
    choice("moderation", "moderations"),
    choice("complexity", "complexities"),
    choice("input_fidelity", "input_fidelities"),
    fit_size,
    fit_format,
    _fit_n,
    _fit_seed,
    _fit_stream,
    _fit_frames,
    fit_images,
    fit_mask,
    _fit_extra,
)
