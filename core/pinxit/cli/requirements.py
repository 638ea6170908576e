"""What some commands need beyond the base installation."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

__all__ = ["gateway_problem"]

# httptools too: uvicorn goes without it, on h11, which executes smuggled requests.
GATEWAY = ("uvicorn", "python_multipart", "httptools")


def gateway_problem(find: Callable[[str], object] = find_spec) -> str | None:
    """Say how to install what the gateway needs, if *find* does not find something of it."""
    missing = [name for name in GATEWAY if find(name) is None]
    if not missing:
        return None
    return (
        f"the gateway needs {', '.join(missing)}, which is not installed; "
        "run: pip install 'pinxit[gateway]'"
    )
