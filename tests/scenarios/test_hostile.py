"""Hostile and sloppy upstreams: little is read, nothing is believed, and the next request is not harmed."""

from __future__ import annotations

import asyncio
import base64
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

import pinxit
from chaotic import A, B, asked, now, stage
from pinxit.testing import (
    Answer,
    EndlessBody,
    EndlessHeaders,
    Events,
    GzipBomb,
    HugeContentLength,
    Leftover,
    Ok,
    Received,
    Step,
    Wire,
    png,
)

MIB = 2**20
PICTURE = base64.b64encode(png(64, 64)).decode()


@contextmanager
def measured() -> Generator[Callable[[], int]]:
    """Yield a function that returns the most bytes that Python had at once inside the block."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@dataclass
class LayeredBomb:
    """A body that says how it was packed."""

    coding: str = "gzip, gzip"

    async def play(self, request: Received, wire: Wire) -> None:
        await Answer(body=b"\x1f\x8b", headers={"content-encoding": self.coding}).play(
            request, wire
        )


FLOODS: dict[str, tuple[Step, int]] = {
    "an endless body": (EndlessBody(), 80),
    "64 GB announced": (HugeContentLength(), 8),
    "a number of bytes that is none": (HugeContentLength(10**30), 8),
    "a gzip bomb of 1 GB": (GzipBomb(), 8),
    "endless headers": (EndlessHeaders(), 8),
    "an endless event": (Events([b"data: ", b"A" * 65_536], then="repeat"), 80),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_is_refused(name: str) -> None:
    """It ends as our error or with the fallback, little of it is read, and memory stays bounded."""
    flood, megabytes = FLOODS[name]
    async with stage({A: flood}) as (router, upstream):
        with measured() as peak:
            answer = await router.generate("a fox", model=A, fallbacks=[B], timeout=30)
            # The largest picture there is, in base64, is what a limit has to let through.
            assert peak() < 100 * MIB
        first = upstream.requests[0]
        await asyncio.wait_for(first.finished.wait(), 6)
    assert first.disconnected
    # What lies in the buffers of both ends of a socket counts as sent.
    assert first.sent <= megabytes * MIB
    assert answer.report.model == f"openai/{B}"
    assert answer.report.attempts[0].outcome != "provider_timeout"


@pytest.mark.parametrize("status", [400, 429, 503])
async def test_an_endless_complaint_is_cut_off(status: int) -> None:
    """Of an error's body little is read; the status says enough."""

    class Complaint:
        async def play(self, request: Received, wire: Wire) -> None:
            await wire.start(status, {"content-type": "application/json"})
            while True:
                await wire.send(b" " * 65_536)

    async with stage({A: Complaint()}) as (router, upstream):
        with measured() as peak, pytest.raises(pinxit.PinxitError) as caught:
            await router.generate("a fox", model=A, timeout=30)
        assert peak() < 20 * MIB
    assert caught.value.upstream_status == status
    assert upstream.requests[0].sent < 10 * MIB


@pytest.mark.parametrize("coding", ["gzip, gzip", "zstd", "br", "x" * 5_000])
async def test_a_coding_that_nobody_asked_for_is_refused(coding: str) -> None:
    """Layers of compression are how a kilobyte becomes a gigabyte; they are not unpacked."""
    async with stage({A: LayeredBomb(coding)}) as (router, _):
        with pytest.raises(pinxit.InvalidProviderResponse) as caught:
            await router.generate("a fox", model=A)
    assert len(str(caught.value)) < 200


async def test_floods_at_once_do_not_add_up_to_time_outs() -> None:
    """While one provider floods us, requests to another one are served."""
    async with stage({A: EndlessBody()}) as (router, upstream):
        floods = [asyncio.create_task(router.generate("a fox", model=A)) for _ in range(2)]
        await asyncio.sleep(0.05)
        start = now()
        await router.generate("a fox", model=B)
        assert now() - start < 1.5
        for flood in floods:
            flood.cancel()
        await asyncio.wait(floods)
    assert asked(upstream).count(B) == 1


class Glued:
    """Two answers in one piece, so that the second is read together with the first."""

    async def play(self, request: Received, wire: Wire) -> None:
        headers, body = Ok(echo=True).answer(request).message()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        whole = f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + body
        # A proper answer: broken ones are not even read as one.
        stranger = whole.replace(b"a fox", b"a bee").replace(b"200 OK", b"200 No")
        await wire.raw(whole + stranger)
        # For the upstream this is a proper end: the connection may be used again.
        await wire.end()


class GluedEnd:
    """Half of another answer behind this one."""

    async def play(self, request: Received, wire: Wire) -> None:
        await Ok(echo=True).play(request, wire)
        await wire.raw(b"HTTP/1.1 200 OK\r\ncontent-le")


