"""What a plugin declares wrongly is seen, and what it costs to load it."""

from __future__ import annotations

import importlib.util
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pinxit import (
    Capability,
    FixedSizes,
    GenerateRequest,
    ImagesResponse,
    Lifecycle,
    Mask,
    Model,
    Price,
    Succession,
    hookimpl,
)
from studio import Declares, declared, failures, suite

TOMORROW = datetime.now(UTC).date() + timedelta(days=1)
SIZES = FixedSizes(values=("64x64",))


def priced(**fields: Any) -> Model:
    day = date(2026, 1, 1)
    return declared(prices=(Price.model_validate({"usd": Decimal(1), "as_of": day, **fields}),))


def lifecycle(**fields: Any) -> Model:
    return declared(lifecycle=Lifecycle.model_validate(fields))


@pytest.mark.parametrize(
    ("models", "case", "says"),
    [
        ([], "test_it_loads", "no model"),
        (
            [lifecycle(successor=Succession(model="mine/two"))],
            "test_successors_are_registered",
            "mine/two",
        ),
        (
            [declared(aliases=("same",)), declared("mine/two", aliases=("same",))],
            "test_names_lead_to_one_model",
            "could be any of",
        ),
        ([priced(as_of=TOMORROW)], "test_prices_are_dated_and_can_apply", str(TOMORROW)),
        ([priced(quality="high")], "test_prices_are_dated_and_can_apply", "no picture"),
        ([priced(size="65x65")], "test_prices_are_dated_and_can_apply", "no picture"),
        ([priced(operation="edit")], "test_prices_are_dated_and_can_apply", "no picture"),
        (
            [lifecycle(released=date(2026, 2, 1), retired=date(2026, 1, 1))],
            "test_it_loads",
            "released",
        ),
        (
            [declared(facts={"as_of": TOMORROW, "source": "a dream"})],
            "test_dates_are_in_order",
            str(TOMORROW),
        ),
        ([declared(defaults={"size": "65x65"})], "test_defaults_are_offered", "65"),
        (
            [declared(capability=Capability(mask=Mask()))],
            "test_capabilities_are_consistent",
            "generate takes no pictures",
        ),
        (
            [Model(id="mine/one", operations={"edit": Capability()})],
            "test_capabilities_are_consistent",
            "declare images",
        ),
        (
            [declared(capability=Capability(partial_images=2))],
            "test_it_loads",
            "without streaming",
        ),
        (
            [declared(capability=Capability(svg=True))],
            "test_it_loads",
            "output_formats",
        ),
        (
            [declared(capability=Capability(frames=(2, 4)))],
            "test_it_loads",
            "gif",
        ),
        (
            [declared(capability=Capability(default_size="large"))],
            "test_it_loads",
            "WIDTHxHEIGHT",
        ),
        (
            [declared(capability=Capability(sizes=SIZES, default_size="65x65"))],
            "test_it_loads",
            "none of sizes",
        ),
        (
            [declared(capability=Capability(qualities=("ultra",)))],
            "test_limits_are_kept",
            "quality",
        ),
    ],
)
def test_what_is_declared_wrongly_fails(models: list[Model], case: str, says: str) -> None:
    """A declaration that contradicts itself is refused, with the model and the reason."""
    said = failures(suite(Declares(*models)), case)
    assert says in " ".join(said.values())


class BlocksTheLoop(Declares):
    @hookimpl
    def generate(self, request: GenerateRequest) -> ImagesResponse:  # type: ignore[override]  # wrong on purpose
        raise NotImplementedError


class WantsMore(Declares):
    @hookimpl
    async def generate(self, request: GenerateRequest, router: object) -> ImagesResponse:  # type: ignore[override]  # wrong on purpose
        raise NotImplementedError


class MisspellsHook(Declares):
    @hookimpl
    async def genrate(self, request: GenerateRequest) -> ImagesResponse:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("plugin", "says"),
    [
        (BlocksTheLoop(declared()), "async def"),
        (WantsMore(declared()), "router"),
        (MisspellsHook(declared()), "genrate"),
        (Declares(Model(id="mine/one", operations={"variation": Capability()})), "variation"),
    ],
)
def test_a_plugin_that_does_not_load_fails_once(plugin: object, says: str) -> None:
    """Of a plugin that cannot be loaded one case is left, and it says why."""
    said = failures(suite(plugin))
    assert list(said) == ["test_it_loads"]
    assert says in said["test_it_loads"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import PIL.Image", "imports PIL"),
        ("import resvg_py", "imports resvg_py"),
        ("import socket; socket.getaddrinfo('127.0.0.1', 80)", "socket.getaddrinfo"),
        ("import subprocess, sys; subprocess.run([sys.executable, '-c', ''])", "subprocess.Popen"),
        ("import pinxit", ""),
    ],
)
def test_a_heavy_import_fails(tmp_path: Path, line: str, says: str) -> None:
    """A module that imports something heavy, or goes out, while it is loaded is seen."""
    said = failures(suite(_written(tmp_path, line)), "test_importing_it_is_light")
    assert says in " ".join(said.values())
    assert bool(said) is bool(says)


PLUGIN = """
import pinxit

@pinxit.hookimpl
def register_models():
    return [pinxit.Model(id="written/one", operations={"generate": pinxit.Capability()})]

@pinxit.hookimpl
async def generate(request):
    raise NotImplementedError
"""


def _written(folder: Path, line: str) -> ModuleType:
    """Write a plugin with a line of code at its top, and import it here too."""
    file = folder / "written_plugin.py"
    file.write_text(f"{line}\n{PLUGIN}", "utf-8")
    spec = importlib.util.spec_from_file_location("written_plugin", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
