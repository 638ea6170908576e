"""The command line. `main` is the entry point; everything else is imported when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, as `docs/cli.md` lists them.

    Args:
        argv: The words behind ``pinxit``; by default those of the process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"]:
        # Asked for by scripts; it should not wait for a framework that parses arguments.
        from .version import write_version

        return write_version()
    from .app import run

    return run(words)
