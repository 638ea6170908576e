"""``plan``: what would be done with a request, and why, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pinxit.errors import RequestError, UnsupportedRequest
from pinxit.parameters import edit_request, generate_request
from pinxit.types import Request

from .arguments import EditWishes, Setup, Wishes, json_option
from .failures import exit_code, sentence
from .opening import open_router
from .prompts import check_pictures, read_prompt
from .terminal import Session, Terminal, write_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pinxit.candidates import Candidate, Plan

__all__ = ["plan", "show_plan"]


def plan(
    context: typer.Context,
    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT", help="As for generate; - reads standard input."),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGE]...", help="With pictures, an edit is planned."),
    ] = None,
    json: Annotated[bool, json_option("Write the plan as JSON.")] = False,
    *,
    edits: EditWishes,
    wishes: Wishes,
    setup: Setup,
) -> int:
    """Say who would paint, what would be changed, sent and charged; send nothing.

    For a variation, use: pinxit vary IMAGE --plan.
    """
    del json
    text, fields = read_prompt(prompt), wishes.parameters()
    request: Request
    if images:
        request = edit_request(text, images, {**fields, **edits.parameters()})
        check_pictures(images, request.images)
    elif stray := edits.said():
        raise RequestError(
            f"{stray}: is for edits; name the picture behind the prompt", param=stray
        )
    else:
        request = generate_request(text, fields)
    return show_plan(context.obj, request, setup)


def show_plan(session: Session, request: Request, setup: Setup) -> int:
    """Write the plan of a request; return the exit code that the request itself would end with."""
    found = open_router(setup).plan(request)
    code = exit_code(found.refusal) if found.refusal else 0
    if session.json:
        write_json(found.to_dict())
        return code
    terminal = Terminal()
    for part in _plan(found):
        terminal.out.print(part)
    if found.refusal:
        # The reasons stand above, model by model.
        told = isinstance(found.refusal, UnsupportedRequest)
        text = "no model can do this" if told else sentence(found.refusal)
        terminal.say("error", text, "bold red")
    return code


def _plan(found: Plan) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    route = f" through the route {found.route}" if found.route else ""
    yield Text.assemble(
        (found.request.operation, "bold"), " with ", (found.asked_for, "bold"), route
    )
    for place, candidate in enumerate(found.candidates, 1):
        yield Text()
        yield _heading(place, candidate)
        for part in _details(candidate):
            yield Padding(part, (0, 0, 0, 4), expand=False)
    if found.rejected:
        yield Text()
        yield Text("not possible", style="bold")
        for model, reasons in found.rejected.items():
            yield Padding(
                Text.assemble(("✗ ", "red"), (model, "bold"), ": ", "; ".join(reasons)),
                (0, 0, 0, 2),
            )


def _heading(place: int, candidate: Candidate) -> RenderableType:
    from rich.text import Text

    from .reports import dollars

    cost = (
        "price unknown" if candidate.estimate is None else f"{dollars(candidate.estimate)} at most"
    )
    if not candidate.estimate and candidate.estimate is not None:
        cost = "free"
    calls = len(candidate.calls)
    split = f" · {calls} calls of {', '.join(map(str, candidate.calls))}" if calls > 1 else ""
    stands_in = (
        f" · through {candidate.operation}"
        if candidate.operation != candidate.request.operation
        else ""
    )
    role = "first" if place == 1 else "then"
    return Text.assemble(
        (f"{place}. ", "dim"), (candidate.model.id, "bold green" if place == 1 else "bold"),
        (f"  {role} · {cost}{split}{stands_in}", "dim"),
    )  # fmt: skip


def _details(candidate: Candidate) -> Iterator[RenderableType]:
    from rich.text import Text

    if candidate.blocked:
        yield Text.assemble(("! ", "bold yellow"), candidate.blocked)
    if candidate.adaptations:
        yield _changes(candidate)
    for note in candidate.notes:
        yield Text.assemble(("note ", "dim"), note)
    preview = candidate.preview
    # Not every provider speaks HTTP.
    if preview is None:
        return
    yield Text.assemble((preview.method, "bold cyan"), " ", preview.url)
    if preview.body is not None:
        yield _body(preview.body)


def _changes(candidate: Candidate) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from .reports import VERDICT_STYLES, brief

    table = Table(
        "parameter", "asked", "sent", "verdict", "why", box=None, header_style="dim", pad_edge=False
    )
    for change in candidate.adaptations:
        verdict = Text(change.verdict, style=VERDICT_STYLES[change.verdict])
        table.add_row(
            Text(change.parameter), Text(brief(change.asked)), Text(brief(change.sent)), verdict,
            Text(change.reason, style="dim"),
        )  # fmt: skip
    return table


def _body(body: Any) -> RenderableType:
    import json

    from rich.text import Text

    text = body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
    return Text(text, style="dim")
