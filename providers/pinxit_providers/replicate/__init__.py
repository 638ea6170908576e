"""Replicate: official models, versions and deployments, each with inputs of its own."""

from __future__ import annotations

from dataclasses import replace

from pinxit_providers.protocols import jobs

from ._models import MODELS
from ._wire import JOBS, call

__all__ = ["PLUGIN"]

PLUGIN = replace(jobs.provider(JOBS, *MODELS), call=call)
