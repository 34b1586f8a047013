"""Verifications: what each compared with, which files the archive does not hold, and what it has besides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from sqlite3 import Row

from dicomcore.journal.database import Journal
from dicomcore.journal.files import Group

MISSING = "kind = 'DICOM' AND outcome IN ('pending', 'conflict', 'rejected', 'quarantined', 'unreadable', 'vanished')"
VALUES_A_QUERY = 500


@dataclass(frozen=True, slots=True)
class Extra:
    """An instance in the archive that no file of the folder names."""

    archive_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    md5: str


def begin(journal: Journal, batch_id: str, archive: str, program: str) -> None:
    """Note what a verification compares with; a verification that is taken up again names the archive of now."""
    with journal.transaction() as writing:
        writing.execute(
            "INSERT OR REPLACE INTO verifications (batch_id, archive, program) VALUES (?, ?, ?)",
            (batch_id, archive, program),
        )


def compare_anew(journal: Journal, batch_id: str) -> None:
    """Forget what a former run of this verification was told by the archive; what it has read of the disk stays."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE outcomes SET outcome = 'pending', reason = '', archive_id = NULL, other = NULL, proven = 0 "
            "WHERE batch_id = ? AND sha256 IS NOT NULL AND (outcome <> 'pending' OR reason <> '')",
            (batch_id,),
        )
        writing.execute("DELETE FROM extras WHERE batch_id = ?", (batch_id,))


def write_archive_md5s(journal: Journal, found: Iterable[tuple[Group, str]]) -> None:
    """MD5 of what the archive has under the ids of some groups of files; empty for nothing."""
    with journal.transaction() as writing:
        writing.executemany(
            "UPDATE files SET archive_md5 = ? WHERE file_id = ?",
            [(md5, candidate.file_id) for group, md5 in found for candidate in group.candidates],
        )


def studies(journal: Journal, batch_id: str) -> Iterator[str]:
    """The Study Instance UIDs that the files of a verification name."""
    found = journal.stream(
        "SELECT DISTINCT study_instance_uid FROM files JOIN outcomes USING (file_id) "
        "WHERE batch_id = ? AND kind = 'DICOM' AND study_instance_uid <> ''",
        batch_id,
    )
    return (row["study_instance_uid"] for row in found)


def unnamed(journal: Journal, batch_id: str, scan_id: str, archive_ids: Collection[str]) -> set[str]:
    """Those ids that no file of the folder names, whether it was selected or not."""
    predicted = _in_parts(
        journal, "SELECT identity AS id FROM files WHERE scan_id = ? AND identity IN", archive_ids, scan_id
    )
    found = _in_parts(
        journal, "SELECT archive_id AS id FROM outcomes WHERE batch_id = ? AND archive_id IN", archive_ids, batch_id
    )
    named = {row["id"] for rows in (predicted, found) for row in rows}
    return set(archive_ids) - named


def write_extras(journal: Journal, batch_id: str, extras: Iterable[Extra]) -> None:
    """Instances that only the archive has. They may come slowly: nobody waits for the journal meanwhile."""
    rows = [
        (batch_id, one.archive_id, one.study_instance_uid, one.series_instance_uid, one.sop_instance_uid, one.md5)
        for one in extras
    ]
    with journal.transaction() as writing:
        writing.executemany(
            "INSERT OR REPLACE INTO extras (batch_id, archive_id, study_instance_uid, series_instance_uid, "
            "sop_instance_uid, md5) VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )


def end(journal: Journal, batch_id: str) -> None:
    """Note what a verification has shown, so that nobody has to count again."""
    with journal.transaction() as writing:
        writing.execute(
            f"""
            UPDATE verifications SET
                missing = (SELECT count(*) FROM outcomes JOIN files USING (file_id) WHERE batch_id = :id AND {MISSING}),
                extra = (SELECT count(*) FROM extras WHERE batch_id = :id)
            WHERE batch_id = :id
            """,
            {"id": batch_id},
        )


def compared_with(journal: Journal, batch_id: str) -> tuple[str, str]:
    """Name and version of the archive, and the version of this program, at the time of a verification."""
    found = journal.rows("SELECT archive, program FROM verifications WHERE batch_id = ?", batch_id)
    return (found[0]["archive"], found[0]["program"]) if found else ("", "")


def missing_and_extra(journal: Journal, batch_id: str) -> tuple[int | None, int | None]:
    """DICOM files whose bytes the archive does not hold; instances that no file names. None before the end."""
    found = journal.rows("SELECT missing, extra FROM verifications WHERE batch_id = ?", batch_id)
    return (found[0]["missing"], found[0]["extra"]) if found else (None, None)


def lines(journal: Journal, batch_id: str, *, missing_only: bool = False, limit: int = -1) -> Iterator[Row]:
    """path, outcome, reason, other, sha256, md5, archive_md5, size, archive_id, sop_instance_uid of every file."""
    only = f"AND {MISSING}" if missing_only else ""
    return journal.stream(
        "SELECT path, outcome, outcomes.reason AS reason, other, sha256, outcomes.md5 AS md5, archive_md5, size, "
        "outcomes.archive_id AS archive_id, sop_instance_uid "
        f"FROM outcomes JOIN files USING (file_id) WHERE batch_id = ? {only} ORDER BY folder, path LIMIT ?",
        batch_id,
        limit,
    )


def extras(journal: Journal, batch_id: str, limit: int = -1) -> Iterator[Row]:
    """archive_id, study_instance_uid, series_instance_uid, sop_instance_uid, md5 of what only the archive has."""
    return journal.stream(
        "SELECT archive_id, study_instance_uid, series_instance_uid, sop_instance_uid, md5 FROM extras "
        "WHERE batch_id = ? ORDER BY study_instance_uid, series_instance_uid, sop_instance_uid, archive_id LIMIT ?",
        batch_id,
        limit,
    )


def unread_places(journal: Journal, scan_id: str) -> Iterator[Row]:
    """path and reason of the folders that could not be read."""
    return journal.stream(
        "SELECT path, reason FROM skipped WHERE scan_id = ? AND unreadable = 1 ORDER BY path", scan_id
    )


def of_folder(journal: Journal, root: bytes, limit: int) -> list[str]:
    """The ids of the verifications of a folder, newest first."""
    found = journal.rows(
        "SELECT batch_id FROM batches JOIN jobs ON job_id = batch_id JOIN scans USING (scan_id) "
        "WHERE kind = 'verify' AND root = ? ORDER BY created_at DESC LIMIT ?",
        root,
        limit,
    )
    return [row["batch_id"] for row in found]


def _in_parts(journal: Journal, question: str, values: Collection[int] | Collection[str], *first: str) -> list[Row]:
    wanted, rows = list(values), list[Row]()
    for start in range(0, len(wanted), VALUES_A_QUERY):
        some = wanted[start : start + VALUES_A_QUERY]
        rows += journal.rows(f"{question} ({', '.join('?' * len(some))})", *first, *some)
    return rows
