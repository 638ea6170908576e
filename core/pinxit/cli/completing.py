"""What the shell offers behind ``--model``."""

from __future__ import annotations

__all__ = ["model_names"]


def model_names(incomplete: str) -> list[str]:
    """Return the routes and models that begin like this; none where the configuration is broken."""
    from pinxit.errors import PinxitError
    from pinxit.routing import Router

    try:
        router = Router()
    except PinxitError:
        # The shell is no place for a sentence about it.
        return []
    names = [*router.routes, *(model.id for model in router.registry)]
    return [name for name in names if name.startswith(incomplete)]
