"""Pictures at URLs: which ones a request's answer gets, and what is behind them.

The signature in a URL is its credential; no key is asked for, and pages of any origin may show a picture.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from pinxit.assets import Asset, AssetStore, FolderStore, is_asset_name, open_store
from pinxit.config import Config
from pinxit.hookspecs import Clock
from pinxit.routing import Router

from .errors import BadMessage, Header
from .exchange import PIECE, Exchange
from .settings import GatewaySettings

__all__ = ["Assets", "base_url"]

# A Host header is the caller's word and ends up in URLs: no more than a host and a port may pass.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)
_PATH = re.compile(r"/assets/(?:([^/]*)/)?([^/]+)")
# Digits are bounded, because `int` raises for thousands of them.
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))", re.ASCII)
_SVG_POLICY = (
    b"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
)


class Assets:
    """The pictures that this gateway's answers name by URL.

    Args:
        router: The router that was handed in, if one was; its store is used.
        config: The configuration; without an ``[assets]`` table pictures are kept in the user's cache.
        settings: The ``[gateway]`` table.

    Raises:
        ConfigError: The ``[assets]`` table is wrong.
    """

    def __init__(self, router: Router | None, config: Config, settings: GatewaySettings) -> None:
        given = router.store if router else None
        self._store = given or open_store(
            config.asset_settings(),
            clock=router.clock if router else Clock(),
            cache=_cache(config),
            where=str(config.path or "configuration"),
        )
        self._settings = settings

    def store(self, exchange: Exchange) -> AssetStore | None:
        """Return where pictures of this request are kept, at URLs that the client can reach, if anywhere."""
        if isinstance(self._store, FolderStore):
            return self._store.at(base_url(exchange, self._settings))
        return self._store

    @asynccontextmanager
    async def tended(self) -> AsyncGenerator[None]:
        """Let old pictures go while the block runs, whether or not new ones come."""
        if not isinstance(self._store, FolderStore):
            yield
            return
        tending = asyncio.ensure_future(self._store.tend())
        try:
            yield
        finally:
            tending.cancel()
            with suppress(asyncio.CancelledError):
                await tending

    def serves(self, exchange: Exchange) -> bool:
        """Whether a request asks for a picture."""
        return exchange.path == "/assets" or exchange.path.startswith("/assets/")

    async def serve(self, exchange: Exchange) -> None:
        """Answer with a picture.

        Raises:
            BadMessage: 403, 404, 405 or 416.
        """
        match = _PATH.fullmatch(exchange.path)
        if match is None or not is_asset_name(match[2]) or not isinstance(self._store, FolderStore):
            raise _nothing()
        method: str = exchange.scope["method"]
        if method not in {"GET", "HEAD"}:
            raise BadMessage(
                405,
                f"{method} is not taken here, GET and HEAD are",
                code="method_not_allowed",
                headers=[(b"allow", b"GET, HEAD")],
            )
        token, name = match.groups()
        # Before anything else: strangers do not learn what is here.
        if not await self._store.allows(token or "", name):
            raise BadMessage(
                403,
                "this URL has expired or its signature is wrong; ask for the picture again",
                code="invalid_signature",
            )
        asset = await self._store.get(name)
        if asset is None:
            raise _nothing()
        async with asset:
            await _answer(exchange, asset, self._store.seconds_left(token))


def base_url(exchange: Exchange, settings: GatewaySettings) -> str:
    """Return what comes before a path of this gateway, as the client must write it.

    It is ``[gateway] public_url``, else what the request itself was addressed to.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scope = exchange.scope
    host = exchange.header(b"host").decode("latin-1")
    if not _HOST.fullmatch(host):
        name, port = scope.get("server") or ("localhost", None)
        name = f"[{name}]" if ":" in name else name
        host = f"{name}:{port}" if port else name
    return f"{scope.get('scheme', 'http')}://{host}{quote(scope.get('root_path', ''))}"


async def _answer(exchange: Exchange, asset: Asset, seconds: int) -> None:
    digest, _, extension = asset.name.partition(".")
    # Names begin with the digest of their bytes: one name never means other bytes.
    etag = f'"{digest}"'
    headers: list[Header] = [
        (b"etag", etag.encode()),
        (b"cache-control", f"private, max-age={seconds}, immutable".encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"cross-origin"),
    ]
    if _is_known(exchange, etag):
        await exchange.start(304, headers)
        await exchange.write(b"", more=False)
        return
    start, stop = _wanted(exchange, etag, asset.size) or (0, asset.size)
    # What is no kind of picture that we know is for saving, not for showing.
    shown = b"attachment" if extension == "bin" else b"inline"
    headers += [
        (b"content-type", asset.media_type.encode()),
        (b"content-length", str(stop - start).encode()),
        (b"content-disposition", shown + b'; filename="%s"' % asset.name.encode()),
        (b"accept-ranges", b"bytes"),
    ]
    if extension == "svg":
        # Opened as a page of its own it may neither run scripts nor ask anybody for anything.
        headers.append((b"content-security-policy", _SVG_POLICY))
    if stop - start < asset.size:
        headers.append((b"content-range", f"bytes {start}-{stop - 1}/{asset.size}".encode()))
    await exchange.start(200 if stop - start == asset.size else 206, headers)
    if exchange.scope["method"] == "GET":
        for at in range(start, stop, PIECE):
            await exchange.write(await asset.read(at, min(at + PIECE, stop)))
    await exchange.write(b"", more=False)


def _is_known(exchange: Exchange, etag: str) -> bool:
    known = [tag.strip() for tag in exchange.header(b"if-none-match").decode("latin-1").split(",")]
    # If-None-Match compares weakly (RFC 9110, section 13.1.2).
    return any(tag == "*" or tag.removeprefix("W/") == etag for tag in known)


def _wanted(exchange: Exchange, etag: str, size: int) -> tuple[int, int] | None:
    """Return where the wanted range starts and stops, or ``None`` for all of the picture.

    What is no single range of bytes is ignored, as HTTP allows.

    Raises:
        BadMessage: 416, the range lies outside.
    """
    match = _RANGE.fullmatch(exchange.header(b"range").decode("latin-1").strip())
    condition = exchange.header(b"if-range").decode("latin-1").strip()
    # Ranges are defined for GET alone (RFC 9110, section 14.2). A date in If-Range is never ours:
    # we send none.
    if match is None or exchange.scope["method"] != "GET" or condition not in {"", etag}:
        return None
    first, last, final = match.groups()
    if first is None:
        start, stop = max(0, size - int(final)), size
    else:
        start, stop = int(first), size if last is None else min(int(last) + 1, size)
        # It is malformed rather than outside, and may be ignored.
        if last is not None and int(last) < start:
            return None
    if start >= stop:
        raise BadMessage(
            416,
            f"the range lies outside of the picture's {size} bytes",
            code="range_not_satisfiable",
            headers=[(b"content-range", f"bytes */{size}".encode())],
        )
    return start, stop


def _nothing() -> BadMessage:
    return BadMessage(404, "there is no picture at this URL", code="not_found")


def _cache(config: Config) -> Path | None:
    """Return the user's folder for what can be made again."""
    named = config.environ.get("XDG_CACHE_HOME") or config.environ.get("LOCALAPPDATA")
    if named:
        return Path(named)
    home = config.environ.get("HOME")
    return Path(home) / ".cache" if home else None
