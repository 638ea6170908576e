"""Complete answers: pictures, refusals, errors, and documents that are of no use."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Literal

from .canvas import CREATED, asked_size, png
from .events import Events
from .exchange import Received, Step, Wire

__all__ = [
    "After",
    "Answer",
    "BrokenBase64",
    "BrokenJson",
    "EchoKey",
    "EmptyData",
    "Html",
    "Ok",
    "RateLimited",
    "Redirect",
    "Refusal",
]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """Any complete answer.

    Args:
        status: The HTTP status.
        json: A body to send as JSON; wins over *body*.
        body: A body to send as it is.
        headers: Further headers; a ``content-length`` here may lie.
    """

    status: int = 200
    json: Any = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    async def play(self, request: Received, wire: Wire) -> None:
        """Send status, headers and body."""
        del request
        headers, body = self.message()
        await wire.start(self.status, headers)
        await wire.send(body)
        await wire.end()

    def message(self) -> tuple[dict[str, str], bytes]:
        """Return the headers and the body."""
        body = self.body if self.json is None else json.dumps(self.json).encode()
        kind = {} if self.json is None else {"content-type": JSON}
        return {**kind, "content-length": str(len(body)), **self.headers}, body


@dataclass(frozen=True, slots=True)
class Ok:
    """Pictures, as OpenAI answers: as many as were asked for, as large, in base64; as events for a stream.

    Args:
        picture: The bytes to send as each picture; by default a grey PNG of the size asked for, or of
            64x64 where the request names no pixels.
        count: How many, whatever was asked.
        echo: Repeat the prompt as ``revised_prompt``, so that answers which got crossed show.
        fields: Further fields of the answer, such as ``usage``.
    """

    picture: bytes | None = None
    count: int | None = None
    echo: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])

    async def play(self, request: Received, wire: Wire) -> None:
        """Answer with JSON, or with events where the request asks for them."""
        step: Step = Events() if request.streams else self.answer(request)
        await step.play(request, wire)

    def answer(self, request: Received) -> Answer:
        """Return the answer in JSON."""
        picture = self.picture if self.picture is not None else png(*asked_size(request))
        one = {"b64_json": base64.b64encode(picture).decode()}
        if self.echo:
            one["revised_prompt"] = request.value("prompt") or ""
        count = request.number("n", 1) if self.count is None else self.count
        return Answer(json={"created": CREATED, "data": [one] * count, **self.fields})


@dataclass(frozen=True, slots=True)
class After:
    """Think for *seconds*, then play *step*."""

    seconds: float
    step: Step = field(default_factory=Ok)

    async def play(self, request: Received, wire: Wire) -> None:
        """Wait, then go on."""
        await asyncio.sleep(self.seconds)
        await self.step.play(request, wire)


@dataclass(frozen=True, slots=True)
class RateLimited:
    """A 429.

    Args:
        retry_after: ``Retry-After``: a number of seconds, a moment (sent as an HTTP date), or any text.
        milliseconds: ``retry-after-ms``: a number, or any text.
        code: OpenAI's code; ``insufficient_quota`` is the 429 that no waiting helps against.
        headers: Further headers, such as ``x-should-retry``.
    """

    retry_after: float | str | datetime | None = None
    milliseconds: float | str | None = None
    code: str = "rate_limit_exceeded"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    async def play(self, request: Received, wire: Wire) -> None:
        """Refuse for now."""
        headers = dict(self.headers)
        wait = self.retry_after
        if isinstance(wait, datetime):
            # HTTP knows dates in GMT alone (RFC 9110, section 5.6.7).
            headers["retry-after"] = format_datetime(wait, usegmt=True)
        elif wait is not None:
            headers["retry-after"] = str(wait)
        if self.milliseconds is not None:
            headers["retry-after-ms"] = str(self.milliseconds)
        error = _error("Slow down.", type="requests", code=self.code)
        await Answer(429, json=error, headers=headers).play(request, wire)


def _error(message: str, *, type: str, code: str | None, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code, **more}}


@dataclass(frozen=True, slots=True)
class BrokenJson:
    """A 200 whose body is half of a JSON document."""

    async def play(self, request: Received, wire: Wire) -> None:
        """Send half of a document and call it complete."""
        _, body = Ok().answer(request).message()
        half = body[: len(body) // 2]
        await Answer(body=half, headers={"content-type": JSON}).play(request, wire)


@dataclass(frozen=True, slots=True)
class BrokenBase64:
    """A 200 whose picture is no base64, or not all of it."""

    text: str = "iVBORw0KGgo*"

    async def play(self, request: Received, wire: Wire) -> None:
        """Send well-formed JSON around it."""
        body = {"created": CREATED, "data": [{"b64_json": self.text}]}
        await Answer(json=body).play(request, wire)


@dataclass(frozen=True, slots=True)
class Html:
    """A page of some proxy in place of JSON."""

    status: int = 200

    async def play(self, request: Received, wire: Wire) -> None:
        """Send the page."""
        page = b"<!doctype html><title>One moment</title><h1>Checking your browser</h1>"
        headers = {"content-type": "text/html; charset=utf-8"}
        await Answer(self.status, body=page, headers=headers).play(request, wire)


@dataclass(frozen=True, slots=True)
class EmptyData:
    """A 200 without a picture."""

    async def play(self, request: Received, wire: Wire) -> None:
        """Send an empty list."""
        await Answer(json={"created": CREATED, "data": []}).play(request, wire)


RefusalShape = Literal["openai", "azure", "fal", "ark", "xai", "imagerouter"]

_REFUSED = "Your request was rejected by the safety system."
_REFUSALS: Mapping[RefusalShape, Answer] = {
    # From the vendors' documentation and SDKs as of 2026-11.
    "openai": Answer(
        400, _error(_REFUSED, type="image_generation_user_error", code="moderation_blocked")
    ),
    "azure": Answer(
        400,
        _error(
            _REFUSED,
            type="invalid_request_error",
            code="contentFilter",
            inner_error={"code": "ResponsibleAIPolicyViolation", "content_filter_results": {}},
        ),
    ),
    "fal": Answer(
        422,
        {
            "detail": [
                {"loc": ["body", "prompt"], "msg": _REFUSED, "type": "content_policy_violation"}
            ]
        },
    ),
    "ark": Answer(
        200,
        {
            "created": CREATED,
            "data": [
                {"error": {"code": "OutputImageSensitiveContentDetected", "message": _REFUSED}}
            ],
        },
    ),
    "xai": Answer(200, {"data": [{"url": "", "b64_json": "", "respect_moderation": False}]}),
    # White space keeps the connection alive while it paints, and the status has been sent by then.
    "imagerouter": Answer(
        200, body=b' \n \n{"error": {"message": "%s", "type": "moderation"}}' % _REFUSED.encode()
    ),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A safety system says no, in one provider's words; three of the shapes are a 200."""

    shape: RefusalShape = "openai"

    async def play(self, request: Received, wire: Wire) -> None:
        """Refuse."""
        await _REFUSALS[self.shape].play(request, wire)


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client to another address."""

    to: str
    status: int = 307

    async def play(self, request: Received, wire: Wire) -> None:
        """Answer with a location."""
        await Answer(self.status, headers={"location": self.to}).play(request, wire)


@dataclass(frozen=True, slots=True)
class EchoKey:
    """A failure whose message and headers repeat the credentials, as debugging servers do."""

    status: int = 500

    async def play(self, request: Received, wire: Wire) -> None:
        """Answer with what the client keeps secret."""
        # The headers in which providers take keys.
        names = ("authorization", "x-api-key", "api-key", "x-key")
        keys = " ".join(request.headers[name] for name in names if name in request.headers)
        error = _error(f"no account for {keys}", type="server_error", code=None)
        await Answer(self.status, json=error, headers={"x-echo": keys}).play(request, wire)
