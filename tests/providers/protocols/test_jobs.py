"""The family of jobs: paid work that is ordered once, whatever becomes of the polls."""

from __future__ import annotations

import asyncio
import json
import traceback
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pinxit import (
    AuthenticationFailed,
    Capability,
    ContentRejected,
    Context,
    GenerateRequest,
    ImagesResponse,
    InvalidProviderResponse,
    Model,
    PinxitError,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestError,
)
from pinxit.types import Request
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.protocols import jobs
from pinxit_providers.protocols.bodies import json_request
from pinxit_providers.protocols.complaints import Vocabulary
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.jobs import Job, Jobs, State
from pinxit_providers.protocols.media import Asked
from pinxit_providers.protocols.reading import Reply
from replayed import Replay, Step, cut, hang, lent

pytestmark = pytest.mark.virtual_time

KEY = "works-key-of-nobody-0123456789"
BASE = "https://api.works.test/v1"
MODEL = Model(id="works/a", operations={"generate": Capability()})
ENDPOINT = Endpoint(provider="works", base_url=BASE, key_env=("WORKS_API_KEY",))


def build(request: Request, model: Model, context: Context) -> httpx.Request:
    url = ENDPOINT.url(context, "/jobs")
    return json_request(context, url, ENDPOINT.request_headers(context), {"model": model.name})


def accepted(reply: Reply, asked: Asked) -> Job:
    fields: Any = reply.json()
    id = jobs.identity(fields.get("id"), asked)
    return Job(
        id=id,
        poll=fields.get("poll", f"/jobs/{id}"),
        result=fields.get("result", ()),
        cancel=fields.get("cancel", f"/jobs/{id}/cancel"),
        fields=fields,
    )


def state(reply: Reply, asked: Asked) -> State:
    match reply.json().get("state"):
        case "pending":
            return "pending"
        case "done":
            return "done"
        case "failed":
            return "failed"
        case "refused":
            raise ContentRejected("not this", billing="billed")
        case "broken":
            raise ProviderUnavailable("the job broke", billing="unbilled")
        case _:
            raise asked.reader.useless("no known state")


def collect(reply: Reply, asked: Asked) -> ImagesResponse:
    return asked.reader.response(asked.reader.images(reply.json().get("pictures")), asked.accepted)


JOBS = Jobs(
    endpoint=ENDPOINT,
    build=build,
    accepted=accepted,
    state=state,
    collect=collect,
    hosts=("works.test",),
    vocabulary=Vocabulary(refused=frozenset({"policy"})),
)

ORDERED: dict[str, Any] = {"id": "7"}
PENDING: dict[str, Any] = {"state": "pending"}
FAILED: dict[str, Any] = {"state": "failed"}
PICTURES: dict[str, Any] = {"pictures": [{"b64_json": picture_base64(16, 16)}]}
DONE: dict[str, Any] = {"state": "done", **PICTURES}
SUBMIT = f"POST {BASE}/jobs"
POLL = f"GET {BASE}/jobs/7"
CANCEL = f"POST {BASE}/jobs/7/cancel"


