"""Workflows: a graph as ComfyUI exports it for its API, and slots that say where our values go."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import JsonValue

from pinxit import Capability, ConfigError, InputImages, Mask, Seed, SizeRange
from pinxit.images import Polarity
from pinxit.types import Operation

__all__ = ["PICTURES", "RESERVED", "Place", "Workflow", "read", "text_to_image"]

PICTURES = ("image", "mask")
"""Slots that take the name of an uploaded file."""

RESERVED = frozenset(
    {"prompt", "negative", "seed", "width", "height", "batch", "checkpoint", *PICTURES}
)
"""Slots that the request fills; any other is a name for ``extra``, such as ``steps``."""

_MOST_AT_ONCE = 4


class Place(NamedTuple):
    """One input of one node."""

    node: str
    input: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Workflow:
    """One graph.

    Attributes:
        graph: Nodes by id, each with ``class_type`` and ``inputs``.
        slots: The inputs that each slot fills.
        output: The node whose pictures are the result.
    """

    graph: Mapping[str, Any]
    slots: Mapping[str, tuple[Place, ...]]
    output: str

    def fill(self, values: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Return the graph with values in its slots; slots without a value stay as they are.

        The value of ``image`` is a list: the first one goes to the first place, and where there are fewer
        than places, the last one to the rest.
        """
        # The graph is shared by all requests.
        graph = copy.deepcopy(dict(self.graph))
        for slot, value in values.items():
            for number, place in enumerate(self.slots.get(slot, ())):
                chosen = value
                if slot == "image" and isinstance(value, list):
                    chosen = value[min(number, len(value) - 1)]
                graph[place.node]["inputs"][place.input] = chosen
        return graph

    @property
    def free(self) -> tuple[str, ...]:
        """The slots that ``extra`` may fill."""
        return tuple(slot for slot in self.slots if slot not in RESERVED)

    def capability(self, operation: Operation) -> Capability:
        """Return what follows from the slots that there are."""
        edges = {"width", "height"} <= self.slots.keys()
        pictures = InputImages(max=len(self.slots.get("image", ())) or 1)
        edits = operation == "edit"
        return Capability(
            sizes=SizeRange(min_edge=64, max_edge=4096, multiple_of=8) if edges else None,
            max_n=_MOST_AT_ONCE if "batch" in self.slots else 1,
            seed=Seed() if "seed" in self.slots else None,
            negative_prompt="negative" in self.slots,
            images=None if operation == "generate" else pictures,
            mask=Mask(polarity=self._polarity(), soft=True)
            if edits and "mask" in self.slots
            else None,
            extra=self.free,
        )

    def _polarity(self) -> Polarity:
        """Say how the node that loads the mask reads it.

        `LoadImage` makes a mask of what is transparent, and so does `LoadImageMask` of the alpha channel;
        of a colour it repaints what is white.
        """
        node = self.graph[self.slots["mask"][0].node]
        by_colour = node["class_type"] == "LoadImageMask" and node["inputs"].get("channel") in {
            "red", "green", "blue"
        }  # fmt: skip
        return "white_edits" if by_colour else "transparent_edits"


def text_to_image() -> Workflow:
    """Return the shipped workflow: a checkpoint, a prompt, and a picture of it."""
    text = (files("pinxit_providers.comfyui") / "data" / "text_to_image.json").read_text("utf-8")
    slots = {
        "prompt": "prompt.text",
        "negative": "negative.text",
        "seed": "sampler.seed",
        "width": "canvas.width",
        "height": "canvas.height",
        "batch": "canvas.batch_size",
        "checkpoint": "checkpoint.ckpt_name",
        "steps": "sampler.steps",
        "cfg": "sampler.cfg",
        "sampler": "sampler.sampler_name",
        "scheduler": "sampler.scheduler",
    }
    graph = json.loads(text)
    return Workflow(graph=graph, slots=dict(_slots(slots, graph, "")), output="output")


# From a table --------------------------------------------------------------------------------------


