"""docs/hooks.md against `pinxit.hookspecs`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import pinxit
from pages import page, rows
from pinxit import ConfigError, Plugins, hookspecs
from pinxit.hookspecs import PROJECT, Context

HOOKS: dict[str, Callable[..., Any]] = {
    name: value for name, value in vars(hookspecs).items() if hasattr(value, f"{PROJECT}_spec")
}


def test_each_hook_has_a_heading_with_its_arguments() -> None:
    """Every hook stands as ``## name(arg, arg)``, in the specification's order, and nothing else does."""
    headings = re.findall(r"^#+ (\w+\(.*\))$", page("hooks.md"), re.MULTILINE)
    specified = [
        f"{name}({', '.join(inspect.signature(hook).parameters)})" for name, hook in HOOKS.items()
    ]
    assert sorted(headings) == sorted(specified)


def test_each_part_of_the_context_is_listed() -> None:
    """The table under Context names every field and property of the context, and nothing else."""
    listed = [row[0].strip("`") for row in rows("hooks.md", "## Context")]
    properties = [n for n, v in vars(Context).items() if isinstance(v, property)]
    assert sorted(listed) == sorted([*(field.name for field in fields(Context)), *properties])


def test_the_diagram_names_every_hook() -> None:
    """The picture of when hooks are called leaves none out."""
    diagram = page("hooks.md").split("```")[1]
    assert {name for name in HOOKS if not re.search(rf"\b{name}\b", diagram)} == set()


def test_what_is_called_once_is_collected_and_what_serves_is_addressed() -> None:
    """The page calls those hooks addressed of which the specification takes the first result."""
    for name, hook in HOOKS.items():
        section = page("hooks.md").split(f"## {name}(")[1].split("\n## ")[0]
        options = getattr(hook, f"{PROJECT}_spec")
        assert ("*Addressed" in section) == bool(options["firstresult"]), name


class _Silent:
    """Has no hook at all."""


class _Misspelt:
    @pinxit.hookimpl
    def register_modles(self) -> list[pinxit.Model]:
        return []


class _WrongArgument:
    @pinxit.hookimpl
    async def generate(self, prompt: str) -> None:
        return None


class _Synchronous:
    @pinxit.hookimpl
    def around_call(self, call: pinxit.Call) -> None:
        return None


class _Lacking:
    @pinxit.hookimpl
    def register_models(self) -> list[pinxit.Model]:
        return [pinxit.Model(id="lacking/one", operations={"generate": pinxit.Capability()})]


class _Twice:
    @pinxit.hookimpl
    def register_models(self) -> list[pinxit.Model]:
        return [pinxit.Model(id="twice/one", operations={"generate": pinxit.Capability()})] * 2

    @pinxit.hookimpl
    async def generate(self) -> None:
        return None


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (_Silent, "implements no hook"),
        (_Misspelt, "no hook 'register_modles'"),
        (_WrongArgument, "prompt"),
        (_Synchronous, "async def"),
        (_Lacking, "has no such hook"),
        (_Twice, "twice/one"),
    ],
)
def test_what_is_listed_as_wrong_is_refused(plugin: type, said: str) -> None:
    """Each mistake that the page lists raises ``ConfigError`` where the plugin is handed in."""
    with pytest.raises(ConfigError, match=said):
        Plugins(plugin(), discover=False)


def test_a_broken_package_is_set_aside(tmp_path: Path) -> None:
    """A plugin that cannot be imported stands in ``Plugins.broken``, and the others are loaded."""
    (tmp_path / "broken.py").write_text("import there_is_no_such_module\n")
    (tmp_path / "sound.py").write_text(
        "import pinxit\n\n@pinxit.hookimpl\ndef register_models():\n    return []\n"
    )
    plugins = Plugins(discover=False, directory=tmp_path)
    assert list(plugins.broken) == ["broken"]
    assert list(plugins.names()) == ["sound"]
