"""What is wrong with a plugin is said in one sentence: the place, the piece of data, the way out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pinxit import Capability, ConfigError, FixedSizes, Lifecycle, Model, Price, Seed
from pinxit.loading import import_file
from pinxit.mistakes import contradictions, explain


def raised(work: Callable[[], object]) -> Exception:
    """Return what a piece of code raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any class will do
        work()
    return caught.value


HEAD = "import pinxit\nfrom decimal import Decimal\n\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import there_is_no_such_module", "No module named 'there_is_no_such_module' (acme.py, line 4)"),
        ("import there_is_no_such_module", "install 'there_is_no_such_module', or mend the import"),
        ("1 / 0", "ZeroDivisionError: division by zero (acme.py, line 4)"),
        ("raise RuntimeError", "RuntimeError: no message (acme.py, line 4)"),
        ("raise RuntimeError('one\\ntwo')", "RuntimeError: one (acme.py, line 4)"),
        ("pinxit.Capability(max_n=0)",
         "Capability.max_n: input should be greater than or equal to 1, not 0 (acme.py, line 4)"),
        ("pinxit.Capability(max_m=4)", "Capability.max_m: there is no such field; take it out"),
        ("pinxit.Capability(quality_map={'hd': 'best'})",
         "Capability: quality_map leads to 'best', which is not among qualities (acme.py, line 4)"),
        ("pinxit.Price(usd=Decimal('0.03'), as_of='last week')", "Price.as_of: input should be a valid date"),
        ("pinxit.Model(id='A B', operations={'generate': pinxit.Capability()})", "Model.id: string should"),
        ("pinxit.Model(id='acme/brush', operations={'generat': pinxit.Capability()})",
         "Model.operations.generat.[key]: input should be 'generate', 'edit' or 'variation', not 'generat'"),
        ("raise pinxit.ConfigError('acme: say it better')", "acme: say it better"),
    ],
)  # fmt: skip
def test_what_a_module_raises_is_one_sentence(tmp_path: Path, line: str, says: str) -> None:
    """Whatever goes wrong while a plugin is imported: what, with which value, at which line of its own."""
    file = tmp_path / "acme.py"
    file.write_text(f"{HEAD}{line}\n", "utf-8")
    text = explain(raised(lambda: import_file(file)))
    assert says in text
    assert "\n" not in text
    assert "pydantic" not in text


def test_the_place_is_the_author_s() -> None:
    """What is raised deep inside of ours is told at the line that called."""
    assert "test_mistakes.py, line" in explain(
        raised(lambda: Capability.model_validate({"max_n": 0}))
    )


def test_what_was_never_raised_has_no_place() -> None:
    """An error without a traceback is told without one."""
    assert explain(ValueError("odd")) == "ValueError: odd"
    assert explain(ConfigError("acme: no")) == "acme: no"


SIZES = FixedSizes(values=("512x512",))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"default_size": "big"}, "default_size 'big' is not WIDTHxHEIGHT; write pixels, or leave it out"),
        ({"sizes": SIZES, "default_size": "64x64"}, "default_size 64x64 is none of sizes (512x512); add it"),
        ({"default_quality": "hd"}, "default_quality 'hd' is none of qualities (none); add it there"),
        ({"qualities": ("low",), "default_quality": "hd"}, "default_quality 'hd' is none of qualities (low)"),
        ({"partial_images": 3}, "partial_images=3 without streaming; set streaming=True"),
        ({"svg": True}, "svg=True, but svg is none of output_formats; add it there"),
        ({"frames": (2, 8)}, "frames are declared, but gif is none of output_formats"),
        ({"frames": (8, 2), "output_formats": ("gif",)}, "frames (8, 2) has the most before the least"),
        ({"seed": Seed(min=9, max=3)}, "seed: min 9 is more than max 3; swap them"),
    ],
)  # fmt: skip
def test_a_capability_that_contradicts_itself(fields: dict[str, Any], says: str) -> None:
    """The model, the operation and the field are named, with what would mend it."""
    model = Model(id="acme/brush", operations={"generate": Capability(**fields)})
    (problem,) = contradictions(model)
    assert problem.startswith("acme/brush: generate: ")
    assert says in problem


def test_a_life_runs_forwards() -> None:
    """A model that ends before it begins is told with both dates, also where one between is unknown."""
    life = Lifecycle(released=date(2026, 5, 1), retired=date(2025, 5, 1))
    model = Model(id="acme/brush", operations={"generate": Capability()}, lifecycle=life)
    (problem,) = contradictions(model)
    assert "released 2026-05-01 is after retired 2025-05-01" in problem


def test_a_sound_model_has_none() -> None:
    """Nothing is said of what fits together."""
    capability = Capability(
        sizes=SIZES, default_size="512x512", qualities=("low",), default_quality="low",
        streaming=True, partial_images=1, output_formats=("png", "gif"), frames=(2, 8), seed=Seed(),
    )  # fmt: skip
    model = Model(
        id="acme/brush",
        operations={"generate": capability},
        prices=(Price(usd=1, as_of=date(2026, 1, 1)),),  # type: ignore[arg-type]  # read as a decimal
        lifecycle=Lifecycle(released=date(2025, 1, 1), deprecated=date(2025, 1, 1)),
    )
    assert list(contradictions(model)) == []
