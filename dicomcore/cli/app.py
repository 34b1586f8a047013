"""The commands. Each parses, makes one call into the core, and prints."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dicomcore import reports
from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.cache.sql import run_sql
from dicomcore.cli import show
from dicomcore.errors import CacheHeld, DicomViewerError, UsageError
from dicomcore.model import Job, Selection, Status
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
Links = Annotated[bool, typer.Option("--follow-links", help="Follow symbolic links.")]
BatchId = Annotated[str, typer.Argument(metavar="ID", help="The id of a batch: `batches` lists them.")]


def main() -> None:
    """Run a command; an error is one sentence on standard error and its own exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        app()
    except DicomViewerError as error:
        show.told.print(f"{error}", style="red", markup=False)
        sys.exit(error.exit_code)


@app.command()
def scan(
    folder: Folder,
    as_json: Json = False,
    as_csv: Csv = False,
    no_subfolders: Flat = False,
    follow_links: Links = False,
) -> None:
    """Show what is in a folder: totals, by sub-folder, and what is not DICOM and why. Sends nothing."""
    with _services() as services:
        scan_id = services.start_scan(
            folder, recursive=not no_subfolders, follow_links=follow_links, compare=False, free=True
        )
        _finished(show.follow(services, scan_id, quiet=as_json or as_csv))
        summary = reports.scan_summary(services, scan_id)
        if as_json:
            show.as_json(summary)
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
    options: dict[str, Any] = {"recursive": not no_subfolders, "follow_links": follow_links, "free": True}
    with _services() as services:
        if dry_run:
            _print_plan(services, folder, selection, options, as_json=as_json)
            return
        batch_id = services.import_folder(folder, selection, **options)
        if detach:
            _print_started(batch_id, as_json=as_json)
            return
        _print_import(services, batch_id, as_json=as_json)


@app.command()
def batches(as_json: Json = False, limit: Annotated[int, typer.Option(help="How many.")] = 20) -> None:
    """List the imports, newest first."""
    with _services() as services:
        found = services.batches(limit)
        if as_json:
            show.as_json({"batches": [_batch(job) for job in found]})
        elif found:
            show.table(reports.batch_table(found))
        else:
            show.out.print("No imports yet. Begin with: import FOLDER", markup=False)


@app.command()
def progress(batch_id: BatchId, as_json: Json = False) -> None:
    """Show how far an import has come and what became of its files."""
    with _services() as services:
        job = services.job(batch_id)
        if as_json:
            show.as_json(_batch(job))
        else:
            _print_progress(job)


@app.command()
def cancel(batch_id: BatchId, as_json: Json = False) -> None:
    """Stop a scan or an import. What was stored stays stored."""
    with _services() as services:
        services.cancel(batch_id)
        if as_json:
            show.as_json({"batch_id": batch_id, "cancelled": True})
        else:
            show.out.print(f"{batch_id} is asked to stop.", markup=False)


@app.command()
def resume(batch_id: BatchId, as_json: Json = False) -> None:
    """Go on with an import that was cancelled or failed."""
    with _services() as services:
        services.resume(batch_id)
        _print_import(services, batch_id, as_json=as_json)


@app.command()
def retry(batch_id: BatchId, as_json: Json = False) -> None:
    """Try the failed files of an import again, and only those."""
    with _services() as services:
        services.retry(batch_id)
        _print_import(services, batch_id, as_json=as_json)


@app.command()
def sync(as_json: Json = False) -> None:
    """Bring the cache up to date with the archive (the Refresh button)."""
    with _services() as services:
        result = services.refresh()
        if as_json:
            counts = {name: getattr(result, name) for name in ("patients", "studies", "series", "instances")}
            show.as_json({**counts, "seconds": round(result.seconds, 3)})
        else:
            show.out.print(
                f"{result.patients:,} patients, {result.studies:,} studies, {result.series:,} series, "
                f"{result.instances:,} instances in the cache ({result.seconds:.1f} s)."
            )


