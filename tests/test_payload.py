"""One picture, carried as it came."""

# pyright: reportPrivateUsage=false
# Notebooks call methods whose names begin with an underscore.

from __future__ import annotations

import asyncio
import base64
import copy
import io
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from pinxit.encoded import Encoded
from pinxit.errors import InvalidImage
from pinxit.headers import inspect
from pinxit.payload import INVALID_IMAGE, Image
from pinxit.testing.pictures import picture

PNG = picture()
TEXT = base64.b64encode(PNG).decode()
URL = "https://user:secret@cdn.example/a/b.png?signature=secret#secret"
ADAPTER = TypeAdapter(Image)


class Downloads:
    """Counts what is downloaded."""

    def __init__(self, data: bytes = PNG) -> None:
        self.data = data
        self.urls: list[str] = []

    async def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        await asyncio.sleep(0)
        return self.data


@pytest.mark.parametrize(
    "image",
    [
        Image(PNG),
        Image(b64_json=TEXT),
        Image(b64_json=TEXT.encode()),
        Image(b64_json=f" {TEXT[:40]}\r\n{TEXT[40:].rstrip('=')}\n"),
        Image(url=f"data:image/png;base64,{TEXT}"),
    ],
)
def test_every_form_is_the_same_picture(image: Image) -> None:
    """Bytes, base64 text, text as clients send it and data: URLs hold the same picture."""
    assert (image.format, image.width, image.height) == ("png", 64, 48)
    assert image.media_type == "image/png"
    assert image.byte_count == len(PNG)
    assert image.digest() == Image(PNG).digest()
    assert image.data == PNG
    assert image.b64_json == TEXT


def test_svg_in_a_data_url() -> None:
    """A data: URL may be percent-encoded text as well."""
    assert Image(url="data:image/svg+xml,%3Csvg%20width='5'%20height='6'/%3E").info.size == "5x6"


def test_text_is_not_copied_nor_decoded_for_its_header() -> None:
    """Six megabytes of text are measured in parts, and handed on as the same object."""
    text = base64.b64encode(picture(noise=255) + b"\0" * 6_000_000)
    image = Image(b64_json=text)
    assert image.info.size == "64x48"
    assert isinstance(image.source, Encoded)
    assert image.encoded is text
    assert image.replace(url="https://a.example/x.png").encoded is text
    assert image.b64_json == text.decode()


def test_text_is_known_to_be_plain_once_somebody_has_looked() -> None:
    """Only then may it stand in JSON as it is; what we encode ourselves is plain anyway."""
    image = Image(b64_json=f" {TEXT[:8]}\n{TEXT[8:]}")
    assert not image.is_plain
    assert (image.encoded or b"").startswith(b" ")
    _ = image.info
    assert image.is_plain
    assert image.encoded == TEXT.encode()
    ours = Image(PNG)
    assert ours.encoded == TEXT.encode()
    assert ours.is_plain
    # The bytes say nothing about text that came with them.
    both = Image(PNG, b64_json='"')
    _ = both.info
    assert not both.is_plain
    assert Image(url="https://a.example/x.png").encoded is None


def test_header_is_read_once() -> None:
    """The header is remembered, also by a copy that holds the same picture."""
    image = Image(b64_json=TEXT)
    assert image.info is image.info
    assert image.replace(url="https://a.example/x.png").info is image.info
    assert image.replace(picture("jpeg")).format == "jpeg"


@pytest.mark.parametrize("text", ["???", "QUJ-_w==", "Q"])
def test_broken_text_is_told_when_it_is_read(text: str) -> None:
    """Broken base64 is an invalid image, for the header as for the bytes."""
    image = Image(b64_json=text)
    for read in ("info", "data", "source", "byte_count"):
        with pytest.raises(InvalidImage, match="base64"):
            getattr(image, read)


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        (Image(PNG), "<Image png 64x48>"),
        (Image(b64_json=TEXT), "<Image png 64x48>"),
        (Image(b"secret"), "<Image unreadable>"),
        (Image(b64_json="secret?"), "<Image unreadable>"),
        (Image(url=URL), "<Image at https://cdn.example/a/b.png>"),
        (Image(url="https://[secret"), "<Image at its URL>"),
    ],
)
def test_repr_shows_no_secrets(image: Image, shown: str) -> None:
    """Neither bytes nor credentials nor signatures of URLs are shown."""
    assert repr(image) == shown


