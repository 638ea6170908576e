"""OpenAI's stand-in, and upstreams that answer whatever a test wants."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpx
import pytest
from PIL import Image as Pillow

from pinxit import Context, GenerateRequest, Image, Model, PartialImage, Settings
from pinxit_providers.fakes.openai import FakeOpenAI
from pinxit_providers.openai import PLUGIN as openai

KEY = "sk-proj-this-key-is-nobodys-0123456789"


@pytest.fixture(scope="session")
def models() -> dict[str, Model]:
    """Every model by its own name."""
    return {model.name: model for model in openai.register_models() if not model.is_open}


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture
def fake() -> FakeOpenAI:
    """A proxy that still serves the models that OpenAI retired."""
    return FakeOpenAI(key=KEY, retired=())


@pytest.fixture
async def context(fake: FakeOpenAI) -> AsyncIterator[Context]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(fake)) as http:
        yield Context(
            http=http, settings=Settings({"api_key": KEY, "base_url": "http://fake.test/v1"})
        )


class Pieces(httpx.AsyncByteStream):
    """A body that arrives in the given pieces; counts them, and notes that it was closed."""

    def __init__(self, pieces: Iterable[bytes], error: Exception | None = None) -> None:
        self.pieces = pieces
        self.error = error
        self.sent = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.sent += 1
            yield piece
        if self.error:
            raise self.error

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def pieces() -> type[Pieces]:
    return Pieces


@pytest.fixture
def upstream() -> Callable[..., Context]:
    """Make a context whose provider answers with one response, and that emits into a list."""

    def make(
        response: httpx.Response | Exception,
        *,
        emitted: list[PartialImage] | None = None,
        settings: dict[str, Any] | None = None,
        **more: Any,
    ) -> Context:
        def handle(request: httpx.Request) -> httpx.Response:
            if isinstance(response, Exception):
                raise response
            return response

        async def emit(partial: PartialImage) -> None:
            if emitted is not None:
                emitted.append(partial)

        http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
        given = {"api_key": KEY} if settings is None else settings
        return Context(http=http, settings=Settings(given), emit=emit, **more)

    return make


@pytest.fixture
def ask(upstream: Callable[..., Context], models: dict[str, Model]) -> Callable[..., Any]:
    """Generate with a model against one prepared response."""

    async def generate(
        response: httpx.Response | Exception,
        *,
        model: str = "gpt-image-2.5-sunburst",
        emitted: list[PartialImage] | None = None,
        context: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Any:
        request = GenerateRequest(prompt="a fox", **fields)
        lent = upstream(response, emitted=emitted, **(context or {}))
        async with lent.http:
            return await openai.generate(request, models[model], lent)

    return generate


@pytest.fixture(scope="session")
def draw() -> Callable[..., Image]:
    """Make a picture of one colour."""

    def make(
        width: int = 16, height: int = 16, *, format: str = "png", alpha: bool = False
    ) -> Image:
        out = io.BytesIO()
        mode = "RGBA" if alpha else "RGB"
        Pillow.new(mode, (width, height), "#00000000" if alpha else "teal").save(
            out, format.upper()
        )
        return Image(out.getvalue(), filename="../../etc/passwd.png")

    return make


@pytest.fixture(scope="session")
def b64(draw: Callable[..., Image]) -> str:
    """A small PNG in base64."""
    return base64.b64encode(draw().data).decode()


@pytest.fixture
def sse() -> Callable[..., bytes]:
    """Write events as a server does."""

    def write(*events: dict[str, Any], newline: str = "\n") -> bytes:
        lines = [f"event: {e.get('type')}\ndata: {json.dumps(e)}\n\n" for e in events]
        return "".join(lines).replace("\n", newline).encode()

    return write
