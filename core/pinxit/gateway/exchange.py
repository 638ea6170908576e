"""One HTTP request and its answer, over ASGI."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import (
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .encoding import encode_json
from .errors import Disconnected, Header

__all__ = [
    "Answer",
    "Exchange",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "in_parts",
    "json_answer",
    "new_id",
]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PIECE = 256 * 1024
"""Bytes that are handed to the server at a time, so that a slow reader does not pile them up."""

LINGER_SECONDS = 1.0
LINGER_BYTES = 2**20
"""What is still read of a body that was refused: closing at once would destroy the answer on its way."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; its body is the pieces, one after the other."""

    status: int
    pieces: Sequence[bytes]
    headers: Sequence[Header] = ()
    media_type: bytes = b"application/json"

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.pieces))


def in_parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces in parts of at most `PIECE` bytes: large ones are cut, small ones come together."""
    held = b""
    for piece in pieces:
        if len(held) + len(piece) <= PIECE:
            held += piece
            continue
        if held:
            yield held
        end = len(piece) - len(piece) % PIECE
        for at in range(0, end, PIECE):
            yield piece[at : at + PIECE]
        held = piece[end:]
    if held:
        yield held


def new_id() -> str:
    """Make the id that signs an answer, and that the log has too."""
    return f"req_{secrets.token_hex(12)}"


def json_answer(data: object, *, status: int = 200, headers: Sequence[Header] = ()) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, (encode_json(data),), headers)


@dataclass(slots=True, eq=False)
class Exchange:
    """One request on its way through the gateway.

    Attributes:
        id: Signs the answer.
        caller: The name of the key that it came with.
        status: The status of the answer, once it has begun.
        unread: Whether some of the request's body may still be on its way.
        closing: Whether the connection ends with the answer.
        parameters: What the path says: names and values.
    """

    scope: Scope
    receive: Receive
    send_message: Send
    id: str
    caller: str = ""
    status: int | None = None
    unread: bool = field(init=False)
    closing: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        length = self.header(b"content-length")
        self.unread = length not in {b"", b"0"} or bool(self.header(b"transfer-encoding"))

    def header(self, name: bytes) -> bytes:
        """Return a request header, or nothing; of several the first."""
        return next((value for key, value in self.scope["headers"] if key.lower() == name), b"")

    @property
    def started(self) -> bool:
        """Whether the answer has begun."""
        return self.status is not None

    @property
    def path(self) -> str:
        """The path within this application, wherever it is mounted, without a slash at its end."""
        path: str = self.scope["path"]
        root: str = self.scope.get("root_path", "")
        # ASGI has the mount's prefix within the path; some applications take it off before they
        # hand on.
        inner = path.removeprefix(root) if root and path.startswith(f"{root}/") else path
        return inner.rstrip("/") or "/"

    async def start(self, status: int, headers: Sequence[Header]) -> None:
        """Send status and headers."""
        # What comes later of an unread body would be taken for the next request.
        closing = [(b"connection", b"close")] if self.unread or self.closing else []
        self.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, (b"x-request-id", self.id.encode()), *closing],
            }
        )

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """Send some of the body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _send(self, message: Message) -> None:
        try:
            await self.send_message(message)
        except OSError:  # how servers say, since ASGI 2.4, that nobody is there any more
            raise Disconnected from None

    async def answer(self, answer: Answer) -> None:
        """Send a whole answer."""
        await self.start(
            answer.status,
            [
                (b"content-type", answer.media_type),
                (b"content-length", str(answer.length).encode()),
                *answer.headers,
            ],
        )
        last = b""
        # One part behind, because the last one goes together with the end of the body.
        for part in in_parts(answer.pieces):
            if last:
                await self.write(last)
            last = part
        if self.unread:
            # The caller has all of the announced length now, and the connection stays open for what
            # it still sends.
            await self.write(last)
            await self._linger()
            last = b""
        await self.write(last, more=False)

    async def _linger(self) -> None:
        """Read a little of what nobody wants, until the caller has seen the answer."""
        read = 0
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while read < LINGER_BYTES:
                    message = await self.receive()
                    read += len(message.get("body", b""))
                    if not message.get("more_body"):
                        return
        except TimeoutError:
            return

    async def while_connected(self, work: Coroutine[Any, Any, T]) -> T:
        """Do some work as long as the caller is there.

        Raises:
            Disconnected: The caller went first; the work was cancelled and has ended.
        """
        task = asyncio.ensure_future(work)
        gone = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Disconnected
            return task.result()
        finally:
            gone.cancel()
            task.cancel()
            # The upstream call is closed, and the watcher stopped, before anything else happens.
            await asyncio.wait({task, gone})
            # Whatever it failed with is told once; asyncio complains of an exception that nobody
            # looked at.
            if not task.cancelled():
                task.exception()

    async def _gone(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
