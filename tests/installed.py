"""Clients that do not live in this Python: Node's, and libraries that need an environment of their own.

They are installed into ``examples/``, as its README says. Where they are not, their tests are skipped, unless
``PINXIT_REQUIRE`` names what must be there: ``node``, ``python``, ``curl``, separated by commas.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from pages import ROOT

EXAMPLES = ROOT / "examples"
_PYTHON = EXAMPLES / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _missing(what: str, how: str) -> NoReturn:
    if what in os.environ.get("PINXIT_REQUIRE", "").split(","):
        pytest.fail(how)
    pytest.skip(how)


def node() -> str:
    """The path of Node, with the packages of the examples beside them."""
    path = shutil.which("node")
    if path is None:
        _missing("node", "Node is not installed")
    if not (EXAMPLES / "node_modules").is_dir():
        _missing("node", "Node's clients are not installed: cd examples && npm install")
    return path


def python() -> str:
    """The path of a Python that has the libraries of the examples."""
    if not _PYTHON.exists():
        how = "the Python clients are not installed: see examples/README.md"
        _missing("python", how)
    return str(_PYTHON)


def curl() -> str:
    """The shell, on a machine that has curl."""
    shell = shutil.which("sh")
    if shell is None or shutil.which("curl") is None:
        _missing("curl", "curl is not installed")
    return shell


def run(words: list[str], folder: Path, **environ: str) -> str:
    """Run a program and return what it printed; proxies and keys of this machine stay out of it."""
    ran = subprocess.run(
        words,
        cwd=folder,
        env={**plain(), "LITELLM_LOCAL_MODEL_COST_MAP": "True", **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, f"{' '.join(words)[:200]}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def plain(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without what this machine's user tells such clients, and gateways."""
    alien = ("OPENAI_", "PINXIT_", "ORQ_", "LITELLM_", "COV_", "COVERAGE_")
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(alien) and not name.lower().endswith("_proxy")
    }
