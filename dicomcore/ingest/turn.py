"""One import of a folder at a time: a second one waits for its turn, so that both count exactly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dicomcore.ingest.stopping import LOOK_SECONDS, stop_if_wanted, wait
from dicomcore.journal import jobs
from dicomcore.journal.database import Journal
from dicomcore.model import Job, Status


@contextmanager
def turn(journal: Journal, job: Job, locks: Path) -> Iterator[None]:
    """Hold the folder of a batch while its import runs. Raises ``Cancelled`` and ``Paused`` while waiting.

    The system frees the lock of a worker that died.
    """
    folder = hashlib.sha1(job.root, usedforsecurity=False).hexdigest()
    lock = FileLock(locks / f"folder-{folder}.lock", blocking=False)
    while not _taken(lock):
        stop_if_wanted(journal, job.job_id)
        jobs.update(journal, job.job_id, message=f"Waiting for {_other(journal, job)}, which imports the same folder.")
        wait(journal, job.job_id, LOOK_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _taken(lock: FileLock) -> bool:
    try:
        lock.acquire()
    except Timeout:
        return False
    return True


def _other(journal: Journal, job: Job) -> str:
    at_work = [
        other.job_id
        for other in jobs.unfinished(journal)
        if other.root == job.root and other.kind == job.kind and other.status is not Status.QUEUED
    ]
    return at_work[0] if at_work else "another import"
