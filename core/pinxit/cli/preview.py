"""A picture in the terminal: as true pixels where it takes them, as half blocks elsewhere."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from pinxit.errors import InvalidImage
from pinxit.payload import Image

from .terminal import Terminal

if TYPE_CHECKING:
    from PIL import Image as PillowImage
    from rich.console import Console
    from rich.text import Text

__all__ = ["Protocol", "detect", "half_blocks", "preview"]

Protocol = Literal["kitty", "iterm", "blocks"]

MAX_COLUMNS, MAX_ROWS = 72, 24
CHUNK = 4096
"""Bytes of base64 text in one escape sequence of kitty's protocol."""
OPAQUE = 128

_KITTY = {"ghostty", "kitty"}
_ITERM = {"iTerm.app", "WezTerm", "mintty", "rio"}


def detect(environ: Mapping[str, str]) -> Protocol:
    """Tell from the environment how the terminal takes pictures.

    Inside tmux and screen, which pass none of the protocols on by default, half blocks are drawn.
    """
    program = environ.get("TERM_PROGRAM", "")
    if environ.get("TMUX") or environ.get("TERM", "").startswith(("tmux", "screen")):
        return "blocks"
    if environ.get("KITTY_WINDOW_ID") or environ.get("TERM") == "xterm-kitty" or program in _KITTY:
        return "kitty"
    if program in _ITERM or environ.get("LC_TERMINAL") == "iTerm2":
        return "iterm"
    return "blocks"


def preview(terminal: Terminal, image: Image) -> bool:
    """Draw a picture, and say whether that was possible."""
    err = terminal.err
    if not terminal.watched or image.format == "svg":
        return False
    protocol = detect(terminal.environ)
    if protocol == "blocks" and not _has_colours(err):
        return False
    try:
        pixels = _opened(image)
    except InvalidImage:
        return False
    columns, rows = _cells(pixels.size, (min(err.width, MAX_COLUMNS), min(err.height, MAX_ROWS)))
    if protocol == "blocks":
        for line in half_blocks(pixels, columns, rows):
            err.print(line)
    else:
        data = _png(image)
        text = _kitty(data, columns) if protocol == "kitty" else _iterm(data, columns)
        err.file.write(f"{text}\n")
        err.file.flush()
    return True


def _has_colours(console: Console) -> bool:
    """Whether half blocks would show anything: they are nothing but colours."""
    try:
        "▀▄".encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return console.color_system is not None and not console.no_color


def _opened(image: Image) -> PillowImage.Image:
    from pinxit.images import open_image

    return open_image(image.data)


def _png(image: Image) -> bytes:
    from pinxit.images import convert

    return image.data if image.format == "png" else convert(image.data, "png")


def _cells(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """Return columns and rows for a picture; a cell is twice as high as it is wide."""
    width, height = size
    factor = min(room[0] / width, 2 * room[1] / height)
    return max(1, round(width * factor)), max(1, round(height * factor / 2))


def half_blocks(picture: PillowImage.Image, columns: int, rows: int) -> Iterator[Text]:
    """Yield lines of text with two pixels in each cell; transparent ones show the terminal."""
    from rich.text import Text

    small = picture.convert("RGBA").resize((columns, rows * 2))
    raw = small.tobytes()
    pixels = [tuple(raw[at : at + 4]) for at in range(0, len(raw), 4)]
    for row in range(rows):
        upper = pixels[2 * row * columns : (2 * row + 1) * columns]
        lower = pixels[(2 * row + 1) * columns : (2 * row + 2) * columns]
        line = Text(no_wrap=True, end="")
        for top, bottom in zip(upper, lower, strict=True):
            line.append(*_cell(top, bottom))
        yield line


def _cell(top: tuple[int, ...], bottom: tuple[int, ...]) -> tuple[str, str]:
    above, below = f"rgb({top[0]},{top[1]},{top[2]})", f"rgb({bottom[0]},{bottom[1]},{bottom[2]})"
    if top[3] < OPAQUE and bottom[3] < OPAQUE:
        return " ", ""
    if top[3] < OPAQUE:
        return "▄", below
    return "▀", above if bottom[3] < OPAQUE else f"{above} on {below}"


def _kitty(data: bytes, columns: int) -> str:
    """Send a PNG in chunks, to be shown at once and *columns* wide."""
    text = base64.b64encode(data).decode()
    chunks = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]
    parts: list[str] = []
    for place, chunk in enumerate(chunks):
        more = int(place < len(chunks) - 1)
        # q=2: an answer of the terminal would stand on the prompt as if it had been typed.
        head = f"a=T,f=100,q=2,c={columns},m={more}" if place == 0 else f"m={more}"
        parts.append(f"\x1b_G{head};{chunk}\x1b\\")
    return "".join(parts)


def _iterm(data: bytes, columns: int) -> str:
    text = base64.b64encode(data).decode()
    return (
        f"\x1b]1337;File=inline=1;size={len(data)};width={columns};preserveAspectRatio=1:{text}\x07"
    )
