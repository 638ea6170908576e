"""Where plugins are: the entry points of installed packages, and files in a folder or at a path."""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from .errors import ConfigError

__all__ = ["PLUGINS_GROUP", "distribution", "files_in", "import_file", "installed_plugins"]

PLUGINS_GROUP = "pinxit"
"""The entry-point group of plugins."""


def installed_plugins() -> list[EntryPoint]:
    """List what packages publish in the entry-point group ``pinxit``, without importing any of it."""
    # Of two with one name the same one must be loaded on every machine.
    return sorted(
        entry_points(group=PLUGINS_GROUP), key=lambda point: (point.name, distribution(point))
    )


def distribution(point: EntryPoint) -> str:
    """Return the name of the distribution that publishes an entry point; empty where none does."""
    return point.dist.name if point.dist else ""


def files_in(directory: Path) -> list[Path]:
    """Return the plugins in a folder: its ``*.py`` files but those that begin with an underscore.

    Raises:
        ConfigError: There is no such folder.
    """
    if not directory.is_dir():
        raise ConfigError(f"plugins directory {str(directory)!r}: there is no such folder")
    return sorted(file for file in directory.glob("*.py") if not file.name.startswith("_"))


def import_file(file: Path) -> ModuleType:
    """Import a file that no package holds.

    Raises:
        ConfigError: It cannot be imported; what its own code raises comes as it is.
    """
    spec = importlib.util.spec_from_file_location(f"pinxit_plugin_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file.name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # A dataclass with postponed annotations looks for its module there.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    # Half a module must not be found by the next import.
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module
