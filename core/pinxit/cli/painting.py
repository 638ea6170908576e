"""``generate``, ``edit`` and ``vary``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pinxit.errors import RequestError
from pinxit.parameters import edit_request, generate_request, variation_request
from pinxit.types import EditRequest, GenerateRequest, ImagesResponse, PartialImage, Request

from .arguments import Delivery, EditWishes, Setup, Wishes
from .failures import BROKEN
from .opening import open_router
from .places import Place, file_format, name_of, slug
from .prompts import check_pictures, read_prompt
from .terminal import Session, Terminal, write_json

if TYPE_CHECKING:
    from pinxit.routing import Router

__all__ = ["edit", "generate", "vary"]

Prompt = Annotated[
    str | None,
    typer.Argument(
        metavar="PROMPT", help="What to paint; - or nothing reads it from standard input."
    ),
]
Images = Annotated[
    list[str] | None,
    typer.Argument(metavar="IMAGE...", help="Files or URLs; the first is changed."),
]


def generate(
    context: typer.Context,
    prompt: Prompt = None,
    *,
    wishes: Wishes,
    delivery: Delivery,
    setup: Setup,
) -> int:
    """Make pictures from a prompt."""
    text = read_prompt(prompt)
    request = generate_request(text, _fields(wishes, delivery))
    return _Painting(context.obj, request, delivery, setup).run(slug(text))


def edit(
    context: typer.Context,
    prompt: Prompt = None,
    images: Images = None,
    *,
    edits: EditWishes,
    wishes: Wishes,
    delivery: Delivery,
    setup: Setup,
) -> int:
    """Change pictures as a prompt says."""
    if not images and prompt is not None and Path(prompt).is_file():
        # The only argument is a picture: the prompt is piped in.
        images, prompt = [prompt], None
    if not images:
        raise RequestError(
            "image: is missing; name the picture behind the prompt: pinxit edit PROMPT IMAGE",
            param="image",
        )
    text = read_prompt(prompt)
    request = edit_request(text, images, {**_fields(wishes, delivery), **edits.parameters()})
    check_pictures(images, request.images)
    stem = "-".join(part for part in (name_of(images[0]), slug(text)) if part)
    return _Painting(context.obj, request, delivery, setup).run(stem)


def vary(
    context: typer.Context,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A file or a URL.")],
    *,
    wishes: Wishes,
    delivery: Delivery,
    setup: Setup,
) -> int:
    """Make pictures like a given one."""
    request = variation_request(image, _fields(wishes, delivery))
    check_pictures([image], request.images)
    return _Painting(context.obj, request, delivery, setup).run(
        f"{name_of(image) or 'picture'}-variation"
    )


def _fields(wishes: Wishes, delivery: Delivery) -> dict[str, Any]:
    """Return the request's fields; a file's name says which format it shall have."""
    fields = wishes.parameters()
    named = file_format(delivery.out)
    asked = fields.setdefault("output_format", named)
    if named is not None and asked != named:
        raise RequestError(
            f"out: {delivery.out!r} is a name for {named}, but --format says {asked!r}; change one",
            param="out",
        )
    return {**fields, "partial_images": delivery.partials}


@dataclass(slots=True)
class _Painting:
    """One request from the command line to the files."""

    session: Session
    request: Request
    delivery: Delivery
    setup: Setup

    def run(self, stem: str) -> int:
        if self.delivery.plan:
            from .planning import show_plan

            return show_plan(self.session, self.request, self.setup)
        import asyncio

        terminal = Terminal()
        # Before anything is sent: a picture that cannot be saved is paid for all the same.
        place = Place(self.delivery.out, stem, pictures=self.request.n)
        if place.stdout and self.session.json:
            raise RequestError("out: - and --json both want standard output", param="out")
        router = open_router(self.setup)
        _warn_of_broken(router, terminal)
        answer = asyncio.run(self._paint(router, terminal))
        paths = [] if place.stdout else [place.save(image) for image in answer.data]
        if place.stdout:
            _write_bytes(answer)
        self._tell(answer, paths, terminal, router)
        if self.delivery.open:
            for path in paths:
                typer.launch(str(path))
        if place.problem:
            terminal.say("error", place.problem, "bold red")
        # The picture is safe, but not where a script would look for it.
        return BROKEN if place.problem else 0

    async def _paint(self, router: Router, terminal: Terminal) -> ImagesResponse:
        expected = _expectation(router, self.request) if terminal.watched else ""
        # From here on an interrupt may come too late to be free.
        self.session.painting = True
        async with router:
            with terminal.waiting(expected):
                return await self._answer(router, terminal)

    async def _answer(self, router: Router, terminal: Terminal) -> ImagesResponse:
        request = self.request
        # A stream only where somebody asked: some models charge for partial pictures.
        if not request.partial_images or not isinstance(request, GenerateRequest | EditRequest):
            return await router.run(request)
        async for event in router.stream(request):
            if isinstance(event, PartialImage):
                self._draw(terminal, event)
            else:
                return event
        raise AssertionError("a stream ends with its answer")

    def _draw(self, terminal: Terminal, event: PartialImage) -> None:
        from .preview import preview

        if not self.session.json and not self.delivery.no_preview:
            preview(terminal, event.image)

    def _tell(
        self, answer: ImagesResponse, paths: list[Path], terminal: Terminal, router: Router
    ) -> None:
        if self.session.json:
            write_json(_data(answer, paths))
            return
        from .preview import preview
        from .reports import report_lines

        for place, image in enumerate(answer.data):
            if not self.delivery.no_preview:
                preview(terminal, image)
            if paths:
                terminal.path(paths[place])
        for line in report_lines(answer.report):
            terminal.show(line)
        if self.request.model is None and (hint := _hint(router, answer)):
            terminal.say("hint", hint)


def _expectation(router: Router, request: Request) -> str:
    """Say who will paint, and what that costs at most; errors are told when the request is made."""
    from pinxit.errors import PinxitError

    from .reports import dollars

    try:
        plan = router.plan(request)
    except PinxitError:
        return "painting"
    # Who lacks a key is passed over, as it will be.
    first = next((c for c in plan.candidates if c.blocked is None), None)
    if first is None:
        return "painting"
    cost = f", {dollars(first.estimate)} at most" if first.estimate else ""
    return f"{first.model.id} is painting{cost}"


def _warn_of_broken(router: Router, terminal: Terminal) -> None:
    if broken := [*router.plugins.broken, *router.broken_routes]:
        terminal.say("warning", f"{', '.join(broken)}: set aside; pinxit doctor says why", "yellow")


def _write_bytes(answer: ImagesResponse) -> None:
    import sys

    sys.stdout.buffer.write(answer.data[0].data)
    sys.stdout.buffer.flush()


def _data(answer: ImagesResponse, paths: list[Path]) -> dict[str, Any]:
    """Return what ``--json`` writes."""
    return {
        "paths": [str(path) for path in paths],
        "revised_prompts": [image.revised_prompt for image in answer.data],
        "usage": answer.usage.model_dump(mode="json") if answer.usage else None,
        "report": answer.report.model_dump(mode="json"),
    }


def _hint(router: Router, answer: ImagesResponse) -> str | None:
    """Say how to get another painter than the one that is built in."""
    if answer.report.model not in router.registry:
        return None
    if not router.registry.get(answer.report.model).offline:
        return None
    today = router.clock.today()
    for model in router.registry:
        if model.offline or model.by_name_only or model.lifecycle.status(today) != "live":
            continue
        settings = router.config.settings(model.provider, router.plugins.settings_of(model))
        if not settings.missing:
            return f"this was drawn offline; for {model.provider}, say -m {model.id}"
        if settings.missing[0].env:
            return (
                f"this was drawn offline; set {settings.missing[0].env[0]}, then say -m {model.id}"
            )
    return None
