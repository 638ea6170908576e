"""`pinxit.middleware.entries` and `failures`: what goes in comes out, and damage is noticed."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pinxit
from pinxit import Attempt, Image, ImagesResponse, PinxitError, Report, Usage
from pinxit.middleware.entries import BrokenEntry, Entry, decode, encode
from scripted import picture

REPORT = Report(
    request_id="req_1",
    asked_for="hero",
    model="s/a",
    route="hero",
    attempts=(Attempt(model="s/a", outcome="ok", status=200, seconds=1.5, images=2),),
    adaptations=(pinxit.Adaptation(parameter="size", asked="1x1", sent=None, verdict="mapped"),),
    pictures=(pinxit.Picture(width=64, height=64, format="png"),),
    notes=("a note",),
    cost=Decimal("0.0421234567890123456789"),
    cost_basis="exact",
    seconds=1.501,
)


def through(outcome: ImagesResponse | PinxitError, body: str = "") -> Entry:
    return decode(encode(Entry(stored=1.5, expires=61.5, outcome=outcome, body=body)))


def answered(*images: Image) -> tuple[Image, ...]:
    response = through(ImagesResponse(data=images, report=REPORT)).outcome
    assert isinstance(response, ImagesResponse)
    return response.data


def test_every_field_of_an_answer_survives() -> None:
    """Report, usage and what a response echoes are the same afterwards, money to the last digit."""
    response = ImagesResponse(
        created=12, data=(Image(picture()),), usage=Usage(input_tokens=3), size="64x64",
        quality="low", output_format="png", background="opaque", cost=Decimal("0.1"), report=REPORT,
    )  # fmt: skip
    entry = through(response, body="digest")
    assert (entry.stored, entry.expires, entry.body) == (1.5, 61.5, "digest")
    assert isinstance(entry.outcome, ImagesResponse)
    assert entry.outcome.model_dump(exclude={"data"}) == response.model_dump(exclude={"data"})


def test_pictures_are_the_same_bytes_in_the_same_order() -> None:
    """Bytes and base64 text come back as the same file, with what is said about it."""
    red, blue = picture(colour="red"), picture(colour="blue")
    text = base64.b64encode(blue).decode()
    first, second = answered(
        Image(red, seed=7, revised_prompt="a föx", filename="fox.png"), Image(b64_json=text)
    )
    assert (first.data, first.seed, first.revised_prompt, first.filename) == (
        red, 7, "a föx", "fox.png",
    )  # fmt: skip
    assert second.data == blue
    assert second.b64_json == text
    assert second.url is None


def test_pictures_are_kept_as_bytes() -> None:
    """Base64 text is a third larger than what is kept of it."""
    data = picture() + bytes(30_000)
    entry = Entry(stored=0, expires=1, outcome=ImagesResponse(data=(Image(data),)))
    assert len(encode(entry)) < len(data) + 1000


def test_encoding_leaves_no_second_copy_in_memory() -> None:
    """A picture that came as text is still text only."""
    image = Image(b64_json=base64.b64encode(picture()).decode())
    encode(Entry(stored=0, expires=1, outcome=ImagesResponse(data=(image,))))
    assert image._data is None  # pyright: ignore[reportPrivateUsage]  # what is measured


def test_a_url_becomes_one_that_does_not_die() -> None:
    """A provider's URL would be dead soon; a ``data:`` URL with the picture takes its place."""
    remote = Image(picture(), url="https://cdn.example/1.png")
    data_url = Image(url=f"data:image/png;base64,{base64.b64encode(picture()).decode()}")
    first, second = answered(remote, data_url)
    assert first.url == second.url == data_url.url
    assert first.data == picture()


FAILURES = [
    pinxit.ContentRejected(
        "no", code="moderation_blocked", upstream_status=400, categories=["violence"],
        billing="billed",
    ),
    pinxit.RequestError("bad size", param="size", upstream_status=400),
    pinxit.InvalidImage("image: broken", param="image"),
    pinxit.ProviderTimeout("late"),
    pinxit.RateLimited("busy", retry_after=3.5, should_retry=False, upstream_status=429),
    pinxit.InvalidProviderResponse("useless"),
    pinxit.AllModelsFailed([pinxit.ProviderTimeout("late"), pinxit.QuotaExceeded("spent")]),
]  # fmt: skip


def facts(error: PinxitError) -> dict[str, object]:
    """What anybody can see of an error."""
    names = ("param", "code", "status", "upstream_status", "model", "report", "retry_after",
             "billing", "should_retry", "categories", "statuses")  # fmt: skip
    seen: dict[str, object] = {name: getattr(error, name, None) for name in names}
    if isinstance(error, pinxit.AllModelsFailed):
        seen["errors"] = [facts(one) for one in error.errors]
    return {"class": type(error), "message": str(error), **seen}


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_an_error_is_the_same_afterwards(error: PinxitError) -> None:
    """Class, message and everything that a caller or the gateway looks at."""
    error.model, error.report = "s/a", REPORT
    again = through(error).outcome
    assert isinstance(again, PinxitError)
    assert facts(again) == facts(error)


def test_a_plugins_own_error_becomes_ours() -> None:
    """A class that others may not have is kept as the one that it extends, with its status and code."""

    class OutOfPaint(pinxit.ProviderUnavailable):
        status = 507
        code = "out_of_paint"

    again = through(OutOfPaint("no blue")).outcome
    assert type(again) is pinxit.ProviderUnavailable
    assert (again.status, again.code, str(again)) == (507, "out_of_paint", "no blue")


WHOLE = encode(Entry(stored=0, expires=1, outcome=ImagesResponse(data=(Image(picture()),))))


@given(at=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(at: int, bit: int) -> None:
    """An entry with one wrong bit, wherever, is broken: no damaged picture is ever served."""
    damaged = bytearray(WHOLE)
    damaged[at] ^= 1 << bit
    with pytest.raises(BrokenEntry):
        decode(bytes(damaged))


@given(length=st.integers(0, len(WHOLE) - 1))
def test_any_cut_is_noticed(length: int) -> None:
    """An entry that ends too early is broken."""
    with pytest.raises(BrokenEntry):
        decode(WHOLE[:length])


@given(st.binary())
def test_foreign_bytes_are_no_entry(raw: bytes) -> None:
    """Whatever else lies in the store is broken, and nothing but broken."""
    with pytest.raises(BrokenEntry):
        decode(raw)
