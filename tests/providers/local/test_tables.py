"""Servers that a table of the configuration describes: what it may say, and what is said of mistakes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from asking import ask, refused, sent
from pinxit import Config, ConfigError, FixedSizes, Image, Plugins, Ratios, Router, SizeRange
from pinxit.cli.doctor import examine
from pinxit.plugins import installed_plugins
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import mask, picture
from pinxit_providers.fakes.asgi import picture as drawn
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.fakes.openai import FakeOpenAI
from pinxit_providers.local import COMPATIBLE

KEY = "a-key-of-a-server-0123456789"
URL = "http://box.test/v1"
PNG = picture_base64(64, 64)
LIMITS: dict[str, Any] = {"sizes": ["256x256", "512x512", "1024x1024"], "default_size": "1024x1024"}


def router(**tables: dict[str, Any]) -> Router:
    points = [point for point in installed_plugins() if point.name in {"local", "compatible"}]
    plugins = Plugins(points=points, tables=tables)
    return Router(Config.parse({"providers": tables}), plugins=plugins)


def mybox(**table: Any) -> dict[str, Any]:
    return {"plugin": "compatible", "base_url": URL, **table}


class TestCompatible(ProviderTests):
    """A table for a proxy that still serves DALL·E 2, against OpenAI's own stand-in."""

    plugin = COMPATIBLE.create_plugin(
        "mybox",
        {
            "plugin": "compatible",
            "base_url": URL,
            "models": {
                "dall-e-2": {
                    "operations": {
                        "generate": {**LIMITS, "max_n": 10, "max_prompt": 1000},
                        "edit": {
                            **LIMITS,
                            "images": {"max": 1, "formats": ["png"], "square": True},
                        },
                        "variation": {**LIMITS, "images": {"formats": ["png"], "square": True}},
                    }
                }
            },
        },
    )
    asgi = FakeOpenAI(key=KEY, retired=())
    settings = {"api_key": KEY, "base_url": URL}
    rejection = (400, {"error": {"code": "content_policy_violation", "message": "no"}})
    most_pixels = 256 * 256


def box(answer: httpx.Response | None = None, **table: Any) -> ProviderTests:
    """Return a suite whose plugin is a table, with pictures for an answer."""

    class Box(ProviderTests):
        __test__ = False
        plugin = COMPATIBLE.create_plugin("mybox", mybox(**table))
        ok = {"data": [{"b64_json": PNG}]}
        settings = {"base_url": URL}

    return Box()


def test_a_server_of_which_nothing_is_said() -> None:
    """Any model can be named; one picture per call, without a word that not every server knows."""
    body = sent(ask(box(), "mybox/flux-dev", prompt="a fox", size="512x512"))
    assert body == {
        "model": "flux-dev",
        "prompt": "a fox",
        "n": 1,
        "size": "512x512",
        "response_format": "b64_json",
    }


def test_a_model_in_full() -> None:
    """Whatever a capability can say can stand in the file; what is not said is the profile's."""
    table = mybox(
        models={
            "black-forest-labs/FLUX.1-dev": {
                "title": "FLUX dev",
                "aliases": ["dev", "house/flux"],
                "prices": [{"usd": 0.02, "as_of": "2026-11-22"}],
                "operations": {
                    "generate": {
                        "max_n": 4,
                        "sizes": {"max_edge": 2048, "multiple_of": 16},
                        "qualities": ["low", "high"],
                        "seed": {"max": 99},
                        "negative_prompt": True,
                    },
                    "edit": {},
                },
            }
        }
    )
    found = router(mybox=table).registry.get("mybox/dev")
    assert (found.id, found.title) == ("mybox/black-forest-labs/FLUX.1-dev", "FLUX dev")
    assert router(mybox=table).registry.get("house/flux").id == found.id
    assert found.prices[0].usd == Decimal("0.02")
    generate, edit = found.operations["generate"], found.operations["edit"]
    assert isinstance(generate.sizes, SizeRange)
    assert (generate.max_n, generate.sizes.multiple_of, generate.qualities) == (
        4,
        16,
        ("low", "high"),
    )
    assert edit.mask is not None
    assert edit.mask.polarity == "transparent_edits"


