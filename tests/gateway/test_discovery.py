"""What there is: models, capabilities, plans."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from gateway.scene import Scene
from pinxit import Model, Route
from pinxit.gateway.openapi import document
from pinxit.gateway.reference import page
from pinxit.gateway.wire import STRUCTURES, to_request
from pinxit.testing.pictures import picture
from pinxit.types import EditRequest, GenerateRequest, VariationRequest


async def test_the_list_has_every_name(http: httpx.AsyncClient, scene: Scene) -> None:
    """Ids, aliases, bare names and routes, each once, in OpenAI's shape."""
    scene.router.routes["hero"] = Route(models=("s/a",))
    body = (await http.get("/v1/models")).json()
    assert body["object"] == "list"
    ids = [entry["id"] for entry in body["data"]]
    assert len(ids) == len(set(ids))
    assert {"s/a", "s/b", "s/old", "a", "b", "old", "a-2026-01-01", "hero"} <= set(ids)
    first = body["data"][0]
    assert first == {"id": "s/a", "object": "model", "created": 1767312000, "owned_by": "s"}
    assert (await http.get("/v1/models/hero")).json()["owned_by"] == "pinxit"


async def test_unknown_models_are_404(http: httpx.AsyncClient) -> None:
    """With what comes near."""
    answer = await http.get("/v1/models/s/aa")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    assert "did you mean" in answer.json()["error"]["message"]


async def test_capabilities_are_data(http: httpx.AsyncClient) -> None:
    """Limits of every operation, lifecycle and status, as the registry has them."""
    data = (await http.get("/v2/router/images/models")).json()["data"]
    by_id = {entry["id"]: entry for entry in data}
    assert by_id["s/a"]["operations"]["edit"]["images"]["max"] == 16
    assert by_id["s/old"]["status"] == "retired"
    assert by_id["s/old"]["lifecycle"]["successor"]["model"] == "s/a"
    assert by_id["s/a"]["configured"] is True
    assert (await http.get("/v1/images/models/s/old")).json() == by_id["s/old"]
    fields = {name: by_id["s/a"][name] for name in by_id["s/a"] if name in Model.model_fields}
    assert Model.model_validate(fields).id == "s/a"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("status=retired", ["s/old"]), ("provider=x", []), ("operation=edit&status=live", ["s/a", "s/b"]),
        ("operation=fly", []), ("", ["s/a", "s/b", "s/old"]),
    ],
)  # fmt: skip
async def test_capabilities_can_be_filtered(
    http: httpx.AsyncClient, query: str, ids: list[str]
) -> None:
    """By operation, provider and status."""
    data = (await http.get(f"/v1/images/models?{query}")).json()["data"]
    assert [entry["id"] for entry in data] == ids


@pytest.mark.parametrize(
    "query", ["color=red", "x" * 5000, "%ff=1", "&".join(["status=live"] * 50)]
)
async def test_odd_filters_are_refused(http: httpx.AsyncClient, query: str) -> None:
    """A filter that is none would give an answer to another question."""
    assert (await http.get(f"/v1/images/models?{query}")).status_code == 400


@pytest.mark.parametrize(
    ("fields", "operation"),
    [
        ({"prompt": "p"}, "generate"),
        ({"prompt": "p", "operation": "generate"}, "generate"),
        ({"prompt": "p", "image": "https://example.com/a.png"}, "edit"),
        ({"image": "https://example.com/a.png"}, "variation"),
    ],
)
async def test_a_plan_sends_nothing(
    http: httpx.AsyncClient, scene: Scene, fields: dict[str, Any], operation: str
) -> None:
    """It says who would paint, and the operation follows from the fields."""
    answer = await http.post(
        "/v1/images/plan", json={**fields, "model": "s/old", "fallbacks": ["s/b"]}
    )
    body = answer.json()
    assert (answer.status_code, body["object"], body["operation"]) == (200, "plan", operation)
    assert [candidate["model"] for candidate in body["candidates"]] == ["s/a", "s/b"]
    assert body["candidates"][0]["adaptations"][0]["parameter"] == "model"
    assert scene.provider.calls == []


