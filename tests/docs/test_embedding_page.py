"""docs/embedding.md: every example runs as it stands, offline and without a key."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image as PillowImage

import pinxit
from pages import block, blocks

PAGE = "embedding.md"


def test_a_script(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script saves a picture of the size that it asks for, and says where."""
    block(PAGE, "python", "A script").run()
    with PillowImage.open(here / "lighthouse.png") as saved:
        assert saved.size == (768, 512)
    assert capsys.readouterr().out == "lighthouse.png illustrator/scene-1\n"


def test_an_asynchronous_program(capsys: pytest.CaptureFixture[str]) -> None:
    """Two requests run side by side; the reports name three pictures."""
    block(PAGE, "python", "An asynchronous program").run()
    out = capsys.readouterr().out
    assert out.count("painted by illustrator/scene-1") == 2
    assert out.count("picture   png 256x256") == 3


def test_a_notebook() -> None:
    """The last value of the cell shows itself as a PNG."""
    cell = block(PAGE, "python", "A notebook")
    tree = ast.parse(cell.text)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    names: dict[str, Any] = {}
    exec(compile(tree, str(cell), "exec"), names)
    try:
        shown = eval(compile(ast.Expression(last.value), str(cell), "eval"), names)
        with PillowImage.open(io.BytesIO(shown._repr_png_())) as picture:
            assert (picture.format, picture.size) == ("PNG", (512, 512))
    finally:
        cast("pinxit.blocking.Router", names["router"]).close()


def test_partial_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    """Partial pictures come first, the report last."""
    block(PAGE, "python", "Partial pictures").run()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["partial 0 <Image png 256x256>", "partial 1 <Image png 256x256>"]
    assert lines[2].startswith("painted by illustrator/scene-1")


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """A size that no model can make ends in reasons per model."""
    block(PAGE, "python", "Errors").run()
    assert "{'illustrator/scene-1': ('size 9000x9000" in capsys.readouterr().out


async def test_fastapi_and_the_mounted_gateway() -> None:
    """The application paints at its own path, and the mounted gateway at OpenAI's, with one router."""
    app = block(PAGE, "python", "FastAPI and Starlette").run()["app"]
    assert isinstance(app, FastAPI)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://your.host") as client,
    ):
        own = await client.get("/picture", params={"prompt": "a fox"})
        body = {"prompt": "a fox", "size": "256x256", "model": "illustrator/scene-1"}
        mounted = await client.post("/pinxit/v1/images/generations", json=body)
    assert own.headers["content-type"] == "image/png"
    with PillowImage.open(io.BytesIO(own.content)) as picture:
        assert picture.size == (256, 256)
    assert mounted.status_code == 200
    assert mounted.json()["pinxit"]["model"] == "illustrator/scene-1"


def test_a_django_view(here: Path) -> None:
    """The view answers a request with a picture, in a process with Django's settings."""
    (here / "views.py").write_text(block(PAGE, "python", "A synchronous Django view").text)
    script = """
import django
from django.conf import settings
settings.configure(SECRET_KEY="x", ALLOWED_HOSTS=["testserver"])
django.setup()
from django.test import RequestFactory
import views
answer = views.picture(RequestFactory().get("/", {"prompt": "a fox"}))
print(answer.status_code, answer["content-type"], answer.content[:4])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=here
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == r"200 image/png b'\x89PNG'"


def test_in_tests(capsys: pytest.CaptureFixture[str]) -> None:
    """A transport answers for the vendor, and its Retry-After reaches the error."""
    block(PAGE, "python", "In tests").run()
    out = capsys.readouterr().out
    assert out.startswith("7.0 painted by nobody")
    assert "rate_limit_exceeded 429" in out


def test_every_example_is_run_here() -> None:
    """The page has no block of Python that this module does not run."""
    source = Path(__file__).read_text("utf-8")
    assert [b.section for b in blocks("python", PAGE) if f'"{b.section}")' not in source] == []
