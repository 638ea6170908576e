"""Digests of requests: when two of them ask for the same."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from pinxit.hookspecs import Context
from pinxit.options import Options
from pinxit.payload import Image
from pinxit.types import EditRequest, Request, VariationRequest

from .entries import VERSION

__all__ = [
    "BYSTANDERS",
    "PATIENCE",
    "Fingerprints",
    "body_fingerprint",
    "fingerprints",
    "scoped",
]

BYSTANDERS = frozenset(
    {"user", "safety_identifier", "name", "metadata", "identity", "stream", "partial_images"}
)
"""Who asks, what the request is called, and whether somebody watches: none of it changes a picture."""

PATIENCE = frozenset({"cache", "retry", "timeout", "deadline"})
"""How long and how often to try: it changes whether there is a picture, not which one."""

_PICTURES = frozenset({"images", "mask", "markup"})


class Fingerprints(NamedTuple):
    """When an answer that is kept will do, and when one that is under way will do.

    Attributes:
        kept: Over everything that changes the picture.
        shared: Over patience as well: whoever waits longer must not fail with those who do not.
    """

    kept: str
    shared: str


async def fingerprints(request: Request, options: Options, context: Context) -> Fingerprints:
    """Return what tells a request from others in the cache.

    Pictures count by their bytes. One that is only a URL is downloaded, because what is behind it may
    have changed; the picture keeps the bytes, so it is not downloaded again.

    Args:
        request: What is asked.
        options: What is in force for it.
        context: Who asks, and how to download.

    Raises:
        RequestError: A picture cannot be downloaded or read.
    """
    for _, image in _pictures(request):
        await image.read(context.fetch)
    # A request is options too, and more: what is in force may be the request itself.
    values = {**_fields(request), **options.model_dump(include=set(Options.model_fields))}
    pictures = await asyncio.to_thread(_digests, request)
    picture_fields = {k: v for k, v in values.items() if k not in BYSTANDERS | PATIENCE}
    patience = {k: v for k, v in values.items() if k in PATIENCE}
    kept = scoped(context.caller, [request.operation, picture_fields, pictures])
    return Fingerprints(kept, _digest([kept, patience]))


async def body_fingerprint(request: Request) -> str:
    """Return a digest over all that a request says; a picture that is only a URL counts by its URL.

    Raises:
        InvalidImage: A picture's base64 text is broken.
    """
    pictures = await asyncio.to_thread(_digests, request)
    return _digest([request.operation, _fields(request), pictures])


def scoped(caller: str, value: object) -> str:
    """Return a digest of a value that is this caller's alone."""
    return _digest([VERSION, caller, value])


def _fields(request: Request) -> dict[str, Any]:
    return request.model_dump(exclude=set(_PICTURES))


def _pictures(request: Request) -> Iterator[tuple[str, Image]]:
    if isinstance(request, EditRequest | VariationRequest):
        yield from ((f"image {place}", image) for place, image in enumerate(request.images))
    if isinstance(request, EditRequest):
        guides = (("mask", request.mask), ("markup", request.markup))
        yield from ((name, image) for name, image in guides if image is not None)


def _digests(request: Request) -> list[tuple[str, str]]:
    # A copy, because a digest decodes base64 text and the decoded bytes must not stay beside it.
    return [(name, image.replace().digest()) for name, image in _pictures(request)]


def _digest(value: object) -> str:
    # Sorted, so that the order in which a request names things does not matter.
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
