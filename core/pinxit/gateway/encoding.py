"""JSON that every client can read, whatever providers said."""

from __future__ import annotations

import json

from pydantic_core import PydanticSerializationError, from_json, to_json

__all__ = ["encode_json"]


def encode_json(data: object) -> bytes:
    """Return data as JSON in UTF-8; numbers that JSON does not have become ``null``.

    Text from a provider may hold half of a character that takes two; it becomes a question mark.
    """
    try:
        return to_json(data, inf_nan_mode="null")
    except PydanticSerializationError:
        mended = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
        # Read again, because `json.dumps` writes NaN and Infinity, which are no JSON.
        return to_json(from_json(mended), inf_nan_mode="null")
