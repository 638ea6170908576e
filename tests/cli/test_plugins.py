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
    assert re.search(r"1 +shop +from shop.py", shop("plugins", "--hook", "preview").out)


LAYER = """
from pinxit import hookimpl

@hookimpl({options})
async def around_call(call, call_next):
    return await call_next(call)
"""


def test_by_hook_in_order(pinxit: Commands) -> None:
    """Layers are listed from the outside in, however they are named."""
    for name, options in (("a", "trylast=True"), ("b", ""), ("c", "tryfirst=True")):
        pinxit.plugin(name, LAYER.format(options=options))
    pinxit.patch.setenv("PINXIT_LOAD_PLUGINS", "painter,a,b,c")
    assert re.findall(r"\d +(\w)", pinxit("plugins", "--hook", "around_call").out) == [
        "c",
        "b",
        "a",
    ]


def test_unknown_hook(pinxit: Commands) -> None:
    """A hook that does not exist is told with those that do."""
    ran = pinxit("plugins", "--hook", "paint")
    assert ran.code == 2
    assert "there is no hook 'paint'; hooks are around_call" in ran.err


def test_one_file(pinxit: Commands) -> None:
    """--plugin names a file that is a plugin, for this command."""
    file = pinxit.folder / "extra.py"
    file.write_text(LAYER.format(options=""))
    pinxit.patch.setenv("PINXIT_LOAD_PLUGINS", "painter,extra")
    names = [p["name"] for p in pinxit("plugins", "--plugin", str(file), "--json").json["plugins"]]
    assert names == ["painter", "extra"]
    ran = pinxit("plugins", "--plugin", "missing.py")
    assert (ran.code, "there is no such Python file" in ran.err) == (5, True)


def test_files_of_the_configuration(pinxit: Commands) -> None:
    """A file that the configuration names lies beside it, wherever the command is started."""
    (pinxit.folder / "extra.py").write_text(LAYER.format(options=""))
    pinxit.configure(f'{CONFIG}\n[plugins]\nfiles = ["./extra.py"]')
    pinxit.patch.setenv("PINXIT_LOAD_PLUGINS", "painter,extra")
    names = [p["name"] for p in pinxit("plugins", "--json").json["plugins"]]
    assert names == ["painter", "extra"]


def test_trace(pinxit: Commands) -> None:
    """PINXIT_TRACE_PLUGINS=1 tells of each call on standard error, and leaves the output alone."""
    pinxit.patch.setenv("PINXIT_TRACE_PLUGINS", "1")
    ran = pinxit("generate", "a secret fox", "-m", "test/dot", "--json")
    assert ran.json["paths"]
    assert "plugin=painter hook=generate model=test/dot" in ran.err
    assert "secret" not in ran.err


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


def test_a_table_is_told_by_what_is_in_it() -> None:
    """A setting that is a table of models is not printed at length."""
    file = {"providers": {"shop": {"region": {"north": {"keys": [1]}, "south": {}}}}}
    plugins = Plugins(_module(), discover=False)
    [plugin] = plugins.names().values()
    origins = {o.name: o for o in declared_origins(plugins, plugin, Config.parse(file))}
    assert origins["region"].value == "a table with north, south"


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
    assert "broken rotten  from rotten.py: OSError: rot (rotten.py, line 1)" in ran.out
    assert "painter" in ran.out
    assert pinxit("plugins", "--json").json["broken"] == {
        "rotten": "OSError: rot (rotten.py, line 1)"
    }


def test_blocked(pinxit: Commands) -> None:
    """What is installed and not loaded is named, too."""
    ran = pinxit("plugins")
    assert "not loaded, as the configuration says: " in ran.err
    assert "openai" in pinxit("plugins", "--json").json["blocked"]
