"""What came back becomes what was asked, and is verified."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any, Literal

import pytest
from PIL import Image as Pillow

from pinxit.encoded import Encoded
from pinxit.errors import InvalidImage, InvalidProviderResponse, ProviderTimeout
from pinxit.finishing import finish
from pinxit.fitting import Delivery
from pinxit.headers import has_content_credentials, inspect
from pinxit.images import encode, open_image
from pinxit.payload import Image
from pinxit.report import Adaptation, Picture, Report
from pinxit.testing.pictures import animation, mask, picture, with_credentials
from pinxit.types import EditRequest, GenerateRequest, ImagesResponse, Request

URL = "https://results.example/1.png?signature=secret"
MODEL = "painter/one"


def asked(**fields: Any) -> GenerateRequest:
    """A request for pictures."""
    return GenerateRequest(prompt="a fox", **fields)


async def finished(
    *data: bytes | Image,
    request: Request | None = None,
    report: Report | None = None,
    fetch: Any = None,
    store: Any = None,
    **delivery: Any,
) -> ImagesResponse:
    """Finish a provider's answer."""
    images = tuple(d if isinstance(d, Image) else Image(b64_json=base64.b64encode(d)) for d in data)
    return await finish(
        ImagesResponse(created=1, data=images, report=report or Report(request_id="r1")),
        request=request or asked(n=max(1, len(data))),
        delivery=Delivery(**delivery),
        model=MODEL,
        fetch=fetch,
        store=store,
    )


async def download(url: str) -> bytes:
    assert url == URL
    return picture()


async def unreachable(url: str) -> bytes:
    raise ProviderTimeout("the picture did not arrive")


class Shelf:
    """Keeps pictures."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, str]] = []

    async def __call__(self, data: bytes, media_type: str) -> str:
        self.kept.append((data, media_type))
        return f"https://shelf.example/{len(self.kept)}.png"


async def test_what_is_right_is_not_touched() -> None:
    """A picture that is as asked keeps its text, its words and its credentials; nothing is told."""
    text = base64.b64encode(with_credentials(picture()))
    image = Image(b64_json=text, revised_prompt="a red fox", seed=5)
    answer = await finished(image, size=(64, 48), format="png")
    [result] = answer.data
    assert result.encoded is text
    assert (result.url, result.revised_prompt, result.seed) == (None, "a red fox", 5)
    assert not answer.report.adaptations
    assert not answer.report.notes
    assert answer.report.request_id == "r1"
    assert answer.report.pictures == (
        Picture(
            width=64,
            height=48,
            format="png",
            size=len(base64.b64decode(text)),
            model=MODEL,
            content_credentials=True,
        ),
    )
    assert (answer.size, answer.output_format) == ("64x48", "png")


async def test_large_answers_are_not_decoded() -> None:
    """Megabytes that need no change stay text: they are checked and measured in parts."""
    heavy = picture("png", 1200, 900, noise=255)
    assert len(heavy) > 3_000_000
    image = Image(b64_json=base64.b64encode(heavy).decode())
    answer = await finished(image)
    assert isinstance(answer.data[0].source, Encoded)
    assert answer.report.pictures[0].size == len(heavy)


@pytest.mark.parametrize("size", [(32, 24), (50, 48), (96, 72), (64, 47)])
@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
async def test_size_is_exact(size: tuple[int, int], format: str) -> None:
    """Every result has exactly the promised pixels, and keeps its format."""
    answer = await finished(picture(format), picture(format, 200, 150), size=size)
    assert [(i.format, (i.width, i.height)) for i in answer.data] == [(format, size)] * 2
    assert answer.size == "{}x{}".format(*size)
    assert answer.report.adaptations == ()


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "gif"])
async def test_format_is_converted(format: str) -> None:
    """The format is what was asked, read from the file itself."""
    answer = await finished(picture("avif"), format=format)
    assert (
        answer.data[0].format == answer.output_format == answer.report.pictures[0].format == format
    )


async def test_compression_is_applied_even_in_the_same_format() -> None:
    """A model that cannot compress has its pictures encoded again, as the fitter promised."""
    given = picture("jpeg", 128, 96, noise=60, quality=95)
    answer = await finished(given, format="jpeg", compression=20)
    assert answer.data[0].byte_count < len(given) / 2


async def test_opaque_is_laid_on_white() -> None:
    """Where transparency is not wanted, white shows through, and the answer does not claim more."""
    clear = encode(Pillow.new("RGBA", (8, 8), (0, 0, 0, 0)), "png")
    answer = await finished(clear, opaque=True)
    assert open_image(answer.data[0].data).getpixel((4, 4)) == (255, 255, 255)
    assert not answer.report.pictures[0].alpha
    came = ImagesResponse(data=(Image(picture()),), background="transparent")
    answer = await finish(came, request=asked(), delivery=Delivery(), model=MODEL)
    assert answer.background == "opaque"


@pytest.mark.parametrize("background", ["auto", None, "opaque"])
async def test_background_that_came_is_kept(background: Literal["auto", "opaque"] | None) -> None:
    """What the provider says about the background stays where it is no lie."""
    came = ImagesResponse(data=(Image(picture()),), background=background)
    answer = await finish(came, request=asked(), delivery=Delivery(), model=MODEL)
    assert answer.background == background


# Delivery -------------------------------------------------------------------------------------------


async def test_url_becomes_text() -> None:
    """A provider's URL is downloaded at once, and given as text without the URL."""
    answer = await finished(Image(url=URL, revised_prompt="x"), fetch=download)
    [image] = answer.data
    assert image.url is None
    assert image.b64_json == base64.b64encode(picture()).decode()
    assert image.revised_prompt == "x"


