"""Where pictures are saved: a name that can be read, and nothing overwritten that was not named."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pinxit.errors import InvalidImage, RequestError
from pinxit.payload import Image

__all__ = ["Place", "file_format", "name_of", "slug"]

LONGEST = 50
"""Characters of a name made from a prompt."""

_FORMATS = {
    "png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp", "gif": "gif", "svg": "svg",
}  # fmt: skip
# AVIF cannot be asked for, but a model may bring it.
_NAMED = {*(f".{suffix}" for suffix in _FORMATS), ".avif"}
_SUFFIXES = {"jpeg": "jpg"}


def slug(text: str) -> str:
    """Return a file name's stem for a prompt: its words, as far as they are readable."""
    words = re.sub(r"[\W_]+", "-", text.lower()).strip("-")
    if len(words) > LONGEST:
        # One character more tells whether a word ends right there.
        whole, _, rest = words[: LONGEST + 1].rpartition("-")
        words = whole or rest[:LONGEST]
    return words or "picture"


def name_of(source: str) -> str:
    """Return the stem of a picture's path or URL."""
    path = unquote(urlsplit(source).path) if "://" in source else source
    return "" if source.startswith("data:") else Path(path).stem


def file_format(out: str | None) -> str | None:
    """Return the format that a file's name asks for; ``None`` for folders and other names."""
    return _FORMATS.get(Path(out).suffix[1:].lower()) if out else None


class Place:
    """Where one command saves its pictures.

    Args:
        out: What ``--out`` says: a file, a folder, ``-``, or nothing.
        stem: The name of files that nobody named.
        pictures: How many are asked for.

    Attributes:
        stdout: Whether the picture goes to standard output.
        problem: Why a picture is not where it should be, in a sentence.

    Raises:
        RequestError: Nothing can be written there; better known before a picture is paid for.
    """

    def __init__(self, out: str | None, stem: str, *, pictures: int = 1) -> None:
        self.stdout = out == "-"
        self.problem: str | None = None
        self._named: Path | None = None
        self._folder, self._stem = Path(), stem
        if self.stdout:
            _check_stdout(pictures)
            return
        if out is not None and (out.endswith(("/", os.sep)) or Path(out).is_dir()):
            self._folder = Path(out)
        elif out is not None:
            file = Path(out)
            # Any other ending is a part of the name: fox.v2 becomes fox.v2.png.
            exact = file.suffix.lower() in _NAMED
            self._folder, self._stem = file.parent, file.stem if exact else file.name
            self._named = file if exact else None
        _check_folder(self._folder, out)

    def save(self, image: Image) -> Path:
        """Write a picture to the next free name, or to a temporary file if that fails."""
        named, self._named = self._named, None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # What else comes gets names like this one, of which none is overwritten.
            return image.save(named or self._reserve(_suffix(image)))
        except (OSError, InvalidImage) as error:
            reason = getattr(error, "strerror", None) or str(error)
            path = _rescue(image)
            self.problem = (
                f"--out: cannot write to {str(named or self._folder)!r}: {reason.lower()};"
                f" the picture is in {path}"
            )
            return path

    def _reserve(self, suffix: str) -> Path:
        """Take the next free name, also against another pinxit that runs at the same time."""
        number = 1
        while True:
            place = "" if number == 1 else f"-{number}"
            path = self._folder / f"{self._stem}{place}.{suffix}"
            try:
                path.open("xb").close()
            except FileExistsError:
                number += 1
            else:
                return path


def _rescue(image: Image) -> Path:
    """Keep a picture that is paid for and cannot be written where it should be."""
    with tempfile.NamedTemporaryFile(
        prefix="pinxit-", suffix=f".{_suffix(image)}", delete=False
    ) as file:
        file.write(image.data)
    return Path(file.name)


def _suffix(image: Image) -> str:
    return _SUFFIXES.get(image.format, image.format)


def _check_stdout(pictures: int) -> None:
    if pictures > 1:
        raise RequestError(
            f"out: - takes one picture, not {pictures}; name a folder instead", param="out"
        )
    if sys.stdout.isatty():
        raise RequestError(
            "out: - would write a picture's bytes to the terminal; name a file, or pipe it into a program",
            param="out",
        )


def _check_folder(folder: Path, out: str | None) -> None:
    """Make sure that the folder is there and can be written to, or can be made."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    named = f" {out!r}" if out else ""
    if not existing.is_dir():
        raise RequestError(
            f"out:{named}: {str(existing)!r} is a file, not a folder; choose another place",
            param="out",
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise RequestError(
            f"out:{named}: the folder {str(existing)!r} cannot be written to; choose another with --out",
            param="out",
        )
