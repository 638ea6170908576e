"""The HTTP of OpenAI's Images API: one function builds a request, another one sends it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
from pydantic import JsonValue

from pinxit import (
    AuthenticationFailed,
    Context,
    EditRequest,
    Image,
    ImagesResponse,
    Model,
    PinxitError,
    ProviderError,
    RequestError,
    Setting,
    VariationRequest,
)
from pinxit.capabilities import Capability
from pinxit.types import Request

from ._answers import MAX_ANSWER, Reader, chunks, parse
from ._errors import Complaint
from ._events import MAX_EVENT, read_events

__all__ = ["SETTINGS", "build", "call"]

BASE_URL = "https://api.openai.com/v1"

SETTINGS = (
    Setting(
        name="api_key",
        env=("OPENAI_API_KEY",),
        required=True,
        secret=True,
        help="A key of the API; any text for a server of your own that asks for none.",
    ),
    Setting(
        name="base_url",
        env=("OPENAI_BASE_URL",),
        default=BASE_URL,
        help="Where the API is served, with its version: a proxy or a server of your own.",
    ),
    Setting(name="organization", env=("OPENAI_ORG_ID",), help="The organisation that is billed."),
    Setting(name="project", env=("OPENAI_PROJECT_ID",), help="The project that is billed."),
)

_PATHS = {
    "generate": "/images/generations",
    "edit": "/images/edits",
    "variation": "/images/variations",
}

# Which part of a capability says that a model takes a field.
_FIELDS = {
    "size": "sizes",
    "quality": "qualities",
    "style": "styles",
    "background": "backgrounds",
    "output_compression": "compression",
    "moderation": "moderations",
    "complexity": "complexities",
    "input_fidelity": "input_fidelities",
}

# `extra` adds to a request; what the router fitted, priced and will check is not for it to change.
_RESERVED = frozenset(
    {"model", "prompt", "n", "image", "images", "mask", "markup", "stream", "partial_images"}
)

_MAX_ERROR = 2**20
"""Bytes of an error's body that are read."""

_MIN_SECRET = 8
"""Characters: shorter keys are placeholders, whose text may well be part of an address."""


def build(request: Request, model: Model, context: Context) -> httpx.Request:
    """Build the request that asks for the pictures. Pure: the same arguments give the same bytes.

    Raises:
        InvalidImage: An input picture is none.
        RequestError: ``extra`` holds what cannot be written.
        ProviderError: ``base_url`` is no address.
    """
    fields = _fields(request, model)
    files = list(_files(request, model))
    headers = _headers(context)
    content: dict[str, Any] = {"json": fields}
    if files:
        form = list(_form(fields))
        headers["Content-Type"] = f"multipart/form-data; boundary={_boundary(form, files)}"
        uploads = [(name, (file, image.data, image.media_type)) for name, file, image in files]
        content = {"data": _grouped(form), "files": uploads}
    url = _url(request, context)
    try:
        return context.http.build_request("POST", url, headers=headers, **content)
    except ValueError:
        # Whatever else is sent has been validated.
        raise RequestError(
            "extra: it holds what JSON cannot: NaN, an infinity, or half of a surrogate pair",
            param="extra",
        ) from None


async def call(request: Request, model: Model, context: Context) -> ImagesResponse:
    """Send what `build` builds and read the answer.

    Raises:
        AuthenticationFailed: There is no key, or the provider does not accept it.
        InvalidProviderResponse: The answer is of no use.
        PinxitError: The provider refuses or fails.
    """
    if not _key(context):
        raise AuthenticationFailed(
            "openai: no api_key; set OPENAI_API_KEY or give [providers.openai] api_key",
            billing="not_sent",
        )
    response = await context.http.send(
        build(request, model, context), stream=True, follow_redirects=False
    )
    try:
        if not response.is_success:
            raise await _failure(response, context)
        secrets = [key for key in [_key(context)] if len(key) >= _MIN_SECRET]
        reader = Reader(context.clock, secrets, response.status_code)
        if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            return await read_events(response, context, reader, request.n)
        limit = min(MAX_ANSWER, request.n * MAX_EVENT)
        body = b"".join([chunk async for chunk in chunks(response, limit)])
        return reader.response(parse(body, response.status_code))
    finally:
        await response.aclose()


async def _failure(response: httpx.Response, context: Context) -> PinxitError:
    body = b""
    try:
        async for chunk in chunks(response, _MAX_ERROR):
            body += chunk
    except (httpx.TransportError, ProviderError):
        # The status is known already, and says more than a body that breaks off.
        pass
    return Complaint.parse(body, [_key(context)]).of_status(response)


