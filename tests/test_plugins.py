"""Plugins are found, checked and addressed; a broken one is set aside, and the others go on."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from pinxit import (
    AuthenticationFailed,
    Call,
    CallNext,
    Capability,
    ConfigError,
    Context,
    GenerateRequest,
    Image,
    ImagesResponse,
    Lifecycle,
    Model,
    Plugins,
    ProviderTimeout,
    RequestNext,
    Setting,
    Settings,
    Succession,
    hookimpl,
)
from pinxit.candidates import Candidate
from pinxit.plugins import PLUGINS_GROUP, installed_plugins
from pinxit.testing import png
from pinxit.types import Request

REQUEST = GenerateRequest(prompt="a fox")


def model(id: str = "acme/brush", successor: str | None = None) -> Model:
    heir = Succession(model=successor) if successor else None
    return Model(id=id, operations={"generate": Capability()}, lifecycle=Lifecycle(successor=heir))


class Acme:
    """Paints, and says so in the prompt that it revised."""

    def __init__(self, *models: Model) -> None:
        self.models = models or (model(),)

    @hookimpl
    def register_models(self) -> Iterable[Model]:
        return self.models

    @hookimpl
    async def generate(self, request: GenerateRequest, model: Model) -> ImagesResponse:
        said = f"{type(self).__name__} {model.id} {request.prompt}"
        return ImagesResponse(data=(Image(png(4, 4), revised_prompt=said),))


class Zeta(Acme):
    """Another provider."""


def load(*plugins: object, **options: Any) -> Plugins:
    return Plugins(*plugins, discover=False, **options)


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    async with httpx.AsyncClient() as http:
        yield Context(http=http, settings=Settings({"api_key": "sk-secret-key"}))


# Handed in ----------------------------------------------------------------------------------------


def test_a_plugin_that_is_handed_in_is_loaded() -> None:
    """Its models are in the registry, and it is their owner."""
    acme = Acme()
    plugins = load(acme)
    assert plugins.registry.owner(plugins.registry.get("brush")) is acme
    assert plugins.names() == {"Acme": acme}
    assert plugins.hooks_of(acme) == ("generate", "register_models")


def test_two_objects_of_one_class_are_two_plugins() -> None:
    """Each gets a name of its own, and keeps its models."""
    plugins = load(Acme(), Acme(model("acme/pen")), Acme(model("acme/ink")))
    assert list(plugins.names()) == ["Acme", "Acme#2", "Acme#3"]
    assert [each.id for each in plugins.registry] == ["acme/brush", "acme/pen", "acme/ink"]


def test_one_object_twice_is_a_mistake() -> None:
    """The first registration stays what it is."""
    acme = Acme()
    with pytest.raises(ConfigError, match=r"'Acme#2' is handed in twice"):
        load(acme, acme)


class Bare:
    """Promises a model that it has no hook for."""

    @hookimpl
    def register_models(self) -> list[Model]:
        return [model()]


class Forgetful(Acme):
    @hookimpl
    def register_models(self) -> Iterable[Model]:
        return None  # type: ignore[return-value]  # wrong on purpose


class Confused(Acme):
    @hookimpl
    def register_models(self) -> Iterable[Model]:
        return ["acme/brush"]  # type: ignore[list-item]  # wrong on purpose


class Unset(Acme):
    @hookimpl
    def register_settings(self) -> Iterable[Setting]:
        return ["api_key"]  # type: ignore[list-item]  # wrong on purpose


class Sync(Acme):
    @hookimpl
    def generate(self, request: GenerateRequest) -> ImagesResponse:  # type: ignore[override]  # wrong on purpose
        raise NotImplementedError


class Greedy(Acme):
    @hookimpl
    async def generate(self, router: object) -> ImagesResponse:  # type: ignore[override]  # wrong on purpose
        raise NotImplementedError


@dataclass
class Unhashable:
    """Dataclasses compare by value, and cannot be hashed then."""

    @hookimpl
    async def generate(self) -> None: ...


BROKEN: list[tuple[object, str]] = [
    (Bare(), "registers acme/brush for generate but has no such hook; add `async def generate"),
    (Forgetful(), "register_models() returned NoneType, not Model"),
    (Confused(), "register_models() returned str, not Model"),
    (Unset(), "register_settings() returned str, not Setting"),
    (Sync(), "generate() must be written as `async def`"),
    (Greedy(), "generate() takes an argument 'router' that the hook does not have"),
    (Unhashable(), "is not hashable; a dataclass needs eq=False"),
    (object(), "implements no hook; is @pinxit.hookimpl missing?"),
    (Acme(model(), model()), "a plugin registers the model 'acme/brush' twice"),
]


@pytest.mark.parametrize(("plugin", "says"), BROKEN)
def test_a_plugin_that_is_handed_in_must_be_right(plugin: object, says: str) -> None:
    """Whoever hands one in hears what is wrong with it, and what to change."""
    with pytest.raises(ConfigError) as caught:
        load(plugin)
    assert says in str(caught.value)


def test_two_plugins_of_one_model() -> None:
    """The second one is refused by the name of the model."""
    with pytest.raises(ConfigError, match="two plugins register the model 'acme/brush'"):
        load(Acme(), Zeta())


# Found --------------------------------------------------------------------------------------------


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An importable module that publishes plugins."""
    module = ModuleType("shop")
    monkeypatch.setitem(sys.modules, "shop", module)
    return module


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, PLUGINS_GROUP)


