"""A provider's hooks against an answer that a test prepares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from pinxit import ImagesResponse, PinxitError, Settings
from pinxit.hookspecs import Context
from pinxit.payload import Image
from pinxit.plugins import Plugins
from pinxit.preparing import prepare
from pinxit.testing.clock import ManualClock
from pinxit.testing.pictures import mask, picture
from pinxit.translation import provider_errors
from pinxit.types import EditRequest, GenerateRequest, Request, VariationRequest
from pinxit_providers.fakes.asgi import Incoming, Upload
from pinxit_providers.protocols.plugin import Provider

__all__ = ["Upstream", "form", "image", "masked"]

Respond = Callable[[httpx.Request], httpx.Response]


class Upstream:
    """Calls a plugin as the engine does, less fitting; keeps what was sent.

    Args:
        plugin: The plugin under test.
        answer: What it gets, or what makes it from a request; an ASGI application is asked itself.
        settings: The plugin's settings.
    """

    def __init__(
        self,
        plugin: Provider,
        answer: httpx.Response | Respond | None = None,
        *,
        app: Any = None,
        settings: Mapping[str, Any],
    ) -> None:
        self.plugin = plugin
        self.settings = dict(settings)
        self.sent: list[httpx.Request] = []
        self._answer = answer
        self._app = app

    async def __call__(self, request: Request) -> ImagesResponse:
        """Call the hook of a request for the model that it names; errors are those that the router sees."""
        model = Plugins(self.plugin, discover=False).registry.get(request.model or "")
        ready = (await prepare(request, model.operations[request.operation])).request
        async with httpx.AsyncClient(transport=httpx.MockTransport(self._respond)) as http:
            settings = Settings(self.settings)
            context = Context(http=http, settings=settings, clock=ManualClock())
            with provider_errors():
                match ready:
                    case GenerateRequest():
                        return await self.plugin.generate(ready, model, context)
                    case EditRequest():
                        return await self.plugin.edit(ready, model, context)
                    case VariationRequest():
                        return await self.plugin.variation(ready, model, context)

    async def error(self, request: Request) -> PinxitError:
        """Call a hook that must fail, and return what it raised."""
        try:
            await self(request)
        except PinxitError as error:
            return error
        raise AssertionError("the call succeeded")

    @property
    def last(self) -> httpx.Request:
        """The latest request, its body loaded."""
        return self.sent[-1]

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.sent.append(request)
        if self._app is not None:
            found = await httpx.ASGITransport(self._app).handle_async_request(request)
            await found.aread()
            return found
        if callable(self._answer):
            return self._answer(request)
        assert self._answer is not None
        return self._answer


def form(request: httpx.Request) -> tuple[dict[str, str], list[Upload]]:
    """Read back a multipart form: its fields, none of them twice, and its files."""
    arrived = Incoming(
        method=request.method,
        path=request.url.path,
        query={},
        headers=dict(request.headers),
        body=request.content,
        origin="",
    )
    fields, files = arrived.form()
    assert len(dict(fields)) == len(fields)
    return dict(fields), list(files)


def image(format: str = "png", width: int = 96, height: int = 64) -> Image:
    """Draw an input picture."""
    return Image(picture(format, width, height))


def masked(width: int = 96, height: int = 64) -> dict[str, Any]:
    """Draw a picture, and a mask whose left half is to be repainted."""
    return {"images": (image("png", width, height),), "mask": Image(mask(width, height))}
