"""Routes are data: a name and the models behind it."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from pydantic import Field, ValidationError, model_validator

from .errors import ConfigError
from .options import Options

__all__ = ["ROUTES_GROUP", "InstalledRoutes", "Route", "installed_routes", "read_route"]

ROUTES_GROUP = "pinxit.routes"


class Route(Options):
    """Which models may serve a request, in which order, and how patiently.

    Attributes:
        models: Ids, best first. The first is asked, the others are its fallbacks.
        description: One sentence for ``pinxit routes``.
    """

    models: tuple[str, ...] = Field(default=(), max_length=50)
    description: str = ""

    @model_validator(mode="after")
    def _some_model(self) -> Route:
        if not self.models and self.load_balancer is None and self.needs is None:
            raise ValueError("a route needs models, a load_balancer or needs")
        if len(set(self.models)) != len(self.models):
            raise ValueError("models lists one twice")
        return self


class InstalledRoutes(NamedTuple):
    """What packages publish: routes by name, and what went wrong, by name too."""

    routes: dict[str, Route]
    broken: dict[str, Exception]


def installed_routes(points: Iterable[EntryPoint] | None = None) -> InstalledRoutes:
    """Load the routes that packages publish in the entry-point group ``pinxit.routes``.

    An entry point may name a `Route` or a mapping with its fields. One broken package does not stop
    the others.
    """
    routes: dict[str, Route] = {}
    broken: dict[str, Exception] = {}
    # Of two packages with one route the same one must win on every machine.
    for point in sorted(
        entry_points(group=ROUTES_GROUP) if points is None else points, key=_publisher
    ):
        try:
            value = point.load()
            route = value if isinstance(value, Route) else Route.model_validate(value)
        # Whatever a stranger's package raises while it is imported is its own affair.
        except Exception as error:  # noqa: BLE001
            broken[point.name] = error
            continue
        if point.name in routes:
            broken[point.name] = ConfigError(f"two packages publish the route {point.name!r}")
            continue
        routes[point.name] = route
    return InstalledRoutes(routes, broken)


def _publisher(point: EntryPoint) -> tuple[str, str]:
    return (point.name, point.dist.name if point.dist else "")


def read_route(name: str, fields: object, *, where: str) -> Route:
    """Read a route from a configuration file.

    Raises:
        ConfigError: It names the file, the route, the field and the fix.
    """
    try:
        return Route.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        place = f"[routes.{name}]{f' {field}' if field else ''}"
        raise ConfigError(
            f"{where}: {place}: {first['msg'].removeprefix('Value error, ')}"
        ) from error
