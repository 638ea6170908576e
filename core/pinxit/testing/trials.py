"""One call of a hook: what was sent, what came of it, what was logged meanwhile."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Self, cast

import httpx

from pinxit.config import Settings
from pinxit.errors import InvalidImage, InvalidProviderResponse, PinxitError
from pinxit.headers import ImageInfo, sniff
from pinxit.headers import inspect as measure
from pinxit.hookspecs import Context
from pinxit.payload import Image
from pinxit.plugins import Plugins
from pinxit.types import ImagesResponse, PartialImage, Request

from .subjects import Subject
from .witness import Witness

__all__ = ["Logged", "Trial", "read_pictures"]


@dataclass(slots=True)
class Trial:
    """What became of one call.

    Attributes:
        subject: Whose hook was called.
        plugins: The plugin.
        witness: The stand-in, with the requests that were sent.
        context: What the hook was lent.
        response: The answer, where there was one.
        error: What the hook raised, translated as the router sees it.
        pictures: The answer's pictures; ``None`` for a URL that the stand-in does not serve.
        partials: Partial pictures, in the order in which they came.
        log: All that was logged meanwhile.
        request: What the hook was given.
    """

    subject: Subject
    plugins: Plugins
    witness: Witness
    context: Context
    response: ImagesResponse | None = None
    error: Exception | None = None
    pictures: list[bytes | None] = field(default_factory=list[bytes | None])
    partials: list[PartialImage] = field(default_factory=list[PartialImage])
    log: str = ""
    request: Request | None = None

    def answer(self) -> ImagesResponse:
        """Return the answer; raise what was raised instead."""
        if self.error is not None:
            raise self.error
        assert self.response is not None
        return self.response

    def failure(self) -> PinxitError:
        """Return the error, which must be one of ours."""
        assert self.error is not None, f"{self.subject}: the call succeeded"
        ours = isinstance(self.error, PinxitError)
        assert ours, f"{self.subject}: {type(self.error).__name__} escaped: {self.error}"
        return cast("PinxitError", self.error)

    @property
    def secrets(self) -> list[str]:
        """The values of settings that are declared secret."""
        declared = self.plugins.settings_of(self.subject.model)
        settings = self.context.settings
        return [str(settings[s.name]) for s in declared if s.secret and s.name in settings]

    def preview(self) -> httpx.Request | None:
        """Return what a plan shows of the same call, made with placeholders for secrets."""
        assert self.request is not None
        secrets = self.secrets
        values = {
            # As the router does for a plan: a preview must not need what it must not show.
            name: "[redacted]" if value in secrets else value
            for name, value in self.context.settings.items()
        }
        context = replace(self.context, settings=Settings(values))
        shown = self.plugins.preview(self.request, self.subject.model, context)
        if shown is not None:
            shown.read()
        return shown

    def measured(self) -> list[ImageInfo]:
        """Measure the pictures that can be had."""
        return [measure(data) for data in self.pictures if data is not None]


async def read_pictures(trial: Trial) -> list[bytes | None]:
    """Read the pictures as the router would, and refuse what it would refuse."""
    response = trial.response
    kind = type(response).__name__
    assert isinstance(response, ImagesResponse), f"{trial.subject} returned {kind}"
    if not response.data:
        raise InvalidProviderResponse("the answer holds no picture")
    try:
        return [await _picture(image, trial.witness) for image in response.data]
    except InvalidImage as error:
        raise InvalidProviderResponse(f"a picture is of no use: {error}") from error


async def _picture(image: Image, witness: Witness) -> bytes | None:
    if image.is_local:
        measure(image.data)
        return image.data
    assert image.url is not None
    assert image.url.startswith(("https://", "http://")), "a result is neither data nor a URL"
    try:
        found = await witness.answer(httpx.Request("GET", image.url))
        data = await found.aread()
    # A stand-in that knows nothing of this URL may answer it in any way.
    except Exception:  # noqa: BLE001
        return None
    return data if found.is_success and sniff(data) else None


class Logged(logging.Handler):
    """Collects everything that is logged while it is open."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []
        self._level = logging.WARNING

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, with its traceback."""
        self._lines.append(self.format(record))

    def take(self) -> str:
        """Return what was logged since it was last asked."""
        text = "\n".join(self._lines)
        self._lines.clear()
        return text

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._level = root.level
        # What is kept secret must not show up in any level's lines.
        root.setLevel(logging.DEBUG)
        root.addHandler(self)
        return self

    def __exit__(self, *exc: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self)
        root.setLevel(self._level)
