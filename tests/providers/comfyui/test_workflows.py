"""Workflows that a table names: what follows from their slots, and what is said of mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from pages import block
from pinxit import Capability, Config, ConfigError, Model, Plugins, Router, SizeRange
from pinxit_providers.comfyui import PLUGIN
from pinxit_providers.comfyui._workflows import read, text_to_image

HERE = Path(__file__).parent
INPAINT = HERE / "inpaint.json"
SLOTS: dict[str, Any] = {"prompt": "2.text", "image": "4.image"}


def capability(slots: dict[str, Any]) -> Capability:
    fields = {"workflow": str(INPAINT), "slots": slots, "output": "10"}
    return read(fields, "edit", "", HERE).capability("edit")


def models(**table: Any) -> tuple[Model, ...]:
    plugin = PLUGIN.create_plugin("studio", table, HERE)
    return tuple(Plugins(plugin, discover=False).registry)


def test_limits_follow_from_slots() -> None:
    """What has no slot is not taken."""
    least = capability(SLOTS)
    assert (least.sizes, least.max_n, least.seed, least.negative_prompt, least.mask) == (
        None, 1, None, False, None
    )  # fmt: skip
    more = capability({**SLOTS, "negative": "3.text", "seed": "8.seed", "steps": "8.steps"})
    assert (more.negative_prompt, more.seed is not None, more.extra) == (True, True, ("steps",))


def test_the_shipped_workflow_takes_all() -> None:
    """Sizes, several pictures, seeds, and the sampler's settings through `extra`."""
    found = text_to_image().capability("generate")
    assert isinstance(found.sizes, SizeRange)
    assert (found.max_n, found.images) == (4, None)
    assert found.extra == ("steps", "cfg", "sampler", "scheduler")


@pytest.mark.parametrize(
    ("kind", "channel", "polarity"),
    [
        ("LoadImage", None, "transparent_edits"),
        ("LoadImageMask", "alpha", "transparent_edits"),
        ("LoadImageMask", "red", "white_edits"),
    ],
)
def test_a_mask_is_read_as_its_node_reads_it(
    kind: str, channel: str | None, polarity: str, tmp_path: Path
) -> None:
    """Some nodes repaint what is transparent, some what is white."""
    graph = json.loads(INPAINT.read_text())
    graph["5"] = {"class_type": kind, "inputs": {"image": "x.png", "channel": channel}}
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(graph))
    fields = {"workflow": str(file), "slots": {**SLOTS, "mask": "5.image"}}
    found = read(fields, "edit", "", HERE).capability("edit")
    assert found.mask is not None
    assert found.mask.polarity == polarity


def test_several_pictures_have_several_places() -> None:
    """The first picture goes to the first place, and the last one to all that are left."""
    fields = {"workflow": str(INPAINT), "slots": {**SLOTS, "image": ["4.image", "5.image"]}}
    workflow = read(fields, "edit", "", HERE)
    images = workflow.capability("edit").images
    assert images is not None
    assert images.max == 2
    cases: list[tuple[list[JsonValue], list[str]]] = [
        (["a", "b"], ["a", "b"]), (["a"], ["a", "a"])
    ]  # fmt: skip
    for given, wanted in cases:
        graph = workflow.fill({"image": given})
        assert [graph[node]["inputs"]["image"] for node in ("4", "5")] == wanted


def test_one_value_may_have_several_places() -> None:
    """Two samplers may share a seed."""
    slots = {**SLOTS, "seed": ["8.seed", "8.steps"]}
    workflow = read({"workflow": str(INPAINT), "slots": slots}, "edit", "", HERE)
    inputs = workflow.fill({"seed": 9})["8"]["inputs"]
    assert (inputs["seed"], inputs["steps"]) == (9, 9)


def test_a_table_may_narrow_the_limits() -> None:
    """Fields of a capability stand beside the workflow."""
    edit = {"workflow": str(INPAINT), "slots": SLOTS, "max_prompt": 300, "output_formats": ["webp"]}
    [model] = models(models={"inpaint": {"operations": {"edit": edit}, "title": "Mending"}})
    found = model.operations["edit"]
    assert (model.id, model.title, found.max_prompt) == ("studio/inpaint", "Mending", 300)
    assert found.output_formats == ("webp",)


def test_a_star_is_a_workflow_for_any_name() -> None:
    """With a slot for the checkpoint, one workflow serves them all."""
    edit = {"workflow": str(INPAINT), "slots": {**SLOTS, "checkpoint": "1.ckpt_name"}}
    plugin = PLUGIN.create_plugin("studio", {"models": {"*": {"operations": {"edit": edit}}}}, HERE)
    registry = Plugins(plugin, discover=False).registry
    assert registry.get("studio/any.safetensors").declared is False


