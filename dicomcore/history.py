"""All imports and verifications with who, when, how much and how fast; and why files of one did not arrive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd

from dicomcore.journal import alarms
from dicomcore.journal import history as journal_history
from dicomcore.model import HELD, TROUBLE, Job, Outcome, Status
from dicomcore.remedies import CAUSES, Cause
from dicomcore.scan.paths import printable
from dicomcore.services import Services

PER_PAGE = 25
KINDS = {"import": "Import", "verify": "Verification"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for. Every word must be in the folder, the id, who asked, the status or the kind.

    The days are inclusive, in UTC. ``trouble``: only those with something to look at.
    """

    words: str = ""
    first: date | None = None
    last: date | None = None
    trouble: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One import or verification. ``alarm`` says what the archive has lost meanwhile; empty where all is well.

    ``decided`` is how many files in conflict a person has decided about.
    """

    job: Job
    alarm: str = ""
    decided: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some of those that fit, newest first. ``total`` is how many fit; ``page`` counts from 1."""

    entries: list[Entry]
    total: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Failures:
    """The files of a batch that have one cause; ``example`` is the path of one of them, ``reason`` its own."""

    cause: Cause
    files: int
    example: str
    reason: str


def search(services: Services, wanted: Wanted | None = None, page: int = 1, per_page: int = PER_PAGE) -> Page:
    """A page of the imports and verifications that fit; a page beyond the last one is the last one."""
    wanted = wanted or Wanted()
    found, total = _find(services, wanted, page, per_page)
    pages = max(1, -(-total // per_page))
    if page > pages:
        page = pages
        found, total = _find(services, wanted, page, per_page)
    raised = alarms.of_batches(services.journal, found)
    decided = journal_history.decided(services.journal, found)
    entries = [Entry(services.job(batch_id), raised.get(batch_id, ""), decided.get(batch_id, 0)) for batch_id in found]
    return Page(entries, total, page, pages)


def table(entries: Iterable[Entry]) -> pd.DataFrame:
    """One row each: begun (UTC), kind, folder, by, status, files, held, to_look_at, bytes, speed, seconds, batch.

    ``held`` counts files that are in the archive, ``speed`` is files a second; None where nobody knows.
    """
    return pd.DataFrame([_row(entry) for entry in entries])


def summary(entry: Entry) -> dict[str, Any]:
    """One import or verification for programs."""
    job = entry.job
    return {
        "batch_id": job.job_id,
        "kind": job.kind,
        "status": job.status.value,
        "folder": printable(job.root),
        "by": job.created_by,
        "begun": f"{datetime.fromtimestamp(job.created_at, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "found": _files(job),
        "outcomes": dict(job.counts),
        "bytes": job.total_bytes,
        "seconds": job.seconds,
        "files_per_s": speed(job),
        "alarm": entry.alarm,
        "message": job.message,
    }


def speed(job: Job) -> float | None:
    """Files a second: just now, or from the beginning to the end; None where it cannot be told."""
    if not job.status.over:
        return job.files_per_second
    return job.total / job.seconds if job.total and job.seconds else None


def to_look_at(job: Job, decided: int = 0) -> int:
    """How many files need a look, without those that a person has ``decided`` about.

    What is pending is one of them only when nothing will be done about it.
    """
    words = TROUBLE if job.status.over else TROUBLE - {Outcome.PENDING}
    return sum(job.counts.get(word.value, 0) for word in words) - decided


def alarm(services: Services, batch_id: str) -> str:
    """What nobody may overlook of a batch: what the archive has lost, or may not hold; empty where all is well."""
    return alarms.of_batch(services.journal, batch_id)


def failures(services: Services, batch_id: str) -> list[Failures]:
    """The files of a batch that need a look, grouped by cause; most first."""
    return [
        Failures(CAUSES[row["cause"]], row["files"], printable(row["path"]), row["reason"] or row["outcome"])
        for row in journal_history.causes(services.journal, batch_id)
    ]


def decided(services: Services, batch_id: str) -> int:
    """How many files of a batch that are in conflict a person has decided about."""
    return journal_history.decided(services.journal, [batch_id]).get(batch_id, 0)


def replaced(services: Services, batch_id: str) -> int:
    """How many versions of the archive have been replaced by files of a batch."""
    return journal_history.replaced(services.journal, batch_id)


def proven(services: Services, batch_id: str) -> tuple[int, int]:
    """Files whose bytes were read back from the archive and are the file's, of how many that this batch put there."""
    return journal_history.proven(services.journal, batch_id)


def may_be_retried(services: Services, batch_id: str) -> int:
    """How many files failed after the scan, so that they can be tried again without another one."""
    return journal_history.may_be_retried(services.journal, batch_id)


def scan_again(services: Services, job_id: str) -> str:
    """Scan the folder of a scan or a batch once more, looked through in the same way; returns the id of the scan.

    Raises ``PathProblem`` where the folder is not there now, or may not be scanned any more.
    """
    scan_id = services.same_scan(job_id, compare=True)
    services.start_worker(scan_id)
    return scan_id


def _find(services: Services, wanted: Wanted, page: int, per_page: int) -> tuple[list[str], int]:
    return journal_history.find(
        services.journal,
        wanted.words,
        wanted.first,
        wanted.last,
        trouble=wanted.trouble,
        offset=(page - 1) * per_page,
        limit=per_page,
    )


def _row(entry: Entry) -> dict[str, Any]:
    job = entry.job
    return {
        "begun": f"{datetime.fromtimestamp(job.created_at, UTC):%Y-%m-%d %H:%M}",
        "kind": KINDS.get(job.kind, job.kind),
        "folder": printable(job.root),
        "by": job.created_by,
        "status": f"{job.status.value}, alarm" if entry.alarm else job.status.value,
        "files": _files(job),
        "held": sum(job.counts.get(word, 0) for word in HELD),
        "to_look_at": to_look_at(job, entry.decided),
        "bytes": job.total_bytes,
        "speed": speed(job),
        "seconds": job.seconds,
        "batch": job.job_id,
    }


def _files(job: Job) -> int:
    return job.done if job.total is None and job.status is not Status.QUEUED else job.total or 0
