"""``pinxit.toml`` and the environment."""

from __future__ import annotations

import difflib
import os
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, cast

from pydantic import Field, ValidationError

from .capabilities import Setting
from .errors import ConfigError
from .options import Options
from .report import Frozen
from .routes import Route, read_route

__all__ = ["Config", "Defaults", "PluginChoice", "Settings", "config_paths"]

FILE = "pinxit.toml"
ENV_CONFIG = "PINXIT_CONFIG"
ENV_LOAD = "PINXIT_LOAD_PLUGINS"
ENV_DIR = "PINXIT_PLUGINS_DIR"
ENV_FILES = "PINXIT_PLUGINS"
ENV_TRACE = "PINXIT_TRACE_PLUGINS"


class Settings(Mapping[str, Any]):
    """One plugin's settings: its table in the file, then the environment, then its own defaults.

    Values never show in ``repr``, because keys are among them.
    """

    __slots__ = ("_values", "missing", "provider")

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        provider: str = "",
        missing: Iterable[Setting] = (),
    ) -> None:
        self._values = dict(values or {})
        self.provider = provider
        self.missing = tuple(missing)
        """Required settings that are nowhere to be found."""

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Settings of {self.provider or 'a plugin'}: {', '.join(self._values) or 'none'}>"

    @property
    def problem(self) -> str | None:
        """One sentence about the first missing setting, with the ways to give it."""
        if not self.missing:
            return None
        setting = self.missing[0]
        ways = [f"set {name}" for name in setting.env[:1]]
        names = " or ".join(filter(None, (setting.name, setting.alternative)))
        ways.append(f"give [providers.{self.provider}] {names} in {FILE}")
        return f"{self.provider}: no {names}; {' or '.join(ways)}"


class Defaults(Options):
    """What holds where neither a request nor its route says anything."""

    model: str = "default"
    """The model or route of requests that name none."""
    response_format: Literal["b64_json", "url"] = "b64_json"


class PluginChoice(Frozen):
    """Which plugins are loaded."""

    block: tuple[str, ...] = ()
    allow: tuple[str, ...] | None = None
    """Only these, where given."""
    dir: Path | None = None
    """A folder of one-file plugins."""
    files: tuple[Path, ...] = ()
    """One-file plugins; in ``pinxit.toml`` they stand relative to that file."""
    undeclared: bool = True
    """Whether ``provider/anything`` can be called, with the widest limits of the provider's family."""
    trace: bool = False
    """Whether each call of a hook is told in one line."""


