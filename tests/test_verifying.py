"""Finished pictures are compared with what was promised."""

from __future__ import annotations

import pytest

from pinxit.errors import InvalidProviderResponse
from pinxit.fitting import Delivery
from pinxit.headers import ImageInfo
from pinxit.payload import Image
from pinxit.types import GenerateRequest
from pinxit.verifying import Result, mismatches, notes


def result(
    came: tuple[int, int], now: tuple[int, int] | None = None, *, lost: bool = False
) -> Result:
    before = ImageInfo("png", *came, alpha=False)
    after = ImageInfo("png", *(now or came), alpha=False)
    return Result(Image(b""), before, after, credentials=lost, changed=lost)


@pytest.mark.parametrize(
    ("came", "told"),
    [
        ((1024, 1024), False),
        ((683, 683), False),
        ((682, 682), True),
        ((2048, 2048), False),
        ((1024, 994), False),
        ((1024, 993), True),
    ],
)
def test_limits_are_the_fitters(came: tuple[int, int], told: bool) -> None:
    """Enlarging up to 1.5 times and cropping up to 3 % is what a fitter may promise too."""
    request = GenerateRequest(prompt="a fox", size="1024x1024")
    delivery = Delivery(size=(1024, 1024), promised=(512, 512))
    found = mismatches([result(came, (1024, 1024))], request, delivery)
    assert bool(found) is told


@pytest.mark.parametrize("size", [None, "auto"])
def test_nothing_promised_is_nothing_broken(size: str | None) -> None:
    """Where the model chooses, nothing that it chooses is wrong."""
    request = GenerateRequest(prompt="a fox", size=size)
    assert mismatches([result((5, 7))], request, Delivery()) == ()


def test_class_of_pixels() -> None:
    """Who asked for a class is told under the name of the size."""
    request = GenerateRequest(prompt="a fox", size="2K")
    found = mismatches([result((500, 900))], request, Delivery(promised=(2048, 2048)))
    assert [(a.parameter, a.asked, a.sent) for a in found] == [("size", "2K", "500x900")]


def test_notes() -> None:
    """Surplus, rejects and lost credentials are told in sentences; where all is well there are none."""
    good = [result((4, 4)), result((4, 4), lost=True), result((4, 4), lost=True)]
    failure = InvalidProviderResponse("picture 4 of 5 is of no use: HTML")
    assert notes(good, asked=3, came=5, failures=[failure]) == (
        "the model sent 5 pictures where 3 were asked",
        "left out: picture 4 of 5 is of no use: HTML",
        "content credentials (C2PA) of picture 2, 3 were lost: it had to be encoded again",
    )
    assert notes(good[:1], asked=1, came=1) == ()
