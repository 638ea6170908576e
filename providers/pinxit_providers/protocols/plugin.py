"""A provider as data: what an entry point names where nothing about a provider needs code of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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

__all__ = ["Provider", "renamed"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Provider:
    """Models, settings, and the two functions of a family: one builds a request, one sends it.

    Attributes:
        models: What it serves.
        settings: What it takes from the configuration.
        build: Returns the request that an operation sends first; pure.
        call: Sends it, and whatever must follow, and returns the pictures.
        more: Makes one more of its kind, where a table says more than an address and a key.
    """

    models: tuple[Model, ...]
    settings: tuple[Setting, ...]
    build: Callable[[Request, Model, Context], httpx.Request]
    call: Callable[[Request, Model, Context], Awaitable[ImagesResponse]]
    more: Callable[[str, Mapping[str, Any], Path], Provider] | None = None

    @hookimpl
    def register_models(self) -> tuple[Model, ...]:
        """Return the models."""
        return self.models

    @hookimpl
    def register_settings(self) -> tuple[Setting, ...]:
        """Return the settings."""
        return self.settings

    @hookimpl
    def create_plugin(self, provider: str, settings: Mapping[str, Any], folder: Path) -> Provider:
        """Return the same provider under another name: a second account, or another server."""
        if self.more is not None:
            return self.more(provider, settings, folder)
        return replace(
            self,
            models=tuple(renamed(model, provider) for model in self.models),
            # The variables hold the first account's key, which is not for another server.
            settings=(
                *(setting.model_copy(update={"env": ()}) for setting in self.settings),
                Setting(name="plugin", help="The plugin whose kind this provider is."),
            ),
        )

    @hookimpl
    async def generate(
        self, request: GenerateRequest, model: Model, context: Context
    ) -> ImagesResponse:
        """Make pictures from a prompt."""
        return await self.call(request, model, context)

    @hookimpl
    async def edit(self, request: EditRequest, model: Model, context: Context) -> ImagesResponse:
        """Change pictures as a prompt says."""
        return await self.call(request, model, context)

    @hookimpl
    async def variation(
        self, request: VariationRequest, model: Model, context: Context
    ) -> ImagesResponse:
        """Make pictures like the given one."""
        return await self.call(request, model, context)

    @hookimpl
    def preview(self, request: Request, model: Model, context: Context) -> httpx.Request:
        """Return the request that an operation would send, its body loaded."""
        built = self.build(request, model, context)
        # A plan shows the body, and a form is written only when it is read.
        built.read()
        return built


def renamed(model: Model, provider: str) -> Model:
    """Return a model as another provider serves it; its bare name goes on meaning the first one's."""
    life = model.lifecycle
    heir = life.successor
    if heir is not None and heir.model.startswith(f"{model.provider}/"):
        name = heir.model.partition("/")[2]
        heir = heir.model_copy(update={"model": f"{provider}/{name}"})
    return model.model_copy(
        update={
            "id": f"{provider}/{model.name}",
            "aliases": tuple(alias for alias in model.aliases if "/" not in alias),
            "bare_name": False,
            # A table of its own says that it is there.
            "by_name_only": False,
            "lifecycle": life.model_copy(update={"successor": heir}),
        }
    )