class Config(Frozen):
    """Everything an operator can say without code.

    Attributes:
        path: The file it was read from.
        providers: Settings by provider.
        routes: Routes by name.
        plugins: Which plugins are loaded.
        defaults: Options of requests that leave them open.
        gateway: Options of ``pinxit serve``.
        assets: Where pictures are kept; see `asset_settings`.
        middleware: Settings by middleware.
        environ: The environment that plugins' settings may come from.
    """

    path: Path | None = None
    providers: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False)
    routes: dict[str, Route] = Field(default_factory=dict)
    plugins: PluginChoice = Field(default_factory=PluginChoice)
    defaults: Defaults = Field(default_factory=Defaults)
    gateway: dict[str, Any] = Field(default_factory=dict, repr=False)
    assets: dict[str, Any] = Field(default_factory=dict, repr=False)
    middleware: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = Field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Self:
        """Read the first file there is of *path*, ``PINXIT_CONFIG``, the working directory's, the user's.

        Raises:
            ConfigError: A file that was named is not there, or it cannot be understood; the message
                has the file, the place and the fix.
        """
        env = dict(os.environ if environ is None else environ)
        file = _find(path, env, cwd or Path.cwd())
        data = _read(file) if file else {}
        return cls.parse(data, path=file, environ=env)

    @classmethod
    def parse(
        cls,
        data: Mapping[str, Any],
        *,
        path: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Self:
        """Build a configuration from a table with the sections of ``pinxit.toml``.

        Raises:
            ConfigError: A section or a field is unknown or has a value that does not fit.
        """
        env = dict(environ or {})
        where = str(path) if path else "configuration"
        sections = dict(data)
        tables = {
            name: _table(sections.pop(name, {}), name, where) for name in ("routes", "plugins")
        }
        routes = {n: read_route(n, route, where=where) for n, route in tables["routes"].items()}
        plugins = _plugin_choice(dict(tables["plugins"]), env, path.parent if path else Path())
        try:
            return cls.model_validate(
                {**sections, "path": path, "routes": routes, "plugins": plugins, "environ": env}
            )
        except ValidationError as error:
            raise _config_error(error, where) from error

    def settings(self, provider: str, declared: Iterable[Setting] = ()) -> Settings:
        """Return a plugin's settings, each from the file, the environment or its default."""
        table = self.providers.get(provider, self.middleware.get(provider, {}))
        values = {
            name: found for name, raw in table.items() if (found := self._resolve(raw)) is not None
        }
        missing: list[Setting] = []
        for setting in declared:
            if setting.name in values:
                continue
            found = next(
                (self.environ[name] for name in setting.env if self.environ.get(name)), None
            )
            if found is None:
                found = setting.default
            if found is not None:
                values[setting.name] = found
            elif setting.required:
                missing.append(setting)
        # An alternative may be declared behind the setting that it stands for.
        missing = [setting for setting in missing if setting.alternative not in values]
        return Settings(values, provider=provider, missing=missing)

    def asset_settings(self) -> dict[str, Any]:
        """Return the ``[assets]`` table with the values of the variables that it names.

        Raises:
            ConfigError: A variable is not set.
        """
        return {name: self._asset_setting(name, raw) for name, raw in self.assets.items()}

    def _asset_setting(self, name: str, raw: object) -> object:
        if isinstance(raw, list):
            return [self._asset_setting(name, value) for value in cast("list[object]", raw)]
        if not isinstance(raw, Mapping):
            return raw
        table = cast("Mapping[str, object]", raw)
        if list(table) != ["env"]:
            return {key: self._asset_setting(f"{name}.{key}", table[key]) for key in table}
        if (found := self._resolve(table)) is None:
            # A store must not open with less than the operator said.
            where = self.path or "configuration"
            raise ConfigError(f"{where}: [assets] {name}: the variable {table['env']} is not set")
        return found

    def _resolve(self, raw: object) -> object:
        """Turn ``{ env = "NAME" }`` into the variable's value, or ``None`` where it is not set."""
        if isinstance(raw, Mapping):
            table = cast("Mapping[str, object]", raw)
            if list(table) == ["env"]:
                return self.environ.get(str(table["env"])) or None
            return table
        return raw


def config_paths(environ: Mapping[str, str], cwd: Path) -> list[Path]:
    """Return the places where ``pinxit.toml`` is looked for, first one first."""
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or "~").expanduser()
    if sys.platform == "win32":
        user = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    else:
        user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return [cwd / FILE, user / "pinxit" / FILE]


def _find(
    path: str | os.PathLike[str] | None, environ: Mapping[str, str], cwd: Path
) -> Path | None:
    named = path or environ.get(ENV_CONFIG)
    if named:
        file = Path(named)
        # Nobody who names a file means the next best one.
        if not file.is_file():
            source = "" if path else f" ({ENV_CONFIG})"
            raise ConfigError(f"{file}: there is no such configuration file{source}")
        return file
    return next((file for file in config_paths(environ, cwd) if file.is_file()), None)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{file}: cannot be read as TOML: {error}") from error


def _table(value: object, name: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        hint = "; one-file plugins stand there as files = [...]" if name == "plugins" else ""
        raise ConfigError(f"{where}: [{name}] is not a table{hint}")
    return cast("Mapping[str, Any]", value)


def _plugin_choice(
    fields: dict[str, Any], environ: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    """The environment wins over the file: it is what an operator changes in an emergency."""
    if isinstance(files := fields.get("files"), list):
        fields["files"] = [
            folder / file if isinstance(file, str) else file for file in cast("list[object]", files)
        ]
    # Set and empty, it means no plugin at all.
    if ENV_LOAD in environ:
        fields["allow"] = [name.strip() for name in environ[ENV_LOAD].split(",") if name.strip()]
    if environ.get(ENV_DIR):
        fields["dir"] = environ[ENV_DIR]
    if environ.get(ENV_FILES):
        fields["files"] = [file for file in environ[ENV_FILES].split(os.pathsep) if file]
    if ENV_TRACE in environ:
        fields["trace"] = environ[ENV_TRACE].lower() not in {"", "0", "false", "no"}
    return fields


def _config_error(error: ValidationError, where: str) -> ConfigError:
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        sections: dict[str, type[Frozen]] = {"defaults": Defaults, "plugins": PluginChoice}
        known = sections.get(path[0], Config).model_fields
        near = difflib.get_close_matches(path[-1], list(known), n=1)
        message = f"unknown name{f', did you mean {near[0]!r}?' if near else ''}"
    place = f"[{path[0]}] {'.'.join(path[1:])}".rstrip() if path else "the file"
    return ConfigError(f"{where}: {place}: {message}")
