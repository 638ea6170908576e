"""What all installed providers are together: one registry, in which no name means two things."""

from __future__ import annotations

from collections import Counter

import pytest

from pinxit import Plugins


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Everything that this distribution installs."""
    return Plugins()


def test_no_provider_is_broken(plugins: Plugins) -> None:
    """Each of our plugins loads beside all others, and every successor is there."""
    assert plugins.broken == {}


def test_no_bare_name_means_two_models(plugins: Plugins) -> None:
    """Clients ask for `gpt-image-2`; whoever serves somebody else's model leaves that name to its owner."""
    names = Counter(
        name
        for model in plugins.registry
        if model.bare_name
        for name in {model.name, *model.aliases}
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_every_remote_provider_takes_undeclared_models(plugins: Plugins) -> None:
    """A model that was released yesterday can be called today."""
    remote = {model.provider for model in plugins.registry if not model.offline}
    open_to_all = {model.provider for model in plugins.registry.open_models}
    assert remote <= open_to_all


def test_facts_are_dated_and_have_a_source(plugins: Plugins) -> None:
    """Whatever is said about a model of somebody else's says where it comes from."""
    for model in (*plugins.registry, *plugins.registry.open_models):
        if model.offline:
            continue
        assert model.facts is not None, model.id
        assert model.facts.source, model.id


def test_prices_are_dated(plugins: Plugins) -> None:
    """A price without a date cannot be trusted for long."""
    for model in plugins.registry:
        assert all(price.as_of for price in model.prices), model.id
