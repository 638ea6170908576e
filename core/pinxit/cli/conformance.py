"""The conformance suite, run for a plugin: the author's own classes, or what needs no upstream."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from .findings import Finding
from .projects import Project

__all__ = ["run_declarations", "run_suites", "tests_of"]

WHAT = "conformance"

_ELSEWHERE = ("test_successors_are_registered",)
"""Cases that see the plugin alone, where another package may have what they miss."""


def tests_of(project: Project, named: str | None) -> Path | None:
    """Return the folder, or the file, in which a project's tests are."""
    if named is not None:
        return Path(named)
    if project.folder is None or project.file is not None:
        return None
    places = (project.folder / "tests", *sorted(project.folder.glob("test_*.py")))
    return next((place for place in places if place.exists()), None)


def run_suites(project: Project, tests: Path) -> Iterator[Finding]:
    """Run the author's subclasses of ``ProviderTests``; other tests are pytest's business alone."""
    if importlib.util.find_spec("pytest") is None:
        text = 'pytest is missing; pip install "pinxit[testing]"'
        yield Finding("warning", WHAT, f"{tests} was not run: {text}")
        return
    told, output = _pytest(project, tests)
    if told is None:
        yield Finding("broken", WHAT, f"{tests} cannot be run: {output}")
        return
    for case, text in told["failed"].items():
        yield Finding("broken", case, text)
    classes = ", ".join(told["classes"])
    if classes:
        yield Finding("ok", WHAT, f"{told['passed']} cases of {classes} passed")
    elif not told["failed"]:
        yield Finding("warning", WHAT, f"{tests} has no subclass of pinxit.testing.ProviderTests")


def _pytest(project: Project, tests: Path) -> tuple[dict[str, Any] | None, str]:
    """Return what pytest's run wrote, or the last line of its output where it wrote nothing."""
    paths = [*map(str, project.paths), *filter(None, [os.environ.get("PYTHONPATH")])]
    # Options meant for the author's own runs could keep cases from being run, or counted.
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTEST_ADDOPTS": ""}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "outcomes.json"
        options = ["-q", "-p", "no:cacheprovider", "-p", "pinxit.testing.outcomes"]
        # In a process of its own: what tests import and change does not stay with us.
        done = subprocess.run(  # noqa: S603 - our own interpreter, on tests that the author names
            [sys.executable, "-m", "pytest", *options, "--pinxit-outcomes", file, tests.resolve()],
            cwd=project.folder or Path.cwd(),
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if file.is_file():
            return json.loads(file.read_text("utf-8")), ""
    said = (done.stderr or done.stdout).strip().splitlines()
    return None, said[-1] if said else f"pytest ended with {done.returncode}"


def run_declarations(name: str, plugin: object) -> Iterator[Finding]:
    """Run the cases about what a provider declares: they need no upstream, and no pytest."""
    from pinxit.testing.declarations import DeclarationTests

    given = {"plugin": plugin, "leave_out": _ELSEWHERE}
    kind = cast("type[DeclarationTests]", type("Declared", (DeclarationTests,), given))
    passed = 0
    for case, run in kind.cases():
        try:
            run()
        except AssertionError as error:
            yield Finding("broken", f"{name}: {case}", str(error).splitlines()[0])
        else:
            passed += 1
    yield Finding("ok", name, f"{passed} cases about what it declares passed")
