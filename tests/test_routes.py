"""Routes are data, from packages and from files."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError

from pinxit import ConfigError, Retry, Route
from pinxit.routes import ROUTES_GROUP, installed_routes, read_route


def test_a_route_is_options_and_models() -> None:
    """A route says who may paint, and how patiently."""
    route = Route(models=("a/b", "c/d"), retry=Retry(count=1), timeout=30)
    assert (route.models, route.timeout) == (("a/b", "c/d"), 30)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "models, a load_balancer or needs"),
        ({"models": []}, "models, a load_balancer or needs"),
        ({"models": ["a/b", "a/b"]}, "lists one twice"),
        ({"models": ["a/b"] * 51}, "models"),
        ({"model": "a/b"}, "model"),
    ],
)
def test_a_route_without_a_choice_is_none(fields: dict[str, Any], says: str) -> None:
    """A route names models, weights them, or says what they must be able to do."""
    with pytest.raises(ValidationError, match=says):
        Route.model_validate(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"models": ["a/b"]},
        {"needs": ["mask"]},
        {"load_balancer": {"models": [{"model": "a/b", "weight": 1}]}},
    ],
)
def test_each_way_of_choosing_makes_a_route(fields: dict[str, Any]) -> None:
    """Any one of the three is enough."""
    Route.model_validate(fields)


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An importable module that publishes routes."""
    module = ModuleType("house")
    monkeypatch.setitem(sys.modules, "house", module)
    return module


def point(name: str, value: str = "house:HERO") -> EntryPoint:
    return EntryPoint(name, value, ROUTES_GROUP)


@pytest.mark.parametrize("value", [Route(models=("a/b",)), {"models": ["a/b"]}])
def test_packages_publish_routes_or_mappings(package: ModuleType, value: object) -> None:
    """An entry point names a Route, or a mapping with its fields."""
    package.__dict__["HERO"] = value
    found = installed_routes([point("hero")])
    assert found.routes == {"hero": Route(models=("a/b",))}
    assert found.broken == {}


def test_a_broken_package_does_not_stop_the_others(package: ModuleType) -> None:
    """What cannot be imported or read is set aside by name, with the reason."""
    package.__dict__.update(HERO=Route(models=("a/b",)), BAD={"models": []})
    found = installed_routes(
        [
            point("a", "nowhere:ROUTE"),
            point("b", "house:MISSING"),
            point("c", "house:BAD"),
            point("d"),
        ]
    )
    assert list(found.routes) == ["d"]
    assert list(found.broken) == ["a", "b", "c"]
    assert isinstance(found.broken["a"], ModuleNotFoundError)


def test_two_packages_of_one_name(package: ModuleType) -> None:
    """The first one serves, and the second is reported."""
    package.__dict__.update(HERO=Route(models=("a/b",)), OTHER=Route(models=("c/d",)))
    found = installed_routes([point("hero"), point("hero", "house:OTHER")])
    assert found.routes["hero"].models == ("a/b",)
    assert "two packages publish the route 'hero'" in str(found.broken["hero"])


def test_our_own_default_route_is_installed() -> None:
    """Requests that name no model are served by a route that a package publishes: ours."""
    found = installed_routes()
    assert found.routes["default"].models == ("illustrator/scene-1",)


def test_a_route_of_a_file_is_read() -> None:
    """A table becomes a route."""
    assert read_route("hero", {"models": ["a/b"], "timeout": 9}, where="x").timeout == 9


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"models": ["a/b"], "retry": {"count": 9}}, r"\[routes.hero\] retry.count: "),
        ({"models": ["a/b"], "model": "x"}, r"\[routes.hero\] model: "),
        ({}, r"\[routes.hero\]: a route needs models, a load_balancer or needs"),
        ("a/b", r"\[routes.hero\]: "),
    ],
)
def test_a_wrong_route_of_a_file_is_placed(fields: object, says: str) -> None:
    """The message names the file, the route, the field and what is allowed, on one line."""
    with pytest.raises(ConfigError, match=rf"^house\.toml: {says}") as caught:
        read_route("hero", fields, where="house.toml")
    assert "\n" not in str(caught.value)
