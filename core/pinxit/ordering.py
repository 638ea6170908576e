"""The order in which candidates are tried: as listed, by price, speed, load, weight, or a plugin's."""

from __future__ import annotations

import difflib
import math
import random
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial

from .candidates import Candidate
from .errors import ConfigError, RequestError
from .hookspecs import Clock, Order

__all__ = [
    "Order",
    "Traffic",
    "built_in_orders",
    "cheapest",
    "fastest",
    "find_order",
    "least_busy",
    "listed",
    "weighted",
]

EXPLORE = 0.1
"""How often `fastest` tries a model whose speed nobody knows."""


class Traffic:
    """What a router knows of its own traffic: requests in flight, and how long answers take, per model.

    A latency is a moving average in which the newest answer weighs 30 %. It loses half of its value per
    *half_life* without news, so that a model which was slow an hour ago is tried again.

    Args:
        clock: The time.
        half_life: Seconds.
        limit: Models to remember; the one without news for longest is forgotten.
    """

    def __init__(self, clock: Clock, *, half_life: float = 300.0, limit: int = 1_000) -> None:
        self._clock = clock
        self._half_life = half_life
        self._limit = limit
        self._in_flight: dict[str, int] = {}
        self._latencies = OrderedDict[str, tuple[float, float]]()

    @contextmanager
    def busy(self, model: str) -> Generator[None]:
        """Count a request as in flight while the block runs; if it succeeds, learn how long it took.

        A failure says nothing about the speed of good answers, however quick it was.
        """
        began = self._clock.monotonic()
        self._in_flight[model] = self._in_flight.get(model, 0) + 1
        try:
            yield
        finally:
            self._in_flight[model] -= 1
            # Callers may name any model of an open provider; the table must not grow with them.
            if not self._in_flight[model]:
                del self._in_flight[model]
        self.observe(model, self._clock.monotonic() - began)

    def in_flight(self, model: str) -> int:
        """Return how many requests the model is working on."""
        return self._in_flight.get(model, 0)

    def observe(self, model: str, seconds: float) -> None:
        """Note how long a good answer took."""
        known = self.latency(model)
        average = seconds if known is None else 0.7 * known + 0.3 * seconds
        self._latencies[model] = (average, self._clock.monotonic())
        self._latencies.move_to_end(model)
        while len(self._latencies) > self._limit:
            self._latencies.popitem(last=False)

    def latency(self, model: str) -> float | None:
        """Return the seconds that an answer is expected to take, or ``None`` where nobody knows."""
        if model not in self._latencies:
            return None
        average, since = self._latencies[model]
        age = self._clock.monotonic() - since
        return average * math.exp2(-age / self._half_life)


def listed(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Keep the order of the route or the request."""
    return candidates


def cheapest(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Put the lowest estimate first and unknown ones last; equals stay as listed."""
    return sorted(candidates, key=lambda c: (c.estimate is None, c.estimate or Decimal(0)))


def fastest(
    candidates: Sequence[Candidate],
    *,
    traffic: Traffic,
    random: random.Random,
    explore: float = EXPLORE,
) -> Sequence[Candidate]:
    """Put the quickest of late first, and models of unknown speed last; equals stay as listed.

    Now and then, with probability *explore*, one of unknown speed goes first, so that it becomes known.
    """
    speeds = [(traffic.latency(c.model.id), c) for c in candidates]
    known = [(speed, c) for speed, c in speeds if speed is not None]
    unknown = [c for speed, c in speeds if speed is None]
    ordered = [c for _, c in sorted(known, key=lambda pair: pair[0])] + unknown
    if known and unknown and random.random() < explore:
        chosen = random.choice(unknown)
        ordered = [chosen, *(c for c in ordered if c is not chosen)]
    return ordered


def least_busy(candidates: Sequence[Candidate], *, traffic: Traffic) -> Sequence[Candidate]:
    """Put the model with the fewest requests in flight first; equals stay as listed."""
    return sorted(candidates, key=lambda c: traffic.in_flight(c.model.id))


def weighted(weights: Mapping[str, float], random: random.Random) -> Order:
    """Return an order that spreads requests over models.

    The first candidate is drawn by weight; the other weighted ones follow, heaviest first, and then those
    without a weight, as listed.

    Args:
        weights: Weights above 0 per model id, in any unit.
        random: Where draws come from.
    """

    def order(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        shares = [c for c in candidates if c.model.id in weights]
        others = [c for c in candidates if c.model.id not in weights]
        # None of the weighted models may have been able to do what is asked.
        if not shares:
            return others
        first = random.choices(shares, [weights[c.model.id] for c in shares])[0]
        rest = [c for c in shares if c is not first]
        return [first, *sorted(rest, key=lambda c: -weights[c.model.id]), *others]

    return order


def built_in_orders(traffic: Traffic, random: random.Random) -> dict[str, Order]:
    """Return the orders that are always there, by name."""
    return {
        "listed": listed,
        "cheapest": cheapest,
        "fastest": partial(fastest, traffic=traffic, random=random),
        "least_busy": partial(least_busy, traffic=traffic),
    }


def find_order(name: str, registered: Mapping[str, Order], *, where: str | None = None) -> Order:
    """Return an order by name, made safe: it can neither add nor lose a candidate.

    Args:
        name: What the request or the route says.
        registered: All orders there are: the built-in ones and those of plugins.
        where: The place in the configuration that names the order; a request if not given.

    Raises:
        RequestError: A request names an order that does not exist.
        ConfigError: The configuration does; or, when the order is used, it adds or loses a candidate.
    """
    if name in registered:
        return _checked(name, registered[name])
    near = difflib.get_close_matches(name, registered, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    message = f"order: {name!r} is none of {', '.join(sorted(registered))}{hint}"
    if where is not None:
        raise ConfigError(f"{where}: {message}")
    raise RequestError(message, param="order")


def _checked(name: str, order: Order) -> Callable[[Sequence[Candidate]], Sequence[Candidate]]:
    def checked(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        ordered = list(order(candidates))
        # By identity: two candidates for one model may be equal, and are two all the same.
        if sorted(map(id, ordered)) != sorted(map(id, candidates)):
            raise ConfigError(_difference(name, candidates, ordered))
        return ordered

    return checked


def _difference(name: str, before: Sequence[Candidate], after: Sequence[Candidate]) -> str:
    lost = [c.model.id for c in before if not any(c is other for other in after)]
    if lost:
        return f"the order {name!r} lost {', '.join(lost)}; an order may only rearrange candidates"
    added = [c.model.id for c in after if not any(c is other for other in before)]
    what = f"added {', '.join(added)}" if added else "returned a candidate twice"
    return f"the order {name!r} {what}; an order may only rearrange candidates"
