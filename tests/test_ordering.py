"""Tests of `pinxit.ordering`."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit.candidates import Candidate
from pinxit.capabilities import Capability, Model
from pinxit.errors import ConfigError, RequestError
from pinxit.ordering import (
    Order,
    Traffic,
    built_in_orders,
    cheapest,
    fastest,
    find_order,
    least_busy,
    listed,
    weighted,
)
from pinxit.testing.clock import ManualClock
from pinxit.types import GenerateRequest


def candidate(name: str, estimate: str | None = None) -> Candidate:
    return Candidate(
        model=Model(id=f"acme/{name}", operations={"generate": Capability()}),
        operation="generate",
        request=GenerateRequest(prompt="a fox"),
        estimate=None if estimate is None else Decimal(estimate),
    )


def candidates(*names: str) -> list[Candidate]:
    return [candidate(name) for name in names]


def names(ordered: Sequence[Candidate]) -> str:
    return " ".join(c.model.name for c in ordered)


class Draw(random.Random):
    """A source whose next number is known."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self.value = value

    def random(self) -> float:
        return self.value


@pytest.fixture
def traffic(clock: ManualClock) -> Traffic:
    return Traffic(clock)


def test_listed_keeps_the_order() -> None:
    """The caller's order stays."""
    assert names(listed(candidates("b", "a", "c"))) == "b a c"


def test_cheapest() -> None:
    """Free comes first, an unknown price last, and equals stay as listed."""
    given = [
        candidate("unknown"),
        candidate("b", "0.04"),
        candidate("a", "0.04"),
        candidate("dear", "0.2"),
        candidate("free", "0"),
    ]
    assert names(cheapest(given)) == "free b a dear unknown"


def test_fastest_puts_the_quickest_first(traffic: Traffic) -> None:
    """Known models come by latency; unknown ones behind them, as listed."""
    traffic.observe("acme/slow", 20)
    traffic.observe("acme/quick", 2)
    given = candidates("new", "slow", "quick", "newer")
    assert names(fastest(given, traffic=traffic, random=Draw(0.99))) == "quick slow new newer"


def test_fastest_without_experience_is_listed(traffic: Traffic) -> None:
    """Where nobody knows anything the list decides, whatever the dice say."""
    given = candidates("b", "a")
    assert names(fastest(given, traffic=traffic, random=Draw(0.0))) == "b a"


def test_fastest_explores(traffic: Traffic) -> None:
    """One time in ten a model of unknown speed goes first; the rest keep their order."""
    traffic.observe("acme/quick", 2)
    traffic.observe("acme/slow", 20)
    given = candidates("slow", "new", "quick")
    assert names(fastest(given, traffic=traffic, random=Draw(0.05))) == "new quick slow"
    source = random.Random(7)
    firsts = Counter(names(fastest(given, traffic=traffic, random=source)[:1]) for _ in range(1000))
    assert set(firsts) == {"new", "quick"}
    assert 60 < firsts["new"] < 140


def test_latency_is_a_moving_average(traffic: Traffic) -> None:
    """A single slow answer moves the average by less than a third."""
    traffic.observe("acme/a", 10)
    traffic.observe("acme/a", 20)
    assert traffic.latency("acme/a") == pytest.approx(13)


def test_old_latency_decays(traffic: Traffic, clock: ManualClock) -> None:
    """A model that was slow long ago is tried again before the one that is known to be middling."""
    traffic.observe("acme/once-slow", 30)
    clock.advance(900)
    traffic.observe("acme/middling", 5)
    assert traffic.latency("acme/once-slow") == pytest.approx(30 / 8)
    given = candidates("middling", "once-slow")
    assert names(fastest(given, traffic=traffic, random=Draw(1))) == "once-slow middling"


def test_least_busy(traffic: Traffic) -> None:
    """The idle model goes first; equals stay as listed."""
    with traffic.busy("acme/a"), traffic.busy("acme/a"), traffic.busy("acme/b"):
        assert names(least_busy(candidates("a", "b", "d", "c"), traffic=traffic)) == "d c b a"
    assert names(least_busy(candidates("a", "b"), traffic=traffic)) == "a b"


def test_busy_learns_from_success(traffic: Traffic, clock: ManualClock) -> None:
    """A request counts while it runs, and its duration afterwards."""
    with traffic.busy("acme/a"):
        assert traffic.in_flight("acme/a") == 1
        clock.advance(7)
    assert traffic.in_flight("acme/a") == 0
    assert traffic.latency("acme/a") == pytest.approx(7)


def test_busy_ends_with_an_error(traffic: Traffic) -> None:
    """A failed request is no longer in flight, and a quick failure is no quick answer."""
    with pytest.raises(ValueError, match="boom"), traffic.busy("acme/a"):
        raise ValueError("boom")
    assert traffic.in_flight("acme/a") == 0
    assert traffic.latency("acme/a") is None


