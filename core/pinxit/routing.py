"""The router: the way in for applications."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cached_property
from random import Random, SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack
from urllib.parse import urlsplit

from .assets import AssetStore, FolderStore, open_store, with_urls
from .attempts import Attempts, RetryBudget
from .candidates import Plan
from .clients import create_client, quiet_logs
from .collection import collect
from .config import Config
from .errors import PinxitError
from .execution import Engine, Execution
from .fetching import Fetcher
from .health import Health
from .hookspecs import Clock, Emit
from .ordering import Traffic, built_in_orders
from .parameters import (
    EditParameters,
    GenerateParameters,
    ImageLike,
    VariationParameters,
    edit_request,
    generate_request,
    variation_request,
)
from .payload import Fetch
from .planning import Planner
from .plugins import Plugins
from .registry import Registry
from .resolution import Resolver
from .routes import Route, installed_routes
from .tracing import Trace
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


class Router:
    """The way in for applications: one typed, asynchronous API over every model.

    Use it as an asynchronous context manager.

    Args:
        config: By default ``pinxit.toml`` and the environment.
        plugins: By default everything that is installed, as the configuration allows.
        routes: Routes by name, over those of packages and of the configuration.
        settings: Settings by provider, over those of the configuration.
        transport: For tests; see `httpx.MockTransport`.
        fetch: Downloads pictures behind URLs; by default with every guard.
        health: The circuit breakers; share one to share what is known of the providers.
        store: Keeps pictures so that URLs can be given; by default as the configuration's ``[assets]``
            says, and without it URLs are ``data:`` URLs.
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
        self.config = _with_settings(config or Config.load(), settings)
        choice = self.config.plugins
        self.plugins = plugins or Plugins(
            block=choice.block,
            allow=choice.allow,
            directory=choice.dir,
            files=choice.files,
            tables=self.config.providers,
            folder=self.config.path.parent if self.config.path else None,
            undeclared=choice.undeclared,
            trace=Trace() if choice.trace else None,
        )
        self.clock = clock or Clock()
        self.random = random or SystemRandom()
        self.health = health or Health(self.clock)
        self.store = store or _configured_store(self.config, self.clock)
        self._transport = transport
        self._fetch = fetch
        self._stack = AsyncExitStack()
        self._states: dict[object, Any] = {}
        self._traffic = Traffic(self.clock)
        orders = {**built_in_orders(self._traffic, self.random), **self.plugins.orders()}
        installed = installed_routes()
        self.routes: dict[str, Route] = collect(
            installed,
            self.config.routes,
            routes or {},
            registry=self.registry,
            orders=orders,
            defaults=self.config.defaults,
        )
        self.broken_routes: dict[str, Exception] = installed.broken
        self._resolver = Resolver(self.plugins, self.routes, self.config, self.clock)
        self._planner = Planner(
            self.plugins, self._resolver, self.config, orders, self.clock, self.random
        )

    @cached_property
    def http(self) -> httpx.AsyncClient:
        """The client that plugins share; made when it is first needed."""
        return create_client(self._transport)

    @cached_property
    def _engine(self) -> Engine:
        attempts = Attempts(
            self.plugins, self.health, RetryBudget(self.clock), self.clock, self.random
        )
        fetch = fetch_result = self._fetch
        if fetch is None or fetch_result is None:
            # Two, because what a provider in our own network may name is no business of callers.
            fetch, fetch_result = Fetcher(), Fetcher(allow_hosts=_configured_hosts(self.config))
            self._stack.push_async_callback(fetch.aclose)
            self._stack.push_async_callback(fetch_result.aclose)
        return Engine(
            config=self.config,
            plugins=self.plugins,
            resolver=self._resolver,
            planner=self._planner,
            attempts=attempts,
            health=self.health,
            traffic=self._traffic,
            clock=self.clock,
            random=self.random,
            http=self.http,
            fetch=fetch,
            fetch_result=fetch_result,
            states=self._states,
        )

    @property
    def registry(self) -> Registry:
        """Every model there is, with its capabilities."""
        return self.plugins.registry

    # Opening and closing --------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Open the plugins' lifespans.

        Raises:
            ConfigError: A plugin cannot start.
        """
        async with AsyncExitStack() as stack:
            # Entered first and so closed last: plugins may still send while they end.
            stack.push_async_callback(self._close_http)
            stack.enter_context(quiet_logs(self._secrets()))
            for plugin, opener in self.plugins.lifespans():
                settings = self.config.settings(
                    self.plugins.provider_of(plugin), self.plugins.declared_settings(plugin)
                )
                self._states[plugin] = await stack.enter_async_context(opener(settings, self.http))
            # All are open: from here on they close with the router.
            self._stack.push_async_exit(stack.pop_all())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close everything, however the block ended."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the plugins' lifespans and the connections."""
        self._states.clear()
        await self._stack.aclose()

    def _secrets(self) -> Iterator[str]:
        for model in self.registry:
            yield from self.plugins.secrets(model, self._resolver.settings(model))

    async def _close_http(self) -> None:
        # Looked up here, or the client would be made only to be closed.
        if "http" in self.__dict__:
            await self.http.aclose()
            del self.http
        self.__dict__.pop("_engine", None)

    # The API --------------------------------------------------------------------------------------

    async def generate(
        self, prompt: str | GenerateRequest, **parameters: Unpack[GenerateParameters]
    ) -> ImagesResponse:
        """Make pictures from a prompt.

        Args:
            prompt: What to paint, or a whole request.
            **parameters: The fields of `GenerateRequest`.

        Raises:
            RequestError: The request is wrong, or was refused (`ContentRejected`).
            UnsupportedRequest: No model can do this; the reasons say why.
            ProviderError: The only model failed.
            AllModelsFailed: Several did.
        """
        return await self.run(generate_request(prompt, parameters))

    async def edit(
        self,
        prompt: str | EditRequest,
        image: ImageLike | Sequence[ImageLike] | None = None,
        **parameters: Unpack[EditParameters],
    ) -> ImagesResponse:
        """Change pictures as a prompt says, inside a mask if there is one; see `generate`."""
        return await self.run(edit_request(prompt, image, parameters))

    async def variation(
        self, image: ImageLike | VariationRequest, **parameters: Unpack[VariationParameters]
    ) -> ImagesResponse:
        """Make pictures like the given one; see `generate`."""
        return await self.run(variation_request(image, parameters))

    def plan(self, request: str | Request, **parameters: Unpack[GenerateParameters]) -> Plan:
        """Say what would be done with a request; sends nothing, and gives the same plan every time.

        Raises:
            UnknownModel: No route and no model has the name.
            RequestError: The request is wrong.
        """
        if isinstance(request, str | GenerateRequest):
            request = generate_request(request, parameters)
        return self._planner.with_previews(self._planner.plan(request, draw=False), self.http)

    async def stream(
        self, prompt: str | GenerateRequest | EditRequest, **parameters: Unpack[GenerateParameters]
    ) -> AsyncGenerator[PartialImage | ImagesResponse]:
        """Yield partial pictures as they come, and the `ImagesResponse` last; see `generate`.

        Leaving the loop early cancels the request.
        """
        request = (
            prompt if isinstance(prompt, EditRequest) else generate_request(prompt, parameters)
        )
        partial = 2 if request.partial_images is None else request.partial_images
        asked = request.model_copy(update={"stream": True, "partial_images": partial})
        events: asyncio.Queue[PartialImage | None] = asyncio.Queue()
        task = asyncio.ensure_future(self.run(asked, emit=events.put))
        # Whoever waits for an event has to wake up when there will be none, after an error too.
        task.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            yield await task
        finally:
            task.cancel()
            # Wait until the upstream call is closed; how it ended has been told already.
            await asyncio.wait([task])
            _ = task.cancelled() or task.exception()

    async def run(
        self,
        request: Request,
        *,
        caller: str = "",
        emit: Emit | None = None,
        request_id: str = "",
        idempotency_key: str = "",
        store: AssetStore | None = None,
    ) -> ImagesResponse:
        """Serve a request of any operation; what `generate`, `edit` and `variation` are made of.

        Args:
            request: What is asked.
            caller: Who asks, for caches and budgets.
            emit: Gets partial pictures.
            request_id: The id to sign with; a new one by default.
            idempotency_key: A second request with the same key is the same request, sent again.
            store: Keeps the pictures of this request, instead of the router's own.
        """
        id = request_id or f"req_{self.random.getrandbits(96):024x}"
        execution = Execution(
            engine=self._engine,
            request_id=id,
            caller=caller,
            emit=emit,
            idempotency_key=idempotency_key,
            started=self.clock.monotonic(),
            store=store or self.store,
        )
        serve = self.plugins.around_request(execution.serve, execution.context)
        try:
            response = await serve(request)
            if execution.ledger.attempts:
                return response
            # From a cache, which keeps no URLs: they expire.
            return await with_urls(response, execution.store, caller=caller)
        except PinxitError as error:
            # Refused before anything was tried, by middleware or by the plan: nobody has signed it.
            if error.report is None:
                asked = request.model or self.config.defaults.model
                error.report = execution.report(asked_for=asked)
            raise


def _with_settings(config: Config, settings: Mapping[str, Mapping[str, Any]] | None) -> Config:
    if not settings:
        return config
    merged = {**config.providers, **{
        name: {**config.providers.get(name, {}), **table} for name, table in settings.items()
    }}  # fmt: skip
    return config.model_copy(update={"providers": merged})


def _configured_store(config: Config, clock: Clock) -> AssetStore | None:
    """Open what the ``[assets]`` table describes, if somebody serves it where clients can reach it."""
    if not config.assets:
        return None
    public_url = str(config.gateway.get("public_url") or "")
    store = open_store(config.asset_settings(), clock=clock, base_url=public_url)
    # Without a public address nobody could fetch what the folder keeps.
    return None if isinstance(store, FolderStore) and not store.base_url else store


def _configured_hosts(config: Config) -> list[str]:
    """Return the hosts that the operator trusts with results: those of the providers' base URLs."""
    urls = [table.get("base_url") for table in config.providers.values()]
    parts = [urlsplit(url) for url in urls if isinstance(url, str)]
    return [f"{p.hostname}:{p.port}" if p.port else p.hostname for p in parts if p.hostname]
