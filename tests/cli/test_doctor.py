"""doctor: what is found, what is missing, what is broken, and an exit code that says which."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime

import pytest

from commandline import CONFIG, SHOP, Commands
from pinxit.capabilities import Capability, Facts, InputImages, Model
from pinxit.cli.doctor import examine
from pinxit.config import Config
from pinxit.hookspecs import hookimpl
from pinxit.plugins import Plugins
from pinxit.routes import Route
from pinxit.routing import Router
from pinxit.testing.clock import ManualClock


def levels(pinxit: Commands, *words: str) -> dict[str, list[str]]:
    """What was looked at, by level."""
    found: dict[str, list[str]] = {"ok": [], "warning": [], "broken": []}
    for finding in pinxit("doctor", "--json", *words).json["findings"]:
        found[finding["level"]].append(f"{finding['what']}: {finding['text']}")
    return found


def test_all_well(pinxit: Commands) -> None:
    """Where nothing is broken it ends with 0 and says where everything is."""
    ran = pinxit("doctor")
    assert ran.code == 0
    assert re.search(r"✓ +configuration +\S*pinxit\.toml", ran.out)
    assert re.search(r"✓ +plugins +painter", ran.out)
    assert "✗" not in ran.out


def test_no_configuration(pinxit: Commands) -> None:
    """No configuration is fine; it says where one was looked for."""
    pinxit.patch.delenv("PINXIT_CONFIG")
    found = levels(pinxit)
    assert any("none, which is fine; looked for" in line for line in found["ok"])
    assert any("no model serves requests that name none" in line for line in found["warning"])


def test_broken_configuration(pinxit: Commands) -> None:
    """A configuration that cannot be read is found broken, and ends with 1."""
    pinxit.configure("[defaults")
    ran = pinxit("doctor")
    assert ran.code == 1
    assert re.search(r"✗ +configuration +.*cannot be read as TOML", ran.out)
    pinxit.configure("[routes.hero]\nmodels = ['test/nobody']")
    assert pinxit("doctor").code == 1


def test_broken_plugin(pinxit: Commands) -> None:
    """So is a plugin that cannot be loaded, with the reason."""
    pinxit.plugin("rotten", "raise OSError('rot')")
    ran = pinxit("doctor")
    assert ran.code == 1
    assert re.search(r"✗ +plugin rotten \(from rotten.py\) +OSError: rot", ran.out)


def test_gateway_table(pinxit: Commands) -> None:
    """So is a gateway table with a key in it instead of its hash; the key is not shown."""
    pinxit.configure(f'{CONFIG}\n[gateway.keys]\nweb = "k-secret-123"')
    ran = pinxit("doctor")
    assert ran.code == 1
    assert "[gateway.keys] web" in ran.out
    assert "k-secret" not in ran.out


def test_keys(pinxit: Commands) -> None:
    """A missing key of a provider that was begun is a warning; a found one is told by its origin."""
    pinxit.plugin("shop", SHOP)
    pinxit.configure(f"{CONFIG}\n[providers.shop]")
    found = levels(pinxit)
    assert "shop: no api_key; set SHOP_KEY or [providers.shop] api_key" in found["warning"]
    pinxit.patch.setenv("SHOP_KEY", "k-secret-123")
    found = levels(pinxit)
    assert "shop: api_key from SHOP_KEY" in found["ok"]


def test_providers_that_nobody_set_up(pinxit: Commands) -> None:
    """What nobody began to configure is named in one line, and is nothing to be warned of."""
    pinxit.plugin("shop", SHOP)
    found = levels(pinxit)
    assert "not set up: shop (SHOP_KEY); each works once it has what it needs" in found["ok"]
    assert not [line for line in found["warning"] if line.startswith("shop: no ")]


def test_one_of_two_settings(pinxit: Commands) -> None:
    """Where another setting does as well, both ways are told, and either is enough."""
    key = 'env=("SHOP_KEY",), required=True, alternative="region"'
    pinxit.plugin("shop", SHOP.replace('env=("SHOP_KEY",), required=True', key))
    pinxit.configure(f"{CONFIG}\n[providers.shop]")
    told = "shop: no api_key; set SHOP_KEY or [providers.shop] api_key or region"
    assert told in levels(pinxit)["warning"]
    pinxit.patch.setenv("SHOP_REGION", "north")
    assert not any("shop: no" in line for line in levels(pinxit).get("warning", []))


def test_strays(pinxit: Commands) -> None:
    """Misspelt settings and providers are warned of."""
    pinxit.plugin("shop", SHOP)
    strays = "[providers.shop]\napikey = 'x'\n[providers.shopp]\n[middleware.spendd]\n"
    pinxit.configure(f"{CONFIG}\n{strays}")
    found = "\n".join(levels(pinxit)["warning"])
    assert "the setting 'apikey' in the configuration is unknown to it" in found
    assert (
        "[providers.shopp] is configured, but no loaded plugin has that name; "
        'for a server of your own, give it plugin = "compatible"'
    ) in found
    assert "[middleware.spendd] is configured, but no loaded plugin has that name" in found


def test_routes(pinxit: Commands) -> None:
    """A route whose models all lack their key is warned of, one for edits alone is not."""
    pinxit.plugin("shop", SHOP)
    pinxit.configure(f"{CONFIG}\n[routes.hero]\nmodels = ['shop/one']")
    assert any(
        line.startswith("route hero: shop: no api_key") for line in levels(pinxit)["warning"]
    )


def test_route_for_edits() -> None:
    """A route that cannot serve a prompt alone is well where its models only edit."""
    routes = {"retouch": Route(models=("test/hat",))}
    router = Router(Config(), plugins=Plugins(Retoucher(), discover=False), routes=routes)
    assert not [f for f in examine(router) if f.what == "route retouch"]


def test_broken_route() -> None:
    """A package's route that cannot be loaded is found broken."""
    router = Router(Config(), plugins=Plugins(Retoucher(), discover=False))
    router.broken_routes["hero"] = ImportError("no module named heroes")
    [found] = [finding for finding in examine(router) if finding.level == "broken"]
    assert (found.what, found.text) == ("route hero", "no module named heroes")


