"""The server as a process: where it listens, how it stops."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gateway.scene import Scene, running
from pinxit import Config, ConfigError
from pinxit.gateway.app import Gateway
from pinxit.gateway.keys import hash_key
from pinxit.gateway.serving import TICKS, Server, check_exposure, listen, serve

PLUGIN = '''
import asyncio, sys
from pinxit import Capability, ImagesResponse, Image, Model, hookimpl
from pinxit.testing.pictures import picture

@hookimpl
def register_models():
    return [Model(id="slow/one", operations={"generate": Capability()})]

@hookimpl
async def generate(request, model):
    print("painting", flush=True)
    await asyncio.sleep(float(request.prompt))
    return ImagesResponse(data=(Image(picture()),))
'''  # fmt: skip

PROGRAM = """
import sys
from pinxit import Config
from pinxit.gateway.serving import serve
table = {"plugins": {"dir": sys.argv[1], "allow": ["slow"]}, "defaults": {"model": "slow/one"},
         "gateway": {"port": 0, "grace": float(sys.argv[2])}}
serve(Config.parse(table), on_ready=lambda url: print(url, flush=True))
"""

ASK = "/v1/images/generations"


class Process:
    """A gateway in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def process(folder: Path, grace: float) -> Generator[Process]:
    (folder / "slow.py").write_text(PLUGIN)
    command = [sys.executable, "-c", PROGRAM, str(folder), str(grace)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PINXIT_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as started:
        try:
            assert started.stdout is not None
            url = started.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            yield Process(started, url)
        finally:
            started.kill()


def ask(url: str, seconds: float, answers: list[httpx.Response]) -> threading.Thread:
    """Ask for a picture that takes so long, in a thread."""

    def post() -> None:
        answers.append(httpx.post(url + ASK, json={"prompt": str(seconds)}, timeout=30))

    thread = threading.Thread(target=post)
    thread.start()
    return thread


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
def test_what_is_in_flight_is_finished(tmp_path: Path) -> None:
    """After SIGTERM paid work is answered, newcomers hear 503, and the process ends."""
    answers: list[httpx.Response] = []
    with process(tmp_path, grace=20) as gateway:
        thread = ask(gateway.url, 1.5, answers)
        assert gateway.read_line() == "painting"
        gateway.process.send_signal(signal.SIGTERM)
        refused = until_refused(gateway.url)
        assert refused.json()["error"]["code"] == "service_unavailable"
        thread.join(20)
        assert [answer.status_code for answer in answers] == [200]
        assert gateway.process.wait(10) in {0, -signal.SIGTERM}


def until_refused(url: str) -> httpx.Response:
    while (answer := httpx.get(f"{url}/health")).status_code == 200:
        pass
    assert answer.status_code == 503
    return answer


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
def test_what_takes_too_long_is_cut(tmp_path: Path) -> None:
    """When the grace is over the rest is told so, and the process ends all the same."""
    answers: list[httpx.Response] = []
    with process(tmp_path, grace=0.3) as gateway:
        thread = ask(gateway.url, 3600, answers)
        assert gateway.read_line() == "painting"
        gateway.process.send_signal(signal.SIGTERM)
        thread.join(20)
        assert [answer.status_code for answer in answers] == [503]
        gateway.process.wait(10)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_gateway_leaves_nothing_behind(tmp_path: Path) -> None:
    """After kill -9 the same port can be listened on again."""
    with process(tmp_path, grace=1) as gateway:
        port = int(gateway.url.rpartition(":")[2])
        httpx.get(f"{gateway.url}/health")
        gateway.process.kill()
        gateway.process.wait(10)
    listen("127.0.0.1", port).close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gateway.example", ""])
def test_strangers_are_kept_out(host: str) -> None:
    """Beyond this machine a gateway without keys does not listen, unless somebody insists."""
    with pytest.raises(ConfigError, match="pinxit keys new"):
        check_exposure(host, has_keys=False, insecure=False)
    check_exposure(host, has_keys=True, insecure=False)
    check_exposure(host, has_keys=False, insecure=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_this_machine_needs_no_keys(host: str) -> None:
    """To try it takes no set-up."""
    check_exposure(host, has_keys=False, insecure=False)


def test_serve_checks_before_it_listens() -> None:
    """The sentence comes before any socket is opened."""
    with pytest.raises(ConfigError, match=r"0\.0\.0\.0 can be reached by others"):
        serve(Config(), host="0.0.0.0", port=0)


def test_a_port_in_use_is_named() -> None:
    """The sentence has the address, the port and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1 port {port}: "):
            serve(Config(), port=port)


def test_a_host_that_is_none_is_named() -> None:
    """A typing error is no traceback."""
    with pytest.raises(ConfigError, match=r"cannot listen on no\.such\.host\.invalid"):
        listen("no.such.host.invalid", 0)


def test_a_gateway_without_keys_answers_only_to_this_machine(tmp_path: Path) -> None:
    """What `serve` runs keeps pages of strangers out as well."""
    with process(tmp_path, grace=1) as gateway:
        body = {"prompt": "0"}
        assert httpx.post(gateway.url + ASK, json=body).status_code == 200
        foreign = httpx.post(
            gateway.url + ASK, json=body, headers={"origin": "https://evil.example"}
        )
        assert foreign.status_code == 403


def test_connections_are_kept(live: tuple[Scene, str]) -> None:
    """Clients reuse a connection, and nothing tells them what server it is."""
    with httpx.Client(base_url=live[1]) as http:
        answers = [http.get("/health") for _ in range(3)]
    assert {answer.headers.get("connection", "keep-alive") for answer in answers} == {"keep-alive"}
    assert "server" not in answers[0].headers


def test_many_at_once_do_not_mix() -> None:
    """A hundred requests at once: everybody gets the size that they asked for."""
    scene = Scene({"a": [0.2] * 100}, keys={"ann": hash_key("k")})
    sizes = [f"{16 + place}x16" for place in range(100)]
    with running(scene) as server:

        async def main() -> list[str]:
            limits = httpx.Limits(max_connections=None)
            headers = {"x-api-key": "k"}
            async with httpx.AsyncClient(
                base_url=server.url, timeout=60, limits=limits, headers=headers
            ) as http:
                asks = [http.post(ASK, json={"prompt": "p", "size": size}) for size in sizes]
                return [answer.json()["size"] for answer in await asyncio.gather(*asks)]

        assert asyncio.run(main()) == sizes


async def test_memory_is_given_back_after_work_and_not_for_nothing() -> None:
    """Every ten seconds while there is work and once behind it, but not while nobody asks."""
    trimmed: list[int] = []

    def trim(keep: int) -> int:
        trimmed.append(keep)
        return 1

    with listen("127.0.0.1", 0) as listener:
        server = Server(Gateway(config=Config()), listener, trim=trim)
        state = server.server_state

        async def after_ten_seconds() -> int:
            for counter in range(1, 2 * TICKS):
                await server.on_tick(counter)
            return len(trimmed)

        assert await after_ten_seconds() == 0
        state.total_requests = 1
        state.tasks.add(asyncio.ensure_future(asyncio.sleep(0)))
        assert [await after_ten_seconds() for _ in range(2)] == [1, 2]
        state.tasks.clear()
        assert [await after_ten_seconds() for _ in range(2)] == [3, 3]
