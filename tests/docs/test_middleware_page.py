"""docs/writing-middleware.md: its plugin lies in a folder, its settings in a file, and both onions work."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path

import httpx
import pytest

import pinxit
from pages import block
from pinxit import Call, CallNext, ContentRejected, ImagesResponse, ProviderUnavailable, RequestNext
from pinxit.types import Request
from scripted import picture, stage

PAGE = "writing-middleware.md"


@pytest.fixture
def sent() -> list[dict[str, object]]:
    """The bodies that the vendor got."""
    return []


@pytest.fixture
def router(here: Path, sent: list[dict[str, object]]) -> pinxit.Router:
    """A router that finds the page's plugin and settings as an operator would lay them out."""
    (here / "plugins").mkdir()
    (here / "plugins" / "house.py").write_text(block(PAGE, "python", "Writing middleware").text)
    (here / "pinxit.toml").write_text(block(PAGE, "toml", "Writing middleware").text)

    def vendor(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        text = base64.b64encode(picture(1024, 1024)).decode()
        return httpx.Response(200, json={"data": [{"b64_json": text}]})

    settings = {"openai": {"api_key": "sk-test"}}
    return pinxit.Router(settings=settings, transport=httpx.MockTransport(vendor))


async def test_around_call_changes_what_is_sent(
    router: pinxit.Router, sent: list[dict[str, object]]
) -> None:
    """The page's ``around_call`` adds the house style to what a vendor gets, whoever asked."""
    async with router:
        await router.generate("a fox", model="openai/gpt-image-2")
    assert [body["prompt"] for body in sent] == ["a fox\n\nMuted colours, no lettering."]


async def test_around_request_logs_what_was_spent(
    router: pinxit.Router, caplog: pytest.LogCaptureFixture
) -> None:
    """The page's ``around_request`` logs model, cost and caller of a signed answer."""
    request = pinxit.GenerateRequest(prompt="a fox", model="openai/gpt-image-2")
    with caplog.at_level(logging.INFO, "house"):
        async with router:
            answer = await router.run(request, caller="web-shop")
    assert f"openai/gpt-image-2 cost {answer.report.cost} for web-shop" in caplog.messages


async def test_around_request_refuses_with_the_report(
    router: pinxit.Router, sent: list[dict[str, object]]
) -> None:
    """A word that the toml forbids ends the request before anything is sent, with the report on the error."""
    async with router:
        with pytest.raises(ContentRejected, match="snakes") as caught:
            await router.generate("Snakes on a plane", model="openai/gpt-image-2")
    assert caught.value.code == "house_rule"
    assert caught.value.report is not None
    assert sent == []


class _Objects:
    """Fails every call to the first model."""

    def __init__(self, error: pinxit.PinxitError) -> None:
        self.error = error

    @pinxit.hookimpl
    async def around_call(self, call: Call, call_next: CallNext) -> ImagesResponse:
        if call.model.id == "s/a":
            raise self.error
        return await call_next(call)


async def test_a_provider_error_of_around_call_leads_to_the_next_candidate() -> None:
    """What ``around_call`` raises counts as the candidate's failure."""
    router, provider = stage(None, _Objects(ProviderUnavailable("closed today")))
    answer = await router.generate("a fox", model="s/a", fallbacks=["s/b"])
    assert (answer.report.model, provider.names) == ("s/b", ["b"])


async def test_a_refusal_of_around_call_does_not() -> None:
    """A refusal of ``around_call`` is a refusal: it does not go shopping."""
    router, provider = stage(None, _Objects(ContentRejected("not here")))
    with pytest.raises(ContentRejected):
        await router.generate("a fox", model="s/a", fallbacks=["s/b"])
    assert provider.names == []


async def test_layers_stand_as_the_page_says() -> None:
    """``tryfirst`` is outermost and ``trylast`` innermost, in whichever order they are registered."""
    entered: list[str] = []

    def layer(name: str, *, first: bool = False, last: bool = False) -> object:
        class Layer:
            @pinxit.hookimpl(tryfirst=first, trylast=last)
            async def around_request(
                self, request: Request, request_next: RequestNext
            ) -> ImagesResponse:
                entered.append(name)
                return await request_next(request)

        return type(name, (Layer,), {})()

    layers = (layer("inner", last=True), layer("outer", first=True), layer("middle"))
    router, _ = stage(None, *layers)
    await router.generate("a fox", model="s/a")
    assert entered == ["outer", "middle", "inner"]


async def test_calling_on_twice_orders_twice_and_not_at_all_orders_nothing() -> None:
    """The next layer does what it is told, as often as it is told."""
    for times in (0, 2):

        class Repeats:
            @pinxit.hookimpl
            async def around_call(self, call: Call, call_next: CallNext) -> ImagesResponse:
                answer = ImagesResponse(data=(pinxit.Image(picture()),))
                for _ in range(times):  # noqa: B023 - called before the loop goes on
                    answer = await call_next(call)
                return answer

        router, provider = stage(None, Repeats())
        await router.generate("a fox", model="s/a")
        assert len(provider.calls) == times
