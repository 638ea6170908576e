"""Tests of `pinxit.health`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from pinxit.candidates import Candidate
from pinxit.capabilities import Capability, Model
from pinxit.errors import (
    AuthenticationFailed,
    ConfigError,
    ContentRejected,
    InvalidProviderResponse,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
)
from pinxit.health import MAX_COOLDOWN, Circuit, Health, MemoryStore, select
from pinxit.testing.clock import ManualClock
from pinxit.types import GenerateRequest

KEY = "acme/one#1"
DOWN = ProviderUnavailable("down", upstream_status=503)


def model(name: str) -> Model:
    return Model(id=f"acme/{name}", operations={"generate": Capability()})


def candidates(*names: str) -> list[Candidate]:
    request = GenerateRequest(prompt="a fox")
    return [Candidate(model=model(n), operation="generate", request=request) for n in names]


def by_id(candidate: Candidate) -> str:
    return candidate.model.id


def names(chosen: Sequence[Candidate]) -> list[str]:
    return [candidate.model.name for candidate in chosen]


@pytest.fixture
def health(clock: ManualClock) -> Health:
    return Health(clock)


def fail(health: Health, times: int = 5, error: BaseException = DOWN, key: str = KEY) -> None:
    for _ in range(times):
        health.record(key, error)


def test_unknown_model_is_healthy(health: Health) -> None:
    """What nobody has tried may be tried, as often as one likes."""
    assert health.state(KEY) == "closed"
    assert health.allows(KEY)
    assert health.allows(KEY)


def test_opens_on_the_ratio(health: Health) -> None:
    """Half of ten answers failed: the breaker opens with the tenth."""
    for _ in range(5):
        health.record(KEY, None)
    fail(health, 4)
    assert health.state(KEY) == "closed"
    fail(health, 1)
    assert health.state(KEY) == "open"
    assert not health.allows(KEY)


def test_few_answers_mean_nothing(health: Health) -> None:
    """Four failures are below the minimum, the fifth opens."""
    fail(health, 4)
    assert health.allows(KEY)
    fail(health, 1)
    assert not health.allows(KEY)


def test_below_the_ratio_stays_closed(health: Health) -> None:
    """One failure in three is not one in two."""
    for _ in range(20):
        health.record(KEY, None)
        health.record(KEY, None)
        health.record(KEY, DOWN)
    assert health.state(KEY) == "closed"


def test_window_slides(health: Health, clock: ManualClock) -> None:
    """Failures older than the window are forgotten."""
    fail(health, 4)
    clock.advance(61)
    fail(health, 4)
    assert health.state(KEY) == "closed"


def test_window_spans_its_slices(health: Health, clock: ManualClock) -> None:
    """Failures spread over the window add up."""
    for _ in range(5):
        fail(health, 1)
        clock.advance(10)
    assert health.state(KEY) == "open"


@pytest.mark.parametrize("error", [AuthenticationFailed("bad key"), QuotaExceeded("no credit")])
def test_our_account_opens_at_once(health: Health, error: ProviderError) -> None:
    """A refused credential or a spent quota needs no second try."""
    health.record(KEY, error)
    assert health.state(KEY) == "open"


@pytest.mark.parametrize(
    "error",
    [
        DOWN,
        RateLimited("slow down"),
        ProviderTimeout("too slow"),
        InvalidProviderResponse("no picture"),
        ProviderError("odd"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_provider_failures_count(health: Health, error: ProviderError) -> None:
    """Whatever is the provider's failure counts."""
    fail(health, 5, error)
    assert health.state(KEY) == "open"


