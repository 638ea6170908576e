"""Edits: a picture repainted where the mask says, in the scene it was painted from if it is ours."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from collections.abc import Sequence

from PIL import Image, ImageOps

from . import foreign, inputs, instructions, rendering, studio, styles
from .foreign import Box
from .ideas import Idea
from .metadata import Record
from .orders import Order
from .parsing import parse
from .scenes import dice
from .studio import Show


def edit(order: Order, images: Sequence[bytes], mask: bytes | None, show: Show) -> bytes:
    """The edited picture as a file; outside the mask its pixels are those of the input.

    Raises:
        ValueError: An input picture cannot be read.
    """
    first, record = inputs.opened(images[0])
    # Only the first picture is edited; the others come into it.
    others = [inputs.opened(image)[0] for image in images[1:]]
    canvas = _sized(studio.channels(first, order), order)
    hole = inputs.region(mask, canvas.size) if mask is not None else None
    key = f"{order.prompt}|{order.seed}"
    # Ours can be painted again, with the instruction; of others only the pixels are known.
    if record is not None:
        record = record.edited(order.prompt)
        painted = _repainted(record, order, canvas, hole, show)
    else:
        painted = _painted(order, canvas, hole, key, show)
    if others:
        box = hole.getbbox() if hole is not None else None
        painted = foreign.inset(painted, others, box or (0, 0, *canvas.size), dice(key, "inset"))
    result = _joined(canvas, painted, hole)
    if record is None:
        # A foreign picture gets no record: we could not paint the rest of it again.
        record = Record(order.prompt, order.seed, order.seed, quality=order.quality)
        return rendering.file(result, order, None)
    return rendering.file(result, order, record)


def _sized(canvas: Image.Image, order: Order) -> Image.Image:
    size = studio.wanted(order, canvas.size)
    return canvas if size == canvas.size else ImageOps.fit(canvas, size, Image.Resampling.LANCZOS)


def _joined(canvas: Image.Image, painted: Image.Image, hole: Image.Image | None) -> Image.Image:
    """The new picture inside the region, the old one outside, to the last bit."""
    if hole is None:
        return painted.convert(canvas.mode)
    return Image.composite(painted.convert(canvas.mode), canvas, inputs.feathered(hole))


def _repainted(
    record: Record, order: Order, canvas: Image.Image, hole: Image.Image | None, show: Show
) -> Image.Image:
    """A picture of ours, painted anew with the instruction: its horizons match by themselves."""
    work = studio.designed(record, order, canvas.size)
    for stage in studio.stages(work, order.partials):
        show(rendering.file(_joined(canvas, stage(), hole), order, None))
    return studio.developed(work)


def _painted(
    order: Order, canvas: Image.Image, hole: Image.Image | None, key: str, show: Show
) -> Image.Image:
    """A foreign picture with the instruction carried out on it."""
    idea = _wish(order)
    box = hole.getbbox() if hole is not None else None
    if hole is not None and box is not None:
        picture = foreign.filled(canvas, hole)
        if order.partials:
            show(rendering.file(_joined(canvas, picture, hole), order, None))
        target = _inner(box)
    else:
        picture, target = canvas, _room(canvas.size)
    # Light first: what is added has been painted in its own.
    picture = foreign.relit(picture, idea, key)
    if idea.subjects and not instructions.removes(order.prompt):
        picture = foreign.placed(picture, idea, target, key)
    if order.partials > 1:
        show(rendering.file(_joined(canvas, picture, hole), order, None))
    # Last, so that what was added is painted in the same manner as the rest.
    picture = styles.styled(picture, idea.style, dice(key, "style"))
    return rendering.graded(picture, order.style)


def _wish(order: Order) -> Idea:
    """What a foreign picture is to show; of a replacement only the new."""
    idea = parse(order.prompt, order.negative)
    empty = instructions.merged(Idea(), order.prompt)
    if len(idea.subjects) > 1 and " with " in f" {order.prompt} ":
        new = parse(order.prompt.rpartition(" with ")[2], order.negative)
        if (
            order.prompt.lower().lstrip().startswith(("replace", "swap", "exchange"))
            and new.subjects
        ):
            return new
    return idea if idea.subjects else empty


def _inner(box: Box) -> Box:
    """The box a little smaller, so that the soft edge cuts nothing off."""
    across, down = (box[2] - box[0]) // 16, (box[3] - box[1]) // 16
    return (box[0] + across, box[1] + down, box[2] - across, box[3] - down)


def _room(size: tuple[int, int]) -> Box:
    """Where subjects go that nobody gave a place: low and a little to the right."""
    width, height = size
    side = int(min(width, height) * 0.46)
    x = int(width * 0.6 - side / 2)
    y = int(height * 0.94) - side
    return (max(0, x), max(0, y), min(width, x + side), min(height, y + side))
