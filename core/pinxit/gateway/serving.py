"""Run the gateway: uvicorn on httptools, guarded against strangers, patient with paid work."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

import uvicorn

from pinxit.config import Config
from pinxit.errors import ConfigError

from .app import Gateway
from .memory import KEPT, find_trim, tune
from .origins import is_loopback
from .protocol import BoundedProtocol
from .settings import read_settings

__all__ = ["Server", "check_exposure", "listen", "serve"]

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept; load balancers keep theirs for 60."""

CLOSING = 3
"""Seconds for connections to close once everything has been answered."""

TICKS = 100
"""Tenths of a second after which memory that is free is given back."""

log = logging.getLogger("pinxit.gateway")


class Server(uvicorn.Server):
    """A server that answers what is in flight before it stops, and refuses what comes meanwhile.

    Args:
        gateway: The application.
        listener: Where to listen.
        on_ready: Called with the URL once requests are taken.
        trim: Gives freed memory back; by default the C library's.
    """

    def __init__(
        self,
        gateway: Gateway,
        listener: socket.socket,
        on_ready: Callable[[str], None] | None = None,
        trim: Callable[[int], int] | None = None,
    ) -> None:
        self.gateway = gateway
        self.listener = listener
        self._on_ready = on_ready
        self._trim = trim or find_trim()
        self._trimmed_at = 0
        settings = gateway.settings

        # uvicorn makes one per connection and hands nothing in: the settings of this server are
        # those of a class of its own.
        class Protocol(BoundedProtocol):
            header_timeout = settings.header_timeout
            write_timeout = settings.write_timeout

        super().__init__(
            uvicorn.Config(
                gateway,
                http=Protocol,
                ws="none",
                # Not "auto", which goes on serving where the router cannot be opened.
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                # Anybody can send them; `public_url` says what clients call.
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=CLOSING,
            )
        )

    @property
    def url(self) -> str:
        """Where the server listens."""
        host, port = self.listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        super().run(sockets or [self.listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the gateway, listen, and say so."""
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready(self.url)

    async def on_tick(self, counter: int) -> bool:
        """Give memory back now and then, if anything has been served meanwhile."""
        served = self.server_state.total_requests
        if self._trim is not None and counter % TICKS == 0 and served != self._trimmed_at:
            if not self.server_state.tasks:
                # What is in flight will leave memory behind too.
                self._trimmed_at = served
            await asyncio.to_thread(self._trim, KEPT)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish paid work, answer 503 to newcomers, then close."""
        # uvicorn would stop listening first: newcomers would meet a closed port instead of a 503.
        drained = asyncio.ensure_future(self.gateway.drained())
        log.info("stopping; work in flight is finished first")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.gateway.settings.grace):
                # A second Ctrl-C sets a flag and wakes nobody, so it is looked for.
                while not (drained.done() or self.force_exit):
                    await asyncio.wait([drained], timeout=0.1)
        if not drained.done():
            drained.cancel()
            for task in self.server_state.tasks:
                task.cancel()
        await super().shutdown(sockets)


def serve(
    config: Config | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    insecure: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; what is in flight then is finished first.

    Args:
        config: By default ``pinxit.toml`` and the environment.
        host: The address, instead of ``[gateway] host``.
        port: The port, instead of ``[gateway] port``; 0 lets the system choose.
        insecure: Listen beyond loopback even though nobody needs a key.
        on_ready: Called with the URL once requests are taken.

    Raises:
        ConfigError: The address cannot be had, or strangers could reach a gateway without keys.
    """
    config = config or Config.load()
    settings = read_settings(config)
    address = host or settings.host
    has_keys = bool(settings.keys)
    # Before anything is opened, let alone listened to.
    check_exposure(address, has_keys=has_keys, insecure=insecure or settings.insecure)
    gateway = Gateway(config=config, local=is_loopback(address) and not has_keys)
    server = Server(gateway, listen(address, settings.port if port is None else port), on_ready)
    # Only in a process that is a gateway: an application that mounts one has its own way with
    # memory.
    tune()
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


def check_exposure(host: str, *, has_keys: bool, insecure: bool) -> None:
    """Refuse to let strangers spend money.

    Raises:
        ConfigError: *host* can be reached from elsewhere and nobody needs a key.
    """
    if has_keys or insecure or is_loopback(host):
        return
    raise ConfigError(
        f"{host} can be reached by others, who could spend your money: make keys with `pinxit keys new`, "
        "listen on 127.0.0.1, or say --insecure"
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: The address or the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"cannot listen on {host} port {port}: {reason}") from error
