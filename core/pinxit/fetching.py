"""The guarded fetcher of URLs that others name: in requests, in JSON edits, in providers' answers.

Such a URL must not make this machine talk to anything but public servers. A name is resolved here, once
per hop; every address it has is checked; and the connection goes to an address that passed, so that a name
which means something else a moment later gains nothing. TLS still asks for, and checks, the name.
"""

from __future__ import annotations

import asyncio
import socket
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import urlsplit

from .addresses import is_public, read_host
from .errors import ConfigError, InvalidImage
from .headers import HEADER_BYTES, inspect, sniff

if TYPE_CHECKING:
    import ssl

    import httpcore
    import httpx

__all__ = ["MAX_BYTES", "MAX_REDIRECTS", "Fetcher", "Resolve"]

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the addresses, as text, of a host name and a port."""

MAX_BYTES = 64 * 2**20
"""Bytes of a picture, decompressed."""

MAX_REDIRECTS = 3
MAX_ADDRESSES = 4
"""Addresses of one name that are tried."""

CONNECT_TIMEOUT = 5.0
"""Seconds for one address, so that a dead one leaves time for the next."""

RESOLVER_THREADS = 8
PORTS = frozenset({80, 443})

_FIELD = "image_url"
# One sentence for every failure on the way: a difference would tell what there is in our network.
_REFUSAL = (
    f"{_FIELD} cannot be fetched: it must be the https:// URL of a picture on a public server"
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# An hour of zeros fits into a megabyte of gzip; so much of it is decompressed at a time.
_STEP = 2**20


class _Refused(Exception):
    """Why a URL is not fetched: for our own eyes, as the cause of what the caller sees."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL that may be asked for, as far as its text tells.

    Attributes:
        url: The URL, for redirects relative to it.
        host: A name or an address in its usual spelling.
        port: The port.
        literal: Whether the host is an address.
        trusted: Whether the host is among those whose address does not matter.
    """

    url: httpx.URL
    host: str
    port: int
    literal: bool
    trusted: bool

    @property
    def authority(self) -> bytes:
        """The ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.url.scheme]
        return (host if self.port == usual else f"{host}:{self.port}").encode("ascii")


