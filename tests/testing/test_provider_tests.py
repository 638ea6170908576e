"""The conformance cases pass where a provider is as it should be, and fail where it is not."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import logging
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from pinxit import (
    Context,
    EditRequest,
    GenerateRequest,
    Image,
    ImagesResponse,
    InvalidProviderResponse,
    Model,
    PartialImage,
    ProviderError,
    RateLimited,
    Setting,
    hookimpl,
)
from pinxit.testing import ProviderTests
from pinxit.types import Request
from studio import REFUSAL, Jobs, Sketcher, Studio, failures, remote, serve, serve_jobs, suite


class TestStudio(ProviderTests):
    """A plugin that is as it should be, against a server that heeds requests."""

    plugin = Studio()
    ok = staticmethod(serve)
    rejection = REFUSAL


class TestStudioInJson(ProviderTests):
    """The same plugin against an answer that is always the same."""

    plugin = Studio()
    ok = {
        "pictures": json.loads(serve(httpx.Request("POST", "/", json={"n": 1})).content)["pictures"]
    }


class TestSketcher(ProviderTests):
    """A plugin without a network."""

    plugin = Sketcher()


class TestJobs(ProviderTests):
    """A plugin that waits for jobs; the suite does not wait with it."""

    plugin = Jobs()
    ok = staticmethod(serve_jobs)
    rejection = REFUSAL
    # Its model declares more than jobs can do.
    leave_out = {"test_partial_pictures_come_before_the_answer"}


# Broken on purpose --------------------------------------------------------------------------------


class SwapsMask(Studio):
    def mask(self, request: EditRequest) -> str | None:
        if request.mask is None:
            return None
        out = io.BytesIO()
        with Pillow.open(io.BytesIO(request.mask.data)) as mask:
            ImageOps.invert(mask.convert("L")).save(out, "PNG")
        return base64.b64encode(out.getvalue()).decode()


class LosesMask(Studio):
    def mask(self, request: EditRequest) -> str | None:
        return None


class LosesPictures(Studio):
    def fields(self, request: Request) -> dict[str, Any]:
        fields = super().fields(request)
        return {**fields, "images": fields["images"][:1]} if "images" in fields else fields


class TurnsPicturesRound(Studio):
    def fields(self, request: Request) -> dict[str, Any]:
        fields = super().fields(request)
        return {**fields, "images": fields["images"][::-1]} if "images" in fields else fields


class LosesSeed(Studio):
    def fields(self, request: Request) -> dict[str, Any]:
        return {name: value for name, value in super().fields(request).items() if name != "seed"}


class LosesQuality(Studio):
    def fields(self, request: Request) -> dict[str, Any]:
        return {name: value for name, value in super().fields(request).items() if name != "quality"}


class AlwaysOne(Studio):
    def fields(self, request: Request) -> dict[str, Any]:
        return {**super().fields(request), "n": 1}


class TurnsSizes(Studio):
    def fields(self, request: Request) -> dict[str, Any]:
        fields = super().fields(request)
        if "size" in fields:
            fields["size"] = "x".join(reversed(fields["size"].split("x")))
        return fields


class AlwaysPng(Studio):
    def fields(self, request: Request) -> dict[str, Any]:
        return {**super().fields(request), "output_format": "png"}


class ShowsAnotherRequest(Studio):
    @hookimpl
    def preview(self, request: Request, model: Model, context: Context) -> httpx.Request:
        return context.http.build_request("POST", self.url(model, context), json={"n": request.n})


class TellsKey(Studio):
    def check(self, response: httpx.Response) -> None:
        if response.is_error:
            raise ProviderError(f"it said {response.text}", upstream_status=response.status_code)


class LogsKey(Studio):
    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        logging.getLogger("studio").debug("sending %s", request.headers.multi_items())
        return await super().send(request, context)


class LogsPrompt(Studio):
    async def paint(self, request: Request, model: Model, context: Context) -> ImagesResponse:
        logging.getLogger("studio").info("painting %s", self.fields(request))
        return await super().paint(request, model, context)


class PutsKeyIntoUrl(Studio):
    def url(self, model: Model, context: Context) -> str:
        return f"{super().url(model, context)}?key={context.settings['api_key']}"


class HidesNoKey(Studio):
    @hookimpl
    def register_settings(self) -> Iterable[Setting]:
        return [Setting(name="api_key", required=True)]


class SendsKeyAway(Studio):
    async def read(self, response: httpx.Response, context: Context) -> ImagesResponse:
        await context.http.get("https://cdn.test/1.png", headers=self.headers(context))
        return await super().read(response, context)


class FollowsRedirects(Studio):
    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        return await context.http.send(request, follow_redirects=True)


class RetriesInside(Studio):
    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        response = await super().send(request, context)
        return await super().send(request, context) if response.is_server_error else response


class RetriesTimeouts(Studio):
    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        try:
            return await super().send(request, context)
        except httpx.TimeoutException:
            return await super().send(request, context)


class OrdersTwice(Studio):
    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        await super().send(request, context)
        return await super().send(request, context)


class OrdersAgainWhenAskingFails(Studio):
    """Orders, then asks for the pictures; where that fails it orders again."""

    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        response = await super().send(request, context)
        asked = await context.http.get("https://studio.test/done")
        return await super().send(request, context) if asked.is_server_error else response


class ServesOthers(Studio):
    """Uses a client of its own, past everything that the router sees to."""

    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.MockTransport(serve)) as http:
            return await http.send(request)


class IsImpatient(Studio):
    def build(self, request: Request, model: Model, context: Context) -> httpx.Request:
        built = super().build(request, model, context)
        built.extensions["timeout"] = {"connect": 5, "read": 5, "write": 5, "pool": 5}
        return built


class SwallowsRefusal(Studio):
    def refusal(self, response: httpx.Response) -> Exception:
        return ProviderError("refused", upstream_status=response.status_code)


class KnowsOneError(Studio):
    def check(self, response: httpx.Response) -> None:
        if response.is_error:
            raise ProviderError("it failed", upstream_status=response.status_code)


class ForgetsStatus(Studio):
    def check(self, response: httpx.Response) -> None:
        if response.status_code == 429:
            raise RateLimited("slow down", retry_after=7)
        super().check(response)


class ForgetsRetryAfter(Studio):
    def check(self, response: httpx.Response) -> None:
        if response.status_code == 429:
            raise RateLimited("slow down", upstream_status=429)
        super().check(response)


class MakesTimeoutsCheap(Studio):
    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        try:
            return await super().send(request, context)
        except httpx.TimeoutException as error:
            raise ProviderError("too late", billing="unbilled") from error


class MakesResetsCheap(Studio):
    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        try:
            return await super().send(request, context)
        except httpx.ReadError as error:
            raise ProviderError("gone", billing="unbilled") from error


class Trusts(Studio):
    def parse(self, response: httpx.Response) -> dict[str, Any]:
        body: dict[str, Any] = response.json()
        return body


class MakesUselessAnswersFree(Studio):
    def parse(self, response: httpx.Response) -> dict[str, Any]:
        try:
            return super().parse(response)
        except ValueError as error:
            raise InvalidProviderResponse("nonsense", billing="unbilled") from error


class PaintsNothing(Studio):
    async def read(self, response: httpx.Response, context: Context) -> ImagesResponse:
        return ImagesResponse(data=(Image(b"no picture"),))


class ReturnsAList(Studio):
    @hookimpl
    async def generate(self, request: GenerateRequest) -> list[bytes]:  # type: ignore[override]  # wrong on purpose
        return [b"picture"]


class KeepsConnections(Studio):
    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        response = await context.http.send(request, stream=True)
        body = b"".join([chunk async for chunk in response.aiter_raw()])
        await response.aclose()
        return httpx.Response(response.status_code, headers=response.headers, content=body,
                              request=request)  # fmt: skip


class SwallowsCancelling(Studio):
    async def send(self, request: httpx.Request, context: Context) -> httpx.Response:
        try:
            return await super().send(request, context)
        except asyncio.CancelledError:
            raise ProviderError("cancelled") from None


class ShowsPartialsBackwards(Studio):
    async def read(self, response: httpx.Response, context: Context) -> ImagesResponse:
        body = self.parse(response)
        partials: list[str] = body.get("partials", [])
        for index, partial in reversed(list(enumerate(partials))):
            await context.emit(PartialImage(index=index, image=Image(b64_json=partial)))
        return ImagesResponse(data=tuple(Image(b64_json=text) for text in body["pictures"]))


class ShowsNoPartials(Studio):
    async def read(self, response: httpx.Response, context: Context) -> ImagesResponse:
        return ImagesResponse(
            data=tuple(Image(b64_json=text) for text in self.parse(response)["pictures"])
        )


@pytest.mark.parametrize(
    ("broken", "case"),
    [
        (SwapsMask, "test_masks_are_sent_in_the_declared_way"),
        (LosesMask, "test_masks_are_sent_in_the_declared_way"),
        (LosesPictures, "test_input_pictures_are_sent_in_order"),
        (TurnsPicturesRound, "test_input_pictures_are_sent_in_order"),
        (LosesSeed, "test_nothing_that_was_asked_is_lost"),
        (LosesQuality, "test_nothing_that_was_asked_is_lost"),
        (AlwaysOne, "test_n_pictures_are_n_pictures"),
        (TurnsSizes, "test_sizes_are_the_pixels_that_come"),
        (AlwaysPng, "test_formats_are_the_formats_that_come"),
        (ShowsAnotherRequest, "test_the_preview_is_what_is_sent"),
        (TellsKey, "test_errors_keep_secrets"),
        (LogsKey, "test_answers_keep_secrets"),
        (LogsPrompt, "test_no_prompt_is_logged"),
        (PutsKeyIntoUrl, "test_credentials_go_to_one_host"),
        (PutsKeyIntoUrl, "test_answers_keep_secrets"),
        (HidesNoKey, "test_credentials_are_declared_secret"),
        (SendsKeyAway, "test_credentials_go_to_one_host"),
        (FollowsRedirects, "test_redirects_are_not_followed"),
        (RetriesInside, "test_503_means_unavailable"),
        (RetriesTimeouts, "test_a_timeout_may_be_billed"),
        (OrdersTwice, "test_requests_go_through_the_context"),
        (OrdersAgainWhenAskingFails, "test_a_job_is_ordered_once"),
        (ServesOthers, "test_requests_go_through_the_context"),
        (IsImpatient, "test_requests_go_through_the_context"),
        (SwallowsRefusal, "test_a_refusal_is_not_an_outage"),
        (KnowsOneError, "test_401_means_our_credentials"),
        (KnowsOneError, "test_403_means_our_credentials"),
        (KnowsOneError, "test_404_means_an_unknown_model"),
        (KnowsOneError, "test_408_is_a_timeout_before_any_work"),
        (KnowsOneError, "test_500_with_a_page_means_unavailable"),
        (ForgetsStatus, "test_429_says_how_long_to_wait"),
        (ForgetsRetryAfter, "test_429_says_how_long_to_wait"),
        (MakesTimeoutsCheap, "test_a_timeout_may_be_billed"),
        (MakesTimeoutsCheap, "test_no_connection_costs_nothing"),
        (MakesResetsCheap, "test_a_reset_may_be_billed"),
        (Trusts, "test_an_empty_object_is_of_no_use"),
        (Trusts, "test_json_of_another_shape_is_of_no_use"),
        (MakesUselessAnswersFree, "test_broken_json_is_of_no_use"),
        (MakesUselessAnswersFree, "test_a_page_is_of_no_use"),
        (PaintsNothing, "test_the_smallest_request_brings_a_picture"),
        (PaintsNothing, "test_every_limit_is_served"),
        (ReturnsAList, "test_the_smallest_request_brings_a_picture"),
        (KeepsConnections, "test_cancelling_closes_an_answering_call"),
        (SwallowsCancelling, "test_cancelling_closes_a_waiting_call"),
        (ShowsPartialsBackwards, "test_partial_pictures_come_before_the_answer"),
        (ShowsNoPartials, "test_partial_pictures_come_before_the_answer"),
    ],
)
def test_a_broken_provider_fails(broken: type[Studio], case: str) -> None:
    """What a plugin does wrong is seen by the case that is about it; the plugin it was made of passes."""
    assert failures(remote(broken()), case)
    assert not failures(remote(Studio()), case)


class IgnoresSeeds(Sketcher):
    def seed(self, request: Request) -> int:
        return 0


class RollsDice(Sketcher):
    """Draws something else each time."""

    def __init__(self) -> None:
        self.rolled = 0

    def seed(self, request: Request) -> int:
        self.rolled += 1
        return self.rolled


class DrawsLarger(Sketcher):
    def size(self, request: GenerateRequest) -> tuple[int, int]:
        width, height = super().size(request)
        return width + 1, height


class PaintsOverEverything(Sketcher):
    def region(self, request: EditRequest) -> None:
        return None


class CallsHome(Sketcher):
    @hookimpl
    async def generate(self, request: GenerateRequest, context: Context) -> ImagesResponse:
        with contextlib.suppress(httpx.ConnectError):
            await context.http.get("https://home.test/")
        return await super().generate(request, context)


@pytest.mark.parametrize(
    ("broken", "case"),
    [
        (IgnoresSeeds, "test_a_seed_repeats_a_picture"),
        (RollsDice, "test_a_seed_repeats_a_picture"),
        (DrawsLarger, "test_sizes_are_the_pixels_that_come"),
        (DrawsLarger, "test_the_default_size_is_what_comes_unasked"),
        (PaintsOverEverything, "test_masks_protect"),
        (CallsHome, "test_it_sends_nothing"),
    ],
)
def test_a_broken_offline_provider_fails(broken: type[Sketcher], case: str) -> None:
    """What a plugin without a network does wrong is seen too."""
    assert failures(suite(broken()), case)
    assert not failures(suite(Sketcher()), case)
