"""Prompt policy: rules that a prompt must keep before anything is sent."""

import re
import unicodedata
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import pinxit

PLACE = "[middleware.prompt-policy]"
PromptRequest = pinxit.GenerateRequest | pinxit.EditRequest | pinxit.VariationRequest


@dataclass(frozen=True)
class Policy:
    """The settings, read once."""

    forbidden: tuple[re.Pattern[str], ...]
    rewrite: tuple[tuple[re.Pattern[str], str], ...]
    max_length: int
    message: str

    def allows(self, prompt: str) -> bool:
        """Whether a prompt keeps all rules."""
        # First, so that no pattern ever searches a novel.
        if len(prompt) > self.max_length:
            return False
        # People read full-width letters and ligatures as the plain ones.
        plain = unicodedata.normalize("NFKC", prompt)
        return not any(pattern.search(plain) for pattern in self.forbidden)

    def rewritten(self, prompt: str) -> str:
        """Return what a prompt says under the rules."""
        for pattern, instead in self.rewrite:
            prompt = pattern.sub(instead, prompt)
        return prompt


@pinxit.hookimpl
def register_settings() -> list[pinxit.Setting]:
    return [
        pinxit.Setting(name="words", default=(), help="Words that no prompt may hold."),
        pinxit.Setting(
            name="patterns", default=(), help="Regular expressions that none may match."
        ),
        pinxit.Setting(
            name="rewrite", default={}, help="Regular expressions, and what to say instead."
        ),
        pinxit.Setting(name="max_length", default=4000, help="Characters that a prompt may have."),
        pinxit.Setting(
            name="message",
            default="the prompt is against the rules of this house",
            help="What a refused caller is told.",
        ),
    ]


@pinxit.hookimpl
@asynccontextmanager
async def lifespan(settings: pinxit.Settings) -> AsyncGenerator[Policy]:
    yield read(settings)


@pinxit.hookimpl(tryfirst=True)
async def around_request(
    request: PromptRequest, context: pinxit.Context, request_next: pinxit.RequestNext
) -> pinxit.ImagesResponse:
    policy: Policy = context.state
    if isinstance(request, pinxit.VariationRequest):
        return await request_next(request)
    prompt = policy.rewritten(request.prompt)
    # Also what was rewritten: a rule must not write what another forbids.
    if not (policy.allows(request.prompt) and policy.allows(prompt)):
        raise pinxit.ContentRejected(policy.message, code="prompt_policy")
    if prompt == request.prompt:
        return await request_next(request)
    answer = await request_next(request.model_copy(update={"prompt": prompt}))
    notes = (*answer.report.notes, "the prompt was rewritten by the rules of the house")
    report = answer.report.model_copy(update={"notes": notes})
    return answer.model_copy(update={"report": report})


def read(settings: Mapping[str, object]) -> Policy:
    """Return the policy that the settings say.

    Raises:
        ConfigError: A setting is of the wrong kind, or a pattern is none.
    """
    words, patterns, rewrite = settings["words"], settings["patterns"], settings["rewrite"]
    length = settings["max_length"]
    if not isinstance(rewrite, Mapping):
        raise pinxit.ConfigError(f"{PLACE} rewrite: should be a table of patterns and words")
    if not isinstance(length, int) or isinstance(length, bool) or length < 1:
        raise pinxit.ConfigError(f"{PLACE} max_length: should be a whole number above 0")
    whole = (rf"(?<!\w){re.escape(word)}(?!\w)" for word in listed("words", words))
    return Policy(
        forbidden=tuple(
            compiled(name, text)
            for name, texts in (("words", whole), ("patterns", listed("patterns", patterns)))
            for text in texts
        ),
        rewrite=tuple(
            (compiled("rewrite", str(key)), str(instead))
            for key, instead in cast("Mapping[object, object]", rewrite).items()
        ),
        max_length=length,
        message=str(settings["message"]),
    )


def listed(name: str, value: object) -> list[str]:
    """Return a list of strings; one string alone would be a list of letters."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise pinxit.ConfigError(f"{PLACE} {name}: should be a list, such as ['gore']")
    return [str(item) for item in cast("Iterable[object]", value)]


def compiled(name: str, text: str) -> re.Pattern[str]:
    """Return a pattern that heeds no case."""
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise pinxit.ConfigError(f"{PLACE} {name}: {text!r} is no pattern: {error}") from None
