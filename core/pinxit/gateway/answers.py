"""Responses as clients read them: OpenAI's fields, the report beside them, and headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from pinxit.errors import PinxitError
from pinxit.payload import Image
from pinxit.report import Report
from pinxit.types import ImagesResponse

from .encoding import encode_json
from .errors import Header, error_body, error_headers
from .exchange import Answer, json_answer

__all__ = ["echoed", "error_answer", "image_pieces", "images_answer", "report_headers"]

LONGEST_VALUE = 512
"""Characters of a header's value."""

# What a text in JSON may not hold as it is (RFC 8259, section 7).
_ESCAPED = (b'"', b"\\", *(bytes([code]) for code in range(32)))


def images_answer(
    response: ImagesResponse, *, ignored: Sequence[str] = (), cached: bool | None = None
) -> Answer:
    """Return the answer to a request.

    Args:
        response: What the router brought.
        ignored: Unknown parameters that were left out.
        cached: Whether it came from the cache; ``None`` where that was not asked.
    """
    report = signed(response.report, ignored)
    rest: dict[str, Any] = {**echoed(response)}
    if response.usage is not None:
        rest["usage"] = response.usage.model_dump(mode="json", exclude_none=True)
    rest["pinxit"] = report.model_dump(mode="json", exclude_none=True)
    # Never joined: an answer is mostly base64, and every copy of it is megabytes.
    pieces: list[bytes] = [b'{"created":%d,"data":[' % response.created]
    for place, image in enumerate(response.data):
        pieces.append(b"," if place else b"")
        pieces.extend(image_pieces(image))
    # The fields that follow are an object of their own but for its opening brace.
    pieces += [b"],", encode_json(rest)[1:]]
    return Answer(200, pieces, report_headers(report, ignored=ignored, cached=cached))


def signed(report: Report, ignored: Sequence[str]) -> Report:
    """Say in the report what was left out."""
    if not ignored:
        return report
    notes = (*report.notes, *(f"unknown parameter {name!r} was ignored" for name in ignored))
    return report.model_copy(update={"notes": notes})


def echoed(response: ImagesResponse) -> dict[str, str]:
    """Return what a response says about all of its pictures, as far as it says anything."""
    fields = {
        "size": response.size,
        "quality": response.quality,
        "output_format": response.output_format,
        "background": response.background,
    }
    return {name: value for name, value in fields.items() if value is not None}


def image_pieces(image: Image, **more: object) -> Iterator[bytes]:
    """Yield one picture as a JSON object, its megabytes of base64 as they are.

    Fields that a picture does not have are left out: some clients refuse ``null``.
    """
    fields: dict[str, object] = {
        "url": image.url,
        "revised_prompt": image.revised_prompt,
        "seed": image.seed,
        **more,
    }
    rest = encode_json({name: value for name, value in fields.items() if value is not None})
    text = None if image.url is not None else image.encoded
    if text is None:
        yield rest
        return
    yield b'{"b64_json":"'
    yield text if image.is_plain or _is_plain(text) else encode_json(image.b64_json)[1:-1]
    yield b'"}' if rest == b"{}" else b'",' + rest[1:]


def _is_plain(text: bytes) -> bool:
    """Whether text needs no escaping in JSON.

    Looking for one character after the other is several times as fast as encoding to find out.
    """
    return text.isascii() and not any(mark in text for mark in _ESCAPED)


def report_headers(
    report: Report, *, ignored: Sequence[str] = (), cached: bool | None = None
) -> list[Header]:
    """Return what a report says, for those who look at headers only."""
    # The report of a hit is the original one; whoever adds up headers must not count it twice.
    sent, cost = (0, Decimal(0)) if report.cached else (len(report.attempts), report.cost)
    headers = [(b"x-pinxit-attempts", str(sent).encode())]
    # Where nobody painted, the header names who failed last.
    model = report.model or (report.attempts[-1].model if report.attempts else "")
    if model:
        headers.append((b"x-pinxit-model", _value(model)))
    if cost is not None:
        # Without the format, ten dollars would be written as 1E+1.
        headers.append((b"x-pinxit-cost", f"{cost.normalize():f}".encode()))
    if dropped := list(dict.fromkeys([*report.dropped, *ignored])):
        headers.append((b"x-pinxit-dropped", _value(", ".join(dropped))))
    if report.cached or cached is not None:
        headers.append((b"x-pinxit-cache", b"hit" if report.cached else b"miss"))
    return headers


def _value(text: str) -> bytes:
    """Make a header's value of any text: printable ASCII on one line."""
    # Names of models and parameters may be a caller's words: a line break among them would begin a
    # header of the caller's own.
    plain = "".join(c if " " <= c <= "~" else "?" for c in text[:LONGEST_VALUE])
    return plain.strip().encode("ascii")


def error_answer(error: PinxitError, request_id: str) -> Answer:
    """Return the answer to a request that failed."""
    headers = error_headers(error)
    if error.report is not None:
        headers += report_headers(error.report)
    return json_answer(error_body(error, request_id), status=error.status, headers=headers)
