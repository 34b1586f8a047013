"""Background jobs in the journal: a scan or an import each, and how far it has come."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Row
from typing import Any, Literal

from dicomcore import logs
from dicomcore.errors import UnknownBatch
from dicomcore.journal import audit
from dicomcore.journal.database import Journal
from dicomcore.journal.selection import as_json, from_json
from dicomcore.model import Job, Scan, Selection, Status

log = logs.logger(__name__)

JOBS = """
    SELECT jobs.*, scans.scan_id, scans.root, coalesce(batches.seconds_before, 0) AS seconds_before FROM jobs
    LEFT JOIN batches ON batches.batch_id = jobs.job_id
    JOIN scans ON scans.scan_id = coalesce(batches.scan_id, jobs.job_id)
"""


def create_scan(
    journal: Journal,
    root: Path,
    *,
    recursive: bool = True,
    follow_links: bool = False,
    compare: bool = True,
    roots: Sequence[Path] = (),
    containers: bool = False,
    by: str = "",
) -> str:
    """A new scan, queued; returns its id, ``SCAN_YYYYMMDD_HHMMSS_xxxxxx``.

    ``compare``: ask the archive afterwards which of the files it has, for the plan. ``roots``: the folders
    that links must not lead out of. ``containers``: look into ZIP, tar and gzip files.
    """
    scan_id = _new_id("SCAN")
    with journal.transaction() as writing:
        _insert_job(writing, scan_id, "scan", by)
        writing.execute(
            "INSERT INTO scans (scan_id, root, recursive, follow_links, compare, roots, containers) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (scan_id, os.fsencode(root), recursive, follow_links, compare, _as_json(roots), containers),
        )
        line = audit.add(writing, by, "scan", scan_id)
    audit.tell(line)
    return scan_id


def create_batch(
    journal: Journal,
    scan_id: str,
    selection: Selection,
    *,
    kind: Literal["import", "verify"] = "import",
    auto_backup: bool = True,
    by: str = "",
) -> str:
    """A new import (or verification) of a scan, queued; returns its id, ``IMPORT_YYYYMMDD_HHMMSS_xxxxxx``.

    ``auto_backup``: write its studies to the backup folder afterwards, if there is one.
    """
    batch_id = _new_id(kind.upper())
    job(journal, scan_id)
    with journal.transaction() as writing:
        _insert_job(writing, batch_id, kind, by)
        writing.execute(
            "INSERT INTO batches (batch_id, scan_id, selection, auto_backup) VALUES (?, ?, ?, ?)",
            (batch_id, scan_id, as_json(selection), auto_backup),
        )
        line = audit.add(writing, by, kind, batch_id, scan=scan_id)
    audit.tell(line)
    return batch_id


def job(journal: Journal, job_id: str) -> Job:
    """One job. Raises ``UnknownBatch``."""
    found = journal.rows(f"{JOBS} WHERE jobs.job_id = ?", job_id)
    if not found:
        raise UnknownBatch(f"There is no scan or batch “{job_id}”. `batches` lists those that there are.")
    return _job(found[0])


def newest(journal: Journal, kind: Literal["scan", "import", "verify"], limit: int = 50) -> list[Job]:
    """The newest jobs of a kind, newest first."""
    found = journal.rows(f"{JOBS} WHERE jobs.kind = ? ORDER BY created_at DESC LIMIT ?", kind, limit)
    return [_job(row) for row in found]


def unfinished(journal: Journal) -> list[Job]:
    """The jobs that go on by themselves, oldest first: all that are neither over nor paused."""
    at_rest = "('finished', 'cancelled', 'failed', 'paused')"
    return [_job(row) for row in journal.rows(f"{JOBS} WHERE status NOT IN {at_rest} ORDER BY created_at")]


def update(journal: Journal, job_id: str, **columns: Any) -> None:
    """Write some columns of a job. Mappings are written as JSON."""
    names = ", ".join(f"{name} = ?" for name in columns)
    values = [json.dumps(value) if isinstance(value, Mapping) else value for value in columns.values()]
    with journal.transaction() as writing:
        writing.execute(f"UPDATE jobs SET {names} WHERE job_id = ?", (*values, job_id))


def scan(journal: Journal, scan_id: str) -> Scan:
    """What a scan is to do and has found out. Raises ``UnknownBatch``."""
    found = journal.rows("SELECT * FROM scans WHERE scan_id = ?", scan_id)
    if not found:
        raise UnknownBatch(f"There is no scan “{scan_id}”; scans that nothing came from are forgotten after a while.")
    row = found[0]
    return Scan(
        scan_id,
        row["root"],
        bool(row["recursive"]),
        bool(row["follow_links"]),
        bool(row["compare"]),
        row["scan_seconds"],
        row["compared_with"],
        row["compare_problem"],
        tuple(os.fsencode(root) for root in json.loads(row["roots"])),
        bool(row["containers"]),
    )


def update_scan(journal: Journal, scan_id: str, **columns: Any) -> None:
    """Write some columns of a scan."""
    names = ", ".join(f"{name} = ?" for name in columns)
    with journal.transaction() as writing:
        writing.execute(f"UPDATE scans SET {names} WHERE scan_id = ?", (*columns.values(), scan_id))


def selection_of(journal: Journal, batch_id: str) -> Selection:
    """What part of its scan a batch imports."""
    found = journal.rows("SELECT selection FROM batches WHERE batch_id = ?", batch_id)
    return from_json(found[0]["selection"]) if found else Selection()


def set_compared(journal: Journal, batch_id: str, archive_key: str) -> None:
    """Note that a batch was compared with the archive it goes to."""
    with journal.transaction() as writing:
        writing.execute("UPDATE batches SET archive_key = ?, compared = 1 WHERE batch_id = ?", (archive_key, batch_id))


def is_compared(journal: Journal, batch_id: str, archive_key: str) -> bool:
    """Whether a former run of this batch has compared it with this archive, and nothing calls for doing it again."""
    question = "SELECT 1 FROM batches WHERE batch_id = ? AND archive_key = ? AND compared = 1"
    return bool(journal.rows(question, batch_id, archive_key))


def was_for_another_archive(journal: Journal, batch_id: str, archive_key: str) -> bool:
    """Whether what a batch has reached speaks of another archive than this one."""
    question = "SELECT 1 FROM batches WHERE batch_id = ? AND archive_key NOT IN ('', ?)"
    return bool(journal.rows(question, batch_id, archive_key))


def move_to_another_archive(journal: Journal, batch_id: str) -> None:
    """Forget what was noted of the archive that a batch went to before."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE batches SET archive_key = '', compared = 0, instances_before = NULL WHERE batch_id = ?",
            (batch_id,),
        )


