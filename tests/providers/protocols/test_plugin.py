"""A provider that is data, and one more of its kind."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

import pinxit
from pinxit import Config, ConfigError, Plugins, Router
from pinxit_providers.openai import PLUGIN
from pinxit_providers.protocols.plugin import renamed

KEY = "sk-eu-this-key-is-nobodys-0123456789"
GIF = "R0lGODlhAQABAAAAADs="


async def test_a_second_account_is_a_table() -> None:
    """The same models, under the table's name, with its address and its key and no other's."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"data": [{"b64_json": GIF}]})

    tables = {
        "openai-eu": {"plugin": "openai", "api_key": KEY, "base_url": "https://eu.test/v1"},
    }
    config = Config.parse({"providers": tables}, environ={"OPENAI_API_KEY": "sk-first"})
    async with Router(config, transport=httpx.MockTransport(answer)) as router:
        given = await router.generate("a fox", model="openai-eu/gpt-image-2")
    assert given.report.model == "openai-eu/gpt-image-2"
    [request] = sent
    assert str(request.url) == "https://eu.test/v1/images/generations"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(request.content)["model"] == "gpt-image-2"


def test_it_takes_no_key_from_the_environment() -> None:
    """The variable holds the first account's key, which is nothing for another server."""
    tables = {"eu": {"plugin": "openai", "base_url": "https://eu.test/v1"}}
    config = Config.parse({"providers": tables}, environ={"OPENAI_API_KEY": "sk-first"})
    [candidate] = Router(config).plan("a fox", model="eu/gpt-image-2").candidates
    assert candidate.blocked == "eu: no api_key; give [providers.eu] api_key in pinxit.toml"


def test_the_bare_name_stays_the_first_ones() -> None:
    """Whoever asks for `gpt-image-2` means OpenAI, however many accounts there are."""
    config = Config.parse({"providers": {"eu": {"plugin": "openai"}}})
    registry = Router(config).registry
    assert registry.get("gpt-image-2").id == "openai/gpt-image-2"
    assert registry.get("eu/gpt-image-9").declared is False
    heir = registry.get("eu/dall-e-3").lifecycle.successor
    assert heir is not None
    assert heir.model.startswith("eu/")


def test_models_keep_what_they_can_do() -> None:
    """Only names change."""
    for model in PLUGIN.models:
        other = renamed(model, "eu")
        assert (other.id, other.operations, other.prices) == (
            f"eu/{model.name}", model.operations, model.prices
        )  # fmt: skip


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"plugin": "opnai"},
            r"\[providers.eu\] plugin: 'opnai' is not a plugin .* more; did you mean 'openai'",
        ),
        (
            {"plugin": "cache"},
            r"'cache' is not a plugin of which there can be more; there are .*openai",
        ),
    ],
)
def test_a_wrong_kind_is_an_error_at_the_start(table: dict[str, Any], message: str) -> None:
    """The table is the operator's own: it says which one, and what there is."""
    with pytest.raises(ConfigError, match=message):
        Router(Config.parse({"providers": {"eu": table}}))


def test_a_name_that_is_taken_is_an_error() -> None:
    """A table cannot be two plugins."""
    with pytest.raises(ConfigError, match="'openai' is a plugin already; choose another name"):
        Router(Config.parse({"providers": {"openai": {"plugin": "openai"}}}))


def test_a_maker_says_what_is_wrong() -> None:
    """What the kind finds wrong with a table is said with the table's name."""

    class Picky:
        @pinxit.hookimpl
        def create_plugin(self, settings: dict[str, Any]) -> object:
            raise ValueError(f"models: {settings['models']!r} is no table")

    tables = {"mine": {"plugin": "Picky", "models": 3}}
    with pytest.raises(ConfigError, match=r"\[providers.mine\]: .*models: 3 is no table"):
        Plugins(Picky(), discover=False, tables=tables)
