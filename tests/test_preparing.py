"""Input pictures become what a model takes."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

import pytest
from PIL import Image as Pillow

from pinxit.capabilities import Capability, InputImages, Mask
from pinxit.errors import InvalidImage, ProviderUnavailable
from pinxit.headers import inspect
from pinxit.images import edit_map, encode, open_image
from pinxit.payload import Image
from pinxit.preparing import Prepared, prepare
from pinxit.report import Adaptation
from pinxit.testing.pictures import (
    add_part,
    animation,
    draw,
    mask,
    picture,
    with_credentials,
)
from pinxit.types import EditRequest, GenerateRequest, Request, VariationRequest

SECRET = b"52.5200 N, 13.4050 E"
URL = "https://pictures.example/fox.png"
OPEN = Capability(images=InputImages(max=16), mask=Mask(), markup=True)


def limited(**limits: Any) -> Capability:
    """A model with limits on its input pictures."""
    return Capability(images=InputImages(max=16, **limits), mask=Mask(), markup=True)


def edit(*images: bytes | str, **fields: Any) -> EditRequest:
    """A request to edit pictures."""
    return EditRequest(prompt="a hat", images=images, **fields)  # type: ignore[arg-type]  # pydantic converts


def emulated(asked: Any, sent: Any, reason: str, parameter: str = "images") -> Adaptation:
    return Adaptation(
        parameter=parameter, asked=asked, sent=sent, verdict="emulated", reason=reason
    )


def only(prepared: Prepared) -> Image:
    """The first picture to send."""
    assert isinstance(prepared.request, EditRequest | VariationRequest)
    return prepared.request.images[0]


def overlay(prepared: Prepared, name: str) -> Image:
    image = getattr(prepared.request, name)
    assert isinstance(image, Image)
    return image


class Web:
    """Pictures behind URLs, and what was asked for."""

    def __init__(self, **pages: bytes | Exception) -> None:
        self.pages = pages
        self.asked: list[str] = []

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        await asyncio.sleep(0)
        page = self.pages[url.rpartition("/")[2].partition(".")[0]]
        if isinstance(page, Exception):
            raise page
        return page


@pytest.mark.parametrize(
    "request_",
    [
        GenerateRequest(prompt="a fox"),
        edit(picture()),
        edit(picture("jpeg"), picture("webp"), mask=mask()),
        edit(picture(), markup=picture(mode="RGBA")),
        VariationRequest(images=(Image(picture()),)),
    ],
)
async def test_what_is_fine_stays_as_it_is(request_: Request) -> None:
    """Pictures without metadata that the model takes are the caller's own objects, and nothing is told."""
    prepared = await prepare(request_, OPEN)
    assert prepared.request is request_
    assert prepared.adaptations == ()


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
async def test_metadata_is_stripped_unless_told_otherwise(format: str) -> None:
    """EXIF, text and credentials do not leave the house, unless the caller wants it."""
    kind = {"png": b"tEXt", "jpeg": b"\xe1", "webp": b"EXIF"}[format]
    full = with_credentials(add_part(picture(format), kind, SECRET))
    request = edit(full)
    prepared = await prepare(request, OPEN)
    assert SECRET not in only(prepared).data
    assert prepared.adaptations == ()
    assert request.images[0].data == full
    assert (await prepare(request, OPEN, strip_metadata=False)).request is request


async def test_base64_of_a_clean_picture_is_kept() -> None:
    """Text that came is the text that goes, and is not copied."""
    text = base64.b64encode(picture()).decode()
    request = EditRequest(prompt="a hat", images=(Image(b64_json=text),))
    assert only(await prepare(request, OPEN)).encoded is request.images[0].encoded


@pytest.mark.parametrize("name", ["mask", "markup"])
async def test_masks_and_markups_are_stripped_too(name: str) -> None:
    """Every picture of a request loses its metadata."""
    dirty = add_part(mask(), b"tEXt", SECRET)
    prepared = await prepare(edit(picture(), **{name: dirty}), OPEN)
    assert overlay(prepared, name).data == mask()


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
async def test_pictures_are_sent_upright(format: str) -> None:
    """A picture on its side is turned: models do not read EXIF."""
    exif = Pillow.Exif()
    exif[0x0112] = 8
    prepared = await prepare(edit(picture(format, exif=exif)), OPEN)
    info = only(prepared).info
    assert (info.format, info.size, info.orientation) == (format, "48x64", 1)


