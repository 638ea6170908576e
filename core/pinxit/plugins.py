"""Find plugins, check them, address their hooks, and wrap middleware around calls."""

from __future__ import annotations

import importlib.util
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import pluggy

from . import hookspecs
from .capabilities import Model, Setting
from .config import Settings
from .errors import ConfigError
from .hookspecs import PROJECT, Call, CallNext, Context, Order, RequestNext
from .redaction import Secrets
from .registry import Registry
from .types import ImagesResponse, Operation, Request

if TYPE_CHECKING:
    import httpx

__all__ = ["PLUGINS_GROUP", "Plugins", "installed_plugins"]

PLUGINS_GROUP = PROJECT

log = logging.getLogger("pinxit")

_ASYNC_HOOKS = ("generate", "edit", "variation", "around_request", "around_call")


def installed_plugins() -> list[EntryPoint]:
    """List what packages publish in the entry-point group ``pinxit``, without importing any of it."""
    return sorted(
        entry_points(group=PLUGINS_GROUP), key=lambda point: (point.name, _distribution(point))
    )


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else ""


class Plugins:
    """The plugins of one router, and the capability registry that they fill.

    Args:
        plugins: Modules or objects to register besides those that are found.
        discover: Whether to look for installed packages.
        points: The entry points to consider instead of the installed ones.
        block: Names that are never loaded.
        allow: The only names that are loaded, where given.
        directory: A folder whose ``*.py`` files are plugins.

    Attributes:
        registry: The models of all plugins.
        broken: Why a plugin was set aside, by name. The others go on.

    Raises:
        ConfigError: A plugin that was handed in (not found) is wrong.
    """

    def __init__(
        self,
        *plugins: object,
        discover: bool = True,
        points: Iterable[EntryPoint] | None = None,
        block: Iterable[str] = (),
        allow: Iterable[str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.registry = Registry()
        self.broken: dict[str, Exception] = {}
        self.distributions: dict[str, str] = {}
        self._settings: dict[object, tuple[Setting, ...]] = {}
        self._callers: dict[tuple[str, object], Callable[..., Any]] = {}
        self._block = frozenset(block)
        self._allow = None if allow is None else frozenset(allow)
        for plugin in plugins:
            self._register(plugin, _name(plugin))
        if discover:
            self._discover(installed_plugins() if points is None else points)
        if directory is not None:
            self._load_directory(directory)
        self._drop_bad_successors()

    def _wanted(self, name: str) -> bool:
        return name not in self._block and (self._allow is None or name in self._allow)

    def _discover(self, points: Iterable[EntryPoint]) -> None:
        # Not load_setuptools_entrypoints(): that drops the second of two plugins of one name without
        # a word, and lets one broken package take the application down.
        for point in points:
            if self._wanted(point.name):
                self._try(point.name, point.load, _distribution(point))

    def _load_directory(self, directory: Path) -> None:
        if not directory.is_dir():
            raise ConfigError(f"plugins directory {str(directory)!r}: there is no such folder")
        for file in sorted(directory.glob("*.py")):
            if not file.name.startswith("_") and self._wanted(file.stem):
                self._try(file.stem, partial(_import_file, file), file.name)

    def _try(self, name: str, load: Callable[[], object], distribution: str) -> None:
        """Load one plugin that somebody else wrote; set it aside if it is broken in any way."""
        if self.manager.has_plugin(name):
            other = self.distributions.get(name) or "the application"
            who = f"{other} and {distribution or 'another package'}"
            self._set_aside(
                f"{name} ({distribution})", ConfigError(f"{who} both install {name!r}; block one")
            )
            return
        try:
            self._register(load(), name)
        # What a stranger's package raises while it is imported or asked for its models is its own affair.
        except Exception as error:  # noqa: BLE001
            self._set_aside(name, error)
        else:
            self.distributions[name] = distribution

    def _set_aside(self, name: str, error: Exception) -> None:
        self.broken[name] = error
        log.warning("plugin %s is set aside: %s", name, error)

    def _register(self, plugin: object, name: str) -> None:
        """Register, check and enter the models of one plugin; leave no trace of a broken one.

        Raises:
            ConfigError: It says which plugin, which piece, and what to change.
        """
        try:
            hash(plugin)
        except TypeError:
            raise ConfigError(
                f"plugin {name!r} is not hashable; a dataclass needs eq=False"
            ) from None
        try:
            self.manager.register(plugin, name=name)
            self._check_hooks(plugin, name)
            self._settings[plugin] = tuple(self._collect(plugin, "register_settings"))
            for model in self._collect(plugin, "register_models"):
                self._check_operations(model, plugin, name)
                self.registry.add(model, plugin)
        except Exception as error:
            self._forget(plugin, name)
            if isinstance(error, pluggy.PluginValidationError):
                raise ConfigError(f"plugin {name!r}: {str(error).strip()}") from error
            raise

    def _forget(self, plugin: object, name: str) -> None:
        if self.manager.has_plugin(name):
            self.manager.unregister(name=name)
        self.registry.remove(plugin)
        self._settings.pop(plugin, None)

    def _collect(self, plugin: object, hook: str) -> Sequence[Any]:
        """Call a collecting hook on one plugin, so that the owner of what it returns is known."""
        for impl in getattr(self.manager.hook, hook).get_hookimpls():
            if impl.plugin is plugin:
                return list(impl.function())
        return ()

    def _check_hooks(self, plugin: object, name: str) -> None:
        specs = {n for n in vars(hookspecs) if hasattr(getattr(hookspecs, n), f"{PROJECT}_spec")}
        callers = self.manager.get_hookcallers(plugin) or []
        if not callers:
            raise ConfigError(f"plugin {name!r} implements no hook; is @pinxit.hookimpl missing?")
        for caller in callers:
            if caller.name not in specs:
                raise ConfigError(
                    f"plugin {name!r}: there is no hook {caller.name!r}; hooks are {', '.join(sorted(specs))}"
                )
            for impl in caller.get_hookimpls():
                if impl.plugin is plugin and caller.name in _ASYNC_HOOKS:
                    _check_async(impl, name)

    def _check_operations(self, model: object, plugin: object, name: str) -> None:
        if not isinstance(model, Model):
            raise ConfigError(
                f"plugin {name!r}: register_models() returned {type(model).__name__}, not Model"
            )
        hooks = {caller.name for caller in self.manager.get_hookcallers(plugin) or ()}
        if missing := sorted(set(model.operations) - hooks):
            raise ConfigError(
                f"plugin {name!r} registers {model.id} for {', '.join(missing)} but has no such hook; "
                f"add `async def {missing[0]}(request, model, context)` or take it out of operations"
            )

    def _drop_bad_successors(self) -> None:
        """A line of successors that leads nowhere takes its models out, not the application."""
        for model, why in list(self.registry.check_successors()):
            owner = self.registry.owner(model)
            name = self.manager.get_name(owner) or _name(owner)
            self._set_aside(
                f"{name}: {model.id}", ConfigError(f"plugin {name!r}: {model.id}: {why}")
            )

    # What the engine asks for ---------------------------------------------------------------------

    def settings_of(self, model: Model) -> tuple[Setting, ...]:
        """Return the settings that the model's plugin declares."""
        return self._settings.get(self.registry.owner(model), ())

    def orders(self) -> Mapping[str, Order]:
        """Return the orders of candidates that plugins register, by name."""
        found: dict[str, Order] = {}
        for orders in self.manager.hook.register_orders():
            found.update(orders)
        return found

    def names(self) -> Mapping[str, object]:
        """Return every loaded plugin by its name."""
        return {
            name: plugin for name, plugin in self.manager.list_name_plugin() if plugin is not None
        }

    def hooks_of(self, plugin: object) -> tuple[str, ...]:
        """Return the names of the hooks that a plugin implements."""
        return tuple(sorted(caller.name for caller in self.manager.get_hookcallers(plugin) or ()))

    def provider_of(self, plugin: object) -> str:
        """Return the name under which a plugin's settings stand: its first model's provider, or its own."""
        for model in self.registry:
            if self.registry.owner(model) is plugin:
                return model.provider
        return self.manager.get_name(plugin) or ""

    def lifespans(self) -> list[tuple[object, Callable[[Settings, httpx.AsyncClient], Any]]]:
        """Return the plugins that want to live as long as the router, with their openers."""

        def opener(impl: pluggy.HookImpl) -> Callable[[Settings, httpx.AsyncClient], Any]:
            return lambda settings, http: _call(impl, settings=settings, http=http)

        return [(impl.plugin, opener(impl)) for impl in self.manager.hook.lifespan.get_hookimpls()]

    def secrets(self, model: Model, settings: Mapping[str, Any]) -> Secrets:
        """Return the values that must show nowhere among the settings of a model's plugin."""
        return Secrets(
            str(settings[s.name])
            for s in self.settings_of(model)
            if s.secret and s.name in settings
        )

    def declared_settings(self, plugin: object) -> tuple[Setting, ...]:
        """Return the settings that a plugin declares."""
        return self._settings.get(plugin, ())

    def around_request(
        self, core: RequestNext, context_of: Callable[[object], Context]
    ) -> RequestNext:
        """Wrap *core* in every ``around_request``, ``tryfirst`` outermost.

        Args:
            core: What the innermost layer calls.
            context_of: The context of a plugin, with its own settings and state.
        """
        # pluggy lists last what it calls first, so wrapping in its order leaves that one outside.
        for impl in self.manager.hook.around_request.get_hookimpls():
            core = _request_layer(impl, core, context_of(impl.plugin))
        return core

    def around_call(self, core: CallNext, context_of: Callable[[object], Context]) -> CallNext:
        """Wrap *core* in every ``around_call``, ``tryfirst`` outermost; see `around_request`."""
        for impl in self.manager.hook.around_call.get_hookimpls():
            core = _call_layer(impl, core, context_of(impl.plugin))
        return core

    def _caller(self, hook: str, model: Model) -> Callable[..., Any]:
        """Address a hook to the plugin that owns the model, and to no other."""
        owner = self.registry.owner(model)
        key = (hook, owner)
        if key not in self._callers:
            others = {plugin for plugin in self.manager.get_plugins() if plugin is not owner}
            self._callers[key] = self.manager.subset_hook_caller(hook, others)
        return self._callers[key]

    async def invoke(
        self, operation: Operation, request: Request, model: Model, context: Context
    ) -> ImagesResponse:
        """Call the operation's hook on the plugin that owns the model.

        Raises:
            ProviderError: Or another of our errors; what `httpx` raises is translated here.
        """
        # Imported with httpx, when the first request is made.
        from .translation import provider_errors

        with provider_errors(self.secrets(model, context.settings)):
            result = self._caller(operation, model)(request=request, model=model, context=context)
            return await cast("Awaitable[ImagesResponse]", result)

    def preview(self, request: Request, model: Model, context: Context) -> httpx.Request | None:
        """Return the HTTP request that the operation would send, if its plugin can tell."""
        return cast(
            "httpx.Request | None",
            self._caller("preview", model)(request=request, model=model, context=context),
        )


def _check_async(impl: pluggy.HookImpl, plugin: str) -> None:
    """An operation that is no coroutine function would block every other request."""
    if not inspect.iscoroutinefunction(impl.function):
        raise ConfigError(
            f"plugin {plugin!r}: {impl.function.__name__} must be written as `async def`"
        )


def _call(impl: pluggy.HookImpl, **values: Any) -> Any:
    """Call an implementation with the arguments it asks for."""
    return impl.function(*(values[name] for name in impl.argnames))


def _request_layer(impl: pluggy.HookImpl, inner: RequestNext, context: Context) -> RequestNext:
    def layer(request: Request) -> Awaitable[ImagesResponse]:
        return cast(
            "Awaitable[ImagesResponse]",
            _call(impl, request=request, context=context, request_next=inner),
        )

    return layer


def _call_layer(impl: pluggy.HookImpl, inner: CallNext, context: Context) -> CallNext:
    def layer(call: Call) -> Awaitable[ImagesResponse]:
        return cast(
            "Awaitable[ImagesResponse]", _call(impl, call=call, context=context, call_next=inner)
        )

    return layer


def _name(plugin: object) -> str:
    return getattr(plugin, "__name__", None) or type(plugin).__name__


def _import_file(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"pinxit_plugin_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file.name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
