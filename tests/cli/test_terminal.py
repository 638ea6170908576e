"""What a person at a terminal sees: progress while it takes, a preview, and nothing of it in pipes."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from commandline import Commands
from pinxit.cli.terminal import Terminal, write_json

ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|_G[^\x1b]*\x1b\\)")


class Screen:
    """A program in a terminal of its own, 100 columns wide."""

    def __init__(self, *words: str, **environ: str) -> None:
        self.master, slave = pty.openpty()
        env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", **environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pinxit.cli", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
        )
        os.close(slave)
        self.data = b""

    @property
    def raw(self) -> str:
        """Everything that was written."""
        return self.data.decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """What was written, without escape sequences."""
        return ESCAPES.sub("", self.raw).replace("\r\n", "\n")

    def read(self, until: Callable[[Screen], bool] | None = None) -> str:
        """Read until a condition holds or the program ends."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit and not (until and until(self)):
            if not select.select([self.master], [], [], 0.5)[0]:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:
                # That is how Linux says that the other end is closed.
                break
            if not data:
                break
            self.data += data
        return self.text

    def end(self) -> int:
        self.read()
        os.close(self.master)
        return self.process.wait(30)


def test_preview_and_report(pinxit: Commands) -> None:
    """A person sees the picture in half blocks of its colours, then its path and the report."""
    screen = Screen("generate", "a dot", COLORTERM="truecolor")
    assert screen.end() == 0
    assert screen.text.count("▀" * 64) == 24
    assert re.search(r"\x1b\[38;2;\d+;\d+;\d+;48;2;\d+;\d+;\d+m▀", screen.raw)
    assert "a-dot.png\npainted by test/dot" in screen.text.replace(" \n", "\n")


@pytest.mark.parametrize(
    ("words", "environ"), [(["--no-preview"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})]
)
def test_no_preview(pinxit: Commands, words: list[str], environ: dict[str, str]) -> None:
    """Nothing is drawn where nobody wants it, or where there are no colours."""
    screen = Screen("generate", "a dot", *words, **environ)
    assert screen.end() == 0
    assert "▀" not in screen.text
    assert "a-dot.png" in screen.text


def test_partial_previews(pinxit: Commands) -> None:
    """Unfinished pictures are shown as they come, the finished one last."""
    screen = Screen("generate", "a dot", "--partials", "2", COLORTERM="truecolor")
    assert screen.end() == 0
    # Two squares of 24 rows, then the finished picture.
    assert screen.text.count("▀" * 48) - screen.text.count("▀" * 64) == 48


def test_progress_and_interrupt(pinxit: Commands) -> None:
    """While a picture is painted one sees by whom and for how long; Ctrl-C ends it with one sentence."""
    screen = Screen("generate", "a dot", "-m", "test/waits")
    shown = screen.read(lambda s: "waiting" in s.raw and "0:00:0" in s.text)
    assert "test/waits is painting" in shown
    os.kill(screen.process.pid, signal.SIGINT)
    assert screen.end() == 130
    assert "error: interrupted;" in screen.text
    assert "Traceback" not in screen.text


def test_pipe_is_clean(pinxit: Commands) -> None:
    """In a pipe there is the path alone, and no escape sequence anywhere."""
    done = pinxit.spawn("generate", "a dot", COLORTERM="truecolor")
    assert done.stdout.split() == [b"a-dot.png"]
    assert b"\x1b" not in done.stdout + done.stderr


def test_closed_pipe(pinxit: Commands) -> None:
    """A reader that goes away, such as head, does not make a traceback."""
    words = [sys.executable, "-m", "pinxit.cli", "models", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_narrow_encoding(pinxit: Commands) -> None:
    """A terminal that knows only ASCII gets question marks, not a failure."""
    done = pinxit.spawn("generate", "a dot", "--style", "vivid", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert b"style vivid ? nothing dropped" in done.stderr


def test_json_of_any_text(pinxit: Commands) -> None:
    """JSON stays exact in every encoding."""
    words = ("plan", "Füchse", "--json")
    assert pinxit.spawn(*words, PYTHONIOENCODING="ascii").returncode == 0
    done = pinxit.spawn("generate", "Füchse", "--json", PYTHONIOENCODING="ascii")
    assert b'"f\\u00fcchse.png"' in done.stdout
    assert Path("füchse.png").exists()


def test_wide_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables in a pipe are not folded at 80 columns, unless COLUMNS says so."""
    assert Terminal({}).out.width == 160
    assert Terminal({"COLUMNS": "50"}).out.width == 50


def test_paths_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """A path is one line, however long it is and whatever looks like markup in it."""
    path = "[bold]" + "x" * 300
    Terminal({"COLUMNS": "40"}).path(path)
    assert capsys.readouterr().out == f"{path}\n"


def test_write_json(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is indented and ends with a line break."""
    write_json({"a": 1})
    assert capsys.readouterr().out == '{\n  "a": 1\n}\n'
