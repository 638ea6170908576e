"""Pictures in a folder, at signed URLs."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pinxit.assets import FolderStore, asset_name
from pinxit.testing.clock import ManualClock
from pinxit.testing.pictures import picture

PNG = picture("png")
HOUR = 3600.0


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> FolderStore:
    """A store whose URLs work for an hour and whose pictures stay for two."""
    return FolderStore(
        tmp_path, base_url="http://pictures.example/", ttl=HOUR, max_age=2 * HOUR, clock=clock
    )


def parts(url: str) -> tuple[str, str]:
    """Return the token and the name of a URL."""
    _, _, token, name = urlsplit(url).path.split("/")
    return token, name


async def data_of(store: FolderStore, url: str) -> bytes | None:
    asset = await store.find(url)
    if asset is None:
        return None
    async with asset:
        return await asset.read()


async def test_url(store: FolderStore) -> None:
    """A URL is under the base, names the hash of the bytes, and ends in the type's extension."""
    url = await store.put(PNG, "image/png")
    assert url.startswith("http://pictures.example/assets/")
    assert url.endswith(f"/{hashlib.sha256(PNG).hexdigest()}.png")
    assert await data_of(store, url) == PNG


@pytest.mark.parametrize(
    ("media_type", "extension"),
    [
        ("image/png", "png"), ("image/jpeg", "jpg"), ("image/webp", "webp"), ("image/gif", "gif"),
        ("image/avif", "avif"), ("image/svg+xml", "svg"),
    ],
)  # fmt: skip
async def test_types(store: FolderStore, media_type: str, extension: str) -> None:
    """Each type has its extension, and the extension its type again."""
    _, name = parts(await store.put(b"x", media_type))
    asset = await store.get(name)
    assert asset is not None
    async with asset:
        assert (name.rpartition(".")[2], asset.media_type) == (extension, media_type)


async def test_unknown_type(store: FolderStore) -> None:
    """What is no picture is kept as bytes that nobody takes for anything."""
    _, name = parts(await store.put(b"<script>", "text/html"))
    asset = await store.get(name)
    assert asset is not None
    async with asset:
        assert (asset.name[-4:], asset.media_type) == (".bin", "application/octet-stream")


async def test_expires(store: FolderStore, clock: ManualClock) -> None:
    """A URL works for as long as was promised and not longer, though the picture is still there."""
    url = await store.put(PNG, "image/png")
    token, name = parts(url)
    clock.advance(HOUR - 1)
    assert store.seconds_left(token) == 1
    assert await data_of(store, url) == PNG
    clock.advance(1)
    assert not await store.allows(token, name)
    assert await store.find(url) is None
    asset = await store.get(name)
    assert asset is not None
    async with asset:
        assert asset.size == len(PNG)


@pytest.mark.parametrize(
    "name",
    [
        "key", "tmp", "../key", "..", "", "/etc/passwd", f"{'ab' * 32}", f"{'ab' * 32}.exe",
        f"{'AB' * 32}.png", f"{'ab' * 32}.png/../../key", f"{'ab' * 32}.png\n", f"x{'ab' * 32}.png",
        f"{'ab' * 32}.png\0",
    ],
)  # fmt: skip
async def test_other_names(store: FolderStore, name: str) -> None:
    """Only the hash of a picture is ever looked up: no path, no key, not the workshop."""
    await store.put(PNG, "image/png")
    assert await store.get(name) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://[",
        "https://example.com/a.png",
        "http://x/assets/",
        "http://x/assets/a/b",
        "assets",
    ],
)
async def test_other_urls(store: FolderStore, url: str) -> None:
    """A URL of somebody else, or of nobody, is none of ours."""
    assert await store.find(url) is None


async def test_found_under_any_host(store: FolderStore) -> None:
    """The signature says whose a URL is; the host is only how a client reaches us."""
    url = await store.at("https://other.example/base").put(PNG, "image/png")
    assert url.startswith("https://other.example/base/assets/")
    assert await data_of(store, url) == PNG


async def test_restarts_and_processes_share_a_key(tmp_path: Path) -> None:
    """Without configured keys one is made in the folder, so that URLs outlive the process."""
    url = await FolderStore(tmp_path).put(PNG, "image/png")
    assert await data_of(FolderStore(tmp_path), url) == PNG
    assert await data_of(FolderStore(tmp_path / "other"), url) is None


async def test_configured_keys(tmp_path: Path) -> None:
    """A configured key is used, and the folder then holds none."""
    url = await FolderStore(tmp_path, keys=["k" * 32]).put(PNG, "image/png")
    assert await data_of(FolderStore(tmp_path, keys=["n" * 32, "k" * 32]), url) == PNG
    assert await data_of(FolderStore(tmp_path, keys=["n" * 32]), url) is None
    assert not (tmp_path / "key").exists()


async def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    """A store that keeps nothing leaves nothing."""
    store = FolderStore(tmp_path / "assets")
    assert await store.get(asset_name(PNG, "image/png")) is None
    assert not (tmp_path / "assets").exists()


# Limits -------------------------------------------------------------------------------------------


