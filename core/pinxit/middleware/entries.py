"""What is kept of an answer: its fields as JSON, its pictures as bytes, and a checksum.

::

    "pinxit" version(1) crc32(4) length of the header(4) header pictures...

The checksum covers what follows it. The header is JSON; it says how long each picture is.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pinxit.errors import PinxitError
from pinxit.payload import Image
from pinxit.types import ImagesResponse

from .failures import Failure

__all__ = ["VERSION", "BrokenEntry", "Entry", "decode", "encode"]

VERSION = 1
"""Of what is written here. Entries of another version are not read."""

_MAGIC = b"pinxit" + bytes([VERSION])
_CHECKSUM = struct.Struct(">I")
_LENGTH = struct.Struct(">I")


class BrokenEntry(Exception):
    """Bytes that are no entry of this version, or are damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An answer, or an error, that is kept.

    Attributes:
        stored: Unix seconds.
        expires: Unix seconds.
        outcome: What is answered.
        body: Digest of the request, where the key does not say it.
    """

    stored: float
    expires: float
    outcome: ImagesResponse | PinxitError
    body: str = ""


def encode(entry: Entry) -> bytes:
    """Write an entry as bytes. Slow where pictures are base64 text: call it off the event loop.

    Raises:
        InvalidImage: A picture is not here, or its base64 text is broken.
    """
    header: dict[str, Any] = {
        "stored": entry.stored,
        "expires": entry.expires,
        "body": entry.body,
    }
    pictures: list[bytes] = []
    if isinstance(entry.outcome, ImagesResponse):
        header["response"] = entry.outcome.model_dump(exclude={"data"})
        # Copies: what is decoded here must not stay in memory beside the text that came.
        pictures = [image.replace().data for image in entry.outcome.data]
        header["images"] = [
            _describe(image, len(data))
            for image, data in zip(entry.outcome.data, pictures, strict=True)
        ]
    else:
        header["failure"] = Failure.of(entry.outcome).model_dump()
    # Decimals become text: as numbers, prices would come back as something near.
    text = json.dumps(header, default=str, separators=(",", ":")).encode()
    rest = b"".join([_LENGTH.pack(len(text)), text, *pictures])
    return _MAGIC + _CHECKSUM.pack(zlib.crc32(rest)) + rest


def _describe(image: Image, size: int) -> dict[str, Any]:
    """Say what a picture is besides its bytes; its URL is a ``data:`` URL later on.

    A provider's URL dies within minutes or an hour. The bytes are here, so they can take its place.
    """
    fields = {
        "size": size,
        "as_url": image.url is not None,
        "revised_prompt": image.revised_prompt,
        "seed": image.seed,
        "filename": image.filename,
    }
    return {name: value for name, value in fields.items() if value is not None}


def decode(raw: bytes) -> Entry:
    """Read an entry. Slow for large ones: call it off the event loop.

    Raises:
        BrokenEntry: It is damaged, or was written by another version.
    """
    start = len(_MAGIC) + _CHECKSUM.size
    try:
        if raw[: len(_MAGIC)] != _MAGIC:
            raise BrokenEntry("it is of another version")
        (checksum,) = _CHECKSUM.unpack_from(raw, len(_MAGIC))
        rest = memoryview(raw)[start:]
        if zlib.crc32(rest) != checksum:
            raise BrokenEntry("it is damaged")
        (length,) = _LENGTH.unpack_from(rest)
        body = rest[_LENGTH.size :]
        return _read(json.loads(bytes(body[:length])), body[length:])
    # Others may write to a store that is shared, and anything at all: it must end as a miss.
    except (struct.error, ValueError, TypeError, KeyError, AttributeError, PinxitError) as error:
        raise BrokenEntry(f"it cannot be read: {type(error).__name__}") from error


def _read(header: Mapping[str, Any], pictures: memoryview) -> Entry:
    outcome: ImagesResponse | PinxitError
    if "failure" in header:
        outcome = Failure.model_validate(header["failure"]).error()
    else:
        data = tuple(_images(header["images"], pictures))
        outcome = ImagesResponse.model_validate({**header["response"], "data": data})
    return Entry(
        stored=float(header["stored"]),
        expires=float(header["expires"]),
        outcome=outcome,
        body=str(header["body"]),
    )


def _images(described: Sequence[Mapping[str, Any]], pictures: memoryview) -> Iterator[Image]:
    at = 0
    for fields in described:
        data = bytes(pictures[at : at + fields["size"]])
        at += len(data)
        image = Image(
            data,
            revised_prompt=fields.get("revised_prompt"),
            seed=fields.get("seed"),
            filename=fields.get("filename"),
        )
        if fields["as_url"]:
            text = base64.b64encode(data).decode("ascii")
            image = image.replace(url=f"data:{image.media_type};base64,{text}")
        yield image
