"""Tables about scans and batches for people: totals, by folder, file by file, by reason."""

from __future__ import annotations

from collections.abc import Iterator
from sqlite3 import Row

from dicomcore.journal.database import Journal
from dicomcore.journal.selection import condition
from dicomcore.model import TROUBLE, Selection

#: For ``IN (…)``.
WORDS_OF_TROUBLE = ", ".join(sorted(f"'{word.value}'" for word in TROUBLE))

LEVELS = """
    count(*) AS files,
    sum(kind = 'DICOM') AS dicom,
    coalesce(sum(size), 0) AS size,
    count(DISTINCT CASE WHEN kind = 'DICOM' THEN patient_id END) AS patients,
    count(DISTINCT CASE WHEN kind = 'DICOM' AND study_instance_uid <> '' THEN study_instance_uid END) AS studies,
    count(DISTINCT CASE WHEN kind = 'DICOM' AND series_instance_uid <> '' THEN series_instance_uid END) AS series
"""
MODALITIES = "group_concat(DISTINCT CASE WHEN modality <> '' THEN modality END) AS modalities"
FILES = """
    path, kind, reason, size, modality, patient_name, patient_id, patient_birth_date, study_date, study_description,
    series_number, series_description, instance_number, accession_number, sop_class_uid, transfer_syntax_uid,
    study_instance_uid, series_instance_uid, sop_instance_uid
"""


def scan_totals(journal: Journal, scan_id: str, selection: Selection | None = None) -> Row:
    """files, dicom, size (bytes), patients, studies, series of a scan or of a part of it."""
    where, values = condition(scan_id, selection or Selection())
    return journal.rows(f"SELECT {LEVELS} FROM files WHERE {where}", *values)[0]


def by_folder(journal: Journal, scan_id: str) -> list[Row]:
    """One row for each folder that holds files: folder, the columns of ``scan_totals``, modalities."""
    return journal.rows(
        f"SELECT folder, {LEVELS}, {MODALITIES} FROM files WHERE scan_id = ? GROUP BY folder ORDER BY folder", scan_id
    )


def by_kind(journal: Journal, scan_id: str) -> dict[str, int]:
    """Files by what the scan says of them."""
    found = journal.rows("SELECT kind, count(*) AS files FROM files WHERE scan_id = ? GROUP BY kind", scan_id)
    return {row["kind"]: row["files"] for row in found}


def file_page(journal: Journal, scan_id: str, kind: str = "", offset: int = 0, limit: int = 100) -> list[Row]:
    """Files of a scan in the order of their paths, of one kind or all, with their header fields."""
    return journal.rows(
        f"SELECT {FILES} FROM files WHERE scan_id = ? AND (? = '' OR kind = ?) ORDER BY folder, path LIMIT ? OFFSET ?",
        scan_id,
        kind,
        kind,
        limit,
        offset,
    )


def files_after(journal: Journal, scan_id: str, after: int, limit: int) -> list[Row]:
    """The next files of a scan, by folder and path: file_id, folder, and what ``file_page`` has; ``after`` is an id."""
    place = "AND (folder, path) > (SELECT folder, path FROM files WHERE file_id = ?)" if after else ""
    return journal.rows(
        f"SELECT file_id, folder, {FILES} FROM files WHERE scan_id = ? {place} ORDER BY folder, path LIMIT ?",
        *([scan_id, after] if after else [scan_id]),
        limit,
    )


def all_files(journal: Journal, scan_id: str) -> Iterator[Row]:
    """Every file of a scan, for a CSV."""
    return journal.stream(f"SELECT {FILES} FROM files WHERE scan_id = ? ORDER BY path", scan_id)


def not_dicom_reasons(journal: Journal, scan_id: str) -> list[Row]:
    """Why files are not DICOM or unreadable: kind, reason, files, one example path."""
    return journal.rows(
        "SELECT kind, reason, count(*) AS files, min(path) AS example FROM files "
        "WHERE scan_id = ? AND kind <> 'DICOM' GROUP BY kind, reason ORDER BY kind, files DESC",
        scan_id,
    )


