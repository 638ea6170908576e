"""Where a plugin's settings come from, without saying what is secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pinxit.capabilities import Setting
    from pinxit.config import Config
    from pinxit.plugins import Plugins

__all__ = ["Origin", "declared_origins", "table_of", "undeclared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One setting of one plugin.

    Attributes:
        name: The setting.
        source: Where its value comes from; empty where it has none.
        value: The value, if it may be seen.
        missing: The ways to give it, where it is required and has no value.
        secret: Whether the value is never shown.
    """

    name: str
    source: str = ""
    value: str | None = None
    missing: str = ""
    secret: bool = False


def declared_origins(plugins: Plugins, plugin: object, config: Config) -> list[Origin]:
    """Say of each setting that a plugin declares where it comes from."""
    provider = plugins.provider_of(plugin)
    # Who serves no model is middleware, and has its table elsewhere.
    serves = any(plugins.registry.owner(model) is plugin for model in plugins.registry)
    table = f"[{'providers' if serves else 'middleware'}.{provider}]"
    declared = plugins.declared_settings(plugin)
    return [_origin(setting, declared, provider, config, table) for setting in declared]


def undeclared(plugins: Plugins, plugin: object, config: Config) -> Iterator[str]:
    """Yield names in a plugin's table that it does not declare, if it declares any."""
    declared = {setting.name for setting in plugins.declared_settings(plugin)}
    if declared:
        yield from (n for n in table_of(plugins.provider_of(plugin), config) if n not in declared)


def table_of(provider: str, config: Config) -> Mapping[str, object]:
    """Return a plugin's table in the configuration file."""
    table: Mapping[str, object] = config.providers.get(
        provider, config.middleware.get(provider, {})
    )
    return table


def _origin(
    setting: Setting, declared: Sequence[Setting], provider: str, config: Config, table: str
) -> Origin:
    found = next(_sources(setting, provider, config), None)
    if found is None:
        settings = config.settings(provider, declared)
        names = " or ".join(filter(None, (setting.name, setting.alternative)))
        ways = [*setting.env[:1], f"{table} {names}"]
        missing = " or ".join(ways) if setting in settings.missing else ""
        return Origin(name=setting.name, missing=missing, secret=setting.secret)
    source, value = found
    shown = None if setting.secret else _public(value)
    return Origin(name=setting.name, source=source, value=shown, secret=setting.secret)


def _sources(setting: Setting, provider: str, config: Config) -> Iterator[tuple[str, object]]:
    """Yield every place that has a value, in the order in which `Config.settings` looks."""
    raw = table_of(provider, config).get(setting.name)
    file = config.path.name if config.path else "configuration"
    # A table with `env` alone names a variable; any other table is a value itself.
    if isinstance(raw, Mapping) and list(cast("Mapping[str, object]", raw)) == ["env"]:
        name = str(cast("Mapping[str, object]", raw)["env"])
        if config.environ.get(name):
            yield f"{name}, named in {file}", config.environ[name]
    elif raw is not None:
        yield file, cast("object", raw)
    for name in setting.env:
        if config.environ.get(name):
            yield name, config.environ[name]
    if setting.default is not None:
        yield "default", setting.default


def _public(value: object) -> str:
    """Return a value without the credentials that a URL may hold; a table by what is in it."""
    if isinstance(value, Mapping):
        return f"a table with {', '.join(cast('Mapping[str, object]', value)) or 'nothing'}"
    text = str(value)
    if "://" not in text:
        return text
    parts = urlsplit(text)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
