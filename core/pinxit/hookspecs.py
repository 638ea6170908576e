"""The hooks. A provider needs two of them; everything else is optional.

A plugin is a module (or a hashable object) whose functions are decorated with `hookimpl`. They take only
the arguments they need, by name.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from .candidates import Candidate
from .capabilities import Model, Setting
from .config import Settings
from .options import Options
from .payload import Fetch
from .types import (
    EditRequest,
    GenerateRequest,
    ImagesResponse,
    PartialImage,
    Request,
    VariationRequest,
)

if TYPE_CHECKING:
    # httpx takes a tenth of a second to import; whoever only reads data should not wait for it.
    import httpx

__all__ = [
    "Call",
    "CallNext",
    "Clock",
    "Context",
    "Emit",
    "Order",
    "RequestNext",
    "hookimpl",
    "hookspec",
]

PROJECT = "pinxit"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Emit = Callable[[PartialImage], Awaitable[None]]
"""Hands a partial picture to whoever streams."""


class Clock:
    """The time, as something to hand in; tests hand in their own."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def now(self) -> datetime:
        """The moment, in UTC."""
        return datetime.now(UTC)

    def today(self) -> date:
        """The day, in UTC."""
        return self.now().date()


async def _drop(partial: PartialImage) -> None:
    """The emitter of callers who did not ask for partial pictures."""


def _own(request: Request) -> Options:
    """The options of a request that no router serves: those that it has itself."""
    return request


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the router lends a plugin for one request.

    Attributes:
        http: A shared client without a default time-out of its own: the router's applies. Do not close
            it, and do not retry with it.
        settings: The plugin's settings, from the configuration, the environment and its defaults.
        state: What the plugin's `lifespan` yielded, or ``None``.
        emit: Streams a partial picture; does nothing where nobody listens.
        deadline: The `Clock.monotonic` second at which the router gives up: for a provider the end of this
            attempt, for middleware that of the whole request, where there is one.
        clock: The time.
        random: The source of random numbers.
        caller: Who asks, for caches and budgets; the name of a gateway key, or empty.
        idempotency_key: For middleware the key that the caller gave, or empty; for a provider the same
            for every attempt of one request at one model.
        request_id: The id that the answer will carry.
        options_of: The options in force for a request: its own, over those of its route, over the
            configuration's.
        fetch: Downloads a picture that the caller names by URL, with every guard.
    """

    http: httpx.AsyncClient
    settings: Settings = field(default_factory=Settings)
    state: Any = None
    emit: Emit = _drop
    deadline: float | None = None
    clock: Clock = field(default_factory=Clock)
    random: random.Random = field(default_factory=random.SystemRandom, repr=False)
    caller: str = ""
    idempotency_key: str = ""
    request_id: str = ""
    options_of: Callable[[Request], Options] = _own
    fetch: Fetch | None = None

    @property
    def listening(self) -> bool:
        """Whether anybody wants partial pictures."""
        return self.emit is not _drop


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One fitted request on its way to one candidate.

    Attributes:
        request: What the hook gets; replace it to change it.
        candidate: The model, and how the request was fitted to it.
        context: What the plugin gets.
    """

    request: Request
    candidate: Candidate
    context: Context

    @property
    def model(self) -> Model:
        """The candidate's model."""
        return self.candidate.model


CallNext = Callable[[Call], Awaitable[ImagesResponse]]
RequestNext = Callable[[Request], Awaitable[ImagesResponse]]
Order = Callable[[Sequence[Candidate]], Sequence[Candidate]]
"""Puts candidates into the order in which they are tried; it may not add or lose one."""


@hookspec
def register_models() -> Iterable[Model]:  # type: ignore[empty-body]
    """Return the models that this plugin serves. Called once, at start-up; do no I/O."""


@hookspec
def register_settings() -> Iterable[Setting]:  # type: ignore[empty-body]
    """Return the settings that this plugin takes, so that missing ones are named before a request."""


@hookspec(firstresult=True)
def create_plugin(provider: str, settings: Mapping[str, Any], folder: Path) -> object | None:
    """Return one more plugin of this kind, for a table ``[providers.NAME]`` with ``plugin = "this one"``.

    Only the plugin that the table names is called, at start-up. The ids of the models that the new one
    registers begin with *provider*; *settings* is the table as it was written, without values from the
    environment; *folder* is where the configuration stands, for files that the table names. Raise
    `ValueError` or `ConfigError` with one sentence for what is wrong with it.
    """


@hookspec
def register_orders() -> Mapping[str, Order]:  # type: ignore[empty-body]
    """Return orders of candidates by name, for a route's ``order``."""


@hookspec(firstresult=True)
def generate(
    request: GenerateRequest, model: Model, context: Context
) -> Awaitable[ImagesResponse] | None:
    """Make pictures from a prompt.

    Write it as ``async def``. Only the plugin that registered *model* is called, and only with a request
    that fits the model's capability. Raise what `httpx` raises, or a `ProviderError` or
    `ContentRejected` where you know better. Never retry.
    """


@hookspec(firstresult=True)
def edit(request: EditRequest, model: Model, context: Context) -> Awaitable[ImagesResponse] | None:
    """Change pictures as a prompt says. The contract is that of `generate`."""


@hookspec(firstresult=True)
def variation(
    request: VariationRequest, model: Model, context: Context
) -> Awaitable[ImagesResponse] | None:
    """Make pictures like the given one. The contract is that of `generate`."""


@hookspec(firstresult=True)
def preview(request: Request, model: Model, context: Context) -> httpx.Request | None:
    """Return the request that the operation would send, for plans; ``None`` if it uses no HTTP.

    Synchronous and pure. Build it with the function that the operation sends with, so that the two
    cannot differ. Secrets in *context* are placeholders.
    """


@hookspec
def around_request(  # type: ignore[empty-body]
    request: Request, context: Context, request_next: RequestNext
) -> Awaitable[ImagesResponse]:  # pyright: ignore[reportReturnType]  # a specification has no body
    """Wrap every request, once: caches, budgets, tracing.

    Write it as ``async def`` and ``return await request_next(request)``. Not calling *request_next* cuts
    the request short; calling it twice orders twice. ``tryfirst`` is outermost.
    """


@hookspec
def around_call(  # type: ignore[empty-body]
    call: Call, context: Context, call_next: CallNext
) -> Awaitable[ImagesResponse]:  # pyright: ignore[reportReturnType]  # a specification has no body
    """Wrap every call to a candidate, once and outside its retries: cost, logging, prompt policy.

    Write it as ``async def`` and ``return await call_next(call)``; change a request with
    ``dataclasses.replace(call, request=...)``. *context* is the middleware's own, ``call.context`` the
    provider's. ``tryfirst`` is outermost.
    """


@hookspec
def lifespan(settings: Settings, http: httpx.AsyncClient) -> AbstractAsyncContextManager[Any]:  # type: ignore[empty-body]
    """Open what the plugin needs while a router lives; what it yields is its ``context.state``.

    Called when the router opens. Modules keep no state of their own: pools, tokens and worker processes
    belong here.
    """
