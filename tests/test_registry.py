"""Which models there are, by any of their names, and who follows whom."""

from __future__ import annotations

from typing import Any

import pytest

from pinxit import Capability, ConfigError, Lifecycle, Model, Succession, UnknownModel
from pinxit.registry import Registry

OWNER, OTHER = object(), object()


def model(id: str, *aliases: str, successor: str | None = None) -> Model:
    heir = Succession(model=successor) if successor else None
    return Model(
        id=id,
        operations={"generate": Capability()},
        aliases=aliases,
        lifecycle=Lifecycle(successor=heir),
    )


def registry(*models: Model, owner: object = OWNER) -> Registry:
    filled = Registry()
    for each in models:
        filled.add(each, owner)
    return filled


@pytest.mark.parametrize("name", ["acme/brush", "brush", "brush-latest", "old/brush"])
def test_a_model_is_found_by_each_of_its_names(name: str) -> None:
    """Full id, bare name, alias and full alias lead to the same model."""
    models = registry(model("acme/brush", "brush-latest", "old/brush"), model("acme/pen"))
    assert models.get(name).id == "acme/brush"
    assert name in models


def test_a_bare_name_of_two_models_is_ambiguous() -> None:
    """Who could be meant is listed, and nobody is guessed."""
    models = registry(model("acme/brush"), model("zeta/brush"))
    assert "brush" not in models
    with pytest.raises(
        UnknownModel, match="'brush' could be any of acme/brush, zeta/brush"
    ) as caught:
        models.get("brush")
    assert caught.value.param == "model"


def test_without_a_bare_name_full_names_remain() -> None:
    """A model that leaves its bare names to others is still found by every full one."""
    described = model("host/brush", "brush-latest", "host/old-brush")
    models = registry(described.model_copy(update={"bare_name": False}))
    assert models.get("host/old-brush").id == "host/brush"
    assert "brush" not in models
    assert "brush-latest" not in models


def test_a_full_id_wins_over_a_provider_s_own_name() -> None:
    """A name with a slash at a host does not hide the vendor's model of that id."""
    models = registry(model("host/acme/brush"), model("acme/brush"))
    assert models.get("acme/brush").id == "acme/brush"
    assert models.get("host/acme/brush").id == "host/acme/brush"


def test_a_provider_s_own_name_with_a_slash_is_a_name() -> None:
    """Where nobody has that id, the host's name for it is enough."""
    assert registry(model("host/acme/brush")).get("acme/brush").id == "host/acme/brush"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("acme/brsh", "did you mean acme/brush?"),
        ("brus", "did you mean brush"),
        ("utterly-else", "pinxit models lists what there is"),
    ],
)
def test_an_unknown_model_is_told_with_what_is_near(asked: str, says: str) -> None:
    """A typing mistake gets the right name; something else gets the way to the list."""
    with pytest.raises(UnknownModel, match=says) as caught:
        registry(model("acme/brush")).get(asked)
    assert repr(asked) in str(caught.value)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    "second",
    [model("acme/brush"), model("acme/pen", "acme/brush"), model("acme/pen", "old/brush")],
)
def test_a_full_name_belongs_to_one_model(second: Model) -> None:
    """A second model of an id or a full alias is refused, with the name and what to do."""
    models = registry(model("acme/brush", "old/brush"))
    with pytest.raises(ConfigError, match=r"two plugins register the model '.*/brush'; block one"):
        models.add(second, OTHER)
    with pytest.raises(ConfigError, match=r"a plugin registers the model '.*/brush' twice"):
        models.add(second, OWNER)
    assert [each.id for each in models] == ["acme/brush"]


def test_an_id_that_is_another_s_full_alias_is_refused() -> None:
    """Aliases and ids live in one space."""
    with pytest.raises(ConfigError, match="'old/brush'"):
        registry(model("acme/brush", "old/brush"), model("old/brush"))


def test_a_plugin_s_models_can_be_forgotten() -> None:
    """Nothing of a broken plugin is left, under none of its names; the others stay."""
    models = registry(model("acme/brush", "same", "old/brush"))
    models.add(model("zeta/pen", "same"), OTHER)
    models.remove(OWNER)
    assert [each.id for each in models] == ["zeta/pen"]
    assert models.get("same").id == "zeta/pen"
    assert "brush" not in models
    models.add(model("old/brush"), OTHER)


def test_owners_are_known() -> None:
    """The plugin of a model is known by identity."""
    models = registry(model("acme/brush"))
    models.add(model("zeta/pen"), OTHER)
    assert models.owner(models.get("pen")) is OTHER
    assert models.owners == {OWNER, OTHER}


def test_a_registry_is_counted_and_listed_in_order() -> None:
    """Models are listed in the order in which they were entered."""
    models = registry(model("b/b"), model("a/a"))
    assert len(models) == 2
    assert [each.id for each in models] == ["b/b", "a/a"]


