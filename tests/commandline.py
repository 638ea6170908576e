"""The command line in tests: run in this process, with plugins that are files in a folder."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pinxit.cli import main

PAINTER = '''
"""A provider that paints dots, offline, in every way that a command has to tell apart."""

import asyncio, os, signal

from pinxit import *
from pinxit.payload import Image
from pinxit.testing.pictures import picture

CAP = Capability(
    sizes=SizeRange(max_edge=512, auto=True), max_n=4, qualities=("low", "high"), streaming=True,
    output_formats=("png", "jpeg"), partial_images=3, images=InputImages(max=4), mask=Mask(),
)
ALL = {"generate": CAP, "edit": CAP, "variation": CAP}

@hookimpl
def register_models():
    yield Model(id="test/dot", operations=ALL, offline=True)
    for name in ("refuses", "fails", "breaks", "waits", "clear"):
        yield Model(id=f"test/{name}", operations={"generate": CAP}, offline=True)

async def paint(request, model, context):
    if model.name == "refuses":
        raise ContentRejected("the painter does not paint this")
    if model.name == "fails":
        raise ProviderError("the brush is broken", upstream_status=500, billing="ambiguous")
    if model.name == "breaks":
        raise KeyError("a bug of the painter")
    if model.name == "waits":
        print("waiting", flush=True)
        await asyncio.Event().wait()
    width, height = map(int, (request.size or "64x48").split("x")) if request.size != "auto" else (64, 48)
    for index in range(request.partial_images or 0):
        await context.emit(PartialImage(index=index, image=Image(picture("png", 8, 8))))
    mode = "RGBA" if model.name == "clear" else "RGB"
    data = picture(request.output_format or "png", width, height, mode=mode)
    return ImagesResponse(data=[Image(data, revised_prompt="a round dot") for _ in range(request.n)])

@hookimpl
async def generate(request, model, context):
    return await paint(request, model, context)

@hookimpl
async def edit(request, model, context):
    return await paint(request, model, context)

@hookimpl
async def variation(request, model, context):
    return await paint(request, model, context)
'''

SHOP = '''
"""A provider with a key and a price, over HTTP."""

from datetime import date
from decimal import Decimal

import httpx

from pinxit import *

CAP = Capability(
    sizes=FixedSizes(values=("1024x1024",)), qualities=("low", "high"), quality_map={"hd": "high"},
    styles=(), output_formats=("png",),
)

@hookimpl
def register_models():
    prices = [Price(usd=Decimal(usd), quality=quality, as_of=date(2026, 1, 1))
              for quality, usd in (("low", "0.01"), ("high", "0.04"))]
    facts = Facts(as_of=date(2026, 1, 1), source="the shop")
    yield Model(id="shop/one", operations={"generate": CAP}, prices=prices, facts=facts)
    gone = Lifecycle(retired=date(2025, 1, 1), successor=Succession(model="shop/one"))
    yield Model(id="shop/zero", operations={"generate": CAP}, lifecycle=gone)

@hookimpl
def register_settings():
    yield Setting(name="api_key", env=("SHOP_KEY",), required=True, secret=True)
    yield Setting(name="base_url", default="https://user:word@shop.test/v1?token=x")
    yield Setting(name="region", env=("SHOP_REGION",))

def build(request, context):
    return httpx.Request(
        "POST", "https://shop.test/v1/paint", json={"prompt": request.prompt, "quality": request.quality},
        headers={"authorization": f"Bearer {context.settings['api_key']}"},
    )

@hookimpl
def preview(request, model, context):
    return build(request, context)

@hookimpl
async def generate(request, model, context):
    response = await context.http.send(build(request, context))
    response.raise_for_status()
'''

CONFIG = '[routes.default]\nmodels = ["test/dot"]\ndescription = "dots"\n'


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def paths(self) -> list[str]:
        """The lines of standard output."""
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Standard output as JSON: it must hold nothing else."""
        return json.loads(self.out)


class _Terminal(io.StringIO):
    """Standard input that somebody could type into."""

    def isatty(self) -> bool:
        return True


@dataclass
class Commands:
    """Runs commands in a folder of their own."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def __call__(self, *words: str, stdin: str | None = None) -> Ran:
        """Run a command here; without *stdin* somebody sits at the keyboard and types nothing."""
        self.patch.setattr(sys, "stdin", _Terminal() if stdin is None else io.StringIO(stdin))
        self.capture.readouterr()
        code = main(words)
        out, err = self.capture.readouterr()
        return Ran(code, out, err)

    def spawn(self, *words: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "pinxit.cli", *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environ},
            timeout=60,
            check=False,
        )

    def plugin(self, name: str, text: str) -> None:
        """Install a plugin for the commands that follow."""
        (self.folder / "plugins" / f"{name}.py").write_text(text)

    def configure(self, text: str) -> None:
        """Write ``pinxit.toml``."""
        (self.folder / "pinxit.toml").write_text(text)
