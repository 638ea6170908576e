"""ComfyUI's own server: pictures are uploaded, a graph is queued, its end is polled, results are fetched."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import httpx
from pydantic import JsonValue

from pinxit import (
    Context,
    EditRequest,
    GenerateRequest,
    Image,
    ImagesResponse,
    Model,
    ProviderError,
    Seed,
    Setting,
    VariationRequest,
)
from pinxit.images import strip
from pinxit.translation import provider_errors
from pinxit.types import Operation, Request, parse_size
from pinxit_providers.protocols import jobs
from pinxit_providers.protocols.bodies import Part, form_request, json_request
from pinxit_providers.protocols.complaints import SILENT
from pinxit_providers.protocols.downloads import bring
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.jobs import Job, Jobs, State
from pinxit_providers.protocols.media import Asked
from pinxit_providers.protocols.pictures import Reader
from pinxit_providers.protocols.plugin import Provider
from pinxit_providers.protocols.reading import Reply, read_reply
from pinxit_providers.protocols.values import mapping, sequence

from ._masks import whole
from ._workflows import RESERVED, Workflow

__all__ = ["Find", "provider"]

Find = Callable[[Model, Operation], Workflow]
"""Returns the workflow of a model's operation."""


def provider(
    endpoint: Endpoint, find: Find, *models: Model, settings: tuple[Setting, ...] = ()
) -> Provider:
    """Return the plugin of a server."""
    service = Jobs(
        endpoint=endpoint,
        build=partial(_build, endpoint, find),
        accepted=_accepted,
        state=_state,
        collect=partial(_collect, endpoint, find),
        withdraw=partial(_withdraw, endpoint),
        interval=0.5,
        # The server is near and idle while it paints; what waits are people.
        ceiling=2.0,
    )
    return Provider(
        models=models,
        settings=(*endpoint.settings, *settings),
        build=service.build,
        call=partial(_call, service, find),
    )


async def _call(
    service: Jobs, find: Find, request: Request, model: Model, context: Context
) -> ImagesResponse:
    endpoint = service.endpoint
    secrets = endpoint.secrets(context)
    # Before the graph: it names files, and they must be there when it is checked.
    for picture in _uploads(request, find(model, request.operation)):
        await _upload(endpoint, picture, context)
    answer = await jobs.call(service, request, model, context)
    found = await bring(endpoint, answer, context, Reader(context, secrets))
    if context.settings.get("keep_metadata"):
        return found
    data = [await asyncio.to_thread(_stripped, image) for image in found.data]
    return found.model_copy(update={"data": tuple(data)})


def _stripped(image: Image) -> Image:
    """Return a picture without the workflow, and the prompt in it, that ComfyUI writes into files."""
    stripped = image.replace(strip(image.data))
    stripped.seed = image.seed
    return stripped


# What is sent --------------------------------------------------------------------------------------


def _build(
    endpoint: Endpoint, find: Find, request: Request, model: Model, context: Context
) -> httpx.Request:
    workflow = find(model, request.operation)
    graph = workflow.fill(_values(request, model, context) | _files(request, workflow))
    headers = endpoint.request_headers(context)
    return json_request(context, endpoint.url(context, "/prompt"), headers, {"prompt": graph})


def _values(request: Request, model: Model, context: Context) -> dict[str, JsonValue]:
    mine = request.extra.get(model.provider, {})
    values: dict[str, JsonValue] = {k: v for k, v in mine.items() if k not in RESERVED}
    values |= {
        "batch": request.n,
        "seed": _seed(request, model, context),
        "checkpoint": model.name,
    }
    if not isinstance(request, VariationRequest):
        values["prompt"] = request.prompt
    if request.negative_prompt:
        values["negative"] = request.negative_prompt
    if edges := parse_size(request.size):
        values |= {"width": edges[0], "height": edges[1]}
    return values


def _seed(request: Request, model: Model, context: Context) -> int:
    """Return a seed that differs from request to request: a graph that was seen before makes nothing new.

    It follows from the request's key, so that the same order is the same graph.
    """
    if request.seed is not None:
        return request.seed
    key = context.idempotency_key or context.request_id
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    taken = model.operations[request.operation].seed or Seed()
    # Within the limits of the input: the server refuses a graph with a seed beyond them.
    return taken.min + number % (taken.max - taken.min + 1)


def _name(image: Image) -> str:
    """Return the name of an uploaded picture: that of its contents, so that a plan can tell it."""
    return f"pinxit-{image.digest()[:32]}.{image.format}"


def _files(request: Request, workflow: Workflow) -> dict[str, JsonValue]:
    """Return the names of the pictures that a graph loads."""
    found: dict[str, JsonValue] = {}
    if not isinstance(request, GenerateRequest):
        found["image"] = [_name(image) for image in request.images]
    if (mask := _mask(request, workflow)) is not None:
        found["mask"] = _name(mask)
    return found


def _mask(request: Request, workflow: Workflow) -> Image | None:
    if not isinstance(request, EditRequest) or "mask" not in workflow.slots:
        return None
    return request.mask or whole(request.images[0])