def successors(models: Registry) -> dict[str, str | None]:
    heirs = {each.id: each.lifecycle.successor for each in models}
    return {id: heir.model if heir else None for id, heir in heirs.items()}


@pytest.mark.parametrize(
    ("models", "cut"),
    [
        ({"a/1": "a/2", "a/2": "a/3", "a/3": None}, {}),
        ({"a/1": "a/2", "a/2": "a/9"}, {"a/2": "'a/9' is not registered"}),
        ({"a/1": "a/1"}, {"a/1": "a/1 -> a/1"}),
        ({"a/1": "a/2", "a/2": "a/1"}, {"a/1": "a/1 -> a/2 -> a/1"}),
        (
            {"a/0": "a/1", "a/1": "a/2", "a/2": "a/3", "a/3": "a/1"},
            {"a/1": "a/1 -> a/2 -> a/3 -> a/1"},
        ),
    ],
)
def test_a_bad_successor_is_cut_where_it_is_wrong(
    models: dict[str, str | None], cut: dict[str, str]
) -> None:
    """Only the link that leads nowhere, or closes a circle, goes; all models stay."""
    filled = registry(*(model(id, successor=heir) for id, heir in models.items()))
    found = {each.id: why for each, why in filled.cut_bad_successors()}
    assert found.keys() == cut.keys()
    assert all(cut[id] in why for id, why in found.items())
    expected: dict[str, Any] = {id: None if id in cut else heir for id, heir in models.items()}
    assert successors(filled) == expected
    assert not list(filled.cut_bad_successors())
    for id in models:
        assert filled.owner(filled.get(id)) is OWNER


# Models that nobody described ----------------------------------------------------------------------


def open_model(provider: str = "p") -> Model:
    return Model(id=f"{provider}/*", operations={"generate": Capability()}, declared=False)


def test_any_name_of_an_open_provider_is_a_model() -> None:
    """What is not registered gets the limits of the provider's open model, and says that it is undeclared."""
    registry = Registry()
    registry.add(open_model(), "plugin")
    found = registry.get("p/next-year")
    assert (found.id, found.name, found.declared) == ("p/next-year", "next-year", False)
    assert registry.owner(found) == "plugin"
    assert "p/next-year" in registry
    assert list(registry) == []
    assert [model.id for model in registry.open_models] == ["p/*"]


def test_a_registered_model_is_itself_beside_an_open_one() -> None:
    """A description that there is wins over one for anything."""
    registry = Registry()
    registry.add(open_model(), "plugin")
    registry.add(Model(id="p/known", operations={"edit": Capability()}), "plugin")
    assert registry.get("p/known").declared
    assert registry.get("known").id == "p/known"
    assert registry.near("p/knwon") == ["p/known", "known"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a//b",
        "../x",
        "a/..",
        "a/../b",
        "a/./b",
        "..",
        "a?b",
        "a#b",
        "a b",
        "%2e",
        "x" * 201,
    ],
)
def test_no_name_leaves_the_path_that_it_stands_in(name: str) -> None:
    """Names of undeclared models become parts of URLs."""
    registry = Registry()
    registry.add(open_model(), "plugin")
    with pytest.raises(UnknownModel):
        registry.get(f"p/{name}")
    assert f"p/{name}" not in registry


@pytest.mark.parametrize("name", ["flux-3", "black-forest-labs/flux-3", "v1.1:beta@2", "a.b/c..d"])
def test_names_of_providers_are_names(name: str) -> None:
    """Slashes, dots, colons and at signs are what providers use."""
    registry = Registry()
    registry.add(open_model(), "plugin")
    assert registry.get(f"p/{name}").name == name


def test_undeclared_models_can_be_switched_off() -> None:
    """An operator may allow only what is described."""
    registry = Registry(undeclared=False)
    registry.add(open_model(), "plugin")
    with pytest.raises(UnknownModel, match="no installed plugin serves 'p/x'"):
        registry.get("p/x")


def test_an_open_model_goes_with_its_plugin() -> None:
    """A plugin that turns out to be broken leaves no open door."""
    registry = Registry()
    registry.add(open_model(), "plugin")
    registry.add(open_model("q"), "other")
    registry.remove("plugin")
    assert "p/x" not in registry
    assert "q/x" in registry
    with pytest.raises(ConfigError, match=r"two plugins register the model 'q/\*'"):
        registry.add(open_model("q"), "plugin")


@pytest.mark.parametrize("changes", [{"declared": True}, {"aliases": ("any",)}])
def test_an_open_model_is_undeclared_and_has_one_name(changes: dict[str, Any]) -> None:
    """Nobody can have described every model."""
    fields: dict[str, Any] = {
        "id": "p/*",
        "operations": {"generate": Capability()},
        "declared": False,
    }
    with pytest.raises(ValueError, match="declared=False and no aliases"):
        Model(**(fields | changes))
