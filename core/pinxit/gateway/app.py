"""The gateway: an ASGI application around a router."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from pinxit.config import Config
from pinxit.errors import PinxitError
from pinxit.routing import Router

from .answers import error_answer
from .assets import Assets
from .bodies import check_body
from .errors import BadMessage, Disconnected
from .exchange import Exchange, Receive, Scope, Send, new_id
from .keys import authenticate
from .origins import check_origin
from .paths import HEALTH, PUBLIC, find
from .service import Service
from .settings import GatewaySettings, read_settings

__all__ = ["Gateway", "create_app"]

log = logging.getLogger("pinxit.gateway")


class Gateway:
    """The HTTP gateway, an ASGI application to serve or to mount.

    Args:
        router: A router that the embedding application opened; by default the gateway opens one of its
            own while its lifespan runs.
        config: The configuration, by default the router's.
        local: Whether only programs of this machine, and no web pages of strangers, may call.
        new_id: Makes the ids that sign the answers.

    Attributes:
        settings: The ``[gateway]`` table.
        draining: Set when the server is told to stop: what is in flight goes on, what comes is refused.

    Raises:
        ConfigError: The ``[gateway]`` table is wrong.
    """

    def __init__(
        self,
        router: Router | None = None,
        config: Config | None = None,
        *,
        local: bool = False,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self._given = router
        self._config = config or (router.config if router else Config.load())
        self._own: Router | None = None
        self._local = local
        self._new_id = new_id
        self.settings: GatewaySettings = read_settings(self._config)
        self._assets = Assets(router, self._config, self.settings)
        self.draining = False
        self._in_flight: set[Exchange] = set()
        # Not the number of those in flight: refused requests and probes are among them.
        self._admitted = 0
        self._idle = asyncio.Event()

    @property
    def router(self) -> Router:
        """The router that serves.

        Raises:
            BadMessage: 503, nobody has opened one yet.
        """
        router = self._given or self._own
        if router is None:
            raise BadMessage(
                503,
                "the gateway's router is not open; whoever mounts the gateway hands in a router, or runs "
                "the gateway's lifespan",
                code="service_unavailable",
            )
        return router

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncGenerator[None]:
        """Open the gateway's own router, unless it was given one; hand it to an application's lifespan."""
        del app
        async with self._assets.tended():
            # Whoever opened a router closes it.
            if self._given is not None:
                yield
                return
            async with Router(self._config) as router:
                self._own = router
                try:
                    yield
                finally:
                    self._own = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif scope["type"] == "http":
            await self._exchange(Exchange(scope, receive, send, self._new_id()))
        # Other servers than ours may offer them to an application.
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def drained(self) -> None:
        """Refuse what comes from now on, and return when nothing is in flight any more."""
        self.draining = True
        while self._in_flight:
            self._idle.clear()
            await self._idle.wait()

    async def _exchange(self, exchange: Exchange) -> None:
        self._in_flight.add(exchange)
        started = asyncio.get_running_loop().time()
        try:
            await self._serve(exchange)
        except Disconnected:
            pass
        # Whatever it is, the caller gets an answer and the server goes on.
        except Exception as error:
            # Half an answer cannot become an error. The server cuts the connection instead, so that
            # nobody takes the half for the whole.
            if exchange.started:
                raise
            await exchange.answer(error_answer(self.as_ours(error, exchange.id), exchange.id))
        except asyncio.CancelledError:
            # The server cancels what the time for stopping was not enough for; that caller is still
            # there and can be told. Any other cancellation is not ours to answer.
            if not self.draining or exchange.started:
                raise
            await exchange.answer(error_answer(_stopping(), exchange.id))
        finally:
            self._in_flight.discard(exchange)
            self._idle.set()
            _log(exchange, asyncio.get_running_loop().time() - started)

    async def _serve(self, exchange: Exchange) -> None:
        if self.draining:
            # Also to probes, so that load balancers look elsewhere. A connection that stays open
            # would bring the next request to a server that is about to end.
            exchange.closing = True
            raise _stopping()
        # Not counted: a gateway with much to do is a healthy one.
        if exchange.path == HEALTH:
            await self._handle(exchange)
            return
        if self._admitted >= self.settings.max_requests:
            raise _busy()
        self._admitted += 1
        try:
            await self._handle(exchange)
        finally:
            self._admitted -= 1

    async def _handle(self, exchange: Exchange) -> None:
        # Before origins and keys: pages load pictures without a key, by the signature in their URL.
        if self._assets.serves(exchange):
            await self._assets.serve(exchange)
            return
        if self._local:
            check_origin(exchange)
        if exchange.path not in PUBLIC:
            # Nothing of the body has been read: who may not call is not listened to.
            exchange.caller = authenticate(exchange.scope["headers"], self.settings.keys)
        check_body(exchange, self.settings)
        handler = find(exchange)
        store = self._assets.store(exchange)
        await handler(Service(exchange, self.router, self.settings, store, self.as_ours))

    def as_ours(self, error: Exception, id: str) -> PinxitError:
        """Return an error that can be shown; what is none of ours is logged and shown without details."""
        if isinstance(error, PinxitError):
            return error
        log.error("%s: failed", id, exc_info=error)
        return PinxitError(
            "something went wrong in the gateway; its log says more under this request's id"
        )

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self.lifespan():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        # The server wants to hear of it as a message, whatever it is.
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})


def create_app(router: Router | None = None, config: Config | None = None) -> Gateway:
    """Return the gateway as an ASGI application; see `Gateway`.

    ::

        app = create_app()                                       # uvicorn module:app
        app.mount("/pictures", create_app(router=router))        # in a Starlette or FastAPI application
    """
    return Gateway(router, config)


def _busy() -> BadMessage:
    return BadMessage(
        503,
        "the gateway has as many requests in flight as it takes; try again in a moment",
        code="gateway_busy",
        headers=[(b"retry-after", b"1")],
    )


def _stopping() -> BadMessage:
    return BadMessage(
        503,
        "the gateway is being stopped; try again in a moment",
        code="service_unavailable",
        headers=[(b"retry-after", b"1")],
    )


def _log(exchange: Exchange, seconds: float) -> None:
    """Note an exchange in one line: nothing that a caller wrote is in it but the path."""
    # The path as a literal: decoded, it may hold line breaks that would forge lines of the log.
    log.info(
        "%s %s %s %r: %s in %.2f s",
        exchange.id,
        exchange.caller or "-",
        exchange.scope["method"],
        exchange.path[:200],
        exchange.status or "the caller went away",
        seconds,
    )
