"""scan and import."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from dicomcore import dicomdirs, reports
from dicomcore.cli import show
from dicomcore.cli.base import Containers, Csv, Flat, Folder, Json, Links, app, as_day, expect_finished, opened_services
from dicomcore.cli.outcome import print_import, print_unread
from dicomcore.cli.troubles import print_troubles
from dicomcore.errors import DicomViewerError, UsageError
from dicomcore.ingest.plan import Action
from dicomcore.model import Selection
from dicomcore.scan.paths import folders_meant
from dicomcore.services import Services
from dicomcore.troubles import report
from dicomcore.wording import RUN, counted, duration, holdings, size

ACTION_WORDS = {Action.REJECTED: "will be rejected (no UIDs)"}


@app.command()
def scan(
    folder: Folder,
    as_json: Json = False,
    as_csv: Csv = False,
    no_subfolders: Flat = False,
    follow_links: Links = False,
    containers: Containers = False,
) -> None:
    """Show what is in a folder: totals, by sub-folder, and what is not DICOM and why. Sends nothing."""
    with opened_services() as services:
        scan_id = services.start_scan(
            folder,
            recursive=not no_subfolders,
            follow_links=follow_links,
            containers=containers,
            compare=False,
            free=True,
        )
        expect_finished(show.follow(services, scan_id, quiet=as_json or as_csv))
        summary = reports.scan_summary(services, scan_id) | {"dicomdirs": dicomdirs.summary(services, scan_id)}
        if as_json:
            show.as_json({**summary, "troubles": report.for_programs(report.troubles(services, scan_id))})
        elif as_csv:
            show.lines(reports.file_csv(services, scan_id))
        else:
            _print_scan(services, scan_id, summary)
        raise typer.Exit(1 if reports.is_trouble(summary) else 0)


@app.command("import")
def import_(
    folder: Folder,
    as_json: Json = False,
    no_subfolders: Flat = False,
    follow_links: Links = False,
    containers: Containers = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    subfolder: Annotated[list[str] | None, typer.Option(help="Only this sub-folder; may be repeated.")] = None,
    modality: Annotated[list[str] | None, typer.Option(help="Only this modality; may be repeated.")] = None,
    patient_id: Annotated[list[str] | None, typer.Option(help="Only this PatientID; may be repeated.")] = None,
    date_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Study date from.")] = None,
    date_to: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Study date to.")] = None,
) -> None:
    """Import a folder into the archive and say what became of every file."""
    selection = _selection(subfolder, modality, patient_id, date_from, date_to)
    options: dict[str, Any] = {
        "recursive": not no_subfolders,
        "follow_links": follow_links,
        "containers": containers,
        "free": True,
    }
    with opened_services() as services:
        if dry_run:
            _print_plan(services, folder, selection, options, as_json=as_json)
            return
        batch_id = services.import_folder(folder, selection, **options)
        if detach:
            _print_started(batch_id, as_json=as_json)
            return
        print_import(services, batch_id, as_json=as_json)


def _print_scan(services: Services, scan_id: str, summary: dict[str, Any]) -> None:
    """The long list of folders first: what is to be looked at stands at the end, above the sum."""
    folders = reports.folder_table(services, scan_id)
    if not folders.empty:
        folders["size"] = folders["size"].map(size)
        show.table(folders, "By folder")
    for title, table in (
        ("Not imported, and why", reports.reason_table(services, scan_id)),
        ("Skipped", reports.skipped_table(services, scan_id)),
        ("DICOMDIR", dicomdirs.table(services, scan_id)),
        ("Listed in a DICOMDIR but missing, or there but not listed", dicomdirs.differences(services, scan_id)),
    ):
        if not table.empty:
            show.table(table, title)
    print_troubles(report.troubles(services, scan_id))
    counts = " + ".join(f"{files:,} {word}" for word, files in summary["outcomes"].items())
    inside = holdings(*(summary[level] for level in ("patients", "studies", "series")))
    show.out.print(
        f"{counted(summary['found'], 'file')} found = {counts or '0'}. {inside}, {size(summary['bytes'])}, "
        f"{duration(summary['seconds'])}.",
        markup=False,
    )
    print_unread(summary)


def _print_plan(
    services: Services, folder: str, selection: Selection, options: dict[str, Any], *, as_json: bool
) -> None:
    scan_id = services.start_scan(folder, **options)
    expect_finished(show.follow(services, scan_id, quiet=as_json))
    problem = services.compare_problem(scan_id)
    if problem:
        raise DicomViewerError(problem)
    plan = services.plan(scan_id, selection)
    if as_json:
        actions = {action.value: plan.files[action] for action in plan.files}
        sizes = {action.value: plan.bytes[action] for action in plan.bytes}
        show.as_json({"scan_id": scan_id, "plan": actions, "bytes": sizes})
    else:
        said = ", ".join(
            f"{plan.files[action]:,} {ACTION_WORDS.get(action, action)} ({size(plan.bytes[action])})"
            for action in Action
            if plan.files[action]
        )
        show.out.print(f"Would import: {said or 'nothing'}. Nothing was sent.", markup=False)


def _print_started(batch_id: str, *, as_json: bool) -> None:
    if as_json:
        show.as_json({"batch_id": batch_id})
    else:
        show.out.print(f"{batch_id} runs in the background. See: {RUN} progress {batch_id}", markup=False)


def _selection(
    folders: list[str] | None,
    modalities: list[str] | None,
    patient_ids: list[str] | None,
    first: datetime | None,
    last: datetime | None,
) -> Selection:
    if first and last and first > last:
        raise UsageError("--date-from lies after --date-to.")
    return Selection(
        tuple(meant for folder in folders or () for meant in folders_meant(reports.relative_folder(folder))),
        tuple(modalities or ()),
        tuple(patient_ids or ()),
        as_day(first),
        as_day(last),
    )