def status(code: int, body: object = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(code, json={} if body is None else body, headers=named)


def only_500_is_billed(error: PinxitError) -> PinxitError:
    return jobs.billed(error, "billed" if error.upstream_status == 500 else "unbilled")


async def order(replay: Replay, service: Jobs = JOBS, **context: Any) -> ImagesResponse:
    lending = lent(replay, **{"api_key": KEY, **context})
    return await jobs.call(service, GenerateRequest(prompt="a fox"), MODEL, lending)


async def failure(replay: Replay, service: Jobs = JOBS, **context: Any) -> PinxitError:
    with pytest.raises(PinxitError) as caught:
        await order(replay, service, **context)
    return caught.value


# From order to picture ----------------------------------------------------------------------------


async def test_a_job_is_ordered_polled_and_collected() -> None:
    """One order, polls until the end, and the pictures of the last state."""
    replay = Replay(ORDERED, PENDING, PENDING, DONE)
    answer = await order(replay)
    assert answer.data[0].info.size == "16x16"
    assert replay.lines == [SUBMIT, POLL, POLL, POLL]
    assert cut(replay.requests, "authorization") == {f"Bearer {KEY}"}


async def test_what_was_said_at_acceptance_is_there_at_the_end() -> None:
    """The answer to the order may hold what the last state does not repeat."""
    assert (await order(Replay(ORDERED | {"created": 17}, DONE))).created == 17


async def test_without_a_key_nothing_is_sent() -> None:
    """A missing key is found before the order."""
    replay = Replay()
    error = await failure(replay, api_key="")
    assert isinstance(error, AuthenticationFailed)
    assert (error.billing, replay.requests) == ("not_sent", [])


@pytest.mark.parametrize("id", [None, 7, "", "..", "a/b", "../x", "a b", "a?b", "a%2f", "x" * 201])
async def test_an_order_that_names_no_job(id: object) -> None:
    """What becomes part of a path is a plain word; without one nobody can ask for the job."""
    replay = Replay({"id": id})
    error = await failure(replay)
    assert isinstance(error, InvalidProviderResponse)
    assert (error.billing, replay.lines) == ("billed", [SUBMIT])


@pytest.mark.parametrize(
    ("step", "kind", "billing"),
    [
        (status(500), ProviderUnavailable, "unbilled"),
        (status(429), RateLimited, "unbilled"),
        (status(400), RequestError, "unbilled"),
        (status(400, {"code": "policy"}), ContentRejected, "unbilled"),
        (status(401), AuthenticationFailed, "unbilled"),
    ],
)
async def test_an_order_that_fails_is_not_repeated(
    step: Step, kind: type[PinxitError], billing: str
) -> None:
    """What answers the order itself is an ordinary failure, after one request."""
    replay = Replay(step)
    error = await failure(replay)
    assert type(error) is kind
    assert (getattr(error, "billing", None), replay.lines) == (billing, [SUBMIT])


@pytest.mark.parametrize(
    ("last", "kind", "billing"),
    [("refused", ContentRejected, "billed"), ("broken", ProviderUnavailable, "unbilled")],
)
async def test_what_the_provider_says_of_the_job_is_final(
    last: str, kind: type[PinxitError], billing: str
) -> None:
    """A refusal or a failure by the job's own state is raised as it is; there is nothing to cancel."""
    replay = Replay(ORDERED, PENDING, {"state": last})
    error = await failure(replay)
    assert type(error) is kind
    assert getattr(error, "billing", None) == billing
    assert replay.lines == [SUBMIT, POLL, POLL]


async def test_a_refusal_may_come_as_the_status_of_a_poll() -> None:
    """A status that refuses is the job's end too; what it cost is for the service to say."""
    refusal = status(400, {"code": "policy", "message": "no"})
    replay = Replay(ORDERED, refusal)
    error = await failure(replay, replace(JOBS, verdict=only_500_is_billed))
    assert isinstance(error, ContentRejected)
    assert (error.billing, replay.lines) == ("unbilled", [SUBMIT, POLL])
    error = await failure(Replay(ORDERED, refusal))
    assert getattr(error, "billing", None) == "ambiguous"


async def test_an_end_without_pictures_is_billed() -> None:
    """A job that ended well and brought nothing was paid for."""
    error = await failure(Replay(ORDERED, {"state": "done"}))
    assert isinstance(error, InvalidProviderResponse)
    assert error.billing == "billed"


# Ready at once ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "polls"), [(DONE, 0), (PENDING, 1), ({}, 1), ({"state": 7}, 1)])
async def test_the_answer_to_the_order_may_hold_the_end(first: dict[str, Any], polls: int) -> None:
    """Where the provider may wait with its answer, a job that is done is not polled."""
    replay = Replay(ORDERED | first, DONE)
    await order(replay, replace(JOBS, ready=True))
    assert replay.lines == [SUBMIT, *[POLL] * polls]


async def test_the_answer_to_the_order_may_hold_a_failure() -> None:
    """What failed while the provider waited is not polled either."""
    replay = Replay(ORDERED | {"state": "refused"})
    error = await failure(replay, replace(JOBS, ready=True))
    assert isinstance(error, ContentRejected)
    assert replay.lines == [SUBMIT]


async def test_without_ready_the_first_answer_is_no_state() -> None:
    """Whatever the answer to the order says, the job is asked for its state."""
    replay = Replay(ORDERED | DONE, DONE)
    await order(replay)
    assert replay.lines == [SUBMIT, POLL]


# Pauses -------------------------------------------------------------------------------------------


async def test_pauses_grow_to_a_limit() -> None:
    """Each pause is longer than the one before, until the ceiling."""
    replay = Replay(ORDERED, *[PENDING] * 11, DONE)
    await order(replay)
    assert replay.pauses[:4] == [1.0, 1.3, 1.69, 2.197]
    assert replay.pauses == sorted(replay.pauses)
    assert replay.pauses[-2:] == [10.0, 10.0]


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({"interval": 0.1, "floor": 5.0}, [5.0, 6.5, 8.45, 10.0]),
        ({"interval": 0.1, "floor": 20.0}, [20.0, 20.0, 20.0, 20.0]),
        ({"interval": 0.5, "ceiling": 0.7}, [0.5, 0.65, 0.7, 0.7]),
    ],
)
async def test_pauses_keep_to_floor_and_ceiling(
    knobs: dict[str, Any], expected: list[float]
) -> None:
    """A provider's floor is kept, even where it lies above the ceiling."""
    replay = Replay(ORDERED, *[PENDING] * 3, DONE)
    await order(replay, replace(JOBS, **knobs))
    assert replay.pauses == expected


