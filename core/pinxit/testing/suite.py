"""What the conformance cases stand on: the plugin under test, its subjects, and one call of a hook."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import (
    Callable,
    Collection,
    Container,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx

from pinxit.clients import create_client
from pinxit.config import Config
from pinxit.fitting import fit
from pinxit.hookspecs import Context
from pinxit.plugins import Plugins
from pinxit.preparing import prepare
from pinxit.types import PartialImage

from .clock import ManualClock, VirtualTimeLoop
from .subjects import MOST_PIXELS, Fields, Subject
from .trials import Logged, Trial, read_pictures
from .witness import Answer, Relay, Witness

if TYPE_CHECKING:
    import pytest

__all__ = ["KEY", "Suite", "heeds", "needs", "offline", "previews", "refuses", "remote"]

KEY = "conformance-key-that-opens-nothing-0123456789"
"""What plugins get for an ``api_key`` where the author gives no settings."""

Case = TypeVar("Case", bound=Callable[..., None])
T = TypeVar("T")


class Suite:
    """The plugin under test, and how its hooks are called; `ProviderTests` says what to set."""

    plugin: object
    ok: Any = None
    asgi: Any = None
    rejection: tuple[int, object] | None = None
    settings: Mapping[str, Any] = MappingProxyType({"api_key": KEY})
    fields: Fields = MappingProxyType({})
    most_pixels: int = MOST_PIXELS
    trusted_hosts: tuple[str, ...] = ()
    models: Container[str] | None = None
    leave_out: Collection[str] = ()
    _loaded: Plugins | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Leave out the cases that are not about this plugin, so that none of them shows as skipped."""
        super().__init_subclass__(**options)
        if not hasattr(cls, "plugin"):
            return
        try:
            cls._loaded = Plugins(cls.plugin, discover=False)
        # A plugin that does not load is what the one remaining case is about.
        except Exception:  # noqa: BLE001
            cls._loaded = None
        cases = dict(_cases(cls))
        if unknown := sorted(set(cls.leave_out) - cases.keys()):
            raise TypeError(f"{cls.__name__}.leave_out names {unknown[0]!r}, which is no case")
        for name, case in cases.items():
            # The author's own version of a case is always run.
            if vars(cls).get(name, case) is not case:
                continue
            applies = _applies(case, cls()) if cls._loaded else name == "test_it_loads"
            # pytest collects nothing behind a name that is `None`.
            setattr(cls, name, case if applies and name not in cls.leave_out else None)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run a case once per subject."""
        for name in _SUBJECTS.keys() & set(metafunc.fixturenames):
            metafunc.parametrize(name, self.subjects(name), ids=str)

    @classmethod
    def cases(cls) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield every case by its name, for running them without pytest."""
        for name in dir(cls):
            case = getattr(cls, name)
            if not name.startswith("test_") or not callable(case):
                continue
            wanted = [p for p in inspect.signature(case).parameters if p in _SUBJECTS]
            if not wanted:
                yield name, _bound(cls, name)
            else:
                for subject in cls().subjects(wanted[0]):
                    yield f"{name}[{subject}]", _bound(cls, name, subject)

    def plugins(self) -> Plugins:
        """Return the plugin as it is loaded, and nothing else."""
        return self._loaded or Plugins(self.plugin, discover=False)

    def subjects(self, kind: str = "subject") -> list[Subject]:
        """Return each operation of each model that a case is about."""
        every = [
            Subject(model, operation, self.fields, self.most_pixels)
            for model in self.plugins().registry
            if self.models is None or model.id in self.models
            for operation in model.operations
        ]
        return [subject for subject in every if _SUBJECTS[kind](subject)]

    # One call -------------------------------------------------------------------------------------

    def witness(self, fault: Answer | None = None, *, at: int = 0) -> Witness:
        """Return the provider's stand-in, with a fault at one of the requests."""
        return Witness(self._answer, fault, at=at)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.asgi is not None:
            # A function that is an attribute of a class turns into a method.
            app = getattr(self.asgi, "__func__", self.asgi)
            return await httpx.ASGITransport(app).handle_async_request(request)
        ok: Any = self.ok
        if ok is None:
            raise httpx.ConnectError("a plugin without ok and asgi uses no network")
        if not callable(ok):
            return httpx.Response(200, json=ok)
        if inspect.ismethod(ok) and not inspect.signature(ok).parameters:
            # A plain function that was set as an attribute of the class.
            ok = ok.__func__
        return cast("httpx.Response", ok(request))

    def send(
        self, subject: Subject, fields: Fields | None = None, witness: Witness | None = None
    ) -> Trial:
        """Fit a request, call the hook with it, and look at what comes of it."""
        return self.run(self.trial(subject, fields or {}, witness or self.witness()))

    def send_all(self, subject: Subject, several: Iterable[Fields]) -> list[Trial]:
        """Send requests one after the other, within one life of the plugin."""
        asked = [(fields, self.witness()) for fields in several]
        return self.run(self._trials(subject, asked)) if asked else []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end: at once where only the stand-in is waited for, in real time otherwise."""
        # A plugin that draws by itself may do so in a process, whose time is real.
        loop = VirtualTimeLoop if remote(self) else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(work)

    async def trial(self, subject: Subject, fields: Fields, witness: Witness) -> Trial:
        """Fit a request, call the hook with it, and look at what comes of it."""
        return (await self._trials(subject, [(fields, witness)]))[0]

    async def _trials(
        self, subject: Subject, several: Sequence[tuple[Fields, Witness]]
    ) -> list[Trial]:
        trials: list[Trial] = []
        async with AsyncExitStack() as stack:
            records = stack.enter_context(Logged())
            relay = Relay(several[0][1])
            context = await self._lent(subject, relay, stack)
            for fields, witness in several:
                relay.witness = witness
                witness.arm()
                trial = Trial(subject, self.plugins(), witness, context)
                await _call(trial, fields)
                trial.log = records.take()
                trials.append(trial)
        return trials

    async def _lent(self, subject: Subject, relay: Relay, stack: AsyncExitStack) -> Context:
        """Open the plugin's lifespan, and make what its hooks are lent."""
        model, plugins = subject.model, self.plugins()
        http = await stack.enter_async_context(create_client(relay))
        config = Config.parse({"providers": {model.provider: dict(self.settings)}})
        settings = config.settings(model.provider, plugins.settings_of(model))
        assert settings.problem is None, f"the suite's settings: {settings.problem}"
        state = None
        for _, opener in plugins.lifespans():
            state = await stack.enter_async_context(opener(settings, http))
        return Context(
            http=http,
            settings=settings,
            state=state,
            clock=ManualClock(),
            idempotency_key="conformance-1",
            request_id="req_conformance",
        )