async def test_url_that_came_is_handed_on_where_nothing_is_kept(tmp_path: Path) -> None:
    """Without a store a provider's own URL is better than none; the bytes are here too."""
    answer = await finished(Image(url=URL), fetch=download, response_format="url", size=(64, 48))
    assert answer.data[0].url == URL
    assert answer.data[0].save(tmp_path / "a.png").read_bytes() == picture()


async def test_url_that_came_is_replaced_by_one_that_lasts() -> None:
    """Some providers' URLs live ten minutes: where pictures are kept, this one is too."""
    shelf = Shelf()
    answer = await finished(
        Image(url=URL, seed=7), fetch=download, store=shelf, response_format="url", size=(64, 48)
    )
    assert (answer.data[0].url, answer.data[0].seed) == ("https://shelf.example/1.png", 7)
    assert shelf.kept == [(picture(), "image/png")]


async def test_url_that_came_is_handed_on_where_the_disk_is_full() -> None:
    """It works for a while, which is more than nothing; no ``data:`` URL is spoken of."""

    async def full(data: bytes, media_type: str) -> str:
        raise OSError("disk full")

    answer = await finished(Image(url=URL), fetch=download, store=full, response_format="url")
    assert answer.data[0].url == URL
    assert not any("data:" in note for note in answer.report.notes)


async def test_changed_picture_gets_another_url() -> None:
    """The provider's URL is not given where the file behind it is another."""
    shelf = Shelf()
    answer = await finished(
        Image(url=URL), fetch=download, store=shelf, response_format="url", format="webp"
    )
    [(data, media_type)] = shelf.kept
    assert (answer.data[0].url, media_type) == ("https://shelf.example/1.png", "image/webp")
    assert answer.data[0].data == data
    assert inspect(data).format == "webp"


async def test_text_becomes_a_url() -> None:
    """Text is kept somewhere so that a URL can be given."""
    shelf = Shelf()
    answer = await finished(picture(), store=shelf, response_format="url")
    assert answer.data[0].url == "https://shelf.example/1.png"
    assert shelf.kept == [(picture(), "image/png")]


@pytest.mark.parametrize("format", ["png", "svg"])
async def test_url_without_a_store_holds_the_picture(format: str) -> None:
    """Without a place to keep pictures the URL is a data: URL."""
    answer = await finished(picture(format), response_format="url")
    url = answer.data[0].url
    assert url is not None
    assert url.startswith(f"data:{answer.data[0].media_type};base64,")
    assert Image(url=url).data == picture(format)