@pytest.mark.parametrize(
    "error",
    [
        RequestError("no such size"),
        ContentRejected("refused"),
        ConfigError("wrong"),
        ValueError("our own bug"),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_faults_of_others_never_count(health: Health, error: BaseException) -> None:
    """The caller's faults, our own bugs and cancellations neither open a breaker nor dilute its ratio."""
    fail(health, 100, error)
    assert health.state(KEY) == "closed"
    fail(health, 5)
    assert health.state(KEY) == "open"


def test_half_open_lets_one_probe_pass(health: Health, clock: ManualClock) -> None:
    """After the cool-down exactly one request passes until it has reported."""
    fail(health)
    clock.advance(29.9)
    assert not health.allows(KEY)
    clock.advance(0.2)
    assert health.state(KEY) == "half_open"
    assert [health.allows(KEY) for _ in range(3)] == [True, False, False]


def test_successful_probe_closes(health: Health, clock: ManualClock) -> None:
    """One good answer brings the model back, with a clean record."""
    fail(health)
    clock.advance(31)
    assert health.allows(KEY)
    health.record(KEY, None)
    assert health.state(KEY) == "closed"
    fail(health, 4)
    assert health.state(KEY) == "closed"


def test_failed_probe_reopens_for_longer(health: Health, clock: ManualClock) -> None:
    """Each failed probe doubles the cool-down, up to ten minutes."""
    fail(health)
    waits: list[float] = []
    for _ in range(7):
        waits.append(round(health.wait(KEY)))
        clock.advance(health.wait(KEY) + 0.001)
        assert health.allows(KEY)
        health.record(KEY, DOWN)
    assert waits == [30, 60, 120, 240, 480, 600, 600]


def test_recovery_starts_over(health: Health, clock: ManualClock) -> None:
    """After a recovery the first cool-down is the short one again."""
    fail(health)
    clock.advance(31)
    fail(health, 1)
    clock.advance(61)
    health.record(KEY, None)
    fail(health)
    assert health.wait(KEY) == pytest.approx(30)


@pytest.mark.parametrize(
    "error", [RequestError("bad size"), asyncio.CancelledError()], ids=["caller", "cancelled"]
)
def test_probe_without_a_verdict_makes_room(
    health: Health, clock: ManualClock, error: BaseException
) -> None:
    """A probe that ended by the caller's fault proves nothing: the next request is the probe."""
    fail(health)
    clock.advance(31)
    assert health.allows(KEY)
    health.record(KEY, error)
    assert health.state(KEY) == "half_open"
    assert [health.allows(KEY) for _ in range(2)] == [True, False]


def test_released_probe_makes_room(health: Health, clock: ManualClock) -> None:
    """A permission that was not used is given back."""
    fail(health)
    clock.advance(31)
    assert health.allows(KEY)
    health.release(KEY)
    assert health.allows(KEY)


def test_lost_probe_is_given_up(health: Health, clock: ManualClock) -> None:
    """A probe that never reports blocks the model for no longer than its lease."""
    fail(health)
    clock.advance(31)
    assert health.allows(KEY)
    clock.advance(299)
    assert not health.allows(KEY)
    clock.advance(2)
    assert health.allows(KEY)


def test_open_breaker_ignores_outcomes(health: Health, clock: ManualClock) -> None:
    """Requests that were sent all the same neither close an open breaker nor prolong it."""
    fail(health)
    clock.advance(10)
    fail(health, 20)
    health.record(KEY, None)
    assert health.wait(KEY) == pytest.approx(20)


def test_stragglers_are_no_probes(health: Health, clock: ManualClock) -> None:
    """A request from before the breaker opened does not decide about the recovery, nor free the probe."""

    def straggle() -> None:
        with health.watch(KEY):
            clock.advance(1)
            fail(health)
            clock.advance(31)
            assert health.allows(KEY)
            raise ProviderTimeout("late")

    with pytest.raises(ProviderTimeout):
        straggle()
    assert health.state(KEY) == "half_open"
    assert not health.allows(KEY)


def test_watch_records_how_a_block_ends(health: Health, clock: ManualClock) -> None:
    """Watched failures open, a watched success closes, and errors come through."""
    for _ in range(5):
        with pytest.raises(ProviderUnavailable), health.watch(KEY):
            raise DOWN
    assert health.state(KEY) == "open"
    clock.advance(31)
    with health.watch(KEY):
        pass
    assert health.state(KEY) == "closed"


def test_retry_after_alone_does_not_open(health: Health) -> None:
    """A single 429 does not shut a model out, however long it asks us to wait."""
    health.record(KEY, RateLimited("slow down", retry_after=3600))
    assert health.allows(KEY)


@pytest.mark.parametrize(("asked", "waits"), [(5, 30), (120, 120), (86_400, MAX_COOLDOWN)])
def test_repeated_retry_after_sets_the_cooldown(health: Health, asked: float, waits: float) -> None:
    """Once the ratio has opened the breaker, Retry-After lengthens its cool-down, within the cap."""
    fail(health, 5, RateLimited("slow down", retry_after=asked))
    assert health.wait(KEY) == pytest.approx(waits)


def test_breakers_are_independent(health: Health) -> None:
    """Each model and account has its own breaker."""
    fail(health, key="acme/one#1")
    assert not health.allows("acme/one#1")
    assert health.allows("acme/one#2")
    assert health.allows("acme/two#1")


def test_key_hides_the_credential(clock: ManualClock) -> None:
    """The key names the model, changes with the account and the salt, and tells no secret."""
    health = Health(clock, salt=b"one")
    key = health.key(model("one"), {"api_key": "sk-secret", "base_url": "https://a"})
    assert key.startswith("acme/one#")
    assert "secret" not in key
    assert key == health.key(model("one"), {"base_url": "https://a", "api_key": "sk-secret"})
    assert key != health.key(model("one"), {"api_key": "sk-other", "base_url": "https://a"})
    assert key != Health(clock, salt=b"two").key(
        model("one"), {"api_key": "sk-secret", "base_url": "https://a"}
    )


def test_salt_is_random_by_default(clock: ManualClock) -> None:
    """Two routers that share nothing have different keys for the same account."""
    keys = {Health(clock).key(model("one"), {"api_key": "sk"}) for _ in range(2)}
    assert len(keys) == 2


def test_clock_set_back_lets_a_probe_pass(clock: ManualClock) -> None:
    """A breaker that opened in what is now the future does not stay open until then."""
    store = MemoryStore()
    opened = (clock.now() + timedelta(days=1)).timestamp()
    store.write(KEY, Circuit(opened=opened, cooldown=30))
    assert Health(clock, store=store).allows(KEY)


def test_processes_share_a_store(clock: ManualClock) -> None:
    """What one router learns, another one with the same store and salt knows; there is one probe."""
    store = MemoryStore()
    first, second = (Health(clock, store=store, salt=b"shared") for _ in range(2))
    key = first.key(model("one"), {"api_key": "sk"})
    assert key == second.key(model("one"), {"api_key": "sk"})
    fail(first, key=key)
    assert not second.allows(key)
    clock.advance(31)
    assert first.allows(key)
    assert not second.allows(key)


def test_memory_is_bounded(clock: ManualClock) -> None:
    """Of too many models the one that was written longest ago is forgotten."""
    store = MemoryStore(limit=3)
    health = Health(clock, store=store)
    for number in range(10):
        fail(health, key=f"acme/{number}")
    assert len(store) == 3
    assert health.state("acme/9") == "open"
    assert health.state("acme/0") == "closed"


def test_counts_are_bounded(clock: ManualClock) -> None:
    """A model that is always busy keeps at most ten counts."""
    store = MemoryStore()
    health = Health(clock, store=store)
    for _ in range(500):
        health.record(KEY, None)
        clock.advance(1)
    circuit = store.read(KEY)
    assert circuit is not None
    assert len(circuit.counts) <= 10


def test_select_skips_open_breakers(health: Health) -> None:
    """A dead primary is left out, the others keep their order."""
    fail(health, key="acme/b")
    assert names(list(select(candidates("a", "b", "c"), health, by_id))) == ["a", "c"]


def test_select_never_leaves_nobody(health: Health, clock: ManualClock) -> None:
    """Where every breaker is open, the one that opens again first is asked all the same."""
    fail(health, key="acme/b")
    clock.advance(5)
    fail(health, key="acme/a")
    fail(health, key="acme/c")
    assert names(list(select(candidates("a", "b", "c"), health, by_id))) == ["b"]
    assert names(list(select(candidates("a"), health, by_id))) == ["a"]
    assert list(select([], health, by_id)) == []


def test_select_takes_no_probe_in_advance(health: Health, clock: ManualClock) -> None:
    """A candidate that is never reached keeps its probe for whoever needs it."""
    fail(health, key="acme/b")
    clock.advance(31)
    first = next(select(candidates("a", "b"), health, by_id))
    assert first.model.name == "a"
    assert health.allows("acme/b")


def test_dead_primary_is_probed_once(health: Health, clock: ManualClock) -> None:
    """After the cool-down one of many requests goes to the primary, the rest to the fallback."""
    fail(health, key="acme/a")
    clock.advance(31)
    firsts = [next(select(candidates("a", "b"), health, by_id)) for _ in range(4)]
    assert names(firsts) == ["a", "b", "b", "b"]
