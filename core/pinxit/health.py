"""Circuit breakers: leave a model alone that cannot answer, and notice when it can again.

There is one breaker per model and account, because a bad key or a spent quota is no other account's
trouble. It is *closed* while all is well, *open* when enough of the recent answers failed, and *half open*
when its cool-down is over: then a single request, the probe, finds out.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from .candidates import Candidate
from .capabilities import Model
from .errors import AuthenticationFailed, ProviderError, QuotaExceeded
from .hookspecs import Clock

__all__ = ["Circuit", "Health", "HealthStore", "MemoryStore", "State", "select"]

State = Literal["closed", "open", "half_open"]

SLICES = 10
"""The window is counted in so many parts, so that a busy model takes no more memory than an idle one."""
MAX_COOLDOWN = 600.0
"""Seconds; also the longest ``Retry-After`` that keeps a breaker open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """What is known about one model with one account. Moments are Unix seconds.

    Attributes:
        counts: Successes and failures per slice of the window: ``(slice, successes, failures)``.
        opened: When the breaker opened; ``None`` while it is closed.
        cooldown: Seconds that it stays open.
    """

    counts: tuple[tuple[int, int, int], ...] = ()
    opened: float | None = None
    cooldown: float = 0.0


class HealthStore(Protocol):
    """Where circuits are kept. Its methods must be quick: they run on the event loop.

    A store that several processes share keeps copies here and exchanges them in the background.
    """

    def read(self, key: str) -> Circuit | None:
        """Return a circuit, or ``None`` where nothing is known."""
        ...

    def write(self, key: str, circuit: Circuit) -> None:
        """Keep a circuit in place of the last one."""
        ...

    def claim(self, key: str, now: float, until: float) -> bool:
        """Take the key's single probe, at latest until then; ``False`` if somebody has it."""
        ...

    def release(self, key: str) -> None:
        """Give the probe back, or do nothing where nobody has it."""
        ...


class MemoryStore:
    """Circuits of this process; of more than *limit*, the one that was written longest ago is forgotten."""

    def __init__(self, limit: int = 1_000) -> None:
        self._limit = limit
        self._circuits = OrderedDict[str, Circuit]()
        self._probes: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._circuits)

    def read(self, key: str) -> Circuit | None:
        """Return a circuit, or ``None`` where nothing is known."""
        return self._circuits.get(key)

    def write(self, key: str, circuit: Circuit) -> None:
        """Keep a circuit in place of the last one."""
        self._circuits[key] = circuit
        self._circuits.move_to_end(key)
        while len(self._circuits) > self._limit:
            forgotten, _ = self._circuits.popitem(last=False)
            self._probes.pop(forgotten, None)

    def claim(self, key: str, now: float, until: float) -> bool:
        """Take the key's single probe, at latest until then; ``False`` if somebody has it."""
        if self._probes.get(key, now) > now:
            return False
        self._probes[key] = until
        return True

    def release(self, key: str) -> None:
        """Give the probe back, or do nothing where nobody has it."""
        self._probes.pop(key, None)


