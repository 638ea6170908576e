"""ComfyUI: the whole contract against a stand-in, graphs in full, ends of jobs, cancellation."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from PIL import Image as Pillow

from asking import ask, planned, refused, settings_of
from pinxit import Context, GenerateRequest, Image, Seed, Settings
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import mask, picture
from pinxit.testing.trials import Trial
from pinxit_providers.comfyui import PLUGIN
from pinxit_providers.fakes.comfyui import FakeComfyUI

HERE = Path(__file__).parent
KEY = "a-key-of-a-proxy-0123456789"
MODEL = "comfyui/sd15.safetensors"
URL = {"base_url": "http://comfy.test"}
TEXT = Path(__file__).parents[3] / "providers/pinxit_providers/comfyui/data/text_to_image.json"

GENERATE: dict[str, Any] = {
    "workflow": str(TEXT),
    "slots": {
        "prompt": "prompt.text",
        "negative": "negative.text",
        "seed": "sampler.seed",
        "width": "canvas.width",
        "height": "canvas.height",
        "batch": "canvas.batch_size",
        "checkpoint": "checkpoint.ckpt_name",
        "steps": "sampler.steps",
    },
}
EDIT: dict[str, Any] = {
    "workflow": str(HERE / "inpaint.json"),
    "output": "10",
    "slots": {"prompt": "2.text", "seed": "8.seed", "image": "4.image", "mask": "5.image"},
}
TABLE: dict[str, Any] = {
    "plugin": "comfyui",
    "models": {"sd15.safetensors": {"operations": {"generate": GENERATE, "edit": EDIT}}},
}


class TestComfyUI(ProviderTests):
    """A table with a workflow for each operation, behind a proxy that wants a key."""

    plugin = PLUGIN.create_plugin("studio", TABLE, HERE)
    asgi = FakeComfyUI(key=KEY)
    settings = {**URL, "api_key": KEY}
    most_pixels = 512 * 512


STUDIO = "studio/sd15.safetensors"


def studio(**fake: Any) -> TestComfyUI:
    """Return the same behind no proxy, with a stand-in of its own."""
    suite = TestComfyUI()
    suite.asgi = FakeComfyUI(**fake)
    suite.settings = URL
    return suite


def shipped() -> ProviderTests:
    class Shipped(ProviderTests):
        __test__ = False
        plugin = PLUGIN
        asgi = FakeComfyUI()
        settings = URL

    return Shipped()


def graph(trial: Trial) -> dict[str, Any]:
    """Return the graph that was queued."""
    [order] = [r for r in trial.witness.requests if r.url.path == "/prompt"]
    body = json.loads(order.content)
    assert list(body) == ["prompt"]
    return cast("dict[str, Any]", body["prompt"])


def test_any_checkpoint_has_a_workflow() -> None:
    """The shipped one takes a checkpoint by its file's name, and everything else from the request."""
    extra = {"comfyui": {"steps": 8, "scheduler": "karras"}}
    trial = ask(
        shipped(),
        MODEL,
        prompt="a fox",
        size="128x64",
        n=2,
        seed=7,
        negative_prompt="fog",
        extra=extra,
    )
    found = graph(trial)
    assert found["checkpoint"]["inputs"]["ckpt_name"] == "sd15.safetensors"
    assert found["prompt"]["inputs"]["text"] == "a fox"
    assert found["negative"]["inputs"]["text"] == "fog"
    assert found["canvas"]["inputs"] == {"width": 128, "height": 64, "batch_size": 2}
    sampler = found["sampler"]["inputs"]
    assert (sampler["seed"], sampler["steps"], sampler["scheduler"]) == (7, 8, "karras")
    assert [image.info.size for image in trial.answer().data] == ["128x64"] * 2
    assert [image.seed for image in trial.answer().data] == [7, 7]


