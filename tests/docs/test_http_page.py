"""docs/http-api.md against `pinxit.gateway`."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette

import pinxit
from gateway.scene import Scene
from pages import blocks, page, rows
from pinxit import Capability, Config, Model
from pinxit.assets import AssetSettings
from pinxit.gateway import Gateway
from pinxit.gateway.paths import PREFIXES
from pinxit.gateway.settings import GatewaySettings, read_settings
from pinxit.gateway.wire import IN_ORQ, to_request
from pinxit.options import Cache, Fallback, Hedge, Identity, LoadBalancer, Retry, Share
from pinxit.testing.pictures import mask, picture
from pinxit.types import EditRequest, GenerateRequest, Svg, VariationRequest
from scripted import Scripted

PAGE = "http-api.md"
ILLUSTRATOR = "illustrator/scene-1"
SHORT = "iVBORw0KGgo="
PICTURE = picture("png", 64, 64)
MASK = f"data:image/png;base64,{base64.b64encode(mask(64, 64)).decode()}"
FIELDS = {*GenerateRequest.model_fields, *EditRequest.model_fields, *VariationRequest.model_fields}


def named(*sections: str) -> set[str]:
    """Return the names in the first column of the tables of sections."""
    cells = [row[0] for section in sections for row in rows(PAGE, section)]
    return set(re.findall(r"`(\w+)`", " ".join(cells)))


def json_of(section: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        next(b.text for b in blocks("json", PAGE) if b.section == section)
    )
    return found


def test_every_field_has_its_row() -> None:
    """The tables name what requests take, and nothing else."""
    said = named("### What to paint", "### How to route it", "### Who asks")
    assert said - {"image", "thread"} == FIELDS


def test_every_setting_is_shown_with_its_default() -> None:
    """The table of settings is the one that is read."""
    gateway, assets = (
        tomllib.loads(b.text) for b in blocks("toml", PAGE) if b.section == "Settings"
    )
    shown = read_settings(Config.parse(gateway))
    assert shown == GatewaySettings()
    optional = {"keys", "public_url"}
    assert set(gateway["gateway"]) == set(GatewaySettings.model_fields) - optional
    assert all(f"{name} = " in page(PAGE) for name in ("public_url",))
    settings = AssetSettings.model_validate(assets["assets"])
    default = AssetSettings()
    assert (settings.ttl, settings.max_age, settings.max_bytes) == (
        default.ttl,
        default.max_age,
        default.max_bytes,
    )
    assert all(f"`{name}`" in page(PAGE) for name in ("url", "options", "public_endpoint"))


def test_the_key_of_the_page_is_taken() -> None:
    """The entry has the form that `pinxit keys new` writes."""
    text = next(b.text for b in blocks("toml", PAGE) if b.section == "Keys")
    assert list(read_settings(Config.parse(tomllib.loads(text))).keys) == ["web-shop"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_are_named(prefix: str) -> None:
    """Where else the API lives stands under the table of paths."""
    assert f"`{prefix}`" in page(PAGE) or not prefix


def test_requests_of_the_page_are_requests() -> None:
    """Examples pass the same checks as everybody's requests."""
    generate = to_request("generate", json_of("Requests")).request
    assert generate.timeout == 90
    assert generate.fallbacks is not None
    assert [f.model for f in generate.fallbacks] == ["openai/gpt-image-1.5", "illustrator/scene-1"]
    assert isinstance(to_request("edit", json_of("Pictures")).request, EditRequest)


def examples() -> list[dict[str, Any]]:
    """Return the bodies of the requests that the page shows, with whole pictures in place of short ones."""
    sections = ("Requests", "What to paint", "How to route it", "Who asks", "Pictures", "Plans")
    texts = [b.text for b in blocks("json", PAGE) if b.section in sections]
    texts = [text.replace(SHORT, base64.b64encode(PICTURE).decode()) for text in texts]
    return [json.loads(text.replace("https://example.com/mask.png", MASK)) for text in texts]