def test_nothing_is_no_picture() -> None:
    """A picture needs bytes, text or a URL."""
    with pytest.raises(InvalidImage, match="no picture"):
        Image()


async def test_url_needs_to_be_read() -> None:
    """A URL is not downloaded behind anyone's back, and errors do not show its signature."""
    image = Image(url=URL)
    assert not image.is_local
    assert image.b64_json is None
    assert image.byte_count == 0
    for read in ("data", "info"):
        with pytest.raises(InvalidImage, match=r"cdn\.example/a/b\.png$") as error:
            getattr(image, read)
        assert error.value.param == "image"
    with pytest.raises(InvalidImage, match=r"no router.*cdn\.example/a/b\.png$"):
        await image.read()


async def test_url_is_downloaded_once() -> None:
    """However many ask at once, and by whatever way, one download does."""
    first, second = Downloads(), Downloads()
    image = Image(url=URL, fetch=first)
    results = await asyncio.gather(image.read(), image.read(second), image.read())
    assert set(results) == {PNG}
    assert (first.urls, second.urls) == ([URL], [])
    assert image.info.size == "64x48"


async def test_way_of_reading_may_be_given() -> None:
    """The way that is handed in wins over the one that the picture came with."""
    mine, other = Downloads(), Downloads()
    await Image(url=URL, fetch=other).read(mine)
    assert (len(mine.urls), len(other.urls)) == (1, 0)


async def test_failed_download_may_be_tried_again() -> None:
    """A download that fails leaves the picture as it was."""

    async def broken(url: str) -> bytes:
        raise InvalidImage(f"image: {len(url)}")

    image = Image(url=URL)
    with pytest.raises(InvalidImage):
        await image.read(broken)
    assert await image.read(Downloads()) == PNG


@pytest.mark.parametrize(
    ("name", "format"),
    [("a", "png"), ("a.PNG", "png"), ("a.jpg", "jpeg"), ("a.jpeg", "jpeg"), ("a.webp", "webp"),
     ("a.gif", "gif"), ("a.avif", "avif"), ("a.bin", "png")],
)  # fmt: skip
def test_save_writes_what_the_name_says(tmp_path: Path, name: str, format: str) -> None:
    """A file is what its name says, and a name without a suffix gets the right one."""
    path = Image(PNG).save(tmp_path / name)
    assert path == tmp_path / (name if "." in name else f"{name}.png")
    assert inspect(path.read_bytes()).format == format


def test_save_keeps_bytes(tmp_path: Path) -> None:
    """Bytes that are right already are written as they came."""
    assert Image(b64_json=TEXT).save(tmp_path / "a.png").read_bytes() == PNG