async def test_a_last_look_before_the_deadline() -> None:
    """What is done shortly before the router gives up is still fetched."""
    context = lent(replay := Replay(ORDERED, *[PENDING] * 3, DONE), api_key=KEY)
    context = replace(context, deadline=context.clock.monotonic() + 8.0)
    await jobs.call(JOBS, GenerateRequest(prompt="a fox"), MODEL, context)
    assert replay.pauses == [1.0, 1.3, 1.69, 2.197]
    replay = Replay(ORDERED, *[PENDING] * 3, DONE)
    context = lent(replay, api_key=KEY)
    context = replace(context, deadline=context.clock.monotonic() + 6.0)
    await jobs.call(JOBS, GenerateRequest(prompt="a fox"), MODEL, context)
    assert replay.pauses == [1.0, 1.3, 1.69, 1.01]


async def test_the_floor_holds_at_the_deadline_too() -> None:
    """Nobody is asked faster because time is short."""
    replay = Replay(ORDERED, *[PENDING] * 4, DONE)
    context = lent(replay, api_key=KEY)
    context = replace(context, deadline=context.clock.monotonic() + 2.0)
    await jobs.call(JOBS, GenerateRequest(prompt="a fox"), MODEL, context)
    assert replay.pauses == [1.0, 0.5, 0.5, 0.5, 0.5]


# Polls that fail ----------------------------------------------------------------------------------

TROUBLE: dict[str, Step] = {
    "no connection": httpx.ConnectError("refused"),
    "reset": httpx.ReadError("reset"),
    "no answer": httpx.ReadTimeout("slow"),
    "closed": httpx.RemoteProtocolError("closed"),
    "500": status(500),
    "503": status(503, {"message": "busy"}),
    "429": status(429),
    "404": status(404),
    "401": status(401),
    "400": status(400),
    "redirect": status(302, location="https://evil.example/"),
    "page": httpx.Response(200, html="<html>gateway</html>"),
    "list": httpx.Response(200, json=[]),
    "nothing": {},
    "unknown state": {"state": "napping"},
}


@pytest.mark.parametrize("step", TROUBLE.values(), ids=TROUBLE)
async def test_a_poll_that_fails_is_asked_again(step: Step) -> None:
    """No trouble with asking ends the job, and none orders it again."""
    replay = Replay(ORDERED, step, PENDING, step, DONE)
    answer = await order(replay)
    assert len(answer.data) == 1
    assert replay.lines == [SUBMIT, POLL, POLL, POLL, POLL]


