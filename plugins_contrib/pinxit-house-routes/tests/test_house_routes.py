"""The routes are found where the package is installed, and somebody serves them."""

import pytest

import pinxit


@pytest.mark.parametrize("name", ["hero", "placeholder"])
def test_a_route_is_served(name: str) -> None:
    """Without any key, the checkerboard is there."""
    plan = pinxit.Router(pinxit.Config()).plan("a fox", model=name)
    assert "checkerboard/mono" in [c.model.id for c in plan.candidates if not c.blocked]
