"""Jobs behind a router: time-outs, callers who leave, retries and fallbacks never buy twice in silence."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from pinxit import (
    AllModelsFailed,
    Capability,
    Config,
    ContentRejected,
    Context,
    Hedge,
    ImagesResponse,
    Model,
    PinxitError,
    Plugins,
    ProviderTimeout,
    ProviderUnavailable,
    Retry,
    Router,
)
from pinxit.testing import ManualClock
from pinxit.types import Request
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.protocols import jobs
from pinxit_providers.protocols.bodies import json_request
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.jobs import Job, Jobs, State
from pinxit_providers.protocols.media import Asked
from pinxit_providers.protocols.reading import Reply

pytestmark = pytest.mark.virtual_time

ENDPOINT = Endpoint(provider="works", base_url="https://api.works.test")


def build(request: Request, model: Model, context: Context) -> httpx.Request:
    url = ENDPOINT.url(context, "/jobs")
    return json_request(context, url, ENDPOINT.request_headers(context), {"model": model.name})


def accepted(reply: Reply, asked: Asked) -> Job:
    id = jobs.identity(reply.json().get("id"), asked)
    return Job(id=id, poll=f"/jobs/{id}", cancel=f"/jobs/{id}/cancel")


def state(reply: Reply, asked: Asked) -> State:
    found = reply.json().get("state")
    if found == "refused":
        raise ContentRejected("not this")
    if found == "broken":
        raise ProviderUnavailable("the job broke")
    return "done" if found == "done" else "pending"


def collect(reply: Reply, asked: Asked) -> ImagesResponse:
    return asked.reader.response(asked.reader.images(reply.json().get("pictures")), {})


JOBS = Jobs(endpoint=ENDPOINT, build=build, accepted=accepted, state=state, collect=collect)
PLUGIN = jobs.provider(
    JOBS, *(Model(id=f"works/{n}", operations={"generate": Capability()}) for n in "ab")
)

Answer = Callable[[], httpx.Response]


class Works(httpx.AsyncBaseTransport):
    """A service whose jobs take *seconds*, and whose answers to one kind of request can be replaced.

    Attributes:
        lines: What was asked: ``order MODEL``, ``poll ID``, ``cancel ID``.
    """

    def __init__(self, seconds: float = 3.0, **replaced: httpx.Response | Exception) -> None:
        self.seconds = seconds
        self.replaced = replaced
        self.lines: list[str] = []
        self._models: list[str] = []
        self._ends: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.strip("/").split("/")
        if len(parts) == 1:
            return self._order(json.loads(request.content)["model"])
        kind = "cancel" if parts[-1] == "cancel" else "poll"
        self.lines.append(f"{kind} {parts[1]}")
        return self._replaced(kind) or self._told(int(parts[1]))

    def _order(self, model: str) -> httpx.Response:
        self.lines.append(f"order {model}")
        if (found := self._replaced(f"order_{model}") or self._replaced("order")) is not None:
            return found
        self._models.append(model)
        self._ends.append(asyncio.get_running_loop().time() + self.seconds)
        return httpx.Response(201, json={"id": str(len(self._ends) - 1)})

    def _told(self, id: int) -> httpx.Response:
        own = self._replaced(f"poll_{self._models[id]}")
        if own is not None:
            return own
        if asyncio.get_running_loop().time() < self._ends[id]:
            return httpx.Response(200, json={"state": "pending"})
        pictures = [{"b64_json": picture_base64(16, 16)}]
        return httpx.Response(200, json={"state": "done", "pictures": pictures})

    def _replaced(self, kind: str) -> httpx.Response | None:
        found = self.replaced.get(kind)
        if isinstance(found, Exception):
            raise found
        return found

    def count(self, kind: str) -> int:
        return sum(line.startswith(kind) for line in self.lines)


Start = Callable[[Works], Router]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Open a router over a service; it is closed afterwards."""
    opened: list[Router] = []

    def begin(works: Works) -> Router:
        router = Router(
            Config(),
            plugins=Plugins(PLUGIN, discover=False),
            settings={"works": {"api_key": "works-key-of-nobody"}},
            transport=works,
            clock=ManualClock(),
            random=random.Random(1),
        )
        opened.append(router)
        return router

    yield begin
    for router in opened:
        await router.aclose()