@pytest.mark.parametrize("step", TROUBLE.values(), ids=TROUBLE)
async def test_five_failures_in_a_row_are_the_end(step: Step) -> None:
    """Then nobody knows what became of the job: it is cancelled, may be billed, and is not repeated."""
    replay = Replay(ORDERED, *[step] * 5, {})
    error = await failure(replay)
    assert isinstance(error, ProviderError)
    assert (error.billing, error.retry, error.fall_back) == ("ambiguous", False, True)
    # A poll's status is not the order's: no list of codes may order it again, or hold a fallback back.
    assert (error.upstream_status, error.statuses) == (None, frozenset())
    assert replay.lines == [SUBMIT, *[POLL] * 5, CANCEL]
    assert sum(replay.pauses[:5]) >= 30


async def test_only_failures_in_a_row_count() -> None:
    """A poll that is answered forgives those before it."""
    bad = status(503)
    replay = Replay(ORDERED, *[bad] * 4, PENDING, *[bad] * 4, DONE)
    await order(replay)
    assert replay.lines == [SUBMIT, *[POLL] * 10]


async def test_pauses_after_failures_double_and_then_go_on_as_before() -> None:
    """A provider in trouble is asked less often; when it is well, the pauses are what they were."""
    replay = Replay(ORDERED, *[status(503)] * 3, PENDING, DONE)
    await order(replay)
    assert replay.pauses == [1.0, 2.0, 4.0, 8.0, 2.8561]


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "3600"}, 60.0),
        ({"retry_after": "0"}, 2.0),
        ({"retry_after": "-1"}, 2.0),
        ({"retry_after": "nan"}, 2.0),
        ({"retry_after_ms": "2500"}, 2.5),
    ],
)
async def test_a_poll_heeds_retry_after(headers: dict[str, str], pause: float) -> None:
    """The wait that is asked for is kept, up to a minute; the job goes on meanwhile."""
    replay = Replay(ORDERED, status(429, **headers), DONE)
    await order(replay)
    assert replay.pauses == [1.0, pause]


async def test_a_poll_that_hangs_is_given_up() -> None:
    """A poll is a small question: after a minute it is asked again."""
    replay = Replay(ORDERED, hang, DONE)
    await order(replay)
    assert replay.pauses == [1.0, 62.0]


# Cancellation -------------------------------------------------------------------------------------


async def leave(replay: Replay, after: float, service: Jobs = JOBS) -> float:
    """Order, leave after some seconds, and return how long the leaving took."""
    task = asyncio.ensure_future(order(replay, service))
    await asyncio.sleep(after)
    left = asyncio.get_running_loop().time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return asyncio.get_running_loop().time() - left


async def test_whoever_leaves_cancels_the_job() -> None:
    """The cancellation is sent at once, with the key, and nothing after it."""
    replay = Replay(ORDERED, PENDING, {})
    assert await leave(replay, 1.5) == 0
    assert replay.lines == [SUBMIT, POLL, CANCEL]
    assert replay.requests[-1].headers["authorization"] == f"Bearer {KEY}"


async def test_the_method_of_a_cancellation_is_the_providers() -> None:
    """Some providers want PUT or DELETE."""
    replay = Replay(ORDERED, status(204))
    await leave(replay, 0.5, replace(JOBS, cancel_method="DELETE"))
    assert replay.lines[-1] == f"DELETE {BASE}/jobs/7/cancel"


async def test_a_poll_under_way_is_let_go() -> None:
    """Leaving in the middle of a poll cancels as well."""
    replay = Replay(ORDERED, hang, {})
    await leave(replay, 5)
    assert replay.lines == [SUBMIT, POLL, CANCEL]


async def test_a_cancellation_that_hangs_is_left_behind() -> None:
    """Whoever hung up waits two seconds at most."""
    replay = Replay(ORDERED, hang)
    assert await leave(replay, 0.5) == jobs.CANCEL_PATIENCE == 2.0


@pytest.mark.parametrize(
    "step",
    [*TROUBLE.values(), RuntimeError("the client has been closed")],
    ids=[*TROUBLE, "closed client"],
)
async def test_a_cancellation_that_fails_hides_nothing(step: Step) -> None:
    """Whatever comes of the cancellation, what is raised is that the caller left."""
    replay = Replay(ORDERED, step)
    assert await leave(replay, 0.5) == 0
    assert replay.lines == [SUBMIT, CANCEL]


