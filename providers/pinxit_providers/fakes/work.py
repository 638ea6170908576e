"""What the stand-ins of services with jobs share: work that takes a few polls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .asgi import Answer, Refused, answer

__all__ = ["Work", "Works", "meet_triggers"]


@dataclass(slots=True)
class Work:
    """One job.

    Attributes:
        id: Its name.
        model: Who does it.
        fields: What was ordered.
        polls: Polls until it ends.
        cancelled: Whether it was cancelled before that.
    """

    id: str
    model: str
    fields: Mapping[str, Any]
    polls: int
    cancelled: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.cancelled or self.polls <= 0

    def asks_for(self, trigger: str) -> bool:
        """Whether the prompt has a word that asks for trouble."""
        return trigger in str(self.fields.get("prompt", ""))


@dataclass(slots=True)
class Works:
    """The jobs of one stand-in.

    Attributes:
        polls: Polls that each job takes.
        all: Every job, oldest first.
    """

    polls: int = 2
    all: list[Work] = field(default_factory=list[Work])

    def begin(self, model: str, fields: Mapping[str, Any]) -> Work:
        """Accept an order."""
        work = Work(f"job-{len(self.all) + 1:04}", model, fields, self.polls)
        self.all.append(work)
        return work

    def find(self, id: str) -> Work | None:
        """Find a job by its name."""
        return next((work for work in self.all if work.id == id), None)

    def look(self, id: str) -> Work | None:
        """Find a job for a poll, which brings its end nearer."""
        work = self.find(id)
        if work is not None and not work.ended:
            work.polls -= 1
        return work


def meet_triggers(prompt: str, body: Mapping[int, object]) -> None:
    """Refuse an order whose prompt asks for it.

    Args:
        prompt: ``#out-of-credit``, ``#rate-limited`` and ``#overloaded`` in it ask for trouble.
        body: The provider's own bodies for 402, 429 and 503.

    Raises:
        Refused: It does.
    """
    triggers = {"#out-of-credit": 402, "#rate-limited": 429, "#overloaded": 503}
    for trigger, status in triggers.items():
        if trigger in prompt:
            raise Refused(_trouble(status, body[status]))


def _trouble(status: int, body: object) -> Answer:
    return answer(body, status, retry_after="2") if status == 429 else answer(body, status)