@pytest.mark.parametrize(
    ("sizes", "kind"),
    [
        (["512x512"], FixedSizes),
        ({"values": ["512x512"]}, FixedSizes),
        ({"max_edge": 512}, SizeRange),
        ({"classes": {"1K": {"1:1": "1024x1024"}}}, Ratios),
        ({"kind": "fixed", "values": ["512x512"]}, FixedSizes),
    ],
)
def test_sizes_are_told_apart_by_their_fields(sizes: Any, kind: type) -> None:
    """A list is one of pixels, and a table says by its fields what it is."""
    table = mybox(models={"m": {"operations": {"generate": {"sizes": sizes}}}})
    assert isinstance(
        router(mybox=table).registry.get("mybox/m").operations["generate"].sizes, kind
    )


def test_operations_may_be_names() -> None:
    """Then their limits are those of the profile; without any, generate and edit."""
    table = mybox(models={"a": {"operations": ["variation"]}, "b": {}})
    registry = router(mybox=table).registry
    assert list(registry.get("mybox/a").operations) == ["variation"]
    assert list(registry.get("mybox/b").operations) == ["generate", "edit"]
    assert registry.get("mybox/a").operations["variation"].max_n == 1


def test_described_models_are_all_there_is() -> None:
    """A misspelt name is found out here, not at the server."""
    registry = router(mybox=mybox(models={"flux-dev": {}})).registry
    assert "mybox/flux-dve" not in registry
    assert "mybox/anything" in router(mybox=mybox()).registry


def test_a_model_is_a_candidate_of_auto() -> None:
    """Who describes a server wants it used; who does not, says so."""
    table = mybox(models={"a": {}, "b": {"by_name_only": True}})
    plan = router(mybox=table).plan("a fox", model="auto")
    assert [candidate.model.id for candidate in plan.candidates] == ["mybox/a"]


def test_ones_own_machine_sends_no_bill() -> None:
    """A limit on cost lets it pass; of a server of which nothing is known, so is the price."""
    own = router(gpu2={"plugin": "local", "profile": "localai", "models": {"m": {}}})
    [candidate] = own.plan("a fox", model="gpu2/m", max_cost=Decimal("0.01")).candidates
    assert candidate.estimate == 0
    unknown = router(mybox=mybox(models={"m": {}})).plan("a fox", model="mybox/m")
    assert unknown.candidates[0].estimate is None


def test_an_alias_is_ours_and_not_the_servers() -> None:
    """The server gets its own name of the model."""
    suite = box(models={"flux-dev": {"aliases": ["dev"]}})
    assert sent(ask(suite, "mybox/flux-dev", model="mybox/dev"))["model"] == "flux-dev"


def test_bare_names_are_asked_for() -> None:
    """A model of a box takes no name away from the vendor's, unless its table says so."""
    table = mybox(
        models={"flux": {"aliases": ["f"]}, "sdxl": {"aliases": ["s"], "bare_name": True}}
    )
    registry = router(mybox=table).registry
    assert "flux" not in registry
    assert "f" not in registry
    assert registry.get("sdxl").id == registry.get("s").id == "mybox/sdxl"


def test_the_limits_of_undescribed_models_can_be_said() -> None:
    """A star stands for whatever else the server has."""
    table = mybox(models={"*": {"operations": {"generate": {"max_n": 4}}}, "flux": {}})
    found = router(mybox=table).registry.get("mybox/anything")
    assert (found.declared, found.operations["generate"].max_n) == (False, 4)


def test_several_boxes_are_several_providers() -> None:
    """Each has an address and a key of its own."""
    both = router(a=mybox(base_url="http://a.test/v1"), b=mybox(base_url="http://b.test/v1"))
    bases = {
        name: both.config.settings(name, both.plugins.settings_of(both.registry.get(f"{name}/m")))
        for name in ("a", "b")
    }
    assert bases["a"]["base_url"] == "http://a.test/v1"
    assert bases["b"]["base_url"] == "http://b.test/v1"


