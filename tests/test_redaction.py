"""Secrets that do not show."""

from __future__ import annotations

import traceback

import pytest

from pinxit.redaction import Secrets, hide


def test_secrets_do_not_show_themselves() -> None:
    """Neither alone, nor inside of something, nor among the variables of a frame."""
    secrets = Secrets(["sk-very-secret"])

    def fail() -> None:
        mine = secrets
        raise ValueError(len(mine))

    with pytest.raises(ValueError, match="1") as caught:
        fail()
    formatted = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = f"{secrets!r} {[secrets]} {secrets}" + "".join(formatted.format())
    assert "sk-very-secret" not in shown
    assert "<1 secrets>" in shown


def test_hide_replaces_every_occurrence() -> None:
    """Wherever a secret stands in a text, a word stands there instead."""
    text = hide("a key1 b key1-key2", ["key1", "key2"])
    assert text == "a [redacted] b [redacted]-[redacted]"


@pytest.mark.parametrize("short", ["", "a", "no", "key"])
def test_placeholders_are_no_secrets(short: str) -> None:
    """A text of three characters is part of ordinary words."""
    assert hide("no key at all", [short]) == "no key at all"
