"""What is wrong is said in one sentence on standard error, and by the exit code."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from commandline import CONFIG, SHOP, Commands
from pinxit.cli import failures
from pinxit.errors import (
    AllModelsFailed,
    AuthenticationFailed,
    BudgetExceeded,
    ConfigError,
    ContentRejected,
    InvalidImage,
    PinxitError,
    ProviderError,
    ProviderTimeout,
    RequestError,
    UnknownModel,
    UnsupportedRequest,
)
from pinxit.testing.pictures import picture

# Exit codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestError("x"), 2),
        (UnknownModel("x"), 2),
        (InvalidImage("x"), 2),
        (UnsupportedRequest({"test/dot": ["x"]}), 2),
        (BudgetExceeded(limit=Decimal(1), cheapest=None), 2),
        (ContentRejected("x"), 3),
        (ProviderError("x"), 4),
        (ProviderTimeout("x"), 4),
        (AllModelsFailed([ProviderError("x"), ProviderError("y")]), 4),
        (ConfigError("x"), 5),
        (AuthenticationFailed("x"), 5),
    ],
)
def test_exit_code(error: PinxitError, code: int) -> None:
    """Every class of errors has its exit code."""
    assert failures.exit_code(error) == code


def test_refused(pinxit: Commands) -> None:
    """A refusal ends with 3 and the provider's own words."""
    ran = pinxit("generate", "a dot", "-m", "test/refuses")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "error: the painter does not paint this\n"


def test_provider_failed(pinxit: Commands) -> None:
    """A failed provider ends with 4, and it is said that it may send a bill."""
    ran = pinxit("generate", "a dot", "-m", "test/fails")
    assert ran.code == 4
    assert ran.err == ("error: the brush is broken\nnote: test/fails may bill this all the same\n")


def test_all_failed(pinxit: Commands) -> None:
    """Several failures are told together."""
    ran = pinxit("generate", "a dot", "-m", "test/fails", "--fallback", "test/breaks")
    assert ran.code in {1, 4}
    assert "test/fails" in ran.err


def test_missing_key(pinxit: Commands) -> None:
    """A missing key ends with 5 and the two ways to give it."""
    pinxit.plugin("shop", SHOP)
    ran = pinxit("generate", "a dot", "-m", "shop/one")
    assert ran.code == 5
    assert "set SHOP_KEY or give [providers.shop] api_key in pinxit.toml" in ran.err


def test_bug(pinxit: Commands) -> None:
    """A bug of a plugin is one sentence too; --debug shows where it is."""
    ran = pinxit("generate", "a dot", "-m", "test/breaks")
    assert ran.code != 0
    assert "Traceback" not in ran.err
    shown = pinxit("generate", "a dot", "-m", "test/breaks", "--debug")
    assert shown.code == ran.code
    assert "Traceback" in shown.err
    assert "painter.py" in shown.err


def test_interrupt(pinxit: Commands) -> None:
    """Ctrl-C ends with 130 and without a traceback."""
    pinxit.plugin(
        "rotten",
        """
import asyncio, signal
from pinxit import *
@hookimpl
def register_models():
    yield Model(id="rotten/one", operations={"generate": Capability()}, offline=True)
@hookimpl
async def generate(request, model, context):
    signal.raise_signal(signal.SIGINT)
    await asyncio.Event().wait()
""",
    )
    ran = pinxit("generate", "a dot", "-m", "rotten/one")
    assert ran.code == 130
    assert ran.err.startswith("error: interrupted;")
    assert ran.err.count("\n") == 1


# Bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-m", "test/dott"], "--model: no installed plugin serves 'test/dott'; did you mean test/dot"),
        (["--quality", "best"], "--quality: should be 'auto', 'low'"),
        (["--style", "noir"], "--style: should be 'vivid' or 'natural', not 'noir'"),
        (["--format", "bmp"], "--format: should be 'png', 'jpeg'"),
        (["--background", "red"], "--background: should be 'auto'"),
        (["--size", "10"], "--size '10': is neither WIDTHxHEIGHT"),
        (["--aspect-ratio", "wide"], "--aspect-ratio 'wide': is not WIDTH:HEIGHT"),
        (["-n", "11"], "-n: should be less than or equal to 10, not 11"),
        (["-n", "many"], "invalid value for '-n'"),
        (["--compression", "101"], "--compression: should be less than or equal to 100"),
        (["--seed", "-1"], "--seed: should be greater than or equal to 0"),
        (["--retry", "9"], "--retry: should be less than or equal to 5, not 9"),
        (["--timeout", "0"], "--timeout: should be greater than 0"),
        (["--fidelity", "loose"], "--fidelity: should be 'strict', 'faithful' or 'lenient'"),
        (["--max-cost", "much"], "--max-cost: should be a valid decimal, not 'much'"),
        (["--max-cost", "0"], "--max-cost=$0 is too low: no candidate has a known price"),
        (["--fallback", "nope"], "--fallback: no installed plugin serves 'nope'"),
        (["--partials", "4"], "--partials: should be less than or equal to 3"),
        (["--bogus"], "no such option: --bogus"),
        (["-o", "x.png", "-f", "webp"], "--out: 'x.png' is a name for png, but --format says 'webp'"),
        (["--out", "-", "--json"], "--out: - and --json both want standard output"),
        (["--out", "-", "-n", "2"], "--out: - takes one picture, not 2"),
    ],
)  # fmt: skip
def test_bad_option(pinxit: Commands, words: list[str], sentence: str) -> None:
    """A value that does not fit ends with 2 and one sentence with the option, the value, what is allowed."""
    pinxit.plugin("shop", SHOP)
    ran = pinxit("generate", "a dot", *words)
    assert (ran.code, list(Path().iterdir())) == (2, [])
    assert sentence in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["generate"], "prompt: is missing; write it behind the command, or pipe it in"),
        (["generate", " "], "prompt: must not be empty"),
        (["edit", "a hat"], "image: is missing; name the picture behind the prompt"),
        (["edit", "a hat", "no.png"], "image: cannot read 'no.png': no such file or directory"),
        (["edit", "a hat", "notes.txt"], "image 'notes.txt': not a PNG, JPEG"),
        (["edit", "a hat", "fox.png", "--mask", "fox.png"], "--mask: it has no transparency"),
        (["edit", "a hat", "fox.png", "--mask", "no.png"], "--mask: cannot read 'no.png'"),
        (["vary", "notes.txt"], "image 'notes.txt': not a PNG"),
        (["vary"], "missing argument 'IMAGE'"),
        (["paint", "a dot"], "no such command 'paint'"),
        (["models", "--operation", "paint"], "operation: should be generate, edit, variation"),
        (["plugins", "--hook", "paint"], "hook: there is no hook 'paint'; hooks are around_call"),
    ],
)
def test_bad_words(pinxit: Commands, words: list[str], sentence: str) -> None:
    """So does a command without what it needs, or with a file that is no picture."""
    Path("fox.png").write_bytes(picture())
    Path("notes.txt").write_text("no picture")
    ran = pinxit(*words)
    assert ran.code == 2
    assert sentence in ran.err
    assert ran.err.count("\n") == 1


def test_nothing_piped(pinxit: Commands) -> None:
    """An empty standard input is no prompt."""
    ran = pinxit("generate", stdin="  \n")
    assert ran.code == 2
    assert "prompt: nothing came from standard input" in ran.err


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("[defaults", "cannot be read as TOML"),
        ("[defaults]\nmodle = 'x'", "did you mean 'model'?"),
        ("[routes.hero]\nmodels = ['test/nobody']", "names an unknown model 'test/nobody'"),
    ],
)
def test_broken_configuration(pinxit: Commands, config: str, sentence: str) -> None:
    """A configuration that cannot be used ends with 5 and its file, place and fix."""
    pinxit.configure(config)
    ran = pinxit("generate", "a dot")
    assert ran.code == 5
    assert sentence in ran.err
    assert ran.err.count("\n") == 1


def test_missing_files(pinxit: Commands) -> None:
    """So does a configuration or a plugin folder that is named and not there."""
    assert pinxit("models", "--config", "no.toml").code == 5
    assert pinxit("models", "--plugins-dir", "nowhere").code == 5


def test_json_error(pinxit: Commands) -> None:
    """With --json an error is a document too, and still a sentence on standard error."""
    ran = pinxit("generate", "a dot", "-n", "11", "--json")
    assert ran.code == 2
    assert ran.json["error"] == {
        "message": "n: should be less than or equal to 10, not 11",
        "code": "invalid_request",
        "param": "n",
        "exit_code": 2,
    }
    assert "-n: should be" in ran.err
    failed = pinxit("generate", "a dot", "-m", "test/fails", "--json")
    assert failed.json["report"]["attempts"][0]["model"] == "test/fails"


def test_json_usage_error(pinxit: Commands) -> None:
    """A value that is not even a number is told as JSON, too."""
    ran = pinxit("generate", "a dot", "--json", "-n", "many")
    assert (ran.code, ran.json["error"]["code"]) == (2, "usage")


def test_help(pinxit: Commands) -> None:
    """No command at all shows the help, and so does a group without a command."""
    assert "generate" in pinxit().out
    assert pinxit("keys").err == ""
    assert pinxit("keys").code == 2


def test_configured(pinxit: Commands) -> None:
    """The configuration of these tests is a good one."""
    pinxit.configure(CONFIG)
    assert pinxit("generate", "a dot").code == 0
