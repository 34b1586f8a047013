"""Scans and batches as people read them: tables, sums in one sentence, CSV. For the pages and the command line."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from sqlite3 import Row
from typing import Any

import pandas as pd

from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.errors import UsageError
from dicomcore.journal import alarms, audit, backups, history, jobs, reports
from dicomcore.model import TROUBLE, Job, Kind, Outcome, Status
from dicomcore.owner_only import owner_only
from dicomcore.person_name import person_name
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.visitor import this_user
from dicomcore.wording import counted

#: What a spreadsheet would run as a formula when it begins a cell.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

FILES_THAT_TELL_A_SPEED = 50

#: So many lines of patients are written as CSV at once.
MOST_PATIENTS = 200_000


def folder_table(services: Services, scan_id: str) -> pd.DataFrame:
    """One row per sub-folder: folder, files, dicom, size (bytes), patients, studies, series, modalities."""
    table = _frame(reports.by_folder(services.journal, scan_id))
    if not table.empty:
        table["folder"] = [printable(folder) or "." for folder in table["folder"]]
        table["modalities"] = [", ".join(sorted((found or "").split(","))).strip(", ") for found in table["modalities"]]
    return table


def folders(services: Services, scan_id: str) -> list[bytes]:
    """The sub-folders that hold files, as they are on disk, for narrowing an import."""
    return [row["folder"] for row in reports.by_folder(services.journal, scan_id)]


def choices(services: Services, scan_id: str, column: str) -> pd.DataFrame:
    """What a scan can be narrowed by, most files first: value, name, files; ``modality`` or ``patient_id``."""
    table = _frame(reports.choices(services.journal, scan_id, column))
    if not table.empty:
        table["name"] = [person_name(name or "") for name in table["name"]]
    return table


def speed_before(services: Services) -> float | None:
    """Files a second of the newest import that stored enough to tell; None where there is none."""
    for job in services.batches(10):
        stored = job.counts.get(Outcome.STORED, 0)
        if job.status is Status.FINISHED and job.seconds and stored >= FILES_THAT_TELL_A_SPEED:
            return stored / job.seconds
    return None


def file_table(services: Services, scan_id: str, kind: str = "", page: int = 1, per_page: int = 100) -> pd.DataFrame:
    """A page of the files of a scan with what they are and their header fields; pages count from 1."""
    return _files(reports.file_page(services.journal, scan_id, kind, (page - 1) * per_page, per_page))


def outcome_table(
    services: Services, batch_id: str, outcome: str = "", page: int = 1, per_page: int = 100, cause: str = ""
) -> pd.DataFrame:
    """A page of the files of a batch with what became of them; pages count from 1, ``cause`` is the key of one."""
    return _files(reports.outcome_page(services.journal, batch_id, outcome, (page - 1) * per_page, per_page, cause))


def files_after(services: Services, scan_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """For programs: the next files of a scan after the one of the id ``after`` (0: from the beginning), by folder.

    Header fields are as the files have them. ``path`` is whole, ``folder`` is below the root.
    """
    root = jobs.scan(services.journal, scan_id).root
    rows = reports.files_after(services.journal, scan_id, after, limit)
    return [_for_programs(row, root) | {"folder": printable(row["folder"])} for row in rows]


def outcomes_after(services: Services, batch_id: str, outcome: str, after: int, limit: int) -> list[dict[str, Any]]:
    """For programs: the next files of a batch, as ``files_after``, with what became of them; all, or of one outcome."""
    root = services.job(batch_id).root
    rows = reports.outcomes_after(services.journal, batch_id, outcome, after, limit)
    return [_for_programs(row, root) | {"other": printable(row["other"] or b"")} for row in rows]


def reason_table(services: Services, scan_id: str) -> pd.DataFrame:
    """What is not DICOM or could not be read, and why: kind, reason, files, example."""
    return _with_example(_frame(reports.not_dicom_reasons(services.journal, scan_id)))


def outcome_reasons(services: Services, batch_id: str) -> pd.DataFrame:
    """Outcomes that need no look but have a reason, grouped: outcome, reason, files, example."""
    return _with_example(_frame(reports.outcome_reasons(services.journal, batch_id)))


def skipped_table(services: Services, scan_id: str) -> pd.DataFrame:
    """Links, special files and unreadable folders: path, reason."""
    table = _frame(reports.skipped(services.journal, scan_id))
    if not table.empty:
        table["path"] = [printable(path) for path in table["path"]]
    return table


def scan_summary(services: Services, scan_id: str) -> dict[str, Any]:
    """root, found, outcomes, patients, studies, series, bytes, seconds, skipped, unread_places of a scan."""
    scan, totals = jobs.scan(services.journal, scan_id), reports.scan_totals(services.journal, scan_id)
    kinds = reports.by_kind(services.journal, scan_id)
    skipped, unread = reports.skipped_counts(services.journal, scan_id)
    return {
        "root": printable(scan.root),
        "found": totals["files"],
        "outcomes": {kind.value: kinds[kind] for kind in Kind if kind in kinds},
        "patients": totals["patients"],
        "studies": totals["studies"],
        "series": totals["series"],
        "bytes": totals["size"],
        "seconds": round(scan.scan_seconds or 0.0, 3),
        "skipped": skipped,
        "unread_places": unread,
    }


def import_summary(services: Services, batch_id: str) -> dict[str, Any]:
    """batch_id, status, found, outcomes, bytes, seconds of a batch; ``decided`` of its conflicts need no look."""
    job = services.job(batch_id)
    skipped, unread = reports.skipped_counts(services.journal, job.scan_id)
    return {
        "batch_id": batch_id,
        "status": job.status.value,
        "found": job.total if job.total is not None else sum(job.counts.values()),
        "outcomes": dict(job.counts),
        "decided": history.decided(services.journal, [batch_id]).get(batch_id, 0),
        "bytes": job.total_bytes or 0,
        "seconds": round(job.seconds or 0.0, 3),
        "skipped": skipped,
        "unread_places": unread,
        "alarm": alarms.of_batch(services.journal, batch_id),
        "backup": backups.summary(services.journal, batch_id),
        "message": job.message,
    }


def progress_summary(job: Job) -> dict[str, Any]:
    """An import as it stands: what the command line and other programs are told of it."""
    return {
        "batch_id": job.job_id,
        "status": job.status.value,
        "folder": printable(job.root),
        "total": job.total,
        "current": job.done,
        "progress": percent(job),
        "outcomes": dict(job.counts),
        "files_per_s": job.files_per_second,
        "eta_s": job.seconds_left,
        "message": job.message,
    }


def percent(job: Job) -> int:
    """How far a job has come; 100 only when nothing is left to do, for there are programs that wait for it."""
    if job.status is Status.FINISHED:
        return 100
    return min(99, 100 * job.done // job.total) if job.total else 0


def relative_folder(text: str) -> bytes:
    """A sub-folder as people type it, as the scan knows it."""
    return os.fsencode(os.path.normpath(text)).removeprefix(b"." + os.fsencode(os.sep)).removesuffix(b".")


def export_csv(services: Services, target: Path, *, table: str, batch_id: str) -> int:
    """Write a cached table, or a batch's outcomes, as CSV; returns the rows. Raises ``UsageError``."""
    if batch_id:
        services.job(batch_id)
        lines = outcome_csv(services, batch_id)
    else:
        found = queries.whole_table(services.cache, table).drop(columns="search_text", errors="ignore")
        lines = iter(noted_csv(services, found, table).splitlines(keepends=True))
    try:
        with open(target, "w", encoding="utf-8", newline="", opener=owner_only) as out:
            written = sum(1 for line in lines if out.write(line))
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.") from error
    return max(written - 1, 0)


