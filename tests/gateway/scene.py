"""A gateway over a scripted provider: in the same process, and on a real port of the loopback interface."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import weakref
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx

import pinxit
from pinxit import Capability, Lifecycle, Model, Router, SizeRange
from pinxit.capabilities import InputImages, Mask
from pinxit.gateway import Gateway
from pinxit.gateway.serving import Server, listen
from pinxit.types import Operation
from scripted import Scripted, Step, stage

PAINTS = Capability(
    sizes=SizeRange(max_edge=4096, auto=True),
    default_size="64x64",
    max_n=10,
    qualities=("auto", "low", "high"),
    backgrounds=("auto", "opaque"),
    output_formats=("png", "webp"),
    images=InputImages(max=16),
    mask=Mask(),
    streaming=True,
    partial_images=3,
)
ALL: dict[Operation, Capability] = {"generate": PAINTS, "edit": PAINTS, "variation": PAINTS}

MODELS = [
    Model(
        id="s/a",
        operations=ALL,
        aliases=("a-2026-01-01",),
        lifecycle=Lifecycle(released=date(2026, 1, 2)),
    ),
    Model(id="s/b", operations=ALL),
    Model(
        id="s/old",
        operations=ALL,
        lifecycle=Lifecycle(retired=date(2026, 5, 12), successor=pinxit.Succession(model="s/a")),
    ),
]


class Scene:
    """A gateway, who paints behind it, and a folder for pictures that goes with it."""

    def __init__(
        self,
        script: Mapping[str, list[Step]] | None = None,
        *plugins: object,
        models: Sequence[Model] = MODELS,
        **table: Any,
    ) -> None:
        # Nothing of what is painted here belongs into the cache of whoever runs the tests.
        self.folder = Path(tempfile.mkdtemp(prefix="pinxit-scene-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        config = pinxit.Config.parse(
            {
                "gateway": table,
                "defaults": {"model": "s/a"},
                "assets": {"folder": str(self.folder)},
            }
        )
        self.router: Router
        self.provider: Scripted
        self.router, self.provider = stage(script, *plugins, models=models, config=config)
        self.gateway = Gateway(self.router)

    @property
    def request(self) -> Any:
        """The last request that reached the provider."""
        return self.provider.calls[-1][1]

    def client(self, **options: Any) -> httpx.AsyncClient:
        """A client in the same process; requests go straight into the application."""
        transport = httpx.ASGITransport(self.gateway)
        return httpx.AsyncClient(transport=transport, base_url="http://gateway", **options)


@contextmanager
def running(scene: Scene) -> Generator[Server]:
    """Serve a scene on a free port, in a thread with a loop of its own."""
    ready = threading.Event()
    server = Server(scene.gateway, listen("127.0.0.1", 0), lambda _: ready.set())

    async def main() -> None:
        async with scene.router:
            await server.serve([server.listener])

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    try:
        assert ready.wait(20), "the server did not start"
        yield server
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"