async def test_leaving_twice_does_not_wait() -> None:
    """A second cancellation ends the first one's patience."""
    replay = Replay(ORDERED, hang)
    task = asyncio.ensure_future(order(replay))
    await asyncio.sleep(0.5)
    began = asyncio.get_running_loop().time()
    task.cancel()
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.get_running_loop().time() - began == pytest.approx(0.1)


async def test_a_job_that_cannot_be_cancelled() -> None:
    """Where the provider has no way to cancel, nothing is sent."""
    replay = Replay(ORDERED | {"cancel": ""})
    await leave(replay, 0.5)
    assert replay.lines == [SUBMIT]


async def test_leaving_before_the_order_is_accepted() -> None:
    """Nobody knows a name by which to cancel yet."""
    replay = Replay(hang)
    await leave(replay, 0.5)
    assert replay.lines == [SUBMIT]


async def test_leaving_while_the_result_is_fetched() -> None:
    """A job that has ended is not cancelled."""
    replay = Replay(ORDERED | {"result": "/jobs/7/result"}, {"state": "done"}, hang)
    await leave(replay, 5)
    assert replay.lines == [SUBMIT, POLL, f"{POLL}/result"]


# Whose address it is ------------------------------------------------------------------------------

FOREIGN = (
    "https://evil.example/jobs/7",
    "https://evilworks.test/jobs/7",
    "https://works.test.evil.example/jobs/7",
    "http://api.works.test/v1/jobs/7",
    "https://api.works.test:8443/v1/jobs/7",
    "https://eu.works.test:8443/v1/jobs/7",
    "https://api.works.test@evil.example/jobs/7",
    "https://user:secret@api.works.test/v1/jobs/7",
    "https://api.works.test.:443/v1/jobs/7",
    "https://127.0.0.1/jobs/7",
    "ftp://api.works.test/v1/jobs/7",
    "file:///etc/passwd",
    "data:application/json,{}",
    "https://",
    "https://[::1",
    "jobs/7",
    "",
)


@pytest.mark.parametrize("address", FOREIGN)
async def test_no_foreign_host_is_polled(address: str) -> None:
    """An address that is not the provider's is not asked; the job is cancelled and may be billed."""
    replay = Replay(ORDERED | {"poll": address}, {})
    error = await failure(replay)
    assert isinstance(error, ProviderError)
    assert (error.billing, error.retry) == ("ambiguous", False)
    assert "the key was not sent there" in str(error)
    assert replay.lines == [SUBMIT, CANCEL]
    # There is nothing to wait for.
    assert replay.pauses == [1.0]


@pytest.mark.parametrize("address", FOREIGN)
async def test_no_foreign_host_hands_out_the_result(address: str) -> None:
    """The address of the result is held against the same rule."""
    replay = Replay(ORDERED | {"result": (address,)}, {"state": "done"})
    error = await failure(replay)
    assert isinstance(error, InvalidProviderResponse)
    assert (error.billing, replay.lines) == ("ambiguous", [SUBMIT, POLL])


@pytest.mark.parametrize("address", FOREIGN)
async def test_no_foreign_host_is_told_to_cancel(address: str) -> None:
    """The address of the cancellation too."""
    replay = Replay(ORDERED | {"cancel": (address,)})
    await leave(replay, 0.5)
    assert replay.lines == [SUBMIT]


@pytest.mark.parametrize(
    "address",
    [
        "https://api.works.test/v1/jobs/7?token=a%2Fb&x=1",
        "https://API.works.test:443/anything",
        "https://works.test/jobs/7",
        "https://eu-4.api.works.test/jobs/7",
    ],
)
async def test_the_providers_own_hosts_are_polled(address: str) -> None:
    """Its own host, and every one below the declared ones, is asked exactly as it was named."""
    replay = Replay(ORDERED | {"poll": address}, DONE)
    await order(replay)
    assert replay.requests[1].url == httpx.URL(address)
    assert replay.requests[1].headers["authorization"] == f"Bearer {KEY}"