@pytest.mark.parametrize(("format", "name"), [("svg", "a.png"), ("png", "a.svg")])
def test_save_does_not_pretend(tmp_path: Path, format: str, name: str) -> None:
    """Pixels cannot become an SVG nor an SVG pixels, and no file with a false name is written."""
    with pytest.raises(InvalidImage, match=f"name the file .{format}"):
        Image(picture(format)).save(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_notebooks_show_pictures() -> None:
    """A notebook gets a PNG or an SVG, and nothing for what it cannot show."""
    shown = Image(picture("webp"))._repr_png_()
    assert shown is not None
    assert inspect(shown).format == "png"
    assert Image(PNG)._repr_png_() == PNG
    assert Image(picture("svg"))._repr_svg_() == picture("svg").decode()
    for image in (Image(url=URL), Image(b"rubbish"), Image(b64_json="?")):
        assert image._repr_png_() is None
        assert image._repr_svg_() is None
    assert Image(picture("svg"))._repr_png_() is None
    assert Image(PNG)._repr_svg_() is None


def test_open_names_the_file(tmp_path: Path) -> None:
    """A file's own name goes with it, its folder does not."""
    (tmp_path / "fox.png").write_bytes(PNG)
    assert Image.open(tmp_path / "fox.png").filename == "fox.png"
    with pytest.raises(InvalidImage, match=r"mask: cannot read .*no such file") as error:
        Image.open(tmp_path / "none.png", field="mask")
    assert error.value.param == "mask"


def test_replace_keeps_what_is_said() -> None:
    """A copy with another payload keeps the words about the picture, and drops the URL of the old one."""
    image = Image(PNG, url=URL, revised_prompt="a fox", seed=7, filename="fox.png")
    other = image.replace(picture("webp"))
    assert (other.revised_prompt, other.seed, other.filename) == ("a fox", 7, "fox.png")
    assert other.url is None
    assert image.replace(b64_json=TEXT).url is None
    assert image.replace(fetch=Downloads()).url == URL
    assert image.replace(picture("webp"), url="https://a.example/b").url == "https://a.example/b"


def test_pictures_can_be_copied_and_pickled() -> None:
    """Requests travel to other processes with their pictures."""
    image = Image(b64_json=TEXT, seed=3)
    assert image.format == "png"
    for twin in (copy.copy(image), copy.deepcopy(image), pickle.loads(pickle.dumps(image))):
        assert (twin.data, twin.seed) == (PNG, 3)


class _File(io.BytesIO):
    name = "/home/ada/fox.png"


@pytest.mark.parametrize(
    "value",
    [
        PNG,
        bytearray(PNG),
        _File(PNG),
        Image(PNG),
        f"data:image/png;base64,{TEXT}",
        {"image_url": f"data:image/png;base64,{TEXT}"},
        {"b64_json": TEXT, "revised_prompt": None, "seed": 4},
        {"b64_json": f"DATA:image/png;base64,{TEXT}"},
    ],
)
def test_what_pydantic_takes_for_a_picture(value: Any) -> None:
    """Requests take bytes, open files, pictures, data: URLs and the API's objects."""
    assert ADAPTER.validate_python(value).data == PNG


def test_paths_and_urls(tmp_path: Path) -> None:
    """A path object is read at once, a URL is kept."""
    (tmp_path / "fox.png").write_bytes(PNG)
    assert ADAPTER.validate_python(tmp_path / "fox.png").data == PNG
    assert ADAPTER.validate_python(_File(PNG)).filename == "fox.png"
    assert ADAPTER.validate_python(URL).url == URL
    assert ADAPTER.validate_python({"url": URL}).url == URL


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("fox.png", "not a picture"),
        ("file:///etc/passwd", "not a picture"),
        (7, "not a picture"),
        (io.StringIO("text"), "not open for bytes"),
        ({"path": "/etc/passwd"}, "unknown field 'path'"),
        ({"image_url": "file:///etc/passwd"}, "not an http"),
        ({"image_url": 7}, "image_url is not a string"),
        ({"b64_json": 7}, "b64_json is not a string"),
        ({"b64_json": TEXT, "seed": "x"}, "seed is not a number"),
    ],
)
def test_what_pydantic_refuses(value: Any, why: str) -> None:
    """A plain string is no path, and fields of the wrong type are named."""
    with pytest.raises(ValidationError, match=why):
        ADAPTER.validate_python(value)


@pytest.mark.parametrize("value", [{}, {"b64_json": None}, {"image_url": "data:image/png"}])
def test_objects_without_a_picture(value: dict[str, Any]) -> None:
    """An object that holds no picture is an invalid image, at whatever place pydantic found it."""
    with pytest.raises(ValidationError, match=f"type={INVALID_IMAGE}"):
        ADAPTER.validate_python(value)


def test_json_omits_what_is_absent() -> None:
    """JSON has the URL or the text, and no nulls, which some clients refuse."""
    assert ADAPTER.dump_python(Image(PNG)) == {"b64_json": TEXT}
    assert ADAPTER.dump_python(Image(PNG, url=URL, seed=0)) == {"url": URL, "seed": 0}


def test_json_schema_describes_a_picture() -> None:
    """A schema of a request can be made although a picture is a class of its own."""
    for mode in ("validation", "serialization"):
        assert "b64_json" in ADAPTER.json_schema(mode=mode)["properties"]
