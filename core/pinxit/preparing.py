"""Make input pictures what a model takes, just before they are sent.

What is fine stays as it is, byte by byte, but for its metadata. Everything that touches pixels runs in
threads.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from .capabilities import Capability, InputImages, Mask
from .containers import is_complete
from .errors import InvalidImage
from .headers import ImageInfo, inspect
from .images import check_pixels, encode, mask_polarity, open_image, scale, strip
from .inputs import OUR_POLARITY, target_format
from .payload import Fetch, Image
from .report import Adaptation, Verdict
from .types import EditRequest, GenerateRequest, Request, VariationRequest

__all__ = ["Prepared", "prepare"]

MIN_EDGE = 64
"""A picture is not scaled below this many pixels to save bytes."""

LOWER_QUALITY = 85

MARKUP = InputImages(formats=("png",))
"""A markup is a transparent overlay."""

_Edits = EditRequest | VariationRequest


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose pictures can be sent.

    Attributes:
        request: The request; the same object where nothing had to be done.
        adaptations: What the fitter could not foresee, in its words: pictures behind URLs, bytes after
            re-encoding, masks of another size.
    """

    request: Request
    adaptations: tuple[Adaptation, ...] = ()


async def prepare(
    request: Request,
    capability: Capability,
    *,
    strip_metadata: bool = True,
    fetch: Fetch | None = None,
    asked: Request | None = None,
) -> Prepared:
    """Download, check, strip and convert the input pictures of a fitted request.

    Args:
        request: The request as fitted to the model.
        capability: The limits of the operation.
        strip_metadata: Remove EXIF, GPS, XMP, text and credentials.
        fetch: How to download pictures that are only a URL.
        asked: The request as the caller made it. A mask that the model does not take, but that is to
            protect pixels of the result, is checked before the result is paid for.

    Raises:
        InvalidImage: One of them is no picture, is damaged, or cannot be made to fit; it names ``image``,
            ``image[1]``, ``mask`` or ``markup``.
    """
    if isinstance(request, GenerateRequest):
        return Prepared(request)
    given = {f"image[{place}]" if place else "image": i for place, i in enumerate(request.images)}
    if isinstance(request, EditRequest):
        overlays = {"mask": request.mask, "markup": request.markup}
        given.update((name, image) for name, image in overlays.items() if image is not None)
    guard = asked.mask if isinstance(asked, EditRequest) and "mask" not in given else None
    await _download(given | ({"mask": guard} if guard else {}), fetch)
    # Decoding would hold up every other request.
    return await asyncio.to_thread(_prepare, request, given, guard, capability, strip_metadata)


async def _download(given: dict[str, Image], fetch: Fetch | None) -> None:
    """Bring pictures here that are only a URL, each URL once; the caller's own objects keep them."""
    missing = {name: image for name, image in given.items() if not image.is_local}
    # Reversed, so that the first picture with a URL is the one that errors name.
    first = {image.url: name for name, image in reversed(missing.items())}
    try:
        async with asyncio.TaskGroup() as group:
            for name in first.values():
                group.create_task(_read(missing[name], name, fetch))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None

    async def known(url: str) -> bytes:
        return missing[first[url]].data

    for image in missing.values():
        await image.read(known)


async def _read(image: Image, name: str, fetch: Fetch | None) -> None:
    try:
        await image.read(fetch)
    except InvalidImage as error:
        raise _named(error, name) from error


def _named(error: InvalidImage, name: str) -> InvalidImage:
    """Say of which picture an error speaks."""
    return InvalidImage(f"{name}: {str(error).removeprefix('image: ')}", param=name)


@dataclass(slots=True)
class _Work:
    """One picture on its way.

    Attributes:
        foreseen: Whether the fitter saw its header.
    """

    name: str
    data: bytes
    info: ImageInfo
    foreseen: bool
    adaptations: list[Adaptation] = field(default_factory=list[Adaptation])

    def adapt(
        self, asked: JsonValue, sent: JsonValue, reason: str, verdict: Verdict = "emulated"
    ) -> None:
        """Record a change in the words of the fitter, so that the same change is told once."""
        parameter = self.name if self.name in {"mask", "markup"} else "images"
        self.adaptations.append(
            Adaptation(parameter=parameter, asked=asked, sent=sent, verdict=verdict, reason=reason)
        )