async def test_the_first_place_that_is_the_providers_is_asked() -> None:
    """Beside a foreign address, the provider's own path is asked instead."""
    replay = Replay(ORDERED | {"poll": ("https://evil.example/", "/jobs/7?full=1")}, DONE)
    await order(replay)
    assert replay.lines[1] == f"{POLL}?full=1"


async def test_a_path_cannot_leave_the_host() -> None:
    """Two slashes do not make a host of a path."""
    replay = Replay(ORDERED | {"poll": "//evil.example/jobs/7"}, DONE)
    await order(replay)
    assert replay.requests[1].url.host == "api.works.test"


@pytest.mark.parametrize("base", ["https://proxy.example/works", "http://localhost:8000/v1"])
async def test_the_key_of_an_own_server_stays_there(base: str) -> None:
    """Behind a base URL that is not the vendor's, the vendor's hosts are foreign, and the server's is not."""
    foreign = "https://eu.works.test/jobs/7"
    replay = Replay(ORDERED | {"poll": (foreign, f"{base}/jobs/7")}, DONE)
    await order(replay, base_url=base)
    assert replay.lines == [f"POST {base}/jobs", f"GET {base}/jobs/7"]
    replay = Replay(ORDERED | {"poll": foreign, "cancel": ""})
    error = await failure(replay, base_url=base)
    assert "eu.works.test" in str(error)
    assert len(replay.requests) == 1


async def test_the_query_of_a_base_url_stays() -> None:
    """Some services take their version in the query of every address."""
    replay = Replay(ORDERED | {"poll": "/jobs/7?full=1"}, DONE)
    await order(replay, base_url=f"{BASE}?version=2")
    assert replay.lines == [f"{SUBMIT}?version=2", f"{POLL}?version=2&full=1"]


# Results ------------------------------------------------------------------------------------------

WITH_RESULT = ORDERED | {"result": "/jobs/7/result"}
ENDED: dict[str, Any] = {"state": "done"}
RESULT = f"{POLL}/result"


@pytest.mark.parametrize(
    "step", [v for k, v in TROUBLE.items() if k in {
        "no connection", "reset", "no answer", "closed", "500", "503", "429", "404", "401", "redirect",
    }],
)  # fmt: skip
async def test_a_result_that_stumbles_is_fetched_again(step: Step) -> None:
    """It has been paid for."""
    replay = Replay(WITH_RESULT, ENDED, step, step, PICTURES)
    assert len((await order(replay)).data) == 1
    assert replay.lines == [SUBMIT, POLL, RESULT, RESULT, RESULT]
    assert replay.pauses[2:] == [1.0, 2.0]


async def test_a_result_heeds_retry_after() -> None:
    """The wait that is asked for is kept."""
    replay = Replay(WITH_RESULT, ENDED, status(429, retry_after="9"), PICTURES)
    await order(replay)
    assert replay.pauses[2:] == [9.0]


async def test_a_result_that_cannot_be_had() -> None:
    """After five tries it is given up as one that may be billed; a job that has ended is not cancelled."""
    replay = Replay(WITH_RESULT, ENDED, *[status(503)] * 5)
    error = await failure(replay)
    assert isinstance(error, ProviderError)
    assert (error.billing, error.retry, error.upstream_status) == ("ambiguous", False, None)
    assert replay.lines == [SUBMIT, POLL, *[RESULT] * 5]


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (status(422, {"detail": [{"loc": ["body", "size"], "msg": "bad"}]}), RequestError),
        (status(400), RequestError),
        (status(422, {"detail": [{"type": "policy", "msg": "no"}]}), ContentRejected),
        (status(403, {"code": "policy"}), ContentRejected),
    ],
)
async def test_a_result_may_be_a_verdict(step: Step, kind: type[PinxitError]) -> None:
    """Some providers tell only here what they thought of the request; the work may have been done."""
    replay = Replay(WITH_RESULT, ENDED, step)
    error = await failure(replay)
    assert type(error) is kind
    assert getattr(error, "billing", None) == "ambiguous"
    assert replay.lines == [SUBMIT, POLL, RESULT]