def test_a_table_without_models_is_another_server() -> None:
    """Its checkpoints are called as those of the first one."""
    plugin = PLUGIN.create_plugin("gpu2", {"base_url": "http://gpu2:8188"}, HERE)
    assert [model.id for model in plugin.models] == ["gpu2/*"]


def test_the_pages_example_is_a_provider(tmp_path: Path) -> None:
    """Its slots are places of graphs as ComfyUI exports them, in files beside the configuration."""
    names = {
        "3": ["seed", "steps"], "5": ["width", "height", "batch_size"], "6": ["text"], "7": ["text"],
        "10": ["image"], "11": ["image"],
    }  # fmt: skip
    graph = {
        node: {"class_type": "Any", "inputs": dict.fromkeys(inputs)}
        for node, inputs in names.items()
    }
    graph["9"] = {"class_type": "SaveImage", "inputs": {}}
    (tmp_path / "workflows").mkdir()
    for name in ("portrait", "mend"):
        (tmp_path / "workflows" / f"{name}.json").write_text(json.dumps(graph))
    (tmp_path / "pinxit.toml").write_text(block("providers.md", "toml", "ComfyUI").text)
    model = Router(Config.load(tmp_path / "pinxit.toml")).registry.get("studio/portrait")
    generate, edit = model.operations["generate"], model.operations["edit"]
    assert (generate.max_n, generate.extra, edit.mask is not None) == (4, ("steps",), True)
    assert isinstance(generate.sizes, SizeRange)
    assert generate.sizes.multiple_of == 64


def edit(**fields: Any) -> dict[str, Any]:
    table = {"workflow": str(INPAINT), "slots": SLOTS, **fields}
    operations = {"edit": {name: value for name, value in table.items() if value is not None}}
    return {"models": {"m": {"operations": operations}}}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"workflow": {}}, "workflow: there is no such field; there are plugin, base_url"),
        ({"base_url": "comfy"}, "base_url: it is no http(s) address"),
        ({"models": {"m": {}}}, "models.m.operations: it is missing; write"),
        (
            {"models": {"m": {"operations": {"upscale": {}}}}},
            "operations.upscale: it is none; there are",
        ),
        (
            {"models": {"m": {"operations": {"edit": 3}}}},
            "operations.edit: it is no table with a work",
        ),
        (edit(workflow=None), "models.m.operations.edit.workflow: it is missing; name a JSON file"),
        (
            edit(workflow="/nowhere.json"),
            "edit.workflow: cannot read '/nowhere.json': no such file",
        ),
        (edit(workflow=__file__), "edit.workflow: test_workflows.py is no JSON"),
        (edit(slots=None), "edit.slots: it is no table; write slots = { prompt = "),
        (
            edit(slots={"image": "4.image"}),
            "edit.slots: 'prompt' is missing; name its input, such as",
        ),
        (edit(slots={"prompt": "2.text"}), "edit.slots: 'image' is missing"),
        (
            edit(slots={**SLOTS, "seed": "8"}),
            "edit.slots.seed: '8' is no NODE.INPUT, such as 6.text",
        ),
        (edit(slots={**SLOTS, "seed": 8}), "edit.slots.seed: 8 is no NODE.INPUT"),
        (
            edit(slots={**SLOTS, "seed": "88.seed"}),
            "edit.slots.seed: there is no node '88'; there are 1,",
        ),
        (
            edit(slots={**SLOTS, "seed": "8.sed"}),
            "edit.slots.seed: node 8 (KSampler) has no input 'sed'; there are model, positive",
        ),
        (
            edit(slots={**SLOTS, "seed": "8.model"}),
            "edit.slots.seed: 8.model comes from another node; name the input of the node that it",
        ),
        (edit(output="99"), "edit.output: there is no node '99'; there are 1, 2"),
        (
            edit(max_m=3),
            "models.m.operations.edit.max_m: there is no such field; did you mean 'max_n'?",
        ),
    ],
)
def test_mistakes_are_told_with_their_place(table: dict[str, Any], message: str) -> None:
    """The field and the remedy stand in one sentence, before anything is sent."""
    with pytest.raises(ConfigError) as caught:
        models(**table)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (
            {"nodes": [], "links": []},
            "is a workflow for ComfyUI's editor; export it there with Export",
        ),
        ({}, "is no graph of nodes, each with class_type and inputs"),
        ([], "is no graph of nodes"),
        ({"1": {"class_type": "LoadImage"}}, "is no graph of nodes"),
        (
            {"1": {"class_type": "X", "inputs": {"text": ""}}},
            "output: it is missing; name the node that",
        ),
    ],
)
def test_files_that_are_no_graphs(graph: Any, message: str, tmp_path: Path) -> None:
    """The editor's own format cannot be queued, and says so itself."""
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(graph))
    with pytest.raises(ConfigError) as caught:
        read({"workflow": str(file), "slots": {"prompt": "1.text"}}, "generate", "", HERE)
    assert message in str(caught.value)
