"""Secrets: keys and prompts go to the provider, and nowhere else."""

from __future__ import annotations

import io
import logging
import traceback
from dataclasses import dataclass

import pytest

import pinxit
from chaotic import KEY, A, B, asked, stage
from pinxit.testing import (
    Answer,
    BrokenJson,
    ChaosUpstream,
    EchoKey,
    Events,
    Ok,
    Received,
    Redirect,
    Reset,
    Silence,
    Step,
    Wire,
    png,
)

PROMPT = "the queen of Ruritania in disguise"


@dataclass
class EchoInSuccess:
    """A 200 that repeats the credentials wherever there is room."""

    async def play(self, request: Received, wire: Wire) -> None:
        key = request.headers["authorization"]
        answer = Ok(fields={"size": key, "quality": key, "background": key, "note": key})
        headers, body = answer.answer(request).message()
        body = body.replace(b'"b64_json"', f'"revised_prompt": "for {key}", "b64_json"'.encode())
        headers |= {"content-length": str(len(body)), "x-echo": key, "set-cookie": f"k={key}"}
        await Answer(body=body, headers=headers).play(request, wire)


@dataclass
class EchoInEvents:
    """An error event that repeats the credentials."""

    async def play(self, request: Received, wire: Wire) -> None:
        key = request.headers["authorization"]
        error = {"message": f"no account for {key}", "code": key, "param": key, "type": key}
        await Events([{"type": "error", "error": error}]).play(request, wire)


ECHOES: dict[str, Step] = {
    **{str(status): EchoKey(status) for status in (400, 401, 403, 404, 409, 429, 500, 503)},
    "a page": Answer(502, body=f"<h1>{KEY}</h1>".encode()),
    "a string": Answer(500, json={"error": f"key {KEY}"}),
    "a reason": Answer(500, json={"error": {"message": "", "code": KEY, "param": KEY}}),
    "a redirect": Answer(302, headers={"location": f"https://evil.test/{KEY}"}),
    "a success": EchoInSuccess(),
    "events": EchoInEvents(),
    "a result's address": Answer(json={"data": [{"url": f"https://cdn.test/{KEY}.png"}]}),
    "a reset": Reset(),
    "garbage": BrokenJson(),
}


def told(error: BaseException) -> str:
    """Return all that a careless program could print of an error, with the variables of every frame."""
    formatted = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = getattr(error, "report", None)
    return "".join(formatted.format()) + repr(error) + repr(vars(error)) + str(ours) + repr(ours)


@pytest.mark.parametrize("name", ECHOES)
@pytest.mark.virtual_time
async def test_a_key_never_shows(name: str) -> None:
    """Not in errors, tracebacks, reports, answers or logs, even where the provider repeats it."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    texts: list[str] = []
    try:
        async with stage({A: ECHOES[name]}) as (router, upstream):
            retry = pinxit.Retry(count=1, on_codes=(429, 500))
            try:
                answer = await router.generate(
                    PROMPT, model=A, retry=retry, response_format="url", stream=name == "events"
                )
            except pinxit.PinxitError as error:
                texts.append(told(error))
            else:
                texts += [answer.model_dump_json(), repr(answer), str(answer.report)]
            texts += [repr(router), repr(vars(router)), repr(router.config), repr(router.http)]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert upstream.requests[0].headers["authorization"] == f"Bearer {KEY}"
    texts.append(log.getvalue())
    assert [text for text in texts if KEY in text] == []


@pytest.mark.virtual_time
async def test_logs_hold_no_prompt() -> None:
    """Neither ours nor those of the libraries below, on a failed request that is retried."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        async with stage({A: Answer(503)}) as (router, _):
            retry = pinxit.Retry(count=1, on_codes=(503,))
            await router.generate(PROMPT, model=A, retry=retry, fallbacks=[B])
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert "stamina" in log.getvalue() or log.getvalue()
    assert "Ruritania" not in log.getvalue()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_takes_neither_key_nor_prompt_along(status: int) -> None:
    """Wherever a provider sends us, we do not go; the next model serves."""
    async with ChaosUpstream() as elsewhere:
        for target in (elsewhere.base_url + "/images/generations", "http://169.254.169.254/"):
            async with stage({A: Redirect(target, status)}) as (router, upstream):
                answer = await router.generate(PROMPT, model=A, fallbacks=[B])
            assert asked(upstream) == [A, B]
            assert answer.report.attempts[0].status == status
    assert elsewhere.connections == 0


async def test_a_result_is_downloaded_without_the_key() -> None:
    """The server that keeps the pictures gets their address and nothing else."""
    picture: list[Received] = []

    class Shelf:
        async def play(self, request: Received, wire: Wire) -> None:
            if request.method == "GET":
                picture.append(request)
                body = png(64, 64)
                await Answer(body=body, headers={"content-type": "image/png"}).play(request, wire)
                return
            url = f"http://{request.headers['host']}/v1/pictures/1.png"
            await Answer(json={"data": [{"url": url}]}).play(request, wire)

    async with stage(Shelf()) as (router, _):
        answer = await router.generate(PROMPT, model=A, response_format="b64_json")
    assert answer.data[0].width == 64
    [request] = picture
    assert "authorization" not in request.headers
    assert "cookie" not in request.headers
    assert KEY not in str(request.headers.multi_items())


async def test_a_result_at_a_forbidden_address_is_not_fetched() -> None:
    """A provider cannot make us look into our own network; the picture counts as useless."""
    async with ChaosUpstream() as inside:
        step = Answer(json={"data": [{"url": f"{inside.base_url}/secret.png"}]})
        async with stage({A: step}) as (router, upstream):
            answer = await router.generate(PROMPT, model=A, fallbacks=[B])
    assert asked(upstream) == [A, B]
    assert answer.report.attempts[0].billing == "billed"
    assert inside.connections == 0


async def test_what_a_caller_says_about_himself_stays_here() -> None:
    """Identity, name and metadata are recorded and never sent."""
    async with stage() as (router, upstream):
        await router.generate(
            "a fox",
            model=A,
            name="campaign-7",
            metadata={"customer": "acme-corp"},
            identity={"id": "u-1", "email": "ada@example.com"},
        )
    [request] = upstream.requests
    for text in (b"campaign-7", b"acme-corp", b"ada@example.com"):
        assert text not in request.body
        assert text.decode() not in str(request.headers.multi_items())


@pytest.mark.virtual_time
async def test_a_plan_shows_no_key() -> None:
    """Neither its JSON nor its text, whatever the provider would be sent."""
    async with stage(Silence()) as (router, upstream):
        plan = router.plan("a fox", model=A, fallbacks=[B])
    assert KEY not in str(plan) + repr(plan) + str(plan.to_dict())
    assert upstream.requests == []
