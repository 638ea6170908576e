"""Both of Google's services pass the cases that every provider should pass."""

from __future__ import annotations

from pinxit.testing import ProviderTests
from pinxit_providers.fakes.google import FakeGoogle
from pinxit_providers.google import PLUGIN, VERTEX

KEY = "AIza-this-key-is-nobodys-0123456789"
TOKEN = "ya29.this-token-is-nobodys-0123456789"


class TestGemini(ProviderTests):
    """One model with classes of sizes, and the one without."""

    plugin = PLUGIN
    models = {"google/gemini-nano-banana-2.1", "google/gemini-2.5-flash-image"}
    asgi = FakeGoogle(key=KEY)
    settings = {"api_key": KEY, "base_url": "http://fake.test/v1beta"}
    rejection = (200, {"promptFeedback": {"blockReason": "SAFETY"}})
    most_pixels = 1_100_000


class TestVertex(ProviderTests):
    """The same with a token, a project and a choice of formats."""

    plugin = VERTEX
    models = {"vertex/gemini-3.1-flash-lite-image"}
    asgi = FakeGoogle(bearer=TOKEN, project="atelier-1")
    settings = {"api_key": TOKEN, "base_url": "http://fake.test/v1", "project": "atelier-1"}
    rejection = (200, {"candidates": [{"finishReason": "IMAGE_SAFETY"}]})
    most_pixels = 1_100_000
