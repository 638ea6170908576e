"""A real server of S3's protocol, with signatures that it checks."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

GUARD = """
import os, subprocess, sys, threading
server = subprocess.Popen(sys.argv[1:])
threading.Thread(target=lambda: (sys.stdin.read(), server.kill())).start()
os._exit(server.wait())
"""
"""Ends the server with these tests, even where they are killed; it takes no notice of a friendlier signal."""


class Cloud(NamedTuple):
    """Where the server is, and what opens it."""

    endpoint: str
    options: dict[str, str]


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on; the server wants each of them twice."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [server.getsockname()[1] for server in sockets]


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """SeaweedFS on free ports of the loopback interface; it makes buckets as they are used."""
    folder = tmp_path_factory.mktemp("seaweed")
    key, secret = secrets.token_hex(10), secrets.token_hex(20)
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": key, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    roles = ("master", "volume", "filer", "s3")
    ports = dict(zip([*roles, *(f"{role}.grpc" for role in roles)], free_ports(8), strict=True))
    options = [
        "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
        f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-volume.max=4", "-master.volumeSizeLimitMB=64",
    ]  # fmt: skip
    options += [
        f"-{role}.port{'.grpc' if grpc else ''}={port}"
        for name, port in ports.items()
        for role, _, grpc in [name.partition(".")]
    ]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", GUARD, str(Path(sys.executable).with_name("weed")), *options],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    try:
        wait_for(endpoint, server)
        yield Cloud(
            endpoint,
            {
                "access_key_id": key,
                "secret_access_key": secret,
                "region": "us-east-1",
                "endpoint": endpoint,
            },
        )
    finally:
        server.communicate()


def wait_for(endpoint: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers; it has to elect itself first."""
    last = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < last:
        try:
            if httpx.get(endpoint).status_code == 403:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("SeaweedFS did not start")
