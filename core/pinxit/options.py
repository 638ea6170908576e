"""How a request wants to be routed: the same names in Python, in a route and over HTTP."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, JsonValue, StringConstraints, field_validator

from .report import Frozen

__all__ = [
    "Cache",
    "Fallback",
    "FallbackStatus",
    "Fidelity",
    "Hedge",
    "Identity",
    "LoadBalancer",
    "Options",
    "Retry",
    "Share",
]

Fidelity = Literal["strict", "faithful", "lenient"]
"""How far a request may be changed to fit a model: not at all, only where the result is the same, or to
something near."""

Status = Annotated[int, Field(ge=100, le=599)]
FallbackStatus = Annotated[int, Field(ge=400, le=599)]
Word = Annotated[str, StringConstraints(max_length=64)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=256),
    Field(json_schema_extra={"pattern": r"[^\s\x00-\x20\x7f-\xa0]"}),
]

DEFAULT_RETRY_CODES = (429,)
MAX_CANDIDATES = 32
"""Models that one list may name; every one of them is fitted before anything is sent."""
MAX_WORDS = 32
"""Items of ``require`` and ``needs``; there are not so many to choose from."""
DEFAULT_CACHE_TTL = 1800


class Retry(Frozen):
    """How often the same model may be asked again.

    Attributes:
        count: Further attempts after the first, 1 to 5.
        on_codes: Upstream statuses after which to try again. A connection that never came about is
            always tried again; a time-out only where 408 or 504 is listed, because it may be billed.
    """

    count: int = Field(default=3, ge=1, le=5)
    on_codes: tuple[Status, ...] = Field(default=DEFAULT_RETRY_CODES, min_length=1, max_length=20)


class Fallback(Frozen):
    """The next model to try, optionally with parameters of its own."""

    model: Name
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    """Fields of the request that differ for this model, such as ``{"quality": "low"}``."""


def _fallback(value: object) -> object:
    return {"model": value} if isinstance(value, str) else value


class Share(Frozen):
    """One model's part of the load."""

    model: Name
    weight: float = Field(default=0.5, ge=0.001, le=1)


class LoadBalancer(Frozen):
    """Spread requests over models by weight; weights are normalised."""

    type: Literal["weight_based"] = "weight_based"
    models: tuple[Share, ...] = Field(min_length=1, max_length=MAX_CANDIDATES)


class Cache(Frozen):
    """Answer an identical request from the cache."""

    type: Literal["exact_match"] = "exact_match"
    ttl: int = Field(default=DEFAULT_CACHE_TTL, ge=1, le=259_200)
    """Seconds."""


class Hedge(Frozen):
    """Start the next candidate when the first is slow; the first answer wins.

    Both may be billed: the report says so.
    """

    after: float = Field(gt=0)
    """Seconds to wait before the second candidate starts."""
    max_cost: Decimal | None = Field(default=None, ge=0)
    """US dollars that the second candidate may cost; unknown costs do not pass."""


class Identity(Frozen):
    """Who the request is made for. Recorded, never sent to a provider."""

    id: Name
    display_name: str | None = None
    email: str | None = None
    metadata: tuple[dict[str, JsonValue], ...] = Field(default=(), max_length=64)
    logo_url: str | None = None
    tags: tuple[str, ...] = Field(default=(), max_length=64)


def _seconds(value: object) -> object:
    """Accept the HTTP API's ``{"call_timeout": milliseconds}`` for seconds."""
    if not isinstance(value, Mapping):
        return value
    fields = dict(cast("Mapping[str, Any]", value))
    unknown = fields.keys() - {"call_timeout"}
    if unknown or "call_timeout" not in fields:
        raise ValueError("an object here has one field, call_timeout, in milliseconds")
    milliseconds = fields["call_timeout"]
    try:
        return float(milliseconds) / 1000
    except (TypeError, ValueError):
        raise ValueError("call_timeout is not a number of milliseconds") from None


class Options(Frozen):
    """What a request, a route or the configuration may say about routing; ``None`` says nothing.

    Attributes:
        fallbacks: Models to try when the first fails, in order.
        fallback_on_codes: Upstream statuses that lead to the next model; by default 408, 429, 500,
            502, 503, 504 and 529. Resets, time-outs and useless answers always do.
        retry: Without it nothing is sent twice to the same model.
        load_balancer: Picks the first model by weight; ``model`` is then ignored.
        cache: Answer identical requests from the cache.
        timeout: Seconds for one attempt: connect, headers and body.
        deadline: Seconds for the whole request with all its retries and fallbacks.
        fidelity: How far the request may be changed to fit a model.
        require: Hints, such as ``quality``, that must be kept like contracts.
        needs: What a model must be able to do, for ``model="auto"``: ``mask``, ``transparent``,
            ``seed``, ``streaming``, ``several_images``, ``negative_prompt``, ``offline``...
        max_cost: US dollars that the request may be estimated to cost.
        on_refusal: Whether a refused request may be tried with the next model.
        on_retired: Whether a retired model's successor serves the request.
        order: How candidates are ordered: ``listed``, ``cheapest``, ``fastest``, ``least_busy`` or
            one that a plugin registers.
        hedge: Start the second candidate when the first is slow; streams are not hedged.
        strip_metadata: Remove EXIF, GPS and text from input pictures; by default where they leave this
            machine.
    """

    fallbacks: tuple[Annotated[Fallback, BeforeValidator(_fallback)], ...] | None = Field(
        default=None, max_length=MAX_CANDIDATES
    )
    fallback_on_codes: tuple[FallbackStatus, ...] | None = Field(default=None, max_length=20)
    retry: Retry | None = None
    load_balancer: LoadBalancer | None = None
    cache: Cache | None = None
    timeout: Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=86_400)] | None = None
    deadline: float | None = Field(default=None, gt=0, le=86_400)
    fidelity: Fidelity | None = None
    require: tuple[Word, ...] | None = Field(default=None, max_length=MAX_WORDS)
    needs: tuple[Word, ...] | None = Field(default=None, max_length=MAX_WORDS)
    max_cost: Decimal | None = Field(default=None, ge=0)
    on_refusal: Literal["fail", "fallback"] | None = None
    on_retired: Literal["successor", "error"] | None = None
    order: Name | None = None
    hedge: Hedge | None = None
    strip_metadata: bool | None = None

    @field_validator("fallback_on_codes")
    @classmethod
    def _empty_is_default(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value and len(set(value)) != len(value):
            raise ValueError("lists a status twice")
        return value or None

    def over(self, weaker: "Options") -> "Options":
        """Return these options with what they leave open taken from *weaker*."""
        said = {
            name: value
            for name in Options.model_fields
            if (value := getattr(self, name)) is not None
        }
        # Not validated again: both sides are valid, and no rule is about two fields at once.
        return Options.model_construct(
            **{name: said.get(name, getattr(weaker, name)) for name in Options.model_fields}
        )
