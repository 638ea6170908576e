"""One request in several calls; see also the tests of attempts."""

from __future__ import annotations

import asyncio

import httpx
import pytest

import pinxit
from pinxit import Call, Context, ImagesResponse, Usage
from pinxit.candidates import Candidate
from pinxit.errors import ContentRejected, PinxitError, ProviderUnavailable
from pinxit.parts import is_hopeless, merge, split
from scripted import answer, model


def call(calls: tuple[int, ...], **fields: object) -> Call:
    request = pinxit.GenerateRequest.model_validate({"prompt": "x", "n": calls[0], **fields})
    candidate = Candidate(model=model("s/a"), operation="generate", request=request, calls=calls)
    context = Context(http=httpx.AsyncClient(), idempotency_key="key")
    return Call(request=request, candidate=candidate, context=context)


def test_one_call_stays_as_it_is() -> None:
    """The object itself, key and all."""
    one = call((3,))
    assert split(one) == [one]


def test_each_part_has_its_number_seed_and_key() -> None:
    """Seeds go on where the pictures of the part before end."""
    parts = split(call((4, 4, 2), seed=7))
    assert [part.request.n for part in parts] == [4, 4, 2]
    assert [part.request.seed for part in parts] == [7, 11, 15]
    assert [part.context.idempotency_key for part in parts] == ["key-0", "key-1", "key-2"]


def test_a_part_without_a_seed_gets_none() -> None:
    """The model draws for every call."""
    assert {part.request.seed for part in split(call((1, 1)))} == {None}


def test_answers_come_together_in_order() -> None:
    """Pictures, tokens and costs of all calls are those of the request."""
    first = answer(2, usage=Usage(output_tokens=5), cost="0.25")
    second = answer(1, usage=Usage(output_tokens=7), cost="0.5")
    whole, shortfall = merge([first, second])
    assert whole.data == (*first.data, *second.data)
    assert whole.usage is not None
    assert whole.usage.output_tokens == 12
    assert float(whole.cost or 0) == 0.75
    assert shortfall is None


def test_what_one_part_does_not_tell_nobody_can_add_up() -> None:
    """A sum of some of the tokens or costs would be wrong."""
    whole, _ = merge([answer(1, usage=Usage(output_tokens=5), cost="0.25"), answer(1)])
    assert (whole.usage, whole.cost) == (None, None)


DOWN = ProviderUnavailable("down", upstream_status=503)
REFUSED = ContentRejected("no", upstream_status=400)


def test_a_part_that_failed_is_the_shortfall() -> None:
    """What was painted is kept."""
    whole, shortfall = merge([answer(1), DOWN, answer(1)])
    assert len(whole.data) == 2
    assert shortfall is DOWN


ENDS: list[tuple[list[ImagesResponse | BaseException], BaseException]] = [
    ([DOWN, DOWN], DOWN),
    ([DOWN, REFUSED], REFUSED),
    ([REFUSED, DOWN], REFUSED),
    ([answer(1), asyncio.CancelledError()], asyncio.CancelledError()),
    ([DOWN, ZeroDivisionError()], ZeroDivisionError()),
]


@pytest.mark.parametrize(("ended", "error"), ENDS)
def test_without_pictures_one_error_speaks(
    ended: list[ImagesResponse | BaseException], error: BaseException
) -> None:
    """A refusal before a failure, and whatever is no error of ours before everything."""
    with pytest.raises(type(error)):
        merge(ended)


HOPELESS: list[tuple[PinxitError, bool]] = [
    (DOWN, False),
    (REFUSED, True),
    (ContentRejected("the result", billing="billed"), False),
    (pinxit.RateLimited("busy"), False),
    (pinxit.QuotaExceeded("spent"), True),
    (pinxit.AuthenticationFailed("no"), True),
    (pinxit.InvalidProviderResponse("?"), False),
]


@pytest.mark.parametrize(("error", "hopeless"), HOPELESS)
def test_some_errors_would_be_those_of_every_part(error: PinxitError, hopeless: bool) -> None:
    """A refused prompt, key or account is refused each time; the rest is chance."""
    assert is_hopeless(error) is hopeless
