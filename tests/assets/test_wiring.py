"""From the configuration through the router to the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest

import pinxit
from pinxit import Config, Context, ImagesResponse, Router, hookimpl
from pinxit.assets import Asset, FolderStore, own_first, with_urls
from pinxit.errors import ConfigError
from pinxit.gateway import Gateway
from pinxit.hookspecs import RequestNext
from pinxit.testing.clock import ManualClock
from pinxit.testing.pictures import picture
from pinxit.types import Request
from scripted import Scripted, answer, model
from scripted import stage as scripted_stage

PNG = picture()


def stage(table: Mapping[str, Any] | None = None, *plugins: object) -> tuple[Router, Scripted]:
    config = Config.parse({"defaults": {"model": "s/a"}, **(table or {})})
    return scripted_stage(None, *plugins, config=config, models=[model("s/a")])


def wait_until_empty(folder: Path) -> None:
    last = time.monotonic() + 5
    while any(folder.glob("*.png")):
        assert time.monotonic() < last
        time.sleep(0.01)


async def url_of(router: Router) -> str:
    async with router:
        response = await router.generate("a fox", response_format="url")
    assert response.data[0].url is not None
    return response.data[0].url


class Shelf:
    """A store of somebody else's making."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, str, str]] = []

    async def put(self, data: bytes, media_type: str, *, caller: str = "") -> str:
        self.kept.append((data, media_type, caller))
        return f"https://shelf.example/{len(self.kept)}.png"

    async def get(self, name: str) -> Asset | None:
        return None


async def test_without_assets() -> None:
    """A router without assets gives data: URLs: nobody would serve others."""
    router, _ = stage()
    assert (await url_of(router)).startswith("data:image/png;base64,")


async def test_folder_that_nobody_serves(tmp_path: Path) -> None:
    """A folder without a public address gives data: URLs to programs; only a gateway can serve it."""
    router, _ = stage({"assets": {"folder": str(tmp_path)}})
    assert (await url_of(router)).startswith("data:")


async def test_folder_with_a_public_address(tmp_path: Path) -> None:
    """A program's pictures are at the gateway's address where both share a folder."""
    table = {
        "assets": {"folder": str(tmp_path)},
        "gateway": {"public_url": "https://pictures.example/base/"},
    }
    router, _ = stage(table)
    url = await url_of(router)
    assert url.startswith("https://pictures.example/base/assets/")
    gateway = Gateway(stage(table)[0])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(gateway), base_url="http://inside"
    ) as client:
        path = url.removeprefix("https://pictures.example/base")
        assert (await client.get(path)).headers["content-type"] == "image/png"


async def test_store_of_ones_own() -> None:
    """Anything that keeps bytes can be handed in; it is told who asks."""
    shelf = Shelf()
    router = Router(Config(), plugins=stage()[0].plugins, store=shelf)
    request = pinxit.GenerateRequest(prompt="a fox", model="s/a", n=2, response_format="url")
    async with router:
        response = await router.run(request, caller="ann")
    urls = sorted(image.url or "" for image in response.data)
    assert urls == ["https://shelf.example/1.png", "https://shelf.example/2.png"]
    assert {(kind, caller) for _, kind, caller in shelf.kept} == {("image/png", "ann")}
    # Whoever is in the same program needs no download.
    assert response.data[0].data == shelf.kept[0][0]


async def test_text_is_not_kept() -> None:
    """Who asks for base64 leaves nothing behind."""
    shelf = Shelf()
    router = Router(Config(), plugins=stage()[0].plugins, store=shelf)
    async with router:
        await router.generate("a fox", model="s/a", response_format="b64_json")
    assert shelf.kept == []


async def test_a_gateway_that_keeps_nothing(tmp_path: Path) -> None:
    """URLs that are asked for hold the pictures themselves; no file is written, and none is served."""
    folder = tmp_path / "assets"
    router, _ = stage({"assets": {"keep": False, "folder": str(folder)}})
    transport = httpx.ASGITransport(Gateway(router))
    async with router, httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
        body = {"prompt": "a fox", "response_format": "url"}
        response = await client.post("/v1/images/generations", json=body)
        assert response.json()["data"][0]["url"].startswith("data:image/png;base64,")
        assert (await client.get(f"/assets/x/{'ab' * 32}.png")).status_code == 404
    assert not folder.exists()


async def test_gateway_uses_the_routers_store() -> None:
    """A store that was handed to the router is the gateway's too, with the URLs that it gives."""
    shelf = Shelf()
    router = Router(Config(), plugins=stage()[0].plugins, store=shelf)
    transport = httpx.ASGITransport(Gateway(router))
    async with router, httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
        body = {"prompt": "a fox", "model": "s/a", "response_format": "url"}
        response = await client.post("/v1/images/generations", json=body)
        assert response.json()["data"][0]["url"] == "https://shelf.example/1.png"
        assert (await client.get(f"/assets/x/{'ab' * 32}.png")).status_code == 404


