"""What tests of middleware share: a Redis server of their own, and time that stands still."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

MISSING = "redis-server is not installed; these tests start one: apt-get install -y redis-server"

StartRedis = Callable[[], "RedisServer"]


class RedisServer:
    """A server that runs until it is stopped.

    Attributes:
        url: Where it listens.
    """

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._process = process

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path) -> Generator[RedisServer]:
    # The development extra brings one beside the interpreter, which need not be on the path.
    beside = str(Path(sys.executable).parent)
    binary = shutil.which("redis-server", path=os.pathsep.join([beside, os.environ["PATH"]]))
    if binary is None:
        pytest.fail(MISSING, pytrace=False)
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    with subprocess.Popen([binary, *options], stdout=subprocess.PIPE) as process:
        server = RedisServer(port, process)
        try:
            assert process.stdout is not None
            said = list[bytes]()
            for line in process.stdout:
                said.append(line)
                if b"eady to accept connections" in line:
                    break
            else:
                pytest.fail(f"redis-server did not start: {b''.join(said[-3:])!r}", pytrace=False)
            yield server
        finally:
            server.stop()


@pytest.fixture
def start_redis(tmp_path: Path) -> Generator[StartRedis]:
    """Starts Redis servers that end with the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(serving(tmp_path))
