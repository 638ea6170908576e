"""Pictures that a server keeps at addresses of its own.

The router downloads what others name, and never from a private network. A server that the operator
configured is no stranger: what lies at its very address is fetched by whoever talks to it anyway.
"""

from __future__ import annotations

import httpx

from pinxit import Context, Image, ImagesResponse, InvalidProviderResponse, PinxitError
from pinxit.translation import provider_errors

from .complaints import SILENT
from .endpoints import Endpoint
from .pictures import Reader
from .reading import read_reply

__all__ = ["bring", "download"]

_MAX_PICTURE = 64 * 2**20
"""Bytes of one picture."""


async def bring(
    endpoint: Endpoint, response: ImagesResponse, context: Context, reader: Reader
) -> ImagesResponse:
    """Return an answer whose pictures at the server's own address are here.

    Raises:
        InvalidProviderResponse: One of them cannot be fetched.
    """
    own = endpoint.url(context, "/")
    data = [
        await _brought(endpoint, image, context, reader) if _lies_at(image, own) else image
        for image in response.data
    ]
    return response.model_copy(update={"data": tuple(data)})


async def download(endpoint: Endpoint, url: httpx.URL, context: Context, reader: Reader) -> bytes:
    """Return the bytes of a picture at an address of the server's own.

    Raises:
        InvalidProviderResponse: It cannot be fetched. It has been made, so that it may have been paid for.
    """
    secrets = endpoint.secrets(context)
    headers = endpoint.request_headers(context, accept="image/*")
    message = context.http.build_request("GET", url, headers=headers)
    try:
        with provider_errors(secrets):
            # A redirect could lead the key away from the server that was configured.
            answer = await context.http.send(message, stream=True, follow_redirects=False)
            reply = await read_reply(answer, vocabulary=SILENT, secrets=secrets, limit=_MAX_PICTURE)
    except PinxitError as error:
        raise InvalidProviderResponse(
            f"a picture was made, but cannot be fetched from the server: {error}",
            upstream_status=error.upstream_status or reader.status,
        ) from error
    return reply.body


def _lies_at(image: Image, own: httpx.URL) -> bool:
    if image.is_local or image.url is None:
        return False
    url = httpx.URL(image.url)
    # The port too: the operator named this server, not all that runs on the machine.
    return (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)


async def _brought(endpoint: Endpoint, image: Image, context: Context, reader: Reader) -> Image:
    body = await download(endpoint, httpx.URL(image.url or ""), context, reader)
    found = reader.picture(body, image.revised_prompt)
    found.seed = image.seed
    return found
