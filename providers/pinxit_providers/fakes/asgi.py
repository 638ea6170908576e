"""What the stand-ins share: reading what came, drawing what was asked for, and answering."""

from __future__ import annotations

import base64
import hmac
import io
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl

from pinxit import InvalidImage
from pinxit.headers import ImageInfo, inspect

__all__ = [
    "Answer",
    "Incoming",
    "Receive",
    "Refused",
    "Scope",
    "Send",
    "Upload",
    "answer",
    "events",
    "picture",
    "picture_base64",
    "read_data_url",
    "serve",
]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Upload(NamedTuple):
    """A file of a form."""

    field: str
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it arrived; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    origin: str
    """Scheme and host that it was sent to, for addresses in answers."""

    def json(self) -> dict[str, Any]:
        """Read the body.

        Raises:
            ValueError: It is no JSON object, or does not say that it is JSON.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip()
        if kind != "application/json":
            raise ValueError(f"unsupported content type {kind:.60}")
        fields = json.loads(self.body)
        if not isinstance(fields, dict):
            raise ValueError("the body is not a JSON object")  # noqa: TRY004 - both mean the same
        return cast("dict[str, Any]", fields)

    def form(self) -> tuple[list[tuple[str, str]], tuple[Upload, ...]]:
        """Read a multipart body: its fields and its files, each in their order.

        Raises:
            ValueError: It is no such form.
        """
        return _read_form(self.headers.get("content-type", ""), self.body)

    def has(self, header: str, value: str) -> bool:
        """Whether a header has exactly this value."""
        return hmac.compare_digest(self.headers.get(header, "").encode(), value.encode())


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; several pieces are sent one by one."""

    status: int
    pieces: tuple[bytes, ...]
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Refused(Exception):
    """Ends the handling of a request with an answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def answer(data: object, status: int = 200, **headers: str) -> Answer:
    """Answer with JSON; an underscore in the name of a header stands for a dash."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, (json.dumps(data).encode(),), headers=named)


def events(several: Iterable[Mapping[str, Any]], *, done: bool = False) -> Answer:
    """Answer with server-sent events, named by their type; *done* ends them as chats end."""
    pieces = [_event(event) for event in several]
    pieces += [b"data: [DONE]\n\n"] if done else []
    return Answer(200, tuple(pieces), "text/event-stream; charset=utf-8")


def _event(event: Mapping[str, Any]) -> bytes:
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()


async def serve(
    scope: Scope, receive: Receive, send: Send, handle: Callable[[Incoming], Answer]
) -> None:
    """Answer one request with what *handle* returns or raises, or a server's start and stop."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    request = _incoming(scope, await _read(receive))
    try:
        found = handle(request)
    except Refused as refused:
        found = refused.answer
    headers = {"content-type": found.media_type, "x-request-id": "req_fake", **found.headers}
    if len(found.pieces) == 1:
        headers["content-length"] = str(len(found.pieces[0]))
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": found.status, "headers": encoded})
    for piece in found.pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


# The same few pictures are asked for again and again in a suite.
@lru_cache(maxsize=64)
def picture(width: int, height: int, format: str = "png", colour: str = "#2b5d7a") -> bytes:
    """Draw a real picture of one colour; ``#00000000`` is transparent."""
    from PIL import Image as Pillow

    out = io.BytesIO()
    mode = "RGBA" if len(colour) == 9 else "RGB"
    Pillow.new(mode, (width, height), colour).save(out, format.upper())
    return out.getvalue()


def picture_base64(width: int, height: int, format: str = "png", colour: str = "#2b5d7a") -> str:
    """Draw as `picture` does, and return base64 text."""
    return base64.b64encode(picture(width, height, format, colour)).decode()


def read_data_url(value: object) -> tuple[ImageInfo, bytes]:
    """Read the picture of a ``data:image/...;base64,`` URL.

    Raises:
        ValueError: It is none, lies about its type, or holds no picture.
    """
    head, _, text = value.partition(",") if isinstance(value, str) else ("", "", "")
    data = base64.b64decode(text, validate=True)
    try:
        info = inspect(data)
    except InvalidImage as error:
        raise ValueError(str(error)) from None
    if head != f"data:{info.media_type};base64":
        raise ValueError(f"{head:.40} is not what the picture is")
    return info, data


def _incoming(scope: Scope, body: bytes) -> Incoming:
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    return Incoming(
        method=scope["method"],
        path=scope["path"],
        query=dict(parse_qsl(scope.get("query_string", b"").decode(), keep_blank_values=True)),
        headers=headers,
        body=body,
        origin=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
    )


async def _lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _read(receive: Receive) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _read_form(content_type: str, body: bytes) -> tuple[list[tuple[str, str]], tuple[Upload, ...]]:
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import Field, File, FormParser, parse_options_header

    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise ValueError(f"unsupported content type {content_type:.60}")
    fields: list[tuple[str, str]] = []
    files: list[Upload] = []

    def on_field(field: Field) -> None:
        fields.append(((field.field_name or b"").decode(), (field.value or b"").decode()))

    def on_file(file: File) -> None:
        file.file_object.seek(0)
        name, filename = ((text or b"").decode() for text in (file.field_name, file.file_name))
        files.append(Upload(name, filename, file.content_type or "", file.file_object.read()))
        file.close()

    try:
        parser = FormParser(
            "multipart/form-data", on_field, on_file, boundary=options.get(b"boundary")
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise ValueError("the form cannot be read") from None
    return fields, tuple(files)
