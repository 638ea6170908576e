"""Forms as they stream in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinxit.gateway.errors import BadMessage
from pinxit.gateway.forms import MAX_IN_MEMORY, FormValue, Upload, read_multipart, read_urlencoded
from pinxit.testing.pictures import picture

PNG = picture()
TYPE = "multipart/form-data; boundary=cut"


def part(name: str, data: bytes | str, *headers: str, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    lines = [f'Content-Disposition: form-data; name="{name}"{file}', *headers]
    body = data.encode() if isinstance(data, str) else data
    return b"--cut\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + body + b"\r\n"


async def read(
    body: bytes, content_type: str = TYPE, *, step: int = 2**16, max_parts: int = 50
) -> list[tuple[str, FormValue]]:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), step):
            yield body[at : at + step]

    return await read_multipart(content_type, chunks(), max_parts=max_parts)


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--cut--\r\n"


@pytest.mark.parametrize("step", [1, 7, 2**16])
async def test_parts_keep_order_and_bytes(step: int) -> None:
    """Text is text, files are bytes, wherever the network cuts the body."""
    body = form(
        part("prompt", "héllo\nworld"),
        part("image", PNG, "Content-Type: application/octet-stream", filename="upload"),
        part("n", "2"),
    )
    assert await read(body, step=step) == [
        ("prompt", "héllo\nworld"),
        ("image", Upload(PNG)),
        ("n", "2"),
    ]


async def test_large_forms_go_through_a_file() -> None:
    """Parts before and behind a long one come back as they were."""
    long = bytes(range(256)) * (MAX_IN_MEMORY // 128)
    parts = [part("a", "1"), part("image", long, filename="x"), part("image", PNG), part("b", "")]
    assert await read(form(*parts)) == [
        ("a", "1"), ("image", Upload(long)), ("image", Upload(PNG)), ("b", ""),
    ]  # fmt: skip


async def test_without_room_there_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is 503, which says that it may pass; where there is no disk, memory has to do."""
    body = form(part("image", PNG * (MAX_IN_MEMORY // len(PNG) + 2), filename="x"))

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tempfile.TemporaryFile", full)
        with pytest.raises(BadMessage) as caught:
            await read(body)
        assert caught.value.status == 503
        patch.setattr("pinxit.gateway.forms.gettempdir", full)
        [(name, upload)] = await read(body)
    assert name == "image"
    assert isinstance(upload, Upload)


async def test_binary_without_a_file_name_is_a_file() -> None:
    """Some clients leave the name out."""
    assert await read(form(part("image", PNG))) == [("image", Upload(PNG))]


async def test_an_empty_file_field_is_absent() -> None:
    """Browsers send fields that nobody filled in; an empty file that has a name was meant."""
    body = form(part("mask", b"", filename=""), part("image", b"", filename="in.png"))
    assert await read(body) == [("image", Upload(b""))]


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\\\x", "a\0b", "ü"])
async def test_file_names_are_not_kept(name: str) -> None:
    """No file name can lead anywhere: nothing remembers it."""
    body = form(part("image", PNG, filename=name))
    assert await read(body) == [("image", Upload(PNG))]


async def test_preamble_and_epilogue_are_ignored() -> None:
    """What stands before and behind the parts is nothing."""
    assert await read(form(part("a", "1")) + b"after") == [("a", "1")]


BROKEN: Sequence[tuple[str, bytes, str]] = [
    ("no boundary in the type", form(part("a", "1")), "multipart/form-data"),
    ("empty boundary", form(part("a", "1")), "multipart/form-data; boundary="),
    ("endless boundary", form(part("a", "1")), f"multipart/form-data; boundary={'x' * 9000}"),
    ("another boundary", form(part("a", "1")), "multipart/form-data; boundary=other"),
    ("empty", b"", TYPE),
    ("cut off in a part", form(part("a", "1"))[:-12], TYPE),
    ("cut off before the end", part("a", "1"), TYPE),
    ("no headers", b"--cut\r\n\r\n1\r\n--cut--\r\n", TYPE),
    ("no name", b"--cut\r\nContent-Disposition: form-data\r\n\r\n1\r\n--cut--\r\n", TYPE),
    ("empty name", form(part("", "1")), TYPE),
    (
        "not form-data",
        b'--cut\r\nContent-Disposition: file; name="a"\r\n\r\n1\r\n--cut--\r\n',
        TYPE,
    ),
    ("base64 part", form(part("a", "MQ==", "Content-Transfer-Encoding: base64")), TYPE),
    (
        "name is no text",
        b'--cut\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n--cut--',
        TYPE,
    ),
    ("header without end", b"--cut\r\nContent-Disposition" * 1000, TYPE),
    ("JSON", b'{"prompt": "p"}', TYPE),
]


@pytest.mark.parametrize(
    ("body", "content_type"), [row[1:] for row in BROKEN], ids=[r[0] for r in BROKEN]
)
async def test_broken_forms_are_refused(body: bytes, content_type: str) -> None:
    """Each is a 400 with a sentence."""
    with pytest.raises(BadMessage) as caught:
        await read(body, content_type)
    assert caught.value.status == 400
    assert str(caught.value)


async def test_many_parts_are_refused_early() -> None:
    """A form of 200,000 parts is not read to its end."""
    body = part("a", "1") * 20_000
    read_so_far = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read_so_far
        for at in range(0, len(body), 1000):
            read_so_far += 1000
            yield body[at : at + 1000]

    with pytest.raises(BadMessage, match="more than 50 parts"):
        await read_multipart(TYPE, chunks(), max_parts=50)
    assert read_so_far < 10_000


async def test_an_endless_part_header_is_refused_early() -> None:
    """Ten megabytes of a header are not collected."""
    pulled = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal pulled
        yield b"--cut\r\nX: "
        for _ in range(1000):
            pulled += 1
            yield b"x" * 10_000

    with pytest.raises(BadMessage):
        await read_multipart(TYPE, chunks(), max_parts=50)
    assert pulled < 5


@given(st.binary(max_size=300))
async def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Whatever comes behind the first boundary, the answer is parts or a 400."""
    try:
        pairs = await read(b'--cut\r\nContent-Disposition: form-data; name="a"' + body)
    except BadMessage as error:
        refused = error
    else:
        assert len(pairs) <= 50
        return
    assert refused.status == 400


def test_urlencoded() -> None:
    """Fields keep their order; blanks and unicode are decoded."""
    assert read_urlencoded(b"a=x+y&b=%C3%A9&a=", max_fields=5) == [
        ("a", "x y"),
        ("b", "é"),
        ("a", ""),
    ]


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff=1", b"a=1&" * 100])
def test_broken_urlencoded_is_refused(body: bytes) -> None:
    """What is no text, or has too many fields, is a 400."""
    with pytest.raises(BadMessage) as caught:
        read_urlencoded(body, max_fields=20)
    assert caught.value.status == 400


def test_urlencoded_holds_no_pictures() -> None:
    """A body of megabytes is refused with the encoding to use."""
    with pytest.raises(BadMessage, match="multipart/form-data") as caught:
        read_urlencoded(b"image=" + b"A" * 2**20, max_fields=20)
    assert caught.value.status == 413


def test_uploads_do_not_show_their_bytes() -> None:
    """A file in a log is only that it is one."""
    assert "secret" not in repr(Upload(b"secret"))