def _fields(request: Request, model: Model) -> dict[str, Any]:
    """Return the text fields, in the API's order: only those that the model knows."""
    capability = model.operations[request.operation]
    fields: dict[str, Any] = {"model": _name(request, model)}
    if not isinstance(request, VariationRequest):
        fields["prompt"] = request.prompt
    fields["n"] = request.n
    for name, taken in _FIELDS.items():
        if getattr(capability, taken):
            fields[name] = getattr(request, name, None)
    if len(capability.output_formats) > 1:
        fields["output_format"] = request.output_format
    fields |= _dialect(request, capability)
    if capability.streaming and (request.stream or request.partial_images):
        fields |= {"stream": True, "partial_images": request.partial_images}
    fields = {name: value for name, value in fields.items() if value is not None}
    extra = request.extra.get("openai", {})
    return fields | {
        name: value
        for name, value in extra.items()
        if name not in fields and name.partition("[")[0] not in _RESERVED
    }


def _name(request: Request, model: Model) -> str:
    """Return the name to send: a dated snapshot if that is what was asked for."""
    asked = (request.model or "").removeprefix(f"{model.provider}/")
    return asked if asked in model.aliases else model.name


def _dialect(request: Request, capability: Capability) -> dict[str, str | None]:
    """Return what DALL·E and GPT image models call differently.

    `response_format` is an error for the latter; `safety_identifier` came with them and replaced `user`.
    """
    if len(capability.delivers) > 1:
        user = request.user or request.safety_identifier
        return {"response_format": request.response_format, "user": user}
    return {"safety_identifier": request.safety_identifier or request.user}


def _files(request: Request, model: Model) -> Iterator[tuple[str, str, Image]]:
    """Yield field, file name and picture. The name is made up: the caller's is nobody's business."""
    if isinstance(request, EditRequest | VariationRequest):
        inputs = model.operations[request.operation].images
        several = inputs is not None and inputs.max > 1
        for image in request.images:
            yield "image[]" if several else "image", f"image.{image.format}", image
    if isinstance(request, EditRequest):
        for name, overlay in {"mask": request.mask, "markup": request.markup}.items():
            if overlay is not None:
                yield name, f"{name}.{overlay.format}", overlay


def _form(value: JsonValue, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield JSON fields as a form's, nested ones in brackets, as OpenAI's own clients write them."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _form(inner, f"{name}[{key}]" if name else key)
        case list():
            for inner in value:
                yield from _form(inner, f"{name}[]")
        case bool():
            yield name, str(value).lower()
        case None:
            pass
        case _:
            yield name, str(value)


def _grouped(form: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return a form's fields as httpx takes them: repeated ones as a list."""
    fields: dict[str, list[str]] = {}
    for name, value in form:
        fields.setdefault(name, []).append(value)
    return fields


def _boundary(form: Sequence[tuple[str, str]], files: Sequence[tuple[str, str, Image]]) -> str:
    """Derive the boundary from all that it separates.

    A plan then shows the very bytes that are sent, and nobody can put into a picture a boundary that
    depends on that picture.
    """
    digest = hashlib.sha256(repr(form).encode())
    for name, _, image in files:
        digest.update(f"{name}:{image.digest()};".encode())
    return digest.hexdigest()


def _url(request: Request, context: Context) -> httpx.URL:
    base = str(context.settings.get("base_url") or BASE_URL)
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise ProviderError(
            "openai: base_url is not an http(s) address without credentials; "
            f"set OPENAI_BASE_URL or [providers.openai] base_url, such as {BASE_URL}",
            billing="not_sent",
        )
    # A query stays: some servers take their version there.
    return url.copy_with(path=url.path.rstrip("/") + _PATHS[request.operation])


def _key(context: Context) -> str:
    return str(context.settings.get("api_key") or "").strip()


def _headers(context: Context) -> dict[str, str]:
    """Return the headers; a plan without a key has no authorisation."""
    key = _key(context)
    headers = {
        "Authorization": f"Bearer {key}" if key else "",
        "OpenAI-Organization": str(context.settings.get("organization") or "").strip(),
        "OpenAI-Project": str(context.settings.get("project") or "").strip(),
        # Not in OpenAI's documents, but harmless: servers that know it do not order twice.
        "Idempotency-Key": context.idempotency_key,
        "Accept": "application/json",
        # Base64 of compressed pictures hardly shrinks, and what is not coded cannot explode.
        "Accept-Encoding": "identity",
    }
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise AuthenticationFailed(
                f"openai: the value for the header {name} holds characters that no header may have",
                billing="not_sent",
            )
    return {name: value for name, value in headers.items() if value}
