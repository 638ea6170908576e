"""fal's queue: an order is accepted, polled, and its result fetched from an address of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from pinxit import (
    ContentRejected,
    Context,
    EditRequest,
    ImagesResponse,
    Model,
    PinxitError,
    ProviderUnavailable,
    RequestError,
    Setting,
    Settings,
)
from pinxit.capabilities import Capability
from pinxit.types import Request, parse_size
from pinxit_providers.protocols import jobs
from pinxit_providers.protocols.bodies import data_url, json_request, with_extra
from pinxit_providers.protocols.complaints import Vocabulary
from pinxit_providers.protocols.endpoints import Endpoint, with_key
from pinxit_providers.protocols.jobs import Job, Jobs, State
from pinxit_providers.protocols.media import Asked
from pinxit_providers.protocols.reading import Reply
from pinxit_providers.protocols.values import mapping, sequence

from ._dialect import Dialect, Dialects
from ._models import DIALECTS

__all__ = ["JOBS"]


def _authorise(settings: Settings) -> Mapping[str, str]:
    """Send the key; fal's own client also takes it in two halves."""
    halves = [str(settings.get(name) or "").strip() for name in ("key_id", "key_secret")]
    if settings.get("api_key") or not all(halves):
        return _WHOLE(settings)
    return {"Authorization": f"Key {':'.join(halves)}"}


_WHOLE = with_key(scheme="Key ")

ENDPOINT = Endpoint(
    provider="fal",
    base_url="https://queue.fal.run",
    key_env=("FAL_KEY", "FAL_AI_API_KEY", "FAL_API_KEY"),
    url_env=("FAL_BASE_URL",),
    alternative="key_secret",
    authorise=_authorise,
    more=(
        Setting(
            name="key_id",
            env=("FAL_KEY_ID",),
            help="The first half of a key, where key_secret is the second one.",
        ),
        Setting(
            name="key_secret",
            env=("FAL_KEY_SECRET",),
            secret=True,
            help="The second half of a key, of which key_id is the first one.",
        ),
    ),
)

_PENDING = frozenset({"IN_QUEUE", "IN_PROGRESS"})
_LONG_NAMES = frozenset({"workflows", "comfy"})
"""Namespaces whose requests keep three parts of the path."""

_BROKEN = frozenset({
    "generation_timeout", "internal_server_error", "downstream_service_error",
    "downstream_service_unavailable",
})  # fmt: skip
"""Types of a 422 that are not the caller's fault."""

_RESERVED = frozenset({
    "prompt", "image_url", "image_urls", "mask_url", "mask_image_url", "num_images", "image_size",
    "aspect_ratio", "max_images",
})  # fmt: skip


def _build(request: Request, model: Model, context: Context) -> httpx.Request:
    """Build the order: the body is the model's own input."""
    dialect = _dialect(request, model)
    fields = _fields(request, model.operations[request.operation], dialect)
    if (
        model.declared
        and dialect.format
        and len(model.operations[request.operation].output_formats) > 1
    ):
        # The published defaults are known to be wrong here and there.
        first = model.operations[request.operation].output_formats[0]
        fields[dialect.format] = request.output_format or first
    url = ENDPOINT.url(context, f"/{dialect.path}")
    body = with_extra(fields, request, model, _RESERVED)
    return json_request(context, url, ENDPOINT.request_headers(context), body)


def _dialect(request: Request, model: Model) -> Dialect:
    """Choose among the endpoints of a model; one that nobody described is asked as most are."""
    known = DIALECTS.get(model.name)
    if known is None:
        return Dialect(path=model.name, image="image_urls")
    found = known.generate
    if isinstance(request, EditRequest):
        found = _edit(request, known)
    assert found is not None, model.id  # noqa: S101 - the table has what the model declares
    return found


def _edit(request: EditRequest, known: Dialects) -> Dialect | None:
    # The mask first: an endpoint for several pictures takes none.
    if request.mask is not None and known.inpaint is not None:
        return known.inpaint
    if len(request.images) > 1 and known.several is not None:
        return known.several
    return known.edit or known.inpaint


