"""fal.ai: many vendors' models behind one queue."""

from __future__ import annotations

from pinxit_providers.protocols import jobs

from ._models import MODELS
from ._wire import JOBS

__all__ = ["PLUGIN"]

PLUGIN = jobs.provider(JOBS, *MODELS)
