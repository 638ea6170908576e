"""Which cases exist for a plugin, and how they are run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import studio
from pinxit.testing import ProviderTests
from studio import Declares, Sketcher, Studio, declared, failures, remote, serve, suite

pytest_plugins = ["pytester"]


def names(suite: type[ProviderTests]) -> set[str]:
    return {name.partition("[")[0] for name, _ in suite.cases()}


def test_cases_about_http_exist_only_with_an_upstream() -> None:
    """A plugin without a network has no case about HTTP, and one with a network none about drawing."""
    there, here = names(remote(Studio())), names(suite(Sketcher()))
    assert "test_401_means_our_credentials" in there - here
    assert "test_a_seed_repeats_a_picture" in here - there


def test_json_answers_leave_out_what_depends_on_the_request() -> None:
    """Where everything is answered alike, nobody counts pictures or measures them."""
    gone = names(remote(Studio())) - names(remote(Studio(), ok={"pictures": []}))
    assert "test_n_pictures_are_n_pictures" in gone
    assert "test_sizes_are_the_pixels_that_come" in gone


def test_cases_follow_from_capabilities() -> None:
    """A model without mask, seed and stream has no case about them."""
    assert "test_masks_are_sent_in_the_declared_way" in names(remote(Studio()))
    assert not names(remote(Declares(declared()))) & {
        "test_masks_are_sent_in_the_declared_way",
        "test_partial_pictures_come_before_the_answer",
        "test_n_pictures_are_n_pictures",
    }


def test_a_subclass_gets_back_what_its_parent_left_out() -> None:
    """Cases are chosen for each class anew."""
    parent = suite(Sketcher())
    child = type("Child", (parent,), {"plugin": Studio(), "ok": staticmethod(serve)})
    assert "test_401_means_our_credentials" not in names(parent)
    assert "test_401_means_our_credentials" in names(child)


def test_an_author_leaves_out_and_overrides_cases() -> None:
    """What the author says about a case holds."""

    def test_503_means_unavailable(self: ProviderTests) -> None:
        raise AssertionError("the author's own")

    mine = remote(
        Studio(),
        leave_out={"test_401_means_our_credentials"},
        test_503_means_unavailable=test_503_means_unavailable,
    )
    assert "test_401_means_our_credentials" not in names(mine)
    assert failures(mine, "test_503_means_unavailable") == {
        "test_503_means_unavailable": "the author's own"
    }


def test_what_is_left_out_must_exist() -> None:
    """A misspelt name would leave out nothing, in silence."""
    with pytest.raises(TypeError, match="names 'test_402', which is no case"):
        remote(Studio(), leave_out={"test_402"})


def test_only_the_chosen_models_are_called() -> None:
    """A family of models that are alike is called for the chosen ones; all are looked at."""
    mine = suite(Declares(declared(), declared("mine/two")), models={"mine/two"})
    assert [subject.model.id for subject in mine().subjects()] == ["mine/two"]


def test_missing_settings_are_named() -> None:
    """A suite that forgets a required setting hears its name."""
    said = failures(remote(Studio(), settings={}), "test_the_smallest_request_brings_a_picture")
    assert "api_key" in " ".join(said.values())


def test_an_asgi_application_is_an_upstream() -> None:
    """An ASGI application stands in for the server as a function does."""

    async def app(scope: object, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        body = (await receive())["body"]
        answer = serve(httpx.Request("POST", "https://studio.test/", content=body))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer.content})

    mine = suite(Studio(), asgi=app)
    assert "test_n_pictures_are_n_pictures" in names(mine)
    assert not failures(mine, "test_n_pictures_are_n_pictures", "test_503_means_unavailable")


AUTHOR = """
from studio import REFUSAL, Sketcher, Studio, serve
from pinxit.testing import ProviderTests

class TestStudio(ProviderTests):
    plugin = Studio()
    rejection = REFUSAL

    def ok(self, request):
        return serve(request)

    def test_one_of_my_own(self, subject):
        assert subject.model.id == "studio/brush-1"

class TestSketcher(ProviderTests):
    plugin = Sketcher()
"""


def test_pytest_runs_the_cases(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """An author writes a few lines; pytest collects the cases per model, and skips none."""
    monkeypatch.setattr(sys, "path", [str(Path(studio.__file__).parent), *sys.path])
    pytester.makepyfile(test_author=AUTHOR)
    options = ["-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"]
    result = pytester.runpytest_inprocess(*options, "-v", "-k", "503 or own or seed or loads")
    assert set(result.parseoutcomes()) == {"passed", "deselected"}
    ran = " ".join(line.partition(" ")[0] for line in result.outlines)
    assert "test_author.py::TestStudio::test_one_of_my_own[studio/brush-1-edit]" in ran
    assert "test_author.py::TestStudio::test_503_means_unavailable[studio/brush-1-generate]" in ran
    assert "test_author.py::TestSketcher::test_a_seed_repeats_a_picture[sketcher/grey-edit]" in ran
    assert "TestSketcher::test_503" not in ran
