"""Web pages of strangers, and a gateway without keys."""

from __future__ import annotations

import pytest

from gateway.scene import Scene
from pinxit.gateway import Gateway


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        pytest.param({}, True, id="a program"),
        pytest.param({"host": "127.0.0.1:8000"}, True, id="an address"),
        pytest.param({"host": "[::1]:8000"}, True, id="IPv6"),
        pytest.param({"host": "app.localhost"}, True, id="a name below localhost"),
        pytest.param({"origin": "http://localhost:8000"}, True, id="our own page"),
        pytest.param({"origin": "http://LOCALHOST:8000"}, True, id="our own page in capitals"),
        pytest.param({"origin": "https://evil.example"}, False, id="a page of another site"),
        pytest.param({"origin": "http://localhost:9000"}, False, id="a page of another port"),
        pytest.param({"origin": "null"}, False, id="a page without an origin"),
        pytest.param({"sec-fetch-site": "cross-site"}, False, id="a picture on another site"),
        pytest.param({"host": "evil.example:8000"}, False, id="a name that leads here"),
        pytest.param({"host": "evil.example", "origin": "http://evil.example"}, False, id="one site?"),
        pytest.param({"host": "127.0.0.1.evil.example"}, False, id="a name like an address"),
        pytest.param({"host": "[::1"}, False, id="a broken name"),
        pytest.param({"host": ""}, False, id="no name"),
    ],
)  # fmt: skip
async def test_only_this_machines_own_callers(headers: dict[str, str], allowed: bool) -> None:
    """A form that a stranger's page sends to localhost orders nothing."""
    scene = Scene()
    scene.gateway = Gateway(scene.router, local=True)
    async with scene.client() as http:
        sent = {"host": "localhost:8000", **headers}
        answer = await http.post("/v1/images/generations", json={"prompt": "p"}, headers=sent)
    assert answer.status_code == (200 if allowed else 403)
    assert len(scene.provider.calls) == int(allowed)
    if not allowed:
        assert "pinxit keys new" in answer.json()["error"]["message"]


async def test_embedded_gateways_leave_that_to_their_application(scene: Scene) -> None:
    """Who mounts the gateway has names and pages of its own."""
    headers = {"host": "shop.example", "origin": "https://studio.shop.example"}
    async with scene.client() as http:
        answer = await http.post("/v1/images/generations", json={"prompt": "p"}, headers=headers)
    assert answer.status_code == 200
