"""Typical uses, typed as expected: checked by mypy and pyright, never run.

What must be refused carries an ignore; where a checker stops refusing it, the ignore is reported as unused.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, assert_type

import httpx

import pinxit
from pinxit import blocking
from pinxit.candidates import Candidate, Plan
from pinxit.testing import ProviderTests


async def generating(router: pinxit.Router) -> None:
    answer = await router.generate(
        "a red fox",
        model="hero",
        size="1536x1024",
        quality="high",
        seed=7,
        fallbacks=["a/b", pinxit.Fallback(model="c/d"), {"model": "e/f", "parameters": {"n": 1}}],
        retry=pinxit.Retry(count=2),
        timeout=30,
        max_cost="0.10",
        extra={"acme": {"steps": 30}},
    )
    assert_type(answer, pinxit.ImagesResponse)
    assert_type(answer.data, tuple[pinxit.Image, ...])
    assert_type(answer.data[0].save("fox.png"), Path)
    assert_type(answer.data[0].data, bytes)
    assert_type(answer.report, pinxit.Report)
    assert_type(answer.report.cost, Decimal | None)
    assert_type(answer.report.attempts[0].may_be_billed, bool)
    await router.generate(
        pinxit.GenerateRequest(prompt="a fox"), n=2, retry={"count": 1}, seed=None
    )


async def refused(router: pinxit.Router) -> None:
    await router.generate("a fox", quality="best")  # type: ignore[arg-type]  # no such word
    await router.generate("a fox", sise="1x1")  # type: ignore[call-arg]  # misspelt
    await router.generate("a fox", mask="mask.png")  # type: ignore[call-arg]  # takes no pictures
    await router.generate()  # type: ignore[call-arg]  # no prompt
    await router.variation("fox.png", prompt="a fox")  # type: ignore[call-arg]  # takes no prompt


async def editing(router: pinxit.Router, picture: bytes, path: Path) -> None:
    assert_type(await router.edit("a hat", image="fox.png", mask=path), pinxit.ImagesResponse)
    await router.edit("a hat", [picture, path, pinxit.Image(picture)], input_fidelity="high")
    assert_type(await router.variation(picture, n=3), pinxit.ImagesResponse)


async def streaming(router: pinxit.Router) -> None:
    async for event in router.stream("a harbour", partial_images=2):
        match event:
            case pinxit.PartialImage():
                assert_type(event.index, int)
            case pinxit.ImagesResponse():
                assert_type(event.report.model, str)


def planning(router: pinxit.Router) -> None:
    plan = router.plan("a fox", style="vivid")
    assert_type(plan, Plan)
    for candidate in plan:
        assert_type(candidate, Candidate)
        assert_type(candidate.estimate, Decimal | None)
    assert_type(router.registry.get("hero"), pinxit.Model)


async def opening() -> None:
    async with pinxit.Router() as router:
        assert_type(router, pinxit.Router)
    async with pinxit.Router(
        pinxit.Config.load("pinxit.toml"),
        routes={"hero": pinxit.Route(models=("a/b",))},
        settings={"acme": {"api_key": "key"}},
        transport=httpx.MockTransport(lambda request: httpx.Response(200, request=request)),
    ) as router:
        assert_type(router.routes["hero"].models, tuple[str, ...])


def waiting() -> None:
    with blocking.Router() as router:
        assert_type(router, blocking.Router)
        assert_type(router.generate("a fox", n=2), pinxit.ImagesResponse)
        assert_type(router.edit("a hat", image="fox.png"), pinxit.ImagesResponse)
        for event in router.stream("a fox"):
            assert_type(event, pinxit.PartialImage | pinxit.ImagesResponse)


def failing(error: pinxit.PinxitError) -> None:
    assert_type(error.status, int)
    assert_type(error.report, pinxit.Report | None)
    match error:
        case pinxit.ProviderError():
            assert_type(error.retry_after, float | None)
            assert_type(error.billing, Literal["not_sent", "unbilled", "ambiguous", "billed"])
        case pinxit.UnsupportedRequest():
            assert_type(error.reasons, dict[str, tuple[str, ...]])
        case _:
            pass


# What a provider writes: decorated functions stay what they are.


@pinxit.hookimpl
def register_models() -> Iterable[pinxit.Model]:
    return [pinxit.Model(id="acme/brush", operations={"generate": pinxit.Capability()})]


@pinxit.hookimpl
async def generate(
    request: pinxit.GenerateRequest, context: pinxit.Context
) -> pinxit.ImagesResponse:
    assert_type(request.n, int)
    assert_type(context.http, httpx.AsyncClient)
    assert_type(context.settings["api_key"], Any)
    await context.emit(pinxit.PartialImage(index=0, image=pinxit.Image(b"")))
    return pinxit.ImagesResponse(data=(pinxit.Image(b64_json="..."),))


@pinxit.hookimpl
async def around_call(call: pinxit.Call, call_next: pinxit.CallNext) -> pinxit.ImagesResponse:
    assert_type(call.model, pinxit.Model)
    return await call_next(call)


@pinxit.hookimpl(tryfirst=True)
async def around_request(
    request: pinxit.GenerateRequest | pinxit.EditRequest | pinxit.VariationRequest,
    request_next: pinxit.RequestNext,
) -> pinxit.ImagesResponse:
    return await request_next(request)


async def calling(request: pinxit.GenerateRequest, context: pinxit.Context) -> None:
    assert_type(await generate(request, context), pinxit.ImagesResponse)


# What its tests write.


class TestInJson(ProviderTests):
    plugin = register_models
    ok = {"data": [{"b64_json": "..."}]}
    rejection = (400, {"error": {"code": "content_policy_violation"}})
    settings = {"api_key": "key"}
    trusted_hosts = ("polling.acme.test",)


class TestInAFunction(ProviderTests):
    plugin = register_models

    def ok(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, request=request)
