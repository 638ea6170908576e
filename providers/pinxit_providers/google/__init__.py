"""Google's Gemini image models, at the Gemini API (``google/``) and at Vertex AI (``vertex/``)."""

from __future__ import annotations

import re
from urllib.parse import quote

import httpx

from pinxit import Context, ProviderError, Setting
from pinxit_providers.protocols.endpoints import Endpoint, with_key

from ._content import Surface, provider
from ._models import GOOGLE, VERTEX_AI

__all__ = ["PLUGIN", "VERTEX"]

_LOCATION = re.compile(r"[a-z0-9-]{1,40}")
_GLOBAL_HOST = "aiplatform.googleapis.com"

_GEMINI = Endpoint(
    provider="google",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    key_env=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    authorise=with_key("x-goog-api-key", ""),
)

_VERTEX = Endpoint(
    provider="vertex",
    base_url=f"https://{_GLOBAL_HOST}/v1",
    # The name is ours: Google's own clients fetch tokens themselves and know no variable for one.
    key_env=("VERTEX_ACCESS_TOKEN",),
    key_help="An OAuth access token, as `gcloud auth print-access-token` prints it; it lives for an hour.",
    more=(
        Setting(
            name="project",
            env=("GOOGLE_CLOUD_PROJECT",),
            required=True,
            help="The Google Cloud project that is billed.",
        ),
        Setting(
            name="location",
            env=("GOOGLE_CLOUD_LOCATION",),
            default="global",
            help="A region such as europe-west4, or global.",
        ),
    ),
)


def _gemini_url(context: Context, model: str) -> httpx.URL:
    return _GEMINI.url(context, f"/models/{model}:generateContent")


def _vertex_url(context: Context, model: str) -> httpx.URL:
    """Return the address of a model in a project; regions have hosts of their own.

    Raises:
        ProviderError: ``location`` is no region.
    """
    # It becomes a part of the path, so it must not hold a slash.
    project = quote(str(context.settings.get("project") or "").strip(), safe="")
    location = str(context.settings.get("location") or "global").strip()
    if not _LOCATION.fullmatch(location):
        raise ProviderError(
            "vertex: location is not the name of a region; set GOOGLE_CLOUD_LOCATION or give "
            "[providers.vertex] location, such as europe-west4 or global",
            billing="not_sent",
        )
    place = f"/projects/{project}/locations/{location}/publishers/google/models"
    url = _VERTEX.url(context, f"{place}/{model}:generateContent")
    # A proxy keeps its host, whatever the region is.
    if location != "global" and url.host == _GLOBAL_HOST:
        url = url.copy_with(host=f"{location}-{_GLOBAL_HOST}")
    return url


PLUGIN = provider(Surface(_GEMINI, _gemini_url, max_request=20 * 2**20), *GOOGLE)
"""The Gemini API, with a key."""

VERTEX = provider(Surface(_VERTEX, _vertex_url), *VERTEX_AI)
"""Vertex AI, with an OAuth access token, a project and a location."""