def test_gateway_extra(pinxit: Commands) -> None:
    """It is said whether the gateway can be started."""
    assert "gateway: can be started with pinxit serve" in levels(pinxit)["ok"]


def nothing_is_writable(path: object, mode: int) -> bool:
    return False


def test_unwritable(pinxit: Commands) -> None:
    """A working directory that cannot be written to is warned of, with the way out."""
    # Nothing is out of reach for root, so the system's answer is played.
    pinxit.patch.setattr(os, "access", nothing_is_writable)
    assert any("cannot be written to; use --out" in line for line in levels(pinxit)["warning"])


class Retoucher:
    """A plugin that only edits."""

    @hookimpl
    def register_models(self) -> list[Model]:
        return [Model(id="test/hat", operations={"edit": Capability(images=InputImages())})]

    @hookimpl
    async def edit(self) -> None:
        """Never called."""


class Dated:
    """A plugin with facts of two days."""

    @hookimpl
    def register_models(self) -> list[Model]:
        cap = {"generate": Capability()}
        return [
            Model(
                id=f"test/{name}",
                operations=cap,  # type: ignore[arg-type]  # pydantic checks it
                facts=Facts(as_of=datetime(2026, month, 1, tzinfo=UTC).date(), source="a page"),
            )
            for name, month in (("old", 1), ("new", 3))
        ]

    @hookimpl
    async def generate(self) -> None:
        """Never called."""


@pytest.mark.parametrize(
    ("today", "old"),
    [
        ((2026, 4, 1), []),
        ((2026, 4, 2), ["test/old"]),
        ((2026, 7, 1), ["test/old", "test/new"]),
    ],
)
def test_old_facts(today: tuple[int, int, int], old: list[str]) -> None:
    """Facts older than ninety days are named, and only those."""
    clock = ManualClock(datetime(*today, tzinfo=UTC))
    router = Router(Config(), plugins=Plugins(Dated(), discover=False), clock=clock)
    texts = [f.text for f in examine(router) if f.level == "warning" and "facts" in f.text]
    named = re.findall(r"test/\w+", " ".join(texts))
    assert named == old
