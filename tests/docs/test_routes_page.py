"""docs/routes.md: its routes are accepted, its tables complete."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

import pinxit
from pages import block, page, rows
from pinxit import Config, Router
from pinxit.options import Options
from pinxit.resolution import NEEDS

KEY = {"OPENAI_API_KEY": "sk-test"}


def test_routes_in_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The routes in code lead to models: as listed, and by needs the cheapest first."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    router = block("routes.md", "python", "In code").run()["router"]
    assert isinstance(router, Router)
    hero, logo = (router.plan("a fox", model=name) for name in ("hero", "logo"))
    assert [c.model.id for c in hero] == ["openai/gpt-image-2", "openai/gpt-image-1.5"]
    assert {c.timeout for c in hero} == {90}
    estimates = [c.estimate for c in logo if c.estimate is not None]
    assert len(estimates) > 1
    assert estimates == sorted(estimates)


def test_routes_in_the_file() -> None:
    """The routes in the file are accepted; the heaviest part of the load comes first in a plan."""
    data = tomllib.loads(block("routes.md", "toml", "In `pinxit.toml`").text)
    router = Router(Config.parse(data, environ=KEY))
    hero = router.plan("a fox", model="hero")
    assert hero.options.retry == pinxit.Retry(count=2, on_codes=(429, 503))
    spread = router.plan("a fox", model="spread")
    assert [c.model.id for c in spread] == ["openai/gpt-image-2", "illustrator/scene-1"]


def test_routes_of_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A package's route is found by its entry point; what is not installed is left out with a warning."""
    points = tomllib.loads(block("routes.md", "toml", "In a package").text)
    ((name, value),) = points["project"]["entry-points"]["pinxit.routes"].items()
    (tmp_path / "house_routes.py").write_text(block("routes.md", "python", "In a package").text)
    info = tmp_path / "house_routes-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: house-routes\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[pinxit.routes]\n{name} = {value}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    router = Router(Config.parse({}, environ=KEY))
    assert [c.model.id for c in router.plan("a fox", model="hero")] == ["openai/gpt-image-2"]
    assert any("acme/brush" in message for message in caplog.messages)


def test_options_in_the_request() -> None:
    """The request on the page asks three models, the second with a quality of its own."""
    request = block("routes.md", "python", "In the request").run()["request"]
    assert isinstance(request, pinxit.GenerateRequest)
    plan = Router(Config.parse({}, environ=KEY)).plan(request)
    ids = ["openai/gpt-image-2", "openai/gpt-image-1.5", "illustrator/scene-1"]
    assert [c.model.id for c in plan] == ids
    assert [c.request.quality for c in plan] == [None, "low", None]
    assert {c.timeout for c in plan} == {60}


def test_a_name_is_a_fallback_and_may_be_a_route() -> None:
    """A fallback is a name or a table; a route's models are appended, none twice."""
    routes = {"more": pinxit.Route(models=("openai/gpt-image-2", "illustrator/scene-1"))}
    router = Router(Config.parse({}, environ=KEY), routes=routes)
    plan = router.plan("a fox", model="openai/gpt-image-2", fallbacks=["more"])
    assert [c.model.id for c in plan] == ["openai/gpt-image-2", "illustrator/scene-1"]


def test_every_option_is_listed() -> None:
    """The table names every option there is, and no other."""
    listed = [row[0].strip("`") for row in rows("routes.md", "## Options")]
    assert sorted(listed) == sorted(Options.model_fields)


def test_every_need_is_listed() -> None:
    """The page names everything that ``needs`` may ask for."""
    sentence = page("routes.md").split("`needs` knows")[1].split(".")[0]
    assert sorted(re.findall(r"`(\w+)`", sentence)) == sorted(NEEDS)


def test_auto_takes_the_cheapest_and_never_the_illustrator() -> None:
    """``auto`` orders by price, and leaves out what is retired, not configured or only there by name."""
    router = Router(Config.parse({}, environ=KEY))
    plan = router.plan("a fox", model="auto")
    estimates = [c.estimate for c in plan if c.estimate is not None]
    assert estimates == sorted(estimates)
    assert not {"illustrator/scene-1", "openai/dall-e-3"} & {c.model.id for c in plan}
    assert not Router(Config()).plan("a fox", model="auto").candidates
