"""The sdapi family: what is sent in which order of precedence, and what is read."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from asking import ask, refused, sent
from pinxit import Capability, Image, InputImages, Mask, Model, Seed, Setting, SizeRange
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import mask, picture
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.protocols import sdapi
from pinxit_providers.protocols.endpoints import Endpoint

PNG = picture_base64(64, 64)
ABILITY = Capability(
    sizes=SizeRange(min_edge=64, max_edge=512, multiple_of=8),
    max_n=4,
    seed=Seed(),
    negative_prompt=True,
)
PICTURED = ABILITY.model_copy(
    update={"images": InputImages(), "mask": Mask(polarity="white_edits")}
)
SERVER = sdapi.Server(
    endpoint=Endpoint(
        provider="webui",
        base_url="http://webui.test",
        key_required=False,
        more=(Setting(name="steps", default=20),),
    ),
    defaults={"cfg_scale": 7},
    edit_defaults={"denoising_strength": 0.75},
    mask_defaults={"inpainting_fill": 1},
    settled={"steps": "steps"},
)


def model(name: str) -> Model:
    unmasked = PICTURED.model_copy(update={"mask": None})
    return Model(
        id=f"webui/{name}",
        operations={"generate": ABILITY, "edit": PICTURED, "variation": unmasked},
    )


class Webui(ProviderTests):
    __test__ = False
    plugin = sdapi.provider(SERVER, model("default"), model("sd15"))
    ok = {"images": [PNG], "parameters": {}, "info": ""}
    settings = {}


def told(*images: str, **info: Any) -> httpx.Response:
    return httpx.Response(200, json={"images": [*images], "info": json.dumps(info)})


def test_a_generation_in_full() -> None:
    """Everything that was asked is sent, with the operator's steps, and no seed is -1."""
    trial = ask(Webui(), "webui/default", size="128x256", n=2, negative_prompt="fog")
    assert sent(trial) == {
        "prompt": "a red fox in the snow",
        "negative_prompt": "fog",
        "seed": -1,
        "batch_size": 1,
        "n_iter": 2,
        "width": 128,
        "height": 256,
        "cfg_scale": 7,
        "steps": 20,
        "send_images": True,
    }
    assert str(trial.witness.requests[0].url) == "http://webui.test/sdapi/v1/txt2img"


def test_a_named_checkpoint_is_loaded() -> None:
    """The model's name is an override of the server's checkpoint; others stay as `extra` has them."""
    extra = {
        "webui": {"override_settings": {"CLIP_stop_at_last_layers": 2, "sd_model_checkpoint": "x"}}
    }
    assert sent(ask(Webui(), "webui/sd15", extra=extra))["override_settings"] == {
        "CLIP_stop_at_last_layers": 2,
        "sd_model_checkpoint": "sd15",
    }
    assert "override_settings" not in sent(ask(Webui(), "webui/default"))


def test_extra_wins_over_defaults_and_loses_to_the_request() -> None:
    """A caller may change steps or scale, and never what was fitted."""
    extra = {
        "webui": {"steps": 8, "cfg_scale": 3, "n_iter": 40, "width": 9000, "send_images": False}
    }
    body = sent(ask(Webui(), "webui/default", size="64x64", extra=extra))
    assert (body["steps"], body["cfg_scale"]) == (8, 3)
    assert (body["n_iter"], body["width"], body["send_images"]) == (1, 64, True)


def test_the_operator_settles_steps() -> None:
    """A setting stands in every request that says nothing else."""
    assert sent(ask(Webui(), "webui/default", settings={"steps": 4}))["steps"] == 4


def test_an_edit_keeps_the_pictures_size() -> None:
    """Without a size the result is as large as the picture, in the multiples that models want."""
    image = Image(picture("png", 101, 203))
    body = sent(ask(Webui(), "webui/default", "edit", images=[image]))
    assert (body["width"], body["height"]) == (104, 200)
    assert body["init_images"] == [image.b64_json]
    assert (body["denoising_strength"], "inpainting_fill" in body) == (0.75, False)


def test_a_mask_changes_the_defaults() -> None:
    """What lies under a mask is where repainting begins."""
    fields: dict[str, Any] = {
        "images": [Image(picture("png", 64, 64))],
        "mask": Image(mask(64, 64)),
    }
    trial = ask(Webui(), "webui/default", "edit", **fields)
    assert sent(trial)["inpainting_fill"] == 1
    assert sent(trial)["mask"]
    assert str(trial.witness.requests[0].url) == "http://webui.test/sdapi/v1/img2img"


def test_a_variation_has_no_words() -> None:
    """The webui wants a prompt, and an empty one is allowed."""
    body = sent(ask(Webui(), "webui/default", "variation"))
    assert (body["prompt"], len(body["init_images"])) == ("", 1)


def test_each_picture_knows_its_seed() -> None:
    """Seeds stand in JSON inside a text, one per picture."""
    trial = ask(Webui(), "webui/default", n=2, reply=told(PNG, PNG, all_seeds=[7, 8], seed=7))
    assert [image.seed for image in trial.answer().data] == [7, 8]


def test_grids_and_maps_are_left_out() -> None:
    """A grid may come before the pictures, and what extensions drew behind them."""
    grid, second, map = (picture_base64(64 + 8 * k, 64) for k in (1, 2, 3))
    reply = told(grid, PNG, second, map, all_seeds=[7, 8], index_of_first_image=1)
    trial = ask(Webui(), "webui/default", n=2, reply=reply)
    assert [image.info.width for image in trial.answer().data] == [64, 80]


@pytest.mark.parametrize("info", ["", None, "{broken", "[]", 17, {"all_seeds": "7"}])
def test_pictures_without_information_are_pictures(info: object) -> None:
    """sd-server sends an empty text; whatever stands there costs nobody a picture."""
    reply = httpx.Response(200, json={"images": [PNG, PNG], "info": info})
    data = ask(Webui(), "webui/default", reply=reply).answer().data
    assert [image.seed for image in data] == [None]


@pytest.mark.parametrize("first", [1, 9, -1, "1"])
def test_a_wrong_place_loses_no_picture(first: object) -> None:
    """The first picture stands where there is one."""
    reply = told(PNG, all_seeds=[3], index_of_first_image=first)
    assert len(ask(Webui(), "webui/default", reply=reply).answer().data) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "OutOfMemoryError", "detail": "", "errors": "CUDA out of memory."}, "CUDA out"),
        ({"error": "HTTPException", "detail": "Sampler not found", "errors": ""}, "Sampler not"),
        ({"error": "server_error", "message": "generate_image failed"}, "generate_image failed"),
        ({"error": "RuntimeError", "detail": "", "errors": ""}, "RuntimeError"),
    ],
)
def test_errors_say_what_happened(body: dict[str, Any], message: str) -> None:
    """The class of an exception is told only where there is nothing better."""
    trial = ask(Webui(), "webui/default", reply=httpx.Response(500, json=body))
    assert refused(trial) == ("ProviderUnavailable", "unbilled", 500)
    assert str(trial.failure()).startswith(message)
