"""What a command works on: a prompt, from standard input too, and pictures from files."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pinxit.errors import InvalidImage, RequestError
from pinxit.payload import Image

__all__ = ["check_pictures", "open_mask", "read_prompt"]


def read_prompt(given: str | None) -> str:
    """Return the prompt; ``-``, or none where something is piped in, reads standard input.

    Raises:
        RequestError: There is none.
    """
    if given not in {None, "-"}:
        return str(given)
    # A program that starts pinxit may have closed its standard input.
    stdin = sys.stdin if sys.stdin is not None and not sys.stdin.closed else None
    if stdin is None or (given is None and stdin.isatty()):
        raise RequestError(
            "prompt: is missing; write it behind the command, or pipe it in", param="prompt"
        )
    text = stdin.read().strip()
    if not text:
        raise RequestError(
            "prompt: nothing came from standard input; write it behind the command", param="prompt"
        )
    return text


def check_pictures(names: Sequence[str], pictures: Sequence[Image]) -> None:
    """Make sure that files are pictures, while it is known which file is which.

    Raises:
        InvalidImage: One is not.
    """
    for name, picture in zip(names, pictures, strict=True):
        if not picture.is_local:
            continue
        try:
            _ = picture.info
        except InvalidImage as error:
            reason = str(error).partition(": ")[2] or str(error)
            raise InvalidImage(f"image {name!r}: {reason}", param="image") from error


def open_mask(name: str | None) -> Image | None:
    """Return a mask from a file or a URL.

    Raises:
        InvalidImage: The file cannot be read.
    """
    if name is None:
        return None
    return Image(url=name) if "://" in name else Image.open(name, field="mask")