async def failure(router: Router, **options: Any) -> PinxitError:
    with pytest.raises(PinxitError) as caught:
        await router.generate("a fox", model="works/a", **options)
    return caught.value


def bills(error: PinxitError) -> list[tuple[str, str | None]]:
    assert error.report is not None
    return [(attempt.model, attempt.billing) for attempt in error.report.attempts]


async def test_minutes_are_allowed(start: Start) -> None:
    """Without a word about time, a job of four minutes is waited for."""
    works = Works(240)
    answer = await start(works).generate("a fox", model="works/a")
    assert answer.report.attempts[0].seconds == pytest.approx(240, abs=10)
    assert works.count("order") == 1
    assert works.count("poll") < 40


async def test_pictures_that_are_fanned_out_are_jobs_of_their_own(start: Start) -> None:
    """Three pictures of a model that makes one are three jobs, each ordered once."""
    works = Works()
    answer = await start(works).generate("a fox", model="works/a", n=3)
    assert len(answer.data) == 3
    assert works.count("order") == 3


async def test_a_timeout_cancels_the_job(start: Start) -> None:
    """Whoever gives up says so to the provider, and the attempt may be billed."""
    works = Works(60)
    error = await failure(start(works), timeout=5)
    assert isinstance(error, ProviderTimeout)
    assert bills(error) == [("works/a", "ambiguous")]
    assert (works.count("order"), works.lines[-1]) == (1, "cancel 0")


async def test_a_timeout_falls_back_and_says_what_it_may_cost(start: Start) -> None:
    """A fallback is the caller's explicit wish; the job that was left stands in the report."""
    works = Works(60, poll_b=httpx.Response(
        200, json={"state": "done", "pictures": [{"b64_json": picture_base64(16, 16)}]}
    ))  # fmt: skip
    answer = await start(works).generate("a fox", model="works/a", timeout=5, fallbacks=["works/b"])
    first, second = answer.report.attempts
    assert (first.model, first.billing, first.may_be_billed) == ("works/a", "ambiguous", True)
    assert (second.model, second.outcome) == ("works/b", "ok")
    ordered = [line for line in works.lines if not line.startswith("poll")]
    assert ordered == ["order a", "cancel 0", "order b"]


async def test_a_timeout_does_not_fall_back_by_itself(start: Start) -> None:
    """Nobody else is asked unless the caller named somebody."""
    works = Works(60)
    await failure(start(works), timeout=5)
    assert "order b" not in works.lines


async def test_the_deadline_cancels_too(start: Start) -> None:
    """The end of the whole request is an end of the job."""
    works = Works(60)
    error = await failure(start(works), deadline=8, fallbacks=["works/b"])
    assert works.lines[-1] == "cancel 0"
    assert works.count("order") == 1
    assert bills(error) == [("works/a", "ambiguous")]


async def test_two_timeouts_take_two_timeouts(start: Start) -> None:
    """Cancellations that are answered cost no time."""
    works = Works(600)
    began = asyncio.get_running_loop().time()
    error = await failure(start(works), timeout=5, fallbacks=["works/b"])
    assert isinstance(error, AllModelsFailed)
    assert asyncio.get_running_loop().time() - began == pytest.approx(10, abs=0.5)
    assert [line for line in works.lines if "cancel" in line] == ["cancel 0", "cancel 1"]


