"""Where the models' data comes from, and what several of them share."""

from __future__ import annotations

from datetime import date

__all__ = ["AS_OF", "SOURCE", "UPLOAD_LIMIT"]

AS_OF = date(2026, 11, 22)

SOURCE = (
    "openai 3.54.0 (PyPI), openai/openai-openapi f85dbe2, and the image generation guide, "
    "deprecations and pricing pages on developers.openai.com"
)

UPLOAD_LIMIT = 4 * 2**20 - 1
"""Bytes: the API asks for less than 4 MB, for masks everywhere and for all that DALL·E 2 takes."""
