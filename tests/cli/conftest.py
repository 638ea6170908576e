"""A folder to work in, a provider that paints dots, and nothing of the machine's own configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from commandline import CONFIG, PAINTER, Commands


@pytest.fixture
def pinxit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Commands:
    """Run pinxit in an empty folder, where `test/dot` serves requests that name no model."""
    for name in (
        "OPENAI_API_KEY",
        "PINXIT_CONFIG",
        "COLUMNS",
        "NO_COLOR",
        "FORCE_COLOR",
        "TMUX",
        "PINXIT_PLUGINS",
        "PINXIT_TRACE_PLUGINS",
    ):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "home").mkdir()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PINXIT_PLUGINS_DIR", str(tmp_path / "plugins"))
    monkeypatch.setenv("PINXIT_CONFIG", str(tmp_path / "pinxit.toml"))
    monkeypatch.setenv("PINXIT_LOAD_PLUGINS", "painter,shop,rotten")
    commands = Commands(tmp_path, capsys, monkeypatch)
    commands.plugin("painter", PAINTER)
    commands.configure(CONFIG)
    return commands
