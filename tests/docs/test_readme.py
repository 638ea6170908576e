"""README.md: its examples run."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from PIL import Image as PillowImage

import pinxit
from pages import block, blocks, commands, page
from pinxit.gateway import create_app
from scripted import picture


def test_in_python(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first example paints a picture of the size that it asks for, and prints who did."""
    block("README.md", "python", "In Python").run()
    with PillowImage.open(here / "fox.png") as fox:
        assert fox.size == (1536, 1024)
    assert "painted by illustrator/scene-1" in capsys.readouterr().out


async def test_a_provider() -> None:
    """The provider of the README serves requests, four pictures a call, with its URLs downloaded."""
    plugin = ModuleType("pinxit_acme")
    vars(plugin).update(block("README.md", "python", "A provider").run())
    asked: list[int] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        asked.append(body["n"])
        assert body["text"] == "a fox"
        return httpx.Response(200, json={"urls": ["https://cdn.acme.example/1.png"] * body["n"]})

    async def fetch(url: str) -> bytes:
        return picture(1024, 1024)

    router = pinxit.Router(
        pinxit.Config(),
        plugins=pinxit.Plugins(plugin, discover=False),
        transport=httpx.MockTransport(vendor),
        fetch=fetch,
    )
    async with router:
        answer = await router.generate("a fox", model="acme/brush", n=5)
    assert sorted(asked) == [1, 4]
    with PillowImage.open(io.BytesIO(answer.data[4].data)) as painted:
        assert painted.size == (1024, 1024)


async def test_base_urls_of_the_gateway() -> None:
    """Both base URLs that the README gives lead to the API, with the paths that the clients add."""
    text = page("README.md")
    assert "`http://127.0.0.1:8000/v1`" in text
    async with pinxit.Router(pinxit.Config()) as router:
        transport = httpx.ASGITransport(create_app(router))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8000"
        ) as client:
            for path in ("/v1/images/generations", "/v2/router/images/generations"):
                answer = await client.post(
                    path, json={"prompt": "", "model": "illustrator/scene-1"}
                )
                assert answer.status_code == 400, path
                assert answer.json()["error"]["param"] == "prompt"


def test_what_to_start_with_is_one_command_each() -> None:
    """The first two shell blocks are one line each: they are copied whole, and CI runs them as they stand."""
    first, second, *_ = blocks("sh", "README.md")
    assert (first.section, second.section) == ("Start here", "Start here")
    assert first.text.count("\n") == second.text.count("\n") == 1
    assert [words[0] for words in commands(first.text)] == ["generate"]
    assert "pytest" in second.text
