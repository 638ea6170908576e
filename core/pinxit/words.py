"""Fit the words of a request: prompt, style, quality and the other vocabularies."""

from __future__ import annotations

from collections.abc import Callable

from .draft import Draft
from .report import Verdict

__all__ = ["choice", "fit_negative_prompt", "fit_prompt", "fit_quality", "fit_style"]

_QUALITY_RANK = {"low": 0, "medium": 1, "standard": 1, "high": 2, "hd": 2, "xhigh": 3, "max": 4}


def fit_style(draft: Draft) -> None:
    """Keep the style, or say it in words."""
    style, cap = draft.get("style"), draft.capability
    if style is None or style in cap.styles:
        return
    words = {**cap.style_words, **(draft.succession.style_words if draft.succession else {})}.get(
        style
    )
    prompt = draft.get("prompt")
    if words and prompt is not None:
        if draft.adapt("style", style, words, "mapped", "said in the prompt"):
            draft.changes["prompt"] = f"{prompt}\n\n{words}"
        draft.changes["style"] = None
    else:
        draft.drop("style", "the model has no styles")


def fit_prompt(draft: Draft) -> None:
    """Hold the prompt against the model's limit."""
    prompt, limit = draft.get("prompt"), draft.capability.max_prompt
    if prompt is None or limit is None or len(prompt) <= limit:
        return
    refusal = f"prompt has {len(prompt)} characters, the model takes {limit}"
    draft.adapt(
        "prompt", f"{len(prompt)} characters", f"{limit} characters", "approximated", "cut", refusal
    )
    draft.changes["prompt"] = prompt[:limit]


def fit_negative_prompt(draft: Draft) -> None:
    """Keep the negative prompt, or say it in words."""
    words = draft.get("negative_prompt")
    if words is None or draft.capability.negative_prompt:
        return
    prompt, limit = draft.get("prompt"), draft.capability.max_prompt
    added = f"{prompt}\n\nAvoid: {words}"
    if prompt is None or (limit is not None and len(added) > limit):
        draft.drop("negative_prompt", "the model takes no negative prompt")
        return
    refusal = "the model takes no negative_prompt"
    if draft.adapt(
        "negative_prompt", words, "words in the prompt", "approximated", refusal, refusal
    ):
        draft.changes["prompt"] = added
    draft.changes["negative_prompt"] = None


def fit_quality(draft: Draft) -> None:
    """Find the model's word for a quality."""
    quality, cap = draft.get("quality"), draft.capability
    if quality is None or quality in cap.qualities:
        return
    if quality == "auto":
        draft.changes["quality"] = None
        return
    equivalents = {**cap.quality_map, **(draft.succession.quality if draft.succession else {})}
    if (equal := equivalents.get(quality)) in cap.qualities:
        if draft.adapt("quality", quality, equal, "mapped", "the model's word for it"):
            draft.changes["quality"] = equal
        return
    ranked = [name for name in cap.qualities if name in _QUALITY_RANK]
    if not ranked:
        draft.drop("quality", "the model has no choice of quality")
        return
    rank = _QUALITY_RANK[quality]
    near = min(ranked, key=lambda name: (abs(_QUALITY_RANK[name] - rank), _QUALITY_RANK[name]))
    # The model calls the same step by another name: that is a translation, not a loss.
    verdict: Verdict = "mapped" if _QUALITY_RANK[near] == rank else "approximated"
    if draft.adapt("quality", quality, near, verdict, f"the model has {', '.join(cap.qualities)}"):
        draft.changes["quality"] = near


def choice(name: str, vocabulary: str) -> Callable[[Draft], None]:
    """Make the step for a hint that a model takes or does not."""

    def step(draft: Draft) -> None:
        value = draft.get(name)
        taken = getattr(draft.capability, vocabulary)
        if value is None or value in taken:
            return
        if value == "auto":
            draft.changes[name] = None
        elif taken:
            draft.drop(name, f"the model takes {', '.join(taken)}")
        else:
            draft.drop(name, f"the model takes no {name}")

    return step