@pytest.mark.virtual_time
async def test_busy_ends_with_a_cancellation(traffic: Traffic) -> None:
    """A cancelled request is no longer in flight."""

    async def work() -> None:
        with traffic.busy("acme/a"):
            await asyncio.sleep(60)

    tasks = [asyncio.create_task(work()) for _ in range(3)]
    await asyncio.sleep(1)
    assert traffic.in_flight("acme/a") == 3
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert traffic.in_flight("acme/a") == 0


def test_traffic_is_bounded(clock: ManualClock) -> None:
    """Of too many models the one without news for longest is forgotten."""
    traffic = Traffic(clock, limit=2)
    for name in ("a", "b", "a", "c"):
        traffic.observe(name, 1)
    assert [traffic.latency(name) is None for name in "abc"] == [False, True, False]


def test_weights_are_honoured() -> None:
    """Of 200 requests each model is first in proportion to its weight, in any unit."""
    order = weighted({"acme/a": 0.4, "acme/b": 0.8}, random.Random(1))
    firsts = Counter(names(order(candidates("a", "b"))[:1]) for _ in range(200))
    assert firsts["a"] + firsts["b"] == 200
    assert 47 < firsts["a"] < 87


def test_smallest_weight_is_possible() -> None:
    """A weight of a thousandth is rarely drawn first, and never lost."""
    order = weighted({"acme/a": 0.001, "acme/b": 1}, random.Random(1))
    drawn = [names(order(candidates("a", "b"))) for _ in range(200)]
    assert drawn.count("b a") > 195
    assert set(drawn) <= {"a b", "b a"}


def test_weighted_rest_follows_by_weight() -> None:
    """Behind the drawn one come the heavier before the lighter, then the unweighted as listed."""
    order = weighted({"acme/a": 0.1, "acme/b": 0.5, "acme/c": 0.4}, Draw(0.0))
    assert names(order(candidates("z", "a", "c", "b", "y"))) == "a b c z y"


def test_weights_of_absent_models_do_not_matter() -> None:
    """Where a weighted model cannot serve, the others share its part; without any, the list decides."""
    order = weighted({"acme/a": 0.5, "acme/b": 0.5}, Draw(0.99))
    assert names(order(candidates("a"))) == "a"
    assert names(order(candidates("y", "x"))) == "y x"


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.randoms(use_true_random=False))
def test_orders_only_rearrange(chosen: list[str], source: random.Random) -> None:
    """No built-in order adds, loses or doubles a candidate."""
    traffic = Traffic(ManualClock())
    traffic.observe("acme/a", 3)
    orders: list[Order] = [
        *built_in_orders(traffic, source).values(),
        weighted({"acme/b": 0.2, "acme/c": 0.9}, source),
    ]
    given = candidates(*chosen)
    for order in orders:
        assert sorted(map(id, order(given))) == sorted(map(id, given))


def test_find_order(traffic: Traffic) -> None:
    """Built-in and registered orders are found by name."""
    registered: dict[str, Order] = {
        **built_in_orders(traffic, random.Random(1)),
        "backwards": lambda given: list(reversed(given)),
    }
    assert names(find_order("backwards", registered)(candidates("a", "b"))) == "b a"
    assert set(registered) == {"listed", "cheapest", "fastest", "least_busy", "backwards"}
    for name in registered:
        assert len(find_order(name, registered)(candidates("a", "b"))) == 2


def test_unknown_order_of_a_request(traffic: Traffic) -> None:
    """The caller learns the field, what there is, and what was probably meant."""
    orders = built_in_orders(traffic, random.Random(1))
    with pytest.raises(RequestError) as caught:
        find_order("fastst", orders)
    assert str(caught.value) == (
        "order: 'fastst' is none of cheapest, fastest, least_busy, listed; did you mean 'fastest'?"
    )
    assert caught.value.param == "order"


def test_unknown_order_of_the_configuration(traffic: Traffic) -> None:
    """The operator learns the place too."""
    orders = built_in_orders(traffic, random.Random(1))
    with pytest.raises(ConfigError, match=r"^\[routes.hero\]: order: 'zzz' is none of .*listed$"):
        find_order("zzz", orders, where="[routes.hero]")


BROKEN: dict[str, Order] = {
    "lost acme/a": lambda given: given[1:],
    "lost acme/a, acme/b": lambda given: [],
    "added acme/stranger": lambda given: [*given, candidate("stranger")],
    "returned a candidate twice": lambda given: [*given, given[0]],
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_order_is_named(what: str) -> None:
    """An order that adds or loses a candidate is an error with its name and the model's."""
    broken = find_order("odd", {"odd": BROKEN[what]})
    with pytest.raises(ConfigError) as caught:
        broken(candidates("a", "b"))
    assert str(caught.value) == f"the order 'odd' {what}; an order may only rearrange candidates"


def test_order_may_tell_equals_apart() -> None:
    """Two candidates for the same model and request are two."""
    twins = candidates("a", "a")
    assert find_order("listed", {"listed": listed})(twins) == twins
    with pytest.raises(ConfigError, match="lost acme/a"):
        find_order("odd", {"odd": lambda given: [given[0], given[0]]})(twins)
