"""Requests as real clients sent them, byte for byte, from the files in ``wire/``."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

CLIENTS = ("openai-python", "openai-python-edges", "orq-python")
WIRE = Path(__file__).with_name("wire")


@dataclass(frozen=True)
class Capture:
    """One request.

    Attributes:
        case: The client and what it was made to send.
        path: Where it went.
        headers: As they were, less those that belong to the connection.
        body: As it was.
        place: Its place among the client's requests; a client that tries again sends the same.
    """

    case: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    place: int = 0

    def __str__(self) -> str:
        return f"{self.case}-{self.place}"

    @property
    def operation(self) -> str:
        """The last word of the path."""
        return self.path.rpartition("/")[2]

    async def replay(self, http: httpx.AsyncClient, path: str = "") -> httpx.Response:
        """Send it again."""
        return await http.post(path or self.path, content=self.body, headers=dict(self.headers))


def _read(client: str) -> dict[str, Any]:
    file: dict[str, Any] = json.loads((WIRE / f"{client}.json").read_text(encoding="utf-8"))
    return file


def _captures(client: str) -> list[Capture]:
    file = _read(client)
    return [
        Capture(
            case=f"{client}/{entry['case']}",
            path=entry["path"],
            headers={**file["headers"], **entry["headers"]},
            body=entry["text"].encode() if "text" in entry else base64.b64decode(entry["base64"]),
            place=place,
        )
        for place, entry in enumerate(file["requests"])
    ]


CAPTURES = tuple(capture for client in CLIENTS for capture in _captures(client))
PICTURES: Mapping[str, bytes] = {
    name: base64.b64decode(text) for name, text in _read("openai-python")["pictures"].items()
}
"""The files that the clients were given to upload: ``picture`` and ``mask``."""
