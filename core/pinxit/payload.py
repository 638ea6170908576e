"""One picture, carried as it came: bytes, base64 text or a URL, converted only when somebody asks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from .containers import Source
from .encoded import Encoded, encode, read_data_url
from .errors import InvalidImage
from .headers import ImageInfo, inspect
from .redaction import public_url

if TYPE_CHECKING:
    import asyncio

    from pydantic import GetJsonSchemaHandler

__all__ = ["INVALID_IMAGE", "Fetch", "Image"]

INVALID_IMAGE: Literal["invalid_image"] = "invalid_image"
"""What pydantic calls the error of a picture that is none."""

Fetch = Callable[[str], Awaitable[bytes]]
"""Downloads the picture behind a URL."""

_SUFFIXES = {
    "jpg": "jpeg", "jpeg": "jpeg", "jfif": "jpeg", "png": "png", "webp": "webp", "gif": "gif",
    "avif": "avif", "svg": "svg",
}  # fmt: skip


class Image:
    """One picture, input or result.

    Args:
        data: The file's bytes.
        b64_json: The file as base64 text; it is kept as it is and checked when it is first read.
        url: An ``https://`` or ``data:`` URL.
        revised_prompt: The prompt as the model changed it.
        seed: The seed that was used, where the provider tells.
        filename: A name for uploads; never a path.
        fetch: How to download *url*; the router supplies it.

    Attributes:
        is_plain: Whether `encoded` is known to be base64 and nothing else.

    Raises:
        InvalidImage: There is neither data nor a URL, or a ``data:`` URL is none.
    """

    __slots__ = (
        "_base64", "_data", "_download", "_encoded", "_fetch", "_info",
        "filename", "is_plain", "revised_prompt", "seed", "url",
    )  # fmt: skip

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
        self._encoded: Encoded | None = None
        self.is_plain = False
        self._fetch = fetch
        self._download: asyncio.Lock | None = None
        self._info: ImageInfo | None = None
        self.url = url
        self.revised_prompt = revised_prompt
        self.seed = seed
        self.filename = filename
        if url is not None and url[:5].lower() == "data:" and not self.is_local:
            self._data, self._base64 = read_data_url(url)

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
        text = self._base64 if isinstance(self._base64, str) else self.encoded
        return text.decode("ascii", "replace") if isinstance(text, bytes) else text

    @property
    def encoded(self) -> bytes | None:
        """`b64_json` as ASCII: what writes many megabytes needs no other copy of them."""
        if self._base64 is None and self._data is not None:
            self._base64, self.is_plain = encode(self._data), True
        elif isinstance(self._base64, str):
            self._base64 = self._base64.encode("ascii", "replace")
        return self._base64

    @property
    def source(self) -> Source:
        """The file to read parts of: its bytes, or base64 text that is decoded only where it is read.

        Raises:
            InvalidImage: The base64 text is broken, or the picture is only a URL.
        """
        if self._data is not None:
            return self._data
        if self._encoded is None:
            if self._base64 is None:
                raise InvalidImage(
                    f"image: not downloaded yet, await read() first: {public_url(self.url)}",
                    param="image",
                )
            self._encoded = Encoded(self._base64)
            # Blanks are gone and padding is there.
            self._base64, self.is_plain = self._encoded.text, True
        return self._encoded

    @property
    def data(self) -> bytes:
        """The file's bytes, for a picture that is here; use `read` for one that may be a URL.

        Raises:
            InvalidImage: The base64 text is broken, or the picture is only a URL.
        """
        source = self.source
        if isinstance(source, Encoded):
            self._data = source.decode()
        return cast("bytes", self._data)

    async def read(self, fetch: Fetch | None = None) -> bytes:
        """Return the file's bytes, downloading them the first time if need be.

        Args:
            fetch: How to download, instead of the way that the picture came with.

        Raises:
            InvalidImage: The base64 text is broken, or there is no way to download the URL.
        """
        if not self.is_local:
            import asyncio

            # Two candidates may want the same picture at once; one download does for both.
            self._download = self._download or asyncio.Lock()
            async with self._download:
                if not self.is_local:
                    await self._fetch_with(fetch or self._fetch)
        return self.data

    async def _fetch_with(self, fetch: Fetch | None) -> None:
        if fetch is None:
            raise InvalidImage(
                f"image: no router is there to download {public_url(self.url)}", param="image"
            )
        self._data = await fetch(cast("str", self.url))

    @property
    def info(self) -> ImageInfo:
        """Format and size from the file's header.

        Raises:
            InvalidImage: It is no picture, or not downloaded yet.
        """
        if self._info is None:
            self._info = inspect(self.source)
        return self._info

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
        return len(self.source) if self.is_local else 0

    def digest(self) -> str:
        """Return the SHA-256 of the picture, or of its URL, as hexadecimal text."""
        content = self.data if self.is_local else cast("str", self.url).encode()
        return hashlib.sha256(content).hexdigest()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file and return its path.

        The bytes are written as they came, except where the name asks for another format: then the
        picture is converted. A name without a suffix gets the right one.

        Raises:
            InvalidImage: The picture is only a URL, or an SVG cannot become what the name asks for.
        """
        file = Path(path)
        if not file.suffix:
            file = file.with_name(f"{file.name}.{self.format}")
        wanted = _SUFFIXES.get(file.suffix[1:].lower(), self.format)
        file.write_bytes(self.data if self.format == wanted else self._converted(wanted))
        return file

    def _converted(self, wanted: str) -> bytes:
        if "svg" in {wanted, self.format}:
            raise InvalidImage(
                f"image: {self.format} cannot be saved as {wanted}; name the file .{self.format}",
                param="image",
            )
        from .images import convert

        return convert(self.data, wanted)

    def show(self) -> None:
        """Open the picture in the system's viewer."""
        from .images import open_image

        open_image(self.data).show()

    def _repr_png_(self) -> bytes | None:
        """Show the picture in a notebook."""
        if not self._is_readable() or self.format == "svg":
            return None
        return self.data if self.format == "png" else self._converted("png")

    def _repr_svg_(self) -> str | None:
        if not self._is_readable() or self.format != "svg":
            return None
        return self.data.decode("utf-8", "replace")

    def _is_readable(self) -> bool:
        try:
            return self.is_local and bool(self.info)
        except InvalidImage:
            return False

    def __repr__(self) -> str:
        if not self.is_local:
            return f"<Image at {public_url(self.url)}>"
        return (
            f"<Image {self.format} {self.info.size}>"
            if self._is_readable()
            else "<Image unreadable>"
        )

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
        copy = Image(
            data if fresh else self._data,
            b64_json=b64_json if fresh else self._base64,
            url=url if url is not None else None if fresh else self.url,
            revised_prompt=self.revised_prompt,
            seed=self.seed,
            filename=self.filename,
            fetch=fetch or self._fetch,
        )
        if not fresh:
            # What was checked and measured once need not be again.
            copy._encoded, copy._info, copy.is_plain = self._encoded, self._info, self.is_plain
        return copy

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic accept an `Image`, bytes, an open file, a `Path`, a URL or ``{"image_url": ...}``."""
        del source, handler
        return core_schema.no_info_plain_validator_function(
            _validate, serialization=core_schema.plain_serializer_function_ser_schema(_dump)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe a picture as the HTTP API writes it."""
        del schema, handler
        text = {"type": "string"}
        return {"type": "object", "properties": {"image_url": text, "b64_json": text}}


