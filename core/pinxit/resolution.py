"""From the name in a request to the models behind it: routes, aliases, needs, successors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from .capabilities import Capability, Model, Succession
from .config import Config, Settings
from .errors import RequestError, UnknownModel
from .hookspecs import Clock
from .options import LoadBalancer, Options
from .plugins import Plugins
from .routes import Route
from .types import Request, rebuild

__all__ = ["AUTO", "NEEDS", "Resolution", "Resolver", "Target"]

AUTO = "auto"
"""The name that asks for any model with what ``needs`` says."""

NEEDS: Mapping[str, Callable[[Model, Capability], bool]] = {
    "mask": lambda _, cap: cap.mask is not None,
    "markup": lambda _, cap: cap.markup,
    "transparent": lambda _, cap: "transparent" in cap.backgrounds,
    "seed": lambda _, cap: cap.seed is not None,
    "negative_prompt": lambda _, cap: cap.negative_prompt,
    "streaming": lambda _, cap: cap.streaming,
    "several_images": lambda _, cap: cap.images is not None and cap.images.max > 1,
    "several_results": lambda _, cap: cap.max_n > 1,
    "url": lambda _, cap: "url" in cap.delivers,
    "svg": lambda _, cap: cap.svg,
    "offline": lambda model, _: model.offline,
}
"""What ``needs`` may ask for, each a question to a model and its capability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One model to try, and how the request came to it.

    Attributes:
        model: Who shall paint it.
        request: The request with this entry's own parameters.
        succession: How the words of the retired model translate, where this one stands in for it.
        retired: The retired model that was named.
        reason: Why this one cannot be tried at all.
        weight: Its part of the load, where a load balancer names it.
    """

    model: Model
    request: Request
    succession: Succession | None = None
    retired: Model | None = None
    reason: str | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One name of a list, before it is looked up."""

    model: str
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a request's name stands for.

    Attributes:
        asked_for: The name.
        route: The route of that name, if there is one.
        options: The options in force.
        targets: The models, in the order in which they are listed.
        defaults: What absent parameters mean for users of the id that was asked for.
    """

    asked_for: str
    route: str | None
    options: Options
    targets: tuple[Target, ...]
    defaults: Mapping[str, str] = field(default_factory=dict[str, str])


class Resolver:
    """Resolves names for a router.

    Args:
        plugins: The plugins with their registry.
        routes: All routes by name.
        config: Default options, and settings for the question whose server a model is on.
        clock: Says what day it is, so that a model retires by itself.
    """

    def __init__(
        self, plugins: Plugins, routes: Mapping[str, Route], config: Config, clock: Clock
    ) -> None:
        self._plugins = plugins
        self._registry = plugins.registry
        self._routes = routes
        self._config = config
        self._clock = clock
        # Configuration and environment were read at start-up, so settings stay what they are.
        self._settings: dict[tuple[object, str | None], Settings] = {}

    def settings(self, model: Model) -> Settings:
        """Return the settings of the model's provider."""
        return self._known_settings(self._registry.owner(model), model.provider)

    def plugin_settings(self, plugin: object) -> Settings:
        """Return the settings of a plugin, which may be middleware and have no model."""
        return self._known_settings(plugin, None)

    def _known_settings(self, plugin: object, provider: str | None) -> Settings:
        known = self._settings.get((plugin, provider))
        if known is None:
            name = provider or self._plugins.provider_of(plugin)
            known = self._config.settings(name, self._plugins.declared_settings(plugin))
            self._settings[plugin, provider] = known
        return known

    def _asked(self, request: Request) -> str:
        return request.model or self._config.defaults.model

    def options(self, request: Request) -> Options:
        """Return the options in force: the request's, over its route's, over the configuration's."""
        route = self._routes.get(self._asked(request))
        said = request.over(route) if route else request
        return said.over(self._config.defaults)

    def resolve(self, request: Request) -> Resolution:
        """Find the models that may serve a request.

        Raises:
            UnknownModel: No route and no model has the name.
            RequestError: A fallback's own parameters, or the needs, are wrong.
        """
        asked = self._asked(request)
        route = self._routes.get(asked)
        options = self.options(request)
        balancer = request.load_balancer or (route.load_balancer if route else None)
        entries = self._entries(asked, route, balancer, options)
        # Nobody who asks in these ways means one model's defaults.
        nameless = request.load_balancer is not None or asked == AUTO
        defaults = {} if nameless else self._defaults(request, asked, route)
        targets: dict[str, Target] = {}
        for entry in entries:
            target = self._target(entry, request, options, defaults)
            # Two retired models may have the same successor; each model is tried once.
            targets.setdefault(target.model.id, target)
        return Resolution(
            asked_for=asked,
            route=asked if route else None,
            options=options,
            targets=tuple(targets.values()),
            defaults=defaults,
        )

    def _defaults(self, request: Request, asked: str, route: Route | None) -> dict[str, str]:
        """Return what absent parameters mean for users of the id that was asked for.

        A route may stand in for a model by taking its name; its callers still mean the model.
        """
        try:
            return {str(name): value for name, value in self._registry.get(asked).defaults.items()}
        except UnknownModel:
            if route is not None:
                return {}
            if request.model is not None:
                raise
            raise UnknownModel(
                f"model: the request names none, and there is no route or model {asked!r}; "
                "give one, or set [defaults] model in pinxit.toml",
                param="model",
            ) from None

    def _entries(
        self, asked: str, route: Route | None, balancer: LoadBalancer | None, options: Options
    ) -> Iterator[_Entry]:
        """Yield what is named: first the name itself, then its fallbacks."""
        if balancer is not None:
            for place, share in enumerate(balancer.models):
                entry = _Entry(model=share.model, weight=share.weight)
                yield from self._expand(entry, f"load_balancer.models[{place}].model")
        elif asked == AUTO or (route is not None and not route.models):
            yield from (_Entry(model=model.id) for model in self._by_needs(options.needs or ()))
        else:
            yield from self._expand(_Entry(model=asked), "model")
        for place, fallback in enumerate(options.fallbacks or ()):
            entry = _Entry(model=fallback.model, parameters=fallback.parameters)
            yield from self._expand(entry, f"fallbacks[{place}].model", options.needs or ())

    def _expand(
        self, entry: _Entry, param: str, needs: tuple[str, ...] = (), seen: tuple[str, ...] = ()
    ) -> Iterator[_Entry]:
        """Replace a route's name by its models, and those of routes that it names in turn.

        Args:
            entry: What is named.
            param: The field that names it, for errors.
            needs: What ``auto`` has to be able to do here.
            seen: The routes on the way here: one that names itself adds nothing.
        """
        route = self._routes.get(entry.model)
        if route is not None:
            if entry.model in seen:
                return
            for name in self._members(route):
                yield from self._expand(
                    replace(entry, model=name), param, needs, (*seen, entry.model)
                )
        elif entry.model == AUTO:
            yield from (replace(entry, model=model.id) for model in self._by_needs(needs))
        else:
            try:
                self._registry.get(entry.model)
            except UnknownModel as error:
                error.param = param
                raise
            yield entry

    def _members(self, route: Route) -> Iterator[str]:
        """Yield the names behind a route; where it spreads load, the heaviest first."""
        if route.load_balancer is not None:
            shares = sorted(route.load_balancer.models, key=lambda share: -share.weight)
            yield from (share.model for share in shares)
        elif route.models:
            yield from route.models
        else:
            yield from (model.id for model in self._by_needs(route.needs or ()))

    def _by_needs(self, needs: tuple[str, ...]) -> Iterator[Model]:
        if unknown := [need for need in needs if need not in NEEDS]:
            raise RequestError(
                f"needs: {unknown[0]!r} is not known; there are {', '.join(sorted(NEEDS))}",
                param="needs",
            )
        for model in self._registry:
            able = any(
                all(NEEDS[need](model, cap) for need in needs) for cap in model.operations.values()
            )
            if not able or model.by_name_only or self._is_retired(model):
                continue
            # Whoever leaves the choice to us does not mean a model that lacks a key.
            if self.settings(model).problem is None:
                yield model

    def _target(
        self, entry: _Entry, request: Request, options: Options, defaults: Mapping[str, str]
    ) -> Target:
        changes: dict[str, Any] = {
            k: v for k, v in defaults.items() if getattr(request, k, None) is None
        }
        if request.aspect_ratio is not None or "aspect_ratio" in entry.parameters:
            # A ratio says what size would say; a default must not contradict it.
            changes.pop("size", None)
        # Last, because they were written for this very model.
        changes |= entry.parameters
        changed = _changed(request, changes, entry) if changes else request
        model = self._registry.get(entry.model)
        if not self._is_retired(model):
            return Target(model=model, request=changed, weight=entry.weight)
        return replace(self._heir(model, changed, options), weight=entry.weight)

    def _heir(self, model: Model, request: Request, options: Options) -> Target:
        """Hand a retired model's request to the successor that still lives."""
        since = f"retired since {model.lifecycle.retired}"
        heir, succession = model, model.lifecycle.successor
        # It ends, because circles were cut when the plugins were loaded.
        while succession is not None and self._is_retired(heir):
            heir = self._registry.get(succession.model)
            succession = heir.lifecycle.successor
        if heir is model or self._is_retired(heir):
            return Target(model=model, request=request, reason=f"{since}, and nobody succeeds it")
        if options.on_retired == "error":
            reason = f"{since}; on_retired is error, or {heir.id} would serve it"
            return Target(model=model, request=request, reason=reason)
        line = model.lifecycle.successor
        absent = {
            n: v for n, v in (line.defaults if line else {}).items() if getattr(request, n) is None
        }
        heirs = request.model_copy(update=absent)
        return Target(model=heir, request=heirs, succession=line, retired=model)

    def _is_retired(self, model: Model) -> bool:
        """Whether the model is gone where we would call it: a server of somebody else's may keep it."""
        if model.lifecycle.status(self._clock.today()) != "retired":
            return False
        declared = next((s for s in self._plugins.settings_of(model) if s.name == "base_url"), None)
        # Without an address of the vendor's, no other one can be told from it.
        if declared is None or declared.default is None:
            return True
        return _host(self.settings(model).get("base_url")) == _host(declared.default)


def _host(url: object) -> str | None:
    return urlsplit(str(url)).hostname


def _changed(request: Request, changes: Mapping[str, Any], entry: _Entry) -> Request:
    """Return the request with some parameters replaced, checked like any other request."""
    fields = {name: getattr(request, name) for name in request.model_fields_set}
    try:
        return rebuild(request, {**fields, **changes})
    except RequestError as error:
        # The request's own field of that name may be right.
        if error.param in entry.parameters:
            error.param = f"fallbacks.{entry.model}.{error.param}"
        raise
