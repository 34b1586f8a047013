"""The files of a scan: writing what was found, and what the plan has to know of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, fields
from itertools import groupby
from sqlite3 import Row

from dicomcore.journal.database import Journal
from dicomcore.journal.selection import condition
from dicomcore.model import Candidate, FileFact, Header, Identity, Kind, ScannedFile, Selection, Skipped

#: Header fields that are columns of ``files``; the others are the archive's business.
TOLD = tuple(
    field.name
    for field in fields(Header)
    if field.name
    in {
        "transfer_syntax_uid",
        "sop_class_uid",
        "sop_instance_uid",
        "study_date",
        "accession_number",
        "modality",
        "study_description",
        "series_description",
        "patient_name",
        "patient_id",
        "patient_birth_date",
        "study_instance_uid",
        "series_instance_uid",
        "series_number",
        "instance_number",
        "specific_character_set",
        "image_position_patient",
        "image_orientation_patient",
    }
)
COLUMNS = (
    "scan_id",
    "path",
    "folder",
    "size",
    "mtime_ns",
    "inode",
    "kind",
    "reason",
    "identity",
    "archive_id",
    *TOLD,
)
INSERT = f"INSERT INTO files ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"

Predict = Callable[[Identity], str | None]


@dataclass(frozen=True, slots=True)
class Names:
    """What an instance is called, as text."""

    patient_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class Group:
    """Files that name the same instance, in byte order of their paths, and what the archive has under its id.

    ``archive_md5``: MD5 there, ``""`` if the archive has nothing, None where it could not be asked.
    """

    archive_id: str | None
    archive_md5: str | None
    candidates: tuple[Candidate, ...]
    names: Names | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing one file with the archive has shown."""

    file_id: int
    archive_id: str | None
    md5: str | None
    archive_md5: str | None


def write_found(journal: Journal, scan_id: str, found: Iterable[ScannedFile | Skipped], predict: Predict) -> None:
    """One chunk of a scan, in one transaction."""
    files, skipped = [], []
    for thing in found:
        if isinstance(thing, Skipped):
            skipped.append((scan_id, thing.path, thing.reason, thing.unreadable))
        else:
            files.append(_row(scan_id, thing, predict))
    with journal.transaction() as writing:
        writing.executemany(INSERT, files)
        writing.executemany("INSERT INTO skipped VALUES (?, ?, ?, ?)", skipped)


def forget(journal: Journal, scan_id: str) -> None:
    """Begin a scan anew: drop what an interrupted run has written."""
    with journal.transaction() as writing:
        writing.execute(
            "DELETE FROM outcomes WHERE file_id IN (SELECT file_id FROM files WHERE scan_id = ?)", (scan_id,)
        )
        writing.execute("DELETE FROM files WHERE scan_id = ?", (scan_id,))
        writing.execute("DELETE FROM skipped WHERE scan_id = ?", (scan_id,))


def groups(
    journal: Journal, scan_id: str, selection: Selection, pending_in: str | None = None
) -> Generator[Group, None, None]:
    """The selected DICOM files by the instance they name; a file nobody could parse is a group of its own.

    ``pending_in``: a batch; only files that are still pending there.
    """
    where, values = condition(scan_id, selection)
    if pending_in is not None:
        where += " AND file_id IN (SELECT file_id FROM outcomes WHERE batch_id = ? AND outcome = 'pending')"
        values.append(pending_in)
    named = journal.stream(
        f"SELECT * FROM files WHERE {where} AND kind = 'DICOM' AND identity IS NOT NULL "
        f"ORDER BY {_order(journal, scan_id)}identity, path",
        *values,
    )
    for _, rows in groupby(named, key=lambda row: row["identity"]):
        yield _group(list(rows))
    nameless = journal.stream(
        f"SELECT * FROM files WHERE {where} AND kind = 'DICOM' AND identity IS NULL ORDER BY path", *values
    )
    for row in nameless:
        yield _group([row])


def _order(journal: Journal, scan_id: str) -> str:
    """Where containers are opened, one after the other: else each would be opened again for every member."""
    opened = journal.rows("SELECT 1 FROM scans WHERE scan_id = ? AND containers = 1", scan_id)
    return "min(path) OVER (PARTITION BY identity), " if opened else ""


