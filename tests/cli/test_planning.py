"""plan: one look tells who would paint, what would change, what would be sent and charged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from commandline import SHOP, Commands
from pinxit.testing.pictures import picture

KEY = "k-secret-123"


@pytest.fixture
def shop(pinxit: Commands) -> Commands:
    """With a provider that has prices, a preview and a key."""
    pinxit.plugin("shop", SHOP)
    pinxit.patch.setenv("SHOP_KEY", KEY)
    return pinxit


def test_candidates_in_order(shop: Commands) -> None:
    """Candidates come in the order in which they are tried, each with what it costs at most."""
    ran = shop("plan", "a dot", "-m", "shop/one", "--fallback", "test/dot")
    assert ran.code == 0
    assert re.search(r"1\. shop/one  first · \$0\.040? at most", ran.out)
    assert "2. test/dot  then · price unknown" in ran.out


def test_changes(shop: Commands) -> None:
    """Every change is a row: what was asked, what is sent, the verdict and why."""
    ran = shop("plan", "a dot", "-m", "shop/one", "--quality", "hd", "--style", "vivid")
    rows = [line.split() for line in ran.out.splitlines()]
    assert ["quality", "hd", "high", "mapped"] in [row[:4] for row in rows]
    assert ["style", "vivid", "nothing", "dropped"] in [row[:4] for row in rows]


def test_upstream_call(shop: Commands) -> None:
    """The true upstream call is shown, without the key."""
    ran = shop("plan", "a dot", "-m", "shop/one", "--quality", "low")
    assert "POST https://shop.test/v1/paint" in ran.out
    assert '"prompt": "a dot"' in ran.out
    assert KEY not in ran.out


def test_missing_key(shop: Commands) -> None:
    """A candidate that cannot be called yet says why."""
    shop.patch.delenv("SHOP_KEY")
    assert "! shop: no api_key; set SHOP_KEY" in shop("plan", "a dot", "-m", "shop/one").out


def test_successor(shop: Commands) -> None:
    """A retired model's successor is told as the first change."""
    ran = shop("plan", "a dot", "-m", "shop/zero")
    assert ran.out.startswith("generate with shop/zero\n")
    assert re.search(r"model +shop/zero +shop/one +mapped +retired on 2025-01-01", ran.out)


def test_route(pinxit: Commands) -> None:
    """A route is named with what it stands for."""
    ran = pinxit("plan", "a dot")
    assert ran.out.startswith("generate with default through the route default\n")


def test_fan_out(shop: Commands) -> None:
    """Several calls are told with their pictures."""
    assert "3 calls of 1, 1, 1" in shop("plan", "a dot", "-m", "shop/one", "-n", "3").out


def test_rejected(shop: Commands) -> None:
    """What cannot be done is told with reasons per model; the exit code is the request's own."""
    ran = shop("plan", "a dot", "-m", "shop/one", "--seed", "4")
    assert ran.code == 2
    assert "not possible\n  ✗ shop/one: seed 4: the model takes no seed" in ran.out
    assert ran.err == "error: no model can do this\n"


def test_rejected_and_possible(shop: Commands) -> None:
    """Where one model can and another cannot, both are told, and all is well."""
    ran = shop("plan", "a dot", "-m", "shop/one", "--fallback", "test/dot", "--size", "64x48")
    assert ran.code == 0
    assert "1. test/dot" in ran.out
    assert "✗ shop/one: " in ran.out


def test_too_dear(shop: Commands) -> None:
    """A limit that nothing keeps says what the cheapest would cost."""
    ran = shop("plan", "a dot", "-m", "shop/one", "--max-cost", "0.001")
    assert ran.code == 2
    assert "--max-cost=$0.001 is too low: the cheapest candidate is shop/one" in ran.err


def test_edit(pinxit: Commands) -> None:
    """With pictures an edit is planned."""
    Path("fox.png").write_bytes(picture())
    assert pinxit("plan", "a hat", "fox.png").out.startswith("edit with default")
    assert pinxit("plan", "a hat", "--mask", "fox.png").code == 2


def test_json(shop: Commands) -> None:
    """--json writes the plan that the HTTP API gives."""
    ran = shop("plan", "a dot", "-m", "shop/one", "--style", "vivid", "--json")
    [candidate] = ran.json["candidates"]
    assert candidate["model"] == "shop/one"
    assert candidate["estimated_cost"] == 0.04
    assert candidate["upstream"]["url"] == "https://shop.test/v1/paint"
    assert KEY not in ran.out


def test_unknown_model(pinxit: Commands) -> None:
    """A model that is not there is an error, not a plan."""
    ran = pinxit("plan", "a dot", "-m", "nobody/nothing")
    assert (ran.code, ran.out) == (2, "")
