"""Azure OpenAI: two styles of addresses, two credentials, deployments by any name."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from asking import ask, planned, refused, sent, settings_of
from pinxit import (
    Config,
    ContentRejected,
    GenerateRequest,
    Image,
    PinxitError,
    Plugins,
    Router,
    UnknownModel,
)
from pinxit.testing import ProviderTests
from pinxit.testing.pictures import mask, picture
from pinxit_providers.azure import PLUGIN
from pinxit_providers.fakes.asgi import picture_base64
from pinxit_providers.fakes.azure import FakeAzure

KEY = "azure-this-key-is-nobodys-0123456789"
TOKEN = "entra-this-token-is-nobodys-0123456789"
RESOURCE = "https://zoo.openai.azure.com"
DATED = "2025-04-01-preview"
NEW, OLD = "azure/gpt-image-2.5-sunburst", "azure/gpt-image-1-mini"
DEPLOYMENTS = {"gpt-image-2.5-sunburst": "our-painter"}
REFUSAL = {
    "error": {
        "code": "contentFilter",
        "message": "The prompt was filtered.",
        "inner_error": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_results": {"violence": {"filtered": True}, "hate": {"filtered": False}},
        },
    }
}


def fake() -> FakeAzure:
    names = {"our-painter": "gpt-image-2.5-sunburst", "gpt-image-1-mini": "gpt-image-1-mini"}
    return FakeAzure(key=KEY, token=TOKEN, deployments=names)


class TestAzure(ProviderTests):
    """The newer style of addresses, with a key and a deployment of another name."""

    plugin = PLUGIN
    models = {NEW, OLD}
    asgi = fake()
    settings = {"api_key": KEY, "base_url": RESOURCE, "deployments": DEPLOYMENTS}
    rejection = (400, REFUSAL)
    most_pixels = 1024 * 1024


class TestAzureDeployments(ProviderTests):
    """The older style, with a token and a dated version."""

    plugin = PLUGIN
    models = {OLD}
    asgi = fake()
    settings = {"ad_token": TOKEN, "base_url": RESOURCE, "api_version": DATED}
    rejection = (400, REFUSAL)
    most_pixels = 1024 * 1024


def with_settings(**changes: Any) -> dict[str, Any]:
    return {"api_key": KEY, "base_url": RESOURCE, "deployments": DEPLOYMENTS} | changes


def good() -> httpx.Response:
    return httpx.Response(200, json={"data": [{"b64_json": picture_base64(64, 64)}]})


def url(base_url: str, version: str | None = None, model: str = NEW) -> str:
    """Return the address that a generation goes to."""
    settings = with_settings(base_url=base_url, api_version=version)
    trial = ask(TestAzure(), model, settings=settings, reply=good())
    return str(trial.witness.requests[0].url)


@pytest.mark.parametrize(
    ("base_url", "version", "expected"),
    [
        (RESOURCE, None, "/openai/v1/images/generations"),
        (f"{RESOURCE}/", None, "/openai/v1/images/generations"),
        (f"{RESOURCE}/openai", None, "/openai/v1/images/generations"),
        (f"{RESOURCE}/openai/v1/", None, "/openai/v1/images/generations"),
        (RESOURCE, "preview", "/openai/v1/images/generations?api-version=preview"),
        (f"{RESOURCE}/openai/v1", DATED, "/openai/v1/images/generations"),
        (
            RESOURCE,
            DATED,
            f"/openai/deployments/our-painter/images/generations?api-version={DATED}",
        ),
        (
            f"{RESOURCE}/openai",
            DATED,
            f"/openai/deployments/our-painter/images/generations?api-version={DATED}",
        ),
        (
            f"{RESOURCE}/openai/deployments/one",
            None,
            f"/openai/deployments/one/images/generations?api-version={DATED}",
        ),
        (
            f"{RESOURCE}/openai/deployments/one?api-version=2026-01-01",
            DATED,
            "/openai/deployments/one/images/generations?api-version=2026-01-01",
        ),
    ],
)
def test_addresses(base_url: str, version: str | None, expected: str) -> None:
    """Base URL and version say which style is meant; a resource alone is enough."""
    assert url(base_url, version) == f"{RESOURCE}{expected}"


def test_a_generation_in_full() -> None:
    """The model is the deployment's name, and what Azure lacks is not sent."""
    trial = ask(
        TestAzure(),
        NEW,
        prompt="a fox",
        n=2,
        size="1536x1024",
        quality="xhigh",
        background="opaque",
        output_format="jpeg",
        output_compression=80,
        user="caller-1",
    )
    assert sent(trial) == {
        "model": "our-painter",
        "prompt": "a fox",
        "n": 2,
        "size": "1536x1024",
        "quality": "xhigh",
        "background": "opaque",
        "output_format": "jpeg",
        "output_compression": 80,
        "user": "caller-1",
    }
    assert [image.info.size for image in trial.answer().data] == ["1536x1024"] * 2
    assert trial.answer().usage is not None


