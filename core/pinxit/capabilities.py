"""What a model can do, as data: printed, served, tested against, and fitted to. Nothing here does I/O."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from .images import Polarity
from .report import Frozen, Usd
from .types import Operation, parse_ratio, parse_size

__all__ = [
    "Capability",
    "Facts",
    "FixedSizes",
    "InputImages",
    "Lifecycle",
    "Mask",
    "Model",
    "Price",
    "Ratios",
    "Seed",
    "Setting",
    "SizeRange",
    "Sizes",
    "Succession",
    "TokenPrices",
]


class FixedSizes(Frozen):
    """A closed list of ``WIDTHxHEIGHT``."""

    kind: Literal["fixed"] = "fixed"
    values: tuple[str, ...] = Field(min_length=1)
    auto: bool = False
    """Whether the model takes ``auto``."""

    @field_validator("values")
    @classmethod
    def _pixels(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if bad := [value for value in values if parse_size(value) is None]:
            raise ValueError(f"{bad[0]!r} is not WIDTHxHEIGHT; auto has a field of its own")
        return values

    def accepts(self, width: int, height: int) -> bool:
        """Whether the model offers exactly these pixels."""
        return f"{width}x{height}" in self.values

    def __str__(self) -> str:
        return ", ".join((*self.values, *(("auto",) if self.auto else ())))


class SizeRange(Frozen):
    """Any ``WIDTHxHEIGHT`` within bounds, and a few listed ones."""

    kind: Literal["range"] = "range"
    min_edge: int = Field(default=1, ge=1)
    max_edge: int
    multiple_of: int = Field(default=1, ge=1)
    max_ratio: float | None = Field(default=None, ge=1)
    """The longer edge divided by the shorter one, at most."""
    min_pixels: int = 1
    max_pixels: int | None = None
    listed: tuple[str, ...] = ()
    auto: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_edge > self.max_edge:
            raise ValueError(f"min_edge {self.min_edge} is more than max_edge {self.max_edge}")
        if self.max_pixels is not None and self.min_pixels > self.max_pixels:
            raise ValueError("min_pixels is more than max_pixels")
        return self

    def accepts(self, width: int, height: int) -> bool:
        """Whether the model offers exactly these pixels."""
        if f"{width}x{height}" in self.listed:
            return True
        return (
            all(self.min_edge <= edge <= self.max_edge for edge in (width, height))
            and width % self.multiple_of == height % self.multiple_of == 0
            and self.min_pixels <= width * height <= (self.max_pixels or width * height)
            and max(width, height) <= (self.max_ratio or 1e9) * min(width, height)
        )

    def __str__(self) -> str:
        step = f" in steps of {self.multiple_of}" if self.multiple_of > 1 else ""
        ratio = f", ratio up to {self.max_ratio:g}:1" if self.max_ratio else ""
        return f"{self.min_edge} to {self.max_edge} px per edge{step}{ratio}{', auto' if self.auto else ''}"


class Ratios(Frozen):
    """The caller picks a ratio and perhaps a class; the model knows the pixels.

    A fitted request carries the ratio in ``aspect_ratio`` and the class in ``size``.
    """

    kind: Literal["ratios"] = "ratios"
    classes: dict[str, dict[str, str]] = Field(min_length=1)
    """Per class (``1K``...; the default class first) and ratio the exact pixels: providers' labels
    round, so a ``3:2`` may be 1264x848."""
    named: bool = True
    """Whether the model takes the name of the class; otherwise it has but one."""
    auto: bool = False

    @field_validator("classes")
    @classmethod
    def _readable(cls, classes: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for ratios in classes.values():
            for ratio, pixels in ratios.items():
                if parse_ratio(ratio) is None or parse_size(pixels) is None:
                    raise ValueError(f"{ratio!r}: {pixels!r} is not WIDTH:HEIGHT: WIDTHxHEIGHT")
        return classes

    def accepts(self, width: int, height: int) -> bool:
        """Whether one of the classes has a ratio with exactly these pixels."""
        return any(f"{width}x{height}" == pixels for _, _, pixels in self)

    def __iter__(self) -> Iterator[tuple[str, str, str]]:  # type: ignore[override]  # a table, not a model
        """Yield class, ratio and pixels."""
        for name, ratios in self.classes.items():
            for ratio, pixels in ratios.items():
                yield name, ratio, pixels

    def __str__(self) -> str:
        first = next(iter(self.classes.values()))
        classes = f" in {', '.join(self.classes)}" if self.named else ""
        return f"{', '.join(first)}{classes}{', auto' if self.auto else ''}"


Sizes = Annotated[FixedSizes | SizeRange | Ratios, Field(discriminator="kind")]


class InputImages(Frozen):
    """The pictures that an edit or a variation takes."""

    max: int = Field(default=1, ge=1)
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    max_bytes: int | None = None
    """Bytes of each file, inclusive."""
    max_edge: int | None = None
    """Pixels."""
    square: bool = False


class Mask(Frozen):
    """How a model takes a mask. It is as large as the first picture."""

    polarity: Polarity = "transparent_edits"
    max_bytes: int | None = None
    soft: bool = False
    """Whether protected pixels may change a little."""
    required: bool = False
    """Whether the model does nothing without one."""
    hard: bool = False
    """Whether it has but two values: what is half marked is repainted."""


class Seed(Frozen):
    """The seeds a model takes."""

    min: int = 0
    max: int = 2**32 - 1
    best_effort: bool = False
    """Whether the same seed only makes a similar picture likely."""


class Capability(Frozen):
    """The limits of one operation. An empty tuple, ``None`` or ``False`` means *not taken*."""

    sizes: Sizes | None = None
    default_size: str | None = None
    """Pixels that come back when no size is sent, where that is known."""
    max_n: int = Field(default=1, ge=1)
    max_prompt: int | None = None
    """Characters."""
    qualities: tuple[str, ...] = ()
    default_quality: str | None = None
    """What no quality means, where that is known; for prices."""
    quality_map: dict[str, str] = Field(default_factory=dict)
    """Declared equivalents of qualities that the model does not have, such as ``hd`` -> ``high``."""
    styles: tuple[str, ...] = ()
    style_words: dict[str, str] = Field(default_factory=dict)
    """Words that, put behind the prompt, stand for a style."""
    backgrounds: tuple[str, ...] = ()
    output_formats: tuple[str, ...] = Field(default=("png",), min_length=1)
    """What comes back; the first is the default. More than one means that the caller can choose."""
    compression: tuple[str, ...] = ()
    """The formats for which ``output_compression`` is taken."""
    delivers: tuple[Literal["b64_json", "url"], ...] = Field(default=("b64_json",), min_length=1)
    """How results come; the first is the default, more than one means that the caller can choose."""
    moderations: tuple[str, ...] = ()
    complexities: tuple[str, ...] = ()
    input_fidelities: tuple[str, ...] = ()
    images: InputImages | None = None
    mask: Mask | None = None
    markup: bool = False
    seed: Seed | None = None
    negative_prompt: bool = False
    streaming: bool = False
    partial_images: int = 0
    """Partial pictures per request, at most."""
    frames: tuple[int, int] | None = None
    """Least and most frames of an animated GIF."""
    svg: bool = False
    extra: tuple[str, ...] | None = None
    """Names that ``extra`` may hold for this provider; ``None`` hands on whatever there is."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if stray := set(self.quality_map.values()) - set(self.qualities):
            raise ValueError(f"quality_map leads to {min(stray)!r}, which is not among qualities")
        if stray := set(self.compression) - set(self.output_formats):
            raise ValueError(f"compression names {min(stray)!r}, which is not among output_formats")
        transparent = {"png", "webp", "gif", "svg"}
        if "transparent" in self.backgrounds and not transparent & set(self.output_formats):
            raise ValueError("backgrounds has transparent, but no output format can carry it")
        return self