@pytest.mark.parametrize(
    ("given", "formats", "sent"),
    [
        (picture("webp"), ("png", "jpeg"), "jpeg"),
        (picture("webp", mode="RGBA"), ("png", "jpeg"), "png"),
        (picture("gif"), ("png",), "png"),
        (picture("avif"), ("png", "webp"), "png"),
        (animation("gif"), ("jpeg", "png"), "jpeg"),
        (picture("jpeg"), ("webp",), "webp"),
        (picture("webp"), ("webp",), "webp"),
    ],
)
async def test_formats_are_converted(given: bytes, formats: tuple[str, ...], sent: str) -> None:
    """A format that the model does not take becomes one that it does; transparency is kept."""
    prepared = await prepare(edit(given), limited(formats=formats))
    info = only(prepared).info
    assert (info.format, info.alpha) == (sent, inspect(given).alpha)
    assert prepared.adaptations == ()  # the fitter saw it coming


async def test_lost_transparency_is_told() -> None:
    """Where a model takes no format with transparency, the picture is laid on white and that is told."""
    prepared = await prepare(edit(picture(mode="RGBA")), limited(formats=("jpeg",)))
    assert not only(prepared).info.alpha
    [told] = prepared.adaptations
    assert (told.parameter, told.verdict) == ("images", "approximated")
    assert told.reason == "image is laid on white, the model takes no transparency"


@pytest.mark.parametrize(("edge", "size"), [(32, "32x24"), (63, "63x47"), (64, "64x48")])
async def test_large_edges_are_scaled_down(edge: int, size: str) -> None:
    """A picture is scaled to the longest edge that the model takes, and no further."""
    prepared = await prepare(edit(picture()), limited(max_edge=edge))
    assert only(prepared).info.size == size


@pytest.mark.parametrize(
    ("format", "mode", "formats", "sent"),
    [
        ("png", "RGB", ("png",), "png"),
        ("png", "RGBA", ("png", "jpeg"), "png"),
        ("png", "RGB", ("png", "jpeg"), "jpeg"),
        ("jpeg", "RGB", ("jpeg",), "jpeg"),
        ("webp", "RGB", ("webp",), "webp"),
    ],
)
async def test_many_bytes_become_fewer(
    format: str, mode: str, formats: tuple[str, ...], sent: str
) -> None:
    """A file that is too heavy is packed better, and only then scaled, until the model takes it."""
    heavy = picture(format, 320, 240, mode=mode, noise=120)
    limit = len(heavy) // 2
    prepared = await prepare(edit(heavy), limited(max_bytes=limit, formats=formats))
    image = only(prepared)
    assert limit / 4 < image.byte_count <= limit
    assert image.format == sent
    assert image.width * 240 == pytest.approx(image.height * 320, rel=0.02)


async def test_limit_of_bytes_is_inclusive() -> None:
    """A file of exactly the limit stays."""
    request = edit(picture())
    assert (await prepare(request, limited(max_bytes=len(picture())))).request is request


async def test_bytes_that_grow_in_conversion_are_told() -> None:
    """What only encoding shows stands in the report: the fitter could not foresee it."""
    small = picture("webp", 320, 240, mode="RGBA", noise=120, quality=1)
    assert len(small) < 30_000
    prepared = await prepare(edit(small), limited(max_bytes=30_000, formats=("png",)))
    [told] = prepared.adaptations
    assert (told.reason, told.sent) == ("image is made smaller in bytes", 30_000)
    assert isinstance(told.asked, int)
    assert only(prepared).byte_count <= 30_000 < told.asked


async def test_impossible_limits_are_refused() -> None:
    """A picture is not scaled to a thumbnail: rather it is refused, with the limit."""
    with pytest.raises(InvalidImage, match="image: it cannot be brought below 300 bytes"):
        await prepare(edit(picture(noise=255)), limited(max_bytes=300))


