"""OpenAI's image models, and whoever else speaks OpenAI's Images API under another ``base_url``."""

from __future__ import annotations

from pinxit_providers.protocols import openai_images

from . import dall_e_2, dall_e_3, gpt_image, gpt_image_1
from ._profile import PROFILE

__all__ = ["PLUGIN"]

PLUGIN = openai_images.provider(
    PROFILE,
    *gpt_image.MODELS,
    gpt_image_1.MODEL,
    dall_e_3.MODEL,
    dall_e_2.MODEL,
    gpt_image.UNDECLARED,
)
"""The living models, then the ones that live on elsewhere."""
