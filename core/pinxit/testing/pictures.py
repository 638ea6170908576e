"""Small real pictures of every format, for tests and for stand-ins of providers.

The same arguments always give the same bytes.
"""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from __future__ import annotations

import io
import random
import zlib
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from PIL import Image as PillowImage

__all__ = [
    "add_part",
    "animation",
    "colour_profile",
    "draw",
    "mask",
    "picture",
    "with_credentials",
]

# A JUMBF superbox as C2PA puts it into every format: a description box with the type and label `c2pa`.
_LABEL = bytes.fromhex("6332706100110010800000aa00389b71") + b"\x03c2pa\0"
_DESCRIPTION = (8 + len(_LABEL)).to_bytes(4, "big") + b"jumd" + _LABEL
_MANIFEST = (8 + len(_DESCRIPTION)).to_bytes(4, "big") + b"jumb" + _DESCRIPTION
_C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def draw(width: int, height: int, *, mode: str = "RGB", noise: int = 0) -> PillowImage.Image:
    """Return a gradient with a different colour in each corner; the right half is half transparent.

    Args:
        width: Pixels.
        height: Pixels.
        mode: Pillow's mode, such as ``RGB`` or ``RGBA``.
        noise: 1 to 255 makes the picture hard to compress.
    """
    from PIL import Image, ImageChops

    across = Image.linear_gradient("L").rotate(90).resize((width, height))
    down = Image.linear_gradient("L").resize((width, height))
    image = Image.merge("RGB", (across, down, ImageChops.invert(across)))
    if noise:
        source = random.Random(width * height)  # noqa: S311 - nothing here is secret
        grain = source.randbytes(width * height * 3)
        grains = Image.frombytes("RGB", (width, height), grain)
        image = Image.blend(image, grains, noise / 255)
    if mode in {"RGBA", "LA"}:
        half = Image.new("L", (width, height), 255)
        half.paste(128, (width // 2, 0, width, height))
        image.putalpha(half)
    if mode == "I;16":
        grey = image.convert("L").tobytes()
        return Image.frombytes("I;16", (width, height), bytes(v for g in grey for v in (g, g)))
    return image.convert(mode)


def picture(
    format: str = "png",
    width: int = 64,
    height: int = 48,
    *,
    mode: str = "RGB",
    noise: int = 0,
    **options: Any,
) -> bytes:
    """Return a picture file; *options* are those of Pillow's ``save``."""
    if format == "svg":
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"></svg>'
        ).encode()
    out = io.BytesIO()
    draw(width, height, mode=mode, noise=noise).save(out, format.upper(), **options)
    return out.getvalue()


def colour_profile(*, swapped: bool = False) -> bytes:
    """Return an ICC profile: sRGB, or one that takes red for green and green for red."""
    from PIL import ImageCms

    # Pillow does not say what createProfile returns.
    created = cast("Any", ImageCms.createProfile("sRGB"))
    profile = ImageCms.ImageCmsProfile(created).tobytes()
    if swapped:
        # Tags change places by way of a name that no profile has.
        for old, new in ((b"rXYZ", b"rgrg"), (b"gXYZ", b"rXYZ"), (b"rgrg", b"gXYZ")):
            profile = profile.replace(old, new)
    return profile


def animation(format: str = "gif", width: int = 16, height: int = 12, *, frames: int = 3) -> bytes:
    """Return an animated GIF, WebP, PNG or AVIF."""
    from PIL import Image

    images = [
        Image.new("RGB", (width, height), (80 * place % 256, 0, 90)) for place in range(frames)
    ]
    out = io.BytesIO()
    images[0].save(
        out, format.upper(), save_all=True, append_images=images[1:], duration=100, loop=0
    )
    return out.getvalue()


def mask(width: int = 64, height: int = 48, *, format: str = "png") -> bytes:
    """Return a mask in the API's way: white and opaque, with a transparent left half."""
    from PIL import Image

    layer = Image.new("RGBA", (width, height), "white")
    layer.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    out = io.BytesIO()
    options = {"lossless": True} if format == "webp" else {}
    layer.save(out, format.upper(), **options)
    return out.getvalue()


def add_part(data: bytes, kind: bytes, body: bytes) -> bytes:
    """Put one more part into a file: a PNG chunk, a JPEG segment, a WebP chunk or a GIF extension.

    Args:
        data: The file.
        kind: The chunk's type, the JPEG's marker byte or the GIF's label byte.
        body: The payload, below 64 kB for JPEG.
    """
    if data.startswith(b"\x89PNG"):
        crc = zlib.crc32(kind + body).to_bytes(4, "big")
        # Behind IHDR, which is 25 bytes long.
        return data[:33] + len(body).to_bytes(4, "big") + kind + body + crc + data[33:]
    if data.startswith(b"\xff\xd8"):
        return data[:2] + b"\xff" + kind + (len(body) + 2).to_bytes(2, "big") + body + data[2:]
    if data.startswith(b"RIFF"):
        # Chunks of RIFF begin at even places.
        chunk = kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)
        return data[:4] + (len(data) - 8 + len(chunk)).to_bytes(4, "little") + data[8:] + chunk
    palette = 3 * 2 ** (data[10] % 8 + 1) if data[10] & 0x80 else 0
    blocks = b"".join(
        bytes([len(body[at : at + 255])]) + body[at : at + 255] for at in range(0, len(body), 255)
    )
    start = 13 + palette
    # Extensions came with this version; a file of the older one becomes one of it.
    return b"GIF89a" + data[6:start] + b"\x21" + kind + blocks + b"\0" + data[start:]


def with_credentials(data: bytes, *, size: int = 0) -> bytes:
    """Put a C2PA manifest store into a picture file: its boxes are true, its content is nothing.

    Args:
        data: The file.
        size: Bytes to pad the store with, as real ones hold thumbnails.
    """
    manifest = _MANIFEST + b"\0" * size
    if data.startswith(b"\x89PNG"):
        return add_part(data, b"caBX", manifest)
    if data.startswith(b"\xff\xd8"):
        return add_part(data, b"\xeb", b"JP\0\1\0\0\0\1" + manifest)
    if data.startswith(b"RIFF"):
        return add_part(data, b"C2PA", manifest)
    if data.startswith(b"GIF8"):
        # An application's identifier is a sub-block of eleven bytes.
        return _with_gif_manifest(data, manifest)
    if data[4:8] == b"ftyp":
        box = b"uuid" + _C2PA_BOX + b"\0\0\0\0manifest\0" + b"\0" * 8 + manifest
        return data + (len(box) + 4).to_bytes(4, "big") + box
    return data.replace(
        b"</svg>", b"<metadata><c2pa:manifest>AAAA</c2pa:manifest></metadata></svg>"
    )


def _with_gif_manifest(data: bytes, manifest: bytes) -> bytes:
    extended = add_part(data, b"\xff", b"C2PA_GIF\x01\0\0")
    at = extended.index(b"C2PA_GIF") + 11
    blocks = b"".join(
        bytes([len(manifest[i : i + 255])]) + manifest[i : i + 255]
        for i in range(0, len(manifest), 255)
    )
    return extended[:at] + blocks + extended[at:]
