"""Routes from everywhere, put together and checked."""

from __future__ import annotations

import logging
import random
from typing import Any

import pytest

import pinxit
from pinxit import ConfigError, Route
from pinxit.collection import collect
from pinxit.config import Defaults
from pinxit.ordering import Traffic, built_in_orders
from pinxit.registry import Registry
from pinxit.routes import InstalledRoutes
from scripted import LoopClock, model, stage


def registry() -> Registry:
    models = Registry()
    for id in ("s/a", "s/b", "t/a"):
        models.add(model(id), object())
    return models


def collected(
    configured: dict[str, Any] | None = None,
    installed: dict[str, Any] | None = None,
    given: dict[str, Any] | None = None,
    defaults: dict[str, Any] | None = None,
) -> dict[str, Route]:
    def read(routes: dict[str, Any] | None) -> dict[str, Route]:
        return {name: Route.model_validate(fields) for name, fields in (routes or {}).items()}

    return collect(
        InstalledRoutes(read(installed), {}),
        read(configured),
        read(given),
        registry=registry(),
        orders=built_in_orders(Traffic(LoopClock()), random.Random(1)),
        defaults=Defaults.model_validate(defaults or {}),
    )


GOOD: list[dict[str, Any]] = [
    {"models": ["s/a", "b"], "fallbacks": ["s/b", "auto", "other"]},
    {"load_balancer": {"models": [{"model": "s/a"}, {"model": "other"}, {"model": "auto"}]}},
    {"needs": ["mask"], "order": "cheapest"},
    {"models": ["s/a"], "fallbacks": [{"model": "hero"}]},
]


@pytest.mark.parametrize("fields", GOOD, ids=str)
def test_names_that_lead_somewhere(fields: dict[str, Any]) -> None:
    """Models, routes in whatever order they stand, and ``auto``."""
    routes = collected({"hero": fields, "other": {"models": ["s/a"]}})
    assert routes["hero"] == Route.model_validate(fields)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"models": ["s/x"]}, "names an unknown model 's/x' in models: no installed plugin serves 's/x'"),
    ({"models": ["s/a"], "fallbacks": ["s/bb"]}, "unknown model 's/bb' in fallbacks.*did you mean s/b"),
    ({"models": ["s/a"], "fallbacks": [{"model": "x"}]}, "unknown model 'x' in fallbacks"),
    ({"load_balancer": {"models": [{"model": "s/x"}]}}, "'s/x' in load_balancer.models"),
    ({"models": ["s/a"], "fallbacks": ["a"]}, "'a' in fallbacks: 'a' could be any of s/a, t/a"),
    ({"models": ["hero"]}, "unknown model 'hero' in models"),
    ({"needs": ["masks"]}, "needs: 'masks' is not known; there are markup, mask"),
    ({"models": ["s/a"], "order": "cheap"}, "order: 'cheap' is none of"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "sentence"), BAD, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("source", ["configured", "given"])
def test_names_that_lead_nowhere(source: str, fields: dict[str, Any], sentence: str) -> None:
    """The operator hears at start-up which route, which field and which name."""
    where = {"configured": "pinxit.toml", "given": "routes"}[source]
    with pytest.raises(ConfigError, match=rf"^{where}: route 'hero'.*{sentence}"):
        collected(**{source: {"hero": fields}})


def test_defaults_are_checked_too() -> None:
    """What holds for every request is no less of a mistake."""
    with pytest.raises(
        ConfigError, match=r"^\[defaults\] names an unknown model 's/x' in fallbacks"
    ):
        collected(defaults={"fallbacks": ["s/x"]})


def test_packages_could_not_know(caplog: pytest.LogCaptureFixture) -> None:
    """What is not installed is left out of a package's route, with a warning; the rest serves."""
    fields = {
        "models": ["s/a", "x/one"],
        "fallbacks": ["x/two", "s/b", "hero"],
        "load_balancer": {"models": [{"model": "x/one"}, {"model": "s/a", "weight": 0.2}]},
    }
    with caplog.at_level(logging.WARNING):
        route = collected(installed={"hero": fields})["hero"]
    assert route.models == ("s/a",)
    assert [fallback.model for fallback in route.fallbacks or ()] == ["s/b", "hero"]
    assert route.load_balancer is not None
    assert [share.model for share in route.load_balancer.models] == ["s/a"]
    assert "route hero: not installed: x/one, x/two" in caplog.text


@pytest.mark.parametrize(
    "fields", [{"models": ["x/one"]}, {"load_balancer": {"models": [{"model": "x/one"}]}}]
)
def test_routes_with_nobody_left_are_none(fields: dict[str, Any]) -> None:
    """A package's route none of whose models is installed is not there."""
    assert collected(installed={"hero": fields}) == {}


def test_later_sources_win() -> None:
    """Code wins over the file, and the file over packages."""
    routes = collected(
        {"b": {"models": ["s/b"]}, "c": {"models": ["s/b"]}},
        {name: {"models": ["s/a"]} for name in "abc"},
        {"c": {"models": ["t/a"]}},
    )
    assert {name: route.models for name, route in routes.items()} == {
        "a": ("s/a",), "b": ("s/b",), "c": ("t/a",),
    }  # fmt: skip


def test_a_router_does_not_start_with_such_a_route() -> None:
    """The check stands before the first request, in the door itself."""
    config = pinxit.Config.parse({"routes": {"hero": {"models": ["s/a"], "fallbacks": ["s/x"]}}})
    with pytest.raises(ConfigError, match="route 'hero' names an unknown model 's/x' in fallbacks"):
        stage(config=config)
