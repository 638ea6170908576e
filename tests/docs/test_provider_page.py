"""docs/writing-a-provider.md, followed word for word: installed, found, run, tested."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from PIL import Image as PillowImage

from pages import block, blocks, commands
from pinxit.cli.app import run
from pinxit.cli.scaffolding import write_plugin
from pinxit.tracing import Trace

PAGE = "writing-a-provider.md"
SHOWN = {
    "Capabilities are data",
    "Settings are declared",
    "One function makes the request",
    "The answer becomes pictures",
    "The package",
    "Its tests",
}
"""The sections that show what `plugins new` writes."""

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
        answer = await router.edit("a hat", image=answer.data[0].data, model="acme/retoucher")
        told["edited"] = str(answer.report.pictures[0])
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
        match body["prompt"]:
            case "blood":
                self.reply(422, {"refused": "violence"})
            case "junk":
                self.reply(200, {"sorry": True})
            case "busy":
                self.reply(429, {"error": {"message": "too many"}})
            case _:
                out = io.BytesIO()
                PillowImage.new("RGB", self.sizes[body.get("ratio", "1:1")], "teal").save(
                    out, "PNG"
                )
                text = base64.b64encode(out.getvalue()).decode()
                self.reply(200, {"pictures": [text] * body.get("count", 1)})

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


def begun(folder: Path) -> Path:
    """Run `plugins new acme` on the day of the page's dates."""
    write_plugin("acme", "provider", folder, date(2026, 11, 22))
    return folder


