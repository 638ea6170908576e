"""`pinxit.middleware.fingerprints`: what is the same request, field by field."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest

from pinxit import (
    Context,
    EditRequest,
    GenerateRequest,
    Image,
    InvalidImage,
    VariationRequest,
)
from pinxit.middleware.fingerprints import Fingerprints, body_fingerprint, fingerprints, scoped
from pinxit.types import Request
from scripted import picture

RED, BLUE = picture(colour="red"), picture(colour="blue")
BASE = EditRequest.model_validate({"prompt": "a fox", "images": [RED]})

CHANGES: Mapping[str, Any] = {
    "prompt": "a Fox",
    "model": "s/b",
    "n": 2,
    "size": "64x64",
    "aspect_ratio": "1:1",
    "quality": "low",
    "style": "vivid",
    "background": "opaque",
    "output_format": "webp",
    "output_compression": 50,
    "response_format": "url",
    "moderation": "low",
    "complexity": "low",
    "negative_prompt": "snow",
    "seed": 7,
    "frame_count": 2,
    "frame_duration_ms": 100,
    "svg": {"model": "x"},
    "extra": {"s": {"steps": 3}},
    "images": [BLUE],
    "mask": RED,
    "markup": RED,
    "input_fidelity": "high",
    "fallbacks": ["s/b"],
    "fallback_on_codes": [500],
    "load_balancer": {"models": [{"model": "s/a"}]},
    "fidelity": "lenient",
    "require": ["quality"],
    "needs": ["seed"],
    "max_cost": Decimal("0.1"),
    "on_refusal": "fallback",
    "on_retired": "error",
    "order": "cheapest",
    "hedge": {"after": 3},
    "strip_metadata": False,
}
"""A new value for each field that changes the picture, or may."""

PATIENCE: Mapping[str, Any] = {
    "cache": {"ttl": 5},
    "retry": {"count": 2},
    "timeout": 5.0,
    "deadline": 7.0,
}

BYSTANDERS: Mapping[str, Any] = {
    "stream": True,
    "partial_images": 2,
    "user": "anna",
    "safety_identifier": "hash",
    "name": "my order",
    "metadata": {"a": "b"},
    "identity": {"id": "anna"},
}


def changed(fields: Mapping[str, Any]) -> EditRequest:
    return EditRequest.model_validate({"prompt": "a fox", "images": [RED], **fields})


async def prints(request: Request, caller: str = "", **pictures: bytes) -> Fingerprints:
    async def fetch(url: str) -> bytes:
        return pictures[url.removeprefix("https://example.com/")]

    # A transport of its own, because the usual one reads every certificate there is.
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(500))
    ) as http:
        context = Context(http=http, caller=caller, fetch=fetch)
        return await fingerprints(request, context.options_of(request), context)


def test_every_field_is_judged() -> None:
    """A new field of a request fails this test until somebody says whether it changes the picture."""
    assert CHANGES.keys() | PATIENCE.keys() | BYSTANDERS.keys() == EditRequest.model_fields.keys()


@pytest.mark.parametrize("field", CHANGES)
async def test_what_changes_the_picture_changes_the_key(field: str) -> None:
    """Each parameter, each picture, and each routing option that can lead to another picture."""
    request = changed({field: CHANGES[field]})
    assert (await prints(request)).kept != (await prints(BASE)).kept
    assert await body_fingerprint(request) != await body_fingerprint(BASE)


@pytest.mark.parametrize("field", PATIENCE)
async def test_patience_is_shared_with_the_equally_patient_only(field: str) -> None:
    """A kept answer serves whoever asks; one under way only those who wait and try as long."""
    one, other = await prints(changed({field: PATIENCE[field]})), await prints(BASE)
    assert one.kept == other.kept
    assert one.shared != other.shared


@pytest.mark.parametrize("field", BYSTANDERS)
async def test_who_asks_and_who_watches_changes_nothing(field: str) -> None:
    """Names, notes and streaming do not change a picture; the body under an idempotency key they do."""
    request = changed({field: BYSTANDERS[field]})
    assert await prints(request) == await prints(BASE)
    assert await body_fingerprint(request) != await body_fingerprint(BASE)


async def test_callers_do_not_share() -> None:
    """The caller's name is part of the key, and cannot be mistaken for something else in it."""
    assert (await prints(BASE, caller="ann")).kept != (await prints(BASE, caller="bob")).kept
    assert scoped("ann", "x") != scoped("bob", "x")
    assert scoped('a","b', "c") != scoped("a", 'b","c')


async def test_operations_do_not_share() -> None:
    """A variation of a picture is no edit of it, and nothing that was generated."""
    requests: list[Request] = [
        GenerateRequest(prompt="a fox"),
        BASE,
        VariationRequest.model_validate({"images": [RED]}),
    ]
    assert len({(await prints(request)).kept for request in requests}) == 3


async def test_absent_and_default_are_the_same() -> None:
    """``n=1`` and ``null`` say what absence says."""
    assert await prints(changed({"n": 1, "seed": None})) == await prints(BASE)


async def test_pictures_count_by_their_bytes() -> None:
    """However a picture comes, as bytes, as text or behind a URL, it is the same picture."""
    text = changed({"images": [Image(b64_json=base64.b64encode(RED).decode())]})
    url = changed({"images": ["https://example.com/fox"]})
    assert await prints(text) == await prints(BASE)
    assert await prints(url, fox=RED) == await prints(BASE)


async def test_a_url_is_not_its_picture() -> None:
    """Another picture behind the same URL is another request; a downloaded one is not fetched again."""
    first, second = (changed({"images": ["https://example.com/fox"]}) for _ in range(2))
    assert await prints(first, fox=RED) != await prints(second, fox=BLUE)
    assert first.images[0].is_local


async def test_the_order_and_the_part_of_pictures_count() -> None:
    """Two pictures the other way round are another request, and a mask is no second picture."""
    one = changed({"images": [RED, BLUE]})
    assert await prints(one) != await prints(changed({"images": [BLUE, RED]}))
    assert await prints(one) != await prints(changed({"mask": BLUE}))
    assert await prints(changed({"mask": BLUE})) != await prints(changed({"markup": BLUE}))


async def test_a_picture_that_cannot_be_read_is_an_error() -> None:
    """Broken base64 has no digest."""
    broken = changed({"images": [Image(b64_json="not base64!")]})
    with pytest.raises(InvalidImage):
        await prints(broken)
    with pytest.raises(InvalidImage):
        await body_fingerprint(broken)
