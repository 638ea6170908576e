"""plugins check: finds what is wrong with a plugin before its users do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from commandline import Commands
from pinxit.cli.scaffolding import write_plugin

TODAY = date.today()  # noqa: DTZ011 - facts that are new today


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    """Forget the modules of plugins: each test has one of the same name."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("pinxit_"):
            del sys.modules[name]


@pytest.fixture
def acme(pinxit: Commands) -> Path:
    """A new provider in the working directory, without its tests, which take long."""
    write_plugin("acme", "provider", Path("pinxit-acme"), TODAY)
    Path("pinxit-acme/tests/test_acme.py").unlink()
    Path("pinxit-acme/tests").rmdir()
    return Path("pinxit-acme/pinxit_acme.py")


def change(file: Path, before: str, after: str) -> None:
    """Change a piece of a file that is there."""
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")


def found(pinxit: Commands, *words: str, level: str = "broken") -> list[str]:
    """Return what a check of the folder finds, of one level."""
    told = pinxit("plugins", "check", "--json", *(words or ("pinxit-acme",))).json
    return [f"{f['what']}: {f['text']}" for f in told["findings"] if f["level"] == level]


def test_a_new_plugin_has_nothing_wrong(pinxit: Commands, acme: Path) -> None:
    """What `plugins new` writes passes."""
    ran = pinxit("plugins", "check", "pinxit-acme")
    assert ran.code == 0
    assert "implements generate, preview, register_models, register_settings" in ran.out
    assert "cases about what it declares passed" in ran.out
    assert "pinxit-acme: nothing to complain of" in ran.err


def test_the_folder_here(pinxit: Commands) -> None:
    """Without a name, the project in the working directory is checked."""
    write_plugin("house", "middleware", Path("pinxit-house"), TODAY)
    pinxit.patch.chdir("pinxit-house")
    ran = pinxit("plugins", "check", "--strict")
    assert (ran.code, "house  implements around_call" in ran.out) == (0, True)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("response = await ", "response = ", "generate() must be written as `async def`"),
        ("import httpx", "import httpy", "No module named 'httpy' (pinxit_acme.py, line 6)"),
        ("as_of=", "size='9x9', as_of=", "test_prices_are_dated_and_can_apply"),
        ("    prices=", "    **SUCCESSOR,\n    prices=", "'acme/pen' is not registered"),
    ],
)
def test_problems(pinxit: Commands, acme: Path, before: str, after: str, says: str) -> None:
    """What would break for its users is a problem, and ends with 1."""
    change(acme, before, after)
    text = acme.read_text("utf-8").replace(
        "facts=pinxit.Facts(\n        size='9x9', ", "facts=pinxit.Facts("
    )
    if "await" in before:
        text = text.replace("async def", "def")
    heir = 'SUCCESSOR = {"lifecycle": pinxit.Lifecycle(successor=pinxit.Succession(model="acme/pen"))}\n'
    acme.write_text(text.replace("\nBRUSH", f"\n{heir}\nBRUSH"), "utf-8")
    ran = pinxit("plugins", "check", "pinxit-acme", "--json")
    assert ran.code == 1
    assert any(says in f["text"] or says in f["what"] for f in ran.json["findings"])


def test_strict(pinxit: Commands, acme: Path) -> None:
    """A warning ends with 1 only where warnings count."""
    change(acme, '            help="Where the service is.",\n', "")
    ran = pinxit("plugins", "check", "pinxit-acme")
    assert (ran.code, "has no help" in ran.out, ran.err) == (0, True, "pinxit-acme: 1 warning\n")
    assert pinxit("plugins", "check", "pinxit-acme", "--strict").code == 1


SUITE = """
import httpx
import pinxit_acme
from pinxit.testing import ProviderTests

def service(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"pictures": "none"})

class TestAcme(ProviderTests):
    plugin = pinxit_acme
    ok = staticmethod(service)

def test_of_the_author_s_own() -> None:
    raise RuntimeError("is not run")
"""


