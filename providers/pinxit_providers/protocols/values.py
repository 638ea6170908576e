"""JSON values, read without trust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard, cast

from pydantic_core import from_json

from pinxit import InvalidProviderResponse

__all__ = ["is_count", "mapping", "parse", "sequence"]


def parse(body: bytes | bytearray, status: int) -> dict[str, object]:
    """Read a JSON object; white space before it, which keeps connections alive, is allowed.

    Raises:
        InvalidProviderResponse: It is none.
    """
    try:
        fields = from_json(body)
    except ValueError:
        # The parser's own words may quote the body.
        raise InvalidProviderResponse("the answer is not JSON", upstream_status=status) from None
    if not isinstance(fields, dict):
        raise InvalidProviderResponse("the answer is not a JSON object", upstream_status=status)
    return cast("dict[str, object]", fields)


def mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object, or an empty one where there is something else."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    """Return a JSON list, or an empty one where there is something else."""
    return cast("list[object]", value) if isinstance(value, list) else []


def is_count(value: object) -> TypeGuard[int]:
    """Say whether a JSON value is a number of things."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
