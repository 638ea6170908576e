"""``doctor``: what is found, what is missing, what is broken."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pinxit.clients import is_fast
from pinxit.errors import ConfigError, PinxitError
from pinxit.mistakes import explain

from .arguments import Setup, json_option
from .failures import BROKEN
from .findings import OLD, Finding, findings_data, show_findings, worst
from .opening import load_config
from .origins import Origin, declared_origins, undeclared
from .requirements import gateway_problem
from .terminal import Terminal, write_json
from .version import pinxit_version

if TYPE_CHECKING:
    from pinxit.config import Config
    from pinxit.routing import Router

__all__ = ["doctor", "examine"]


def doctor(
    context: typer.Context,
    json: Annotated[bool, json_option("Write the findings as JSON.")] = False,
    *,
    setup: Setup,
) -> int:
    """Look at configuration, keys, plugins, routes and facts; end with 1 if something is broken."""
    del json
    findings = list(diagnose(setup))
    if context.obj.json:
        write_json(findings_data(findings))
    else:
        show_findings(findings, Terminal())
    return BROKEN if worst(findings) == "broken" else 0


def diagnose(setup: Setup) -> Iterator[Finding]:
    """Look at everything, as far as one can get."""
    yield Finding("ok", "pinxit", f"{pinxit_version()} on Python {sys.version.split()[0]}")
    yield from _places()
    yield _gateway_extra()
    yield _transport()
    try:
        config = load_config(setup)
    except ConfigError as error:
        yield Finding("broken", "configuration", str(error))
        return
    yield _configuration(config)
    yield from _gateway_settings(config)
    from pinxit.routing import Router

    try:
        router = Router(config)
    except ConfigError as error:
        yield Finding("broken", "configuration", str(error))
        return
    yield from examine(router)


def examine(router: Router) -> Iterator[Finding]:
    """Look at what a router is made of."""
    yield from _plugins(router)
    yield from _routes(router)
    yield from _settings(router)
    yield from _facts(router)


# What is looked at ----------------------------------------------------------------------------------


def _places() -> Iterator[Finding]:
    for what, folder in (
        ("pictures", Path.cwd()),
        ("temporary files", Path(tempfile.gettempdir())),
    ):
        if os.access(folder, os.W_OK | os.X_OK):
            yield Finding("ok", what, f"go to {folder}")
        else:
            hint = "; use --out" if what == "pictures" else ""
            yield Finding("warning", what, f"{folder} cannot be written to{hint}")


def _gateway_extra() -> Finding:
    problem = gateway_problem()
    if problem is None:
        return Finding("ok", "gateway", "can be started with pinxit serve")
    return Finding("warning", "gateway", problem)


def _transport() -> Finding:
    if is_fast():
        return Finding("ok", "connections", "carried by aiohttp, hundreds at once")
    hint = "for hundreds at once, run: pip install 'pinxit[gateway]'"
    return Finding("ok", "connections", f"carried by httpx; {hint}")


def _configuration(config: Config) -> Finding:
    if config.path is not None:
        return Finding("ok", "configuration", str(config.path))
    from pinxit.config import config_paths

    places = " and ".join(str(path) for path in config_paths(config.environ, Path.cwd()))
    return Finding("ok", "configuration", f"none, which is fine; looked for {places}")


def _gateway_settings(config: Config) -> Iterator[Finding]:
    # Without the extra they cannot be read, and that has been told.
    if config.gateway and gateway_problem() is None:
        from pinxit.gateway.settings import read_settings

        try:
            read_settings(config)
        except ConfigError as error:
            yield Finding("broken", "gateway", str(error))


def _plugins(router: Router) -> Iterator[Finding]:
    names = ", ".join(router.plugins.names())
    yield Finding("ok" if names else "warning", "plugins", names or "none is loaded")
    for name, error in router.plugins.broken.items():
        origin = router.plugins.distributions.get(name)
        where = f" (from {origin})" if origin else ""
        yield Finding("broken", f"plugin {name}{where}", explain(error))


def _routes(router: Router) -> Iterator[Finding]:
    for name, error in router.broken_routes.items():
        yield Finding("broken", f"route {name}", str(error))
    for name in router.routes:
        if problem := _route_problem(router, name):
            yield Finding("warning", f"route {name}", problem)
    name = router.config.defaults.model
    if name not in router.routes and name not in router.registry:
        hint = "name one with -m, or under [defaults] model"
        yield Finding("warning", "default", f"no model serves requests that name none; {hint}")


def _route_problem(router: Router, name: str) -> str | None:
    """Say why nothing behind a route could serve a plain request, if that is so."""
    try:
        plan = router.plan("a picture", model=name)
    except PinxitError as error:
        return str(error)
    if plan.refusal is not None:
        # A route may be for edits alone; what it is for cannot be known.
        operations = {
            o for id in router.routes[name].models for o in router.registry.get(id).operations
        }
        return str(plan.refusal) if "generate" in operations else None
    blocked = [candidate.blocked for candidate in plan.candidates if candidate.blocked]
    return blocked[0] if len(blocked) == len(plan.candidates) else None


def _settings(router: Router) -> Iterator[Finding]:
    idle: list[str] = []
    for name, plugin in router.plugins.names().items():
        origins = declared_origins(router.plugins, plugin, router.config)
        missing = next((origin.missing for origin in origins if origin.missing), "")
        if missing and name not in router.config.providers and not any(map(_given, origins)):
            # Whoever has an account at one provider does not want to hear a warning about each other.
            idle.append(f"{name} ({missing.partition(' or ')[0]})")
            continue
        for origin in origins:
            if origin.missing:
                yield Finding("warning", name, f"no {origin.name}; set {origin.missing}")
            elif origin.secret and origin.source:
                yield Finding("ok", name, f"{origin.name} from {origin.source}")
        for stray in undeclared(router.plugins, plugin, router.config):
            yield Finding(
                "warning", name, f"the setting {stray!r} in the configuration is unknown to it"
            )
    if idle:
        yield Finding(
            "ok", "not set up", f"{', '.join(idle)}; each works once it has what it needs"
        )
    known = {router.plugins.provider_of(plugin) for plugin in router.plugins.names().values()}
    sections = {"providers": router.config.providers, "middleware": router.config.middleware}
    for section, tables in sections.items():
        for name in tables:
            if name not in known:
                text = f"[{section}.{name}] is configured, but no loaded plugin has that name"
                if section == "providers":
                    text += '; for a server of your own, give it plugin = "compatible"'
                yield Finding("warning", name, text)


def _given(origin: Origin) -> bool:
    """Whether somebody gave the value: a file, or the environment."""
    return origin.source not in {"", "default"}


def _facts(router: Router) -> Iterator[Finding]:
    today = router.clock.today()
    old: dict[str, list[str]] = {}
    for model in router.registry:
        if (
            model.facts
            and today - model.facts.as_of > OLD
            and model.lifecycle.status(today) != "retired"
        ):
            old.setdefault(model.provider, []).append(f"{model.id} ({model.facts.as_of})")
    for provider, models in old.items():
        text = f"facts older than {OLD.days} days: {', '.join(models)}; prices and limits may have changed"
        yield Finding("warning", provider, text)
    if not old:
        yield Finding("ok", "facts", f"none is older than {OLD.days} days")
