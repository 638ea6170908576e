"""All pages: links lead somewhere, code compiles, commands exist, configuration is accepted."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from pages import PAGES, ROOT, Block, blocks, commands, links, slugs
from pinxit.cli.app import create_app
from pinxit.cli.terminal import Session
from pinxit.config import Config
from pinxit.gateway.settings import read_settings

HEADS = {"project", "build-system", "tool"}
"""Tables of a ``pyproject.toml``."""


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Each relative link of a page leads to a file that exists, and to a heading that it has."""
    for link in links(path):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), f"{path.name}: {link}"
        assert not anchor or anchor in slugs(target), f"{path.name}: {link}"


def test_every_page_can_be_reached() -> None:
    """Whoever begins with the README finds every page by its links."""
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        # That links lead somewhere is the business of another test.
        if path not in seen and path.exists():
            seen.add(path)
            ahead += [
                (path.parent / link.partition("#")[0]).resolve()
                for link in links(path)
                if link.partition("#")[0].endswith(".md") and "://" not in link
            ]
    assert not set(PAGES) - seen


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_lines_can_be_read_in_an_editor(path: Path) -> None:
    """No line has more than 120 characters; rows of tables cannot be broken, and may."""
    lines = enumerate(path.read_text("utf-8").splitlines(), 1)
    assert not [place for place, line in lines if len(line) > 120 and not line.startswith("|")]


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_compiles(block: Block) -> None:
    """Each block of Python is Python; a fragment may await at its top."""
    compile(block.text, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_json_parses() -> None:
    """Each block of JSON is JSON."""
    for block in blocks("json"):
        json.loads(block.text)


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_is_accepted(block: Block) -> None:
    """Each block of TOML is a ``pyproject.toml`` with known tables, or a ``pinxit.toml`` that is accepted."""
    data = tomllib.loads(block.text)
    if HEADS & data.keys():
        groups: set[str] = set(data["project"].get("entry-points", ()))
        assert data.keys() <= HEADS
        assert groups <= {"pinxit", "pinxit.routes"}
    else:
        read_settings(Config.parse(data))


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_commands_exist(block: Block) -> None:
    """Each pinxit command in a shell block parses: it, its options and their values exist."""
    for words in commands(block.text):
        root = typer.main.get_command(create_app())
        check(root, words)


def test_there_are_commands_to_check() -> None:
    """The pages show commands, and the parser of shell blocks finds them."""
    shown = [tuple(words[:1]) for block in blocks("sh") for words in commands(block.text)]
    assert {("generate",), ("serve",), ("plan",), ("plugins",), ("models",)} <= set(shown)


@pytest.mark.parametrize(
    "words",
    [["paint"], ["plan", "--colour", "red"], ["keys", "old"], ["plan", "x", "-n", "two"]],
)
def test_unknown_commands_are_noticed(words: list[str]) -> None:
    """The check of shell blocks fails for a command or an option that does not exist."""
    with pytest.raises(Exception, match=r"No such|valid integer"):
        check(typer.main.get_command(create_app()), words)


def check(root: Any, words: list[str]) -> None:
    """Parse a command, its options and their values, as the program would, without running it.

    Raises:
        Exception: It, or one of its options, does not exist.
    """
    name, command, rest, parent = "pinxit", root, list(words), None
    while True:
        try:
            context = command.make_context(name, list(rest), parent=parent, obj=Session())
        except typer.Exit:
            # --version and --help end here.
            return
        if not hasattr(command, "resolve_command"):
            return
        # What the group's own options leave over; nothing, where it does something of its own.
        if not (left := [*context._protected_args, *context.args]):
            return
        name, command, rest = command.resolve_command(context, left)
        parent = context
