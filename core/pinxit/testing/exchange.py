"""One request that the chaos upstream got, and the wire on which a step answers it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import parse_qs

import httpx

__all__ = ["Received", "Step", "Wire"]


@dataclass(slots=True, eq=False)
class Received:
    """A request, as the upstream got it, and what became of it.

    Attributes:
        method: Such as ``POST``.
        path: Without the query.
        query: Behind the question mark, or empty.
        headers: All of them; credentials too, so do not print them.
        body: The bytes.
        at: The event loop's second at which it had arrived.
        connection: The number of the connection it came on, from 1; 0 on a transport without sockets.
        sent: Bytes of the answer's body that went out.
        disconnected: Whether the client went away before the answer was complete.
        finished: Set when the answer is complete, given up, or no longer wanted.
    """

    method: str
    path: str
    query: str = ""
    headers: httpx.Headers = field(default_factory=httpx.Headers, repr=False)
    body: bytes = field(default=b"", repr=False)
    at: float = 0.0
    connection: int = 0
    sent: int = 0
    disconnected: bool = False
    finished: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is none."""
        try:
            value: Any = json.loads(self.body)
        except ValueError:
            return {}
        return cast("dict[str, Any]", value) if isinstance(value, dict) else {}

    def value(self, name: str) -> str | None:
        """Return a field of the body as text, whether it is JSON, multipart or a form."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return self._part(kind, name)
        if kind.startswith("application/x-www-form-urlencoded"):
            return parse_qs(self.body.decode("latin-1")).get(name, [None])[0]
        found = self.json.get(name)
        return None if found is None else str(found)

    def number(self, name: str, default: int) -> int:
        """Return a field of the body as a whole number; clients send ``1.0`` too."""
        try:
            return int(float(self.value(name) or default))
        except (ValueError, OverflowError):
            return default

    @property
    def streams(self) -> bool:
        """Whether the client asked for events."""
        return (self.value("stream") or "").lower() == "true"

    def _part(self, kind: str, name: str) -> str | None:
        boundary = kind.partition("boundary=")[2].strip('"').encode()
        for part in self.body.split(b"--" + boundary):
            head, _, value = part.partition(b"\r\n\r\n")
            if f' name="{name}"'.encode() in head:
                return value.removesuffix(b"\r\n").decode("utf-8", "replace")
        return None


class Wire(Protocol):
    """Where a step writes its answer. A step that returns before `end` has broken the connection."""

    async def start(self, status: int, headers: dict[str, str]) -> None:
        """Send the status and the headers; without a ``content-length`` the body is chunked."""
        ...

    async def send(self, data: bytes) -> None:
        """Send a part of the body."""
        ...

    async def end(self) -> None:
        """Say that the body is complete; the connection may be used again."""
        ...

    async def raw(self, data: bytes) -> None:
        """Send bytes that HTTP does not provide for: before `start` or after `end`."""
        ...

    async def close(self) -> None:
        """Close the connection in good manners, wherever the answer is."""
        ...

    async def reset(self) -> None:
        """Break the connection (TCP RST), wherever the answer is."""
        ...


class Step(Protocol):
    """One way to answer. Write your own as any object with this method."""

    async def play(self, request: Received, wire: Wire) -> None:
        """Answer *request*; it is cancelled when the client goes away or the upstream closes."""
        ...
