"""Distributions as third parties write them: built, installed and found for real, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

CONTRIB = Path(__file__).parent.parent / "plugins_contrib"
PLUGINS = sorted(path.name for path in CONTRIB.iterdir() if (path / "pyproject.toml").is_file())
OURS = {
    point.name
    for point in distribution("pinxit").entry_points
    if point.group == "pinxit" and point.value.startswith("pinxit_providers")
}
THEIRS = {"atelier/easel", "checkerboard/mono"}

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed every distribution."""
    target = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", target,
         *(CONTRIB / name for name in PLUGINS)],
        check=True, capture_output=True, text=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )  # fmt: skip
    return target


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Run:
    """Run a program where the distributions are installed; return what it prints as JSON."""

    def run(program: str, *paths: Path, **environ: str) -> Any:
        path = os.pathsep.join(map(str, (*paths, site)))
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PINXIT_", "OPENAI_"))}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**clean, "HOME": str(tmp_path), "PYTHONPATH": path, **environ},
            cwd=tmp_path, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


LIST = """
import json, sys
import pinxit
from pinxit.routes import installed_routes
plugins = pinxit.Plugins()
print(json.dumps({
    "models": [model.id for model in plugins.registry],
    "plugins": sorted(plugins.names()),
    "distributions": plugins.distributions,
    "broken": sorted(plugins.broken),
    "routes": sorted(installed_routes().routes),
    "imported": sorted(name for name in sys.modules if name.startswith("pinxit_")),
}))
"""

PAINT = """
import asyncio, json
import pinxit
from pinxit.routing import Router

async def main():
    async with Router(pinxit.Config.load()) as router:
        answers = [await router.generate("a fox", model=name, size="32x16", n=2)
                   for name in ("checkerboard/mono", "placeholder", "hero")]
    print(json.dumps([{
        "model": answer.report.model,
        "route": answer.report.route,
        "pictures": [str(picture) for picture in answer.report.pictures],
        "cost": float(answer.report.cost),
    } for answer in answers]))

asyncio.run(main())
"""

REFUSED = """
import asyncio, json
import pinxit
from pinxit.routing import Router

async def main():
    async with Router(pinxit.Config.load()) as router:
        try:
            await router.generate("a fox")
        except pinxit.UnknownModel as error:
            print(json.dumps({"error": str(error), "models": len(router.registry)}))

asyncio.run(main())
"""


def test_an_installed_plugin_is_found(run: Run) -> None:
    """Installing a package is all it takes: its models and routes are there, beside ours."""
    found = run(LIST)
    assert "checkerboard/mono" in found["models"]
    assert found["distributions"]["checkerboard"] == "pinxit-checkerboard"
    assert {"checkerboard", *OURS} <= set(found["plugins"])
    assert {"default", "hero", "placeholder"} <= set(found["routes"])
    assert found["broken"] == []


def test_an_installed_plugin_paints(run: Run) -> None:
    """A picture comes by the model's name, by a route, and by a route whose first models have no key."""
    by_name, by_route, as_fallback = run(PAINT)
    picture = {"pictures": ["png 32x16"] * 2, "cost": 0.0, "model": "checkerboard/mono"}
    assert by_name == {**picture, "route": None}
    assert by_route == {**picture, "route": "placeholder"}
    assert as_fallback == {**picture, "route": "hero"}


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_passes_its_own_tests(site: Path, tmp_path: Path, name: str) -> None:
    """The distribution's own tests, for a provider the conformance cases, pass where it is installed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path,
         CONTRIB / name / "tests"],
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""},
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_only_the_allowed_plugins_are_imported(run: Run) -> None:
    """``PINXIT_LOAD_PLUGINS`` names what is loaded, and nothing else is even imported."""
    found = run(LIST.replace("pinxit.Plugins()", "pinxit.Plugins(allow=['checkerboard'])"))
    assert found["models"] == ["checkerboard/mono"]
    assert not [name for name in found["imported"] if name.startswith("pinxit_providers.openai")]
    painted = run(PAINT, PINXIT_LOAD_PLUGINS="checkerboard")
    assert {answer["model"] for answer in painted} == {"checkerboard/mono"}


def test_no_plugin_at_all_leaves_core_working(run: Run) -> None:
    """With ``PINXIT_LOAD_PLUGINS`` set to nothing a router opens, and says that there is nothing."""
    said = run(REFUSED, PINXIT_LOAD_PLUGINS="")
    assert said["models"] == 0
    assert "default" in said["error"]


def without(removed: set[str], folder: Path) -> Path:
    """Write our own metadata again, without some of its entry points; put first, it is what is read."""
    real = distribution("pinxit")
    info = folder / f"pinxit-{real.version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(real.read_text("METADATA") or "", "utf-8")
    lines = (real.read_text("entry_points.txt") or "").splitlines()
    kept = [line for line in lines if line.partition(" ")[0] not in removed]
    assert len(kept) == len(lines) - len(removed)
    (info / "entry_points.txt").write_text("\n".join(kept), "utf-8")
    return folder


def test_core_works_without_our_own_entry_points(run: Run, tmp_path: Path) -> None:
    """Our providers come in by the door that is everybody's: without their entry points they are gone."""
    stripped = without(OURS, tmp_path)
    found = run(LIST, stripped)
    assert set(found["models"]) == THEIRS
    assert found["broken"] == []
    assert {answer["model"] for answer in run(PAINT, stripped)} == {"checkerboard/mono"}


def test_core_works_where_our_providers_cannot_be_imported(run: Run) -> None:
    """Entry points that lead nowhere are set aside by name, and the others go on."""
    gone = "import sys; sys.modules['pinxit_providers'] = None\n"
    found = run(gone + LIST)
    assert set(found["models"]) == THEIRS
    assert set(found["broken"]) >= OURS