def keys(value: object) -> set[str]:
    """Return the names of all fields, however deep."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {*fields, *(name for inner in fields.values() for name in keys(inner))}
    if isinstance(value, list):
        return {name for inner in cast("list[object]", value) for name in keys(inner)}
    return set()


def test_every_field_has_an_example() -> None:
    """Those of the requests, those of the objects within them, and those with names of their own."""
    shown = set[str]().union(*map(keys, examples()))
    within = (Cache, Fallback, Hedge, Identity, LoadBalancer, Retry, Share, Svg)
    inner = {name for cls in within for name in cls.model_fields}
    assert FIELDS | inner | {"call_timeout", "image", "orq", "thread"} <= shown
    within_orq = next(body["orq"] for body in examples() if "orq" in body)
    assert set(within_orq) <= IN_ORQ


@pytest.mark.parametrize("place", range(len(examples())))
async def test_examples_do_what_they_say(place: int) -> None:
    """Models of the package can do each; the illustrator, who is here, does what it is asked."""
    body = examples()[place]
    acme = Capability(output_formats=("png", "gif", "svg"), frames=(2, 16), svg=True)
    plugins = pinxit.Plugins(Scripted([Model(id="acme/painter", operations={"generate": acme})]))
    # Nothing is sent to it: plans only.
    configured = {"openai": {"api_key": "sk-test"}}
    table = {"assets": {"folder": "pictures"}, "providers": configured}
    if body.get("model") == "hero":
        body["model"] = ILLUSTRATOR
    async with pinxit.Router(Config.parse(table), plugins=plugins) as router:
        transport = httpx.ASGITransport(Gateway(router))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            plan = (await http.post("/v1/images/plan", json=body)).json()
            assert plan.get("candidates"), plan
            assert plan["error"] is None
            if body.get("model") == ILLUSTRATOR:
                answer = await http.post("/v1/images/generations", json=body)
                assert answer.status_code == 200, answer.text
                assert "x-pinxit-model" in answer.headers or body["stream"]


def test_every_code_of_ours_has_its_row() -> None:
    """What programs may have to tell apart; the last model's code speaks for all of them."""
    core = Path(pinxit.__file__).parent
    files = [path for path in core.rglob("*.py") if "testing" not in path.parts]
    source = "\n".join(path.read_text("utf-8") for path in files)
    ours = set(re.findall(r'\bcode(?:: str)? ?= ?"(\w+)"', source))
    ours |= set(re.findall(r'_refuse\(.*, "(\w+)"\)', source))
    said = set(re.findall(r"`(\w+)`", " ".join(row[1] for row in rows(PAGE, "## Errors"))))
    assert ours - {"all_models_failed", "configuration_error"} <= said
    assert {code for code in said if f'"{code}"' not in source} == set()


async def test_paths_of_the_page_are_there() -> None:
    """Each answers to its method, and not with 404."""
    async with Scene().client() as http:
        for method, paths, _ in rows(PAGE, "## Paths"):
            for path in re.findall(r"`(/[^`]+)`", paths):
                if "..." in path:
                    continue
                answer = await http.request(method, path.replace("ID", "s/a"), json={"prompt": "p"})
                assert answer.status_code in ({200} if method == "GET" else {200, 400}), path


async def test_the_answer_of_the_page_has_the_fields_of_answers() -> None:
    """What the example shows is what comes, and the headers are those of the table."""
    async with Scene().client() as http:
        body = {"prompt": "p", "style": "vivid", "cache": {"ttl": 5}}
        answer = await http.post("/v1/images/generations", json=body)
    example = json_of("Answers")
    assert set(answer.json()) <= set(example)
    assert set(example["pinxit"]) - set(answer.json()["pinxit"]) <= {"cost"}
    headers = {re.sub("`", "", row[0]) for row in rows(PAGE, "## Answers")}
    ours = {name for name in answer.headers if name.startswith("x-")}
    assert ours <= headers
    assert headers - ours <= {"x-pinxit-cost"}


async def test_the_error_of_the_page_is_what_comes() -> None:
    """Word for word."""
    async with Scene().client() as http:
        answer = await http.post("/v1/images/generations", json={"prompt": "p", "n": 11})
    assert answer.json() == json_of("Errors")


async def test_the_plan_of_the_page_is_a_plan() -> None:
    """The body is accepted, for a model that is there."""
    async with Scene().client() as http:
        body = {**json_of("Plans"), "model": "s/old"}
        assert (await http.post("/v1/images/plan", json=body)).json()["operation"] == "generate"


@pytest.mark.parametrize("place", [0, 1])
async def test_the_gateway_can_be_embedded_as_shown(place: int) -> None:
    """Both programs make an application whose gateway answers while it lives."""
    app = [b for b in blocks("python", PAGE) if b.section == "Embedding"][place].run()["app"]
    assert isinstance(app, Starlette)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http,
    ):
        assert (await http.get("/pictures/models")).status_code == 200
