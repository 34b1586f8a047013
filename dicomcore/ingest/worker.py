"""The background process of one job: ``python -m dicomcore work ID``.

It holds a file lock while it lives, so that nobody starts a second one; the operating system frees the lock when
the process dies, however that happens.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from dicomcore import logs
from dicomcore.archive.base import Archive
from dicomcore.crashes import crash_log
from dicomcore.errors import ArchiveError, ArchiveFull, DicomViewerError, StoreError
from dicomcore.ingest.pipeline import run_import, run_scan
from dicomcore.ingest.stopping import Cancelled, Paused, PauseWanted, stop_if_wanted
from dicomcore.ingest.turn import turn
from dicomcore.ingest.verify import run_verify
from dicomcore.journal import jobs
from dicomcore.journal.database import Journal
from dicomcore.model import Job, Status

log = logs.logger(__name__)

#: So long a worker waits for the one before it, which may have said all and not ended yet.
LAST_WORDS_SECONDS = 3.0


def work(journal: Journal, archive: Callable[[], Archive], job_id: str, locks: Path, *, backup_dir: str = "") -> bool:
    """Do a job to its end; returns False where another process has it. Raises ``UnknownBatch`` and ``StoreError``.

    ``archive`` opens the archive; one that cannot be opened or fails ends the job as failed, with the remedy in its
    message. What is done stays done. ``backup_dir`` is where backups go, if anywhere.
    """

    def run(job: Job) -> None:
        if job.kind == "scan":
            run_scan(journal, archive(), job_id)
        elif job.kind == "verify":
            run_verify(journal, archive(), job_id)
        else:
            there = archive()
            with turn(journal, job, locks, alone=_may_overwrite(there)):
                run_import(journal, there, job_id, backup_dir=backup_dir)

    try:
        with _lock(locks, job_id).acquire(timeout=LAST_WORDS_SECONDS, blocking=True), logs.about(job_id=job_id):
            _do(journal, job_id, run)
    except Timeout:
        return False
    return True


def _may_overwrite(archive: Archive) -> bool:
    """Whether an archive may replace what it holds by what it is sent; one that does not tell may."""
    try:
        return archive.rules().overwrites is not False
    except ArchiveError:  # the import itself says what is wrong
        return True


def is_at_work(locks: Path, job_id: str) -> bool:
    """Whether a worker process has this job in hand right now."""
    try:
        with _lock(locks, job_id):
            return False
    except Timeout:
        return True


def start(job_id: str, data_dir: Path, log_dir: Path) -> subprocess.Popen[bytes]:
    """Start the worker of a job as a process of its own that outlives this one. It keeps ``import.log`` itself."""
    log_dir.mkdir(parents=True, exist_ok=True)
    with crash_log(log_dir) as output:
        return subprocess.Popen(
            [sys.executable, "-m", "dicomcore", "work", job_id],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, "DVP_DATA_DIR": str(data_dir), "DVP_LOG_DIR": str(log_dir)},
        )


def _do(journal: Journal, job_id: str, run: Callable[[Job], None]) -> None:
    """Run a job, and write down how it ended."""
    job = jobs.job(journal, job_id)
    if job.status.at_rest:
        return
    began = time.monotonic()
    log.info("job begins", kind=job.kind)
    try:
        stop_if_wanted(journal, job_id)
        run(job)
    except Cancelled:
        jobs.finish(journal, job_id, Status.CANCELLED, "Cancelled. What was stored stays stored.")
    except PauseWanted as pause:
        if not jobs.rest_if_still_wanted(journal, job_id, str(pause)):
            return _do(journal, job_id, run)  # somebody has said resume meanwhile
    except Paused as pause:
        jobs.rest(journal, job_id, str(pause))
    except StoreError as error:
        log.error("the journal cannot be used", exc_info=True)
        with suppress(StoreError):  # where even this cannot be written, nothing is claimed
            jobs.rest(journal, job_id, f"{error} Then press Resume.")
        raise
    except ArchiveFull as full:
        jobs.rest(journal, job_id, f"{full} Then press Resume.")
    except DicomViewerError as error:
        log.warning("job failed", exc_info=True)
        jobs.finish(journal, job_id, Status.FAILED, str(error))
    except Exception as error:
        log.error("a fault of this program", exc_info=True)
        jobs.finish(journal, job_id, Status.FAILED, f"A fault of this program: {type(error).__name__}: {error}")
    else:
        jobs.finish(journal, job_id, Status.FINISHED)
    _tell_end(jobs.job(journal, job_id), time.monotonic() - began)


def _tell_end(job: Job, seconds: float) -> None:
    """What became of a job, in this run of it."""
    log.info(
        "job ends",
        kind=job.kind,
        status=job.status,
        seconds=round(seconds, 3),
        files=job.done,
        bytes=job.done_bytes,
        counts=job.counts,
    )


def _lock(locks: Path, job_id: str) -> FileLock:
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / f"{job_id}.lock", blocking=False)
