"""docs/cli.md says what the commands say."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from pinxit.cli import failures

DOCS = Path(__file__).parents[2] / "docs"


def generator() -> Any:
    spec = spec_from_file_location("generate_cli", DOCS / "generate_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference() -> None:
    """The reference is what `python docs/generate_cli.py` writes."""
    text = (DOCS / "cli.md").read_text("utf-8")
    assert generator().page(text) == text


def test_reference_has_every_command() -> None:
    """No command is left out."""
    text = generator().reference()
    found = re.findall(r"^### pinxit (.+)$", text, re.MULTILINE)
    assert found == [
        "generate", "edit", "vary", "plan", "models", "routes", "doctor", "serve",
        "plugins", "plugins new", "plugins check", "keys new",
    ]  # fmt: skip


def test_exit_codes() -> None:
    """The page lists the exit codes that there are."""
    text = (DOCS / "cli.md").read_text("utf-8")
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    named = {
        value for name, value in vars(failures).items() if name.isupper() and isinstance(value, int)
    }
    assert listed == named | {0}