def _fields(request: Request, capability: Capability, dialect: Dialect) -> dict[str, Any]:
    edges, quality = parse_size(request.size), request.quality
    fields: dict[str, Any] = {
        "prompt": getattr(request, "prompt", None),
        dialect.n: request.n,
        dialect.format: request.output_format,
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "background": request.background if capability.backgrounds else None,
        dialect.quality: dialect.qualities.get(quality or "", quality),
    }
    match dialect.size:
        case "pixels" if edges:
            fields["image_size"] = {"width": edges[0], "height": edges[1]}
        case "name":
            fields["image_size"] = request.size
        case "ratio" | "class":
            fields["aspect_ratio"] = request.aspect_ratio
            fields["resolution"] = request.size if dialect.size == "class" else None
        case _:
            pass
    if isinstance(request, EditRequest):
        written = [data_url(image) for image in request.images]
        fields[dialect.image] = written if dialect.image.endswith("s") else written[0]
        fields["input_fidelity"] = request.input_fidelity
        fields[dialect.mask] = data_url(request.mask) if request.mask else None
    # Fields that the endpoint has no name for.
    fields.pop("", None)
    return fields


def _accepted(reply: Reply, asked: Asked) -> Job:
    fields = reply.json()
    id = jobs.identity(fields.get("request_id"), asked)
    path = _dialect(asked.request, asked.model).path.split("/")
    own = f"/{'/'.join(path[: 3 if path[0] in _LONG_NAMES else 2])}/requests/{id}"

    # fal's own word comes first; our reading of its rules stands in where the key may not go there.
    def place(name: str, path: str) -> tuple[str, ...]:
        named = fields.get(name)
        return (named, path) if isinstance(named, str) else (path,)

    return Job(
        id=id,
        poll=place("status_url", f"{own}/status"),
        result=place("response_url", own),
        cancel=place("cancel_url", f"{own}/cancel"),
    )


def _state(reply: Reply, asked: Asked) -> State:
    fields = reply.json()
    status = fields.get("status")
    if isinstance(status, str) and status in _PENDING:
        return "pending"
    if status == "COMPLETED":
        # That is the end of the request, and says nothing of success.
        return "failed" if fields.get("error") or fields.get("error_type") else "done"
    raise asked.reader.useless(f"the state of the job is {asked.reader.scrub(str(status))[:60]!r}")


def _collect(reply: Reply, asked: Asked) -> ImagesResponse:
    fields = reply.json()
    images = sequence(fields.get("images")) or [fields.get("image")]
    flagged = fields.get("has_nsfw_concepts")
    # One flag for all of them is in no source; it would be no reason to hand out black pictures.
    flags = [True] * len(images) if flagged is True else sequence(flagged)
    items: list[object] = [
        {**mapping(image), "refused": place < len(flags) and flags[place] is True}
        for place, image in enumerate(images)
    ]
    found = asked.reader.images(items, _judge)
    return asked.reader.response(asked.reader.seeded(found, fields.get("seed")), {})


def _judge(item: Mapping[str, object]) -> PinxitError | None:
    """Refuse a picture that was flagged: it is black."""
    if not item.get("refused"):
        return None
    return ContentRejected(
        "fal's safety checker blackened the picture (has_nsfw_concepts)",
        code="has_nsfw_concepts",
        upstream_status=200,
        billing="billed",
    )


def _verdict(error: PinxitError) -> PinxitError:
    """Say what an error in place of a result is: 5xx are never billed, 422 may be."""
    # A vendor behind fal failed: the caller can mend nothing, but another provider may.
    if isinstance(error, RequestError) and error.code in _BROKEN:
        return ProviderUnavailable(str(error), billing="ambiguous")
    return jobs.billed(error, "unbilled" if (error.upstream_status or 0) >= 500 else "ambiguous")


JOBS = Jobs(
    endpoint=ENDPOINT,
    build=_build,
    accepted=_accepted,
    state=_state,
    collect=_collect,
    hosts=("fal.run",),
    interval=0.5,
    floor=0.5,
    ceiling=5.0,
    cancel_method="PUT",
    verdict=_verdict,
    vocabulary=Vocabulary(refused=frozenset({"content_policy_violation"})),
)
