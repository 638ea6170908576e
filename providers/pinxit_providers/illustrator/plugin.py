"""The hooks of the illustrator: what it can do, and how requests become orders for its workers."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from pinxit import (
    Capability,
    Context,
    EditRequest,
    Facts,
    GenerateRequest,
    Image,
    ImagesResponse,
    InputImages,
    InvalidImage,
    Mask,
    Model,
    PartialImage,
    Price,
    ProviderError,
    ProviderUnavailable,
    Seed,
    SizeRange,
    VariationRequest,
    hookimpl,
)
from pinxit.types import Request, parse_size

from .orders import Format, Order, Quality
from .workers import OrderFailed, Show, WorkerLost, Workers

SEEDS = 2**32
SIZES = SizeRange(min_edge=64, max_edge=2048, auto=True)
_AS_OF = date(2026, 11, 22)


def _capability(**limits: Any) -> Capability:
    """What all operations take, and what one of them takes besides."""
    common: dict[str, Any] = {
        "sizes": SIZES,
        "max_n": 10,
        "qualities": ("auto", "low", "medium", "high"),
        "quality_map": {"standard": "medium", "hd": "high", "xhigh": "high", "max": "high"},
        "styles": ("vivid", "natural"),
        "backgrounds": ("auto", "transparent", "opaque"),
        "output_formats": ("png", "jpeg", "webp"),
        "compression": ("jpeg", "webp"),
        "seed": Seed(max=SEEDS - 1),
        "negative_prompt": True,
        "streaming": True,
        "partial_images": 3,
    }
    return Capability(**(common | limits))


MODEL = Model(
    id="illustrator/scene-1",
    title="The illustrator",
    operations={
        "generate": _capability(
            default_size="1024x1024", output_formats=("png", "jpeg", "webp", "svg"), svg=True
        ),
        "edit": _capability(images=InputImages(max=16), mask=Mask()),
        "variation": _capability(images=InputImages(max=1), negative_prompt=False),
    },
    prices=(Price(usd=Decimal(0), as_of=_AS_OF),),
    facts=Facts(as_of=_AS_OF, source="docs/illustrator.md"),
    notes=("Draws from a fixed set of drawings by rules; it is no neural model.",),
    # Whoever wants a photograph and cannot have it is not served by a drawing: only a caller who
    # names it gets it.
    by_name_only=True,
    offline=True,
)


@hookimpl
def register_models() -> Sequence[Model]:
    """The one model."""
    return (MODEL,)


@hookimpl
@asynccontextmanager
async def lifespan() -> AsyncGenerator[Workers]:
    """The worker processes; the first one starts with the first order."""
    async with Workers() as workers:
        yield workers


@hookimpl
async def generate(request: GenerateRequest, context: Context) -> ImagesResponse:
    """Pictures from a prompt."""
    return await _answer(request, context, _order(request, request.prompt), ())


@hookimpl
async def edit(request: EditRequest, context: Context) -> ImagesResponse:
    """Pictures changed as a prompt says."""
    blobs = [await image.read() for image in request.images]
    count = len(blobs)
    if request.mask is not None:
        blobs.append(await request.mask.read())
    return await _answer(request, context, _order(request, request.prompt, count), blobs)


@hookimpl
async def variation(request: VariationRequest, context: Context) -> ImagesResponse:
    """Pictures like the given one."""
    blobs = [await image.read() for image in request.images]
    return await _answer(request, context, _order(request, "", len(blobs)), blobs)


def _order(request: Request, prompt: str, images: int = 0) -> Order:
    """The request as an order; the seed is put in for each picture."""
    width, height = parse_size(request.size) or (0, 0)
    return Order(
        operation=request.operation,
        prompt=prompt,
        width=width,
        height=height,
        transparent=request.background == "transparent",
        opaque=request.background == "opaque",
        format=_format(request),
        compression=request.output_compression,
        quality=_QUALITIES.get(request.quality or "auto", "medium"),
        style=request.style,
        negative=request.negative_prompt,
        partials=request.partial_images or 0,
        images=images,
    )


_QUALITIES: dict[str, Quality] = {"low": "low", "medium": "medium", "high": "high", "hd": "high"}


def _format(request: Request) -> Format:
    match request.output_format:
        case "jpeg" | "webp" | "svg":
            return request.output_format
        case _:
            return "png"


async def _answer(
    request: Request, context: Context, order: Order, blobs: Sequence[bytes]
) -> ImagesResponse:
    """As many pictures as asked for, each from a seed of its own."""
    first = request.seed if request.seed is not None else context.random.randrange(SEEDS)
    orders = [_seeded(order, first, number, context) for number in range(request.n)]
    show = _shower(context)
    async with _borrowed(context.state) as workers:
        files = await _all([_made(workers, one, blobs, show) for one in orders])
    pictures = tuple(Image(file, seed=one.seed) for file, one in zip(files, orders, strict=True))
    return ImagesResponse(data=pictures, output_format=order.format, quality=order.quality)


def _seeded(order: Order, first: int, number: int, context: Context) -> Order:
    # Stages are shown of the first picture only, and only where somebody looks.
    partials = order.partials if number == 0 and context.listening else 0
    # Seeds in a row, each told with its picture, so that every one can be made again alone.
    return replace(order, seed=(first + number) % SEEDS, partials=partials)


def _shower(context: Context) -> Show:
    numbers = itertools.count()

    async def show(stage: bytes) -> None:
        await context.emit(PartialImage(index=next(numbers), image=Image(stage)))

    return show


@asynccontextmanager
async def _borrowed(state: Workers | None) -> AsyncGenerator[Workers]:
    """The router's workers, or short-lived ones where no router opened any."""
    if state is not None:
        yield state
        return
    async with Workers() as workers:
        yield workers


async def _all(makings: Sequence[Coroutine[Any, Any, bytes]]) -> list[bytes]:
    """All results in order; the first failure ends the others."""
    tasks = [asyncio.create_task(making) for making in makings]
    try:
        return await asyncio.gather(*tasks)
    finally:
        # Whoever fails or is cancelled leaves no picture half drawn in a worker.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _made(workers: Workers, order: Order, blobs: Sequence[bytes], show: Show) -> bytes:
    """One picture, with failures in the router's words."""
    try:
        return await workers.carry_out(order, blobs, show)
    except OrderFailed as error:
        if error.blames_input:
            raise InvalidImage(f"image: {error}", param="image") from error
        # Nothing here costs money, whatever happens.
        raise ProviderError(f"the illustrator failed: {error}", billing="unbilled") from error
    except (WorkerLost, OSError) as error:
        raise ProviderUnavailable(f"the illustrator cannot work: {error}") from error
