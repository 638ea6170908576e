"""Find plugins, check them, address their hooks, and wrap middleware around calls."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from difflib import get_close_matches
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pluggy

from . import hookspecs
from .capabilities import Model, Setting
from .config import Settings
from .errors import ConfigError
from .hookspecs import PROJECT, CallNext, Context, Order, RequestNext
from .layers import call_layer, call_with, request_layer
from .loading import PLUGINS_GROUP, distribution, files_in, import_file, installed_plugins
from .mistakes import contradictions, explain
from .redaction import Secrets
from .registry import Registry
from .signatures import check_hooks
from .tracing import Trace
from .types import ImagesResponse, Operation, Request

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

__all__ = ["PLUGINS_GROUP", "Plugins", "installed_plugins"]

log = logging.getLogger("pinxit")


class Plugins:
    """The plugins of one router, and the capability registry that they fill.

    Args:
        plugins: Modules or objects to register besides those that are found.
        discover: Whether to look for installed packages.
        points: The entry points to consider instead of the installed ones.
        block: Names that are never loaded.
        allow: The only names that are loaded, where given.
        directory: A folder whose ``*.py`` files are plugins.
        files: One-file plugins.
        tables: Settings by provider; a table that names a ``plugin`` is one more plugin of that kind.
        folder: Where the tables stand, for files that they name; by default the working directory.
        undeclared: Whether models that nobody described can be called.
        trace: Tells of each call of a hook.

    Attributes:
        registry: The models of all plugins.
        broken: Why a plugin was set aside, by name. The others go on.
        distributions: The package or file that each plugin comes from, by name; broken ones too.

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
        files: Iterable[Path] = (),
        tables: Mapping[str, Mapping[str, Any]] | None = None,
        folder: Path | None = None,
        undeclared: bool = True,
        trace: Trace | None = None,
    ) -> None:
        self.manager = pluggy.PluginManager(PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.registry = Registry(undeclared=undeclared)
        self.broken: dict[str, Exception] = {}
        self.distributions: dict[str, str] = {}
        self._settings: dict[object, tuple[Setting, ...]] = {}
        self._callers: dict[tuple[str, object], Callable[..., Any]] = {}
        self._block = frozenset(block)
        self._allow = None if allow is None else frozenset(allow)
        self._trace = trace
        self._folder = folder or Path()
        for plugin in plugins:
            self._register(plugin, self._free_name(plugin))
        if discover:
            self._discover(installed_plugins() if points is None else points)
        if directory is not None:
            self._load_files(files_in(directory))
        self._load_files(files)
        for provider, table in (tables or {}).items():
            if "plugin" in table:
                self._create(provider, table)
        self._cut_bad_successors()

    def _wanted(self, name: str) -> bool:
        return name not in self._block and (self._allow is None or name in self._allow)

    def _discover(self, points: Iterable[EntryPoint]) -> None:
        # Not load_setuptools_entrypoints(): that drops the second of two plugins of one name without
        # a word, and lets one broken package take the application down.
        for point in points:
            if self._wanted(point.name):
                self._try(point.name, point.load, distribution(point))

    def _load_files(self, files: Iterable[Path]) -> None:
        for file in files:
            if file.suffix != ".py" or not file.is_file():
                raise ConfigError(f"plugin {str(file)!r}: there is no such Python file")
            # A package under work may be installed from the very file.
            if self._wanted(file.stem) and file.resolve() not in self._files():
                self._try(file.stem, partial(import_file, file), file.name)

    def _files(self) -> set[Path]:
        files = (getattr(plugin, "__file__", None) for plugin in self.names().values())
        return {Path(file).resolve() for file in files if file}

    def _try(self, name: str, load: Callable[[], object], distribution: str) -> None:
        """Load one plugin that somebody else wrote; set it aside if it is broken in any way."""
        if self.manager.has_plugin(name):
            other = self.distributions.get(name) or "the application"
            who = f"{other} and {distribution or 'another package'}"
            self._set_aside(
                f"{name} ({distribution})", ConfigError(f"{who} both install {name!r}; block one")
            )
            return
        self.distributions[name] = distribution
        try:
            plugin = load()
            # The application may have handed in what a package publishes too.
            if not _is_registered(self.manager, plugin):
                self._register(plugin, name)
        # What a stranger's package raises while it is imported or asked for its models is its own affair.
        except Exception as error:  # noqa: BLE001
            self._set_aside(name, error)

    def _create(self, provider: str, table: Mapping[str, Any]) -> None:
        """Make and register one more plugin of a kind, as a table of the configuration asks.

        Raises:
            ConfigError: The table is wrong; it was written for this application, so nothing is set aside.
        """
        kind, where = str(table["plugin"]), f"[providers.{provider}]"
        makers = {
            impl.plugin_name: impl for impl in self.manager.hook.create_plugin.get_hookimpls()
        }
        if kind not in makers:
            near = get_close_matches(kind, makers, n=1)
            meant = f"did you mean {near[0]!r}? There" if near else "there"
            raise ConfigError(
                f"{where} plugin: {kind!r} is not a plugin of which there can be more; "
                f"{meant} are {', '.join(sorted(makers)) or 'none'}"
            )
        if self.manager.has_plugin(provider):
            raise ConfigError(
                f"{where} plugin: {provider!r} is a plugin already; choose another name"
            )
        try:
            with self._traced(kind, "create_plugin"):
                plugin = call_with(
                    makers[kind], provider=provider, settings=table, folder=self._folder
                )
            self._register(plugin, provider)
        except (ConfigError, ValueError) as error:
            raise ConfigError(f"{where}: {explain(error)}") from error
        self.distributions[provider] = self.distributions.get(kind, "")

    def _set_aside(self, name: str, error: Exception) -> None:
        self.broken[name] = error
        origin = self.distributions.get(name)
        who = f"{name} (from {origin})" if origin else name
        log.warning("plugin %s is set aside: %s", who, explain(error))

    def _free_name(self, plugin: object) -> str:
        """Name a plugin that was handed in; two objects of one class get two names."""
        name = getattr(plugin, "__name__", None) or type(plugin).__name__
        taken = sum(known.partition("#")[0] == name for known in self.names())
        return f"{name}#{taken + 1}" if taken else name

    def _register(self, plugin: object, name: str) -> None:
        """Check, register and enter the models of one plugin; leave no trace of a broken one.

        Raises:
            ConfigError: It says which plugin, which piece, and what to change.
        """
        try:
            hash(plugin)
        except TypeError:
            raise ConfigError(
                f"plugin {name!r} is not hashable; a dataclass needs eq=False"
            ) from None
        if self.manager.is_registered(plugin):
            raise ConfigError(f"plugin {name!r} is handed in twice")
        check_hooks(self.manager, plugin, name)
        with ExitStack() as unless_sound:
            unless_sound.callback(self._forget, plugin)
            self.manager.register(plugin, name=name)
            self._settings[plugin] = tuple(
                self._collect(plugin, name, "register_settings", Setting)
            )
            for model in self._collect(plugin, name, "register_models", Model):
                self._check_model(model, plugin, name)
                self.registry.add(model, plugin)
            unless_sound.pop_all()

    def _forget(self, plugin: object) -> None:
        self.manager.unregister(plugin)
        self.registry.remove(plugin)
        self._settings.pop(plugin, None)

    def _collect(self, plugin: object, name: str, hook: str, kind: type[T]) -> Sequence[T]:
        """Call a collecting hook on one plugin, so that the owner of what it returns is known."""
        for impl in getattr(self.manager.hook, hook).get_hookimpls():
            if impl.plugin is plugin:
                with self._traced(name, hook):
                    found: object = impl.function()
                    items = list(
                        cast("Iterable[object]", found) if isinstance(found, Iterable) else [found]
                    )
                strangers = [type(item).__name__ for item in items if not isinstance(item, kind)]
                if strangers:
                    raise ConfigError(
                        f"plugin {name!r}: {hook}() returned {strangers[0]}, not {kind.__name__}"
                    )
                return cast("list[T]", items)
        return ()

    def _traced(self, plugin: str, hook: str) -> AbstractContextManager[None]:
        return self._trace.call(plugin, hook) if self._trace else nullcontext()

    def _check_model(self, model: Model, plugin: object, name: str) -> None:
        for problem in contradictions(model):
            raise ConfigError(f"plugin {name!r}: {problem}")
        taken = self.registry.holder(model)
        if taken is not None and taken[1] is not plugin:
            other = self.manager.get_name(taken[1]) or ""
            origin = self.distributions.get(other)
            who = f"{other!r} (from {origin})" if origin else repr(other)
            raise ConfigError(
                f"plugin {name!r}: two plugins register the model {taken[0]!r}, and {who} has it; "
                f"block one of them, or give the model a name of its own"
            )
        if missing := sorted(set(model.operations) - set(self.hooks_of(plugin))):
            raise ConfigError(
                f"plugin {name!r} registers {model.id} for {', '.join(missing)} but has no such hook; "
                f"add `async def {missing[0]}(request, model, context)` or take it out of operations"
            )

    def _cut_bad_successors(self) -> None:
        """A successor that is nowhere or leads in a circle is forgotten; the model itself stays."""
        for model, why in self.registry.cut_bad_successors():
            owner = self.manager.get_name(self.registry.owner(model))
            error = ConfigError(f"plugin {owner!r}: {model.id} is left without a successor: {why}")
            self.broken[f"{owner}: {model.id}"] = error
            log.warning("%s", error)

    # What the engine asks for ---------------------------------------------------------------------

    def settings_of(self, model: Model) -> tuple[Setting, ...]:
        """Return the settings that the model's plugin declares."""
        return self._settings.get(self.registry.owner(model), ())

    def orders(self) -> Mapping[str, Order]:
        """Return the orders of candidates that plugins register, by name."""
        found: dict[str, Order] = {}
        for impl in reversed(self.manager.hook.register_orders.get_hookimpls()):
            with self._traced(impl.plugin_name, "register_orders"):
                found.update(cast("Mapping[str, Order]", impl.function()))
        return found

    def names(self) -> Mapping[str, object]:
        """Return every loaded plugin by its name."""
        return {
            name: plugin for name, plugin in self.manager.list_name_plugin() if plugin is not None
        }

    def hooks_of(self, plugin: object) -> tuple[str, ...]:
        """Return the names of the hooks that a plugin implements."""
        return tuple(sorted(caller.name for caller in self.manager.get_hookcallers(plugin) or ()))

    def calling_order(self, hook: str) -> list[str]:
        """Return the names of the plugins that implement a hook, the one that is called first first.

        Operations and ``preview`` are asked of one plugin alone: their order is that of loading.
        """
        order = [impl.plugin_name for impl in getattr(self.manager.hook, hook).get_hookimpls()]
        if hook in {"around_request", "around_call", "register_orders"}:
            # pluggy lists last what it calls first.
            return order[::-1]
        return order if hook == "lifespan" else [name for name in self.names() if name in order]

    def provider_of(self, plugin: object) -> str:
        """Return the name under which a plugin's settings stand: its first model's provider, or its own."""
        models: Iterable[Model] = (*self.registry, *self.registry.open_models)
        for model in models:
            if self.registry.owner(model) is plugin:
                return model.provider
        return self.manager.get_name(plugin) or ""

    def lifespans(self) -> list[tuple[object, Callable[[Settings, httpx.AsyncClient], Any]]]:
        """Return the plugins that want to live as long as the router, with their openers."""

        def opener(impl: pluggy.HookImpl) -> Callable[[Settings, httpx.AsyncClient], Any]:
            def opened(settings: Settings, http: httpx.AsyncClient) -> Any:
                life = call_with(impl, settings=settings, http=http)
                return self._trace.life(life, impl.plugin_name) if self._trace else life

            return opened

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
            core = request_layer(impl, core, context_of(impl.plugin))
            if self._trace:
                core = self._trace.wrap(core, impl.plugin_name, "around_request")
        return core

    def around_call(self, core: CallNext, context_of: Callable[[object], Context]) -> CallNext:
        """Wrap *core* in every ``around_call``, ``tryfirst`` outermost; see `around_request`."""
        for impl in self.manager.hook.around_call.get_hookimpls():
            core = call_layer(impl, core, context_of(impl.plugin))
            if self._trace:
                core = self._trace.wrap(core, impl.plugin_name, "around_call")
        return core

    def _caller(self, hook: str, model: Model) -> Callable[..., Any]:
        """Address a hook to the plugin that owns the model, and to no other."""
        owner = self.registry.owner(model)
        key = (hook, owner)
        if key not in self._callers:
            others = {plugin for plugin in self.manager.get_plugins() if plugin is not owner}
            caller: Callable[..., Any] = self.manager.subset_hook_caller(hook, others)
            if self._trace:
                caller = self._trace.wrap(caller, self.manager.get_name(owner) or "", hook)
            self._callers[key] = caller
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


def _is_registered(manager: pluggy.PluginManager, plugin: object) -> bool:
    try:
        return manager.is_registered(plugin)
    except TypeError:
        # What cannot be hashed is refused in a sentence, a little later.
        return False
