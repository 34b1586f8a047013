"""watch: folders that are imported by themselves, here or by the app."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Annotated

import typer

from dicomcore import reports, watches
from dicomcore.cli import show
from dicomcore.cli.base import Folder, Json, app, opened_services
from dicomcore.errors import DicomViewerError
from dicomcore.model import Job, Status
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.watches import QUIET_SECONDS
from dicomcore.wording import RUN

Quiet = Annotated[float, typer.Option("--quiet-seconds", help="So long must no file change before an import begins.")]

watch = typer.Typer(help="Import a folder by itself whenever its files have stopped changing.", no_args_is_help=True)
app.add_typer(watch, name="watch")


@watch.command()
def run(
    folder: Folder,
    as_json: Json = False,
    quiet_seconds: Quiet = QUIET_SECONDS,
    once: Annotated[bool, typer.Option("--once", help="End after the first import.")] = False,
) -> None:
    """Watch a folder here until Ctrl+C, with a line for each import."""
    summaries = []
    with opened_services() as services, closing(watches.watch_folder(services, folder, quiet_seconds)) as batches:
        show.told.print("Watching. Ctrl+C ends it; an import that is under way goes on.", markup=False)
        with suppress(KeyboardInterrupt):
            for batch in batches:
                summaries.append(_told(services, batch, as_json=as_json))
                if once:
                    break
    if as_json:
        show.as_json({"batches": summaries})
    well = all(batch["status"] == Status.FINISHED and not reports.is_trouble(batch) for batch in summaries)
    raise typer.Exit(0 if well else 1)


@watch.command()
def add(folder: Folder, as_json: Json = False, quiet_seconds: Quiet = QUIET_SECONDS) -> None:
    """Have the app watch a folder whenever it runs."""
    with opened_services() as services:
        before = {watch.folder for watch in watches.watches(services)}
        added = watches.add_watch(services, folder, quiet_seconds)
        if as_json:
            show.as_json({"folder": printable(added.folder), "quiet_seconds": quiet_seconds})
        elif added.folder in before:
            waits = f"it now waits {quiet_seconds:g} s"
            show.out.print(f"{printable(added.folder)} was watched already; {waits}.", markup=False)
        else:
            show.out.print(f"{printable(added.folder)} is watched whenever the app runs.", markup=False)


@watch.command("list")
def list_(as_json: Json = False) -> None:
    """List the folders that the app watches, and where each stands."""
    with opened_services() as services:
        table = watches.watch_table(services)
        if as_json:
            show.as_json({"watches": table.to_dict("records")})
        elif table.empty:
            show.out.print(f"No folder is watched. Begin with: {RUN} watch add FOLDER", markup=False)
        else:
            show.table(table)


@watch.command()
def remove(folder: Folder, as_json: Json = False) -> None:
    """Watch a folder no more. What was imported stays."""
    with opened_services() as services:
        watches.remove_watch(services, folder)
        if as_json:
            show.as_json({"folder": folder, "removed": True})
        else:
            show.out.print(f"{folder} is watched no more.", markup=False)


def _told(services: Services, batch: Job, *, as_json: bool) -> dict[str, object]:
    """One line for a batch; the cache follows, here or in the app that holds it."""
    with suppress(DicomViewerError):
        services.refresh()
    if not as_json:
        said = f"{reports.sentence(batch.counts, batch.total or 0)} {batch.message}".strip()
        show.out.print(f"{batch.job_id} {batch.status.value}: {said}", markup=False)
    return reports.import_summary(services, batch.job_id)
