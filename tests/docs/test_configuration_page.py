"""docs/configuration.md against `pinxit.config`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import pinxit
from pages import block, page, rows
from pinxit import Config, config
from pinxit.config import config_paths
from pinxit.planning import DEFAULT_TIMEOUT

EXAMPLE = tomllib.loads(block("configuration.md", "toml", "Configuration").text)


def test_the_example_configures_a_router() -> None:
    """A router takes the page's file: its models and its orders exist, and its default is its route."""
    router = pinxit.Router(Config.parse(EXAMPLE, environ={"OPENAI_API_KEY": "sk-test"}))
    plan = router.plan("a harbour at dawn")
    assert plan.route == "hero"
    assert {c.model.id for c in plan} == set(EXAMPLE["routes"]["hero"]["models"])
    assert {c.blocked for c in plan} == {None}


def test_the_servers_of_the_example_are_providers() -> None:
    """Described models are candidates with their limits; what the comments say is accepted too."""
    text = block("configuration.md", "toml", "A server that speaks OpenAI's API").text
    for example in (text, re.sub(r"^# ", "", text, flags=re.MULTILINE)):
        router = pinxit.Router(Config.parse(tomllib.loads(example), environ={"MYBOX_KEY": "key"}))
        [candidate] = router.plan("a fox", model="mybox/dev", seed=7, n=4, size="2048x1024")
        assert candidate.model.id == "mybox/black-forest-labs/FLUX.1-dev"
        assert (candidate.calls, candidate.adaptations, candidate.blocked) == ((4,), (), None)
        assert list(router.registry.get("mybox/qwen-edit").operations) == ["edit"]
        assert router.registry.get("gpu2/default").provider == "gpu2"


def test_every_section_is_shown() -> None:
    """The example has each section that the file may have."""
    assert EXAMPLE.keys() == Config.model_fields.keys() - {"path", "environ"}


def test_comments_name_what_there_is() -> None:
    """What the example leaves in comments is accepted too, and no field of [plugins] is missing."""
    text = block("configuration.md", "toml", "Configuration").text
    commented = re.findall(r"^# (\w+ = \S+)", text, re.MULTILINE)
    for line in commented:
        table = "providers.openai" if line.startswith("base_url") else "plugins"
        Config.parse(tomllib.loads(f"[{table}]\n{line.split('  ')[0]}\n"))
    named = {line.split()[0] for line in commented} | EXAMPLE["plugins"].keys()
    assert config.PluginChoice.model_fields.keys() <= named
    assert f"{DEFAULT_TIMEOUT:.0f} if nothing is said" in text


def test_environment_variables_are_those_that_are_read() -> None:
    """The table names the variables of the configuration; those of providers stand beside their models."""
    listed = {
        name
        for row in rows("configuration.md", "## Environment")
        for name in re.findall(r"`(\w+)`", row[0])
    }
    read = {value for name, value in vars(config).items() if name.startswith("ENV_")}
    assert listed == read
    plugins = pinxit.Plugins()
    declared = {
        name
        for model in plugins.registry
        for setting in plugins.settings_of(model)
        for name in setting.env
    }
    assert {name for name in declared if f"`{name}`" not in page("capabilities.md")} == set()


def test_places_are_tried_in_the_order_of_the_page(tmp_path: Path) -> None:
    """A path that is given wins over the variable, that over the working directory, that over the user's."""
    places = ["given", "variable", "here", "home/pinxit"]
    for name in places:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "pinxit.toml").write_text(f'[defaults]\nmodel = "{name}"\n')
    environ = {
        "PINXIT_CONFIG": str(tmp_path / "variable" / "pinxit.toml"),
        "XDG_CONFIG_HOME": str(tmp_path / "home"),
        "APPDATA": str(tmp_path / "home"),
    }
    found: list[str] = []
    given: Path | None = tmp_path / "given" / "pinxit.toml"
    while True:
        loaded = Config.load(given, environ=environ, cwd=tmp_path / "here")
        found.append(loaded.defaults.model)
        if loaded.path is None:
            break
        given = None
        environ.pop("PINXIT_CONFIG") if len(found) == 2 else None
        loaded.path.unlink()
    assert found == [*places, "default"]


def test_the_user_folder_is_the_one_of_the_page(tmp_path: Path) -> None:
    """Without ``XDG_CONFIG_HOME`` the file is looked for in ``~/.config/pinxit``."""
    *_, user = config_paths({"HOME": str(tmp_path)}, tmp_path)
    assert "~/.config/pinxit/" in page("configuration.md")
    assert user == tmp_path / ".config" / "pinxit" / "pinxit.toml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[defaults]\nmodle = 'x'", "model"),
        ("[plugin]\nblock = []", "plugin"),
        ("not toml", "TOML"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, said: str) -> None:
    """A file with an unknown name, or none that can be read, is an error that names it."""
    file = tmp_path / "pinxit.toml"
    file.write_text(text)
    with pytest.raises(pinxit.ConfigError, match=said) as caught:
        Config.load(file, environ={})
    assert str(file) in str(caught.value)


def test_the_environment_wins_over_plugin_choices_of_the_file() -> None:
    """Each variable replaces what the file says; an empty list of names loads none."""
    environ = {
        "PINXIT_LOAD_PLUGINS": "",
        "PINXIT_PLUGINS_DIR": "mine",
        "PINXIT_PLUGINS": "mine.py",
        "PINXIT_TRACE_PLUGINS": "0",
    }
    file = {"allow": ["openai"], "dir": "theirs", "files": ["theirs.py"], "trace": True}
    choice = Config.parse({"plugins": file}, environ=environ).plugins
    assert (choice.allow, choice.dir) == ((), Path("mine"))
    assert (choice.files, choice.trace) == ((Path("mine.py"),), False)
