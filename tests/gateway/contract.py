"""Requests made from an OpenAPI document, sent to a gateway in this process, and their answers checked."""

# Schemathesis leaves its generics open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import asyncio
import base64
import copy
import json
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import jsonschema_rs
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pinxit import Config, Context, ImagesResponse, Model, Plugins, Router
from pinxit.gateway import Gateway
from pinxit.gateway.openapi import document
from pinxit.testing.pictures import mask, picture
from pinxit.types import PartialImage, Request
from scripted import LoopClock, Scripted, Step, answer

__all__ = ["CHECKS", "Contract", "ours", "theirs"]

EXAMPLES = int(os.environ.get("PINXIT_CONTRACT_EXAMPLES", "25"))
"""Requests per operation and encoding; a run of many thousands is for those who look for something."""

EVENTS = "text/event-stream"
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NAMES = [
    "s/a",
    "s/b",
    "s/old",
    "a",
    "dall-e-2",
    "dall-e-3",
    "gpt-image-1.5",
    "gpt-image-2",
    "nobody",
]
CONFIG = Config.parse({"defaults": {"model": "s/a"}, "assets": {"keep": False}})
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
"""Complaints about how examples are made; some operations have large bodies, some few examples."""
PNG, MASK = picture(), mask()
PATIENCE = {"timeout": 60, "deadline": 60, "call_timeout": 60_000}
FIELDS = {"image": PNG, "images": PNG, "mask": MASK, "markup": PNG}


def ours() -> dict[str, Any]:
    """The gateway's own document."""
    return copy.deepcopy(document())


def theirs() -> dict[str, Any]:
    """OpenAI's document, with four changes.

    The sizes that it lists for answers contradict those that it lets clients ask for; it describes no errors,
    so ours are put in; what it does not name is left to tests of unknown parameters; and in events ``usage``
    is there only where a provider counts tokens.
    """
    text = (Path(__file__).parent / "openai_images.json").read_text("utf-8")
    api = cast("dict[str, Any]", json.loads(text))
    api["components"]["schemas"]["ImagesResponse"]["properties"]["size"] = {
        "type": "string", "pattern": r"^\d+x\d+$",
    }  # fmt: skip
    for name in ("ImageGenPartialImageEvent", "ImageGenCompletedEvent", "ImageEditPartialImageEvent",
                 "ImageEditCompletedEvent"):  # fmt: skip
        event = api["components"]["schemas"][name]
        event["properties"]["size"] = {"type": "string"}
        event["required"] = [field for field in event["required"] if field != "usage"]
    for name, schema in api["components"]["schemas"].items():
        if name.startswith(("Create", "EditImage")):
            schema["additionalProperties"] = False
    error = {"application/json": {"schema": document()["components"]["schemas"]["Error"]}}
    api["components"]["schemas"] |= {"Report": {"type": "object"}}
    for path in api["paths"].values():
        for status in ("400", "402", "404"):
            path["post"]["responses"][status] = {"description": "An error", "content": error}
    return api


Look = Callable[[Case[Any], httpx.Response], None]
"""A further look at an answer."""


