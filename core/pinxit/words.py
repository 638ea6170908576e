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
    # The retired model's own words win: they are what its users mean.
    words = {**cap.style_words, **(draft.succession.style_words if draft.succession else {})}.get(
        style
    )
    prompt = _prompt_with(draft, words) if words else None
    if prompt is not None:
        if draft.adapt("style", style, words, "mapped", "said in the prompt"):
            draft.changes["prompt"] = prompt
        draft.changes["style"] = None
    elif words and draft.get("prompt") is not None:
        draft.drop("style", "the prompt has no room for its words")
    else:
        draft.drop("style", _offered("style", cap.styles))


def _prompt_with(draft: Draft, words: str) -> str | None:
    """Return the prompt with words behind it, or ``None`` where there is no prompt or no room."""
    prompt, limit = draft.get("prompt"), draft.capability.max_prompt
    if prompt is None:
        return None
    longer = f"{prompt}\n\n{words}"
    return longer if limit is None or len(longer) <= limit else None


def _offered(name: str, vocabulary: tuple[str, ...]) -> str:
    return (
        f"the model takes {', '.join(vocabulary)}" if vocabulary else f"the model takes no {name}"
    )


def fit_prompt(draft: Draft) -> None:
    """Hold the prompt against the model's limit."""
    prompt, limit = draft.get("prompt"), draft.capability.max_prompt
    if prompt is None or limit is None or len(prompt) <= limit:
        return
    draft.adapt(
        "prompt",
        f"{len(prompt)} characters",
        f"{limit} characters",
        "approximated",
        f"cut to the {limit} characters that the model takes",
        f"prompt has {len(prompt)} characters and the model takes {limit}",
    )
    draft.changes["prompt"] = prompt[:limit]


def fit_negative_prompt(draft: Draft) -> None:
    """Keep the negative prompt, or say it in words."""
    words = draft.get("negative_prompt")
    if words is None or draft.capability.negative_prompt:
        return
    why = "the model takes no negative prompt"
    prompt = _prompt_with(draft, f"Avoid: {words}")
    if prompt is None:
        draft.drop("negative_prompt", why)
        return
    # Models read what is named, even after "avoid", so this is no equivalent.
    if draft.adapt("negative_prompt", words, "words in the prompt", "approximated", why):
        draft.changes["prompt"] = prompt
    draft.changes["negative_prompt"] = None


def fit_quality(draft: Draft) -> None:
    """Find the model's word for a quality."""
    quality, cap = draft.get("quality"), draft.capability
    if quality is None or quality in cap.qualities:
        return
    draft.changes["quality"] = None
    if quality == "auto":
        return
    equivalents = {**cap.quality_map, **(draft.succession.quality if draft.succession else {})}
    if (equal := equivalents.get(quality)) in cap.qualities:
        if draft.adapt("quality", quality, equal, "mapped", f"the model's word for it is {equal}"):
            draft.changes["quality"] = equal
        return
    ranked = [name for name in cap.qualities if name in _QUALITY_RANK]
    if not ranked:
        draft.adapt("quality", quality, None, "dropped", _offered("quality", cap.qualities))
        return
    rank = _QUALITY_RANK[quality]
    near = min(ranked, key=lambda name: (abs(_QUALITY_RANK[name] - rank), _QUALITY_RANK[name]))
    # The model calls the same step by another name: that is a translation, not a loss.
    verdict: Verdict = "mapped" if _QUALITY_RANK[near] == rank else "approximated"
    if draft.adapt("quality", quality, near, verdict, _offered("quality", cap.qualities)):
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
        else:
            draft.drop(name, _offered(name, taken))

    return step
