"""The family of one call: a request goes out, and a picture comes back as bytes or inside JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import httpx

from pinxit import Context, ImagesResponse, Model
from pinxit.types import Request

from .bodies import upload_size
from .complaints import SILENT, Vocabulary
from .endpoints import Endpoint
from .pictures import Reader
from .plugin import Provider
from .reading import Reply, off_loop, read_reply

__all__ = ["Asked", "Media", "call", "provider"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer answers.

    Attributes:
        request: The request as it was fitted.
        model: Whom it was put to.
        context: What the plugin was lent.
        reader: Reads pictures, and knows what must not be repeated.
        accepted: What the provider said when it accepted a job.
    """

    request: Request
    model: Model
    context: Context
    reader: Reader
    accepted: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """How one service is asked and read.

    Attributes:
        endpoint: Where it is.
        build: Returns the request; pure.
        read: Returns the pictures of an answer, or raises the refusal that it is.
        vocabulary: What the codes of its errors mean.
    """

    endpoint: Endpoint
    build: Callable[[Request, Model, Context], httpx.Request]
    read: Callable[[Reply, Asked], ImagesResponse]
    vocabulary: Vocabulary = SILENT


def provider(media: Media, *models: Model) -> Provider:
    """Return the plugin of a service that answers at once."""
    return Provider(
        models=models,
        settings=media.endpoint.settings,
        build=media.build,
        call=partial(call, media),
    )


async def call(media: Media, request: Request, model: Model, context: Context) -> ImagesResponse:
    """Send what the service's ``build`` builds and read the answer.

    Raises:
        AuthenticationFailed: There is no key, or the provider does not accept it.
        InvalidProviderResponse: The answer is of no use.
        PinxitError: The provider refuses or fails.
    """
    media.endpoint.require_key(context)
    secrets = media.endpoint.secrets(context)
    # Uploads are hashed or written as base64, and answers hold pictures of many megabytes.
    message = await off_loop(upload_size(request), partial(media.build, request, model, context))
    response = await context.http.send(message, stream=True, follow_redirects=False)
    reply = await read_reply(response, vocabulary=media.vocabulary, secrets=secrets)
    asked = Asked(request, model, context, Reader(context, secrets, reply.status))
    return await off_loop(len(reply.body), partial(media.read, reply, asked))