LEFTOVERS: dict[str, Step] = {
    "a whole answer": Glued(),
    "a whole answer, a moment later": Leftover(),
    "the beginning of one": GluedEnd(),
}


@pytest.mark.parametrize("name", LEFTOVERS)
async def test_an_answer_that_nobody_asked_for_is_never_served(name: str) -> None:
    """What lies behind an answer on the same connection takes the connection with it."""
    async with stage({A: LEFTOVERS[name]}, own_transport=True) as (router, upstream):
        await router.generate("a fox", model=A)
        answers = [await router.generate(f"a bear {n}", model=A) for n in range(3)]
    assert len(upstream.requests) == 4
    assert upstream.connections == 4
    # A stranger's answer would repeat a stranger's prompt; these were all answered by request.
    told = [answer.data[0].revised_prompt for answer in answers]
    assert all(prompt in {None, f"a bear {n}"} for n, prompt in enumerate(told))


async def test_a_clean_connection_is_used_again() -> None:
    """Whoever answers properly is not asked to shake hands each time."""
    async with stage(own_transport=True) as (router, upstream):
        for _ in range(5):
            await router.generate("a fox", model=A)
    assert upstream.connections == 1


async def test_a_connection_that_was_closed_meanwhile_is_noticed() -> None:
    """A server that hangs up between two requests costs neither of them."""

    class Polite:
        async def play(self, request: Received, wire: Wire) -> None:
            await Ok().play(request, wire)
            await wire.close()

    async with stage({A: Polite()}, own_transport=True) as (router, upstream):
        for _ in range(5):
            await router.generate("a fox", model=A)
            await asyncio.sleep(0.02)
    assert len(upstream.requests) == 5


async def test_cookies_are_not_kept() -> None:
    """One request leaves nothing behind that the next one would carry."""
    step = Ok()

    class Baker:
        async def play(self, request: Received, wire: Wire) -> None:
            headers, body = step.answer(request).message()
            await Answer(body=body, headers={**headers, "set-cookie": "who=alice; Path=/"}).play(
                request, wire
            )

    async with stage(Baker(), own_transport=True) as (router, upstream):
        for _ in range(3):
            await router.generate("a fox", model=A)
    assert all("cookie" not in request.headers for request in upstream.requests)


ODD: dict[str, Step] = {
    "a status of its own": Answer(299, body=b"?"),
    "no content": Answer(204),
    "a lie about its length": Answer(200, body=b"{}", headers={"content-length": "1"}),
    "a picture of no size": Answer(json={"data": [{"b64_json": ""}]}),
    "numbers for words": Answer(json={"data": [{"b64_json": 7, "url": 7}], "created": "now"}),
    "a deep nest": Answer(body=b"[" * 100_000),
    "an error that is none": Answer(500, json={"error": [[[{}]]]}),
    "an error in no language": Answer(500, body=b"\xff\xfe\x00", headers={"content-type": "?"}),
    "not a number": Answer(body=b'{"created": NaN, "data": [{"b64_json": NaN}]}'),
    "events in no order": Events([b"data: [DONE]\n\n", b"data: 1\n\n"]),
    "events of nothing": Events([b"\n\n\n\n", b"data:\n\n"]),
    "an early hint only": Answer(103),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.virtual_time
async def test_oddities_end_as_our_errors(name: str) -> None:
    """Whatever comes, the caller sees a 502 to 504, and the router goes on."""
    async with stage({A: [ODD[name]]}) as (router, upstream):
        with pytest.raises(pinxit.ProviderError) as caught:
            await router.generate("a fox", model=A, timeout=5)
        assert caught.value.status in {502, 503, 504}
        await router.generate("a fox", model=A, timeout=5)
    assert len(upstream.requests) == 2


@pytest.mark.virtual_time
async def test_more_partials_than_asked_are_not_passed_on() -> None:
    """A stream of sketches without end does not fill the queue of a caller who reads slowly."""
    partial = {"type": "image_generation.partial_image", "b64_json": PICTURE}
    done = {"type": "image_generation.completed", "b64_json": PICTURE}
    async with stage({A: Events([*[partial] * 50, done])}) as (router, _):
        events = [e async for e in router.stream("a fox", model=A, partial_images=2)]
    assert [type(event).__name__ for event in events] == ["PartialImage"] * 2 + ["ImagesResponse"]


async def test_the_client_of_a_router_follows_nothing_and_keeps_nothing() -> None:
    """What plugins are lent has no redirects, no cookies and no five seconds of patience."""
    async with stage(own_transport=True) as (router, _):
        client = router.http
        assert isinstance(client, httpx.AsyncClient)
        assert not client.follow_redirects
        assert client.timeout.read is None
