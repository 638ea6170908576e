"""keys: a key is shown once, and the configuration gets only its hash."""

from __future__ import annotations

import tomllib

import pytest

from commandline import CONFIG, Commands
from pinxit.config import Config
from pinxit.gateway.keys import hash_key
from pinxit.gateway.settings import read_settings


def test_new(pinxit: Commands) -> None:
    """The key comes first, then the lines for pinxit.toml, which the gateway understands."""
    ran = pinxit("keys", "new", "web-shop")
    key, lines = ran.out.split("\n", 1)
    assert ran.code == 0
    assert tomllib.loads(lines) == {"gateway": {"keys": {"web-shop": hash_key(key)}}}
    pinxit.configure(CONFIG + lines)
    settings = read_settings(Config.load())
    assert settings.keys == {"web-shop": hash_key(key)}


def test_never_the_same(pinxit: Commands) -> None:
    """Two keys differ."""
    assert pinxit("keys", "new", "a").out != pinxit("keys", "new", "a").out


def test_json(pinxit: Commands) -> None:
    """--json writes the three as JSON."""
    data = pinxit("keys", "new", "web", "--json").json
    assert data["hash"] == hash_key(data["key"])
    assert data["name"] == "web"


@pytest.mark.parametrize("name", ["web shop", "", 'a"b', "ü"])
def test_name(pinxit: Commands, name: str) -> None:
    """A name that would not fit into the file is refused."""
    ran = pinxit("keys", "new", name)
    assert ran.code == 2
    assert "should be letters, digits, _ and - only" in ran.err