def test_a_graph_in_the_file_stays_as_it_was() -> None:
    """What one request fills in is not there in the next."""
    suite = studio()
    ask(suite, STUDIO, prompt="a fox", size="64x64", negative_prompt="fog").answer()
    found = graph(ask(suite, STUDIO, prompt="a crow"))
    assert found["negative"]["inputs"]["text"] == ""
    assert found["canvas"]["inputs"]["width"] == 1024


def test_slots_without_a_value_keep_the_files() -> None:
    """A workflow's own negative prompt holds where a caller gives none."""
    found = graph(ask(studio(), STUDIO, "edit", prompt="a hat"))
    assert found["3"]["inputs"]["text"] == "ugly"
    assert found["8"]["inputs"]["steps"] == 20


def test_each_request_has_a_seed_of_its_own() -> None:
    """A graph that was seen before makes nothing new; the same order is the same graph."""
    suite = studio()

    def seed(key: str, min: int = 0, max: int = 2**32 - 1) -> int:
        request = GenerateRequest(prompt="a fox")
        context = Context(http=httpx.AsyncClient(), settings=Settings(URL), idempotency_key=key)
        model = suite.plugins().registry.get(STUDIO)
        taken = model.operations["generate"].model_copy(update={"seed": Seed(min=min, max=max)})
        model = model.model_copy(update={"operations": {"generate": taken}})
        body = suite.plugins().preview(request, model, context)
        assert body is not None
        return int(json.loads(body.content)["prompt"]["sampler"]["inputs"]["seed"])

    assert seed("req_1") == seed("req_1") != seed("req_2")
    assert 0 <= seed("") < 2**32
    assert {seed(f"req_{place}", min=3, max=5) for place in range(50)} == {3, 4, 5}


def test_an_edit_uploads_first() -> None:
    """Pictures have the names of their contents, so that the plan can tell the graph."""
    image, half = Image(picture("png", 64, 64)), Image(mask(64, 64))
    suite = studio()
    trial = ask(suite, STUDIO, "edit", prompt="a hat", images=[image], mask=half)
    paths = [request.url.path for request in trial.witness.requests]
    assert paths[:3] == ["/upload/image", "/upload/image", "/prompt"]
    found = graph(trial)
    name = f"pinxit-{image.digest()[:32]}.png"
    assert found["4"]["inputs"]["image"] == name
    assert suite.asgi.uploads[name] == image.data
    assert found["5"]["inputs"]["image"] in suite.asgi.uploads
    assert trial.answer().data[0].info.size == "64x64"


def test_an_edit_without_a_mask_repaints_everything() -> None:
    """The workflow's place for a mask must not stay empty."""
    suite = studio()
    found = graph(ask(suite, STUDIO, "edit", images=[Image(picture("png", 64, 64))]))
    data = suite.asgi.uploads[found["5"]["inputs"]["image"]]

    sent = Pillow.open(io.BytesIO(data))
    assert (sent.size, sent.getpixel((3, 3))) == ((64, 64), (255, 255, 255, 0))


def test_the_same_picture_is_uploaded_once() -> None:
    """A picture for two places is one file."""
    slots = {k: v for k, v in EDIT["slots"].items() if k != "mask"}
    edit = {**EDIT, "slots": {**slots, "image": ["4.image", "5.image"]}}

    class Twice(ProviderTests):
        __test__ = False
        plugin = PLUGIN.create_plugin(
            "studio", {"models": {"m": {"operations": {"edit": edit}}}}, HERE
        )
        asgi = FakeComfyUI()
        settings = URL

    suite = Twice()
    trial = ask(suite, "studio/m", "edit", images=[Image(picture("png", 64, 64))])
    assert len(suite.asgi.uploads) == 1
    found = graph(trial)
    assert found["4"]["inputs"]["image"] == found["5"]["inputs"]["image"]


def test_an_upload_elsewhere_ends_it() -> None:
    """The graph names the file: nothing is queued that would load another one."""
    suite = studio(renames=True)
    trial = ask(suite, STUDIO, "edit")
    assert refused(trial)[:2] == ("InvalidProviderResponse", "ambiguous")
    assert not suite.asgi.graphs


