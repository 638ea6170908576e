"""docs/design.md against the import contracts and the source."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib

from pages import ROOT, block, page, rows

CORE = ROOT / "core" / "pinxit"
MODULES = {
    path.stem if path.suffix == ".py" else path.name
    for path in CORE.iterdir()
    if not path.name.startswith("_") and (path.suffix == ".py" or any(path.glob("*.py")))
}


def test_layers_are_those_that_ci_checks() -> None:
    """The page's layers are the import contract's, line by line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    assert [
        set(line.split(" | ")) for line in block("design.md", "", "Layers").text.splitlines()
    ] == [set(layer.split(" | ")) for layer in layers]


def test_each_module_is_described() -> None:
    """The table names every module of core once, and none that does not exist."""
    named = [n for row in rows("design.md", "## Layers") for n in re.findall(r"`(\w+)`", row[0])]
    assert sorted(named) == sorted(MODULES)


def test_each_module_of_the_families_is_named() -> None:
    """What providers stand on is named too."""
    section = page("design.md").split("## Providers")[1].split("\n## ")[0]
    folder = ROOT / "providers" / "pinxit_providers" / "protocols"
    modules = {path.stem for path in folder.glob("*.py") if not path.name.startswith("_")}
    assert modules <= set(re.findall(r"`(\w+)`", section))


def test_importing_pinxit_is_light() -> None:
    """``import pinxit`` imports no plugin, no httpx, no Pillow and no stamina, and opens no socket."""
    probe = (
        "import json, sys; touched = []; "
        "sys.addaudithook(lambda event, _: touched.append(event) if event.startswith('socket.') else None); "
        "import pinxit; print(json.dumps([sorted(sys.modules), touched]))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    modules, touched = json.loads(done.stdout)
    heavy = {"httpx", "PIL", "stamina", "pinxit_providers"}
    assert "no plugin, no httpx, no Pillow and no stamina, and opens no socket" in page("design.md")
    assert not heavy & set(modules)
    assert not [
        event for event in touched if event in {"socket.connect", "socket.bind", "socket.__new__"}
    ]
