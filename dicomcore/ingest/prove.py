"""The last stage: read back the archive's MD5 of everything that a batch put there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

from dicomcore.archive.base import Archive
from dicomcore.errors import NotInArchive
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.journal import jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.outcomes import Unproven
from dicomcore.model import Job, Outcome, Verdict

CONNECTIONS = 4
PROOFS_A_CHUNK = 500


def prove(journal: Journal, archive: Archive, job: Job) -> None:
    """A file whose bytes the archive does not hold loses its outcome. Raises ``Cancelled`` and ``ArchiveError``."""
    waiting = outcomes.unproven(journal, job.job_id)
    jobs.update(journal, job.job_id, current=None, files_per_second=None, bytes_per_second=None)
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="check") as pool:
        while some := list(islice(waiting, PROOFS_A_CHUNK)):
            problems = list(pool.map(partial(_problem, archive), some))
            proven = [row.file_id for row, problem in zip(some, problems, strict=True) if problem is None]
            outcomes.mark_proven(journal, job.job_id, proven)
            outcomes.write(journal, job.job_id, [problem for problem in problems if problem is not None])
            jobs.count_proven(journal, job.job_id, len(some))
            stop_if_wanted(journal, job.job_id)


def _problem(archive: Archive, row: Unproven) -> Verdict | None:
    """None where the archive holds exactly the file's bytes."""
    try:
        there = archive.md5(row.archive_id)
    except NotInArchive:
        reason = "The archive said it was stored, but does not have it any more. Import the folder again."
        return Verdict(row.file_id, Outcome.PENDING, reason, row.md5)
    if there == row.md5:
        return None
    reason = f"The archive changed what it was sent: it holds other bytes (MD5 {there}) than the file."
    return Verdict(row.file_id, Outcome.CONFLICT, reason, row.md5, row.archive_id)
