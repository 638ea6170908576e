"""The client that plugins share, and what its libraries may log."""

from __future__ import annotations

import logging

import httpx
import pytest

from pinxit.clients import create_client, quiet_logs

WIRE = "httpcore.http11"


async def test_nothing_is_followed_and_nothing_is_kept() -> None:
    """Redirects come back as they are, cookies do not come back at all."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        headers = {"location": "https://elsewhere.test/", "set-cookie": "a=b; Domain=x.test"}
        return httpx.Response(307, headers=headers)

    async with create_client(httpx.MockTransport(answer)) as client:
        for _ in range(2):
            response = await client.post("https://api.x.test/", headers={"authorization": "k"})
            assert response.status_code == 307
    assert [request.url.host for request in seen] == ["api.x.test"] * 2
    assert all("cookie" not in request.headers for request in seen)


async def test_patience_is_the_routers_business() -> None:
    """Only connecting has a time-out of its own."""
    async with create_client() as client:
        assert client.timeout.connect == 10
        assert (client.timeout.read, client.timeout.write, client.timeout.pool) == (None,) * 3


def test_logs_of_the_wire_hold_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """A header that repeats a key is logged without it, in a message or among its arguments."""
    caplog.set_level(logging.DEBUG)
    with quiet_logs(["sk-secret", "sk-secret", ""]):
        logging.getLogger(WIRE).debug("headers=%r", [(b"x-echo", b"Bearer sk-secret")])
        logging.getLogger(WIRE).debug("plain %s", "words")
    assert caplog.messages == ["headers=[(b'x-echo', b'Bearer [redacted]')]", "plain words"]


def test_the_logs_are_left_as_they_were() -> None:
    """Two routers, one after the other or at once, leave no filter behind."""
    before = list(logging.getLogger(WIRE).filters)
    with quiet_logs(["sk-one"]), quiet_logs(["sk-two"]):
        assert len(logging.getLogger(WIRE).filters) == len(before) + 2
    assert logging.getLogger(WIRE).filters == before
