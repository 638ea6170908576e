"""plugins new: what it writes is a plugin that works, for each kind; nothing is overwritten."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from commandline import Commands
from pinxit.cli.scaffolding import Kind, write_plugin
from pinxit.errors import RequestError

KINDS: tuple[str, ...] = get_args(Kind)
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a new plugin of each kind is installed; their sources lie in ``new``."""
    target = tmp_path_factory.mktemp("site")
    for kind in KINDS:
        write_plugin(f"my-{kind}", kind, target / "new" / kind, TODAY)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", target,
         *(target / "new" / kind for kind in KINDS)],
        check=True, capture_output=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )  # fmt: skip
    return target


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass(site: Path, kind: str) -> None:
    """What was written is built, installed and found, and its tests pass without a change."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        env={**os.environ, "PYTHONPATH": str(site), "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=site / "new" / kind, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_it_satisfies_the_linter(site: Path, kind: str) -> None:
    """ruff, as it comes, has nothing to complain of."""
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--isolated", "--no-cache", "."],
            cwd=site / "new" / kind, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_it_says_where_everything_is(pinxit: Commands) -> None:
    """The command lists the files and the next step; the project is named after the plugin."""
    ran = pinxit("plugins", "new", "acme")
    files = [
        ".gitignore",
        "README.md",
        "pinxit_acme.py",
        "pyproject.toml",
        str(Path("tests", "test_acme.py")),
    ]
    assert sorted(ran.paths) == [str(Path("pinxit-acme", file)) for file in files]
    assert 'cd pinxit-acme && pip install -e ".[test]" && pytest' in ran.err
    project = tomllib.loads(Path("pinxit-acme/pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "pinxit-acme"
    assert project["entry-points"] == {"pinxit": {"acme": "pinxit_acme"}}
    assert "license" not in project


def test_json(pinxit: Commands) -> None:
    """--json tells the same to programs."""
    told = pinxit("plugins", "new", "acme", "--directory", "there", "--json").json
    assert told["folder"] == "there"
    assert str(Path("there", "pyproject.toml")) in told["files"]


def test_no_placeholder_is_left(tmp_path: Path) -> None:
    """Every place of a template is filled, and today is when the facts were read."""
    for kind in KINDS:
        for path in write_plugin("my-own", kind, tmp_path / kind, TODAY):
            assert not re.search(r"\$\w|\$\{|NAME|tmpl", f"{path.name} {path.read_text('utf-8')}")
    module = (tmp_path / "provider" / "pinxit_my_own.py").read_text("utf-8")
    assert "as_of=date(2026, 11, 22)" in module
    assert "MY_OWN_API_KEY" in module


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Acme", "small letters, digits and single -"),
        ("a b", "small letters"),
        ("2nd", "small letters"),
        ("a--b", "small letters"),
        ("../x", "small letters"),
        ("", "small letters"),
        ("a" * 41, "at most 40"),
        ("pinxit-acme", "leave out pinxit, it is put in front: acme"),
        ("providers", "pinxit_providers is a module of pinxit's own"),
        ("illustrator", "a plugin of that name is installed by pinxit; take another name"),
    ],
)
def test_names_that_cannot_be_used(pinxit: Commands, name: str, says: str) -> None:
    """A name is refused with the reason, and nothing is written."""
    ran = pinxit("plugins", "new", "--", name)
    assert (ran.code, ran.out) == (2, "")
    assert f"name: {name!r}: " in ran.err
    assert says in ran.err
    assert list(Path().iterdir()) == []


def test_an_unknown_kind(pinxit: Commands) -> None:
    """A kind that there is not is told with those that there are."""
    ran = pinxit("plugins", "new", "acme", "--kind", "model")
    assert (ran.code, "one of provider, middleware, routes, not 'model'" in ran.err) == (2, True)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that holds anything is left as it is; an empty one is used."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "pinxit_acme.py").write_text("mine")
    (tmp_path / "file").touch()
    for name in ("full", "file"):
        with pytest.raises(RequestError, match=r"there is something at .* already"):
            write_plugin("acme", "provider", tmp_path / name, TODAY)
    assert [p.read_text() for p in (tmp_path / "full").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    assert write_plugin("acme", "routes", tmp_path / "empty", TODAY)
