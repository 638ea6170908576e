"""docs/routing.md against the code: the table of verdicts, the billing classes, every number."""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

import httpx
import pytest

import pinxit
from pages import page, rows
from pinxit import Capability, FixedSizes, Ratios, attempts, health, ordering, sizing, verifying
from pinxit.draft import CONTRACTS, HINTS, RECORDED, Draft
from pinxit.errors import PinxitError, ProviderError
from pinxit.execution import FALLBACK_CODES
from pinxit.fitting import fit
from pinxit.options import DEFAULT_RETRY_CODES, Fidelity
from pinxit.planning import DEFAULT_TIMEOUT
from pinxit.report import Billing, Verdict
from pinxit.testing import ManualClock
from pinxit.translation import from_response, provider_errors
from scripted import model, stage

TEXT = " ".join(page("routing.md").split())
VERDICTS = {row[0]: row[1:] for row in rows("routing.md", "## Verdicts")}


def default(function: Callable[..., Any], name: str) -> Any:
    """Return the default of a function's argument."""
    return inspect.signature(function).parameters[name].default


def says(sentence: str) -> None:
    """Hold that the page says something, however its lines are broken."""
    assert sentence in TEXT


# Verdicts -----------------------------------------------------------------------------------------


def test_the_table_has_every_verdict() -> None:
    """One row per verdict, from exactly as asked to not at all."""
    assert tuple(VERDICTS) == get_args(Verdict)


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_what_the_fidelities_allow(verdict: Verdict) -> None:
    """The last three columns are what the fitter allows contracts and hints."""
    words = {(True, True): "yes", (False, True): "hints", (False, False): "no"}
    allowed: list[str] = []
    for fidelity in get_args(Fidelity):
        draft = Draft(
            pinxit.GenerateRequest(prompt="a fox"), Capability(), "s", fidelity, frozenset(), None
        )
        allowed.append(words[draft.allows("size", verdict), draft.allows("style", verdict)])
    assert VERDICTS[verdict][-3:] == allowed


def test_requiring_a_hint_makes_it_a_contract() -> None:
    """``require`` takes the leave to drop away."""
    says('`require = ["quality"]` makes a hint a contract')
    request = pinxit.GenerateRequest(prompt="a fox", quality="high")
    assert not fit(request, model("s/a")).reasons
    assert fit(request, model("s/a"), require=("quality",)).reasons


def test_contracts_hints_and_records_are_named() -> None:
    """The three lists are those of core, name by name."""
    for title, names in (("Contracts", CONTRACTS), ("Hints", HINTS), ("Records", RECORDED)):
        listed = TEXT.split(f"**{title}**")[1].split(". ")[0].split(" - **")[0]
        assert sorted(re.findall(r"`(\w+)`", listed.split(": ", 1)[-1])) == sorted(names), title


SQUARES = Capability(sizes=FixedSizes(values=("1024x1024",)), max_n=4)
RATIOS = Capability(sizes=Ratios(classes={"1K": {"1:1": "1024x1024"}}, named=False))
QUALITIES = Capability(qualities=("low", "high"), quality_map={"hd": "high"})

EXAMPLES: list[tuple[str, str, Capability, Mapping[str, Any], str]] = [
    ("kept", "a size that the model offers", SQUARES, {"size": "1024x1024"}, "size"),
    ("mapped", "`hd` is `high`", QUALITIES, {"quality": "hd"}, "quality"),
    ("mapped", "`1024x1024` is the ratio `1:1`", RATIOS, {"size": "1024x1024"}, "size"),
    ("emulated", "scaled down", SQUARES, {"size": "900x900"}, "size"),
    ("emulated", "made webp", SQUARES, {"output_format": "webp"}, "output_format"),
    ("emulated", "`n` over several calls", SQUARES, {"n": 6}, "n"),
    (
        "approximated",
        "the nearest ratio, cropped",
        SQUARES,
        {"aspect_ratio": "3:2"},
        "aspect_ratio",
    ),
    ("dropped", "`style` at a model without styles", SQUARES, {"style": "vivid"}, "style"),
]


@pytest.mark.parametrize(("verdict", "example", "capability", "fields", "parameter"), EXAMPLES)
def test_the_examples_end_as_they_say(
    verdict: str, example: str, capability: Capability, fields: Mapping[str, Any], parameter: str
) -> None:
    """Each example in the table stands in its row, and the fitter comes to the same verdict."""
    assert example in VERDICTS[verdict][1]
    request = pinxit.GenerateRequest.model_validate({"prompt": "a fox", **fields})
    fitted = fit(request, model("s/a", capability), fidelity="lenient")
    found = {a.parameter: a.verdict for a in fitted.adaptations}
    assert not fitted.reasons
    assert found.get(parameter, "kept") == verdict


def test_auto_is_kept_and_null_is_absent() -> None:
    """Neither changes anything at a model that has no choice."""
    says("`auto` is always kept, `null` means absent")
    fields = dict.fromkeys(("quality", "size", "background", "moderation"), "auto")
    request = pinxit.GenerateRequest.model_validate({"prompt": "a fox", "style": None, **fields})
    assert fit(request, model("s/a"), fidelity="strict").adaptations == ()