def is_trouble(summary: Mapping[str, Any]) -> bool:
    """Whether a person has something to look at in a scan or an import: the exit code is then 1."""
    told = summary["unread_places"] or summary.get("alarm") or backups.is_trouble(summary.get("backup"))
    files = sum(summary["outcomes"].get(word.value, 0) for word in TROUBLE)
    return bool(told) or files > summary.get("decided", 0)


def unread_sentence(unread_places: int) -> str:
    """What to say of places that could not be read; empty where there are none."""
    if not unread_places:
        return ""
    folders = counted(unread_places, "folder")
    return f"{folders} could not be read: what is in there was not counted. See Skipped for the reasons."


def sentence(outcomes: Mapping[str, int], found: int) -> str:
    """``1,296 files found = 1,115 stored + … . Unaccounted for: 0.``"""
    parts = [f"{outcomes[word]:,} {word.value}" for word in Outcome if outcomes.get(word)]
    unaccounted = found - sum(outcomes.values())
    return f"{counted(found, 'file')} found = {' + '.join(parts) or '0'}. Unaccounted for: {unaccounted:,}."


def file_csv(services: Services, scan_id: str) -> Iterator[str]:
    """Every file of a scan, then what was skipped, as CSV, line by line. Noted as an export."""
    note_export(services, scan_id, files=services.job(scan_id).total or 0)
    yield from _csv(reports.all_files(services.journal, scan_id))
    yield from _skipped_csv(services, scan_id)