def test_a_profile_is_another_accent() -> None:
    """The same table speaks to a server of another kind."""
    suite = box(profile="xinference", models={"sd3": {}})
    assert sent(ask(suite, "mybox/sd3", size="512x512", seed=1)) == {
        "model": "sd3",
        "prompt": "a red fox in the snow",
        "n": 1,
        "size": "512*512",
        "response_format": "b64_json",
        "kwargs": '{"seed": 1}',
    }


def test_a_local_server_needs_no_address() -> None:
    """It listens where such servers usually do."""
    found = router(gpu2={"plugin": "local", "profile": "sd-server"})
    settings = found.config.settings(
        "gpu2", found.plugins.settings_of(found.registry.get("gpu2/m"))
    )
    assert settings["base_url"] == "http://127.0.0.1:1234/v1"
    assert settings.problem is None
    assert not found.registry.get("gpu2/default").by_name_only


def test_the_way_of_results_can_be_left_open() -> None:
    """A server that can send addresses is asked for what the caller wants."""
    suite = box(models={"m": {"operations": {"generate": {"delivers": ["b64_json", "url"]}}}})
    assert sent(ask(suite, "mybox/m", response_format="url"))["response_format"] == "url"
    assert sent(ask(suite, "mybox/m"))["response_format"] == "b64_json"


def test_pictures_on_the_server_itself_are_fetched() -> None:
    """The router fetches nothing from a private network; this address is the operator's own choice."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            assert request.headers["authorization"] == f"Bearer {KEY}"
            return httpx.Response(200, content=drawn(64, 64))
        return httpx.Response(200, json={"data": [{"url": "http://box.test/files/1.png"}]})

    suite = box()
    suite.ok = answer
    trial = ask(suite, "mybox/m", settings={"base_url": URL, "api_key": KEY})
    [image] = trial.answer().data
    assert (image.url, image.info.size) == (None, "64x64")


@pytest.mark.parametrize(
    "url", ["http://elsewhere.test/1.png", "http://box.test:8080/1.png", "https://box.test/1.png"]
)
def test_pictures_elsewhere_are_the_routers_affair(url: str) -> None:
    """No key goes there, and the router's guard decides whether anything does."""
    trial = ask(box(), "mybox/m", reply=httpx.Response(200, json={"data": [{"url": url}]}))
    assert trial.answer().data[0].url == url
    assert len(trial.witness.requests) == 1


@pytest.mark.parametrize("answer", [(404, b""), (200, b"<html>"), (302, b"")])
def test_a_picture_that_cannot_be_fetched(answer: tuple[int, bytes]) -> None:
    """It has been made, so that it may have been paid for; it is not an unknown model."""

    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(
                answer[0], content=answer[1], headers={"location": "http://x.test"}
            )
        return httpx.Response(200, json={"data": [{"url": "http://box.test/files/1.png"}]})

    suite = box()
    suite.ok = reply
    trial = ask(suite, "mybox/m")
    assert refused(trial)[:2] == ("InvalidProviderResponse", "billed")
    assert len(trial.witness.requests) == 2


