"""The router that a command works with, as its options and the configuration say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import Setup

if TYPE_CHECKING:
    from pinxit.config import Config
    from pinxit.routing import Router

__all__ = ["load_config", "open_router"]


def load_config(setup: Setup) -> Config:
    """Read the configuration that a command's options name.

    Raises:
        ConfigError: It cannot be read; the message has the file, the place and the fix.
    """
    from pinxit.config import Config

    config = Config.load(setup.config)
    changed: dict[str, object] = {}
    if setup.plugins_dir is not None:
        changed["dir"] = Path(setup.plugins_dir)
    if setup.plugin:
        changed["files"] = (*config.plugins.files, *map(Path, setup.plugin))
    return config.model_copy(update={"plugins": config.plugins.model_copy(update=changed)})


def open_router(setup: Setup) -> Router:
    """Make the router for a command.

    Raises:
        ConfigError: The configuration or a route in it is wrong.
    """
    from pinxit.routing import Router

    return Router(load_config(setup))
