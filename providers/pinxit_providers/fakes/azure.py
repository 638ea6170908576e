"""Azure OpenAI's images as strict as its documents, as an ASGI application for tests.

What it shares with OpenAI is left to OpenAI's stand-in; here stand the addresses, the credentials, the
deployments and what Azure lacks. Sources: openai 3.54.0 lib/azure.py, learn.microsoft.com.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from .asgi import Answer, Incoming, Receive, Refused, Scope, Send, answer, serve
from .openai import FakeOpenAI

__all__ = ["FakeAzure"]

_LEGACY = re.compile(r"/openai/deployments/([\w.-]+)(/images/\w+)")
_V1 = "/openai/v1"
# What its documents do not have, or only for some deployments.
_LACKS = {"moderation", "markup", "complexity", "input_fidelity", "safety_identifier"}


class FakeAzure:
    """Answers, and refuses, as Azure OpenAI does, under both styles of addresses.

    Words in a prompt ask for trouble: ``#refused``, ``#refused-result`` (the picture, not the prompt), and
    those of OpenAI's stand-in.

    Args:
        key: The only key that it accepts.
        token: The only Entra token that it accepts.
        deployments: Underlying models by the names of their deployments.
    """

    def __init__(
        self,
        *,
        key: str = "azure-fake-key-of-nobody",
        token: str = "entra-fake-token-of-nobody",  # noqa: S107 - it opens nothing
        deployments: Mapping[str, str],
    ) -> None:
        self.key = key
        self.token = token
        self.deployments = dict(deployments)
        self._openai = FakeOpenAI(names=self.deployments)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or a server's start and stop."""
        await serve(scope, receive, send, self._handle)

    def _handle(self, request: Incoming) -> Answer:
        path, deployment = _route(request)
        with_token = request.has("authorization", f"Bearer {self.token}")
        if not with_token and not request.has("api-key", self.key):
            _refuse(401, "401", "Access denied due to invalid subscription key or wrong endpoint.")
        fields, formats = _read(request, path)
        if deployment is not None and deployment not in self.deployments:
            _refuse(404, "DeploymentNotFound", "The deployment for this resource does not exist.")
        if fields.get("model") not in self.deployments:
            _refuse(404, "DeploymentNotFound", "The deployment for this resource does not exist.")
        if lacking := sorted(_LACKS & fields.keys()):
            _refuse(400, "unknown_parameter", f"Unknown parameter: '{lacking[0]}'.")
        if fields.get("output_format") == "webp" or not formats <= {"image/png", "image/jpeg"}:
            _refuse(400, "invalid_value", "The format is not supported.")
        _meet_triggers(str(fields.get("prompt", "")))
        # Behind the door a request is OpenAI's, with OpenAI's key.
        headers = {**request.headers, "authorization": f"Bearer {self._openai.key}"}
        return self._openai.handle(replace(request, path=f"/v1{path}", headers=headers))


def _refuse(status: int, code: str, message: str, **more: object) -> NoReturn:
    error = {"code": code, "message": message, "param": None, "type": None, **more}
    raise Refused(answer({"error": error}, status))


def _route(request: Incoming) -> tuple[str, str | None]:
    """Return the path behind the style of the address, and the deployment that it names."""
    version = request.query.get("api-version")
    if request.path.startswith(_V1 + "/"):
        if version not in {None, "v1", "preview"}:
            _refuse(400, "BadRequest", "API version not supported")
        return request.path.removeprefix(_V1), None
    match = _LEGACY.fullmatch(request.path)
    if match is None or version is None or not version[:4].isdecimal():
        _refuse(404, "404", "Resource not found")
    return match[2], match[1]


def _read(request: Incoming, path: str) -> tuple[dict[str, Any], set[str]]:
    """Return the fields, and the types of the files."""
    try:
        if path == "/images/generations":
            return request.json(), set()
        form, files = request.form()
    except ValueError as error:
        _refuse(400, "BadRequest", f"The body cannot be read: {error}.")
    return dict(form), {upload.content_type for upload in files}


def _meet_triggers(prompt: str) -> None:
    if "#refused" in prompt:
        where = "generated image" if "#refused-result" in prompt else "prompt"
        found = {"violence": {"filtered": True, "severity": "high"}, "hate": {"filtered": False}}
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_results": found}
        words = f"Your request was rejected: the {where} was filtered."
        _refuse(400, "contentFilter", words, inner_error=inner)