def _prepare(
    request: _Edits,
    given: dict[str, Image],
    guard: Image | None,
    capability: Capability,
    strip_metadata: bool,
) -> Prepared:
    works = {name: _open(name, image) for name, image in given.items()}
    first = works["image"]
    # Before it is scaled: a mask is held against what the caller sent.
    asked = first.info
    if guard is not None:
        _check_mask(_open("mask", guard).info, asked)
    # The first picture comes first, so mask and markup meet it as it will be sent.
    for name, work in works.items():
        if name == "mask":
            _check_mask(work.info, asked)
            _fit_mask(work, capability.mask or Mask(), first.info, strip_metadata)
        elif name == "markup":
            # It lies over the first picture: where that is scaled, it is too.
            size = _edges(first.info) if work.info.size == asked.size else None
            _fit(work, MARKUP, strip_metadata, size)
        else:
            _fit(work, capability.images or InputImages(), strip_metadata)
    ready = {name: _replaced(given[name], work) for name, work in works.items()}
    adaptations = tuple(a for work in works.values() for a in work.adaptations)
    if all(ready[name] is image for name, image in given.items()):
        return Prepared(request, adaptations)
    changes: dict[str, Any] = {
        name: ready.pop(name) for name in ("mask", "markup") if name in ready
    }
    changes["images"] = tuple(ready.values())
    return Prepared(request.model_copy(update=changes), adaptations)


def _open(name: str, image: Image) -> _Work:
    """Read a picture and make sure that it is one, whole and of a size that can be handled."""
    try:
        data = image.data
    except InvalidImage as error:
        raise _named(error, name) from error
    info = inspect(data, field=name)
    check_pixels(info, field=name)
    if not is_complete(data, info.format):
        raise InvalidImage(f"{name}: the {info.format} data is cut off", param=name)
    return _Work(name, data, info, foreseen=not _is_remote(image))


def _is_remote(image: Image) -> bool:
    return image.url is not None and image.url.startswith(("http://", "https://"))


def _replaced(image: Image, work: _Work) -> Image:
    """Return the picture to send: never a URL, because its file may hold what was stripped."""
    if work.data is image.data and not _is_remote(image):
        return image
    return image.replace(work.data)


def _edges(info: ImageInfo) -> tuple[int, int]:
    return info.width, info.height


def _fit(
    work: _Work,
    limits: InputImages,
    strip_metadata: bool,
    size: tuple[int, int] | None = None,
) -> None:
    """Bring one picture within a model's limits, by as little as will do."""
    info = work.info
    if limits.square and info.width != info.height:
        raise InvalidImage(
            f"{work.name}: {info.size} is not square and the model takes only squares; crop it first",
            param=work.name,
        )
    # What is encoded again loses its metadata on the way.
    if strip_metadata and info.orientation == 1 and info.format in limits.formats:
        _strip(work)
    size = _within(size or _edges(info), limits.max_edge)
    format = info.format if info.format in limits.formats else target_format(info, limits.formats)
    heavy = limits.max_bytes is not None and len(work.data) > limits.max_bytes
    # Fewest bytes, and there is no transparency to lose.
    if heavy and not info.alpha and "jpeg" in limits.formats:
        format = "jpeg"
    # The orientation is metadata too: without it the pixels must lie as they are looked at.
    turned = strip_metadata and info.orientation != 1
    if not (heavy or turned) and (format, size) == (info.format, _edges(info)):
        return
    if not work.foreseen:
        _tell(work, limits, format)
    if info.alpha and format == "jpeg":
        reason = f"{work.name} is laid on white, the model takes no transparency"
        work.adapt("transparent", "opaque", reason, "approximated")
    _encode(work, format, size, limits.max_bytes, told=heavy)


