"""``plugins check``: whether a plugin is fit to be published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .arguments import json_option
from .failures import BROKEN
from .findings import Finding, findings_data, show_findings, worst
from .terminal import Terminal, write_json

if TYPE_CHECKING:
    from pinxit.plugins import Plugins

    from .projects import Project

__all__ = ["check", "examine_plugin"]


def check(
    context: typer.Context,
    plugin: Annotated[
        str | None,
        typer.Argument(
            metavar="[PLUGIN]",
            help="The name of an installed one, a folder, a file or a module. (default: the folder here)",
        ),
    ] = None,
    tests: Annotated[
        str | None,
        typer.Option(
            metavar="PATH", help="Its tests. (default: tests/ or test_*.py in its folder)"
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", metavar="", help="Let warnings count as problems.")
    ] = False,
    json: Annotated[bool, json_option("Write the findings as JSON.")] = False,
) -> int:
    """Check a plugin before others install it; end with 1 if something is wrong.

    Its hooks, settings, capabilities, prices and facts are looked at, and the conformance cases run:
    those that its tests inherit from pinxit.testing.ProviderTests, or else those that need no upstream.
    """
    del json
    from pinxit.hookspecs import Clock

    from .projects import find_project

    project = find_project(plugin, Path.cwd())
    findings = list(examine_plugin(project, tests, Clock().today()))
    if context.obj.json:
        write_json({"plugin": project.title, **findings_data(findings)})
    else:
        terminal = Terminal()
        show_findings(findings, terminal)
        _sum_up(project.title, findings, terminal)
    return BROKEN if worst(findings) in {"broken", *(("warning",) if strict else ())} else 0


def examine_plugin(project: Project, tests: str | None, today: date) -> Iterator[Finding]:
    """Look at everything, as far as one can get."""
    from .conformance import run_declarations, run_suites, tests_of
    from .linting import lint

    with project.importable():
        plugins = _load(project)
        yield from _routes(project.routes, plugins)
        sound = [name for name in plugins.names() if name in project.names]
        yield from _broken(project, plugins)
        for name in sound:
            loaded = plugins.names()[name]
            yield Finding("ok", name, f"implements {', '.join(plugins.hooks_of(loaded))}")
            yield from lint(plugins, name, today)
            # Who registers no model, such as middleware, declares nothing to hold it to.
            if loaded in plugins.registry.owners:
                yield from run_declarations(name, loaded)
        place = tests_of(project, tests)
        if place is not None and any(plugins.names()[n] in plugins.registry.owners for n in sound):
            yield from run_suites(project, place)


def _load(project: Project) -> Plugins:
    """Load what is checked before what is installed: its successors may be another package's."""
    from pinxit.plugins import Plugins, installed_plugins

    # Not the same plugin twice: it may be installed too, and in another version.
    others = [point for point in installed_plugins() if point.name not in project.names]
    files = [project.file] if project.file else []
    return Plugins(points=[*project.plugins, *others], files=files)


def _broken(project: Project, plugins: Plugins) -> Iterator[Finding]:
    from pinxit.mistakes import explain

    for name, error in plugins.broken.items():
        # Behind a colon stands a model whose successor is wrong, in brackets a package.
        if name.partition(":")[0].partition(" (")[0] in project.names:
            yield Finding("broken", name, explain(error))


def _routes(points: tuple[EntryPoint, ...], plugins: Plugins) -> Iterator[Finding]:
    from pinxit.mistakes import explain
    from pinxit.routes import Route, installed_routes

    found = installed_routes(points)
    for name, error in found.broken.items():
        yield Finding("broken", f"route {name}", explain(error))
    routes: Mapping[str, Route] = found.routes
    for name, route in routes.items():
        yield Finding(
            "ok", f"route {name}", ", ".join(route.models) or "whichever models can do it"
        )
        missing = [model for model in route.models if model not in plugins.registry]
        if missing:
            text = f"not installed here, and left out with a warning: {', '.join(missing)}"
            yield Finding("warning", f"route {name}", text)
        if not route.description:
            yield Finding("warning", f"route {name}", "has no description; pinxit routes shows it")


def _sum_up(title: str, findings: list[Finding], terminal: Terminal) -> None:
    count = {level: sum(f.level == level for f in findings) for level in ("broken", "warning")}
    said = [f"{count[level]} {word}{'s' if count[level] != 1 else ''}"
            for level, word in (("broken", "problem"), ("warning", "warning")) if count[level]]  # fmt: skip
    terminal.say(title, " and ".join(said) or "nothing to complain of")
