"""Cases about what a plugin makes of trouble: the right error and bill, no second order, no secrets."""

from __future__ import annotations

import asyncio
import json
import traceback
from typing import cast

import httpx

from pinxit.errors import (
    AuthenticationFailed,
    ContentRejected,
    InvalidProviderResponse,
    PinxitError,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    UnknownModel,
)

from .subjects import Subject
from .suite import Suite, needs, refuses, remote
from .trials import Trial
from .witness import Answer, Witness, status, trouble

__all__ = ["FailureTests"]

PAGE = "<html><head><title>Bad gateway</title></head><body>nginx</body></html>"
SOON = 60.0
"""Seconds, of the suite's own time, in which a cancelled call must have ended."""


class FailureTests(Suite):
    """Every failure has the right class, says what it may cost, and is not tried again."""

    @needs(remote)
    def test_401_means_our_credentials(self, subject: Subject) -> None:
        """Status 401 is AuthenticationFailed: our key is wrong, not the caller's."""
        self._fails(subject, status(401), AuthenticationFailed, {"unbilled"}, 401)

    @needs(remote)
    def test_403_means_our_credentials(self, subject: Subject) -> None:
        """Status 403 is AuthenticationFailed: our account may not do this."""
        self._fails(subject, status(403), AuthenticationFailed, {"unbilled"}, 403)

    @needs(remote)
    def test_404_means_an_unknown_model(self, subject: Subject) -> None:
        """Status 404 is UnknownModel: the provider forgot it."""
        self._fails(subject, status(404), UnknownModel, {"unbilled"}, 404)

    @needs(remote)
    def test_408_is_a_timeout_before_any_work(self, subject: Subject) -> None:
        """Status 408 is ProviderTimeout, and costs nothing."""
        self._fails(subject, status(408), ProviderTimeout, {"unbilled"}, 408)

    @needs(remote)
    def test_429_says_how_long_to_wait(self, subject: Subject) -> None:
        """Status 429 is RateLimited, with the seconds of Retry-After."""
        fault = status(429, retry_after="7")
        error = self._fails(subject, fault, RateLimited, {"unbilled"}, 429)
        wait = cast("RateLimited", error).retry_after
        assert wait == 7, f"{subject}: Retry-After was 7, retry_after is {wait}"

    @needs(remote)
    def test_500_with_a_page_means_unavailable(self, subject: Subject) -> None:
        """Status 500 is ProviderUnavailable, also where a proxy answers with a page."""
        self._fails(subject, status(500, PAGE), ProviderUnavailable, {"unbilled"}, 500)

    @needs(remote)
    def test_503_means_unavailable(self, subject: Subject) -> None:
        """Status 503 is ProviderUnavailable."""
        self._fails(subject, status(503), ProviderUnavailable, {"unbilled"}, 503)

    @needs(remote)
    def test_broken_json_is_of_no_use(self, subject: Subject) -> None:
        """A success whose body breaks off is InvalidProviderResponse, and may be billed."""
        self._is_useless(subject, _text('{"created": 17, "data": [{"b64_js'))

    @needs(remote)
    def test_a_page_is_of_no_use(self, subject: Subject) -> None:
        """A success that is a web page is InvalidProviderResponse, and may be billed."""
        self._is_useless(subject, status(200, PAGE))

    @needs(remote)
    def test_an_empty_object_is_of_no_use(self, subject: Subject) -> None:
        """A success that says nothing is InvalidProviderResponse, and may be billed."""
        self._is_useless(subject, status(200, {}))

    @needs(remote)
    def test_json_of_another_shape_is_of_no_use(self, subject: Subject) -> None:
        """A success that is a list or a number is InvalidProviderResponse, and may be billed."""
        for body in ([], [1], 17, "done", None):
            self._is_useless(subject, _json(body))

    @needs(remote)
    def test_an_answer_without_pictures_is_of_no_use(self, subject: Subject) -> None:
        """The good answer with every list emptied brings no picture, and is an error."""
        trial = self.send(subject)
        if len(trial.witness.requests) != 1:
            # The first answer of a job only names it.
            return
        body = self.run(self._good_answer(trial.witness))
        if body is not None and (empty := _emptied(body)) != body:
            self._is_useless(subject, _json(empty))

    @needs(refuses)
    def test_a_refusal_is_not_an_outage(self, subject: Subject) -> None:
        """A refusal is ContentRejected, so that nobody shops around for a laxer model."""
        code, body = cast("tuple[int, object]", self.rejection)
        bills = {"unbilled", "billed"}
        error = self._fails(subject, status(code, body), ContentRejected, bills, None)
        assert str(error).strip(), f"{subject}: a refusal without words"

    @needs(remote)
    def test_a_timeout_may_be_billed(self, subject: Subject) -> None:
        """No answer in time is ProviderTimeout: the work may be done and charged for all the same."""
        self._fails(subject, trouble(httpx.ReadTimeout), ProviderTimeout, {"ambiguous"}, None)

    @needs(remote)
    def test_a_reset_may_be_billed(self, subject: Subject) -> None:
        """A connection that breaks after the request was written is ambiguous."""
        # A server that closes and one that breaks off look different to httpx.
        for kind in (httpx.ReadError, httpx.RemoteProtocolError):
            self._fails(subject, trouble(kind), ProviderError, {"ambiguous"}, None)

    @needs(remote)
    def test_no_connection_costs_nothing(self, subject: Subject) -> None:
        """Where no connection came about, nothing was sent and nothing can be billed."""
        for kind in (httpx.ConnectError, httpx.ConnectTimeout):
            self._fails(subject, trouble(kind), ProviderUnavailable, {"not_sent"}, None)

    @needs(remote)
    def test_a_job_is_ordered_once(self, subject: Subject) -> None:
        """Whichever of several requests fails, what orders the pictures is not sent again."""
        count = len(self.send(subject).witness.requests)
        for place in range(1, count):
            witness = self.witness(status(500), at=place)
            self.send(subject, witness=witness)
            assert witness.repeats() == 1, f"{subject} orders again when request {place + 1} fails"

    @needs(remote)
    def test_cancelling_closes_a_waiting_call(self, subject: Subject) -> None:
        """A call that is cancelled before the answer comes lets go of its connection."""
        witness = self.witness()
        witness.fault = witness.stall
        self.run(self._cancelled(subject, witness))

    @needs(remote)
    def test_cancelling_closes_an_answering_call(self, subject: Subject) -> None:
        """A call that is cancelled in the middle of the answer lets go of its connection."""
        witness = self.witness()
        witness.fault = witness.stall_midway
        self.run(self._cancelled(subject, witness))

    @needs(remote)
    def test_errors_keep_secrets(self, subject: Subject) -> None:
        """No secret is in an error, its traceback or the log, even where the provider echoes it."""
        for code in (400, 401, 403, 429, 500, 200):
            for fault in (_echo(code), _echo_text(code)):
                _keeps_secrets(self.send(subject, witness=self.witness(fault)))

    @needs(remote)
    def test_answers_keep_secrets(self, subject: Subject) -> None:
        """No secret is in the representation of an answer or in the log."""
        _keeps_secrets(self.send(subject))

    # How it is looked at --------------------------------------------------------------------------

    def _fails(
        self,
        subject: Subject,
        fault: Answer,
        kind: type[PinxitError],
        bills: set[str],
        code: int | None,
    ) -> PinxitError:
        """Send a request that fails, and judge how."""
        return _judged(self.send(subject, witness=self.witness(fault)), kind, bills, code)

    def _is_useless(self, subject: Subject, fault: Answer) -> None:
        trial = self.send(subject, witness=self.witness(fault))
        # Some providers say no by leaving out the picture.
        if not isinstance(trial.failure(), ContentRejected):
            _judged(trial, InvalidProviderResponse, {"billed", "ambiguous"}, None)

    async def _good_answer(self, witness: Witness) -> object:
        return await _read(await witness.answer(witness.requests[0]))

    async def _cancelled(self, subject: Subject, witness: Witness) -> None:
        """Cancel a call that stalls, and see what is left of it."""
        call = asyncio.ensure_future(self.trial(subject, {}, witness))
        reached = asyncio.ensure_future(witness.reached.wait())
        await asyncio.wait({call, reached}, timeout=SOON, return_when=asyncio.FIRST_COMPLETED)
        reached.cancel()
        assert witness.reached.is_set(), f"{subject} sent nothing"
        # Let it begin to read.
        await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait({call}, timeout=SOON)
        assert call.cancelled(), f"{subject} goes on after it was cancelled"
        assert witness.closed, f"{subject} keeps the connection of a cancelled call"
        assert witness.repeats() == 1, f"{subject} orders again after it was cancelled"


