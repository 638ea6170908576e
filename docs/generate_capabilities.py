"""Write ``capabilities.md`` anew from what plugins register: ``python docs/generate_capabilities.py``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint
from itertools import groupby
from pathlib import Path

from pinxit.capabilities import Capability, Model, Setting
from pinxit.cli.listing import price_range, sizes_offered
from pinxit.plugins import PLUGINS_GROUP, Plugins
from pinxit.types import Operation

PAGE = Path(__file__).with_name("capabilities.md")
PROJECT = PAGE.parent.parent / "pyproject.toml"
COMMAND = "python docs/generate_capabilities.py"

OPERATIONS: tuple[Operation, ...] = ("generate", "edit", "variation")

HEAD = f"""\
# What every model can do

<!-- Generated: do not edit. Written by `{COMMAND}` from what the plugins register. -->

One row per model and operation, as the registry has it: the data that requests are fitted to.
`pinxit models --json` says the same to programs, and everything that does not fit into a table.
Below each provider stand its [settings](configuration.md#settings-of-providers).

| column | |
|---|---|
| sizes | pixels, ratios or bounds; requests for others are [fitted](routing.md) |
| n | pictures of one call; more are several calls |
| inputs | pictures that are taken, at most; `mask` where a mask is |
| formats | what comes back, the default first |
| takes | further parameters that are honoured natively |
| price | US dollars for one picture of 1024x1024, lowest to highest quality; `?` where uncertain |"""

ROWS = ("model", "does", "sizes", "n", "inputs", "formats", "takes", "price")
LIVES = ("model", "title", "also called", "life", "facts of")
SETTINGS = ("setting", "variable", "default", "meaning")


def page(plugins: Plugins) -> str:
    """Return the page."""
    models = sorted(plugins.registry, key=lambda model: model.provider)
    families = [(name, list(own)) for name, own in groupby(models, key=lambda m: m.provider)]
    parts = [HEAD, *_overview(families)]
    for name, own in families:
        parts += [f"\n## {name}\n", *_table(ROWS, _rows(own)), "", *_table(LIVES, map(_life, own))]
        declared = plugins.declared_settings(plugins.registry.owner(own[0]))
        parts += ["", *_table(SETTINGS, map(_setting, declared))] if declared else []
    return "\n".join(parts).rstrip() + "\n"


def registered() -> Plugins:
    """Load the plugins that this source names, whatever is installed."""
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    points = project["entry-points"][PLUGINS_GROUP].items()
    plugins = Plugins(points=[EntryPoint(name, value, PLUGINS_GROUP) for name, value in points])
    if plugins.broken:
        raise SystemExit("\n".join(f"{name}: {why}" for name, why in plugins.broken.items()))
    return plugins


def _overview(families: list[tuple[str, list[Model]]]) -> Iterator[str]:
    def rows() -> Iterator[tuple[str, ...]]:
        for name, own in families:
            counts = [
                sum(operation in model.operations for model in own) for operation in OPERATIONS
            ]
            yield (f"[{name}](#{name})", *(str(count or "-") for count in counts))
        every = [model for _, own in families for model in own]
        totals = [sum(operation in model.operations for model in every) for operation in OPERATIONS]
        yield (f"{len(every)} models", *map(str, totals))

    yield "\n## Models by provider\n"
    yield from _table(("provider", *OPERATIONS), rows())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        # A bar would end the cell.
        cells = [cell.replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"


def _rows(models: list[Model]) -> Iterator[tuple[str, ...]]:
    for model in models:
        for operation in OPERATIONS:
            if (capability := model.operations.get(operation)) is not None:
                yield (
                    f"`{model.id}`",
                    operation,
                    sizes_offered(capability),
                    str(capability.max_n),
                    _inputs(capability),
                    ", ".join(capability.output_formats),
                    ", ".join(_takes(capability)) or "-",
                    _price(model, operation),
                )


def _inputs(capability: Capability) -> str:
    if capability.images is None:
        return "-"
    return f"{capability.images.max}{', mask' if capability.mask else ''}"


def _takes(capability: Capability) -> Iterator[str]:
    if capability.qualities:
        yield f"quality ({', '.join(capability.qualities)})"
    if capability.styles:
        yield f"style ({', '.join(capability.styles)})"
    if capability.backgrounds:
        yield f"background ({', '.join(capability.backgrounds)})"
    if capability.seed is not None:
        yield "seed (best effort)" if capability.seed.best_effort else "seed"
    flags = {
        "negative prompt": capability.negative_prompt,
        "markup": capability.markup,
        "stream": capability.streaming,
        "compression": bool(capability.compression),
        "frames": capability.frames is not None,
        "url": len(capability.delivers) > 1,
    }
    yield from (name for name, taken in flags.items() if taken)


def _price(model: Model, operation: Operation) -> str:
    price = price_range(model, operation)
    doubted = any(p.uncertain for p in model.prices) or bool(
        model.tokens and model.tokens.uncertain
    )
    return f"{price}{' ?' if doubted and price[0] == '$' else ''}"


def _life(model: Model) -> tuple[str, ...]:
    life = model.lifecycle
    dates = {"released": life.released, "deprecated": life.deprecated, "retired": life.retired}
    said = [f"{word} {day}" for word, day in dates.items() if day is not None]
    if life.successor is not None:
        said.append(f"then `{life.successor.model}`")
    return (
        f"`{model.id}`",
        model.title or "-",
        ", ".join(f"`{alias}`" for alias in model.aliases) or "-",
        ", ".join(said) or "-",
        str(model.facts.as_of) if model.facts else "-",
    )


def _setting(setting: Setting) -> tuple[str, ...]:
    default = "required" if setting.required else str(setting.default or "-")
    default += f", or `{setting.alternative}`" if setting.alternative else ""
    variables = ", ".join(f"`{name}`" for name in setting.env)
    return (f"`{setting.name}`", variables or "-", default, setting.help or "-")


if __name__ == "__main__":
    PAGE.write_text(page(registered()), "utf-8")
