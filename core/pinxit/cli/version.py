"""Which pinxit this is."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

__all__ = ["pinxit_version", "write_version"]


def pinxit_version() -> str:
    """Return the version of the installed distribution."""
    try:
        return version("pinxit")
    except PackageNotFoundError:
        return "unknown (not installed)"


def write_version() -> int:
    """Write the version as the only line of the output."""
    sys.stdout.write(f"pinxit {pinxit_version()}\n")
    return 0
