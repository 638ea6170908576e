"""Attempts: how each one ends, what it says of the provider, and what becomes of the others."""

from __future__ import annotations

import asyncio
import logging
import traceback

import pytest

import pinxit
from pinxit import (
    Capability,
    ContentRejected,
    Context,
    FixedSizes,
    ImagesResponse,
    PluginFailed,
    ProviderTimeout,
    ProviderUnavailable,
    QuotaExceeded,
    RateLimited,
    RequestError,
    Setting,
    hookimpl,
)
from pinxit.attempts import RetryBudget
from pinxit.errors import PinxitError
from pinxit.testing import ManualClock
from pinxit.types import Request
from scripted import Scripted, Step, answer, model, stage

pytestmark = pytest.mark.virtual_time

ONE = Capability(sizes=FixedSizes(values=("64x64",)))
"""What a model can do that makes one picture per call."""


# Whose end it is ----------------------------------------------------------------------------------


async def test_a_cancellation_that_a_plugin_lets_escape_is_its_bug() -> None:
    """A future of its own that was cancelled does not end the caller's request without a word."""

    async def careless(request: Request, context: Context) -> ImagesResponse:
        future: asyncio.Future[ImagesResponse] = asyncio.get_running_loop().create_future()
        future.cancel()
        return await future

    router, provider = stage({"a": [careless]})
    async with router:
        result = await router.generate("x", model="s/a", fallbacks=["s/b"])
    assert provider.names == ["a", "b"]
    assert result.report.attempts[0].outcome == "plugin_error"


async def test_a_real_cancellation_is_not_mistaken_for_one() -> None:
    """A caller who leaves is gone, also from within a call that is cancelled inside of another."""
    router, provider = stage({"a": [600.0]})
    async with router:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5), asyncio.timeout(50):
                await router.generate("x", model="s/a", fallbacks=["s/b"], timeout=100)
    assert provider.names == ["a"]


async def test_errors_of_a_plugins_own_tasks_are_its_errors() -> None:
    """A refusal inside a task group is a refusal."""

    async def grouped(request: Request, context: Context) -> ImagesResponse:
        async def fail() -> None:
            raise ContentRejected("no", code="moderation_blocked")

        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(asyncio.sleep(60))
        raise AssertionError("unreachable")

    router, _ = stage({"a": [grouped]})
    async with router:
        with pytest.raises(ContentRejected, match="no"):
            await router.generate("x", model="s/a", fallbacks=["s/b"])


@pytest.mark.parametrize("useless", [None, "a picture", 7])
async def test_an_answer_of_another_type_is_a_bug(useless: object) -> None:
    """A hook that forgets to return what it made does not end the request."""

    async def forgetful(request: Request, context: Context) -> ImagesResponse:
        return useless  # type: ignore[return-value]  # pyright: ignore[reportReturnType]  # the bug

    router, provider = stage({"a": [forgetful]})
    async with router:
        await router.generate("x", model="s/a", fallbacks=["s/b"])
    assert provider.names == ["a", "b"]


class Talkative(Scripted):
    """A provider with a key, whose bug repeats whatever it was told."""

    def __init__(self, words: str) -> None:
        super().__init__([model("s/a"), model("s/b")])
        self.words = words

    @hookimpl
    def register_settings(self) -> list[Setting]:
        return [Setting(name="api_key", secret=True)]

    @hookimpl
    async def generate(
        self, request: Request, model: pinxit.Model, context: Context
    ) -> ImagesResponse:
        raise ValueError(f"cannot read {self.words}")


async def fail_with(words: str) -> PluginFailed:
    plugins = pinxit.Plugins(Talkative(words), discover=False)
    settings = {"s": {"api_key": "sk-secret"}}
    async with pinxit.Router(pinxit.Config(), plugins=plugins, settings=settings) as router:
        with pytest.raises(PluginFailed) as caught:
            await router.generate("x", model="s/a")
    return caught.value


