"""A faster way for `httpx` to the network: aiohttp's connections, with httpx's errors and our care.

httpx's own transport takes half of a gateway's CPU and slows down with the square of the connections.
"""

from __future__ import annotations

import asyncio
import selectors
import ssl
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakSet

import aiohttp
import httpx
from yarl import URL

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

__all__ = ["AiohttpTransport"]

IDLE = 4.0
"""Seconds that a connection is kept for the next request. Many servers hang up after five, and whoever writes
at that moment does not know what has been ordered."""

PIECE = 256 * 1024
"""Bytes of a body that are handed to the socket, or read ahead from it, at a time."""

HEADER = 64 * 1024
"""Bytes of one header; aiohttp bounds their number."""

_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends the requests of an `httpx.AsyncClient` through aiohttp.

    What was not asked for does not happen: no redirects, no cookies, no decompression, no repetition of
    what may have been written, no headers of aiohttp's own.

    Args:
        context: How to verify servers; by default as httpx does.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its answer as soon as the headers are there.

        Raises:
            httpx.ConnectError: No connection came about, and so do `httpx.ConnectTimeout` and
                `httpx.UnsupportedProtocol` say: nothing was written.
            httpx.TransportError: Anything else may have happened after the server had the request.
        """
        patience = request.extensions.get("timeout", {})
        connect = patience.get("connect")
        try:
            response = await self._open().request(
                request.method,
                # As it is: to write a signed address in another way would break the signature.
                URL(str(request.url), encoded=True),
                headers=[
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in request.headers.raw
                    # aiohttp frames a streamed body itself, and writes this header then.
                    if name.lower() != b"transfer-encoding"
                ],
                data=_body(request),
                ssl=self._verified() if request.url.scheme == "https" else True,
                server_hostname=request.extensions.get("sni_hostname"),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    # The time-out of the whole attempt is around all of this.
                    total=None,
                    connect=connect,
                    sock_connect=connect,
                    sock_read=patience.get("read"),
                ),
            )
        except (aiohttp.ClientError, OSError) as error:
            _raise(error)
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Body(response),
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": (response.reason or "").encode("latin-1", "replace"),
            },
        )

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _verified(self) -> ssl.SSLContext:
        self._context = self._context or httpx.create_ssl_context()
        return self._context

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_AUTOMATIC,
                # httpx goes by the same header, and would do it a second time.
                auto_decompress=False,
                read_bufsize=PIECE,
                max_line_size=HEADER,
                max_field_size=HEADER,
            )
        return self._session


class _Connector(aiohttp.TCPConnector):
    """Gives no connection out again on which anything came behind the answer."""

    def __init__(self) -> None:
        # aiohttp leaves an argument of its parent's without a type.
        super().__init__(limit=0, keepalive_timeout=IDLE)  # pyright: ignore[reportUnknownMemberType]
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(self, *args: Any, **kwargs: Any) -> Connection:
        """Return a connection that is new, or clean."""
        # It ends with a new connection at the latest, which nobody has spoken on.
        while True:
            connection = await super().connect(*args, **kwargs)
            protocol = connection.protocol
            if protocol is None or protocol not in self._used:
                if protocol is not None:
                    self._used.add(protocol)
                return connection
            if not (protocol.should_close or _is_readable(connection) or _has_begun(protocol)):
                return connection
            connection.close()


def _is_readable(connection: Connection) -> bool:
    """Whether the server has hung up, or said something, that the loop has not seen yet."""
    transport = connection.transport
    pipe: Any = None if transport is None else transport.get_extra_info("socket")
    if pipe is None or pipe.fileno() < 0:
        return True
    # Unlike select.select, it knows of no highest descriptor.
    with selectors.DefaultSelector() as selector:
        selector.register(pipe.fileno(), selectors.EVENT_READ)
        return bool(selector.select(0))


def _has_begun(protocol: ResponseHandler) -> bool:
    """Whether the beginning of another answer came on an idle connection.

    aiohttp notices whole ones. No public name leads to the parser that holds half a one; where this one
    does not either, the connection counts as unclean, which costs a handshake and nothing else.
    """
    parser = getattr(protocol, "_parser", None)
    try:
        return parser is None or parser.feed_eof() is not None
    except Exception:  # noqa: BLE001 - the parser may object to anything, and the connection is closed
        return True


def _body(request: httpx.Request) -> bytes | AsyncIterator[bytes] | None:
    try:
        content = request.content
    except httpx.RequestNotRead:
        return _streamed(request.stream)
    return _sliced(content) if len(content) > PIECE else content or None


async def _streamed(stream: Any) -> AsyncIterator[bytes]:
    async for chunk in stream:
        async for piece in _sliced(chunk):
            yield piece


async def _sliced(content: bytes) -> AsyncIterator[bytes]:
    """Yield views of a body, so that the loop turns while megabytes are sent."""
    for at in range(0, len(content), PIECE):
        yield memoryview(content)[at : at + PIECE]  # type: ignore[misc]  # aiohttp takes any buffer


class _Body(httpx.AsyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._response.content
        try:
            if "Transfer-Encoding" in self._response.headers:
                # Chunks may be of a few bytes, which are better taken together.
                async for chunk in content.iter_any():
                    yield chunk
            else:
                async for chunk, _ in content.iter_chunks():
                    yield chunk
        except (aiohttp.ClientError, OSError) as error:
            _raise(error)

    async def aclose(self) -> None:
        # A connection whose answer has been read to its end is in the pool again by now.
        self._response.close()


# The first that fits counts; connecting comes before what may have happened later, and whatever is not
# known may have happened later. All of the first group mean that nothing was written.
_ERRORS: tuple[tuple[type[Exception], Callable[[str], httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (asyncio.TimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (Exception, httpx.ReadError),
)


def _raise(error: Exception) -> NoReturn:
    kind = next(kind for known, kind in _ERRORS if isinstance(error, known))
    # What is no HTTP is quoted at length by aiohttp, with the address.
    said = "the answer is not HTTP" if isinstance(error, aiohttp.ClientResponseError) else error
    raise kind(str(said)) from error