def test_a_key_and_a_token() -> None:
    """A key has a header of its own; a token is preferred where both are given."""
    headers = ask(TestAzure(), OLD).witness.requests[0].headers
    assert headers["api-key"] == KEY
    assert "authorization" not in headers
    both = with_settings(ad_token=TOKEN)
    headers = ask(TestAzure(), OLD, settings=both).witness.requests[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert "api-key" not in headers


def test_without_a_credential_azure_is_not_there() -> None:
    """An address alone makes it no candidate of `auto`; a key or a token does."""
    for given, blocked in [({}, True), ({"api_key": KEY}, False), ({"ad_token": TOKEN}, False)]:
        tables = {"providers": {"azure": {"base_url": RESOURCE, **given}}}
        router = Router(Config.parse(tables), plugins=Plugins(PLUGIN, discover=False))
        [candidate] = router.plan("a fox", model=NEW).candidates
        assert (candidate.blocked is not None) is blocked
        if not given:
            assert "no api_key or ad_token; set AZURE_OPENAI_API_KEY or" in str(candidate.blocked)
            continue
        assert candidate.preview is not None
        # A plan shows the header that would be sent, and not the one for the other credential.
        assert ("authorization" in candidate.preview.headers) is ("ad_token" in given)


def test_a_masked_edit_is_a_form() -> None:
    """Pictures and mask are uploaded, transparent where it shall be painted."""
    original, half = Image(picture("png", 64, 64)), Image(mask(64, 64))
    trial = ask(TestAzure(), NEW, "edit", prompt="a hat", images=[original], mask=half)
    (request,) = trial.witness.requests
    assert request.url.path == "/openai/v1/images/edits"
    for part in (b'name="image[]"', b'name="mask"', b"our-painter"):
        assert part in request.content
    assert len(trial.answer().data) == 1


def test_what_azure_lacks_is_made_by_the_router() -> None:
    """There is no webp: it is made from a PNG; a moderation is reported as not asked for."""
    asked = GenerateRequest(model=NEW, prompt="a fox", output_format="webp", moderation="low")
    found = {a.parameter: a.verdict for a in planned(PLUGIN, asked).adaptations}
    assert found == {"output_format": "emulated", "moderation": "dropped"}


@pytest.mark.parametrize("name", ["a/b", "..", "", 7, "x" * 65])
def test_a_deployment_leads_nowhere_else(name: object) -> None:
    """A name that would change the path is refused before anything is sent."""
    settings = with_settings(deployments={"gpt-image-1-mini": name}, api_version=DATED)
    trial = ask(TestAzure(), OLD, settings=settings)
    assert refused(trial) == ("UnknownModel", "unbilled", None)
    assert trial.witness.requests == []


def test_deployments_are_a_table() -> None:
    """A text in its place is told with the lines to write."""
    trial = ask(TestAzure(), OLD, settings=with_settings(deployments="our-painter"))
    assert refused(trial) == ("ProviderError", "not_sent", None)
    assert "[providers.azure.deployments]" in str(trial.failure())


@pytest.mark.parametrize(
    "code", ["contentFilter", "content_filter", "content_policy_violation", "moderation_blocked"]
)
def test_any_of_its_codes_is_a_refusal(code: str) -> None:
    """Documents of different years have different codes: each of them refuses."""
    reply = httpx.Response(400, json={"error": {"code": code, "message": "No."}})
    assert refused(ask(TestAzure(), OLD, reply=reply)) == ("ContentRejected", "unbilled", 400)


def test_the_filters_that_struck_are_told() -> None:
    """A refusal names what it objected to, and keeps the code and the words."""
    error = ask(TestAzure(), OLD, reply=httpx.Response(400, json=REFUSAL)).failure()
    assert isinstance(error, ContentRejected)
    assert (error.categories, error.code) == (("violence",), "contentFilter")
    assert str(error) == "The prompt was filtered."


def test_filters_beside_a_success_refuse_nothing() -> None:
    """Results of filters that let a picture pass are no refusal."""
    found = {"hate": {"filtered": False}}
    body = {
        "created": 1,
        "data": [{"b64_json": picture_base64(64, 64), "content_filter_results": found}],
        "prompt_filter_results": [found],
    }
    trial = ask(TestAzure(), OLD, reply=httpx.Response(200, json=body))
    assert len(trial.answer().data) == 1


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "unknown_parameter", "RequestError"),
        (401, "401", "AuthenticationFailed"),
        (403, "Forbidden", "AuthenticationFailed"),
        (404, "DeploymentNotFound", "UnknownModel"),
        (429, "429", "RateLimited"),
        (500, "InternalServerError", "ProviderUnavailable"),
    ],
)
def test_errors(status: int, code: str, expected: str) -> None:
    """Each status is the error that it stands for."""
    body = {"error": {"code": code, "message": "No."}}
    trial = ask(TestAzure(), OLD, reply=httpx.Response(status, json=body))
    assert refused(trial) == (expected, "unbilled", status)


