"""What real clients sent, replayed byte for byte: what the gateway understands, and does."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

import pinxit
from gateway.captures import CAPTURES, PICTURES, Capture
from gateway.scene import ALL, MODELS, PAINTS, Scene
from pinxit import ImagesResponse, Model, hookimpl
from pinxit.errors import ProviderUnavailable, RateLimited
from pinxit.headers import inspect
from pinxit.hookspecs import RequestNext
from pinxit.types import EditRequest, GenerateRequest, Request, VariationRequest
from scripted import Step

NAMES = (
    "openai/gpt-image-1",
    "openai/dall-e-2",
    "openai/dall-e-3",
    "stub/b",
    "stub/m",
    "a/x",
    "b/y",
)
PAINTS_ALL = PAINTS.model_copy(update={"backgrounds": ("auto", "opaque", "transparent")})
KNOWN = [*MODELS, *(Model(id=name, operations=dict.fromkeys(ALL, PAINTS_ALL)) for name in NAMES)]

FALLBACKS = [{"model": "openai/dall-e-3"}, {"model": "stub/b"}]
RETRY = {"count": 2, "on_codes": [429, 500]}
RELIABLE = {"fallbacks": FALLBACKS, "retry": RETRY}
ROUTED = {
    **RELIABLE,
    "cache": {"type": "exact_match", "ttl": 60},
    "timeout": 30,
    "fallback_on_codes": [429, 503],
}
GPT = {"prompt": "p", "model": "openai/gpt-image-1"}
EDIT = {**GPT, "images": ["picture"]}
ODD = {"prompt": "héllo\nworld", "model": "m", "images": ["picture"]}
P, M = {"prompt": "p"}, {"prompt": "p", "model": "m"}
BARE_EDIT = {**M, "images": ["picture"]}


def shares(*weights: float) -> dict[str, Any]:
    models = [{"model": m, "weight": w} for m, w in zip(("a/x", "b/y"), weights, strict=True)]
    return {"type": "weight_based", "models": models}


UNDERSTOOD: dict[str, dict[str, Any]] = {
    "openai-python-edges/none": ODD,
    "openai-python-edges/emptylist": ODD,
    "openai-python-edges/float": {**ODD, "retry": {"count": 2}},
    "openai-python-edges/unicode": {**ODD, "name": 'é"x'},
    "openai-python-edges/async": {**M, "retry": {"count": 1}, "images": ["picture", "picture"]},
    "openai-python-edges/base-slash": P,
    "openai-python/gen-min": GPT,
    "openai-python/gen-fb": {**GPT, **RELIABLE, "n": 1, "size": "1024x1024"},
    "openai-python/gen-all": {
        **GPT,
        **ROUTED,
        "background": "transparent",
        "moderation": "low",
        "n": 2,
        "output_compression": 50,
        "output_format": "webp",
        "quality": "high",
        "size": "1536x1024",
        "user": "u",
        "name": "t",
        "metadata": {"k": "v"},
        "load_balancer": shares(0.7, 0.3),
        # What stands outside of `orq` wins: the retry there is another one.
        "identity": {"id": "u1", "tags": ["a", "b"]},
    },
    "openai-python/gen-stream": {
        **GPT,
        **RELIABLE,
        "stream": True,
        "partial_images": 2,
        "response_format": "b64_json",
    },
    "openai-python/edit-single-tuple": EDIT,
    "openai-python/edit-single-bytesio": EDIT,
    "openai-python/edit-single-bytes": EDIT,
    "openai-python/edit-single-open": EDIT,
    "openai-python/edit-single-fb": {**EDIT, **RELIABLE, "n": 2, "size": "1024x1024"},
    "openai-python/edit-single-all": {
        **EDIT,
        **ROUTED,
        "background": "opaque",
        "input_fidelity": "high",
        "n": 2,
        "output_compression": 40,
        "output_format": "webp",
        "quality": "low",
        "response_format": "b64_json",
        "size": "1024x1024",
        "user": "u",
        "name": "t",
        "metadata": {"k": "v"},
        "load_balancer": shares(0.7, 0.3),
        "identity": {"id": "u1", "tags": ["a", "b"]},
        "mask": "mask",
    },
    "openai-python/edit-list": {**GPT, "images": ["picture", "picture"]},
    "openai-python/edit-list1": EDIT,
    "openai-python/edit-list-mask-fb": {
        **GPT,
        **RELIABLE,
        "images": ["picture", "picture"],
        "mask": "mask",
    },
    "openai-python/edit-stream": {
        **EDIT,
        **RELIABLE,
        "stream": True,
        "partial_images": 1,
        "response_format": "b64_json",
    },
    "openai-python/edit-stream-false": EDIT,
    "openai-python/edit-jsonstr": {**EDIT, **RELIABLE},
    "openai-python/var-min": {"images": ["picture"]},
    "openai-python/var-fb": {
        **RELIABLE,
        "model": "openai/dall-e-2",
        "n": 3,
        "response_format": "b64_json",
        "size": "512x512",
        "user": "u",
        "images": ["picture"],
    },
    "openai-python/sse-error": {"prompt": "p", "stream": True, "response_format": "b64_json"},
    "orq-python/gen-min": GPT,
    "orq-python/gen-fb": {**GPT, **RELIABLE},
    "orq-python/gen-all": {
        **GPT,
        **ROUTED,
        "background": "transparent",
        "moderation": "low",
        "n": 2,
        "output_compression": 50,
        "output_format": "webp",
        "quality": "high",
        "response_format": "b64_json",
        "size": "1024x1024",
        "style": "vivid",
        "metadata": {"k": "v"},
        "name": "trace-name",
        "load_balancer": shares(0.7, 0.5),
        # `orq` has other fallbacks and another retry.
        "identity": {"id": "u1"},
    },
    "orq-python/gen-null": M,
    "orq-python/gen-retrydefault": {
        **M,
        "retry": {"count": 3, "on_codes": [429]},
        "cache": {"ttl": 3600},
    },
    "orq-python/edit-fb": {**EDIT, **RELIABLE},
    "orq-python/edit-noct": EDIT,
    "orq-python/var-fb": {
        **RELIABLE,
        "model": "openai/dall-e-2",
        "response_format": "url",
        "size": "1024x1024",
        "images": ["picture"],
    },
    "orq-python/var-all": {
        **ROUTED,
        "model": "openai/dall-e-2",
        "n": 3,
        "response_format": "b64_json",
        "size": "512x512",
        "user": "u",
        "name": "trace-name",
        "load_balancer": shares(0.7, 0.5),
        "images": ["picture"],
    },
}
"""Every field of what a client meant, by capture; what is not named has its default."""

SAME: dict[str, dict[str, Any]] = {
    "openai-python/r-": P,
    "openai-python/retry-": P,
    "orq-python/server_url-": M,
    "orq-python/resp-": M,
    "orq-python/err-": M,
    "orq-python/sdk-retry-": M,
    "orq-python/edit-resp-": BARE_EDIT,
    "orq-python/edit-401": BARE_EDIT,
    "orq-python/edit-413": BARE_EDIT,
}
"""Captures made for the sake of the answer: the beginning of their names, and what all of them ask."""

REFUSED = {
    "openai-python-edges/bool": ("flag", "unknown parameter 'flag'"),
    "openai-python-edges/partialweights": (
        "load_balancer.models",
        "load_balancer.models: it cannot be told which fields belong together",
    ),
    "orq-python/edit-all": ("orq.prompt", "orq.prompt: this gateway stores no prompts"),
    "orq-python/edit-noimage": ("image", "image: is required"),
}
"""Captures with something that cannot be done: the parameter, and how the sentence begins."""

CLASSES: dict[str, type[Request]] = {
    "generations": GenerateRequest,
    "edits": EditRequest,
    "variations": VariationRequest,
}


class Ear:
    """Middleware that hears what is asked before anything is done about it."""

    def __init__(self) -> None:
        self.heard: list[Request] = []

    @hookimpl
    async def around_request(self, request: Request, request_next: RequestNext) -> ImagesResponse:
        self.heard.append(request)
        return await request_next(request)


def expected(capture: Capture) -> dict[str, Any] | None:
    """The fields that a capture means, or nothing where it is refused."""
    case = capture.case
    if case in UNDERSTOOD:
        return UNDERSTOOD[case]
    same = [SAME[start] for start in SAME if case.startswith(start)]
    return same[0] if same else None


def meant(capture: Capture) -> Request:
    """The request as a caller in Python would write it."""
    fields = dict(expected(capture) or {})
    for name in ("images", "mask"):
        if name in fields:
            keys = fields[name] if name == "images" else [fields[name]]
            files = [pinxit.Image(PICTURES[key]) for key in keys]
            fields[name] = files if name == "images" else files[0]
    return CLASSES[capture.operation].model_validate(fields)


def told(request: Request) -> dict[str, Any]:
    """Everything that a request says, pictures as their bytes."""
    fields = {name: getattr(request, name) for name in type(request).model_fields}
    for name in ("images", "mask", "markup"):
        value = fields.get(name)
        fields[name] = (
            [i.data for i in value] if name == "images" and value else value and value.data
        )
    return {"operation": request.operation, **fields}


def pictures(answer: httpx.Response) -> list[bytes]:
    """The pictures of an answer, of a stream too."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
        data = [event for event in map(json.loads, lines) if event["type"].endswith(".completed")]
    else:
        data = answer.json()["data"]
    return [base64.b64decode(image["b64_json"], validate=True) for image in data]


