"""docs/testing-a-plugin.md: its examples run, its table is complete."""

from __future__ import annotations

import pytest

from pages import block, rows
from pinxit.testing import ProviderTests


def test_the_misbehaving_upstream(capsys: pytest.CaptureFixture[str]) -> None:
    """A reset is told as ambiguous, and nothing is sent again, as the page says."""
    block("testing-a-plugin.md", "python", "An upstream that misbehaves").run()
    assert capsys.readouterr().out == "ambiguous 1\n"


def test_time_does_not_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """An hour is over at once on the virtual loop, and the clock knows."""
    block("testing-a-plugin.md", "python", "Time").run()
    assert float(capsys.readouterr().out) == pytest.approx(3600)


def test_every_attribute_is_listed() -> None:
    """The table names what an author can set on a suite, and nothing else."""
    listed = [row[0].strip("`") for row in rows("testing-a-plugin.md", "## The conformance suite")]
    settable = {
        name
        for kind in ProviderTests.__mro__
        for name in getattr(kind, "__annotations__", {})
        if not name.startswith("_")
    }
    assert sorted(listed) == sorted(settable)
