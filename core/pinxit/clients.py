"""The one place where HTTP clients are made."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.request import getproxies

from .redaction import Secrets, hide

if TYPE_CHECKING:
    import httpx

__all__ = ["create_client", "is_fast", "quiet_logs"]

CONNECT_TIMEOUT = 10.0
"""Seconds to reach a provider; everything after that is the attempt's own time-out."""

_WIRE_LOGS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy")


def is_fast() -> bool:
    """Whether what carries many connections well is installed; it comes with the extra ``gateway``."""
    try:
        return find_spec("aiohttp") is not None
    except ValueError:  # what a module that is kept from being imported leads to
        return False


def create_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Make the client that all plugins of a router share.

    It follows no redirects, so that neither keys nor prompts reach another host; it keeps no cookies, so
    that no request leaves a trace in the next one; and it has no read time-out: httpx's five seconds are less
    than a picture takes. Proxies of the environment are used as httpx uses them.

    Args:
        transport: What carries the requests; by default aiohttp where it is installed, or else httpx itself.
    """
    import httpx

    from .connections import guard

    verify = None if transport else httpx.create_ssl_context()
    mounts: dict[str, httpx.AsyncBaseTransport | None] = {}
    # A mount for all addresses gives way to one for a proxy, but it would replace that of ALL_PROXY.
    if verify and is_fast() and "all" not in getproxies():
        from .transport import AiohttpTransport

        mounts["all://"] = AiohttpTransport(verify)
    return httpx.AsyncClient(
        transport=transport,
        mounts=mounts,
        verify=verify or True,
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
        # Said although it is httpx's default: keys and prompts depend on it.
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        event_hooks={"response": [guard]},
    )


class _Filter(logging.Filter):
    """Takes secrets out of records: at the level of debugging, headers are logged as they came."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = Secrets(dict.fromkeys(secrets))

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        shown = hide(text, self._secrets)
        if shown != text:
            # The arguments go too: another handler would put the secret together again.
            record.msg, record.args = shown, ()
        return True


@contextmanager
def quiet_logs(secrets: Iterable[str]) -> Generator[None]:
    """Keep secrets, which a provider may repeat, out of what the HTTP libraries log meanwhile."""
    redact = _Filter(secrets)
    loggers = [logging.getLogger(name) for name in _WIRE_LOGS]
    for logger in loggers:
        logger.addFilter(redact)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(redact)