ANSWERED = [capture for capture in CAPTURES if capture.case not in REFUSED]


@pytest.mark.parametrize(
    ("capture", "base"),
    [(c, "/v2/router") for c in ANSWERED] + [(c, "/v1") for c in ANSWERED if c.case in UNDERSTOOD],
    ids=str,
)
async def test_understood(capture: Capture, base: str) -> None:
    """The gateway hears what the client meant, all of it and nothing else, and paints it."""
    ear = Ear()
    scene = Scene({}, ear, models=KNOWN)
    transport = httpx.ASGITransport(
        scene.gateway, root_path=capture.path.partition("/v2/router")[0]
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        answer = await capture.replay(http, capture.path.replace("/v2/router", base))
        request = meant(capture)
        assert answer.status_code == 200, answer.text
        assert [told(heard) for heard in ear.heard] == [told(request)]
        if request.response_format == "url":
            urls = [image["url"] for image in answer.json()["data"]]
            painted = [(await http.get(httpx.URL(url).path)).content for url in urls]
        else:
            painted = pictures(answer)
    look = [inspect(picture) for picture in painted]
    assert [(p.size, p.format) for p in look] == [
        (request.size or "64x64", request.output_format or "png")
    ] * request.n
    balanced = {share.model.split("/")[1] for share in getattr(request.load_balancer, "models", ())}
    assert set(scene.provider.names) <= (balanced or {(request.model or "s/a").split("/")[-1]})


@pytest.mark.parametrize(
    "capture", [capture for capture in CAPTURES if capture.case in REFUSED], ids=str
)
async def test_refused(capture: Capture) -> None:
    """What cannot be done is 400 in OpenAI's shape; it names the field, and nothing is ordered."""
    scene = Scene({}, models=KNOWN)
    async with scene.client() as http:
        answer = await capture.replay(http)
    assert answer.status_code == 400
    error = answer.json()["error"]
    param, sentence = REFUSED[capture.case]
    assert error["param"] == param
    assert error["message"].startswith(sentence)
    assert error.keys() >= {"type", "code"}
    assert scene.provider.calls == []


async def test_lenient_gateway() -> None:
    """A lenient gateway paints without the field that it does not know, and says so."""
    scene = Scene({}, models=KNOWN, lenient=True)
    capture = next(c for c in CAPTURES if c.case == "openai-python-edges/bool")
    async with scene.client() as http:
        answer = await capture.replay(http)
    assert (answer.status_code, answer.headers["x-pinxit-dropped"]) == (200, "flag")
    assert scene.request.prompt == ODD["prompt"]


RELIED = [c for c in ANSWERED if RELIABLE.items() <= (expected(c) or {}).items()]


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    "capture", [c for c in RELIED if "load_balancer" not in (expected(c) or {})], ids=str
)
async def test_retries_and_fallbacks_happen(capture: Capture) -> None:
    """In every encoding, `retry` repeats on its codes only, and the fallbacks follow in order."""
    request = meant(capture)
    first = (request.model or "").split("/")[1]
    busy: Step = RateLimited("busy", upstream_status=429)
    down: Step = ProviderUnavailable("down", upstream_status=503)
    scene = Scene({first: [busy] * 3, "dall-e-3": [down]}, models=KNOWN)
    async with scene.client() as http:
        answer = await capture.replay(http)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-pinxit-model"] == "stub/b"
    assert list(dict.fromkeys(scene.provider.names)) == [first, "dall-e-3", "b"]
    assert (scene.provider.names.count(first), scene.provider.names.count("dall-e-3")) == (3, 1)


def test_every_capture_has_its_expectation() -> None:
    """No capture is left out, and no expectation is without a capture."""
    cases = {capture.case for capture in CAPTURES}
    assert {capture.case for capture in ANSWERED if expected(capture) is None} == set()
    assert cases >= UNDERSTOOD.keys() | REFUSED.keys()
    assert all(any(case.startswith(start) for case in cases) for start in SAME)
    assert len(RELIED) == 14
