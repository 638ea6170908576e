"""Pictures in cells: two pixels each, transparency left open, true pixels where the terminal takes them."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image as Pillow

from pinxit.cli.preview import detect, half_blocks, preview
from pinxit.cli.terminal import Terminal
from pinxit.payload import Image
from pinxit.testing.pictures import picture


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({}, "blocks"),
        ({"TERM": "xterm-256color"}, "blocks"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM_PROGRAM": "iTerm.app", "TMUX": "/tmp/tmux"}, "blocks"),
        ({"KITTY_WINDOW_ID": "1", "TERM": "screen-256color"}, "blocks"),
    ],
)
def test_detect(environ: dict[str, str], protocol: str) -> None:
    """The terminal says by its environment how it takes pictures; multiplexers take none."""
    assert detect(environ) == protocol


def test_half_blocks() -> None:
    """Each cell has an upper and a lower pixel; transparent ones show the terminal's own colour."""
    image = Pillow.new("RGBA", (4, 2))
    red, blue, clear = (255, 0, 0, 255), (0, 0, 255, 255), (0, 0, 0, 0)
    for column, (top, bottom) in enumerate(
        [(red, blue), (red, clear), (clear, blue), (clear, clear)]
    ):
        image.putpixel((column, 0), top)
        image.putpixel((column, 1), bottom)
    [line] = half_blocks(image, 4, 1)
    assert line.plain == "▀▀▄ "
    assert [str(span.style) for span in line.spans] == [
        "rgb(255,0,0) on rgb(0,0,255)",
        "rgb(255,0,0)",
        "rgb(0,0,255)",
    ]


def on_terminal(monkeypatch: pytest.MonkeyPatch, **environ: str) -> tuple[Terminal, io.StringIO]:
    """A terminal of which everything that is written to standard error is kept."""
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    return Terminal({"FORCE_COLOR": "1", "COLUMNS": "80", "LINES": "30", **environ}), out


@pytest.mark.parametrize(
    ("size", "cells"), [((64, 48), (64, 24)), ((48, 48), (48, 24)), ((480, 48), (72, 4)), ((4, 400), (1, 24))]
)  # fmt: skip
def test_proportions(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], cells: tuple[int, int]
) -> None:
    """A preview keeps the picture's proportions and leaves room for the report."""
    terminal, out = on_terminal(monkeypatch)
    assert preview(terminal, Image(picture("png", *size)))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue()).splitlines()
    assert (len(lines[0]), len(lines)) == cells


def test_kitty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kitty's protocol gets the whole PNG in chunks of 4096 characters, and no answer is asked for."""
    data = picture("png", 96, 96, noise=200)
    terminal, out = on_terminal(monkeypatch, TERM="xterm-kitty")
    assert preview(terminal, Image(data))
    chunks = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", out.getvalue())
    assert base64.b64decode("".join(text for _, text in chunks)) == data
    assert max(len(text) for _, text in chunks) == 4096
    assert chunks[0][0] == "a=T,f=100,q=2,c=48,m=1"
    assert chunks[-1][0] == "m=0"


def test_iterm(monkeypatch: pytest.MonkeyPatch) -> None:
    """ITerm's protocol gets a PNG too, whatever the picture was."""
    terminal, out = on_terminal(monkeypatch, TERM_PROGRAM="iTerm.app")
    assert preview(terminal, Image(picture("webp")))
    match = re.search(r"\x1b\]1337;File=inline=1;size=(\d+);width=64;.*:(.*)\x07", out.getvalue())
    assert match
    data = base64.b64decode(match[2])
    assert data.startswith(b"\x89PNG")
    assert len(data) == int(match[1])


@pytest.mark.parametrize("data", [picture("svg"), picture()[:100]], ids=["svg", "cut off"])
def test_not_drawn(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """What cannot be drawn is left out, without a word."""
    terminal, out = on_terminal(monkeypatch)
    assert not preview(terminal, Image(data))
    assert out.getvalue() == ""


def test_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is drawn into a pipe."""
    assert not preview(Terminal({}), Image(picture()))
    assert capsys.readouterr().err == ""
