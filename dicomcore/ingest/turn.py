"""Imports whose folders overlap take turns, so that each counts exactly, and no two of them send the same instance.

Into an archive that overwrites, or that does not tell, all imports take turns: two folders may hold the same instance.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dicomcore.ingest.stopping import LOOK_SECONDS, stop_if_wanted, wait
from dicomcore.journal import jobs
from dicomcore.journal.database import Journal
from dicomcore.model import Job


@contextmanager
def turn(journal: Journal, job: Job, locks: Path, *, alone: bool) -> Iterator[None]:
    """Hold the turn while an import runs; ``alone``: beside no other import. Raises ``Cancelled`` and ``Paused``.

    The system frees the lock of a worker that died.
    """
    mine = _lock(locks, job.job_id)
    while why := _taken_or_why_not(journal, job, locks, mine, alone):
        stop_if_wanted(journal, job.job_id)
        jobs.update(journal, job.job_id, message=why)
        wait(journal, job.job_id, LOOK_SECONDS)
    try:
        yield
    finally:
        mine.release()


def _taken_or_why_not(journal: Journal, job: Job, locks: Path, mine: FileLock, alone: bool) -> str:
    """Take the turn if nothing stands in the way; else what does, for people."""
    try:
        with turns(locks, LOOK_SECONDS):
            for other in jobs.unfinished(journal):
                in_the_way = other.kind == "import" and other.job_id != job.job_id and (alone or overlap(other, job))
                if in_the_way and _is_held(_lock(locks, other.job_id)):
                    return _waiting_for(other, job)
            mine.acquire()
    except Timeout:
        return "Waiting until a decision about a conflict is carried out."
    return ""


def turns(locks: Path, timeout: float) -> FileLock:
    """While this is held no import gets its turn. ``timeout`` in seconds, then ``Timeout``."""
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / "turns.lock", timeout=timeout)


def overlap(one: Job, other: Job) -> bool:
    """Whether the folders of two imports have files in common."""
    first, second = (os.path.join(job.root, b"") for job in (one, other))
    return first.startswith(second) or second.startswith(first)


def _waiting_for(other: Job, job: Job) -> str:
    why = "the same folder" if other.root == job.root else "another folder into this archive"
    return f"Waiting for {other.job_id}, which imports {why}."


def _is_held(lock: FileLock) -> bool:
    try:
        with lock:
            return False
    except Timeout:
        return True


def _lock(locks: Path, job_id: str) -> FileLock:
    return FileLock(locks / f"{job_id}.turn", blocking=False)
