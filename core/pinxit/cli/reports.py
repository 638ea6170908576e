"""The signature under an answer, for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.text import Text

from pinxit.report import Adaptation, Report, Verdict

__all__ = ["VERDICT_STYLES", "brief", "dollars", "report_lines"]

LONGEST = 60
"""Characters of a value that is shown."""

VERDICT_STYLES: dict[Verdict, str] = {
    "kept": "green",
    "mapped": "cyan",
    "emulated": "cyan",
    "approximated": "yellow",
    "dropped": "red",
}


def dollars(cost: Decimal | None, *, about: bool = False) -> str:
    """Return a price for people: cents where there are cents, more digits where there are not."""
    if cost is None:
        return "price unknown"
    if not cost:
        return "free"
    # Pictures cost cents and less: two digits that count say more there than two decimals.
    digits = (
        f"{cost:.2f}" if cost >= 1 else f"{cost:.2g}" if cost >= Decimal("0.0001") else f"{cost:f}"
    )
    plain = f"{Decimal(digits):f}"
    return f"{'about ' if about else ''}${plain}"


def _duration(value: float) -> str:
    """Return a duration for people."""
    return f"{value:.1f} s" if value < 60 else f"{int(value) // 60} min {int(value) % 60} s"


def report_lines(report: Report) -> list[Text]:
    """Return what happened: who painted it, what it is, what was changed, what was tried."""
    asked = report.asked_for
    cost = dollars(report.cost, about=report.cost_basis == "estimated")
    head = Text.assemble(
        ("painted by ", "dim"),
        (report.model or "nobody", "bold"),
        (f", asked for {asked}" if asked not in {"", report.model} else "", "dim"),
        (f" · {_duration(report.seconds)} · {cost}", "dim"),
        (" · from the cache" if report.cached else "", "dim"),
    )
    return [head, *_labelled("picture", _pictures(report)), *_changes(report), *_history(report)]


def _pictures(report: Report) -> list[Text]:
    """Name equal pictures once."""
    kinds = [str(picture) for picture in report.pictures]
    return [
        Text(f"{kinds.count(kind)} × {kind}" if kinds.count(kind) > 1 else kind)  # noqa: RUF001 - read as "times"
        for kind in dict.fromkeys(kinds)
    ]


def _changes(report: Report) -> list[Text]:
    return _labelled("changed", [_change(adaptation) for adaptation in report.adaptations])


def _change(adaptation: Adaptation) -> Text:
    """Return one change: what was asked, what was sent, and how good that is."""
    return Text.assemble(
        (adaptation.parameter, "bold"),
        f" {brief(adaptation.asked)} → {brief(adaptation.sent)} ",
        (adaptation.verdict, VERDICT_STYLES[adaptation.verdict]),
        (f": {adaptation.reason}" if adaptation.reason else "", "dim"),
    )


def brief(value: object) -> str:
    """Return a value in a few characters."""
    text = "nothing" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _history(report: Report) -> list[Text]:
    attempts: list[Text] = []
    # A single good attempt is what the first line tells.
    if len(report.attempts) > 1 or any(a.outcome != "ok" for a in report.attempts):
        attempts = [
            Text(str(a), style="green" if a.outcome == "ok" else "yellow") for a in report.attempts
        ]
    return [*_labelled("tried", attempts), *_labelled("note", [Text(n) for n in report.notes])]


def _labelled(label: str, lines: Sequence[Text]) -> list[Text]:
    return [Text.assemble((f"  {label:<9}", "dim"), line) for line in lines]
