"""The five servers: the whole contract of each against a strict stand-in, and each one's traps."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from asking import ask, planned, refused, sent, settings_of
from pinxit import GenerateRequest, Image, Plugins
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import mask, picture
from pinxit_providers import local
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.fakes.local import FakeLocal

KEY = "a-key-of-a-server-0123456789"
TABLE: dict[str, Any] = {"base_url": "http://fake.test/v1", "models": {"m": {}}}


class TestSdServer(ProviderTests):
    plugin = local.SD_SERVER_PLUGIN
    asgi = FakeLocal("sd-server", model="sd-cpp-local")
    settings = {"base_url": "http://fake.test/v1"}
    most_pixels = 512 * 512


class TestLocalAI(ProviderTests):
    plugin = local.LOCAL.create_plugin("box", {**TABLE, "profile": "localai"})
    asgi = FakeLocal("localai", key=KEY, model="m")
    settings = {"api_key": KEY, "base_url": "http://fake.test/v1"}
    most_pixels = 512 * 512


class TestVllmOmni(TestLocalAI):
    plugin = local.LOCAL.create_plugin("box", {**TABLE, "profile": "vllm-omni"})
    asgi = FakeLocal("vllm-omni", key=KEY, model="m")


class TestSglang(TestLocalAI):
    plugin = local.LOCAL.create_plugin("box", {**TABLE, "profile": "sglang"})
    asgi = FakeLocal("sglang", key=KEY, model="m")


class TestXinference(TestLocalAI):
    plugin = local.LOCAL.create_plugin("box", {**TABLE, "profile": "xinference"})
    asgi = FakeLocal("xinference", key=KEY, model="m")


MODELS: dict[type[ProviderTests], str] = {
    TestSdServer: "sd-server/default", TestLocalAI: "box/m", TestVllmOmni: "box/m", TestSglang: "box/m",
    TestXinference: "box/m",
}  # fmt: skip
EVERY = pytest.mark.parametrize("suite", MODELS, ids=lambda suite: suite.__name__[4:])


def asked(suite: type[ProviderTests], operation: Any = "generate", /, **fields: Any) -> Any:
    """Return path and fields of what the stand-in accepted."""
    suite.asgi.received.clear()
    ask(suite(), MODELS[suite], operation, **fields).answer()
    [(path, found)] = suite.asgi.received
    return path, {name: value for name, value in found.items() if name != "model"}


PNG64 = Image(picture("png", 64, 64))
MASK64 = Image(mask(64, 64))


def test_sd_server_takes_what_has_no_field_in_a_tag() -> None:
    """Seed, negative prompt and native options stand in the tag that it cuts out of the prompt."""
    extra = {"sd-server": {"sample_params": {"sample_steps": 8}, "prompt": "x"}}
    _, fields = asked(TestSdServer, prompt="a fox", seed=7, negative_prompt="fog", extra=extra)
    assert fields == {
        "prompt": "a fox",
        "n": 1,
        "inner": {"sample_params": {"sample_steps": 8}, "negative_prompt": "fog", "seed": 7},
    }


@pytest.mark.parametrize(
    "prompt",
    [
        'a fox<sd_cpp_extra_args>{"seed": 1}</sd_cpp_extra_args>',
        'a fox<sd_cpp_<sd_cpp_extra_args>extra_args>{"seed": 1}</sd_cpp_</sd_cpp_extra_args>extra_args>',
        'a fox<sd_cpp_sd_cpp_extra_argsextra_args>{"seed": 1}</sd_cpp_extra_args>',
    ],
)
def test_sd_server_takes_no_tag_from_a_caller(prompt: str) -> None:
    """A caller's prompt is words, however the tag is hidden; so is a negative prompt."""
    trial = ask(TestSdServer(), "sd-server/default", prompt=prompt, negative_prompt=prompt)
    body = sent(trial)
    assert body["prompt"].count("sd_cpp_extra_args") == 2
    _, fields = asked(TestSdServer, prompt=prompt)
    assert "inner" not in fields
    assert fields["prompt"].startswith("a fox")


def test_sd_server_edits() -> None:
    """Pictures and mask are files; the mask is white where it repaints."""
    path, fields = asked(
        TestSdServer, "edit", prompt="a hat", images=[PNG64, PNG64], mask=MASK64, size="64x64"
    )
    assert path == "/v1/images/edits"
    assert len(fields["image[]"]) == 2
    assert len(fields["mask"]) == 1


def test_localai_separates_by_a_bar() -> None:
    """The negative prompt stands behind a bar, and a caller's own bar separates nothing."""
    _, fields = asked(TestLocalAI, prompt="a fox|a crow", negative_prompt="fog|rain", seed=3)
    assert fields == {
        "prompt": "a fox\u00a6a crow|fog\u00a6rain",
        "n": 1,
        "seed": 3,
        "response_format": "b64_json",
    }


@pytest.mark.parametrize(("count", "field"), [(1, "file"), (2, "ref_images")])
def test_localai_edits_by_generating(count: int, field: str) -> None:
    """There is no path for edits: one picture is a start, several are references, without a prefix."""
    path, fields = asked(TestLocalAI, "edit", prompt="a hat", images=[PNG64] * count)
    assert path == "/v1/images/generations"
    assert fields[field] == (PNG64.b64_json if count == 1 else [PNG64.b64_json] * 2)


def test_localai_takes_steps() -> None:
    """What is not named here goes on as it is; what was fitted stays."""
    extra = {"box": {"step": 4, "file": "http://elsewhere/secret.png", "response_format": "url"}}
    _, fields = asked(TestLocalAI, prompt="a fox", extra=extra)
    assert fields["step"] == 4
    assert "file" not in fields
    assert fields["response_format"] == "b64_json"


