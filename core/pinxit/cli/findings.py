"""What commands that examine something found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from .terminal import Terminal

__all__ = ["OLD", "Finding", "Level", "findings_data", "show_findings", "worst"]

OLD = timedelta(days=90)
"""Facts that nobody has looked at for so long are doubted: providers change prices and models."""

Level = Literal["ok", "warning", "broken"]

_MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "bold yellow"),
    "broken": ("✗", "bold red"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    text: str


def worst(findings: Iterable[Finding]) -> Level:
    """Return the level of the worst finding."""
    levels = {finding.level for finding in findings}
    return "broken" if "broken" in levels else "warning" if "warning" in levels else "ok"


def findings_data(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return findings for ``--json``."""
    listed = [{"level": f.level, "what": f.what, "text": f.text} for f in findings]
    return {"ok": worst(findings) != "broken", "findings": listed}


def show_findings(findings: Iterable[Finding], terminal: Terminal) -> None:
    """Write findings as a table to standard output."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark, style = _MARKS[finding.level]
        table.add_row(Text(mark, style=style), Text(finding.what, style="bold"), Text(finding.text))
    terminal.out.print(table)
