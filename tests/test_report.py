"""The signature: what it says in JSON, and what it says to people."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from pinxit import Adaptation, Attempt, Picture, Report
from pinxit.report import Billing, Verdict


def adaptation(verdict: Verdict = "dropped", **fields: object) -> Adaptation:
    return Adaptation.model_validate({"parameter": "style", "verdict": verdict, **fields})


def test_data_is_immutable() -> None:
    """A signature that could be changed would be none."""
    with pytest.raises(ValidationError, match="frozen"):
        Report().model = "somebody/else"


def test_unknown_fields_are_refused() -> None:
    """A misspelt name is an error, not a field that nobody reads."""
    with pytest.raises(ValidationError, match="modle"):
        Report.model_validate({"modle": "acme/brush"})


@pytest.mark.parametrize(
    ("asked", "sent", "text"),
    [
        ("vivid", None, "style: vivid -> nothing (dropped)"),
        (None, "png", "style: nothing -> png (dropped)"),
        (1, 2, "style: 1 -> 2 (dropped)"),
        ("x" * 61, "y", f"style: {'x' * 57}... -> y (dropped)"),
    ],
)
def test_an_adaptation_is_one_line(asked: object, sent: object, text: str) -> None:
    """An adaptation names the parameter, both values, cut to a readable length, and the verdict."""
    assert str(adaptation(asked=asked, sent=sent)) == text


def test_an_adaptation_gives_its_reason() -> None:
    """The reason stands behind the verdict."""
    said = adaptation("mapped", asked="hd", sent="high", reason="the model's word for it")
    assert str(said) == "style: hd -> high (mapped: the model's word for it)"


@pytest.mark.parametrize(
    ("billing", "may_be_billed"),
    [
        (None, False),
        ("not_sent", False),
        ("unbilled", False),
        ("ambiguous", True),
        ("billed", True),
    ],
)
def test_attempts_say_whether_they_may_be_billed(
    billing: Billing | None, may_be_billed: bool
) -> None:
    """What broke after it was written, and what came and was of no use, may stand on the bill."""
    attempt = Attempt(model="acme/brush", outcome="provider_timeout", billing=billing)
    assert attempt.may_be_billed is may_be_billed
    assert ("may be billed" in str(attempt)) is may_be_billed


def test_an_attempt_is_one_line() -> None:
    """An attempt names model, outcome, status and seconds."""
    attempt = Attempt(model="acme/brush", outcome="rate_limit_exceeded", status=429, seconds=1.26)
    assert str(attempt) == "acme/brush: rate_limit_exceeded 429 in 1.3 s"


def test_a_picture_says_what_it_is() -> None:
    """A picture's line has format, size and whether it is transparent."""
    assert str(Picture(width=8, height=4, format="png")) == "png 8x4"
    assert str(Picture(width=8, height=4, format="webp", alpha=True)) == "webp 8x4 with alpha"


def test_dropped_lists_what_the_caller_did_not_get() -> None:
    """Only what is dropped is lost; what is approximated is told elsewhere."""
    report = Report(adaptations=(adaptation(), adaptation("approximated")))
    assert report.dropped == ("style",)


@pytest.mark.parametrize(
    ("cost", "basis", "text"),
    [
        (None, "unknown", "cost unknown"),
        (Decimal(0), "exact", "free"),
        (Decimal("0.040"), "exact", "$0.04"),
        (Decimal("0.04"), "estimated", "about $0.04"),
        (Decimal("1E+2"), "exact", "$100"),
    ],
)
def test_a_report_tells_the_price(cost: Decimal | None, basis: str, text: str) -> None:
    """A price is plain, and says when it is an estimate."""
    report = Report.model_validate({"model": "acme/brush", "cost": cost, "cost_basis": basis})
    assert str(report) == f"painted by acme/brush in 0.0 s, {text}"


def test_a_report_names_what_was_asked_for() -> None:
    """Where another model painted than was named, both stand there."""
    report = Report(asked_for="hero", model="acme/brush", seconds=2.04)
    assert str(report) == "painted by acme/brush (asked for hero) in 2.0 s, cost unknown"
    assert "asked for" not in str(Report(asked_for="acme/brush", model="acme/brush"))


def test_a_report_without_a_model_was_painted_by_nobody() -> None:
    """A request that failed has a report too."""
    assert str(Report()).startswith("painted by nobody")


def test_a_report_lists_everything() -> None:
    """Pictures, changes, attempts and notes have a line each, in that order."""
    report = Report(
        model="acme/brush",
        pictures=(Picture(width=8, height=4, format="png"),),
        adaptations=(adaptation(),),
        attempts=(Attempt(model="old/one", outcome="timeout"), Attempt(model="a/b", outcome="ok")),
        notes=("retired",),
    )
    kinds = [line.split()[0] for line in str(report).splitlines()[1:]]
    assert kinds == ["picture", "changed", "attempt", "attempt", "note"]


def test_one_good_attempt_needs_no_line() -> None:
    """What went as it should is not told twice."""
    assert "attempt" not in str(Report(attempts=(Attempt(model="a/b", outcome="ok"),)))
    assert "attempt" in str(Report(attempts=(Attempt(model="a/b", outcome="timeout"),)))


def test_dollars_are_exact_in_python_and_plain_in_json() -> None:
    """Money is a Decimal until somebody asks for JSON, where it is a number."""
    report = Report(cost=Decimal("0.1"))
    assert report.model_dump()["cost"] == Decimal("0.1")
    assert report.model_dump(mode="json")["cost"] == 0.1
    assert '"cost":0.1' in report.model_dump_json()


def test_a_report_survives_json() -> None:
    """A report that was stored can be read again."""
    report = Report(
        model="a/b",
        cost=Decimal("0.25"),
        attempts=(Attempt(model="a/b", outcome="ok", images=2),),
        adaptations=(adaptation(asked={"deep": [1, None]}),),
    )
    assert Report.model_validate_json(report.model_dump_json()) == report