def test_pictures_lose_the_workflow() -> None:
    """ComfyUI writes graph and prompt into files; they are told to nobody unless somebody wants that."""
    suite = studio()
    [image] = ask(suite, STUDIO, prompt="a secret fox").answer().data
    assert b"a secret fox" not in image.data
    kept = ask(suite, STUDIO, prompt="a secret fox", settings={**URL, "keep_metadata": True})
    assert b"a secret fox" in kept.answer().data[0].data


def test_previews_are_no_results() -> None:
    """Temporary pictures, and those of other nodes, are left out."""
    assert len(ask(studio(), STUDIO, prompt="a fox #preview").answer().data) == 1


@pytest.mark.parametrize(
    ("prompt", "meaning", "message"),
    [
        (
            "a fox #broken",
            ("ProviderError", "billed", 200),
            "ComfyUI: node sampler (KSampler) failed: mat1 and mat2 shapes cannot be multiplied",
        ),
        (
            "a fox #interrupted",
            ("ProviderError", "billed", 200),
            "ComfyUI: somebody interrupted the job",
        ),
        (
            "a fox #cached",
            ("InvalidProviderResponse", "billed", 200),
            "node output saved no picture; it must be the one that saves the result",
        ),
    ],
)
def test_ends_that_are_none(prompt: str, meaning: tuple[str, str, int], message: str) -> None:
    """A failure comes under the status of a success, and says which node it was."""
    trial = ask(studio(), STUDIO, prompt=prompt)
    assert refused(trial) == meaning
    assert str(trial.error) == message


def test_a_graph_that_is_refused_says_which_input() -> None:
    """What the server finds wrong with a node is more than that the graph is wrong."""
    trial = ask(shipped(), "comfyui/sdxl.safetensors")
    assert refused(trial) == ("RequestError", "unbilled", 400)
    assert "ckpt_name: 'sdxl.safetensors' not in ['sd15.safetensors']" in str(trial.error)


async def cancelled(fake: FakeComfyUI, seconds: float) -> None:
    """Queue a job that never ends, and hang up after so many seconds."""
    model = PLUGIN.models[0].model_copy(update={"id": MODEL})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(fake)) as http:
        context = Context(http=http, settings=Settings(URL), idempotency_key="req_1")
        request = GenerateRequest(prompt="a fox #forever", model=MODEL)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds):
                await PLUGIN.generate(request, model, context)


@pytest.mark.virtual_time
async def test_a_waiting_job_is_taken_out_of_the_queue() -> None:
    """Nothing is interrupted for it: what runs is somebody else's."""
    fake = FakeComfyUI()
    await cancelled(fake, 0.9)
    assert fake.withdrawn == list(fake.jobs)
    assert fake.interrupted == []


@pytest.mark.virtual_time
async def test_a_running_job_is_stopped_by_its_name() -> None:
    """Only where the queue says that it is ours that runs."""
    fake = FakeComfyUI()
    await cancelled(fake, 1.5)
    assert fake.interrupted == list(fake.jobs)


def test_settings_come_from_the_environment() -> None:
    """The variables are those that other programs use for the same server."""
    names = {"COMFYUI_BASE_URL": "http://gpu:8188", "COMFYUI_API_KEY": KEY}
    settings = settings_of(PLUGIN, "comfyui", **names)
    assert (settings["base_url"], settings["api_key"]) == ("http://gpu:8188", KEY)
    usual = settings_of(PLUGIN, "comfyui")
    assert (usual["base_url"], usual["keep_metadata"]) == ("http://127.0.0.1:8188", False)


def test_no_checkpoint_is_described() -> None:
    """Which files there are is the operator's affair; the plan says so."""
    candidate = planned(PLUGIN, GenerateRequest(prompt="a fox", model="comfyui/any.safetensors"))
    assert candidate.blocked is None
    assert any("is undeclared" in note for note in candidate.notes)
