"""Turn what came back into what was asked, and say what it really is.

What needs no change is delivered as it came: its header is read, its text is checked, nothing is decoded.
Everything that takes time runs in threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import islice

from .containers import is_complete
from .errors import InvalidImage, InvalidProviderResponse, PinxitError
from .fitting import Delivery
from .headers import ImageInfo, has_content_credentials, inspect
from .images import Protection, render
from .payload import Fetch, Image
from .report import Picture
from .types import EditRequest, ImagesResponse, Request, parse_size
from .verifying import Result, mismatches, notes

__all__ = ["Store", "finish"]

log = logging.getLogger("pinxit")

Store = Callable[[bytes, str], Awaitable[str]]
"""Keeps a picture of a MIME type and returns its URL, or raises `OSError`."""

SMALL = 64 * 1024
"""Bytes of a picture that is looked at on the spot."""

_PIXEL_FORMATS = frozenset({"png", "jpeg", "webp", "gif", "avif"})
_STILL = frozenset({"png", "jpeg", "webp"})


@dataclass(frozen=True, slots=True)
class _Work:
    """What all results of a response share.

    Attributes:
        size: Width and height to bring them to.
        format: The format to deliver; ``None`` leaves what came.
        keep_frames: An animation was asked: its frames are worth more than its size.
    """

    delivery: Delivery
    size: tuple[int, int] | None
    format: str | None
    protect: Protection | None
    keep_frames: bool
    fetch: Fetch | None
    store: Store | None


async def finish(
    response: ImagesResponse,
    *,
    request: Request,
    delivery: Delivery,
    model: str,
    fetch: Fetch | None = None,
    store: Store | None = None,
) -> ImagesResponse:
    """Deliver a provider's pictures as they were asked, and verify them.

    Args:
        response: What the provider hook returned, for all calls together.
        request: The request as the caller made it.
        delivery: What the fitter promised.
        model: Who painted the pictures.
        fetch: How to download results that are only a URL; input pictures are here already.
        store: Keeps a picture so that a URL can be given; without it URLs are ``data:`` URLs.

    Returns:
        The response with its pictures as asked, and in its report what they really are.

    Raises:
        InvalidProviderResponse: No picture came back that is of use; the call is billed all the same.
        InvalidImage: The original or the mask of an edit cannot be read.
    """
    work = await _work(request, delivery, fetch, store)
    results, failures = await _finish_all(response.data, request.n, work)
    if not results:
        raise failures[0] if failures else InvalidProviderResponse("the answer holds no picture")
    pictures = tuple(_picture(result, model) for result in results)
    report = response.report
    found = mismatches(results, request, delivery, known=report.adaptations)
    said = notes(results, asked=request.n, came=len(response.data), failures=failures)
    return response.model_copy(
        update={
            "data": tuple(result.image for result in results),
            "size": _common({f"{picture.width}x{picture.height}" for picture in pictures}),
            "output_format": _common({picture.format for picture in pictures}),
            "background": _background(response.background, pictures),
            "report": report.model_copy(
                update={
                    "pictures": (*report.pictures, *pictures),
                    "adaptations": (*report.adaptations, *found),
                    "notes": (*report.notes, *said),
                }
            ),
        }
    )


async def _work(
    request: Request, delivery: Delivery, fetch: Fetch | None, store: Store | None
) -> _Work:
    protect = None
    if delivery.composite and isinstance(request, EditRequest) and request.mask is not None:
        original, mask = request.images[0], request.mask
        # Preparing brought them here. The way to a provider's pictures is not one for callers' URLs.
        protect = Protection(await original.read(), await mask.read())
    # The original brings its own size with it, which may not be the one that was asked.
    asked = parse_size(request.size) if protect else None
    return _Work(
        delivery=delivery,
        size=delivery.size or asked,
        # A model that offers one format may send another all the same.
        format=delivery.format
        or (request.output_format if request.output_format in _STILL else None),
        protect=protect,
        keep_frames=request.frame_count is not None,
        fetch=fetch,
        store=store,
    )


async def _finish_all(
    images: tuple[Image, ...], n: int, work: _Work
) -> tuple[list[Result], list[InvalidProviderResponse]]:
    """Finish *n* pictures side by side; one that is of no use does not cost the others."""
    results, failures = list[Result](), list[InvalidProviderResponse]()
    places = enumerate(images, 1)
    # Only as many as are missing: surplus pictures stand in for those that are of no use.
    while batch := list(islice(places, n - len(results))):
        names = [f"picture {place} of {len(images)}" for place, _ in batch]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(_finish(image, name, work))
                    for name, (_, image) in zip(names, batch, strict=True)
                ]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        for ended in (task.result() for task in tasks):
            if isinstance(ended, Result):
                results.append(ended)
            else:
                failures.append(ended)
    return results, failures


async def _finish(image: Image, place: str, work: _Work) -> Result | InvalidProviderResponse:
    try:
        if not image.is_local:
            await image.read(work.fetch)
        # Going to a thread and back costs more than looking at a small picture.
        result: Result | None = None
        if image.is_plain and image.byte_count <= SMALL:
            result = _unchanged(image, work)
        if result is None:
            result = await asyncio.to_thread(_shape, image, work)
    except PinxitError as error:
        # An InvalidImage would blame the caller, and lead to no other model.
        failure = InvalidProviderResponse(f"{place} is of no use: {error}")
        failure.__cause__ = error
        return failure
    return await _deliver(result, work)


def _unchanged(image: Image, work: _Work) -> Result | None:
    """Check a picture; ``None`` if it has to be changed."""
    source = image.source
    came = inspect(source, field="result")
    if not is_complete(source, came.format):
        raise InvalidImage(f"result: the {came.format} data is cut off")
    if not _is_final(came, work):
        return None
    if work.delivery.response_format == "b64_json":
        # Whoever sends the text should find it ready.
        _ = image.encoded
    return Result(image, came, came, has_content_credentials(source))


def _shape(image: Image, work: _Work) -> Result:
    """Check a picture and, only if it must, change its pixels."""
    if unchanged := _unchanged(image, work):
        return unchanged
    delivery, came = work.delivery, inspect(image.source, field="result")
    credentials = has_content_credentials(image.source)
    format = work.format if work.format in _PIXEL_FORMATS else came.format
    data = render(
        image.data,
        format or came.format,
        size=work.size,
        quality=delivery.compression,
        opaque=delivery.opaque,
        protect=work.protect,
    )
    changed = image.replace(data)
    # In this thread, or the event loop would encode it later.
    _ = changed.encoded if delivery.response_format == "b64_json" else None
    return Result(changed, came, inspect(data), credentials, changed=True)


def _is_final(info: ImageInfo, work: _Work) -> bool:
    """Whether a picture can be delivered as it came."""
    # Vectors have no pixels to change, and of an animation only the first frame is decoded.
    if info.format == "svg" or (info.animated and work.keep_frames):
        return True
    delivery = work.delivery
    return (
        work.protect is None
        and delivery.compression is None
        and work.size in {None, (info.width, info.height)}
        and (work.format not in _PIXEL_FORMATS or work.format == info.format)
        and not (delivery.opaque and info.alpha)
    )


async def _deliver(result: Result, work: _Work) -> Result:
    """Give the picture the form that was asked: text, or a URL."""
    image = result.image
    if work.delivery.response_format == "b64_json":
        return result if image.url is None else result.with_image(_without_url(image))
    if image.url is not None and work.store is None:
        return result
    url, homeless = image.url, False
    if work.store is not None:
        # A provider's own URL may live ten minutes, and says who painted; the picture is here already.
        data = await asyncio.to_thread(_bytes, image)
        try:
            url = await work.store(data, result.now.media_type)
        except OSError as error:
            # It is paid for: a full disk is no reason not to deliver it.
            log.warning("a picture could not be kept: %s", error)
            homeless = url is None or url.startswith("data:")
    if url is None:
        url = await asyncio.to_thread(_data_url, image, result.now)
    return replace(result, image=image.replace(url=url), homeless=homeless)


def _without_url(image: Image) -> Image:
    copy = image.replace(b64_json=image.encoded)
    # A new payload counts as unchecked, but this is the text that was checked.
    copy.is_plain = image.is_plain
    return copy


def _data_url(image: Image, info: ImageInfo) -> str:
    return f"data:{info.media_type};base64,{image.b64_json}"


def _bytes(image: Image) -> bytes:
    return image.data


def _picture(result: Result, model: str) -> Picture:
    now = result.now
    return Picture(
        width=now.width,
        height=now.height,
        format=now.format,
        alpha=now.alpha,
        size=result.image.byte_count,
        model=model,
        content_credentials=result.credentials and not result.changed,
    )


def _common(values: set[str]) -> str | None:
    """Return what all pictures share; the response has one field for all of them."""
    return values.pop() if len(values) == 1 else None


def _background(said: str | None, pictures: tuple[Picture, ...]) -> str | None:
    """Correct a provider that calls opaque pictures transparent."""
    opaque = not any(picture.alpha for picture in pictures)
    return "opaque" if said == "transparent" and opaque else said
