"""What the gateway costs per request beside a bare pass-through: CPU, and memory under load. Linux only.

Run: ``python benchmarks/weight.py``, with ``--transport httpx`` for httpx's own transport. An upstream that
answers from memory, a bare pass-through and the gateway each run in a process of their own on loopback. The
pass-through is the least that can stand there: an ASGI application on the same server that relays bytes with
the same client and looks at nothing. CPU is what the kernel counts for the proxy's process, in user and
system mode, on any of its threads; the least of several rounds, because the machine may be busy. *Tuned* is
the pass-through with the gateway's settings of the C library's allocator (`pinxit.gateway.memory`). Memory is
the peak of the resident set above what it was before, while everybody asks at once.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
import uuid
import zlib
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

ROUNDS = 5
WORKERS = 4
CROWD = 40
SLOW_CROWD = 500
PAUSE = 2.0
"""Seconds that the slow model takes to answer."""

KEY = "sk-weight-0123456789"
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SIZES = {"1 kB": (16, 400), "5.6 MB": (1184, 40), "6 MB": (1225, 0)}
"""The edge of a square of noise whose base64 has about this length, and how many requests a round has."""


def png(edge: int) -> bytes:
    """Make a picture that no compression makes smaller."""
    noise = random.Random(edge)
    rows = b"".join(b"\0" + noise.randbytes(3 * edge) for _ in range(edge))

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + crc

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    )


# The three roles ----------------------------------------------------------------------------------------


def answer(edge: int) -> bytes:
    body = {
        "created": 1767312000,
        "background": "opaque",
        "data": [{"b64_json": base64.b64encode(png(edge)).decode()}],
        "output_format": "png",
        "quality": "high",
        "size": f"{edge}x{edge}",
        "usage": {
            "input_tokens": 12,
            "input_tokens_details": {"image_tokens": 0, "text_tokens": 12},
            "output_tokens": 6240,
            "total_tokens": 6252,
        },
    }
    return json.dumps(body, indent=2).encode()


async def reply(send: Any, status: int, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", b"application/json"), length]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def upstream() -> Any:
    """Answer as the prompt says; ``slow`` waits first. Uploads are read and dropped."""
    answers = {name.encode(): answer(edge) for name, (edge, _) in SIZES.items()}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        start = b""
        while True:
            message = await receive()
            start = (start + message.get("body", b""))[: 2**16] if len(start) < 2**16 else start
            if not message.get("more_body"):
                break
        if b"slow" in start:
            await asyncio.sleep(PAUSE)
        body = next((body for name, body in answers.items() if name in start), answers[b"1 kB"])
        await reply(send, 200, body)

    return app


def bare(target: str) -> Any:
    """Relay bytes, look at nothing."""
    client: httpx.AsyncClient | None = None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal client
        from pinxit.clients import create_client

        client = client or create_client(transport())
        assert scope["type"] == "http"
        pieces: list[bytes] = []
        while True:
            message = await receive()
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        url = f"{target}{scope['path'].removeprefix('/v1')}"
        async with client.stream("POST", url, content=b"".join(pieces), headers=headers) as got:
            kept = [(k, v) for k, v in got.headers.raw if k.lower() in RELAYED]
            await send({"type": "http.response.start", "status": 200, "headers": kept})
            async for chunk in got.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body"})

    return app


RELAYED = {b"content-type", b"content-length"}


def transport() -> httpx.AsyncBaseTransport | None:
    return httpx.AsyncHTTPTransport() if os.environ.get("WEIGHT_TRANSPORT") == "httpx" else None


def serve_app(app: Any) -> None:
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app, http="httptools", loop="uvloop", ws="none", lifespan="off", log_config=None
    )
    uvicorn.Server(config).run([listener])


def serve_gateway(target: str) -> None:
    from pinxit import Config, Router
    from pinxit.gateway.app import Gateway
    from pinxit.gateway.memory import tune
    from pinxit.gateway.serving import Server, listen

    table = {"providers": {"openai": {"api_key": KEY, "base_url": target}}}
    config = Config.parse({**table, "gateway": {"max_body": 200 * 2**20}})
    given = transport()
    router = None if given is None else Router(config, transport=given)
    gateway = Gateway(router, config)
    tune()
    Server(
        gateway, listen("127.0.0.1", 0), lambda url: print(url.rpartition(":")[2], flush=True)
    ).run()


# Asking -------------------------------------------------------------------------------------------------


class Proxy:
    """A process, and what it has used."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.pid = process.pid
        assert process.stdout is not None
        self.port = int(process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def seconds(self) -> float:
        """CPU seconds until now, user and system, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident(self) -> float:
        """Megabytes in memory now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE / 1e6

    def peak(self) -> float:
        """Megabytes at the most since `forget`."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3

    def forget(self) -> None:
        """Count the peak from here."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def role(name: str, target: str = "") -> Generator[Proxy]:
    """Run a role in a process of its own, away from configurations that lie about."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, str(Path(__file__).resolve()), "--role", name, "--target", target],
                stdout=subprocess.PIPE,
                text=True,
                cwd=folder,
            )
        )
        stack.callback(process.terminate)
        yield Proxy(process)


class Caller:
    """One connection that asks and counts the bytes of the answers; all of it costs nearly nothing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, prompt: str) -> int:
        body = json.dumps({"model": "gpt-image-2", "prompt": prompt, "quality": "high"}).encode()
        return await self.send("/v1/images/generations", b"application/json", [body])

    async def edit(self, prompt: str, pictures: list[bytes]) -> int:
        """Upload pictures as a browser would."""
        mark = uuid.uuid4().hex
        texts = {"model": "gpt-image-2", "prompt": prompt}
        pieces = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
            for k, v in texts.items()
        ]
        for picture in pictures:
            head = f'--{mark}\r\nContent-Disposition: form-data; name="image[]"; filename="a.png"\r\n\r\n'
            pieces += [head.encode(), picture, b"\r\n"]
        pieces.append(f"--{mark}--\r\n".encode())
        kind = f"multipart/form-data; boundary={mark}".encode()
        return await self.send("/v1/images/edits", kind, pieces)

    async def send(self, path: str, kind: bytes, body: list[bytes]) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        reader, writer = self._streams
        length = sum(map(len, body))
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}"
        writer.write(head.encode() + b"\r\nContent-Type: " + kind + b"\r\n\r\n")
        for piece in body:
            for at in range(0, len(piece), 2**18):
                writer.write(piece[at : at + 2**18])
                await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        length = left = next(
            int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")
        )
        start = b""
        while left:
            chunk = await reader.read(min(left, 2**20))
            start = start or chunk
            left -= len(chunk)
        assert b" 200 " in lines[0], (lines, start[:300])
        return length

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def ask_all(proxy: Proxy, prompt: str, count: int, workers: int) -> None:
    """Ask so many times, so many at once."""
    left = iter(range(count))

    async def work() -> None:
        caller = Caller(proxy.port)
        for _ in left:
            await caller.ask(prompt)
        caller.close()

    await asyncio.gather(*(work() for _ in range(workers)))