def test_masks_go_as_openai_reads_them() -> None:
    """An edit is a form with a picture and a mask."""
    fields: dict[str, Any] = {
        "images": [Image(picture("png", 64, 64))],
        "mask": Image(mask(64, 64)),
    }
    trial = ask(box(), "mybox/m", "edit", prompt="a hat", **fields)
    assert len(trial.witness.pictures()) == 2
    assert trial.witness.requests[0].url.path == "/v1/images/edits"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"base_url": None},
            "base_url: it is missing; give the server's address, such as http://loc",
        ),
        (
            {"base_url": "box:8000"},
            "base_url: it is no http(s) address without credentials; give one",
        ),
        ({"base_url": "http://u:p@box"}, "base_url: it is no http(s) address without credentials"),
        ({"profile": ["openai"]}, "profile: ['openai'] is none; there are openai, localai"),
        ({"profile": "ollama"}, "profile: 'ollama' is none; there are openai, localai, sd-server"),
        ({"url": URL}, "url: there is no such field; there are plugin, profile, base_url"),
        (
            {"models": ["flux"]},
            "models: it is no table; write [providers.mybox.models.NAME] for each",
        ),
        ({"models": {"m": 3}}, "models.m: it is no table; write [providers.mybox.models.'m']"),
        (
            {"models": {"m": {"alias": []}}},
            "models.m.alias: there is no such field; did you mean 'alias",
        ),
        ({"models": {"m": {"aliases": "x"}}}, "models.m.aliases: it is no list of names"),
        (
            {"models": {"m": {"operations": []}}},
            "models.m.operations: it is empty; leave it out, or",
        ),
        (
            {"models": {"m": {"operations": 3}}},
            "models.m.operations: it is neither a list of names nor",
        ),
        ({"models": {"m": {"operations": ["vary"]}}}, "there are generate, edit, variation"),
        (
            {"models": {"m": {"operations": {"edit": 3}}}},
            "models.m.operations.edit: it is no table of",
        ),
        (
            {"models": {"m": {"operations": {"generate": {"max": 4}}}}},
            "models.m.operations.generate.max: there is no such field; did you mean 'max_n'?",
        ),
        (
            {"models": {"m": {"operations": {"generate": {"max_n": "many"}}}}},
            "models.m.operations.generate.max_n: 'many' should be a valid integer",
        ),
        (
            {"models": {"m": {"operations": {"generate": {"sizes": {"max_edge": "x"}}}}}},
            "models.m.operations.generate.sizes.max_edge: 'x' should be a valid integer",
        ),
        (
            {"models": {"m": {"operations": {"generate": {"sizes": ["large"]}}}}},
            "models.m.operations.generate.sizes.values: 'large' is not WIDTHxHEIGHT",
        ),
        (
            {"models": {"m": {"prices": [{"usd": 0.02}]}}},
            "models.m.prices.0.as_of: it is missing",
        ),
        (
            {"models": {"a b": {}}},
            "models.a b: it cannot be a model's name; use letters, digits and . _ : @ / -",
        ),
    ],
)
def test_mistakes_are_told_with_their_place(table: dict[str, Any], message: str) -> None:
    """The table, the field and the remedy stand in one sentence, before anything is sent."""
    fields = {name: value for name, value in mybox(**table).items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        router(mybox=fields)
    assert str(caught.value).startswith("[providers.mybox]: ")
    assert message in str(caught.value)


def test_a_local_server_has_a_kind() -> None:
    """Without it nobody knows how it speaks."""
    with pytest.raises(ConfigError, match="profile: it is missing; there are localai, sd-server"):
        router(gpu2={"plugin": "local"})
    with pytest.raises(ConfigError, match="profile: 'openai' is none"):
        router(gpu2={"plugin": "local", "profile": "openai"})


def test_a_name_must_fit_into_an_id() -> None:
    """The table's name is the part of an id before the slash."""
    with pytest.raises(ConfigError, match="'My_Box' cannot be part of a model's id; use small"):
        router(My_Box=mybox())


def test_the_doctor_knows_every_field() -> None:
    """Nothing of a table that is understood is called unknown."""
    config = Config.parse(
        {"providers": {"mybox": mybox(profile="localai", models={"m": {}}, api_key=KEY)}}
    )
    said = [str(finding) for finding in examine(Router(config))]
    assert not [text for text in said if "mybox" in text and "unknown" in text]


@pytest.mark.parametrize("name", ["local", "compatible"])
def test_the_doctor_notices_a_table_without_a_kind(name: str) -> None:
    """`[providers.compatible]` configures nothing: a server needs a name of its own."""
    config = Config.parse({"providers": {name: {"base_url": URL}}})
    said = " ".join(str(finding) for finding in examine(Router(config)))
    assert "the setting 'base_url' in the configuration is unknown to it" in said