def read(fields: Mapping[str, object], operation: Operation, place: str, folder: Path) -> Workflow:
    """Read a workflow that a table names.

    Args:
        fields: ``workflow`` is the path of a JSON file; ``slots`` has names, each with ``NODE.INPUT`` or a
            list of such places; ``output`` is the node whose pictures are the result, and may be left out
            where only one node saves any.
        operation: What the workflow is for.
        place: The path of the table, for errors.
        folder: What a relative path begins at.

    Raises:
        ConfigError: One sentence on the first thing that is wrong.
    """
    graph = _graph(fields.get("workflow"), f"{place}workflow", folder)
    found = dict(_slots(fields.get("slots"), graph, f"{place}slots"))
    needed = {"generate": ("prompt",), "edit": ("prompt", "image"), "variation": ("image",)}
    for slot in needed[operation]:
        if slot not in found:
            raise ConfigError(
                f'{place}slots: {slot!r} is missing; name its input, such as {slot} = "6.text"'
            )
    output = _output(fields.get("output"), graph, f"{place}output")
    return Workflow(graph=graph, slots=found, output=output)


def _graph(file: object, place: str, folder: Path) -> dict[str, Any]:
    if not isinstance(file, str) or not file:
        raise ConfigError(f"{place}: it is missing; name a JSON file")
    path = (folder / Path(file).expanduser()).resolve()
    try:
        found: object = json.loads(path.read_text("utf-8"))
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ConfigError(f"{place}: cannot read {str(path)!r}: {reason}") from error
    except ValueError as error:
        raise ConfigError(f"{place}: {path.name} is no JSON: {error}") from error
    graph = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    # The usual mistake: the editor saves in a format of its own.
    if "nodes" in graph:
        raise ConfigError(
            f"{place}: {path.name} is a workflow for ComfyUI's editor; export it there with Export (API)"
        )
    if not graph or not all(map(_is_node, graph.values())):
        raise ConfigError(
            f"{place}: {path.name} is no graph of nodes, each with class_type and inputs"
        )
    return graph


def _is_node(value: object) -> bool:
    node = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    return isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)


def _slots(
    slots: object, graph: Mapping[str, Any], place: str
) -> Iterator[tuple[str, tuple[Place, ...]]]:
    if not isinstance(slots, Mapping):
        raise ConfigError(f'{place}: it is no table; write slots = {{ prompt = "NODE.INPUT" }}')
    for slot, value in cast("Mapping[str, object]", slots).items():
        several = cast("list[object]", value) if isinstance(value, list) else [value]
        yield slot, tuple(_place(each, graph, f"{place}.{slot}") for each in several)


def _place(value: object, graph: Mapping[str, Any], place: str) -> Place:
    text = value if isinstance(value, str) else ""
    node, dot, name = text.rpartition(".")
    if not dot or not node or not name:
        raise ConfigError(f"{place}: {value!r:.80} is no NODE.INPUT, such as 6.text")
    if node not in graph:
        raise ConfigError(f"{place}: there is no node {node!r}; there are {', '.join(graph)}")
    inputs = graph[node]["inputs"]
    if name not in inputs:
        there = ", ".join(inputs) or "none"
        kind = graph[node]["class_type"]
        raise ConfigError(f"{place}: node {node} ({kind}) has no input {name!r}; there are {there}")
    # A list is a link to another node's output; a value there would cut the graph.
    if isinstance(inputs[name], list):
        raise ConfigError(
            f"{place}: {text} comes from another node; name the input of the node that it comes from"
        )
    return Place(node, name)


def _output(value: object, graph: Mapping[str, Any], place: str) -> str:
    saving = [
        node for node, fields in graph.items() if fields["class_type"].startswith("SaveImage")
    ]
    if value is None and len(saving) == 1:
        return saving[0]
    if value is None:
        found = ", ".join(saving) or "none of SaveImage"
        raise ConfigError(f"{place}: it is missing; name the node that saves the result ({found})")
    if str(value) not in graph:
        raise ConfigError(f"{place}: there is no node {value!r}; there are {', '.join(graph)}")
    return str(value)
