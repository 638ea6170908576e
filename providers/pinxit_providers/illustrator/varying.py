"""Variations: the same subject, everything else moved."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from dataclasses import replace
from random import Random

from PIL import Image, ImageChops, ImageEnhance, ImageOps

from . import inputs, rendering, studio
from .metadata import Record
from .orders import Order
from .scenes import dice
from .studio import Show


def vary(order: Order, image: bytes, show: Show) -> bytes:
    """A picture like the given one, as a file.

    Raises:
        ValueError: The input picture cannot be read.
    """
    picture, record = inputs.opened(image)
    size = studio.wanted(order, picture.size)
    if record is not None:
        return _rearranged(record, order, size, show)
    chance = dice(order.seed, "variation", picture.size)
    source = studio.channels(picture, order)
    cropped = _reframed(source, size, chance)
    if order.partials:
        show(rendering.file(cropped, order, None))
    result = rendering.graded(_relit(cropped, chance), order.style)
    return rendering.file(result, order, None)


def _rearranged(record: Record, order: Order, size: tuple[int, int], show: Show) -> bytes:
    """One of ours: another seed for land and sky, the old one for the figures."""
    # The same seed would be the same picture.
    moved = replace(record, seed=order.seed if order.seed != record.seed else order.seed + 1)
    moved = replace(moved, transparent=record.transparent and not order.opaque)
    work = studio.designed(moved, order, size)
    for stage in studio.stages(work, order.partials):
        show(rendering.file(stage(), order, None))
    return rendering.file(studio.developed(work), order, moved)


def _reframed(picture: Image.Image, size: tuple[int, int], chance: Random) -> Image.Image:
    """A little nearer, a little aside, perhaps mirrored."""
    # Near enough to be another picture, far enough to be the same one.
    share = chance.uniform(0.8, 0.94)
    width, height = max(1, round(picture.width * share)), max(1, round(picture.height * share))
    x = round((picture.width - width) * chance.random())
    y = round((picture.height - height) * chance.random())
    cut = picture.crop((x, y, x + width, y + height))
    if chance.random() < 0.5:
        cut = ImageOps.mirror(cut)
    return ImageOps.fit(cut, size, Image.Resampling.LANCZOS)


def _relit(picture: Image.Image, chance: Random) -> Image.Image:
    """Another light: warmer or cooler, from one side."""
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    result = picture.convert("RGB")
    result = ImageEnhance.Color(result).enhance(chance.uniform(0.85, 1.35))
    result = ImageEnhance.Contrast(result).enhance(chance.uniform(0.94, 1.12))
    warm = chance.choice(((255, 240, 218), (226, 237, 255), (255, 234, 230), (255, 248, 225)))
    result = ImageChops.multiply(result, Image.new("RGB", result.size, warm))
    glow = Image.linear_gradient("L").rotate(chance.choice((0, 90, 180, 270))).resize(result.size)
    light = Image.merge("RGB", [glow.point([v * c // 1300 for v in range(256)]) for c in warm])
    result = ImageChops.screen(result, light)
    if alpha is not None:
        result.putalpha(alpha)
    return result
