"""Whatever JSON comes back is an answer or one of our errors."""

from __future__ import annotations

import base64
import contextlib

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from pinxit import Context, ImagesResponse, PinxitError
from pinxit_providers.protocols.complaints import Complaint
from pinxit_providers.protocols.openai_images import CODES
from pinxit_providers.protocols.pictures import Reader

CONTEXT = Context(http=httpx.AsyncClient())
GIF = base64.b64encode(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;").decode()
WORDS = [
    "data", "b64_json", "url", "revised_prompt", "created", "usage", "output_tokens", "size", "error",
    "message", "code", "type", "param", "moderation_details", "categories", "moderation_stage",
    "input_tokens_details", "moderation_blocked", "https://x.test/", "data:image/gif;base64,AA", GIF,
]  # fmt: skip
TEXTS = st.sampled_from(WORDS) | st.text(max_size=8)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=25,
)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, ANYTHING, max_size=6), st.lists(ANYTHING, min_size=1, max_size=2))
def test_answers(fields: dict[str, object], data: list[object]) -> None:
    """A body with any fields is read or refused, and never brings the reader down."""
    reader = Reader(CONTEXT, ("nobody's key",), 200)
    for body in (fields, {**fields, "data": data}, {**fields, "data": [{"b64_json": GIF}]}):
        with contextlib.suppress(PinxitError):
            images = reader.images(body.get("data"))
            assert isinstance(reader.response(images, body), ImagesResponse)


@settings(deadline=None)
@given(ANYTHING)
def test_complaints(body: object) -> None:
    """An error object of any shape is an error."""
    complaint = Complaint.read(body, ("nobody's key",))
    assert isinstance(complaint.of_success(200, CODES), PinxitError)
