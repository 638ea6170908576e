"""The commands, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from pinxit.errors import PinxitError

from . import failures
from .expansion import command
from .terminal import Session, write_json

__all__ = ["create_app", "run"]

NAME = "pinxit"


def create_app() -> typer.Typer:
    """Return the command line as data."""
    from . import doctor, keys, listing, painting, planning, plugins, serving

    app = typer.Typer(
        name=NAME,
        help="Paint, edit and vary pictures with any provider, and see what really happened.",
        # typer's tracebacks may show local variables, and keys are among them.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    groups: dict[str, tuple[Callable[..., int | None], ...]] = {
        "Pictures": (painting.generate, painting.edit, painting.vary, planning.plan),
        "What there is": (listing.models, listing.routes, doctor.doctor),
        "Gateway": (serving.serve,),
    }
    for panel, functions in groups.items():
        for function in functions:
            app.command(rich_help_panel=panel)(command(function))
    app.add_typer(plugins.create_app(), rich_help_panel="What there is")
    app.add_typer(keys.create_app(), rich_help_panel="Gateway")
    return app


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from .version import write_version

        raise typer.Exit(write_version())


def run(words: Sequence[str]) -> int:
    """Run one command and return its exit code; say what is wrong in one sentence."""
    root = typer.main.get_command(create_app())
    if f"_{NAME.upper()}_COMPLETE" in os.environ:
        # The shell asks what may follow: typer answers in here, and ends the process.
        root(prog_name=NAME)
    session = Session()
    with _logging(session):
        try:
            # Not typer's own entry: it would write errors in its words, and end with its codes.
            with root.make_context(NAME, list(words) or ["--help"], obj=session) as context:
                result = root.invoke(context)
            # Now, because nobody could handle it at exit that the reader has gone.
            sys.stdout.flush()
        except typer.Exit as end:
            return end.exit_code
        except KeyboardInterrupt:
            return _interrupted(session)
        except BrokenPipeError:
            return _pipe_closed()
        # Told by its class; what is no usage error and none of ours is a bug, and is told as one.
        except Exception as error:  # noqa: BLE001
            return _failed(error, session)
    return result if isinstance(result, int) else 0


def _failed(error: Exception, session: Session) -> int:
    if session.debug:
        traceback.print_exception(error)
    ours = error if isinstance(error, PinxitError) else None
    text, code = _explained(error)
    if session.json and text:
        write_json(failures.error_data(str(ours or text), code, ours))
    # Without a sentence, the help has been shown.
    if text:
        _complain("error", text)
    if ours and (note := failures.charges(ours)):
        _complain("note", note)
    return code


def _explained(error: Exception) -> tuple[str, int]:
    """Return the sentence about an error, and the exit code."""
    if isinstance(error, PinxitError):
        return failures.sentence(error), failures.exit_code(error)
    if isinstance(error, _usage_error()):
        return _usage_sentence(error), failures.USAGE
    kind = type(error).__name__
    return f"a bug in pinxit or a plugin: {kind}: {error}; --debug shows where", failures.BROKEN


def _complain(label: str, text: str) -> None:
    from .terminal import Terminal

    Terminal().say(label, text, "bold red" if label == "error" else "yellow")


def _usage_error() -> type[Exception]:
    """Return the class of everything that typer says about a wrong command; it exports only a child."""
    return next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError")


def _usage_sentence(error: Exception) -> str:
    text = str(getattr(error, "format_message", error.__str__)()).strip().rstrip(".")
    context = getattr(error, "ctx", None)
    place = getattr(context, "command_path", NAME)
    return f"{text[:1].lower()}{text[1:]}; {place} --help shows what there is" if text else ""


def _interrupted(session: Session) -> int:
    told = "; the request was cancelled, and may be billed all the same" if session.painting else ""
    _complain("error", f"interrupted{told}")
    return failures.INTERRUPTED


def _pipe_closed() -> int:
    """End quietly where the reader of our output has gone."""
    # Otherwise the interpreter complains when it flushes at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


@contextmanager
def _logging(session: Session) -> Generator[None, None, None]:
    """Show only log messages that the session asks for: sentences of ours say what matters."""
    log, handler = logging.getLogger(NAME), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    # Whoever switched tracing on has asked for its lines.
    handler.addFilter(
        lambda record: record.levelno >= session.log_level or record.name == f"{NAME}.trace"
    )
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
