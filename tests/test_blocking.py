"""The blocking router: the asynchronous one's answers, for programs that wait."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pinxit import blocking, routing
from pinxit.capabilities import Capability, InputImages, Model
from pinxit.config import Config
from pinxit.errors import ConfigError, RequestError, UnknownModel
from pinxit.hookspecs import Context, hookimpl
from pinxit.payload import Image
from pinxit.plugins import Plugins
from pinxit.testing.pictures import picture
from pinxit.types import ImagesResponse, PartialImage, Request

PNG = picture(width=8, height=6)

TRACE: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="nobody")

Serve = Callable[[Request, Context], Any]


class Painter:
    """A provider that paints one picture, in the way that a test says."""

    def __init__(self, serve: Serve | None = None) -> None:
        self.serve = serve
        self.events: list[str] = []
        self.tasks: list[object] = []
        self.fail_open = self.fail_close = False

    @hookimpl
    def register_models(self) -> list[Model]:
        cap = Capability(max_n=4, streaming=True, partial_images=3, images=InputImages())
        return [Model(id="test/dot", operations={"generate": cap, "edit": cap, "variation": cap})]

    async def paint(self, request: Request, context: Context) -> ImagesResponse:
        self.events.append(request.operation)
        if self.serve is not None:
            await self.serve(request, context)
        return ImagesResponse(data=tuple(Image(PNG) for _ in range(request.n)))

    @hookimpl
    async def generate(self, request: Request, context: Context) -> ImagesResponse:
        return await self.paint(request, context)

    @hookimpl
    async def edit(self, request: Request, context: Context) -> ImagesResponse:
        return await self.paint(request, context)

    @hookimpl
    async def variation(self, request: Request, context: Context) -> ImagesResponse:
        return await self.paint(request, context)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[str]:
        if self.fail_open:
            raise ConfigError("test: the brush is dry")
        self.events.append("opened")
        self.tasks.append(asyncio.current_task())
        yield "state"
        self.tasks.append(asyncio.current_task())
        self.events.append("closed")
        if self.fail_close:
            raise OSError("the brush is stuck")


def router(painter: Painter, **options: Any) -> blocking.Router:
    config = Config.parse({"defaults": {"model": "test/dot"}})
    return blocking.Router(config, plugins=Plugins(painter, discover=False), **options)


async def forever(painter: Painter) -> None:
    painter.events.append("waiting")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        painter.events.append("cancelled")
        raise


# The API ------------------------------------------------------------------------------------------


def test_generate() -> None:
    """generate() returns the pictures and the signature of the asynchronous router."""
    with router(Painter()) as paint:
        answer = paint.generate("a dot", n=2, size="auto")
    assert [image.data for image in answer.data] == [PNG, PNG]
    assert answer.report.model == "test/dot"


def test_edit_and_variation() -> None:
    """edit() and variation() take pictures as the asynchronous ones do."""
    painter = Painter()
    with router(painter) as paint:
        paint.edit("add a hat", PNG)
        paint.variation(PNG)
    assert painter.events == ["opened", "edit", "variation", "closed"]


def test_plan_starts_nothing() -> None:
    """A plan needs no thread, and leaves the plugins closed."""
    painter = Painter()
    plan = router(painter).plan("a dot", n=3)
    assert [candidate.model.id for candidate in plan] == ["test/dot"]
    assert painter.events == []


def test_same_face() -> None:
    """Constructor and methods take what the asynchronous ones take, under the same names."""
    ours, theirs = blocking.Router, routing.Router
    for name in ("__init__", "generate", "edit", "variation", "plan", "stream"):
        mine = inspect.signature(getattr(ours, name)).parameters
        assert list(mine.values()) == list(
            inspect.signature(getattr(theirs, name)).parameters.values()
        )


def test_what_there_is() -> None:
    """The registry, the routes, the plugins and the configuration can be read without opening."""
    paint = router(Painter())
    assert [model.id for model in paint.registry] == ["test/dot"]
    assert paint.config.defaults.model == "test/dot"
    assert list(paint.plugins.broken) == []
    assert "test/dot" not in paint.routes
    assert dict(paint.broken_routes) == {}


def test_errors() -> None:
    """Errors arrive as they are, from before the thread and from inside it."""
    with router(Painter()) as paint:
        with pytest.raises(RequestError, match="n: should be less"):
            paint.generate("a dot", n=99)
        with pytest.raises(UnknownModel) as failure:
            paint.generate("a dot", model="test/dash")
    assert failure.value.report is not None


def test_inside_a_loop() -> None:
    """It works where a loop runs already, as in a notebook."""

    async def cell() -> int:
        with router(Painter()) as paint:
            return len(paint.generate("a dot").data)

    assert asyncio.run(cell()) == 1


def test_several_threads() -> None:
    """Requests of several threads are under way at the same time in one router."""
    together = asyncio.Barrier(6)

    async def meet(*_: object) -> None:
        await together.wait()

    painter = Painter(meet)
    with router(painter) as paint, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(paint.generate, [f"dot {place}" for place in range(6)]))
    assert len(answers) == 6
    assert painter.events.count("opened") == 1


def test_context_follows() -> None:
    """Context variables of the caller, such as a trace, are seen by plugins."""
    seen: list[str] = []

    async def look(*_: object) -> None:
        seen.append(TRACE.get())

    with router(Painter(look)) as paint:
        token = TRACE.set("caller")
        paint.generate("a dot")
        TRACE.reset(token)
    assert seen == ["caller"]


# Streams ------------------------------------------------------------------------------------------


async def two_partials(_: Request, context: Context) -> None:
    for index in range(2):
        await context.emit(PartialImage(index=index, image=Image(PNG)))


def test_stream() -> None:
    """A stream is a plain iterator: partial pictures first, the answer last."""
    with router(Painter(two_partials)) as paint:
        events = list(paint.stream("a dot"))
    assert [type(event).__name__ for event in events] == [
        "PartialImage",
        "PartialImage",
        "ImagesResponse",
    ]


def test_stream_left_early() -> None:
    """Leaving a stream early cancels the request before the loop goes on."""

    async def one_and_wait(request: Request, context: Context) -> None:
        await two_partials(request, context)
        await forever(painter)

    painter = Painter(one_and_wait)
    with router(painter) as paint:
        events = paint.stream("a dot")
        assert isinstance(next(events), PartialImage)
        assert isinstance(next(events), PartialImage)
        events.close()
        assert painter.events[-1] == "cancelled"


def test_stream_error() -> None:
    """What a request raises comes out of the iterator."""
    with router(Painter()) as paint:
        events = paint.stream("a dot", model="test/dash")
        with pytest.raises(UnknownModel):
            next(events)


# Opening and closing ------------------------------------------------------------------------------


def test_opens_by_itself() -> None:
    """Without a with block the router opens at the first request, and close() closes it."""
    painter = Painter()
    paint = router(painter)
    paint.generate("a dot")
    assert painter.events == ["opened", "generate"]
    paint.close()
    assert painter.events == ["opened", "generate", "closed"]


def test_one_task() -> None:
    """A lifespan begins and ends in the same task, as task groups need it."""
    painter = Painter()
    with router(painter) as paint:
        paint.generate("a dot")
    assert len(painter.tasks) == 2
    assert painter.tasks[0] is painter.tasks[1]


def test_closed_for_good() -> None:
    """A closed router says so, may be closed again, and has ended its thread."""
    before = set(threading.enumerate())
    with router(Painter()) as paint:
        [thread] = set(threading.enumerate()) - before
        assert thread.is_alive()
    assert not thread.is_alive()
    paint.close()
    with pytest.raises(RuntimeError, match="is closed"):
        paint.generate("a dot")


def test_forgotten() -> None:
    """A router that nobody holds any more closes by itself."""
    painter = Painter()
    paint = router(painter)
    paint.generate("a dot")
    del paint
    assert painter.events[-1] == "closed"


def test_cannot_open() -> None:
    """What a plugin raises at its start reaches the caller; when it is mended, the next call works."""
    painter = Painter()
    painter.fail_open = True
    paint = router(painter)
    with pytest.raises(ConfigError, match="brush is dry"):
        paint.generate("a dot")
    painter.fail_open = False
    assert paint.generate("a dot").data
    paint.close()


def test_cannot_close() -> None:
    """What a plugin raises at its end reaches whoever closes."""
    painter = Painter()
    painter.fail_close = True
    paint = router(painter)
    paint.generate("a dot")
    with pytest.raises(OSError, match="brush is stuck"):
        paint.close()


def test_closed_under_way() -> None:
    """Closing cancels requests of other threads, who learn why they get no answer."""
    started = threading.Event()

    async def wait(*_: object) -> None:
        started.set()
        await forever(painter)

    painter = Painter(wait)
    paint = router(painter)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(paint.generate, "a dot")
        assert started.wait(10)
        paint.close()
        with pytest.raises(RuntimeError, match="closed before the answer"):
            answer.result()
    assert painter.events[-2:] == ["cancelled", "closed"]


def test_called_inside_its_loop() -> None:
    """A plugin that calls the blocking router it runs in is told so, instead of waiting for itself."""

    async def call_back(*_: object) -> None:
        with pytest.raises(RuntimeError, match="inside its own event loop"):
            paint.generate("a dot")

    with router(Painter(call_back)) as paint:
        assert paint.generate("a dot").data


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal to one thread")
def test_interrupt() -> None:
    """Ctrl-C while waiting cancels the request at the provider before it goes on."""

    async def interrupted(*_: object) -> None:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        await forever(painter)

    painter = Painter(interrupted)
    with router(painter) as paint:
        with pytest.raises(KeyboardInterrupt):
            paint.generate("a dot")
        assert painter.events[-1] == "cancelled"
        painter.serve = None
        assert paint.generate("a dot").data


# Whole programs -----------------------------------------------------------------------------------

PROGRAM = """
import asyncio, logging, os, sys
from contextlib import asynccontextmanager
from pinxit import blocking
from pinxit.config import Config
from pinxit.capabilities import Capability, Model
from pinxit.hookspecs import hookimpl
from pinxit.payload import Image
from pinxit.plugins import Plugins
from pinxit.types import ImagesResponse, PartialImage