def remember_instances(journal: Journal, batch_id: str, archive_key: str, instances: int) -> None:
    """How many instances this archive held before the first file was sent; the first word counts."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE batches SET archive_key = ?, instances_before = coalesce(instances_before, ?) WHERE batch_id = ?",
            (archive_key, instances, batch_id),
        )


def instances_before(journal: Journal, batch_id: str) -> int | None:
    """How many instances the archive held before this batch; None where nobody has asked."""
    found = journal.rows("SELECT instances_before FROM batches WHERE batch_id = ?", batch_id)
    return found[0]["instances_before"] if found else None


def raise_alarm(journal: Journal, batch_id: str, alarm: str) -> None:
    """The archive has lost data; an empty text takes the alarm back, and so does whoever resumes or retries."""
    with journal.transaction() as writing:
        writing.execute("UPDATE batches SET alarm = ? WHERE batch_id = ?", (alarm, batch_id))


def alarm(journal: Journal, batch_id: str) -> str:
    """What the archive has lost while this batch ran; empty where all is well."""
    found = journal.rows("SELECT alarm FROM batches WHERE batch_id = ?", batch_id)
    return str(found[0]["alarm"]) if found else ""


def count_proven(journal: Journal, batch_id: str, files: int) -> None:
    """So many more files of a batch have been checked by reading back."""
    with journal.transaction() as writing:
        writing.execute("UPDATE jobs SET checked = checked + ? WHERE job_id = ?", (files, batch_id))


def start(journal: Journal, job_id: str, status: Status) -> None:
    """The job is at work now; its first start counts."""
    log.info("stage", job_id=job_id, stage=status)
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE jobs SET status = ?, started_at = coalesce(started_at, ?), message = '' WHERE job_id = ?",
            (status, time.time(), job_id),
        )


def reopen(journal: Journal, batch_id: str, *, alarm_was_seen: bool = True) -> None:
    """Queue a batch that is over once more; what it has reached stays. A person who does so has seen its alarm."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE batches SET seconds_before = seconds_before + (SELECT coalesce(finished_at - started_at, 0) "
            "FROM jobs WHERE job_id = batch_id) WHERE batch_id = ?",
            (batch_id,),
        )
        writing.execute(
            "UPDATE jobs SET status = 'queued', wanted = 'run', message = '', started_at = NULL, "
            "finished_at = NULL, checked = 0 WHERE job_id = ?",
            (batch_id,),
        )
        writing.execute(
            "UPDATE batches SET synced = 0, compared = 0, only_backup_left = 0, instances_before = NULL, "
            "alarm = iif(?, '', alarm) WHERE batch_id = ?",
            (alarm_was_seen, batch_id),
        )


def take_up(journal: Journal, job_id: str) -> None:
    """A paused job goes on, or one that was asked to pause and has not done so yet; what it has reached stays."""
    with journal.transaction() as writing:
        writing.execute("UPDATE jobs SET wanted = 'run' WHERE job_id = ? AND wanted = 'pause'", (job_id,))
        writing.execute(
            "UPDATE jobs SET status = 'queued', message = '', checked = 0 WHERE job_id = ? AND status = 'paused'",
            (job_id,),
        )


