"""How OpenAI itself speaks its Images API."""

from __future__ import annotations

from pinxit import Setting
from pinxit.capabilities import Capability
from pinxit.types import Request
from pinxit_providers.protocols.endpoints import Endpoint
from pinxit_providers.protocols.openai_images import Fields, Profile

__all__ = ["PROFILE"]


def _dialect(request: Request, capability: Capability) -> Fields:
    """Return what DALL·E and GPT image models call differently.

    `response_format` is an error for the latter; `safety_identifier` came with them and replaced `user`.
    """
    # Told by what they can do, not by their names: proxies serve both kinds under any.
    if len(capability.delivers) > 1:
        user = request.user or request.safety_identifier
        return {"response_format": request.response_format, "user": user}
    return {"safety_identifier": request.safety_identifier or request.user}


PROFILE = Profile(
    endpoint=Endpoint(
        provider="openai",
        base_url="https://api.openai.com/v1",
        key_env=("OPENAI_API_KEY",),
        url_env=("OPENAI_BASE_URL",),
        headers={"OpenAI-Organization": "organization", "OpenAI-Project": "project"},
        # Not in OpenAI's documents, but harmless: servers that know it do not order twice.
        idempotency_header="Idempotency-Key",
        more=(
            Setting(
                name="organization", env=("OPENAI_ORG_ID",), help="The organisation that is billed."
            ),
            Setting(name="project", env=("OPENAI_PROJECT_ID",), help="The project that is billed."),
        ),
    ),
    identify=_dialect,
)