def _validate(value: object) -> Image:
    """Coerce, and leave it to pydantic to say which of several pictures is none."""
    try:
        return _coerce(value)
    except (InvalidImage, ValueError) as error:
        message = str(error).removeprefix("image: ")
        raise PydanticCustomError(INVALID_IMAGE, "{message}", {"message": message}) from error


def _coerce(value: object) -> Image:
    if isinstance(value, Image):
        return value
    if isinstance(value, bytes | bytearray):
        return Image(bytes(value))
    if isinstance(value, os.PathLike):
        return Image.open(cast("os.PathLike[str]", value))
    if isinstance(value, Mapping):
        return _from_mapping(cast("Mapping[str, Any]", value))
    if hasattr(value, "read"):
        return _from_file(value)
    # A plain string is never taken for a path: requests come from strangers too.
    if isinstance(value, str) and _is_url(value):
        return Image(url=value)
    raise ValueError(
        "not a picture: give bytes, a pathlib.Path, an open file, an Image, or a https:// or data: URL"
    )


def _is_url(text: str) -> bool:
    return text[:8].lower().startswith(("https://", "http://", "data:"))


def _from_file(file: Any) -> Image:
    data = file.read()
    if not isinstance(data, bytes):
        raise ValueError('the file is not open for bytes; open it with mode "rb"')  # noqa: TRY004 - pydantic reports it
    name = getattr(file, "name", None)
    return Image(data, filename=Path(name).name if isinstance(name, str) else None)


def _from_mapping(value: Mapping[str, Any]) -> Image:
    kinds: dict[str, type] = {
        "url": str, "image_url": str, "b64_json": str, "revised_prompt": str, "seed": int,
    }  # fmt: skip
    if unknown := value.keys() - kinds:
        raise ValueError(
            f"unknown field {min(unknown)[:80]!r}; a picture has image_url or b64_json"
        )
    fields = {name: field for name, field in value.items() if field is not None}
    for name, field in fields.items():
        if not isinstance(field, kinds[name]):
            kind = "number" if kinds[name] is int else "string"
            raise ValueError(f"{name} is not a {kind}")  # noqa: TRY004 - pydantic reports it
    url, text = fields.get("url") or fields.get("image_url"), fields.get("b64_json")
    if url is not None and not _is_url(url):
        raise ValueError("image_url is not an http(s) or data URL")
    if text is not None and text[:5].lower() == "data:":
        url, text = url or text, None
    return Image(
        b64_json=text,
        url=url,
        revised_prompt=fields.get("revised_prompt"),
        seed=fields.get("seed"),
    )


def _dump(image: Image) -> dict[str, Any]:
    fields = {
        "url": image.url,
        "b64_json": None if image.url else image.b64_json,
        "revised_prompt": image.revised_prompt,
        "seed": image.seed,
    }
    return {name: value for name, value in fields.items() if value is not None}
