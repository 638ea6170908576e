"""models and routes: what can be asked for, what it costs, and what it still needs."""

from __future__ import annotations

import re

import pytest

from commandline import CONFIG, SHOP, Commands
from pinxit import Model, Plugins


@pytest.fixture
def shop(pinxit: Commands) -> Commands:
    pinxit.plugin("shop", SHOP)
    return pinxit


def row(text: str, name: str) -> str:
    [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return line


def test_models(shop: Commands) -> None:
    """A row tells what a model does, its sizes, its price and what it needs."""
    out = shop("models").out
    assert re.search(
        r"generate, edit, vary +1 to 512 px per edge +free +ready", row(out, "test/dot")
    )
    assert re.search(r"1024x1024 +\$0\.010? to \$0\.040? +needs SHOP_KEY", row(out, "shop/one"))
    assert "retired → shop/one" in row(out, "shop/zero")


def test_retired_last(shop: Commands) -> None:
    """Retired models come last."""
    names = [line.split()[0] for line in shop("models").out.splitlines()[1:]]
    assert names[-1] == "shop/zero"


def test_ready_with_a_key(shop: Commands) -> None:
    """With its key a model is ready."""
    shop.patch.setenv("SHOP_KEY", "k-123")
    assert row(shop("models").out, "shop/one").rstrip().endswith("ready")


def test_nobody_says_that_ones_own_server_runs(shop: Commands) -> None:
    """What needs no key but a server that is there is not called ready; what draws here is."""
    shy = SHOP.replace("required=True, ", "").replace(
        "facts=facts)", "facts=facts, by_name_only=True)"
    )
    shop.plugin("shop", shy)
    assert row(shop("models").out, "shop/one").rstrip().endswith("only by name, if it runs")
    drawn = shy.replace("by_name_only=True)", "by_name_only=True, offline=True)")
    shop.plugin("shop", drawn)
    assert row(shop("models").out, "shop/one").rstrip().endswith("ready")


@pytest.mark.parametrize(("operation", "there"), [("generate", True), ("edit", False)])
def test_by_operation(shop: Commands, operation: str, there: bool) -> None:
    """--operation leaves only models that can do it."""
    out = shop("models", "--operation", operation).out
    assert "test/dot" in out
    assert ("shop/one" in out) is there


def test_models_json(shop: Commands) -> None:
    """--json writes all that is known of a model."""
    [one] = [model for model in shop("models", "--json").json if model["id"] == "shop/one"]
    assert one["state"] == "needs SHOP_KEY"
    assert one["status"] == "live"
    assert one["operations"]["generate"]["sizes"]["values"] == ["1024x1024"]
    assert one["prices"][0]["usd"] == 0.01


def test_models_json_is_the_registry(shop: Commands) -> None:
    """What --json writes can be read back, and is the model that the plugin registered."""
    registry = Plugins(discover=False, directory=shop.folder / "plugins").registry
    told = shop("models", "--json").json
    assert {model["id"] for model in told} == {model.id for model in registry}
    for data in told:
        fields = {name: data[name] for name in Model.model_fields}
        assert Model.model_validate(fields) == registry.get(data["id"])


def test_one_model(shop: Commands) -> None:
    """A model's name shows the limits of each of its operations, and nothing that it does not take."""
    out = shop("models", "test/dot").out
    assert re.search(r"edit +mask +polarity=transparent_edits", out)
    assert re.search(r"generate +sizes +1 to 512 px per edge, auto", out)
    assert re.search(r"variation +qualities +low, high", out)
    assert "styles" not in out
    assert "shop/one" not in out


def test_one_provider(shop: Commands) -> None:
    """A provider's name leaves its models; an unknown one is told with what is near."""
    assert {m["id"] for m in shop("models", "shop", "--json").json} == {"shop/one", "shop/zero"}
    ran = shop("models", "shop/on")
    assert (ran.code, "did you mean shop/one" in ran.err) == (2, True)


def test_no_models(pinxit: Commands) -> None:
    """Where nothing is installed, that is said."""
    pinxit.patch.setenv("PINXIT_LOAD_PLUGINS", "")
    pinxit.configure("")
    ran = pinxit("models")
    assert ran.code == 0
    assert "no installed plugin has such a model" in ran.err


ROUTES = (
    CONFIG
    + """
[routes.hero]
models = ["test/dot", "test/clear"]
retry = {count = 2}
fallbacks = ["test/fails"]

[routes.spread]
load_balancer = {models = [{model = "test/dot", weight = 0.25}, {model = "test/clear", weight = 0.75}]}

[routes.any]
needs = ["mask"]
"""
)


def test_routes(pinxit: Commands) -> None:
    """A route is told with its models, its options and its description."""
    pinxit.configure(ROUTES)
    out = pinxit("routes").out
    assert re.search(r"default +test/dot +dots", out)
    assert re.search(r"hero +test/dot +fallbacks = model=test/fails", out)
    assert "retry = count=2 on_codes=429" in out
    assert "test/dot (0.25)" in out
    assert re.search(r"any +any that fits +needs = mask", out)


def test_routes_json(pinxit: Commands) -> None:
    """--json writes the routes as they would stand in a file."""
    pinxit.configure(ROUTES)
    data = pinxit("routes", "--json").json
    assert data["routes"]["hero"]["models"] == ["test/dot", "test/clear"]
    assert data["routes"]["hero"]["retry"]["count"] == 2
    assert data["broken"] == {}
