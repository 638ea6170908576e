"""One line per call of a hook, for whoever wants to see what plugins do: ``PINXIT_TRACE_PLUGINS=1``."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from functools import wraps
from typing import Any

from .hookspecs import Call
from .signatures import COROUTINES

__all__ = ["LOGGER", "Trace"]

LOGGER = "pinxit.trace"

log = logging.getLogger(LOGGER)

_NAME = re.compile(r"[\w.:@/-]{1,100}")


def _say(line: str) -> None:
    """Log a line; where nobody listens at that level, write it to standard error."""
    if log.isEnabledFor(logging.INFO) and log.hasHandlers():
        log.info(line)
    else:
        sys.stderr.write(f"{line}\n")


class Trace:
    """Tells of each call of a hook: plugin, hook, model, milliseconds, outcome; never what was asked.

    The milliseconds of ``around_request`` and ``around_call`` include those of everything inside. The
    outcome is ``ok`` or the class of what was raised.

    Args:
        say: Takes a line; by default it goes to the logger ``pinxit.trace``, or to standard error where
            nobody has set up logging.
        now: Seconds that never go back.
    """

    def __init__(
        self, say: Callable[[str], None] = _say, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self._say = say
        self._now = now

    @contextmanager
    def call(self, plugin: str, hook: str, model: str = "") -> Generator[None]:
        """Tell of what goes on inside, once it has ended."""
        started = self._now()
        try:
            yield
        finally:
            # Not an `except`: whatever was raised goes on untouched, cancellations too.
            kind = sys.exc_info()[0]
            ms = (self._now() - started) * 1000
            # A model is whatever a caller wrote; a line break in it would forge a line.
            of = model if _NAME.fullmatch(model) else "-"
            outcome = kind.__name__ if kind else "ok"
            self._say(f"plugin={plugin} hook={hook} model={of} ms={ms:.1f} outcome={outcome}")

    def wrap(self, function: Callable[..., Any], plugin: str, hook: str) -> Callable[..., Any]:
        """Return a hook's function that tells of each of its calls."""

        @wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            with self.call(plugin, hook, _model_of(*args, **kwargs)):
                return function(*args, **kwargs)

        @wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            with self.call(plugin, hook, _model_of(*args, **kwargs)):
                return await function(*args, **kwargs)

        return awaited if hook in COROUTINES else plain

    @asynccontextmanager
    async def life(
        self, opened: AbstractAsyncContextManager[Any], plugin: str
    ) -> AsyncGenerator[Any]:
        """Tell how long a plugin takes to open."""
        async with AsyncExitStack() as stack:
            # Only the opening: what follows lasts as long as the router.
            with self.call(plugin, "lifespan"):
                state = await stack.enter_async_context(opened)
            yield state


def _model_of(subject: Any = None, *, model: Any = None, **_: Any) -> str:
    """Return the id of the model that a hook is about; of a request, the name that it asks for."""
    if model is not None:
        return str(model.id)
    return (
        subject.model.id if isinstance(subject, Call) else str(getattr(subject, "model", "") or "")
    )
