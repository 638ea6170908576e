"""OpenAI's image streams: pictures on their way, and the finished ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from decimal import Decimal

import httpx

from pinxit import Context, ImagesResponse, InvalidProviderResponse, PartialImage

from .complaints import Complaint, Vocabulary
from .events import events
from .pictures import Reader, total
from .reading import MAX_ANSWER
from .spans import parse_large
from .values import is_count

__all__ = ["read_stream"]

_PARTIAL = ".partial_image"
_COMPLETED = ".completed"


async def read_stream(
    response: httpx.Response,
    context: Context,
    reader: Reader,
    wanted: int,
    *,
    vocabulary: Vocabulary,
    secrets: tuple[str, ...] = (),
    limit: int = MAX_ANSWER,
    cost: Callable[[Mapping[str, object]], Decimal | None] | None = None,
) -> ImagesResponse:
    """Emit partial pictures as they come and return the finished ones.

    Args:
        response: The open answer.
        context: Where partial pictures are emitted.
        reader: Reads pictures.
        wanted: How many pictures were asked for; nothing is read behind the last of them.
        vocabulary: What the codes of an error inside the stream mean.
        secrets: Texts that an error must not repeat.
        limit: Bytes that the finished pictures may have together.
        cost: Reads US dollars from a finished event.

    Raises:
        InvalidProviderResponse: The stream ends without a finished picture, or holds a broken one.
        PinxitError: The stream holds an error.
    """
    status = response.status_code
    finished: list[Mapping[str, object]] = []
    async with aclosing(events(response)) as stream:
        async for data in stream:
            fields = parse_large(data, status)
            kind = str(fields.get("type"))
            # OpenAI's clients too read an object with an error as one, whatever its type says.
            if kind == "error" or fields.get("error"):
                raise Complaint.read(fields, secrets).of_success(status, vocabulary)
            if kind.endswith(_PARTIAL):
                await _emit(fields, context, reader)
            elif kind.endswith(_COMPLETED):
                finished.append(fields)
                # Partial pictures are let go, so they do not count.
                limit -= len(data)
            if len(finished) == wanted or limit < 0:
                break
    if limit < 0:
        raise reader.useless("the finished pictures are too long")
    if not finished:
        raise reader.useless("the stream ended without a finished picture")
    return _response(finished, reader, cost)


def _response(
    finished: Sequence[Mapping[str, object]],
    reader: Reader,
    cost: Callable[[Mapping[str, object]], Decimal | None] | None,
) -> ImagesResponse:
    last = finished[-1]
    said = {**last, "created": last.get("created_at")}
    paid = _sum([cost(event) for event in finished]) if cost is not None else None
    answer = reader.response(reader.images(finished), said, cost=paid)
    # Each finished event counts the tokens of its own picture.
    return answer.model_copy(update={"usage": total([e.get("usage") for e in finished])})


def _sum(costs: Sequence[Decimal | None]) -> Decimal | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


async def _emit(fields: Mapping[str, object], context: Context, reader: Reader) -> None:
    try:
        image = reader.item(fields)
    except InvalidProviderResponse:
        # The finished picture is what was paid for; a broken sketch of it is no reason to give up.
        return
    index = fields.get("partial_image_index")
    await context.emit(PartialImage(index=index if is_count(index) else 0, image=image))
