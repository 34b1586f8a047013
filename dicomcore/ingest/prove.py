"""The last stage: read back the archive's MD5 of everything that a batch put there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice

from dicomcore.archive.base import Archive
from dicomcore.errors import ArchiveUnreachable, NotInArchive
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.journal import jobs, outcomes
from dicomcore.journal.database import Journal
from dicomcore.journal.outcomes import Unproven
from dicomcore.model import Job, Outcome, Verdict

CONNECTIONS = 4
PROOFS_A_CHUNK = 500

#: How the reason begins for what the archive has accepted and then does not hold byte for byte.
CHANGED = "The archive changed what it was sent"


def prove(journal: Journal, archive: Archive, job: Job) -> None:
    """A file whose bytes the archive does not hold loses its outcome. Raises ``Cancelled`` and ``ArchiveError``."""
    jobs.update(journal, job.job_id, current=None, files_per_second=None, bytes_per_second=None)
    with (
        closing(outcomes.unproven(journal, job.job_id)) as waiting,
        ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="check") as pool,
    ):
        while some := list(islice(waiting, PROOFS_A_CHUNK)):
            answers = list(zip(some, pool.map(partial(_md5, archive), some), strict=True))
            _note(journal, job.job_id, [(row, md5) for row, md5 in answers if isinstance(md5, str)])
            for _, trouble in answers:
                if isinstance(trouble, ArchiveUnreachable):
                    raise trouble
            stop_if_wanted(journal, job.job_id)


def _note(journal: Journal, batch_id: str, there: list[tuple[Unproven, str]]) -> None:
    """What was read back: proven, or changed by the archive. What has gone the next look tells."""
    outcomes.mark_proven(journal, batch_id, [row.file_id for row, md5 in there if md5 == row.md5])
    outcomes.write(journal, batch_id, [_changed(row, md5) for row, md5 in there if md5 and md5 != row.md5])
    jobs.count_proven(journal, batch_id, sum(md5 != "" for _, md5 in there))


def _md5(archive: Archive, row: Unproven) -> str | ArchiveUnreachable:
    """What the archive holds, empty where it has lost the instance; one question without an answer spoils no other."""
    try:
        return archive.md5(row.archive_id)
    except NotInArchive:
        return ""
    except ArchiveUnreachable as trouble:
        return trouble


def _changed(row: Unproven, there: str) -> Verdict:
    reason = f"{CHANGED}: it holds other bytes (MD5 {there}) than the file."
    return Verdict(row.file_id, Outcome.CONFLICT, reason, row.md5, row.archive_id)