def test_vllm_calls_the_mask_mask_image() -> None:
    """A field called mask would be ignored, and the whole picture repainted."""
    path, fields = asked(TestVllmOmni, "edit", prompt="a hat", images=[PNG64], mask=MASK64, seed=1)
    assert path == "/v1/images/edits"
    assert {"image[]", "mask_image"} <= fields.keys()
    assert (fields["seed"], fields["output_format"], fields["response_format"]) == (
        1,
        "png",
        "b64_json",
    )


def test_sglang_gets_no_mask() -> None:
    """It would accept and ignore one; the router puts the protected pixels back instead."""
    model = TestSglang().plugins().registry.get("box/m")
    assert model.operations["edit"].mask is None


def test_xinference_takes_kwargs_as_text() -> None:
    """Seed, negative prompt and steps are JSON inside a text, and a size has a star."""
    extra = {"box": {"num_inference_steps": 4}}
    path, fields = asked(
        TestXinference, prompt="a fox", seed=7, negative_prompt="fog", size="512x256", extra=extra
    )
    assert path == "/v1/images/generations"
    assert fields == {
        "prompt": "a fox",
        "n": 1,
        "size": "512*256",
        "response_format": "b64_json",
        "inner": {"num_inference_steps": 4, "negative_prompt": "fog", "seed": 7},
    }


@pytest.mark.parametrize("masked", [False, True])
def test_xinference_edits_on_two_paths(masked: bool) -> None:
    """With a mask an edit is inpainting; both take seeds, which its /images/edits does not."""
    more: dict[str, Any] = {"mask": MASK64} if masked else {}
    more |= {"prompt": "a hat", "images": [PNG64], "seed": 1, "negative_prompt": "fog"}
    path, fields = asked(TestXinference, "edit", **more)
    assert path == ("/v1/images/inpainting" if masked else "/v1/images/variations")
    # A form has a field for the negative prompt, and it must not stand in both places.
    assert (fields["inner"], fields["negative_prompt"]) == ({"seed": 1}, "fog")
    assert ("mask_image" in fields) is masked


@pytest.mark.parametrize(
    ("name", "environ", "base_url", "key"),
    [
        ("localai", {"LOCALAI_API_KEY": KEY}, "http://localhost:8080/v1", KEY),
        ("sd-server", {}, "http://127.0.0.1:1234/v1", None),
        ("sglang", {}, "http://localhost:30000/v1", None),
        ("vllm-omni", {"VLLM_API_KEY": KEY}, "http://localhost:8000/v1", KEY),
        ("xinference", {"XINFERENCE_API_KEY": KEY}, "http://localhost:9997/v1", KEY),
    ],
)
def test_each_has_its_usual_address(
    name: str, environ: dict[str, str], base_url: str, key: str | None
) -> None:
    """Nothing needs to be configured where a server listens where it usually does."""
    plugin = getattr(local, f"{name.replace('-', '_').upper()}_PLUGIN")
    settings = settings_of(plugin, name, **environ)
    assert (settings["base_url"], settings.get("api_key")) == (base_url, key)


@pytest.mark.parametrize("name", ["localai", "sglang", "vllm-omni", "xinference"])
def test_any_model_can_be_named(name: str) -> None:
    """What a server serves is the operator's affair; the plan says that nobody described it."""
    plugin = getattr(local, f"{name.replace('-', '_').upper()}_PLUGIN")
    candidate = planned(plugin, GenerateRequest(prompt="a fox", model=f"{name}/my/flux:dev"))
    assert any("is undeclared" in note for note in candidate.notes)
    assert candidate.blocked is None
    assert not list(Plugins(plugin, discover=False).registry)


@EVERY
def test_errors_have_the_servers_own_words(suite: type[ProviderTests]) -> None:
    """Each has another shape for them."""
    trial = ask(suite(), MODELS[suite], prompt="a fox #broken")
    assert refused(trial) == ("ProviderUnavailable", "unbilled", 500)
    assert str(trial.error) == "generate_image returned no results"


@EVERY
def test_a_model_that_loads_says_how_long(suite: type[ProviderTests]) -> None:
    """It is waited for, or somebody else is asked."""
    trial = ask(suite(), MODELS[suite], prompt="a fox #busy")
    assert refused(trial) == ("ProviderUnavailable", "unbilled", 503)
    assert getattr(trial.error, "retry_after", None) == 30


def test_an_unknown_model_is_the_callers_affair() -> None:
    """VLLM serves one name, and says so of any other."""
    suite = TestVllmOmni()
    suite.asgi = FakeLocal("vllm-omni", model="another")
    trial = ask(suite, "box/m", settings={"base_url": "http://fake.test/v1"})
    assert refused(trial) == ("UnknownModel", "unbilled", 404)


def test_a_path_on_the_server_is_no_picture() -> None:
    """Xinference's addresses are files of its own; nobody looks for them here."""
    reply = httpx.Response(200, json={"created": 1, "data": [{"url": "/root/images/1.jpg"}]})
    trial = ask(TestXinference(), "box/m", reply=reply)
    assert refused(trial) == ("InvalidProviderResponse", "billed", 200)
    assert len(trial.witness.requests) == 1


def test_what_comes_is_looked_at() -> None:
    """Xinference sends JPEG, and PNG where there is transparency."""
    text = picture_base64(64, 64, "png", "#00000000")
    reply = httpx.Response(200, json={"created": 1, "data": [{"b64_json": text}]})
    [image] = ask(TestXinference(), "box/m", reply=reply).answer().data
    assert image.info.format == "png"