def test_the_limits_of_scaling_and_cropping() -> None:
    """1.5 times and 3 %, for the fitter and for what verifies its promise."""
    says(f"within {sizing.MAX_UPSCALE:g} times and cropping within {100 * sizing.MAX_CROP:g} %")
    assert verifying.MAX_ENLARGEMENT == sizing.MAX_UPSCALE
    assert verifying.MAX_CROP == sizing.MAX_CROP


# Names --------------------------------------------------------------------------------------------


def test_a_retired_model_is_served_by_its_successor() -> None:
    """``dall-e-3`` keeps its meaning at the successor, unless the request forbids one."""
    config = pinxit.Config.parse({}, environ={"OPENAI_API_KEY": "sk-test"})
    router = pinxit.Router(config)
    request = pinxit.GenerateRequest(prompt="a fox", model="dall-e-3", style="vivid", quality="hd")
    plan = router.plan(request)
    (candidate,) = plan
    found = {a.parameter: (a.asked, a.verdict) for a in candidate.adaptations}
    assert found["model"] == ("openai/dall-e-3", "mapped")
    assert found["quality"] == ("hd", "mapped")
    assert found["style"] == ("vivid", "mapped")
    assert candidate.request.size == "1024x1024"
    assert candidate.delivery.response_format == "url"
    for change in ({"on_retired": "error"}, {"fidelity": "strict"}):
        assert not router.plan(request.model_copy(update=change)).candidates
    settings = {"openai": {"base_url": "https://proxy.example/v1"}}
    (alive,) = pinxit.Router(config, settings=settings).plan(request)
    assert alive.model.id == "openai/dall-e-3"


# Attempts -----------------------------------------------------------------------------------------


def test_the_table_has_every_billing_class() -> None:
    """One row per class, cheapest first."""
    listed = [
        row[0].strip("`") for row in rows("routing.md", "## Attempts: retries and what they cost")
    ]
    assert listed == list(get_args(Billing))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529, 599])
def test_a_status_is_unbilled(status: int) -> None:
    """A status that came back is unbilled, and repeated where it is listed."""
    error = from_response(httpx.Response(status))
    assert isinstance(error, ProviderError)
    assert error.billing == "unbilled"
    assert may_repeat(error, status)
    assert may_repeat(error) == (status in DEFAULT_RETRY_CODES)


def may_repeat(error: ProviderError, *codes: int) -> bool:
    """Ask the router whether the same model is tried again."""
    retry = pinxit.Retry(on_codes=codes) if codes else pinxit.Retry()
    return attempts._may_repeat(error, retry)  # pyright: ignore[reportPrivateUsage]  # its own rule


@pytest.mark.parametrize(
    ("cause", "billing", "repeated", "repeated_if_listed"),
    [
        (httpx.ConnectError("refused"), "not_sent", True, True),
        (httpx.ReadTimeout("slow"), "ambiguous", False, True),
        (httpx.ReadError("reset"), "ambiguous", False, False),
    ],
)
def test_what_happens_on_the_line(
    cause: Exception, billing: str, repeated: bool, repeated_if_listed: bool
) -> None:
    """No connection is repeated, a time-out only where 408 or 504 is listed, a reset never."""
    with pytest.raises(ProviderError) as caught, provider_errors():
        raise cause
    error = caught.value
    assert error.billing == billing
    assert may_repeat(error) == repeated
    for code in (408, 504):
        assert may_repeat(error, code) == repeated_if_listed


def test_a_useless_answer_is_billed_and_never_repeated() -> None:
    """What came with a 200 is not ordered again from the same model."""
    error = pinxit.InvalidProviderResponse("no picture")
    assert error.billing == "billed"
    assert not may_repeat(error, 200, 429, 500)


def test_waits_grow_as_the_page_says() -> None:
    """1, 2, 4, 8, 16 seconds, a quarter up or down; a longer Retry-After than a minute is not waited for."""
    says("Waits are 1, 2, 4, 8, 16 seconds, each ±25 %")
    assert attempts.MAX_RETRY_AFTER == 60
    says("A `Retry-After` is honoured up to a minute")
    router, _ = stage()
    engine = router._engine.attempts  # pyright: ignore[reportPrivateUsage]  # no other way to its waits
    for sent, seconds in enumerate((1, 2, 4, 8, 16), 1):
        waits = [engine._backoff(sent, OSError()) or 0.0 for _ in range(200)]  # pyright: ignore[reportPrivateUsage]
        assert 0.75 * seconds <= min(waits) < 0.8 * seconds
        assert 1.2 * seconds < max(waits) <= 1.25 * seconds
    for asked, wait in ((60.0, 60.0), (61.0, None)):
        limited = pinxit.RateLimited("wait", retry_after=asked)
        assert engine._backoff(1, limited) == wait  # pyright: ignore[reportPrivateUsage]


def test_the_retry_budget() -> None:
    """A fifth of requests, and ten in ten seconds."""
    says("at most a fifth of requests, plus a floor of ten in ten seconds")
    budget = attempts.RetryBudget
    assert [default(budget, name) for name in ("share", "floor", "window")] == [0.2, 10, 10]
    assert budget(ManualClock()).take()


