"""``models`` and ``routes``: what there is to ask for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer
from pydantic import BaseModel

from pinxit.capabilities import Capability, FixedSizes, Model, Ratios
from pinxit.errors import RequestError
from pinxit.types import EditRequest, GenerateRequest, Operation, Request, VariationRequest

from .arguments import Setup, json_option
from .opening import open_router
from .terminal import Terminal, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from pinxit.routes import Route
    from pinxit.routing import Router

__all__ = ["models", "price_range", "routes", "sizes_offered"]

SHOWN = 3
"""Sizes that a list names before it only counts them."""

SQUARE = "1024x1024"
"""The size that prices are compared for."""


def models(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="A provider, or a model, whose limits are shown then."
        ),
    ] = None,
    operation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"Only models for one of {', '.join(get_args(Operation))}."
        ),
    ] = None,
    json: Annotated[bool, json_option("Write everything that is known as JSON.")] = False,
    *,
    setup: Setup,
) -> None:
    """List the models, what they do and cost, and whether they are ready.

    The price is for one picture of 1024x1024, from the lowest quality to the highest.
    """
    del json
    if operation is not None and operation not in get_args(Operation):
        raise RequestError(
            f"operation: should be {', '.join(get_args(Operation))}, not {operation!r}",
            param="operation",
        )
    router = open_router(setup)
    named = list(router.registry) if name is None else _named(name, router)
    found = [model for model in named if operation in {None, *model.operations}]
    today = router.clock.today()
    if context.obj.json:
        write_json([_model_data(model, router, today) for model in found])
        return
    terminal = Terminal()
    terminal.out.print(_model_table(found, router, today))
    if not found:
        terminal.say("note", "no installed plugin has such a model")
    if name is not None and name in router.registry:
        terminal.out.print(_limits(router.registry.get(name)))


def routes(
    context: typer.Context,
    json: Annotated[bool, json_option("Write the routes as JSON.")] = False,
    *,
    setup: Setup,
) -> None:
    """List the routes: names for several models, with what holds for them."""
    del json
    router = open_router(setup)
    if context.obj.json:
        write_json({
            "routes": {name: _route_data(route) for name, route in router.routes.items()},
            "broken": {name: str(error) for name, error in router.broken_routes.items()},
        })  # fmt: skip
        return
    terminal = Terminal()
    terminal.out.print(_route_table(router))
    for name, error in router.broken_routes.items():
        terminal.say("broken", f"{name}: {error}", "bold red")


# Models ---------------------------------------------------------------------------------------------


def _named(name: str, router: Router) -> list[Model]:
    """Return a provider's models, or the one that a name leads to.

    Raises:
        UnknownModel: It leads to none.
    """
    own = [model for model in router.registry if model.provider == name]
    return own or [router.registry.get(name)]


def _limits(model: Model) -> Table:
    """Return what each operation takes; what it does not take is left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for operation, capability in model.operations.items():
        for field in Capability.model_fields:
            value = getattr(capability, field)
            if value != Capability.model_fields[field].get_default(call_default_factory=True):
                shown = str(value) if field == "sizes" else _short(_plain(value))
                table.add_row(Text(operation, style="dim"), Text(field, style="bold"), Text(shown))
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[Any, ...]", value)]
    return (
        value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value
    )


def _state(model: Model, router: Router, today: date) -> tuple[str, str]:
    """Say in a few words whether a model can be used now, and in which style."""
    life = model.lifecycle
    heir = f" → {life.successor.model}" if life.successor else ""
    status = life.status(today)
    # What it would need does not matter any more.
    if status == "retired":
        return f"retired{heir}", "dim"
    settings = router.config.settings(model.provider, router.plugins.settings_of(model))
    said: list[str] = []
    if model.by_name_only and not model.offline:
        # Such as a server of one's own at its usual address: nobody said that it is there.
        said.append("only by name, if it runs")
    if settings.missing:
        names = settings.missing[0].env or (settings.missing[0].name,)
        said.append(f"needs {names[0]}")
    if status == "deprecated":
        said.append(f"retires {life.retired or 'some day'}{heir}")
    return (", ".join(said), "yellow") if said else ("ready", "green")