def test_entry_points_are_loaded(package: ModuleType) -> None:
    """What packages publish is loaded under the name of the entry point."""
    package.__dict__.update(ACME=Acme(), ZETA=Zeta(model("zeta/pen")))
    plugins = Plugins(points=[point("acme", "shop:ACME"), point("zeta", "shop:ZETA")])
    assert list(plugins.names()) == ["acme", "zeta"]
    assert plugins.broken == {}
    assert plugins.distributions == {"acme": "", "zeta": ""}


@pytest.mark.parametrize(("plugin", "says"), BROKEN)
def test_a_broken_plugin_is_set_aside(
    package: ModuleType, caplog: pytest.LogCaptureFixture, plugin: object, says: str
) -> None:
    """It is kept with its reason, logged, and leaves no trace; the others are loaded."""
    package.__dict__.update(BROKEN=plugin, ZETA=Zeta(model("zeta/pen")))
    with caplog.at_level(logging.WARNING, "pinxit"):
        plugins = Plugins(points=[point("broken", "shop:BROKEN"), point("zeta", "shop:ZETA")])
    assert says in str(plugins.broken["broken"])
    assert "plugin broken is set aside" in caplog.text
    assert list(plugins.names()) == ["zeta"]
    assert [each.id for each in plugins.registry] == ["zeta/pen"]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("there_is_no_such_module", ModuleNotFoundError),
        ("shop:MISSING", AttributeError),
        ("raises_when_imported", ZeroDivisionError),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_set_aside(
    package: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
    error: type[Exception],
) -> None:
    """Whatever a stranger's package raises is its own affair."""
    (tmp_path / "raises_when_imported.py").write_text("1 / 0\n", "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    package.__dict__["ACME"] = Acme()
    plugins = Plugins(points=[point("bad", value), point("acme", "shop:ACME")])
    assert isinstance(plugins.broken["bad"], error)
    assert list(plugins.names()) == ["acme"]


def test_two_packages_of_one_name(package: ModuleType) -> None:
    """The first one serves; the second is reported, not dropped in silence."""
    package.__dict__.update(ACME=Acme(), ZETA=Zeta(model("zeta/pen")))
    plugins = Plugins(points=[point("acme", "shop:ACME"), point("acme", "shop:ZETA")])
    assert [each.id for each in plugins.registry] == ["acme/brush"]
    (reason,) = map(str, plugins.broken.values())
    assert "both install 'acme'; block one" in reason


def test_two_packages_of_one_model(package: ModuleType) -> None:
    """The model stays with the first; the second plugin is set aside as a whole."""
    package.__dict__.update(ACME=Acme(), ZETA=Zeta(model("zeta/pen"), model()))
    plugins = Plugins(points=[point("acme", "shop:ACME"), point("zeta", "shop:ZETA")])
    assert [each.id for each in plugins.registry] == ["acme/brush"]
    assert "'acme/brush'" in str(plugins.broken["zeta"])


def test_what_is_handed_in_and_installed_is_loaded_once(package: ModuleType) -> None:
    """An application may hand in the very plugin that a package publishes."""
    package.__dict__["ACME"] = acme = Acme()
    plugins = Plugins(acme, points=[point("acme", "shop:ACME")])
    assert [each.id for each in plugins.registry] == ["acme/brush"]
    assert plugins.broken == {}


def test_blocked_plugins_are_not_even_imported(package: ModuleType) -> None:
    """What is blocked, or not among what is allowed, is no mistake and is not touched."""
    package.__dict__["ACME"] = Acme()
    points = [point("acme", "shop:ACME"), point("bad", "there_is_no_such_module")]
    assert list(Plugins(points=points, block=["bad"]).names()) == ["acme"]
    assert list(Plugins(points=points, allow=["acme"]).names()) == ["acme"]
    nobody = Plugins(points=points, allow=[])
    assert (dict(nobody.names()), nobody.broken) == ({}, {})


def test_installed_plugins_are_listed_without_being_imported() -> None:
    """Ours stand there like anyone's, with the package that publishes them."""
    found = {entry.name: entry for entry in installed_plugins()}
    assert {"openai", "illustrator"} <= found.keys()
    assert found["openai"].dist is not None
    assert found["openai"].dist.name == "pinxit"


# Found in a folder --------------------------------------------------------------------------------

FILE = """
import pinxit

@pinxit.hookimpl
def register_models():
    return [pinxit.Model(id="{name}/one", operations={{"generate": pinxit.Capability()}})]

@pinxit.hookimpl
async def generate(request):
    raise NotImplementedError
"""


def test_a_folder_of_plugins(tmp_path: Path) -> None:
    """Every file is a plugin of its name, but those that begin with an underscore or are no Python."""
    for name in ("zeta", "acme", "_draft", "blocked"):
        (tmp_path / f"{name}.py").write_text(FILE.format(name=name.strip("_")), "utf-8")
    (tmp_path / "notes.txt").write_text("nothing", "utf-8")
    (tmp_path / "bad.py").write_text("import there_is_no_such_module", "utf-8")
    plugins = load(directory=tmp_path, block=["blocked"])
    assert [each.id for each in plugins.registry] == ["acme/one", "zeta/one"]
    assert list(plugins.broken) == ["bad"]
    assert plugins.distributions == {"acme": "acme.py", "bad": "bad.py", "zeta": "zeta.py"}


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    """Whoever names a folder means it."""
    with pytest.raises(ConfigError, match="there is no such folder"):
        load(directory=tmp_path / "missing")


def test_files_of_plugins(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is named is a plugin of its name, and may be blocked; a broken one is set aside."""
    for name in ("acme", "blocked"):
        (tmp_path / f"{name}.py").write_text(FILE.format(name=name), "utf-8")
    (tmp_path / "bad.py").write_text("import there_is_no_such_module", "utf-8")
    files = [tmp_path / f"{name}.py" for name in ("acme", "bad", "blocked")]
    plugins = load(files=files, block=["blocked"])
    assert [each.id for each in plugins.registry] == ["acme/one"]
    assert list(plugins.broken) == ["bad"]
    assert "plugin bad (from bad.py) is set aside: ModuleNotFoundError" in caplog.text


def test_a_file_that_is_installed_already_is_loaded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who works on a package may name the very file that an entry point leads to."""
    (tmp_path / "under_work.py").write_text(FILE.format(name="acme"), "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    plugins = Plugins(points=[point("acme", "under_work")], files=[tmp_path / "under_work.py"])
    assert (list(plugins.names()), plugins.broken) == (["acme"], {})
    monkeypatch.delitem(sys.modules, "under_work")


@pytest.mark.parametrize("name", ["missing.py", "notes.txt"])
def test_a_file_that_is_no_plugin_is_a_mistake(tmp_path: Path, name: str) -> None:
    """Whoever names a file means it."""
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ConfigError, match=rf"{name}': there is no such Python file"):
        load(files=[tmp_path / name])


# Mistakes of packages -----------------------------------------------------------------------------

MISSPELT = "import pinxit\n\n@pinxit.hookimpl\nasync def generate(reqest):\n    pass\n"
MODEL = """
import pinxit

@pinxit.hookimpl
def register_models():
    return [pinxit.Model(id="{id}", operations={{"generate": pinxit.Capability({fields})}})]
"""
GENERATE = "\n@pinxit.hookimpl\nasync def generate(request):\n    pass\n"


@pytest.mark.parametrize(
    ("text", "datum", "remedy"),
    [
        (MISSPELT, "generate() takes an argument 'reqest'", "did you mean 'request'?"),
        (MISSPELT.replace("generate", "generat"), "no hook 'generat'", "did you mean 'generate'?"),
        (MISSPELT.replace("async ", ""), "generate", "it has request, model, context"),
        (MODEL.format(id="bad/one", fields=""), "bad/one for generate", "add `async def generate"),
        (MODEL.format(id="good/one", fields="") + GENERATE, "'good' (from good.py) has it", "block one"),
        (MODEL.format(id="bad/one", fields="svg=True") + GENERATE, "bad/one: generate: svg=True", "add it"),
        (MODEL.format(id="bad/one", fields="max_n=0") + GENERATE, "Capability.max_n", "equal to 1"),
        (MODEL.format(id="bad one", fields="") + GENERATE, "Model.id", "should match pattern"),
        ("import there_is_no_such_module", "bad.py, line 1", "install 'there_is_no_such_module'"),
        ("import pinxit\n", "implements no hook", "is @pinxit.hookimpl missing?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_package_datum_and_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, datum: str, remedy: str
) -> None:
    """Start-up says which package, which piece of data, and what to change; the rest keeps working."""
    (tmp_path / "good.py").write_text(FILE.format(name="good"), "utf-8")
    (tmp_path / "bad.py").write_text(text, "utf-8")
    with caplog.at_level(logging.WARNING, "pinxit"):
        plugins = load(files=[tmp_path / "good.py", tmp_path / "bad.py"])
    (line,) = caplog.messages
    assert "(from bad.py)" in line
    assert datum in line
    assert remedy in line
    assert [each.id for each in plugins.registry] == ["good/one"]
    assert list(plugins.broken) == ["bad"]


# Successors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("models", "cut", "says"),
    [
        ([model("a/1", "a/9")], "a/1", "'a/9' is not registered; name a model that is, or none"),
        (
            [model("a/1", "a/2"), model("a/2", "a/1")],
            "a/1",
            "a/1 -> a/2 -> a/1; take one of them out",
        ),
    ],
)
def test_a_model_outlives_a_wrong_successor(
    caplog: pytest.LogCaptureFixture, models: list[Model], cut: str, says: str
) -> None:
    """The successor is forgotten and reported; the models serve on."""
    with caplog.at_level(logging.WARNING, "pinxit"):
        plugins = load(Acme(*models))
    assert [each.id for each in plugins.registry] == [each.id for each in models]
    assert plugins.registry.get(cut).lifecycle.successor is None
    assert says in str(plugins.broken[f"Acme: {cut}"])
    assert f"plugin 'Acme': {cut} is left without a successor" in caplog.text


def test_a_successor_may_be_another_plugin_s() -> None:
    """Successors are looked at when all plugins are there."""
    plugins = load(Acme(model("acme/brush", "zeta/pen")), Zeta(model("zeta/pen")))
    assert plugins.broken == {}


# Addressed hooks ----------------------------------------------------------------------------------


async def test_only_the_owner_is_called(context: Context) -> None:
    """A hook is addressed to the plugin that registered the model, whoever else implements it."""
    plugins = load(Acme(), Zeta(model("zeta/pen")))
    for id, said in (("acme/brush", "Acme acme/brush a fox"), ("zeta/pen", "Zeta zeta/pen a fox")):
        response = await plugins.invoke("generate", REQUEST, plugins.registry.get(id), context)
        assert response.data[0].revised_prompt == said


class Meddler(Acme):
    """Would take every request, if anybody asked it."""

    @hookimpl(tryfirst=True)
    async def generate(self, request: GenerateRequest, model: Model) -> ImagesResponse:
        raise AssertionError("nobody addressed this plugin")


async def test_nobody_can_take_another_s_model(context: Context) -> None:
    """Not even a plugin that wants to be first."""
    plugins = load(Meddler(model("meddler/one")), Acme())
    brush = plugins.registry.get("acme/brush")
    assert (await plugins.invoke("generate", REQUEST, brush, context)).data


class Strict(Acme):
    """Refuses as its server does."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    @hookimpl
    def register_settings(self) -> list[Setting]:
        return [Setting(name="api_key", secret=True)]

    @hookimpl
    async def generate(self, request: GenerateRequest) -> ImagesResponse:  # type: ignore[override]  # opt-in arguments
        raise self.error


def status_error(status: int, text: str) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "https://acme.test")
    response = httpx.Response(status, json={"error": {"message": text}}, request=request)
    return httpx.HTTPStatusError("refused", request=request, response=response)


async def test_http_errors_become_ours_without_secrets(context: Context) -> None:
    """What httpx raises is translated in one place, and what is declared secret is taken out."""
    error = status_error(401, "wrong key sk-secret-key")
    plugins = load(Strict(error))
    with pytest.raises(AuthenticationFailed, match=r"wrong key \[redacted\]") as caught:
        await plugins.invoke("generate", REQUEST, plugins.registry.get("brush"), context)
    assert caught.value.upstream_status == 401


async def test_time_outs_become_ours(context: Context) -> None:
    """A time-out after sending may be billed."""
    plugins = load(Strict(httpx.ReadTimeout("too late")))
    with pytest.raises(ProviderTimeout) as caught:
        await plugins.invoke("generate", REQUEST, plugins.registry.get("brush"), context)
    assert caught.value.billing == "ambiguous"


class Showing(Acme):
    """Shows what it would send."""

    @hookimpl
    def preview(self, request: Request, context: Context) -> httpx.Request:
        return context.http.build_request("POST", "https://acme.test", json={"n": request.n})


async def test_a_preview_is_addressed_too(context: Context) -> None:
    """Only the owner shows; a plugin without a preview shows nothing."""
    plugins = load(Showing(model("showing/one")), Acme())
    shown = plugins.preview(REQUEST, plugins.registry.get("showing/one"), context)
    assert shown is not None
    assert shown.url == "https://acme.test"
    assert plugins.preview(REQUEST, plugins.registry.get("acme/brush"), context) is None


# Settings, orders, lifespans ----------------------------------------------------------------------


class Equipped(Acme):
    """Has everything that is optional."""

    @hookimpl
    def register_settings(self) -> list[Setting]:
        return [Setting(name="api_key", secret=True), Setting(name="region")]

    @hookimpl
    def register_orders(self) -> Mapping[str, Any]:
        def backwards(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
            return candidates[::-1]

        return {"backwards": backwards}

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, settings: Settings) -> AsyncGenerator[str]:
        yield f"state of {settings['region']}"


def test_settings_are_the_owner_s() -> None:
    """Each model's settings are what its plugin declares; a plugin without any has none."""
    equipped = Equipped()
    plugins = load(equipped, Zeta(model("zeta/pen")))
    names = [setting.name for setting in plugins.settings_of(plugins.registry.get("brush"))]
    assert names == ["api_key", "region"]
    assert plugins.settings_of(plugins.registry.get("pen")) == ()
    assert len(plugins.declared_settings(equipped)) == 2


def test_secrets_are_what_is_declared_so() -> None:
    """Only what is set and declared secret is hidden, and its list shows nothing either."""
    plugins = load(Equipped())
    given = {"api_key": "sk-secret-key", "region": "eu"}
    secrets = plugins.secrets(plugins.registry.get("brush"), given)
    assert list(secrets) == ["sk-secret-key"]
    assert "sk-secret-key" not in repr(secrets)
    assert not plugins.secrets(plugins.registry.get("brush"), {})


def test_orders_are_collected() -> None:
    """Plugins may register orders of candidates."""
    assert list(load(Equipped(), Zeta(model("zeta/pen"))).orders()) == ["backwards"]
    assert load(Acme()).orders() == {}


async def test_lifespans_are_opened_with_what_they_ask_for(context: Context) -> None:
    """Each plugin that has one is listed, and its opener hands it the arguments it takes."""
    equipped = Equipped()
    ((plugin, opener),) = load(equipped, Zeta(model("zeta/pen"))).lifespans()
    assert plugin is equipped
    async with opener(Settings({"region": "eu"}), context.http) as state:
        assert state == "state of eu"


def test_settings_stand_under_the_provider() -> None:
    """A plugin's table is named for its models, or for itself where it has none."""
    acme, spend = Acme(), Layer("spend", [])
    plugins = load(acme, spend)
    assert (plugins.provider_of(acme), plugins.provider_of(spend)) == ("acme", "Layer")


# Middleware ---------------------------------------------------------------------------------------


class Layer:
    """Notes when it is entered and left."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes

    @hookimpl
    async def around_request(self, request: Request, request_next: RequestNext) -> ImagesResponse:
        self.notes.append(f"+{self.name}")
        response = await request_next(request)
        self.notes.append(f"-{self.name}")
        return response

    @hookimpl
    async def around_call(self, call: Call, call_next: CallNext) -> ImagesResponse:
        self.notes.append(f"+{self.name}")
        response = await call_next(call)
        self.notes.append(f"-{self.name}")
        return response


class First(Layer):
    @hookimpl(tryfirst=True)
    async def around_request(self, request: Request, request_next: RequestNext) -> ImagesResponse:
        return await Layer.around_request(self, request, request_next)

    @hookimpl(tryfirst=True)
    async def around_call(self, call: Call, call_next: CallNext) -> ImagesResponse:
        return await Layer.around_call(self, call, call_next)


class Last(Layer):
    @hookimpl(trylast=True)
    async def around_request(self, request: Request, request_next: RequestNext) -> ImagesResponse:
        return await Layer.around_request(self, request, request_next)

    @hookimpl(trylast=True)
    async def around_call(self, call: Call, call_next: CallNext) -> ImagesResponse:
        return await Layer.around_call(self, call, call_next)


ANSWER = ImagesResponse(data=(Image(png(4, 4)),))


async def answer(_: Any) -> ImagesResponse:
    return ANSWER


@pytest.mark.parametrize("onion", ["around_request", "around_call"])
async def test_layers_lie_around_each_other(context: Context, onion: str) -> None:
    """``tryfirst`` is outermost and ``trylast`` innermost; of the others the latest is outside."""
    notes: list[str] = []
    plugins = load(Last("last", notes), Layer("a", notes), First("first", notes), Layer("b", notes))
    if onion == "around_call":
        candidate = Candidate(model=model(), operation="generate", request=REQUEST)
        call = Call(request=REQUEST, candidate=candidate, context=context)
        assert await plugins.around_call(answer, lambda _: context)(call) is ANSWER
    else:
        assert await plugins.around_request(answer, lambda _: context)(REQUEST) is ANSWER
    assert notes == ["+first", "+b", "+a", "+last", "-last", "-a", "-b", "-first"]


class Short:
    """Answers by itself, and takes no more than it needs."""

    @hookimpl
    async def around_request(self, context: Context) -> ImagesResponse:
        return ImagesResponse(data=(Image(png(4, 4), revised_prompt=context.settings["name"]),))


async def test_a_layer_takes_what_it_needs_and_may_cut_short(context: Context) -> None:
    """A layer gets its own context, and what it does not call is not called."""

    async def never(_: Request) -> ImagesResponse:
        raise AssertionError("the layer answers by itself")

    short = Short()
    mine = Context(http=context.http, settings=Settings({"name": "short's own"}))
    plugins = load(short)
    wrapped = plugins.around_request(never, lambda plugin: mine if plugin is short else context)
    response = await wrapped(REQUEST)
    assert response.data[0].revised_prompt == "short's own"


async def test_without_layers_the_core_is_called() -> None:
    """An onion without skins is its core."""

    def nobody(plugin: object) -> Context:
        raise AssertionError(f"{plugin} has no layer")

    plugins = load(Acme())
    assert plugins.around_request(answer, nobody) is answer
    assert plugins.around_call(answer, nobody) is answer


async def test_a_wrapped_chain_can_be_used_again(context: Context) -> None:
    """Layers keep nothing of a request."""
    notes: list[str] = []
    wrapped = load(Layer("a", notes)).around_request(answer, lambda _: context)
    await wrapped(REQUEST)
    await wrapped(REQUEST)
    assert notes == ["+a", "-a"] * 2


def test_who_is_called_first_is_told_first() -> None:
    """Layers from the outside in, everything else in the order of loading."""

    def layer(**options: bool) -> object:
        class Layer:
            @hookimpl(**options)  # type: ignore[call-overload, untyped-decorator]  # two of its options
            async def around_call(self, call: Call, call_next: CallNext) -> ImagesResponse:
                return await call_next(call)

        return type(next(iter(options), "plain"), (Layer,), {})()

    plugins = load(layer(trylast=True), layer(), layer(tryfirst=True), Acme(), Zeta(model("z/pen")))
    assert plugins.calling_order("around_call") == ["tryfirst", "plain", "trylast"]
    assert plugins.calling_order("register_models") == ["Acme", "Zeta"]
    assert plugins.calling_order("preview") == []
