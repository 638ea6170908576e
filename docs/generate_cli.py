"""Write the reference in ``cli.md`` anew, from the commands themselves: ``python docs/generate_cli.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from pinxit.cli.app import create_app

PAGE = Path(__file__).with_name("cli.md")
BEGIN, END = "<!-- reference: begin -->", "<!-- reference: end -->"
OWN = "Options"
"""The panel of options that belong to no group."""


def page(text: str) -> str:
    """Return the page with its reference as it should be."""
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    return f"{head}{BEGIN}\n\n{reference()}\n{END}{tail}"


def reference() -> str:
    """Return the reference of all commands in Markdown."""
    root: Any = typer.main.get_command(create_app())
    shown: dict[tuple[str, tuple[str, ...]], str] = {}
    lines: list[str] = []
    for name, command in _commands("pinxit", root):
        lines += [f"### {name}", "", f"    {_usage(name, command)}", ""]
        lines += _paragraphs(command.help)
        for panel, rows in _panels(command).items():
            first = shown.setdefault((panel, rows), name)
            if first == name:
                lines += [f"| {panel} | |", "|---|---|", *rows, ""]
            else:
                lines += [f"**{panel}** as [{first}](#{first.replace(' ', '-')}).", ""]
    return "\n".join(lines)


def _commands(name: str, group: Any) -> Iterator[tuple[str, Any]]:
    for key, command in group.commands.items():
        if hasattr(command, "commands"):
            # A group that does something of its own is a command too.
            if command.invoke_without_command:
                yield f"{name} {key}", command
            yield from _commands(f"{name} {key}", command)
        else:
            yield f"{name} {key}", command


def _usage(name: str, command: Any) -> str:
    arguments = [_argument(p) for p in command.params if p.param_type_name == "argument"]
    return " ".join([name, "[OPTIONS]", *arguments])


def _argument(param: Any) -> str:
    shown = param.metavar or param.name.upper()
    return shown if param.required or shown.startswith("[") else f"[{shown}]"


def _paragraphs(help: str) -> list[str]:
    return [*help.strip().replace("\n    ", "\n").splitlines(), ""]


def _panels(command: Any) -> dict[str, tuple[str, ...]]:
    panels: dict[str, list[str]] = {}
    for param in command.params:
        if param.name == "help" or getattr(param, "hidden", False):
            continue
        if param.param_type_name == "argument":
            panels.setdefault("Arguments", []).append(
                _row([param.metavar.strip("[].")], param.help)
            )
        else:
            value = f" {param.metavar}" if param.metavar else ""
            names = [*param.opts[:-1], f"{param.opts[-1]}{value}"]
            panels.setdefault(param.rich_help_panel or OWN, []).append(_row(names, param.help))
    return {panel: tuple(rows) for panel, rows in panels.items()}


def _row(names: list[str], help: str) -> str:
    return f"| {', '.join(f'`{name}`' for name in names)} | {help} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
