"""Read a plugin's hooks before they are registered, and say in a sentence what is wrong with one."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pluggy

from . import hookspecs
from .errors import ConfigError
from .hookspecs import PROJECT

__all__ = ["COROUTINES", "check_hooks"]

COROUTINES = frozenset({"generate", "edit", "variation", "around_request", "around_call"})
"""The hooks that are written as ``async def``."""


class _Hook(NamedTuple):
    """One decorated function of a plugin."""

    name: str
    function: Callable[..., Any]
    options: Mapping[str, Any]


def check_hooks(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    """Hold every decorated function of a plugin against the specification of its hook.

    Raises:
        ConfigError: It names the plugin, the function, and what is allowed.
    """
    hooks = list(_hooks(manager, plugin))
    if not hooks:
        raise ConfigError(f"plugin {name!r} implements no hook; is @pinxit.hookimpl missing?")
    specs = _specifications()
    for hook in hooks:
        where = f"plugin {name!r}: {hook.name}()"
        if hook.name not in specs:
            # pluggy's way to say that the hook may belong to somebody who is not here.
            if hook.options.get("optionalhook"):
                continue
            raise ConfigError(
                f"plugin {name!r}: there is no hook {hook.name!r}{_near(hook.name, specs)}; "
                f"hooks are {', '.join(sorted(specs))}"
            )
        _check_arguments(hook, tuple(inspect.signature(specs[hook.name]).parameters), where)
        _check_kind(hook, where)


def _specifications() -> dict[str, Callable[..., Any]]:
    return {n: spec for n, spec in vars(hookspecs).items() if hasattr(spec, f"{PROJECT}_spec")}


def _hooks(manager: pluggy.PluginManager, plugin: object) -> Iterator[_Hook]:
    for attribute in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, attribute)
        if options is not None:
            name = options.get("specname") or attribute
            yield _Hook(name, getattr(plugin, attribute), options)


def _check_arguments(hook: _Hook, offered: tuple[str, ...], where: str) -> None:
    """Refuse an argument that would never be given; one with a default is the function's own affair."""
    for parameter in inspect.signature(hook.function).parameters.values():
        own = parameter.default is not parameter.empty
        several = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        if own or several or parameter.name in offered:
            continue
        raise ConfigError(
            f"{where} takes an argument {parameter.name!r} that the hook does not have"
            f"{_near(parameter.name, offered)}; it has {', '.join(offered) or 'none'}"
        )


def _check_kind(hook: _Hook, where: str) -> None:
    """An operation that is no coroutine function would block every other request."""
    # pluggy's wrappers leave coroutines un-awaited where one of them cuts a call short.
    if hook.options.get("wrapper") or hook.options.get("hookwrapper"):
        raise ConfigError(f"{where} is a wrapper of pluggy's; implement around_call instead")
    is_coroutine = inspect.iscoroutinefunction(hook.function)
    if hook.name in COROUTINES:
        if not is_coroutine:
            raise ConfigError(f"{where} must be written as `async def`")
    elif is_coroutine or inspect.isasyncgenfunction(hook.function):
        mend = "is @asynccontextmanager missing?" if hook.name == "lifespan" else "it does no I/O"
        raise ConfigError(f"{where} must be a plain function, not `async def`; {mend}")


def _near(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""
