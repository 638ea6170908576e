"""The client that plugins share, and what its libraries may log."""

from __future__ import annotations

import logging
import sys

import httpx
import pytest

from pinxit.clients import create_client, is_fast, quiet_logs

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


@pytest.mark.parametrize(
    ("installed", "environ", "carrier"),
    [
        (True, {}, "AiohttpTransport"),
        (False, {}, "AsyncHTTPTransport"),
        # httpx knows proxies of every kind, and which hosts go without.
        (True, {"ALL_PROXY": "http://127.0.0.1:9"}, "AsyncHTTPTransport"),
        (True, {"HTTPS_PROXY": "http://127.0.0.1:9"}, "AsyncHTTPTransport"),
        (True, {"HTTP_PROXY": "http://127.0.0.1:9"}, "AiohttpTransport"),
        (True, {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "x.test"}, "AsyncHTTPTransport"),
    ],
)
async def test_what_carries_requests(
    monkeypatch: pytest.MonkeyPatch, installed: bool, environ: dict[str, str], carrier: str
) -> None:
    """Aiohttp where it is installed, and httpx for what an environment sends through a proxy."""
    for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    if not installed:
        monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert is_fast() is installed
    async with create_client() as client:
        # No public name says which transport an address gets.
        chosen = client._transport_for_url(httpx.URL("https://api.x.test/"))  # pyright: ignore[reportPrivateUsage]
    assert type(chosen).__name__ == carrier


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
