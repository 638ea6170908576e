"""Routes from everywhere, put together and checked before the first request."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .config import Defaults
from .errors import ConfigError, UnknownModel
from .hookspecs import Order
from .options import Options
from .ordering import find_order
from .registry import Registry
from .resolution import AUTO, NEEDS
from .routes import InstalledRoutes, Route

__all__ = ["collect"]

log = logging.getLogger("pinxit")


def collect(
    installed: InstalledRoutes,
    configured: Mapping[str, Route],
    given: Mapping[str, Route],
    *,
    registry: Registry,
    orders: Mapping[str, Order],
    defaults: Defaults,
) -> dict[str, Route]:
    """Put routes together; later sources win: packages, the configuration, code.

    Args:
        installed: Those of packages; what is not installed is dropped from them.
        configured: Those of the file.
        given: Those of code.
        registry: The models.
        orders: The orders.
        defaults: Options of requests without a route; their names are checked as well.

    Raises:
        ConfigError: The file or the code names a model, an order or a need that does not exist.
    """
    # All names first: routes may name each other, in whatever order their sources come.
    known = _Names(registry, frozenset({AUTO, *installed.routes, *configured, *given}), orders)
    usable = ((name, known.usable(name, route)) for name, route in installed.routes.items())
    routes = {name: route for name, route in usable if route is not None}
    known.check(defaults, "[defaults]")
    for where, source in (("pinxit.toml", configured), ("routes", given)):
        for name, route in source.items():
            known.check(route, f"{where}: route {name!r}")
            routes[name] = route
    return routes


@dataclass(frozen=True, slots=True)
class _Names:
    """What a route may name.

    Attributes:
        routes: The routes, and ``auto``: fallbacks and shares of the load may name them.
    """

    registry: Registry
    routes: frozenset[str]
    orders: Mapping[str, Order]

    def check(self, options: Options, where: str) -> None:
        for field, name in _named(options):
            may_be_route = field != "models"
            if may_be_route and name in self.routes:
                continue
            try:
                self.registry.get(name)
            except UnknownModel as error:
                why = str(error).removeprefix("model: ")
                raise ConfigError(
                    f"{where} names an unknown model {name!r} in {field}: {why}; "
                    "install its provider or take it out"
                ) from None
        if unknown := [need for need in options.needs or () if need not in NEEDS]:
            known = ", ".join(sorted(NEEDS))
            raise ConfigError(f"{where}: needs: {unknown[0]!r} is not known; there are {known}")
        if options.order is not None:
            find_order(options.order, self.orders, where=where)

    def usable(self, name: str, route: Route) -> Route | None:
        """Drop what is not installed from a package's route: its author could not know."""
        missing = [
            id
            for field, id in _named(route)
            if id not in self.registry and (field == "models" or id not in self.routes)
        ]
        if not missing:
            return route
        log.warning("route %s: not installed: %s", name, ", ".join(dict.fromkeys(missing)))
        return _without(route, frozenset(missing))


def _named(options: Options) -> Iterator[tuple[str, str]]:
    """Yield every name, and the field that holds it."""
    if isinstance(options, Route):
        yield from _under("models", options.models)
    if options.load_balancer is not None:
        shares = options.load_balancer.models
        yield from _under("load_balancer.models", (share.model for share in shares))
    yield from _under("fallbacks", (fallback.model for fallback in options.fallbacks or ()))


def _under(field: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((field, name) for name in names)


def _without(route: Route, missing: frozenset[str]) -> Route | None:
    """Take names out of a route; return ``None`` where nothing is left to begin with."""
    models = tuple(id for id in route.models if id not in missing)
    balancer, fallbacks = route.load_balancer, route.fallbacks
    if balancer is not None:
        shares = tuple(share for share in balancer.models if share.model not in missing)
        balancer = balancer.model_copy(update={"models": shares}) if shares else None
    # With its last model gone a route would stand for any model at all, which nobody wrote.
    if (route.models and not models) or (route.load_balancer and not balancer):
        return None
    if fallbacks is not None:
        fallbacks = tuple(fallback for fallback in fallbacks if fallback.model not in missing)
    update = {"models": models, "load_balancer": balancer, "fallbacks": fallbacks}
    return route.model_copy(update=update)
