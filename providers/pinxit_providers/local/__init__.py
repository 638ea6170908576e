"""Servers of one's own: five by their names, and any other that speaks OpenAI's Images API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pinxit import Setting, hookimpl
from pinxit_providers.protocols.plugin import Provider

from ._accents import Accent, served, speaker
from ._servers import LOCALAI, OPENAI, SD_SERVER, SGLANG, VLLM_OMNI, XINFERENCE
from ._tables import create

__all__ = [
    "COMPATIBLE",
    "LOCAL",
    "LOCALAI_PLUGIN",
    "SD_SERVER_PLUGIN",
    "SGLANG_PLUGIN",
    "VLLM_OMNI_PLUGIN",
    "XINFERENCE_PLUGIN",
]

_SERVERS: Mapping[str, Accent] = {
    "localai": LOCALAI,
    "sd-server": SD_SERVER,
    "sglang": SGLANG,
    "vllm-omni": VLLM_OMNI,
    "xinference": XINFERENCE,
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Kind:
    """A plugin that serves nothing itself: there are as many of it as there are tables that name it.

    Attributes:
        accents: The profiles to choose from.
        usual: The profile of a table that names none.
    """

    accents: Mapping[str, Accent]
    usual: str | None = None

    @hookimpl
    def register_settings(self) -> tuple[Setting, ...]:
        """Return none that mean anything here, so that values that go nowhere are noticed."""
        return (Setting(name="plugin", help="Name it in a table of another name."),)

    @hookimpl
    def create_plugin(self, provider: str, settings: Mapping[str, Any]) -> Provider:
        """Return the plugin of one server."""
        return create(self.accents, self.usual, provider, settings)


LOCAL = Kind(accents=_SERVERS)
"""A server of one of the five kinds, under a name of its own."""

COMPATIBLE = Kind(accents={"openai": OPENAI, **_SERVERS}, usual="openai")
"""Any server that speaks OpenAI's Images API; its table says what its models can do."""


def _usual(name: str) -> Provider:
    """Return a server at its usual address, of which there can be more."""
    accent = _SERVERS[name]

    def more(provider: str, table: Mapping[str, Any], folder: Path) -> Provider:
        del folder
        return create(_SERVERS, name, provider, table)

    return replace(speaker(accent, *served(accent, named_only=True)), more=more)


LOCALAI_PLUGIN = _usual("localai")
SD_SERVER_PLUGIN = _usual("sd-server")
SGLANG_PLUGIN = _usual("sglang")
VLLM_OMNI_PLUGIN = _usual("vllm-omni")
XINFERENCE_PLUGIN = _usual("xinference")
