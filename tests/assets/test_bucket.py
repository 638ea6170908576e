"""Pictures in a bucket of a real server that checks signatures."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import pytest

from pinxit.assets import BucketStore, asset_name, open_store
from pinxit.errors import ConfigError
from pinxit.testing.pictures import picture

from .conftest import Cloud

PNG = picture()
NAME = asset_name(PNG, "image/png")


@pytest.fixture
def store(cloud: Cloud) -> BucketStore:
    """A bucket with a prefix."""
    return BucketStore("s3://pictures/kept", ttl=60, options=cloud.options)


async def fetched(url: str) -> httpx.Response:
    return await asyncio.to_thread(httpx.get, url)


async def test_url(store: BucketStore, cloud: Cloud) -> None:
    """A URL of the cloud's own leads to the picture with its type, and its path ends in the extension."""
    url = await store.put(PNG, "image/png")
    assert url.startswith(f"{cloud.endpoint}/pictures/kept/")
    assert urlsplit(url).path.endswith(f"/{hashlib.sha256(PNG).hexdigest()}.png")
    response = await fetched(url)
    assert (response.status_code, response.content) == (200, PNG)
    assert response.headers["content-type"] == "image/png"


async def test_signature_is_needed(store: BucketStore) -> None:
    """Without its signature, or with another, a URL opens nothing."""
    url = await store.put(PNG, "image/png")
    last = "0" if url[-1] != "0" else "1"
    for bad in (url.partition("?")[0], url[:-1] + last, url.replace(NAME, "other.png")):
        assert (await fetched(bad)).status_code == 403


async def test_expires(cloud: Cloud) -> None:
    """A URL expires as told; the server's own clock says when."""
    store = BucketStore("s3://pictures", ttl=1, options=cloud.options)
    url = await store.put(PNG, "image/png")
    assert "X-Amz-Expires=1&" in url
    await asyncio.sleep(2.1)
    assert (await fetched(url)).status_code == 403


async def test_get(store: BucketStore) -> None:
    """What was put can be had again by its name, and nothing else can."""
    await store.put(PNG, "image/png")
    asset = await store.get(NAME)
    assert asset is not None
    async with asset:
        assert (await asset.read(), await asset.read(1, 4)) == (PNG, b"PNG")
        assert (asset.size, asset.media_type) == (len(PNG), "image/png")
    assert await store.get(f"{'0' * 64}.png") is None
    assert await store.get("../s3.json") is None


async def test_public_endpoint(cloud: Cloud) -> None:
    """URLs name the endpoint that clients reach, pictures go to the one that this machine reaches."""
    public = cloud.endpoint.replace("127.0.0.1", "localhost")
    store = BucketStore("s3://pictures", options=cloud.options, public_endpoint=public)
    url = await store.put(PNG, "image/png")
    assert url.startswith(f"{public}/pictures/")
    assert (await fetched(url)).content == PNG


async def test_from_the_table(cloud: Cloud) -> None:
    """The configuration's table opens a bucket that works."""
    store = open_store({"url": "s3://pictures", "ttl": 60, "options": cloud.options})
    assert isinstance(store, BucketStore)
    assert (await fetched(await store.put(PNG, "image/png"))).content == PNG


async def test_wrong_secret(cloud: Cloud) -> None:
    """A bucket that takes nothing is an `OSError` that shows neither key nor picture."""
    options = {**cloud.options, "secret_access_key": "hunter2hunter2"}
    with pytest.raises(OSError, match="the bucket cannot be used") as caught:
        await BucketStore("s3://pictures", options=options).put(PNG, "image/png")
    assert "hunter2" not in str(caught.value)
    assert cloud.options["access_key_id"] not in str(caught.value)


async def test_loop_turns_meanwhile(store: BucketStore) -> None:
    """While the cloud is asked, the event loop turns."""
    putting = asyncio.ensure_future(store.put(PNG, "image/png"))
    turns = 0
    while not putting.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await putting).startswith("http")
    assert turns > 5


EXITS = """
import asyncio, sys
from pinxit.assets import BucketStore
store = BucketStore("s3://pictures", options=dict(arg.split("=", 1) for arg in sys.argv[1:]))
asyncio.run(store.put(b"x", "image/png"))
"""


def test_interpreter_ends_well(cloud: Cloud) -> None:
    """A program that has kept a picture exits without noise."""
    arguments = [f"{name}={value}" for name, value in cloud.options.items()]
    ended = subprocess.run(
        [sys.executable, "-c", EXITS, *arguments], capture_output=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


async def test_cloud_that_is_away() -> None:
    """A cloud that cannot be reached is given up soon; whoever waits has a paid picture to get."""
    options = {
        "access_key_id": "a", "secret_access_key": "b", "region": "r",
        "endpoint": "http://127.0.0.1:9",
    }  # fmt: skip
    started = time.monotonic()
    with pytest.raises(OSError, match="the bucket cannot be used: GenericError"):
        await BucketStore("s3://pictures", options=options).put(PNG, "image/png")
    assert time.monotonic() - started < 10


def test_other_clouds() -> None:
    """Google's and Microsoft's buckets open as well; signing needs no network."""
    azure = {"account_name": "acme", "account_key": "aHVudGVyMg=="}
    assert isinstance(open_store({"url": "az://pictures", "options": azure}), BucketStore)
    with pytest.raises(ConfigError, match="Account must be specified"):
        open_store({"url": "az://pictures"})
