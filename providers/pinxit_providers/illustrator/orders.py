"""What the plugin asks of its worker, and what comes back: plain data that travels as JSON.

A message is a header and any number of blobs. On the wire it is the length of the header in four
bytes, the header as JSON with the lengths of the blobs in `blobs`, then the blobs themselves.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Operation = Literal["generate", "edit", "variation"]
Format = Literal["png", "jpeg", "webp", "svg"]
Quality = Literal["low", "medium", "high"]

LENGTH = struct.Struct(">I")
LARGEST = 512 * 1024 * 1024
"""Bytes of one message; more is a broken stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One picture to be made.

    Attributes:
        operation: What to do.
        prompt: What to paint, or how to change the picture; empty for a variation.
        seed: What chance depends on, with the prompt.
        width: Pixels across; 0 for those of the input picture.
        height: Pixels down; 0 for those of the input picture.
        transparent: Whether only the subjects are wanted, on nothing.
        opaque: Whether the result must not have an alpha channel.
        format: The format of the file.
        compression: 0 to 100 for JPEG and WebP; `None` is a good default.
        quality: How much detail.
        style: Saturated or muted.
        negative: What must not be seen.
        partials: How many stages to show on the way.
        images: How many of the blobs are input pictures; a mask is the blob after them.
    """

    operation: Operation
    prompt: str = ""
    seed: int = 0
    width: int = 0
    height: int = 0
    transparent: bool = False
    opaque: bool = False
    format: Format = "png"
    compression: int | None = None
    quality: Quality = "medium"
    style: Literal["vivid", "natural"] | None = None
    negative: str | None = None
    partials: int = 0
    images: int = 0

    def header(self) -> dict[str, Any]:
        """The order as JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Message:
    """A header and its blobs."""

    header: dict[str, Any]
    blobs: tuple[bytes, ...] = ()


def packed(header: dict[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """A message as it travels."""
    lengths = [len(blob) for blob in blobs]
    text = json.dumps({**header, "blobs": lengths}, separators=(",", ":")).encode()
    return b"".join((LENGTH.pack(len(text)), text, *blobs))


def opened(text: bytes) -> tuple[dict[str, Any], list[int]]:
    """A header and the lengths of the blobs that follow it.

    Raises:
        ValueError: The bytes are no header.
    """
    header: dict[str, Any] = json.loads(text)
    lengths: list[int] = header.pop("blobs")
    if sum(lengths) > LARGEST:
        raise ValueError("the message is too large")
    return header, lengths
