"""What all tests share: time, and examples that stay the same where a run must be repeatable.

A test marked ``virtual_time`` runs on `pinxit.testing.clock.VirtualTimeLoop`: nothing waits, sockets work
as ever, and while a socket is open each jump of the clock first listens for a few milliseconds. The
marker is opt-in because threads and child processes that a test starts live in real time. All other
tests run on asyncio's own loop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping

import pytest
from hypothesis import settings

from pinxit.testing.clock import ManualClock, VirtualTimeLoop


def pytest_configure(config: pytest.Config) -> None:
    # New examples are for those who can look at what they find, not for a run that decides on a change.
    settings.register_profile("ci", derandomize=True)
    if os.environ.get("CI"):
        settings.load_profile("ci")
    config.addinivalue_line(
        "markers", "virtual_time: run on a loop whose clock jumps to the next timer"
    )


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualTimeLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still; on a virtual-time loop it follows the loop."""
    return ManualClock()
