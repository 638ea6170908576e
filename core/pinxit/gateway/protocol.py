"""uvicorn's HTTP protocol, with bounds on what a connection may cost.

Headers are bounded in time and in memory, and so is the patience with callers who do not read.
"""

from __future__ import annotations

import asyncio
import logging
from typing import ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .encoding import encode_json
from .exchange import new_id

__all__ = ["MAX_OVERHEAD", "BoundedProtocol"]

log = logging.getLogger("pinxit.gateway")

MAX_OVERHEAD = 128 * 1024
"""Bytes of a request that are not its body: request line, headers, chunk sizes, trailers. What small
chunks cost is allowed on top."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    Attributes:
        header_timeout: Seconds from the first byte of a request, or from the connection, to the end of
            the headers.
        write_timeout: Seconds that a caller may leave what it is sent unread.
    """

    header_timeout: ClassVar[float] = 20.0
    write_timeout: ClassVar[float] = 60.0

    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _begun = False
    _raw = 0
    _body = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Wait for the first request."""
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timers."""
        self._headers_are_here()
        self._reads_again()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what is not body."""
        # The first bytes behind an answer, on a connection that was kept.
        if self._deadline is None and not self._serving:
            self._await_headers()
        self._raw += len(data)
        super().data_received(data)
        # A chunk of one byte costs five others. Eight leave room, and a body in tiny chunks still
        # passes.
        if (
            self._raw - self._body > MAX_OVERHEAD + 8 * self._body
            and not self.transport.is_closing()
        ):
            self._refuse(431, "the headers are too large", "request_headers_too_large")

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._begun = True
        self._raw = self._body = 0
        self._await_headers()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Stop the clock."""
        self._begun = False
        self._headers_are_here()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count the body."""
        self._body += len(body)
        super().on_body(body)

    def pause_writing(self) -> None:
        """Start a clock for the caller to read on."""
        super().pause_writing()
        # Abort, because closing waits for what is not read.
        self._unread = self.loop.call_later(self.write_timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop that clock."""
        self._reads_again()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP in the same form as everything else."""
        self._refuse(400, msg.rstrip("."), "invalid_http")

    @property
    def _serving(self) -> RequestResponseCycle | None:
        """The request that is being served, if one is."""
        # Before the first request there is none, whatever uvicorn's annotation says.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return None if cycle is None or cycle.response_complete else cycle

    def _reads_again(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _await_headers(self) -> None:
        self._headers_are_here()
        self._deadline = self.loop.call_later(self.header_timeout, self._late)

    def _headers_are_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if self._serving:
            # Another request came half behind one that is being served: paid work goes first.
            self._await_headers()
        elif self._begun:
            self._refuse(408, "the headers came too slowly", "request_timeout")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str, code: str) -> None:
        """Answer, unless an answer is being sent already, and close."""
        # A second answer on the line could be taken for the rest of the first.
        if (serving := self._serving) is not None and serving.response_started:
            self.transport.abort()
            return
        id = new_id()
        log.info("%s %d: %s", id, status, message)
        kind = {"type": "invalid_request_error", "param": None, "code": code}
        body = encode_json({"error": {"message": message, **kind}})
        head = (
            # The reason may be empty, the space before it may not be missing (RFC 9112, section 4).
            f"HTTP/1.1 {status} \r\ncontent-type: application/json\r\nconnection: close\r\n"
            f"x-request-id: {id}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        # By hand: what is refused here never became a request of the application's.
        self.transport.write(head.encode() + body)
        self.transport.close()
