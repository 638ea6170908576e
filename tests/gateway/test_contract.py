"""Whatever an OpenAPI document allows or forbids, the gateway answers as the document says it does."""

# Schemathesis leaves its generics open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import httpx
import pytest
from schemathesis import Case, GenerationMode

from gateway.contract import Contract, ours, theirs
from gateway.scene import ALL, MODELS
from pinxit import Lifecycle, Model, Price, Succession
from pinxit.gateway.openapi import STATUSES, document

GENERATIONS, EDITS = "/images/generations", "/images/edits"
VARIATIONS, PLAN = "/images/variations", "/images/plan"
JSON, FORM = "application/json", "multipart/form-data"

PRICE = Price(usd="0.04", as_of=date(2026, 1, 1))  # type: ignore[arg-type]  # read from text
OPENAI = [
    Model(id=f"s/{name}", operations=ALL, prices=(PRICE,))
    for name in ("dall-e-2", "gpt-image-1.5", "gpt-image-2", "gpt-image-2-2026-04-21")
] + [
    Model(
        id=f"s/{name}",
        operations=ALL,
        lifecycle=Lifecycle(retired=date(2026, 5, 12), successor=Succession(model="s/gpt-image-2")),
    )
    for name in ("dall-e-3", "gpt-image-1", "gpt-image-1-mini", "chatgpt-image-latest")
]

BEYOND_SCHEMAS = re.compile(
    "|".join(
        [
            r"^aspect_ratio .* contradicts size",
            r"^metadata: .* at most 64 items",
        ]
    )
)
"""Reasons to refuse a request that no schema can tell."""
BEYOND_CODES = {"unsupported_request", "model_not_found", "budget_exceeded", "invalid_image"}


@pytest.fixture(scope="module")
def own() -> Contract:
    """Our own document."""
    return Contract(ours(), MODELS)


@pytest.fixture(scope="module")
def openai() -> Contract:
    """OpenAI's document, over models that bear OpenAI's names."""
    return Contract(theirs(), [*MODELS, *OPENAI], prefix="/v1")


def is_taken(case: Case[Any], response: httpx.Response) -> None:
    """A request that keeps to our document is refused only for what it could not know."""
    if response.status_code == 200:
        return
    error = response.json()["error"]
    # What a fallback changes must fit the whole request: its operation, its other fields.
    of_fallback = (error["param"] or "").startswith("fallbacks.")
    known = error["code"] in BEYOND_CODES or BEYOND_SCHEMAS.search(error["message"])
    assert known or of_fallback, f"{error} to {case.body!r} {dict(case.headers or {})}"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        (GENERATIONS, JSON), (GENERATIONS, FORM), (EDITS, JSON), (EDITS, FORM), (VARIATIONS, JSON),
        (VARIATIONS, FORM), (PLAN, JSON),
    ],
)  # fmt: skip
def test_valid_requests(own: Contract, path: str, media_type: str) -> None:
    """What our document allows is taken, and the answer is one that it describes."""
    own.check(f"/v1{path}", "POST", media_type, is_taken)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        (GENERATIONS, JSON), (GENERATIONS, FORM), (EDITS, JSON), (EDITS, FORM), (VARIATIONS, JSON),
        (VARIATIONS, FORM), (PLAN, JSON),
    ],
)  # fmt: skip
def test_broken_requests(own: Contract, path: str, media_type: str) -> None:
    """What our document forbids is answered as it describes, and never by a bug."""
    own.check(f"/v1{path}", "POST", media_type, mode=GenerationMode.NEGATIVE)


@pytest.mark.parametrize(
    "path",
    ["/v1/models", "/v1/models/{id}", "/v1/images/models", "/v1/images/models/{id}", "/health"],
)
def test_discovery(own: Contract, path: str) -> None:
    """What there is looks as the document says, and so does what there is not."""
    own.check(path, "GET", None)


def is_openais(case: Case[Any], response: httpx.Response) -> None:
    """A valid request of OpenAI's is served; else the caller is told what to change."""
    if response.status_code != 200:
        error = response.json()["error"]
        assert error["code"] in BEYOND_CODES | {"invalid_request"}, error
        assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [(GENERATIONS, JSON), (EDITS, JSON), (EDITS, FORM), (VARIATIONS, FORM)],
)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_openais_requests(
    openai: Contract, path: str, media_type: str, mode: GenerationMode
) -> None:
    """Requests as OpenAI describes them, and broken ones, get answers as OpenAI describes them."""
    is_valid = mode is GenerationMode.POSITIVE
    openai.check(path, "POST", media_type, is_openais if is_valid else None, mode)


# The document ---------------------------------------------------------------------------------------


def test_every_status_is_declared() -> None:
    """Each operation names the statuses that it can answer with, and no ``default`` hides another."""
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            statuses = set(operation["responses"])
            assert "default" not in statuses
            assert statuses <= {"200", *map(str, STATUSES)}, path
            assert {"200", "400", "500", "503"} <= statuses, path


def test_errors_have_no_other_status() -> None:
    """What the errors can be is what the document says they are."""
    import pinxit.errors
    from pinxit.errors import PinxitError

    classes = [cls for cls in vars(pinxit.errors).values() if isinstance(cls, type)]
    raised = {cls.status for cls in classes if issubclass(cls, PinxitError)}
    assert raised <= set(STATUSES)


def test_references_lead_somewhere() -> None:
    """Also those into the middle of a component."""
    api: Any = document()
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(api)):
        found = api
        for step in reference.split("/"):
            found = found[step]
        assert isinstance(found, dict)
