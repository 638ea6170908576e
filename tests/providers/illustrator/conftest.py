"""What the tests of the illustrator share: orders carried out at once, and pictures to start from."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageDraw

from pinxit_providers.illustrator import studio
from pinxit_providers.illustrator.orders import Order

Draw = Callable[..., bytes]
Open = Callable[[bytes], Image.Image]
SIZE = 96


def _order(operation: Any, prompt: str, fields: dict[str, Any]) -> Order:
    size: dict[str, Any] = {}
    if operation == "generate":
        size = {"width": SIZE, "height": SIZE}
    known: dict[str, Any] = {"operation": operation, "prompt": prompt, "seed": 7}
    return Order(**(known | size | fields))


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draws a prompt in this process; keywords are fields of the order."""

    def run(prompt: str, shown: list[bytes] | None = None, **fields: Any) -> bytes:
        stages = shown if shown is not None else []
        return studio.execute(_order("generate", prompt, fields), (), stages.append)

    return run


@pytest.fixture(scope="session")
def edit() -> Draw:
    """Edits pictures in this process: the instruction, the pictures, perhaps a mask."""

    def run(
        prompt: str,
        *images: bytes,
        mask: bytes | None = None,
        shown: list[bytes] | None = None,
        **fields: Any,
    ) -> bytes:
        blobs = [*images, mask] if mask is not None else list(images)
        stages = shown if shown is not None else []
        order = _order("edit", prompt, {"images": len(images)} | fields)
        return studio.execute(order, blobs, stages.append)

    return run


@pytest.fixture(scope="session")
def vary() -> Draw:
    """Varies a picture in this process."""

    def run(image: bytes, shown: list[bytes] | None = None, **fields: Any) -> bytes:
        stages = shown if shown is not None else []
        return studio.execute(
            _order("variation", "", {"images": 1} | fields), [image], stages.append
        )

    return run


@pytest.fixture(scope="session")
def pixels() -> Open:
    """Opens a picture file."""

    def run(data: bytes) -> Image.Image:
        picture = Image.open(io.BytesIO(data))
        picture.load()
        return picture

    return run


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A picture that is not ours: a sky over a field."""
    picture = Image.linear_gradient("L").resize((SIZE, SIZE)).convert("RGB")
    ImageDraw.Draw(picture).rectangle((0, 60, SIZE, SIZE), fill=(90, 140, 60))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def mask() -> bytes:
    """A mask that lets the right half be repainted."""
    picture = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 255))
    ImageDraw.Draw(picture).rectangle((SIZE // 2, 0, SIZE, SIZE), fill=(0, 0, 0, 0))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def fox(draw: Draw) -> bytes:
    """A picture of ours."""
    return draw("a red fox in the snow at night")
