"""The options that commands share, by what they are about."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_args

import typer

from pinxit.options import Fidelity
from pinxit.types import VariationRequest

from .completing import model_names
from .prompts import open_mask

__all__ = ["OUTPUT", "Delivery", "EditWishes", "Setup", "Wishes", "flag", "json_option"]

PICTURE, EDIT, ROUTING, OUTPUT, SETUP = "Picture", "Edit", "Routing", "Output", "Setup"


def _allowed(field: str) -> str:
    """List the values that core takes for a field, so that the help cannot differ from it."""
    # What a variation knows, every request knows.
    return ", ".join(_literals(VariationRequest.model_fields[field].annotation))


def _literals(annotation: Any) -> list[str]:
    values: list[str] = []
    for part in get_args(annotation):
        values += _literals(part) if get_args(part) else [part] if isinstance(part, str) else []
    return values


def _note_debug(context: typer.Context, value: bool) -> bool:
    if value:
        context.obj.debug, context.obj.log_level = True, logging.DEBUG
    return value


def _note_json(context: typer.Context, value: bool) -> bool:
    # A group may have been told so before its command, which is not told, is heard.
    context.obj.json = context.obj.json or value
    return value


def flag(
    *names: str,
    help: str,
    panel: str,
    callback: Callable[[typer.Context, bool], bool] | None = None,
) -> Any:
    """Return an option without a value."""
    # An eager callback is heard before anything else can be found wrong.
    return typer.Option(
        *names,
        help=help,
        metavar="",
        rich_help_panel=panel,
        callback=callback,
        is_eager=callback is not None,
    )


def json_option(help: str) -> Any:
    """Return the option ``--json``; that it was given stands in the session, for errors too."""
    # Commands are handed the value too, as typer does, and drop it.
    return flag("--json", help=help, panel=OUTPUT, callback=_note_json)


def _picture(*names: str, help: str, metavar: str | None = None, **more: Any) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=PICTURE, **more)


def _routing(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=ROUTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the pictures should be, and who may paint them: the fields of a request."""

    model: Annotated[
        str | None,
        _picture(
            "--model",
            "-m",
            metavar="NAME",
            help="provider/model, an alias, a route, or auto.",
            autocompletion=model_names,
        ),
    ] = None
    n: Annotated[int, _picture("-n", metavar="COUNT", help="How many pictures, 1 to 10.")] = 1
    size: Annotated[
        str | None, _picture(metavar="WxH", help="Pixels, such as 1536x1024; 1K, 2K, 4K; or auto.")
    ] = None
    aspect_ratio: Annotated[str | None, _picture(metavar="W:H", help="Such as 16:9.")] = None
    quality: Annotated[str | None, _picture(metavar="LEVEL", help=_allowed("quality") + ".")] = None
    style: Annotated[str | None, _picture(metavar="NAME", help=_allowed("style") + ".")] = None
    background: Annotated[
        str | None, _picture(metavar="KIND", help=_allowed("background") + ".")
    ] = None
    output_format: Annotated[
        str | None,
        _picture(
            "--format", "-f", metavar="NAME", help=_allowed("output_format") + "; also from --out."
        ),
    ] = None
    output_compression: Annotated[
        int | None,
        _picture("--compression", metavar="0-100", help="How good a jpeg or webp file is."),
    ] = None
    negative_prompt: Annotated[
        str | None, _picture(metavar="TEXT", help="What should not be in the picture.")
    ] = None
    seed: Annotated[
        int | None, _picture(metavar="NUMBER", help="The same seed makes the same picture.")
    ] = None
    fallback: Annotated[
        list[str] | None,
        _routing(metavar="NAME", help="The next model to try if one fails; may be repeated."),
    ] = None
    retry: Annotated[
        int | None,
        _routing(metavar="COUNT", help="Ask the same model again, 1 to 5 times. (default: never)"),
    ] = None
    timeout: Annotated[
        float | None, _routing(metavar="SECONDS", help="For each attempt. (default: 300)")
    ] = None
    fidelity: Annotated[
        str | None,
        _routing(
            metavar="HOW",
            help="How far the request may be changed to fit a model: "
            f"{', '.join(get_args(Fidelity))}. (default: faithful)",
        ),
    ] = None
    max_cost: Annotated[
        str | None,
        _routing(metavar="USD", help="Refuse what is estimated to cost more, such as 0.05."),
    ] = None

    def parameters(self) -> dict[str, Any]:
        """Return what was said, as fields of a request."""
        said = {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        }
        if "fallback" in said:
            said["fallbacks"] = said.pop("fallback")
        if "retry" in said:
            said["retry"] = {"count": said["retry"]}
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class EditWishes:
    """What only an edit takes."""

    mask: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            help="A picture whose transparent pixels say what may change.",
            rich_help_panel=EDIT,
        ),
    ] = None
    input_fidelity: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            help="How closely faces and logos are kept: low, high.",
            rich_help_panel=EDIT,
        ),
    ] = None

    def parameters(self) -> dict[str, Any]:
        """Return what was said, as fields of a request.

        Raises:
            InvalidImage: The mask's file cannot be read.
        """
        return {"mask": open_mask(self.mask), "input_fidelity": self.input_fidelity}

    def said(self) -> str | None:
        """Return the first of these fields that was given."""
        given = (field.name for field in fields(self) if getattr(self, field.name) is not None)
        return next(given, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What becomes of the pictures."""

    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="A file, a folder, or -. Only a file named here is overwritten. (default: a new file)",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    json: Annotated[bool, json_option("Write paths and report as JSON, and nothing else.")] = False
    open: Annotated[bool, flag("--open", help="Show the pictures in a window.", panel=OUTPUT)] = (
        False
    )
    no_preview: Annotated[
        bool, flag("--no-preview", help="Draw nothing in the terminal.", panel=OUTPUT)
    ] = False
    partials: Annotated[
        int | None,
        typer.Option(
            metavar="COUNT",
            help="Show up to 3 unfinished pictures while one is painted; some models charge for them.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    plan: Annotated[
        bool, flag("--plan", help="Say what would be done, and send nothing.", panel=OUTPUT)
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Where configuration and plugins come from."""

    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Instead of pinxit.toml here or in the user's configuration.",
            rich_help_panel=SETUP,
        ),
    ] = None
    plugins_dir: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="A folder of one-file plugins.", rich_help_panel=SETUP),
    ] = None
    plugin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="A one-file plugin; may be repeated.", rich_help_panel=SETUP
        ),
    ] = None
    debug: Annotated[
        bool,
        flag(
            "--debug", help="Show tracebacks and log messages.", panel=SETUP, callback=_note_debug
        ),
    ] = False
