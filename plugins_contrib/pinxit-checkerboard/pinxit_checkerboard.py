"""A complete provider: checkerboards, drawn offline and without a key."""

import struct
import zlib
from datetime import date
from decimal import Decimal

import pinxit

SQUARE = 8  # pixels

BOARD = pinxit.Model(
    id="checkerboard/mono",
    title="Checkerboard",
    operations={
        "generate": pinxit.Capability(
            sizes=pinxit.SizeRange(min_edge=SQUARE, max_edge=1024, multiple_of=SQUARE),
            default_size="64x64",
            max_n=4,
        )
    },
    prices=(pinxit.Price(usd=Decimal(0), as_of=date(2026, 11, 22)),),
    offline=True,
)


@pinxit.hookimpl
def register_models() -> list[pinxit.Model]:
    return [BOARD]


@pinxit.hookimpl
async def generate(request: pinxit.GenerateRequest) -> pinxit.ImagesResponse:
    width, height = map(int, (request.size or "64x64").split("x"))
    return pinxit.ImagesResponse(data=(pinxit.Image(draw(width, height)),) * request.n)


def draw(width: int, height: int) -> bytes:
    """Return a grey PNG; see the PNG specification, sections 5 and 11."""
    dark = (b"\0" * SQUARE + b"\xff" * SQUARE) * (width // SQUARE)
    rows = [b"\0" + dark[at : at + width] for at in (0, SQUARE) for _ in range(SQUARE)]
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join((rows * (height // SQUARE))[:height]))
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
