"""From names to models: ids, aliases, routes, needs, successors."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

import pinxit
from pinxit import (
    Capability,
    Lifecycle,
    Mask,
    Route,
    Seed,
    Setting,
    Succession,
    UnknownModel,
    hookimpl,
)
from pinxit.resolution import NEEDS
from scripted import model, stage


def ids(router: pinxit.Router, **fields: object) -> list[str]:
    request = pinxit.GenerateRequest.model_validate({"prompt": "x", **fields})
    return [candidate.model.id for candidate in router.plan(request).candidates]


def test_ids_aliases_and_bare_names_lead_to_the_same_model() -> None:
    """provider/name, a snapshot and the bare name are one model."""
    router, _ = stage(models=[model("s/a", aliases=("a-2026-01-01",))])
    assert (
        ids(router, model="s/a")
        == ids(router, model="a-2026-01-01")
        == ids(router, model="a")
        == ["s/a"]
    )


def test_an_ambiguous_name_names_the_choices() -> None:
    """Two providers with the same bare name must be told apart."""
    router, _ = stage(models=[model("s/a"), model("t/a")])
    with pytest.raises(UnknownModel, match="could be any of s/a, t/a"):
        ids(router, model="a")


def test_an_unknown_name_names_what_comes_near() -> None:
    """A typo gets a suggestion."""
    router, _ = stage(models=[model("s/watercolour")])
    with pytest.raises(UnknownModel, match="did you mean s/watercolour"):
        ids(router, model="s/watercolor")


def test_a_route_stands_for_its_models_and_options() -> None:
    """The first model is asked, the others are fallbacks; options hold."""
    router, _ = stage(routes={"hero": Route(models=("s/b", "s/a"), timeout=7)})
    plan = router.plan("x", model="hero")
    assert [c.model.id for c in plan.candidates] == ["s/b", "s/a"]
    assert plan.route == "hero"
    assert plan.candidates[0].timeout == 7


def test_the_request_wins_over_the_route_and_that_over_the_configuration() -> None:
    """Options are taken from the strongest source that says anything."""
    config = pinxit.Config.parse({"defaults": {"timeout": 1, "deadline": 2, "fidelity": "strict"}})
    router, _ = stage(config=config, routes={"r": Route(models=("s/a",), timeout=3, deadline=4)})
    options = router.plan("x", model="r", timeout=5).options
    assert (options.timeout, options.deadline, options.fidelity) == (5, 4, "strict")


def test_the_default_model_serves_requests_that_name_none() -> None:
    """The configuration says which."""
    router, _ = stage(config=pinxit.Config.parse({"defaults": {"model": "s/b"}}))
    assert ids(router) == ["s/b"]


def test_a_fallback_may_be_a_route() -> None:
    """Its models are appended, and none is tried twice."""
    router, _ = stage(routes={"spare": Route(models=("s/a", "s/c"))})
    assert ids(router, model="s/a", fallbacks=["spare", "s/b", "s/c"]) == ["s/a", "s/c", "s/b"]


def test_an_unknown_fallback_is_named_by_its_place() -> None:
    """The error's param says which of the fallbacks is wrong."""
    router, _ = stage()
    with pytest.raises(UnknownModel) as caught:
        ids(router, model="s/a", fallbacks=["s/b", "s/x"])
    assert caught.value.param == "fallbacks[1].model"


def test_a_fallbacks_own_parameters_are_checked() -> None:
    """The error names the fallback and the field."""
    router, _ = stage()
    with pytest.raises(pinxit.RequestError) as caught:
        ids(router, model="s/a", fallbacks=[{"model": "s/b", "parameters": {"n": 99}}])
    assert caught.value.param == "fallbacks.s/b.n"


def test_a_load_balancer_replaces_the_model() -> None:
    """The top-level model is ignored, even if nobody knows it."""
    router, _ = stage()
    balancer = {"models": [{"model": "s/b"}, {"model": "s/c"}]}
    assert sorted(ids(router, model="nonsense", load_balancer=balancer)) == ["s/b", "s/c"]


def test_auto_finds_what_the_needs_say() -> None:
    """Only live, configured models that can, and none that wants to be named."""
    masks = Capability(mask=Mask())
    router, _ = stage(
        models=[
            model("s/plain"),
            model("s/mask", masks),
            model("s/shy", masks, by_name_only=True),
            model("s/gone", masks, lifecycle=Lifecycle(retired=date(2020, 1, 1))),
        ]
    )
    assert ids(router, model="auto", needs=["mask"]) == ["s/mask"]


