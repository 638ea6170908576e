"""``pinxit.toml`` and the environment: where it is looked for, what it may say, what it never shows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pinxit import Config, ConfigError, Route, Setting, Settings
from pinxit.config import config_paths

SECRET = "sk-nobody-may-read-this"
KEY = Setting(name="api_key", env=("ACME_API_KEY", "ACME_KEY"), required=True, secret=True)
BASE = Setting(name="base_url", env=("ACME_URL",), default="https://acme.test")


def write(folder: Path, text: str = "", name: str = "pinxit.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def load(folder: Path, path: Path | None = None, **environ: str) -> Config:
    return Config.load(path, environ={"HOME": str(folder / "home"), **environ}, cwd=folder / "work")


# Where it is looked for ---------------------------------------------------------------------------


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    """No file is no error: the defaults hold, and requests that name no model use the default route."""
    config = load(tmp_path)
    assert config.path is None
    assert config.defaults.model == "default"
    assert (config.routes, config.providers, config.plugins.allow) == ({}, {}, None)


def test_the_first_file_wins(tmp_path: Path) -> None:
    """An argument comes before the variable, that before the working directory, that before the user's."""
    user = write(tmp_path / "home" / ".config" / "pinxit")
    assert load(tmp_path).path == user
    here = write(tmp_path / "work")
    assert load(tmp_path).path == here
    named = write(tmp_path, name="named.toml")
    assert load(tmp_path, PINXIT_CONFIG=str(named)).path == named
    given = write(tmp_path, name="given.toml")
    assert load(tmp_path, given, PINXIT_CONFIG=str(named)).path == given


def test_the_user_s_folder_can_be_moved(tmp_path: Path) -> None:
    """``XDG_CONFIG_HOME`` says where users keep their configuration."""
    moved = write(tmp_path / "xdg" / "pinxit")
    assert load(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "xdg")).path == moved
    assert config_paths({"HOME": "/home/me"}, Path("/here"))[0] == Path("/here/pinxit.toml")


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """Whoever names a file means it; the message says who named it."""
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigError, match=r"missing\.toml: there is no such configuration file$"):
        load(tmp_path, missing)
    with pytest.raises(ConfigError, match=r"configuration file \(PINXIT_CONFIG\)"):
        load(tmp_path, PINXIT_CONFIG=str(missing))


def test_an_empty_variable_names_nothing(tmp_path: Path) -> None:
    """A variable that is set to nothing is not set."""
    assert load(tmp_path, PINXIT_CONFIG="").path is None


# What it says -------------------------------------------------------------------------------------