async def cpu(proxies: list[Proxy], prompt: str, count: int) -> list[float]:
    """Return the least milliseconds of CPU per request, proxy by proxy, taking turns."""
    least = [float("inf")] * len(proxies)
    for _ in range(ROUNDS):
        for place, proxy in enumerate(proxies):
            await ask_all(proxy, prompt, WORKERS * 2, WORKERS)
            before = proxy.seconds()
            await ask_all(proxy, prompt, count, WORKERS)
            least[place] = min(least[place], 1e3 * (proxy.seconds() - before) / count)
    return least


async def memory(proxy: Proxy, work: Any) -> tuple[float, float]:
    """Return the megabytes at the most, and those that stay, above what was there before."""
    before = proxy.resident()
    proxy.forget()
    await work
    peak = proxy.peak()
    # The gateway gives memory back every ten seconds.
    await asyncio.sleep(12)
    return peak - before, proxy.resident() - before


async def edits(proxy: Proxy) -> None:
    """Ten edits at once of four pictures of 20 MB each."""
    picture = png(2582)
    callers = [Caller(proxy.port) for _ in range(10)]
    await asyncio.gather(*(caller.edit("1 kB", [picture] * 4) for caller in callers))
    for caller in callers:
        caller.close()


async def main() -> None:
    with ExitStack() as stack:
        source = stack.enter_context(role("upstream"))
        plain = stack.enter_context(role("bare", source.url))
        tuned = stack.enter_context(role("tuned", source.url))
        gateway = stack.enter_context(role("gateway", source.url))
        proxies = [plain, tuned, gateway]
        head = "".join(f"{name:>10}" for name in ("bare", "tuned", "gateway"))
        print(f"{'CPU per request, milliseconds':36}{head}{'ratios':>12}")
        for name, (_, count) in SIZES.items():
            if count:
                spent = await cpu(proxies, name, count)
                shown = "".join(f"{each:10.2f}" for each in spent)
                ratios = "".join(f"{spent[-1] / each:6.1f}" for each in spent[:-1])
                print(f"{name:36}{shown}{ratios}", flush=True)
        waits: list[float] = []
        for proxy in proxies:
            start = time.perf_counter()
            await ask_all(proxy, "slow", SLOW_CROWD, SLOW_CROWD)
            waits.append(time.perf_counter() - start)
        print(f"\n{f'{SLOW_CROWD} calls of {PAUSE:.0f} s at once, seconds':36}", end="")
        print("".join(f"{wait:10.2f}" for wait in waits))
        print(f"\n{'megabytes above rest':36}{'peak':>10}{'after':>10}")
        cases = {f"{CROWD} answers of 6 MB at once": ask_all(gateway, "6 MB", CROWD, CROWD)}
        cases["the same once more"] = ask_all(gateway, "6 MB", CROWD, CROWD)
        cases["10 edits of 4 x 20 MB at once"] = edits(gateway)
        for name, work in cases.items():
            peak, after = await memory(gateway, work)
            print(f"{name:36}{peak:10.0f}{after:10.0f}", flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--role", choices=["upstream", "bare", "tuned", "gateway"])
    arguments.add_argument("--target", default="")
    arguments.add_argument("--transport", choices=["default", "httpx"], default="default")
    given = arguments.parse_args()
    if given.role is None:
        os.environ["WEIGHT_TRANSPORT"] = given.transport
        asyncio.run(main())
    elif given.role == "gateway":
        serve_gateway(given.target)
    elif given.role == "tuned":
        from pinxit.gateway.memory import tune

        tune()
        serve_app(bare(given.target))
    else:
        serve_app(upstream() if given.role == "upstream" else bare(given.target))