async def test_squares() -> None:
    """A model that takes squares refuses other shapes, by name and size."""
    capability = limited(square=True)
    square = picture("png", 32, 32)
    assert only(await prepare(edit(square), capability)).data == square
    with pytest.raises(InvalidImage, match=r"^image\[1\]: 64x48 is not square") as error:
        await prepare(edit(square, picture()), capability)
    assert error.value.param == "image[1]"


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"<html></html>", "HTML"),
        (b"", "nothing"),
        (picture("jpeg", 200, 150, noise=99)[:-2], "cut off"),
        (picture("svg"), "SVG"),
        (b"GIF89a\xff\xff\xff\xff\0\0\0\x3b", "megapixels"),
        (Image(b64_json="???"), "base64"),
    ],
)
@pytest.mark.parametrize("name", ["image", "image[1]", "mask", "markup"])
async def test_bad_pictures_are_named(bad: Any, why: str, name: str) -> None:
    """What is no picture is refused before anything is sent, under the name of its place."""
    request = {
        "image": lambda: edit(bad),
        "image[1]": lambda: edit(picture(), bad),
        "mask": lambda: edit(picture(), mask=bad),
        "markup": lambda: edit(picture(), markup=bad),
    }[name]()
    with pytest.raises(InvalidImage, match=why) as error:
        await prepare(request, OPEN)
    assert str(error.value).startswith(f"{name}: ")
    assert error.value.param == name


@pytest.mark.parametrize("polarity", ["white_edits", "black_edits", "transparent_edits"])
async def test_masks_are_said_the_models_way(polarity: Any) -> None:
    """A mask becomes a PNG that the model reads as the caller meant it."""
    capability = Capability(images=InputImages(), mask=Mask(polarity=polarity))
    prepared = await prepare(edit(picture(), mask=mask(format="webp")), capability)
    data = overlay(prepared, "mask").data
    assert inspect(data).format == "png"
    assert edit_map(data, polarity).tobytes() == edit_map(mask(), "transparent_edits").tobytes()
    assert prepared.adaptations == ()  # known from the capability alone


async def test_soft_masks_are_decided_where_the_model_wants_it() -> None:
    """A model that takes strictly two values gets no grey between them."""
    soft = picture(mode="RGBA")
    assert set(edit_map(soft, "transparent_edits").tobytes()) == {0, 127}
    capability = Capability(images=InputImages(), mask=Mask(polarity="black_edits", hard=True))
    prepared = await prepare(edit(picture(), mask=soft), capability)
    assert set(edit_map(overlay(prepared, "mask").data, "black_edits").tobytes()) == {0}


@pytest.mark.parametrize("size", [(32, 24), (128, 96), (63, 47)])
async def test_masks_of_the_same_shape_are_scaled(size: tuple[int, int]) -> None:
    """A mask of another size but the same shape is brought to the picture's size, and this is told."""
    prepared = await prepare(edit(picture(), mask=mask(*size)), OPEN)
    assert overlay(prepared, "mask").info.size == "64x48"
    given = "{}x{}".format(*size)
    assert prepared.adaptations == (
        emulated(given, "64x48", "the mask is scaled to the first image", "mask"),
    )


async def test_masks_of_another_shape_are_refused() -> None:
    """A mask of another shape covers something else; both sizes are named."""
    with pytest.raises(
        InvalidImage, match="mask: it is 48x64 and the first image is 64x48"
    ) as error:
        await prepare(edit(picture(), mask=mask(48, 64)), OPEN)
    assert error.value.param == "mask"


async def test_mask_without_transparency_is_refused() -> None:
    """A black and white mask would repaint nothing; the sentence says how masks are meant."""
    with pytest.raises(InvalidImage, match="no transparency; pixels with alpha 0"):
        await prepare(edit(picture(), mask=picture("png", mode="L")), OPEN)


@pytest.mark.parametrize("name", ["mask", "markup"])
async def test_overlays_follow_a_scaled_picture(name: str) -> None:
    """Where the picture is scaled down for the model, what lies over it is too."""
    prepared = await prepare(edit(picture(), **{name: mask()}), limited(max_edge=32))
    assert overlay(prepared, name).info.size == "32x24"


