"""One request in several calls, where a model makes fewer pictures at once than are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .errors import AuthenticationFailed, PinxitError, QuotaExceeded, RequestError
from .hookspecs import Call
from .types import ImagesResponse, Request, add_usage

__all__ = ["is_hopeless", "merge", "split"]


def split(call: Call) -> list[Call]:
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
        # Under one key a provider may answer the second part with the pictures of the first.
        context = replace(call.context, idempotency_key=f"{call.context.idempotency_key}-{place}")
        calls.append(replace(call, request=request, context=context))
    return calls


def merge(
    ended: Sequence[ImagesResponse | BaseException],
) -> tuple[ImagesResponse, PinxitError | None]:
    """Put the answers of several calls together; what was paid for is never thrown away.

    Returns:
        The answer, and why it has fewer pictures than asked, if it has.

    Raises:
        PinxitError: There is no answer at all.
    """
    answers = [answer for answer in ended if isinstance(answer, ImagesResponse)]
    errors: list[PinxitError] = []
    for end in ended:
        if isinstance(end, PinxitError):
            errors.append(end)
        # A bug of ours or a cancellation is not the outcome of a part.
        elif isinstance(end, BaseException):
            raise end
    # What one part was refused for must not be taken elsewhere because another one failed.
    errors.sort(key=lambda error: not isinstance(error, RequestError))
    if not answers:
        raise errors[0]
    usage = None
    if all(answer.usage for answer in answers):
        usage = add_usage([answer.usage for answer in answers if answer.usage])
    costs = [answer.cost for answer in answers]
    changes = {
        "data": tuple(image for answer in answers for image in answer.data),
        "usage": usage,
        # A sum without the unknown part would pass for the price of all.
        "cost": None if None in costs else sum(cost for cost in costs if cost is not None),
    }
    return answers[0].model_copy(update=changes), errors[0] if errors else None


def is_hopeless(error: PinxitError) -> bool:
    """Whether the other parts of a fanned-out request would end in the same way."""
    if isinstance(error, RequestError):
        # A refusal that is billed is one of a finished result; the next one may pass.
        return error.billing == "unbilled"
    return isinstance(error, AuthenticationFailed | QuotaExceeded)
