"""Providers of jobs from order to picture, over real connections: keys stay where they belong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import uvicorn

from pinxit import Config, Image, Router
from pinxit.gateway.serving import listen
from pinxit.testing import png
from pinxit_providers.fakes.bfl import FakeBFL
from pinxit_providers.fakes.fal import FakeFal
from pinxit_providers.fakes.replicate import FakeReplicate

KEY = "a-key-that-opens-nothing-0123456789"
Fake = FakeBFL | FakeFal | FakeReplicate


@contextmanager
def serving(fake: Fake) -> Generator[str]:
    """Serve a stand-in on a free port, in a thread with a loop of its own."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(fake, lifespan="off", log_config=None))
    main = server.serve([listener])
    thread = threading.Thread(target=asyncio.run, args=(main,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


async def test_the_key_never_goes_to_where_pictures_lie() -> None:
    """Orders, polls and results carry the key; the downloads of the pictures do not."""
    fakes: dict[str, Fake] = {
        "bfl": FakeBFL(key=KEY, polls=0),
        "fal": FakeFal(key=KEY, polls=0),
        "replicate": FakeReplicate(key=KEY, polls=0),
    }
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serving(fake)) for name, fake in fakes.items()}
        urls["replicate"] += "/v1"
        tables = {name: {"api_key": KEY, "base_url": url} for name, url in urls.items()}
        async with Router(Config.parse({"providers": tables})) as router:
            answers = await asyncio.gather(
                router.generate("a fox", model="bfl/flux-2-pro", size="512x512"),
                router.edit("a hat", Image(png(64, 64)), model="bfl/flux-kontext-pro"),
                router.generate("a fox", model="fal/flux/dev", size="512x512", n=2),
                router.generate("a fox", model="replicate/black-forest-labs/flux-dev"),
            )
    assert [len(answer.data) for answer in answers] == [1, 1, 2, 1]
    assert answers[0].data[0].info.size == answers[2].data[1].info.size == "512x512"
    assert [fake.leaks for fake in fakes.values()] == [[], [], []]
    assert [len(fake.works.all) for fake in fakes.values()] == [2, 1, 1]


@pytest.mark.parametrize(
    "fake", [FakeBFL(), FakeFal(), FakeReplicate()], ids=["bfl", "fal", "replicate"]
)
async def test_a_stand_in_notices_a_key_at_its_pictures(fake: Fake) -> None:
    """The test above can fail: each stand-in writes down who shows a key where none belongs."""
    headers = {"x-key": KEY, "authorization": KEY}
    path = "/delivery/x.png" if isinstance(fake, FakeBFL) else "/files/16x16.png"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(fake)) as http:
        await http.get(f"http://fake.test{path}", headers=headers)
    assert fake.leaks == [path]
