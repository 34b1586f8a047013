"""What is at work and what was: batches, progress, cancel, resume, retry, and the worker itself."""

from __future__ import annotations

from typing import Annotated

import typer

from dicomcore import reports
from dicomcore.cli import show
from dicomcore.cli.base import BatchId, Json, app, opened_services
from dicomcore.cli.outcome import print_import
from dicomcore.model import Job


@app.command()
def batches(as_json: Json = False, limit: Annotated[int, typer.Option(help="How many.")] = 20) -> None:
    """List the imports, newest first."""
    with opened_services() as services:
        found = services.batches(limit)
        if as_json:
            show.as_json({"batches": [reports.progress_summary(job) for job in found]})
        elif found:
            show.table(reports.batch_table(found))
        else:
            show.out.print("No imports yet. Begin with: import FOLDER", markup=False)


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
            show.out.print(f"{batch_id} is asked to pause. To go on: resume {batch_id}", markup=False)


@app.command()
def cancel(batch_id: BatchId, as_json: Json = False) -> None:
    """Stop a scan or an import. What was stored stays stored."""
    with opened_services() as services:
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
        print_import(services, batch_id, as_json=as_json)


@app.command()
def retry(batch_id: BatchId, as_json: Json = False) -> None:
    """Try the failed files of an import again, and only those."""
    with opened_services() as services:
        services.retry(batch_id)
        print_import(services, batch_id, as_json=as_json)


@app.command(hidden=True)
def work(job_id: str) -> None:
    """The background process of one job."""
    with opened_services() as services:
        services.work(job_id)


def _print_progress(job: Job) -> None:
    total = f" of {job.total:,}" if job.total is not None else ""
    show.out.print(f"{job.job_id}: {job.status.value}, {job.done:,}{total} files. {job.message}", markup=False)
    if job.total is not None:
        show.out.print(reports.sentence(job.counts, job.total), markup=False)
