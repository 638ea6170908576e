"""Servers of one's own that speak OpenAI's Images API: an accent is data on top of that family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from pinxit import Capability, Context, EditRequest, Facts, ImagesResponse, Model, Price, Setting
from pinxit.types import Operation, Request
from pinxit_providers.protocols import openai_images
from pinxit_providers.protocols.downloads import bring
from pinxit_providers.protocols.openai_images import Profile
from pinxit_providers.protocols.pictures import Reader
from pinxit_providers.protocols.plugin import Provider

__all__ = ["Accent", "Say", "asks", "served", "speaker"]

_UNKNOWN = "It is asked only where it is named: nobody knows whether a server of one's own runs."

Say = Callable[[Request, str], Request]
"""Returns a request in the server's own words; the second argument is the provider's name."""


def _as_it_is(request: Request, provider: str) -> Request:
    del provider
    return request


@dataclass(frozen=True, slots=True, kw_only=True)
class Accent:
    """How one kind of server speaks.

    Attributes:
        title: What the server calls itself.
        profile: How OpenAI's API sounds there.
        operations: The widest limits of what it can do.
        usual: What a model does of which nothing is said.
        say: Puts a request into its words.
        masked: What is different about edits with a mask.
        prices: What a picture costs, where that is known.
        only: The name of the only model, where the server has but one.
        facts: Where this comes from.
    """

    title: str
    profile: Profile
    operations: Mapping[Operation, Capability]
    usual: tuple[Operation, ...] = ("generate", "edit")
    say: Say = _as_it_is
    masked: Mapping[str, Any] = field(default_factory=dict[str, Any])
    prices: tuple[Price, ...] = ()
    only: str = ""
    facts: Facts | None = None

    def named(self, provider: str) -> Accent:
        """Return the same accent at a server that has another name; its variables are not for that one."""
        endpoint = replace(self.profile.endpoint, provider=provider, key_env=(), url_env=())
        return replace(self, profile=replace(self.profile, endpoint=endpoint))


def speaker(accent: Accent, *models: Model, settings: tuple[Setting, ...] = ()) -> Provider:
    """Return the plugin of a server; *settings* are those besides address and key."""
    endpoint = accent.profile.endpoint

    def said(request: Request) -> tuple[Profile, Request]:
        masked = isinstance(request, EditRequest) and request.mask is not None
        profile = replace(accent.profile, **accent.masked) if masked else accent.profile
        return profile, accent.say(request, endpoint.provider)

    def build(request: Request, model: Model, context: Context) -> httpx.Request:
        profile, words = said(request)
        return openai_images.build(profile, words, model, context)

    async def call(request: Request, model: Model, context: Context) -> ImagesResponse:
        profile, words = said(request)
        # Some answer with addresses of their own, where the router does not go.
        answer = await openai_images.call(profile, words, model, context)
        reader = Reader(context, endpoint.secrets(context))
        return await bring(endpoint, answer, context, reader)

    every = (*endpoint.settings, *settings)
    return Provider(models=models, settings=every, build=build, call=call)


def served(accent: Accent, *, named_only: bool = False) -> tuple[Model, ...]:
    """Return the only model of a server, if it has but one, and the one that stands for any other name.

    Args:
        accent: How the server speaks.
        named_only: Whether nobody said that the server is there.
    """
    one = Model(
        id=f"{accent.profile.endpoint.provider}/{accent.only or 'default'}",
        title=f"The model of {accent.title}",
        operations={operation: accent.operations[operation] for operation in accent.usual},
        bare_name=False,
        by_name_only=named_only,
        prices=accent.prices,
        facts=accent.facts,
        notes=(_UNKNOWN,) if named_only else (),
    )
    changes = {
        "id": f"{one.provider}/*", "title": f"Any model of {accent.title}", "declared": False
    }  # fmt: skip
    every = one.model_copy(update=changes)
    return (one, every) if accent.only else (every,)


def asks(request: Request, **changes: object) -> Request:
    """Return a request with other words; they have been validated before."""
    return request.model_copy(update=changes)
