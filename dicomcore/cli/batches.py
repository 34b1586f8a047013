"""What is at work and what was: batches, progress, pause, cancel, resume, retry."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NoReturn

import pandas as pd
import typer

from dicomcore import history, logs, reports
from dicomcore.cli import show
from dicomcore.cli.base import BatchId, Json, app, as_day, opened_services
from dicomcore.cli.outcome import print_import, wait_for
from dicomcore.cli.verified import print_verification
from dicomcore.errors import UsageError
from dicomcore.model import Job, Status
from dicomcore.services import Services
from dicomcore.wording import RUN, counted, duration, size, speed, stands

log = logs.logger(__name__)


@app.command()
def batches(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORDS]", help="Only those with these words in folder, id, user, status or kind."),
    ] = None,
    as_json: Json = False,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Begun on this day or later (UTC).")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Begun on this day or earlier.")
    ] = None,
    trouble: Annotated[bool, typer.Option("--trouble", help="Only those with something to look at.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    page: Annotated[int, typer.Option(min=1, help="Which page of so many.")] = 1,
) -> None:
    """Search the imports and verifications, newest first."""
    wanted = history.Wanted(" ".join(words or ()), as_day(first), as_day(last), trouble)
    with opened_services() as services:
        found = history.search(services, wanted, page, limit)
    if as_json:
        told = [reports.progress_summary(entry.job) | history.summary(entry) for entry in found.entries]
        show.as_json({"batches": told, "total": found.total, "page": found.page, "pages": found.pages})
    elif found.entries:
        show.table(_as_told(history.table(found.entries)))
        show.out.print(f"{counted(found.total, 'batch', 'batches')} · page {found.page} of {found.pages}", markup=False)
    elif wanted == history.Wanted():
        show.out.print(f"No imports yet. Begin with: {RUN} import FOLDER", markup=False)
    else:
        show.out.print("None fits.", markup=False)


def _as_told(table: pd.DataFrame) -> pd.DataFrame:
    """The history with units."""
    for column, words in (("bytes", size), ("seconds", duration)):
        table[column] = ["" if pd.isna(value) else words(value) for value in table[column]]
    table["speed"] = ["" if pd.isna(value) else speed(value) for value in table["speed"]]
    return table.rename(columns={"held": "in archive", "bytes": "size", "seconds": "took"})


@app.command()
def progress(batch_id: BatchId, as_json: Json = False) -> None:
    """Show how far an import has come and what became of its files."""
    with opened_services() as services:
        job = services.job(batch_id)
        if as_json:
            show.as_json(reports.progress_summary(job))
        else:
            _print_progress(job)


@app.command()
def pause(batch_id: BatchId, as_json: Json = False) -> None:
    """Stop a scan or an import until `resume`. What was stored stays stored."""
    with opened_services() as services:
        services.pause(batch_id)
        if as_json:
            show.as_json({"batch_id": batch_id, "paused": True})
        else:
            show.out.print(f"{batch_id} is asked to pause. To go on: {RUN} resume {batch_id}", markup=False)


@app.command()
def cancel(batch_id: BatchId, as_json: Json = False) -> None:
    """Stop a scan or an import. What was stored stays stored."""
    with opened_services() as services:
        if (job := services.job(batch_id)).status.over:
            raise UsageError(f"{batch_id} {stands(job.status)}: there is nothing to cancel.")
        services.cancel(batch_id)
        if as_json:
            show.as_json({"batch_id": batch_id, "cancelled": True})
        else:
            show.out.print(f"{batch_id} is asked to stop.", markup=False)


@app.command()
def resume(batch_id: BatchId, as_json: Json = False) -> None:
    """Go on with an import that was paused or cancelled, or that failed."""
    with opened_services() as services:
        services.resume(batch_id)
        _print_end(services, batch_id, as_json=as_json)


@app.command()
def retry(batch_id: BatchId, as_json: Json = False) -> None:
    """Try the failed files of an import again, and only those."""
    with opened_services() as services:
        services.retry(batch_id)
        _print_end(services, batch_id, as_json=as_json)


def _print_end(services: Services, batch_id: str, *, as_json: bool) -> NoReturn:
    """Wait for the end of a job and tell it, as the command that began it would."""
    match services.job(batch_id).kind:
        case "import":
            print_import(services, batch_id, as_json=as_json)
        case "verify":
            print_verification(services, batch_id, as_json=as_json)
    wait_for(services, batch_id, quiet=as_json)
    job = services.job(batch_id)
    if as_json:
        show.as_json(reports.progress_summary(job))
    else:
        _print_progress(job)
    raise typer.Exit(0 if job.status is Status.FINISHED else 1)


def _print_progress(job: Job) -> None:
    so_far = counted(job.done, "file") if job.total is None else f"{job.done:,} of {counted(job.total, 'file')}"
    show.out.print(f"{job.job_id}: {job.status.value}, {so_far}. {job.message}", markup=False)
    if job.total is not None:
        show.out.print(reports.sentence(job.counts, job.total), markup=False)
