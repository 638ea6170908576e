"""Where requests go, and with which headers."""

from __future__ import annotations

import dataclasses

import httpx
import pytest

from pinxit import AuthenticationFailed, Context, GenerateRequest, Model, ProviderError, Settings
from pinxit_providers.fakes.openai import FakeOpenAI
from pinxit_providers.openai import PLUGIN as openai


def build(context: Context, request: GenerateRequest, model: Model) -> httpx.Request:
    return openai.preview(request, model, context)


async def test_headers(models: dict[str, Model], fake: FakeOpenAI, context: Context) -> None:
    """Key, organisation and project are headers; nothing is to be compressed."""
    settings = {**context.settings, "organization": "org-1", "project": "proj-1"}
    asked = dataclasses.replace(
        context, settings=Settings(settings), idempotency_key="order-1", caller="alice"
    )
    await openai.generate(GenerateRequest(prompt="a fox"), models["gpt-image-2"], asked)
    headers = fake.received[0].headers
    assert headers["authorization"] == f"Bearer {fake.key}"
    assert headers["openai-organization"] == "org-1"
    assert headers["openai-project"] == "proj-1"
    assert headers["idempotency-key"] == "order-1"
    assert headers["accept-encoding"] == "identity"
    assert "alice" not in str(headers)


async def test_absent_settings_send_no_headers(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """An account without organisation and project sends neither header."""
    await openai.generate(GenerateRequest(prompt="a fox"), models["gpt-image-2"], context)
    absent = {"openai-organization", "openai-project", "idempotency-key"}
    assert not absent & fake.received[0].headers.keys()


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (None, "https://api.openai.com/v1/images/generations"),
        ("", "https://api.openai.com/v1/images/generations"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/images/generations"),
        ("https://proxy.test/openai/v1/", "https://proxy.test/openai/v1/images/generations"),
        (
            "https://x.openai.azure.com/openai/v1?api-version=preview",
            "https://x.openai.azure.com/openai/v1/images/generations?api-version=preview",
        ),
    ],
)
async def test_base_url(
    models: dict[str, Model], context: Context, base_url: str | None, expected: str
) -> None:
    """Any server's address works, with or without a path, a slash at the end or a query."""
    elsewhere = dataclasses.replace(
        context, settings=Settings({"api_key": "any", "base_url": base_url})
    )
    request = GenerateRequest(prompt="a fox")
    assert str(build(elsewhere, request, models["gpt-image-2"]).url) == expected


@pytest.mark.parametrize(
    "base_url",
    [
        "api.openai.com/v1",
        "ftp://x.test/v1",
        "https://",
        "http://[::1",
        "https://name:password@x.test/v1",
    ],
)
async def test_a_base_url_that_is_none(
    models: dict[str, Model], context: Context, base_url: str
) -> None:
    """A wrong address is named as such before anything is sent, and never repeated."""
    elsewhere = dataclasses.replace(
        context, settings=Settings({"api_key": "any", "base_url": base_url})
    )
    with pytest.raises(ProviderError, match="base_url is not") as caught:
        await openai.generate(GenerateRequest(prompt="x"), models["gpt-image-2"], elsewhere)
    assert caught.value.billing == "not_sent"
    assert not caught.value.retry
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("key", [None, "", "   "])
async def test_without_a_key_nothing_is_sent(
    models: dict[str, Model], fake: FakeOpenAI, context: Context, key: str | None
) -> None:
    """A missing key is said with the ways to give one; a plan works all the same."""
    keyless = dataclasses.replace(
        context, settings=Settings({"api_key": key, "base_url": "http://fake.test/v1"})
    )
    request = GenerateRequest(prompt="a fox")
    with pytest.raises(AuthenticationFailed, match="set OPENAI_API_KEY") as caught:
        await openai.generate(request, models["gpt-image-2"], keyless)
    assert str(caught.value.billing) == "not_sent"
    assert not fake.received
    assert "authorization" not in build(keyless, request, models["gpt-image-2"]).headers


async def test_a_key_from_a_file_may_end_with_a_line_break(
    models: dict[str, Model], fake: FakeOpenAI, context: Context
) -> None:
    """White space around a key is an accident of how it was stored."""
    settings = Settings({**context.settings, "api_key": f"  {fake.key}\n"})
    clean = dataclasses.replace(context, settings=settings)
    await openai.generate(GenerateRequest(prompt="a fox"), models["gpt-image-2"], clean)
    assert len(fake.received) == 1


@pytest.mark.parametrize("name", ["api_key", "organization", "project"])
@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "clé", "a\x00b"])
async def test_no_setting_becomes_a_header_line(
    models: dict[str, Model], context: Context, name: str, value: str
) -> None:
    """A value that no header may hold is refused without being repeated."""
    evil = dataclasses.replace(context, settings=Settings({"api_key": "any", name: value}))
    with pytest.raises(AuthenticationFailed) as caught:
        await openai.generate(GenerateRequest(prompt="x"), models["gpt-image-2"], evil)
    assert value not in str(caught.value)
