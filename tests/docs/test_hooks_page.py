"""docs/hooks.md against `pinxit.hookspecs`."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import pinxit
from pages import page, rows
from pinxit import ConfigError, Plugins, hookspecs
from pinxit.hookspecs import PROJECT, Context
from pinxit.testing import ManualClock
from pinxit.types import Request
from scripted import answer, model

HOOKS: dict[str, Callable[..., Any]] = {
    name: value for name, value in vars(hookspecs).items() if hasattr(value, f"{PROJECT}_spec")
}


def test_each_hook_has_a_heading_with_its_arguments() -> None:
    """Every hook stands as ``## name(arg, arg)``, in the specification's order, and nothing else does."""
    headings = re.findall(r"^#+ (\w+\(.*\))$", page("hooks.md"), re.MULTILINE)
    specified = [
        f"{name}({', '.join(inspect.signature(hook).parameters)})" for name, hook in HOOKS.items()
    ]
    assert sorted(headings) == sorted(specified)


def test_each_part_of_the_context_is_listed() -> None:
    """The table under Context names every field and property of the context, and nothing else."""
    listed = [row[0].strip("`") for row in rows("hooks.md", "## Context")]
    properties = [n for n, v in vars(Context).items() if isinstance(v, property)]
    assert sorted(listed) == sorted([*(field.name for field in fields(Context)), *properties])


def test_the_diagram_names_every_hook() -> None:
    """The picture of when hooks are called leaves none out."""
    diagram = page("hooks.md").split("```")[1]
    assert {name for name in HOOKS if not re.search(rf"\b{name}\b", diagram)} == set()


class _Diary:
    """Implements every hook that a generation calls, and writes down when."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    @pinxit.hookimpl
    def register_settings(self) -> list[pinxit.Setting]:
        self.calls.append("register_settings")
        return []

    @pinxit.hookimpl
    def register_models(self) -> list[pinxit.Model]:
        self.calls.append("register_models")
        return [model("diary/one")]

    @pinxit.hookimpl
    def register_orders(self) -> dict[str, hookspecs.Order]:
        self.calls.append("register_orders")
        return {}

    @pinxit.hookimpl
    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        self.calls.append("lifespan")
        yield
        self.calls.append("lifespan ends")

    @pinxit.hookimpl
    async def around_request(
        self, request: Request, request_next: pinxit.RequestNext
    ) -> pinxit.ImagesResponse:
        self.calls.append("around_request")
        return await request_next(request)

    @pinxit.hookimpl
    def preview(self) -> None:
        self.calls.append("preview")

    @pinxit.hookimpl
    async def around_call(
        self, call: pinxit.Call, call_next: pinxit.CallNext
    ) -> pinxit.ImagesResponse:
        self.calls.append("around_call")
        return await call_next(call)

    @pinxit.hookimpl
    async def generate(self) -> pinxit.ImagesResponse:
        self.calls.append("generate")
        if self.calls.count("generate") == 1:
            raise pinxit.RateLimited("once more", upstream_status=429, retry_after=0)
        return answer()


async def test_hooks_fire_in_the_order_of_the_diagram(clock: ManualClock) -> None:
    """From start-up to the end of the router; only an attempt is repeated, and only a plan previews."""
    diary = _Diary()
    plugins = Plugins(diary, discover=False)
    async with pinxit.Router(pinxit.Config(), plugins=plugins, clock=clock) as router:
        await router.generate("a fox", model="diary/one", retry={"count": 1})
    diagram = page("hooks.md").split("```")[1]
    shown = re.findall(rf"\b(?:lifespan ends|{'|'.join(HOOKS)})\b", diagram)
    fired = [
        name for name in shown if name not in {"create_plugin", "preview", "edit", "variation"}
    ]
    assert diary.calls == [*fired[:-1], "generate", fired[-1]]
    diary.calls.clear()
    router.plan("a fox", model="diary/one")
    assert diary.calls == ["preview"]


def test_the_message_on_the_page_is_the_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What the page quotes is what the log says, but for the package's name."""
    lines = ["import pinxit", *[""] * 18, "pinxit.Capability(max_m=4)"]
    (tmp_path / "acme.py").write_text("\n".join(lines))
    Plugins(discover=False, files=[tmp_path / "acme.py"])
    quoted = page("hooks.md").split("```")[3].strip().replace("\n", " ")
    said = caplog.messages[0].replace("(from acme.py)", "(from pinxit-acme)")
    assert said.replace("(acme.py,", "(pinxit_acme.py,") == quoted


def test_what_is_called_once_is_collected_and_what_serves_is_addressed() -> None:
    """The page calls those hooks addressed of which the specification takes the first result."""
    for name, hook in HOOKS.items():
        section = page("hooks.md").split(f"## {name}(")[1].split("\n## ")[0]
        options = getattr(hook, f"{PROJECT}_spec")
        assert ("*Addressed" in section) == bool(options["firstresult"]), name


class _Silent:
    """Has no hook at all."""


class _Misspelt:
    @pinxit.hookimpl
    def register_modles(self) -> list[pinxit.Model]:
        return []


class _WrongArgument:
    @pinxit.hookimpl
    async def generate(self, prompt: str) -> None:
        return None


class _Synchronous:
    @pinxit.hookimpl
    def around_call(self, call: pinxit.Call) -> None:
        return None


class _Lacking:
    @pinxit.hookimpl
    def register_models(self) -> list[pinxit.Model]:
        return [pinxit.Model(id="lacking/one", operations={"generate": pinxit.Capability()})]


class _Twice:
    @pinxit.hookimpl
    def register_models(self) -> list[pinxit.Model]:
        return [pinxit.Model(id="twice/one", operations={"generate": pinxit.Capability()})] * 2

    @pinxit.hookimpl
    async def generate(self) -> None:
        return None


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        (_Silent, "implements no hook"),
        (_Misspelt, "no hook 'register_modles'"),
        (_WrongArgument, "prompt"),
        (_Synchronous, "async def"),
        (_Lacking, "has no such hook"),
        (_Twice, "twice/one"),
    ],
)
def test_what_is_listed_as_wrong_is_refused(plugin: type, said: str) -> None:
    """Each mistake that the page lists raises ``ConfigError`` where the plugin is handed in."""
    with pytest.raises(ConfigError, match=said):
        Plugins(plugin(), discover=False)


def test_a_broken_package_is_set_aside(tmp_path: Path) -> None:
    """A plugin that cannot be imported stands in ``Plugins.broken``, and the others are loaded."""
    (tmp_path / "broken.py").write_text("import there_is_no_such_module\n")
    (tmp_path / "sound.py").write_text(
        "import pinxit\n\n@pinxit.hookimpl\ndef register_models():\n    return []\n"
    )
    plugins = Plugins(discover=False, directory=tmp_path)
    assert list(plugins.broken) == ["broken"]
    assert list(plugins.names()) == ["sound"]