def _strip(work: _Work) -> None:
    stripped = strip(work.data)
    # Where nothing was cut, the caller's own object stays, and with it its base64 text.
    if stripped != work.data:
        work.data = stripped


def _within(size: tuple[int, int], max_edge: int | None) -> tuple[int, int]:
    if max_edge is None or max(size) <= max_edge:
        return size
    return _scaled(size, max_edge / max(size))


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _tell(work: _Work, limits: InputImages, format: str) -> None:
    """Tell what the fitter would have told, had it seen the picture."""
    info, name = work.info, work.name
    if info.format not in limits.formats:
        work.adapt(info.format, format, f"{name} is converted")
    if limits.max_edge is not None and max(_edges(info)) > limits.max_edge:
        work.adapt(info.size, limits.max_edge, f"{name} is scaled down to the limit")
    if limits.max_bytes is not None and len(work.data) > limits.max_bytes:
        work.adapt(len(work.data), limits.max_bytes, f"{name} is made smaller in bytes")


def _encode(
    work: _Work, format: str, size: tuple[int, int], max_bytes: int | None, *, told: bool
) -> None:
    """Encode a picture, the more coarsely and the smaller the longer it is too large."""
    picture = open_image(work.data, field=work.name)
    quality, least = None, min(MIN_EDGE, *size)
    while min(size) >= least:
        image = picture if picture.size == size else scale(picture, *size)
        data = encode(image, format, quality=quality)
        if max_bytes is None or len(data) <= max_bytes:
            work.data, work.info = data, inspect(data, field=work.name)
            return
        if not told:
            work.adapt(len(data), max_bytes, f"{work.name} is made smaller in bytes")
            told = True
        if format != "png" and quality is None:
            quality = LOWER_QUALITY
        else:
            # Bytes go with the area, edges with its root; a tenth at least, so that it ends soon.
            size = _scaled(size, min(0.9, 0.95 * (max_bytes / len(data)) ** 0.5))
    raise InvalidImage(
        f"{work.name}: it cannot be brought below {max_bytes} bytes, which is all the model takes;"
        " send a smaller picture",
        param=work.name,
    )


def _check_mask(mask: ImageInfo, image: ImageInfo) -> None:
    if not _same_shape(mask, image):
        raise InvalidImage(
            f"mask: it is {mask.size} and the first image is {image.size}; a mask has the size of the"
            " image that it covers",
            param="mask",
        )
    if not mask.alpha:
        raise InvalidImage(
            "mask: it has no transparency; pixels with alpha 0 mark what is repainted", param="mask"
        )


def _fit_mask(work: _Work, known: Mask, sent: ImageInfo, strip_metadata: bool) -> None:
    """Say a mask as the model reads it, as large as the picture that is sent."""
    info = work.info
    size = None if info.size == sent.size else _edges(sent)
    if size is not None:
        work.adapt(info.size, sent.size, "the mask is scaled to the first image")
    if strip_metadata:
        _strip(work)
    work.data = mask_polarity(work.data, OUR_POLARITY, known.polarity, size=size, hard=known.hard)
    if known.max_bytes is not None and len(work.data) > known.max_bytes:
        # White pixels under the same alpha: nothing of a mask is lost, and it packs well.
        work.data = mask_polarity(work.data, known.polarity, known.polarity, size=_edges(sent))
    if known.max_bytes is not None and len(work.data) > known.max_bytes:
        raise InvalidImage(
            f"mask: it takes {len(work.data)} bytes and the model takes {known.max_bytes};"
            " send a simpler or a smaller one",
            param="mask",
        )


def _same_shape(mask: ImageInfo, image: ImageInfo) -> bool:
    """Whether two sizes have the same ratio, give or take a rounded pixel."""
    difference = abs(mask.width * image.height - mask.height * image.width)
    return difference <= max(*_edges(mask), *_edges(image))