async def test_mask_covers_what_people_see() -> None:
    """The size of a mask is compared with the picture set upright."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    prepared = await prepare(edit(picture("jpeg", exif=exif), mask=mask(48, 64)), OPEN)
    assert only(prepared).info.size == overlay(prepared, "mask").info.size == "48x64"
    assert prepared.adaptations == ()


async def test_heavy_masks_are_packed() -> None:
    """A mask cut from a photograph loses the photograph, not its shape, to keep the limit."""
    photo = draw(64, 48, noise=255)
    photo.putalpha(open_image(mask()).getchannel("A"))
    heavy = encode(photo, "png")
    capability = Capability(images=InputImages(), mask=Mask(max_bytes=1000))
    data = overlay(await prepare(edit(picture(), mask=heavy), capability), "mask").data
    assert len(data) <= 1000 < len(heavy)
    assert (
        edit_map(data, "transparent_edits").tobytes()
        == edit_map(heavy, "transparent_edits").tobytes()
    )


async def test_masks_beyond_the_limit_are_refused() -> None:
    """A mask that stays too heavy is refused with both numbers."""
    capability = Capability(images=InputImages(), mask=Mask(max_bytes=20))
    with pytest.raises(InvalidImage, match=r"mask: it takes \d+ bytes and the model takes 20"):
        await prepare(edit(picture(), mask=mask()), capability)


async def test_markup_becomes_png() -> None:
    """A markup is sent as a PNG, with its transparency."""
    prepared = await prepare(edit(picture(), markup=picture("webp", mode="RGBA")), OPEN)
    info = overlay(prepared, "markup").info
    assert (info.format, info.alpha) == ("png", True)


@pytest.mark.parametrize(
    ("guard", "why"),
    [(mask(48, 64), "48x64"), (picture(), "no transparency"), (b"<html>", "HTML")],
)
async def test_guarding_masks_are_checked_before_paying(guard: bytes, why: str) -> None:
    """A mask that is not sent, but protects pixels of the result later, is checked now."""
    request = edit(picture())
    good = await prepare(request, OPEN, asked=edit(picture(), mask=mask()))
    assert good.request is request
    with pytest.raises(InvalidImage, match=f"^mask: .*{why}"):
        await prepare(request, OPEN, asked=edit(picture(), mask=guard))


async def test_urls_are_downloaded_once() -> None:
    """Each URL is asked for once, however often it stands in the request and whoever prepares it."""
    web = Web(fox=picture(), hat=mask())
    request = edit(URL, URL, mask="https://pictures.example/hat.png")
    await prepare(request, OPEN, fetch=web)
    prepared = await prepare(request, OPEN, fetch=web)
    assert sorted(web.asked) == [URL, "https://pictures.example/hat.png"]
    assert all(image.data == picture() for image in request.images)
    assert only(prepared).data == picture()


async def test_urls_are_never_sent_on() -> None:
    """A downloaded picture is sent as bytes: behind its URL is the file with its metadata."""
    web = Web(fox=add_part(picture(), b"tEXt", SECRET))
    image = only(await prepare(edit(URL), OPEN, fetch=web))
    assert image.url is None
    assert SECRET not in image.data


async def test_pictures_behind_urls_are_told_like_others() -> None:
    """What the fitter could not see is told in its words, so that it is not told twice."""
    heavy = picture("webp", 320, 240, noise=90)
    capability = limited(max_edge=128, max_bytes=len(heavy) - 1, formats=("png",))
    prepared = await prepare(edit(picture(), URL), capability, fetch=Web(fox=heavy))
    assert prepared.adaptations[:3] == (
        emulated("webp", "png", "image[1] is converted"),
        emulated("320x240", 128, "image[1] is scaled down to the limit"),
        emulated(len(heavy), len(heavy) - 1, "image[1] is made smaller in bytes"),
    )


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (InvalidImage("image_url cannot be fetched", param="image_url"), InvalidImage),
        (ProviderUnavailable("too slow"), ProviderUnavailable),
    ],
)
async def test_failed_downloads(failure: Exception, raised: type[Exception]) -> None:
    """A download that fails is the error itself, under the name of the picture where it is one's fault."""
    with pytest.raises(raised) as error:
        await prepare(edit(picture(), URL), OPEN, fetch=Web(fox=failure))
    if raised is InvalidImage:
        assert str(error.value) == "image[1]: image_url cannot be fetched"


async def test_url_without_a_fetcher_is_refused() -> None:
    """Without a way to download there is a sentence, and no signature in it."""
    with pytest.raises(InvalidImage, match=r"^image: no router .*fox\.png$"):
        await prepare(edit(f"{URL}?secret"), OPEN)


async def test_loop_is_free_while_pixels_are_worked_on() -> None:
    """Pixels are another thread's work: the loop goes on meanwhile."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    out = io.BytesIO()
    draw(1200, 900).save(out, "WEBP", quality=50)
    before = ticks
    await prepare(edit(out.getvalue()), limited(formats=("png",)))
    ticking.cancel()
    assert ticks - before > 3
