"""Forms: ``multipart/form-data`` as it streams in, and ``application/x-www-form-urlencoded``."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from .errors import BadMessage

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["FormValue", "Upload", "read_multipart", "read_urlencoded"]

MAX_URLENCODED = 2**20


@dataclass(frozen=True, slots=True)
class Upload:
    """A part that is a file. Its name and its declared type may say anything and are not kept."""

    data: bytes = field(repr=False)


FormValue = str | Upload


@dataclass(slots=True)
class _Part:
    """A part as it comes in."""

    name: str = ""
    filename: bytes | None = None
    data: bytearray = field(default_factory=bytearray)


class _Collector:
    """Collects the parts of one body; the parser calls its methods."""

    def __init__(self, max_parts: int) -> None:
        self.pairs: list[tuple[str, FormValue]] = []
        self.complete = False
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
        self._part, self._headers = _Part(), {}

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
        coding = self._headers.get(b"content-transfer-encoding", b"binary").strip().lower()
        if coding not in {b"binary", b"8bit", b"7bit"}:
            raise BadMessage(
                400,
                f"{self._part.name[:80]}: a part is sent as it is, without Content-Transfer-Encoding",
            )

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._part.data += memoryview(data)[start:end]

    def _end(self) -> None:
        part, self._part = self._part, _Part()
        # A browser sends a file field that nobody filled in with neither a name nor data.
        if part.filename != b"" or part.data:
            self.pairs.append((part.name, _value(part)))

    def _finish(self) -> None:
        self.complete = True


def _value(part: _Part) -> FormValue:
    data = bytes(part.data)
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
    collector = _Collector(max_parts)
    try:
        parser = MultipartParser(boundary, collector.callbacks())
        async for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise BadMessage(400, "the body is not multipart/form-data as RFC 7578 has it") from error
    if not collector.complete:
        raise BadMessage(400, "the form is cut off: its last boundary is missing")
    return collector.pairs


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