async def test_failing_store_costs_the_url_and_not_the_picture() -> None:
    """A picture that is paid for is delivered even where it cannot be kept, and the report says how."""

    async def full(data: bytes, media_type: str) -> str:
        raise OSError("disk full")

    response = await finished(picture(), store=full, response_format="url")
    assert (response.data[0].url or "").startswith("data:image/png;base64,")
    assert "could not be kept" in response.report.notes[0]


# What is of no use ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"<html><body>Sorry <svg></svg></body></html>", "HTML"),
        (b'{"error": 1}', "JSON"),
        (b"", "nothing"),
        (picture("png", 200, 150, noise=99)[:-400], "cut off"),
        (picture("jpeg", 200, 150, noise=99)[:-400], "cut off"),
        (picture("webp", 200, 150, noise=99)[:-400], "cut off"),
        (picture("png")[:20], "broken or cut off"),
        (Image(b64_json="not base64!"), "base64"),
        (Image(url="data:image/png;base64,////"), "other data"),
    ],
)
@pytest.mark.parametrize("response_format", ["b64_json", "url"])
async def test_useless_results_are_refused(bad: Any, why: str, response_format: str) -> None:
    """What is no whole picture never reaches the caller; the call is billed all the same."""
    with pytest.raises(
        InvalidProviderResponse, match=f"^picture 1 of 1 is of no use: .*{why}"
    ) as error:
        await finished(bad, response_format=response_format)
    assert error.value.billing == "billed"


async def test_damage_inside_is_found_when_pixels_are_needed() -> None:
    """A file that is whole but damaged is refused where it has to be decoded."""
    data = bytearray(picture())
    data[data.index(b"IDAT") + 10] ^= 0xFF
    with pytest.raises(InvalidProviderResponse, match="damaged"):
        await finished(bytes(data), size=(10, 10))


async def test_no_pictures_at_all() -> None:
    """An answer without pictures is of no use."""
    with pytest.raises(InvalidProviderResponse, match="no picture"):
        await finished()


async def test_unreachable_results_are_refused() -> None:
    """A picture that cannot be downloaded was paid for and is of no use; its signature is not shown."""
    for fetch in (unreachable, None):
        with pytest.raises(InvalidProviderResponse) as error:
            await finished(Image(url=URL), fetch=fetch)
        assert "secret" not in str(error.value)
        assert error.value.billing == "billed"


async def test_one_useless_picture_does_not_cost_the_others() -> None:
    """The good ones are delivered; what is missing is told."""
    answer = await finished(picture(), b"<html>", picture("webp"))
    assert [image.format for image in answer.data] == ["png", "webp"]
    assert [(a.parameter, a.asked, a.sent, a.verdict) for a in answer.report.adaptations] == [
        ("n", 3, 2, "approximated")
    ]
    [note] = answer.report.notes
    assert note.startswith("left out: picture 2 of 3 is of no use")
    assert answer.output_format is None
    assert answer.size == "64x48"


# Number ---------------------------------------------------------------------------------------------


async def test_fewer_pictures_are_told() -> None:
    """Fewer pictures than asked are an approximation of n."""
    answer = await finished(picture(), request=asked(n=4))
    [told] = answer.report.adaptations
    assert (told.parameter, told.asked, told.sent, told.verdict) == ("n", 4, 1, "approximated")


async def test_more_pictures_are_cut() -> None:
    """The caller gets as many as asked, and a note about the rest."""
    answer = await finished(picture(), picture("webp"), request=asked(n=1))
    assert [image.format for image in answer.data] == ["png"]
    assert answer.report.notes == ("the model sent 2 pictures where 1 was asked",)
    assert len(answer.report.pictures) == 1


async def test_surplus_stands_in_for_what_is_useless() -> None:
    """A surplus picture takes the place of one that is of no use."""
    answer = await finished(b"<html>", picture("webp"), request=asked(n=1))
    assert [image.format for image in answer.data] == ["webp"]
    assert answer.report.adaptations == ()


# Verification ---------------------------------------------------------------------------------------