async def _call(trial: Trial, fields: Fields) -> None:
    """Fit and prepare a request as the router does, and call the hook with it."""
    subject = trial.subject
    fitted = fit(subject.request(fields), subject.model)
    assert not fitted.reasons, f"{subject} takes less than it declares: {fitted.reasons}"
    trial.request = (await prepare(fitted.request, subject.capability)).request

    async def emit(partial: PartialImage) -> None:
        trial.partials.append(partial)

    # The same numbers in each call.
    context = replace(trial.context, emit=emit, random=random.Random(1))  # noqa: S311
    try:
        trial.response = await trial.plugins.invoke(
            subject.operation, trial.request, subject.model, context
        )
        trial.pictures = await read_pictures(trial)
    # Whatever escapes is judged by the case.
    except Exception as error:  # noqa: BLE001
        trial.error = error


# Which cases there are ----------------------------------------------------------------------------

_SUBJECTS: Mapping[str, Callable[[Subject], bool]] = {
    "subject": lambda _: True,
    "several": lambda s: s.most_n > 1,
    "pictured": lambda s: s.most_inputs > 0,
    "masked": lambda s: s.operation == "edit" and s.capability.mask is not None,
    "seeded": lambda s: s.capability.seed is not None,
    "streaming": lambda s: s.capability.streaming,
}
"""The arguments of cases, each with the question that chooses its subjects."""


def remote(suite: Suite) -> bool:
    """Whether the plugin uses the network."""
    return suite.ok is not None or suite.asgi is not None


def offline(suite: Suite) -> bool:
    """Whether the plugin uses no network."""
    return not remote(suite)


def heeds(suite: Suite) -> bool:
    """Whether answers depend on what is asked: a mapping answers everything alike."""
    return not isinstance(suite.ok, Mapping)


def refuses(suite: Suite) -> bool:
    """Whether it is known how the provider refuses."""
    return remote(suite) and suite.rejection is not None


def previews(suite: Suite) -> bool:
    """Whether the plugin shows what it would send."""
    return remote(suite) and "preview" in suite.plugins().hooks_of(suite.plugin)


def needs(*questions: Callable[[Suite], bool]) -> Callable[[Case], Case]:
    """Make a case that exists only where all *questions* are answered with yes."""

    def mark(case: Case) -> Case:
        case.__dict__["questions"] = questions
        return case

    return mark


def _applies(case: Callable[..., None], suite: Suite) -> bool:
    questions: tuple[Callable[[Suite], bool], ...] = getattr(case, "questions", ())
    if not all(question(suite) for question in questions):
        return False
    wanted = _SUBJECTS.keys() & inspect.signature(case).parameters.keys()
    return all(suite.subjects(kind) for kind in wanted)


def _cases(cls: type[Suite]) -> Iterator[tuple[str, Callable[..., None]]]:
    """Yield every case of a class and its ancestors, also those that an ancestor left out."""
    found: dict[str, Callable[..., None]] = {}
    for ancestor in reversed(cls.__mro__):
        for name, value in vars(ancestor).items():
            if name.startswith("test_") and callable(value):
                found[name] = cast("Callable[..., None]", value)
    yield from found.items()


def _bound(cls: type[Suite], name: str, *arguments: object) -> Callable[[], None]:
    return lambda: getattr(cls(), name)(*arguments)
