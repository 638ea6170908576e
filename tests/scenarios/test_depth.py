"""The way from the door to httpx is short: whoever debugs a call sees all of it on one screen."""

from __future__ import annotations

import inspect
from pathlib import Path

import httpx
import pytest

import pinxit
import pinxit_providers
from chaotic import ONE_AT_ONCE, A, B
from pinxit import Config, ImagesResponse, Plugins, RequestNext, Router, hookimpl
from pinxit.testing import ChaosUpstream
from pinxit_providers.openai import PLUGIN as openai_plugin

ROOTS = tuple(str(Path(inspect.getfile(module)).parent) for module in (pinxit, pinxit_providers))
BUDGET = 8


class Walker(httpx.AsyncBaseTransport):
    """Notes which functions of ours are on the stack at the moment when httpx sends."""

    def __init__(self) -> None:
        self.stacks: list[list[str]] = []
        self._upstream = ChaosUpstream().transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        frames = [frame for frame in inspect.stack(0) if frame.filename.startswith(ROOTS)]
        self.stacks.append([f"{Path(f.filename).stem}.{f.function}" for f in reversed(frames)])
        return await self._upstream.handle_async_request(request)


def walk(*plugins: object) -> tuple[Router, Walker]:
    walker = Walker()
    router = Router(
        Config(),
        plugins=Plugins(openai_plugin, *plugins, discover=False),
        settings={"openai": {"api_key": "sk-depth", "base_url": "http://chaos.test/v1"}},
        transport=walker,
    )
    return router, walker


async def test_eight_frames_of_ours_lie_between_the_door_and_httpx() -> None:
    """From Router.generate to the provider's last line, with retries and fallbacks configured."""
    router, walker = walk()
    async with router:
        await router.generate("a fox", model=A, fallbacks=[B], retry=pinxit.Retry(count=2))
    [stack] = walker.stacks
    assert stack[0] == "routing.generate"
    assert len(stack) <= BUDGET, stack


@pytest.mark.parametrize("parameters", [{"model": ONE_AT_ONCE, "n": 2}, {"hedge": {"after": 9}}])
async def test_parts_and_hedges_do_not_get_longer(parameters: dict[str, object]) -> None:
    """They run in tasks of their own, whose ways to httpx are no longer than the plain one."""
    router, walker = walk()
    async with router:
        await router.run(
            pinxit.GenerateRequest.model_validate(
                {"prompt": "a fox", "model": A, "fallbacks": [B], **parameters}
            )
        )
    assert walker.stacks
    assert max(map(len, walker.stacks)) <= BUDGET, walker.stacks


async def test_a_middleware_costs_its_own_frame() -> None:
    """One more per middleware, and none of ours around it."""

    class Watch:
        @hookimpl
        async def around_request(
            self, request: pinxit.GenerateRequest, request_next: RequestNext
        ) -> ImagesResponse:
            return await request_next(request)

    plain, without = walk()
    router, walker = walk(Watch())
    async with plain, router:
        await plain.generate("a fox", model=A)
        await router.generate("a fox", model=A)
    assert len(walker.stacks[0]) == len(without.stacks[0])
