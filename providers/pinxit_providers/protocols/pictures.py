"""Pictures in an answer, checked before it counts as success: it has been paid for, so it must be usable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

import httpx

from pinxit import (
    Context,
    Image,
    ImagesResponse,
    InvalidImage,
    InvalidProviderResponse,
    PinxitError,
    TokenDetails,
    Usage,
)
from pinxit.redaction import Secrets

from .values import is_count, mapping, sequence

__all__ = ["Reader", "dollars", "total"]

_LABEL = re.compile(r"[\w.:-]{1,32}")


class Reader:
    """Reads the pictures and the words of one answer.

    Args:
        context: Its clock dates answers that do not say when they were made.
        secrets: Texts that must not reach the caller, even if the provider echoes them.
        status: The answer's HTTP status, for errors.
    """

    def __init__(self, context: Context, secrets: Sequence[str], status: int = 200) -> None:
        self._context = context
        self._secrets = Secrets(secrets)
        self.status = status

    def images(
        self,
        items: object,
        judge: Callable[[Mapping[str, object]], PinxitError | None] | None = None,
    ) -> tuple[Image, ...]:
        """Read a list of items; one of no use costs the others nothing only where *judge* explains it.

        Args:
            items: What the answer has as its list of pictures.
            judge: Says which error an item stands for, such as a refusal of this one picture.

        Raises:
            InvalidProviderResponse: There is no item, or an item without a usable picture.
            PinxitError: Every item stands for an error.
        """
        found = sequence(items)
        if not found:
            raise self.useless("the answer has no pictures")
        errors = [judge(mapping(item)) if judge else None for item in found]
        # Some of several may be refused; the others are paid for and handed out.
        if all(errors):
            raise next(error for error in errors if error is not None)
        kept = zip(found, errors, strict=True)
        return tuple(self.item(item) for item, error in kept if error is None)

    def response(
        self, images: Sequence[Image], fields: Mapping[str, object], cost: Decimal | None = None
    ) -> ImagesResponse:
        """Return the pictures with what an answer in OpenAI's shape says about them."""
        created = fields.get("created")
        return ImagesResponse(
            created=created if is_count(created) else int(self._context.clock.now().timestamp()),
            data=tuple(images),
            usage=total([fields.get("usage")]),
            size=self.label(fields.get("size")),
            quality=self.label(fields.get("quality")),
            output_format=self.label(fields.get("output_format")),
            background=self.label(fields.get("background")),
            cost=cost,
        )

    def item(self, item: object) -> Image:
        """Read one item: an address, ``b64_json`` or ``url``, or an object with one of these.

        Bytes are base64 text that was cut out of the answer.

        Raises:
            InvalidProviderResponse: It holds no usable picture.
        """
        fields = {"url": item} if isinstance(item, str) else mapping(item)
        text, url = fields.get("b64_json"), fields.get("url")
        revised = fields.get("revised_prompt")
        revised = self.scrub(revised) if isinstance(revised, str) and revised else None
        if isinstance(text, bytes):
            return self._checked(Image(b64_json=text, revised_prompt=revised), text.rstrip()[-1:])
        for value in (text, url):
            if isinstance(value, str) and value:
                image = self._picture_or_address(value, is_url=value is url, revised=revised)
                if image is not None:
                    return image
        raise self.useless("an item has neither base64 nor a web address")

    def _picture_or_address(self, value: str, *, is_url: bool, revised: str | None) -> Image | None:
        if value.startswith("data:"):
            # Some send a data URL where base64 belongs, some where an address does.
            head, _, text = value.partition(",")
            return self.picture(text if head.endswith(";base64") else "", revised)
        if not is_url:
            return self.picture(value, revised)
        # An address that holds the key would be handed on to the caller.
        if _is_web(value) and self.scrub(value) == value:
            return Image(url=value, revised_prompt=revised)
        return None

    def picture(self, content: str | bytes, revised_prompt: str | None = None) -> Image:
        """Check that base64 text, or a file's bytes, begin as a picture does; text is not decoded.

        Raises:
            InvalidProviderResponse: They do not, or the text is broken.
        """
        if isinstance(content, bytes):
            return self._checked(Image(content, revised_prompt=revised_prompt))
        image = Image(b64_json=content, revised_prompt=revised_prompt)
        return self._checked(image, content.rstrip()[-1:].encode("ascii", "replace"))

    def _checked(self, image: Image, end: bytes = b"") -> Image:
        """Return a picture that is one; *end* is the last character of its text."""
        try:
            _ = image.info
        except InvalidImage:
            raise self.useless("the base64 is broken or holds no picture") from None
        # `Image` mends a missing padding; here it means that the answer was cut off on its way.
        if end and not (image.encoded or b"").endswith(end):
            raise self.useless("the base64 is cut off")
        return image

    def seeded(self, images: Sequence[Image], seeds: object) -> tuple[Image, ...]:
        """Return pictures that know the seed that made them: one for all, or a list with one each."""
        several = sequence(seeds) or [seeds] * len(images)
        for image, seed in zip(images, several, strict=False):
            image.seed = seed if is_count(seed) else None
        return tuple(images)

    def useless(self, message: str) -> InvalidProviderResponse:
        """Return the error of an answer of no use."""
        return InvalidProviderResponse(message, upstream_status=self.status)

    def scrub(self, text: str) -> str:
        """Take secrets out of a text."""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return text

    def label(self, value: object) -> str | None:
        """Return a short word such as a size, or ``None`` where there is anything else."""
        if not isinstance(value, str) or not _LABEL.fullmatch(value):
            return None
        return value if self.scrub(value) == value else None


def total(counts: Sequence[object]) -> Usage | None:
    """Add up usage objects; ``None`` where one does not tell the tokens that cost most."""
    fields = [mapping(count) for count in counts]
    if not all(is_count(each.get("output_tokens")) for each in fields):
        return None
    output = [mapping(each.get("output_tokens_details")) for each in fields]
    return Usage(
        input_tokens=_sum(fields, "input_tokens"),
        output_tokens=_sum(fields, "output_tokens"),
        total_tokens=_sum(fields, "total_tokens"),
        input_tokens_details=_details([mapping(e.get("input_tokens_details")) for e in fields]),
        output_tokens_details=_details(output) if all(output) else None,
    )


def dollars(value: object, *, per: int = 1) -> Decimal | None:
    """Return US dollars from a number in *per*-ths of a dollar; ``None`` if it is none."""
    # Text first: a float makes a Decimal of all its binary digits.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value)) / per
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 10_000 else None


def _details(fields: Sequence[Mapping[str, object]]) -> TokenDetails:
    return TokenDetails(
        text_tokens=_sum(fields, "text_tokens"), image_tokens=_sum(fields, "image_tokens")
    )


def _sum(fields: Sequence[Mapping[str, object]], name: str) -> int:
    return sum(count for each in fields if is_count(count := each.get(name)))


def _is_web(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)
