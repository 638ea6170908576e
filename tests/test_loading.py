"""One-file plugins: imported from a path, found in a folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pinxit.loading import files_in, import_file


def test_a_file_may_hold_a_dataclass_with_postponed_annotations(tmp_path: Path) -> None:
    """A one-file plugin may be written as any module is."""
    file = tmp_path / "acme.py"
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from typing import ClassVar\n\n@dataclass\nclass Pen:\n    width: ClassVar[int] = 2\n",
        "utf-8",
    )
    assert import_file(file).Pen.width == 2


def test_a_file_that_raises_leaves_no_module_behind(tmp_path: Path) -> None:
    """What is broken cannot be imported by its name afterwards."""
    file = tmp_path / "rotten.py"
    file.write_text("1 / 0", "utf-8")
    with pytest.raises(ZeroDivisionError):
        import_file(file)
    assert "pinxit_plugin_rotten" not in sys.modules


def test_a_folder_s_plugins_come_in_order(tmp_path: Path) -> None:
    """Files are sorted by name; drafts and other files are none."""
    for name in ("b.py", "a.py", "_draft.py", "notes.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in files_in(tmp_path)] == ["a.py", "b.py"]