async def test_a_result_of_no_use() -> None:
    """A result that came and is nonsense was paid for."""
    error = await failure(Replay(WITH_RESULT, ENDED, httpx.Response(200, html="<html>")))
    assert isinstance(error, InvalidProviderResponse)
    assert error.billing == "billed"


@pytest.mark.parametrize("code", [404, 408, 500, 504])
async def test_a_failed_job_says_in_its_result_why(code: int) -> None:
    """After a state that means failure, a status is the verdict, billed as the service says."""
    replay = Replay(WITH_RESULT, FAILED, status(code, {"message": "the runner broke"}))
    error = await failure(replay, replace(JOBS, verdict=only_500_is_billed))
    assert error.upstream_status == code
    assert getattr(error, "billing", None) == ("billed" if code == 500 else "unbilled")
    assert replay.lines == [SUBMIT, POLL, RESULT]


@pytest.mark.parametrize("name", ["no connection", "reset", "no answer", "429", "401"])
async def test_trouble_with_asking_is_no_verdict(name: str) -> None:
    """Why a job failed is asked again where the asking failed."""
    replay = Replay(WITH_RESULT, FAILED, TROUBLE[name], status(500, {"message": "it broke"}))
    error = await failure(replay)
    assert str(error) == "it broke"
    assert replay.lines == [SUBMIT, POLL, RESULT, RESULT]


async def test_a_verdict_may_be_another_error() -> None:
    """A service may call something the caller's fault that is its own trouble."""
    replay = Replay(WITH_RESULT, ENDED, status(422, {"message": "downstream"}))

    def verdict(error: PinxitError) -> PinxitError:
        return ProviderUnavailable(str(error), billing="unbilled")

    error = await failure(replay, replace(JOBS, verdict=verdict))
    assert isinstance(error, ProviderUnavailable)
    assert (str(error), error.billing) == ("downstream", "unbilled")


async def test_a_failed_job_may_have_pictures() -> None:
    """Pictures that are there are delivered, whatever the state says."""
    assert len((await order(Replay(WITH_RESULT, FAILED, PICTURES))).data) == 1


# Secrets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    [
        [ORDERED, *[status(500, {"message": f"bad key {KEY}"})] * 5, {}],
        [ORDERED, *[httpx.ReadError(f"{KEY} was reset")] * 5, {}],
        [ORDERED, *[{"state": KEY}] * 5, {}],
        [ORDERED | {"poll": f"https://{KEY}.evil.example/{KEY}"}, {}],
        [ORDERED | {"poll": f"https://evil.example/{KEY}", "cancel": f"https://{KEY}/"}],
        [WITH_RESULT, ENDED, *[status(503, {"detail": KEY})] * 5],
        [WITH_RESULT, FAILED, status(422, {"detail": [{"msg": KEY, "type": KEY}]})],
        [{"id": f"{KEY}/"}],
    ],
)
async def test_errors_keep_the_key(steps: list[Step]) -> None:
    """However the provider repeats the key, no error and no traceback shows it."""
    error = await failure(Replay(*steps))
    shown = "\n".join([repr(error), repr(vars(error)), *traceback.format_exception(error)])
    assert KEY not in shown


async def test_a_redirect_takes_no_key_along() -> None:
    """A poll that is sent elsewhere is not followed."""
    away = status(307, location="https://evil.example/")
    replay = Replay(ORDERED, *[away] * 5, away)
    await failure(replay)
    assert {request.url.host for request in replay.requests} == {"api.works.test"}


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_an_order_is_not_redirected(code: int) -> None:
    """Neither the prompt nor the key goes where a redirect of the order leads."""
    replay = Replay(status(code, location="https://evil.example/"))
    error = await failure(replay)
    assert isinstance(error, ProviderError)
    assert replay.lines == [SUBMIT]


async def test_what_is_ordered_is_what_was_built() -> None:
    """The order has the body that a plan shows."""
    replay = Replay(ORDERED, DONE)
    await order(replay)
    plugin = jobs.provider(JOBS, MODEL)
    shown = plugin.preview(GenerateRequest(prompt="a fox"), MODEL, lent(Replay(), api_key=KEY))
    assert json.loads(shown.content) == json.loads(replay.requests[0].content) == {"model": "a"}
