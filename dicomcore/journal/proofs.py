"""Verifications: what was read of a folder, what an import had said of it before, and what the archive has besides."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from sqlite3 import Row

from dicomcore.journal import outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.files import Group
from dicomcore.model import Candidate, FileFact, Outcome, Verdict

MISSING = "kind = 'DICOM' AND outcome IN ('pending', 'conflict', 'rejected', 'quarantined', 'unreadable', 'vanished')"
VALUES_A_QUERY = 500


@dataclass(frozen=True, slots=True)
class DicomFile:
    """A DICOM file of a verification, as its scan saw it."""

    file_id: int
    fact: FileFact


@dataclass(frozen=True, slots=True)
class Digests:
    """What one file holds, read whole: MD5 and SHA-256 (hex)."""

    file_id: int
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Extra:
    """An instance in the archive that no file of the folder names."""

    archive_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    md5: str


@dataclass(frozen=True, slots=True)
class EarlierImport:
    """An import that had files of the same folder before it."""

    batch_id: str
    scan_id: str
    root: bytes


# ---- what was read


def begin(journal: Journal, batch_id: str, archive: str, program: str) -> None:
    """Note what a verification compares with; a verification that is taken up again names the archive of now."""
    with journal.transaction() as writing:
        writing.execute(
            "INSERT OR REPLACE INTO verifications (batch_id, archive, program) VALUES (?, ?, ?)",
            (batch_id, archive, program),
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


def unread(journal: Journal, batch_id: str) -> Iterator[DicomFile]:
    """The DICOM files that were not read yet, in the order of their folders: the way of least seeking."""
    return _dicom_files(journal, batch_id, "outcome = 'pending' AND sha256 IS NULL")


def read(journal: Journal, batch_id: str) -> Iterator[DicomFile]:
    """Those that a former run of the verification has read, in the same order."""
    return _dicom_files(journal, batch_id, "sha256 IS NOT NULL")


def _dicom_files(journal: Journal, batch_id: str, condition: str) -> Iterator[DicomFile]:
    found = journal.stream(
        "SELECT file_id, path, size, mtime_ns, inode FROM files JOIN outcomes USING (file_id) "
        f"WHERE batch_id = ? AND {condition} ORDER BY folder, path",
        batch_id,
    )
    return (
        DicomFile(row["file_id"], FileFact(row["path"], row["size"], row["mtime_ns"], row["inode"])) for row in found
    )


def left(journal: Journal, batch_id: str) -> tuple[int, int]:
    """How many files ``unread`` gives, and their bytes."""
    found = journal.rows(
        "SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM files JOIN outcomes USING (file_id) "
        "WHERE batch_id = ? AND outcome = 'pending' AND sha256 IS NULL",
        batch_id,
    )[0]
    return found["files"], found["bytes"]


def write_digests(journal: Journal, batch_id: str, read: Iterable[Digests]) -> None:
    """What some files hold: for the outcome, and for telling apart files that name the same instance."""
    digests = list(read)
    with journal.transaction() as writing:
        writing.executemany(
            "UPDATE outcomes SET md5 = ?, sha256 = ? WHERE batch_id = ? AND file_id = ?",
            [(one.md5, one.sha256, batch_id, one.file_id) for one in digests],
        )
        writing.executemany("UPDATE files SET md5 = ? WHERE file_id = ?", [(one.md5, one.file_id) for one in digests])


def forget_read(journal: Journal, batch_id: str, lost: list[Verdict]) -> None:
    """What was read of these files is not what is there now: they have these outcomes instead."""
    outcomes.write(journal, batch_id, lost)
    with journal.transaction() as writing:
        writing.executemany(
            "UPDATE outcomes SET sha256 = NULL WHERE batch_id = ? AND file_id = ?",
            [(batch_id, one.file_id) for one in lost],
        )


def write_archive_md5s(journal: Journal, found: Iterable[tuple[Group, str]]) -> None:
    """MD5 of what the archive has under the ids of some groups of files; empty for nothing."""
    with journal.transaction() as writing:
        writing.executemany(
            "UPDATE files SET archive_md5 = ? WHERE file_id = ?",
            [(md5, candidate.file_id) for group, md5 in found for candidate in group.candidates],
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


# ---- what is known of files whose id cannot be told


def receipt(journal: Journal, archive_key: str, path: bytes, md5: str) -> str | None:
    """The id that this archive gave to these bytes of this file (its whole path); None where it never got them."""
    found = journal.rows(
        "SELECT archive_id FROM receipts WHERE archive_key = ? AND path = ? AND md5 = ?", archive_key, path, md5
    )
    return found[0]["archive_id"] if found else None


# ---- what an import had said


def earlier_imports(journal: Journal, archive_key: str, root: bytes) -> list[EarlierImport]:
    """Imports into this archive from this folder, from one that it is in or one that is in it; newest first."""
    found = journal.rows(
        "SELECT batch_id, scan_id, root FROM batches JOIN jobs ON job_id = batch_id JOIN scans USING (scan_id) "
        "WHERE kind = 'import' AND archive_key = ? ORDER BY created_at DESC",
        archive_key,
    )
    imports = (EarlierImport(row["batch_id"], row["scan_id"], row["root"]) for row in found)
    return [one for one in imports if _below(one.root, root) is not None or _below(root, one.root) is not None]


def refusal(
    journal: Journal, imports: Sequence[EarlierImport], root: bytes, file: Candidate
) -> tuple[Outcome, str] | None:
    """Why the newest import that settled this file, with these bytes, did not bring it in: it was refused."""
    for one in imports:
        relative = _below(one.root, os.path.join(root, file.fact.path))
        if not relative:
            continue
        found = journal.rows(
            "SELECT outcome, outcomes.reason AS reason FROM files JOIN outcomes USING (file_id) WHERE scan_id = ? "
            "AND folder = ? AND path = ? AND batch_id = ? AND outcome <> 'pending' "
            "AND (outcomes.md5 = ? OR outcomes.md5 IS NULL AND size = ? AND mtime_ns = ?)",
            one.scan_id,
            os.path.dirname(relative),
            relative,
            one.batch_id,
            file.md5,
            file.fact.size,
            file.fact.mtime_ns,
        )
        if found:
            outcome = Outcome(found[0]["outcome"])
            refused = outcome in (Outcome.REJECTED, Outcome.QUARANTINED)
            return (outcome, found[0]["reason"]) if refused else None
    return None


# ---- what the archive has besides


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


# ---- what a certificate says


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


def _below(folder: bytes, path: bytes) -> bytes | None:
    """The path as seen from the folder: empty for the folder itself, None for what is not in it."""
    if path == folder:
        return b""
    start = folder.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)
    return path[len(start) :] if path.startswith(start) else None
