"""Names of files: readable, never overwriting, and known to be possible before anything is paid."""

from __future__ import annotations

from pathlib import Path

import pytest

from commandline import Commands
from pinxit.cli.places import Place, file_format, name_of, slug
from pinxit.errors import RequestError
from pinxit.headers import inspect
from pinxit.payload import Image
from pinxit.testing.pictures import picture

PNG = Image(picture())


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("prompt", "stem"),
    [
        ("A red fox, in the SNOW!", "a-red-fox-in-the-snow"),
        ("  ../../etc/passwd ", "etc-passwd"),
        ("Füchse & Bären", "füchse-bären"),
        ("雪の中の赤い狐", "雪の中の赤い狐"),
        ("...", "picture"),
        ("word " * 20, "word-word-word-word-word-word-word-word-word-word"),
        ("x" * 80, "x" * 50),
    ],
)
def test_slug(prompt: str, stem: str) -> None:
    """A prompt's words make a name that is short, readable and in this folder."""
    assert slug(prompt) == stem


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("pictures/fox.png", "fox"),
        ("https://example.com/a/red%20fox.png?size=1", "red fox"),
        ("data:image/png;base64,AAAA", ""),
    ],
)
def test_name_of(source: str, stem: str) -> None:
    """What is made from a picture is named after it."""
    assert name_of(source) == stem


def test_file_format() -> None:
    """A file's name says which format it shall have, if it is one that can be asked for."""
    assert [file_format(name) for name in ("a.png", "b.JPG", "c.txt", "folder/", None)] == [
        "png", "jpeg", None, None, None,
    ]  # fmt: skip


def test_default() -> None:
    """Without --out a free name in this folder is taken."""
    place = Place(None, "fox")
    assert [place.save(PNG), place.save(PNG)] == [Path("fox.png"), Path("fox-2.png")]


@pytest.mark.parametrize("out", ["deep/down/", "there"])
def test_folder(out: str) -> None:
    """A folder that is there, or that ends with a slash, gets named pictures."""
    Path("there").mkdir()
    assert Place(out, "fox").save(PNG) == Path(out) / "fox.png"


def test_named_file() -> None:
    """A file that is named is overwritten; what else comes takes free names beside it."""
    Path("hero.png").write_text("old")
    Path("hero-2.png").write_text("mine")
    place = Place("hero.png", "fox")
    assert [place.save(PNG), place.save(PNG)] == [Path("hero.png"), Path("hero-3.png")]
    assert Path("hero-2.png").read_text() == "mine"


def test_named_without_suffix() -> None:
    """A name without a picture's suffix gets one, and is not what was named: it overwrites nothing."""
    Path("v1.2.png").write_text("mine")
    assert Place("v1.2", "fox").save(PNG) == Path("v1.2-2.png")


def test_other_format() -> None:
    """A suffix of another format has the picture converted."""
    path = Place("fox.avif", "fox").save(PNG)
    assert inspect(path.read_bytes()).format == "avif"


def test_under_a_file() -> None:
    """A path through a file is refused at once."""
    Path("notes").write_text("")
    with pytest.raises(RequestError, match=r"out: 'notes/fox\.png': .*notes' is a file"):
        Place("notes/fox.png", "fox")


def nothing_is_writable(path: object, mode: int) -> bool:
    return False


def test_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be written to is refused at once."""
    Path("locked").mkdir()
    # Nothing is out of reach for root, so the system's answer is played.
    monkeypatch.setattr("os.access", nothing_is_writable)
    with pytest.raises(RequestError, match="cannot be written to"):
        Place("locked/", "fox")


def test_rescue() -> None:
    """A picture that cannot be saved where it should be is kept elsewhere: it is paid for."""
    place = Place("out/fox.png", "fox")
    Path("out").write_text("somebody was faster")
    path = place.save(PNG)
    assert path.read_bytes() == PNG.data
    assert place.problem is not None
    assert str(path) in place.problem
    path.unlink()


def test_rescue_of_a_format() -> None:
    """So is one that cannot become what its name asks for."""
    place = Place("fox.png", "fox")
    path = place.save(Image(picture("svg")))
    assert path.suffix == ".svg"
    assert "cannot be saved as png" in (place.problem or "")
    path.unlink()


def test_problem_is_told(pinxit: Commands) -> None:
    """The command says where the picture is instead, and does not end with 0."""
    pinxit.plugin(
        "rotten",
        """
from pathlib import Path
from pinxit import *
@hookimpl
async def around_request(request, context, request_next):
    Path("out").write_text("somebody was faster")
    return await request_next(request)
""",
    )
    ran = pinxit("generate", "a dot", "-o", "out/dot.png", "--json")
    assert ran.code == 1
    assert "--out: cannot write to" in ran.err
    [path] = ran.json["paths"]
    assert Path(path).read_bytes().startswith(b"\x89PNG")
    Path(path).unlink()


def test_standard_output(pinxit: Commands) -> None:
    """-o - writes the picture's bytes to standard output, and nothing else."""
    done = pinxit.spawn("generate", "a dot", "-o", "-")
    assert inspect(done.stdout).size == "64x48"
    assert b"painted by test/dot" in done.stderr
    assert list(Path().iterdir()) == []
