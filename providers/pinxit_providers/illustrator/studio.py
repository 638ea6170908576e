"""Where orders are carried out: pictures from a prompt, and pictures from pictures of our own."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PIL import Image

from . import metadata, painting, rendering, styles
from .drawing import LAYERS, Drawing
from .ideas import Idea
from .instructions import merged
from .metadata import Record
from .orders import Order
from .painting import Commission
from .parsing import parse
from .scenes import dice

Show = Callable[[bytes], None]
"""Hands out a stage of the picture, as a file."""

DETAIL = {"low": 0.5, "medium": 1.0, "high": 1.35}
STAGES = (("backdrop",), ("backdrop", "props"), ("backdrop", "props", "figures"))


@dataclass(frozen=True, slots=True)
class Work:
    """A picture before it becomes a file: its drawing, idea, size, and record."""

    drawing: Drawing
    idea: Idea
    record: Record
    order: Order

    @property
    def lens(self) -> bool:
        """Whether the corners are darkened: not on plain paper, not where they are empty."""
        # Paper and emblems are lit evenly.
        plain = self.idea.framing in {"product", "logo", "abstract", "portrait"}
        return not (plain or self.record.transparent or self.idea.place == "studio")


def idea_of(record: Record) -> Idea:
    """What a picture shows: its prompt, after the instructions of its edits."""
    idea = parse(record.prompt, record.negative)
    # In their order: a later one speaks of what the earlier ones left.
    for instruction in record.edits:
        idea = merged(idea, instruction)
    return idea


def new_record(order: Order) -> Record:
    """The record of a picture painted from a prompt."""
    return Record(
        prompt=order.prompt[: metadata.LONGEST_PROMPT],
        seed=order.seed,
        figure_seed=order.seed,
        negative=order.negative[: metadata.LONGEST_PROMPT] if order.negative else None,
        quality=order.quality,
        transparent=order.transparent,
    )


def designed(record: Record, order: Order, size: tuple[int, int]) -> Work:
    """The drawing that a record describes, at a size."""
    idea = idea_of(record)
    commission = Commission(
        idea=idea,
        key=f"{record.prompt}|{record.seed}",
        figure_key=f"{record.prompt}|{record.figure_seed}",
        width=size[0],
        height=size[1],
        detail=DETAIL.get(record.quality, 1.0),
        bare=record.transparent,
    )
    return Work(painting.paint(commission), idea, record, order)


def developed(work: Work) -> Image.Image:
    """The finished picture of a work."""
    picture = rendering.photographed(work.drawing, work.record.quality, work.lens)
    return _finished(picture, work)


def _finished(picture: Image.Image, work: Work) -> Image.Image:
    picture = picture if work.record.transparent else rendering.flattened(picture)
    chance = dice(work.record.prompt, work.record.seed, "style")
    picture = styles.styled(picture, work.idea.style, chance)
    return rendering.graded(picture, work.order.style)


def stages(work: Work, count: int) -> list[Callable[[], Image.Image]]:
    """Up to three stages on the way to a picture: the land, then what stands in it, then all."""
    chosen = {0: (), 1: STAGES[1:2], 2: STAGES[:2], 3: STAGES}[min(3, max(0, count))]
    return [partial(_stage, work, layers) for layers in chosen]


def _stage(work: Work, layers: Sequence[str]) -> Image.Image:
    # Half the size is plenty for a glimpse, and four times as fast.
    picture = rendering.rasterised(work.drawing, layers, zoom=0.5)
    size = (round(work.drawing.width), round(work.drawing.height))
    return _finished(picture.resize(size, Image.Resampling.BILINEAR), work)


def generate(order: Order, show: Show) -> bytes:
    """A picture from a prompt, as a file."""
    record = new_record(order)
    work = designed(record, order, (order.width or 1024, order.height or 1024))
    if order.format == "svg":
        return _vector(work, show)
    for stage in stages(work, order.partials):
        show(rendering.file(stage(), order, None))
    return rendering.file(developed(work), order, record)


def _vector(work: Work, show: Show) -> bytes:
    layers = tuple(layer for layer in LAYERS if layer != "lens" or work.lens)
    saturation = rendering.SATURATION[work.order.style]
    for stage in {0: (), 1: STAGES[1:2], 2: STAGES[:2], 3: STAGES}[min(3, work.order.partials)]:
        show(work.drawing.svg(stage, saturation).encode())
    document = work.drawing.svg(layers, saturation)
    # A vector picture has no other place for its record.
    return document.replace("<defs>", metadata.svg_comment(work.record) + "<defs>", 1).encode()


def execute(order: Order, blobs: Sequence[bytes], show: Show) -> bytes:
    """Carries out any order.

    Raises:
        ValueError: An input picture cannot be read.
    """
    if order.operation == "generate":
        return generate(order, show)
    # Only those who bring a picture need what follows.
    from . import editing, varying

    if order.operation == "edit":
        mask = blobs[order.images] if len(blobs) > order.images else None
        return editing.edit(order, blobs[: order.images], mask, show)
    return varying.vary(order, blobs[0], show)


def wanted(order: Order, size: tuple[int, int]) -> tuple[int, int]:
    """The size of the result: the one asked for, else that of the input picture."""
    return (order.width or size[0], order.height or size[1])


def channels(picture: Image.Image, order: Order) -> Image.Image:
    """The picture as RGB or RGBA, whichever the order and its own pixels call for."""
    if order.opaque or order.format == "jpeg":
        return rendering.flattened(picture.convert("RGBA"))
    alpha = picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info
    return picture.convert("RGBA" if alpha else "RGB")