def test_milliseconds_to_wait() -> None:
    """Azure's finer word for how long to wait is read."""
    headers = {"retry-after-ms": "1500", "retry-after": "2"}
    error = ask(TestAzure(), OLD, reply=httpx.Response(429, json={}, headers=headers)).failure()
    assert vars(error)["retry_after"] == 1.5


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("#refused", "ContentRejected"),
        ("#refused-result", "ContentRejected"),
        ("#rate-limited", "RateLimited"),
        ("#overloaded", "ProviderUnavailable"),
    ],
)
def test_the_stand_in_refuses(trigger: str, expected: str) -> None:
    """Each trouble of the stand-in is the error that it stands for."""
    assert refused(ask(TestAzure(), OLD, prompt=f"a fox {trigger}"))[0] == expected


def test_settings_from_the_environment() -> None:
    """All that OpenAI's own client reads is read; one credential is enough."""
    settings = settings_of(
        PLUGIN,
        "azure",
        AZURE_OPENAI_API_KEY=KEY,
        AZURE_OPENAI_AD_TOKEN=TOKEN,
        AZURE_OPENAI_ENDPOINT=RESOURCE,
        OPENAI_API_VERSION=DATED,
    )
    assert dict(settings) == {
        "api_key": KEY,
        "ad_token": TOKEN,
        "base_url": RESOURCE,
        "api_version": DATED,
    }
    declared = {setting.name: setting for setting in PLUGIN.register_settings()}
    required = [name for name, setting in declared.items() if setting.required]
    assert required == ["api_key", "base_url"]
    assert declared["api_key"].alternative == "ad_token"
    assert [name for name, setting in declared.items() if setting.secret] == ["api_key", "ad_token"]


@pytest.mark.parametrize("name", ["gpt-image-1", "dall-e-3", "dall-e-2"])
def test_retired_models_go_on(name: str) -> None:
    """Who asks for a retired model is served by its successor."""
    asked = GenerateRequest(model=f"azure/{name}", prompt="a fox", quality="hd")
    candidate = planned(PLUGIN, asked)
    assert candidate.model.id == NEW
    assert candidate.request.quality == "high"


def test_prices_and_heirs_are_openais() -> None:
    """Text that comes out of 1.5 has a rate of its own; the small model is followed by a fast one."""
    registry = Plugins(PLUGIN, discover=False).registry
    older, small = registry.get("azure/gpt-image-1.5"), registry.get("azure/gpt-image-1-mini")
    assert older.tokens is not None
    assert older.tokens.text_out == 10
    assert small.tokens is not None
    assert small.tokens.text_out is None
    assert small.lifecycle.successor is not None
    assert small.lifecycle.successor.model == "azure/gpt-image-2.5-flare"


def test_names_of_openai_stay_theirs() -> None:
    """A name without `azure/` never ends up on this account."""
    with pytest.raises(UnknownModel):
        Plugins(PLUGIN, discover=False).registry.get("gpt-image-2")


def test_a_deployment_can_be_asked_for_by_its_own_name() -> None:
    """Any other name is taken for a deployment, and called undeclared."""
    candidate = planned(PLUGIN, GenerateRequest(model="azure/our-painter", prompt="a fox"))
    assert any("undeclared" in note for note in candidate.notes)
    trial = ask(TestAzure(), "azure/our-painter", prompt="a fox")
    assert sent(trial)["model"] == "our-painter"


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a b"])
def test_a_name_of_a_caller_leads_nowhere_else(path: str) -> None:
    """What a caller names cannot change the address that the key goes to."""
    with pytest.raises(PinxitError):
        ask(
            TestAzure(), f"azure/{path}", settings=with_settings(api_version=DATED), reply=good()
        ).answer()


@pytest.mark.parametrize(
    ("path", "headers", "fields", "status"),
    [
        ("/openai/v1/images/generations", {}, {}, 401),
        ("/openai/v1/images/generations", {"api-key": "wrong"}, {}, 401),
        ("/openai/v1/images/generations?api-version=2024-02-01", {"api-key": KEY}, {}, 400),
        ("/openai/v1/images/generations", {"api-key": KEY}, {"output_format": "webp"}, 400),
        ("/openai/v1/images/generations", {"api-key": KEY}, {"moderation": "low"}, 400),
        ("/openai/v1/images/generations", {"api-key": KEY}, {"model": "gpt-image-2"}, 404),
        ("/openai/deployments/our-painter/images/generations", {"api-key": KEY}, {}, 404),
        (
            f"/openai/deployments/x/images/generations?api-version={DATED}",
            {"api-key": KEY},
            {},
            404,
        ),
    ],
)
async def test_the_stand_in_has_teeth(
    path: str, headers: dict[str, str], fields: dict[str, Any], status: int
) -> None:
    """What Azure does not take, its stand-in does not take either."""
    body = {"model": "our-painter", "prompt": "a fox", **fields}
    if status == 401:
        headers = headers or {"authorization": "Bearer wrong"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(fake()), base_url=RESOURCE) as http:
        found = await http.post(path, json=body, headers=headers)
    assert (found.status_code, "code" in found.json()["error"]) == (status, True)
