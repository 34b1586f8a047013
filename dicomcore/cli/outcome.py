"""How the end of an import is told."""

from __future__ import annotations

from typing import Any

import typer

from dicomcore import reports
from dicomcore.cli import show
from dicomcore.errors import CacheHeld, DicomViewerError
from dicomcore.model import Job, Status
from dicomcore.services import Services


def print_import(services: Services, batch_id: str, *, as_json: bool) -> None:
    """Wait for the end of a batch, say what became of its files, and exit with what that means."""
    try:
        show.follow(services, batch_id, quiet=as_json)
    except KeyboardInterrupt:
        show.told.print(f"The import goes on in the background. To stop it: cancel {batch_id}", markup=False)
        raise typer.Exit(130) from None
    job = services.job(batch_id)
    cache_problem = _follow_with_cache(services)
    summary = reports.import_summary(services, batch_id)
    if as_json:
        show.as_json(summary)
    else:
        _print_outcomes(services, job, cache_problem)
    if job.status is not Status.FINISHED:
        if not as_json:
            show.told.print(job.message, style="red", markup=False)
        raise typer.Exit(1)
    raise typer.Exit(1 if reports.is_trouble(summary) else 0)


def _follow_with_cache(services: Services) -> str:
    """The cache follows the import, here or in the app that holds it; returns what stood in the way."""
    try:
        services.refresh()
    except CacheHeld:
        return "The running app brings its cache up to date by itself."
    except DicomViewerError as error:
        return f"The cache could not follow: {error}"
    return ""


def _print_outcomes(services: Services, job: Job, cache_problem: str) -> None:
    reasons = reports.outcome_reasons(services, job.job_id)
    if not reasons.empty:
        show.table(reasons, "Reasons")
    show.out.print(reports.sentence(job.counts, job.total or 0), markup=False)
    skipped = reports.skipped_table(services, job.scan_id)
    if not skipped.empty:
        show.table(skipped, "Skipped")
    print_unread(reports.import_summary(services, job.job_id))
    if job.seconds and job.total:
        show.out.print(f"{job.job_id}: {job.seconds:.1f} s, {show.size(job.total_bytes or 0)}.", markup=False)
    if cache_problem:
        show.told.print(cache_problem, markup=False)


def print_unread(summary: dict[str, Any]) -> None:
    """Folders that could not be read, in red."""
    if unread := reports.unread_sentence(summary["unread_places"]):
        show.told.print(unread, style="red", markup=False)