async def test_a_bug_is_logged_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    """The traceback is in the log, and the error names its cause."""
    error = await fail_with("this")
    assert isinstance(error.__cause__, ValueError)
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert record.getMessage() == "the plugin of s/a failed"


async def test_a_bug_that_repeats_a_key_is_logged_without_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither the log nor the chain of errors holds what the provider repeated."""
    error = await fail_with("Bearer sk-secret")
    shown = "".join(traceback.format_exception(error)) + caplog.text
    assert "sk-secret" not in shown
    assert "cannot read Bearer [redacted]" in caplog.text


async def test_errors_hold_nothing_of_what_was_read() -> None:
    """The frames of a plugin, and the answers in their variables, end with the attempt."""

    async def read(request: Request, context: Context) -> ImagesResponse:
        body = b"x" * 1_000_000
        raise ProviderUnavailable("down", upstream_status=503) from KeyError(len(body))

    async def time_out(request: Request, context: Context) -> ImagesResponse:
        raise TimeoutError

    for step, status in ((read, 503), (time_out, 504)):
        router, _ = stage({"a": [step]})
        async with router:
            with pytest.raises(PinxitError) as caught:
                await router.generate("x", model="s/a")
        frames = traceback.extract_tb(caught.value.__traceback__)
        assert caught.value.status == status
        assert {"read", "time_out", "invoke"}.isdisjoint(frame.name for frame in frames)


# Health -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"timeout": 0.5}, 10),
        ({"timeout": 60, "deadline": 5}, 10),
        ({"timeout": 5}, 5),
        ({"timeout": 5, "deadline": 600}, 5),
    ],
)
async def test_impatience_does_not_open_breakers(options: dict[str, float], asked: int) -> None:
    """Who gives a model half a second, or the rest of a deadline, learns nothing about it."""
    router, provider = stage({"a": [600.0] * 10})
    async with router:
        for _ in range(10):
            try:
                await router.generate("x", model="s/a", fallbacks=["s/b"], **options)  # type: ignore[arg-type]
            except ProviderTimeout:
                continue
    assert provider.names.count("a") == asked


async def test_nothing_is_sent_when_the_time_is_over() -> None:
    """A middleware that takes all the time there is leaves none for the model."""

    class Slow:
        @hookimpl
        async def around_call(
            self, call: pinxit.Call, call_next: pinxit.CallNext
        ) -> ImagesResponse:
            await asyncio.sleep(20)
            return await call_next(call)

    router, provider = stage({}, Slow())
    async with router:
        with pytest.raises(ProviderTimeout) as caught:
            await router.generate("x", model="s/a", deadline=10)
    assert provider.names == []
    assert (caught.value.billing, caught.value.model) == ("not_sent", "s/a")


# Several calls for one request --------------------------------------------------------------------


HOPELESS: list[PinxitError] = [
    RequestError("bad", upstream_status=400),
    ContentRejected("no", upstream_status=400),
    QuotaExceeded("spent", upstream_status=429),
    pinxit.AuthenticationFailed("no", upstream_status=401),
]


@pytest.mark.parametrize("error", HOPELESS, ids=lambda error: type(error).__name__)
async def test_parts_that_would_end_like_the_first_are_not_sent(error: PinxitError) -> None:
    """Of ten calls four run at once; when those are turned down, six are saved."""
    router, provider = stage({"a": [error] * 10}, models=[model("s/a", ONE)])
    async with router:
        with pytest.raises(type(error)):
            await router.generate("x", model="s/a", n=10)
    assert len(provider.calls) <= 4


async def test_parts_go_on_where_chance_decides() -> None:
    """A refused picture says nothing about the next one where others were painted."""
    steps: list[Step] = [0.0, ContentRejected("no", billing="billed"), *[0.0] * 8]
    router, provider = stage({"a": steps}, models=[model("s/a", ONE)])
    async with router:
        result = await router.generate("x", model="s/a", n=10)
    assert len(provider.calls) == 10
    assert len(result.data) == 9


async def test_failures_of_the_moment_do_not_stop_the_other_parts() -> None:
    """An overloaded server may take the next call."""
    steps = [ProviderUnavailable("down", upstream_status=503)] * 4
    router, provider = stage({"a": [*steps]}, models=[model("s/a", ONE)])
    async with router:
        result = await router.generate("x", model="s/a", n=10)
    assert len(provider.calls) == 10
    assert len(result.data) == 6


async def test_a_useless_answer_spoils_all_its_parts() -> None:
    """Two calls brought two broken pictures: both were billed, neither was a success."""
    broken = ImagesResponse(data=(pinxit.Image(b"<html>"),))
    router, _ = stage({"a": [broken, broken]}, models=[model("s/a", ONE), model("s/b")])
    async with router:
        result = await router.generate("x", model="s/a", n=2, fallbacks=["s/b"])
    assert [(a.outcome, a.billing) for a in result.report.attempts] == [
        ("invalid_provider_response", "billed"),
        ("invalid_provider_response", "billed"),
        ("ok", None),
    ]


async def test_an_old_shortfall_is_not_charged_to_the_next_model() -> None:
    """What the first model failed to make is no reason to order more than the second one brought."""
    down = ProviderUnavailable("down", upstream_status=503)
    few = answer(1)
    router, provider = stage(
        {"a": [down] * 4, "b": [few]},
        models=[model("s/a", ONE), model("s/b"), model("s/c")],
    )
    async with router:
        result = await router.generate("x", model="s/a", n=2, fallbacks=["s/b", "s/c"])
    assert provider.names == ["a", "a", "b"]
    assert len(result.data) == 1


# The budget of retries ----------------------------------------------------------------------------


def taken(budget: RetryBudget, tries: int = 1_000) -> int:
    return sum(budget.take() for _ in range(tries))


def test_quiet_times_have_a_floor(clock: ManualClock) -> None:
    """Ten retries are there from the start, and grow back within ten seconds."""
    budget = RetryBudget(clock)
    assert taken(budget) == 10
    clock.advance(5)
    assert taken(budget) == 5
    clock.advance(60)
    assert taken(budget) == 10


def test_busy_times_earn_their_share(clock: ManualClock) -> None:
    """A hundred requests earn twenty retries on top; a million do not earn more than ten floors."""
    budget = RetryBudget(clock)
    for _ in range(102):
        budget.note_request()
    assert taken(budget) == 30
    for _ in range(1_000_000):
        budget.note_request()
    assert taken(budget) == 100


async def test_a_spent_budget_ends_in_the_error_itself() -> None:
    """Nobody is told of budgets: the provider's last word is the error."""
    router, provider = stage({"a": [RateLimited("busy", upstream_status=429)] * 100})
    async with router:
        ended = await asyncio.gather(
            *(router.generate("x", model="s/a", retry=pinxit.Retry(count=5)) for _ in range(20)),
            return_exceptions=True,
        )
    assert {type(error) for error in ended} == {RateLimited}
    assert len(provider.calls) < 45


async def test_a_provider_is_told_how_long_this_attempt_may_take() -> None:
    """Whoever polls, or asks its server to wait, knows when nobody listens any more."""
    router, provider = stage({"a": [RateLimited("busy", upstream_status=429, retry_after=4)]})
    async with router:
        await router.generate(
            "x", model="s/a", timeout=30, deadline=32, retry=pinxit.Retry(count=1)
        )
        start = provider.contexts[0].deadline
        await router.generate("x", model="s/b")
    first, second, third = (context.deadline or 0 for context in provider.contexts)
    assert start is not None
    assert second - first == pytest.approx(2, abs=0.1)
    assert third - second == pytest.approx(300 - 28, abs=0.1)
