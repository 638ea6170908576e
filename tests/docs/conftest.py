"""A place of its own for every test of a page: no configuration, no keys."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, in which no configuration of the machine's is found."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "config"))
    for name in ("PINXIT_CONFIG", "PINXIT_LOAD_PLUGINS", "PINXIT_PLUGINS_DIR", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return place
