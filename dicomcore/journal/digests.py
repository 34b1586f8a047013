"""What a verification has read of the disk: every DICOM file from its first byte to its last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dicomcore.journal import outcomes
from dicomcore.journal.database import Journal
from dicomcore.model import FileFact, Verdict


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


def unread(journal: Journal, batch_id: str) -> Iterator[DicomFile]:
    """The DICOM files that were not read yet, in the order of their folders: the way of least seeking."""
    return _dicom_files(journal, batch_id, "outcome = 'pending' AND sha256 IS NULL")


def read(journal: Journal, batch_id: str) -> Iterator[DicomFile]:
    """Those that a former run of the verification has read, in the same order."""
    return _dicom_files(journal, batch_id, "sha256 IS NOT NULL")


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


def _dicom_files(journal: Journal, batch_id: str, condition: str) -> Iterator[DicomFile]:
    found = journal.stream(
        "SELECT file_id, path, size, mtime_ns, inode FROM files JOIN outcomes USING (file_id) "
        f"WHERE batch_id = ? AND {condition} ORDER BY folder, path",
        batch_id,
    )
    return (
        DicomFile(row["file_id"], FileFact(row["path"], row["size"], row["mtime_ns"], row["inode"])) for row in found
    )
