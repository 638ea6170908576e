"""The commands as a whole: quick to start, alike in their options, documented."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from inspect import signature
from typing import Annotated, get_args

import pytest
import typer

from commandline import Commands
from pinxit.cli import version
from pinxit.cli.arguments import Delivery, EditWishes, Setup, Wishes
from pinxit.cli.completing import model_names
from pinxit.cli.expansion import command
from pinxit.parameters import GenerateParameters
from pinxit.types import GenerateRequest

PAINTING = ("generate", "edit", "vary")


@pytest.mark.parametrize("words", [["--version"], ["-h", "--version"]])
def test_version(pinxit: Commands, words: list[str]) -> None:
    """--version writes one line."""
    ran = pinxit("--version")
    assert (ran.code, ran.out) == (0, f"pinxit {version.pinxit_version()}\n")


def test_quick_version() -> None:
    """--version imports nothing that parses arguments, writes tables, opens connections or reads pictures."""
    program = (
        "import sys; from pinxit.cli import main; main(['--version']);"
        "print(sorted({'typer', 'rich', 'httpx', 'PIL', 'resvg_py', 'starlette'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[1] == "[]"


def test_quick_help() -> None:
    """Nor does the help load a provider or open a connection."""
    program = (
        "import sys; from pinxit.cli import main; main(['generate', '--help']);"
        "print(sorted({'httpx', 'PIL', 'pinxit_providers', 'starlette', 'uvicorn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_wishes_are_parameters() -> None:
    """What can be wished for is what a request takes."""
    said = Wishes(n=2, fallback=["test/dot"], retry=3, size="64x48").parameters()
    assert said == {"n": 2, "fallbacks": ["test/dot"], "retry": {"count": 3}, "size": "64x48"}
    assert set(said) <= set(GenerateRequest.model_fields)
    assert set(said) <= set(GenerateParameters.__annotations__)


@pytest.mark.parametrize("field", ["quality", "style", "background", "output_format"])
def test_help_names_values(pinxit: Commands, field: str) -> None:
    """The help names every value that core takes."""
    pinxit.patch.setenv("COLUMNS", "200")
    out = pinxit("generate", "--help").out
    literal, _ = get_args(GenerateRequest.model_fields[field].annotation)
    assert ", ".join(get_args(literal)) in out


@pytest.mark.parametrize("name", PAINTING)
def test_same_options(pinxit: Commands, name: str) -> None:
    """The painting commands take the same options."""
    out = pinxit(name, "--help").out
    for option in ("--model", "--max-cost", "--partials", "--plugins-dir", "--debug"):
        assert option in out


def test_completion(pinxit: Commands) -> None:
    """The shell completes names of routes and models."""
    done = pinxit.spawn(
        _PINXIT_COMPLETE="complete_bash", COMP_WORDS="pinxit generate fox -m test/w", COMP_CWORD="4"
    )
    assert done.stdout.split() == [b"test/waits"]
    assert model_names("de") == ["default"]
    pinxit.configure("[defaults")
    assert model_names("") == []


# Options as dataclasses ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Two options."""

    one: Annotated[str, typer.Option()]
    two: Annotated[int, typer.Option()] = 2


def test_expansion() -> None:
    """A command has the fields of its groups as parameters, and gets the groups."""
    got: list[object] = []

    def paint(name: str, *, group: Group) -> int:
        """Paint."""
        got.append((name, group))
        return 0

    expanded = command(paint)
    assert list(signature(expanded).parameters) == ["name", "one", "two"]
    assert expanded.__doc__ == "Paint."
    assert expanded(name="x", one="y", two=3) == 0
    assert got == [("x", Group(one="y", two=3))]


def test_no_clash() -> None:
    """No two groups have an option of the same name."""
    names = [
        name
        for group in (Wishes, EditWishes, Delivery, Setup)
        for name in signature(group).parameters
    ]
    assert len(names) == len(set(names))