async def test_a_caller_who_leaves_cancels_the_job(start: Start) -> None:
    """A client that hangs up stops the work, and nothing further is asked."""
    works = Works(60)
    router = start(works)
    call = router.generate("a fox", model="works/a", fallbacks=["works/b"], retry=Retry(count=3))
    task = asyncio.ensure_future(call)
    await asyncio.sleep(4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert works.lines[-1] == "cancel 0"
    assert works.count("order") == 1


async def test_the_loser_of_a_hedge_is_cancelled(start: Start) -> None:
    """Of two models that were asked, the slower one's job is stopped; both may be billed."""
    works = Works(60, poll_b=httpx.Response(
        200, json={"state": "done", "pictures": [{"b64_json": picture_base64(16, 16)}]}
    ))  # fmt: skip
    answer = await start(works).generate(
        "a fox", model="works/a", fallbacks=["works/b"], hedge=Hedge(after=5)
    )
    assert answer.report.model == "works/b"
    assert "cancel 0" in works.lines
    assert {a.model: a.may_be_billed for a in answer.report.attempts}["works/a"]


EVERY_CODE = Retry(count=5, on_codes=(400, 404, 408, 429, 500, 502, 503))


@pytest.mark.parametrize(
    "poll",
    [httpx.Response(500), httpx.Response(429), httpx.Response(404), httpx.ReadError("reset"),
     httpx.ConnectError("refused"), httpx.Response(200, html="<html>")],
    ids=["500", "429", "404", "reset", "no connection", "page"],
)  # fmt: skip
async def test_a_job_that_is_lost_is_not_ordered_again(
    start: Start, poll: httpx.Response | Exception
) -> None:
    """However many retries there are, and whatever the polls met, the order went out once."""
    works = Works(poll=poll)
    error = await failure(start(works), retry=EVERY_CODE)
    assert works.count("order") == 1
    assert bills(error) == [("works/a", "ambiguous")]
    assert works.lines[-1] == "cancel 0"


@pytest.mark.parametrize("status", [404, 429, 500])
async def test_a_job_that_is_lost_falls_back(start: Start, status: int) -> None:
    """What cannot be learnt is like a time-out: those whom the caller named are asked."""
    works = Works(poll_a=httpx.Response(status))
    answer = await start(works).generate("a fox", model="works/a", fallbacks=["works/b"])
    assert [a.billing for a in answer.report.attempts] == ["ambiguous", None]
    assert works.count("order") == 2


@pytest.mark.parametrize(
    "trouble", [httpx.ReadError("reset"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("x")]
)
async def test_an_order_whose_answer_is_lost_is_not_repeated(
    start: Start, trouble: Exception
) -> None:
    """Nobody knows whether the job began, so one request is all there is."""
    works = Works(order=trouble)
    error = await failure(start(works))
    assert works.lines == ["order a"]
    assert bills(error) == [("works/a", "ambiguous")]
    works = Works(order=trouble)
    await failure(start(works), retry=Retry(count=3, on_codes=(429, 500, 503)))
    assert works.lines == ["order a"]


async def test_an_order_that_was_turned_away_is_retried_where_that_is_wished(start: Start) -> None:
    """A status before any work is what retries are for."""
    works = Works(order=httpx.Response(429))
    error = await failure(start(works), retry=Retry(count=2))
    assert works.lines == ["order a"] * 3
    assert {billing for _, billing in bills(error)} == {"unbilled"}


async def test_a_refusal_stays_where_it_is(start: Start) -> None:
    """A refused job is not tried again and not taken elsewhere."""
    works = Works(poll_a=httpx.Response(200, json={"state": "refused"}))
    error = await failure(start(works), retry=EVERY_CODE, fallbacks=["works/b"])
    assert isinstance(error, ContentRejected)
    assert works.lines == ["order a", "poll 0"]


async def test_a_refusal_goes_elsewhere_where_the_caller_says_so(start: Start) -> None:
    """`on_refusal` is the caller's word."""
    works = Works(poll_a=httpx.Response(200, json={"state": "refused"}))
    answer = await start(works).generate(
        "a fox", model="works/a", fallbacks=["works/b"], on_refusal="fallback"
    )
    assert answer.report.model == "works/b"


async def test_a_job_that_broke_falls_back_and_is_not_retried(start: Start) -> None:
    """A failed state is no status: lists of codes do not know it, fallbacks follow it."""
    works = Works(poll_a=httpx.Response(200, json={"state": "broken"}))
    answer = await start(works).generate(
        "a fox", model="works/a", fallbacks=["works/b"], retry=EVERY_CODE
    )
    assert answer.report.model == "works/b"
    assert [line for line in works.lines if "order" in line] == ["order a", "order b"]
