"""The studio's server, as its documentation describes it: strict about what it is sent."""

import base64
import json
import random
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from pinxit import Image
from pinxit.testing import png

__all__ = ["studio"]

Message = MutableMapping[str, Any]
FIELDS = {
    "/v1/pictures": {"prompt", "width", "height", "seed", "steps"},
    "/v1/edits": {"prompt", "picture", "mask", "seed"},
}


async def studio(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer one request."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status, headers, content = answer(scope, json.loads(body))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})


def answer(scope: Message, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and content."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    if not headers.get("authorization", "").startswith("Bearer "):
        return refuse(401, "unauthorized", "no key")
    known = FIELDS.get(scope["path"])
    if known is None:
        return refuse(404, "not_found", scope["path"])
    if stray := body.keys() - known:
        return refuse(400, "bad_request", f"unknown: {', '.join(sorted(stray))}")
    if scope["path"] == "/v1/edits":
        picture = Image(base64.b64decode(body["picture"], validate=True)).info
        width, height = picture.width, picture.height
        if "mask" in body:
            mask = Image(base64.b64decode(body["mask"], validate=True)).info
            if (mask.width, mask.height) != (width, height):
                return refuse(400, "bad_request", "the mask is not as large as the picture")
    else:
        width, height = body["width"], body["height"]
        if width % 64 or height % 64:
            return refuse(400, "bad_request", "edges are multiples of 64")
    shade = random.Random(body.get("seed")).randrange(256)  # noqa: S311 - a colour
    return 200, {"content-type": "image/png", "x-cost": "0.0200"}, png(width, height, shade)


def refuse(status: int, code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    """Return an error as the studio words it."""
    content = json.dumps({"error": {"code": code, "message": message}}).encode()
    return status, {"content-type": "application/json"}, content
