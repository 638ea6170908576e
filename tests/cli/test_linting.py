"""What is said about a plugin that loads: settings, prices, facts, ends of life."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pinxit import Capability, FixedSizes, Model, Plugins, Price, Ratios, SizeRange, TokenPrices
from pinxit.cli.linting import lint, uncovered
from pinxit.cli.scaffolding import write_plugin

TODAY = date(2026, 11, 22)
MODULE = "pinxit_acme"


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Path]:
    """The module of a new provider."""
    write_plugin("acme", "provider", tmp_path / "acme", TODAY)
    yield tmp_path / "acme" / f"{MODULE}.py"
    sys.modules.pop(f"pinxit_plugin_{MODULE}", None)


def said(file: Path) -> list[str]:
    """Return what is found, with its level."""
    plugins = Plugins(discover=False, files=[file])
    assert not plugins.broken
    return [f"{f.level} {f.what}: {f.text}" for f in lint(plugins, MODULE, TODAY)]


def test_a_new_plugin_is_clean(acme: Path) -> None:
    """Nothing is found where nothing is wrong."""
    assert said(acme) == []


AS_OF = "as_of=date(2026, 11, 22)"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("            secret=True,\n", "",
         "broken pinxit_acme: setting api_key: looks like a credential; declare it with secret=True"),
        ('            env=("ACME_API_KEY",),\n', "",
         "warning pinxit_acme: setting api_key: is required, but no variable can give it"),
        ('            help="Where the service is.",\n', "",
         "warning pinxit_acme: setting base_url: has no help"),
        ("context.settings['base_url']", "context.settings['host']",
         "line 66, but register_settings() does not declare it"),
        ("context.settings['base_url']", "context.settings.get('host')", "setting host: is read in"),
        ("    prices=(", "    prices=() and (", "warning acme/brush: has no price; max_cost"),
        (f'usd=Decimal("0.03"), {AS_OF}', f'usd=Decimal("0.03"), size="1024x1024", {AS_OF}',
         "warning acme/brush: generate: no price covers 1344x768, 768x1344"),
        ("    facts=", "    notes=() if True else ", "warning acme/brush: has no facts"),
        (AS_OF, "as_of=date(2026, 8, 23)", "warning acme/brush: facts of 2026-08-23 are older than 90 days"),
        (AS_OF, "as_of=date(2026, 8, 23)", "warning acme/brush: prices of 2026-08-23 are older than 90 days"),
        (AS_OF, "as_of=date(2026, 11, 23)", "broken acme/brush: facts of 2026-11-23 were read on a day"),
        ("    prices=", "    lifecycle=pinxit.Lifecycle(retired=date(2027, 1, 1)),\n    prices=",
         "warning acme/brush: is deprecated without a successor"),
    ],
)  # fmt: skip
def test_what_is_found(acme: Path, before: str, after: str, says: str) -> None:
    """Each finding names the plugin or the model, the piece of data, and what to do."""
    text = acme.read_text("utf-8")
    assert before in text
    acme.write_text(text.replace(before, after), "utf-8")
    assert any(says in line for line in said(acme)), said(acme)


def test_facts_of_ninety_days_will_do(acme: Path) -> None:
    """The ninetieth day is not too old, and what is retired need not be looked at again."""
    text = acme.read_text("utf-8")
    acme.write_text(text.replace(AS_OF, "as_of=date(2026, 8, 24)"), "utf-8")
    assert said(acme) == []


def price(**fields: Any) -> Price:
    return Price.model_validate({"usd": Decimal("0.01"), "as_of": TODAY, **fields})


FIXED = Capability(sizes=FixedSizes(values=("64x64", "32x32")), qualities=("auto", "low", "high"))
CLASSES = Capability(sizes=Ratios(classes={"1K": {"1:1": "64x64"}, "2K": {"1:1": "128x128"}}))
RANGE = Capability(sizes=SizeRange(max_edge=512, listed=("64x64",)))
TOKENS = TokenPrices(
    text_in=Decimal(1), image_in=Decimal(1), image_out=Decimal(1), as_of=TODAY,
    per_image={"low": {"64x64": 10}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("capability", "fields", "missing"),
    [
        (FIXED, {"prices": (price(),)}, []),
        (FIXED, {"prices": (price(quality="low"),)}, ["high 64x64", "high 32x32"]),
        (FIXED, {"prices": (price(quality="low"), price(size="64x64"))}, ["high 32x32"]),
        (FIXED, {"prices": (price(operation="edit"),)},
         ["low 64x64", "low 32x32", "high 64x64", "high 32x32"]),
        (FIXED, {"tokens": TOKENS}, ["high 64x64", "high 32x32"]),
        (CLASSES, {"prices": (price(size="1K"),)}, ["128x128"]),
        (CLASSES, {"prices": (price(size="64x64"), price(size="2K"))}, []),
        (RANGE, {"prices": (price(size="64x64"),)}, []),
        (Capability(), {"prices": (price(size="64x64"),)}, []),
    ],
)  # fmt: skip
def test_prices_cover_what_is_offered(
    capability: Capability, fields: dict[str, Any], missing: list[str]
) -> None:
    """Every quality and every listed size has a price, by its pixels or by its class."""
    model = Model(id="acme/brush", operations={"generate": capability}, **fields)
    assert uncovered(model).get("generate", []) == missing
