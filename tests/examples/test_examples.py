"""The scripts in ``examples/``: real clients, a gateway in a process of its own, pictures in files."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import installed
from installed import EXAMPLES

FOX = {"fox.png": (512, 512)}
HAT = {"fox-with-hat.png": (512, 512)}
ANOTHER = {"another-fox.png": (256, 256)}
HARBOUR = dict.fromkeys(("harbour-0.png", "harbour-1.png", "harbour.png"), (512, 512))
LARGE = {"fox.png": (1024, 1024)}
SILENT = {"harbour-0.png", "harbour-1.png", "llama.png"}
"""Pictures that do not say how they were asked for: partial ones, and one that its client wrote anew."""

SCRIPTS: dict[str, tuple[Callable[[], str], dict[str, tuple[int, int]]]] = {
    "python_openai.py": (lambda: sys.executable, FOX | HAT | ANOTHER | HARBOUR),
    "python_orq.py": (lambda: sys.executable, FOX | HAT | ANOTHER),
    "python_httpx.py": (lambda: sys.executable, FOX | HAT),
    "python_langchain.py": (installed.python, LARGE),
    "python_llama_index.py": (installed.python, {"llama.png": (1024, 1024)}),
    "python_litellm.py": (installed.python, FOX | HAT | {"another-fox.png": (512, 512)}),
    "node_openai.mjs": (installed.node, FOX | HAT | ANOTHER | HARBOUR),
    "node_orq.mjs": (installed.node, FOX | HAT | ANOTHER),
    "node_ai_sdk.mjs": (installed.node, FOX | HAT),
    "node_ai_sdk_compatible.mjs": (installed.node, FOX | HAT),
    "shell_curl.sh": (installed.curl, FOX | HAT),
}
"""What runs each script, and the pictures that it writes."""

KEY = "a-key-for-the-examples"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway that is started as the examples' README says, and wants a key besides."""
    folder = tmp_path_factory.mktemp("gateway")
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    config = (EXAMPLES / "pinxit.toml").read_text("utf-8")
    keys = f'\n[gateway.keys]\nexamples = "sha256:{digest}"\n'
    (folder / "pinxit.toml").write_text(config + keys, "utf-8")
    places = {"XDG_CACHE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    words = [sys.executable, "-m", "pinxit.cli", "serve", "--port", "0"]
    with subprocess.Popen(
        words, cwd=folder, env={**installed.plain(), **places}, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        said: list[str] = []
        for line in server.stderr:
            said.append(line)
            if match := re.match(r"serving: (http://127\.0\.0\.1:\d+)/v1", line):
                # The log that follows is a line per request: the pipe holds it.
                yield match[1]
                break
        else:
            pytest.fail(f"the gateway did not start: {''.join(said)}")
        server.terminate()
        server.communicate(timeout=40)


def look(path: Path) -> tuple[tuple[int, int], dict[str, Any]]:
    """The size of a picture that arrived whole, and what the illustrator wrote into it."""
    with Image.open(path) as image:
        image.load()
        assert image.getcolors(maxcolors=16) is None, "it is blank"
        return image.size, json.loads(image.info.get("pinxit:scene", "{}"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_example(script: str, url: str, tmp_path: Path) -> None:
    """The client paints, changes and varies pictures, and each arrives whole."""
    runner, files = SCRIPTS[script]
    installed.run([runner(), str(EXAMPLES / script)], tmp_path, PINXIT_URL=url, PINXIT_KEY=KEY)
    assert {path.name for path in tmp_path.iterdir()} == files.keys()
    for name, size in files.items():
        have, scene = look(tmp_path / name)
        assert have == size, name
        if name not in SILENT:
            prompt = "a harbour at dawn" if name in HARBOUR else "a red fox in the snow"
            assert (scene["prompt"], bool(scene["edits"])) == (prompt, name in HAT), name


def test_older_client_of_openai(url: str, tmp_path: Path) -> None:
    """The same script serves the line of OpenAI's client that other libraries still hold."""
    python = installed.python()
    script = str(EXAMPLES / "python_openai.py")
    installed.run([python, script], tmp_path, PINXIT_URL=url, PINXIT_KEY=KEY)
    assert look(tmp_path / "harbour.png")[1]["prompt"] == "a harbour at dawn"


def test_wrong_key(url: str, tmp_path: Path) -> None:
    """The key in the environment is the one that is sent: another one is turned away."""
    script = str(EXAMPLES / "python_httpx.py")
    with pytest.raises(AssertionError, match="401 Unauthorized"):
        installed.run([sys.executable, script], tmp_path, PINXIT_URL=url, PINXIT_KEY="wrong")
    assert list(tmp_path.iterdir()) == []


def test_every_script_is_run_and_described() -> None:
    """No script is without a test, and each stands in the table of the page."""
    scripts = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".mjs", ".sh"}}
    assert scripts == SCRIPTS.keys()
    page = (EXAMPLES / "README.md").read_text("utf-8")
    assert {name for name in SCRIPTS if f"[{name}]({name})" in page} == scripts