def follow(folder: Path) -> Path:
    """Change what was begun as "Making it yours" says."""
    model, hooks, service = (
        b.text for b in blocks("python", PAGE) if b.section == "Making it yours"
    )
    module, tests = folder / "pinxit_acme.py", folder / "tests" / "test_acme.py"
    text = module.read_text("utf-8").replace("from datetime", "import base64\nfrom datetime", 1)
    settings, models = (f"@pinxit.hookimpl\ndef register_{name}" for name in ("settings", "models"))
    text = text.replace(settings, f"{model}\n\n{settings}")
    module.write_text(f"{text[: text.index(models)]}{hooks}", "utf-8")
    text = tests.read_text("utf-8")
    old = text[text.index("def service") : text.index("class TestAcme")]
    tests.write_text(text.replace(old, f"{service}\n\n"), "utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tutorial's folder at its end."""
    return follow(begun(tmp_path_factory.mktemp("acme")))


@pytest.fixture(scope="module")
def site(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the tutorial's package is installed from an index, on which its wheel lies."""
    index, site = tmp_path_factory.mktemp("index"), tmp_path_factory.mktemp("site")
    own = index / "pinxit-acme"
    pip("wheel", "--no-build-isolation", "--no-index", "--wheel-dir", str(own), str(folder))
    (wheel,) = own.glob("*.whl")
    (own / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    # What the machine's configuration says of other indexes is not asked.
    found = ["--index-url", index.as_uri(), "--isolated", "--target", str(site)]
    pip("install", *found, "pinxit-acme")
    return site


def pip(command: str, *words: str) -> None:
    """Run pip without a network."""
    options = ["--quiet", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", command, *options, *words],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


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
    assert told["planned"] == seen[0]["body"] == {"prompt": "a fox", "count": 1, "ratio": "1:1"}
    assert seen[0]["path"] == "/v1/paint"
    assert {request["key"] for request in seen} == {"Bearer acme-secret"}
    assert "acme-secret" not in told["shown"]
    assert (told["sizes"], told["wide"]) == (["png 900x900"], "png 1344x768")
    assert told["cost"] == "0.030000"
    counts = sorted(r["body"]["count"] for r in seen if r["body"]["prompt"] == "six")
    assert (told["six"], counts) == (6, [2, 4])
    assert told["edited"] == "png 1024x1024"
    assert "violence" in told["blood"]
    assert "no pictures" in told["junk"]
    assert "too many" in told["busy"]
    assert len([r for r in seen if r["body"]["prompt"] in {"blood", "junk", "busy"}]) == 3


def test_its_tests_pass(site: Path, folder: Path) -> None:
    """The tutorial's test file passes under pytest, and skips nothing."""
    options = ["-q", "-p", "no:cacheprovider", "-W", "error"]
    # Only pytest itself: plugins of this environment take longer to load than the suite to run.
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = python(
        site, "-m", "pytest", *options, "-c", os.devnull, "tests/test_acme.py", cwd=folder, **alone
    )
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_what_it_shows_is_what_is_written(tmp_path: Path) -> None:
    """Every excerpt under "What was written" stands in the files that the command writes."""
    folder = begun(tmp_path / "acme")
    written = {
        "python": (folder / "pinxit_acme.py").read_text("utf-8")
        + (folder / "tests" / "test_acme.py").read_text("utf-8"),
        "toml": (folder / "pyproject.toml").read_text("utf-8"),
    }
    shown = [b for b in (*blocks("python", PAGE), *blocks("toml", PAGE)) if b.section in SHOWN]
    assert {b.section for b in shown} == SHOWN
    assert [str(b) for b in shown if b.text not in written[b.language]] == []


def test_the_files_are_those_that_it_lists(tmp_path: Path) -> None:
    """The list under "Begin" names each file that the command writes."""
    listed = {line.split()[0] for line in block(PAGE, "", "Begin").text.splitlines()}
    folder = begun(tmp_path / "acme")
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert listed == files


def test_its_commands_show_it(
    site: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plan shows the request that Acme gets, and the key that is missing; the check is content."""
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    monkeypatch.delenv("ACME_API_KEY", raising=False)
    begin = [b for b in blocks("sh", PAGE) if b.section == "Begin"][1]
    for words in commands(begin.text):
        monkeypatch.chdir(folder)
        assert run(words) == 0
    plan = capsys.readouterr()
    assert "TestAcme passed" in plan.out
    assert '"ratio": "1:1"' in plan.out
    assert "ACME_API_KEY" in plan.out
    monkeypatch.delitem(sys.modules, "pinxit_acme")


def test_a_file_is_a_plugin(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The module alone works as a file that a command, a variable or the configuration names."""
    (words, again) = commands(block(PAGE, "sh", "While it is being written").text)
    monkeypatch.chdir(folder)
    assert run(words) == 0
    assert "acme/brush" in capsys.readouterr().out
    monkeypatch.setenv("PINXIT_PLUGINS", "pinxit_acme.py")
    monkeypatch.setenv("PINXIT_LOAD_PLUGINS", "pinxit_acme")
    assert run([*again, "--json"]) == 0
    found = [model["id"] for model in json.loads(capsys.readouterr().out)]
    assert found == ["acme/brush", "acme/retoucher"]


def test_files_of_the_configuration(
    folder: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's ``pinxit.toml`` loads the file beside it, and those in the folder."""
    module = (folder / "pinxit_acme.py").read_text("utf-8")
    (here / "plugins").mkdir()
    (here / "plugins" / "pinxit_acme.py").write_text(module, "utf-8")
    (here / "house.py").write_text(
        block("writing-middleware.md", "python", "Writing middleware").text
    )
    (here / "pinxit.toml").write_text(block(PAGE, "toml", "While it is being written").text)
    assert run(["plugins", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"pinxit_acme", "house"} <= {plugin["name"] for plugin in told["plugins"]}
    assert told["broken"] == {}


def test_the_trace_looks_as_shown() -> None:
    """The lines of the trace on the page are lines of a trace."""
    lines: list[str] = []
    with Trace(lines.append).call("acme", "generate", "acme/brush"):
        pass
    pattern = re.sub(r"ms=[\d.]+", r"ms=[\\d.]+", lines[0])
    assert re.search(pattern, block(PAGE, "", "While it is being written").text)


def test_only_the_named_plugin_is_loaded(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``PINXIT_LOAD_PLUGINS=acme`` loads the installed plugin of that name and nothing else."""
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    monkeypatch.setenv("PINXIT_LOAD_PLUGINS", "acme")
    assert run(["models", "--json"]) == 0
    found = [model["id"] for model in json.loads(capsys.readouterr().out)]
    assert found == ["acme/brush", "acme/retoucher"]
    monkeypatch.delitem(sys.modules, "pinxit_acme")


def test_no_block_of_python_is_left_out() -> None:
    """Each block of code is compared with what is written, or put where the page says, and run."""
    sections = {b.section for b in blocks("python", PAGE)}
    assert sections <= SHOWN | {"Making it yours"}
