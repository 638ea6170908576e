"""Where a provider is, and who asks: addresses, credentials, headers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from pinxit import AuthenticationFailed, Context, ProviderError, Setting, Settings
from pinxit_providers.protocols.endpoints import Endpoint, with_key

KEY = "acme-key-of-nobody-0123456789"
EAST, WEST = "https://east.acme.test/v1", "https://west.acme.test/v1"


def acme(**fields: Any) -> Endpoint:
    return Endpoint(provider="acme", base_url=EAST, key_env=("ACME_API_KEY",), **fields)


def lent(**settings: Any) -> Context:
    """Return a context whose client is never used."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    return Context(http=http, settings=Settings(settings), idempotency_key="order-1")


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (None, f"{EAST}/images"),
        ("west", f"{WEST}/images"),
        ("https://proxy.test", "https://proxy.test/images"),
        ("https://proxy.test/v1/", "https://proxy.test/v1/images"),
        ("https://proxy.test/v1?api-version=2", "https://proxy.test/v1/images?api-version=2"),
    ],
)
def test_addresses(base_url: str | None, expected: str) -> None:
    """A path stands behind the base URL, which is an address or one of the provider's words."""
    endpoint = acme(bases={"west": WEST})
    assert str(endpoint.url(lent(base_url=base_url), "/images")) == expected


@pytest.mark.parametrize(
    "base_url",
    ["north", "ftp://acme.test", "https://", "https://user:word@acme.test", "http://a\nb"],
)
def test_what_is_no_address(base_url: str) -> None:
    """Anything else is an error of the configuration, told before anything is sent."""
    with pytest.raises(
        ProviderError, match=r"acme: base_url is not .* \[providers\.acme\]"
    ) as caught:
        acme(bases={"west": WEST}).url(lent(base_url=base_url), "/images")
    assert caught.value.billing == "not_sent"
    assert "word" not in str(caught.value)


def test_the_words_are_told() -> None:
    """The setting's help names the words that stand for addresses."""
    helps = {setting.name: setting.help for setting in acme(bases={"west": WEST}).settings}
    assert helps["base_url"].endswith("; or west.")


def test_a_missing_key_is_told_before_anything_is_sent() -> None:
    """The message names the variable and the place in the file."""
    with pytest.raises(AuthenticationFailed) as caught:
        acme().require_key(lent())
    assert str(caught.value) == (
        "acme: no api_key; set ACME_API_KEY or give [providers.acme] api_key"
    )
    assert vars(caught.value)["billing"] == "not_sent"


def test_another_credential_can_stand_for_the_key() -> None:
    """Where a token does as well, one of the two is required, and having none is told."""
    token = Setting(name="token", secret=True)
    endpoint = acme(
        alternative="token", more=(token,), authorise=with_key("X-Token", "", setting="token")
    )
    key = next(setting for setting in endpoint.settings if setting.required)
    assert (key.name, key.alternative) == ("api_key", "token")
    endpoint.require_key(lent(token=KEY))
    with pytest.raises(AuthenticationFailed, match="no api_key or token; set ACME_API_KEY or give"):
        endpoint.require_key(lent())
    assert endpoint.request_headers(lent(token=KEY))["X-Token"] == KEY
    assert KEY in list(endpoint.secrets(lent(token=KEY)))


def test_a_server_of_ones_own_needs_no_key() -> None:
    """Where no key is required, none is asked for and no header is sent."""
    endpoint = acme(key_required=False)
    endpoint.require_key(lent())
    assert "Authorization" not in endpoint.request_headers(lent())


def test_headers_from_settings() -> None:
    """A header has its setting's value, or is not sent; fixed ones always are."""
    endpoint = acme(headers={"X-Title": "title"}, constant_headers={"X-Api": "2"})
    assert endpoint.request_headers(lent(api_key=KEY, title=" My shop ")) == {
        "Authorization": f"Bearer {KEY}",
        "X-Title": "My shop",
        "X-Api": "2",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    assert "X-Title" not in endpoint.request_headers(lent(api_key=KEY))


@pytest.mark.parametrize("value", ["two\nlines", "Kaffeehäuschen", "bell\a"])
def test_what_no_header_may_have(value: str) -> None:
    """A value that would break out of its header is refused, and not repeated."""
    endpoint = acme(headers={"X-Title": "title"})
    with pytest.raises(AuthenticationFailed, match="X-Title") as caught:
        endpoint.request_headers(lent(title=value))
    assert value not in str(caught.value)


def test_an_order_is_known_by_its_key() -> None:
    """The same order has the same key, where the provider knows such keys."""
    endpoint = acme(idempotency_header="Idempotency-Key")
    assert endpoint.request_headers(lent())["Idempotency-Key"] == "order-1"
    assert "Idempotency-Key" not in acme().request_headers(lent())


def test_placeholders_are_no_secrets() -> None:
    """A short key, as local servers get, is not hunted for in addresses and messages."""
    assert list(acme().secrets(lent(api_key="none"))) == []
    assert KEY in list(acme().secrets(lent(api_key=KEY)))