def write_compared(journal: Journal, compared: Iterable[Compared]) -> None:
    """What comparing has shown, for a chunk of files."""
    with journal.transaction() as writing:
        writing.executemany(
            "UPDATE files SET archive_id = ?, md5 = coalesce(?, md5), archive_md5 = ? WHERE file_id = ?",
            [(row.archive_id, row.md5, row.archive_md5, row.file_id) for row in compared],
        )


def use_receipts(journal: Journal, scan_id: str, root: bytes, archive_key: str) -> None:
    """Files that match their receipt by size, mtime and inode take MD5 and archive id from it, unread.

    What another comparison has said of the archive is forgotten: it may have been another archive, or long ago.
    """
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE files SET archive_md5 = NULL, "
            "archive_id = CASE WHEN identity LIKE 'raw-%' OR identity IS NULL THEN NULL ELSE archive_id END "
            "WHERE scan_id = ?",
            (scan_id,),
        )
        writing.execute(
            """
            UPDATE files SET md5 = receipts.md5, archive_md5 = receipts.md5, archive_id = receipts.archive_id
            FROM receipts
            WHERE files.scan_id = ? AND receipts.archive_key = ?
              AND receipts.path = whole_path(?, files.path)
              AND receipts.size = files.size AND receipts.mtime_ns = files.mtime_ns
              AND receipts.inode = files.inode
            """,
            (scan_id, archive_key, root),
        )


def write_receipts(journal: Journal, batch_id: str, root: bytes, archive_key: str) -> None:
    """A receipt for every file of a batch whose bytes the archive was shown to hold.

    Older receipts that speak of other bytes under the same id are void: the archive holds these now.
    """
    with journal.transaction() as writing:
        writing.execute(
            """
            DELETE FROM receipts WHERE (archive_key, path) IN (
                SELECT old.archive_key, old.path FROM outcomes
                CROSS JOIN receipts AS old INDEXED BY receipts_by_id
                WHERE batch_id = :batch AND proven = 1 AND old.archive_key = :key
                  AND old.archive_id = outcomes.archive_id AND old.md5 <> outcomes.md5)
            """,
            {"key": archive_key, "batch": batch_id},
        )
        writing.execute(
            """
            INSERT OR REPLACE INTO receipts
            SELECT ?, whole_path(?, path), size, mtime_ns, inode, outcomes.md5, outcomes.archive_id
            FROM outcomes JOIN files USING (file_id)
            WHERE batch_id = ? AND proven = 1
            """,
            (archive_key, root, batch_id),
        )


def _row(scan_id: str, file: ScannedFile, predict: Predict) -> tuple[object, ...]:
    fact, header = file.fact, file.header
    told = tuple(getattr(header, name) for name in TOLD) if header else (None,) * len(TOLD)
    identity = archive_id = None
    if header and file.kind is Kind.DICOM:
        archive_id = predict(header.identity)
        identity = archive_id or _raw_identity(header)
    where = (scan_id, fact.path, os.path.dirname(fact.path), fact.size, fact.mtime_ns, fact.inode)
    return (*where, file.kind, file.reason, identity, archive_id, *told)


def _raw_identity(header: Header) -> str:
    """Where no id can be predicted, equal raw values name the same instance all the same."""
    parts = header.identity
    raw = (
        parts.patient_id,
        parts.study_instance_uid,
        parts.series_instance_uid,
        parts.sop_instance_uid,
        header.specific_character_set,
        parts.patient_id_vr,
    )
    return "raw-" + hashlib.sha1(repr(raw).encode(), usedforsecurity=False).hexdigest()


def _group(rows: list[Row]) -> Group:
    files = tuple(_candidate(row) for row in rows)
    known = max(rows, key=lambda row: (bool(row["archive_md5"]), bool(row["archive_id"])))
    return Group(known["archive_id"], known["archive_md5"], files, _names(known))


def _names(row: Row) -> Names | None:
    """None for a file that no parser could read."""
    if row["identity"] is None:
        return None
    return Names(*(row[field.name] or "" for field in fields(Names)))


def _candidate(row: Row) -> Candidate:
    fact = FileFact(row["path"], row["size"], row["mtime_ns"], row["inode"])
    return Candidate(row["file_id"], fact, row["md5"])
