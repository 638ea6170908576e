"""One request to a provider under test: fitted, prepared and sent as the router does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from pinxit import Plugins, Router, Settings
from pinxit.candidates import Candidate
from pinxit.config import Config
from pinxit.testing import ProviderTests
from pinxit.testing.subjects import Subject
from pinxit.testing.trials import Trial
from pinxit.testing.witness import Answer, body_of
from pinxit.types import Operation, Request

__all__ = ["ask", "planned", "refused", "sent", "settings_of"]


def ask(
    suite: ProviderTests,
    model: str,
    operation: Operation = "generate",
    /,
    *,
    reply: httpx.Response | None = None,
    settings: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Trial:
    """Call a hook with *fields*; *reply* is what the provider answers, by default the suite's stand-in."""
    if settings is not None:
        suite.settings = settings
    subject = Subject(suite.plugins().registry.get(model), operation, {})
    return suite.send(subject, fields, suite.witness(_answering(reply) if reply else None))


def sent(trial: Trial) -> Any:
    """Return the body of the one request that was sent."""
    (request,) = trial.witness.requests
    return body_of(request)


def refused(trial: Trial) -> tuple[str, str, int | None]:
    """Return the class, the billing and the provider's status of the error that came of it."""
    error = trial.failure()
    return type(error).__name__, getattr(error, "billing", "none"), error.upstream_status


def planned(plugin: object, request: Request) -> Candidate:
    """Return the first candidate that a router with this plugin alone would try."""
    router = Router(Config(), plugins=Plugins(plugin, discover=False))
    return router.plan(request).candidates[0]


def settings_of(plugin: Any, provider: str, **environ: str) -> Settings:
    """Return the settings that a plugin finds in an environment."""
    return Config.parse({}, environ=environ).settings(provider, plugin.register_settings())


def _answering(reply: httpx.Response) -> Answer:
    async def answer(request: httpx.Request) -> httpx.Response:
        del request
        return reply

    return answer
