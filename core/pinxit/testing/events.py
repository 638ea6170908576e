"""Server-sent events, as OpenAI streams pictures, and their ways of going wrong."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .canvas import CREATED, asked_size, png
from .exchange import Received, Wire

__all__ = ["Events"]


@dataclass(frozen=True, slots=True)
class Events:
    """Server-sent events.

    Args:
        events: Objects to send as ``event: <type>`` and ``data: <JSON>``, or bytes to send as they are; by
            default what OpenAI sends: the partial pictures asked for, then the picture and its usage.
        interval: Seconds before each event.
        then: What follows the last one: a proper end; the connection is closed in the middle, or reset;
            nothing at all; or the last event again and again.
    """

    events: Sequence[Mapping[str, Any] | bytes] | None = None
    interval: float = 0.0
    then: Literal["end", "close", "reset", "silence", "repeat"] = "end"

    async def play(self, request: Received, wire: Wire) -> None:
        """Send the events one by one."""
        events = _usual_events(request) if self.events is None else self.events
        await wire.start(200, {"content-type": "text/event-stream", "cache-control": "no-cache"})
        for event in events:
            await self._send(event, wire)
        # Without an end of its own: the step is cancelled when the client has had enough.
        while self.then == "repeat":
            await self._send(events[-1], wire)
        match self.then:
            case "silence":
                await asyncio.Event().wait()
            case "close":
                await wire.close()
            case "reset":
                await wire.reset()
            case _:
                await wire.end()

    async def _send(self, event: Mapping[str, Any] | bytes, wire: Wire) -> None:
        await asyncio.sleep(self.interval)
        if not isinstance(event, bytes):
            event = f"event: {event.get('type', 'message')}\ndata: {json.dumps(event)}\n\n".encode()
        await wire.send(event)


def _usual_events(request: Received) -> list[dict[str, Any]]:
    kind = "image_edit" if request.path.endswith("/edits") else "image_generation"
    picture = {
        "b64_json": base64.b64encode(png(*asked_size(request))).decode(),
        "created_at": CREATED,
        "output_format": "png",
    }
    partials = [
        {"type": f"{kind}.partial_image", "partial_image_index": index, **picture}
        for index in range(request.number("partial_images", 0))
    ]
    details = {"text_tokens": 10, "image_tokens": 0}
    usage = {
        "input_tokens": 10,
        "output_tokens": 100,
        "total_tokens": 110,
        "input_tokens_details": details,
    }
    return [*partials, {"type": f"{kind}.completed", "usage": usage, **picture}]
