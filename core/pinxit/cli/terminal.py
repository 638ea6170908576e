"""Where output goes: paths and data to standard output, everything for people to standard error."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    # rich takes a twentieth of a second; what writes nothing to people should not wait for it.
    from rich.console import Console, RenderableType

__all__ = ["Session", "Terminal", "write_json"]

WIDE = 160
"""Columns where nobody looks: a table in a pipe is not folded."""


@dataclass(slots=True)
class Session:
    """What the options of one command say about all of its output."""

    debug: bool = False
    json: bool = False
    painting: bool = False
    """Whether a provider may have been asked for something."""
    log_level: int = logging.CRITICAL + 1
    """The least level of log messages that are shown: none, unless somebody asks."""


class Terminal:
    """Standard output and standard error of this moment."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.environ = dict(os.environ if environ is None else environ)
        for stream in (sys.stdout, sys.stderr):
            _never_fail(stream)
        self.out = self._console(stderr=False)
        self.err = self._console(stderr=True)

    def _console(self, *, stderr: bool) -> Console:
        from rich.console import Console

        # rich would look at the process's own environment, whatever was handed in.
        console = Console(stderr=stderr, highlight=False, soft_wrap=False, _environ=self.environ)
        if not console.is_terminal and "COLUMNS" not in self.environ:
            console.width = WIDE
        return console

    @property
    def watched(self) -> bool:
        """Whether a person sees standard error."""
        return self.err.is_terminal

    def path(self, path: object) -> None:
        """Write a path to standard output, whole and on a line of its own."""
        self.out.print(str(path), markup=False, soft_wrap=True, style="bold")

    def show(self, what: RenderableType) -> None:
        """Show something to people."""
        self.err.print(what)

    def say(self, label: str, text: str, style: str = "dim") -> None:
        """Say one line to people, such as ``error: ...``."""
        from rich.text import Text

        line = Text.assemble((f"{label}: ", style), text)
        self.err.print(line, soft_wrap=True)

    @contextmanager
    def waiting(self, text: str) -> Generator[None, None, None]:
        """Show that something goes on, and for how long, while a person watches."""
        if not self.watched or not self.err.is_interactive:
            yield
            return
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True) as progress:
            progress.add_task(text, total=None)
            yield


def _never_fail(stream: TextIO) -> None:
    """Write a question mark for what a stream cannot encode, rather than fail after a picture is paid."""
    if isinstance(stream, io.TextIOWrapper) and stream.errors in {"strict", "backslashreplace"}:
        stream.reconfigure(errors="replace")


def write_json(data: Any) -> None:
    """Write data as JSON to standard output."""
    import json

    # Escapes mean the same to a program, whatever the terminal's encoding can say.
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=ascii_only) + "\n")
