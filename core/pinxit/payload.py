"""One picture, carried as it came: bytes, base64 text or a URL, converted only when somebody asks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .errors import InvalidImage
from .headers import HEADER_BYTES, ImageInfo, inspect

__all__ = ["Fetch", "Image"]

Fetch = Callable[[str], Awaitable[bytes]]
"""Downloads the picture behind a URL."""

# Base64 turns 3 bytes into 4 characters; a header is read without decoding the rest.
_HEADER_CHARS = HEADER_BYTES // 3 * 4
_SUFFIXES = {"jpg": "jpeg", "jpeg": "jpeg", "png": "png", "webp": "webp"}


class Image:
    """One picture, input or result.

    Args:
        data: The file's bytes.
        b64_json: The file as base64 text.
        url: An ``https://`` or ``data:`` URL.
        revised_prompt: The prompt as the model changed it.
        seed: The seed that was used, where the provider tells.
        filename: A name for uploads; never a path.
        fetch: How to download *url*; the router supplies it.

    Raises:
        InvalidImage: There is neither data nor a URL.
    """

    __slots__ = ("_base64", "_data", "_fetch", "_info", "filename", "revised_prompt", "seed", "url")

    def __init__(
        self,
        data: bytes | None = None,
        *,
        b64_json: str | bytes | None = None,
        url: str | None = None,
        revised_prompt: str | None = None,
        seed: int | None = None,
        filename: str | None = None,
        fetch: Fetch | None = None,
    ) -> None:
        if data is None and b64_json is None and url is None:
            raise InvalidImage(
                "image: there is no picture; give bytes, base64 text or a URL", param="image"
            )
        self._data = data
        self._base64: str | bytes | None = b64_json
        self._fetch = fetch
        self._info: ImageInfo | None = None
        self.url = url
        self.revised_prompt = revised_prompt
        self.seed = seed
        self.filename = filename
        if url is not None and url.startswith("data:") and not self.is_local:
            self._base64 = _data_uri(url)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, field: str = "image") -> Self:
        """Read a picture from a file.

        Raises:
            InvalidImage: The file cannot be read.
        """
        file = Path(path)
        try:
            return cls(file.read_bytes(), filename=file.name)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise InvalidImage(
                f"{field}: cannot read {str(path)!r}: {reason}", param=field
            ) from error

    @property
    def is_local(self) -> bool:
        """Whether the picture itself is here, and not only its URL."""
        return self._data is not None or self._base64 is not None

    @property
    def b64_json(self) -> str | None:
        """The file as base64 text, or ``None`` for a picture that is only a URL."""
        if self._base64 is None:
            if self._data is None:
                return None
            self._base64 = base64.b64encode(self._data)
        if isinstance(self._base64, bytes):
            self._base64 = self._base64.decode("ascii")
        return self._base64

    @property
    def data(self) -> bytes:
        """The file's bytes, for a picture that is here; use `read` for one that may be a URL.

        Raises:
            InvalidImage: The base64 text is broken, or the picture is only a URL.
        """
        if self._data is None:
            if self._base64 is None:
                raise InvalidImage(f"image: not downloaded yet, await read() first: {self.url}")
            self._data = _decode(self._base64)
        return self._data

    async def read(self) -> bytes:
        """Return the file's bytes, downloading them the first time if need be.

        Raises:
            InvalidImage: The base64 text is broken, or there is no way to download the URL.
        """
        if not self.is_local:
            if self._fetch is None:
                raise InvalidImage(f"image: no router is there to download {self.url}")
            self._data = await self._fetch(cast("str", self.url))
        return self.data

    @property
    def info(self) -> ImageInfo:
        """Format and size from the file's header.

        Raises:
            InvalidImage: It is no picture, or not downloaded yet.
        """
        if self._info is None:
            self._info = self._inspect()
        return self._info

    def _inspect(self) -> ImageInfo:
        if self._data is None and self._base64 is not None:
            try:
                return inspect(_decode(self._base64[:_HEADER_CHARS]))
            except InvalidImage:
                # Some headers stand behind more than 64 kB of colour profile.
                if len(self._base64) <= _HEADER_CHARS:
                    raise
        return inspect(self.data)

    @property
    def width(self) -> int:
        """Pixels, from the header."""
        return self.info.width

    @property
    def height(self) -> int:
        """Pixels, from the header."""
        return self.info.height

    @property
    def format(self) -> str:
        """``png``, ``jpeg``, ``webp``, ``gif``, ``avif`` or ``svg``, from the header."""
        return self.info.format

    @property
    def media_type(self) -> str:
        """The MIME type, from the header."""
        return self.info.media_type

    @property
    def byte_count(self) -> int:
        """Bytes of the file, without decoding base64 text; 0 for a picture that is only a URL."""
        if self._data is not None:
            return len(self._data)
        return len(self._base64) * 3 // 4 if self._base64 is not None else 0

    def digest(self) -> str:
        """Return the SHA-256 of the picture, or of its URL, as hexadecimal text."""
        content = self.data if self.is_local else cast("str", self.url).encode()
        return hashlib.sha256(content).hexdigest()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file and return its path.

        The bytes are written as they came, except where the name asks for another of PNG, JPEG and
        WebP: then the picture is converted. A name without a suffix gets the right one.
        """
        file = Path(path)
        if not file.suffix:
            file = file.with_name(f"{file.name}.{self.format}")
        wanted = _SUFFIXES.get(file.suffix[1:].lower(), self.format)
        data = self.data
        if self.format not in {wanted, "svg"}:
            from .images import convert

            data = convert(data, wanted)
        file.write_bytes(data)
        return file

    def show(self) -> None:
        """Open the picture in the system's viewer."""
        from .images import open_image

        open_image(self.data).show()

    def _repr_png_(self) -> bytes | None:
        """Show the picture in a notebook."""
        if not self.is_local or self.format == "svg":
            return None
        if self.format == "png":
            return self.data
        from .images import convert

        return convert(self.data, "png")

    def _repr_svg_(self) -> str | None:
        return self.data.decode() if self.is_local and self.format == "svg" else None

    def __repr__(self) -> str:
        if not self.is_local:
            return f"<Image at {cast('str', self.url).partition('?')[0]}>"
        try:
            return f"<Image {self.format} {self.info.size}>"
        except InvalidImage:
            return "<Image unreadable>"

    def replace(
        self,
        data: bytes | None = None,
        *,
        url: str | None = None,
        b64_json: str | bytes | None = None,
        fetch: Fetch | None = None,
    ) -> Image:
        """Return a copy with another payload or way to download; what is said about it stays."""
        fresh = data is not None or b64_json is not None
        return Image(
            data if fresh else self._data,
            b64_json=b64_json if fresh else self._base64,
            url=url if url is not None else None if fresh else self.url,
            revised_prompt=self.revised_prompt,
            seed=self.seed,
            filename=self.filename,
            fetch=fetch or self._fetch,
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic accept an `Image`, bytes, a `Path`, a URL or the API's ``{"image_url": ...}``."""
        del source, handler
        return core_schema.no_info_plain_validator_function(
            _coerce, serialization=core_schema.plain_serializer_function_ser_schema(_dump)
        )


def _coerce(value: object) -> Image:
    if isinstance(value, Image):
        return value
    if isinstance(value, bytes | bytearray):
        return Image(bytes(value))
    if isinstance(value, os.PathLike):
        return Image.open(cast("os.PathLike[str]", value))
    if isinstance(value, Mapping):
        return _from_mapping(cast("Mapping[str, Any]", value))
    # A plain string is never taken for a path: requests come from strangers too.
    if isinstance(value, str) and value.startswith(("https://", "http://", "data:")):
        return Image(url=value)
    raise ValueError(
        "not a picture: give bytes, a pathlib.Path, an Image, or a https:// or data: URL"
    )


def _from_mapping(value: Mapping[str, Any]) -> Image:
    known = {"url", "image_url", "b64_json", "revised_prompt", "seed"}
    if unknown := value.keys() - known:
        raise ValueError(f"unknown field {min(unknown)!r}; a picture has image_url or b64_json")
    url = value.get("url") or value.get("image_url")
    if url is not None and not (
        isinstance(url, str) and url.startswith(("https://", "http://", "data:"))
    ):
        raise ValueError("image_url is not an http(s) or data URL")
    text = value.get("b64_json")
    if isinstance(text, str) and text.startswith("data:"):
        text = _data_uri(text)
    return Image(
        b64_json=text, url=url, revised_prompt=value.get("revised_prompt"), seed=value.get("seed")
    )


def _dump(image: Image) -> dict[str, Any]:
    fields = {
        "url": image.url,
        "b64_json": None if image.url else image.b64_json,
        "revised_prompt": image.revised_prompt,
        "seed": image.seed,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _data_uri(url: str) -> str:
    head, comma, text = url.partition(",")
    if not comma or not head.endswith(";base64"):
        raise InvalidImage(
            "image: a data: URL must hold base64 (data:image/png;base64,...)", param="image"
        )
    return text


def _decode(text: str | bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidImage(f"image: broken base64 ({error})", param="image") from error
