"""A trace tells of each call of a hook, and of nothing that was asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager

import pytest

import pinxit
from pinxit import (
    Call,
    CallNext,
    Config,
    Context,
    GenerateRequest,
    ImagesResponse,
    Model,
    Plugins,
    RateLimited,
    RequestNext,
    Router,
    Setting,
    hookimpl,
)
from pinxit.hookspecs import Order
from pinxit.tracing import LOGGER, Trace
from pinxit.types import Request
from scripted import answer, model

PROMPT = "a fox that nobody may read of"


class Painter:
    """Has every hook that is traced."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    @hookimpl
    def register_models(self) -> Iterable[Model]:
        yield model("acme/brush")

    @hookimpl
    def register_settings(self) -> Iterable[Setting]:
        yield Setting(name="api_key", default="sk-very-secret", secret=True)

    @hookimpl
    def register_orders(self) -> Mapping[str, Order]:
        return {}

    @hookimpl
    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        yield

    @hookimpl
    def preview(self) -> None:
        return None

    @hookimpl
    async def generate(self, request: GenerateRequest, context: Context) -> ImagesResponse:
        if self.error is not None:
            raise self.error
        return answer()

    @hookimpl
    async def around_request(self, request: Request, request_next: RequestNext) -> ImagesResponse:
        return await request_next(request)

    @hookimpl
    async def around_call(self, call: Call, call_next: CallNext) -> ImagesResponse:
        return await call_next(call)


class Tape:
    """Keeps lines; every look at its clock lets an eighth of a second pass."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.time = 0.0

    def now(self) -> float:
        self.time += 0.125
        return self.time

    @property
    def trace(self) -> Trace:
        return Trace(self.lines.append, self.now)

    def told(self) -> list[str]:
        """Return hook, model and outcome of each line."""
        fields = [dict(word.split("=") for word in line.split()) for line in self.lines]
        return [f"{line['hook']} {line['model']} {line['outcome']}" for line in fields]


async def paint(tape: Tape, painter: Painter) -> None:
    plugins = Plugins(painter, discover=False, trace=tape.trace)
    async with Router(Config(), plugins=plugins) as router:
        await router.generate(PROMPT, model="acme/brush")


async def test_each_call_is_one_line() -> None:
    """Start-up, the router's opening and a request are told in the order in which they end."""
    tape = Tape()
    await paint(tape, Painter())
    assert tape.told() == [
        "register_settings - ok",
        "register_models - ok",
        "register_orders - ok",
        "lifespan - ok",
        "generate acme/brush ok",
        "around_call acme/brush ok",
        "around_request acme/brush ok",
    ]
    assert tape.lines[0] == "plugin=Painter hook=register_settings model=- ms=125.0 outcome=ok"


async def test_a_plan_traces_the_preview() -> None:
    """``preview`` is told with the model that it is for."""
    tape = Tape()
    plugins = Plugins(Painter(), discover=False, trace=tape.trace)
    Router(Config(), plugins=plugins).plan(PROMPT, model="acme/brush")
    assert tape.told()[-1] == "preview acme/brush ok"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(RateLimited("busy with a fox"), "RateLimited"), (KeyError("fox"), "KeyError")],
)
async def test_what_goes_wrong_is_told_by_its_class(error: Exception, outcome: str) -> None:
    """The class of what was raised is the outcome, of the hook and of every layer that lets it pass."""
    tape = Tape()
    with pytest.raises(Exception, match=r"fox|bug|KeyError"):
        await paint(tape, Painter(error))
    assert f"generate acme/brush {outcome}" in tape.told()
    assert tape.told()[-1].startswith("around_request acme/brush ")
    assert not tape.told()[-1].endswith(" ok")


async def test_nothing_that_was_asked_is_told() -> None:
    """Neither prompt nor secrets nor messages of errors stand in a line."""
    tape = Tape()
    with pytest.raises(RateLimited):
        await paint(tape, Painter(RateLimited("not a fox today")))
    text = "\n".join(tape.lines)
    assert "fox" not in text
    assert "secret" not in text


async def test_cancelling_is_an_outcome() -> None:
    """A call that was cancelled is told as such."""
    tape = Tape()

    async def waits(call: object) -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(tape.trace.wrap(waits, "slow", "around_call")(None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tape.told() == ["around_call - CancelledError"]


def test_a_caller_s_name_of_a_model_cannot_forge_a_line() -> None:
    """What is no name of a model is told as none."""
    tape = Tape()
    with tape.trace.call("acme", "around_request", "x\nplugin=evil hook=x"):
        pass
    assert tape.told() == ["around_request - ok"]


def test_without_a_trace_nothing_lies_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody traces, no function is wrapped: tracing costs nothing."""
    monkeypatch.delattr(Trace, "wrap")
    monkeypatch.delattr(Trace, "call")
    asyncio.run(_paint_untraced())
    with pytest.raises(AttributeError):
        Plugins(Painter(), discover=False, trace=Trace())


async def _paint_untraced() -> None:
    async with Router(Config(), plugins=Plugins(Painter(), discover=False)) as router:
        await router.generate(PROMPT, model="acme/brush")


def test_lines_go_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever listens to the logger at INFO gets the lines."""
    with caplog.at_level(logging.INFO, LOGGER), Trace().call("acme", "lifespan"):
        pass
    assert [record.name for record in caplog.records] == [LOGGER]
    assert "hook=lifespan" in caplog.text


def test_without_a_log_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Where INFO is not listened to, the variable alone makes the lines visible."""
    with Trace().call("acme", "lifespan"):
        pass
    assert capsys.readouterr().err.startswith("plugin=acme hook=lifespan")


@pytest.mark.parametrize(("value", "on"), [("1", True), ("0", False), ("", False)])
def test_the_environment_turns_it_on(
    value: str, on: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """``PINXIT_TRACE_PLUGINS=1`` traces the plugins that a router finds."""
    environ = {"PINXIT_TRACE_PLUGINS": value, "PINXIT_LOAD_PLUGINS": "illustrator"}
    pinxit.Router(Config.parse({}, environ=environ))
    assert ("hook=register_models" in capsys.readouterr().err) is on