def test_the_defaults_of_time_and_codes() -> None:
    """300 seconds for an attempt; retries after 429; four calls at a time."""
    says(f"`timeout` seconds, {DEFAULT_TIMEOUT:.0f} if nothing is said")
    says(f"(default {', '.join(map(str, DEFAULT_RETRY_CODES))})")
    assert attempts._PARALLEL_CALLS == 4  # pyright: ignore[reportPrivateUsage]  # the page's number
    says("spread over calls, four at a time")


# Fallbacks ----------------------------------------------------------------------------------------


def test_fallback_codes_are_those_that_are_listed() -> None:
    """The statuses on the page are the router's."""
    sentence = TEXT.split("`fallback_on_codes`: by default ")[1].split(" with which")[0]
    listed, first, last = re.fullmatch(r"([\d, ]+), and (\d+) to (\d+),", sentence).groups()  # type: ignore[union-attr]
    codes = {int(code) for code in listed.split(", ")} | set(range(int(first), int(last) + 1))
    assert codes == FALLBACK_CODES
    says("401, 403 and 404 lead on only if they are listed")
    assert not {401, 403, 404} & codes


FAILURES: list[tuple[PinxitError, Mapping[str, Any], bool]] = [
    (ProviderError("reset", billing="ambiguous"), {}, True),
    (pinxit.ProviderTimeout("slow"), {}, True),
    (pinxit.InvalidProviderResponse("junk"), {}, True),
    (from_response(httpx.Response(521)), {}, True),
    (from_response(httpx.Response(501)), {}, False),
    *((from_response(httpx.Response(code)), {}, False) for code in (401, 403, 404)),
    *(
        (from_response(httpx.Response(code)), {"fallback_on_codes": [code]}, True)
        for code in (401, 403, 404)
    ),
    (pinxit.ContentRejected("no"), {}, False),
    (pinxit.ContentRejected("no"), {"on_refusal": "fallback"}, True),
]


@pytest.mark.parametrize(("error", "options", "leads_on"), FAILURES)
async def test_what_leads_to_the_next_candidate(
    error: PinxitError, options: Mapping[str, Any], leads_on: bool
) -> None:
    """Resets, time-outs, useless answers and listed statuses do; refusals only where the request says so."""
    router, provider = stage({"a": [error]})
    request = pinxit.GenerateRequest.model_validate(
        {"prompt": "a fox", "model": "s/a", "fallbacks": ["s/b"], **options}
    )
    if leads_on:
        assert (await router.run(request)).report.model == "s/b"
    else:
        with pytest.raises(type(error)):
            await router.run(request)
    assert provider.names == (["a", "b"] if leads_on else ["a"])


async def test_a_model_without_its_key_is_passed_over() -> None:
    """A missing key leads to the next candidate, and stands in the report."""
    says("where a model's key is missing")
    async with pinxit.Router(pinxit.Config()) as router:
        answer = await router.generate(
            "a fox", model="openai/gpt-image-2", fallbacks=["illustrator/scene-1"], size="64x64"
        )
    outcomes = [(attempt.model, attempt.outcome) for attempt in answer.report.attempts]
    assert outcomes == [("openai/gpt-image-2", "not_configured"), ("illustrator/scene-1", "ok")]


# Order --------------------------------------------------------------------------------------------


def test_orders_are_those_that_are_listed() -> None:
    """The page names the orders that are always there, and how often ``fastest`` explores."""
    orders = ordering.built_in_orders(ordering.Traffic(ManualClock()), random.Random(1))
    section = TEXT.split("## Order ")[1].split(". `load_balancer`")[0]
    assert set(re.findall(r"`(\w+)`", section)) == set(orders)
    assert ordering.EXPLORE == 0.1
    says("one time in ten it tries one that nobody knows")


def test_the_breaker() -> None:
    """Half of at least five within a minute; half a minute, doubled up to ten."""
    says("half of at least five answers within a minute")
    names = ("threshold", "minimum", "window", "cooldown")
    assert [default(health.Health, name) for name in names] == [0.5, 5, 60, 30]
    assert health.MAX_COOLDOWN == 600
    says(
        "After half a minute one request probes it; each failed probe doubles that, up to ten minutes"
    )


@pytest.mark.parametrize(
    ("errors", "state"),
    [
        ([pinxit.ProviderUnavailable("down")] * 4, "closed"),
        ([pinxit.ProviderUnavailable("down")] * 5, "open"),
        ([pinxit.AuthenticationFailed("no")], "open"),
        ([pinxit.QuotaExceeded("empty")], "open"),
        ([pinxit.ContentRejected("no")] * 9, "closed"),
        ([pinxit.RequestError("wrong")] * 9, "closed"),
    ],
)
def test_what_opens_the_breaker(errors: list[PinxitError], state: str) -> None:
    """Failures do, a credential or a quota at once; the caller's mistakes and refusals never do."""
    watched = health.Health(ManualClock())
    for error in errors:
        watched.record("key", error)
    assert watched.state("key") == state
