"""How a request wants to be routed: defaults, limits, and whose word counts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from pinxit import Cache, Fallback, GenerateRequest, Hedge, LoadBalancer, RequestError, Retry, Share
from pinxit.options import Identity, Options
from pinxit.types import build


def options(**fields: Any) -> Options:
    return Options.model_validate(fields)


def test_nothing_is_said_by_default() -> None:
    """An option that nobody gave is None, so that a weaker source can give it."""
    assert set(options().model_dump().values()) == {None}


def test_retry_has_the_api_defaults() -> None:
    """Retrying without more words means three further attempts after a 429."""
    assert Retry() == Retry(count=3, on_codes=(429,))


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 0},
        {"count": 6},
        {"count": "many"},
        {"on_codes": []},
        {"on_codes": [99]},
        {"on_codes": [600]},
        {"tries": 2},
    ],
)
def test_a_retry_beyond_the_limits_is_refused(fields: dict[str, Any]) -> None:
    """Counts are 1 to 5, codes are statuses, and at least one is listed."""
    with pytest.raises(ValidationError):
        Retry.model_validate(fields)


@pytest.mark.parametrize("count", [1, 5])
def test_a_retry_at_the_limits_is_taken(count: int) -> None:
    """Both ends belong to the range."""
    assert Retry.model_validate({"count": count}).count == count


def test_a_fallback_may_be_a_name_or_an_object() -> None:
    """A plain name stands for a model without parameters of its own."""
    said = options(fallbacks=["a/b", {"model": "c/d", "parameters": {"quality": "low"}}])
    assert said.fallbacks == (
        Fallback(model="a/b"),
        Fallback(model="c/d", parameters={"quality": "low"}),
    )


@pytest.mark.parametrize("fallback", ["", "  ", 7, {"parameters": {}}, {"model": "a/b", "n": 2}])
def test_a_fallback_that_is_none_is_refused(fallback: object) -> None:
    """A fallback has a model, and nothing besides its parameters."""
    with pytest.raises(ValidationError):
        options(fallbacks=[fallback])


def test_fallback_codes_are_upstream_failures() -> None:
    """Only statuses of failures lead to another model, each listed once; none is the default."""
    assert options(fallback_on_codes=[500, 403]).fallback_on_codes == (500, 403)
    assert options(fallback_on_codes=[]).fallback_on_codes is None
    for wrong in ([200], [600], [500, 500], [500] * 21):
        with pytest.raises(ValidationError):
            options(fallback_on_codes=wrong)


def test_fallback_codes_listed_twice_are_told_in_words() -> None:
    """The sentence says what is wrong with the list."""
    with pytest.raises(ValidationError, match="lists a status twice"):
        options(fallback_on_codes=[500, 500])


@pytest.mark.parametrize("weight", [0, 1.1, -1, "heavy"])
def test_weights_are_shares(weight: object) -> None:
    """A weight is more than nothing and at most everything."""
    with pytest.raises(ValidationError):
        Share.model_validate({"model": "a/b", "weight": weight})


def test_a_load_balancer_names_models() -> None:
    """A share without a weight has the API's default, and at least one model is named."""
    balancer = LoadBalancer.model_validate({"models": [{"model": "a/b"}]})
    assert balancer.models[0].weight == 0.5
    assert balancer.type == "weight_based"
    with pytest.raises(ValidationError):
        LoadBalancer(models=())


@pytest.mark.parametrize("ttl", [0, 259_201])
def test_a_cache_keeps_for_three_days_at_most(ttl: int) -> None:
    """The time to live is one second to three days, half an hour by default."""
    assert Cache().ttl == 1800
    with pytest.raises(ValidationError):
        Cache(ttl=ttl)


