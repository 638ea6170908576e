"""``serve``: the gateway."""

from __future__ import annotations

import logging
from functools import partial
from typing import Annotated

import typer

from pinxit.errors import ConfigError

from .arguments import Setup, flag
from .opening import load_config, open_router
from .requirements import gateway_problem
from .terminal import Terminal

__all__ = ["serve"]

PANEL = "Server"


def serve(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Where to listen. (default: 127.0.0.1)", rich_help_panel=PANEL
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=0,
            max=65_535,
            help="0 lets the system choose. (default: 8000)",
            rich_help_panel=PANEL,
        ),
    ] = None,
    insecure: Annotated[
        bool,
        flag("--insecure", help="Let others reach it though nobody needs a key.", panel=PANEL),
    ] = False,
    *,
    setup: Setup,
) -> None:
    """Serve pictures over HTTP, to whatever speaks OpenAI's Images API.

    Ctrl-C stops it when what is under way is done.
    """
    if problem := gateway_problem():
        raise ConfigError(problem)
    # Wrong routes and plugins are told before anything listens.
    open_router(setup)
    from pinxit.gateway import serving

    # A server has no other place to say what it serves; other commands have their sentences.
    context.obj.log_level = min(context.obj.log_level, logging.INFO)
    serving.serve(
        load_config(setup),
        host=host,
        port=port,
        insecure=insecure,
        on_ready=partial(_announce, Terminal()),
    )


def _announce(terminal: Terminal, url: str) -> None:
    terminal.say("serving", f"{url}/v1/images/generations; Ctrl-C stops", "bold green")
