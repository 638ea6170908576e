"""What goes in and what comes out. Field names are those of the OpenAI Images API."""

import difflib
import re
import reprlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar, cast, get_args

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from .errors import InvalidImage, RequestError
from .options import Identity, Name, Options
from .payload import INVALID_IMAGE, Image
from .report import Frozen, Report, Usd

__all__ = [
    "EditRequest",
    "GenerateRequest",
    "Image",
    "ImagesResponse",
    "Operation",
    "PartialImage",
    "Request",
    "Svg",
    "TokenDetails",
    "Usage",
    "VariationRequest",
    "add_usage",
    "build",
    "explain",
    "parse_ratio",
    "parse_size",
    "rebuild",
]

Operation = Literal["generate", "edit", "variation"]

MAX_N = 10
"""Pictures that one request may ask for."""

LONGEST_NAME = 80
"""Characters of what a caller wrote that are repeated in an error."""

_WHOLE_SENTENCES = frozenset({"missing", "too_long", "too_short", INVALID_IMAGE})
_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_RATIO = re.compile(r"(\d{1,4}(?:\.\d{1,4})?):(\d{1,4}(?:\.\d{1,4})?)")
_CLASSES = frozenset({"auto", "512", "1K", "2K", "3K", "4K"})


def parse_size(size: str | None) -> tuple[int, int] | None:
    """Return the pixels of ``WIDTHxHEIGHT``, or ``None`` for anything else."""
    match = _SIZE.fullmatch(size or "")
    return (int(match[1]), int(match[2])) if match else None


def parse_ratio(ratio: str | None) -> float | None:
    """Return width divided by height of ``WIDTH:HEIGHT``, or ``None`` for anything else."""
    match = _RATIO.fullmatch(ratio or "")
    if not match or not float(match[1]) or not float(match[2]):
        return None
    return float(match[1]) / float(match[2])


def _check_size(value: str) -> str:
    value = value.strip().replace("*", "x").replace("×", "x")  # noqa: RUF001 - people type it
    value = value.upper() if value.lower().endswith("k") else value.lower()
    if value in _CLASSES or parse_size(value):
        return value
    raise ValueError(
        "is neither WIDTHxHEIGHT, such as 1024x1024, nor a class (1K, 2K, 4K), nor auto"
    )


def _check_ratio(value: str) -> str:
    if value == "auto" or parse_ratio(value):
        return value
    raise ValueError("is not WIDTH:HEIGHT, such as 16:9, nor auto")


Prompt = Annotated[str, StringConstraints(max_length=100_000, pattern=r"\S")]
Size = Annotated[
    str,
    AfterValidator(_check_size),
    Field(json_schema_extra={"pattern": r"^(auto|512|[1-4]K|[1-9]\d{0,4}x[1-9]\d{0,4})$"}),
]
AspectRatio = Annotated[
    str,
    AfterValidator(_check_ratio),
    Field(
        json_schema_extra={"pattern": r"^(auto|[1-9]\d{0,3}(\.\d{1,4})?:[1-9]\d{0,3}(\.\d{1,4})?)$"}
    ),
]


class Svg(Frozen):
    """Options of ``output_format="svg"``."""

    model: str | None = None
    reasoning: dict[Literal["effort"], str] | None = None


