"""Folders that are imported by themselves."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import Any

from dicomcore.journal.database import Journal


@dataclass(frozen=True, slots=True)
class WatchedFolder:
    """A watched folder and how it was last seen. ``folder`` is its whole path; times are seconds since 1970, UTC.

    ``problem`` says why it cannot be watched just now, ``changing`` that it holds something new whose files have not
    stopped changing yet. ``files`` is how many it held when it was last seen with any, ``fingerprint`` tells whether
    they are those that the last import found.
    """

    folder: bytes
    created_by: str
    created_at: float
    quiet_seconds: float
    last_batch: str = ""
    problem: str = ""
    looked_at: float | None = None
    changing: bool = False
    files: int = 0
    fingerprint: str = ""


def add(journal: Journal, folder: bytes, quiet_seconds: float, by: str = "") -> WatchedFolder:
    """Watch a folder from now on; one that is watched already begins anew."""
    added = WatchedFolder(folder, by, time.time(), quiet_seconds)
    with journal.transaction() as writing:
        writing.execute("DELETE FROM watched_folders WHERE folder = ?", (folder,))
        writing.execute(
            "INSERT INTO watched_folders (folder, created_by, created_at, quiet_seconds) VALUES (?, ?, ?, ?)",
            (folder, by, added.created_at, quiet_seconds),
        )
    return added


def remove(journal: Journal, folder: bytes) -> bool:
    """Watch it no more; whether it was watched."""
    with journal.transaction() as writing:
        return writing.execute("DELETE FROM watched_folders WHERE folder = ?", (folder,)).rowcount > 0


def all_of(journal: Journal) -> list[WatchedFolder]:
    """All that are watched, in the order of their paths."""
    rows = journal.rows("SELECT * FROM watched_folders ORDER BY folder")
    names = [field.name for field in fields(WatchedFolder)]
    return [WatchedFolder(**{name: row[name] for name in names} | {"changing": bool(row["changing"])}) for row in rows]


def note(journal: Journal, folder: bytes, **columns: Any) -> None:
    """Write down how a folder was seen; nothing where it is watched no more."""
    names = ", ".join(f"{name} = ?" for name in columns)
    with journal.transaction() as writing:
        writing.execute(f"UPDATE watched_folders SET {names} WHERE folder = ?", (*columns.values(), folder))


def import_under_way(journal: Journal, folder: bytes) -> str:
    """The id of an import of this folder that is not over, a paused one too; empty where there is none."""
    found = journal.rows(
        "SELECT job_id FROM jobs JOIN batches ON batch_id = job_id JOIN scans USING (scan_id) "
        "WHERE kind = 'import' AND finished_at IS NULL AND root = ? ORDER BY created_at LIMIT 1",
        folder,
    )
    return str(found[0]["job_id"]) if found else ""
