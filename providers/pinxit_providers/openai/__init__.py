"""OpenAI's image models, and whoever else speaks OpenAI's Images API under another ``base_url``."""

from __future__ import annotations

import httpx

from pinxit import (
    Context,
    EditRequest,
    GenerateRequest,
    ImagesResponse,
    Model,
    Setting,
    VariationRequest,
    hookimpl,
)
from pinxit.types import Request

from . import _api, dall_e_2, dall_e_3, gpt_image, gpt_image_1


@hookimpl
def register_models() -> tuple[Model, ...]:
    """Return the living models, then the ones that live on elsewhere."""
    return (*gpt_image.MODELS, gpt_image_1.MODEL, dall_e_3.MODEL, dall_e_2.MODEL)


@hookimpl
def register_settings() -> tuple[Setting, ...]:
    """Return key, address and who is billed."""
    return _api.SETTINGS


@hookimpl
async def generate(request: GenerateRequest, model: Model, context: Context) -> ImagesResponse:
    """Make pictures from a prompt."""
    return await _api.call(request, model, context)


@hookimpl
async def edit(request: EditRequest, model: Model, context: Context) -> ImagesResponse:
    """Change pictures as a prompt says."""
    return await _api.call(request, model, context)


@hookimpl
async def variation(request: VariationRequest, model: Model, context: Context) -> ImagesResponse:
    """Make pictures like the given one."""
    return await _api.call(request, model, context)


@hookimpl
def preview(request: Request, model: Model, context: Context) -> httpx.Request:
    """Return the request that an operation would send, its body loaded."""
    built = _api.build(request, model, context)
    built.read()
    return built