class Painter:
    @hookimpl
    def register_models(self):
        return [Model(id="test/dot", operations={"generate": Capability(streaming=True)})]
    @hookimpl
    async def generate(self, request, context):
        await context.emit(PartialImage(index=0, image=Image(bytes.fromhex(sys.argv[1]))))
        if request.prompt == "wait":
            await asyncio.Event().wait()
        await asyncio.to_thread(len, "a thread that lingers in the loop's executor")
        return ImagesResponse(data=[Image(bytes.fromhex(sys.argv[1]))])
    @hookimpl
    @asynccontextmanager
    async def lifespan(self):
        yield
        print("closed", os.getpid() == parent, flush=True)

parent = os.getpid()
logging.disable()  # the routes of packages name models that are not here
config = Config.parse({"defaults": {"model": "test/dot"}})
router = blocking.Router(config, plugins=Plugins(Painter(), discover=False))
"""


def run(program: str) -> str:
    """Run a program with a router that it never closes; it must exit by itself, and quietly."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM + textwrap.dedent(program), PNG.hex()],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_never_closed() -> None:
    """A script that never closes its router exits, and plugins are closed all the same."""
    assert run('print(len(router.generate("a dot").data))') == "1\nclosed True\n"


def test_exit_in_the_middle() -> None:
    """A script that exits with a request under way exits, and plugins are closed all the same."""
    assert run('events = router.stream("wait"); next(events); sys.exit()') == "closed True\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_after_a_fork() -> None:
    """A worker that was forked from a program with an open router gets a thread of its own."""
    out = run(
        """
        import warnings
        warnings.simplefilter("ignore")
        router.generate("a dot")
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            router.generate("a dot")
            print("parent")
        else:
            router.generate("a dot")
            print("child", flush=True)
        """
    )
    assert out == "child\nclosed False\nparent\nclosed True\n"