def _keeps_secrets(trial: Trial) -> None:
    texts = [trial.log, repr(trial.response), *(repr(p) for p in trial.partials)]
    if trial.error is not None:
        trace = traceback.format_exception(trial.error)
        texts += [repr(trial.error), repr(vars(trial.error)), *trace]
    for secret in trial.secrets:
        found = [text for text in texts if secret in text]
        # The failing test must not tell it either.
        shown = found[0].replace(secret, "[the secret]") if found else ""
        assert not found, f"{trial.subject} tells a secret: {shown:.300}"


def _judged(
    trial: Trial, kind: type[PinxitError], bills: set[str], code: int | None
) -> PinxitError:
    error, subject = trial.failure(), trial.subject
    name = type(error).__name__
    assert isinstance(error, kind), f"{subject}: {name} is raised, not {kind.__name__}: {error}"
    billing = getattr(error, "billing", None)
    expected = " or ".join(sorted(bills))
    assert billing in bills, f"{subject}: billing of {name} is {billing}, not {expected}"
    told = code is None or error.upstream_status == code
    assert told, f"{subject}: upstream_status is {error.upstream_status}, not {code}"
    sent = len(trial.witness.requests)
    assert sent == 1, f"{subject} sent {sent} requests; the router decides about another try"
    return error


def _json(body: object) -> Answer:
    return _text(json.dumps(body))


def _text(text: str, code: int = 200, kind: str = "application/json") -> Answer:
    async def answer(request: httpx.Request) -> httpx.Response:
        del request
        return httpx.Response(code, headers={"content-type": kind}, text=text)

    return answer


async def _read(response: httpx.Response) -> object:
    """Return the JSON of an answer; ``None`` where it is none."""
    try:
        return json.loads(await response.aread())
    except ValueError:
        return None


def _emptied(value: object) -> object:
    """Return JSON data with every list emptied."""
    if isinstance(value, dict):
        return {k: _emptied(inner) for k, inner in cast("dict[str, object]", value).items()}
    return [] if isinstance(value, list) else value


def _echo(code: int) -> Answer:
    """Answer with an error that repeats the whole request, in every shape that errors have."""

    async def answer(request: httpx.Request) -> httpx.Response:
        said = _repeated(request)
        fields = {"message": said, "code": said, "type": said, "param": said}
        several = [{**fields, "msg": said}]
        body = {**fields, "error": fields, "detail": said, "errors": several, "data": several}
        return httpx.Response(code, json=body)

    return answer


def _echo_text(code: int) -> Answer:
    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(code, json={"error": _repeated(request)})

    return answer


def _repeated(request: httpx.Request) -> str:
    return f"bad request: {request.url} {list(request.headers.multi_items())}"