def verdicts(answer: ImagesResponse) -> list[tuple[str, Any, Any]]:
    assert all(a.verdict == "approximated" for a in answer.report.adaptations)
    return [(a.parameter, a.asked, a.sent) for a in answer.report.adaptations]


async def test_broken_promise_of_a_size_is_told() -> None:
    """A model that says it makes a size and sends another is not believed."""
    request = asked(size="128x96")
    answer = await finished(picture(), request=request, promised=(128, 96))
    assert verdicts(answer) == [("size", "128x96", "64x48")]
    assert answer.size == "64x48"


@pytest.mark.parametrize(("format", "came"), [("png", "jpeg"), ("jpeg", "webp"), ("webp", "png")])
async def test_a_format_that_was_asked_for_is_made(format: Any, came: str) -> None:
    """A model that offers one format and sends another does not cost the caller the one asked for."""
    answer = await finished(picture(came), request=asked(output_format=format))
    assert (answer.data[0].format, answer.output_format) == (format, format)
    told = [(a.parameter, a.asked, a.sent, a.verdict) for a in answer.report.adaptations]
    assert told == [("output_format", format, came, "emulated")]


async def test_a_format_that_nobody_asked_for_is_left() -> None:
    """Without a wish, and where it came as asked, the bytes stay what they are."""
    data = picture("jpeg")
    for fields in ({}, {"output_format": "jpeg"}):
        answer = await finished(data, request=asked(**fields))
        assert answer.data[0].data == data
        assert answer.report.adaptations == ()


async def test_kept_promise_is_not_told() -> None:
    """A size that came as promised needs no word."""
    answer = await finished(picture(), request=asked(size="64x48"), promised=(64, 48))
    assert verdicts(answer) == []


@pytest.mark.parametrize(
    ("came", "told"),
    [((128, 96), False), ((65, 48), False), ((48, 64), True), ((64, 64), True)],
)
async def test_ratios_are_compared_by_shape(came: tuple[int, int], told: bool) -> None:
    """Who asked for a ratio is told of another shape, not of other pixels of the same shape."""
    request = asked(aspect_ratio="4:3")
    answer = await finished(picture("png", *came), request=request, promised=(64, 48))
    sent = "{}x{}".format(*came)
    assert verdicts(answer) == ([("aspect_ratio", "4:3", sent)] if told else [])


@pytest.mark.parametrize(
    ("came", "told"),
    [
        ((200, 150), None),
        ((150, 112), None),
        ((50, 38), "enlarged 2.0 times"),
        ((150, 150), "cropped"),
    ],
)
async def test_right_pixels_made_of_wrong_ones_are_told(
    came: tuple[int, int], told: str | None
) -> None:
    """The size is exact, but one that was blown up or cut out of something else is not passed off as good."""
    request = asked(size="100x75")
    answer = await finished(
        picture("png", *came), request=request, size=(100, 75), promised=(200, 151)
    )
    assert answer.size == "100x75"
    assert verdicts(answer) == ([("size", "100x75", "{}x{}".format(*came))] if told else [])
    assert [a.reason for a in answer.report.adaptations if told and told not in a.reason] == []


async def test_foreseen_scaling_is_not_told_again() -> None:
    """What the fitter promised and told is no surprise, however much it crops."""
    request = asked(size="50x50")
    answer = await finished(picture(), request=request, size=(50, 50), promised=(64, 48))
    assert verdicts(answer) == []


async def test_missing_transparency_is_told() -> None:
    """A transparent background was asked and an opaque picture came."""
    request = asked(background="transparent")
    assert verdicts(await finished(picture(), request=request)) == [
        ("background", "transparent", "opaque")
    ]
    assert verdicts(await finished(picture(mode="RGBA"), request=request)) == []


async def test_what_is_told_already_is_not_told_again() -> None:
    """A parameter that the report calls dropped is not called approximated as well."""
    known = Adaptation(parameter="background", asked="transparent", verdict="dropped")
    request = asked(background="transparent")
    answer = await finished(picture(), request=request, report=Report(adaptations=(known,)))
    assert answer.report.adaptations == (known,)


async def test_each_parameter_is_told_once() -> None:
    """Several wrong pictures make one line per parameter."""
    request = asked(background="transparent", n=3)
    assert len(verdicts(await finished(*[picture()] * 3, request=request))) == 1


