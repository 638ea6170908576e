"""ComfyUI's server with a handful of nodes, as an ASGI application for tests.

Sources: server.py and execution.py of ComfyUI (2025-10-12).
"""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from .asgi import Answer, Incoming, Receive, Refused, Scope, Send, answer, serve

__all__ = ["FakeComfyUI"]

Graph = dict[str, dict[str, Any]]

_COLOURS = ("#7a4a2b", "#2b5d7a", "#4a7a2b", "#7a2b5d", "#5d2b7a")

# The inputs of each node and what they are; `link` comes from another node.
_NODES: Mapping[str, Mapping[str, str]] = {
    "CheckpointLoaderSimple": {"ckpt_name": "checkpoint"},
    "CLIPTextEncode": {"text": "text", "clip": "link"},
    "EmptyLatentImage": {"width": "edge", "height": "edge", "batch_size": "count"},
    "KSampler": {
        "model": "link", "positive": "link", "negative": "link", "latent_image": "link", "seed": "count",
        "steps": "count", "cfg": "number", "sampler_name": "text", "scheduler": "text", "denoise": "number",
    },
    "LoadImage": {"image": "file"},
    "LoadImageMask": {"image": "file", "channel": "text"},
    "VAEEncode": {"pixels": "link", "vae": "link"},
    "SetLatentNoiseMask": {"samples": "link", "mask": "link"},
    "VAEDecode": {"samples": "link", "vae": "link"},
    "SaveImage": {"images": "link", "filename_prefix": "text"},
    "PreviewImage": {"images": "link"},
}  # fmt: skip


@dataclass
class _Job:
    """One queued graph; each look at it brings it nearer to its end."""

    id: str
    graph: Graph
    looks: int = 0
    entry: dict[str, Any] = field(default_factory=dict[str, Any])


