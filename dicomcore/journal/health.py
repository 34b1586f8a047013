"""Whether the journal's file is sound, for the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dicomcore.journal import jobs
from dicomcore.journal.database import Journal

#: Damage is named by this many of its lines.
MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class Health:
    """``damage``: what SQLite finds wrong with the file; ``orphans``: rows that point to rows that are not there.

    Sizes in bytes; ``wal_bytes`` is what still waits beside the file to be written into it.
    """

    damage: tuple[str, ...]
    orphans: int
    schema: int
    bytes: int
    wal_bytes: int


def health(journal: Journal) -> Health:
    """Read the file from beginning to end. Raises ``StoreError``."""
    said = [str(row[0]) for row in journal.rows(f"PRAGMA quick_check({MOST_LINES})")]
    return Health(
        damage=tuple(line for line in said if line != "ok"),
        orphans=len(journal.rows("PRAGMA foreign_key_check")),
        schema=journal.rows("SELECT max(number) FROM schema_migrations")[0][0],
        bytes=_size(journal.path),
        wal_bytes=_size(journal.path.with_name(f"{journal.path.name}-wal")),
    )


def newest_entry(journal: Journal) -> float | None:
    """When the journal was last written to by a job or in the audit, in seconds since 1970; None for a new one."""
    moments = "SELECT max(coalesce(finished_at, created_at)) AS at FROM jobs UNION ALL SELECT max(at) FROM audit"
    return max((row["at"] for row in journal.rows(moments) if row["at"] is not None), default=None)


def unfinished_jobs(journal: Journal) -> list[str]:
    """The ids of the jobs that a worker ought to have in hand; a scan that is part of an import is not one."""
    scanned = {row["scan_id"] for row in journal.rows("SELECT scan_id FROM batches")}
    return [job.job_id for job in jobs.unfinished(journal) if job.job_id not in scanned]


def paused_jobs(journal: Journal) -> int:
    """How many scans and imports wait for somebody to say ``resume``."""
    return int(journal.rows("SELECT count(*) FROM jobs WHERE status = 'paused'")[0][0])


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
