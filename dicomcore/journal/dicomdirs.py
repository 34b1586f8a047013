"""The DICOMDIRs of a scan, and where they do not agree with their folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from sqlite3 import Row

from dicomcore.journal.database import Journal
from dicomcore.model import FileFact

LISTED_BUT_MISSING = "listed but missing"
THERE_BUT_NOT_LISTED = "there but not listed"


def found(journal: Journal, scan_id: str) -> list[FileFact]:
    """The DICOMDIRs of a scan, in the order of their paths."""
    rows = journal.rows(
        "SELECT path, size, mtime_ns, inode FROM files WHERE scan_id = ? AND kind = 'DICOMDIR' ORDER BY path", scan_id
    )
    return [FileFact(*row) for row in rows]


def below(journal: Journal, scan_id: str, start: bytes, folder: bytes) -> Iterator[tuple[bytes, bool]]:
    """Path and whether it is DICOM of every file whose path begins with ``start``, which stands in ``folder``."""
    rows = journal.stream(
        "SELECT path, kind = 'DICOM' AS is_dicom FROM files WHERE scan_id = ? "
        "AND ((folder = ? AND path >= ? AND path < ?) OR (folder >= ? AND folder < ?))",
        scan_id,
        folder,
        start,
        _behind(start),
        start,
        _behind(start),
    )
    return ((row["path"], bool(row["is_dicom"])) for row in rows if row["path"].startswith(start))


def unread_places(journal: Journal, scan_id: str) -> list[bytes]:
    """Folders that could not be read: nobody knows what is missing in them."""
    rows = journal.rows("SELECT path FROM skipped WHERE scan_id = ? AND unreadable = 1", scan_id)
    return [row["path"] for row in rows]


def forget(journal: Journal, scan_id: str) -> None:
    """Drop what an interrupted run has written."""
    with journal.transaction() as writing:
        writing.execute("DELETE FROM dicomdirs WHERE scan_id = ?", (scan_id,))
        writing.execute("DELETE FROM dicomdir_differences WHERE scan_id = ?", (scan_id,))


def write(
    journal: Journal,
    scan_id: str,
    path: bytes,
    differences: Iterable[tuple[bytes, str]] = (),
    *,
    listed: int = 0,
    missing: int = 0,
    unlisted: int = 0,
    problem: str = "",
) -> None:
    """One DICOMDIR that was compared, or why it was not."""
    with journal.transaction() as writing:
        writing.execute(
            "INSERT INTO dicomdirs (scan_id, path, listed, missing, unlisted, problem) VALUES (?, ?, ?, ?, ?, ?)",
            (scan_id, path, listed, missing, unlisted, problem),
        )
        writing.executemany(
            "INSERT INTO dicomdir_differences (scan_id, dicomdir, path, difference) VALUES (?, ?, ?, ?)",
            ((scan_id, path, other, difference) for other, difference in differences),
        )


def of_scan(journal: Journal, scan_id: str) -> list[Row]:
    """path, listed, missing, unlisted, problem of each DICOMDIR."""
    return journal.rows(
        "SELECT path, listed, missing, unlisted, problem FROM dicomdirs WHERE scan_id = ? ORDER BY path", scan_id
    )


def differences(journal: Journal, scan_id: str, limit: int) -> list[Row]:
    """dicomdir, path, difference; what is missing first."""
    return journal.rows(
        "SELECT dicomdir, path, difference FROM dicomdir_differences WHERE scan_id = ? "
        "ORDER BY dicomdir, difference, path LIMIT ?",
        scan_id,
        limit,
    )


def missing(journal: Journal, scan_id: str) -> Iterator[Row]:
    """path, dicomdir of every file that is listed and not there."""
    return journal.stream(
        "SELECT path, dicomdir FROM dicomdir_differences WHERE scan_id = ? AND difference = ? ORDER BY dicomdir, path",
        scan_id,
        LISTED_BUT_MISSING,
    )


def _behind(start: bytes) -> bytes:
    """The first path behind all that begin so; every path begins with the empty one."""
    return start[:-1] + bytes([start[-1] + 1]) if start else b"\xff" * 8