class FakeComfyUI:
    """Queues, paints and forgets, as ComfyUI does.

    A job waits at the first look, runs at the second and has ended at the third. Words in any text of a graph
    ask for trouble: ``#broken`` (a node fails), ``#interrupted``, ``#cached`` (a success without outputs),
    ``#preview`` (a temporary picture besides), ``#forever`` (it never ends).

    Args:
        key: What a proxy in front wants as a bearer.
        checkpoints: The files that there are.
        renames: Whether uploads get another name than they were given.

    Attributes:
        graphs: Every graph that was queued, oldest first.
        uploads: Uploaded files by name.
        jobs: All jobs by id.
        withdrawn: Ids that were taken out of the queue.
        interrupted: What the bodies of interruptions named.
    """

    def __init__(
        self,
        *,
        key: str = "",
        checkpoints: tuple[str, ...] = ("sd15.safetensors",),
        renames: bool = False,
    ) -> None:
        self.key = key
        self.checkpoints = checkpoints
        self.renames = renames
        self.graphs: list[Graph] = []
        self.uploads: dict[str, bytes] = {}
        self.jobs: dict[str, _Job] = {}
        self.withdrawn: list[str] = []
        self.interrupted: list[object] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, incoming: Incoming) -> Answer:
        if self.key and not incoming.has("authorization", f"Bearer {self.key}"):
            raise Refused(answer({"error": "unauthorized"}, 401))
        what = (incoming.method, "/" + incoming.path.split("/")[1])
        match what:
            case ("POST", "/prompt"):
                return self._queue(incoming)
            case ("POST", "/upload") if incoming.path == "/upload/image":
                return self._upload(incoming)
            case ("GET", "/history"):
                return self._history(incoming.path.rpartition("/")[2])
            case ("GET", "/queue"):
                return self._state()
            case ("POST", "/queue"):
                self.withdrawn += incoming.json()["delete"]
                return answer({})
            case ("POST", "/interrupt"):
                self.interrupted.append(incoming.json().get("prompt_id"))
                return answer({})
            case ("GET", "/view"):
                return self._view(incoming.query)
            case _:
                raise Refused(answer({"error": "not found"}, 404))

    def _upload(self, incoming: Incoming) -> Answer:
        fields, files = incoming.form()
        if dict(fields) != {"type": "input", "overwrite": "true"} or len(files) != 1:
            raise Refused(answer({"error": "bad upload"}, 400))
        [upload] = files
        # A file may be kept under another name than it was sent with; the answer says which.
        name = f"1-{upload.filename}" if self.renames else upload.filename
        self.uploads[name] = upload.data
        return answer({"name": name, "subfolder": "", "type": "input"})

    def _queue(self, incoming: Incoming) -> Answer:
        body = incoming.json()
        if body.keys() - {"prompt", "client_id", "extra_data", "prompt_id"}:
            raise Refused(answer({"error": "unknown field"}, 400))
        graph = cast("Graph", body["prompt"])
        self._validate(graph)
        id = str(uuid.UUID(int=len(self.jobs) + 1))
        self.jobs[id] = _Job(id, graph)
        self.graphs.append(graph)
        return answer({"prompt_id": id, "number": len(self.jobs), "node_errors": {}})

    def _validate(self, graph: Graph) -> None:
        for id, node in graph.items():
            kind = node.get("class_type", "")
            if kind not in _NODES:
                _invalid("missing_node_type", f"Node '{kind}' not found.")
            inputs = node["inputs"]
            if stray := inputs.keys() ^ _NODES[kind].keys():
                _wrong(id, kind, "required_input_missing", min(stray), "")
            for name, expected in _NODES[kind].items():
                self._check(id, kind, name, expected, inputs[name], graph)
        if not any(node["class_type"] in {"SaveImage", "PreviewImage"} for node in graph.values()):
            _invalid("prompt_no_outputs", "Prompt has no outputs")

    def _check(
        self, id: str, kind: str, name: str, expected: str, value: object, graph: Graph
    ) -> None:
        known = {"checkpoint": self.checkpoints, "file": tuple(self.uploads)}.get(expected)
        number = value if isinstance(value, int) and not isinstance(value, bool) else -1
        right = {
            "link": isinstance(value, list) and cast("list[object]", value)[0] in graph,
            "text": isinstance(value, str),
            "count": 0 <= number < 2**64,
            "edge": 16 <= number <= 16384 and number % 8 == 0,
            "number": isinstance(value, int | float),
        }.get(expected, value in (known or ()))
        if not right:
            word = "value_not_in_list" if known is not None else "invalid_input_type"
            _wrong(id, kind, word, name, f"{name}: {value!r} not in {list(known or ())}")

    def _history(self, id: str) -> Answer:
        job = self.jobs.get(id)
        if job is None:
            return answer({})
        job.looks += 1
        if job.looks < 3 or _says(job.graph, "#forever"):
            return answer({})
        job.entry = job.entry or self._paint(job)
        return answer({id: job.entry})

    def _paint(self, job: _Job) -> dict[str, Any]:
        start: list[Any] = ["execution_start", {"prompt_id": job.id}]
        if _says(job.graph, "#broken"):
            error = {
                "prompt_id": job.id,
                "node_id": "sampler",
                "node_type": "KSampler",
                "exception_type": "RuntimeError",
                "exception_message": "mat1 and mat2 shapes cannot be multiplied",
                "traceback": ["a line"],
            }
            return _ended("error", [start, ["execution_error", error]], {})
        if _says(job.graph, "#interrupted"):
            messages = [start, ["execution_interrupted", {"prompt_id": job.id}]]
            return _ended("error", messages, {})
        # Some versions end a graph that has run before in success, and show nothing new.
        outputs = {} if _says(job.graph, "#cached") else self._outputs(job)
        return _ended("success", [start, ["execution_success", {"prompt_id": job.id}]], outputs)

    def _outputs(self, job: _Job) -> dict[str, Any]:
        width, height, count = self._canvas(job.graph)
        outputs: dict[str, Any] = {}
        for id, node in job.graph.items():
            if node["class_type"] in {"SaveImage", "PreviewImage"}:
                kind = "output" if node["class_type"] == "SaveImage" else "temp"
                names = [f"{job.id}_{width}x{height}_{place}.png" for place in range(count)]
                saved = [{"filename": name, "subfolder": "", "type": kind} for name in names]
                if _says(job.graph, "#preview"):
                    saved.insert(0, {**saved[0], "type": "temp"})
                outputs[id] = {"images": saved}
        return outputs

    def _canvas(self, graph: Graph) -> tuple[int, int, int]:
        from PIL import Image as Pillow

        for node in graph.values():
            if node["class_type"] == "EmptyLatentImage":
                fields = node["inputs"]
                return fields["width"], fields["height"], fields["batch_size"]
        name = next(n["inputs"]["image"] for n in graph.values() if n["class_type"] == "LoadImage")
        return (*Pillow.open(io.BytesIO(self.uploads[name])).size, 1)

    def _state(self) -> Answer:
        def listed(least: int) -> list[list[Any]]:
            return [[n, job.id] for n, job in enumerate(self.jobs.values()) if job.looks == least]

        return answer({"queue_running": listed(2), "queue_pending": listed(1)})

    def _view(self, query: Mapping[str, str]) -> Answer:
        from PIL import Image as Pillow
        from PIL.PngImagePlugin import PngInfo

        id, size, place = query["filename"].removesuffix(".png").split("_")
        # What lies in temp is a preview, and no result.
        if query.get("type") != "output" or id not in self.jobs:
            raise Refused(Answer(404, (b"",)))
        width, height = map(int, size.split("x"))
        text, out = PngInfo(), io.BytesIO()
        # As SaveImage does: the graph, and the prompt in it, go with the file.
        text.add_text("prompt", json.dumps(self.jobs[id].graph))
        colour = _COLOURS[int(place) % len(_COLOURS)]
        Pillow.new("RGB", (width, height), colour).save(out, "PNG", pnginfo=text)
        return Answer(200, (out.getvalue(),), "image/png")


def _says(graph: Graph, word: str) -> bool:
    return any(word in str(node["inputs"].get("text", "")) for node in graph.values())


def _ended(status: str, messages: list[list[Any]], outputs: dict[str, Any]) -> dict[str, Any]:
    told = {"status_str": status, "completed": status == "success", "messages": messages}
    return {"prompt": [], "outputs": outputs, "status": told}


def _invalid(kind: str, message: str, node_errors: Mapping[str, Any] | None = None) -> NoReturn:
    error: dict[str, Any] = {"type": kind, "message": message, "details": "", "extra_info": {}}
    raise Refused(answer({"error": error, "node_errors": node_errors or {}}, 400))


def _wrong(id: str, kind: str, word: str, name: str, details: str) -> NoReturn:
    messages = {
        "value_not_in_list": "Value not in list",
        "required_input_missing": "Required input is missing",
    }
    error: dict[str, Any] = {
        "type": word,
        "message": messages.get(word, "Failed to convert an input value"),
        "details": details or name,
        "extra_info": {"input_name": name},
    }
    found = {id: {"errors": [error], "dependent_outputs": ["output"], "class_type": kind}}
    _invalid("prompt_outputs_failed_validation", "Prompt outputs failed validation", found)
