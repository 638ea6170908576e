"""Plans: what would be done, and why, before anything is sent."""

from __future__ import annotations

import json

import httpx
import pytest

import pinxit
from pinxit import Capability, FixedSizes, InputImages, Plugins, Router, hookimpl
from scripted import model, picture, stage


class Acme:
    """A provider over HTTP with a secret."""

    @hookimpl
    def register_settings(self) -> list[pinxit.Setting]:
        return [pinxit.Setting(name="api_key", env=("ACME_KEY",), required=True, secret=True)]

    @hookimpl
    def register_models(self) -> list[pinxit.Model]:
        cap = Capability(sizes=FixedSizes(values=("1024x1024",)), qualities=("low", "high"))
        edit = Capability(images=InputImages(max=2))
        price = pinxit.Price.model_validate({"usd": "0.04", "as_of": "2026-01-01"})
        return [
            pinxit.Model(
                id="acme/brush", operations={"generate": cap, "edit": edit}, prices=(price,)
            )
        ]

    @hookimpl
    async def generate(self) -> pinxit.ImagesResponse:
        raise AssertionError("a plan sends nothing")

    edit = generate

    @hookimpl
    def preview(
        self, request: pinxit.GenerateRequest | pinxit.EditRequest, context: pinxit.Context
    ) -> httpx.Request:
        headers = {"authorization": f"Bearer {context.settings['api_key']}"}
        url = "https://acme.example/v1/paint"
        if isinstance(request, pinxit.EditRequest):
            return context.http.build_request(
                "POST",
                url,
                headers=headers,
                data={"prompt": request.prompt},
                files=[("image", ("image.png", image.data)) for image in request.images],
            )
        return context.http.build_request(
            "POST",
            url,
            headers=headers,
            json={"prompt": request.prompt, "quality": request.quality},
        )


def acme(key: str | None = "sk-very-secret") -> Router:
    settings = {"acme": {"api_key": key}} if key else {}
    return Router(pinxit.Config(), plugins=Plugins(Acme(), discover=False), settings=settings)


def test_a_plan_shows_the_upstream_call_without_its_secret() -> None:
    """Method, URL and body are the real ones; the key is not among them."""
    plan = acme().plan("a fox", model="acme/brush", quality="hd")
    preview = plan.candidates[0].preview
    assert preview is not None
    assert (preview.method, preview.url) == ("POST", "https://acme.example/v1/paint")
    assert preview.body == {"prompt": "a fox", "quality": "high"}
    assert "[redacted]" in preview.headers["authorization"]
    assert "sk-very-secret" not in str(plan) + json.dumps(plan.to_dict())


def test_a_plan_needs_no_key_and_says_so() -> None:
    """Without a key the candidate is there, with the way to give one."""
    candidate = acme(None).plan("a fox", model="acme/brush").candidates[0]
    assert candidate.blocked is not None
    assert "ACME_KEY" in candidate.blocked
    assert candidate.preview is not None


def test_a_multipart_body_is_shown_by_its_fields() -> None:
    """Pictures become their size."""
    image = pinxit.Image(picture())
    plan = acme().plan(
        pinxit.EditRequest(prompt="a hat", images=(image, image), model="acme/brush")
    )
    preview = plan.candidates[0].preview
    assert preview is not None
    size = len(picture())
    assert preview.body == {"prompt": "a hat", "image": f"<{size} bytes>, <{size} bytes>"}


def test_a_long_text_is_abbreviated() -> None:
    """A data URL of megabytes does not fill the terminal."""
    plan = acme().plan("x" * 5000, model="acme/brush")
    preview = plan.candidates[0].preview
    assert preview is not None
    assert preview.body["prompt"].endswith("(5000 characters)")


def test_a_broken_preview_is_a_note() -> None:
    """A bug in a plugin's preview does not spoil the plan."""

    class Broken(Acme):
        @hookimpl
        def preview(self) -> httpx.Request:  # type: ignore[override]  # a hook takes what it needs
            raise KeyError("oops")

    router = Router(pinxit.Config(), plugins=Plugins(Broken(), discover=False))
    [candidate] = router.plan("x", model="acme/brush").candidates
    assert any("no preview: KeyError" in note for note in candidate.notes)


def test_rejected_candidates_have_every_reason() -> None:
    """All that stands against a model is listed, and the others remain."""
    caps = Capability(max_prompt=3)
    router, _ = stage(models=[model("s/a", caps), model("s/b")])
    plan = router.plan("a long prompt", model="s/a", fallbacks=["s/b"], seed=None, size="64x64")
    assert [c.model.id for c in plan.candidates] == ["s/b"]
    prompt, size = plan.rejected["s/a"]
    assert "prompt has 13 characters" in prompt
    assert "size" in size


def test_a_plan_without_candidates_carries_the_error() -> None:
    """`plan` tells what running it would raise."""
    router, _ = stage(models=[model("s/a", Capability())])
    plan = router.plan("x", model="s/a", seed=3)
    assert isinstance(plan.refusal, pinxit.UnsupportedRequest)
    assert "would fail" in str(plan)


def test_an_undeclared_model_says_so() -> None:
    """A name that nobody described is called, and the plan says what is assumed and what may be meant."""
    wild = pinxit.Model(id="acme/*", operations={"generate": pinxit.Capability()}, declared=False)

    class Open(Acme):
        @hookimpl
        def register_models(self) -> list[pinxit.Model]:
            return [*super().register_models(), wild]

    router = Router(pinxit.Config(), plugins=Plugins(Open(), discover=False))
    [candidate] = router.plan("a fox", model="acme/brushes").candidates
    assert candidate.model.id == "acme/brushes"
    [note] = candidate.notes
    assert note == (
        "acme/brushes is undeclared: its limits are the widest of its family; "
        "did you mean acme/brush?"
    )


def test_plans_are_deterministic() -> None:
    """The same request gives the same plan."""
    router = acme()
    plans = [router.plan("a fox", model="acme/brush", n=3).to_dict() for _ in range(3)]
    assert plans[0] == plans[1] == plans[2]


def test_estimates_cover_all_calls() -> None:
    """Three pictures from a one-picture model cost three times the price."""
    [candidate] = acme().plan("a fox", model="acme/brush", n=3).candidates
    assert candidate.calls == (1, 1, 1)
    assert float(candidate.estimate or 0) == pytest.approx(0.12)


def test_a_plan_reads_like_a_plan() -> None:
    """Every change has its verdict and reason on a line."""
    text = str(acme().plan("a fox", model="acme/brush", n=3, quality="hd", style="vivid"))
    assert "1.  acme/brush: about $0.12, 3 calls" in text
    assert "style: vivid -> nothing (dropped" in text
    assert "sends     POST https://acme.example/v1/paint" in text


def test_a_plan_of_shared_load_is_the_same_every_time() -> None:
    """Nothing is drawn for it: the heaviest comes first, then the others, then the fallbacks."""
    router, _ = stage()
    shares = [{"model": "s/a", "weight": 0.2}, {"model": "s/c", "weight": 0.5}]
    plans = [
        router.plan("x", load_balancer={"models": shares}, fallbacks=["s/b"]) for _ in range(20)
    ]
    assert {tuple(c.model.name for c in plan.candidates) for plan in plans} == {("c", "a", "b")}
