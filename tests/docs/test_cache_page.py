"""docs/cache.md against `pinxit.middleware`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

import pinxit
from pages import block, page, rows
from pinxit import Config
from pinxit.middleware import cache, fingerprints, idempotency
from pinxit.middleware.stores import LONGEST_TTL, STORE_SETTINGS, StoreSettings, read_settings
from pinxit.options import Cache
from scripted import stage

PAGE = "cache.md"

Fox = Callable[[pinxit.Router], Awaitable[pinxit.Image]]


def test_the_tables_are_accepted() -> None:
    """The page's ``pinxit.toml`` has all settings, and both plugins take theirs."""
    text = block(PAGE, "toml", "Stores").text
    config = Config.parse(tomllib.loads(text), environ={"REDIS_URL": "redis://host"})
    shown = set[str]()
    for name in (cache.NAME, idempotency.NAME):
        settings = config.settings(name)
        read_settings(settings, name)
        shown |= settings.keys()
    assert shown == StoreSettings.model_fields.keys() == {s.name for s in STORE_SETTINGS}


def test_the_fields_that_do_not_count_are_those_of_the_page() -> None:
    """The right column of the table names every field that is no part of the key."""
    listed = " ".join(row[1] for row in rows(PAGE, "### What is the same request"))
    named = set(re.findall(r"`(\w+)`", listed))
    assert named == fingerprints.BYSTANDERS | fingerprints.PATIENCE


def test_the_numbers_are_right() -> None:
    """Defaults and limits stand on the page as they are in the code."""
    text = page(PAGE)
    assert f"{StoreSettings().max_bytes} (256 MB)" in text
    assert f"1 to {LONGEST_TTL:,} seconds, {Cache().ttl:,} if nothing" in text
    assert f"within {idempotency.TTL // 3600} hours" in text
    assert f"at most {idempotency.LONGEST_KEY} characters" in text


async def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The page's function orders once for two calls, and says so."""
    fox = cast("Fox", block(PAGE, "python", "The exact cache").run()["fox"])
    router, provider = stage(None, cache, config=Config.parse({"defaults": {"model": "s/a"}}))
    async with router:
        for _ in range(2):
            assert (await fox(router)).format == "png"
    assert len(provider.calls) == 1
    assert capsys.readouterr().out == "False\nTrue\n"
