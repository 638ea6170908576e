"""The public face: its names, its keyword arguments, and what importing it costs."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

import pinxit
import pinxit_providers
from pinxit import EditRequest, GenerateRequest, VariationRequest, blocking, parameters, testing
from pinxit.options import Options

MIRRORS: list[tuple[type, type[Options], set[str]]] = [
    (parameters.OptionParameters, Options, set()),
    (parameters.GenerateParameters, GenerateRequest, {"prompt"}),
    (parameters.EditParameters, EditRequest, {"prompt", "images"}),
    (parameters.VariationParameters, VariationRequest, {"images"}),
]


def test_public_names_are_listed_and_sorted() -> None:
    """What checkers see imported is what is listed, once and in order."""
    tree = ast.parse(Path(pinxit.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert pinxit.__all__ == sorted(seen)
    assert set(pinxit.__all__) <= set(dir(pinxit))


def test_modules_are_themselves() -> None:
    """A module that is asked for by its name, before anything imported it, is that module."""
    program = "import pinxit; print(pinxit.report.__name__, pinxit.blocking.__name__)"
    assert _printed(program).split() == ["pinxit.report", "pinxit.blocking"]


@pytest.mark.parametrize("package", [pinxit, testing])
def test_every_public_name_is_there(package: types.ModuleType) -> None:
    """What is listed can be had, also where it is loaded late."""
    assert all(getattr(package, name) is not None for name in package.__all__)


def test_every_public_name_is_explained() -> None:
    """Each class and function has a sentence in its documentation."""
    for name in pinxit.__all__:
        value = getattr(pinxit, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), name


def test_an_unknown_name_is_unknown() -> None:
    """Loading late does not answer to every name."""
    for package in (pinxit, testing):
        with pytest.raises(AttributeError, match="Roter"):
            _ = package.Roter


@pytest.mark.parametrize(("parameters", "request_type", "own"), MIRRORS)
def test_keyword_arguments_mirror_the_fields(
    parameters: type, request_type: type[Options], own: set[str]
) -> None:
    """Type checkers know exactly the fields that a request has."""
    fields = [name for name in request_type.model_fields if name not in own]
    assert sorted(get_type_hints(parameters)) == sorted(fields)


@pytest.mark.parametrize(("parameters", "request_type", "own"), MIRRORS)
def test_keyword_arguments_have_the_fields_words(
    parameters: type, request_type: type[Options], own: set[str]
) -> None:
    """A vocabulary is the same for type checkers and at run time, and every argument may be None."""
    hints = get_type_hints(parameters)
    for name, hint in hints.items():
        assert type(None) in get_args(hint), name
        assert _words(hint) == _words(request_type.model_fields[name].annotation), name


def _words(annotation: Any) -> set[str]:
    """Return the words of all literals in an annotation; those inside other models are theirs."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    union = get_origin(annotation) in {types.UnionType, __import__("typing").Union}
    return {word for part in get_args(annotation) for word in _words(part)} if union else set()


def _methods(router: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(method)
        for name, method in vars(router).items()
        if inspect.isfunction(method)
        and not name.startswith("_")
        and name not in {"aclose", "close"}
    }


def test_both_routers_have_the_same_methods() -> None:
    """Whoever knows one router knows the other: names and arguments are the same."""
    ours, theirs = _methods(pinxit.Router), _methods(blocking.Router)
    # `run` takes what only a server has: an emitter, ids, the caller.
    assert ours.keys() - {"run"} == theirs.keys()
    for name, signature in theirs.items():
        assert list(signature.parameters) == list(ours[name].parameters), name


@pytest.mark.parametrize("package", [pinxit, pinxit_providers])
def test_packages_are_typed(package: types.ModuleType) -> None:
    """The marker that makes type checkers look is there."""
    assert (Path(package.__file__ or "").parent / "py.typed").is_file()


PROBE = """
import json, sys
touched = []
sys.addaudithook(lambda event, _: event.startswith(("socket.", "subprocess.")) and touched.append(event))
import {module}
print(json.dumps([sorted(sys.modules), touched]))
"""


@pytest.mark.parametrize("module", ["pinxit", "pinxit.capabilities", "pinxit.testing"])
def test_importing_costs_little(module: str) -> None:
    """Nothing is imported that only some need, no plugin, and nobody is called."""
    loaded, touched = json.loads(_printed(PROBE.format(module=module)))
    late = {
        "pinxit_providers", "PIL", "numpy", "openai", "pytest", "resvg_py", "stamina", "starlette", "uvicorn",
    }  # fmt: skip
    if module != "pinxit.testing":
        # The misbehaving upstream speaks httpx's language, and httpx brings rich along.
        late |= {"httpx", "httpcore", "rich", "ssl", "typer"}
    assert not late & set(loaded)
    assert touched == []


def _printed(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout
