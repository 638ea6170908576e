"""What comes back, checked before it counts as success: it has been paid for, so it must be usable."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TypeGuard, cast

import httpx
from pydantic_core import from_json

from pinxit import (
    Clock,
    Image,
    ImagesResponse,
    InvalidImage,
    InvalidProviderResponse,
    PinxitError,
    TokenDetails,
    Usage,
)

from ._errors import Complaint

__all__ = ["MAX_ANSWER", "Reader", "chunks", "is_count", "parse", "total"]

MAX_ANSWER = 256 * 2**20
"""Bytes of an answer, decompressed: ten pictures of 3840x2160 are about half of it."""

_LABEL = re.compile(r"[\w.:-]{1,32}")
# Each layer of compression multiplies by up to a thousand, newer codings by far more.
_CODINGS = frozenset({"", "identity", "gzip", "deflate"})


async def chunks(response: httpx.Response, limit: int = MAX_ANSWER) -> AsyncGenerator[bytes]:
    """Yield the body piece by piece.

    Raises:
        InvalidProviderResponse: It is longer than *limit*, announces to be, or is coded in a way
            that was not asked for.
    """
    status = response.status_code
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in _CODINGS:
        raise InvalidProviderResponse(
            f"the answer is coded as {coding[:40]!r}, which was not asked for",
            upstream_status=status,
        )
    length = response.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 20 and int(length) > limit:
        raise _too_long(limit, status)
    size = 0
    try:
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > limit:
                raise _too_long(limit, status)
            yield chunk
    except httpx.DecodingError:
        raise InvalidProviderResponse(
            "the answer cannot be decompressed", upstream_status=status
        ) from None


def _too_long(limit: int, status: int) -> InvalidProviderResponse:
    return InvalidProviderResponse(
        f"the answer is longer than {limit} bytes", upstream_status=status
    )


def parse(body: bytes, status: int) -> dict[str, object]:
    """Read a JSON object.

    Raises:
        InvalidProviderResponse: It is none.
    """
    try:
        fields = from_json(body)
    except ValueError:
        # The parser's own words may quote the body.
        raise InvalidProviderResponse("the answer is not JSON", upstream_status=status) from None
    if not isinstance(fields, dict):
        raise InvalidProviderResponse("the answer is not a JSON object", upstream_status=status)
    return cast("dict[str, object]", fields)


class Reader:
    """Reads the fields of one answer.

    Args:
        clock: Dates answers that do not say when they were made.
        secrets: Texts that must not reach the caller, even if the provider echoes them.
        status: The answer's HTTP status, for errors.
    """

    def __init__(self, clock: Clock, secrets: Sequence[str], status: int) -> None:
        self._clock = clock
        self._secrets = secrets
        self._status = status

    def response(self, fields: Mapping[str, object]) -> ImagesResponse:
        """Read a whole answer.

        Raises:
            InvalidProviderResponse: There is not a usable picture in every item.
            PinxitError: It is an error under the status of a success.
        """
        items = fields.get("data")
        if not isinstance(items, list) or not items:
            if fields.get("error"):
                raise self.error(fields)
            raise self._useless("the answer has no pictures")
        created = fields.get("created")
        return ImagesResponse(
            created=created if is_count(created) else int(self._clock.now().timestamp()),
            data=tuple(self.item(item) for item in cast("list[object]", items)),
            usage=total([fields.get("usage")]),
            size=self._label(fields.get("size")),
            quality=self._label(fields.get("quality")),
            output_format=self._label(fields.get("output_format")),
            background=self._label(fields.get("background")),
        )

    def error(self, fields: object) -> PinxitError:
        """Read an error that came with the status of a success."""
        return Complaint.read(fields, self._secrets).of_success(self._status)

    def item(self, item: object) -> Image:
        """Read one item of ``data``.

        Raises:
            InvalidProviderResponse: It holds no usable picture.
        """
        fields = _object(item)
        text, url = fields.get("b64_json"), fields.get("url")
        revised = fields.get("revised_prompt")
        revised = self._scrub(revised) if isinstance(revised, str) else None
        if isinstance(url, str) and url.startswith("data:image/") and not text:
            head, _, text = url.partition(",")
            text = text if head.endswith(";base64") else ""
        if isinstance(text, str) and text:
            return self.picture(text, revised)
        if isinstance(url, str) and _is_web(url) and self._scrub(url) == url:
            return Image(url=url, revised_prompt=revised)
        raise self._useless("an item has neither base64 nor a web address")

    def picture(self, text: str, revised_prompt: str | None = None) -> Image:
        """Check that base64 text is whole and begins as a picture does; it is not decoded.

        Raises:
            InvalidProviderResponse: It does not.
        """
        image = Image(b64_json=text, revised_prompt=revised_prompt)
        try:
            _ = image.info
        except InvalidImage:
            raise self._useless("the base64 is broken or holds no picture") from None
        # `Image` mends a missing padding; here it means that the answer was cut off on its way.
        if not str(image.b64_json).endswith(text.rstrip()[-1:]):
            raise self._useless("the base64 is cut off")
        return image

    def _useless(self, message: str) -> InvalidProviderResponse:
        return InvalidProviderResponse(message, upstream_status=self._status)

    def _scrub(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return text

    def _label(self, value: object) -> str | None:
        if not isinstance(value, str) or not _LABEL.fullmatch(value):
            return None
        return value if self._scrub(value) == value else None


def total(counts: Sequence[object]) -> Usage | None:
    """Add up usage objects; ``None`` where one does not tell the tokens that cost most."""
    fields = [_object(count) for count in counts]
    if not all(is_count(each.get("output_tokens")) for each in fields):
        return None
    output = [_object(each.get("output_tokens_details")) for each in fields]
    return Usage(
        input_tokens=_sum(fields, "input_tokens"),
        output_tokens=_sum(fields, "output_tokens"),
        total_tokens=_sum(fields, "total_tokens"),
        input_tokens_details=_details([_object(e.get("input_tokens_details")) for e in fields]),
        output_tokens_details=_details(output) if all(output) else None,
    )


def _details(fields: Sequence[Mapping[str, object]]) -> TokenDetails:
    return TokenDetails(
        text_tokens=_sum(fields, "text_tokens"), image_tokens=_sum(fields, "image_tokens")
    )


def _sum(fields: Sequence[Mapping[str, object]], name: str) -> int:
    return sum(count for each in fields if is_count(count := each.get(name)))


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def is_count(value: object) -> TypeGuard[int]:
    """Say whether a JSON value is a number of things."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_web(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)