class Succession(Frozen):
    """Who serves a retired model's users, and how its own words translate."""

    model: str
    quality: dict[str, str] = Field(default_factory=dict)
    style_words: dict[str, str] = Field(default_factory=dict)
    defaults: dict[str, str] = Field(default_factory=dict)
    """What absent parameters meant, in the successor's words: leaving them open could cost much more."""


class Lifecycle(Frozen):
    """From release to retirement. Dates are the vendor's."""

    released: date | None = None
    deprecated: date | None = None
    retired: date | None = None
    """The first day without service."""
    successor: Succession | None = None

    def status(self, today: date) -> Literal["live", "deprecated", "retired"]:
        """Say where the model stands on a day."""
        if self.retired is not None and today >= self.retired:
            return "retired"
        announced = self.deprecated is not None and today >= self.deprecated
        return "deprecated" if announced or self.retired is not None else "live"


class Price(Frozen):
    """US dollars per picture, megapixel or request; ``None`` matches anything, the first match wins."""

    usd: Usd = Field(ge=0)
    per: Literal["image", "megapixel", "request"] = "image"
    operation: Operation | None = None
    size: str | None = None
    quality: str | None = None
    as_of: date
    uncertain: bool = False


class TokenPrices(Frozen):
    """US dollars per million tokens, and how many a picture takes."""

    text_in: Usd = Field(ge=0)
    image_in: Usd = Field(ge=0)
    image_out: Usd = Field(ge=0)
    text_out: Usd | None = Field(default=None, ge=0)
    """Of text that comes out beside pictures, thoughts included; ``None`` counts it as pictures."""
    per_image: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Output tokens per quality and ``WIDTHxHEIGHT``."""
    as_of: date
    uncertain: bool = False


class Facts(Frozen):
    """Where the data of a model comes from."""

    as_of: date
    source: str
    uncertain: tuple[str, ...] = ()
    """What could not be established, in sentences."""


class Setting(Frozen):
    """One value that a plugin takes from the configuration or the environment."""

    name: str
    env: tuple[str, ...] = ()
    """Environment variables to look in, the first one set wins."""
    required: bool = False
    alternative: str = ""
    """Another setting of the plugin that does as well: this one is missing only where both are."""
    secret: bool = False
    default: Any = None
    help: str = ""


class Model(Frozen):
    """One model as one provider serves it.

    Attributes:
        id: ``provider/name``.
        operations: What it does, with the limits of each.
        aliases: Further names: snapshots, and bare names of other providers' dialects.
        defaults: What an absent parameter means for users of this id.
        bare_name: Whether its name without the provider means this model; not where somebody else's model is
            served under the same name.
        by_name_only: Never a fallback nor a candidate of ``auto`` unless asked for by name.
        offline: Whether it works without a network.
        declared: ``False`` for a model that nobody described; its limits are the family's widest. The id
            ``provider/*`` stands for every model of the provider that is not registered.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*/([\w.:@/-]+|\*)$")
    title: str = ""
    operations: dict[Operation, Capability] = Field(min_length=1)
    aliases: tuple[str, ...] = ()
    defaults: dict[Literal["size", "response_format"], str] = {}  # noqa: RUF012 - pydantic copies it
    prices: tuple[Price, ...] = ()
    tokens: TokenPrices | None = None
    lifecycle: Lifecycle = Field(default_factory=Lifecycle)
    facts: Facts | None = None
    notes: tuple[str, ...] = ()
    bare_name: bool = True
    by_name_only: bool = False
    offline: bool = False
    declared: bool = True

    @model_validator(mode="after")
    def _honest(self) -> Self:
        if self.is_open and (self.declared or self.aliases):
            raise ValueError("a model for any name has declared=False and no aliases")
        return self

    @property
    def is_open(self) -> bool:
        """Whether this stands for every model of the provider that is not registered."""
        return self.name == "*"

    @property
    def provider(self) -> str:
        """The part before the first slash."""
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        """The part behind the first slash: the provider's own name of the model."""
        return self.id.partition("/")[2]
