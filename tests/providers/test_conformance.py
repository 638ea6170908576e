"""Our own providers pass the cases that every provider should pass."""

from __future__ import annotations

from pinxit.testing import ProviderTests
from pinxit_providers.fakes.openai import FakeOpenAI
from pinxit_providers.illustrator import plugin as illustrator
from pinxit_providers.openai import PLUGIN as openai

KEY = "sk-proj-this-key-is-nobodys-0123456789"
REFUSAL = (400, {"error": {"code": "moderation_blocked", "message": "Your request was rejected."}})


class TestOpenAI(ProviderTests):
    """One model of each dialect, against a stand-in as strict as the API's documents."""

    plugin = openai
    models = {
        "openai/gpt-image-2.6-sunburst",
        "openai/gpt-image-1-mini",
        "openai/dall-e-2",
        "openai/dall-e-3",
    }
    asgi = FakeOpenAI(key=KEY, retired=())
    settings = {"api_key": KEY, "base_url": "http://fake.test/v1"}
    rejection = REFUSAL
    most_pixels = 1024 * 1024


class TestOpenAICompatible(ProviderTests):
    """A server that answers with addresses, whatever it is asked."""

    plugin = openai
    models = {"openai/dall-e-3"}
    ok = {"created": 1, "data": [{"url": "https://pictures.test/1.png"}]}
    settings = {"api_key": KEY, "base_url": "http://fake.test/v1"}


class TestIllustrator(ProviderTests):
    plugin = illustrator
    most_pixels = 256 * 256
