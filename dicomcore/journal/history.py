"""All imports and verifications there have ever been, and why files of one of them did not arrive."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from sqlite3 import Row

from dicomcore.journal.alarms import ALARM
from dicomcore.journal.database import Journal
from dicomcore.journal.reports import WORDS_OF_TROUBLE

BATCHES = """
    FROM jobs JOIN batches ON batches.batch_id = jobs.job_id JOIN scans ON scans.scan_id = batches.scan_id
"""
#: What words are looked for in. A verification is found by that word, too.
TEXT = """
    jobs.job_id || ' ' || CAST(scans.root AS TEXT) || ' ' || jobs.created_by || ' ' || jobs.status || ' ' ||
    CASE jobs.kind WHEN 'verify' THEN 'verification' ELSE jobs.kind END
"""
#: Files in conflict that a person has decided about: they need no look any more.
DECIDED = """
    FROM decisions JOIN outcomes USING (batch_id, file_id) WHERE decision = 'keep' AND done AND outcome = 'conflict'
"""
#: Files that need a look, folders that could not be read, or a failure of the whole. What still runs is no trouble.
IN_TROUBLE = f"""
    {ALARM} <> '' OR batches.backup_problem <> '' OR jobs.status IN ('failed', 'paused')
    OR (jobs.status IN ('finished', 'cancelled') AND (
        EXISTS (SELECT 1 FROM json_each(jobs.counts) WHERE key IN ({WORDS_OF_TROUBLE}) AND value >
            CASE key WHEN 'conflict' THEN (SELECT count(*) {DECIDED} AND batch_id = jobs.job_id) ELSE 0 END)
        OR EXISTS (SELECT 1 FROM skipped WHERE skipped.scan_id = scans.scan_id AND unreadable)))
"""


def find(
    journal: Journal,
    words: str = "",
    first: date | None = None,
    last: date | None = None,
    *,
    trouble: bool = False,
    offset: int = 0,
    limit: int = 25,
) -> tuple[list[str], int]:
    """A page of the ids of those that fit, newest first, and how many fit.

    Every word must be in the folder, the id, who asked, the status or the kind; the days are inclusive, in UTC.
    """
    conditions, values = ["1"], list[str | float]()
    for word in words.split():
        conditions.append(f"{TEXT} LIKE ? ESCAPE '\\'")
        values.append(f"%{_letter_by_letter(word)}%")
    if first:
        conditions.append("jobs.created_at >= ?")
        values.append(_midnight(first))
    if last:
        conditions.append("jobs.created_at < ?")
        values.append(_midnight(last + timedelta(1)))
    if trouble:
        conditions.append(f"({IN_TROUBLE})")
    where = f"{BATCHES} WHERE {' AND '.join(conditions)}"
    total = journal.rows(f"SELECT count(*) {where}", *values)[0][0]
    newest = "ORDER BY jobs.created_at DESC, jobs.job_id DESC LIMIT ? OFFSET ?"
    return [row[0] for row in journal.rows(f"SELECT jobs.job_id {where} {newest}", *values, limit, offset)], total


def needs_a_look(journal: Journal, batch_id: str) -> bool:
    """Whether a person has something to look at in an import or a verification; one that still runs has nothing."""
    return bool(journal.rows(f"SELECT 1 {BATCHES} WHERE jobs.job_id = ? AND ({IN_TROUBLE})", batch_id))


def decided(journal: Journal, batch_ids: list[str]) -> dict[str, int]:
    """How many files in conflict a person has decided about, by batch; those without are left out."""
    marks = ", ".join("?" * len(batch_ids))
    found = journal.rows(
        f"SELECT batch_id, count(*) AS files {DECIDED} AND batch_id IN ({marks}) GROUP BY batch_id", *batch_ids
    )
    return {row["batch_id"]: row["files"] for row in found}


def replaced(journal: Journal, batch_id: str) -> int:
    """How many versions of the archive have been replaced by files of a batch."""
    found = journal.rows(
        "SELECT count(*) FROM decisions WHERE batch_id = ? AND decision = 'replace' AND done AND backup <> ''", batch_id
    )
    return int(found[0][0])


def causes(journal: Journal, batch_id: str) -> list[Row]:
    """Files that need a look, by the key of their cause: cause, files, and of one of them outcome, reason and path."""
    return journal.rows(
        f"""
        SELECT cause, files, outcome, outcomes.reason AS reason, path
        FROM (
            SELECT cause_of(outcome, reason) AS cause, count(*) AS files, min(file_id) AS file_id
            FROM outcomes WHERE batch_id = ?1 AND outcome IN ({WORDS_OF_TROUBLE}) GROUP BY cause
        ) AS grouped JOIN outcomes ON outcomes.batch_id = ?1 AND outcomes.file_id = grouped.file_id
        JOIN files ON files.file_id = grouped.file_id ORDER BY files DESC, cause
        """,
        batch_id,
    )


def proven(journal: Journal, batch_id: str) -> tuple[int, int]:
    """Files whose bytes were read back from the archive and are the file's, of how many that this batch put there."""
    row = journal.rows(
        "SELECT coalesce(sum(proven), 0) AS proven, count(*) AS files FROM outcomes "
        "WHERE batch_id = ? AND outcome IN ('stored', 'duplicate')",
        batch_id,
    )[0]
    return row["proven"], row["files"]


def may_be_retried(journal: Journal, batch_id: str) -> int:
    """How many files failed after the scan, so that they can be tried again without another one."""
    found = journal.rows(
        "SELECT count(*) FROM outcomes JOIN files USING (file_id) WHERE batch_id = ? AND files.kind = 'DICOM' "
        "AND outcome IN ('rejected', 'quarantined', 'unreadable', 'vanished')",
        batch_id,
    )
    return int(found[0][0])


def _letter_by_letter(word: str) -> str:
    """``%`` and ``_`` are letters here."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