class Talkative(Scripted):
    """Says everything about a picture that a provider may say, or nothing, by the prompt."""

    async def _perform(self, step: Step, request: Request, context: Context) -> ImagesResponse:
        made = await super()._perform(step, request, context)
        if zlib.crc32(repr(getattr(request, "prompt", "")).encode()) % 2:
            return made
        if request.stream and context.emit is not None:
            for index in range(request.partial_images or 0):
                await context.emit(PartialImage(index=index, image=made.data[0]))
        said = answer(
            usage={"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
            quality="high",
            background="opaque",
        )
        return made.model_copy(
            update={name: getattr(said, name) for name in ("usage", "quality", "background")}
        )


class Contract:
    """An OpenAPI document, and a gateway that has to keep to it."""

    def __init__(self, api: Mapping[str, Any], models: list[Model], prefix: str = "") -> None:
        self._api = api
        self.schema = schemathesis.openapi.from_dict(dict(api))
        self.base_url = f"http://gateway{prefix}"
        self._models = models
        self.asked = 0

    def check(
        self,
        path: str,
        method: str,
        media_type: str | None,
        look: Look | None = None,
        mode: GenerationMode = GenerationMode.POSITIVE,
    ) -> None:
        """Send examples of one operation in one encoding, and check every answer.

        Args:
            path: As the document has it.
            method: In capitals.
            media_type: Of the body, where there is one.
            look: Checks further things.
            mode: Whether the requests keep to the document or break it.
        """
        operation = self.schema[path][method]
        cases = operation.as_strategy(generation_mode=mode, media_type=media_type)

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=SLOW,
        )
        @given(case=cases, data=st.data())
        def send(case: Case[Any], data: st.DataObject) -> None:
            if mode is GenerationMode.POSITIVE:
                _make_sense(case, data)
            response = runner.run(self._answer(http, case))
            self.asked += 1
            if response.headers["content-type"].startswith(EVENTS):
                self._check_events(case, response.text)
            case.validate_response(response, checks=self._checks(response))
            if look is not None:
                look(case, response)

        with asyncio.Runner() as runner:
            provider = Talkative(self._models)
            router = Router(CONFIG, plugins=Plugins(provider, discover=False), clock=LoopClock())
            transport = httpx.ASGITransport(Gateway(router))
            http = httpx.AsyncClient(transport=transport, base_url="http://gateway")
            runner.run(router.__aenter__())
            try:
                send()
            finally:
                runner.run(http.aclose())
                runner.run(router.aclose())

    def _checks(self, response: httpx.Response) -> list[CheckFunction]:
        is_stream = response.headers["content-type"].startswith(EVENTS)
        return [
            check for check in CHECKS if not (is_stream and check is response_schema_conformance)
        ]

    def _check_events(self, case: Case[Any], text: str) -> None:
        """Check each event of a stream: the document describes the data of one."""
        answers = self._api["paths"][case.operation.path]["post"]["responses"]
        schema = answers["200"]["content"][EVENTS]["schema"]
        validator = jsonschema_rs.validator_for({**schema, "components": self._api["components"]})
        for event in text.strip().split("\n\n"):
            name, _, data = event.partition("\n")
            fields = json.loads(data.removeprefix("data: "))
            assert name == f"event: {fields['type']}"
            validator.validate(fields)

    async def _answer(self, http: httpx.AsyncClient, case: Case[Any]) -> httpx.Response:
        options = case.as_transport_kwargs(base_url=self.base_url)
        fields = ("method", "url", "headers", "params", "data", "json", "files", "cookies")
        message = requests.Request(
            **{name: options[name] for name in fields if name in options}
        ).prepare()
        headers = [
            (_bytes(name), _bytes(value))
            for name, value in message.headers.items()
            if name != "Content-Length"
        ]
        body = cast("bytes | str", message.body or b"")
        return await http.request(
            str(message.method), str(message.url), headers=headers, content=body
        )


def _bytes(text: str | bytes) -> bytes:
    """Write a header as a client would that does not care what may be in one."""
    return text.encode() if isinstance(text, str) else text


def _make_sense(case: Case[Any], data: st.DataObject) -> None:
    """Put real pictures and known names where the document can only say text, mostly."""
    if isinstance(case.body, dict):
        body = cast("dict[str, Any]", case.body)
        is_form = case.media_type == "multipart/form-data"
        case.body = {
            name: _sensible(name, value, data, is_form=is_form) for name, value in body.items()
        }


def _sensible(name: str, value: Any, data: st.DataObject, *, is_form: bool) -> Any:
    if name in FIELDS and data.draw(st.integers(0, 9)):
        if isinstance(value, list):
            return [
                _sensible(name, item, data, is_form=is_form) for item in cast("list[Any]", value)
            ]
        return FIELDS[name] if is_form else _written(FIELDS[name], value)
    if name in PATIENCE and isinstance(value, int | float):
        # Who gives a provider a microsecond gets the 504 that was asked for.
        return max(value, PATIENCE[name])
    if name == "model" and isinstance(value, str):
        return data.draw(st.sampled_from(NAMES))
    if name == "order" and isinstance(value, str):
        return data.draw(st.sampled_from(["listed", "cheapest", "fastest", "least_busy"]))
    if name in {"fallbacks", "models"} and isinstance(value, list):
        return [
            data.draw(st.sampled_from(NAMES)) if isinstance(item, str)
            else _sensible("", item, data, is_form=is_form)
            for item in cast("list[Any]", value)
        ]  # fmt: skip
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {k: _sensible(k, v, data, is_form=is_form) for k, v in fields.items()}
    return value


def _written(picture: bytes, shape: Any) -> Any:
    """Write a picture in the shape that was there."""
    text = base64.b64encode(picture).decode()
    if not isinstance(shape, dict):
        return f"data:image/png;base64,{text}"
    return (
        {"b64_json": text}
        if "b64_json" in shape
        else {"image_url": f"data:image/png;base64,{text}"}
    )