async def test_a_plan_takes_forms(http: httpx.AsyncClient) -> None:
    """The body of an edit can be planned as it is."""
    answer = await http.post("/v1/images/plan", data={"prompt": "p"}, files={"image": picture()})
    assert answer.json()["operation"] == "edit"


async def test_a_plan_that_would_fail_says_why(http: httpx.AsyncClient) -> None:
    """A request that no model can serve has a plan too: the reasons."""
    body = (
        await http.post("/v1/images/plan", json={"prompt": "p", "background": "transparent"})
    ).json()
    assert body["candidates"] == []
    assert "s/a" in body["rejected"]
    assert body["error"]


@pytest.mark.parametrize(
    "fields",
    [{"operation": "fly"}, {"operation": 5}, {"prompt": ""}, {"prompt": "p", "model": "x/y"}],
)
async def test_plans_of_broken_requests_are_refused(
    http: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    """As the request itself would be."""
    assert (await http.post("/v1/images/plan", json=fields)).status_code in {400, 404}


# The description of the API -----------------------------------------------------------------------------


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"][name]
    return found


@pytest.mark.parametrize("cls", [GenerateRequest, EditRequest, VariationRequest])
def test_the_document_names_every_field(cls: type[Any]) -> None:
    """A field that is taken is described, and what is described is taken."""
    described = set(schema(cls.__name__)["properties"])
    assert set(cls.model_fields) <= described
    assert described - set(cls.model_fields) <= {"image", "orq", "thread"}


def test_the_document_is_whole() -> None:
    """Every reference leads somewhere."""
    names = set(re.findall(r'"\$ref": ?"#/components/schemas/(\w+)"', json.dumps(document())))
    assert names
    assert names <= set(document()["components"]["schemas"])


SAMPLES: dict[str, list[Any]] = {
    "fallbacks": [["s/b"], [{"model": "s/b", "parameters": {"n": 1}}]],
    "timeout": [{"call_timeout": 5}, 3.5],
    "orq": [{"retry": {"count": 1}}],
    "thread": [{"id": "t"}],
    "extra": [{"s": {"a": 1}}],
    "identity": [{"id": "x"}],
}


@pytest.mark.parametrize("name", SAMPLES)
def test_what_the_document_allows_is_taken(name: str) -> None:
    """The shapes that the types do not show by themselves."""
    for value in SAMPLES[name]:
        assert to_request("generate", {"prompt": "p", name: value})
    assert name in schema("GenerateRequest")["properties"]


def test_structures_are_described_as_such() -> None:
    """What may come as JSON in a form is no plain text in the document."""
    for name, field in schema("GenerateRequest")["properties"].items():
        kinds = [kind.get("type") for kind in field.get("anyOf", [field])]
        if "string" not in kinds and ({"array", "object"} & set(kinds)):
            assert name in STRUCTURES


def test_the_answer_is_described() -> None:
    """With the signature, and without what only Python has."""
    answer = schema("ImagesResponse")
    assert {"created", "data", "usage", "size", "pinxit"} <= set(answer["properties"])
    assert not {"report", "cost"} & set(answer["properties"])


async def test_the_pages_are_public_and_load_nothing(scene: Scene) -> None:
    """A page that describes the API needs no key, no script and no other server."""
    async with Scene(keys={"a": f"sha256:{'0' * 64}"}).client() as http:
        api = await http.get("/openapi.json")
        docs = await http.get("/docs")
    assert api.json()["openapi"] == "3.1.0"
    assert docs.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in docs.headers["content-security-policy"]
    assert "<script" not in page()
    assert "src=" not in page()
    assert "http:" not in page()
    assert all(name in page() for name in GenerateRequest.model_fields)
