"""``plugins``: what is loaded, what it does, and what was set aside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pinxit.errors import RequestError
from pinxit.mistakes import explain

from .arguments import Setup, json_option
from .expansion import command
from .opening import open_router
from .origins import Origin, declared_origins
from .terminal import Terminal, write_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pinxit.routing import Router

__all__ = ["create_app"]

SHOWN = 5
"""Models of a plugin that are named before the others are only counted."""


def create_app() -> typer.Typer:
    """Return the list of plugins, which is a group of commands too."""
    from . import checking, scaffolding

    app = typer.Typer(name="plugins", invoke_without_command=True)
    app.callback()(command(plugins))
    app.command()(command(scaffolding.new))
    app.command()(command(checking.check))
    return app


def plugins(
    context: typer.Context,
    hook: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only plugins that implement this hook, in the order of their calls.",
        ),
    ] = None,
    json: Annotated[bool, json_option("Write the same as JSON.")] = False,
    *,
    setup: Setup,
) -> None:
    """List the plugins: hooks, models, where their settings come from, and why one is broken."""
    del json
    # typer calls the group before each of its commands.
    if context.invoked_subcommand is not None:
        return
    if hook is not None:
        _check_hook(hook)
    router = open_router(setup)
    loaded = router.plugins.names()
    order = list(loaded) if hook is None else router.plugins.calling_order(hook)
    found = [_plugin_data(name, loaded[name], router) for name in order]
    broken = {name: explain(error) for name, error in router.plugins.broken.items()}
    skipped = _skipped(router)
    if context.obj.json:
        write_json({"plugins": found, "broken": broken, "blocked": skipped})
        return
    terminal = Terminal()
    if hook is not None:
        terminal.out.print(_order_table(found))
        return
    for place, plugin in enumerate(found):
        for line in _lines(plugin, first=place == 0):
            terminal.out.print(line)
    for name, reason in broken.items():
        origin = router.plugins.distributions.get(name, "")
        terminal.out.print(_broken_line(name, origin, reason))
    if skipped:
        terminal.say("not loaded, as the configuration says", ", ".join(skipped))


def _check_hook(hook: str) -> None:
    from pinxit import hookspecs

    # pluggy marks a specification by an attribute that has the project's name in it.
    known = sorted(n for n, v in vars(hookspecs).items() if hasattr(v, f"{hookspecs.PROJECT}_spec"))
    if hook not in known:
        raise RequestError(
            f"hook: there is no hook {hook!r}; hooks are {', '.join(known)}", param="hook"
        )


def _skipped(router: Router) -> list[str]:
    """Name what is installed and neither loaded nor broken."""
    from pinxit.plugins import installed_plugins

    known = {*router.plugins.names(), *router.plugins.broken}
    return sorted({point.name for point in installed_plugins()} - known)


def _plugin_data(name: str, plugin: object, router: Router) -> dict[str, Any]:
    loaded, registry = router.plugins, router.registry
    return {
        "name": name,
        "distribution": loaded.distributions.get(name, ""),
        "hooks": list(loaded.hooks_of(plugin)),
        "models": [model.id for model in registry if registry.owner(model) is plugin],
        "settings": [_setting_data(o) for o in declared_origins(loaded, plugin, router.config)],
    }


def _setting_data(origin: Origin) -> dict[str, Any]:
    return {
        "name": origin.name,
        "source": origin.source or None,
        "value": origin.value,
        "secret": origin.secret,
        "missing": origin.missing or None,
    }


def _lines(plugin: dict[str, Any], *, first: bool) -> Iterator[RenderableType]:
    from rich.table import Table
    from rich.text import Text

    if not first:
        yield Text()
    where = f"  from {plugin['distribution']}" if plugin["distribution"] else ""
    yield Text.assemble((plugin["name"], "bold"), (where, "dim"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("  hooks", ", ".join(plugin["hooks"]))
    if models := plugin["models"]:
        more = f" and {len(models) - SHOWN} more" if len(models) > SHOWN else ""
        table.add_row("  models", f"{', '.join(models[:SHOWN])}{more}")
    for place, setting in enumerate(plugin["settings"]):
        table.add_row("" if place else "  settings", _setting(setting))
    yield table


def _setting(setting: dict[str, Any]) -> RenderableType:
    from rich.text import Text

    name = (setting["name"], "bold")
    if setting["missing"]:
        return Text.assemble(name, (f" missing: set {setting['missing']}", "yellow"))
    if setting["source"] is None:
        return Text.assemble(name, (" not set", "dim"))
    shown = "" if setting["secret"] else f" = {setting['value']}"
    return Text.assemble(name, shown, (f"  from {setting['source']}", "dim"))


def _broken_line(name: str, origin: str, reason: str) -> RenderableType:
    from rich.text import Text

    where = f"  from {origin}" if origin else ""
    return Text.assemble(("\nbroken ", "bold red"), (name, "bold"), (where, "dim"), f": {reason}")


def _order_table(found: list[dict[str, Any]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for place, plugin in enumerate(found, 1):
        origin = f"from {plugin['distribution']}" if plugin["distribution"] else ""
        table.add_row(str(place), Text(plugin["name"], style="bold"), Text(origin, style="dim"))
    return table
