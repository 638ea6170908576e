"""docs/writing-a-provider.md, followed word for word: installed, found, run, tested."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from PIL import Image as PillowImage

from pages import block, blocks, commands
from pinxit.cli.app import run

PAGE = "writing-a-provider.md"

SCRIPT = """
import asyncio, json, pinxit

async def main():
    told = {}
    async with pinxit.Router() as router:
        told["distribution"] = router.plugins.distributions["acme"]
        told["broken"] = list(router.plugins.broken)
        plan = router.plan("a fox", model="acme/brush", size="900x900")
        told["planned"] = plan.candidates[0].preview.body
        told["shown"] = str(plan.candidates[0].preview.headers)
        answer = await router.generate("a fox", model="acme/brush", size="900x900")
        told["sizes"] = [str(picture) for picture in answer.report.pictures]
        told["cost"] = str(answer.report.cost)
        wide = await router.generate("a fox", model="acme/brush", size="1344x768")
        told["wide"] = str(wide.report.pictures[0])
        answer = await router.generate("six", model="acme/brush", n=6)
        told["six"] = len(answer.data)
        for prompt, kind in (("blood", pinxit.ContentRejected), ("junk", pinxit.InvalidProviderResponse),
                             ("busy", pinxit.RateLimited)):
            try:
                await router.generate(prompt, model="acme/brush")
            except kind as error:
                told[prompt] = str(error)
    print(json.dumps(told))

asyncio.run(main())
"""


class Vendor(BaseHTTPRequestHandler):
    """Acme's server, as the page describes it."""

    seen: list[dict[str, Any]]
    sizes = {"1:1": (1024, 1024), "16:9": (1344, 768), "9:16": (768, 1344)}

    def do_POST(self) -> None:
        """Paint."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append({"path": self.path, "key": self.headers["authorization"], "body": body})
        match body["text"]:
            case "blood":
                self.reply(422, {"refused": "violence"})
            case "junk":
                self.reply(200, {"sorry": True})
            case "busy":
                self.reply(429, {"error": {"message": "too many"}})
            case _:
                out = io.BytesIO()
                PillowImage.new("RGB", self.sizes[body["ratio"]], "teal").save(out, "PNG")
                text = base64.b64encode(out.getvalue()).decode()
                self.reply(200, {"pictures": [text] * body["count"]})

    def reply(self, status: int, data: object) -> None:
        """Answer with JSON."""
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def vendor() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The base URL of Acme's server on this machine, and what it got."""
    seen: list[dict[str, Any]] = []
    handler = type("Handler", (Vendor,), {"seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tutorial's folder with its three files."""
    folder = tmp_path_factory.mktemp("acme")
    (folder / "pinxit_acme.py").write_text(block(PAGE, "python", "The module").text)
    (folder / "pyproject.toml").write_text(block(PAGE, "toml", "The package").text)
    (folder / "test_acme.py").write_text(block(PAGE, "python", "Its tests").text)
    return folder


@pytest.fixture(scope="module")
def site(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the tutorial's package is installed."""
    site = tmp_path_factory.mktemp("site")
    options = [
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--disable-pip-version-check",
    ]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(site), str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return site


def python(site: Path, *words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the interpreter as in an environment where the package is installed."""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    # A reader's shell has none of the options of the run that this is part of.
    env = {**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": "", **environ}
    return subprocess.run(
        [sys.executable, *words], check=False, capture_output=True, text=True, env=env, cwd=cwd
    )


def test_the_package_is_found_and_paints(
    site: Path, here: Path, vendor: tuple[str, list[dict[str, Any]]]
) -> None:
    """The installed package is found by its entry point and does what the page says, over HTTP."""
    url, seen = vendor
    done = python(site, "-c", SCRIPT, cwd=here, ACME_API_KEY="acme-secret", ACME_BASE_URL=url)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["distribution"], told["broken"]) == ("pinxit-acme", [])
    assert told["planned"] == seen[0]["body"] == {"text": "a fox", "count": 1, "ratio": "1:1"}
    assert seen[0]["path"] == "/v1/paint"
    assert {request["key"] for request in seen} == {"Bearer acme-secret"}
    assert "acme-secret" not in told["shown"]
    assert (told["sizes"], told["wide"]) == (["png 900x900"], "png 1344x768")
    assert told["cost"] == "0.030000"
    counts = sorted(r["body"]["count"] for r in seen if r["body"]["text"] == "six")
    assert (told["six"], counts) == (6, [2, 4])
    assert "violence" in told["blood"]
    assert "no pictures" in told["junk"]
    assert "too many" in told["busy"]
    assert len([r for r in seen if r["body"]["text"] in {"blood", "junk", "busy"}]) == 3


def test_its_tests_pass(site: Path, folder: Path) -> None:
    """The tutorial's test file passes under pytest, and skips nothing."""
    options = ["-q", "-p", "no:cacheprovider", "-W", "error"]
    # Only pytest itself: plugins of this environment take longer to load than the suite to run.
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = python(site, "-m", "pytest", *options, "test_acme.py", cwd=folder, **alone)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_its_commands_show_it(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands under "The package" list the plugin and its model, and plan the request that Acme gets."""
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    monkeypatch.delenv("ACME_API_KEY", raising=False)
    shown: list[str] = []
    for words in commands(block(PAGE, "sh", "The package").text):
        assert run(words) == 0
        shown.append(capsys.readouterr().out)
    plugins, models, plan = shown
    assert "pinxit-acme" in plugins
    assert "acme/brush" in models
    assert '"ratio": "1:1"' in plan
    assert "ACME_API_KEY" in plan
    monkeypatch.delitem(sys.modules, "pinxit_acme")


def test_a_file_in_a_folder_is_a_plugin(
    folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The module alone works from a folder of plugins, under the name of its file."""
    (here / "plugins").mkdir()
    (here / "plugins" / "pinxit_acme.py").write_text((folder / "pinxit_acme.py").read_text())
    (words,) = commands(block(PAGE, "sh", "While it is being written").text)
    assert run(words) == 0
    assert "acme/brush" in capsys.readouterr().out
    monkeypatch.setenv("PINXIT_PLUGINS_DIR", "plugins")
    monkeypatch.setenv("PINXIT_LOAD_PLUGINS", "pinxit_acme")
    assert run(["models", "--json"]) == 0
    assert [model["id"] for model in json.loads(capsys.readouterr().out)] == ["acme/brush"]


def test_only_the_named_plugin_is_loaded(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``PINXIT_LOAD_PLUGINS=acme`` loads the installed plugin of that name and nothing else."""
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    monkeypatch.setenv("PINXIT_LOAD_PLUGINS", "acme")
    assert run(["models", "--json"]) == 0
    assert [model["id"] for model in json.loads(capsys.readouterr().out)] == ["acme/brush"]
    monkeypatch.delitem(sys.modules, "pinxit_acme")


def test_no_block_of_python_is_left_out() -> None:
    """The page has no code but the module and its tests, which run here."""
    assert [b.section for b in blocks("python", PAGE)] == ["The module", "Its tests"]
