"""generate, edit and vary: pictures in files, paths on standard output, the rest for people."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from commandline import SHOP, Commands
from pinxit.headers import inspect
from pinxit.testing.pictures import mask, picture


def size_of(path: str) -> str:
    return inspect(Path(path).read_bytes()).size


# What comes out -----------------------------------------------------------------------------------


def test_generate(pinxit: Commands) -> None:
    """A picture is saved under a name made from the prompt; its path is all of standard output."""
    ran = pinxit("generate", "A red fox, in the SNOW!")
    assert (ran.code, ran.paths) == (0, ["a-red-fox-in-the-snow.png"])
    assert size_of("a-red-fox-in-the-snow.png") == "64x48"


def test_report(pinxit: Commands) -> None:
    """The report is told to people: who painted, what was changed and why, what it is."""
    ran = pinxit("generate", "a dot", "--style", "vivid", "-f", "webp")
    assert "painted by test/dot, asked for default" in ran.err
    assert "picture  webp 64x48" in ran.err
    assert "style vivid → nothing dropped: " in ran.err
    assert "output_format webp → png emulated" in ran.err


def test_several(pinxit: Commands) -> None:
    """Several pictures are saved side by side, and what is there already stays."""
    Path("a-dot-2.png").write_text("mine")
    ran = pinxit("generate", "a dot", "-n", "3")
    assert ran.paths == ["a-dot.png", "a-dot-3.png", "a-dot-4.png"]
    assert Path("a-dot-2.png").read_text() == "mine"
    assert "png 64x48" in ran.err


def test_options(pinxit: Commands) -> None:
    """What is wished for arrives at the provider."""
    ran = pinxit("generate", "a dot", "--size", "96x32", "--format", "jpeg", "-m", "test/dot")
    assert ran.paths == ["a-dot.jpg"]
    assert size_of("a-dot.jpg") == "96x32"


def test_json(pinxit: Commands) -> None:
    """With --json standard output is one JSON document with paths and report; nothing is told."""
    ran = pinxit("generate", "a dot", "-n", "2", "--json")
    assert ran.code == 0
    assert ran.err == ""
    assert ran.json["paths"] == ["a-dot.png", "a-dot-2.png"]
    assert ran.json["revised_prompts"] == ["a round dot"] * 2
    assert ran.json["report"]["model"] == "test/dot"


def test_edit(pinxit: Commands) -> None:
    """An edit takes pictures and a mask, and its name tells of both."""
    Path("fox.png").write_bytes(picture())
    Path("mask.png").write_bytes(mask())
    ran = pinxit("edit", "add a hat", "fox.png", "--mask", "mask.png")
    assert (ran.code, ran.paths) == (0, ["fox-add-a-hat.png"])


def test_edit_with_a_piped_prompt(pinxit: Commands) -> None:
    """Where the only argument of an edit is a file, the prompt is read from standard input."""
    Path("fox.png").write_bytes(picture())
    assert pinxit("edit", "fox.png", stdin="add a hat").paths == ["fox-add-a-hat.png"]


def test_vary(pinxit: Commands) -> None:
    """A variation is named after its original."""
    Path("fox.png").write_bytes(picture())
    assert pinxit("vary", "fox.png").paths == ["fox-variation.png"]


@pytest.mark.parametrize("words", [("generate",), ("generate", "-")])
def test_piped_prompt(pinxit: Commands, words: tuple[str, ...]) -> None:
    """A prompt may be piped in."""
    assert pinxit(*words, stdin="a piped dot\n").paths == ["a-piped-dot.png"]


def test_partials(pinxit: Commands) -> None:
    """Streaming unfinished pictures ends with the same answer."""
    ran = pinxit("generate", "a dot", "--partials", "2")
    assert (ran.code, ran.paths) == (0, ["a-dot.png"])


def test_plugins_dir_option(pinxit: Commands) -> None:
    """--plugins-dir says where one-file plugins are, whatever the environment says."""
    pinxit.patch.setenv("PINXIT_PLUGINS_DIR", str(pinxit.folder / "nowhere"))
    ran = pinxit("generate", "a dot", "--plugins-dir", str(pinxit.folder / "plugins"))
    assert ran.code == 0


def test_fallback(pinxit: Commands) -> None:
    """A fallback paints when the first model fails; the report tells of both."""
    ran = pinxit("generate", "a dot", "-m", "test/fails", "--fallback", "test/dot")
    assert ran.code == 0
    assert "painted by test/dot, asked for test/fails" in ran.err
    assert "tried    test/fails: provider_error 500" in ran.err
    assert "may be billed" in ran.err


def test_plan_flag(pinxit: Commands) -> None:
    """--plan shows what would be done and does nothing."""
    Path("fox.png").write_bytes(picture())
    ran = pinxit("vary", "fox.png", "--plan")
    assert ran.code == 0
    assert "variation with default" in ran.out
    assert [path.name for path in Path().iterdir()] == ["fox.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other tools")
def test_opens_a_window(pinxit: Commands) -> None:
    """--open hands the file to the system's viewer."""
    tool = pinxit.folder / "xdg-open"
    tool.write_text(f'#!/bin/sh\necho "$1" > {pinxit.folder}/opened\n')
    tool.chmod(0o755)
    path = f"{pinxit.folder}{os.pathsep}{os.environ['PATH']}"
    done = pinxit.spawn("generate", "a dot", "--open", PATH=path)
    assert done.returncode == 0
    assert (pinxit.folder / "opened").read_text() == "a-dot.png\n"


# The hint -------------------------------------------------------------------------------------------


def test_hint_without_a_key(pinxit: Commands) -> None:
    """Who gets the offline painter learns in one line how to get another."""
    pinxit.plugin("shop", SHOP)
    ran = pinxit("generate", "a dot")
    assert "set SHOP_KEY, then say -m shop/one" in ran.err
    assert "SHOP_KEY" not in pinxit("generate", "a dot", "-m", "test/dot").err


def test_hint_with_a_key(pinxit: Commands) -> None:
    """Where a key is there already, the hint is the model's name."""
    pinxit.plugin("shop", SHOP)
    pinxit.patch.setenv("SHOP_KEY", "k-123")
    assert "for shop, say -m shop/one" in pinxit("generate", "a dot").err


def test_broken_plugins_are_mentioned(pinxit: Commands) -> None:
    """A broken plugin does not stop the others; one line says where to look."""
    pinxit.plugin("rotten", "raise OSError('rot')")
    ran = pinxit("generate", "a dot")
    assert ran.code == 0
    assert "warning: rotten: set aside; pinxit doctor says why" in ran.err
    assert "rot'" not in ran.err