class _Request(Options):
    """What all operations share. ``None`` means absent, ``auto`` the model's choice."""

    operation: ClassVar[Operation]

    model: Name | None = None
    """``provider/name``, a bare name, an alias, a route, or ``auto``; ``None`` is the default route."""
    n: int = Field(default=1, ge=1, le=MAX_N)
    size: Size | None = None
    aspect_ratio: AspectRatio | None = None
    quality: Literal["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"] | None = (
        None
    )
    style: Literal["vivid", "natural"] | None = None
    background: Literal["auto", "transparent", "opaque"] | None = None
    output_format: Literal["png", "jpeg", "webp", "gif", "svg"] | None = None
    output_compression: int | None = Field(default=None, ge=0, le=100)
    response_format: Literal["url", "b64_json"] | None = None
    moderation: Literal["auto", "low"] | None = None
    complexity: Literal["low", "medium", "high"] | None = None
    negative_prompt: str | None = Field(default=None, max_length=100_000)
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    stream: bool = False
    partial_images: int | None = Field(default=None, ge=0, le=3)
    frame_count: int | None = Field(default=None, ge=2, le=64)
    frame_duration_ms: int | None = Field(default=None, ge=10, le=655_350)
    svg: Svg | None = None
    extra: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    """Provider-specific options, keyed by provider and handed on untouched."""
    user: str | None = Field(default=None, max_length=1024)
    safety_identifier: str | None = Field(default=None, max_length=1024)
    name: str | None = Field(default=None, max_length=256)
    metadata: dict[str, Annotated[str, Field(max_length=512)]] | None = Field(
        default=None, max_length=64
    )
    identity: Identity | None = None

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, values: object) -> object:
        if not isinstance(values, Mapping):
            return values
        # `null` means absent; it must not count as said.
        present: dict[str, Any] = {
            name: value
            for name, value in cast("Mapping[str, Any]", values).items()
            if value is not None
        }
        if "image" in present and "images" in cls.model_fields:
            image = present.pop("image")
            several = isinstance(image, list | tuple)
            present.setdefault("images", image if several else [image])
        return present

    @field_validator("aspect_ratio")
    @classmethod
    def _agrees_with_size(cls, value: str | None, info: ValidationInfo) -> str | None:
        pixels, ratio = parse_size(info.data.get("size")), parse_ratio(value)
        if pixels and ratio:
            have = pixels[0] / pixels[1]
            # Sizes that providers themselves call 16:9 are up to this far from it.
            if min(have, ratio) < 0.97 * max(have, ratio):
                raise ValueError(f"contradicts size {info.data['size']}; give one of the two")
        return value

    @field_validator("output_format")
    @classmethod
    def _carries_background(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value == "jpeg" and info.data.get("background") == "transparent":
            raise ValueError("cannot carry a transparent background; ask for png or webp")
        return value

    @field_validator("negative_prompt")
    @classmethod
    def _blank_is_absent(cls, value: str | None) -> str | None:
        return value if value and value.strip() else None


class GenerateRequest(_Request):
    """Make pictures from a prompt."""

    operation: ClassVar[Operation] = "generate"
    prompt: Prompt


class EditRequest(_Request):
    """Change pictures as a prompt says, inside a mask if there is one.

    The mask is as large as the first picture; its pixels with alpha 0 are repainted.
    """

    operation: ClassVar[Operation] = "edit"
    prompt: Prompt
    images: tuple[Image, ...] = Field(min_length=1, max_length=16)
    mask: Image | None = None
    markup: Image | None = None
    input_fidelity: Literal["low", "high"] | None = None

    @field_validator("markup")
    @classmethod
    def _instead_of_mask(cls, value: Image | None, info: ValidationInfo) -> Image | None:
        if value is not None and info.data.get("mask") is not None:
            raise ValueError("cannot be combined with a mask; give one of the two")
        return value


class VariationRequest(_Request):
    """Make pictures like the given one."""

    operation: ClassVar[Operation] = "variation"
    images: tuple[Image, ...] = Field(min_length=1, max_length=1)


Request = GenerateRequest | EditRequest | VariationRequest
R = TypeVar("R", GenerateRequest, EditRequest, VariationRequest)


class TokenDetails(Frozen):
    """Tokens by kind."""

    text_tokens: int = 0
    image_tokens: int = 0


class Usage(Frozen):
    """Token counts, where the provider reports them."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: TokenDetails = Field(default_factory=TokenDetails)
    output_tokens_details: TokenDetails | None = None


def add_usage(usages: Sequence[Usage]) -> Usage:
    """Return the token counts of several calls together."""

    def added(details: Sequence[TokenDetails | None]) -> TokenDetails | None:
        known = [detail for detail in details if detail is not None]
        if not known:
            return None
        return TokenDetails(
            text_tokens=sum(d.text_tokens for d in known),
            image_tokens=sum(d.image_tokens for d in known),
        )

    return Usage(
        input_tokens=sum(u.input_tokens for u in usages),
        output_tokens=sum(u.output_tokens for u in usages),
        total_tokens=sum(u.total_tokens for u in usages),
        input_tokens_details=added([u.input_tokens_details for u in usages]) or TokenDetails(),
        output_tokens_details=added([u.output_tokens_details for u in usages]),
    )


class ImagesResponse(Frozen):
    """The pictures, and under them the signature."""

    created: int = Field(default_factory=lambda: int(time.time()))
    """Unix seconds."""
    data: tuple[Image, ...]
    usage: Usage | None = None
    size: str | None = None
    quality: str | None = None
    output_format: str | None = None
    background: str | None = None
    cost: Usd | None = None
    """US dollars as the provider itself states them."""
    report: Report = Field(default_factory=Report)


class PartialImage(Frozen):
    """A picture on its way, for streams."""

    index: int = Field(ge=0)
    """0 for the first partial picture."""
    image: Image


def build(cls: type[R], values: Mapping[str, Any]) -> R:
    """Validate *values* as a request of type *cls*.

    Raises:
        RequestError: One sentence that names the field, its value and what is allowed.
    """
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise explain(error, cls) from error


def rebuild(request: Request, values: Mapping[str, Any]) -> Request:
    """Validate *values* as a request of the same type.

    Raises:
        RequestError: As `build`.
    """
    match request:
        case GenerateRequest():
            return build(GenerateRequest, values)
        case EditRequest():
            return build(EditRequest, values)
        case VariationRequest():
            return build(VariationRequest, values)


def explain(error: ValidationError, cls: type[Frozen]) -> RequestError:
    """Turn the first of pydantic's complaints into a sentence for the caller."""
    details = error.errors(include_url=False, include_context=True)[0]
    # Unions and validators put their own names into the location; callers know only the fields.
    said = [str(part)[:LONGEST_NAME] for part in details["loc"]]
    place = [part for part in said if "[" not in part and part != "image"]
    field = ".".join(place) or "request"
    if place and place[0] == "images":
        field = _picture_name(place[1:])
    message = f"{field}: {_sentence(details)}"
    if details["type"] == "extra_forbidden":
        # Here the last name is the caller's own, whatever it looks like.
        field = ".".join(said)
        known = _fields_at(cls, details["loc"][:-1])
        message = f"unknown parameter {field!r}"
        if near := difflib.get_close_matches(said[-1], known, n=1, cutoff=0.6):
            message += f"; did you mean {near[0]!r}?"
    elif details["type"] == "value_error" and place:
        message = f"{field} {_abbreviate(details['input'])}: {_sentence(details)}"
    elif details["type"] not in _WHOLE_SENTENCES and place:
        message += f", not {_abbreviate(details['input'])}"
    kind = InvalidImage if details["type"] == INVALID_IMAGE else RequestError
    return kind(message, param=field)


def _picture_name(place: Sequence[str]) -> str:
    """Name a picture as everything else does that looks at one."""
    return f"image[{place[0]}]" if place and place[0] != "0" else "image"


def _fields_at(cls: type[Frozen], path: Sequence[str | int]) -> list[str]:
    """Return the names of the object at a place of a request; none where nothing is known of it."""
    for name in (part for part in path if isinstance(part, str) and "[" not in part):
        field = cls.model_fields.get(name)
        found = next(_objects_in(field.annotation), None) if field else None
        if found is None:
            return []
        cls = found
    fields = list(cls.model_fields)
    return [*fields, "image"] if "images" in fields else fields


def _objects_in(annotation: object) -> Iterator[type[Frozen]]:
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        yield annotation
    for inner in get_args(annotation):
        yield from _objects_in(inner)


def _sentence(details: ErrorDetails) -> str:
    if details["type"] == "missing":
        return "is required"
    if details["type"] == "string_pattern_mismatch":
        return "must not be empty"
    if details["type"] in {"too_long", "too_short"}:
        count, context = len(details["input"]), details.get("ctx", {})
        if "max_length" in context:
            return f"has {count} items, {context['max_length']} are the most"
        return f"has {count} items, {context['min_length']} is the least"
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]


def _abbreviate(value: object) -> str:
    """Show a value in a few words; only as much of it is looked at."""
    if isinstance(value, bytes | bytearray):
        return f"{len(value)} bytes"
    short = reprlib.Repr()
    short.maxother = 2 * LONGEST_NAME
    text = repr(value[:LONGEST_NAME]) if isinstance(value, str) else short.repr(value)
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 3]}..."
