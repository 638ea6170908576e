"""The family of OpenAI's Images API: many servers speak it, each with an accent.

An accent is a `Profile`: what fields are called, how a size is written, how pictures go in and come out. What
a model takes is in its capability; a field that a capability does not have is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
from pydantic import JsonValue

from pinxit import (
    Context,
    EditRequest,
    Image,
    ImagesResponse,
    Model,
    PinxitError,
    VariationRequest,
)
from pinxit.capabilities import Capability
from pinxit.types import Operation, Request, parse_size

from .bodies import Part, data_url, form_request, json_request, upload_size
from .complaints import Complaint, Vocabulary
from .endpoints import Endpoint
from .events import MAX_EVENT
from .openai_stream import read_stream
from .pictures import Reader
from .plugin import Provider
from .reading import MAX_ANSWER, chunks, off_loop, settle
from .spans import parse_large

__all__ = [
    "CODES",
    "Address",
    "Attach",
    "Fields",
    "Judge",
    "Profile",
    "as_json",
    "build",
    "call",
    "pixels",
    "provider",
    "ratio_and",
    "width_and_height",
]

Fields = Mapping[str, JsonValue]
Sizing = Callable[[Request], Fields]
"""Returns the fields that say how large a picture shall be; ``None`` values are not sent."""
Attach = Callable[[Request, Capability], Fields]
"""Returns the fields that hold the input pictures of an edit in JSON."""
Address = Callable[[Request, Model, Context], httpx.URL]
"""Returns where a request is sent."""
Identify = Callable[[Request, Capability], Fields]
"""Returns the fields that depend on what the model calls them: the end user, how results come."""

Judge = Callable[[Mapping[str, object]], PinxitError | None]
"""Returns the error that JSON inside a success stands for, such as a refusal, or ``None``."""

CODES = Vocabulary(
    # The last two are Azure's, whose v1 endpoints a base_url may name.
    refused=frozenset(
        {"moderation_blocked", "content_policy_violation", "content_filter", "contentFilter"}
    ),
    spent=frozenset(
        {"insufficient_quota", "billing_hard_limit_reached", "project_spend_limit_exceeded"}
    ),
    limited=frozenset({"rate_limit_exceeded"}),
    unauthorised=frozenset({"invalid_api_key"}),
    callers_fault=frozenset({"invalid_request_error", "image_generation_user_error"}),
)
"""OpenAI's codes."""

_PATHS: Mapping[Operation, str] = {
    "generate": "/images/generations",
    "edit": "/images/edits",
    "variation": "/images/variations",
}

# Which part of a capability says that a model takes a field.
_TAKEN = {
    "quality": "qualities",
    "style": "styles",
    "background": "backgrounds",
    "output_compression": "compression",
    "moderation": "moderations",
    "complexity": "complexities",
    "input_fidelity": "input_fidelities",
    "seed": "seed",
    "negative_prompt": "negative_prompt",
}

# `extra` adds to a request; what the router fitted, priced and will check is not for it to change.
_RESERVED = frozenset(
    {"model", "prompt", "n", "image", "images", "mask", "markup", "stream", "partial_images"}
)


def pixels(request: Request) -> Fields:
    """Say the size as ``size: WIDTHxHEIGHT``, or a class such as ``2K``."""
    return {"size": request.size}


def width_and_height(request: Request) -> Fields:
    """Say the size as two numbers."""
    edges = parse_size(request.size)
    return {"width": edges[0], "height": edges[1]} if edges else {}


def ratio_and(name: str, *, case: Callable[[str], str] = str) -> Sizing:
    """Say the size as ``aspect_ratio``, and its class in the field *name*."""

    def say(request: Request) -> Fields:
        size = case(request.size) if request.size is not None else None
        return {"aspect_ratio": request.aspect_ratio, name: size}

    return say