def test_auto_prefers_the_cheapest() -> None:
    """Without an order, the least expensive model comes first and unknown prices last."""

    def priced(id: str, usd: str) -> pinxit.Model:
        return model(id, prices=[{"usd": usd, "as_of": "2026-01-01"}])

    router, _ = stage(models=[model("s/x"), priced("s/dear", "2"), priced("s/cheap", "1")])
    assert ids(router, model="auto") == ["s/cheap", "s/dear", "s/x"]


def test_an_unknown_need_lists_the_known_ones() -> None:
    """A typo among the needs is the caller's to mend."""
    router, _ = stage()
    with pytest.raises(pinxit.RequestError, match=r"'masks' is not known; there are .*mask"):
        ids(router, model="auto", needs=["masks"])


@pytest.mark.parametrize("need", sorted(NEEDS))
def test_every_need_tells_models_apart(need: str) -> None:
    """A model with nothing does not meet it, one with everything does."""
    everything = Capability(
        mask=Mask(), markup=True, backgrounds=("transparent",), seed=pinxit.Seed(), negative_prompt=True,
        streaming=True, images=pinxit.InputImages(max=4), max_n=4, delivers=("url",), svg=True,
        output_formats=("png", "svg"),
    )  # fmt: skip
    router, _ = stage(
        models=[model("s/none", Capability()), model("s/all", everything, offline=True)]
    )
    assert ids(router, model="auto", needs=[need]) == ["s/all"]


class Vendor:
    """A provider with a base URL, whose first model retires on 1 June 2026."""

    @hookimpl
    def register_settings(self) -> list[Setting]:
        return [Setting(name="base_url", default="https://api.vendor.example/v1")]

    @hookimpl
    def register_models(self) -> list[pinxit.Model]:
        retiring = Lifecycle(retired=date(2026, 6, 1), successor=Succession(model="v/new"))
        return [model("v/old", lifecycle=retiring), model("v/new")]

    @hookimpl
    async def generate(self) -> pinxit.ImagesResponse:
        raise AssertionError("nothing is sent")