def test_a_file_says_everything(tmp_path: Path) -> None:
    """Each section is read as what it is."""
    text = f"""
        [defaults]
        model = "hero"
        timeout = 60
        response_format = "url"

        [providers.acme]
        api_key = "{SECRET}"
        nested = {{ deep = 1 }}

        [routes.hero]
        models = ["acme/brush"]

        [plugins]
        block = ["openai"]
        dir = "plugins"

        [gateway]
        port = 8080

        [middleware.cache]
        size = 3

        [assets]
        store = "memory"
    """
    config = load(tmp_path, write(tmp_path, text))
    assert config.routes == {"hero": Route(models=("acme/brush",))}
    assert (config.defaults.model, config.defaults.timeout) == ("hero", 60)
    assert config.defaults.response_format == "url"
    assert (config.plugins.block, config.plugins.dir) == (("openai",), Path("plugins"))
    assert config.gateway == {"port": 8080}
    assert config.settings("cache") == {"size": 3}
    assert config.settings("acme")["nested"] == {"deep": 1}
    assert config.asset_settings() == {"store": "memory"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[defaults", "cannot be read as TOML"),
        ("[defualts]\nmodel = 'x'", r"\[defualts\]: unknown name, did you mean 'defaults'\?"),
        ("[defaults]\nmodle = 'x'", r"\[defaults\] modle: unknown name, did you mean 'model'\?"),
        ("[defaults]\ntimeout = 0", r"\[defaults\] timeout: "),
        ("[defaults]\nretry = { count = 9 }", r"\[defaults\] retry.count: "),
        ("[plugins]\nblok = []", r"\[plugins\] blok: unknown name, did you mean 'block'\?"),
        ("[plugins]\nblock = 'x'", r"\[plugins\] block: "),
        ("[routes.hero]\ntimeout = 3", r"\[routes.hero\]: a route needs models"),
        ("[routes.hero]\nmodels = ['a/b', 'a/b']", r"\[routes.hero\]: models lists one twice"),
        ("providers = 3", r"\[providers\]: "),
        ("[providers]\nacme = 3", r"\[providers\] acme: "),
        ("routes = 3", r"\[routes\]"),
        ("plugins = 3", r"\[plugins\]"),
        ("routes = ['hero']", r"\[routes\]"),
    ],
)
def test_what_cannot_be_understood_is_placed(tmp_path: Path, text: str, says: str) -> None:
    """The message names the file, the section, the name and the fix, on one line."""
    with pytest.raises(ConfigError, match=rf"pinxit\.toml: {says}") as caught:
        load(tmp_path, write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_placed(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are named as what they are."""
    file = tmp_path / "pinxit.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read as TOML"):
        load(tmp_path, file)


def test_values_stay_out_of_messages(tmp_path: Path) -> None:
    """A key in the wrong place is not repeated."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, write(tmp_path, f"[providers]\nacme = '{SECRET}'"))
    assert SECRET not in str(caught.value)


def test_a_configuration_without_a_file_has_a_name(tmp_path: Path) -> None:
    """What is parsed from a table is called configuration."""
    with pytest.raises(ConfigError, match=r"^configuration: \[defaults\] "):
        Config.parse({"defaults": {"timeout": -1}})


# The environment ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "allowed"),
    [("openai,acme", ("openai", "acme")), (" openai , ", ("openai",)), ("", ())],
)
def test_the_environment_says_which_plugins_are_loaded(
    tmp_path: Path, variable: str, allowed: tuple[str, ...]
) -> None:
    """``PINXIT_LOAD_PLUGINS`` wins over the file, and set to nothing it allows none."""
    file = write(tmp_path, "[plugins]\nallow = ['zeta']")
    assert load(tmp_path, file).plugins.allow == ("zeta",)
    assert load(tmp_path, file, PINXIT_LOAD_PLUGINS=variable).plugins.allow == allowed


def test_the_environment_names_a_folder_of_plugins(tmp_path: Path) -> None:
    """``PINXIT_PLUGINS_DIR`` wins over the file, unless it is empty."""
    file = write(tmp_path, "[plugins]\ndir = 'a'")
    assert load(tmp_path, file, PINXIT_PLUGINS_DIR="b").plugins.dir == Path("b")
    assert load(tmp_path, file, PINXIT_PLUGINS_DIR="").plugins.dir == Path("a")


def test_files_of_plugins_stand_relative_to_the_file(tmp_path: Path) -> None:
    """A file of a plugin is found beside ``pinxit.toml``, from wherever the program was started."""
    file = write(tmp_path, "[plugins]\nfiles = ['./acme.py', '/opt/house.py']")
    assert load(tmp_path, file).plugins.files == (tmp_path / "acme.py", Path("/opt/house.py"))


def test_files_of_plugins_in_the_environment(tmp_path: Path) -> None:
    """``PINXIT_PLUGINS`` names files as ``PATH`` names folders, and wins over the file."""
    file = write(tmp_path, "[plugins]\nfiles = ['acme.py']")
    named = os.pathsep.join(["a.py", "b/c.py"])
    found = load(tmp_path, file, PINXIT_PLUGINS=named).plugins.files
    assert found == (Path("a.py"), Path("b/c.py"))


def test_a_list_of_plugins_is_told_where_it_belongs(tmp_path: Path) -> None:
    """``plugins = [...]`` is a table with a list in it."""
    with pytest.raises(ConfigError, match=r"\[plugins\] is not a table; .* files = \[\.\.\.\]"):
        load(tmp_path, write(tmp_path, "plugins = ['acme.py']"))


@pytest.mark.parametrize(("value", "on"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_tracing_is_asked_for_in_the_environment(tmp_path: Path, value: str, on: bool) -> None:
    """``PINXIT_TRACE_PLUGINS`` is a switch, and ``trace`` in the file is the same."""
    file = write(tmp_path, "[plugins]\ntrace = true")
    assert load(tmp_path, file, PINXIT_TRACE_PLUGINS=value).plugins.trace is on
    assert load(tmp_path, file).plugins.trace


# Settings of plugins ------------------------------------------------------------------------------


def settings(table: Mapping[str, Any], *declared: Setting, **environ: str) -> Settings:
    config = Config.parse({"providers": {"acme": dict(table)}}, environ=environ)
    return config.settings("acme", declared)


@pytest.mark.parametrize(
    ("table", "environ", "key"),
    [
        ({"api_key": "file"}, {"ACME_API_KEY": "env"}, "file"),
        ({}, {"ACME_API_KEY": "env", "ACME_KEY": "older"}, "env"),
        ({}, {"ACME_KEY": "older"}, "older"),
        ({}, {"ACME_API_KEY": "", "ACME_KEY": "older"}, "older"),
        ({"api_key": {"env": "MINE"}}, {"MINE": "mine", "ACME_API_KEY": "env"}, "mine"),
        ({"api_key": {"env": "MINE"}}, {"ACME_API_KEY": "env"}, "env"),
        ({"api_key": {"env": "MINE"}}, {"MINE": "", "ACME_API_KEY": "env"}, "env"),
    ],
)
def test_a_setting_comes_from_the_first_source(
    table: dict[str, Any], environ: dict[str, str], key: str
) -> None:
    """The file comes before the environment; what it points to and is not set counts as not given."""
    assert settings(table, KEY, **environ)["api_key"] == key


def test_a_setting_has_a_default() -> None:
    """Where nobody says anything, the plugin's default holds."""
    found = settings({}, BASE)
    assert found["base_url"] == "https://acme.test"
    assert settings({"base_url": ""}, BASE)["base_url"] == ""


def test_undeclared_settings_are_handed_on() -> None:
    """A plugin may read more than it declares."""
    assert settings({"colour": "teal"}, KEY, ACME_KEY="x")["colour"] == "teal"


def test_a_missing_setting_is_told_with_the_ways_to_give_it() -> None:
    """The sentence names the provider, the setting, the variable and the place in the file."""
    found = settings({}, KEY)
    assert found.missing == (KEY,)
    assert found.problem == (
        "acme: no api_key; set ACME_API_KEY or give [providers.acme] api_key in pinxit.toml"
    )


def test_a_missing_setting_without_a_variable() -> None:
    """Where there is no variable to set, the sentence does not speak of one."""
    found = settings({}, Setting(name="region", required=True))
    assert found.problem == "acme: no region; give [providers.acme] region in pinxit.toml"


@pytest.mark.parametrize(
    ("environ", "missing"),
    [({}, ("api_key",)), ({"ACME_TOKEN": "t"}, ()), ({"ACME_API_KEY": "k"}, ())],
)
def test_one_setting_can_stand_for_another(
    environ: dict[str, str], missing: tuple[str, ...]
) -> None:
    """A key is missing only where its alternative is too, and both are told."""
    key = KEY.model_copy(update={"alternative": "token"})
    token = Setting(name="token", env=("ACME_TOKEN",), secret=True)
    found = Config.parse({}, environ=environ).settings("acme", (key, token))
    assert tuple(setting.name for setting in found.missing) == missing
    if missing:
        assert str(found.problem).startswith("acme: no api_key or token; set ACME_API_KEY or give")


def test_an_optional_setting_may_be_missing() -> None:
    """What is not required is no problem."""
    found = settings({}, Setting(name="project"))
    assert found.problem is None
    assert "project" not in found


def test_settings_are_a_mapping_that_shows_no_values() -> None:
    """Names can be seen, values cannot; everything else is as with any mapping."""
    found = Settings({"api_key": SECRET, "base_url": "x"}, provider="acme")
    assert (len(found), list(found), found.get("nothing")) == (2, ["api_key", "base_url"], None)
    assert repr(found) == "<Settings of acme: api_key, base_url>"
    assert repr(Settings()) == "<Settings of a plugin: none>"


def test_nothing_of_a_configuration_shows_a_secret(tmp_path: Path) -> None:
    """Neither the configuration nor what is made of it shows a key, from the file or the environment."""
    file = write(
        tmp_path,
        f"[providers.acme]\napi_key = '{SECRET}'\n[gateway]\nkeys = ['{SECRET}']\n"
        f"[middleware.spend]\ntoken = '{SECRET}'\n[assets]\nsecret = '{SECRET}'",
    )
    config = load(tmp_path, file, ACME_API_KEY=SECRET)
    assert SECRET not in repr(config)
    assert SECRET not in str(config)
    assert SECRET not in repr(config.settings("acme", [KEY]))


def test_a_configuration_is_immutable() -> None:
    """What a router was opened with does not change under it."""
    with pytest.raises(ValidationError):
        Config().path = Path("elsewhere")


# Where pictures are kept --------------------------------------------------------------------------


def test_assets_take_variables_at_any_depth() -> None:
    """A variable may stand anywhere in the table."""
    config = Config.parse(
        {
            "assets": {
                "key": {"env": "A"},
                "options": {"deep": {"env": "B"}},
                "hosts": [{"env": "A"}],
            }
        },
        environ={"A": "one", "B": "two"},
    )
    assert config.asset_settings() == {"key": "one", "options": {"deep": "two"}, "hosts": ["one"]}


def test_assets_refuse_a_variable_that_is_not_set() -> None:
    """A store must not open with less than the operator said."""
    config = Config.parse({"assets": {"options": {"key": {"env": "NOWHERE"}}}})
    with pytest.raises(
        ConfigError, match=r"\[assets\] options.key: the variable NOWHERE is not set"
    ):
        config.asset_settings()
