"""What happens to freed memory."""

from __future__ import annotations

import sys

import pytest

from pinxit.gateway.memory import KEPT, LARGE, find_trim, tune


class Library:
    """A C library that notes what it is told."""

    def __init__(self, result: int = 1) -> None:
        self.told: list[tuple[int, int]] = []
        self._result = result

    def mallopt(self, option: int, value: int) -> int:
        self.told.append((option, value))
        return self._result


def test_thresholds_are_set_once() -> None:
    """Answers are kept in a heap, larger blocks are the system's."""
    library = Library()
    assert tune({}, library)
    assert [value for _, value in library.told] == [LARGE, KEPT]


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_an_operator_knows_better(name: str) -> None:
    """Whoever has set anything of the kind has measured."""
    library = Library()
    assert not tune({name: "1"}, library)
    assert not library.told


def test_other_libraries_are_left_alone() -> None:
    """Without such a function, or where it refuses, nothing is said to be set."""
    assert not tune({}, object())
    assert not tune({}, Library(result=0))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems give memory back in other ways")
def test_memory_can_be_given_back() -> None:
    """It is a function of the library, which other threads do not wait for."""
    trim = find_trim()
    assert trim is None or trim(KEPT) in {0, 1}