@pytest.mark.parametrize(
    ("headers", "table", "root", "base"),
    [
        ({"host": "h.example:81"}, {}, "", "http://h.example:81"),
        ({"host": "[::1]:81"}, {}, "", "http://[::1]:81"),
        ({"host": "h.example"}, {}, "/mounted here", "http://h.example/mounted%20here"),
        ({"host": "h.example"}, {"public_url": "https://p.example/x/"}, "", "https://p.example/x"),
        ({"host": 'h"><script>'}, {}, "", "http://inside"),
        ({"host": "h.example", "x-forwarded-host": "evil.example"}, {}, "", "http://h.example"),
    ],
)
async def test_base_url(
    tmp_path: Path, headers: dict[str, str], table: dict[str, str], root: str, base: str
) -> None:
    """URLs begin as the operator says, else as the client has called; a strange host is not repeated."""
    router, _ = stage({"assets": {"folder": str(tmp_path)}, "gateway": table})
    transport = httpx.ASGITransport(Gateway(router), root_path=root)
    async with router, httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
        response = await client.post(
            "/v1/images/generations",
            json={"prompt": "a fox", "response_format": "url"},
            headers=headers,
        )
    assert response.json()["data"][0]["url"].startswith(f"{base}/assets/")


@pytest.mark.parametrize("url", ["pictures.example", "ftp://x", "https://x?y", "https://x y"])
def test_wrong_public_url(url: str) -> None:
    """A public address that is none is refused at the start."""
    with pytest.raises(ConfigError, match=r"\[gateway\] public_url: .* is not like https://"):
        Gateway(stage({"gateway": {"public_url": url}})[0])


def test_wrong_table() -> None:
    """A gateway does not start with a table of assets that it does not understand."""
    with pytest.raises(ConfigError, match=r"\[assets\] nope: unknown name"):
        stage({"assets": {"nope": 1}})


class Remembers:
    """A cache: it answers what it knows, with the picture in the URL."""

    @hookimpl
    async def around_request(
        self, request: Request, context: Context, request_next: RequestNext
    ) -> ImagesResponse:
        image = answer().data[0]
        url = f"data:image/png;base64,{image.b64_json}"
        return ImagesResponse(data=(image.replace(url=url),))


async def test_cached_pictures_get_fresh_urls(tmp_path: Path) -> None:
    """What a cache brings is at a URL as well, a new one that has not expired."""
    table = {"assets": {"folder": str(tmp_path)}, "gateway": {"public_url": "http://p"}}
    router, provider = stage(table, Remembers())
    assert (await url_of(router)).startswith("http://p/assets/")
    assert provider.calls == []


async def test_with_urls_leaves_the_rest_alone(tmp_path: Path) -> None:
    """Real URLs stay, and base64 stays base64."""
    shelf = Shelf()
    data = (pinxit.Image(url="https://cdn.example/a.png"), pinxit.Image(PNG))
    response = ImagesResponse(data=data)
    assert await with_urls(response, shelf) is response
    assert await with_urls(response, None) is response


async def test_with_urls_when_nothing_can_be_kept() -> None:
    """A cached picture is delivered even where it cannot be kept."""

    class Full(Shelf):
        async def put(self, data: bytes, media_type: str, *, caller: str = "") -> str:
            raise OSError("disk full")

    url = f"data:image/png;base64,{pinxit.Image(PNG).b64_json}"
    response = await with_urls(ImagesResponse(data=(pinxit.Image(url=url),)), Full())
    assert response.data[0].url == url


async def test_own_first(tmp_path: Path) -> None:
    """Our own URLs are read from the store, those of others by the guarded way."""
    store = FolderStore(tmp_path, base_url="http://127.0.0.1:9")

    async def fetch(url: str) -> bytes:
        return url.encode()

    url = await store.put(PNG, "image/png")
    asked = own_first(store, fetch)
    assert await asked(url) == PNG
    assert await asked(f"{url}x") == f"{url}x".encode()
    assert await asked("https://example.com/a.png") == b"https://example.com/a.png"
    assert own_first(None, fetch) is own_first(Shelf(), fetch) is fetch


async def test_tended_while_it_runs(tmp_path: Path, clock: ManualClock) -> None:
    """A gateway lets go of old pictures while it runs, and stops when it does."""
    router, _ = stage({"assets": {"folder": str(tmp_path), "max_age": 60, "ttl": 60}})
    await FolderStore(tmp_path, clock=clock).put(PNG, "image/png")
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        if not sent:
            return {"type": "lifespan.startup"}
        await asyncio.to_thread(wait_until_empty, tmp_path)
        return {"type": "lifespan.shutdown"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["type"])

    await Gateway(router)({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert asyncio.all_tasks() == {asyncio.current_task()}