def skipped(journal: Journal, scan_id: str, limit: int = 1_000) -> list[Row]:
    """Links, special files and unreadable folders of a scan: path, reason."""
    return journal.rows(
        "SELECT path, reason FROM skipped WHERE scan_id = ? ORDER BY unreadable DESC, path LIMIT ?", scan_id, limit
    )


def skipped_counts(journal: Journal, scan_id: str) -> tuple[int, int]:
    """How much was skipped, and how much of it are places that could not be read."""
    row = journal.rows(
        "SELECT count(*) AS skipped, coalesce(sum(unreadable), 0) AS unreadable FROM skipped WHERE scan_id = ?", scan_id
    )[0]
    return row["skipped"], row["unreadable"]


def all_skipped(journal: Journal, scan_id: str) -> Iterator[Row]:
    """Everything skipped, for a CSV."""
    return journal.stream("SELECT path, reason FROM skipped WHERE scan_id = ? ORDER BY path", scan_id)


def choices(journal: Journal, scan_id: str, column: str) -> list[Row]:
    """What a scan can be narrowed by: value and files; ``column`` is ``modality`` or ``patient_id``."""
    if column not in ("modality", "patient_id"):
        raise ValueError(column)
    return journal.rows(
        f"SELECT coalesce({column}, '') AS value, max(patient_name) AS name, count(*) AS files FROM files "
        f"WHERE scan_id = ? AND kind = 'DICOM' GROUP BY 1 ORDER BY files DESC, value",
        scan_id,
    )


def outcome_page(
    journal: Journal, batch_id: str, outcome: str = "", offset: int = 0, limit: int = 100, cause: str = ""
) -> list[Row]:
    """Files of a batch with what became of them: path, outcome, reason, other, size, md5, archive_id and more.

    ``outcome`` and ``cause`` (the key of one, for files that need a look) narrow it.
    """
    return journal.rows(
        f"{_OUTCOMES} AND ({OF_OUTCOME}) AND ({OF_CAUSE}) ORDER BY folder, path LIMIT ? OFFSET ?",
        batch_id,
        outcome,
        outcome,
        cause,
        cause,
        limit,
        offset,
    )


def outcomes_after(journal: Journal, batch_id: str, outcome: str, after: int, limit: int) -> list[Row]:
    """The next files of a batch by ``file_id``, which stays while outcomes change, with what ``outcome_page`` has."""
    return journal.rows(
        f"SELECT file_id, {_WHAT_BECAME} {_OF_BATCH} AND ({OF_OUTCOME}) AND file_id > ? ORDER BY file_id LIMIT ?",
        batch_id,
        outcome,
        outcome,
        after,
        limit,
    )


def all_outcomes(journal: Journal, batch_id: str) -> Iterator[Row]:
    """Every file of a batch with its outcome, for a CSV."""
    return journal.stream(f"{_OUTCOMES} ORDER BY path", batch_id)


def outcome_reasons(journal: Journal, batch_id: str) -> list[Row]:
    """Files that need no look, by outcome and reason: outcome, reason, files, one example path; most first."""
    return journal.rows(
        "SELECT outcome, outcomes.reason AS reason, count(*) AS files, min(path) AS example "
        "FROM outcomes JOIN files USING (file_id) WHERE batch_id = ? AND outcomes.reason <> '' "
        f"AND outcome NOT IN ({WORDS_OF_TROUBLE}) GROUP BY outcome, outcomes.reason ORDER BY files DESC",
        batch_id,
    )


OF_OUTCOME = "? = '' OR outcome = ?"
OF_CAUSE = f"? = '' OR (outcome IN ({WORDS_OF_TROUBLE}) AND cause_of(outcome, outcomes.reason) = ?)"

_WHAT_BECAME = """
    path, outcome, outcomes.reason AS reason, other, size, outcomes.md5 AS md5,
    outcomes.archive_id AS archive_id, modality, patient_name, patient_id, study_date,
    study_description, series_description, sop_instance_uid
"""
_OF_BATCH = "FROM outcomes JOIN files USING (file_id) WHERE batch_id = ?"
_OUTCOMES = f"SELECT {_WHAT_BECAME} {_OF_BATCH}"