def test_the_author_s_suite_runs(pinxit: Commands, acme: Path) -> None:
    """Subclasses of ProviderTests in the folder are run; the author's other tests are not."""
    Path("pinxit-acme/test_acme.py").write_text(SUITE, "utf-8")
    problems = found(pinxit)
    assert any(p.startswith("test_the_smallest_request_brings_a_picture") for p in problems)
    assert not any("is not run" in p for p in problems)


def test_a_suite_that_passes_is_counted(pinxit: Commands) -> None:
    """How many cases of which class passed is told."""
    write_plugin("acme", "provider", Path("pinxit-acme"), TODAY)
    ran = pinxit("plugins", "check", "pinxit-acme")
    assert ran.code == 0, ran.out
    assert "cases of TestAcme passed" in ran.out


def test_tests_that_cannot_be_imported(pinxit: Commands, acme: Path) -> None:
    """A test file that raises is a problem with its reason."""
    Path("pinxit-acme/test_acme.py").write_text("import there_is_no_such_module", "utf-8")
    assert any("No module named 'there_is_no_such_module'" in p for p in found(pinxit))


def test_tests_elsewhere(pinxit: Commands, acme: Path) -> None:
    """--tests says where they are; a provider without a conformance case is warned about."""
    Path("there").mkdir()
    Path("there/test_acme.py").write_text("def test_it(): pass", "utf-8")
    assert any("there has no subclass" in w for w in
               found(pinxit, "pinxit-acme", "--tests", "there", level="warning"))  # fmt: skip


def test_one_file(pinxit: Commands, acme: Path) -> None:
    """A file alone is checked by what it declares, without tests."""
    ran = pinxit("plugins", "check", str(acme))
    assert ran.code == 0
    assert "pinxit_acme  implements generate" in ran.out


def test_installed_and_module(pinxit: Commands) -> None:
    """A plugin is found by its own name, and by a module's."""
    assert pinxit("plugins", "check", "cache").out.startswith("✓  cache  implements around_request")
    assert (
        "idempotency  implements" in pinxit("plugins", "check", "pinxit.middleware.idempotency").out
    )


def test_middleware_and_routes(pinxit: Commands) -> None:
    """Plugins without models are checked too; a route whose models are missing is a warning."""
    write_plugin("house", "middleware", Path("pinxit-house"), TODAY)
    assert pinxit("plugins", "check", "pinxit-house").code == 0
    write_plugin("hero", "routes", Path("pinxit-hero"), TODAY)
    change(Path("pinxit-hero/pinxit_hero.py"), "openai/gpt-image-2", "nobody/paints")
    ran = pinxit("plugins", "check", "pinxit-hero")
    assert ran.code == 0
    assert "left out with a warning: nobody/paints" in ran.out
    del sys.modules["pinxit_hero"]
    change(Path("pinxit-hero/pinxit_hero.py"), "deadline=180", "dedline=180")
    assert any("Route.dedline: there is no such field" in p for p in found(pinxit, "pinxit-hero"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "without a name the folder here should have a pyproject.toml"),
        (
            ("there_is_none",),
            "is no installed plugin, folder with a pyproject.toml, file or module",
        ),
        (("not.a..module",), "is no installed plugin"),
        (("empty",), "has no entry point; add [project.entry-points.pinxit]"),
        (("rotten",), "cannot be read"),
    ],
)
def test_what_cannot_be_found(pinxit: Commands, words: tuple[str, ...], says: str) -> None:
    """A word that means no plugin is told with what it could be."""
    for name, text in (("empty", "[project]\nname = 'x'\n"), ("rotten", "[project")):
        Path(name).mkdir()
        Path(name, "pyproject.toml").write_text(text)
    ran = pinxit("plugins", "check", *words)
    assert ran.code == 2
    assert says in ran.err
