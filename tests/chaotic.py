"""A router in front of the chaos upstream, over real sockets: the stage for scenarios."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from pinxit import Config, Image, ImagesResponse, Plugins, Route, Router
from pinxit.hookspecs import Clock
from pinxit.testing import ChaosUpstream, ManualClock, Script, VirtualTimeLoop, png
from pinxit.transport import AiohttpTransport
from pinxit_providers.openai import PLUGIN as OPENAI

KEY = "sk-chaos-0123456789abcdef"

A, B, C = "gpt-image-2", "gpt-image-2.5-flare", "gpt-image-2.5-sunburst"
"""Three models that generate and edit."""
ONE_AT_ONCE = "dall-e-3"
"""Makes one picture per call."""
VARIES = "dall-e-2"
"""Makes variations, and takes square pictures only."""

Operation = Literal["generate", "edit", "variation"]


def _with(*plugins: object) -> Plugins:
    return Plugins(OPENAI, *plugins, discover=False)


# Plugins never change, and checking them takes longer than many a test.
_OPENAI = _with()


@asynccontextmanager
async def stage(
    script: Script = (),
    *plugins: object,
    config: Mapping[str, Any] | None = None,
    routes: Mapping[str, Route] | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 1,
    own_transport: bool = False,
) -> AsyncGenerator[tuple[Router, ChaosUpstream]]:
    """Open an upstream that plays *script*, and a router whose OpenAI models are behind it.

    Reading the certificates of all authorities takes longer than most tests, so the transport does without
    them, unless *own_transport* asks for the very one that applications have.
    """
    virtual = isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
    async with ChaosUpstream(script) as upstream:
        table = {"api_key": KEY, "base_url": upstream.base_url, **(settings or {})}
        router = Router(
            Config.parse(config or {}),
            plugins=_with(*plugins) if plugins else _OPENAI,
            routes=routes,
            settings={"openai": table},
            transport=None if own_transport else AiohttpTransport(),
            clock=ManualClock() if virtual else Clock(),
            random=random.Random(seed),
        )
        async with router:
            yield router, upstream


async def order(router: Router, operation: Operation, **options: Any) -> ImagesResponse:
    """Order one picture by any of the three operations."""
    match operation:
        case "generate":
            return await router.generate("a fox", **options)
        case "edit":
            return await router.edit("a fox", Image(png(64, 64)), **options)
        case "variation":
            return await router.variation(Image(png(64, 64)), **options)


def asked(upstream: ChaosUpstream) -> list[str | None]:
    """Return the models of all requests that arrived, in order."""
    return [request.value("model") for request in upstream.requests]


def now() -> float:
    """Return the second of the running loop."""
    return asyncio.get_running_loop().time()
