"""What is not the API: health, the API's description, and the page that shows it."""

from __future__ import annotations

from .exchange import Answer, json_answer
from .openapi import document
from .reference import page
from .service import Service

__all__ = ["health", "show_docs", "show_openapi"]

# The page loads nothing, and nothing that gets into it may.
_POLICY = (
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
    (b"x-content-type-options", b"nosniff"),
)


async def health(service: Service) -> None:
    """Answer that requests are taken; while the gateway is being stopped everything is 503."""
    await service.exchange.answer(json_answer({"status": "ok"}))


async def show_openapi(service: Service) -> None:
    """Answer the OpenAPI document."""
    await service.exchange.answer(json_answer(document()))


async def show_docs(service: Service) -> None:
    """Answer the document as a page."""
    body = page().encode()
    answer = Answer(200, (body,), _POLICY, media_type=b"text/html; charset=utf-8")
    await service.exchange.answer(answer)
