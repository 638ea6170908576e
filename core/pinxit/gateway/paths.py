"""Which path leads where."""

from __future__ import annotations

from collections.abc import Mapping

from .discovery import describe_model, describe_models, list_models, plan, retrieve_model
from .errors import BadMessage
from .exchange import Exchange
from .painting import painting
from .service import Handler
from .site import health, show_docs, show_openapi

__all__ = ["HEALTH", "PREFIXES", "PUBLIC", "find"]

# The empty one stands last, as it fits every path.
PREFIXES = ("/v2/router", "/v3/router", "/v2/proxy", "/v2/gateway", "/v1", "")
"""Where the API lives: as routers have it, as OpenAI has it, and bare for applications that mount it."""

HEALTH = "/health"
"""Answered however busy the gateway is."""

PUBLIC = frozenset({"/docs", HEALTH, "/openapi.json"})
"""What needs no key: it says nothing that a stranger could use."""

_API: Mapping[str, Mapping[str, Handler]] = {
    "/images/generations": {"POST": painting("generate")},
    "/images/edits": {"POST": painting("edit")},
    "/images/variations": {"POST": painting("variation")},
    "/images/plan": {"POST": plan},
    "/images/models": {"GET": describe_models},
    "/models": {"GET": list_models},
}
# Ids hold slashes, so all that stands behind is one id.
_BY_ID: Mapping[str, Handler] = {"/models/": retrieve_model, "/images/models/": describe_model}
_SITE: Mapping[str, Mapping[str, Handler]] = {
    "/docs": {"GET": show_docs},
    HEALTH: {"GET": health},
    "/openapi.json": {"GET": show_openapi},
}


def find(exchange: Exchange) -> Handler:
    """Return the handler of an exchange's path and method.

    Raises:
        BadMessage: 404 or 405.
    """
    methods = _methods(exchange)
    method: str = exchange.scope["method"]
    # The server leaves the body of an answer to HEAD out.
    handler = methods.get("GET" if method == "HEAD" else method)
    if handler is None:
        allowed = ", ".join(methods)
        raise BadMessage(
            405,
            f"{method} is not taken here, {allowed} is",
            code="method_not_allowed",
            headers=[(b"allow", allowed.encode())],
        )
    return handler


def _methods(exchange: Exchange) -> Mapping[str, Handler]:
    path = exchange.path
    if path in _SITE:
        return _SITE[path]
    prefix = next(prefix for prefix in PREFIXES if not prefix or path.startswith(f"{prefix}/"))
    inner = path.removeprefix(prefix)
    if inner in _API:
        return _API[inner]
    for start, handler in _BY_ID.items():
        if inner.startswith(start):
            exchange.parameters = {"id": inner.removeprefix(start)}
            return {"GET": handler}
    raise BadMessage(
        404,
        "there is nothing at this path; pictures are made at /v1/images/generations, edits and variations",
        code="not_found",
    )
