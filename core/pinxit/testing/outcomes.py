"""A plugin of pytest's that runs the conformance cases alone, and writes what became of them.

``pytest -p pinxit.testing.outcomes --pinxit-outcomes FILE``; `pinxit plugins check` reads the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .suite import Suite

__all__ = ["Outcomes"]


class Outcomes:
    """Counts what passed, and keeps one line about each case that did not."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._passed = 0
        self._failed: dict[str, str] = {}
        self._classes: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what is the author's own."""
        ours = [item for item in items if issubclass(getattr(item, "cls", None) or object, Suite)]
        items[:] = ours
        self._classes = {str(getattr(item, "cls").__name__) for item in ours}  # noqa: B009 - not every item has one

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be imported."""
        if report.failed:
            lines = [line[2:] for line in report.longreprtext.splitlines() if line[:2] == "E "]
            self._failed[report.nodeid] = (lines or [report.longreprtext])[-1].strip()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a case ended."""
        # Three reports come per case: any of them may fail, one of them counts as passed.
        if report.failed:
            crash: Any = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash else report.longreprtext
            self._failed[report.nodeid.rpartition("::")[2]] = text.strip().splitlines()[0]
        elif report.when == "call" and report.passed:
            self._passed += 1

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        told = {
            "classes": sorted(self._classes),
            "passed": self._passed,
            "failed": self._failed,
        }
        self._file.write_text(json.dumps(told), "utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the name of the file."""
    parser.addoption("--pinxit-outcomes", metavar="FILE", help="Run conformance cases alone.")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count, where a file is named."""
    file = config.getoption("--pinxit-outcomes")
    if file:
        config.pluginmanager.register(Outcomes(Path(file)))