class Fetcher:
    """Downloads pictures from URLs that strangers name; usable as `pinxit.payload.Fetch`.

    Nothing but the request line is sent: no credentials, no cookies, no referrer; proxies of the
    environment are not used. Give callers' URLs and a provider's URLs a fetcher each where
    *allow_hosts* differs: what a provider's own server may name is no business of callers.

    Args:
        resolve: Finds a name's addresses; by default the system does.
        backend: Opens connections to addresses that passed.
        ssl_context: Checks certificates; by default those of the usual authorities, or of
            ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``.
        max_bytes: Bytes of a picture, decompressed.
        timeout: Seconds for everything: name, redirects and body.
        allow_hosts: ``host`` or ``host:port`` of servers that may have any address, any port and plain
            http, such as ``127.0.0.1:8188``.

    Raises:
        ConfigError: *allow_hosts* names something that is no host.
    """

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        backend: httpcore.AsyncNetworkBackend | None = None,
        ssl_context: ssl.SSLContext | None = None,
        max_bytes: int = MAX_BYTES,
        timeout: float = 30.0,
        allow_hosts: Iterable[str] = (),
    ) -> None:
        self._resolve = resolve or self._ask_system
        self._backend = backend
        self._ssl_context = ssl_context
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._allowed = frozenset(map(_allowed_host, allow_hosts))
        self._threads: ThreadPoolExecutor | None = None

    async def __call__(self, url: str) -> bytes:
        """Return the picture behind a URL.

        Raises:
            InvalidImage: It cannot be had, is too large, or is no picture.
        """
        import httpcore
        import httpx

        try:
            async with asyncio.timeout(self._timeout):
                data = await self._follow(url)
        except (
            _Refused,
            OSError,  # time-outs and TLS too
            ValueError,  # from the spelling of a host
            zlib.error,
            httpx.InvalidURL,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
        ) as error:
            raise InvalidImage(_REFUSAL, param=_FIELD) from error
        inspect(data, field=_FIELD)
        return data

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the threads that look up names."""
        if self._threads is not None:
            # A look-up may hang for a minute, and cannot be interrupted.
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _follow(self, url: str) -> bytes:
        import httpcore
        import httpx

        target = self._judge(httpx.URL(url))
        for _ in range(MAX_REDIRECTS + 1):
            stream = await self._connect(target)
            try:
                origin = httpcore.Origin(
                    target.url.raw_scheme, target.host.encode("ascii"), target.port
                )
                # Over a stream to an address that was checked: a client would look the name up once
                # more, and could be told another one.
                connection = httpcore.AsyncHTTP11Connection(origin=origin, stream=stream)
                response = await connection.handle_async_request(_request(target))
                location = _location(response)
                if location is None:
                    return await self._read(response)
            finally:
                await stream.aclose()
            target = self._judge(target.url.join(location))
        raise _Refused(f"more than {MAX_REDIRECTS} redirects")

    def _judge(self, url: httpx.URL) -> _Target:
        """Look at the text of a URL."""
        if url.scheme not in {"http", "https"}:
            raise _Refused(f"scheme {url.scheme!r}")
        if url.userinfo:
            raise _Refused("user name or password in the URL")
        host, literal = read_host(url.raw_host.decode("ascii"))
        port = (443 if url.scheme == "https" else 80) if url.port is None else url.port
        trusted = not self._allowed.isdisjoint({(host, None), (host, port)})
        if not trusted and url.scheme != "https":
            raise _Refused("not https")
        if not trusted and port not in PORTS:
            raise _Refused(f"port {port}")
        return _Target(url, host, port, literal, trusted)

    async def _connect(self, target: _Target) -> httpcore.AsyncNetworkStream:
        """Connect to the first checked address that answers."""
        import httpcore

        if self._backend is None:
            self._backend = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        failure: Exception = _Refused(f"{target.host} has no address")
        for address in await self._addresses(target):
            try:
                stream = await self._backend.connect_tcp(
                    address, target.port, timeout=CONNECT_TIMEOUT
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return await self._secure(stream, target)
        raise failure

    async def _addresses(self, target: _Target) -> Sequence[str]:
        found = [target.host] if target.literal else await self._resolve(target.host, target.port)
        # All of them are checked, because any of them may be the one that answers.
        if not target.trusted and (inner := [a for a in found if not is_public(a)]):
            raise _Refused(f"{target.host} is at {inner[0]}, which is not public")
        return found[:MAX_ADDRESSES]

    async def _secure(
        self, stream: httpcore.AsyncNetworkStream, target: _Target
    ) -> httpcore.AsyncNetworkStream:
        if target.url.scheme == "http":
            return stream
        if self._ssl_context is None:
            import httpx

            self._ssl_context = httpx.create_ssl_context()
        # A handshake that fails or is cancelled must not leave its connection open.
        async with AsyncExitStack() as unless_secured:
            unless_secured.push_async_callback(stream.aclose)
            secured = await stream.start_tls(self._ssl_context, server_hostname=target.host)
            unless_secured.pop_all()
        return secured

    async def _read(self, response: httpcore.Response) -> bytes:
        if response.status != 200:
            raise _Refused(f"status {response.status}")
        length = _header(response, b"content-length")
        # Longer numbers than this are no lengths; Python would take its time to read them.
        if length.isdigit() and (len(length) > 18 or int(length) > self._max_bytes):
            raise self._too_large()
        data = bytearray()
        async with aclosing(_decoded(response)) as pieces:
            async for piece in pieces:
                data += piece
                if len(data) > self._max_bytes:
                    raise self._too_large()
                # What is no picture by now is not read to its end; `inspect` refuses it.
                if len(data) >= HEADER_BYTES > len(data) - len(piece) and not sniff(bytes(data)):
                    break
        return bytes(data)

    def _too_large(self) -> InvalidImage:
        return InvalidImage(
            f"{_FIELD}: the picture has more than {self._max_bytes} bytes, the most that is downloaded",
            param=_FIELD,
        )

    async def _ask_system(self, host: str, port: int) -> Sequence[str]:
        # Names of strangers may take a minute to fail; in asyncio's own pool they would hold up the
        # decoding of pictures and the names of providers.
        if self._threads is None:
            self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "pinxit-names")
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _allowed_host(entry: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{entry}")
        if parts.netloc != entry or parts.username is not None:
            raise ValueError("more than a host")
        return read_host(parts.hostname or "")[0], parts.port
    except ValueError:
        # Neither the message nor a cause may show the password of a URL.
        place = entry.rpartition("@")[2]
        raise ConfigError(
            f"allow_hosts: {place!r} is no host; write a name or an address, such as images.example or "
            "127.0.0.1:8188"
        ) from None


def _request(target: _Target) -> httpcore.Request:
    import httpcore

    url = httpcore.URL(
        scheme=target.url.raw_scheme,
        host=target.host,
        port=target.port,
        target=target.url.raw_path,
    )
    headers = [
        (b"Host", target.authority),
        (b"User-Agent", b"pinxit"),
        (b"Accept", b"image/*"),
        (b"Accept-Encoding", b"identity"),
        # The next request goes to an address that is checked for it.
        (b"Connection", b"close"),
    ]
    return httpcore.Request("GET", url, headers=headers)


def _location(response: httpcore.Response) -> str | None:
    """Return where a redirect leads, or ``None`` for any other answer."""
    location = _header(response, b"location")
    if response.status not in _REDIRECTS or not location:
        return None
    return location.decode("utf-8", "replace")


def _header(response: httpcore.Response, name: bytes) -> bytes:
    return next((value for key, value in response.headers if key.lower() == name), b"")


async def _decoded(response: httpcore.Response) -> AsyncGenerator[bytes]:
    """Yield the body; some stores answer in gzip whatever they are asked for."""
    coding = _header(response, b"content-encoding").lower()
    if coding not in {b"", b"identity", b"gzip"}:
        raise _Refused(f"coding {coding!r}")
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if coding == b"gzip" else None
    async with aclosing(cast("AsyncGenerator[bytes]", response.aiter_stream())) as chunks:
        async for chunk in chunks:
            rest = chunk
            while decoder is not None and rest:
                yield decoder.decompress(rest, _STEP)
                rest = decoder.unconsumed_tail
            yield rest
    if decoder is not None and not decoder.eof:
        raise _Refused("cut off")
