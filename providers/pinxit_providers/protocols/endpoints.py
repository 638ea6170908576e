"""Where a provider is, and how it knows who asks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from pinxit import AuthenticationFailed, Context, ProviderError, Setting, Settings
from pinxit.redaction import Secrets

__all__ = ["Authorise", "Endpoint", "with_basic", "with_key"]

Authorise = Callable[[Settings], Mapping[str, str]]
"""Returns the headers that say who asks; empty values are not sent."""

_MIN_SECRET = 8
"""Characters: shorter keys are placeholders, whose text may well be part of an address."""


def with_key(
    header: str = "Authorization", scheme: str = "Bearer ", setting: str = "api_key"
) -> Authorise:
    """Return how a key is sent: in *header*, behind *scheme*."""

    def authorise(settings: Settings) -> Mapping[str, str]:
        key = str(settings.get(setting) or "").strip()
        return {header: f"{scheme}{key}" if key else ""}

    return authorise


def with_basic(setting: str) -> Authorise:
    """Return how HTTP Basic is sent; the setting holds ``user:password``."""

    def authorise(settings: Settings) -> Mapping[str, str]:
        pair = str(settings.get(setting) or "").strip()
        return {
            "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}" if pair else ""
        }

    return authorise


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A provider's HTTP service.

    Attributes:
        provider: The part of a model's id before the slash.
        base_url: Where it is served, with its version; empty where everybody has an own one.
        bases: Further base URLs, by the words that the setting ``base_url`` may have instead of an address.
        key_env: Environment variables with the key, the first one set wins.
        url_env: Environment variables with an own base URL.
        key_required: Whether it answers nobody without a key.
        key_setting: What the setting with the key is called.
        key_help: What the key is.
        alternative: A setting among *more* that can stand for the key.
        authorise: How the key is sent.
        headers: Further headers, each with the name of the setting that has its value.
        constant_headers: Headers that are always the same.
        more: Further settings.
        idempotency_header: Where the provider takes a key by which it knows a repeated order.
    """

    provider: str
    base_url: str
    bases: Mapping[str, str] = field(default_factory=dict[str, str])
    key_env: tuple[str, ...] = ()
    url_env: tuple[str, ...] = ()
    key_required: bool = True
    key_setting: str = "api_key"
    key_help: str = "A key of the API."
    alternative: str = ""
    authorise: Authorise = field(default=with_key())
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    constant_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    more: tuple[Setting, ...] = ()
    idempotency_header: str = ""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The settings that the plugin registers."""
        key = Setting(
            name=self.key_setting,
            env=self.key_env,
            required=self.key_required,
            alternative=self.alternative,
            secret=True,
            help=self.key_help,
        )
        url = Setting(
            name="base_url",
            env=self.url_env,
            default=self.base_url or None,
            required=not self.base_url,
            help="Where the API is served, with its version: a proxy or a server of your own"
            + (f"; or {' or '.join(self.bases)}." if self.bases else "."),
        )
        return (key, url, *self.more)

    def secrets(self, context: Context) -> Secrets:
        """Return the values that nobody may see."""
        names = [setting.name for setting in self.settings if setting.secret]
        values = [str(context.settings.get(name) or "").strip() for name in names]
        # HTTP Basic sends another text than the setting holds.
        values += [value.rpartition(" ")[2] for value in self.authorise(context.settings).values()]
        return Secrets(value for value in values if len(value) >= _MIN_SECRET)

    def require_key(self, context: Context) -> None:
        """Check before anything is sent that there is a key.

        Raises:
            AuthenticationFailed: There is none, and the provider wants one.
        """
        if self.key_required and not any(self.authorise(context.settings).values()):
            first = f"set {self.key_env[0]} or " if self.key_env else ""
            either = f" or {self.alternative}" if self.alternative else ""
            raise AuthenticationFailed(
                f"{self.provider}: no {self.key_setting}{either}; "
                f"{first}give [providers.{self.provider}] {self.key_setting}{either}",
                billing="not_sent",
            )

    def url(self, context: Context, path: str) -> httpx.URL:
        """Return the address of a path; the query of the base URL stays, as some take their version there.

        Raises:
            ProviderError: ``base_url`` is no address.
        """
        base = str(context.settings.get("base_url") or self.base_url)
        base = self.bases.get(base, base)
        try:
            url = httpx.URL(base)
        except httpx.InvalidURL:
            url = httpx.URL()
        # A password in an address would be shown wherever the address is.
        if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
            first = f"set {self.url_env[0]} or " if self.url_env else ""
            raise ProviderError(
                f"{self.provider}: base_url is not an http(s) address without credentials; "
                f"{first}give [providers.{self.provider}] base_url, "
                f"such as {self.base_url or 'http://localhost:8000/v1'}",
                billing="not_sent",
            )
        return url.copy_with(path=url.path.rstrip("/") + path)

    def request_headers(self, context: Context, accept: str = "application/json") -> dict[str, str]:
        """Return the headers of a request; a plan without a key has no authorisation.

        Raises:
            AuthenticationFailed: A value cannot stand in a header.
        """
        headers = {
            **self.authorise(context.settings),
            **{
                header: str(context.settings.get(name) or "").strip()
                for header, name in self.headers.items()
            },
            **self.constant_headers,
            "Accept": accept,
            # Compressed pictures hardly shrink, and what is not coded cannot explode.
            "Accept-Encoding": "identity",
        }
        if self.idempotency_header:
            headers[self.idempotency_header] = context.idempotency_key
        for name, value in headers.items():
            # The transport's own error may quote the value.
            if not (value.isascii() and value.isprintable()):
                raise AuthenticationFailed(
                    f"{self.provider}: the value for the header {name} holds characters "
                    "that no header may have",
                    billing="not_sent",
                )
        return {name: value for name, value in headers.items() if value}
