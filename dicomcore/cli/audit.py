"""audit: who did what, searched, as CSV, and whether anybody has changed it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress

from dicomcore import audit_log
from dicomcore.cli import show
from dicomcore.cli.base import Json, app, as_day, opened_services

audit = typer.Typer(help="Who did what: list it, and check that nobody has changed it.", no_args_is_help=True)
app.add_typer(audit, name="audit")


@audit.command("list")
def list_(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS]", help="Only lines with these words in who, action or about.")
    ] = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all lines that fit as CSV.")] = False,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="On this day or later (UTC).")
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="On this day or earlier.")] = None,
    action: Annotated[str, typer.Option(help="Only this action, such as: import.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = audit_log.PER_PAGE,
    page: Annotated[int, typer.Option(min=1, help="Which page of so many.")] = 1,
) -> None:
    """Search the audit, newest first."""
    wanted = audit_log.Wanted(" ".join(words or ()), action, as_day(first), as_day(last))
    with opened_services() as services:
        if as_csv and not as_json:
            show.lines(audit_log.csv_lines(services, wanted))
            return
        found = audit_log.search(services, wanted, page, limit)
    if as_json:
        place = {"total": found.total, "more": found.many, "page": found.page, "pages": found.pages}
        show.as_json({"lines": [audit_log.entry(line) for line in found.lines], **place})
    elif found.lines:
        show.table(audit_log.table(found.lines))
        show.out.print(f"{audit_log.total_words(found)} · page {found.page} of {found.pages}", markup=False)
    else:
        show.out.print("No line fits." if wanted != audit_log.Wanted() else "The audit is empty.", markup=False)


@audit.command()
def check(
    head: Annotated[str, typer.Option(metavar="HASH", help="A hash that was noted earlier: is it still there?")] = "",
    as_json: Json = False,
) -> None:
    """Read the whole audit and tell the first line that was changed, inserted or deleted."""
    with opened_services() as services, _progress(quiet=as_json) as progress:
        task = progress.add_task("lines")
        found = audit_log.check(services, head, lambda done, total: progress.update(task, completed=done, total=total))
    if as_json:
        show.as_json(audit_log.summary(found))
    else:
        show.out.print(found.sentence, style="green" if found.good else "red", markup=False)
        if found.head:
            show.out.print(f"The newest hash that fits, to note elsewhere: {found.head}", markup=False)
    raise typer.Exit(0 if found.good else 1)


def _progress(*, quiet: bool) -> Progress:
    off = quiet or not show.told.is_terminal
    return Progress(BarColumn(), MofNCompleteColumn(), console=show.told, disable=off, transient=True)
