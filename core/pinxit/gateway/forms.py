"""Forms: ``multipart/form-data`` as it streams in, and ``application/x-www-form-urlencoded``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile, gettempdir
from typing import IO, TYPE_CHECKING
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from .errors import BadMessage

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["FormValue", "Upload", "read_multipart", "read_urlencoded"]

MAX_URLENCODED = 2**20

MAX_IN_MEMORY = 2**20
"""Bytes of a form that are collected in memory; longer ones go to a temporary file."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A part that is a file. Its name and its declared type may say anything and are not kept."""

    data: bytes = field(repr=False)


FormValue = str | Upload


@dataclass(slots=True)
class _Part:
    """A part as it comes in: its data is *size* bytes of the spool from *start* on."""

    name: str = ""
    filename: bytes | None = None
    start: int = 0
    size: int = 0


class _Collector:
    """Collects the parts of one body in a spool; the parser calls its methods."""

    def __init__(self, max_parts: int, spool: IO[bytes]) -> None:
        self.complete = False
        self._spool = spool
        self._parts: list[_Part] = []
        self._count = 0
        self._max_parts = max_parts
        self._part = _Part()
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = bytearray(), bytearray()

    def callbacks(self) -> MultipartCallbacks:
        """Return what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > self._max_parts:
            raise BadMessage(400, f"the form has more than {self._max_parts} parts")
        self._part, self._headers = _Part(start=self._spool.tell()), {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if kind != b"form-data" or not options.get(b"name"):
            raise BadMessage(
                400, 'a part has no name; it needs Content-Disposition: form-data; name="..."'
            )
        self._part.name = _text(options[b"name"], "the name of a part")
        self._part.filename = options.get(b"filename")
        # RFC 7578 deprecates it (section 4.7). Base64 that is taken for the file would be a broken
        # picture.
        coding = self._headers.get(b"content-transfer-encoding", b"binary").strip().lower()
        if coding not in {b"binary", b"8bit", b"7bit"}:
            raise BadMessage(
                400,
                f"{self._part.name[:80]}: a part is sent as it is, without Content-Transfer-Encoding",
            )

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._part.size += self._spool.write(memoryview(data)[start:end])

    def _end(self) -> None:
        # A browser sends a file field that nobody filled in with neither a name nor data.
        if self._part.filename != b"" or self._part.size:
            self._parts.append(self._part)

    def _finish(self) -> None:
        self.complete = True

    def read(self) -> list[tuple[str, FormValue]]:
        """Return the parts in their order."""
        return [(part.name, self._value_of(part)) for part in self._parts]

    def _value_of(self, part: _Part) -> FormValue:
        self._spool.seek(part.start)
        return _value(part, self._spool.read(part.size))


def _value(part: _Part, data: bytes) -> FormValue:
    if part.filename is None:
        try:
            return data.decode()
        except UnicodeDecodeError:
            # A picture that came without a file name.
            pass
    return Upload(data)


async def read_multipart(
    content_type: str, chunks: AsyncIterable[bytes], *, max_parts: int
) -> list[tuple[str, FormValue]]:
    """Return the parts of a multipart form in their order: text as text, files as uploads.

    Args:
        content_type: The header, with the boundary.
        chunks: The body.
        max_parts: How many parts there may be.

    Raises:
        BadMessage: It is no such form, is cut off, has too many parts, or too long a header.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise BadMessage(400, "the content type multipart/form-data lacks its boundary")
    # While a body trickles in, it lies on the disk; in memory it is held once, when all of it is there.
    with SpooledTemporaryFile(_most_in_memory()) as spool:
        collector = _Collector(max_parts, spool)
        try:
            parser = MultipartParser(boundary, collector.callbacks())
            async for chunk in chunks:
                parser.write(chunk)
            parser.finalize()
        except FormParserError as error:
            raise BadMessage(
                400, "the body is not multipart/form-data as RFC 7578 has it"
            ) from error
        except OSError as error:
            raise BadMessage(
                503, "there is no room for uploads; try again later", code="service_unavailable"
            ) from error
        if not collector.complete:
            raise BadMessage(400, "the form is cut off: its last boundary is missing")
        if spool.tell() <= MAX_IN_MEMORY:
            return collector.read()
        # The loop does not wait for a disk.
        return await asyncio.to_thread(collector.read)


def _most_in_memory() -> int:
    """Return `MAX_IN_MEMORY`, or 0 for all of it where nothing can be written."""
    try:
        gettempdir()
    # The spool counts 0 as no limit.
    except OSError:
        return 0
    return MAX_IN_MEMORY


def read_urlencoded(body: bytes | bytearray, *, max_fields: int) -> list[tuple[str, FormValue]]:
    """Return the fields of an urlencoded form in their order.

    Raises:
        BadMessage: It is too large for what such a form can hold, or no text.
    """
    if len(body) > MAX_URLENCODED:
        raise BadMessage(
            413,
            "pictures cannot be sent urlencoded, send multipart/form-data",
            code="request_too_large",
        )
    text = _text(bytes(body), "the body")
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=max_fields, errors="strict")
    except ValueError as error:
        raise BadMessage(
            400, f"the body is not urlencoded text with at most {max_fields} fields"
        ) from error
    return list(fields)


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadMessage(400, f"{what}: is not UTF-8 text") from None
