"""plugins: what is loaded, where settings come from, what is broken; never a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commandline import CONFIG, SHOP, Commands
from pinxit.cli.origins import declared_origins, undeclared
from pinxit.config import Config
from pinxit.plugins import Plugins

SECRET = "k-secret-123"


@pytest.fixture
def shop(pinxit: Commands) -> Commands:
    pinxit.plugin("shop", SHOP)
    return pinxit


def test_plugins(shop: Commands) -> None:
    """A plugin is told with its origin, hooks and models."""
    out = shop("plugins").out
    assert "painter  from painter.py" in out
    assert re.search(r"hooks +edit, generate, register_models, variation", out)
    assert re.search(r"models +test/dot, test/refuses, .* and 1 more", out)


def test_by_hook(shop: Commands) -> None:
    """--hook leaves only plugins that implement it."""
    names = [p["name"] for p in shop("plugins", "--hook", "preview", "--json").json["plugins"]]
    assert names == ["shop"]


def test_settings(shop: Commands) -> None:
    """Each setting is told with where it comes from; what is missing with the ways to give it."""
    out = shop("plugins").out
    assert "api_key missing: set SHOP_KEY or [providers.shop] api_key" in out
    assert "base_url = https://shop.test/v1  from default" in out
    assert "region not set" in out


@pytest.mark.parametrize(
    ("environ", "table", "source"),
    [
        ({"SHOP_KEY": SECRET}, "", "SHOP_KEY"),
        ({}, f'[providers.shop]\napi_key = "{SECRET}"', "pinxit.toml"),
        ({"OTHER": SECRET}, '[providers.shop]\napi_key = {env = "OTHER"}', "OTHER, named in pinxit.toml"),
        ({"SHOP_KEY": SECRET}, '[providers.shop]\napi_key = {env = "OTHER"}', "SHOP_KEY"),
    ],
)  # fmt: skip
def test_sources(shop: Commands, environ: dict[str, str], table: str, source: str) -> None:
    """Where a secret comes from is told, and nothing of the secret."""
    for name, value in environ.items():
        shop.patch.setenv(name, value)
    shop.configure(f"{CONFIG}\n{table}")
    for words in (["plugins"], ["plugins", "--json"], ["doctor"], ["models", "--json"]):
        ran = shop(*words)
        assert SECRET not in ran.out + ran.err
    assert f"api_key  from {source}" in shop("plugins").out


def test_same_values() -> None:
    """Every origin that is told is where the router takes the value from."""
    folder = Path(__file__).parent
    environ = {"SHOP_REGION": "north", "KEY": SECRET}
    file = {"providers": {"shop": {"api_key": {"env": "KEY"}, "stray": 1}}}
    config = Config.parse(file, path=folder / "pinxit.toml", environ=environ)
    plugins = Plugins(_module(), discover=False)
    [plugin] = plugins.names().values()
    origins = {origin.name: origin for origin in declared_origins(plugins, plugin, config)}
    values = config.settings("shop", plugins.declared_settings(plugin))
    assert {name for name, origin in origins.items() if origin.source} == set(values) - {"stray"}
    assert origins["region"].value == values["region"] == "north"
    assert origins["api_key"].value is None
    assert list(undeclared(plugins, plugin, config)) == ["stray"]


def _module() -> object:
    from types import ModuleType

    module = ModuleType("shop")
    exec(compile(SHOP, "shop.py", "exec"), vars(module))
    return module


def test_broken(pinxit: Commands) -> None:
    """A broken plugin is named with its reason; the others are there."""
    pinxit.plugin("rotten", "raise OSError('rot')")
    ran = pinxit("plugins")
    assert ran.code == 0
    assert "broken rotten: OSError: rot" in ran.out
    assert "painter" in ran.out
    assert pinxit("plugins", "--json").json["broken"] == {"rotten": "OSError: rot"}


def test_blocked(pinxit: Commands) -> None:
    """What is installed and not loaded is named, too."""
    ran = pinxit("plugins")
    assert "not loaded, as the configuration says: " in ran.err
    assert "openai" in pinxit("plugins", "--json").json["blocked"]