def _uploads(request: Request, workflow: Workflow) -> Iterator[Image]:
    """Yield each picture that the graph names, once."""
    if isinstance(request, GenerateRequest):
        return
    mask = _mask(request, workflow)
    pictures = (*request.images, *([mask] if mask is not None else []))
    yield from {_name(picture): picture for picture in pictures}.values()


async def _upload(endpoint: Endpoint, picture: Image, context: Context) -> None:
    name = _name(picture)
    message = form_request(
        context,
        endpoint.url(context, "/upload/image"),
        endpoint.request_headers(context),
        # The same contents have the same name, so nothing of anybody's is lost.
        {"type": "input", "overwrite": "true"},
        [Part("image", name, picture)],
    )
    fields = (await _ask(endpoint, message, context)).json()
    if (fields.get("name"), fields.get("subfolder") or "") != (name, ""):
        # The graph names the file; another one would be painted over.
        raise jobs.billed(
            Reader(context, ()).useless(
                "the server put an uploaded picture elsewhere than it was told"
            ),
        )


async def _ask(endpoint: Endpoint, message: httpx.Request, context: Context) -> Reply:
    secrets = endpoint.secrets(context)
    with provider_errors(secrets):
        response = await context.http.send(message, stream=True, follow_redirects=False)
        return await read_reply(response, vocabulary=SILENT, secrets=secrets)


async def _withdraw(endpoint: Endpoint, job: Job, asked: Asked) -> None:
    """Take a job out of the queue, or stop it where it is the one that runs.

    Older servers stop whatever runs, whichever job is named: so the queue is looked at first.
    """
    context = asked.context
    headers = endpoint.request_headers(context)
    queue = endpoint.url(context, "/queue")
    await _ask(endpoint, json_request(context, queue, headers, {"delete": [job.id]}), context)
    look = context.http.build_request("GET", queue, headers=headers)
    running = sequence((await _ask(endpoint, look, context)).json().get("queue_running"))
    if any(sequence(item)[1:2] == [job.id] for item in running):
        stop = endpoint.url(context, "/interrupt")
        await _ask(endpoint, json_request(context, stop, headers, {"prompt_id": job.id}), context)


# What comes ----------------------------------------------------------------------------------------


def _accepted(reply: Reply, asked: Asked) -> Job:
    id = jobs.identity(reply.json().get("prompt_id"), asked)
    return Job(id=id, poll=f"/history/{id}", fields={"id": id})


def _entry(reply: Reply, asked: Asked) -> Mapping[str, object]:
    return mapping(reply.json().get(str(asked.accepted["id"])))


def _state(reply: Reply, asked: Asked) -> State:
    entry = _entry(reply, asked)
    # The history knows nothing of a job until it has ended.
    if not entry:
        return "pending"
    status = mapping(entry.get("status"))
    for message in sequence(status.get("messages")):
        match sequence(message):
            case ["execution_error", details]:
                raise _failure(mapping(details), asked)
            case ["execution_interrupted", *_]:
                raise ProviderError(
                    "ComfyUI: somebody interrupted the job",
                    upstream_status=reply.status,
                    billing="billed",
                )
            case _:
                pass
    if status.get("status_str") == "error":
        raise _failure({}, asked)
    return "done"


def _failure(details: Mapping[str, object], asked: Asked) -> ProviderError:
    """Return the error of a node, which comes under the status of a success."""
    said = {name: details.get(name) for name in ("node_id", "node_type", "exception_message")}
    words = {name: " ".join(str(value or "").split())[:300] for name, value in said.items()}
    where = f"node {words['node_id']} ({words['node_type']}) " if words["node_id"] else "the graph "
    why = words["exception_message"] or "it does not say why"
    return ProviderError(
        asked.reader.scrub(f"ComfyUI: {where}failed: {why}"),
        upstream_status=asked.reader.status,
        billing="billed",
    )


def _collect(endpoint: Endpoint, find: Find, reply: Reply, asked: Asked) -> ImagesResponse:
    request = asked.request
    workflow = find(asked.model, request.operation)
    outputs = mapping(_entry(reply, asked).get("outputs"))
    saved = sequence(mapping(outputs.get(workflow.output)).get("images"))
    # Previews are temporary; they are smaller than the result, or not of it at all.
    kept = [fields for item in saved if (fields := mapping(item)).get("type") == "output"]
    if not kept:
        raise asked.reader.useless(
            f"node {workflow.output} saved no picture; it must be the one that saves the result"
        )
    images = tuple(_image(endpoint, fields, asked.context) for fields in kept[: request.n])
    if "seed" in workflow.slots:
        images = asked.reader.seeded(images, _seed(request, asked.model, asked.context))
    return asked.reader.response(images, {})


def _image(endpoint: Endpoint, fields: Mapping[str, object], context: Context) -> Image:
    query: dict[str, Any] = {
        name: str(fields.get(name) or "") for name in ("filename", "subfolder", "type")
    }
    return Image(url=str(endpoint.url(context, "/view").copy_merge_params(query)))
