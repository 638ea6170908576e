"""The ``[gateway]`` table of the configuration."""

from __future__ import annotations

import difflib
import re

from pydantic import Field, ValidationError, field_validator

from pinxit.config import Config
from pinxit.errors import ConfigError
from pinxit.report import Frozen

from .keys import check_hash

__all__ = ["GatewaySettings", "read_settings"]

_URL = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")


class GatewaySettings(Frozen):
    """How the gateway treats strangers.

    Attributes:
        host: The address to listen on.
        port: The TCP port; 0 lets the system choose.
        public_url: What clients write before ``/assets/``, where that is not the host that they call.
        insecure: Listen beyond loopback without keys.
        keys: Who may call, by name: ``sha256:`` and the key's digest. Empty lets everybody call.
        lenient: Ignore unknown parameters, and say so, instead of refusing them.
        max_body: Bytes of a request's body.
        max_parts: Parts of a form.
        max_requests: Requests in flight; those beyond are refused before anything of them is read.
        header_timeout: Seconds for a request's headers.
        body_timeout: Seconds for a request's body; a large one gets more while it keeps coming.
        write_timeout: Seconds that a caller may leave what it is sent unread.
        keep_alive: Seconds of silence in a stream after which a comment is sent.
        grace: Seconds that work in flight gets when the server is told to stop.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    public_url: str | None = None
    insecure: bool = False
    keys: dict[str, str] = Field(default_factory=dict, repr=False)
    lenient: bool = False
    max_body: int = Field(default=100 * 2**20, ge=1024)
    max_parts: int = Field(default=200, ge=1, le=10_000)
    max_requests: int = Field(default=1000, ge=1)
    header_timeout: float = Field(default=20.0, gt=0)
    body_timeout: float = Field(default=30.0, gt=0)
    write_timeout: float = Field(default=60.0, gt=0)
    keep_alive: float = Field(default=15.0, gt=0)
    grace: float = Field(default=30.0, ge=0)

    @field_validator("public_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None and not _URL.fullmatch(value):
            raise ValueError(f"{value!r} is not like https://pictures.example")
        return value


def read_settings(config: Config) -> GatewaySettings:
    """Read the gateway's table.

    Raises:
        ConfigError: A name is unknown, a value does not fit, or a key is not stored as a digest.
    """
    where = str(config.path) if config.path else "configuration"
    try:
        settings = GatewaySettings.model_validate(config.gateway)
    except ValidationError as error:
        # Never with the value: it may be a key.
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, list(GatewaySettings.model_fields), n=1)
            message = f"unknown name{f', did you mean {near[0]!r}?' if near else ''}"
        raise ConfigError(f"{where}: [gateway] {name}: {message}") from error
    for name, stored in settings.keys.items():
        if problem := check_hash(stored):
            raise ConfigError(f"{where}: [gateway.keys] {name}: {problem}")
    return settings
