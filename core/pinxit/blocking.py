"""The same router for programs that are not asynchronous: scripts, Django, notebooks."""

from __future__ import annotations

import os
import weakref
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from queue import Empty, SimpleQueue
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from . import routing
from .assets import AssetStore
from .candidates import Plan
from .config import Config
from .health import Health
from .hookspecs import Clock
from .parameters import EditParameters, GenerateParameters, ImageLike, VariationParameters
from .payload import Fetch
from .plugins import Plugins
from .portal import HEARING, Job, Portal
from .registry import Registry
from .routes import Route
from .types import (
    EditRequest,
    GenerateRequest,
    ImagesResponse,
    PartialImage,
    Request,
    VariationRequest,
)

if TYPE_CHECKING:
    import httpx

__all__ = ["Router"]

EXIT_PATIENCE = 5.0
"""Seconds that an exiting interpreter waits for plugins to close."""

T = TypeVar("T")


class Router:
    """The router of `pinxit.Router` with methods that return when the work is done.

    It may be used from several threads, and where an event loop is already running. It opens with the
    first request or ``with`` block, and closes with the block, with `close`, or at the latest when the
    interpreter exits. An interrupt (Ctrl-C) while it waits cancels the request at the provider.

    Args:
        config: By default ``pinxit.toml`` and the environment.
        plugins: By default everything that is installed, as the configuration allows.
        routes: Routes by name, over those of packages and of the configuration.
        settings: Settings by provider, over those of the configuration.
        transport: For tests; see `httpx.MockTransport`.
        fetch: Downloads pictures behind URLs; by default with every guard.
        health: The circuit breakers; share one to share what is known of the providers.
        store: Keeps pictures so that URLs can be given; by default as the configuration says.
        clock: The time.
        random: The source of jitter and weighted choices.

    Raises:
        ConfigError: The configuration, or a route given here, is wrong.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        plugins: Plugins | None = None,
        routes: Mapping[str, Route] | None = None,
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        fetch: Fetch | None = None,
        health: Health | None = None,
        store: AssetStore | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        # Kept as a recipe, because a child process has to make a router of its own.
        self._make = partial(
            routing.Router,
            config,
            plugins=plugins,
            routes=routes,
            settings=settings,
            transport=transport,
            fetch=fetch,
            health=health,
            store=store,
            clock=clock,
            random=random,
        )
        self._abandoned: list[Portal] = []
        self._router, self._portal = self._new()

    def _new(self) -> tuple[routing.Router, Portal]:
        router = self._make()
        portal = Portal(router)
        # Runs when this object is forgotten, and by `atexit` at the latest.
        weakref.finalize(self, portal.close, EXIT_PATIENCE)
        return router, portal

    def _here(self) -> tuple[routing.Router, Portal]:
        """Return what lives in this process: the thread of a parent does not survive a fork."""
        if self._portal.pid != os.getpid():
            # Kept for ever: closing the parent's loop here would close what the parent listens on.
            self._abandoned.append(self._portal)
            self._router, self._portal = self._new()
        return self._router, self._portal

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._router.config

    @property
    def plugins(self) -> Plugins:
        """What is loaded, and what is broken."""
        return self._router.plugins

    @property
    def registry(self) -> Registry:
        """Every model there is, with its capabilities."""
        return self.plugins.registry

    @property
    def routes(self) -> Mapping[str, Route]:
        """Every route by its name."""
        return self._router.routes

    @property
    def broken_routes(self) -> Mapping[str, Exception]:
        """Why a package's route was set aside, by name."""
        return self._router.broken_routes

    # Opening and closing --------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Open the plugins' lifespans.

        Raises:
            ConfigError: A plugin cannot start.
            RuntimeError: The router was closed before.
        """
        self._here()[1].open()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close everything, however the block ended."""
        self.close()

    def close(self) -> None:
        """Cancel what is under way and close the plugins' lifespans and the connections, for good."""
        self._portal.close()

    # The API --------------------------------------------------------------------------------------

    def generate(
        self, prompt: str | GenerateRequest, **parameters: Unpack[GenerateParameters]
    ) -> ImagesResponse:
        """Make pictures from a prompt; see `pinxit.Router.generate`."""
        router, portal = self._here()
        return portal.call(router.generate(prompt, **parameters))

    def edit(
        self,
        prompt: str | EditRequest,
        image: ImageLike | Sequence[ImageLike] | None = None,
        **parameters: Unpack[EditParameters],
    ) -> ImagesResponse:
        """Change pictures as a prompt says, inside a mask if there is one; see `generate`."""
        router, portal = self._here()
        return portal.call(router.edit(prompt, image, **parameters))

    def variation(
        self, image: ImageLike | VariationRequest, **parameters: Unpack[VariationParameters]
    ) -> ImagesResponse:
        """Make pictures like the given one; see `generate`."""
        router, portal = self._here()
        return portal.call(router.variation(image, **parameters))

    def plan(self, request: str | Request, **parameters: Unpack[GenerateParameters]) -> Plan:
        """Say what would be done with a request; sends nothing and starts nothing."""
        return self._router.plan(request, **parameters)

    def stream(
        self, prompt: str | GenerateRequest | EditRequest, **parameters: Unpack[GenerateParameters]
    ) -> Generator[PartialImage | ImagesResponse, None, None]:
        """Yield partial pictures as they come, and the `ImagesResponse` last; see `generate`.

        Leaving the loop early cancels the request.
        """
        router, portal = self._here()
        events: SimpleQueue[PartialImage | ImagesResponse | None] = SimpleQueue()
        job = Job(_pump(router.stream(prompt, **parameters), events))
        job.outcome.add_done_callback(lambda _: events.put(None))
        try:
            portal.start(job)
            while (event := _get(events)) is not None:
                yield event
            job.outcome.result()
        finally:
            portal.end(job)


async def _pump(
    source: AsyncGenerator[PartialImage | ImagesResponse],
    events: SimpleQueue[PartialImage | ImagesResponse | None],
) -> None:
    async with aclosing(source):
        async for event in source:
            events.put(event)


def _get(events: SimpleQueue[T]) -> T:
    while True:
        with suppress(Empty):
            return events.get(timeout=HEARING)
