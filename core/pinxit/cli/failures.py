"""How a command ends when something is wrong: one sentence, and an exit code that scripts can read.

====  ==========================================================================================
code  meaning
====  ==========================================================================================
0     done
1     ``pinxit doctor`` or ``pinxit plugins check`` found something broken; a picture could not be saved where
      it should be, and is in a temporary file; or there is a bug
2     the command or the request is wrong, or no model can do it; nothing was sent, nothing is billed
3     a safety system refused the prompt, a picture or the result
4     the provider failed, or every model that was tried
5     the configuration is wrong: a file, a plugin, a route, a missing or refused key
130   interrupted with Ctrl-C
====  ==========================================================================================
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from pinxit.errors import (
    AllModelsFailed,
    AuthenticationFailed,
    ConfigError,
    ContentRejected,
    PinxitError,
    ProviderError,
)
from pinxit.report import Attempt

from .arguments import Wishes

__all__ = [
    "BROKEN",
    "INTERRUPTED",
    "USAGE",
    "charges",
    "error_data",
    "exit_code",
    "sentence",
]

BROKEN = 1
USAGE = 2
REFUSED = 3
PROVIDER_FAILED = 4
CONFIGURATION = 5
INTERRUPTED = 130

# Fields whose options have other names, or stand outside of `Wishes`.
_SPELLED = {
    "n": "-n",
    "output_format": "--format",
    "output_compression": "--compression",
    "fallbacks": "--fallback",
    "partial_images": "--partials",
    "input_fidelity": "--input-fidelity",
    "mask": "--mask",
    "out": "--out",
}  # fmt: skip


def exit_code(error: PinxitError) -> int:
    """Return the exit code of an error, from its class alone."""
    match error:
        case ContentRejected():
            return REFUSED
        # Before its parent: a key that is not accepted is mended where keys are configured.
        case ConfigError() | AuthenticationFailed():
            return CONFIGURATION
        case AllModelsFailed() | ProviderError():
            return PROVIDER_FAILED
        case _:
            return USAGE


def sentence(error: PinxitError) -> str:
    """Return the error's own sentence, with the option's name where it begins with a request's field."""
    text = str(error)
    option = _option(error.param) if error.param else None
    word = re.match(r"[\w.\[\]]+(?=[:= ])", text)
    # Sentences that begin with anything else, such as a model, are about the field only further on.
    if option is None or word is None or not (error.param or "").endswith(word[0]):
        return text
    return f"{option}{text[word.end() :]}"


def _option(param: str) -> str | None:
    name = param.partition(".")[0].partition("[")[0]
    if name in _SPELLED:
        return _SPELLED[name]
    known = {field.name for field in fields(Wishes)}
    return f"--{name.replace('_', '-')}" if name in known else None


def charges(error: PinxitError) -> str | None:
    """Say which failed attempts may be billed all the same."""
    attempts: tuple[Attempt, ...] = error.report.attempts if error.report else ()
    models = dict.fromkeys(attempt.model for attempt in attempts if attempt.may_be_billed)
    return f"{' and '.join(models)} may bill this all the same" if models else None


def error_data(message: str, code: int, error: PinxitError | None = None) -> dict[str, Any]:
    """Return an error for ``--json``."""
    report = error.report if error else None
    return {
        "error": {
            "message": message,
            "code": error.code if error else "usage",
            "param": error.param if error else None,
            "exit_code": code,
        },
        "report": report.model_dump(mode="json") if report else None,
    }
