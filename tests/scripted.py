"""A provider that does what a script says, and a router around it: the stage for tests of routing."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache

from PIL import Image as PillowImage

import pinxit
from pinxit import Capability, Context, ImagesResponse, Model, Plugins, Router, hookimpl
from pinxit.hookspecs import Clock
from pinxit.types import Request

Step = (
    BaseException | float | ImagesResponse | Callable[[Request, Context], Awaitable[ImagesResponse]]
)
"""Raise it; sleep so many seconds before a good answer; answer it; or do as the function does."""


@cache
def picture(width: int = 64, height: int = 64, format: str = "PNG", colour: str = "teal") -> bytes:
    """Return a small real picture."""
    out = io.BytesIO()
    PillowImage.new("RGB", (width, height), colour).save(out, format)
    return out.getvalue()


def answer(n: int = 1, width: int = 64, height: int = 64, **fields: object) -> ImagesResponse:
    """Return a good answer with *n* pictures."""
    data = tuple(pinxit.Image(picture(width, height)) for _ in range(n))
    return ImagesResponse.model_validate({"data": data, **fields})


def model(id: str, capability: Capability | None = None, **fields: object) -> Model:
    """Return a model that generates 64x64 pictures, up to four at once."""
    cap = capability or Capability(sizes=pinxit.FixedSizes(values=("64x64",)), max_n=4)
    return Model.model_validate({"id": id, "operations": {"generate": cap}} | fields)


class Scripted:
    """Serves models by script; what is not scripted succeeds.

    Attributes:
        script: Steps per model name, taken one by one.
        calls: Model name and request of everything that arrived, in order.
        contexts: The contexts that came with them.
        cancelled: Names of models whose calls were cancelled.
    """

    def __init__(
        self, models: Iterable[Model], script: Mapping[str, list[Step]] | None = None
    ) -> None:
        self.models = list(models)
        self.script = {name: list(steps) for name, steps in (script or {}).items()}
        self.calls: list[tuple[str, Request]] = []
        self.contexts: list[Context] = []
        self.cancelled: list[str] = []

    @property
    def names(self) -> list[str]:
        """The models that were called, in order."""
        return [name for name, _ in self.calls]

    @hookimpl
    def register_models(self) -> list[Model]:
        return self.models

    @hookimpl
    async def generate(self, request: Request, model: Model, context: Context) -> ImagesResponse:
        self.calls.append((model.name, request))
        self.contexts.append(context)
        steps = self.script.get(model.name, [])
        step = steps.pop(0) if steps else 0.0
        try:
            return await self._perform(step, request, context)
        except asyncio.CancelledError:
            self.cancelled.append(model.name)
            raise

    @hookimpl
    async def edit(self, request: Request, model: Model, context: Context) -> ImagesResponse:
        return await self.generate(request, model, context)

    @hookimpl
    async def variation(self, request: Request, model: Model, context: Context) -> ImagesResponse:
        return await self.generate(request, model, context)

    async def _perform(self, step: Step, request: Request, context: Context) -> ImagesResponse:
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, ImagesResponse):
            return step
        if callable(step):
            return await step(request, context)
        await asyncio.sleep(step)
        sizes = pinxit.types.parse_size(request.size) or (64, 64)
        return answer(request.n, *sizes)


class LoopClock(Clock):
    """A clock that reads the running loop's time, so that it is virtual where the loop is."""

    def monotonic(self) -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return 0.0


def stage(
    script: Mapping[str, list[Step]] | None = None,
    *more: object,
    models: Iterable[Model] | None = None,
    config: pinxit.Config | None = None,
    routes: Mapping[str, pinxit.Route] | None = None,
    seed: int = 1,
    clock: Clock | None = None,
) -> tuple[Router, Scripted]:
    """Return a router over models ``s/a``, ``s/b`` and ``s/c``, and the provider behind them."""
    provider = Scripted(models or [model("s/a"), model("s/b"), model("s/c")], script)
    router = Router(
        config or pinxit.Config(),
        plugins=Plugins(provider, *more, discover=False),
        routes=routes,
        clock=clock or LoopClock(),
        random=random.Random(seed),
    )
    return router, provider
