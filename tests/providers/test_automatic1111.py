"""AUTOMATIC1111 and Forge: the whole contract against a strict stand-in, keys, names, masks."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from asking import ask, planned, refused, settings_of
from pinxit import Config, GenerateRequest, Image, Plugins, Router
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import mask, picture
from pinxit_providers.automatic1111 import PLUGIN
from pinxit_providers.fakes.a1111 import FakeA1111

AUTH = "ada:correct horse battery staple"
MODEL = "automatic1111/default"


class TestAutomatic1111(ProviderTests):
    """A server that wants a password."""

    plugin = PLUGIN
    asgi = FakeA1111(auth=AUTH)
    settings = {"api_auth": AUTH, "base_url": "http://fake.test"}
    most_pixels = 512 * 512


class Open(TestAutomatic1111):
    """A server that answers everybody, as it does without `--api-auth`."""

    __test__ = False
    settings = {"base_url": "http://fake.test"}

    def __init__(self) -> None:
        self.asgi = FakeA1111(checkpoints=("sd15", "flux1-dev.safetensors"))


def test_nobody_needs_a_password_by_default() -> None:
    """A server on this machine answers without one, and none is sent."""
    trial = ask(Open(), MODEL)
    assert trial.answer().data[0].seed == 4_000_000_000
    assert "authorization" not in trial.witness.requests[0].headers


def test_a_wrong_password_is_our_trouble() -> None:
    """It is not the caller's, and neither it nor its coded form is repeated."""
    wrong = {**TestAutomatic1111.settings, "api_auth": "ada:wrong-password"}
    trial = ask(TestAutomatic1111(), MODEL, settings=wrong)
    assert refused(trial) == ("AuthenticationFailed", "unbilled", 401)
    coded = base64.b64encode(b"ada:wrong-password").decode()
    assert trial.witness.requests[0].headers["authorization"] == f"Basic {coded}"
    assert coded not in repr(trial.error)
    assert coded not in str(trial.log)


def test_settings_come_from_the_environment() -> None:
    """The variables are those that other programs use for the same server."""
    names = {"AUTOMATIC1111_BASE_URL": "http://gpu:7860", "AUTOMATIC1111_API_AUTH": "a:b"}
    settings = settings_of(PLUGIN, "automatic1111", **names)
    assert (settings["base_url"], settings["api_auth"]) == ("http://gpu:7860", "a:b")
    assert settings_of(PLUGIN, "automatic1111")["base_url"] == "http://127.0.0.1:7860"


def test_a_checkpoint_can_be_named() -> None:
    """`automatic1111/<name>` loads it, and the plan says that nobody described it."""
    suite = Open()
    model = "automatic1111/flux1-dev.safetensors"
    assert ask(suite, model).answer().data
    [body] = suite.asgi.received
    assert body["override_settings"] == {"sd_model_checkpoint": "flux1-dev.safetensors"}
    candidate = planned(PLUGIN, GenerateRequest(prompt="a fox", model=model))
    assert any("is undeclared" in note for note in candidate.notes)


def test_it_is_no_candidate_of_auto() -> None:
    """Nobody knows whether it runs; who wants it names it."""
    router = Router(Config(), plugins=Plugins(PLUGIN, discover=False))
    assert not router.plan("a fox", model="auto").candidates
    assert len(router.plan("a fox", model=MODEL).candidates) == 1


def test_it_costs_nothing() -> None:
    """Nobody sends a bill for one's own machine, so that a limit on cost lets it pass."""
    for model in (MODEL, "automatic1111/sd15"):
        assert planned(PLUGIN, GenerateRequest(prompt="a fox", model=model, n=4)).estimate == 0


def test_a_second_server_is_a_table() -> None:
    """Each has an address and a password of its own."""
    tables = {"gpu2": {"plugin": "automatic1111", "base_url": "http://gpu2:7860"}}
    router = Router(Config.parse({"providers": tables}, environ={"AUTOMATIC1111_API_AUTH": "a:b"}))
    [candidate] = router.plan("a fox", model="gpu2/default").candidates
    settings = router.config.settings("gpu2", router.plugins.settings_of(candidate.model))
    assert (settings["base_url"], settings.get("api_auth")) == ("http://gpu2:7860", None)
    assert not candidate.model.by_name_only
    # Nobody said that the usual one is there.
    auto = router.plan("a fox", model="auto").candidates
    assert {found.model.provider for found in auto} == {"gpu2"}


def test_masks_are_plain_and_white_where_repainted() -> None:
    """A mask with an alpha channel would be read by that, the other way round."""
    suite = Open()
    fields: dict[str, Any] = {
        "images": [Image(picture("png", 64, 64))],
        "mask": Image(mask(64, 64)),
    }
    assert ask(suite, MODEL, "edit", prompt="a hat", **fields).answer().data
    assert suite.asgi.masks == ["L"]


@pytest.mark.parametrize(
    ("prompt", "meaning", "message"),
    [
        ("a fox #out-of-memory", ("ProviderUnavailable", "unbilled", 500), "CUDA out of memory"),
        ("a fox #no-sampler", ("UnknownModel", "unbilled", 404), "Sampler not found"),
    ],
)
def test_errors(prompt: str, meaning: tuple[str, str, int], message: str) -> None:
    """The server's own sentence is told, not the name of its exception."""
    trial = ask(Open(), MODEL, prompt=prompt)
    assert refused(trial) == meaning
    assert message in str(trial.error)


@pytest.mark.parametrize(
    "prompt", ["a fox #grid", "a fox #map", "a fox #grid #map", "a fox #no-info"]
)
def test_as_many_pictures_as_were_asked(prompt: str) -> None:
    """Grids and maps are none of them."""
    data = ask(Open(), MODEL, prompt=prompt, n=3, size="64x64").answer().data
    assert [image.info.size for image in data] == ["64x64"] * 3


def test_an_unknown_field_is_told() -> None:
    """What `extra` holds is the server's to judge, and its field is named."""
    trial = ask(Open(), MODEL, extra={"automatic1111": {"stepps": 3}})
    assert refused(trial) == ("RequestError", "unbilled", 422)
    assert trial.failure().param == "stepps"