def as_json(
    one: str, several: str = "", *, write: Callable[[Image], JsonValue] = data_url, limit: int = 1
) -> Attach:
    """Put input pictures into JSON: up to *limit* in the field *one*, more in a list in *several*.

    Args:
        one: The field of a single picture.
        several: The field of a list; with ``limit=0`` also a single picture is a list.
        write: Turns a picture into JSON.
        limit: The most pictures that *one* takes; 0 or 1.
    """

    def attach(request: Request, capability: Capability) -> Fields:
        del capability
        images = getattr(request, "images", ())
        written: list[JsonValue] = [write(image) for image in images]
        if len(written) <= limit:
            return {one: written[0]} if written else {}
        return {several or one: written}

    return attach


def _nothing(request: Request, capability: Capability) -> Fields:
    del request, capability
    return {}


def _innocent(item: Mapping[str, object]) -> PinxitError | None:
    del item
    return None


def _unstated(fields: Mapping[str, object]) -> Decimal | None:
    del fields
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one server speaks OpenAI's Images API.

    Attributes:
        endpoint: Where it is.
        paths: The path per operation.
        address: Says where to send a request, where that is not the base URL with a path behind it.
        attach: Puts input pictures into JSON; ``None`` where they are uploaded in a form.
        n: What the number of pictures is called; empty where the server takes none.
        size: Says how large a picture shall be.
        names: Its own names of our fields.
        forced: Fields that are always sent.
        defaults: Fields that are sent unless the caller's ``extra`` has them.
        response_format: Its own words for how results come; ``None`` where it is not asked.
        identify: Says fields that depend on the capability.
        mask: The field of the mask.
        several_images: The field of one of several uploaded pictures.
        reserved: Further fields that ``extra`` may not set.
        items: The answer's list of pictures.
        judge: Says which error an item of an answer stands for; an ``error`` in it needs no word.
        judge_whole: Says which error a whole answer stands for, before its items are looked at.
        cost: Reads US dollars from an answer.
        vocabulary: What its codes mean.
        model_name: The name to send for a model, where it is not what was asked for.
    """

    endpoint: Endpoint
    paths: Mapping[Operation, str] = field(default_factory=lambda: _PATHS)
    address: Address | None = None
    attach: Attach | None = None
    n: str = "n"
    size: Sizing = pixels
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    forced: Fields = field(default_factory=dict[str, JsonValue])
    defaults: Fields = field(default_factory=dict[str, JsonValue])
    response_format: Mapping[str, str] | None = None
    identify: Identify = _nothing
    mask: str = "mask"
    several_images: str = "image[]"
    reserved: frozenset[str] = frozenset()
    items: str = "data"
    judge: Judge = _innocent
    judge_whole: Judge = _innocent
    cost: Callable[[Mapping[str, object]], Decimal | None] = _unstated
    vocabulary: Vocabulary = CODES
    model_name: Callable[[Request, Model, Context], str] | None = None


def provider(profile: Profile, *models: Model) -> Provider:
    """Return the plugin of a server that speaks this API."""
    return Provider(
        models=models,
        settings=profile.endpoint.settings,
        build=partial(build, profile),
        call=partial(call, profile),
    )


def build(profile: Profile, request: Request, model: Model, context: Context) -> httpx.Request:
    """Build the request that asks for the pictures. Pure: the same arguments give the same bytes.

    Raises:
        InvalidImage: An input picture is none.
        RequestError: ``extra`` holds what cannot be written.
        ProviderError: ``base_url`` is no address.
    """
    endpoint = profile.endpoint
    fields = _fields(profile, request, model, context)
    if profile.address is not None:
        url = profile.address(request, model, context)
    else:
        url = endpoint.url(context, profile.paths[request.operation])
    headers = endpoint.request_headers(context)
    # Some take edits as JSON, and then a form would not be read.
    if request.operation == "generate" or profile.attach is not None:
        return json_request(context, url, headers, fields)
    parts = list(_parts(profile, request, model))
    return form_request(context, url, headers, fields, parts)


async def call(
    profile: Profile, request: Request, model: Model, context: Context
) -> ImagesResponse:
    """Send what `build` builds and read the answer.

    Raises:
        AuthenticationFailed: There is no key, or the provider does not accept it.
        InvalidProviderResponse: The answer is of no use.
        PinxitError: The provider refuses or fails.
    """
    profile.endpoint.require_key(context)
    secrets = profile.endpoint.secrets(context)
    # Uploads are hashed, or written as base64: 80 MB take the loop 80 ms.
    message = await off_loop(upload_size(request), partial(build, profile, request, model, context))
    response = await context.http.send(message, stream=True, follow_redirects=False)
    async with aclosing(response):
        await settle(response, profile.vocabulary, secrets)
        reader = Reader(context, secrets, response.status_code)
        # What came decides, not what was asked: some servers ignore the wish for a stream.
        if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            return await read_stream(
                response,
                context,
                reader,
                request.n,
                vocabulary=profile.vocabulary,
                secrets=secrets,
                cost=profile.cost,
            )
        limit = min(MAX_ANSWER, request.n * MAX_EVENT)
        body = b"".join([chunk async for chunk in chunks(response, limit)])
        return await off_loop(len(body), partial(_read, profile, body, reader, secrets))


def _read(
    profile: Profile, body: bytes, reader: Reader, secrets: tuple[str, ...]
) -> ImagesResponse:
    fields = parse_large(body, reader.status)
    items = fields.get(profile.items)
    if not items and fields.get("error"):
        # An error under the status of a success.
        raise Complaint.read(fields, secrets).of_success(reader.status, profile.vocabulary)
    if (error := profile.judge_whole(fields)) is not None:
        raise error

    def judge(item: Mapping[str, object]) -> PinxitError | None:
        if item.get("error"):
            return Complaint.read(item, secrets).of_success(reader.status, profile.vocabulary)
        return profile.judge(item)

    return reader.response(reader.images(items, judge), fields, cost=profile.cost(fields))


def _fields(
    profile: Profile, request: Request, model: Model, context: Context
) -> dict[str, JsonValue]:
    """Return the fields that are no files, in the API's order: only those that the model knows."""
    capability = model.operations[request.operation]
    name = profile.model_name or _name
    fields: dict[str, Any] = {"model": name(request, model, context)}
    if not isinstance(request, VariationRequest):
        fields["prompt"] = request.prompt
    if profile.n:
        fields[profile.n] = request.n
    # A server that lets nobody choose may refuse the field.
    if capability.sizes:
        fields |= profile.size(request)
    for ours, taken in _TAKEN.items():
        if getattr(capability, taken):
            fields[profile.names.get(ours, ours)] = getattr(request, ours, None)
    # Where there is one, the field may be unknown.
    if len(capability.output_formats) > 1:
        fields[profile.names.get("output_format", "output_format")] = request.output_format
    if profile.response_format is not None and len(capability.delivers) > 1:
        fields["response_format"] = profile.response_format.get(request.response_format or "")
    fields |= profile.identify(request, capability)
    if profile.attach is not None and request.operation != "generate":
        fields |= profile.attach(request, capability)
    if capability.streaming and (request.stream or request.partial_images):
        # None at all may be wished for of a server that does not know the word.
        partial = request.partial_images if capability.partial_images else None
        fields |= {"stream": True, "partial_images": partial}
    fields = {name: value for name, value in fields.items() if value is not None}
    # Before `extra` is looked at, which sets no field that is there: nobody switches these off.
    fields |= profile.forced
    return {**profile.defaults, **fields} | {
        name: value
        for name, value in request.extra.get(model.provider, {}).items()
        if name not in fields and name.partition("[")[0] not in _RESERVED | profile.reserved
    }


def _name(request: Request, model: Model, context: Context) -> str:
    """Return the name to send: a dated snapshot if that is what was asked for."""
    del context
    asked = (request.model or "").removeprefix(f"{model.provider}/")
    return asked if asked in model.aliases else model.name


def _parts(profile: Profile, request: Request, model: Model) -> Iterator[Part]:
    if isinstance(request, EditRequest | VariationRequest):
        inputs = model.operations[request.operation].images
        several = inputs is not None and inputs.max > 1
        for image in request.images:
            name = profile.several_images if several else "image"
            yield Part(name, f"image.{image.format}", image)
    if isinstance(request, EditRequest):
        for name, overlay in {profile.mask: request.mask, "markup": request.markup}.items():
            if overlay is not None:
                yield Part(name, f"{name}.{overlay.format}", overlay)
