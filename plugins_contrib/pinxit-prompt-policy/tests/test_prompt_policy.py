"""Rules are kept before anything is sent, and nobody is told more than the house says."""

import asyncio
from collections.abc import Mapping

import pinxit_prompt_policy
import pytest

import pinxit
from pinxit.testing import png

RULES: Mapping[str, object] = {
    "words": ["gore", "tax fraud"],
    "patterns": [r"\bJohn\s+Doe\b"],
    "max_length": 60,
    "rewrite": {r"\bcola\b": "lemonade", r"\bketchup\b": "gore"},
    "message": "not here",
}


class Painter:
    """A provider that paints one pixel, offline, and keeps what it is asked."""

    def __init__(self) -> None:
        self.prompts: list[str] = []

    @pinxit.hookimpl
    def register_models(self) -> list[pinxit.Model]:
        able = pinxit.Capability(images=pinxit.InputImages())
        operations = {"generate": pinxit.Capability(), "edit": able, "variation": able}
        return [pinxit.Model.model_validate(
            {"id": "painter/one", "operations": operations, "offline": True}
        )]  # fmt: skip

    @pinxit.hookimpl
    async def generate(self, request: pinxit.GenerateRequest) -> pinxit.ImagesResponse:
        return self.paint(request.prompt)

    @pinxit.hookimpl
    async def edit(self, request: pinxit.EditRequest) -> pinxit.ImagesResponse:
        return self.paint(request.prompt)

    @pinxit.hookimpl
    async def variation(self) -> pinxit.ImagesResponse:
        return self.paint("")

    def paint(self, prompt: str) -> pinxit.ImagesResponse:
        self.prompts.append(prompt)
        return pinxit.ImagesResponse(data=(pinxit.Image(png(1, 1)),))


def ask(
    prompt: str | None,
    painter: Painter,
    *,
    edit: bool = False,
    rules: Mapping[str, object] = RULES,
) -> pinxit.ImagesResponse:
    """Ask where the policy is installed."""
    config = pinxit.Config.parse({"middleware": {"prompt-policy": dict(rules)}})
    plugins = pinxit.Plugins(painter, allow=["prompt-policy"])

    async def work() -> pinxit.ImagesResponse:
        async with pinxit.Router(config, plugins=plugins) as router:
            if prompt is None:
                return await router.variation(png(1, 1), model="painter/one")
            if edit:
                return await router.edit(prompt, image=png(1, 1), model="painter/one")
            return await router.generate(prompt, model="painter/one")

    return asyncio.run(work())


@pytest.mark.parametrize(
    "prompt",
    ["a fox", "gorengan", "taxes, no fraud", "John Doerr", "a fox " * 10],
)
def test_what_breaks_no_rule_passes(prompt: str) -> None:
    """Words count as whole words; the longest prompt is taken."""
    painter = Painter()
    ask(prompt, painter)
    assert painter.prompts == [prompt]


@pytest.mark.parametrize(
    "prompt",
    [
        "gore",
        "GORE!",
        "much gore, please",
        "\uff47\uff4f\uff52\uff45",
        "Tax Fraud",
        "john   doe",
        "x" * 61,
        "with ketchup",
    ],
)
@pytest.mark.parametrize("edit", [False, True])
def test_what_breaks_a_rule_is_refused(prompt: str, edit: bool) -> None:
    """Nothing is sent; the error has the house's own words and code, and not the caller's."""
    painter = Painter()
    with pytest.raises(pinxit.ContentRejected) as caught:
        ask(prompt, painter, edit=edit)
    assert str(caught.value) == "not here"
    assert caught.value.code == "prompt_policy"
    assert painter.prompts == []


def test_a_rewritten_prompt_is_told() -> None:
    """The provider gets the house's words, and the report says so."""
    painter = Painter()
    answer = ask("a glass of Cola", painter)
    assert painter.prompts == ["a glass of lemonade"]
    assert "the prompt was rewritten by the rules of the house" in answer.report.notes


def test_a_variation_has_no_prompt() -> None:
    """There is nothing to hold against the rules."""
    painter = Painter()
    ask(None, painter)
    assert painter.prompts == [""]


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"patterns": ["("]}, "patterns: '(' is no pattern"),
        ({"words": "gore"}, "words: should be a list"),
        ({"rewrite": ["a"]}, "rewrite: should be a table"),
        ({"max_length": 0}, "max_length: should be a whole number above 0"),
    ],
)
def test_wrong_settings_are_told_at_the_start(rules: dict[str, object], says: str) -> None:
    """A router with rules that cannot be read does not open."""
    with pytest.raises(pinxit.ConfigError) as caught:
        ask("a fox", Painter(), rules=rules)
    assert str(caught.value).startswith(f"{pinxit_prompt_policy.PLACE} {says}")
