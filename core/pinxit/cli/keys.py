"""``keys``: who may call the gateway."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from pinxit.errors import ConfigError, RequestError

from .arguments import json_option
from .expansion import command
from .requirements import gateway_problem
from .terminal import Terminal, write_json

__all__ = ["create_app"]

# What TOML takes as a name without quotes.
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def create_app() -> typer.Typer:
    """Return the group of commands."""
    app = typer.Typer(
        name="keys", help="Make keys for the gateway's callers.", no_args_is_help=True
    )
    # typer takes a group of one command for the command, unless it has a callback.
    app.callback()(lambda: None)
    app.command()(command(new))
    return app


def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is; logs show it.")],
    json: Annotated[bool, json_option("Write name, key and hash as JSON.")] = False,
) -> None:
    """Make a key: it is shown once; pinxit.toml keeps only its hash."""
    del json
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"name: {name!r} should be letters, digits, _ and - only, such as web-shop",
            param="name",
        )
    if problem := gateway_problem():
        raise ConfigError(problem)
    from pinxit.gateway.keys import new_key

    made = new_key()
    data: dict[str, Any] = {"name": name, "key": made.key, "hash": made.hash}
    if context.obj.json:
        write_json(data)
        return
    terminal = Terminal()
    terminal.say("key", f"of {name}, shown only now")
    # Alone on standard output, so that it can be piped to where it is kept.
    terminal.path(made.key)
    terminal.say("next", "put this into pinxit.toml")
    for line in ("[gateway.keys]", f'{name} = "{made.hash}"'):
        terminal.out.print(line, markup=False, soft_wrap=True)
