"""Hooks as plain functions: called with the arguments that they ask for, and laid around each other."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

import pluggy

from .hookspecs import Call, CallNext, Context, RequestNext
from .types import ImagesResponse, Request

__all__ = ["call_layer", "call_with", "request_layer"]


def call_with(impl: pluggy.HookImpl, **values: Any) -> Any:
    """Call an implementation with the arguments it asks for."""
    return impl.function(*(values[name] for name in impl.argnames))


def request_layer(impl: pluggy.HookImpl, inner: RequestNext, context: Context) -> RequestNext:
    """Lay an ``around_request`` around what it wraps."""

    def layer(request: Request) -> Awaitable[ImagesResponse]:
        return cast(
            "Awaitable[ImagesResponse]",
            call_with(impl, request=request, context=context, request_next=inner),
        )

    return layer


def call_layer(impl: pluggy.HookImpl, inner: CallNext, context: Context) -> CallNext:
    """Lay an ``around_call`` around what it wraps."""

    def layer(call: Call) -> Awaitable[ImagesResponse]:
        return cast(
            "Awaitable[ImagesResponse]",
            call_with(impl, call=call, context=context, call_next=inner),
        )

    return layer