def small(tmp_path: Path, clock: ManualClock, ttl: float = HOUR) -> FolderStore:
    """A store that holds 16 kB, of which one is slack, as long as URLs work."""
    return FolderStore(tmp_path, clock=clock, max_bytes=16_000, ttl=ttl, max_age=ttl)


def names(tmp_path: Path) -> set[str]:
    return {path.name for path in tmp_path.glob("*.png")}


def held(tmp_path: Path) -> int:
    return sum(path.stat().st_size for path in tmp_path.glob("*.png"))


def wait_until_empty(tmp_path: Path) -> None:
    last = time.monotonic() + 5
    while names(tmp_path):
        assert time.monotonic() < last
        time.sleep(0.01)


async def test_size_limit(tmp_path: Path, clock: ManualClock) -> None:
    """The folder never holds more than it may, and what was not used for longest goes first."""
    store = small(tmp_path, clock)
    urls = list[str]()
    for number in range(30):
        clock.advance(1)
        urls.append(await store.put(bytes([number]) * 2000, "image/png"))
        assert held(tmp_path) <= 16_000
        # The very first one is looked at all the time.
        assert await data_of(store, urls[0]) == bytes(2000)
    assert names(tmp_path) == {parts(url)[1] for url in (urls[0], *urls[-6:])}


async def test_too_large(tmp_path: Path, clock: ManualClock) -> None:
    """A picture larger than the folder is refused and pushes nothing out."""
    store = small(tmp_path, clock)
    await store.put(PNG, "image/png")
    with pytest.raises(OSError, match="does not fit"):
        await store.put(bytes(15_500), "image/png")
    assert names(tmp_path) == {asset_name(PNG, "image/png")}


async def test_age_limit(tmp_path: Path, clock: ManualClock) -> None:
    """A picture that is too old is not served, however often it is looked at, and goes."""
    store = small(tmp_path, clock)
    name = parts(await store.put(PNG, "image/png"))[1]
    for _ in range(3):
        clock.advance(HOUR / 3)
        asset = await store.get(name)
        assert asset is not None
        async with asset:
            pass
    clock.advance(1)
    assert await store.get(name) is None
    assert names(tmp_path) == set()


async def test_put_again_is_young_again(tmp_path: Path, clock: ManualClock) -> None:
    """A picture that was made again keeps the promise of its second URL."""
    store = small(tmp_path, clock)
    await store.put(PNG, "image/png")
    clock.advance(HOUR - 1)
    url = await store.put(PNG, "image/png")
    clock.advance(HOUR - 1)
    store.tidy()
    assert await data_of(store, url) == PNG


async def test_what_was_there_before(tmp_path: Path, clock: ManualClock) -> None:
    """The first picture of a process makes it look at what others have left."""
    before = small(tmp_path, clock)
    await before.put(b"old", "image/png")
    clock.advance(HOUR + 1)
    await small(tmp_path, clock).put(b"new", "image/png")
    assert names(tmp_path) == {asset_name(b"new", "image/png")}


@pytest.mark.parametrize("again", [True, False])
async def test_use_is_enough(tmp_path: Path, clock: ManualClock, *, again: bool) -> None:
    """Where nothing tends the folder, old pictures go when a little one comes, or one is looked at."""
    store = FolderStore(tmp_path, clock=clock, ttl=HOUR, max_age=HOUR)
    await store.put(b"old", "image/png")
    clock.advance(HOUR / 2)
    url = await store.put(b"young", "image/png")
    clock.advance(HOUR / 2 + 1)
    if again:
        await store.put(b"young", "image/png")
    else:
        assert await data_of(store, url) == b"young"
    assert names(tmp_path) == {asset_name(b"young", "image/png")}


async def test_tending(tmp_path: Path, clock: ManualClock) -> None:
    """Old pictures go although none come."""
    store = small(tmp_path, clock)
    await store.put(PNG, "image/png")
    clock.advance(HOUR + 1)
    tending = asyncio.ensure_future(store.tend())
    await asyncio.to_thread(wait_until_empty, tmp_path)
    tending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await tending


async def test_disk_work_is_off_the_loop(tmp_path: Path) -> None:
    """While a slow disk is looked through, the event loop turns."""
    loop, inside, go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    class SlowClock(ManualClock):
        def now(self) -> datetime:
            loop.call_soon_threadsafe(inside.set)
            # On the loop's own thread nobody would ever say so.
            assert go.wait(10)
            return super().now()

    store = small(tmp_path, SlowClock())
    putting = asyncio.ensure_future(store.put(PNG, "image/png"))
    await asyncio.wait_for(inside.wait(), 5)
    assert not putting.done()
    go.set()
    assert (await putting).endswith(".png")


async def test_many_at_once(tmp_path: Path) -> None:
    """Two stores on one folder, as two processes have them, take pictures side by side."""
    first, second = FolderStore(tmp_path), FolderStore(tmp_path)
    pictures = [bytes([number]) * 5000 for number in range(20)]
    urls = await asyncio.gather(
        *(store.put(data, "image/png") for data in pictures for store in (first, second))
    )
    for url, data in zip(urls, (data for data in pictures for _ in range(2)), strict=True):
        assert await data_of(first, url) == await data_of(second, url) == data
    assert len(names(tmp_path)) == 20
