"""What the router itself costs per request: no network, a provider that answers at once.

Run: ``python benchmarks/routing.py``. Each figure is the best of several rounds, in microseconds per request,
because the machine may be busy with other things. *Beside the bare hook* is what the router adds.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pinxit
from pinxit import (
    Call,
    CallNext,
    Capability,
    Config,
    Context,
    FixedSizes,
    GenerateRequest,
    ImagesResponse,
    Model,
    Plugins,
    ProviderUnavailable,
    RequestNext,
    Route,
    Router,
    Setting,
    hookimpl,
)
from pinxit.testing import png

ROUNDS = 9
REQUESTS = 200
PICTURE = png(1024, 1024)
ANSWER = ImagesResponse(data=(pinxit.Image(PICTURE),))


class Instant:
    """A provider of sixteen models that answers at once; the model ``down`` fails at once."""

    @hookimpl
    def register_settings(self) -> Sequence[Setting]:
        return (Setting(name="api_key", secret=True, required=True, env=("INSTANT_API_KEY",)),)

    @hookimpl
    def register_models(self) -> Sequence[Model]:
        sizes = FixedSizes(values=("1024x1024", "1536x1024"))
        capability = Capability(sizes=sizes, max_n=4, qualities=("low", "high"))
        names = ["down", *(f"m{number}" for number in range(15))]
        return [Model(id=f"instant/{name}", operations={"generate": capability}) for name in names]

    @hookimpl
    async def generate(self, request: GenerateRequest, model: Model) -> ImagesResponse:
        if model.name == "down":
            raise ProviderUnavailable("down", upstream_status=503)
        if request.n == 1:
            return ANSWER
        return ImagesResponse(data=ANSWER.data * request.n)


class Onion:
    """Middleware around requests and calls."""

    @hookimpl
    async def around_request(
        self, request: GenerateRequest, request_next: RequestNext
    ) -> ImagesResponse:
        return await request_next(request)

    @hookimpl
    async def around_call(self, call: Call, call_next: CallNext) -> ImagesResponse:
        return await call_next(call)


ROUTES = {"hero": Route(models=tuple(f"instant/m{number}" for number in range(10)))}

CASES: dict[str, dict[str, Any]] = {
    "generate, one model": {"model": "instant/m0"},
    "with every usual parameter": {
        "model": "instant/m0", "size": "1024x1024", "quality": "high", "n": 1, "user": "u",
        "response_format": "b64_json", "timeout": 60, "deadline": 90,
    },
    "with three retries allowed": {"model": "instant/m0", "retry": {"count": 3}},
    "with two fallbacks that wait": {"model": "instant/m0", "fallbacks": ["instant/m1", "instant/m2"]},
    "through a route of ten models": {"model": "hero"},
    "a first that fails, a fallback": {"model": "instant/down", "fallbacks": ["instant/m1"]},
    "ten pictures in three calls": {"model": "instant/m0", "n": 10},
    "weighted over three": {
        "load_balancer": {"models": [{"model": f"instant/m{n}", "weight": 0.3} for n in range(3)]}
    },
}  # fmt: skip


async def best(call: Callable[[], Awaitable[object]], requests: int = REQUESTS) -> float:
    """Return the least microseconds per call, over a few rounds of many."""
    await call()
    times: list[float] = []
    for _ in range(ROUNDS):
        gc.collect()
        start = time.perf_counter()
        for _ in range(requests):
            await call()
        times.append((time.perf_counter() - start) / requests)
    return 1e6 * min(times)


def router(*plugins: object) -> Router:
    return Router(
        Config(),
        plugins=Plugins(Instant(), *plugins, discover=False),
        settings={"instant": {"api_key": "sk-none"}},
        routes=ROUTES,
    )


async def main() -> None:
    async with router() as plain, router(Onion()) as wrapped:
        model = plain.registry.get("instant/m0")
        request = GenerateRequest(prompt="a red fox in the snow", model=model.id)
        context = Context(http=plain.http)
        provider = plain.registry.owner(model)
        assert isinstance(provider, Instant)
        bare = await best(partial(provider.generate, request, model), 20_000)
        print(f"{'':34}{'microseconds':>14}{'beside the bare hook':>24}")
        print(f"{'the bare hook':34}{bare:14.1f}")
        addressed = await best(
            partial(plain.plugins.invoke, "generate", request, model, context), 5_000
        )
        print(f"{'the hook, addressed by pluggy':34}{addressed:14.1f}{addressed - bare:24.1f}")
        for name, parameters in CASES.items():
            spent = await best(partial(plain.generate, "a red fox in the snow", **parameters))
            print(f"{name:34}{spent:14.0f}{spent - bare:24.0f}")
        spent = await best(partial(wrapped.generate, "a red fox in the snow", model=model.id))
        print(f"{'one model, two layers of middleware':34}{spent:13.0f}{spent - bare:24.0f}")

        async def planned() -> None:
            plain.plan("a red fox in the snow", model=model.id)

        print(f"{'a plan alone':34}{await best(planned):14.0f}")


if __name__ == "__main__":
    logging.disable()
    asyncio.run(main())