def cancel_idle(journal: Journal, job_id: str) -> None:
    """A job that nobody has in hand is over at once, unless it just ended by itself."""
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE jobs SET status = 'cancelled', finished_at = ?, message = CASE WHEN started_at IS NULL "
            "THEN 'Cancelled before it began.' ELSE 'Cancelled. What was stored stays stored.' END "
            "WHERE job_id = ? AND finished_at IS NULL",
            (time.time(), job_id),
        )
    _end_scan_of(journal, job_id)


def finish(journal: Journal, job_id: str, status: Status, message: str = "") -> None:
    """The job is over, and a scan that belongs to it with it."""
    update(
        journal,
        job_id,
        status=status,
        message=message,
        finished_at=time.time(),
        current=None,
        files_per_second=None,
        bytes_per_second=None,
    )
    _end_scan_of(journal, job_id)


def _end_scan_of(journal: Journal, batch_id: str) -> None:
    with journal.transaction() as writing:
        writing.execute(
            "UPDATE jobs SET status = 'cancelled', finished_at = ?, message = ? WHERE finished_at IS NULL "
            "AND job_id = (SELECT scan_id FROM batches WHERE batch_id = ?)",
            (time.time(), f"Ended with {batch_id}.", batch_id),
        )


def cancel(journal: Journal, job_id: str) -> None:
    """Ask a job to stop; one that no worker has begun is over at once. Raises ``UnknownBatch``."""
    job(journal, job_id)
    update(journal, job_id, wanted="cancel")


def pause(journal: Journal, job_id: str) -> None:
    """Ask a job to pause until somebody says ``resume``. Raises ``UnknownBatch``."""
    job(journal, job_id)
    with journal.transaction() as writing:
        writing.execute("UPDATE jobs SET wanted = 'pause' WHERE job_id = ? AND wanted = 'run'", (job_id,))


def wanted(journal: Journal, job_id: str) -> Literal["run", "pause", "cancel"]:
    """What somebody last asked of this job; one that is not there any more is to stop."""
    found = journal.rows("SELECT wanted FROM jobs WHERE job_id = ?", job_id)
    return found[0]["wanted"] if found else "cancel"


def rest(journal: Journal, job_id: str, message: str) -> None:
    """The job is paused, unless it is over: nothing goes on until somebody says ``resume``."""
    _rest(journal, job_id, message, "finished_at IS NULL")


def rest_if_still_wanted(journal: Journal, job_id: str, message: str) -> bool:
    """The same, unless somebody has said ``resume`` meanwhile: then False."""
    return _rest(journal, job_id, message, "finished_at IS NULL AND wanted = 'pause'")


def _rest(journal: Journal, job_id: str, message: str, condition: str) -> bool:
    with journal.transaction() as writing:
        rests = writing.execute(
            "UPDATE jobs SET status = 'paused', message = ?, current = NULL, files_per_second = NULL, "
            f"bytes_per_second = NULL WHERE job_id = ? AND {condition}",
            (message, job_id),
        )
        return rests.rowcount > 0


def unsynced(journal: Journal) -> list[str]:
    """Batches that are over and that the cache has not followed yet."""
    found = journal.rows(
        "SELECT batch_id FROM batches JOIN jobs ON job_id = batch_id WHERE synced = 0 AND finished_at IS NOT NULL"
    )
    return [row["batch_id"] for row in found]


def mark_synced(journal: Journal, batch_ids: list[str]) -> None:
    """The cache has followed these batches."""
    with journal.transaction() as writing:
        writing.executemany("UPDATE batches SET synced = 1 WHERE batch_id = ?", [(name,) for name in batch_ids])


def prune_scans(journal: Journal, older_than_seconds: float) -> int:
    """Forget finished scans that no batch came from; returns how many."""
    with journal.transaction() as writing:
        gone = writing.execute(
            "DELETE FROM jobs WHERE kind = 'scan' AND finished_at < ? AND job_id NOT IN (SELECT scan_id FROM batches)",
            (time.time() - older_than_seconds,),
        )
        return gone.rowcount


def _as_json(roots: Sequence[Path]) -> str:
    return json.dumps([str(root.expanduser().resolve()) for root in roots])


def _new_id(word: str) -> str:
    return f"{word}_{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"


def _insert_job(writing: Any, job_id: str, kind: str, by: str) -> None:
    writing.execute(
        "INSERT INTO jobs (job_id, kind, created_by, created_at) VALUES (?, ?, ?, ?)",
        (job_id, kind, by, time.time()),
    )


def _job(row: Row) -> Job:
    as_is = {field.name: row[field.name] for field in fields(Job)}
    return Job(**as_is | {"status": Status(row["status"]), "counts": json.loads(row["counts"])})