async def test_svg_passes() -> None:
    """An SVG is delivered as it is; what it cannot be is told."""
    answer = await finished(picture("svg"), size=(1024, 1024), format="svg")
    assert answer.data[0].data == picture("svg")
    assert verdicts(answer) == []
    answer = await finished(picture("svg"), request=asked(output_format="png"), format="png")
    assert verdicts(answer) == [("output_format", "png", "svg")]


async def test_pixels_become_no_svg() -> None:
    """Where an SVG was promised and pixels came, they are delivered and this is told."""
    answer = await finished(picture(), request=asked(output_format="svg"), format="svg")
    assert verdicts(answer) == [("output_format", "svg", "png")]


async def test_frames_are_worth_more_than_a_size() -> None:
    """An animation that was asked keeps its frames; its size is told instead."""
    request = asked(frame_count=3, size="32x24", output_format="gif")
    answer = await finished(animation(), request=request, size=(32, 24))
    assert answer.data[0].data == animation()
    assert verdicts(answer) == [("size", "32x24", "16x12")]
    still = await finished(picture("gif"), request=asked(frame_count=3))
    assert verdicts(still) == [("frame_count", 3, 1)]


# Credentials ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
async def test_lost_credentials_are_told(format: str) -> None:
    """Content credentials stay where nothing is converted; where something is, the report says so."""
    signed = with_credentials(picture(format))
    kept = await finished(signed)
    assert has_content_credentials(kept.data[0].data)
    assert kept.report.notes == ()
    lost = await finished(signed, size=(32, 24))
    assert not lost.report.pictures[0].content_credentials
    [note] = lost.report.notes
    assert note.startswith("content credentials (C2PA) of the picture were lost")


async def test_lost_credentials_of_one_among_several() -> None:
    """The note says which pictures are meant."""
    answer = await finished(picture("png", 32, 24), with_credentials(picture()), size=(32, 24))
    [note] = answer.report.notes
    assert "of picture 2 were lost" in note


# Masks ----------------------------------------------------------------------------------------------


def edit(**fields: Any) -> EditRequest:
    """A masked edit of a picture."""
    return EditRequest(
        prompt="a hat", images=(Image(picture(noise=30)),), mask=Image(mask()), **fields
    )


RED = encode(Pillow.new("RGB", (128, 96), "red"), "png")


async def test_protected_pixels_are_put_back() -> None:
    """A model without masks changes everything; the caller gets the protected half bit by bit."""
    answer = await finished(RED, request=edit(), composite=True)
    after, before = open_image(answer.data[0].data), open_image(picture(noise=30))
    assert after.size == (64, 48)
    assert after.crop((32, 0, 64, 48)).tobytes() == before.crop((32, 0, 64, 48)).tobytes()
    assert after.getpixel((3, 20)) == (255, 0, 0)


@pytest.mark.parametrize("fields", [{"size": (100, 75)}, {"promised": (100, 75)}])
async def test_protected_result_has_the_size_that_was_asked(fields: dict[str, Any]) -> None:
    """The original's own size does not replace the one that was asked."""
    answer = await finished(RED, request=edit(size="100x75"), composite=True, **fields)
    assert answer.size == "100x75"
    assert verdicts(answer) == []


async def test_nothing_is_put_back_where_it_was_not_promised() -> None:
    """A model that took the mask itself is trusted."""
    answer = await finished(RED, request=edit())
    assert answer.data[0].data == RED


async def test_original_is_not_fetched_like_a_result() -> None:
    """A caller's URL never goes through the fetcher that may reach providers' own servers."""
    request = EditRequest(prompt="a hat", images=(Image(url=URL),), mask=Image(mask()))
    with pytest.raises(InvalidImage, match="no router"):
        await finished(RED, request=request, composite=True, fetch=download)


async def test_pictures_are_finished_side_by_side() -> None:
    """Downloads do not wait for each other."""
    running = most = 0

    async def slow(url: str) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return picture()

    await finished(*[Image(url=URL) for _ in range(4)], fetch=slow)
    assert most == 4