def test_a_hedge_waits_and_may_have_a_limit() -> None:
    """The second candidate starts after a while, never at once."""
    assert Hedge(after=2).max_cost is None
    with pytest.raises(ValidationError):
        Hedge(after=0)
    with pytest.raises(ValidationError):
        Hedge(after=1, max_cost=Decimal(-1))


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(30, 30.0), (0.5, 0.5), ({"call_timeout": 2500}, 2.5), ({"call_timeout": "2500"}, 2.5)],
)
def test_a_timeout_is_seconds_or_the_api_milliseconds(given: object, seconds: float) -> None:
    """A number is seconds; the HTTP API's object is milliseconds."""
    assert options(timeout=given).timeout == seconds


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (0, "greater than 0"),
        (86_401, "less than or equal"),
        ({}, "one field, call_timeout"),
        ({"call_timeout": 1, "other": 2}, "one field, call_timeout"),
        ({"call_timeout": "soon"}, "call_timeout is not a number of milliseconds"),
        ({"call_timeout": None}, "call_timeout is not a number"),
        ({"call_timeout": 0}, "greater than 0"),
        (float("nan"), "greater than 0"),
    ],
)
def test_a_timeout_that_is_none_is_refused(given: object, says: str) -> None:
    """What is not a time is named as what it is."""
    with pytest.raises(ValidationError, match=says):
        options(timeout=given)


@pytest.mark.parametrize(
    "fields",
    [
        {"deadline": 0},
        {"deadline": 86_401},
        {"fidelity": "exact"},
        {"max_cost": -1},
        {"max_cost": "cheap"},
        {"on_refusal": "retry"},
        {"on_retired": "ignore"},
        {"order": ""},
        {"order": "x" * 257},
        {"strip_metadata": "maybe"},
        {"needs": "mask"},
        {"speed": "fast"},
    ],
)
def test_options_beyond_the_vocabulary_are_refused(fields: dict[str, Any]) -> None:
    """An option has its words and its range."""
    with pytest.raises(ValidationError):
        options(**fields)


def test_the_stronger_word_counts() -> None:
    """What one source says wins; what it leaves open is taken from the other."""
    strong = options(timeout=5, fidelity="strict", max_cost="0.10")
    weak = options(timeout=9, retry={"count": 2}, strip_metadata=False)
    both = strong.over(weak)
    assert both == options(
        timeout=5, fidelity="strict", max_cost="0.10", retry={"count": 2}, strip_metadata=False
    )


def test_false_is_a_word() -> None:
    """An option that is switched off is not one that is left open."""
    said = options(strip_metadata=False).over(options(strip_metadata=True))
    assert said.strip_metadata is False


def test_a_subclass_says_only_its_options() -> None:
    """A request over a route gives options, not a request."""

    class Wish(Options):
        wish: str = "a pony"

    assert type(Wish(timeout=1).over(options())) is Options


def test_money_is_exact() -> None:
    """A limit is not rounded on its way."""
    assert options(max_cost="0.1").max_cost == Decimal("0.1")
    assert options(max_cost=0.1).max_cost == Decimal("0.1")


def test_names_lose_blanks_at_their_ends() -> None:
    """A name from a form is the name."""
    assert options(order=" cheapest ").order == "cheapest"


def test_an_identity_needs_an_id() -> None:
    """Who a request is made for has an id; the rest is open."""
    who = Identity.model_validate({"id": "u1", "tags": ["beta"], "metadata": [{"plan": "pro"}]})
    assert who.tags == ("beta",)
    with pytest.raises(ValidationError):
        Identity.model_validate({"display_name": "somebody"})


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"fallbacks": ["s/a"] * 33}, "fallbacks"),
        ({"load_balancer": {"models": [{"model": "s/a"}] * 33}}, "load_balancer.models"),
        ({"require": ["quality"] * 33}, "require"),
        ({"needs": ["mask"] * 33}, "needs"),
        ({"retry": {"on_codes": [429] * 21}}, "retry.on_codes"),
        ({"fallback_on_codes": [429] * 21}, "fallback_on_codes"),
    ],
)
def test_lists_have_an_end(fields: dict[str, Any], name: str) -> None:
    """Every item costs work before anything is sent; the sentence has the field and both numbers."""
    with pytest.raises(RequestError, match=rf"^{name}: has \d+ items, \d+ are the most$") as caught:
        build(GenerateRequest, {"prompt": "p", **fields})
    assert caught.value.param == name


@pytest.mark.parametrize("count", [1, 32])
def test_lists_may_be_as_long_as_that(count: int) -> None:
    """Nobody who means it needs more."""
    options = Options.model_validate({"fallbacks": ["s/a"] * count, "needs": ["mask"] * count})
    assert len(options.fallbacks or ()) == len(options.needs or ()) == count