def outcome_csv(services: Services, batch_id: str) -> Iterator[str]:
    """Every file of a batch with its outcome, then what was skipped, as CSV, line by line. Noted as an export."""
    note_export(services, batch_id, files=services.job(batch_id).total or 0)
    yield from _csv(reports.all_outcomes(services.journal, batch_id))
    yield from _skipped_csv(services, services.job(batch_id).scan_id)


def frame_csv(table: pd.DataFrame) -> str:
    """A table as CSV (RFC 4180); cells that a spreadsheet would take for a formula are made text.

    With these line ends a cell that holds one of them is quoted: what follows it begins no line of its own.
    """
    safe = table.map(lambda cell: _cell(cell) if isinstance(cell, str) else cell)
    safe.columns = [_cell(name) for name in table.columns]  # a query can make names of columns out of values
    return str(safe.to_csv(index=False, lineterminator="\r\n"))


def noted_csv(services: Services, table: pd.DataFrame, what: str) -> str:
    """A table that is taken away, as ``frame_csv`` writes it; ``what`` it is of stands in the audit."""
    note_export(services, what, rows=len(table))
    return frame_csv(table)


def note_export(services: Services, what: str, **how_many: int) -> None:
    """Whoever asks takes something away: the kind of table, or the id of what it is of."""
    audit.note(services.journal, this_user(), "export", what, **how_many)


def patients_csv(services: Services, wanted: PatientFilter, sort: str, descending: bool) -> str:
    """The patients that fit, on all pages together but at most ``MOST_PATIENTS``, as CSV. Noted as an export."""
    found = queries.search_patients(services.cache, wanted, 1, MOST_PATIENTS, sort, descending)
    return noted_csv(services, found.rows, "patients")


def csv_line(values: Iterable[Any]) -> str:
    """One line of CSV; what a spreadsheet would run as a formula is made text, paths are made printable."""
    return _line(_cell(value) for value in values)


def _skipped_csv(services: Services, scan_id: str) -> Iterator[str]:
    """Both lists begin with a path, what it is, and why."""
    for row in reports.all_skipped(services.journal, scan_id):
        yield _line([_cell(row["path"]), "skipped", _cell(row["reason"])])


def _csv(rows: Iterable[Any]) -> Iterator[str]:
    header = False
    for row in rows:
        if not header:
            yield _line(row.keys())
            header = True
        yield _line(_cell(value) for value in row)


def _line(values: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()


def _cell(value: Any) -> str:
    text = printable(value) if isinstance(value, bytes) else "" if value is None else str(value)
    text = text.encode("utf-8", "replace").decode("utf-8")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _files(rows: list[Any]) -> pd.DataFrame:
    table = _frame(rows)
    if not table.empty:
        for column in {"path", "other"} & set(table.columns):
            table[column] = [printable(path) if path else "" for path in table[column]]
        table["patient_name"] = [person_name(name or "") for name in table["patient_name"]]
    return table


def _for_programs(row: Row, root: bytes) -> dict[str, Any]:
    """A member of a container has the name that it has in there."""
    path: bytes = row["path"]
    name = os.path.basename(path.rpartition(b"\0")[2])
    return dict(row) | {"path": printable(os.path.join(root, path)), "name": printable(name)}


def _with_example(table: pd.DataFrame) -> pd.DataFrame:
    if not table.empty:
        table["example"] = [printable(path) for path in table["example"]]
    return table


def _frame(rows: list[Any]) -> pd.DataFrame:
    """Missing text is empty text: pandas would make a number, NaN, of it."""
    return pd.DataFrame([{name: "" if value is None else value for name, value in dict(row).items()} for row in rows])
