"""``plugins new``: a folder that builds, tests and publishes, to begin a plugin with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Annotated, Literal, get_args

import typer

from pinxit.errors import RequestError

from .arguments import json_option
from .terminal import Terminal, write_json
from .version import pinxit_version

__all__ = ["Kind", "Names", "new", "write_plugin"]

Kind = Literal["provider", "middleware", "routes"]

LONGEST = 40
"""Characters of a name: it ends up in file names, variables and an index."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TAKEN = frozenset({"providers"})
"""Names whose module would be one of ours."""


@dataclass(frozen=True, slots=True)
class Names:
    """One name, as it is written in all the places where a plugin has one."""

    name: str

    @property
    def ident(self) -> str:
        """As a part of an identifier."""
        return self.name.replace("-", "_")

    def values(self, today: date) -> dict[str, str]:
        """Return what the templates ask for."""
        title = self.name.replace("-", " ").title()
        # Of a development version the numbers alone: what is published is what can be required.
        version = re.match(r"\d+(\.\d+)*", pinxit_version())
        return {
            "name": self.name,
            "ident": self.ident,
            "module": f"pinxit_{self.ident}",
            "title": title,
            "camel": title.replace(" ", ""),
            "env": self.ident.upper(),
            "today": f"date({today.year}, {today.month}, {today.day})",
            "version": version[0] if version else "0.1",
        }


def new(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Of the plugin, such as acme; it becomes pinxit-acme."),
    ],
    kind: Annotated[
        str, typer.Option(metavar="KIND", help=f"One of {', '.join(get_args(Kind))}.")
    ] = "provider",
    directory: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Where to write it. (default: pinxit-NAME, here)"),
    ] = None,
    json: Annotated[bool, json_option("Write the folder and its files as JSON.")] = False,
) -> None:
    """Begin a plugin: a folder with a module, its tests and a pyproject.toml.

    Nothing is ever overwritten: the folder is a new one, or empty.
    """
    del json
    from pinxit.hookspecs import Clock

    folder = Path(directory or f"pinxit-{name}")
    written = write_plugin(name, kind, folder, Clock().today())
    if context.obj.json:
        write_json({"folder": str(folder), "files": [str(path) for path in written]})
        return
    terminal = Terminal()
    for path in written:
        terminal.path(path)
    terminal.say("next", f'cd {folder} && pip install -e ".[test]" && pytest')


def write_plugin(name: str, kind: str, folder: Path, today: date) -> list[Path]:
    """Write the files of a new plugin, and return their paths.

    Raises:
        RequestError: The name cannot be used, the kind is unknown, or there is something in the folder.
    """
    names = _checked(name)
    if kind not in get_args(Kind):
        known = ", ".join(get_args(Kind))
        raise RequestError(f"kind: should be one of {known}, not {kind!r}", param="kind")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(
            f"directory: there is something at {str(folder)!r} already; name a new folder with --directory",
            param="directory",
        )
    values = names.values(today)
    written: list[Path] = []
    for place, text in sorted(_templates(kind)):
        path = folder / place.replace("NAME.py", f"{names.ident}.py")
        if place == "NAME.py":
            path = folder / f"{values['module']}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        # The folder was empty a moment ago; what came meanwhile is not overwritten either.
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(Template(text).substitute(values))
        written.append(path)
    return written


def _checked(name: str) -> Names:
    from pinxit.plugins import installed_plugins

    problem = None
    if name.startswith(("pinxit-", "pinxit_")):
        problem = f"leave out pinxit, it is put in front: {name[7:]}"
    elif not _NAME.fullmatch(name) or len(name) > LONGEST:
        problem = f"should be at most {LONGEST} small letters, digits and single -, such as acme"
    elif name in _TAKEN:
        problem = f"pinxit_{name} is a module of pinxit's own; take another name"
    else:
        taken = next((point for point in installed_plugins() if point.name == name), None)
        if taken is not None:
            package = f" by {taken.dist.name}" if taken.dist else ""
            problem = f"a plugin of that name is installed{package}; take another name"
    if problem is not None:
        raise RequestError(f"name: {name!r}: {problem}", param="name")
    return Names(name)


def _templates(kind: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each template of a kind."""
    root = files("pinxit.cli") / "templates"
    for part in ("every", kind):
        yield from _below(root / part, "")


def _below(folder: Traversable, before: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{before}{entry.name}/")
        elif entry.name.endswith(".tmpl"):
            # A real .gitignore would be obeyed by the tools that build us.
            place = re.sub(r"^dot-", ".", entry.name.removesuffix(".tmpl"))
            yield f"{before}{place}", entry.read_text("utf-8")
