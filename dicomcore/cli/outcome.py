"""How the end of an import is told."""

from __future__ import annotations

import shlex
from typing import Any, NoReturn

import typer

from dicomcore import backups, history, reports
from dicomcore.cli import show
from dicomcore.errors import CacheHeld, DicomViewerError
from dicomcore.model import Job, Status
from dicomcore.remedies import Help
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.wording import RUN, counted, size

FOLLOWS_BY_ITSELF = "The running app brings its cache up to date by itself."


def print_import(services: Services, batch_id: str, *, as_json: bool) -> NoReturn:
    """Wait for the end of a batch, say what became of its files, and exit with what that means."""
    wait_for(services, batch_id, quiet=as_json)
    job = services.job(batch_id)
    cache_problem = follow_with_cache(services)
    summary = reports.import_summary(services, batch_id)
    if as_json:
        show.as_json(summary | {"causes": _causes(services, batch_id)})
    else:
        _print_outcomes(services, job, summary, cache_problem)
    if job.status is not Status.FINISHED:
        if not as_json:
            show.told.print(job.message, style="red", markup=False)
        if job.status is Status.PAUSED:
            show.told.print(f"To go on: {RUN} resume {batch_id}", markup=False)
        raise typer.Exit(1)
    raise typer.Exit(1 if reports.is_trouble(summary) else 0)


def _causes(services: Services, batch_id: str) -> list[dict[str, Any]]:
    return [
        {
            "cause": group.cause.name,
            "files": group.files,
            "remedy": group.cause.remedy,
            "example": group.example,
            "reason": group.reason,
        }
        for group in history.failures(services, batch_id)
    ]


def wait_for(services: Services, batch_id: str, *, quiet: bool) -> None:
    """Follow a batch to its end; Ctrl+C ends only the following."""
    try:
        show.follow(services, batch_id, quiet=quiet)
    except KeyboardInterrupt:
        show.told.print(f"It goes on in the background. To stop it: {RUN} cancel {batch_id}", markup=False)
        raise typer.Exit(130) from None


def follow_with_cache(services: Services, held: str = FOLLOWS_BY_ITSELF) -> str:
    """The cache follows what was brought in; returns what stood in the way: ``held`` where a running app has it."""
    try:
        services.refresh()
    except CacheHeld:
        return held
    except DicomViewerError as error:
        return f"The cache could not follow: {error}"
    return ""


def _print_outcomes(services: Services, job: Job, summary: dict[str, Any], cache_problem: str) -> None:
    reasons = reports.outcome_reasons(services, job.job_id)
    if not reasons.empty:
        show.table(reasons, "Left out, and why")
    print_failures(services, job)
    show.out.print(reports.sentence(job.counts, job.total or 0), markup=False)
    skipped = reports.skipped_table(services, job.scan_id)
    if not skipped.empty:
        show.table(skipped, "Skipped")
    print_unread(summary)
    if job.seconds and job.total:
        show.out.print(f"{job.job_id}: {job.seconds:.1f} s, {size(job.total_bytes or 0)}.", markup=False)
    if alarm := summary["alarm"]:
        show.told.print(alarm, style="bold red", markup=False)
    if backed_up := backups.sentence(summary["backup"]):
        style = "red" if backups.is_trouble(summary["backup"]) else "green"
        show.told.print(backed_up, style=style, markup=False)
    if cache_problem:
        show.told.print(cache_problem, markup=False)


def print_failures(services: Services, job: Job) -> None:
    """The files that need a look, grouped by cause: the remedy, one of them, and the command that helps."""
    for group in history.failures(services, job.job_id):
        show.out.print(f"{counted(group.files, 'file')}: {group.cause.name}", style="bold", markup=False)
        show.out.print(f"  {group.cause.remedy} {_command(group.cause.help, job)}", markup=False)
        show.out.print(f"  For example {group.example}: {group.reason}", markup=False)


def _command(helps: Help, job: Job) -> str:
    if helps is Help.SCAN:
        return f"Then: {RUN} import {shlex.quote(printable(job.root))}"
    word = {Help.RETRY: "retry", Help.RESUME: "resume", Help.CONFLICTS: "conflicts"}[helps]
    return f"To do so: {RUN} {word} {job.job_id}"


def print_unread(summary: dict[str, Any]) -> None:
    """Folders that could not be read, in red."""
    if unread := reports.unread_sentence(summary["unread_places"]):
        show.told.print(unread, style="red", markup=False)