def _model_data(model: Model, router: Router, today: date) -> dict[str, Any]:
    return {
        "id": model.id,
        "status": model.lifecycle.status(today),
        "state": _state(model, router, today)[0],
        **model.model_dump(mode="json", exclude={"id"}),
    }


def _model_table(found: Iterable[Model], router: Router, today: date) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("model", no_wrap=True)
    for name in ("does", "sizes", "price", "state"):
        table.add_column(name)
    for model in sorted(found, key=lambda m: (m.lifecycle.status(today) == "retired", m.provider)):
        state, style = _state(model, router, today)
        row_style = "dim" if state.startswith("retired") else "bold"
        table.add_row(
            Text(model.id, style=row_style),
            ", ".join("vary" if name == "variation" else name for name in model.operations),
            sizes_offered(next(iter(model.operations.values()))),
            price_range(model, next(iter(model.operations))),
            Text(state, style=style),
        )
    return table


def sizes_offered(capability: Capability) -> str:
    """Return the sizes of an operation in a few words."""
    sizes = capability.sizes
    if sizes is None:
        return capability.default_size or "as it likes"
    if isinstance(sizes, Ratios):
        ratios = list(dict.fromkeys(ratio for _, ratio, _ in sizes))
        return f"{_some(ratios)}{' in ' + ', '.join(sizes.classes) if sizes.named else ''}"
    if isinstance(sizes, FixedSizes):
        return _some(sizes.values)
    return f"{sizes.min_edge} to {sizes.max_edge} px per edge"


def _some(values: Iterable[str]) -> str:
    listed = list(values)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN + 1 else ""
    return ", ".join(listed[:SHOWN] if more else listed) + more


def price_range(model: Model, operation: Operation) -> str:
    """Return what one picture of 1024x1024 costs, from the lowest quality to the highest."""
    from .reports import dollars

    qualities = model.operations[operation].qualities or (None,)
    known = [_estimate(model, operation, quality) for quality in qualities if quality != "auto"]
    prices = sorted({price for price in known if price is not None})
    if not prices:
        return "free" if model.offline else "unknown"
    return " to ".join(dict.fromkeys((dollars(prices[0]), dollars(prices[-1]))))


def _estimate(model: Model, operation: Operation, quality: str | None) -> Decimal | None:
    from pinxit.payload import Image
    from pinxit.pricing import estimate

    fields: dict[str, Any] = {"prompt": "a", "size": SQUARE, "quality": quality}
    picture = Image(b"")
    kinds: dict[Operation, Request] = {
        # Not checked: a price does not depend on the picture, and this one is none.
        "generate": GenerateRequest.model_construct(**fields),
        "edit": EditRequest.model_construct(**fields, images=(picture,)),
        "variation": VariationRequest.model_construct(**fields, images=(picture,)),
    }
    return estimate(model, kinds[operation])


# Routes ---------------------------------------------------------------------------------------------


def _route_data(route: Route) -> dict[str, Any]:
    return route.model_dump(mode="json", exclude_none=True)


def _route_table(router: Router) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("route", "models", "options", "description"):
        table.add_column(name)
    for name, route in sorted(router.routes.items()):
        data = _route_data(route)
        said = {
            k: v for k, v in data.items() if k not in {"models", "description", "load_balancer"}
        }
        table.add_row(
            Text(name, style="bold"),
            Text("\n".join(_route_models(route))),
            Text("\n".join(f"{option} = {_short(value)}" for option, value in said.items())),
            Text(route.description, style="dim"),
        )
    return table


def _route_models(route: Route) -> list[str]:
    lines = list(route.models)
    if route.load_balancer:
        lines += [f"{share.model} ({share.weight:g})" for share in route.load_balancer.models]
    return lines or ["any that fits"]


def _short(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_short(item) for item in cast("list[Any]", value))
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value).items()
        return " ".join(
            f"{name}={_short(inner)}" for name, inner in parts if inner not in ({}, None)
        )
    return str(value)
