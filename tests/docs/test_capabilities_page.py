"""docs/capabilities.md is what the registry says."""

from __future__ import annotations

from datetime import date
from importlib.metadata import EntryPoint
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from pages import ROOT, page
from pinxit import Capability, Lifecycle, Model, Plugins, Succession, hookimpl
from pinxit.types import ImagesResponse


@pytest.fixture(scope="module")
def generator() -> Any:
    """The script that writes the page."""
    place = ROOT / "docs" / "generate_capabilities.py"
    spec = spec_from_file_location("generate_capabilities", place)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def plugins(generator: Any) -> Plugins:
    """What this source registers."""
    loaded: Plugins = generator.registered()
    return loaded


def test_the_page_is_up_to_date(generator: Any, plugins: Plugins) -> None:
    """The page is what the registry says; when a model changes, one command writes it anew."""
    same = generator.page(plugins) == page("capabilities.md")
    assert same, f"docs/capabilities.md is out of date; run: {generator.COMMAND}"


def test_every_model_and_operation_has_a_row(plugins: Plugins) -> None:
    """No model is left out, and none of its operations."""
    text = page("capabilities.md")
    for model in plugins.registry:
        for operation in model.operations:
            assert f"| `{model.id}` | {operation} |" in text


class Acme:
    """Registers one model, which is on its way out."""

    @hookimpl
    def register_models(self) -> list[Model]:
        cap = Capability(max_n=3, qualities=("low", "a|b"), output_formats=("webp", "png"))
        life = Lifecycle(retired=date(2026, 5, 12), successor=Succession(model="acme/pen"))
        brush = Model(id="acme/brush", operations={"generate": cap}, lifecycle=life)
        return [brush, Model(id="acme/pen", operations={"generate": cap})]

    @hookimpl
    async def generate(self) -> ImagesResponse:
        raise NotImplementedError


def test_a_changed_model_changes_the_page(generator: Any) -> None:
    """What a plugin registers stands in the row of its model; a bar in a value does not break the table."""
    text = generator.page(Plugins(Acme(), discover=False))
    assert (
        r"| `acme/brush` | generate | as it likes | 3 | - | webp, png | quality (low, a\|b) | unknown |"
        in text
    )
    assert "| `acme/brush` | - | - | retired 2026-05-12, then `acme/pen` | - |" in text
    assert "| [acme](#acme) | 2 | - | - |" in text


def test_a_broken_plugin_stops_the_generator(
    generator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page is written from half of the plugins."""

    def twice(points: list[EntryPoint]) -> Plugins:
        return Plugins(points=[*points, points[0]])

    monkeypatch.setattr(generator, "Plugins", twice)
    with pytest.raises(SystemExit, match="both install"):
        generator.registered()
