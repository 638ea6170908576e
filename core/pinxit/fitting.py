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
from .errors import RequestError
from .inputs import fit_images, fit_mask
from .options import Fidelity
from .report import Adaptation
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

    Raises:
        RequestError: *require* names something that is no parameter.
        InvalidImage: An input picture is none; another model would not help.
    """
    _check_require(require)
    operation, request, emulated = _operation(request, model)
    capability = model.operations.get(operation)
    if capability is None:
        return _unable(operation, request, model)
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


def _check_require(require: tuple[str, ...]) -> None:
    if unknown := sorted(set(require) - CONTRACTS - HINTS):
        hints = ", ".join(sorted(HINTS))
        raise RequestError(
            f"require {unknown[0]!r}: is no parameter that can be required; there are {hints}",
            param="require",
        )


def _unable(operation: Operation, request: Request, model: Model) -> Fit:
    """Say that the model has no such operation."""
    does = ", ".join(model.operations)
    return Fit(
        operation=operation,
        request=request,
        calls=(),
        adaptations=(),
        delivery=Delivery(),
        reasons=(f"cannot {_VERBS[operation]}, it can {does}",),
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
    # Not validated again: every field comes from a valid request.
    return "edit", EditRequest.model_construct(prompt=VARIATION_PROMPT, **fields), True


def _fit_n(draft: Draft) -> None:
    n, most = draft.get("n"), draft.capability.max_n
    draft.calls = tuple(min(most, n - done) for done in range(0, n, most))
    # The first call stands for all in a plan; each gets its own number when it is sent.
    draft.changes["n"] = draft.calls[0]
    if len(draft.calls) > 1:
        why = f"the model makes {most} at once; {len(draft.calls)} calls"
        draft.adapt("n", n, draft.calls[0], "emulated", why)


def _fit_seed(draft: Draft) -> None:
    seed, known = draft.get("seed"), draft.capability.seed
    if seed is None:
        return
    if known is None:
        draft.drop("seed", "the model takes no seed")
        return
    # Each call has the seed after its predecessor's pictures, or all would be alike.
    last = max(known.min, known.max - sum(draft.calls[:-1]))
    # The same seed must always become the same other seed.
    sent = seed if known.min <= seed <= last else known.min + seed % (last - known.min + 1)
    draft.changes["seed"] = sent
    why: list[str] = []
    if sent != seed:
        why.append(f"the model takes {known.min} to {known.max}")
    if known.best_effort:
        why.append("the model treats it as a wish")
    if len(draft.calls) > 1:
        why.append("each call has the next one")
    if why:
        draft.adapt("seed", seed, sent, "mapped", "; ".join(why))


def _fit_stream(draft: Draft) -> None:
    cap, partial = draft.capability, draft.get("partial_images")
    if draft.get("stream") and not cap.streaming:
        draft.changes["stream"] = False
        why = "the model does not stream; one event, when the picture is done"
        draft.adapt("stream", True, False, "emulated", why)
    if not partial:
        # 0 asks for none, which needs no word to a model that has none.
        draft.changes["partial_images"] = partial if draft.get("stream") else None
    elif not draft.get("stream"):
        draft.drop("partial_images", "nothing is streamed")
    elif not cap.partial_images:
        draft.drop("partial_images", "the model sends none")
    elif partial > cap.partial_images:
        sent = cap.partial_images
        draft.adapt("partial_images", partial, sent, "approximated", f"the model sends {sent}")
        draft.changes["partial_images"] = sent


def _fit_frames(draft: Draft) -> None:
    count, frames = draft.get("frame_count"), draft.capability.frames
    if frames is None:
        for name in ("frame_count", "frame_duration_ms"):
            if draft.get(name) is not None:
                draft.drop(name, "the model makes no animations")
    elif count is not None and not frames[0] <= count <= frames[1]:
        sent = min(max(count, frames[0]), frames[1])
        why = f"the model makes {frames[0]} to {frames[1]}"
        draft.adapt("frame_count", count, sent, "approximated", why)
        draft.changes["frame_count"] = sent
    if draft.get("svg") is not None and not draft.capability.svg:
        draft.drop("svg", "the model makes no SVG")


def _fit_extra(draft: Draft) -> None:
    mine: Mapping[str, JsonValue] = draft.request.extra.get(draft.provider, {})
    known = draft.capability.extra
    unknown = [] if known is None else [name for name in mine if name not in known]
    if unknown:
        takes = f"the model takes {', '.join(known or ()) or 'none'}"
        names = ", ".join(f"{draft.provider}.{name}" for name in unknown)
        # The values may be anything, secrets too.
        draft.adapt("extra", names, None, "dropped", takes)
    # What was meant for other providers stays here.
    kept = {name: value for name, value in mine.items() if name not in unknown}
    draft.changes["extra"] = {draft.provider: kept} if kept else {}


# The order counts: style and negative prompt add to the prompt before it is measured, seeds depend
# on how many calls there are, and a mask can be guarded only where the size is known.
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
