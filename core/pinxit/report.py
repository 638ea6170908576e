"""The signature under every answer: who painted it, what was asked, what was sent, what came back."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, PlainSerializer

__all__ = ["Adaptation", "Attempt", "Billing", "Frozen", "Picture", "Report", "Usd", "Verdict"]

Verdict = Literal["kept", "mapped", "emulated", "approximated", "dropped"]
"""How a parameter ended, from exactly as asked to not at all."""

Billing = Literal["not_sent", "unbilled", "ambiguous", "billed"]
"""What a failed attempt may have cost: no connection; a status before any work; the connection broke
after the request was written; an answer of no use."""

Usd = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""US dollars: exact in Python, a plain number in JSON."""


class Frozen(BaseModel):
    """The base of all data in pinxit: immutable, and strict about names."""

    # Validators are built on first use, which halves the time that `import pinxit` takes.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Adaptation(Frozen):
    """What became of one parameter that the model could not take as it was asked."""

    parameter: str
    asked: JsonValue = None
    sent: JsonValue = None
    verdict: Verdict
    reason: str = ""
    """One sentence, for people."""

    def __str__(self) -> str:
        change = f"{_brief(self.asked)} -> {_brief(self.sent)}"
        return (
            f"{self.parameter}: {change} ({self.verdict}{': ' if self.reason else ''}{self.reason})"
        )


class Attempt(Frozen):
    """One request to one model, successful or not."""

    model: str
    outcome: str
    """``ok``, or the code of the error that ended it."""
    status: int | None = None
    """The provider's HTTP status, where one was received."""
    seconds: float = 0.0
    billing: Billing | None = None
    message: str = ""
    images: int = 0
    """How many pictures came back."""

    @property
    def may_be_billed(self) -> bool:
        """Whether this failed attempt may appear on the provider's bill all the same."""
        return self.billing in {"ambiguous", "billed"}

    def __str__(self) -> str:
        status = f" {self.status}" if self.status else ""
        billed = ", may be billed" if self.may_be_billed else ""
        return f"{self.model}: {self.outcome}{status} in {self.seconds:.1f} s{billed}"


class Picture(Frozen):
    """What a picture really is, read from its own header."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    format: str
    """``png``, ``jpeg``, ``webp``, ``gif``, ``avif`` or ``svg``."""
    alpha: bool = False
    """Whether the format carries transparency here."""
    size: int = 0
    """Bytes."""
    model: str = ""
    """Who painted this one, where several models shared a request."""
    content_credentials: bool = False
    """Whether the file carries C2PA content credentials."""

    def __str__(self) -> str:
        return f"{self.format} {self.width}x{self.height}{' with alpha' if self.alpha else ''}"


class Report(Frozen):
    """What really happened to one request. ``print`` it, or read its fields."""

    request_id: str = ""
    asked_for: str = ""
    """The model or route as the caller named it."""
    model: str = ""
    """The model that painted the result."""
    route: str | None = None
    attempts: tuple[Attempt, ...] = ()
    adaptations: tuple[Adaptation, ...] = ()
    """Every parameter whose verdict is not *kept*."""
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences about redirects, undeclared models and whatever else the caller should know."""
    cost: Usd | None = None
    """US dollars for the whole request, failed attempts that may be billed excluded."""
    cost_basis: Literal["exact", "estimated", "unknown"] = "unknown"
    seconds: float = 0.0
    cached: bool = False

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names of the parameters that the caller did not get."""
        return tuple(a.parameter for a in self.adaptations if a.verdict == "dropped")

    def __str__(self) -> str:
        asked = f" (asked for {self.asked_for})" if self.asked_for not in {"", self.model} else ""
        lines = [
            f"painted by {self.model or 'nobody'}{asked} in {self.seconds:.1f} s, {self._price()}"
        ]
        lines += [f"  picture   {picture}" for picture in self.pictures]
        lines += [f"  changed   {adaptation}" for adaptation in self.adaptations]
        if len(self.attempts) > 1 or any(a.outcome != "ok" for a in self.attempts):
            lines += [f"  attempt   {attempt}" for attempt in self.attempts]
        lines += [f"  note      {note}" for note in self.notes]
        return "\n".join(lines)

    def _price(self) -> str:
        if self.cost is None:
            return "cost unknown"
        about = "about " if self.cost_basis == "estimated" else ""
        return f"{about}${self.cost.normalize():f}" if self.cost else "free"


def _brief(value: JsonValue) -> str:
    if value is None:
        return "nothing"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
