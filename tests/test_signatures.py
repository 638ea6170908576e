"""What is wrong with a plugin's hooks is said in one sentence, before anything is registered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest

from pinxit import ConfigError, hookimpl, hookspecs
from pinxit.hookspecs import PROJECT
from pinxit.signatures import check_hooks


def check(**functions: Callable[..., Any]) -> None:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    check_hooks(manager, SimpleNamespace(**functions), "acme")


def said(**functions: Callable[..., Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        check(**functions)
    return str(caught.value)


@hookimpl
async def nothing() -> None: ...


@hookimpl
async def everything(request: Any, model: Any, context: Any) -> None: ...


@hookimpl
async def helped(request: Any, retries: int = 3, *rest: Any, **more: Any) -> None: ...


@pytest.mark.parametrize("function", [nothing, everything, helped])
def test_a_hook_takes_what_it_needs(function: Callable[..., Any]) -> None:
    """Any of the hook's arguments, in any number; one with a default is the function's own."""
    check(generate=function)


def test_a_misspelt_argument_is_named() -> None:
    """The sentence has the plugin, the hook, the argument, what is near, and what there is."""

    @hookimpl
    async def generate(request: Any, contxt: Any) -> None: ...

    assert said(generate=generate) == (
        "plugin 'acme': generate() takes an argument 'contxt' that the hook does not have "
        "(did you mean 'context'?); it has request, model, context"
    )


def test_an_argument_of_a_hook_without_any_is_named() -> None:
    """Where a hook has no arguments, the sentence says so."""

    @hookimpl
    def register_models(settings: Any) -> None: ...

    assert said(register_models=register_models).endswith(
        "takes an argument 'settings' that the hook does not have; it has none"
    )


def test_a_misspelt_hook_is_named() -> None:
    """A decorated function that is no hook would never be called; the sentence says what is near."""
    message = said(genrate=nothing)
    assert message.startswith(
        "plugin 'acme': there is no hook 'genrate' (did you mean 'generate'?); hooks are around_call,"
    )


def test_a_hook_may_have_another_name() -> None:
    """``specname`` says which hook a function implements, and is checked like a name."""

    @hookimpl(specname="generate")
    async def paint(request: Any) -> None: ...

    @hookimpl(specname="paint")
    async def draw(request: Any) -> None: ...

    check(paint=paint)
    assert "no hook 'paint'" in said(draw=draw)


def test_an_optional_hook_may_be_unknown() -> None:
    """A plugin for several versions of pinxit may implement what this one does not have."""

    @hookimpl(optionalhook=True)
    async def upscale(request: Any, factor: float) -> None: ...

    check(upscale=upscale, generate=nothing)


def test_a_plugin_without_hooks_is_told_about_the_decorator() -> None:
    """Functions of the right names without a decorator are the usual mistake."""

    async def generate(request: Any) -> None: ...

    assert "is @pinxit.hookimpl missing?" in said(generate=generate)


@pytest.mark.parametrize("hook", ["generate", "edit", "variation", "around_request", "around_call"])
def test_operations_are_coroutine_functions(hook: str) -> None:
    """A plain function would block every other request."""

    @hookimpl
    def plain() -> None: ...

    check(**{hook: nothing})
    assert said(**{hook: plain}) == f"plugin 'acme': {hook}() must be written as `async def`"


@pytest.mark.parametrize(
    "hook", ["register_models", "register_settings", "register_orders", "preview"]
)
def test_declarations_are_plain_functions(hook: str) -> None:
    """What is called while nothing runs yet cannot be awaited."""

    @hookimpl
    def plain() -> None: ...

    check(**{hook: plain})
    assert "must be a plain function, not `async def`" in said(**{hook: nothing})


def test_a_lifespan_is_a_context_manager() -> None:
    """A generator without its decorator is told what it lacks."""

    async def lifespan() -> AsyncGenerator[None]:
        yield

    check(lifespan=hookimpl(asynccontextmanager(lifespan)))
    assert "is @asynccontextmanager missing?" in said(lifespan=hookimpl(lifespan))


def test_pluggy_s_own_wrappers_are_refused() -> None:
    """They would leave coroutines un-awaited; the sentence says what to write instead."""

    @hookimpl(wrapper=True)
    def generate(request: Any) -> Generator[None, Any, Any]:
        return (yield)

    assert "implement around_call instead" in said(generate=generate)


def test_methods_are_hooks_too() -> None:
    """Of a plugin that is an object, ``self`` is no argument of a hook."""

    class Acme:
        @hookimpl
        async def generate(self, request: Any) -> None: ...

        @property
        def broken(self) -> None:
            raise RuntimeError("nobody asked for this")

    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    check_hooks(manager, Acme(), "acme")
