"""The three operations over HTTP."""

from __future__ import annotations

import hashlib
from typing import Any

from python_multipart.multipart import parse_options_header

from pinxit.hookspecs import Emit
from pinxit.types import ImagesResponse, Operation

from . import sse
from .answers import images_answer
from .bodies import chunks, read_all
from .errors import BadMessage
from .forms import read_multipart, read_urlencoded
from .labels import Labels
from .service import Handler, Service
from .wire import Asked, parse_form, parse_json, to_request

__all__ = ["painting", "read_fields"]

LONGEST_KEY = 255
"""Characters of an idempotency key."""


def painting(operation: Operation) -> Handler:
    """Return the handler of an operation."""

    async def handle(service: Service) -> None:
        fields, labels = await read_fields(service)
        with labels.applied():
            asked = to_request(
                operation,
                fields,
                contact=service.exchange.header(b"x-orq-contact-id").decode("latin-1").strip(),
                lenient=service.settings.lenient,
            )
        # Only once the body is read: until then, who reads it hears of it if the caller goes, and
        # two may not receive at once.
        await service.exchange.while_connected(_paint(service, asked, labels))

    return handle


async def read_fields(service: Service) -> tuple[dict[str, Any], Labels]:
    """Read the body of a request, whatever its encoding; return its fields and how it names its pictures.

    Raises:
        RequestError: It cannot be read; the status is 400, 408, 413 or 415.
    """
    exchange, settings = service.exchange, service.settings
    content_type = exchange.header(b"content-type").decode("latin-1")
    kind = parse_options_header(content_type)[0].decode("latin-1")
    if kind == "multipart/form-data":
        body = chunks(exchange, settings)
        fields = parse_form(await read_multipart(content_type, body, max_parts=settings.max_parts))
        return fields, Labels.of(fields, form=True)
    if kind == "application/x-www-form-urlencoded":
        fields = parse_form(
            read_urlencoded(await read_all(exchange, settings), max_fields=settings.max_parts)
        )
        return fields, Labels.of(fields, form=True)
    if kind in {"application/json", ""} or kind.endswith("+json"):
        fields = parse_json(await read_all(exchange, settings))
        return fields, Labels.of(fields, form=False)
    raise BadMessage(
        415,
        f"Content-Type {kind[:80]!r} is not taken; send application/json or multipart/form-data",
        code="unsupported_media_type",
    )


async def _paint(service: Service, asked: Asked, labels: Labels) -> None:
    exchange = service.exchange
    if asked.request.stream:
        await sse.stream(
            exchange,
            asked,
            lambda emit: _run(service, asked, labels, emit),
            keep_alive=service.settings.keep_alive,
            fail=lambda error: service.as_ours(error, exchange.id),
        )
        return
    response = await _run(service, asked, labels)
    cached = response.report.cached if asked.request.cache else None
    await exchange.answer(images_answer(response, ignored=asked.ignored, cached=cached))


async def _run(
    service: Service, asked: Asked, labels: Labels, emit: Emit | None = None
) -> ImagesResponse:
    exchange = service.exchange
    with labels.applied():
        return await service.router.run(
            asked.request,
            caller=exchange.caller,
            emit=emit,
            request_id=exchange.id,
            idempotency_key=_idempotency_key(exchange.caller, exchange.header(b"idempotency-key")),
            store=service.store,
        )


def _idempotency_key(caller: str, key: bytes) -> str:
    """Make a caller's key safe to hand on: one line of text, and no other caller's."""
    if not key.strip():
        return ""
    if len(key.strip()) > LONGEST_KEY:
        raise BadMessage(
            400,
            f"Idempotency-Key has {len(key.strip())} characters; {LONGEST_KEY} are allowed",
            code="invalid_idempotency_key",
        )
    return f"idem_{hashlib.sha256(caller.encode() + b'/' + key.strip()).hexdigest()[:40]}"
