"""Cases about what a plugin sends, and what it makes of a good answer."""

# pyright: reportUnknownMemberType=false
# Pillow's annotations name numpy's types, which are not installed.

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import cast

import httpx

from pinxit.capabilities import Mask
from pinxit.errors import InvalidImage
from pinxit.headers import inspect as measure
from pinxit.images import edit_map, open_image
from pinxit.payload import Image

from .subjects import Fields, Subject
from .suite import Suite, heeds, needs, offline, previews, remote
from .trials import Trial
from .witness import comparable, status

__all__ = ["ServiceTests"]

PATIENCE = 60.0
"""Seconds: a careful picture takes longer than the five that httpx waits."""

_CREDENTIAL = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)


class ServiceTests(Suite):
    """Requests say all that was asked, and answers become pictures."""

    def test_the_smallest_request_brings_a_picture(self, subject: Subject) -> None:
        """Nothing but what is required brings one real picture."""
        self._served(subject, {})

    def test_everything_at_once_brings_pictures(self, subject: Subject) -> None:
        """All parameters at their limits at once bring as many real pictures as were asked."""
        self._served(subject, subject.all_at_once())

    def test_every_limit_is_served(self, subject: Subject) -> None:
        """Each parameter at its limit brings as many real pictures as were asked."""
        self._all_served(subject, ({**subject.small, **fields} for fields in subject.limits()))

    @needs(heeds)
    def test_n_pictures_are_n_pictures(self, several: Subject) -> None:
        """Two pictures are two, and the most that can be asked are as many."""
        self._all_served(several, ({**several.small, "n": n} for n in (2, several.most_n)))

    @needs(heeds)
    def test_sizes_are_the_pixels_that_come(self, subject: Subject) -> None:
        """A picture has exactly the pixels that its size declares."""
        sizes = list(subject.sizes())
        trials = self._all_served(subject, (fields for fields, _ in sizes))
        for trial, (fields, pixels) in zip(trials, sizes, strict=True):
            for info in trial.measured():
                made = (info.width, info.height)
                assert made == pixels, f"{subject}: {fields} makes {made}, declared is {pixels}"

    @needs(heeds)
    def test_formats_are_the_formats_that_come(self, subject: Subject) -> None:
        """A picture comes in the format that was asked, and in the first one without being asked."""
        formats = [f for f in subject.capability.output_formats if f not in {"svg", "avif"}]
        asked: list[Fields] = [{"output_format": f} for f in formats] if len(formats) > 1 else []
        unasked: Fields = {}
        for fields in (unasked, *asked):
            wanted = fields.get("output_format", subject.capability.output_formats[0])
            for info in self._served(subject, {**subject.small, **fields}).measured():
                assert info.format == wanted, f"{subject}: {wanted} is asked, {info.format} comes"

    @needs(heeds)
    def test_the_default_size_is_what_comes_unasked(self, subject: Subject) -> None:
        """Without a size, a picture has the declared default size."""
        default = subject.capability.default_size
        for info in self._served(subject, {}).measured() if default else ():
            assert info.size == default, f"{subject}: {info.size} comes, {default} is declared"

    @needs(offline)
    def test_a_seed_repeats_a_picture(self, seeded: Subject) -> None:
        """The same seed gives the same bytes, another seed others."""
        requests = [{**seeded.small, "seed": seed} for seed in (7, 7, 8)]
        first, again, other = (t.pictures for t in self._all_served(seeded, requests))
        wish = seeded.capability.seed is not None and seeded.capability.seed.best_effort
        assert first == again or wish, f"{seeded}: a seed does not repeat its picture"
        assert first != other, f"{seeded}: the seed changes nothing"

    @needs(offline)
    def test_it_sends_nothing(self, subject: Subject) -> None:
        """A plugin that was declared to use no network sends no request."""
        sent = self._served(subject, {}).witness.requests
        assert not sent, f"{subject} called {sent[0].url}; give the suite ok or asgi"

    @needs(remote)
    def test_requests_go_through_the_context(self, subject: Subject) -> None:
        """The pictures were ordered with ``context.http``, once, and with time to paint."""
        witness = self._served(subject, {}).witness
        assert witness.requests, f"{subject} sent nothing through context.http"
        assert witness.repeats() == 1, f"{subject} sent the same request twice"
        for request in witness.requests:
            seconds = request.extensions.get("timeout", {}).get("read")
            patient = seconds is None or seconds >= PATIENCE
            assert patient, f"{subject} waits {seconds} s for an answer; leave it to the router"

    @needs(remote)
    def test_nothing_that_was_asked_is_lost(self, subject: Subject) -> None:
        """Two requests that ask for different things are not the same upstream."""
        for group in subject.choices():
            seen: dict[str, Fields] = {}
            trials = self.send_all(subject, ({**subject.small, **choice} for choice in group))
            for trial, choice in zip(trials, group, strict=True):
                sent = str([comparable(request) for request in trial.witness.requests])
                assert sent not in seen, f"{subject}: {_unlike(seen[sent], choice)} are sent alike"
                seen[sent] = choice

    @needs(remote)
    def test_input_pictures_are_sent_in_order(self, pictured: Subject) -> None:
        """Every input picture reaches the provider, in the order in which it was given."""
        images = pictured.pictures(pictured.most_inputs)
        sent = [
            measure(data) for data in self.send(pictured, {"images": images}).witness.pictures()
        ]
        wanted = [image.info.size for image in images]
        found = list(dict.fromkeys(info.size for info in sent if info.size in wanted))
        assert found == wanted, f"{pictured}: {wanted} were given, {found} were sent"

    @needs(remote)
    def test_masks_are_sent_in_the_declared_way(self, masked: Subject) -> None:
        """What the provider gets as a mask repaints the half that was to be repainted."""
        fields = masked.masked()
        given: Sequence[Image] = fields["images"]
        sent = self.send(masked, fields).witness.pictures()
        masks = [data for data in sent if data not in {image.data for image in given}]
        assert masks, f"{masked}: no mask was sent"
        right = any(_repaints_left(data, masked) for data in masks)
        assert right, f"{masked}: the mask that was sent does not mean {_mask(masked).polarity}"

    @needs(offline)
    def test_masks_protect(self, masked: Subject) -> None:
        """Outside the mask an edited picture is the original."""
        fields = masked.masked()
        original: Image = fields["images"][0]
        same_size = [
            data
            for data in self._served(masked, fields).pictures
            if data and measure(data).size == original.info.size
        ]
        for data in same_size if not _mask(masked).soft else ():
            assert _right_half(data) == _right_half(original.data), f"{masked}: the mask leaks"

    @needs(previews)
    def test_the_preview_is_what_is_sent(self, subject: Subject) -> None:
        """A plan shows method, URL and body of the very request that the operation sends."""
        smallest: Fields = {}
        for fields in (smallest, subject.all_at_once()):
            trial = self._served(subject, fields)
            sent = [comparable(request) for request in trial.witness.requests]
            shown = [
                comparable(request) for request in (trial.preview(), trial.preview()) if request
            ]
            if not shown:
                assert not sent, f"{subject}: preview says that nothing is sent"
            else:
                assert shown[0] in sent, f"{subject}: preview shows another request"
                assert shown[0] == shown[-1], f"{subject}: preview shows something else each time"
            assert len(sent) == len(trial.witness.requests), f"{subject}: preview sends"

    @needs(remote)
    def test_no_prompt_is_logged(self, subject: Subject) -> None:
        """What people ask for stays out of the log."""
        trial = self._served(subject, {})
        prompt = getattr(trial.request, "prompt", None)
        assert prompt is None or prompt not in trial.log, f"{subject} logs the prompt"

    @needs(remote)
    def test_credentials_are_declared_secret(self, subject: Subject) -> None:
        """A setting that is sent as a credential is declared secret, so that it can be redacted."""
        trial = self._served(subject, {})
        for name, value in trial.context.settings.items():
            # A short value may stand anywhere by chance.
            if not _CREDENTIAL.search(name) or not isinstance(value, str) or len(value) < 8:
                continue
            sent = any(value in _written(request) for request in trial.witness.requests)
            declared = value in trial.secrets
            assert declared or not sent, (
                f"{subject}: register the setting {name!r} with secret=True"
            )

    @needs(remote)
    def test_credentials_go_to_one_host(self, subject: Subject) -> None:
        """Keys go to the provider, not to where its pictures are stored, and never into a URL."""
        trial = self._served(subject, {})
        trusted = {trial.witness.requests[0].url.host, *self.trusted_hosts}
        for request in trial.witness.requests:
            for secret in trial.secrets:
                assert secret not in str(request.url), f"{subject} puts a key into a URL"
                safe = request.url.host in trusted or secret not in _written(request)
                assert safe, f"{subject} sends a key to {request.url.host}"

    @needs(remote)
    def test_redirects_are_not_followed(self, subject: Subject) -> None:
        """A redirect leads neither the key nor the prompt to another host."""
        # This one keeps method and body: whoever follows it hands on the prompt too.
        away = status(307, location="https://elsewhere.invalid/")
        trial = self.send(subject, witness=self.witness(away))
        trial.failure()
        hosts = {request.url.host for request in trial.witness.requests}
        assert "elsewhere.invalid" not in hosts, f"{subject} follows redirects"

    @needs(heeds)
    def test_partial_pictures_come_before_the_answer(self, streaming: Subject) -> None:
        """A stream shows partial pictures in order, at most as many as were asked."""
        most = streaming.capability.partial_images
        asked = {**streaming.small, "stream": True, "partial_images": most or None}
        trial = self._served(streaming, asked)
        places = [partial.index for partial in trial.partials]
        assert places == list(range(len(places))), f"{streaming}: partial pictures {places}"
        assert len(places) <= most, f"{streaming}: {len(places)} partial pictures, {most} declared"
        assert places or not most, f"{streaming}: no partial picture came"
        for partial in trial.partials:
            measure(partial.image.data)

    # How it is looked at --------------------------------------------------------------------------

    def _modest(self, fields: Fields) -> Fields:
        """Ask for one picture, at once, where answers do not depend on what is asked."""
        return (
            fields if heeds(self) else {**fields, "n": 1, "stream": False, "partial_images": None}
        )

    def _served(self, subject: Subject, fields: Fields) -> Trial:
        """Send a request that must bring as many real pictures as it asks for."""
        return self._all_served(subject, [fields])[0]

    def _all_served(self, subject: Subject, several: Iterable[Fields]) -> list[Trial]:
        """Send requests that must bring as many real pictures as they ask for."""
        asked = [self._modest(fields) for fields in several]
        trials = self.send_all(subject, asked)
        for trial, fields in zip(trials, asked, strict=True):
            came, n = len(trial.answer().data), fields.get("n", 1)
            right = came == n if heeds(self) else came > 0
            assert right, f"{subject}: {n} pictures were asked, {came} came"
        return trials


def _mask(masked: Subject) -> Mask:
    return cast("Mask", masked.capability.mask)


def _repaints_left(data: bytes, masked: Subject) -> bool:
    """Whether a mask, read as the model declares, repaints the left half and nothing else."""
    from PIL.Image import Resampling

    try:
        # The mean of each half, as soft edges and scaling leave some grey.
        halves = edit_map(data, _mask(masked).polarity).resize((2, 1), Resampling.BOX)
    except InvalidImage:
        return False
    left, right = halves.tobytes()
    return left > 200 and right < 55


def _right_half(data: bytes) -> bytes:
    image = open_image(data).convert("RGBA")
    return image.crop((image.width // 2, 0, image.width, image.height)).tobytes()


def _written(request: httpx.Request) -> str:
    """Return all that goes over the wire, as text."""
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers.multi_items())
    return f"{request.url}\n{headers}\n{request.content.decode('latin-1')}"


def _unlike(first: Fields, second: Fields) -> str:
    """Name what two requests ask for that they do not share."""
    names = sorted(n for n in {*first, *second} if first.get(n) is not second.get(n))
    return " and ".join(
        ", ".join(f"{name}={fields.get(name)!r:.40}" for name in names)
        for fields in (first, second)
    )