class Day(pinxit.Clock):
    """A clock that stands at noon of one day."""

    def __init__(self, year: int, month: int, day: int) -> None:
        self.noon = datetime(year, month, day, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.noon


def vendor(day: Day, **settings: object) -> pinxit.Router:
    plugins = pinxit.Plugins(Vendor(), discover=False)
    return pinxit.Router(pinxit.Config(), plugins=plugins, clock=day, settings={"v": settings})


def test_a_model_retires_by_itself() -> None:
    """The day before it serves and warns, on the day its successor does."""
    before = vendor(Day(2026, 5, 31)).plan("x", model="v/old").candidates[0]
    after = vendor(Day(2026, 6, 1)).plan("x", model="v/old").candidates[0]
    assert (before.model.id, after.model.id) == ("v/old", "v/new")
    assert any("retires on 2026-06-01; v/new takes over" in note for note in before.notes)


def test_a_retired_model_lives_on_somebody_elses_server() -> None:
    """A base_url on another host keeps it alive; the vendor's own host does not."""
    late = Day(2027, 1, 1)
    elsewhere = vendor(late, base_url="http://localhost:8080/v1")
    assert ids(elsewhere, model="v/old") == ["v/old"]
    assert ids(vendor(late, base_url="https://api.vendor.example/v2"), model="v/old") == ["v/new"]


def test_two_retired_models_with_one_heir_are_one_candidate() -> None:
    """Each model is tried once, by whatever names it was reached."""
    gone = Lifecycle(retired=date(2020, 1, 1), successor=Succession(model="s/new"))
    router, _ = stage(
        models=[model("s/x", lifecycle=gone), model("s/y", lifecycle=gone), model("s/new")]
    )
    assert ids(router, model="s/x", fallbacks=["s/y", "s/new"]) == ["s/new"]


def test_absent_parameters_mean_what_they_meant_for_the_id_that_was_asked() -> None:
    """A fallback, too, delivers what users of the named id expect."""
    defaults = {"size": "64x64", "response_format": "url"}
    router, _ = stage(models=[model("s/a", defaults=defaults), model("s/b")])
    plan = router.plan("x", model="s/a", fallbacks=["s/b"])
    assert [c.delivery.response_format for c in plan.candidates] == ["url", "url"]
    assert [c.request.size for c in plan.candidates] == ["64x64", "64x64"]
    assert router.plan("x", model="s/b").candidates[0].delivery.response_format == "b64_json"


def test_a_route_that_takes_the_name_of_a_model_keeps_what_its_callers_expect() -> None:
    """An application that knows only one name, and reads `url`, can be sent to another model."""
    defaults = {"size": "64x64", "response_format": "url"}
    gone = Lifecycle(retired=date(2020, 1, 1))
    router, _ = stage(
        models=[model("s/old", defaults=defaults, lifecycle=gone), model("s/a"), model("s/b")],
        routes={
            "old": pinxit.Route(models=("s/a",)),
            "s/old": pinxit.Route.model_validate({"load_balancer": {"models": [{"model": "s/b"}]}}),
            "hero": pinxit.Route(models=("s/a",)),
        },
    )
    for name, painter in (("old", "s/a"), ("s/old", "s/b")):
        (candidate,) = router.plan("x", model=name).candidates
        assert candidate.model.id == painter
        assert candidate.delivery.response_format == "url"
        assert candidate.request.size == "64x64"
    assert router.plan("x", model="hero").candidates[0].delivery.response_format == "b64_json"
    drawn = {"models": [{"model": "s/a"}]}
    (candidate,) = router.plan("x", model="old", load_balancer=drawn).candidates
    assert candidate.delivery.response_format == "b64_json"


def test_an_absent_quality_keeps_its_meaning_at_the_successor() -> None:
    """Leaving it to the successor could cost ten times as much."""
    heir = Succession(model="s/new", defaults={"quality": "medium"})
    caps = Capability(qualities=("low", "medium", "high"))
    router, _ = stage(
        models=[
            model("s/old", caps, lifecycle=Lifecycle(retired=date(2020, 1, 1), successor=heir)),
            model("s/new", caps),
        ]
    )
    assert router.plan("x", model="s/old").candidates[0].request.quality == "medium"
    assert router.plan("x", model="s/old", quality="low").candidates[0].request.quality == "low"
    assert router.plan("x", model="s/new").candidates[0].request.quality is None


def test_a_request_without_a_model_and_without_a_default_says_what_to_do() -> None:
    """The sentence names both ways out."""
    router, _ = stage()
    with pytest.raises(UnknownModel, match=r"names none.*set \[defaults\] model"):
        ids(router)


def test_a_route_as_a_fallback_stands_for_its_models() -> None:
    """Listed ones in order, shares of load by weight, needs by what there is, and routes by theirs."""
    shares = {"models": [{"model": "s/a", "weight": 0.2}, {"model": "s/b", "weight": 0.8}]}
    routes = {
        "listed": Route(models=("s/b", "s/a")),
        "spread": Route.model_validate({"load_balancer": shares}),
        "needy": Route(needs=()),
        "spread-routes": Route.model_validate({"load_balancer": {"models": [{"model": "listed"}]}}),
    }
    router, _ = stage(routes=routes)
    for name in ("listed", "spread", "spread-routes"):
        assert ids(router, model="s/c", fallbacks=[name]) == ["s/c", "s/b", "s/a"]
    assert ids(router, model="s/c", fallbacks=["needy"]) == ["s/c", "s/a", "s/b"]
    assert ids(router, model="s/c", fallbacks=["auto"]) == ["s/c", "s/a", "s/b"]


def test_auto_as_a_fallback_keeps_to_what_the_request_needs() -> None:
    """Whoever asks for seeds gets no model without them."""
    router, _ = stage(models=[model("s/a"), model("s/b"), model("s/c", Capability(seed=Seed()))])
    assert ids(router, model="s/a", fallbacks=["auto"], needs=["seed"]) == ["s/a", "s/c"]


def test_settings_are_looked_up_once() -> None:
    """Every question about a provider's settings gets the same object."""
    router, _ = stage()
    resolver = router._resolver  # pyright: ignore[reportPrivateUsage]  # no public way leads there
    first, second = (resolver.settings(router.registry.get(id)) for id in ("s/a", "s/b"))
    assert first is second
