"""What all commands share: the app, the options that mean the same everywhere, the opened services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated

import typer

from dicomcore import logs
from dicomcore.errors import DicomViewerError
from dicomcore.model import Job, Status
from dicomcore.services import Services
from dicomcore.settings import load

app = typer.Typer(
    name="dicomcore",
    help="Find DICOM files in a folder tree, bring them into an archive, prove that nothing was lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder to look through, sub-folders included.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, one line a file.")]
Flat = Annotated[bool, typer.Option("--no-subfolders", help="Leave sub-folders out.")]
Containers = Annotated[bool, typer.Option("--containers", help="Look into ZIP, tar and gzip files too.")]
Links = Annotated[bool, typer.Option("--follow-links", help="Follow symbolic links.")]
BatchId = Annotated[str, typer.Argument(metavar="ID", help="The id of a batch: `batches` lists them.")]


@contextmanager
def opened_services(log: str = "app.log") -> Iterator[Services]:
    """The services of this data folder, closed at the end; meanwhile this log is kept."""
    services = Services(load())
    with logs.kept_in(services.settings.log_dir / log):
        try:
            yield services
        finally:
            services.close()


def expect_finished(job: Job) -> Job:
    """The job. Raises ``DicomViewerError`` where it did not end well."""
    if job.status is not Status.FINISHED:
        raise DicomViewerError(f"{job.job_id} {job.status.value}. {job.message}")
    return job


def as_day(moment: datetime | None) -> date | None:
    """What typer parsed, as a date."""
    return moment.date() if moment else None