@app.command()
def patients(
    text: Annotated[str, typer.Argument(help="Words of a name, an id, an accession number, a description.")] = "",
    modality: Annotated[str, typer.Option(help="Only with this modality.")] = "",
    date_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Study date from.")] = None,
    date_to: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Study date to.")] = None,
    page: Annotated[int, typer.Option(help="Page, from 1.")] = 1,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Search the patients in the cache."""
    with _services() as services:
        wanted = PatientFilter(text, _day(date_from), _day(date_to), modality)
        found = queries.search_patients(services.cache, wanted, page)
        if as_json:
            rows = found.rows.astype(object).where(found.rows.notna(), None).to_dict("records")
            show.as_json({"total": found.total, "page": found.page, "pages": found.pages, "patients": rows})
        elif as_csv:
            show.lines(reports.frame_csv(found.rows))
        else:
            show.table(found.rows.drop(columns=["id"]), f"{found.total:,} patients, page {found.page} of {found.pages}")


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over cached_patients, cached_studies, cached_series, …")],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask the cache in SQL. Read only: one SELECT, run on a copy."""
    with _services() as services:
        answer = run_sql(services.cache, query)
    if as_json:
        rows = answer.astype(object).where(answer.notna(), None).to_dict("records")
        show.as_json({"columns": list(answer.columns), "rows": rows})
    elif as_csv:
        show.lines(reports.frame_csv(answer))
    else:
        show.table(answer)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="The CSV file to write.")],
    table: Annotated[str, typer.Option(help="patients, studies, series or instances.")] = "studies",
    batch: Annotated[str, typer.Option(help="A batch id: export what became of its files instead.")] = "",
    as_json: Json = False,
) -> None:
    """Write a cached table, or the outcomes of a batch, as a CSV file."""
    with _services() as services:
        rows = reports.export_csv(services, target, table=table, batch_id=batch)
    if as_json:
        show.as_json({"file": str(target), "rows": rows})
    else:
        show.out.print(f"{rows:,} rows written to {target}.", markup=False)


@app.command()
def demo(as_json: Json = False) -> None:
    """Write a small set of synthetic studies and import them, so that there is something to see."""
    with _services() as services:
        _print_import(services, services.start_demo(), as_json=as_json)


@app.command(hidden=True)
def work(job_id: str) -> None:
    """The background process of one job."""
    with _services() as services:
        services.work(job_id)


@contextmanager
def _services() -> Iterator[Services]:
    services = Services(load())
    try:
        yield services
    finally:
        services.close()


def _finished(job: Job) -> None:
    if job.status is not Status.FINISHED:
        raise DicomViewerError(f"{job.job_id} {job.status.value}. {job.message}")


def _print_scan(services: Services, scan_id: str, summary: dict[str, Any]) -> None:
    folders = reports.folder_table(services, scan_id)
    if not folders.empty:
        folders["size"] = folders["size"].map(show.size)
        show.table(folders, "By folder")
    for title, table in (
        ("Not imported, and why", reports.reason_table(services, scan_id)),
        ("Skipped", reports.skipped_table(services, scan_id)),
    ):
        if not table.empty:
            show.table(table, title)
    counts = " + ".join(f"{files:,} {word}" for word, files in summary["outcomes"].items())
    show.out.print(
        f"{summary['found']:,} files found = {counts or '0'}. {summary['patients']:,} patients, "
        f"{summary['studies']:,} studies, {summary['series']:,} series, {show.size(summary['bytes'])}, "
        f"{summary['seconds']:.1f} s.",
        markup=False,
    )
    _print_unread(summary)


def _print_unread(summary: dict[str, Any]) -> None:
    if unread := reports.unread_sentence(summary["unread_places"]):
        show.told.print(unread, style="red", markup=False)


def _print_plan(
    services: Services, folder: str, selection: Selection, options: dict[str, Any], *, as_json: bool
) -> None:
    scan_id = services.start_scan(folder, **options)
    _finished(show.follow(services, scan_id, quiet=as_json))
    problem = services.compare_problem(scan_id)
    if problem:
        raise DicomViewerError(problem)
    plan = services.plan(scan_id, selection)
    actions = {action.value: plan.files[action] for action in plan.files}
    sizes = {action.value: plan.bytes[action] for action in plan.bytes}
    if as_json:
        show.as_json({"scan_id": scan_id, "plan": actions, "bytes": sizes})
    else:
        said = ", ".join(f"{files:,} {word} ({show.size(sizes[word])})" for word, files in actions.items())
        show.out.print(f"Would import: {said or 'nothing'}. Nothing was sent.", markup=False)


def _print_started(batch_id: str, *, as_json: bool) -> None:
    if as_json:
        show.as_json({"batch_id": batch_id})
    else:
        show.out.print(f"{batch_id} runs in the background. See: progress {batch_id}", markup=False)


def _print_import(services: Services, batch_id: str, *, as_json: bool) -> None:
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
    _print_unread(reports.import_summary(services, job.job_id))
    if job.seconds and job.total:
        show.out.print(f"{job.job_id}: {job.seconds:.1f} s, {show.size(job.total_bytes or 0)}.", markup=False)
    if cache_problem:
        show.told.print(cache_problem, markup=False)


def _print_progress(job: Job) -> None:
    total = f" of {job.total:,}" if job.total is not None else ""
    show.out.print(f"{job.job_id}: {job.status.value}, {job.done:,}{total} files. {job.message}", markup=False)
    if job.total is not None:
        show.out.print(reports.sentence(job.counts, job.total), markup=False)


def _batch(job: Job) -> dict[str, Any]:
    return reports.progress_summary(job)


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
        tuple(reports.relative_folder(folder) for folder in folders or ()),
        tuple(modalities or ()),
        tuple(patient_ids or ()),
        _day(first),
        _day(last),
    )


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