class Health:
    """All breakers of a router.

    What counts is the provider's failure alone: a `ProviderError`. A request that the caller has to change,
    a refusal, a cancellation and an exception that is no error of ours say nothing about the model. A
    refused credential and a spent quota open the breaker at once. `RateLimited` counts like any failure;
    its ``Retry-After`` does not open the breaker, because the next minute may have room for a small
    request, but once the ratio has opened it, it stays open for at least that long.

    Args:
        clock: The time.
        threshold: The part of failures that opens a breaker, above 0 and at most 1.
        minimum: Answers in the window before the ratio means anything.
        window: Seconds that an answer counts.
        cooldown: Seconds that a breaker stays open at first; each failed probe doubles them, up to
            `MAX_COOLDOWN`.
        lease: Seconds after which a probe that never reported is given up.
        store: Where circuits are kept.
        salt: Mixed into keys. Processes that share a store need the same one.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        threshold: float = 0.5,
        minimum: int = 5,
        window: float = 60.0,
        cooldown: float = 30.0,
        lease: float = 300.0,
        store: HealthStore | None = None,
        salt: bytes | None = None,
    ) -> None:
        self._clock = clock
        self._threshold = threshold
        self._minimum = minimum
        self._slice = window / SLICES
        self._cooldown = min(cooldown, MAX_COOLDOWN)
        self._lease = lease
        self._store: HealthStore = MemoryStore() if store is None else store
        # Hashed, because a caller's own salt may be longer than a key of BLAKE2 can be.
        self._salt = hashlib.sha256(os.urandom(16) if salt is None else salt).digest()

    def key(self, model: Model, settings: Mapping[str, Any]) -> str:
        """Name the breaker of a model as one account reaches it.

        The plugin's settings, credentials among them, go in as a keyed hash and cannot be read back.
        """
        account = repr(sorted((name, repr(value)) for name, value in settings.items()))
        digest = hashlib.blake2b(account.encode(), key=self._salt, digest_size=8)
        return f"{model.id}#{digest.hexdigest()}"

    def state(self, key: str) -> State:
        """Say how a breaker stands; takes no probe."""
        circuit = self._store.read(key)
        if circuit is None or circuit.opened is None:
            return "closed"
        return "open" if self.wait(key) > 0 else "half_open"

    def wait(self, key: str) -> float:
        """Return the seconds until a probe may pass; 0 where none is needed or one may pass now."""
        circuit = self._store.read(key)
        if circuit is None or circuit.opened is None:
            return 0.0
        elapsed = self._now() - circuit.opened
        # Negative where the system clock was set back, which must not keep a model out for a day.
        return 0.0 if elapsed < 0 else max(0.0, circuit.cooldown - elapsed)

    def allows(self, key: str) -> bool:
        """Say whether a request may go to the model now; call it just before sending.

        Half open, the first to ask becomes the probe and everybody else is told no, until `watch`,
        `record` or `release` has ended it or the lease has run out.
        """
        match self.state(key):
            case "closed":
                return True
            case "open":
                return False
            case "half_open":
                now = self._now()
                return self._store.claim(key, now, now + self._lease)

    def release(self, key: str) -> None:
        """Give back the permission of `allows` without having used it."""
        self._store.release(key)

    @contextmanager
    def watch(self, key: str) -> Generator[None]:
        """Record how the block ends; wrap it around one request that `allows` let pass."""
        started = self._now()

        def note(_: object, error: BaseException | None, __: object) -> None:
            self.record(key, error, started=started)

        with ExitStack() as end:
            # Cancellations count as ends too: a cancelled probe has to make room for the next one.
            end.push(note)
            yield

    def record(
        self, key: str, outcome: BaseException | None, *, started: float | None = None
    ) -> None:
        """Note how a request ended.

        Args:
            key: Whose request it was.
            outcome: What it raised, or ``None`` for success.
            started: When it began, in Unix seconds: what began before the breaker opened says nothing
                about the model's recovery.
        """
        circuit = self._store.read(key) or Circuit()
        if circuit.opened is not None and started is not None and started < circuit.opened:
            return
        # Before the outcome is judged: one that says nothing must not keep others from probing.
        self._store.release(key)
        # The caller's mistakes, refusals and a plugin's bugs say nothing about the provider.
        if outcome is not None and not (isinstance(outcome, ProviderError) and outcome.ejects):
            return
        if circuit.opened is not None:
            self._judge_probe(key, circuit, outcome)
            return
        circuit = self._counted(circuit, failed=outcome is not None)
        if outcome is not None and (_is_final(outcome) or self._too_many(circuit)):
            circuit = self._opened(self._cooldown, outcome)
        self._store.write(key, circuit)

    def _judge_probe(self, key: str, circuit: Circuit, outcome: ProviderError | None) -> None:
        if self.state(key) == "open":
            # Requests that were sent all the same, to the last candidate, neither close nor prolong it.
            return
        # An empty circuit, or what failed before the outage would open it again at once.
        self._store.write(
            key, Circuit() if outcome is None else self._opened(circuit.cooldown * 2, outcome)
        )

    def _opened(self, cooldown: float, outcome: ProviderError) -> Circuit:
        asked = outcome.retry_after or 0.0
        return Circuit(opened=self._now(), cooldown=min(max(cooldown, asked), MAX_COOLDOWN))

    def _counted(self, circuit: Circuit, *, failed: bool) -> Circuit:
        current = int(self._now() // self._slice)
        # A clock that was set back leaves slices from the future, which go too.
        recent = {at: (good, bad) for at, good, bad in circuit.counts if 0 <= current - at < SLICES}
        good, bad = recent.get(current, (0, 0))
        recent[current] = (good, bad + 1) if failed else (good + 1, bad)
        return replace(circuit, counts=tuple((at, *both) for at, both in recent.items()))

    def _too_many(self, circuit: Circuit) -> bool:
        failures = sum(bad for _, _, bad in circuit.counts)
        total = failures + sum(good for _, good, _ in circuit.counts)
        return total >= self._minimum and failures >= self._threshold * total

    def _now(self) -> float:
        # Not monotonic seconds: they mean nothing to another process that shares the store.
        return self._clock.now().timestamp()


def _is_final(outcome: ProviderError) -> bool:
    """Whether the next request is bound to end in the same way."""
    return isinstance(outcome, AuthenticationFailed | QuotaExceeded)


def select(
    candidates: Iterable[Candidate], health: Health, key: Callable[[Candidate], str]
) -> Iterator[Candidate]:
    """Yield, one by one as they are needed, the candidates whose breakers let a request pass.

    A candidate may have become the probe of its model when it is yielded: try it under
    `Health.watch`, or `Health.release` it. Where every breaker says no, the one that opens again first is
    yielded all the same: a request is never left without anybody to ask.
    """
    skipped: list[Candidate] = []
    passed = False
    for candidate in candidates:
        if health.allows(key(candidate)):
            passed = True
            yield candidate
        else:
            skipped.append(candidate)
    if skipped and not passed:
        yield min(skipped, key=lambda candidate: health.wait(key(candidate)))
