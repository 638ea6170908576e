"""Where a plugin to be checked is: installed, in a folder, in a file, or a module."""

from __future__ import annotations

import importlib.util
import os
import sys
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, cast

from pinxit.errors import RequestError
from pinxit.plugins import PLUGINS_GROUP, installed_plugins
from pinxit.routes import ROUTES_GROUP

__all__ = ["Project", "find_project"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is to be checked.

    Attributes:
        title: What it is called in the report.
        plugins: Its entry points in the group of plugins.
        routes: Its entry points in the group of routes.
        file: The one file that is the plugin.
        folder: Where its source is, if it is here.
        paths: Folders that must be on the path for its modules to be found.
    """

    title: str
    plugins: tuple[EntryPoint, ...] = ()
    routes: tuple[EntryPoint, ...] = ()
    file: Path | None = None
    folder: Path | None = None
    paths: tuple[Path, ...] = field(default=())

    @property
    def names(self) -> set[str]:
        """The names of its plugins."""
        return {point.name for point in self.plugins} | ({self.file.stem} if self.file else set())

    @contextmanager
    def importable(self) -> Generator[None]:
        """Let its modules be found, before those of the same name that are installed."""
        before = list(sys.path)
        sys.path[:0] = map(str, self.paths)
        # The finders may remember these folders as they were before the files were written.
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path[:] = before


def find_project(target: str | None, cwd: Path) -> Project:
    """Return what a word on the command line means; without one, the project in the working directory.

    Raises:
        RequestError: It means nothing.
    """
    if target is None:
        if not (cwd / "pyproject.toml").is_file():
            raise RequestError(
                "plugin: name one that is installed, a folder, a file or a module; "
                "without a name the folder here should have a pyproject.toml",
                param="plugin",
            )
        return _in_folder(cwd)
    path = Path(target)
    if path.suffix == ".py" and path.is_file():
        return Project(title=path.name, file=path, folder=path.resolve().parent)
    # A plugin may be called like a folder that happens to be here: a bare word means the folder
    # only if a project is in it.
    if path.is_dir() and (os.sep in target or (path / "pyproject.toml").is_file()):
        return _in_folder(path)
    found = _installed(target) or _module(target)
    if found is None:
        raise RequestError(
            f"plugin: {target!r} is no installed plugin, folder with a pyproject.toml, file or module; "
            "pinxit plugins lists what is installed",
            param="plugin",
        )
    return found


def _installed(name: str) -> Project | None:
    def mine(points: list[EntryPoint]) -> tuple[EntryPoint, ...]:
        return tuple(p for p in points if name in {p.name, p.dist.name if p.dist else ""})

    plugins, routes = mine(installed_plugins()), mine(list(entry_points(group=ROUTES_GROUP)))
    return Project(title=name, plugins=plugins, routes=routes) if plugins or routes else None


def _module(name: str) -> Project | None:
    head = name.partition(":")[0]
    try:
        there = importlib.util.find_spec(head) is not None
    except (ImportError, ValueError):
        there = False
    point = EntryPoint(head.rpartition(".")[2], name, PLUGINS_GROUP)
    return Project(title=name, plugins=(point,)) if there else None


def _in_folder(folder: Path) -> Project:
    file = folder / "pyproject.toml"
    try:
        project: Mapping[str, Any] = tomllib.loads(file.read_text("utf-8")).get("project", {})
    except (OSError, ValueError) as error:
        raise RequestError(f"plugin: {file} cannot be read: {error}", param="plugin") from error
    groups = cast("Mapping[str, Mapping[str, str]]", project.get("entry-points", {}))

    def points(group: str) -> tuple[EntryPoint, ...]:
        return tuple(EntryPoint(n, value, group) for n, value in groups.get(group, {}).items())

    plugins, routes = points(PLUGINS_GROUP), points(ROUTES_GROUP)
    if not plugins and not routes:
        raise RequestError(
            f"plugin: {file} has no entry point; add [project.entry-points.{PLUGINS_GROUP}] with "
            f'acme = "pinxit_acme"',
            param="plugin",
        )
    here = folder.resolve()
    return Project(
        title=str(project.get("name", here.name)),
        plugins=plugins,
        routes=routes,
        folder=here,
        paths=tuple(path for path in (here / "src", here) if path.is_dir()),
    )
