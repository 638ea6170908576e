"""What the tests of the gateway share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from gateway.scene import Scene, running


@pytest.fixture
def scene() -> Scene:
    """A gateway whose provider always succeeds."""
    return Scene()


@pytest.fixture
async def http(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `scene`."""
    async with scene.client() as client:
        yield client


@pytest.fixture(scope="module")
def live() -> Iterator[tuple[Scene, str]]:
    """A running gateway and its URL."""
    scene = Scene()
    with running(scene) as server:
        yield scene, server.url
