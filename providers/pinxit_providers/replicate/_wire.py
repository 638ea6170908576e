"""Replicate's predictions: official models, versions and deployments are ordered at three places."""

from __future__ import annotations

import re
from typing import Any

import httpx

from pinxit import (
    ContentRejected,
    Context,
    EditRequest,
    ImagesResponse,
    Model,
    ProviderError,
    RateLimited,
    Setting,
    UnknownModel,
)
from pinxit.types import Request, parse_size
from pinxit_providers.protocols import jobs
from pinxit_providers.protocols.bodies import data_url, json_request, with_extra
from pinxit_providers.protocols.complaints import Complaint, Vocabulary
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.jobs import Job, Jobs, State
from pinxit_providers.protocols.media import Asked
from pinxit_providers.protocols.reading import Reply
from pinxit_providers.protocols.values import mapping, sequence

from ._models import DIALECTS, Dialect

__all__ = ["JOBS", "call"]

ENDPOINT = Endpoint(
    provider="replicate",
    base_url="https://api.replicate.com/v1",
    key_env=("REPLICATE_API_TOKEN",),
    url_env=("REPLICATE_BASE_URL",),
    headers={"Prefer": "prefer", "Cancel-After": "cancel_after"},
    more=(
        Setting(
            name="prefer",
            help="Such as wait=5: Replicate holds its answer until the job is done. A job that is left "
            "meanwhile cannot be cancelled, as nobody knows its name.",
        ),
        Setting(
            name="cancel_after",
            help="Such as 5m: Replicate itself cancels jobs that take longer, also when this program "
            "is gone; at least 5s.",
        ),
    ),
)

_PENDING = frozenset({"starting", "processing"})
_CANCELLED = frozenset({"canceled", "aborted"})
_FAILED = Vocabulary(refused_words=("nsfw", "sensitive", "safety", "moderat"))
"""A refusal is a failed job, and only its text tells; statuses are not read so: they name fields."""

_VERSION = re.compile(r"[0-9a-f]{64}")
_RESETS = re.compile(r"resets in ~?(\d{1,4}(?:\.\d{1,3})?) ?s")
_FORMATS = {"jpeg": "jpg"}


_ANY = Dialect(image="image")
_RESERVED = frozenset({
    "prompt", "aspect_ratio", "width", "height", "num_outputs", "image", "images", "input_image",
    "input_images", "image_input", "mask",
})  # fmt: skip


def _build(request: Request, model: Model, context: Context) -> httpx.Request:
    """Build the order: official models and deployments have paths, versions stand in the body."""
    path, body = _address(model.name)
    dialect = DIALECTS.get(model.name.partition(":")[0], _ANY)
    capability = model.operations[request.operation]
    fields = _inputs(request, dialect)
    if len(capability.output_formats) > 1 and (request.output_format or model.declared):
        # Models differ in what they make unasked.
        format = request.output_format or capability.output_formats[0]
        fields["output_format"] = _FORMATS.get(format, format)
    body["input"] = with_extra(fields, request, model, _RESERVED)
    url = ENDPOINT.url(context, path)
    return json_request(context, url, ENDPOINT.request_headers(context), body)


def _address(name: str) -> tuple[str, dict[str, Any]]:
    owner, slash, rest = name.partition("/")
    # A version is ordered by the body alone, whoever owns the model.
    if ":" in name or _VERSION.fullmatch(name):
        return "/predictions", {"version": name}
    if owner == "deployments":
        if rest.count("/") == 1:
            return f"/{name}/predictions", {}
    elif slash and "/" not in rest:
        return f"/models/{name}/predictions", {}
    raise UnknownModel(
        f"model: 'replicate/{name}' names no model of Replicate; there are replicate/OWNER/NAME, "
        "replicate/OWNER/NAME:VERSION, replicate/VERSION and replicate/deployments/OWNER/NAME",
        param="model",
    )


def _inputs(request: Request, dialect: Dialect) -> dict[str, Any]:
    edges = parse_size(request.size)
    fields: dict[str, Any] = {
        "prompt": getattr(request, "prompt", None),
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "output_quality": request.output_compression,
    }
    if dialect.n:
        fields[dialect.n] = request.n
    match dialect.size:
        case "custom" if edges:
            fields |= {"aspect_ratio": "custom", "width": edges[0], "height": edges[1]}
        case "ratio" | "class":
            fields["aspect_ratio"] = request.aspect_ratio
            named = request.size.lower() if request.size else None
            fields["resolution"] = named if dialect.size == "class" else None
        case _:
            pass
    if isinstance(request, EditRequest):
        written = [data_url(image) for image in request.images]
        fields[dialect.image] = written if dialect.several else written[0]
        fields["mask"] = data_url(request.mask) if request.mask else None
    return fields


def _accepted(reply: Reply, asked: Asked) -> Job:
    fields = reply.json()
    id = jobs.identity(fields.get("id"), asked)
    urls = mapping(fields.get("urls"))

    def place(name: str, path: str) -> tuple[str, ...]:
        named = urls.get(name)
        return (named, path) if isinstance(named, str) else (path,)

    own = f"/predictions/{id}"
    return Job(id=id, poll=place("get", own), cancel=place("cancel", f"{own}/cancel"))


def _state(reply: Reply, asked: Asked) -> State:
    fields = reply.json()
    status = fields.get("status")
    if isinstance(status, str) and status in _PENDING:
        return "pending"
    if status == "succeeded":
        return "done"
    if status == "failed":
        secrets = ENDPOINT.secrets(asked.context)
        complaint = Complaint.read({"error": fields.get("error")}, secrets)
        raise complaint.of_success(reply.status, _FAILED, "ambiguous")
    if isinstance(status, str) and status in _CANCELLED:
        raise ProviderError(f"the job was {status}, and not by us", billing="ambiguous")
    raise asked.reader.useless(f"the state of the job is {asked.reader.scrub(str(status))[:60]!r}")


def _collect(reply: Reply, asked: Asked) -> ImagesResponse:
    output = reply.json().get("output")
    if output == []:
        # Some models leave out what their checker objects to, and call that a success.
        raise ContentRejected(
            "the job succeeded without a picture: the model's safety checker left out all of them",
            upstream_status=reply.status,
            billing="billed",
        )
    images = sequence(output) or [output]
    return asked.reader.response(asked.reader.images(images), {})


JOBS = Jobs(
    endpoint=ENDPOINT,
    build=_build,
    accepted=_accepted,
    state=_state,
    collect=_collect,
    hosts=("replicate.com",),
    interval=0.5,
    floor=0.5,
    ceiling=5.0,
    # With Prefer: wait, the first answer may be the last.
    ready=True,
)


async def call(request: Request, model: Model, context: Context) -> ImagesResponse:
    """Order as every job is, and read how long to wait from the words of a 429."""
    try:
        return await jobs.call(JOBS, request, model, context)
    except RateLimited as error:
        if error.retry_after is None and (found := _RESETS.search(str(error))):
            error.retry_after = float(found[1])
        raise
